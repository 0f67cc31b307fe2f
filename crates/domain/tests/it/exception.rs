//! Decisions about findings: who may take which step, within which bounds, and what they cover.

use std::collections::BTreeSet;

use patchwright_domain::decision::policy::{Policy, Urgency};
use patchwright_domain::decision::sla::{DueCandidate, DueDates};
use patchwright_domain::exposure::vex::{HostIdentity, Justification, Subject, apply};
use patchwright_domain::exposure::{Finding, FindingState};
use patchwright_domain::governance::Party;
use patchwright_domain::governance::coverage::{Coverage, Listed};
use patchwright_domain::governance::exception::{
    Accounts, Counts, Exception, ExceptionPolicy, Plea, Refusal, Renewal, Standing, State, days_left, end_of,
};
use patchwright_domain::governance::not_affected::{self, Claim, NotAffected};
use patchwright_domain::ids::{ExceptionId, HostId, StatementId};
use patchwright_domain::intel::{Status, VendorWords};
use patchwright_domain::time::{Date, Timestamp};
use proptest::prelude::*;

fn at(text: &str) -> Timestamp {
    Timestamp::parse(text).unwrap()
}

fn now() -> Timestamp {
    at("2026-11-22T10:00:00Z")
}

fn day(text: &str) -> Date {
    Date::parse(text).unwrap()
}

fn who(name: &str) -> Party {
    Party { word: format!("usr_{name}"), name: name.to_owned() }
}

fn plea(until: &str, worst: Urgency) -> Plea {
    Plea {
        title: "openssl on 2 hosts".to_owned(),
        question: "source:openssl".to_owned(),
        draft: None,
        renews: None,
        reason: "the vendor certifies 3.1 in spring.".to_owned(),
        measure: Some("only the proxy reaches it".to_owned()),
        until: day(until),
        by: who("ann"),
        at: now(),
        worst,
        counts: Counts { findings: 4, hosts: 2, vulns: 2 },
    }
}

fn requested(until: &str) -> Exception {
    Exception::request(ExceptionId::from_unique("1"), plea(until, Urgency::High), &ExceptionPolicy::default()).unwrap()
}

fn approve(
    e: Exception,
    by: &str,
    accounts: Accounts,
    worst: Urgency,
    now: Timestamp,
) -> Result<Exception, Vec<Refusal>> {
    e.approve(who(by), "the proxy is enough", accounts, worst, &ExceptionPolicy::default(), now)
}

#[test]
fn a_request_says_everything_that_stands_against_it() {
    let policy = ExceptionPolicy::default();
    let ask = |change: &dyn Fn(&mut Plea)| {
        let mut plea = plea("2026-12-20", Urgency::High);
        change(&mut plea);
        Exception::request(ExceptionId::from_unique("1"), plea, &policy)
    };
    assert_eq!(ask(&|_| ()).unwrap().standing(now()), Standing::Requested);
    let all = ask(&|p| {
        p.counts = Counts::default();
        p.reason = "  ".to_owned();
        p.measure = Some("x".repeat(4_001));
        p.until = day("2026-11-21");
    });
    assert_eq!(
        all.unwrap_err(),
        [Refusal::Nothing, Refusal::NoReason, Refusal::MeasureTooLong, Refusal::Past(day("2026-11-21"))]
    );
    assert!(ask(&|p| p.until = day("2026-11-22")).is_ok(), "today is not over yet");
    // The longest time is that of the worst urgency.
    for (worst, days) in [(Urgency::Low, 180), (Urgency::High, 60), (Urgency::Critical, 30), (Urgency::Emergency, 7)] {
        let latest = now().plus_days(days).date();
        assert!(ask(&|p| (p.worst, p.until) = (worst, latest)).is_ok(), "{worst:?}");
        let far = ask(&|p| (p.worst, p.until) = (worst, Date(latest.0 + 1))).unwrap_err();
        assert!(matches!(&far[..], [Refusal::Far { latest: said, .. }] if *said == latest), "{far:?}");
        assert!(far[0].to_string().contains(&format!("{days} days for {} findings", worst.word())), "{}", far[0]);
    }
}

