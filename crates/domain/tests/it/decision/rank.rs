//! The ranked list: grouping, states, transaction steps, order.

use patchwright_domain::decision::policy::Urgency;
use patchwright_domain::decision::profile::{DataClass, Exposure, Tier};
use patchwright_domain::decision::rank::{Judged, PatchGroup, PatchState, Ranked, rank};
use patchwright_domain::decision::risk::{self, PRIOR_E5};
use patchwright_domain::decision::sla::{Clocks, due};
use patchwright_domain::exposure::{AffectedBinary, Finding, FindingState};
use patchwright_domain::intel::{ExploitMaturity, Status, VulnFacts};
use patchwright_domain::inventory::{
    Entitlement, EntitlementState, HostFacts, KeptBack, Listener, Package, PackageFormat, PendingUpgrade, StaleFile,
    StaleProcess, Transaction, TransactionStep, Tri,
};
use patchwright_domain::time::Timestamp;
use proptest::prelude::*;

use super::support::{cvss, default_policy, epss, exploit, judge, kev, profile, ssvc, vendor, vuln};

const NOW: Timestamp = Timestamp(1_800_000_000_000);

fn judged(facts: &VulnFacts, package: &str, fixed: Option<&str>, state: FindingState) -> Judged {
    let asset = profile(Tier::T3, DataClass::Public, Exposure::Internal);
    let policy = default_policy();
    let decision = judge(&policy, facts, &vendor(None, None), &asset);
    let clocks = Clocks { first_seen: NOW.plus_days(-20), ..Clocks::default() };
    Judged {
        due: due(&policy, &decision, &clocks, &asset, NOW),
        decision,
        finding: Finding {
            vuln: facts.id.clone(),
            ecosystem: "Debian:12".to_owned(),
            package: package.to_owned(),
            installed: "1.0-1".to_owned(),
            fixed: fixed.map(str::to_owned),
            status: if fixed.is_some() { Status::Fixed } else { Status::Affected },
            state,
            advisories: Vec::new(),
            vendor: vendor(None, None),
            binaries: vec![AffectedBinary {
                name: format!("{package}-bin"),
                version: "1.0-1".to_owned(),
                arch: "amd64".to_owned(),
            }],
            evidence: Vec::new(),
        },
    }
}

fn known(id: &str) -> VulnFacts {
    ssvc(&vuln(id), "none", "no", "partial")
}

fn package(source: &str, name: &str) -> Package {
    Package {
        name: name.to_owned(),
        source: source.to_owned(),
        version: "1.0-1".to_owned(),
        arch: "amd64".to_owned(),
        ..Package::default()
    }
}

fn pending(source: &str, name: &str, candidate: &str) -> PendingUpgrade {
    PendingUpgrade {
        name: name.to_owned(),
        arch: "amd64".to_owned(),
        source: source.to_owned(),
        installed: "1.0-1".to_owned(),
        candidate: candidate.to_owned(),
        candidate_source_version: candidate.to_owned(),
        ..PendingUpgrade::default()
    }
}

fn step(name: &str, from: Option<&str>, to: Option<&str>) -> TransactionStep {
    TransactionStep {
        name: name.to_owned(),
        arch: "amd64".to_owned(),
        from: from.map(str::to_owned),
        to: to.map(str::to_owned),
        origin: None,
    }
}

/// A host where `nginx` can be upgraded, `apache2` is kept back, `bind9` is held, and `linux` comes as a new package.
fn host() -> HostFacts {
    HostFacts {
        format: Some(PackageFormat::Deb),
        packages: vec![
            package("nginx", "nginx-bin"),
            package("nginx", "nginx-common"),
            package("apache2", "apache2-bin"),
            Package { held: true, ..package("bind9", "bind9-bin") },
        ],
        pending: vec![
            pending("nginx", "nginx-bin", "1.2-1"),
            pending("nginx", "nginx-common", "1.2-1"),
            pending("apache2", "apache2-bin", "2.0-1"),
            pending("bind9", "bind9-bin", "3.0-1"),
            pending("linux", "linux-libc-dev", "6.1.9-1"),
        ],
        transaction: Some(Transaction {
            steps: vec![
                step("libnew1", None, Some("0.5")),
                step("nginx-bin", Some("1.0-1"), Some("1.2-1")),
                step("nginx-common", Some("1.0-1"), Some("1.2-1")),
                step("nginx-extra", None, Some("1.2-1")),
                step("linux-image-6.1.0-9-amd64", None, Some("6.1.9-1")),
                step("linux-image-amd64", Some("6.1.8-1"), Some("6.1.9-1")),
            ],
            kept_back: vec![KeptBack {
                name: "apache2-bin".to_owned(),
                installed: "1.0-1".to_owned(),
                candidate: "2.0-1".to_owned(),
                held: false,
                because: vec!["needs libnew2".to_owned()],
                phased: None,
            }],
            download_bytes: None,
            simulated: "apt-get -s dist-upgrade".to_owned(),
            broken: Vec::new(),
        }),
        listeners: vec![Listener {
            package: Some("nginx-bin".to_owned()),
            unit: Some("nginx.service".to_owned()),
            ..Listener::default()
        }],
        ..HostFacts::default()
    }
}

