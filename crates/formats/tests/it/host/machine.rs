//! Our readers against the tools of the machine that runs the tests. Each says so and passes where a tool is missing.

#![expect(clippy::disallowed_methods, reason = "these tests ask the machine's own tools")]

use std::collections::BTreeSet;
use std::process::Command;

use patchwright_domain::inventory::{Package, PackageState};
use patchwright_formats::host::{
    apt_history, apt_policy, apt_simulate, dpkg_list, dpkg_log, dpkg_status, import_dir, os_release,
};

use super::told;

/// The output of a command, or nothing where it is missing or fails.
fn output(program: &str, args: &[&str]) -> Option<Vec<u8>> {
    let done = Command::new(program).args(args).env("LC_ALL", "C").output().ok()?;
    done.status.success().then_some(done.stdout)
}

const STATUS: &str = "/var/lib/dpkg/status";

fn installed() -> Option<(Vec<Package>, Vec<u8>)> {
    let bytes = std::fs::read(STATUS).ok()?;
    let (packages, problems) = dpkg_status::parse(&bytes);
    assert_eq!(told(&problems), "", "this machine's own status file");
    Some((packages, bytes))
}

#[test]
fn this_machines_status_file_equals_dpkg_query() {
    // Expanded by dpkg itself, into a form that no reader of ours takes part in.
    let format = "${Package}|${Architecture}|${Version}|${source:Package}|${source:Version}|${db:Status-Want}|${db:Status-Status}\n";
    let (Some((packages, _)), Some(listed)) = (installed(), output("dpkg-query", &["-W", "-f", format])) else {
        println!("skipped: no dpkg on this machine");
        return;
    };
    let theirs: BTreeSet<String> = String::from_utf8(listed)
        .unwrap()
        .lines()
        .filter(|l| !l.ends_with("|not-installed"))
        .map(str::to_owned)
        .collect();
    let state = |p: &Package| match p.state {
        PackageState::Installed => "installed",
        PackageState::ConfigFiles => "config-files",
        PackageState::Broken => "broken",
    };
    let ours: BTreeSet<String> = packages
        .iter()
        .map(|p| {
            format!(
                "{}|{}|{}|{}|{}|{}|{}",
                p.name,
                p.arch,
                p.version,
                p.source,
                p.source_version,
                if p.held { "hold" } else { "other" },
                state(p)
            )
        })
        .collect();
    let theirs: BTreeSet<String> = theirs
        .iter()
        .map(|line| {
            let mut fields: Vec<&str> = line.split('|').collect();
            if fields[5] != "hold" {
                fields[5] = "other";
            }
            if !["installed", "config-files"].contains(&fields[6]) {
                fields[6] = "broken";
            }
            fields.join("|")
        })
        .collect();
    assert!(!theirs.is_empty());
    assert_eq!(ours, theirs);
    println!("{} packages equal to dpkg-query's", ours.len());
}

#[test]
fn the_three_ways_to_ask_dpkg_agree() {
    let query = dpkg_list::QUERY_FORMAT.replace("\\t", "\t").replace("\\n", "\n");
    let (Some((packages, _)), Some(query), Some(table)) =
        (installed(), output("dpkg-query", &["-W", "-f", &query]), output("dpkg", &["-l"]))
    else {
        println!("skipped: no dpkg on this machine");
        return;
    };
    let (from_query, problems) = dpkg_list::parse_query(&query);
    assert_eq!(told(&problems), "");
    assert_eq!(from_query, packages);
    let (from_table, problems) = dpkg_list::parse_table(&table);
    assert_eq!(told(&problems), "");
    let short = |p: &Package| (p.name.clone(), p.arch.clone(), p.version.clone(), p.state, p.held);
    assert_eq!(from_table.iter().map(short).collect::<Vec<_>>(), packages.iter().map(short).collect::<Vec<_>>());
}

