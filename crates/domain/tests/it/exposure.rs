//! Matching: the classes of wrong answers that users of other scanners complain about, each by name, and the rules that
//! prevent them.

use patchwright_domain::exposure::kernel::running_unseen;
use patchwright_domain::exposure::matching::{ProviderChunk, match_host};
use patchwright_domain::exposure::subject::replaced_unseen;
use patchwright_domain::exposure::{Evidence, Finding, FindingState};
use patchwright_domain::intel::snapshot::{AdvisoryChunk, compile_advisories};
use patchwright_domain::intel::{Advisory, Affected, Status, VendorWords};
use patchwright_domain::inventory::{
    CandidateFix, HistoryEntry, HostFacts, InstalledKernel, Kernel, Os, Package, PackageState, StaleFile, StaleProcess,
};
use patchwright_domain::time::Timestamp;

const BOOKWORM: &str = "Debian:12";

fn fixed(cve: &str, source: &str, version: &str) -> Advisory {
    Advisory {
        id: cve.to_owned(),
        affected: vec![Affected::fixed_in(BOOKWORM, source, version)],
        ..Advisory::default()
    }
}

fn stated(cve: &str, source: &str, status: Status, sub_state: &str) -> Advisory {
    let vendor = VendorWords { sub_state: Some(sub_state.to_owned()), ..VendorWords::default() };
    Advisory {
        id: cve.to_owned(),
        affected: vec![Affected::stated(BOOKWORM, source, status, vendor)],
        ..Advisory::default()
    }
}

fn package(name: &str, source: &str, version: &str) -> Package {
    Package {
        name: name.to_owned(),
        version: version.to_owned(),
        arch: "amd64".to_owned(),
        source: source.to_owned(),
        source_version: version.to_owned(),
        ..Package::default()
    }
}

fn host(packages: Vec<Package>) -> HostFacts {
    HostFacts { schema: 1, os: Os::parse_short("debian:12").unwrap(), packages, ..HostFacts::default() }
}

pub(crate) fn run_with(host: &HostFacts, ecosystem: &str, providers: &[(&str, &[Advisory])]) -> Vec<Finding> {
    let chunks: Vec<(&str, AdvisoryChunk)> = providers
        .iter()
        .flat_map(|(name, list)| {
            compile_advisories(list)
                .into_iter()
                .filter(|(eco, _, _)| eco == ecosystem)
                .map(|(_, _, bytes)| (*name, AdvisoryChunk::open(bytes).unwrap()))
        })
        .collect();
    let chunks: Vec<ProviderChunk<'_>> =
        chunks.iter().map(|(provider, chunk)| ProviderChunk { provider, chunk, subscription: false }).collect();
    match_host(host, ecosystem, &chunks)
}

fn run(host: &HostFacts, list: &[Advisory]) -> Vec<Finding> {
    run_with(host, BOOKWORM, &[("debian-tracker", list)])
}

pub(crate) fn ids(findings: &[Finding]) -> Vec<&str> {
    findings.iter().map(|f| f.vuln.as_str()).collect()
}

#[test]
fn a_version_below_the_fix_is_a_finding_with_its_evidence() {
    let host = host(vec![
        package("libssl3", "openssl", "3.0.20-1~deb12u1"),
        package("openssl", "openssl", "3.0.20-1~deb12u1"),
    ]);
    let found = run(
        &host,
        &[fixed("CVE-2026-0001", "openssl", "3.0.22-1~deb12u2"), fixed("CVE-2020-0001", "openssl", "1.1.1")],
    );
    assert_eq!(ids(&found), ["CVE-2026-0001"]);
    let f = &found[0];
    assert_eq!((f.state, f.fixed.as_deref()), (FindingState::FixAvailable, Some("3.0.22-1~deb12u2")));
    assert_eq!(f.binaries.iter().map(|b| b.name.as_str()).collect::<Vec<_>>(), ["libssl3", "openssl"]);
    assert!(matches!(&f.evidence[0], Evidence::VersionInRange { order, .. } if order == "dpkg"));
}

/// grype #942, #1762, #2242: headers and libc-dev carry no kernel code.
#[test]
fn grype_942_kernel_headers_inherit_no_kernel_cves() {
    let mut packages = vec![package("linux-libc-dev", "linux", "6.1.1-1"), package("linux-perf", "linux", "6.1.1-1")];
    let list = [fixed("CVE-2026-0002", "linux", "6.1.100-1")];
    assert!(run(&host(packages.clone()), &list).is_empty());
    packages.push(package("linux-image-6.1.0-1-amd64", "linux-signed-amd64", "6.1.1-1"));
    packages.push(package("linux-image-amd64", "linux-signed-amd64", "6.1.1-1"));
    let found = run(&host(packages), &list);
    assert_eq!(ids(&found), ["CVE-2026-0002"]);
    assert_eq!(found[0].binaries.len(), 1, "the meta package carries nothing: {:?}", found[0].binaries);
}

