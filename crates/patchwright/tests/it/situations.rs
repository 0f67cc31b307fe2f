//! Situations in which a wrong answer costs most, each from what a host shows to what the user reads.
//! `docs/reference/situations.md` names every test of this file, with the command that shows the situation.

use std::collections::BTreeSet;
use std::io::{Cursor, Write as _};
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use patchwright_agent::{ChangelogMode, Options, Root, collect};
use patchwright_app::hosts::host_report;
use patchwright_app::{Clock, Config, Ctx, Env};
use patchwright_domain::access::Actor;
use patchwright_domain::inventory::source::{ConfiguredSource, SourceKey, SourceKind, SourcePackage};
use patchwright_domain::inventory::{
    Entitlement, EntitlementState, HostFacts, InstalledKernel, KeptBack, Kernel, Os, Package, PackageFormat, Reboot,
    RebootReason, Transaction, TransactionStep, Tri,
};
use patchwright_domain::time::Timestamp;
use serde_json::Value;

use crate::feeds::{cves, kev};
use crate::run::{Bench, code, err, out, stanza};

fn now() -> Timestamp {
    Clock::system().now()
}

fn package(name: &str, source: &str, version: &str) -> Package {
    Package {
        name: name.to_owned(),
        version: version.to_owned(),
        arch: "x86_64".to_owned(),
        source: source.to_owned(),
        source_version: version.to_owned(),
        ..Package::default()
    }
}

/// A host of `os` as its agent would describe it.
fn host(os: &str, format: PackageFormat, packages: Vec<Package>) -> HostFacts {
    HostFacts {
        schema: 1,
        collected_at: now(),
        collector: "agent".to_owned(),
        hostname: "web-01".to_owned(),
        os: Os::parse_short(os).unwrap(),
        format: Some(format),
        packages,
        ..HostFacts::default()
    }
}

/// The document that `patchwright collect` prints.
fn document(b: &Bench, facts: &HostFacts) -> String {
    let file = b.file("facts.json", serde_json::to_string(facts).unwrap());
    file.to_str().unwrap().to_owned()
}

fn scan(b: &Bench, file: &str) -> Value {
    serde_json::from_str(&b.ok(&["scan", file, "-o", "json", "-q"])).unwrap()
}

/// The findings of a vulnerability in a report.
fn about<'a>(report: &'a Value, vuln: &str) -> Vec<&'a Value> {
    report["findings"].as_array().unwrap().iter().filter(|f| f["vuln"] == vuln).collect()
}

/// A list of sentences as one text.
fn text(list: &Value) -> String {
    list.as_array().unwrap().iter().map(|line| line.as_str().unwrap_or_default()).collect::<Vec<_>>().join("\n")
}

fn explained(b: &Bench, id: &str, file: &str) -> (String, Value) {
    let words = b.ok(&["explain", id, "--file", file, "-q"]);
    let json = b.ok(&["explain", id, "--file", file, "-o", "json", "-q"]);
    (words, serde_json::from_str(&json).unwrap())
}

/// One OSV record: (ecosystem, package, first fixed version) of each affected package, and further fields.
fn osv(id: &str, affected: &[(&str, &str, &str)], more: &str) -> String {
    let affected: Vec<String> = affected
        .iter()
        .map(|(ecosystem, name, fixed)| {
            format!(
                r#"{{"package":{{"ecosystem":"{ecosystem}","name":"{name}"}},"ranges":[{{"type":"ECOSYSTEM","events":[{{"introduced":"0"}},{{"fixed":"{fixed}"}}]}}]}}"#
            )
        })
        .collect();
    format!(
        r#"{{"schema_version":"1.7.0","id":"{id}","modified":"2026-08-20T00:00:00Z"{more},"affected":[{}]}}"#,
        affected.join(",")
    ) + "\n"
}

fn sync(b: &Bench, feed: &str, content: &str) {
    let file = b.file(&format!("feeds/{feed}"), content);
    let url = format!("file://{}", file.display());
    b.sync(feed, &url, &[]);
}

// (a) ---------------------------------------------------------------------------------------------------------------