#[test]
fn the_sample_host_equals_dpkg_querys_reading_of_it() {
    let Some(path) = super::shared("feeds/debian/sample-host.dpkg-status.zst") else {
        println!("skipped: the shared sample host: not beside this repository");
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let bytes = zstd::decode_all(std::fs::File::open(path).unwrap()).unwrap();
    std::fs::write(folder.path().join("status"), &bytes).unwrap();
    let admin = format!("--admindir={}", folder.path().display());
    let query = dpkg_list::QUERY_FORMAT.replace("\\t", "\t").replace("\\n", "\n");
    let Some(listed) = output("dpkg-query", &[&admin, "-W", "-f", &query]) else {
        println!("skipped: no dpkg on this machine");
        return;
    };
    let (theirs, _) = dpkg_list::parse_query(&listed);
    let (ours, _) = dpkg_status::parse(&bytes);
    assert_eq!(ours.len(), 827);
    assert_eq!(ours, theirs);
}

#[test]
fn this_machines_upgrade_has_as_many_steps_as_lines() {
    let Some(text) = output("apt-get", &["-s", "-q", "dist-upgrade"]) else {
        println!("skipped: no apt-get on this machine, or its simulation fails");
        return;
    };
    let (mut found, problems) = apt_simulate::parse(&text);
    assert_eq!(told(&problems), "");
    let text = String::from_utf8(text).unwrap();
    let starting = |word: &str| text.lines().filter(|l| l.starts_with(word)).count();
    assert_eq!(found.steps.iter().filter(|s| s.to.is_some()).count(), starting("Inst "));
    assert_eq!(found.steps.iter().filter(|s| s.to.is_none()).count(), starting("Remv ") + starting("Purg "));
    assert_eq!(
        found.steps.iter().filter(|s| s.security()).count(),
        text.lines().filter(|l| l.starts_with("Inst ") && l.contains("-security [")).count()
    );
    if let Some((packages, _)) = installed() {
        found.complete(&packages);
        // Every step starts from the version that is installed.
        for step in found.steps.iter().filter(|s| s.from.is_some()) {
            let package = packages.iter().find(|p| p.name == step.name && p.arch == step.arch);
            assert_eq!(package.map(|p| &p.version), step.from.as_ref(), "{}", step.name);
        }
    }
    println!("{} steps", found.steps.len());
}

#[test]
fn this_machines_policy_agrees_with_its_package_list() {
    let Some((packages, _)) = installed() else {
        println!("skipped: no dpkg on this machine");
        return;
    };
    let asked: Vec<&Package> = packages.iter().filter(|p| p.state == PackageState::Installed).take(40).collect();
    let names: Vec<String> = asked.iter().map(|p| p.name.clone()).collect();
    let args: Vec<&str> = std::iter::once("policy").chain(names.iter().map(String::as_str)).collect();
    let Some(text) = output("apt-cache", &args) else {
        println!("skipped: no apt-cache on this machine");
        return;
    };
    let (policy, problems) = apt_policy::parse(&text);
    assert_eq!(told(&problems), "");
    assert_eq!(policy.packages.len(), asked.len());
    for (block, package) in policy.packages.iter().zip(asked) {
        assert_eq!(
            (block.name.as_str(), block.installed.as_deref()),
            (package.name.as_str(), Some(package.version.as_str()))
        );
    }
    let (policy, problems) = apt_policy::parse(&output("apt-cache", &["policy"]).unwrap());
    assert_eq!(told(&problems), "");
    assert!(!policy.sources.is_empty());
}

#[test]
fn this_machines_logs_and_release_file_read_without_a_problem() {
    let read = |path: &str| std::fs::read(path).ok();
    let mut looked_at = 0;
    if let Some(bytes) = read("/etc/os-release") {
        let (os, problems) = os_release::parse(&bytes);
        assert_eq!(told(&problems), "");
        assert!(!os.id.is_empty());
        looked_at += 1;
    }
    if let Some(bytes) = read("/var/log/dpkg.log") {
        let (entries, problems) = dpkg_log::parse(&bytes);
        assert_eq!(told(&problems), "");
        let upgrades = bytes.split(|b| *b == b'\n').filter(|l| l.windows(9).any(|w| w == b" upgrade ")).count();
        assert!(entries.iter().filter(|e| e.from.is_some() && e.to.is_some()).count() <= upgrades);
        looked_at += 1;
    }
    if let Some(bytes) = read("/var/log/apt/history.log") {
        let (_, problems) = apt_history::parse(&bytes);
        assert_eq!(told(&problems), "");
        looked_at += 1;
    }
    if looked_at == 0 {
        println!("skipped: this machine has none of these files");
    }
}

#[test]
fn this_machine_as_a_folder() {
    let (Some((packages, status)), Ok(os_release)) = (installed(), std::fs::read("/etc/os-release")) else {
        println!("skipped: no dpkg on this machine");
        return;
    };
    let mut files = vec![("dpkg-status".to_owned(), status), ("os-release".to_owned(), os_release)];
    let asked: [(&str, &str, &[&str]); 3] = [
        ("uname", "uname", &["-a"]),
        ("hostname", "uname", &["-n"]),
        ("apt-simulate.txt", "apt-get", &["-s", "-q", "dist-upgrade"]),
    ];
    for (file, program, args) in asked {
        files.extend(output(program, args).map(|bytes| (file.to_owned(), bytes)));
    }
    for (file, path) in [("dpkg.log", "/var/log/dpkg.log"), ("apt-history.log", "/var/log/apt/history.log")] {
        files.extend(std::fs::read(path).ok().map(|bytes| (file.to_owned(), bytes)));
    }
    let (facts, problems) = import_dir(&files).unwrap();
    assert_eq!(told(&problems), "");
    assert_eq!(facts.packages, packages);
    let release = output("uname", &["-r"]).map(|r| String::from_utf8(r).unwrap().trim().to_owned());
    assert_eq!(facts.kernel.running_release, release);
    assert!(facts.history.is_sorted_by(|a, b| a.at >= b.at));
    println!(
        "{} packages, {} pending, {} past changes",
        facts.packages.len(),
        facts.pending.len(),
        facts.history.len()
    );
}
