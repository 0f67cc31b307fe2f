//! A provider of signed documents over time: which keys it was accepted with, what its role demands, and what a change of
//! either means (CSAF 2.0, sections 7.1.18 to 7.1.20 and 7.2).
//!
//! Keys are pinned at first use. From then on the provider's own description can take keys away, never add one: whoever takes
//! over a provider's server names a key of their own first. A person adds keys, by fingerprint.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{Effect, Reason, Verdict};
use crate::time::Timestamp;

/// What a provider calls itself (CSAF 2.0 section 7.2), from the one that promises least.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProviderRole {
    /// `csaf_publisher`.
    Publisher,
    /// `csaf_provider`; also what the schema says of a description without a role.
    #[default]
    Provider,
    /// `csaf_trusted_provider`: every document has a digest and a signature beside it.
    TrustedProvider,
}

impl ProviderRole {
    /// Reads the word of a description; an unknown one promises nothing.
    #[must_use]
    pub fn parse(word: &str) -> Self {
        match word {
            "csaf_publisher" => Self::Publisher,
            "csaf_trusted_provider" => Self::TrustedProvider,
            _ => Self::Provider,
        }
    }

    /// The word of the description.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Publisher => "csaf_publisher",
            Self::Provider => "csaf_provider",
            Self::TrustedProvider => "csaf_trusted_provider",
        }
    }
}

/// When a document has to have a digest and a signature. One that is there and does not fit is refused, but for the last.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SignatureDemand {
    /// When the provider's role promises them.
    #[default]
    ByRole,
    /// Always: a provider without keys is not read.
    Always,
    /// Never: a document without them is taken, and told.
    IfPresent,
    /// Signatures are not looked at, and each run says so: for a provider whose key cannot be used. Digests still count.
    IgnoreUnsafe,
}

impl SignatureDemand {
    /// The word of settings.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::ByRole => "by-role",
            Self::Always => "always",
            Self::IfPresent => "if-present",
            Self::IgnoreUnsafe => "ignore-unsafe",
        }
    }
}

/// Who accepted a key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PinnedBy {
    /// Nobody: it was named when the provider was met first.
    #[default]
    FirstUse,
    /// A person, by fingerprint.
    Person,
}

/// A key that counts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PinnedKey {
    /// Fingerprint, upper-case hex.
    pub fingerprint: String,
    /// Since when it counts.
    pub since: Timestamp,
    /// Who accepted it.
    pub by: PinnedBy,
}

/// A provider as it was accepted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProviderPin {
    /// Address of its description.
    pub metadata: String,
    /// The most it ever promised.
    pub role: ProviderRole,
    /// Keys that count.
    pub keys: Vec<PinnedKey>,
}

impl ProviderPin {
    /// Fingerprints of the keys that count.
    #[must_use]
    pub fn fingerprints(&self) -> Vec<String> {
        self.keys.iter().map(|k| k.fingerprint.clone()).collect()
    }

    fn has(&self, fingerprint: &str) -> bool {
        self.keys.iter().any(|k| k.fingerprint == fingerprint)
    }
}

/// A provider as its description says today.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NamedProvider {
    /// Address of the description.
    pub metadata: String,
    /// Role.
    pub role: ProviderRole,
    /// Fingerprints of the keys it names.
    pub keys: Vec<String>,
}

/// One thing that is new about a provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PinChange {
    /// Met for the first time, or named keys for the first time: they are pinned.
    FirstUse {
        /// Fingerprints.
        keys: Vec<String>,
    },
    /// A person accepted a key.
    Accepted {
        /// Fingerprint.
        key: String,
    },
    /// A key was named that nobody accepted: what it signs is refused.
    NotAccepted {
        /// Fingerprint.
        key: String,
    },
    /// A pinned key is not named any more: it counts no longer.
    Withdrawn {
        /// Fingerprint.
        key: String,
    },
    /// The provider promises more than before.
    RoleRaised {
        /// Before.
        from: ProviderRole,
        /// Now.
        to: ProviderRole,
    },
    /// The provider promises less than before; the earlier promise stays in force.
    RoleLowered {
        /// Before.
        from: ProviderRole,
        /// Now.
        to: ProviderRole,
    },
    /// The description is gone; what it said before stays in force.
    DescriptionGone {
        /// Where it was.
        metadata: String,
    },
    /// No pinned key is named any more.
    NoneLeft {
        /// Fingerprints that are pinned.
        pinned: Vec<String>,
        /// Fingerprints that are named.
        named: Vec<String>,
    },
    /// A person said which keys to expect, and the provider names none of them.
    NotExpected {
        /// Fingerprints that were expected.
        expected: Vec<String>,
        /// Fingerprints that are named.
        named: Vec<String>,
    },
    /// Signatures are demanded and there is no key to check them by.
    NoKeys {
        /// Who demands them.
        by: String,
    },
}

