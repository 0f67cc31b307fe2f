//! Evidence of a host as statements: what supports one, what never does, and what comes back.

use SettingState::{Absent, Equal, Other, Unreadable};
use patchwright_domain::decision::policy::Policy;
use patchwright_domain::exposure::runtime::{Candidate, Permit, Wanted, statements};
use patchwright_domain::exposure::vex::{Applied, HostIdentity, Justification, Subject, apply};
use patchwright_domain::exposure::{AffectedBinary, Finding, FindingState};
use patchwright_domain::intel::{Status, VendorWords};
use patchwright_domain::inventory::{
    BlockedModule, HostFacts, Listener, MappedCode, ModuleFacts, PackagedService, Setting, SettingAnswer, SettingSeen,
    SettingState,
};
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

fn permit(evidence: Wanted) -> Permit {
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
    let permits = vec![permit(Wanted::NotMapped)];
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
        let permits = vec![permit(Wanted::NetworkIsolated)];
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
    assert_eq!(Policy::parse(&good).unwrap().runtime.rules[0].evidence, Wanted::NotMapped);
    let problems = Policy::parse(&format!("{head}{rule}")).unwrap_err();
    assert!(problems.iter().any(|p| p.message.contains("approved_by")), "{problems:?}");
    let problems = Policy::parse(&good.replace("not_mapped", "hope")).unwrap_err();
    assert!(problems.iter().any(|p| p.message.contains("hope")), "{problems:?}");
}

/// How many of the finding's rows the evidence sets aside an hour later, and a day later.
fn with(host: &HostFacts, finding: &Finding, evidence: Wanted) -> (usize, usize) {
    let said = |now| {
        let permits = vec![permit(evidence.clone())];
        judged(host, Candidate { finding, vector: None, isolated: false, permits }, now)
    };
    let (now, later) = (said(SEEN.plus_hours(1)), said(SEEN.plus_hours(25)));
    if !now.set_aside.is_empty() {
        assert_eq!(later.came_back(), 1, "aged facts bring it back");
        assert_eq!(now.set_aside[0].until, Some(SEEN.plus_hours(24)));
        assert!(now.set_aside[0].because[0].contains(Justification::VulnerableCodeNotInExecutePath.word()));
    }
    (now.set_aside.len(), later.set_aside.len())
}

fn cups(starts: &[&str], commands: &[&str], mapped: &[&str]) -> HostFacts {
    let mut host = host(Some(mapped));
    let list = |words: &[&str]| words.iter().map(|w| (*w).to_owned()).collect();
    host.services = Some(vec![PackagedService {
        package: "cups-daemon".to_owned(),
        units: vec!["cups.service".to_owned(), "cups.socket".to_owned()],
        starts: list(starts),
        commands: list(commands),
    }]);
    host
}

#[test]
fn a_service_that_is_off_sets_its_findings_aside_and_every_way_to_run_brings_them_back() {
    let daemon = finding(&["cups-daemon"]);
    assert_eq!(with(&cups(&[], &[], &["libc6"]), &daemon, Wanted::ServiceOff), (1, 0));
    let with_library = finding(&["cups-daemon", "zlib1g"]);
    assert_eq!(
        with(&cups(&[], &[], &["libc6"]), &with_library, Wanted::ServiceOff),
        (1, 0),
        "an unused library beside it"
    );
    let none = (0, 0);
    assert_eq!(with(&cups(&["cups.socket is enabled"], &[], &[]), &daemon, Wanted::ServiceOff), none);
    assert_eq!(with(&cups(&[], &["lp"], &[]), &daemon, Wanted::ServiceOff), none, "a command that anybody may start");
    assert_eq!(with(&cups(&[], &[], &["cups-daemon"]), &daemon, Wanted::ServiceOff), none, "started by hand");
    assert_eq!(with(&cups(&[], &[], &["zlib1g"]), &with_library, Wanted::ServiceOff), none, "the library is in use");
    assert_eq!(with(&cups(&[], &[], &[]), &finding(&["cups-daemon", "cups-client"]), Wanted::ServiceOff), none);
    assert_eq!(with(&cups(&[], &[], &[]), &finding(&["zlib1g"]), Wanted::ServiceOff), none, "no service at all");
    let mut listening = cups(&[], &[], &[]);
    let unit = Some("cups.socket".to_owned());
    listening.listeners = vec![Listener { protocol: "tcp".to_owned(), port: 631, unit, ..Listener::default() }];
    assert_eq!(with(&listening, &daemon, Wanted::ServiceOff), none, "a socket is open for it");
    let mut unknown = cups(&[], &[], &[]);
    unknown.services = None;
    assert_eq!(with(&unknown, &daemon, Wanted::ServiceOff), none, "the service manager was not asked");
    unknown = cups(&[], &[], &[]);
    unknown.mapped_code = None;
    assert_eq!(with(&unknown, &daemon, Wanted::ServiceOff), none, "not every process was seen");
}

