//! What shows that code of a package does not run: services that are off, kernel modules that cannot come in, settings.
//!
//! Absence of these facts says nothing: only what was looked at to its end is evidence.

use serde::{Deserialize, Serialize};

/// A package that ships units of the service manager, and everything that would start them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PackagedService {
    /// Binary package.
    pub package: String,
    /// Units that it ships (`cups.service`), sorted.
    pub units: Vec<String>,
    /// What starts them, one sentence each (`cups.socket is enabled`, `/etc/cron.d/x runs for it`); none where all are off.
    pub starts: Vec<String>,
    /// Commands of the package in a `bin` directory that no unit of it starts: anybody may start them the next moment.
    pub commands: Vec<String>,
}

/// A kernel module that does not come in by itself, and why.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct BlockedModule {
    /// Name with underscores, as `/proc/modules` writes it.
    pub name: String,
    /// The line and its file (`install ksmbd /bin/false in /etc/modprobe.d/hardening.conf`).
    pub by: String,
}

/// Kernel modules of the running kernel.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModuleFacts {
    /// Release whose modules they are.
    pub release: String,
    /// Loaded now, sorted.
    pub loaded: Vec<String>,
    /// Part of the kernel image, sorted.
    pub built_in: Vec<String>,
    /// Blacklisted, or replaced by a command that does nothing, sorted.
    pub blocked: Vec<BlockedModule>,
    /// No module can be loaded until the next boot (`kernel.modules_disabled`).
    pub loading_disabled: bool,
}

/// One question about configuration: does every place that sets `key` in these files say `value`?
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Setting {
    /// Absolute path; `*` stands for any text inside of one name.
    pub file: String,
    /// Key, letter case aside; `section/key` where the files have sections in brackets.
    pub key: String,
    /// Value, letter case aside.
    pub value: String,
}

impl Setting {
    /// The question in one line, for people.
    #[must_use]
    pub fn label(&self) -> String {
        format!("`{}` is `{}` in {}", self.key, self.value, self.file)
    }
}

/// What one file says to a question. The value itself stays on the host.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SettingState {
    /// Every place that sets the key says the value.
    Equal,
    /// A place says something else.
    Other,
    /// The key is not set there.
    Absent,
    /// The file could not be read.
    Unreadable,
}

/// A file that was read for a question.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SettingSeen {
    /// Path.
    pub path: String,
    /// What it says.
    pub state: SettingState,
}

/// The answer to a question.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SettingAnswer {
    /// What was asked.
    pub asked: Setting,
    /// The files of that name; none where there is none.
    pub files: Vec<SettingSeen>,
    /// More files of that name than are read.
    pub cut: bool,
}

impl SettingAnswer {
    /// The files that say the value, where no file says otherwise and none was left unread.
    #[must_use]
    pub fn holds(&self) -> Option<Vec<&str>> {
        let doubt = |seen: &SettingSeen| matches!(seen.state, SettingState::Other | SettingState::Unreadable);
        if self.cut || self.files.iter().any(doubt) {
            return None;
        }
        let equal = |seen: &&SettingSeen| seen.state == SettingState::Equal;
        let files: Vec<&str> = self.files.iter().filter(equal).map(|seen| seen.path.as_str()).collect();
        (!files.is_empty()).then_some(files)
    }
}
