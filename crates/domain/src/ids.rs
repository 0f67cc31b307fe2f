//! Ids are distinct types, declared in one list. Inside they are UUIDv7 text made by the caller; on display they carry a prefix.

use std::fmt;

use serde::{Deserialize, Serialize};

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident = $prefix:literal),+ $(,)?) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// The prefix that every id of this kind shows.
            pub const PREFIX: &'static str = $prefix;

            /// Builds the id from the unique part the caller made (lower-case hex of a UUIDv7, no dashes).
            #[must_use]
            pub fn from_unique(unique: &str) -> Self {
                Self(format!("{}{unique}", $prefix))
            }

            /// Reads an id as shown; nothing when the prefix or the characters are wrong.
            #[must_use]
            pub fn parse(text: &str) -> Option<Self> {
                let rest = text.strip_prefix($prefix)?;
                let good = !rest.is_empty() && rest.len() <= 64 && rest.bytes().all(|b| b.is_ascii_alphanumeric());
                good.then(|| Self(text.to_owned()))
            }

            /// The id as text, prefix included.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    )+};
}

ids! {
    /// A managed or imported host.
    HostId = "hst_",
    /// A person or service that may sign in.
    UserId = "usr_",
    /// A browser session.
    SessionId = "ses_",
    /// An API token.
    TokenId = "tok_",
    /// One version of a policy document.
    PolicyId = "pol_",
    /// One run of a feed.
    FeedRunId = "run_",
    /// One audit record.
    AuditId = "aud_",
    /// A question that a person keeps.
    ViewId = "viw_",
    /// A repository, a single artifact or a source patch that is assessed; made from what it is, so that every host names it alike.
    SourceId = "src_",
    /// An exception from a due date, or the draft of one.
    ExceptionId = "exc_",
    /// A statement of this organisation that findings are not affected.
    StatementId = "vex_",
    /// A VEX document of somebody else that was taken in.
    DocumentId = "vdc_",
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_of_another_kind_is_refused() {
        let host = HostId::from_unique("0190aa");
        assert_eq!(HostId::parse(host.as_str()), Some(host.clone()));
        assert_eq!(UserId::parse(host.as_str()), None);
        assert_eq!(HostId::parse("hst_"), None);
        assert_eq!(HostId::parse("hst_../x"), None);
    }
}