#[test]
fn a_blocked_kernel_module_sets_findings_of_the_kernel_aside_until_it_is_loaded() {
    let image = finding(&["linux-image-6.1.0-41-amd64"]);
    let wanted = || Wanted::ModuleBlocked { module: "ksmbd".to_owned() };
    let modules = |loaded: &[&str], built_in: &[&str], blocked: &[&str]| {
        let list = |words: &[&str]| words.iter().map(|w| (*w).to_owned()).collect();
        let mut host = host(None);
        host.kernel_modules = Some(ModuleFacts {
            release: "6.1.0-41-amd64".to_owned(),
            loaded: list(loaded),
            built_in: list(built_in),
            blocked: blocked
                .iter()
                .map(|name| BlockedModule {
                    name: (*name).to_owned(),
                    by: format!("blacklist {name} in /etc/modprobe.d/a.conf"),
                })
                .collect(),
            loading_disabled: false,
        });
        host
    };
    assert_eq!(with(&modules(&["ext4"], &[], &["ksmbd"]), &image, wanted()), (1, 0));
    let none = (0, 0);
    assert_eq!(with(&modules(&["ksmbd"], &[], &["ksmbd"]), &image, wanted()), none, "loaded all the same");
    assert_eq!(with(&modules(&[], &["ksmbd"], &["ksmbd"]), &image, wanted()), none, "part of the image");
    assert_eq!(
        with(&modules(&[], &[], &["floppy"]), &image, wanted()),
        none,
        "not loaded now, but nothing keeps it out"
    );
    assert_eq!(with(&modules(&[], &[], &["ksmbd"]), &finding(&["zlib1g"]), wanted()), none, "not about the kernel");
    let mut other = modules(&[], &[], &["ksmbd"]);
    other.container = true;
    assert_eq!(with(&other, &image, wanted()), none, "the kernel is the machine's");
    other = modules(&[], &[], &[]);
    other.kernel_modules.as_mut().unwrap().loading_disabled = true;
    assert_eq!(with(&other, &image, wanted()), (1, 0), "no module can come in");
    assert_eq!(with(&host(None), &image, wanted()), none, "not looked at");
}

#[test]
fn a_feature_that_is_off_sets_aside_until_a_file_says_otherwise() {
    let finding = finding(&["openssh-server"]);
    let asked =
        Setting { file: "/etc/ssh/sshd_config".to_owned(), key: "X11Forwarding".to_owned(), value: "no".to_owned() };
    let wanted = || Wanted::FeatureOff { setting: asked.clone() };
    let says = |states: &[SettingState], cut| {
        let mut host = host(None);
        let files = states.iter().map(|state| SettingSeen { path: "/etc/ssh/sshd_config".to_owned(), state: *state });
        host.settings = vec![SettingAnswer { asked: asked.clone(), files: files.collect(), cut }];
        host
    };
    assert_eq!(with(&says(&[Equal, Absent], false), &finding, wanted()), (1, 0));
    for (states, cut) in [
        (&[Equal, Other][..], false),
        (&[Equal, Unreadable], false),
        (&[Absent], false),
        (&[], false),
        (&[Equal], true),
    ] {
        assert_eq!(with(&says(states, cut), &finding, wanted()), (0, 0), "{states:?} {cut}");
    }
    let another = Setting { value: "yes".to_owned(), ..asked.clone() };
    assert_eq!(with(&says(&[Equal], false), &finding, Wanted::FeatureOff { setting: another }), (0, 0), "not asked");
}

#[test]
fn a_rule_says_what_its_evidence_is_about_and_asks_for_no_secret() {
    let head = "schema = 1\nname = \"t\"\nversion = \"1\"\nvalid_from = 2026-01-01\n[[runtime.rule]]\nname = \"a\"\n\
                when = 'vuln.id == \"CVE-2026-1\"'\nexpires = 2027-01-01\nbecause = \"b\"\napproved_by = \"s\"\n";
    let rules = |more: &str| Policy::parse(&format!("{head}{more}")).map(|policy| policy.runtime);
    let module = rules("evidence = \"module_blocked\"\nmodule = \"snd-pcm\"\n").unwrap();
    assert_eq!(module.rules[0].evidence, Wanted::ModuleBlocked { module: "snd_pcm".to_owned() });
    let feature = "evidence = \"feature_off\"\nkey = \"X11Forwarding\"\nvalue = \"no\"\nfile = ";
    let good = rules(&format!("{feature}\"/etc/ssh/sshd_config\"\n")).unwrap();
    let before = good.rules[0].expires.start();
    assert_eq!(good.settings(Timestamp(before.0 - 1)).len(), 1);
    assert!(good.settings(before).is_empty(), "a rule that no longer counts asks nothing");
    for (more, word) in [
        ("evidence = \"module_blocked\"\n".to_owned(), "`module` is missing"),
        ("evidence = \"module_blocked\"\nmodule = \"../x\"\n".to_owned(), "no name of a kernel module"),
        ("evidence = \"service_off\"\nmodule = \"x\"\n".to_owned(), "does not go with"),
        (format!("{feature}\"/etc/shadow\"\n"), "secrets"),
        (format!("{feature}\"/etc/ssl/private/a.conf\"\n"), "secrets"),
        (format!("{feature}\"/root/.ssh/config\"\n"), "place of configuration"),
        (format!("{feature}\"/etc/../proc/1/environ\"\n"), "no plain path"),
    ] {
        let problems = rules(&more).unwrap_err();
        assert!(problems.iter().any(|p| p.message.contains(word)), "{more}: {problems:?}");
    }
}
