//! `sources list|show|assess|add|divergence`.

use patchwright_app::sources;
use patchwright_protocol::sources::{
    AssessRequest, DivergenceRow, NewSource, SourceAnswers, SourceDetail, SourceList, SourceQuery, SourceRow,
    SourceTotals,
};

use super::local::{Place, block_on, ctx};
use crate::args::{Assess, Decision, NewKind, Sources, YesNo};
use crate::exit::{Code, Failure};
use crate::output::{self, Format, clean};

const ROW_COLUMNS: &[&str] = &[
    "id",
    "source",
    "class",
    "state",
    "patches",
    "signed",
    "hosts",
    "installed",
    "hosts_untold",
    "pending",
    "review_by",
];
/// What fits beside an address in 80 columns; `sources show` has the rest.
const SHORT_COLUMNS: &[&str] = &["id", "source", "state", "patches", "hosts"];
const DIVERGENCE_COLUMNS: &[&str] =
    &["package", "host", "installed", "offered", "vendor", "departure", "distance", "backport", "source", "state"];

/// Runs it.
pub(crate) fn run(place: &Place, command: &Sources) -> Result<Code, Failure> {
    match command {
        Sources::List { q, class, decision, lapsed, sort, limit, after, output } => {
            let query = SourceQuery {
                q: Some(q.clone()),
                class: class.map(|c| c.word().to_owned()),
                decision: decision.map(|d| d.word().to_owned()),
                lapsed: lapsed.map(|l| if l == YesNo::Yes { "yes" } else { "no" }.to_owned()),
                sort: sort.clone(),
                after: after.clone(),
                limit: Some(*limit),
            };
            let list = block_on(async { Ok(sources::list(&place.open_to_read().await?, &ctx(None), &query).await?) })?;
            match output {
                Format::Json => output::json(&list)?,
                Format::Table => output::list(*output, &list.items, SHORT_COLUMNS, short_cells)?,
                Format::Ndjson | Format::Csv => output::list(*output, &list.items, ROW_COLUMNS, row_cells)?,
            }
            if !place.quiet && *output != Format::Json {
                // The JSON document has all of it.
                talk(
                    &list,
                    query != SourceQuery { q: Some(String::new()), limit: Some(*limit), ..SourceQuery::default() },
                );
            }
        }
        Sources::Divergence { output } => {
            let rows = block_on(async { Ok(sources::divergence(&place.open_to_read().await?, &ctx(None)).await?) })?;
            output::list(*output, &rows, DIVERGENCE_COLUMNS, divergence_cells)?;
            if !place.quiet && *output == Format::Table {
                unknown(&rows);
            }
        }
        Sources::Show { id, output } => {
            let detail = block_on(async { Ok(sources::show(&place.open_to_read().await?, &ctx(None), id).await?) })?;
            print(&detail, *output)?;
        }
        Sources::Assess { id, assess } => {
            let detail = block_on(async {
                let env = place.open_to_read().await?;
                let ctx = ctx(Some(&assess.reason));
                let before = sources::show(&env, &ctx, id).await?;
                let request = request(assess, before.answers);
                Ok(sources::assess(&env, &ctx, id, request, Some(before.generation)).await?)
            })?;
            print(&detail, assess.output)?;
        }
        Sources::Add { what, name, url, sha256, commit, assess } => {
            let new = NewSource {
                what: match what {
                    NewKind::Artifact => "artifact",
                    NewKind::Patch => "patch",
                }
                .to_owned(),
                name: name.clone(),
                url: url.clone(),
                sha256: sha256.clone(),
                commit: commit.clone(),
                assess: request(assess, SourceAnswers::default()),
            };
            let detail = block_on(async {
                Ok(sources::add(&place.open_to_read().await?, &ctx(Some(&assess.reason)), new).await?)
            })?;
            print(&detail, assess.output)?;
        }
    }
    Ok(Code::Ok)
}

/// Why the vendor's version is not known where it is not, with the number of rows behind each reason.
fn unknown(rows: &[DivergenceRow]) {
    let mut said: std::collections::BTreeMap<&str, usize> = std::collections::BTreeMap::new();
    for row in rows.iter().filter(|r| r.direction == "unknown") {
        *said.entry(row.because.first().map_or("", String::as_str)).or_default() += 1;
    }
    for (why, rows) in said {
        let rows = if rows == 1 { "1 row".to_owned() } else { format!("{rows} rows") };
        output::talk(&format!("the vendor's version is not known in {rows}: {}", clean(why)));
    }
}

/// The numbers of everything that matches, and where the next page is.
fn talk(list: &SourceList, narrowed: bool) {
    if list.total == 0 {
        output::talk(if narrowed {
            "no source matches"
        } else {
            "no source is known: hosts name them when they report (`patchwright up`)"
        });
        return;
    }
    let SourceTotals { closed, needs_approval, open, lapsed } = list.totals;
    output::talk(&format!(
        "{} of {} sources; patches must not enter from {closed}, need an approval from {needs_approval}, may enter from {open}; \
         decisions that lapsed: {lapsed}",
        list.items.len(),
        list.total
    ));
    if let Some(next) = &list.next {
        output::talk(&format!("the next page: --after {next}"));
    }
}