impl PinChange {
    /// Whether nothing may be taken from the provider until a person looked.
    #[must_use]
    pub fn stops(&self) -> bool {
        match self {
            Self::NoneLeft { .. } | Self::NotExpected { .. } | Self::NoKeys { .. } => true,
            Self::FirstUse { .. }
            | Self::Accepted { .. }
            | Self::NotAccepted { .. }
            | Self::Withdrawn { .. }
            | Self::RoleRaised { .. }
            | Self::RoleLowered { .. }
            | Self::DescriptionGone { .. } => false,
        }
    }

    /// Whether a person has to see it, because it may be an attack.
    #[must_use]
    pub fn is_notice(&self) -> bool {
        match self {
            Self::FirstUse { .. } | Self::Accepted { .. } | Self::RoleRaised { .. } => false,
            Self::NotAccepted { .. }
            | Self::Withdrawn { .. }
            | Self::RoleLowered { .. }
            | Self::DescriptionGone { .. }
            | Self::NoneLeft { .. }
            | Self::NotExpected { .. }
            | Self::NoKeys { .. } => true,
        }
    }

    /// Whether the pin is another one afterwards.
    #[must_use]
    pub fn changes_pin(&self) -> bool {
        match self {
            Self::FirstUse { .. } | Self::Accepted { .. } | Self::Withdrawn { .. } | Self::RoleRaised { .. } => true,
            Self::NotAccepted { .. }
            | Self::RoleLowered { .. }
            | Self::DescriptionGone { .. }
            | Self::NoneLeft { .. }
            | Self::NotExpected { .. }
            | Self::NoKeys { .. } => false,
        }
    }
}

/// Fingerprints in words.
fn listed(keys: &[String]) -> String {
    if keys.is_empty() { "none".to_owned() } else { keys.join(", ") }
}

impl fmt::Display for PinChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::FirstUse { keys } => write!(f, "keys pinned at first use: {}", listed(keys)),
            Self::Accepted { key } => write!(f, "the key {key} was accepted"),
            Self::NotAccepted { key } => {
                write!(f, "the provider names a key that nobody accepted, {key}: what it signs is not used")
            }
            Self::Withdrawn { key } => {
                write!(f, "the provider does not name the key {key} any more; it counts no longer")
            }
            Self::RoleRaised { from, to } => write!(f, "the role rose from {} to {}", from.word(), to.word()),
            Self::RoleLowered { from, to } => write!(
                f,
                "the provider calls itself {} where it was {}; what it promised before is still demanded",
                to.word(),
                from.word()
            ),
            Self::DescriptionGone { metadata } => {
                write!(f, "the description of the provider at `{metadata}` is gone; its keys and role stay in force")
            }
            Self::NoneLeft { pinned, named } => write!(
                f,
                "the provider names other keys than the accepted ones: accepted {}, named {}",
                listed(pinned),
                listed(named)
            ),
            Self::NotExpected { expected, named } => {
                write!(
                    f,
                    "the provider does not name the expected key: expected {}, named {}",
                    listed(expected),
                    listed(named)
                )
            }
            Self::NoKeys { by } => write!(f, "{by} demands signatures, and the provider names no key to check them by"),
        }
    }
}

/// What a provider comes to today.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PinDecision {
    /// What to remember, when anything is known of the provider.
    pub pin: Option<ProviderPin>,
    /// Why, in order.
    pub changes: Vec<PinChange>,
}

impl PinDecision {
    /// Why nothing may be taken from the provider, if so.
    #[must_use]
    pub fn stopped(&self) -> Option<&PinChange> {
        self.changes.iter().find(|change| change.stops())
    }

    /// Whether the pin is to be saved.
    #[must_use]
    pub fn is_new(&self) -> bool {
        self.stopped().is_none() && self.changes.iter().any(PinChange::changes_pin)
    }
}