fn find<'r>(ranked: &'r Ranked, package: &str) -> &'r PatchGroup {
    ranked.patches.iter().chain(&ranked.unfixed).find(|g| g.package == package).expect(package)
}

#[test]
fn one_source_upgrade_is_one_patch_with_its_steps() {
    let list = [
        judged(
            &cvss(&known("CVE-2026-1"), "cna", "CVSS:3.1/AV:L/AC:L/PR:L/UI:N/S:U/C:H/I:H/A:H"),
            "nginx",
            Some("1.1-1"),
            FindingState::FixAvailable,
        ),
        judged(&kev(&known("CVE-2026-2")), "nginx", Some("1.2-1"), FindingState::FixAvailable),
        judged(&known("CVE-2026-3"), "nginx", Some("1.3-1"), FindingState::FixAvailable),
    ];
    let ranked = rank(&list, &host(), NOW);
    assert_eq!(ranked.patches.len(), 2);
    let g = &ranked.patches[0];
    assert_eq!((g.package.as_str(), g.state, g.to.as_deref()), ("nginx", PatchState::FixOffered, Some("1.2-1")));
    assert_eq!(g.findings, [1, 0], "most urgent first");
    assert_eq!(g.urgency, Urgency::Critical);
    assert_eq!(g.steps.iter().map(|s| s.name.as_str()).collect::<Vec<_>>(), ["nginx-bin", "nginx-common"]);
    assert_eq!(
        g.extra.iter().map(|s| s.name.as_str()).collect::<Vec<_>>(),
        ["nginx-extra"],
        "the kernel may belong to another upgrade"
    );
    assert_eq!((g.restart_units.as_slice(), g.reboot), (["nginx.service".to_owned()].as_slice(), Tri::No));
    assert_eq!(g.overdue_by_ms, Some(6 * 86_400_000), "14 days from first seen 20 days ago");
    assert!(g.because[0].contains("fixes 2 vulnerabilities, 1 known to be exploited"), "{:?}", g.because);
    let later = &ranked.patches[1];
    assert_eq!(
        (later.state, later.to.as_deref(), later.findings.as_slice()),
        (PatchState::NotOffered, Some("1.3-1"), [2].as_slice())
    );
    assert!(later.because.iter().any(|b| b.contains("offer 1.2-1 only")), "{:?}", later.because);
}

#[test]
fn extras_go_to_a_patch_only_when_that_is_certain() {
    let list = [
        judged(&known("CVE-2026-1"), "nginx", Some("1.1-1"), FindingState::FixAvailable),
        judged(&known("CVE-2026-2"), "linux", Some("6.1.5-1"), FindingState::FixAvailable),
    ];
    let ranked = rank(&list, &host(), NOW);
    assert_eq!(find(&ranked, "nginx").extra.iter().map(|s| s.name.as_str()).collect::<Vec<_>>(), ["nginx-extra"]);
    assert_eq!(ranked.unattributed.iter().map(|s| s.name.as_str()).collect::<Vec<_>>(), ["libnew1"]);
    let kernel = find(&ranked, "linux");
    assert_eq!(
        (kernel.state, kernel.reboot, kernel.to.as_deref()),
        (PatchState::FixOffered, Tri::Yes, Some("6.1.9-1"))
    );
    assert_eq!(
        kernel.steps.iter().map(|s| s.name.as_str()).collect::<Vec<_>>(),
        ["linux-image-6.1.0-9-amd64", "linux-image-amd64"]
    );
}

#[test]
fn what_comes_with_the_only_upgrade_belongs_to_it() {
    let mut host = host();
    host.transaction.as_mut().unwrap().steps.retain(|s| !s.name.starts_with("linux-image"));
    let ranked = rank(&[judged(&known("CVE-2026-1"), "nginx", Some("1.1-1"), FindingState::FixAvailable)], &host, NOW);
    assert_eq!(ranked.patches[0].extra.iter().map(|s| s.name.as_str()).collect::<Vec<_>>(), ["libnew1", "nginx-extra"]);
    assert!(ranked.unattributed.is_empty());
}