/// Another scanner compares upstream numbers: the project fixed it in 3.0.14, the host says 3.0.11. The vendor put the fix into
/// 3.0.11, and that is what counts here.
#[test]
fn a_backport_of_debian_is_fixed_although_the_upstream_number_is_lower() {
    let b = Bench::new();
    let upstream_fixed = "3.0.14";
    sync(
        &b,
        "osv-debian",
        &osv(
            "CVE-2026-31001",
            &[("Debian:12", "openssl", "3.0.11-1~deb12u3"), ("Bitnami", "openssl", upstream_fixed)],
            "",
        ),
    );
    let by_numbers = b.ok(&["version", "compare", "--scheme", "semver", "3.0.11", upstream_fixed]);
    assert!(by_numbers.ends_with("\t<\n"), "a scanner of upstream versions says vulnerable: {by_numbers}");

    let with = |version: &str| host("debian:12", PackageFormat::Deb, vec![package("libssl3", "openssl", version)]);
    let before = document(&b, &with("3.0.11-1~deb12u2"));
    let open = scan(&b, &before);
    assert_eq!(about(&open, "CVE-2026-31001")[0]["fixed"], "3.0.11-1~deb12u3");

    let patched = document(&b, &with("3.0.11-1~deb12u3"));
    assert!(about(&scan(&b, &patched), "CVE-2026-31001").is_empty());
    let (words, json) = explained(&b, "cve-2026-31001", &patched);
    let cleared = &json["not_vulnerable"][0];
    assert_eq!((cleared["package"].as_str(), cleared["why"].as_str()), (Some("openssl"), Some("fixed")), "{json}");
    assert_eq!((cleared["backport"].as_str(), cleared["provider"].as_str()), (Some("~deb12u3"), Some("osv-debian")));
    for part in [
        "not open on web-01",
        "Not vulnerable: openssl 3.0.11-1~deb12u3",
        "is not older than 3.0.11-1~deb12u3 in dpkg order",
        "fixes on top of the version of Debian 12",
        "the fixed version of the upstream project says nothing here",
    ] {
        assert!(words.contains(part), "{part} is not in {words}");
    }
}