/// What is not said on the command line stays as it was.
fn request(assess: &Assess, before: SourceAnswers) -> AssessRequest {
    let or = |said: &Option<String>, before: String| said.clone().unwrap_or(before);
    AssessRequest {
        decision: match assess.decision {
            Decision::Accept => "accept",
            Decision::AcceptWithConditions => "accept_with_conditions",
            Decision::Refuse => "refuse",
            Decision::Withdraw => "withdraw",
        }
        .to_owned(),
        review_by: assess.review_by.clone(),
        conditions: assess.conditions.clone(),
        answers: Some(SourceAnswers {
            publisher: or(&assess.publisher, before.publisher),
            origin_commit: or(&assess.origin_commit, before.origin_commit),
            builder: or(&assess.builder, before.builder),
            key: or(&assess.key, before.key),
            pinning: or(&assess.pinning, before.pinning),
            support: or(&assess.support, before.support),
            tests: or(&assess.tests, before.tests),
            departure: or(&assess.departure, before.departure),
        }),
        reason: assess.reason.clone(),
    }
}

fn row_cells(r: &SourceRow) -> Vec<String> {
    vec![
        r.id.clone(),
        clean(&r.title),
        r.class.clone().unwrap_or_default(),
        r.state.clone(),
        r.gate.clone(),
        r.verified.clone(),
        r.hosts.to_string(),
        if r.hosts > 0 && r.hosts_untold >= r.hosts { String::new() } else { r.installed.to_string() },
        r.hosts_untold.to_string(),
        if r.pending_told { r.pending.to_string() } else { String::new() },
        r.review_by.clone().unwrap_or_default(),
    ]
}

fn short_cells(r: &SourceRow) -> Vec<String> {
    let class = r.class.as_ref().map(|class| format!(" ({class})")).unwrap_or_default();
    let review = r.review_by.as_ref().map(|day| format!(", review by {day}")).unwrap_or_default();
    vec![
        r.id.clone(),
        format!("{}{class}", clean(&r.title)),
        format!("{}{review}", r.state),
        r.gate.clone(),
        r.hosts.to_string(),
    ]
}

fn divergence_cells(r: &DivergenceRow) -> Vec<String> {
    vec![
        clean(&r.package),
        clean(&r.host),
        clean(&r.installed),
        r.offered.as_deref().map(clean).unwrap_or_default(),
        match (&r.vendor, r.direction.as_str()) {
            (Some(version), _) => clean(version),
            (None, "unknown") => "not known".to_owned(),
            (None, _) => String::new(),
        },
        r.direction.clone(),
        r.distance.clone(),
        r.backport.as_deref().map(clean).unwrap_or_default(),
        clean(&r.source),
        r.state.clone(),
    ]
}

fn print(detail: &SourceDetail, format: Format) -> Result<(), Failure> {
    match format {
        Format::Json => return output::json(detail),
        Format::Ndjson | Format::Csv => {
            return output::list(format, std::slice::from_ref(&detail.row), ROW_COLUMNS, row_cells);
        }
        Format::Table => {}
    }
    let r = &detail.row;
    let class = r.class.as_deref().unwrap_or("by itself");
    let mut text = format!("{} · {}\n{} · {} · {}\n", r.id, clean(&r.title), class, r.state_label, r.gate_label);
    for because in detail.state_because.iter().chain(&detail.class_because) {
        text.push_str(&format!("  - {}\n", clean(because)));
    }
    for untold in &detail.untold {
        text.push_str(&format!("  - not known: {}\n", clean(untold)));
    }
    for (name, value) in &detail.identity {
        text.push_str(&format!("{name}: {}\n", clean(value)));
    }
    if !r.keys.is_empty() {
        text.push_str(&format!("keys: {}\n", clean(&r.keys.join(", "))));
    }
    let a = &detail.answers;
    for (name, value) in [
        ("publisher", &a.publisher),
        ("origin commit", &a.origin_commit),
        ("builder", &a.builder),
        ("key", &a.key),
        ("pinning", &a.pinning),
        ("support", &a.support),
        ("tests", &a.tests),
        ("departure", &a.departure),
    ] {
        if !value.is_empty() {
            text.push_str(&format!("{name}: {}\n", clean(value)));
        }
    }
    let hosts: Vec<String> = detail.hosts.iter().map(|h| clean(&h.name)).collect();
    text.push_str(&format!("hosts: {}\n", if hosts.is_empty() { "none".to_owned() } else { hosts.join(", ") }));
    output::page(&text)?;
    if detail.packages.is_empty() {
        return Ok(());
    }
    output::list(Format::Table, &detail.packages, DIVERGENCE_COLUMNS, divergence_cells)
}
