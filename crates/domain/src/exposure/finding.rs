//! A finding: one vulnerability in one source package of one host, with its evidence.

use serde::{Deserialize, Serialize};

use crate::intel::{Status, VendorWords};
use crate::time::Timestamp;

/// What has to happen to a finding, in the words that screens use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FindingState {
    /// A fixed version exists and is not installed.
    FixAvailable,
    /// The fixed version is on disk, a process still runs the old code.
    RestartPending,
    /// The fixed kernel is installed, the running one is older.
    RebootPending,
    /// No fixed version: affected, deferred, will not fix, end of life, being looked at.
    NoFix,
    /// A fixed version exists, and only customers of a subscription get it (Ubuntu Pro). Never counted as a fix that is free to take.
    FixWithSubscription,
}

impl FindingState {
    /// Words for people.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::FixAvailable => "fix available",
            Self::RestartPending => "installed, restart pending",
            Self::RebootPending => "installed, reboot pending",
            Self::NoFix => "no fix yet",
            Self::FixWithSubscription => "fix available with a subscription",
        }
    }
}

/// A binary package through which the host has the vulnerable code.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct AffectedBinary {
    /// Binary package name.
    pub name: String,
    /// Installed version.
    pub version: String,
    /// Architecture.
    pub arch: String,
}

/// One piece of why a finding is there, or why it is in its state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum Evidence {
    /// The publisher's range holds the installed version.
    VersionInRange {
        /// Advisory that says so (`DSA-5380-1`, or the provider where it names none).
        advisory: String,
        /// Provider of the row (`debian-tracker`, `debian-changelog`, `almalinux`).
        provider: String,
        /// Installed source version that was compared.
        installed: String,
        /// First fixed version, where there is one.
        fixed: Option<String>,
        /// The version order used (`dpkg`, `rpm`, `apk`).
        order: String,
    },
    /// The publisher states a state without versions.
    Stated {
        /// Provider of the row.
        provider: String,
        /// The statement.
        status: Status,
    },
    /// Another provider says it as well; the one named before decides.
    AlsoSaid {
        /// Provider of the row.
        provider: String,
        /// Advisory that says so, where it names one.
        advisory: Option<String>,
        /// First fixed version, where there is one.
        fixed: Option<String>,
    },
    /// A running process maps a replaced file of the package.
    StillMapped {
        /// Process id.
        pid: u32,
        /// Executable.
        exe: String,
        /// Unit, where known.
        unit: Option<String>,
        /// The file.
        file: String,
    },
    /// The running kernel is older than the fixed one.
    RunningKernel {
        /// `uname -r`.
        running: String,
        /// Version of the package that owns it.
        version: String,
    },
    /// The package is from a module and nobody says which stream; the statement is assumed to be about it.
    StreamAssumed {
        /// Streams that the statement is about, where it names any.
        stream: Option<String>,
    },
    /// Nobody looked which kernel runs; this one is installed beside others and may be the one.
    RunningKernelAssumed {
        /// Its version.
        version: String,
    },
    /// The kernel that boots next has not the flaw.
    FixedAtNextBoot {
        /// Its version.
        version: String,
        /// Since when a reboot is needed, as far as files and logs tell.
        since: Option<Timestamp>,
    },
    /// An installed, not running kernel has the flaw; the running one does not.
    OldKernelInstalled {
        /// The package.
        package: String,
    },
    /// A changelog of the version on offer names the CVE.
    CandidateChangelog {
        /// Version whose entry names it.
        fixed: String,
    },
    /// An advisory of a repository that is configured on the host names the CVE.
    RepositoryAdvisory {
        /// Advisory id.
        advisory: String,
        /// Version that it says has the fix.
        fixed: String,
    },
    /// Where a language package lies.
    FoundAt {
        /// Package URL.
        purl: String,
        /// File or folder, where known.
        location: Option<String>,
        /// Package of a third party that brought it.
        #[serde(default)]
        owner: Option<String>,
    },
    /// No fix is free to take; customers of this subscription get one.
    SubscriptionOnly {
        /// The subscription (`Ubuntu Pro`).
        program: String,
    },
}

/// One vulnerability in one source package of one host.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// CVE id, or the publisher's id where there is none.
    pub vuln: String,
    /// Ecosystem with release (`Debian:12`).
    pub ecosystem: String,
    /// Source package (Debian) or binary package (rpm) that the advisory names.
    pub package: String,
    /// Installed version of `package`.
    pub installed: String,
    /// Version that fixes it, where known.
    pub fixed: Option<String>,
    /// What the publisher says.
    pub status: Status,
    /// What has to happen here.
    pub state: FindingState,
    /// Advisory ids, the vendor's first.
    pub advisories: Vec<String>,
    /// Vendor's own words.
    pub vendor: VendorWords,
    /// Binary packages that carry it.
    pub binaries: Vec<AffectedBinary>,
    /// Why.
    pub evidence: Vec<Evidence>,
}

impl Finding {
    /// The version whose code has the flaw: the installed one, or the replaced one that a process still runs.
    #[must_use]
    pub fn flawed_version(&self) -> &str {
        for evidence in &self.evidence {
            if let Evidence::VersionInRange { installed, .. } = evidence {
                return installed;
            }
        }
        &self.installed
    }
}
