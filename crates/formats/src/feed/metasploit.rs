//! The Metasploit Framework's index of modules, `modules_metadata_base.json`: one object, from module to its description.
//!
//! The file is 11 MB and is read module by module. `references` is a list of texts with a prefix (`CVE-`, `EDB-`, `URL-`, …);
//! `rank` says how reliable the module is, not how ready it is, and is left out. An exploit module is a ready tool; an auxiliary
//! module shows that the flaw can be used, unless it only looks who has it.

use std::io::Read;

use patchwright_domain::intel::{ExploitEvidence, ExploitKind, ExploitMaturity};
use patchwright_domain::time::Date;
use serde_json::Value;
use serde_json::value::RawValue;

use super::exploits::{ExploitRecord, add_once};
use super::{FeedError, FeedFormat, FeedSink, Parsed, Tally, cve_id, open, stream_json};
use crate::bounded::Limits;
use crate::json_stream::{Fields, Sink};

struct Modules {
    tally: Tally,
    records: Vec<ExploitRecord>,
    recognised: bool,
}

impl Sink for Modules {
    fn field(&mut self, key: &str, raw: &RawValue) {
        self.tally.seen();
        let read = Fields::parse(raw.get())
            .map_err(|err| format!("module cannot be read: {err}"))
            .and_then(|fields| self.module(key, &fields));
        match read {
            Ok(record) => self.records.push(record),
            Err(what) => self.tally.lose(format!("/{key}"), what, raw.get()),
        }
    }

    fn element(&mut self, _list: &str, index: u64, raw: &RawValue) {
        self.tally.seen();
        self.tally.lose(format!("/{index}"), "stands in a list, not under the name of a module", raw.get());
    }

    fn object(&mut self, _list: &str, _fields: &[(String, Box<RawValue>)]) {}
}

/// Whether a module only tells who has a flaw, by its name: `auxiliary/scanner/ssl/ssl_version`. Other scanners read files, try
/// passwords or run commands, and show that the flaw can be used.
#[must_use]
pub fn only_looks(module: &str) -> bool {
    const LOOKS: [&str; 14] = [
        "version",
        "scanner",
        "scan",
        "vulnscan",
        "detect",
        "detection",
        "detector",
        "probe",
        "check",
        "checker",
        "status",
        "options",
        "fingerprint",
        "msearch",
    ];
    // The whole family of this scanner asks for the state of a patch; the modules that use the flaw have other names.
    const KNOWN: [&str; 1] = ["auxiliary/scanner/smb/smb_ms17_010"];
    let Some(path) = module.strip_prefix("auxiliary/scanner/") else { return false };
    let name = path.rsplit('/').next().unwrap_or(path);
    KNOWN.contains(&module) || name.rsplit('_').next().is_some_and(|word| LOOKS.contains(&word))
}

impl Modules {
    fn module(&mut self, key: &str, fields: &Fields<'_>) -> Result<ExploitRecord, String> {
        let name = fields.text("fullname").map(|name| name.trim().to_owned()).unwrap_or_default();
        if name.is_empty() {
            return Err("module has no fullname".to_owned());
        }
        self.recognised |= fields.has("references");
        let at = format!("/{key}");
        let mut cves = Vec::new();
        match fields.value("references")? {
            Value::Null => {}
            Value::Array(list) => {
                for reference in &list {
                    let text = reference.as_str().map(str::trim).unwrap_or_default();
                    match cve_id(text) {
                        Some(cve) => add_once(&mut cves, cve),
                        None if text.is_empty() || text.starts_with("CVE-") => {
                            let what = format!("a reference of {name} cannot be read and is left out");
                            self.tally.note(&at, what, &reference.to_string());
                        }
                        None => {}
                    }
                }
            }
            other @ (Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Object(_)) => {
                self.tally.note(&at, format!("references of {name} are not a list"), &other.to_string());
            }
        }
        let day = fields.text("disclosure_date").filter(|day| !day.trim().is_empty());
        let date = day.as_deref().and_then(Date::parse);
        if let (Some(text), None) = (&day, date) {
            self.tally.note(&at, format!("disclosure_date of {name} is not a date and is left out"), text);
        }
        if only_looks(&name) {
            // Who has the flaw is no way to use it: the module counts as read, and names no vulnerability.
            cves.clear();
        }
        let exploit = fields.text("type").map_or_else(|| name.starts_with("exploit/"), |kind| kind == "exploit");
        let maturity = if exploit { ExploitMaturity::Weaponised } else { ExploitMaturity::ProofOfConcept };
        let evidence = ExploitEvidence { kind: ExploitKind::Metasploit, reference: name, maturity, date };
        Ok(ExploitRecord { cves, evidence })
    }
}

impl FeedSink for Modules {
    fn tally(&mut self) -> &mut Tally {
        &mut self.tally
    }

    fn missing(&self) -> Option<&'static str> {
        (!self.recognised).then_some("there is no module with `fullname` and `references`")
    }
}

/// Reads the index.
///
/// # Errors
/// See [`FeedError`].
pub fn parse<R: Read>(reader: R, limits: &Limits) -> Result<Parsed<Vec<ExploitRecord>>, FeedError> {
    let format = FeedFormat::Metasploit;
    let intake = open(format, reader, limits)?;
    let watch = intake.watch();
    let mut sink = Modules { tally: Tally::new(), records: Vec::new(), recognised: false };
    stream_json(format, intake, &watch, limits, &[], &mut sink)?;
    Ok(sink.tally.finish(sink.records))
}
