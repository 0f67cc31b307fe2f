//! `policy show|check|explain|simulate|apply`.

use std::path::Path;

use patchwright_app::decisions::Decided;
use patchwright_app::hosts::profile_parse;
use patchwright_app::intel::Intel;
use patchwright_app::policy::{self, PolicySet};
use patchwright_app::report::{Question, compare};
use patchwright_app::{AppError, Clock, fleet};
use patchwright_domain::decision::classify::{Reason, classify, explain};
use patchwright_domain::decision::policy::Policy as Parsed;
use patchwright_domain::decision::profile::AssetProfile;
use patchwright_domain::decision::simulate::{Simulation, SimulationReport};
use patchwright_domain::decision::sla::{Clocks, due};
use patchwright_domain::decision::variables::Input;
use patchwright_domain::intel::id::advisory_id;
use patchwright_domain::intel::{Status, VendorWords};

use super::local::{Place, block_on, ctx};
use super::{input, scan, show};
use crate::args::Policy;
use crate::exit::{Code, Failure};
use crate::output::{self, Format, clean};

/// Runs it.
pub(crate) fn run(place: &Place, command: &Policy) -> Result<Code, Failure> {
    match command {
        Policy::Show { output: format } => block_on(async {
            let env = place.open_to_read().await?;
            let active = policy::active(&env, &ctx(None)).await?;
            match format {
                Format::Table => output::out(&active.text)?,
                Format::Json => output::json(&active)?,
                Format::Ndjson | Format::Csv => {
                    output::list(*format, std::slice::from_ref(&active), &["name", "hash", "text"], |p| {
                        vec![p.name.clone(), p.hash.clone(), p.text.clone()]
                    })?;
                }
            }
            Ok(Code::Ok)
        }),
        Policy::Check { file, output: format } => match parse_as(file, Code::Findings) {
            Ok((parsed, _)) => {
                let today = Clock::system().now().date();
                print_checked(&Checked::of(&parsed, today), *format)?;
                warn_of_dates(place, &parsed);
                Ok(Code::Ok)
            }
            Err(failure) => Err(failure),
        },
        Policy::Explain { cve, package, profile, policy: file, output: format } => {
            explain_one(place, cve, package.as_deref(), profile.as_deref(), file.as_deref(), *format)
        }
        Policy::Simulate { file, host_file, os, output: format } => {
            let (new, _) = parse(file)?;
            warn_of_dates(place, &new);
            simulate(place, &new, host_file.as_deref(), os.as_deref(), *format)
        }
        Policy::Apply { file, reason, output: format } => {
            let (_, text) = parse(file)?;
            block_on(async {
                let env = place.open().await?;
                let active = policy::apply(&env, &ctx(Some(reason)), &text).await?;
                #[derive(serde::Serialize)]
                struct Applied {
                    name: String,
                    hash: String,
                }
                let row = Applied { name: active.name, hash: active.hash };
                let text = format!("{} is in force; hash {}\n", row.name, row.hash);
                output::one(*format, &row, &text, &["name", "hash"], |r| vec![clean(&r.name), r.hash.clone()])?;
                Ok(Code::Ok)
            })
        }
    }
}

/// What a checked policy holds.
#[derive(serde::Serialize)]
struct Checked {
    name: String,
    version: String,
    hash: String,
    urgency_rules: usize,
    deadlines: usize,
    regulatory_profiles: usize,
    regulatory_profiles_active: usize,
    constraints: Vec<CheckedConstraint>,
}

/// A dependency constraint of it.
#[derive(serde::Serialize)]
struct CheckedConstraint {
    name: String,
    line: String,
    package: String,
    versions: String,
    scheme: String,
    owner: String,
    until: Option<String>,
    lapsed: bool,
}

