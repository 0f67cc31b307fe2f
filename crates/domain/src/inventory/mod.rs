//! What we run: the facts of one host as an agent or an import saw them.
//!
//! Collecting never needs root. What could not be seen is said in [`HostFacts::unseen`], so that "nothing found" and
//! "could not look" never look alike.

pub mod asset;
pub mod components;
pub mod evidence;
pub mod facts;
pub mod source;
pub mod system;

pub use components::{Component, Entitlement, EntitlementState};
pub use evidence::{BlockedModule, ModuleFacts, PackagedService, Setting, SettingAnswer, SettingSeen, SettingState};
pub use facts::{Os, Package, PackageFormat, PackageState};
pub use system::{
    BrokenDependency, CandidateFix, Hardware, HistoryEntry, HostFacts, InstalledKernel, KeptBack, Kernel, Listener,
    MappedCode, Patcher, PatcherKind, PendingUpgrade, Reboot, RebootReason, StaleFile, StaleProcess, ToldByChangelog,
    Transaction, TransactionStep, Tri, Unit, Unseen, flavour,
};
