//! Samples of exceptions and of statements that something is not affected.

use askama::Template;
use patchwright_protocol::decisions::{
    CoveredHost, CoveredRow, DecisionPlan, EndingRow, ExceptionDetail, ExceptionRow, NotAffectedDetail, NotAffectedRow,
    VexDocumentDetail, VexDocumentRow, VexDocumentStatement,
};
use patchwright_protocol::findings::UrgencyCounts;
use patchwright_protocol::scan::ExceptedView;

use super::{PACKAGES, Spoil, URGENCIES, at, hours, pick};
use crate::pages::exceptions::{DecidePage, ExceptionPage, ExceptionsPage, Kind, NotAffectedPage, Typed};
use crate::pages::vex_documents::{TypedDocument, VexDocumentPage};
use crate::view::frame::{Area, Frame};

/// An exception on every seventh finding.
pub(super) fn excepted(i: usize) -> Option<ExceptedView> {
    (i % 7 == 2).then(|| ExceptedView {
        id: format!("exc_{i:020x}"),
        until: "2027-01-20".to_owned(),
        because: "excepted until 2027-01-20 because the vendor certifies 3.1 in spring, approved by bob; meanwhile: only the proxy \
                  reaches it"
            .to_owned(),
    })
}

fn exception(i: usize) -> ExceptionRow {
    let (state, label) = match i % 5 {
        0 => ("requested", "waits for a decision"),
        1 => ("approved", "in force"),
        2 => ("expired", "expired"),
        3 => ("revoked", "revoked"),
        _ => ("refused", "refused"),
    };
    let decided = state != "requested";
    ExceptionRow {
        id: format!("exc_{i:020x}"),
        state: state.to_owned(),
        state_label: label.to_owned(),
        title: format!("{} (3 vulnerabilities) on 12 hosts", pick(&PACKAGES, i)),
        question: format!("source:{} and tier:T3", pick(&PACKAGES, i)),
        draft: None,
        reason: "the vendor of the billing engine certifies 3.1 in spring".to_owned(),
        measure: i.is_multiple_of(2).then(|| "only the reverse proxy reaches the port".to_owned()),
        until: "2027-01-20".to_owned(),
        ends: at(59 * 24),
        days_left: (state == "approved").then_some(9),
        ends_soon: state == "approved",
        renews: (i.is_multiple_of(5) && i > 0).then(|| format!("exc_{:020x}", i + 1)),
        renewed_by: (i % 10 == 6).then(|| format!("exc_{:020x}", i + 4)),
        worst: pick(&URGENCIES, i + 1).to_owned(),
        findings: 36,
        hosts: 12,
        vulns: 3,
        requested_by: "ann".to_owned(),
        requested_at: at(-hours(i + 2)),
        decided_by: decided.then(|| "bob".to_owned()),
        decided_at: decided.then(|| at(-1)),
        decided_because: decided.then(|| "the proxy is enough until then".to_owned()),
        approved_by: matches!(state, "approved" | "expired" | "revoked").then(|| "bob".to_owned()),
        alone: i % 10 == 1,
        partly: i % 10 == 3,
        generation: 2,
    }
}

fn covers(rows: usize) -> Vec<CoveredRow> {
    (0..rows.min(40))
        .map(|i| CoveredRow {
            package: pick(&PACKAGES, i).to_owned(),
            ecosystem: "Debian:12".to_owned(),
            version: (i % 2 == 1).then(|| "3.0.11-1~deb12u2".to_owned()),
            vulns: (0..7).map(|n| format!("CVE-2026-{:04}", 1_000 + i * 7 + n)).collect(),
            vulns_total: 7 + (i as u64 % 3),
            hosts: 12,
            findings: 84,
        })
        .collect()
}

fn on(rows: usize) -> Vec<CoveredHost> {
    (0..rows.min(40)).map(|i| CoveredHost { id: format!("hst_{i:08x}"), name: format!("web-{i:02}") }).collect()
}

fn statement(i: usize) -> NotAffectedRow {
    let state = pick(&["stated", "lapsed", "withdrawn"], i);
    NotAffectedRow {
        id: format!("vex_{i:020x}"),
        state: state.to_owned(),
        title: format!("CVE-2026-{:04} in {} on 4 hosts", 1_000 + i, pick(&PACKAGES, i)),
        question: format!("cve:CVE-2026-{:04}", 1_000 + i),
        justification: "vulnerable_code_not_in_execute_path".to_owned(),
        reason: "the module is not loaded, and the build leaves it out".to_owned(),
        review_by: "2027-05-31".to_owned(),
        days_left: (state == "stated").then_some(i as i64 % 3),
        ends_soon: state == "stated",
        findings: 4,
        hosts: 4,
        vulns: 1,
        stated_by: "sara".to_owned(),
        stated_at: at(-hours(i + 30)),
        withdrawn_by: (state == "withdrawn").then(|| "bob".to_owned()),
        withdrawn_because: (state == "withdrawn").then(|| "the module is needed again".to_owned()),
        partly: i % 3 == 2,
        generation: 1,
    }
}

