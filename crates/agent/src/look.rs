//! One look at a host: where, until when, and what could not be seen.

use patchwright_domain::inventory::Unseen;

use crate::clock::Deadline;
use crate::root::Root;

/// Part of a collection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Operating system and installed packages.
    Packages,
    /// Pending upgrades, by simulation.
    Pending,
    /// Changelogs of the versions on offer.
    Changelogs,
    /// Kernels and reboot state.
    Kernel,
    /// Processes on replaced code.
    Processes,
    /// Listening sockets.
    Sockets,
    /// Enabled units.
    Units,
    /// Who patches the host already.
    Patchers,
    /// Packages of languages.
    Components,
    /// Past changes from logs.
    History,
    /// Signatures of repositories.
    Repositories,
}

impl Phase {
    /// Words for a progress line.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Packages => "packages",
            Self::Pending => "pending upgrades",
            Self::Changelogs => "changelogs of versions on offer",
            Self::Kernel => "kernels",
            Self::Processes => "processes",
            Self::Sockets => "sockets",
            Self::Units => "units",
            Self::Patchers => "who patches this host",
            Self::Components => "packages of languages",
            Self::History => "past changes",
            Self::Repositories => "signatures of repositories",
        }
    }
}

/// Progress of a collection, for a person who waits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// What is being collected.
    pub phase: Phase,
    /// What exactly, in a few words (`openssl 3.0.22-1~deb12u2`).
    pub detail: String,
    /// Parts of this phase that are done.
    pub done: usize,
    /// Parts of this phase in all; 1 when it has no parts.
    pub total: usize,
}

/// The state that every collector shares.
pub(crate) struct Look<'a> {
    pub(crate) root: &'a Root,
    pub(crate) deadline: Deadline,
    pub(crate) unseen: Vec<Unseen>,
    progress: &'a mut dyn FnMut(Step),
}

impl<'a> Look<'a> {
    pub(crate) fn new(root: &'a Root, deadline: Deadline, progress: &'a mut dyn FnMut(Step)) -> Self {
        Self { root, deadline, unseen: Vec::new(), progress }
    }

    /// Notes that something could not be looked at.
    pub(crate) fn unseen(&mut self, what: impl Into<String>, why: impl Into<String>, hint: impl Into<String>) {
        let unseen = Unseen { what: what.into(), why: why.into(), hint: hint.into() };
        if !self.unseen.contains(&unseen) {
            tracing::debug!(what = %unseen.what, why = %unseen.why, "not seen");
            self.unseen.push(unseen);
        }
    }

    /// Tells progress of a phase without parts.
    pub(crate) fn begin(&mut self, phase: Phase, detail: &str) {
        self.part(phase, detail, 0, 1);
    }

    /// Tells progress of one part.
    pub(crate) fn part(&mut self, phase: Phase, detail: &str, done: usize, total: usize) {
        (self.progress)(Step { phase, detail: detail.to_owned(), done, total });
    }
}

/// An error and its causes in one line.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}