impl Checked {
    fn of(parsed: &Parsed, today: patchwright_domain::time::Date) -> Self {
        Self {
            name: parsed.name.clone(),
            version: parsed.version.clone(),
            hash: parsed.hash.clone(),
            urgency_rules: parsed.urgency.rules.len(),
            deadlines: parsed.sla.targets.len(),
            regulatory_profiles: parsed.sla.profiles.len(),
            regulatory_profiles_active: parsed.sla.active.len(),
            constraints: parsed
                .constraints
                .rules
                .iter()
                .map(|rule| CheckedConstraint {
                    name: rule.name.clone(),
                    line: rule.line.to_string(),
                    package: rule.package.clone(),
                    versions: rule.versions.to_string(),
                    scheme: rule.versions.scheme().to_string(),
                    owner: rule.owner.clone(),
                    until: rule.until.map(|day| day.to_string()),
                    lapsed: rule.has_lapsed(today),
                })
                .collect(),
        }
    }
}

fn print_checked(checked: &Checked, format: Format) -> Result<(), Failure> {
    let mut text = format!(
        "{} {}: {} urgency rules, {} deadlines, {} regulatory profiles ({} active), {} dependency constraints; hash {}\n",
        checked.name,
        checked.version,
        checked.urgency_rules,
        checked.deadlines,
        checked.regulatory_profiles,
        checked.regulatory_profiles_active,
        checked.constraints.len(),
        checked.hash
    );
    for rule in &checked.constraints {
        let until = match &rule.until {
            Some(day) if rule.lapsed => format!(", lapsed after {day}"),
            Some(day) => format!(", until {day}"),
            None => String::new(),
        };
        text.push_str(&format!(
            "  constraint {} (line {}): {} {} as {} versions{until}; owner {}\n",
            clean(&rule.name),
            rule.line,
            clean(&rule.package),
            clean(&rule.versions),
            rule.scheme,
            clean(&rule.owner)
        ));
    }
    let columns = ["name", "version", "hash", "urgency rules", "deadlines", "regulatory profiles", "constraints"];
    output::one(format, checked, &text, &columns, |c| {
        let counts = [c.urgency_rules, c.deadlines, c.regulatory_profiles, c.constraints.len()];
        let words = [clean(&c.name), clean(&c.version), c.hash.clone()];
        words.into_iter().chain(counts.iter().map(usize::to_string)).collect()
    })
}

/// Reads a policy that a command works with; one that does not hold together is an input that cannot be understood.
pub(super) fn parse(file: &Path) -> Result<(Parsed, String), Failure> {
    parse_as(file, Code::Input)
}

fn parse_as(file: &Path, refused: Code) -> Result<(Parsed, String), Failure> {
    let bytes = input::bytes(file)?;
    let text = String::from_utf8(bytes).map_err(|_| {
        Failure::new(Code::Input, format!("`{}` is not UTF-8 text", file.display()), "save it as UTF-8")
    })?;
    match PolicySet::parse(&text) {
        Ok(parsed) => Ok((parsed, text)),
        Err(AppError::Invalid { detail, hint, .. }) => {
            Err(Failure { code: refused, message: format!("`{}`: {detail}", file.display()), hint })
        }
        Err(error) => Err(error.into()),
    }
}

/// Says of a policy that is looked at that it could not be in force today.
fn warn_of_dates(place: &Place, policy: &Parsed) {
    if let Some(why) = policy.outside(Clock::system().now().date()).filter(|_| !place.quiet) {
        output::talk(&clean(&format!("{why}: it cannot be put into force today")));
    }
}

pub(super) async fn in_force(place: &Place) -> Result<Parsed, Failure> {
    // Asking about a policy must not make an installation where there is none.
    if !place.config.data_dir.join("patchwright.db").exists() && place.config.database_url.is_none() {
        return Ok(PolicySet::shipped()?.policy);
    }
    Ok(place.open_to_read().await?.policy().policy.clone())
}