/// A RHEL-like host whose subscription lapsed: its package manager offers nothing, and the finding stays with the reason.
#[test]
fn no_update_of_a_host_without_a_subscription_does_not_read_as_patched() {
    let mut host = host();
    host.pending.clear();
    host.transaction = None;
    host.entitlements = vec![Entitlement {
        state: EntitlementState::Lapsed,
        repositories: vec!["baseos".to_owned(), "appstream".to_owned()],
        until: Timestamp::parse("2026-03-01T12:00:00Z"),
        evidence: Vec::new(),
    }];
    let list = [judged(&known("CVE-2026-1"), "nginx", Some("1.1-1"), FindingState::FixAvailable)];
    let ranked = rank(&list, &host, NOW);
    let group = &ranked.patches[0];
    assert_eq!((group.state, group.findings.as_slice()), (PatchState::NotOffered, [0].as_slice()));
    let told = "the subscription for repository `baseos` and 1 more lapsed on 2026-03-01: that no update is offered here does \
                not mean that the host is patched";
    assert!(group.because.iter().any(|line| line == told), "{:?}", group.because);
    host.entitlements[0].state = EntitlementState::Valid;
    let because = &rank(&list, &host, NOW).patches[0].because;
    assert!(because.iter().all(|line| !line.contains("subscription")), "{because:?}");
}

/// A file, a bill of materials, a look at packages only: nobody has asked a repository.
#[test]
fn where_nobody_asked_for_offers_none_is_denied() {
    let mut host = host();
    host.pending.clear();
    host.transaction = None;
    host.lists_refreshed_at = None;
    let list = [judged(&known("CVE-2026-1"), "nginx", Some("1.1-1"), FindingState::FixAvailable)];
    let group = &rank(&list, &host, NOW).patches[0];
    assert_eq!((group.state, group.to.as_deref()), (PatchState::OfferUnknown, Some("1.1-1")));
    assert!(group.because.iter().all(|line| !line.contains("offer nothing newer")), "{:?}", group.because);
    // A host without lists, or with a simulation that failed: a date of its lists is no answer.
    let unanswered = HostFacts { lists_refreshed_at: Some(NOW), ..host };
    assert_eq!(rank(&list, &unanswered, NOW).patches[0].state, PatchState::OfferUnknown);
    let answered = HostFacts { transaction: Some(Transaction::default()), ..unanswered };
    assert_eq!(rank(&list, &answered, NOW).patches[0].state, PatchState::NotOffered);
}

#[test]
fn headers_on_offer_are_no_kernel_on_offer() {
    let mut host = host();
    host.transaction.as_mut().unwrap().steps.retain(|s| !s.name.starts_with("linux-image"));
    let ranked =
        rank(&[judged(&known("CVE-2026-2"), "linux", Some("6.1.5-1"), FindingState::FixAvailable)], &host, NOW);
    assert_eq!(ranked.patches[0].state, PatchState::NotOffered);
}

