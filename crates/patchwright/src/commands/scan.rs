//! `scan`: what to patch first, on this machine or on the one a file describes. No server, no database.

use std::path::Path;

use patchwright_agent::ChangelogMode;
use patchwright_app::hosts::profile_parse;
use patchwright_app::intel::{INCOMPLETE, INCOMPLETE_LISTS, Intel, IntelDir, Trust, rebuild};
use patchwright_app::policy::PolicySet;
use patchwright_app::report::{Question, report_decided, report_with_vex, urgency_place};
use patchwright_app::vex::{self, Export, VexInput};
use patchwright_app::{AppError, Clock};
use patchwright_domain::decision::policy::Policy;
use patchwright_domain::decision::profile::AssetProfile;
use patchwright_domain::exposure::Finding;
use patchwright_domain::intel::VulnFacts;
use patchwright_domain::inventory::{HostFacts, Os, Setting};
use patchwright_domain::time::Timestamp;
use patchwright_formats::host::nothing_installed;
use patchwright_protocol::scan::ScanReport;

use super::judge::Judge;
use super::local::Place;
use super::{input, show};
use crate::args::{Scan, ScanFormat};
use crate::exit::{Code, Failure, chain};
use crate::output;
use crate::progress;
use crate::signals::AtWork;

/// Runs it.
pub(crate) fn run(place: &Place, args: &Scan) -> Result<Code, Failure> {
    if args.file.is_some() && (args.fast || args.changelogs) {
        let option = if args.fast { "--fast" } else { "--changelogs" };
        return Err(Failure::new(
            Code::Usage,
            format!("{option} says how to look at this machine; a FILE is read as it is"),
            format!("leave {option} or the FILE away"),
        ));
    }
    profile(args.profile.as_deref(), AssetProfile::default())?;
    let now = Clock::system().now();
    let Data { intel, scratch } = data(place, now)?;
    let mut judge = Judge::of(place, args.policy.as_deref(), now, args.fail_on.is_some())?;
    let (mut facts, problems) = match &args.file {
        Some(file) => input::host(file, args.os.as_deref())?,
        None => {
            if args.os.is_some() {
                return Err(Failure::new(Code::Usage, "--os goes with a FILE", "this machine says itself what it is"));
            }
            (this_machine(place, look(args, place), judge.policy.runtime.settings(now))?, Vec::new())
        }
    };
    intel.complete(&mut facts)?;
    if args.file.is_none() {
        judge.recognise(place, &facts)?;
    }
    let profile = profile(args.profile.as_deref(), judge.profile())?;
    let unread = problems.first().cloned();
    let mut problems = problems;
    let mut vex = vex_input(args, &facts, now, &mut problems)?;
    if let Some(input) = &mut vex {
        intel.name_fully(&mut input.statements)?;
    }
    let answer = || answer_with_vex(&intel, &facts, &profile, now, &problems, vex.as_ref(), &judge);
    let mut report = checked(&intel, &facts, answer)?;
    if args.output == ScanFormat::Table {
        report.policy.push_str(&judge.words());
    }
    print(&report, args, now)?;
    if matches!(args.output, ScanFormat::Ndjson | ScanFormat::Csv) && !intel.judges(&facts) {
        // These two formats have no place for it, and an empty answer would read as good news: said with --quiet too.
        for warning in report.data.warnings.iter().take(1) {
            output::talk(&format!("warning: {warning}"));
        }
    }
    if matches!(args.output, ScanFormat::Ndjson | ScanFormat::Csv) {
        for why in &report.not_entitled {
            output::talk(&format!("warning: {}: no update on offer does not mean patched", output::clean(why)));
        }
    }
    if !place.quiet {
        for problem in report.problems.iter().take(10) {
            output::talk(&format!("warning: {}", output::clean(problem)));
        }
    }
    let at_least = args.fail_on.as_deref().map(urgency_place);
    let failed = at_least.is_some_and(|place| report.findings.iter().any(|f| urgency_place(&f.urgency) <= place));
    if let (Some(_), false, Some(why)) = (&args.fail_on, failed, report.not_entitled.first()) {
        // Nor must it take "nothing is offered" for "nothing is needed".
        return Err(Failure::new(
            Code::Failed,
            format!("--fail-on has no verdict: {}, so this host sees no updates", output::clean(why)),
            "renew the subscription (`subscription-manager status` on the host), look again, then ask for the verdict",
        ));
    }
    if args.fail_on.is_some() && !failed && nothing_installed(&facts.packages) && facts.components.is_empty() {
        // Documents without a package are refused as they are read; a machine may come out empty too.
        return Err(Failure::new(
            Code::Failed,
            "--fail-on has no verdict: no installed package was found",
            "check that the package database is where the package manager keeps it and can be read",
        ));
    }
    if args.fail_on.is_some()
        && !failed
        && let Some((why, command)) = intel.no_verdict(&facts)
    {
        // A pipeline that asks for a verdict must not take "not matched", or "half of it matched", for "nothing is wrong".
        let load = command.unwrap_or_else(|| "patchwright feed list".to_owned());
        let hint = match facts.os.ecosystem() {
            None if !facts.packages.is_empty() => {
                format!("no feed has advisories for it: --os takes ID:VERSION with one of {}", Os::KNOWN.join(", "))
            }
            Some(_) | None => format!("load them (`{load}`), or correct --os"),
        };
        return Err(Failure::new(Code::Failed, format!("--fail-on has no verdict: {why}"), hint));
    }
    if let (Some(_), false, Some(missing)) = (&args.fail_on, failed, intel.sources_missing(&facts)) {
        return Err(Failure::new(
            Code::Failed,
            format!(
                "--fail-on has no verdict: advisories for {} are filed by source package and the list names none",
                missing.ecosystem
            ),
            missing.hint,
        ));
    }
    if let (Some(_), false, Some(what)) = (&args.fail_on, failed, unread) {
        // Nor a document of which a part could not be read.
        return Err(Failure::new(
            Code::Failed,
            format!("--fail-on has no verdict: a part of the document could not be read: {}", output::clean(&what)),
            "copy the document again, or correct what the warnings name",
        ));
    }
    let incomplete = report
        .data
        .warnings
        .iter()
        .find(|w| w.contains(INCOMPLETE) || w.contains(INCOMPLETE_LISTS))
        .filter(|_| !args.accept_incomplete);
    if let (Some(_), false, Some(why)) = (&args.fail_on, failed, incomplete) {
        let load = facts.os.ecosystem().and_then(|e| patchwright_app::feeds::registry::sync_command([e.as_str()]));
        return Err(Failure::new(
            Code::Failed,
            format!("--fail-on has no verdict: {}", output::clean(why)),
            format!(
                "load the whole (`{}`), or take the verdict of what is there: --accept-incomplete",
                load.as_deref().unwrap_or("patchwright feed list")
            ),
        ));
    }
    // The process ends here: giving tens of thousands of small pieces back one by one would cost a tenth of the run.
    std::mem::forget((report, facts, intel));
    drop(scratch);
    Ok(if failed { Code::Findings } else { Code::Ok })
}

