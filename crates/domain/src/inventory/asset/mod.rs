//! What an asset is to the organisation, field by field: who said it, when, and whose word counts.
//!
//! A person's word stands above an import's, an import's above a rule's, a rule's above the default. Between two of the same
//! standing the later one counts. Every decision here returns its reasons.

pub mod identity;
pub mod rules;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::decision::profile::{AssetProfile, DataClass, Exposure, Tier};
use crate::time::Timestamp;

/// Longest value of a field, in bytes.
const VALUE_MAX: usize = 256;
/// Most services or tags of one asset.
const LIST_MAX: usize = 64;

/// A field of [`AssetProfile`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Field {
    /// Environment.
    Environment,
    /// Importance.
    Tier,
    /// Data classification.
    DataClass,
    /// Reachability.
    Exposure,
    /// Zone or site.
    Zone,
    /// Accountable owner.
    Owner,
    /// Services, a list.
    Services,
    /// Regulatory scope tags, a list.
    Tags,
}

/// Why a value was not taken into a field.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{value}` is no {}: {why}", field.word())]
pub struct FieldError {
    /// The field.
    pub field: Field,
    /// The value.
    pub value: String,
    /// What is known.
    pub why: &'static str,
}

impl Field {
    /// Every field, in the order of tables.
    pub const ALL: [Self; 8] = [
        Self::Environment,
        Self::Tier,
        Self::DataClass,
        Self::Exposure,
        Self::Zone,
        Self::Owner,
        Self::Services,
        Self::Tags,
    ];

    /// The word in documents.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Environment => "environment",
            Self::Tier => "tier",
            Self::DataClass => "data_class",
            Self::Exposure => "exposure",
            Self::Zone => "zone",
            Self::Owner => "owner",
            Self::Services => "services",
            Self::Tags => "tags",
        }
    }

    /// Reads the word, or a short form of it (`env`, `data`, `service`, `tag`).
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "env" => Some(Self::Environment),
            "data" => Some(Self::DataClass),
            "service" => Some(Self::Services),
            "tag" => Some(Self::Tags),
            _ => Self::ALL.into_iter().find(|f| f.word() == text),
        }
    }

    /// Sets the field from text. Lists are separated by `;`, `,` or `+`. Capitals do not matter in closed vocabularies.
    ///
    /// # Errors
    /// [`FieldError`] for a word that the vocabulary of the field does not have, or a value that is too long.
    pub fn set(self, profile: &mut AssetProfile, value: &str) -> Result<(), FieldError> {
        let value = value.trim();
        let bad = |why| Err(FieldError { field: self, value: value.chars().take(64).collect(), why });
        if value.len() > VALUE_MAX * LIST_MAX || value.chars().any(char::is_control) {
            return bad("it is too long or holds control characters");
        }
        let word = value.to_ascii_lowercase();
        match self {
            Self::Environment | Self::Zone | Self::Owner if value.len() > VALUE_MAX => return bad("it is too long"),
            Self::Environment => value.clone_into(&mut profile.environment),
            Self::Zone => value.clone_into(&mut profile.zone),
            Self::Owner => value.clone_into(&mut profile.owner),
            Self::Tier => {
                profile.tier = match word.as_str() {
                    "t1" | "1" => Tier::T1,
                    "t2" | "2" => Tier::T2,
                    "t3" | "3" => Tier::T3,
                    "t4" | "4" => Tier::T4,
                    _ => return bad("tiers are T1, T2, T3, T4"),
                }
            }
            Self::DataClass => {
                profile.data_class = match word.as_str() {
                    "restricted" => DataClass::Restricted,
                    "confidential" => DataClass::Confidential,
                    "public" => DataClass::Public,
                    "unknown" => DataClass::Unknown,
                    _ => return bad("data is restricted, confidential, public or unknown"),
                }
            }
            Self::Exposure => {
                profile.exposure = match word.as_str() {
                    "internet" => Exposure::Internet,
                    "internal" => Exposure::Internal,
                    "isolated" => Exposure::Isolated,
                    "unknown" => Exposure::Unknown,
                    _ => return bad("exposure is internet, internal, isolated or unknown"),
                }
            }
            Self::Services | Self::Tags => {
                let mut list: Vec<String> = value
                    .split([';', ',', '+'])
                    .map(|part| part.trim().to_owned())
                    .filter(|part| !part.is_empty())
                    .collect();
                if list.len() > LIST_MAX || list.iter().any(|part| part.len() > VALUE_MAX) {
                    return bad("the list is too long");
                }
                list.sort();
                list.dedup();
                if self == Self::Services {
                    profile.services = list;
                } else {
                    profile.tags = list;
                }
            }
        }
        Ok(())
    }

    /// The field as text that [`Field::set`] reads back; lists are joined by `;`.
    #[must_use]
    pub fn get(self, profile: &AssetProfile) -> String {
        match self {
            Self::Environment => profile.environment.clone(),
            Self::Zone => profile.zone.clone(),
            Self::Owner => profile.owner.clone(),
            Self::Services => profile.services.join(";"),
            Self::Tags => profile.tags.join(";"),
            Self::Tier => match profile.tier {
                Tier::T1 => "T1",
                Tier::T2 => "T2",
                Tier::T3 => "T3",
                Tier::T4 => "T4",
            }
            .to_owned(),
            Self::DataClass => match profile.data_class {
                DataClass::Restricted => "restricted",
                DataClass::Confidential => "confidential",
                DataClass::Public => "public",
                DataClass::Unknown => "unknown",
            }
            .to_owned(),
            Self::Exposure => match profile.exposure {
                Exposure::Internet => "internet",
                Exposure::Internal => "internal",
                Exposure::Isolated => "isolated",
                Exposure::Unknown => "unknown",
            }
            .to_owned(),
        }
    }
}