#[test]
fn states_come_from_the_host() {
    let list = [
        judged(&known("CVE-1"), "apache2", Some("2.0-1"), FindingState::FixAvailable),
        judged(&known("CVE-2"), "bind9", Some("3.0-1"), FindingState::FixAvailable),
        judged(&known("CVE-3"), "zlib", Some("1.3"), FindingState::FixAvailable),
        judged(&known("CVE-4"), "openssl", Some("3.0"), FindingState::RestartPending),
        judged(&known("CVE-5"), "linux", Some("6.1.9-1"), FindingState::RebootPending),
        judged(&known("CVE-6"), "vim", None, FindingState::NoFix),
    ];
    let mut host = host();
    host.stale.push(StaleProcess {
        pid: 400,
        exe: "/usr/sbin/exim4".to_owned(),
        unit: Some("exim4.service".to_owned()),
        restart_refused: false,
        started_at: None,
        files: vec![StaleFile { path: "/lib/libssl.so.3".to_owned(), package: Some("openssl-bin".to_owned()) }],
    });
    let ranked = rank(&list, &host, NOW);
    let row = |p: &str| {
        let g = find(&ranked, p);
        (g.state, g.reboot)
    };
    assert_eq!(row("apache2"), (PatchState::KeptBack, Tri::No));
    assert_eq!(find(&ranked, "apache2").kept_back[0].because, ["needs libnew2"]);
    assert_eq!(row("bind9"), (PatchState::Held, Tri::No));
    assert!(find(&ranked, "bind9").kept_back[0].held);
    assert_eq!(row("zlib"), (PatchState::NotOffered, Tri::No));
    assert_eq!(row("openssl"), (PatchState::RestartPending, Tri::No));
    assert_eq!(find(&ranked, "openssl").restart_units, ["exim4.service"]);
    assert_eq!(row("linux"), (PatchState::RebootPending, Tri::Yes));
    assert_eq!(ranked.unfixed.iter().map(|g| g.package.as_str()).collect::<Vec<_>>(), ["vim"]);

    host.stale[0].restart_refused = true;
    assert_eq!(
        find(&rank(&list, &host, NOW), "openssl").reboot,
        Tri::Yes,
        "a unit that refuses a restart needs a reboot"
    );
    host.transaction = None;
    let without = rank(&list, &host, NOW);
    assert_eq!(find(&without, "apache2").state, PatchState::FixOffered);
    assert_eq!(find(&without, "apache2").steps.len(), 1, "taken from the pending upgrades");
    assert_eq!((find(&without, "bind9").state, find(&without, "bind9").steps.len()), (PatchState::Held, 0));
}

/// One binary of the source is upgraded and the vulnerable libraries are not.
fn krb5() -> (Judged, HostFacts) {
    let names = ["krb5-locales", "libk5crypto3", "libkrb5-3"];
    let mut one = judged(&known("CVE-2026-7"), "krb5", Some("1.1-1"), FindingState::FixAvailable);
    let binary =
        |n: &&str| AffectedBinary { name: (*n).to_owned(), version: "1.0-1".to_owned(), arch: "amd64".to_owned() };
    one.finding.binaries = names.iter().map(binary).collect();
    let facts = HostFacts {
        format: Some(PackageFormat::Deb),
        packages: names
            .iter()
            .map(|n| Package { held: *n != "krb5-locales", source_version: "1.0-1".to_owned(), ..package("krb5", n) })
            .collect(),
        pending: names.iter().map(|n| pending("krb5", n, "1.2-1")).collect(),
        transaction: Some(Transaction {
            steps: vec![step("krb5-locales", Some("1.0-1"), Some("1.2-1"))],
            ..Transaction::default()
        }),
        ..HostFacts::default()
    };
    (one, facts)
}

fn only(judged: &Judged, facts: &HostFacts) -> PatchGroup {
    rank(std::slice::from_ref(judged), facts, NOW).patches.remove(0)
}

#[test]
fn a_patch_is_available_only_where_every_vulnerable_binary_moves() {
    let (one, mut facts) = krb5();
    let group = only(&one, &facts);
    assert_eq!((group.state, group.to.as_deref()), (PatchState::Held, Some("1.2-1")));
    assert_eq!(group.steps.len(), 1);
    assert_eq!(group.kept_back.iter().map(|k| k.name.as_str()).collect::<Vec<_>>(), ["libk5crypto3", "libkrb5-3"]);
    assert!(group.because[0].starts_with("would fix 1 vulnerability"), "{:?}", group.because);
    for line in [
        "no upgrade before the hold on libk5crypto3, libkrb5-3 is lifted",
        "krb5-locales would be upgraded, libk5crypto3, libkrb5-3 would not: nothing is fixed by that",
    ] {
        assert!(group.because.iter().any(|b| b == line), "{:?}", group.because);
    }
    // The solver's choice instead of an administrator's.
    facts.packages.iter_mut().for_each(|p| p.held = false);
    assert_eq!(only(&one, &facts).state, PatchState::KeptBack);
    // All move, one of them to a version without the fix.
    let all = facts.packages.iter().map(|p| step(&p.name, Some("1.0-1"), Some("1.2-1"))).collect();
    facts.transaction.as_mut().unwrap().steps = all;
    assert_eq!(only(&one, &facts).state, PatchState::FixOffered);
    facts.pending[2] = pending("krb5", "libkrb5-3", "1.0-2");
    assert_eq!(only(&one, &facts).state, PatchState::KeptBack);
    // Nothing newer of one of them is offered.
    facts.pending.remove(2);
    facts.transaction.as_mut().unwrap().steps.remove(2);
    let group = only(&one, &facts);
    assert_eq!(group.state, PatchState::NotOffered);
    assert!(
        group.because.contains(&"1.2-1 is offered, but no newer version of libkrb5-3".to_owned()),
        "{:?}",
        group.because
    );
}