/// The asset profile of the command line over what is known.
pub(crate) fn profile(text: Option<&str>, known: AssetProfile) -> Result<AssetProfile, Failure> {
    profile_parse(text.unwrap_or_default(), known).map_err(|e| Failure {
        code: Code::Usage,
        message: chain(&e),
        hint: e.hint(),
    })
}

/// The policy of a file, or the shipped one.
pub(crate) fn policy(file: Option<&Path>) -> Result<Policy, Failure> {
    match file {
        Some(path) => Ok(super::policy::parse(path)?.0),
        None => Ok(PolicySet::shipped()?.policy),
    }
}

/// The vulnerability data that an answer rests on.
pub(crate) struct Data {
    /// The data.
    pub(crate) intel: Intel,
    /// Where it lies when the data folder takes nothing: gone with this.
    pub(crate) scratch: Option<patchwright_agent::Scratch>,
}

/// The active snapshot; built from what ships with the program where there is none yet. Where the data folder cannot be written, that
/// happens in a private folder, for this one answer: looking at a machine asks for no right to write on it.
pub(crate) fn data(place: &Place, now: Timestamp) -> Result<Data, Failure> {
    let bar = progress::spinner(place.quiet, "opening vulnerability data");
    let opened = open_or_build(place, now);
    bar.finish_and_clear();
    opened
}

