//! Policy documents: what is refused, where, and with which hint.

use patchwright_domain::decision::policy::{DEFAULT_TEXT, Policy, PolicyProblem, Span, Urgency};
use patchwright_domain::time::{Date, Timestamp};

use super::support::default_policy;

fn problems(text: &str) -> Vec<PolicyProblem> {
    Policy::parse(text).expect_err("the document has problems")
}

/// The first line that starts with `from` replaced.
fn changed(from: &str, to: &str) -> String {
    let mut done = false;
    let lines: Vec<String> = DEFAULT_TEXT
        .lines()
        .map(|line| {
            if !done && line.starts_with(from) {
                done = true;
                to.to_owned()
            } else {
                line.to_owned()
            }
        })
        .collect();
    assert!(done, "`{from}` is not in the default policy");
    lines.join("\n")
}

fn check(text: &str, line_starts: &str, column: usize, says: &str, hint: &str) {
    let found = problems(text);
    let first =
        found.iter().find(|p| p.message.contains(says)).unwrap_or_else(|| panic!("`{says}` is not in {found:#?}"));
    let line = text.lines().nth(first.line - 1).unwrap_or_default();
    assert!(line.starts_with(line_starts), "{first}: the line is `{line}`");
    assert_eq!(first.column, column, "{first}");
    assert!(first.hint.as_deref().unwrap_or_default().contains(hint), "{first}: {:?}", first.hint);
}

#[test]
fn the_shipped_policy_reads_and_is_the_documented_matrix() {
    let p = default_policy();
    assert_eq!((p.name.as_str(), p.version.as_str()), ("default", "1"));
    assert_eq!(p.hash.len(), 64);
    assert_eq!((p.urgency.rules.len(), p.urgency.limits.len(), p.urgency.fallback), (11, 1, Urgency::Low));
    assert!(p.sla.active.is_empty());
    let ids: Vec<&str> = p.sla.profiles.iter().map(|p| p.id.as_str()).collect();
    assert_eq!(ids, ["bod-26-04", "pci-4.0.1", "essential-eight", "hipaa-nprm-2025", "cyber-essentials"]);
    // Rows: urgency; columns: tiers. `r` is a review without a deadline.
    let matrix: Vec<String> = Urgency::ALL
        .iter()
        .rev()
        .map(|u| {
            p.sla
                .targets
                .iter()
                .filter(|t| t.urgency == *u && t.when.is_none())
                .map(|t| {
                    let remediate = t.goal.remediate.map_or("-".to_owned(), |s| s.to_string());
                    let mitigate = t.goal.mitigate.map_or(String::new(), |s| format!("{s} then "));
                    let review = t.goal.review.map_or(String::new(), |s| format!(" r {s}"));
                    format!("{:?} {mitigate}{remediate}{review}", t.tier)
                })
                .collect::<Vec<_>>()
                .join(" | ")
        })
        .collect();
    assert_eq!(
        matrix,
        [
            "T1 24 h then 48 h | T2 24 h then 72 h | T3 72 h | T4 72 h",
            "T1 7 d | T2 14 d | T3 14 d | T4 30 d",
            "T1 14 d | T2 30 d | T3 30 d | T4 60 d",
            "T1 30 d | T2 60 d | T3 90 d | T4 90 d",
            "T1 90 d | T2 - r 180 d | T3 - r 180 d | T4 - r 180 d",
        ]
    );
}