#[test]
fn a_list_of_what_is_kept_back_without_versions_is_an_offer() {
    let (one, mut facts) = krb5();
    facts.pending.clear();
    let kept = |name: &str, candidate: &str, held: bool| KeptBack {
        name: name.to_owned(),
        candidate: candidate.to_owned(),
        held,
        ..KeptBack::default()
    };
    let mut with = |kept_back: Vec<KeptBack>| {
        facts.transaction = Some(Transaction { kept_back, ..Transaction::default() });
        only(&one, &facts)
    };
    let group = with(vec![kept("libkrb5-3:amd64", "", true)]);
    assert_eq!((group.state, group.to.as_deref()), (PatchState::Held, Some("1.1-1")));
    assert!(group.because.iter().any(|b| b == "a newer version is on offer; nobody says which"), "{:?}", group.because);
    assert_eq!(with(vec![kept("libkrb5-3", "1.2-1", true)]).to.as_deref(), Some("1.2-1"));
    let older = with(vec![kept("libkrb5-3", "1.0-9", true)]);
    assert_eq!((older.state, older.kept_back.len()), (PatchState::NotOffered, 2));
}

/// apt takes one version, its preferences keep a newer one out: each patch names the version that it would bring.
#[test]
fn what_comes_and_what_is_kept_out_are_two_patches() {
    let mut host = host();
    host.packages.iter_mut().for_each(|p| p.source_version.clone_from(&p.version));
    let kept = |name: &str| KeptBack { name: name.to_owned(), candidate: "1.3-1".to_owned(), ..KeptBack::default() };
    host.transaction.as_mut().unwrap().kept_back.extend([kept("nginx-bin"), kept("nginx-common")]);
    let list = [
        judged(&known("CVE-2026-1"), "nginx", Some("1.1-1"), FindingState::FixAvailable),
        judged(&known("CVE-2026-2"), "nginx", Some("1.3-1"), FindingState::FixAvailable),
    ];
    let ranked = rank(&list, &host, NOW);
    let mut told: Vec<(PatchState, Option<&str>)> = ranked.patches.iter().map(|g| (g.state, g.to.as_deref())).collect();
    told.sort_by_key(|(_, to)| *to);
    assert_eq!(told, [(PatchState::FixOffered, Some("1.2-1")), (PatchState::KeptBack, Some("1.3-1"))]);
}

#[test]
fn a_hold_is_told_where_nobody_simulated_anything() {
    let (one, mut facts) = krb5();
    facts.pending.clear();
    facts.transaction = None;
    let group = only(&one, &facts);
    assert_eq!((group.state, group.to.as_deref(), group.kept_back.len()), (PatchState::Held, Some("1.1-1"), 2));
    assert!(group.steps.is_empty());
    facts.packages.iter_mut().for_each(|p| p.held = false);
    assert_eq!(only(&one, &facts).state, PatchState::OfferUnknown);
}

#[test]
fn a_held_kernel_is_held() {
    let mut facts = host();
    facts.transaction.as_mut().unwrap().steps.clear();
    facts.packages.push(Package { held: true, ..package("linux-signed-amd64", "linux-image-amd64") });
    facts.pending.push(pending("linux-signed-amd64", "linux-image-amd64", "6.1.9-1"));
    let one = judged(&known("CVE-2026-2"), "linux", Some("6.1.5-1"), FindingState::FixAvailable);
    let group = only(&one, &facts);
    assert_eq!((group.state, group.kept_back[0].name.as_str()), (PatchState::Held, "linux-image-amd64"));
    facts.packages.iter_mut().for_each(|p| p.held = false);
    assert_eq!(only(&one, &facts).state, PatchState::KeptBack);
}

#[test]
fn urgency_comes_before_dates_and_dates_before_risk() {
    let list = [
        judged(&epss(&known("CVE-1"), 99_000), "apache2", Some("2.0-1"), FindingState::FixAvailable),
        judged(&kev(&known("CVE-2")), "bind9", Some("3.0-1"), FindingState::FixAvailable),
        judged(&epss(&known("CVE-3"), 40_000), "nginx", Some("1.1-1"), FindingState::FixAvailable),
    ];
    let ranked = rank(&list, &host(), NOW);
    let names: Vec<&str> = ranked.patches.iter().map(|g| g.package.as_str()).collect();
    assert_eq!(names, ["bind9", "apache2", "nginx"]);
    assert!(ranked.patches[0].risk_removed.value_micro < ranked.patches[1].risk_removed.value_micro);
}