fn open_or_build(place: &Place, now: Timestamp) -> Result<Data, Failure> {
    let folder = &place.config.data_dir;
    let dir = IntelDir::new(folder);
    if let Some(index) = dir.read_index()? {
        return Ok(Data { intel: Intel::open(dir, index)?, scratch: None });
    }
    let refused = match rebuild(folder, now) {
        Ok(built) => return Ok(Data { intel: built.intel, scratch: None }),
        Err(error) if takes_nothing(&error) => error,
        Err(error) => return Err(error.into()),
    };
    // Without a place for temporary files the first refusal is the one to mend.
    let Ok(scratch) = patchwright_agent::Scratch::new("intel") else { return Err(refused.into()) };
    let built = rebuild(scratch.path(), now)?;
    if !place.quiet {
        output::talk(&format!(
            "nothing can be kept in the data folder: {}; answered from the data that ships with the program, which is built anew each time\n  \
             hint: --data-dir DIR names a folder that can be written, where feeds are kept too",
            output::clean(&chain(&refused))
        ));
    }
    Ok(Data { intel: built.intel, scratch: Some(scratch) })
}

/// Whether a folder refuses what is to be written into it.
fn takes_nothing(error: &AppError) -> bool {
    use std::io::ErrorKind::{PermissionDenied, ReadOnlyFilesystem};
    matches!(error, AppError::File { source, .. } if matches!(source.kind(), PermissionDenied | ReadOnlyFilesystem))
}

/// How closely to look at this machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Look {
    /// Packages and kernel only.
    Fast,
    /// Everything that is here already.
    Whole,
    /// Also fetch packages on offer from the machine's own mirrors, to read in their changelogs what they fix.
    WithChangelogs,
}

/// Bytes of packages fetched for their changelogs, in all and each: most sources have a small binary that carries it.
const CHANGELOG_BYTES: u64 = 64 << 20;
const CHANGELOG_BYTES_EACH: u64 = 4 << 20;

fn look(args: &Scan, place: &Place) -> Look {
    match (args.fast, args.changelogs && !place.config.offline) {
        (true, _) => Look::Fast,
        (false, true) => Look::WithChangelogs,
        (false, false) => Look::Whole,
    }
}

/// Facts of this machine. Of its configuration only `settings` are looked at: what approved rules of the policy ask.
/// What changelogs say is kept in the data folder, so that a look without network knows what one with it has found.
pub(crate) fn this_machine(place: &Place, look: Look, settings: Vec<Setting>) -> Result<HostFacts, Failure> {
    let root = patchwright_agent::Root::host();
    let _looking = AtWork::looking();
    if look == Look::Fast {
        return patchwright_agent::packages_only(&root).map_err(|e| {
            Failure::new(
                Code::Input,
                chain(&e),
                "this machine's package database cannot be read; scan a file instead: `patchwright scan FILE --os debian:12`",
            )
        });
    }
    let bar = progress::spinner(place.quiet, "looking at this machine");
    let candidate_changelogs = match look {
        Look::Fast | Look::Whole => ChangelogMode::Cached,
        Look::WithChangelogs => {
            ChangelogMode::Download { max_bytes_total: CHANGELOG_BYTES, max_bytes_each: CHANGELOG_BYTES_EACH }
        }
    };
    let options = patchwright_agent::Options {
        candidate_changelogs,
        changelog_memory: Some(place.changelogs()),
        settings,
        ..patchwright_agent::Options::default()
    };
    let facts = patchwright_agent::collect(&root, &options, &mut |step| {
        bar.set_message(format!("looking at this machine: {} {}", step.phase.label(), step.detail));
    });
    bar.finish_and_clear();
    Ok(facts)
}