fn with_kernel(running: &str, images: &[(&str, &str)]) -> HostFacts {
    let mut h = host(
        images
            .iter()
            .map(|(release, version)| package(&format!("linux-image-{release}"), "linux-signed-amd64", version))
            .collect(),
    );
    let installed: Vec<InstalledKernel> = images
        .iter()
        .map(|(release, version)| InstalledKernel {
            release: (*release).to_owned(),
            package: format!("linux-image-{release}"),
            version: (*version).to_owned(),
        })
        .collect();
    h.kernel = Kernel {
        running_release: Some(running.to_owned()),
        running_version: installed.iter().find(|k| k.release == running).map(|k| k.version.clone()),
        next_boot: installed.last().map(|k| k.release.clone()),
        installed,
        booted_at: None,
    };
    h
}

/// wazuh #21169, vuls #1916: an old kernel that is installed and not running reports nothing; a fixed one that is not running
/// does not hide the running one.
#[test]
fn wazuh_21169_the_running_kernel_decides_not_the_installed_ones() {
    let list = [fixed("CVE-2026-0003", "linux", "6.1.192-1")];
    let old_and_new = [("6.1.0-50-amd64", "6.1.176-1"), ("6.1.0-56-amd64", "6.1.192-2")];

    let rebooted = run(&with_kernel("6.1.0-56-amd64", &old_and_new), &list);
    assert!(rebooted.is_empty(), "{rebooted:?}");

    let deferred = run(&with_kernel("6.1.0-50-amd64", &old_and_new), &list);
    assert_eq!(deferred[0].state, FindingState::RebootPending);
    assert_eq!(deferred[0].installed, "6.1.176-1");
    assert!(deferred[0].evidence.iter().any(|e| matches!(e, Evidence::RunningKernel { .. })));

    let unpatched = run(&with_kernel("6.1.0-50-amd64", &old_and_new[..1]), &list);
    assert_eq!(unpatched[0].state, FindingState::FixAvailable);
}

#[test]
fn a_fixed_running_kernel_with_an_older_next_boot_is_a_finding() {
    let list = [fixed("CVE-2026-0003", "linux", "6.1.192-1")];
    let mut h = with_kernel("6.1.0-56-amd64", &[("6.1.0-50-amd64", "6.1.176-1"), ("6.1.0-56-amd64", "6.1.192-2")]);
    h.kernel.next_boot = Some("6.1.0-50-amd64".to_owned());
    let found = run(&h, &list);
    assert_eq!((found[0].installed.as_str(), found[0].state), ("6.1.176-1", FindingState::FixAvailable));
}

/// Nobody looked which kernel runs: an old one that is installed may, and what it has is not hidden by the new one beside it.
#[test]
fn where_nobody_looked_every_installed_kernel_may_run() {
    let list = [
        fixed("CVE-2026-0003", "linux", "6.1.192-1"),
        fixed("CVE-2026-0004", "linux", "6.1.200-1"),
        fixed("CVE-2026-0005", "linux", "6.1.100-1"),
    ];
    let images = [("6.1.0-50-amd64", "6.1.176-1"), ("6.1.0-56-amd64", "6.1.192-2")];
    let unseen = |h: &mut HostFacts| h.kernel = Kernel::default();
    let mut several = with_kernel("6.1.0-56-amd64", &images);
    assert_eq!((ids(&run(&several, &list)), running_unseen(&several)), (vec!["CVE-2026-0004"], None));
    unseen(&mut several);
    let found = run(&several, &list);
    assert_eq!(ids(&found), ["CVE-2026-0003", "CVE-2026-0004"]);
    assert_eq!((found[0].installed.as_str(), found[0].state), ("6.1.176-1", FindingState::RebootPending));
    let assumed = |f: &Finding| f.evidence.iter().any(|e| matches!(e, Evidence::RunningKernelAssumed { .. }));
    assert!(found.iter().all(assumed), "{found:?}");
    let said = running_unseen(&several).unwrap();
    assert!(said.why.contains("2 versions are installed"), "{said:?}");
    // With one kernel there is nothing to assume, and a container has none of its own.
    let mut one = with_kernel("6.1.0-56-amd64", &images[1..]);
    unseen(&mut one);
    let found = run(&one, &list);
    assert_eq!((ids(&found), running_unseen(&one)), (vec!["CVE-2026-0004"], None));
    assert!(!assumed(&found[0]));
    several.container = true;
    assert_eq!((ids(&run(&several, &list)), running_unseen(&several)), (vec!["CVE-2026-0004"], None));
}

