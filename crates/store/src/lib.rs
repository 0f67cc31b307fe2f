//! One concrete database over SQLite and PostgreSQL: migrations, SQL, rows to domain values.
//!
//! ```text
//! let db = Db::connect("sqlite:///var/lib/patchwright/patchwright.db", &Options::new(now)).await?;
//! let mut read = db.read().await?;            // one consistent moment
//! let host = read.host_fetch(&id).await?;
//! let mut txn = db.write().await?;            // BEGIN IMMEDIATE on SQLite
//! txn.host_profile_save(&id, &profile, host.generation).await?;   // Conflict when somebody was faster
//! txn.audit_append(entry);
//! txn.commit().await?;                        // state, audit and outbox together, or nothing
//! ```
//!
//! Reading functions are on [`Reader`]; a [`WriteTxn`] is a reader too. Functions are named noun first, verb second. The crate
//! decides nothing: who may do it, what it means and when it is are the caller's. Every query is a named constant and both
//! engines run the same text; the few differences are in `dialect.rs`.

mod account;
mod asset;
mod audit;
mod db;
mod dialect;
mod error;
mod exception;
mod feed;
mod host;
mod intel;
mod inventory;
mod link;
mod migrate;
mod outbox;
mod policy;
mod saved_view;
mod setting;
mod source;
mod token;
mod txn;
mod vex_document;

pub use account::{NewUser, SecretHash, Session, UserAccount, UserChange};
pub use asset::StoredAsset;
pub use audit::AuditVerified;
pub use db::{Access, CheckReport, Create, Db, Migrate, Options};
pub use dialect::{EXCEPTIONS, Engine};
pub use error::StoreError;
pub use exception::{DECISIONS_MAX, StoredException, StoredNotAffected};
pub use feed::{Feed, FeedOutcome, FeedProblem, FeedRun, FeedState, FoundProblem, Shrink};
pub use host::{Host, HostCounters, HostFilter, HostOrder, HostPage, HostStamp, PAGE_MAX};
pub use intel::{Activation, BundleKey, KnownPart};
pub use inventory::{
    FactsChange, FactsSaved, FactsVersion, FactsWrite, PackageSet, StoredFacts, facts_hash, package_set_hash,
};
pub use outbox::OutboxRow;
pub use policy::PolicyVersion;
pub use saved_view::SavedView;
pub use setting::Setting;
pub use source::{SeenSource, SourceContent, SourceSight, StoredAssessment};
pub use token::ApiToken;
pub use txn::{Reader, WriteTxn};
pub use vex_document::StoredDocument;

/// How often a row was written. A write names the generation it read; when another writer came first, it gets
/// [`StoreError::Conflict`] instead of overwriting what it never saw.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Generation(pub i64);

impl Generation {
    /// The generation of a row that was just inserted.
    pub const FIRST: Self = Self(1);

    /// The generation after a guarded write.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}