/// Standing of a word about an asset, the lowest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// A rule of the policy `assets`.
    Rule,
    /// A record of an inventory or CMDB.
    Import,
    /// Somebody who set it on the host.
    Person,
}

impl Standing {
    /// The word for people.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Rule => "rule",
            Self::Import => "import",
            Self::Person => "person",
        }
    }
}

/// Who said the value of a field, and when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Source {
    /// Standing.
    pub by: Standing,
    /// Name of the rule, the import's source, or the person.
    pub who: String,
    /// When it was said.
    pub at: Timestamp,
}

/// Sources of the fields that anybody said; a field without one has its default.
pub type Sources = BTreeMap<Field, Source>;

/// A value that somebody claims.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// Field.
    pub field: Field,
    /// Value as text.
    pub value: String,
    /// Who says so.
    pub source: Source,
}

/// What became of a claim.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The field has a new value.
    Changed {
        /// Field.
        field: Field,
        /// Value before.
        from: String,
        /// Value now.
        to: String,
    },
    /// The claim says what the field has already.
    Agreed {
        /// Field.
        field: Field,
    },
    /// Somebody of a higher standing, or another of the same standing later, said something else, which stays.
    Outranked {
        /// Field.
        field: Field,
        /// Value that stays.
        stays: String,
        /// Value that was claimed.
        claimed: String,
        /// Standing of the claim.
        claimant: Standing,
        /// Who said what stays.
        by: Source,
    },
    /// The value is none of this field.
    Refused(FieldError),
}

/// A profile after claims.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settled {
    /// The profile.
    pub profile: AssetProfile,
    /// Who said what is in it.
    pub sources: Sources,
    /// What became of each claim, in their order.
    pub outcomes: Vec<Outcome>,
}

/// Applies claims to a profile. A field that differs from the default and has no source was set before sources were kept: it
/// counts as a person's word, because until then only people could set one.
#[must_use]
pub fn settle(profile: &AssetProfile, sources: &Sources, claims: &[Claim]) -> Settled {
    let mut settled = Settled { profile: profile.clone(), sources: sources.clone(), outcomes: Vec::new() };
    let blank = AssetProfile::default();
    for claim in claims {
        let field = claim.field;
        let mut next = settled.profile.clone();
        if let Err(error) = field.set(&mut next, &claim.value) {
            settled.outcomes.push(Outcome::Refused(error));
            continue;
        }
        let (from, to) = (field.get(&settled.profile), field.get(&next));
        let unsaid = Source { by: Standing::Person, who: "set before sources were kept".to_owned(), at: Timestamp(0) };
        let before = settled.sources.get(&field).cloned().or_else(|| (from != field.get(&blank)).then_some(unsaid));
        let outcome = match before {
            Some(by) if stands(&by, &claim.source) => {
                if from == to {
                    Outcome::Agreed { field }
                } else {
                    Outcome::Outranked { field, stays: from, claimed: to, claimant: claim.source.by, by }
                }
            }
            Some(_) | None => {
                let changed = from != to;
                // The same word again from the same mouth keeps its date, so that a repeated import changes nothing.
                let same =
                    settled.sources.get(&field).is_some_and(|s| s.by == claim.source.by && s.who == claim.source.who);
                if changed || !same {
                    settled.sources.insert(field, claim.source.clone());
                }
                settled.profile = next;
                if changed { Outcome::Changed { field, from, to } } else { Outcome::Agreed { field } }
            }
        };
        settled.outcomes.push(outcome);
    }
    settled
}

/// Whether what was said stays against a claim.
fn stands(said: &Source, claim: &Source) -> bool {
    said.by > claim.by || (said.by == claim.by && said.who != claim.who && said.at > claim.at)
}

/// The sources after a person replaced the whole profile: who changed a field said it, the others keep theirs.
#[must_use]
pub fn edited(before: &AssetProfile, after: &AssetProfile, sources: &Sources, who: &str, at: Timestamp) -> Sources {
    let mut out = sources.clone();
    for field in Field::ALL {
        if field.get(before) != field.get(after) {
            out.insert(field, Source { by: Standing::Person, who: who.to_owned(), at });
        }
    }
    out
}

/// What rules say now, after they may have changed: a field whose rule no longer speaks goes back to its default.
#[must_use]
pub fn rules_again(profile: &AssetProfile, sources: &Sources, claims: &[Claim]) -> Settled {
    let (mut base, mut kept) = (profile.clone(), sources.clone());
    let blank = AssetProfile::default();
    for field in Field::ALL {
        let silent =
            kept.get(&field).is_some_and(|s| s.by == Standing::Rule) && !claims.iter().any(|c| c.field == field);
        if silent && field.set(&mut base, &field.get(&blank)).is_ok() {
            kept.remove(&field);
        }
    }
    settle(&base, &kept, claims)
}