#[test]
fn in_a_container_the_machines_kernel_is_not_this_hosts() {
    let mut h = with_kernel("6.1.0-50-amd64", &[]);
    h.container = true;
    assert!(run(&h, &[fixed("CVE-2026-0003", "linux", "6.1.192-1")]).is_empty());
}

/// wazuh #37747: findings are a function of what is installed, so nothing can survive the upgrade.
#[test]
fn wazuh_37747_nothing_survives_the_upgrade() {
    let list = [fixed("CVE-2026-0001", "openssl", "3.0.22-1~deb12u2")];
    assert_eq!(run(&host(vec![package("openssl", "openssl", "3.0.20-1~deb12u1")]), &list).len(), 1);
    assert!(run(&host(vec![package("openssl", "openssl", "3.0.22-1~deb12u2")]), &list).is_empty());
}

#[test]
fn a_removed_package_with_configuration_left_is_not_matched() {
    let mut p = package("nginx", "nginx", "1.0-1");
    p.state = PackageState::ConfigFiles;
    assert!(run(&host(vec![p.clone()]), &[fixed("CVE-2026-0004", "nginx", "2.0-1")]).is_empty());
    p.state = PackageState::Broken;
    assert_eq!(
        run(&host(vec![p]), &[fixed("CVE-2026-0004", "nginx", "2.0-1")]).len(),
        1,
        "half-installed code is code"
    );
}

#[test]
fn the_source_version_is_compared_not_the_binary_rebuild() {
    let mut p = package("bash", "bash", "5.2.15-2+b13");
    p.source_version = "5.2.15-2".to_owned();
    assert!(run(&host(vec![p]), &[fixed("CVE-2026-0005", "bash", "5.2.15-2")]).is_empty());
}

/// anchore-engine #527, vunnel #848, wazuh #24997: every state of the vendor keeps its own word.
#[test]
fn vunnel_848_vendor_states_are_kept_apart() {
    let list = [
        stated("CVE-2026-1001", "vim", Status::FixDeferred, "no-dsa"),
        stated("CVE-2026-1002", "vim", Status::WillNotFix, "ignored"),
        stated("CVE-2026-1003", "vim", Status::EndOfLife, "end-of-life"),
        stated("CVE-2026-1004", "vim", Status::Affected, "unimportant"),
        stated("CVE-2026-1005", "vim", Status::Unknown, "undetermined"),
        stated("CVE-2026-1006", "vim", Status::UnderInvestigation, ""),
        stated("CVE-2026-1007", "vim", Status::NotAffected, ""),
    ];
    let found = run(&host(vec![package("vim", "vim", "2:9.0-1")]), &list);
    let seen: Vec<(&str, Status)> = found.iter().map(|f| (f.vuln.as_str(), f.status)).collect();
    assert_eq!(
        seen,
        [
            ("CVE-2026-1001", Status::FixDeferred),
            ("CVE-2026-1002", Status::WillNotFix),
            ("CVE-2026-1003", Status::EndOfLife),
            ("CVE-2026-1004", Status::Affected),
            ("CVE-2026-1005", Status::Unknown),
            ("CVE-2026-1006", Status::UnderInvestigation),
        ]
    );
    assert!(found.iter().all(|f| f.state == FindingState::NoFix));
    assert_eq!(found[3].vendor.sub_state.as_deref(), Some("unimportant"));
}

#[test]
fn the_most_authoritative_provider_decides_alone() {
    let host = host(vec![package("curl", "curl", "7.88.1-10")]);
    let changelog = [fixed("CVE-2026-0006", "curl", "7.88.1-11"), fixed("CVE-2026-0007", "curl", "7.88.1-11")];
    let tracker = [stated("CVE-2026-0006", "curl", Status::NotAffected, "")];
    let found = run_with(&host, BOOKWORM, &[("debian-changelog", &changelog), ("debian-tracker", &tracker)]);
    assert_eq!(ids(&found), ["CVE-2026-0007"], "the tracker says not affected; of the other it says nothing");
}