#[test]
fn whoever_asks_does_not_approve_unless_nobody_else_could() {
    let same = approve(requested("2026-12-20"), "ann", Accounts::Several, Urgency::High, now()).unwrap_err();
    assert_eq!(same, [Refusal::SameEyes("ann".to_owned())]);
    let other = approve(requested("2026-12-20"), "bob", Accounts::Several, Urgency::High, now()).unwrap();
    assert!(other.in_force(now()) && !other.approval().unwrap().alone);
    assert_eq!(
        other.because().unwrap(),
        "excepted until 2026-12-20 because the vendor certifies 3.1 in spring, approved by bob; meanwhile: only the proxy reaches it"
    );
    let alone = approve(requested("2026-12-20"), "ann", Accounts::One, Urgency::High, now()).unwrap();
    assert!(alone.approval().unwrap().alone);
    assert!(alone.because().unwrap().contains("this installation has one account only"), "{:?}", alone.because());
    assert_eq!(requested("2026-12-20").because(), None, "nobody approved it");
}

#[test]
fn an_approval_is_bounded_by_what_is_known_when_it_is_given() {
    // Asked for as High until day 40; a week later one of the findings is in KEV.
    let later = now().plus_days(7);
    let grave = approve(requested("2027-01-01"), "bob", Accounts::Several, Urgency::Critical, later).unwrap_err();
    assert!(matches!(&grave[..], [Refusal::Far { worst: Urgency::Critical, .. }]), "{grave:?}");
    // Less urgent than asked for does not lengthen it.
    let far = requested("2027-01-21");
    assert!(approve(far.clone(), "bob", Accounts::Several, Urgency::Low, now()).is_ok());
    let short = ExceptionPolicy { max_days: [180, 90, 10, 5, 1], ..ExceptionPolicy::default() };
    let tightened = far.approve(who("bob"), "ok", Accounts::Several, Urgency::Low, &short, now()).unwrap_err();
    assert!(
        matches!(&tightened[..], [Refusal::Far { worst: Urgency::High, .. }]),
        "policy changed meanwhile: {tightened:?}"
    );
    let nothing = requested("2026-12-20").approve(
        who("bob"),
        "",
        Accounts::Several,
        Urgency::Low,
        &ExceptionPolicy::default(),
        now(),
    );
    assert_eq!(nothing.unwrap_err(), [Refusal::NoReason]);
}

#[test]
fn every_step_from_every_state() {
    let fresh = || requested("2026-12-20");
    let approved = || approve(fresh(), "bob", Accounts::Several, Urgency::High, now()).unwrap();
    let over = end_of(day("2026-12-20"));
    let states: Vec<(&str, Exception, Timestamp)> = vec![
        ("requested", fresh(), now()),
        ("approved", approved(), now()),
        ("refused", fresh().refuse(who("bob"), "no", now()).unwrap(), now()),
        ("revoked", approved().revoke(who("bob"), "fixed", now()).unwrap(), now()),
        ("taken back", fresh().revoke(who("ann"), "not needed", now()).unwrap(), now()),
        ("over, not noted", approved(), over),
        ("waited too long", fresh(), over),
        ("expired", approved().expire(over).unwrap(), over),
    ];
    let table: Vec<(&str, &str, bool, bool, bool, bool)> = states
        .iter()
        .map(|(name, e, when)| {
            (
                *name,
                e.standing(*when).word(),
                approve(e.clone(), "bob", Accounts::Several, Urgency::High, *when).is_ok(),
                e.clone().refuse(who("bob"), "no", *when).is_ok(),
                e.clone().revoke(who("bob"), "no", *when).is_ok(),
                e.clone().expire(*when).is_ok(),
            )
        })
        .collect();
    assert_eq!(
        table,
        [
            ("requested", "requested", true, true, true, false),
            ("approved", "approved", false, false, true, false),
            ("refused", "refused", false, false, false, false),
            ("revoked", "revoked", false, false, false, false),
            ("taken back", "revoked", false, false, false, false),
            ("over, not noted", "expired", false, false, false, true),
            ("waited too long", "expired", false, false, false, true),
            ("expired", "expired", false, false, false, false),
        ]
    );
    assert!(states.iter().filter(|(_, e, when)| e.in_force(*when)).count() == 1, "only an approved one holds");
    let why = approved().refuse(who("bob"), "no", now()).unwrap_err();
    assert_eq!(why[0].to_string(), "it is approved and cannot be refused");
    // Who had approved stays on record.
    let (_, revoked, _) = &states[3];
    assert!(matches!(revoked.state(), State::Revoked { approval: Some(a), .. } if a.by.name == "bob"));
    for (_, e, _) in &states {
        let json = serde_json::to_string(e.state()).unwrap();
        assert_eq!(&serde_json::from_str::<State>(&json).unwrap(), e.state(), "{json}");
    }
}