#[test]
fn problems_have_line_column_and_hint() {
    check(&changed("name = ", "nmae = \"x\""), "nmae", 1, "unknown policy kind or key `nmae`", "did you mean `name`?");
    check(
        &format!("{DEFAULT_TEXT}\n[waves]\nx = 1\n"),
        "[waves]",
        2,
        "unknown policy kind or key `waves`",
        "known kinds: urgency, sla",
    );
    check(&changed("schema = ", "schema = 2"), "schema", 10, "reads policy schema 1 only", "schema = 1");
    check(&changed("valid_from = ", "valid_from = \"soon\""), "valid_from", 14, "expected a day", "2026-11-22");
    check(&changed("fallback = ", "fallback = \"Lowest\""), "fallback", 12, "`Lowest` is not", "known: Low, Medium");
    check(
        &changed("when = 'vuln.kev'", "when = 'vuln.kevv'"),
        "when",
        9,
        "unknown variable `vuln.kevv`",
        "did you mean `vuln.kev`?",
    );
    check(&changed("when = 'vuln.kev'", "when = 'now > 3'"), "when", 9, "unknown variable `now`", "vuln.id");
    check(&changed("when = 'vuln.kev'", "whn = 'vuln.kev'"), "[[urgency.rule]]", 1, "`when` is missing", "");
    check(
        &changed("(has(vuln.severity) && vuln.severity in", "(has(vuln.severity) && vuln.severity inn [\"x\"])"),
        "(has(vuln.severity) && vuln.severity inn",
        38,
        "expected `)`, found `inn`",
        "",
    );
    check(&changed("when = 'vuln.kev'", "when = 'vuln.kev inn true'"), "when", 18, "unexpected `inn`", "join");
    check(
        &changed("  { urgency = \"High\", tier = \"T2\"", ""),
        "[sla]",
        1,
        "no target without `when` for urgency High in tier T2",
        "review",
    );
    check(
        &changed(
            "  { urgency = \"Low\", tier = \"T1\"",
            "  { urgency = \"Low\", tier = \"T1\", remediate = \"90 days\" },",
        ),
        "  { urgency = \"Low\"",
        47,
        "`remediate` is not a length of time",
        "48h",
    );
    check(&changed("profiles = []", "profiles = [\"pci\"]"), "profiles", 13, "unknown profile `pci`", "pci-4.0.1");
    check(&changed("restricted_up", "restricted_up = 9"), "restricted_up", 17, "from 0 to 3", "");
    check(&changed("clock = ", "clock = [\"now\"]"), "clock", 10, "`now` is not one", "first_seen");
    check("schema = 1\nname = \n", "name", 8, "read TOML", "");
    assert!(problems("").iter().any(|p| p.message.contains("`schema` is missing")));
}

#[test]
fn every_problem_is_reported_in_document_order() {
    let text =
        changed("when = 'vuln.kev'", "when = 'vuln.kevv'").replace("fallback = \"Low\"", "fallback = \"Lowest\"");
    let found = problems(&text);
    assert_eq!(found.len(), 2, "{found:#?}");
    assert!(found[0].line < found[1].line);
}

#[test]
fn bombs_are_refused() {
    assert!(problems(&"#".repeat(300 * 1024))[0].message.contains("longer than"));
    let deep = format!("schema = {}{}", "[".repeat(50_000), "]".repeat(50_000));
    assert!(!problems(&deep).is_empty());
    let rules = "[[urgency.rule]]\n".repeat(600);
    assert!(problems(&format!("schema = 1\n{rules}")).iter().any(|p| p.message.contains("more than 500")));
}

#[test]
fn a_document_of_one_kind_keeps_the_default_of_the_other() {
    let header = "schema = 1\nname = \"ours\"\nversion = \"7\"\nvalid_from = 2026-11-01\nvalid_to = 2026-12-31\n";
    let text = format!(
        "{header}[urgency]\nfallback = \"Medium\"\nassumed_at_most = \"Emergency\"\nhuman_impact = \"table\"\n"
    );
    let p = Policy::parse(&text).unwrap();
    let default = default_policy();
    assert_eq!(p.urgency.fallback, Urgency::Medium);
    assert_eq!(p.sla, default.sla);
    assert_ne!(p.hash, default.hash);
    let day = |d: &str| Date::parse(d).unwrap();
    let versions = [default.clone(), p.clone()];
    assert_eq!(Policy::in_force(&versions, day("2026-10-31")).map(|p| &p.name), Some(&default.name));
    assert_eq!(Policy::in_force(&versions, day("2026-11-01")).map(|p| &p.name), Some(&p.name));
    assert_eq!(Policy::in_force(&versions, day("2027-01-01")).map(|p| &p.name), Some(&default.name));
    assert_eq!(Policy::in_force(&versions, day("2020-01-01")), None);
    let ends_first = text.replace("2026-12-31", "2026-10-01");
    check(&ends_first, "valid_to", 12, "before valid_from", "");
}

#[test]
fn spans_read_and_count() {
    let start = Timestamp::parse("2026-01-31T12:00:00Z").unwrap();
    for (text, end) in [
        ("48h", "2026-02-02T12:00:00Z"),
        ("3d", "2026-02-03T12:00:00Z"),
        ("2w", "2026-02-14T12:00:00Z"),
        ("1mo", "2026-02-28T12:00:00Z"),
    ] {
        assert_eq!(Span::parse(text).unwrap().after(start).to_string(), end, "{text}");
    }
    for text in ["", "0d", "d", "3", "3y", "-1d", "99999999d", "1.5d"] {
        assert_eq!(Span::parse(text), None, "{text}");
    }
}