fn explain_one(
    place: &Place,
    cve: &str,
    package: Option<&str>,
    profile: Option<&str>,
    file: Option<&Path>,
    format: Format,
) -> Result<Code, Failure> {
    let now = Clock::system().now();
    let profile = profile_parse(profile.unwrap_or_default(), AssetProfile::default())?;
    let policy = match file {
        Some(file) => parse(file)?.0,
        None => block_on(in_force(place))?,
    };
    let scan::Data { intel, scratch: _scratch } = scan::data(place, now)?;
    let (cve, known) = one_vulnerability(&intel, cve)?;
    if !known && !place.quiet {
        output::talk(&format!(
            "no provider in this data names {cve} ({}): the answer rests on assumptions alone",
            intel.label().label
        ));
    }
    let facts = intel.facts(&cve)?;
    let decision = classify(
        &policy,
        &Input {
            vuln: &facts,
            vendor: &VendorWords::default(),
            status: Status::Fixed,
            profile: &profile,
            package: package.unwrap_or_default(),
            ecosystem: "",
        },
    );
    let clocks = Clocks {
        first_seen: now,
        patch_available: None,
        kev_added: facts.kev.as_ref().map(|k| k.date_added.start()),
        published: facts.published,
    };
    let dates = due(&policy, &decision, &clocks, &profile, now);
    #[derive(serde::Serialize)]
    struct Answer<'a> {
        schema: u32,
        decision: &'a patchwright_domain::decision::classify::Decision,
        due: &'a patchwright_domain::decision::sla::DueDates,
    }
    let answer = Answer { schema: patchwright_protocol::SCHEMA, decision: &decision, due: &dates };
    match format {
        Format::Table => output::out(&format!("{}\n", clean_lines(&explain(&decision, Some(&dates)))))?,
        Format::Json => output::json(&answer)?,
        Format::Ndjson | Format::Csv => {
            let columns = ["vuln", "urgency", "severity", "due", "rules", "because"];
            output::list(format, &[answer], &columns, |_| {
                let joined = |of: fn(&Reason) -> &str| decision.because.iter().map(of).collect::<Vec<_>>().join("; ");
                vec![
                    cve.clone(),
                    decision.urgency.word().to_owned(),
                    decision.severity.value.map_or("unknown", |s| s.word()).to_owned(),
                    dates.due().map(|at| at.to_string()).unwrap_or_default(),
                    joined(|r| &r.rule),
                    clean(&joined(|r| &r.text)),
                ]
            })?;
        }
    }
    Ok(Code::Ok)
}

/// The vulnerability that a word names, and whether anybody in this data knows of it. A word that cannot be an id is refused:
/// judged as one it would get an answer made of assumptions.
fn one_vulnerability(intel: &Intel, word: &str) -> Result<(String, bool), Failure> {
    let form = advisory_id(word);
    let id = form.clone().unwrap_or_else(|| word.trim().to_owned());
    let named = fleet::named(intel, &id)?;
    match named.as_slice() {
        [] if form.is_some() => Ok((id, false)),
        [] => Err(Failure::new(
            Code::Usage,
            format!("`{}` is no id of a vulnerability", clean(word)),
            "name a CVE (CVE-2021-44228) or an advisory (DSA-5678-1); for a package or a host: `patchwright explain NAME`",
        )),
        [one] => Ok((one.clone(), true)),
        many if many.contains(&id) => Ok((id, true)),
        many => {
            let first: Vec<&str> = many.iter().take(8).map(String::as_str).collect();
            Err(Failure::new(
                Code::Usage,
                format!("{} is about {} vulnerabilities", clean(&id), many.len()),
                format!("name one of them: {}", first.join(", ")),
            ))
        }
    }
}

fn clean_lines(lines: &[String]) -> String {
    lines.iter().map(|l| clean(l)).collect::<Vec<_>>().join("\n")
}