#[test]
fn it_ends_by_itself_at_the_end_of_its_last_day() {
    let e = approve(requested("2026-12-20"), "bob", Accounts::Several, Urgency::High, now()).unwrap();
    assert!(e.in_force(at("2026-12-20T23:59:59Z")));
    assert!(!e.in_force(at("2026-12-21T00:00:00Z")));
}

#[test]
fn dates_wait_for_the_end_and_stay_in_the_list() {
    let own = |due: &str| DueCandidate {
        profile: "default".to_owned(),
        due: Some(at(due)),
        mitigate_by: None,
        review_by: None,
        clock: patchwright_domain::decision::policy::Clock::FirstSeen,
        start: at("2026-10-01T00:00:00Z"),
        because: "14 d".to_owned(),
        assumed: Vec::new(),
    };
    let dates =
        |due: &str| DueDates { candidates: vec![own(due)], winner: Some(0), overdue_by_ms: Some(5), mitigate_by: None };
    let ends = at("2026-12-21T00:00:00Z");
    let waiting = dates("2026-11-01T00:00:00Z").excepted("exc_1", ends, "why");
    assert_eq!((waiting.due(), waiting.overdue_by_ms), (Some(ends), None));
    assert_eq!(waiting.candidates[0], own("2026-11-01T00:00:00Z"), "its own date is still there");
    assert_eq!(waiting.winning().unwrap().start, at("2026-10-01T00:00:00Z"), "and so is its clock");
    let later = dates("2027-03-01T00:00:00Z");
    assert_eq!(later.clone().excepted("exc_1", ends, "why"), later, "nothing is due earlier than without it");
    let none = DueDates::default();
    assert_eq!(none.clone().excepted("exc_1", ends, "why"), none);
}

#[test]
fn policy_bounds_exceptions_and_says_where_it_is_wrong() {
    assert_eq!(Policy::shipped().unwrap().exceptions, ExceptionPolicy::default());
    let head = "schema = 1\nname = \"site\"\nversion = \"1\"\nvalid_from = 2026-01-01\n";
    let own = Policy::parse(&format!("{head}[exceptions]\nmax_days = {{ High = 20, Emergency = 0 }}\n")).unwrap();
    assert_eq!(own.exceptions.max_days, [180, 90, 20, 30, 0], "what is not said stays as it is by default");
    assert_eq!(own.exceptions.notice_days, 14);
    let soon = Policy::parse(&format!("{head}[exceptions]\nnotice_days = 30\n")).unwrap().exceptions;
    assert_eq!(soon, ExceptionPolicy { notice_days: 30, ..ExceptionPolicy::default() });
    let policy = own.exceptions;
    let plea = |until: &str| plea(until, Urgency::Emergency);
    let ask = |until: &str| Exception::request(ExceptionId::from_unique("1"), plea(until), &policy);
    assert!(ask("2026-11-23").is_err(), "0 days: the day of asking at most");
    for (bad, what) in [
        ("max_days = { High = 400 }", "`High` is no number of days"),
        ("max_days = { High = \"20\" }", "`High` is no number of days"),
        ("max_days = { Hihg = 20 }", "unknown key `Hihg`"),
        ("days = 3", "`max_days` is missing"),
        ("notice_days = 400", "`notice_days` is no number of days"),
        ("notice_days = \"soon\"", "`notice_days` is no number of days"),
    ] {
        let problems = Policy::parse(&format!("{head}[exceptions]\n{bad}\n")).unwrap_err();
        assert!(
            problems.iter().any(|p| p.message.contains(what) && p.line == 6 || p.message.contains(what)),
            "{problems:?}"
        );
    }
}

fn host(n: u32) -> HostId {
    HostId::from_unique(&format!("{n:04x}"))
}

