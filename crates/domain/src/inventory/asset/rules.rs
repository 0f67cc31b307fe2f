//! Rules that say what assets are: the policy document of kind `assets`.
//!
//! ```toml
//! schema = "1"
//! kind = "assets"
//!
//! [[rule]]
//! name = "web servers"
//! hostname = "web-*"
//! os = "debian:*"
//! group = "webservers"
//! set = { environment = "production", tier = "T2", exposure = "internet", tags = "cde" }
//! ```
//!
//! Every condition that a rule has must hold; `*` stands for any text. The first rule that sets a field decides it.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use super::identity::name_key;
use super::{Claim, Field, Source, Standing};
use crate::decision::profile::AssetProfile;
use crate::time::Timestamp;

/// Largest document, in bytes.
const DOCUMENT_MAX: usize = 1 << 20;
/// Most rules.
const RULES_MAX: usize = 1_000;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    schema: String,
    kind: String,
    #[serde(default, rename = "rule")]
    rules: Vec<RawRule>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawRule {
    name: String,
    hostname: Option<String>,
    os: Option<String>,
    group: Option<String>,
    set: BTreeMap<String, String>,
}

/// One rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// Name, which becomes the source of what it sets.
    pub name: String,
    hostname: Option<String>,
    os: Option<String>,
    group: Option<String>,
    set: Vec<(Field, String)>,
}

/// What a rule can look at.
#[derive(Clone, Copy, Debug)]
pub struct Asset<'a> {
    /// Host name.
    pub hostname: &'a str,
    /// System as `id:version`; empty where nobody knows.
    pub os: &'a str,
    /// Groups of the inventory that it came from.
    pub groups: &'a [String],
}

/// Why a document of rules was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct RulesError(String);

/// The rules.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rules(Vec<Rule>);

impl Rules {
    /// Reads a document.
    ///
    /// # Errors
    /// [`RulesError`] naming the line or the rule.
    pub fn parse(text: &str) -> Result<Self, RulesError> {
        let fail = |what: String| Err(RulesError(what));
        if text.len() > DOCUMENT_MAX {
            return fail(format!("the rules have more than {DOCUMENT_MAX} bytes"));
        }
        let document: Document = toml::from_str(text).map_err(|e| RulesError(e.to_string()))?;
        if document.schema != "1" || document.kind != "assets" {
            return fail("rules for assets begin with `schema = \"1\"` and `kind = \"assets\"`".to_owned());
        }
        if document.rules.len() > RULES_MAX {
            return fail(format!("more than {RULES_MAX} rules"));
        }
        let mut names = BTreeSet::new();
        let mut rules = Vec::new();
        for raw in document.rules {
            let name = raw.name;
            if name.trim().is_empty() || !names.insert(name.clone()) {
                return fail(format!("rule `{name}` has an empty name, or one that is there twice"));
            }
            if raw.hostname.is_none() && raw.os.is_none() && raw.group.is_none() {
                return fail(format!(
                    "rule `{name}` has no condition: give hostname, os or group (`hostname = \"*\"` for all)"
                ));
            }
            let mut set = Vec::new();
            for (key, value) in raw.set {
                let Some(field) = Field::parse(&key) else {
                    return fail(format!("rule `{name}`: `{key}` is no field of an asset"));
                };
                if let Err(error) = field.set(&mut AssetProfile::default(), &value) {
                    return fail(format!("rule `{name}`: {error}"));
                }
                set.push((field, value));
            }
            if set.is_empty() {
                return fail(format!("rule `{name}` sets nothing"));
            }
            rules.push(Rule { name, hostname: raw.hostname, os: raw.os, group: raw.group, set });
        }
        Ok(Self(rules))
    }

    /// The rules, in order.
    #[must_use]
    pub fn list(&self) -> &[Rule] {
        &self.0
    }

    /// What the rules say about an asset: for each field the first rule that sets it.
    #[must_use]
    pub fn claims(&self, asset: &Asset<'_>, at: Timestamp) -> Vec<Claim> {
        let mut out: Vec<Claim> = Vec::new();
        for rule in self.0.iter().filter(|r| r.holds(asset)) {
            for (field, value) in &rule.set {
                if !out.iter().any(|c| c.field == *field) {
                    let source = Source { by: Standing::Rule, who: rule.name.clone(), at };
                    out.push(Claim { field: *field, value: value.clone(), source });
                }
            }
        }
        out
    }
}

impl Rule {
    fn holds(&self, asset: &Asset<'_>) -> bool {
        let fits = |pattern: &Option<String>, text: &str| {
            pattern.as_deref().is_none_or(|p| glob(&p.to_lowercase(), &text.to_lowercase()))
        };
        fits(&self.hostname, &name_key(asset.hostname))
            && fits(&self.os, asset.os)
            && (self.group.is_none() || asset.groups.iter().any(|g| fits(&self.group, g)))
    }
}

/// Whether a text fits a pattern in which `*` stands for any text. Linear in both for patterns as people write them.
fn glob(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(mut rest) = parts.next().and_then(|first| text.strip_prefix(first)) else { return false };
    let mut parts = parts.peekable();
    if parts.peek().is_none() {
        return rest.is_empty();
    }
    while let Some(part) = parts.next() {
        if parts.peek().is_none() {
            return rest.ends_with(part);
        }
        let Some((_, after)) =
            rest.split_once(part).filter(|_| !part.is_empty()).or(part.is_empty().then_some(("", rest)))
        else {
            return false;
        };
        rest = after;
    }
    true
}