fn simulate(
    place: &Place,
    new: &Parsed,
    host_file: Option<&Path>,
    os: Option<&str>,
    format: Format,
) -> Result<Code, Failure> {
    let report = if let Some(file) = host_file {
        let now = Clock::system().now();
        let old = PolicySet::shipped()?.policy;
        let scan::Data { intel, scratch: _scratch } = scan::data(place, now)?;
        let (mut facts, _) = input::host(file, os)?;
        intel.complete(&mut facts)?;
        let profile = AssetProfile::default();
        let question = Question { profile: &profile, policy: &old, now, first_seen: &|_, _| now };
        let mut simulation = Simulation::new(now);
        compare(&intel, &facts, &question, new, &Decided::default(), &mut simulation)?;
        simulation.report()
    } else {
        block_on(async {
            let env = place.open_to_read().await?;
            Ok(fleet::simulate(&env, &ctx(None), new).await?)
        })?
    };
    match format {
        Format::Table => output::out(&simulated(&report, new))?,
        Format::Json => output::json(&report)?,
        Format::Ndjson | Format::Csv => {
            output::list(format, &changes(&report), &["what", "from", "to", "findings"], |c| {
                vec![c.what.to_owned(), c.from.to_owned(), c.to.to_owned(), c.findings.to_string()]
            })?;
        }
    }
    Ok(Code::Ok)
}

/// A count of a simulation as a row.
#[derive(serde::Serialize)]
struct Change {
    what: &'static str,
    /// Urgency class before; empty where it is not about classes.
    from: &'static str,
    /// Urgency class after.
    to: &'static str,
    findings: u64,
}

/// Every count as rows: classes that stay and classes that change, deadlines, what is set aside. The examples are in JSON alone.
fn changes(report: &SimulationReport) -> Vec<Change> {
    let mut rows: Vec<Change> = report
        .matrix
        .iter()
        .map(|&(from, to, findings)| {
            let what = if from == to { "class_stays" } else { "class_changes" };
            Change { what, from: from.word(), to: to.word(), findings }
        })
        .collect();
    rows.extend(
        [
            ("due_earlier", report.due_earlier),
            ("due_later", report.due_later),
            ("newly_overdue", report.newly_overdue),
            ("no_longer_overdue", report.no_longer_overdue),
            ("newly_set_aside", report.newly_set_aside),
            ("come_back", report.come_back),
            ("set_aside", report.set_aside),
            ("excepted", report.excepted),
            ("total", report.total),
        ]
        .map(|(what, findings)| Change { what, from: "", to: "", findings }),
    );
    rows
}

/// What would change, in words: nothing is left unsaid because its class stays.
fn simulated(report: &SimulationReport, new: &Parsed) -> String {
    let mut lines = vec![format!(
        "{} of {} open findings change class under {} {}.",
        report.changed, report.total, new.name, new.version
    )];
    for (from, to, n) in report.matrix.iter().filter(|(from, to, _)| from != to) {
        lines.push(format!("  {n:>6}  {} → {}", from.word(), to.word()));
    }
    for e in report.examples.iter().take(10) {
        lines.push(format!(
            "  e.g. {} in {}: {} → {}, because {} [{}]",
            e.vuln,
            clean(&e.package),
            e.from.word(),
            e.to.word(),
            clean(&e.because.text),
            e.because.rule
        ));
    }
    lines.push(format!(
        "Deadlines: {} earlier, {} later; {} newly overdue, {} overdue no more.",
        report.due_earlier, report.due_later, report.newly_overdue, report.no_longer_overdue
    ));
    for e in &report.moved_examples {
        let day = |at: Option<&String>| at.map_or_else(|| "none".to_owned(), |at| show::day(at));
        let (from, to) = (day(e.from.as_ref()), day(e.to.as_ref()));
        let overdue = if e.newly_overdue { ", overdue" } else { "" };
        lines.push(format!("  e.g. {} in {}: due {from} → {to}{overdue}", e.vuln, clean(&e.package)));
    }
    lines.push(format!(
        "Set aside: {} of the open findings, {} come back; {} stay set aside and are not counted as open.",
        report.newly_set_aside, report.come_back, report.set_aside
    ));
    for e in &report.aside_examples {
        let what = if e.set_aside { "set aside" } else { "comes back; was set aside" };
        lines.push(format!("  e.g. {} in {}: {what}: {}", e.vuln, clean(&e.package), clean(&e.because)));
    }
    if report.excepted > 0 {
        let (are, they) = if report.excepted == 1 { ("is", "it stays") } else { ("are", "they stay") };
        lines.push(format!("{} {are} excepted for a time, and {they} so.", report.excepted));
    }
    lines.join("\n") + "\n"
}