fn listed(package: &str, version: Option<&str>, vulns: &[&str], hosts: &[u32]) -> Listed {
    Listed {
        ecosystem: "Debian:12".to_owned(),
        package: package.to_owned(),
        version: version.map(str::to_owned),
        vulns: vulns.iter().map(|v| (*v).to_owned()).collect(),
        hosts: hosts.iter().map(|h| host(*h)).collect(),
    }
}

#[test]
fn a_coverage_is_a_list_that_does_not_grow() {
    let covers = Coverage::of(vec![
        listed("openssl", None, &["CVE-2", "CVE-1"], &[3, 1]),
        listed("openssl", None, &["CVE-1", "CVE-2"], &[2]),
        listed("curl", None, &["CVE-9"], &[1]),
        listed("empty", None, &[], &[1]),
    ]);
    assert_eq!((covers.hosts.len(), covers.parts.len(), covers.findings()), (3, 2, 7));
    assert_eq!(covers.title(), "3 vulnerabilities in 2 packages on 3 hosts");
    assert_eq!(Coverage::of(vec![listed("curl", None, &["CVE-9"], &[1])]).title(), "CVE-9 in curl on 1 host");
    let means = |h: u32, package: &str, vuln: &str| {
        covers.on_host(&host(h)).any(|p| p.means("Debian:12", package, "1.0", vuln))
    };
    assert!(means(2, "openssl", "CVE-1") && means(1, "curl", "CVE-9"));
    assert!(!means(2, "curl", "CVE-9"), "not on this host");
    assert!(!means(1, "openssl", "CVE-3") && !means(4, "openssl", "CVE-1"), "what joined later is not in it");
    assert!(!covers.on_host(&host(1)).any(|p| p.means("Debian:11", "openssl", "1.0", "CVE-1")), "another release");
    let versioned = Coverage::of(vec![listed("openssl", Some("3.0"), &["CVE-1"], &[1])]);
    assert!(versioned.parts[0].means("Debian:12", "openssl", "3.0", "CVE-1"));
    assert!(!versioned.parts[0].means("Debian:12", "openssl", "3.1", "CVE-1"), "another version");
    let many: Vec<u32> = (0..20_001).collect();
    assert!(Coverage::of(vec![listed("openssl", None, &["CVE-1"], &many)]).excess().unwrap().contains("20001 hosts"));
    assert_eq!(covers.excess(), None);
}

proptest! {
    #[test]
    fn a_coverage_means_exactly_what_was_listed(
        rows in proptest::collection::vec((0u32..3, 0u32..4, proptest::collection::btree_set(0u32..12, 0..6)), 0..8),
    ) {
        let name = |n: u32| format!("p{n}");
        let list: Vec<Listed> = rows
            .iter()
            .map(|(package, vuln, hosts)| {
                let hosts: Vec<u32> = hosts.iter().copied().collect();
                listed(&name(*package), None, &[&format!("CVE-{vuln}")], &hosts)
            })
            .collect();
        let covers = Coverage::of(list.clone());
        let mut reversed = list;
        reversed.reverse();
        prop_assert_eq!(Coverage::of(reversed).digest(), covers.digest(), "the order does not matter");
        let mut pairs = BTreeSet::new();
        for (package, vuln, hosts) in &rows {
            pairs.extend(hosts.iter().map(|h| (*package, *vuln, *h)));
        }
        for package in 0..3 {
            for vuln in 0..4 {
                for h in 0..12 {
                    let means = covers.on_host(&host(h)).any(|p| p.means("Debian:12", &name(package), "1", &format!("CVE-{vuln}")));
                    prop_assert_eq!(means, pairs.contains(&(package, vuln, h)));
                }
            }
        }
        for part in &covers.parts {
            prop_assert_eq!(covers.hosts_of(part).count() as u64, part.hosts());
        }
    }
}

fn claim(review_by: &str) -> Claim {
    Claim {
        title: "openssl on 2 hosts".to_owned(),
        question: "cve:CVE-1".to_owned(),
        justification: Justification::VulnerableCodeNotInExecutePath,
        reason: "the module is not loaded".to_owned(),
        by: who("sara"),
        at: now(),
        review_by: day(review_by),
        counts: Counts { findings: 1, hosts: 1, vulns: 1 },
    }
}