#[test]
fn risk_is_the_written_formula_in_integers() {
    let policy = default_policy();
    let table = [
        // (facts, tier, exposure, millionths per day)
        (epss(&vuln("a"), 50_000), Tier::T3, Exposure::Internet, 23_104),
        (epss(&vuln("a"), 50_000), Tier::T3, Exposure::Internal, 9_241),
        (epss(&vuln("a"), 50_000), Tier::T1, Exposure::Isolated, 4_620),
        (epss(&vuln("a"), 50_000), Tier::T4, Exposure::Unknown, 11_552),
        (epss(&vuln("a"), 43), Tier::T3, Exposure::Internet, 14),
        (epss(&vuln("a"), 100_000), Tier::T3, Exposure::Internet, 383_764),
        (vuln("a"), Tier::T3, Exposure::Internet, 335),
        (exploit(&epss(&vuln("a"), 43), ExploitMaturity::ProofOfConcept), Tier::T3, Exposure::Internet, 673),
        (exploit(&epss(&vuln("a"), 43), ExploitMaturity::Weaponised), Tier::T3, Exposure::Internet, 7_438),
        (kev(&epss(&vuln("a"), 43)), Tier::T3, Exposure::Internet, 76_752),
        (kev(&epss(&vuln("a"), 97_000)), Tier::T3, Exposure::Internet, 116_885),
    ];
    for (facts, tier, exposure, micro) in table {
        let d = judge(&policy, &facts, &vendor(None, None), &profile(tier, DataClass::Public, exposure));
        let f = risk::factor("a", &d.risk);
        assert_eq!(f.micro, micro, "{tier:?} {exposure:?}: {}", f.because);
        assert_eq!(f.assumed, facts.epss.is_none());
    }
    assert_eq!(PRIOR_E5, 1_000);
}

#[test]
fn the_same_vulnerability_is_removed_once() {
    let f = judged(&epss(&known("CVE-1"), 50_000), "nginx", Some("1.1-1"), FindingState::FixAvailable);
    let once = rank(std::slice::from_ref(&f), &host(), NOW);
    let twice = rank(&[f.clone(), f], &host(), NOW);
    assert_eq!(once.patches[0].risk_removed, twice.patches[0].risk_removed);
    assert_eq!(twice.patches[0].findings.len(), 2);
}

fn any_list() -> impl Strategy<Value = Vec<Judged>> {
    let one = (0_u32..6, 0_usize..5, 0_usize..4, proptest::option::of(0_u32..100_000), any::<bool>());
    proptest::collection::vec(one, 1..14).prop_map(|rows| {
        rows.into_iter()
            .map(|(id, package, state, score, listed)| {
                let mut facts = known(&format!("CVE-2026-{id}"));
                if let Some(s) = score {
                    facts = epss(&facts, s);
                }
                if listed {
                    facts = kev(&facts);
                }
                let package = ["nginx", "apache2", "bind9", "linux", "zlib"][package];
                let state = [
                    FindingState::FixAvailable,
                    FindingState::RestartPending,
                    FindingState::RebootPending,
                    FindingState::NoFix,
                ][state];
                judged(&facts, package, Some("1.1-1"), state)
            })
            .collect()
    })
}

/// The list without input places, which rightly follow the input.
fn shape(mut ranked: Ranked) -> Ranked {
    for g in ranked.patches.iter_mut().chain(&mut ranked.unfixed) {
        g.findings = vec![g.findings.len()];
    }
    ranked
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn the_order_does_not_depend_on_the_input_order(list in any_list(), turn in 0_usize..14) {
        let host = host();
        let straight = shape(rank(&list, &host, NOW));
        let mut reversed = list.clone();
        reversed.reverse();
        prop_assert_eq!(&shape(rank(&reversed, &host, NOW)), &straight);
        let mut turned = list.clone();
        turned.rotate_left(turn % list.len());
        prop_assert_eq!(&shape(rank(&turned, &host, NOW)), &straight);
    }

    #[test]
    fn every_finding_is_in_exactly_one_group(list in any_list()) {
        let ranked = rank(&list, &host(), NOW);
        let mut places: Vec<usize> = ranked.patches.iter().chain(&ranked.unfixed).flat_map(|g| g.findings.clone()).collect();
        places.sort_unstable();
        prop_assert_eq!(places, (0..list.len()).collect::<Vec<_>>());
    }
}