/// Compares what a provider says of itself with what it was accepted as. `accepted` are fingerprints that a person names now.
#[must_use]
pub fn compare(
    pinned: Option<&ProviderPin>,
    named: Option<&NamedProvider>,
    accepted: &[String],
    setting: SignatureDemand,
    now: Timestamp,
) -> PinDecision {
    let accepted: Vec<String> = accepted.iter().map(|text| fingerprint(text)).collect();
    let mut decision = match (pinned, named) {
        (None, None) => PinDecision::default(),
        (Some(pin), None) => PinDecision {
            pin: Some(pin.clone()),
            changes: vec![PinChange::DescriptionGone { metadata: pin.metadata.clone() }],
        },
        (None, Some(named)) => {
            first_use(&ProviderPin { role: named.role, ..ProviderPin::default() }, named, &accepted, now)
        }
        (Some(pin), Some(named)) if pin.keys.is_empty() => first_use(pin, named, &accepted, now),
        (Some(pin), Some(named)) => again(pin, named, &accepted, now),
    };
    let role = decision.pin.as_ref().map(|pin| pin.role);
    let none = decision.pin.as_ref().is_none_or(|pin| pin.keys.is_empty());
    if none && decision.stopped().is_none() {
        if !accepted.is_empty() {
            decision.changes.push(PinChange::NotExpected { expected: accepted, named: Vec::new() });
        } else if demand(setting, role).signature {
            let by = match setting {
                SignatureDemand::Always => "the setting".to_owned(),
                SignatureDemand::ByRole | SignatureDemand::IfPresent | SignatureDemand::IgnoreUnsafe => {
                    format!("the role {}", role.unwrap_or_default().word())
                }
            };
            decision.changes.push(PinChange::NoKeys { by });
        }
    }
    decision
}

/// A fingerprint as it is compared: upper-case, without blanks and colons.
#[must_use]
pub fn fingerprint(text: &str) -> String {
    text.chars().filter(|c| !c.is_whitespace() && *c != ':').collect::<String>().to_ascii_uppercase()
}

fn first_use(known: &ProviderPin, named: &NamedProvider, accepted: &[String], now: Timestamp) -> PinDecision {
    let mut changes = roles(known.role, named.role);
    let role = known.role.max(named.role);
    let of = |by: PinnedBy, keys: &[&String]| -> Vec<PinnedKey> {
        keys.iter().map(|key| PinnedKey { fingerprint: (*key).clone(), since: now, by }).collect()
    };
    let (expected, others): (Vec<&String>, Vec<&String>) = named.keys.iter().partition(|key| accepted.contains(key));
    let keys = if accepted.is_empty() { of(PinnedBy::FirstUse, &others) } else { of(PinnedBy::Person, &expected) };
    if !accepted.is_empty() {
        if expected.is_empty() {
            changes.push(PinChange::NotExpected { expected: accepted.to_vec(), named: named.keys.clone() });
        }
        changes.extend(expected.into_iter().map(|key| PinChange::Accepted { key: key.clone() }));
        changes.extend(others.into_iter().map(|key| PinChange::NotAccepted { key: key.clone() }));
    } else if !keys.is_empty() || known.metadata.is_empty() {
        changes.push(PinChange::FirstUse { keys: named.keys.clone() });
    }
    PinDecision { pin: Some(ProviderPin { metadata: named.metadata.clone(), role, keys }), changes }
}

fn again(pin: &ProviderPin, named: &NamedProvider, accepted: &[String], now: Timestamp) -> PinDecision {
    let mut changes = roles(pin.role, named.role);
    let mut keys: Vec<PinnedKey> = pin.keys.iter().filter(|k| named.keys.contains(&k.fingerprint)).cloned().collect();
    for key in named.keys.iter().filter(|key| !pin.has(key)) {
        if accepted.contains(key) {
            keys.push(PinnedKey { fingerprint: key.clone(), since: now, by: PinnedBy::Person });
            changes.push(PinChange::Accepted { key: key.clone() });
        } else {
            changes.push(PinChange::NotAccepted { key: key.clone() });
        }
    }
    if let Some(missing) = accepted.iter().find(|key| !named.keys.contains(key)) {
        changes.push(PinChange::NotExpected { expected: vec![missing.clone()], named: named.keys.clone() });
    }
    if keys.is_empty() {
        changes.push(PinChange::NoneLeft { pinned: pin.fingerprints(), named: named.keys.clone() });
        return PinDecision { pin: Some(pin.clone()), changes };
    }
    let gone = pin.keys.iter().filter(|k| !named.keys.contains(&k.fingerprint));
    changes.extend(gone.map(|k| PinChange::Withdrawn { key: k.fingerprint.clone() }));
    PinDecision {
        pin: Some(ProviderPin { metadata: named.metadata.clone(), role: pin.role.max(named.role), keys }),
        changes,
    }
}

fn roles(from: ProviderRole, to: ProviderRole) -> Vec<PinChange> {
    match from.cmp(&to) {
        std::cmp::Ordering::Less => vec![PinChange::RoleRaised { from, to }],
        std::cmp::Ordering::Equal => Vec::new(),
        std::cmp::Ordering::Greater => vec![PinChange::RoleLowered { from, to }],
    }
}