fn finding(package: &str, installed: &str, vuln: &str) -> Finding {
    Finding {
        vuln: vuln.to_owned(),
        ecosystem: "Debian:12".to_owned(),
        package: package.to_owned(),
        installed: installed.to_owned(),
        fixed: None,
        status: Status::Affected,
        state: FindingState::NoFix,
        advisories: Vec::new(),
        vendor: VendorWords::default(),
        binaries: vec![
            patchwright_domain::exposure::AffectedBinary {
                name: "libssl3".to_owned(),
                version: installed.to_owned(),
                arch: "amd64".to_owned(),
            },
            patchwright_domain::exposure::AffectedBinary {
                name: package.to_owned(),
                version: installed.to_owned(),
                arch: "amd64".to_owned(),
            },
        ],
        evidence: Vec::new(),
    }
}

#[test]
fn not_affected_becomes_statements_about_one_version_on_one_host() {
    let id = StatementId::from_unique("1");
    let covers = Coverage::of(vec![listed("openssl", Some("3.0.11-1"), &["CVE-1"], &[1])]);
    let said = NotAffected::state_it(id.clone(), claim("2027-05-01"), &covers).unwrap();
    let parts: Vec<_> = covers.on_host(&host(1)).collect();
    let statements = said.statements(&host(1), &parts);
    let me = HostIdentity { ids: vec![host(1).to_string()], ..HostIdentity::default() };
    let aside = |finding: Finding, identity: &HostIdentity, when: Timestamp| {
        apply(&statements, &Subject { host: identity, findings: &[finding] }, when).set_aside.len()
    };
    let open = || finding("openssl", "3.0.11-1", "CVE-1");
    assert_eq!(aside(open(), &me, now()), 1, "{statements:?}");
    assert_eq!(aside(finding("openssl", "3.0.12-1", "CVE-1"), &me, now()), 0, "another version");
    assert_eq!(aside(finding("openssl", "3.0.11-1", "CVE-2"), &me, now()), 0, "another vulnerability");
    assert_eq!(aside(finding("nodejs", "3.0.11-1", "CVE-1"), &me, now()), 0, "another package");
    let other = HostIdentity { ids: vec![host(2).to_string()], ..HostIdentity::default() };
    assert_eq!(aside(open(), &other, now()), 0, "another host");
    assert_eq!(aside(open(), &me, at("2027-05-02T00:00:00Z")), 0, "after its review date");
    assert!(statements[0].reason().contains("vulnerable_code_not_in_execute_path"), "{}", statements[0].reason());

    let back = said.clone().withdraw(who("bob"), "needed again", now()).unwrap();
    assert!(said.in_force(now()) && !back.in_force(now()));
    assert_eq!((said.standing(now()), back.standing(now())), ("stated", "withdrawn"));
    assert_eq!(said.standing(at("2027-05-02T00:00:00Z")), "lapsed");
    assert_eq!(back.withdraw(who("bob"), "again", now()).unwrap_err(), not_affected::Refusal::Withdrawn);
    assert_eq!(said.withdraw(who("bob"), "", now()).unwrap_err(), not_affected::Refusal::NoReason);

    let refuse = |claim: Claim, covers: &Coverage| NotAffected::state_it(id.clone(), claim, covers).unwrap_err();
    let empty = Claim { reason: String::new(), ..claim("2026-11-22") };
    assert_eq!(
        refuse(empty, &Coverage::default()),
        [
            not_affected::Refusal::Nothing,
            not_affected::Refusal::NoReason,
            not_affected::Refusal::Past(day("2026-11-22"))
        ]
    );
    assert_eq!(refuse(claim("2028-05-01"), &covers), [not_affected::Refusal::Far(day("2028-05-01"))]);
    let mut odd = covers.clone();
    odd.parts[0].ecosystem = "Plan 9".to_owned();
    assert_eq!(refuse(claim("2027-05-01"), &odd), [not_affected::Refusal::Unnameable("Plan 9".to_owned())]);
}