/// An answer, while the data it rests on is hashed in another thread: bytes that changed on the disk must not become an answer.
pub(crate) fn checked<T>(
    intel: &Intel,
    facts: &HostFacts,
    answer: impl FnOnce() -> Result<T, AppError>,
) -> Result<T, AppError> {
    std::thread::scope(|scope| {
        let check = scope.spawn(|| intel.verify_for(facts, Trust::Untouched));
        let answer = answer();
        match check.join() {
            // The damage is the reason, whatever the answer made of it.
            Ok(whole) => whole.and(answer),
            Err(panic) => std::panic::resume_unwind(panic),
        }
    })
}

/// The report about what was looked at. With the statements of `--vex` applied; without them, with what people decided about this
/// machine where it is a known host.
pub(crate) fn answer_with_vex(
    intel: &Intel,
    facts: &HostFacts,
    profile: &AssetProfile,
    now: Timestamp,
    problems: &[String],
    vex: Option<&VexInput>,
    judge: &Judge,
) -> Result<ScanReport, AppError> {
    let first_seen = |finding: &Finding, vuln: &VulnFacts| judge.first_seen(finding, vuln);
    let question = Question { profile, policy: &judge.policy, now, first_seen: &first_seen };
    match vex {
        Some(vex) => report_with_vex(intel, facts, &question, problems, Some(vex)),
        None => report_decided(intel, facts, &question, problems, &judge.decided),
    }
}

/// The statements of `--vex`. A statement that cannot be read is a warning; a file that cannot be read ends the scan, because
/// its reader would take findings for open that are not.
fn vex_input(
    args: &Scan,
    facts: &HostFacts,
    now: Timestamp,
    problems: &mut Vec<String>,
) -> Result<Option<VexInput>, Failure> {
    if args.vex.is_empty() {
        return Ok(None);
    }
    let host = vex::identity_of(facts, args.file.as_deref())
        .map_err(|e| Failure::new(Code::Input, format!("failed to read the scanned file again: {e}"), "try again"))?;
    let mut input = VexInput { statements: Vec::new(), host };
    for path in &args.vex {
        let document = vex::read_file(path, now).map_err(|e| Failure::new(Code::Input, chain(&e), e.hint()))?;
        problems.extend(document.problems.iter().map(|p| format!("{}: {}: {}", path.display(), p.at, p.what)));
        input.statements.extend(document.statements);
    }
    Ok(Some(input))
}

fn print(report: &ScanReport, args: &Scan, now: Timestamp) -> Result<(), Failure> {
    let export = |form| output::json(&vex::export(report, form, &args.author, now));
    match args.output {
        ScanFormat::Sarif => export(Export::Sarif),
        ScanFormat::Cyclonedx => export(Export::CycloneDx),
        ScanFormat::Openvex => export(Export::OpenVex),
        ScanFormat::CsafVex => export(Export::CsafVex),
        ScanFormat::Json => output::json(report),
        ScanFormat::Ndjson => {
            let mut text = String::new();
            for finding in &report.findings {
                text.push_str(&output::to_json(finding, false)?);
                text.push('\n');
            }
            output::out(&text)
        }
        ScanFormat::Csv => output::csv(show::FINDING_COLUMNS, report.findings.iter().map(show::finding_cells)),
        ScanFormat::Table => output::page(&show::report_text(report, args.limit, args.findings)),
    }
}