/// What a document has to have beside it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Demand {
    /// A digest.
    pub digest: bool,
    /// A signature.
    pub signature: bool,
}

/// What the setting and the role demand; nothing is known of the role of a provider without a description.
#[must_use]
pub fn demand(setting: SignatureDemand, role: Option<ProviderRole>) -> Demand {
    let both = match setting {
        SignatureDemand::Always => true,
        SignatureDemand::IfPresent | SignatureDemand::IgnoreUnsafe => false,
        SignatureDemand::ByRole => role == Some(ProviderRole::TrustedProvider),
    };
    Demand { digest: both, signature: both }
}

/// A document that may be used.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Taken {
    /// The key that vouches for it; nothing when nobody does.
    pub key: Option<String>,
    /// A digest was beside it, and fits.
    pub digest: bool,
}

/// Decides about one document by what was found beside it: `digest` and `signature` are empty when there is none of it.
/// A digest from the document's own server proves nothing, so it only ever refuses.
///
/// # Errors
/// Why it must not be used, all reasons.
pub fn document(file: &str, demand: Demand, digest: &[Reason], signature: &[Reason]) -> Result<Taken, Vec<Reason>> {
    let mut refusals: Vec<Reason> = digest.iter().filter(|r| r.effect() == Effect::Refuses).cloned().collect();
    if digest.is_empty() && demand.digest {
        refusals.push(Reason::NoStrongDigest { file: file.to_owned(), found: Vec::new() });
    }
    let verdict = Verdict::of(file, signature.to_vec());
    if signature.is_empty() {
        if demand.signature {
            refusals.push(Reason::NotSigned { file: file.to_owned() });
        }
    } else if !verdict.is_verified() {
        refusals.extend(verdict.refusals().cloned());
        if refusals.is_empty() {
            // Neither proven nor refused: reasons that only note do not vouch.
            refusals.push(Reason::NotSigned { file: file.to_owned() });
        }
    }
    if !refusals.is_empty() {
        return Err(refusals);
    }
    let key = verdict
        .reasons
        .iter()
        .find_map(|reason| if let Reason::SignedBy { key, .. } = reason { Some(key.clone()) } else { None });
    Ok(Taken { key, digest: digest.iter().any(|r| r.effect() == Effect::Proves) })
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    const B: &str = "BBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBB";
    const DAY: Timestamp = Timestamp(1_000);

    fn named(role: ProviderRole, keys: &[&str]) -> NamedProvider {
        NamedProvider { metadata: "m".to_owned(), role, keys: keys.iter().map(|k| (*k).to_owned()).collect() }
    }

    fn pin(role: ProviderRole, keys: &[&str]) -> ProviderPin {
        let keys = keys.iter().map(|k| PinnedKey {
            fingerprint: (*k).to_owned(),
            since: Timestamp(1),
            by: PinnedBy::FirstUse,
        });
        ProviderPin { metadata: "m".to_owned(), role, keys: keys.collect() }
    }

    fn of(pinned: Option<&ProviderPin>, named: &NamedProvider, accepted: &[&str]) -> (Vec<String>, bool, bool) {
        let accepted: Vec<String> = accepted.iter().map(|k| (*k).to_owned()).collect();
        let done = compare(pinned, Some(named), &accepted, SignatureDemand::ByRole, DAY);
        let keys = done.pin.as_ref().map(ProviderPin::fingerprints).unwrap_or_default();
        (keys, done.stopped().is_some(), done.is_new())
    }

    #[test]
    fn keys_are_pinned_once_and_no_description_adds_one() {
        use ProviderRole::{Provider, TrustedProvider};
        let both = pin(TrustedProvider, &[A, B]);
        let one = pin(TrustedProvider, &[A]);
        let keys = |k: &[&str]| -> Vec<String> { k.iter().map(|k| (*k).to_owned()).collect() };
        // (pinned, named, accepted by a person) → (keys in force, stopped, pin is saved)
        for (pinned, names, accepted, want) in [
            (None, named(TrustedProvider, &[A]), vec![], (keys(&[A]), false, true)),
            (Some(&one), named(TrustedProvider, &[A]), vec![], (keys(&[A]), false, false)),
            (Some(&one), named(TrustedProvider, &[A, B]), vec![], (keys(&[A]), false, false)),
            (Some(&one), named(TrustedProvider, &[A, B]), vec![B], (keys(&[A, B]), false, true)),
            (Some(&one), named(TrustedProvider, &[B]), vec![], (keys(&[A]), true, false)),
            (Some(&one), named(TrustedProvider, &[]), vec![], (keys(&[A]), true, false)),
            (Some(&one), named(TrustedProvider, &[B]), vec![B], (keys(&[B]), false, true)),
            (Some(&one), named(TrustedProvider, &[B]), vec![A], (keys(&[A]), true, false)),
            (Some(&both), named(TrustedProvider, &[B]), vec![], (keys(&[B]), false, true)),
            (None, named(TrustedProvider, &[A, B]), vec![B], (keys(&[B]), false, true)),
            (None, named(TrustedProvider, &[A]), vec![B], (keys(&[]), true, false)),
            (None, named(TrustedProvider, &[]), vec![], (keys(&[]), true, false)),
            (None, named(Provider, &[]), vec![], (keys(&[]), false, true)),
            (Some(&pin(Provider, &[])), named(Provider, &[]), vec![], (keys(&[]), false, false)),
            (Some(&pin(Provider, &[])), named(Provider, &[A]), vec![], (keys(&[A]), false, true)),
        ] {
            assert_eq!(of(pinned, &names, &accepted), want, "{pinned:?} {names:?} {accepted:?}");
        }
        let spaced = "bbbb bbbb bbbb bbbb bbbb  bbbb bbbb bbbb bbbb bbbb";
        assert_eq!(of(Some(&one), &named(TrustedProvider, &[A, B]), &[spaced]).0, keys(&[A, B]));
    }

    #[test]
    fn what_was_promised_once_stays_demanded() {
        let trusted = pin(ProviderRole::TrustedProvider, &[A]);
        let lower = named(ProviderRole::Provider, &[A]);
        let done = compare(Some(&trusted), Some(&lower), &[], SignatureDemand::ByRole, DAY);
        assert_eq!(done.pin.as_ref().map(|p| p.role), Some(ProviderRole::TrustedProvider));
        assert!(done.changes.iter().any(PinChange::is_notice) && !done.is_new());
        let gone = compare(Some(&trusted), None, &[], SignatureDemand::ByRole, DAY);
        assert_eq!(gone.pin, Some(trusted));
        assert!(gone.changes.iter().any(PinChange::is_notice) && gone.stopped().is_none());
        let nobody = |setting| compare(None, None, &[], setting, DAY).stopped().is_some();
        assert!(!nobody(SignatureDemand::ByRole) && nobody(SignatureDemand::Always));
    }

    #[test]
    fn a_document_needs_what_is_demanded_and_nothing_that_contradicts() {
        let good = [Reason::SignedBy {
            file: "x".to_owned(),
            key: A.to_owned(),
            owner: None,
            keyring: "k".to_owned(),
            at: None,
        }];
        let bad = [Reason::KeyUnknown { file: "x".to_owned(), key: B.to_owned(), keyring: "k".to_owned() }];
        let fits = [Reason::DigestMatches {
            file: "x".to_owned(),
            algorithm: "SHA-256".to_owned(),
            digest: "d".to_owned(),
            listed_in: "x.sha256".to_owned(),
        }];
        let lies = [Reason::DigestDiffers {
            file: "x".to_owned(),
            algorithm: "SHA-256".to_owned(),
            expected: "d".to_owned(),
            found: "e".to_owned(),
        }];
        let (free, both) = (Demand::default(), Demand { digest: true, signature: true });
        let kinds = |demand, digest: &[Reason], signature: &[Reason]| -> Vec<&'static str> {
            match document("x", demand, digest, signature) {
                Ok(taken) => vec![if taken.key.is_some() { "signed" } else { "unsigned" }],
                Err(reasons) => reasons.iter().map(|r| r.kind().0).collect(),
            }
        };
        assert_eq!(kinds(free, &[], &[]), ["unsigned"]);
        assert_eq!(kinds(free, &[], &good), ["signed"]);
        assert_eq!(kinds(free, &fits, &[]), ["unsigned"], "a digest beside a document vouches for nothing");
        assert_eq!(kinds(both, &fits, &[]), ["not_signed"]);
        assert_eq!(kinds(both, &[], &good), ["no_strong_digest"]);
        assert_eq!(kinds(both, &[], &[]), ["no_strong_digest", "not_signed"]);
        assert_eq!(kinds(both, &fits, &good), ["signed"]);
        for demand in [free, both] {
            assert_eq!(kinds(demand, &lies, &good), ["digest_differs"]);
            assert_eq!(kinds(demand, &fits, &bad), ["key_unknown"]);
        }
    }
}
