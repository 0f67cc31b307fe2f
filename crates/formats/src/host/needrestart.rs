//! What `needrestart -b` prints: `NEEDRESTART-KEY: value` lines (needrestart, README.batch).

use patchwright_domain::intel::Problem;
use patchwright_domain::inventory::{Reboot, RebootReason, StaleProcess, Tri};

use super::text::{Lines, Notes};

/// Most services read.
const SERVICES_MAX: usize = 10_000;

/// What needrestart found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NeedRestart {
    /// `KCUR`: running kernel.
    pub kernel_running: Option<String>,
    /// `KEXP`: newest installed kernel.
    pub kernel_expected: Option<String>,
    /// From `KSTA`: 1 no newer kernel; 2 and 3 one is installed (2: same ABI name); 0 or missing: could not tell.
    pub kernel_pending: Tri,
    /// `SVC`: units with processes on replaced files.
    pub services: Vec<String>,
}

impl NeedRestart {
    /// The kernel's part as a reboot state.
    #[must_use]
    pub fn reboot(&self) -> Reboot {
        let because = match (self.kernel_pending, &self.kernel_running, &self.kernel_expected) {
            (Tri::Yes, Some(running), Some(installed)) => {
                vec![RebootReason::NewerKernel { running: running.clone(), installed: installed.clone() }]
            }
            (Tri::Yes | Tri::No | Tri::Unknown, _, _) => Vec::new(),
        };
        Reboot { needed: self.kernel_pending, because, since: None }
    }

    /// The services as stale processes. needrestart names neither process ids nor files in this form: the id is 0, the list empty.
    #[must_use]
    pub fn stale(&self) -> Vec<StaleProcess> {
        self.services.iter().map(|unit| StaleProcess { unit: Some(unit.clone()), ..StaleProcess::default() }).collect()
    }
}

/// Reads the output. Lines that are not needrestart's (progress, warnings) are problems and cost nothing else.
#[must_use]
pub fn parse(bytes: &[u8]) -> (NeedRestart, Vec<Problem>) {
    let mut notes = Notes::default();
    let mut found = NeedRestart::default();
    for line in Lines::new(bytes) {
        let text = line.text();
        if text.trim().is_empty() {
            continue;
        }
        let Some((key, value)) = text.trim().strip_prefix("NEEDRESTART-").and_then(|t| t.split_once(':')) else {
            notes.line(line.number, "reading a line: not `NEEDRESTART-KEY: value`", line.bytes);
            continue;
        };
        let value = value.trim();
        match key {
            "KCUR" => found.kernel_running = Some(value.to_owned()).filter(|v| !v.is_empty()),
            "KEXP" => found.kernel_expected = Some(value.to_owned()).filter(|v| !v.is_empty()),
            "KSTA" => {
                found.kernel_pending = match value {
                    "1" => Tri::No,
                    "2" | "3" => Tri::Yes,
                    "0" => Tri::Unknown,
                    _ => {
                        notes.line(line.number, "the kernel state is not 0 to 3; taken as unknown", line.bytes);
                        Tri::Unknown
                    }
                }
            }
            "SVC" if found.services.len() < SERVICES_MAX => found.services.push(value.to_owned()),
            // `VER`, containers, sessions, microcode: not kept.
            _ => {}
        }
    }
    (found, notes.finish())
}