#[test]
fn a_backport_of_enterprise_linux_is_fixed_although_the_upstream_number_is_lower() {
    let b = Bench::new();
    let fixed = "1:3.0.7-27.el9_4";
    sync(
        &b,
        "osv-almalinux",
        &osv("ALSA-2026:31002", &[("AlmaLinux:9", "openssl-libs", fixed)], r#","related":["CVE-2026-31002"]"#),
    );
    let with =
        |version: &str| host("almalinux:9", PackageFormat::Rpm, vec![package("openssl-libs", "openssl", version)]);
    let open = scan(&b, &document(&b, &with("1:3.0.7-25.el9_3")));
    assert_eq!(about(&open, "CVE-2026-31002")[0]["state"], "fix_available");
    let patched = document(&b, &with("1:3.0.7-28.el9_4"));
    assert!(about(&scan(&b, &patched), "CVE-2026-31002").is_empty());
    let (words, json) = explained(&b, "CVE-2026-31002", &patched);
    assert_eq!(json["not_vulnerable"][0]["backport"], ".el9_4");
    assert!(words.contains("ALSA-2026:31002") && words.contains("in rpm order"), "{words}");
    assert!(words.contains("built for release 9, which keeps its version and adds fixes"), "{words}");
}

// (b) ---------------------------------------------------------------------------------------------------------------

/// A tree that looks like a Debian host; its agent looks at it.
struct Tree(tempfile::TempDir);

impl Tree {
    fn new() -> Self {
        let tree = Self(tempfile::tempdir().unwrap());
        tree.file("etc/os-release", "ID=debian\nVERSION_ID=\"12\"\nPRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\n");
        tree.file("etc/hostname", "web-01\n");
        tree
    }

    fn path(&self, inside: &str) -> PathBuf {
        self.0.path().join(inside)
    }

    fn file(&self, inside: &str, content: impl AsRef<[u8]>) {
        let path = self.path(inside);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
    }

    fn link(&self, inside: &str, target: impl AsRef<std::path::Path>) {
        let path = self.path(inside);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::os::unix::fs::symlink(target, path).unwrap();
    }

    fn modified(&self, inside: &str, at: Timestamp) {
        let time = SystemTime::UNIX_EPOCH + Duration::from_millis(u64::try_from(at.0).unwrap());
        std::fs::File::open(self.path(inside)).unwrap().set_modified(time).unwrap();
    }

    fn look(&self) -> HostFacts {
        let options = Options {
            deadline: Duration::from_mins(10),
            simulate: false,
            candidate_changelogs: ChangelogMode::Never,
            ..Options::default()
        };
        collect(&Root::at(self.0.path()), &options, &mut |_| {})
    }
}

const LIBSSL: &str = "usr/lib/x86_64-linux-gnu/libssl.so.3";

/// openssl was upgraded; nginx goes on with the old library when `stale`.
fn patched_openssl(stale: bool) -> Tree {
    let tree = Tree::new();
    tree.file(
        "var/lib/dpkg/status",
        stanza("libssl3", "openssl", "3.0.11-1~deb12u3") + &stanza("nginx", "nginx", "1.22.1-9"),
    );
    tree.file(LIBSSL, "new");
    tree.file("usr/sbin/nginx", "n");
    tree.file("var/lib/dpkg/info/libssl3:amd64.list", format!("/.\n/{LIBSSL}\n"));
    tree.file("var/lib/dpkg/info/nginx.list", "/usr/sbin/nginx\n");
    tree.file(
        "var/log/dpkg.log",
        "2026-11-20 10:00:10 upgrade libssl3:amd64 3.0.11-1~deb12u2 3.0.11-1~deb12u3\n\
         2026-11-20 10:00:12 status installed libssl3:amd64 3.0.11-1~deb12u3\n",
    );
    let maps = match stale {
        true => format!("7f0000002000-7f0000003000 r-xp 00000000 08:01 99 /{LIBSSL} (deleted)\n"),
        false => String::new(),
    };
    tree.link("proc/77/exe", "/usr/sbin/nginx");
    tree.link("proc/77/root", tree.path(""));
    tree.file("proc/77/cgroup", "0::/system.slice/nginx.service\n");
    tree.file("proc/77/maps", maps);
    std::fs::create_dir_all(tree.path("proc/77/fd")).unwrap();
    let mut jar = zip::ZipWriter::new(Cursor::new(Vec::new()));
    jar.start_file("META-INF/maven/org.acme/tls-native/pom.properties", zip::write::SimpleFileOptions::default())
        .unwrap();
    jar.write_all(b"groupId=org.acme\nartifactId=tls-native\nversion=3.0.11\n").unwrap();
    tree.file("opt/billing/lib/tls-native.jar", jar.finish().unwrap().into_inner());
    tree
}

#[test]
fn patched_openssl_stays_open_in_a_daemon_and_in_a_java_program() {
    let b = Bench::new();
    sync(&b, "osv-debian", &osv("CVE-2026-32001", &[("Debian:12", "openssl", "3.0.11-1~deb12u3")], ""));
    let of_java =
        osv("GHSA-aaaa-bbbb-cccc", &[("Maven", "org.acme:tls-native", "3.0.14")], r#","aliases":["CVE-2026-32001"]"#);
    sync(&b, "ghsa", &of_java);
    let report = scan(&b, &document(&b, &patched_openssl(true).look()));
    let found = about(&report, "CVE-2026-32001");
    let of = |package: &str| found.iter().find(|f| f["package"] == package).copied();
    let daemon = of("openssl").unwrap_or_else(|| panic!("{report}"));
    assert_eq!(
        (daemon["state"].as_str(), daemon["state_label"].as_str()),
        (Some("restart_pending"), Some("installed, restart pending"))
    );
    let why = text(&daemon["evidence"]);
    assert!(
        why.contains(&format!("process 77 (/usr/sbin/nginx) of nginx.service still runs the replaced /{LIBSSL}")),
        "{why}"
    );
    assert!(why.contains("3.0.11-1~deb12u2 is older than 3.0.11-1~deb12u3"), "the version that runs: {why}");
    let mut patches = report["patches"].as_array().unwrap().iter();
    let patch = patches.find(|p| p["package"] == "openssl" && p["state"] == "restart_pending").unwrap();
    assert_eq!(patch["restart_units"], serde_json::json!(["nginx.service"]));
    let java = of("org.acme:tls-native").unwrap();
    assert_eq!((java["ecosystem"].as_str(), java["installed"].as_str()), (Some("Maven"), Some("3.0.11")));
    let why = text(&java["evidence"]);
    assert!(why.contains("lies in /opt/billing/lib/tls-native.jar"), "{why}");

    // After the restart only the Java program is left: the patch of the system was never its patch.
    let report = scan(&b, &document(&b, &patched_openssl(false).look()));
    let left: Vec<&str> = about(&report, "CVE-2026-32001").iter().filter_map(|f| f["package"].as_str()).collect();
    assert_eq!(left, ["org.acme:tls-native"]);
    let patch = report["patches"].as_array().unwrap().iter().find(|p| p["ecosystem"] == "Maven").unwrap();
    assert!(text(&patch["because"]).contains("upgrade it where it was installed from (Maven)"), "{patch}");
}

/// What a package of a third party brings along is nobody's but its publisher's: the finding names that package. What a package
/// of the system brings stays the vendor's business.
#[test]
fn a_library_inside_a_third_party_package_is_a_finding_with_its_owner() {
    let b = Bench::new();
    let aliases = r#","aliases":["CVE-2026-32002"]"#;
    sync(&b, "ghsa", &osv("GHSA-aaaa-bbbb-dddd", &[("Maven", "org.acme:tls-native", "3.0.14")], aliases));
    let mut facts = patched_openssl(false).look();
    facts.packages.push(package("acme-agent", "acme-agent", "7.1"));
    facts.components[0].owned_by = Some("acme-agent".to_owned());
    assert!(about(&scan(&b, &document(&b, &facts)), "CVE-2026-32002").is_empty(), "nobody says whose package it is");
    facts.sources = vec![ConfiguredSource {
        key: SourceKey::new(SourceKind::Apt, "https://apt.acme.invalid/debian", "stable", &[]),
        origin: Some("Acme".to_owned()),
        packages: vec![SourcePackage { name: "acme-agent".to_owned(), from_here: true, ..SourcePackage::default() }],
        ..ConfiguredSource::default()
    }];
    let report = scan(&b, &document(&b, &facts));
    let why = text(&about(&report, "CVE-2026-32002")[0]["evidence"]);
    assert!(why.contains("came with `acme-agent`, a package of a third party"), "{why}");
    let patch = report["patches"].as_array().unwrap().iter().find(|p| p["ecosystem"] == "Maven").unwrap();
    assert!(text(&patch["because"]).contains("came with acme-agent, whose publisher has to ship it"), "{patch}");
}

// (c) ---------------------------------------------------------------------------------------------------------------

const OLD_KERNEL: (&str, &str) = ("6.1.0-9-amd64", "6.1.27-1");
const NEW_KERNEL: (&str, &str) = ("6.1.0-56-amd64", "6.1.192-2");

#[test]
fn a_reboot_deferred_for_forty_days_is_pending_since_then_and_overdue() {
    let b = Bench::new();
    sync(&b, "osv-debian", &osv("CVE-2026-33001", &[("Debian:12", "linux", "6.1.192-1")], ""));
    let tree = Tree::new();
    let mut status = String::new();
    for (release, version) in [OLD_KERNEL, NEW_KERNEL] {
        let name = format!("linux-image-{release}");
        status += &stanza(&name, "linux-signed-amd64", version);
        tree.file(&format!("boot/vmlinuz-{release}"), "");
        tree.file(&format!("var/lib/dpkg/info/{name}.list"), "/.\n");
        tree.modified(&format!("var/lib/dpkg/info/{name}.list"), now().plus_days(-400));
    }
    tree.file("var/lib/dpkg/status", status);
    let installed = now().plus_days(-40);
    tree.modified(&format!("var/lib/dpkg/info/linux-image-{}.list", NEW_KERNEL.0), installed);
    tree.file("proc/sys/kernel/osrelease", format!("{}\n", OLD_KERNEL.0));
    tree.file("proc/sys/kernel/version", format!("#1 SMP Debian {} (2023-05-08)\n", OLD_KERNEL.1));
    tree.file("proc/stat", "btime 1700000000\n");

    let file = document(&b, &tree.look());
    let report = scan(&b, &file);
    let day = installed.date().to_string();
    assert_eq!((report["reboot"]["needed"].as_str(), report["reboot"]["days"].as_u64()), (Some("yes"), Some(40)));
    assert!(report["reboot"]["since"].as_str().unwrap().starts_with(&day));
    let finding = about(&report, "CVE-2026-33001")[0];
    assert_eq!((finding["state"].as_str(), finding["installed"].as_str()), (Some("reboot_pending"), Some("6.1.27-1")));
    let why = text(&finding["evidence"]);
    assert!(
        why.contains(&format!("6.1.192-2 is installed and boots next: a reboot is pending since {day}, 40 days")),
        "{why}"
    );
    // The clock runs on from the installation, not from this look.
    let winner = finding["due_candidates"].as_array().unwrap().iter().find(|d| d["winner"] == true).unwrap();
    assert!(winner["start"].as_str().unwrap().starts_with(&day), "{winner}");
    let patch = report["patches"].as_array().unwrap().iter().find(|p| p["package"] == "linux").unwrap();
    assert_eq!((patch["state"].as_str(), patch["reboot"].as_str()), (Some("reboot_pending"), Some("yes")));
    assert!(text(&patch["because"]).contains("(40 days); the deadline does not wait"), "{patch}");
    let words = b.ok(&["scan", &file, "-q"]);
    assert!(words.contains(&format!("Reboot needed since {day} (40 days)")), "{words}");
    assert!(words.contains("reboot pending"), "{words}");
}

/// The same where a server has known the host all along: neither the new kernel on disk nor the days without a reboot move the day
/// on which the finding was first seen.
#[tokio::test]
async fn the_installed_kernel_does_not_reset_the_due_date_of_the_running_one() {
    let b = Bench::fresh();
    let at = |days: i64| now().plus_days(days);
    let env = async |days: i64| {
        let config = Config { data_dir: b.data(), database_url: None, offline: true };
        Env::open(config, Clock::fixed(at(days))).await.unwrap()
    };
    let ctx = Ctx { actor: Actor::Local { account: "test".to_owned() }, request_id: "r".to_owned(), reason: None };
    let facts = |kernels: &[(&str, &str)]| {
        let image = |(release, version): &(&str, &str)| package(&format!("linux-image-{release}"), "linux", version);
        let mut facts = host("debian:12", PackageFormat::Deb, kernels.iter().map(image).collect());
        let installed: Vec<InstalledKernel> = kernels
            .iter()
            .map(|(release, version)| InstalledKernel {
                release: (*release).to_owned(),
                package: format!("linux-image-{release}"),
                version: (*version).to_owned(),
            })
            .collect();
        facts.kernel = Kernel {
            running_release: Some(OLD_KERNEL.0.to_owned()),
            running_version: Some(OLD_KERNEL.1.to_owned()),
            next_boot: installed.last().map(|k| k.release.clone()),
            installed,
            booted_at: None,
        };
        facts
    };
    let first = env(-60).await;
    host_report(&first, &ctx, facts(&[OLD_KERNEL])).await.unwrap();
    drop(first);
    let second = env(-40).await;
    let mut waiting = facts(&[OLD_KERNEL, NEW_KERNEL]);
    waiting.reboot = Reboot {
        needed: Tri::Yes,
        because: vec![RebootReason::NewerKernel {
            running: OLD_KERNEL.0.to_owned(),
            installed: NEW_KERNEL.0.to_owned(),
        }],
        since: Some(at(-40)),
    };
    host_report(&second, &ctx, waiting).await.unwrap();
    drop(second);

    let shown: Value = serde_json::from_str(&b.ok(&["host", "show", "web-01", "-o", "json", "-q"])).unwrap();
    let report = &shown["report"];
    let pending: Vec<&Value> =
        report["findings"].as_array().unwrap().iter().filter(|f| f["state"] == "reboot_pending").collect();
    assert!(pending.len() > 10, "the starter set knows many: {}", pending.len());
    let starts: BTreeSet<String> = pending
        .iter()
        .flat_map(|f| f["due_candidates"].as_array().unwrap())
        .filter(|d| d["clock"] == "first_seen")
        .map(|d| d["start"].as_str().unwrap()[..10].to_owned())
        .collect();
    assert_eq!(starts, BTreeSet::from([at(-60).date().to_string()]));
    assert_eq!(report["reboot"]["days"], 40);
    // The question over the whole fleet counts from the same day.
    let overdue: Value = serde_json::from_str(&b.ok(&["findings", "query", "is:overdue", "-o", "json", "-q"])).unwrap();
    assert_eq!(overdue["findings"], report["counts"]["overdue"]);
    assert!(report["counts"]["overdue"].as_u64().unwrap() > 0);
}

// (d) ---------------------------------------------------------------------------------------------------------------

#[test]
fn a_lapsed_entitlement_never_reads_as_patched() {
    let b = Bench::new();
    let mut facts = host("almalinux:9", PackageFormat::Rpm, vec![package("quiet", "quiet", "1.0-1.el9")]);
    let entitled = document(&b, &facts);
    assert_eq!(
        code(&b.run(&["scan", &entitled, "--fail-on", "low", "--accept-incomplete", "-q"])),
        0,
        "nothing found, nothing in the way"
    );

    facts.entitlements = vec![Entitlement {
        state: EntitlementState::Lapsed,
        repositories: vec!["vendor-baseos".to_owned()],
        until: Timestamp::parse("2026-03-01T12:34:56Z"),
        evidence: vec!["/etc/pki/entitlement/1.pem was valid until 2026-03-01T12:34:56Z".to_owned()],
    }];
    let file = document(&b, &facts);
    let words = b.ok(&["scan", &file, "-q"]);
    assert!(words.contains("lapsed on 2026-03-01") && words.contains("no sign that it is patched"), "{words}");
    let report = scan(&b, &file);
    assert_eq!((report["counts"]["findings"].as_u64(), report["counts"]["pending"].as_u64()), (Some(0), Some(0)));
    assert_eq!(
        report["not_entitled"],
        serde_json::json!(["the subscription for repository `vendor-baseos` lapsed on 2026-03-01"])
    );
    assert!(text(&report["data"]["warnings"]).contains("does not mean that the host is patched"));
    for format in ["table", "json", "csv", "ndjson"] {
        let asked = b.run(&["scan", &file, "--fail-on", "critical", "-o", format, "-q"]);
        assert_eq!(code(&asked), 2, "no verdict in {format}: {}", err(&asked));
        assert!(err(&asked).contains("has no verdict") && err(&asked).contains("hint: "), "{}", err(&asked));
    }
    for format in ["csv", "ndjson"] {
        let quiet = b.run(&["scan", &file, "-o", format, "-q"]);
        assert!(err(&quiet).contains("does not mean patched"), "{format} has no place for it: {}", err(&quiet));
    }

    // A finding is a verdict, and its patch says why nothing is on offer.
    sync(
        &b,
        "osv-almalinux",
        &osv("ALSA-2026:34001", &[("AlmaLinux:9", "quiet", "1.0-2.el9")], r#","related":["CVE-2026-34001"]"#),
    );
    let open = b.run(&["scan", &file, "--fail-on", "low", "-o", "json", "-q"]);
    assert_eq!(code(&open), 1, "{}", err(&open));
    let report: Value = serde_json::from_str(&out(&open)).unwrap();
    assert!(text(&report["patches"][0]["because"]).contains("does not mean that the host is patched"), "{report}");
}

// (e) ---------------------------------------------------------------------------------------------------------------

#[test]
fn a_withdrawn_advisory_leaves_no_finding_but_its_reason_and_its_past() {
    let b = Bench::new();
    let keeps = osv("CVE-2026-35002", &[("Debian:12", "zlib", "1.3")], "");
    let stands = osv("DSA-9001-1", &[("Debian:12", "curl", "7.88.1-11")], r#","upstream":["CVE-2026-35001"]"#);
    let gone = osv(
        "DSA-9001-1",
        &[("Debian:12", "curl", "7.88.1-11")],
        r#","upstream":["CVE-2026-35001"],"withdrawn":"2026-08-15T10:00:00Z""#,
    );
    let file = document(&b, &host("debian:12", PackageFormat::Deb, vec![package("curl", "curl", "7.88.1-10")]));
    sync(&b, "osv-debian", &(stands.clone() + &keeps));
    assert_eq!(about(&scan(&b, &file), "CVE-2026-35001").len(), 1);
    sync(&b, "osv-debian", &(gone + &keeps));
    assert!(about(&scan(&b, &file), "CVE-2026-35001").is_empty());

    let (words, json) = explained(&b, "CVE-2026-35001", &file);
    let told = "DSA-9001-1, which named CVE-2026-35001, was withdrawn on 2026-08-15 (data: osv-debian)";
    assert_eq!(json["withdrawn"], serde_json::json!([told]));
    let past: Vec<(u64, &str)> = json["past"]
        .as_array()
        .unwrap()
        .iter()
        .map(|p| (p["seq"].as_u64().unwrap(), p["text"].as_str().unwrap()))
        .collect();
    assert_eq!(
        past,
        [(2, "first known here, in curl of Debian:12"), (3, "osv-debian names it no more, in curl of Debian:12")]
    );
    assert!(words.contains(&format!("Withdrawn: {told}")) && words.contains("What changed here:"), "{words}");
    let shown = b.ok(&["advisory", "show", "CVE-2026-35001"]);
    assert!(shown.contains(&format!("Withdrawn: {told}")) && shown.contains("first known here"), "{shown}");
    let pairs = b.ok(&["intel", "diff", "2", "3", "--pairs", "-o", "csv"]);
    assert!(pairs.contains("went,osv-debian,Debian:12,curl,CVE-2026-35001"), "{pairs}");
    assert!(
        b.ok(&["intel", "as-of", "2100-01-01", "--vuln", "CVE-2026-35001", "-o", "csv"]).contains("Debian:12,curl,")
    );

    // What is kept no more cannot be looked into; the log still knows since when it was known, and the data what was withdrawn.
    b.ok(&["intel", "settings", "--keep-snapshots", "1", "--keep-days", "0", "--reason", "small disk"]);
    sync(
        &b,
        "osv-debian",
        &(osv("CVE-2026-35003", &[("Debian:12", "zlib", "1.4")], "")
            + &keeps
            + &osv(
                "DSA-9001-1",
                &[("Debian:12", "curl", "7.88.1-11")],
                r#","upstream":["CVE-2026-35001"],"withdrawn":"2026-08-15T10:00:00Z""#,
            )),
    );
    let (words, _) = explained(&b, "CVE-2026-35001", &file);
    assert!(words.contains("Withdrawn: ") && words.contains("first known here, in curl of Debian:12"), "{words}");

    // A publisher that takes the withdrawal back is believed as well.
    sync(&b, "osv-debian", &(stands + &keeps));
    assert_eq!(about(&scan(&b, &file), "CVE-2026-35001").len(), 1);
    assert_eq!(explained(&b, "CVE-2026-35001", &file).1["withdrawn"], serde_json::json!([]));
}

#[test]
fn a_rejected_cve_is_said_to_be_withdrawn() {
    let b = Bench::new();
    sync(
        &b,
        "cvelistv5",
        r#"{"dataType":"CVE_RECORD","cveMetadata":{"cveId":"CVE-2026-35004","state":"REJECTED","dateRejected":"2026-09-01T00:00:00.000Z"},"containers":{"cna":{"rejectedReasons":[{"lang":"en","value":"a duplicate"}]}}}"#,
    );
    let file = document(&b, &host("debian:12", PackageFormat::Deb, vec![package("curl", "curl", "7.88.1-10")]));
    let (words, _) = explained(&b, "CVE-2026-35004", &file);
    assert!(words.contains("CVE-2026-35004 was withdrawn by its publisher on 2026-09-01 (data: cvelistv5)"), "{words}");
}

// (f) ---------------------------------------------------------------------------------------------------------------

#[test]
fn a_broken_record_takes_nothing_out_of_kev() {
    let b = Bench::new();
    let listed = cves(60);
    sync(&b, "cisa-kev", &kev(&listed));
    let text = kev(&listed).replacen(&listed[7], "CVE-broken", 1);
    sync(&b, "cisa-kev", &text);
    let problems = b.ok(&["feed", "status", "cisa-kev", "--problems", "-o", "json"]);
    assert!(problems.contains("CVE-broken"), "{problems}");
    let shown = b.ok(&["advisory", "show", &listed[7]]);
    assert!(shown.contains("Known to be exploited"), "{shown}");
    // Read whole again without it: now it is gone.
    let left: Vec<String> = listed.iter().filter(|cve| **cve != listed[7]).cloned().collect();
    sync(&b, "cisa-kev", &kev(&left));
    let shown = b.ok(&["advisory", "show", &listed[7]]);
    assert!(!shown.contains("Known to be exploited") && shown.contains("removed"), "{shown}");
}

#[test]
fn a_removal_from_kev_takes_the_escalation_back_and_says_which_snapshot_did() {
    let b = Bench::new();
    let listed = cves(60);
    let removed = listed[7].clone();
    let left: Vec<String> = listed.iter().filter(|cve| **cve != removed).cloned().collect();
    sync(&b, "osv-debian", &osv(&removed, &[("Debian:12", "curl", "7.88.1-11")], ""));
    sync(&b, "cisa-kev", &kev(&listed));
    let facts = host("debian:12", PackageFormat::Deb, vec![package("curl", "curl", "7.88.1-10")]);
    let file = document(&b, &facts);
    b.file("fleet/web-01/facts.json", serde_json::to_string(&facts).unwrap());
    b.ok(&["inventory", "import", b.dir.path().join("fleet").to_str().unwrap()]);
    let exploited = |b: &Bench| -> u64 {
        let text = b.ok(&["findings", "query", "is:kev and package:curl", "-o", "json", "-q"]);
        serde_json::from_str::<Value>(&text).unwrap()["findings"].as_u64().unwrap()
    };

    let before = scan(&b, &file);
    let escalated = about(&before, &removed)[0].clone();
    assert_eq!(escalated["kev"], "2026-08-01");
    assert_eq!(exploited(&b), 1);

    sync(&b, "cisa-kev", &kev(&left));
    let after = scan(&b, &file);
    let finding = about(&after, &removed)[0];
    assert!(finding["kev"].is_null());
    let place =
        |f: &Value| ["emergency", "critical", "high", "medium", "low"].iter().position(|w| f["urgency"] == *w).unwrap();
    assert!(place(finding) > place(&escalated), "{} after {}", finding["urgency"], escalated["urgency"]);
    assert!(finding["due"].as_str() > escalated["due"].as_str(), "no deadline of the escalation is left");
    assert!(finding["due_candidates"].as_array().unwrap().iter().all(|d| d["clock"] != "kev_added"), "{finding}");
    let reason = finding["because"].as_array().unwrap().iter().find(|r| r["rule"] == "kev-removed").unwrap();
    let told = "CISA listed it as exploited on 2026-08-01, and removed it: snapshot 4 of ";
    let words = reason["text"].as_str().unwrap();
    assert!(words.starts_with(told) && words.contains("(catalogue 2026.08.20)"), "{words}");
    assert_eq!((exploited(&b), after["counts"]["kev"].as_u64()), (0, Some(0)), "nothing hangs on in the fleet either");

    let (words, json) = explained(&b, &removed, &file);
    assert!(words.contains(told) && words.contains("[kev-removed]"), "{words}");
    assert!(json["kev_removed"].as_str().unwrap().starts_with(told), "{json}");
    assert!(text_of(&json["past"]).contains("4 removed from CISA's list of exploited vulnerabilities"), "{json}");
    let pairs = b.ok(&["intel", "diff", "3", "4", "--pairs", "-o", "csv"]);
    assert!(pairs.contains(&format!("went,cisa-kev,,,{removed}")), "{pairs}");
    let log = b.ok(&["intel", "list", "-o", "csv"]);
    assert!(
        log.lines().nth(1).unwrap().starts_with("4,4,") && log.lines().nth(1).unwrap().contains(",cisa-kev,"),
        "{log}"
    );
    let shown: Value = serde_json::from_str(&b.ok(&["host", "show", "web-01", "-o", "json", "-q"])).unwrap();
    assert_eq!(about(&shown["report"], &removed)[0]["urgency"], finding["urgency"], "the server says the same");

    // Listed again, it counts again, and the removal is history.
    sync(&b, "cisa-kev", &kev(&listed));
    let again = scan(&b, &file);
    assert_eq!(about(&again, &removed)[0]["urgency"], escalated["urgency"]);
    assert!(explained(&b, &removed, &file).1["kev_removed"].is_null());
}

/// Rows of a past as `number text`.
fn text_of(past: &Value) -> String {
    past.as_array()
        .unwrap()
        .iter()
        .map(|p| format!("{} {}\n", p["seq"], p["text"].as_str().unwrap_or_default()))
        .collect()
}

// (g) ---------------------------------------------------------------------------------------------------------------

/// The library is held, a program of the same source is not: upgrading that fixes nothing.
#[test]
fn a_patch_whose_library_is_held_is_never_ready() {
    let b = Bench::new();
    let (before, fixed) = ("3.0.11-1~deb12u2", "3.0.11-1~deb12u3");
    sync(&b, "osv-debian", &osv("CVE-2026-31001", &[("Debian:12", "openssl", fixed)], ""));
    let library = Package { held: true, ..package("libssl3", "openssl", before) };
    let mut facts = host("debian:12", PackageFormat::Deb, vec![library, package("openssl", "openssl", before)]);
    facts.transaction = Some(Transaction {
        steps: vec![TransactionStep {
            name: "openssl".to_owned(),
            arch: "x86_64".to_owned(),
            from: Some(before.to_owned()),
            to: Some(fixed.to_owned()),
            origin: None,
        }],
        // As apt lists it when nobody asks for versions.
        kept_back: vec![KeptBack {
            name: "libssl3".to_owned(),
            installed: before.to_owned(),
            held: true,
            because: vec!["held by an administrator (`apt-mark hold`)".to_owned()],
            ..KeptBack::default()
        }],
        ..Transaction::default()
    });
    let file = document(&b, &facts);
    let patch = &scan(&b, &file)["patches"][0];
    assert_eq!(patch["state"], "held", "{patch}");
    assert_eq!(text(&patch["blocked"]), format!("libssl3 {before} held by an administrator (`apt-mark hold`)"));
    assert!(text(&patch["because"]).contains("openssl would be upgraded, libssl3 would not"), "{patch}");
    let words = b.ok(&["scan", &file, "-q"]);
    assert!(words.contains("1 patch, 0 can be installed now") && words.contains("held"), "{words}");

    // A list of packages knows the hold and no more.
    facts.transaction = None;
    let file = document(&b, &facts);
    let patch = &scan(&b, &file)["patches"][0];
    assert_eq!(patch["state"], "held", "{patch}");
    assert_eq!(text(&patch["blocked"]), format!("libssl3 {before} held by an administrator"));
    let words = b.ok(&["explain", "openssl", "--file", &file, "-q"]);
    assert!(words.contains("no upgrade before the hold on libssl3 is lifted"), "{words}");
}