fn document(i: usize) -> VexDocumentRow {
    let state = pick(&["kept", "lapsed", "superseded", "withdrawn"], i);
    VexDocumentRow {
        id: format!("vdc_{i:020x}"),
        state: state.to_owned(),
        author: pick(&["Example Security", "Vendor of the billing engine"], i).to_owned(),
        document: (i % 3 != 2).then(|| format!("https://example.com/vex/2026-{i:03}")),
        version: if i % 3 == 1 { String::new() } else { "3".to_owned() },
        issued: i.is_multiple_of(2).then(|| at(-72)),
        format: pick(&["OpenVEX", "CSAF", "CycloneDX"], i).to_owned(),
        name: format!("vendor-2026-{i:02}.openvex.json"),
        digest: "5e".repeat(32),
        bytes: 18_432,
        statements: 24,
        lost: i as u64 % 2,
        applied: 6,
        open: 3,
        idle: 5,
        unmatched: 10,
        set_aside: 36,
        hosts: 12,
        review_by: "2027-11-22".to_owned(),
        days_left: (state == "kept").then_some(365),
        ends_soon: false,
        reason: "from the vendor's own page, which we patch by".to_owned(),
        imported_by: "sara".to_owned(),
        imported_at: at(-hours(i + 3)),
        superseded_by: (state == "superseded").then(|| format!("vdc_{:020x}", i + 1)),
        withdrawn_by: (state == "withdrawn").then(|| "bob".to_owned()),
        withdrawn_because: (state == "withdrawn").then(|| "the vendor took it back".to_owned()),
        generation: 1,
    }
}

/// Decisions that end soon.
pub(super) fn ending(rows: usize) -> Vec<EndingRow> {
    (0..rows.min(3))
        .map(|i| EndingRow {
            kind: pick(&["exception", "statement", "document"], i).to_owned(),
            id: format!("exc_{i:020x}"),
            title: format!("{} (3 vulnerabilities) on 12 hosts", pick(&PACKAGES, i)),
            last_day: "2026-12-01".to_owned(),
            days_left: 4 * i as i64,
            findings: 36,
            renewal: (i == 1).then(|| "exc_00".to_owned()),
        })
        .collect()
}

fn statements(rows: usize) -> Vec<VexDocumentStatement> {
    (0..rows.min(24))
        .map(|i| VexDocumentStatement {
            place: format!("OpenVEX, statement {}", i + 1),
            vuln: format!("CVE-2026-{:04}", 1_000 + i),
            status: pick(&["not_affected", "affected", "fixed", "under_investigation"], i).to_owned(),
            justification: i.is_multiple_of(4).then(|| "vulnerable_code_not_in_execute_path".to_owned()),
            products: vec![format!("pkg:deb/debian/{}", pick(&PACKAGES, i))],
            products_total: 1 + (i as u64 % 3),
            effect: pick(&["applied", "open", "idle", "unmatched"], i).to_owned(),
        })
        .collect()
}

fn plan(rows: usize) -> DecisionPlan {
    DecisionPlan {
        schema: 1,
        q: "source:openssl and tier:T3".to_owned(),
        findings: rows as u64 * 84,
        counts: UrgencyCounts { high: 3, medium: 9, ..UrgencyCounts::default() },
        worst: (rows > 0).then(|| "high".to_owned()),
        hosts: 12,
        vulns: 7,
        packages: rows as u64,
        excepted: u64::from(rows > 1) * 5,
        latest: "2027-01-21".to_owned(),
        digest: "9f".repeat(32),
        rows: covers(rows),
    }
}

/// Every page about decisions.
pub(super) fn pages(
    rows: usize,
    f: &impl Fn(&str, Area) -> Frame,
    spoil: &impl Spoil,
) -> askama::Result<Vec<(&'static str, String)>> {
    let list: Vec<ExceptionRow> = (0..rows).map(exception).collect();
    let stated: Vec<NotAffectedRow> = (0..rows.min(12)).map(statement).collect();
    let documents: Vec<VexDocumentRow> = (0..rows.min(8)).map(document).collect();
    let read = VexDocumentDetail {
        schema: 1,
        row: document(rows % 4),
        statements: statements(rows),
        ..VexDocumentDetail::default()
    };
    let given = TypedDocument { name: "vendor.json".to_owned(), document: "{}".to_owned(), ..TypedDocument::default() };
    let detail = ExceptionDetail {
        schema: 1,
        row: exception(rows % 5),
        worst_now: (rows == 30).then(|| "emergency".to_owned()),
        latest: "2027-01-21".to_owned(),
        covers: covers(rows),
        on: on(rows),
        gone: u64::from(rows == 0),
    };
    let said = NotAffectedDetail { schema: 1, row: statement(rows % 3), covers: covers(rows), on: on(rows), gone: 0 };
    let typed = Typed {
        q: "source:openssl and tier:T3".to_owned(),
        reason: "the vendor certifies 3.1 in spring".to_owned(),
        ..Typed::default()
    };
    let refused = (rows == 1).then(|| "Nothing was decided: the last day is over.".to_owned());
    let area = Area::Exceptions;
    let decide = |kind, plan, refused| {
        DecidePage::new(f("Defer findings", Area::Findings), kind, spoil.spoil(typed.clone()), plan, refused).render()
    };
    Ok(vec![
        (
            "exceptions",
            ExceptionsPage::new(
                f("Exceptions", area),
                spoil.spoil(list),
                spoil.spoil(stated),
                spoil.spoil(documents.clone()),
            )
            .render()?,
        ),
        (
            "exceptions-refused",
            ExceptionsPage::new(f("Exceptions", area), Vec::new(), Vec::new(), documents)
                .typed(spoil.spoil(given))
                .render()?,
        ),
        ("vex-document", VexDocumentPage::new(f("VEX document", area), spoil.spoil(read)).render()?),
        ("exception", ExceptionPage::new(f("Exception", area), spoil.spoil(detail), String::new()).render()?),
        ("not-affected", NotAffectedPage::new(f("Not affected", area), spoil.spoil(said)).render()?),
        ("defer", decide(Kind::Defer, Some(spoil.spoil(plan(rows))), refused.clone())?),
        ("not-affected-plan", decide(Kind::NotAffected, Some(spoil.spoil(plan(rows))), refused)?),
        ("defer-first", decide(Kind::Defer, None, None)?),
    ])
}