#[test]
fn a_withdrawn_advisory_matches_nothing() {
    let mut advisory = fixed("CVE-2026-0008", "curl", "9");
    advisory.withdrawn = Some(Timestamp(1));
    assert!(run(&host(vec![package("curl", "curl", "1")]), &[advisory]).is_empty());
}

/// A bound that is no version must not make every host look patched.
#[test]
fn an_unreadable_fixed_version_reads_as_affected() {
    let found = run(&host(vec![package("curl", "curl", "7.88.1-10")]), &[fixed("CVE-2026-0009", "curl", "<unknown>")]);
    assert_eq!(found.len(), 1);
    assert_eq!((found[0].state, found[0].status), (FindingState::NoFix, Status::Affected));
}

#[test]
fn replaced_but_still_mapped_is_restart_pending_until_the_restart() {
    let list = [fixed("CVE-2026-0001", "openssl", "3.0.22-1~deb12u2"), fixed("CVE-2019-0001", "openssl", "1.1.1-1")];
    let mut h = host(vec![package("libssl3", "openssl", "3.0.22-1~deb12u2")]);
    assert!(run(&h, &list).is_empty());
    h.stale = vec![StaleProcess {
        pid: 77,
        exe: "/usr/sbin/sshd".to_owned(),
        unit: Some("ssh.service".to_owned()),
        files: vec![StaleFile {
            path: "/usr/lib/x86_64-linux-gnu/libssl.so.3".to_owned(),
            package: Some("libssl3".to_owned()),
        }],
        ..StaleProcess::default()
    }];
    assert!(run(&h, &list).is_empty(), "without a log nobody knows which version is still mapped");
    h.history = vec![HistoryEntry {
        at: Timestamp(5),
        name: "libssl3".to_owned(),
        from: Some("3.0.20-1~deb12u1".to_owned()),
        to: Some("3.0.22-1~deb12u2".to_owned()),
        source: "dpkg.log".to_owned(),
    }];
    let found = run(&h, &list);
    assert_eq!(ids(&found), ["CVE-2026-0001"]);
    assert_eq!(found[0].state, FindingState::RestartPending);
    assert!(found[0].evidence.iter().any(|e| matches!(e, Evidence::StillMapped { pid: 77, .. })));
}

fn maps(started: Option<i64>) -> StaleProcess {
    StaleProcess {
        pid: 77,
        started_at: started.map(Timestamp),
        files: vec![StaleFile { path: "/usr/lib/libssl.so.3".to_owned(), package: Some("libssl3".to_owned()) }],
        ..StaleProcess::default()
    }
}

fn upgrade(at: i64, from: &str, to: &str) -> HistoryEntry {
    HistoryEntry {
        at: Timestamp(at),
        name: "libssl3".to_owned(),
        from: Some(from.to_owned()),
        to: Some(to.to_owned()),
        source: "dpkg.log".to_owned(),
    }
}

/// A process runs the version that was there when it started, however many replaced that one since.
#[test]
fn a_process_of_before_two_upgrades_runs_the_version_of_before_both() {
    let list = [fixed("CVE-2026-0001", "openssl", "3.0.19-1"), fixed("CVE-2026-0002", "openssl", "3.0.20-1")];
    let mut h = host(vec![package("libssl3", "openssl", "3.0.20-1")]);
    h.history = vec![upgrade(20, "3.0.19-1", "3.0.20-1"), upgrade(10, "3.0.9-1", "3.0.19-1")];
    let mut running = |booted: Option<i64>, stale: Vec<StaleProcess>| {
        h.kernel.booted_at = booted.map(Timestamp);
        h.stale = stale;
        ids(&run(&h, &list)).into_iter().map(str::to_owned).collect::<Vec<_>>()
    };
    let (both, last) = (["CVE-2026-0001", "CVE-2026-0002"], ["CVE-2026-0002"]);
    assert_eq!(running(Some(1), vec![maps(Some(5))]), both);
    assert_eq!(running(Some(1), vec![maps(Some(15))]), last, "it was restarted between the upgrades");
    assert_eq!(running(Some(1), vec![maps(Some(15)), maps(Some(5))]), both, "the oldest of several counts");
    assert_eq!(running(Some(1), vec![maps(None)]), both, "it may have started with the machine");
    assert_eq!(running(Some(15), vec![maps(None)]), last, "the machine was booted between the upgrades");
    assert_eq!(running(None, vec![maps(None)]), last);
    assert_eq!(
        running(None, vec![maps(Some(25))]),
        last,
        "a log in another zone: it maps a file of before all the same"
    );
}