#[test]
fn only_an_account_approves_or_refuses() {
    let local = || Party { word: "local:root (uid 0)".to_owned(), name: "root (uid 0)".to_owned() };
    let policy = ExceptionPolicy::default();
    for accounts in [Accounts::One, Accounts::Several] {
        let against =
            requested("2026-12-20").approve(local(), "ok", accounts, Urgency::High, &policy, now()).unwrap_err();
        assert_eq!(against, [Refusal::NoAccount("root (uid 0)".to_owned())]);
    }
    let mut asked = plea("2026-12-20", Urgency::High);
    asked.by = local();
    let own = Exception::request(ExceptionId::from_unique("1"), asked, &policy).unwrap();
    let both = own.clone().approve(local(), "ok", Accounts::Several, Urgency::High, &policy, now()).unwrap_err();
    assert_eq!(both.len(), 2, "and whoever asks does not approve: {both:?}");
    assert_eq!(
        own.clone().refuse(local(), "", now()).unwrap_err(),
        [Refusal::NoReason, Refusal::NoAccount("root (uid 0)".to_owned())]
    );
    // An account is the second person to a request of the command line, and the command line may take its own back.
    let approved = approve(own.clone(), "bob", Accounts::One, Urgency::High, now()).unwrap();
    assert!(!approved.approval().unwrap().alone);
    assert!(own.revoke(local(), "not needed", now()).is_ok());
    assert!(approved.revoke(local(), "stop it", now()).is_ok(), "what counts again needs no second person");
    for (word, account) in
        [("usr_01", true), ("local:ann", false), ("system:exception_clock", false), ("tok_01", false)]
    {
        assert_eq!(Party { word: word.to_owned(), name: String::new() }.is_account(), account, "{word}");
    }
}

#[test]
fn a_renewal_is_a_new_request_about_the_same() {
    let policy = ExceptionPolicy::default();
    let held = approve(requested("2026-12-20"), "bob", Accounts::Several, Urgency::High, now()).unwrap();
    let with = |until: &str, worst: Option<Urgency>| Renewal {
        until: day(until),
        reason: "not certified yet".to_owned(),
        measure: None,
        by: who("ann"),
        at: now(),
        worst,
    };
    let id = || ExceptionId::from_unique("2");
    let next = held.renew(id(), with("2027-01-15", Some(Urgency::High)), None, &policy).unwrap();
    assert_eq!(next.standing(now()), Standing::Requested);
    assert_eq!(next.plea().renews.as_ref(), Some(held.id()));
    assert_eq!((&next.plea().title, next.plea().counts), (&held.plea().title, held.plea().counts));
    assert_eq!(next.plea().measure, held.plea().measure, "as before when nothing is said");
    assert!(held.in_force(now()), "the old one holds");
    // It needs somebody else again.
    assert!(approve(next.clone(), "ann", Accounts::Several, Urgency::High, now()).is_err());
    assert!(approve(next.clone(), "bob", Accounts::Several, Urgency::High, now()).is_ok());

    let refused = |with, waiting: Option<&ExceptionId>| held.renew(id(), with, waiting, &policy).unwrap_err();
    assert_eq!(
        refused(with("2026-12-20", Some(Urgency::High)), Some(next.id())),
        [Refusal::Waits(next.id().clone()), Refusal::NotLater(day("2026-12-20"))]
    );
    assert_eq!(refused(with("2027-01-15", None), None), [Refusal::Nothing], "nothing of it is open any more");
    let grave = refused(with("2027-01-15", Some(Urgency::Emergency)), None);
    assert!(matches!(&grave[..], [Refusal::Far { worst: Urgency::Emergency, .. }]), "{grave:?}");
    let waits = requested("2026-12-20").renew(id(), with("2027-01-15", Some(Urgency::Low)), None, &policy).unwrap_err();
    assert!(matches!(&waits[..], [Refusal::Step { wish: "renewed", .. }]), "{waits:?}");
    // What was kept before renewals reads back.
    let old = serde_json::to_value(held.plea()).unwrap();
    let mut old = old.as_object().unwrap().clone();
    old.remove("renews");
    assert_eq!(&serde_json::from_value::<Plea>(old.into()).unwrap(), held.plea());
}

#[test]
fn an_end_is_near_as_policy_says() {
    let near = |until: &str, notice_days| {
        ExceptionPolicy { notice_days, ..ExceptionPolicy::default() }.is_near(day(until), now())
    };
    assert!(near("2026-12-06", 14) && !near("2026-12-07", 14));
    assert!(near("2026-11-22", 0) && !near("2026-11-23", 0) && !near("2026-11-21", 14), "what is over is not near");
    assert_eq!(
        ["2026-11-21", "2026-11-22", "2026-12-22"].map(|until| days_left(day(until), now())),
        [None, Some(0), Some(30)]
    );
}
