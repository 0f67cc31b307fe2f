//! Evidence of a host as statements: what supports one, what never does, and what comes back.

use patchwright_domain::decision::policy::Policy;
use patchwright_domain::exposure::runtime::{Candidate, EvidenceKind, Permit, statements};
use patchwright_domain::exposure::vex::{Applied, HostIdentity, Subject, apply};
use patchwright_domain::exposure::{AffectedBinary, Finding, FindingState};
use patchwright_domain::intel::{Status, VendorWords};
use patchwright_domain::inventory::{HostFacts, MappedCode};
use patchwright_domain::time::Timestamp;

const SEEN: Timestamp = Timestamp(1_000_000);

fn finding(binaries: &[&str]) -> Finding {
    Finding {
        vuln: "CVE-2025-0001".to_owned(),
        ecosystem: "Debian:12".to_owned(),
        package: "zlib".to_owned(),
        installed: "1:1.2-1".to_owned(),
        fixed: None,
        status: Status::Affected,
        state: FindingState::NoFix,
        advisories: Vec::new(),
        vendor: VendorWords::default(),
        binaries: binaries
            .iter()
            .map(|name| AffectedBinary {
                name: (*name).to_owned(),
                version: "1:1.2-1".to_owned(),
                arch: "amd64".to_owned(),
            })
            .collect(),
        evidence: Vec::new(),
    }
}

fn host(mapped: Option<&[&str]>) -> HostFacts {
    HostFacts {
        hostname: "web1".to_owned(),
        collected_at: SEEN,
        mapped_code: mapped.map(|names| MappedCode {
            processes: 40,
            mapped: names.iter().map(|n| (*n).to_owned()).collect(),
            libraries: vec!["libc6".to_owned(), "zlib1g".to_owned()],
        }),
        ..HostFacts::default()
    }
}

fn permit(evidence: EvidenceKind) -> Permit {
    Permit {
        evidence,
        rule: "unused".to_owned(),
        approved_by: "security".to_owned(),
        because: "not loaded".to_owned(),
        expires: SEEN.plus_days(90),
    }
}

fn judged(host: &HostFacts, candidate: Candidate<'_>, now: Timestamp) -> Applied {
    let findings = [candidate.finding.clone()];
    let said = statements(host, &[candidate], SEEN.plus_hours(24), now);
    let identity = HostIdentity { names: vec!["web1".to_owned()], ..HostIdentity::default() };
    apply(&said, &Subject { host: &identity, findings: &findings }, now)
}

fn unmapped(host: &HostFacts, binaries: &[&str], now: Timestamp) -> Applied {
    let finding = finding(binaries);
    let permits = vec![permit(EvidenceKind::NotMapped)];
    judged(host, Candidate { finding: &finding, vector: None, isolated: false, permits }, now)
}

#[test]
fn an_unloaded_library_is_set_aside_until_its_facts_are_too_old() {
    let applied = unmapped(&host(Some(&["libc6"])), &["zlib1g"], SEEN.plus_hours(1));
    assert_eq!(applied.set_aside.len(), 1);
    assert_eq!(applied.set_aside[0].until, Some(SEEN.plus_hours(24)));
    assert!(!applied.set_aside[0].changes_pci_result);
    assert!(applied.set_aside[0].because[0].contains("none of 40 processes maps a file of zlib1g"));
}

#[test]
fn a_process_that_maps_it_again_brings_it_back() {
    assert!(unmapped(&host(Some(&["libc6", "zlib1g"])), &["zlib1g"], SEEN.plus_hours(1)).set_aside.is_empty());
}

#[test]
fn aged_facts_are_no_evidence_and_the_return_is_counted() {
    let applied = unmapped(&host(Some(&["libc6"])), &["zlib1g"], SEEN.plus_hours(24));
    assert!(applied.set_aside.is_empty());
    assert_eq!(applied.came_back(), 1);
}

#[test]
fn what_could_not_be_looked_at_is_no_evidence() {
    assert!(unmapped(&host(None), &["zlib1g"], SEEN.plus_hours(1)).set_aside.is_empty());
    let mut nothing = host(Some(&[]));
    nothing.mapped_code.as_mut().unwrap().processes = 0;
    assert!(unmapped(&nothing, &["zlib1g"], SEEN.plus_hours(1)).set_aside.is_empty());
}

#[test]
fn a_package_with_a_command_is_never_set_aside_for_not_running_now() {
    assert!(unmapped(&host(Some(&["libc6"])), &["zlib1g", "zlib-tools"], SEEN.plus_hours(1)).set_aside.is_empty());
}

#[test]
fn isolation_counts_only_for_attacks_over_a_network() {
    let finding = finding(&["zlib-tools"]);
    let count = |vector, isolated| {
        let permits = vec![permit(EvidenceKind::NetworkIsolated)];
        let candidate = Candidate { finding: &finding, vector, isolated, permits };
        judged(&host(None), candidate, SEEN.plus_hours(1)).set_aside.len()
    };
    assert_eq!(count(Some("CVSS:3.1/AV:N/AC:L"), true), 1);
    assert_eq!(count(Some("CVSS:3.1/AV:N/AC:L"), false), 0);
    assert_eq!(count(Some("CVSS:3.1/AV:L/AC:L"), true), 0);
    assert_eq!(count(None, true), 0);
}

#[test]
fn the_shipped_policy_sets_nothing_aside_and_a_rule_needs_its_approver() {
    assert!(Policy::shipped().unwrap().runtime.rules.is_empty());
    let head = "schema = 1\nname = \"t\"\nversion = \"1\"\nvalid_from = 2026-01-01\n";
    let rule = "[[runtime.rule]]\nname = \"a\"\nevidence = \"not_mapped\"\nwhen = 'vuln.kev == false'\n\
                expires = 2027-01-01\nbecause = \"b\"\n";
    let good = format!("{head}{rule}approved_by = \"s\"\n");
    assert_eq!(Policy::parse(&good).unwrap().runtime.rules[0].evidence, EvidenceKind::NotMapped);
    let problems = Policy::parse(&format!("{head}{rule}")).unwrap_err();
    assert!(problems.iter().any(|p| p.message.contains("approved_by")), "{problems:?}");
    let problems = Policy::parse(&good.replace("not_mapped", "hope")).unwrap_err();
    assert!(problems.iter().any(|p| p.message.contains("hope")), "{problems:?}");
}