/// A log that ends before what is installed misses the last change, and what it ends at is what was replaced.
#[test]
fn a_log_that_misses_the_last_upgrade_tells_the_version_that_it_ends_at() {
    let list = [fixed("CVE-2026-0001", "openssl", "3.0.19-1"), fixed("CVE-2026-0002", "openssl", "3.0.20-1")];
    let mut h = host(vec![package("libssl3", "openssl", "3.0.20-1")]);
    h.history = vec![upgrade(10, "3.0.9-1", "3.0.19-1")];
    h.stale = vec![maps(Some(15))];
    assert_eq!(ids(&run(&h, &list)), ["CVE-2026-0002"]);
    h.stale = vec![maps(Some(5))];
    assert_eq!(ids(&run(&h, &list)).len(), 2, "it started before the upgrade that the log has");
}

#[test]
fn replaced_code_of_a_version_that_nothing_tells_is_named_as_not_looked_at() {
    let mut h = host(vec![package("libssl3", "openssl", "3.0.20-1")]);
    assert_eq!(replaced_unseen(&h), None);
    h.stale = vec![maps(Some(5))];
    let unseen = replaced_unseen(&h).unwrap();
    assert!(unseen.what.contains("replaced code that still runs: libssl3"), "{unseen:?}");
    assert!(unseen.why.contains("no package log") && unseen.hint.contains("restart"), "{unseen:?}");
    h.history = vec![upgrade(10, "3.0.9-1", "3.0.20-1")];
    assert_eq!(replaced_unseen(&h), None);
}

#[test]
fn changelogs_on_offer_fill_what_no_provider_speaks_of_and_no_more() {
    let mut h = host(vec![package("tzdata", "tzdata", "2026b-0"), package("curl", "curl", "7.88.1-10")]);
    let fix = |source: &str, cve: &str, fixed: &str| CandidateFix {
        source: source.to_owned(),
        cve: cve.to_owned(),
        fixed: fixed.to_owned(),
        advisory: None,
    };
    h.candidate_fixes = vec![
        fix("tzdata", "CVE-2026-2001", "2026f-0"),
        fix("tzdata", "CVE-2026-2002", "2026a-0"),
        fix("curl", "CVE-2026-2003", "7.88.1-11"),
    ];
    let tracker = [stated("CVE-2026-2003", "curl", Status::NotAffected, "")];
    let found = run(&h, &tracker);
    assert_eq!(ids(&found), ["CVE-2026-2001"]);
    assert!(matches!(found[0].evidence[0], Evidence::CandidateChangelog { .. }));
}

#[test]
fn rpm_advisories_name_binaries_and_kernel_bystanders_are_left_out() {
    let advisory = Advisory {
        id: "ALSA-2026:0001".to_owned(),
        upstream: vec!["CVE-2026-3001".to_owned()],
        affected: ["kernel-core", "kernel-headers", "perf", "openssl-libs"]
            .iter()
            .map(|p| Affected::fixed_in("AlmaLinux:9", p, "0:5.14.0-500.el9"))
            .collect(),
        ..Advisory::default()
    };
    let mut h = host(
        ["kernel-core", "kernel-headers", "perf", "openssl-libs"]
            .iter()
            .map(|p| package(p, p, "5.14.0-400.el9"))
            .collect(),
    );
    h.os = Os::parse_short("almalinux:9").unwrap();
    let found = run_with(&h, "AlmaLinux:9", &[("almalinux", &[advisory])]);
    assert_eq!(found.iter().map(|f| f.package.as_str()).collect::<Vec<_>>(), ["kernel-core", "openssl-libs"]);
    assert_eq!(found[1].advisories, ["ALSA-2026:0001"]);
}

#[test]
fn two_versions_of_one_package_are_judged_apart() {
    let found = run(
        &host(vec![package("libfoo1", "foo", "1.0-1"), package("libfoo2", "foo", "2.0-1")]),
        &[fixed("CVE-2026-4001", "foo", "1.5-1")],
    );
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].installed, "1.0-1");
}

#[test]
fn the_answer_does_not_depend_on_the_order_of_packages() {
    let list = [
        fixed("CVE-2026-0001", "openssl", "9"),
        fixed("CVE-2026-0002", "curl", "9"),
        fixed("CVE-2026-0003", "zlib", "9"),
    ];
    let mut packages =
        vec![package("zlib1g", "zlib", "1"), package("curl", "curl", "1"), package("openssl", "openssl", "1")];
    let one = run(&host(packages.clone()), &list);
    packages.reverse();
    assert_eq!(one, run(&host(packages), &list));
}
