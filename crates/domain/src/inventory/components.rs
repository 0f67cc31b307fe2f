//! Packages of languages (Python, JavaScript, Java, …) that lie on a host beside those of its package manager.

use serde::{Deserialize, Serialize};

/// One installed package of a language ecosystem.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(default)]
pub struct Component {
    /// Ecosystem in OSV's spelling (`PyPI`, `npm`, `Maven`).
    pub ecosystem: String,
    /// Name as advisories of the ecosystem write it (`jinja2`, `@babel/core`, `org.apache.logging.log4j:log4j-core`).
    pub name: String,
    /// Version.
    pub version: String,
    /// Package URL (`pkg:pypi/jinja2@3.1.2`).
    pub purl: String,
    /// File or folder that says so (`/usr/local/lib/python3.11/dist-packages/jinja2-3.1.2.dist-info`), where known.
    pub location: Option<String>,
    /// Package of the operating system that brought it. Then only the operating system's own statements judge it: its
    /// maintainers fix without changing the upstream version.
    pub owned_by: Option<String>,
}

/// What a host's subscription to its vendor's repositories is worth.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EntitlementState {
    /// A certificate is there and valid.
    Valid,
    /// Its last day has passed.
    Lapsed,
    /// Repositories ask for a certificate that is not there.
    Missing,
    /// Repositories ask for one; whether it is valid could not be seen.
    #[default]
    Unknown,
}

/// A subscription that configured repositories need. Without a valid one the package manager reports no updates although
/// there are some.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Entitlement {
    /// Whether it can be used.
    pub state: EntitlementState,
    /// Enabled repositories that need it.
    pub repositories: Vec<String>,
    /// Last moment of its validity, where the certificate tells.
    pub until: Option<crate::time::Timestamp>,
    /// Files and settings that say so.
    pub evidence: Vec<String>,
}

impl Entitlement {
    /// Why the absence of updates proves nothing; nothing for a subscription that works.
    #[must_use]
    pub fn complaint(&self) -> Option<String> {
        let repositories = match self.repositories.as_slice() {
            [] => "the vendor's repositories".to_owned(),
            [one] => format!("repository `{one}`"),
            [one, rest @ ..] => format!("repository `{one}` and {} more", rest.len()),
        };
        match self.state {
            EntitlementState::Valid | EntitlementState::Unknown => None,
            EntitlementState::Lapsed => Some(match self.until {
                Some(until) => format!("the subscription for {repositories} lapsed on {}", until.date()),
                None => format!("the subscription for {repositories} has lapsed"),
            }),
            EntitlementState::Missing => {
                Some(format!("{repositories} is configured, but this host has no subscription that opens it"))
            }
        }
    }
}
