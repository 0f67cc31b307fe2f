//! The set of findings against one computed independently: our own rows, the machine's own `dpkg --compare-versions`.

use std::collections::BTreeSet;
use std::io::Write as _;
use std::process::{Command, Stdio};

use crate::run::{Bench, root, shared, stanza};

type Pair = (String, String);

/// The Debian rows of the starter set, read without our own reader.
fn rows() -> Vec<(String, String, String)> {
    let packed = std::fs::read(root().join("data/starter/debian_bookworm_fixes.tsv.zst")).unwrap();
    let text = String::from_utf8(zstd::decode_all(packed.as_slice()).unwrap()).unwrap();
    text.lines()
        .skip(1)
        .map(|line| {
            let mut fields = line.split('\t').map(str::to_owned);
            (fields.next().unwrap(), fields.next().unwrap(), fields.next().unwrap())
        })
        .collect()
}

/// (source, source version) of every installed package of a status file, read with nothing but string splitting.
fn sources(status: &str) -> BTreeSet<(String, String)> {
    let mut set = BTreeSet::new();
    for stanza in status.split("\n\n") {
        let field = |name: &str| {
            stanza.lines().find_map(|l| l.strip_prefix(name)?.strip_prefix(": ")).map(|v| v.trim().to_owned())
        };
        let Some(package) = field("Package") else { continue };
        if !field("Status").unwrap().ends_with(" installed") {
            continue;
        }
        let version = field("Version").unwrap();
        let (source, source_version) = match field("Source") {
            None => (package, version),
            Some(text) => match text.split_once(" (") {
                Some((source, v)) => (source.to_owned(), v.trim_end_matches(')').to_owned()),
                None => (text, version),
            },
        };
        set.insert((source, source_version));
    }
    set
}

/// What dpkg says: (source, CVE) for every row whose fixed version is newer than the installed one.
fn dpkg_says(status: &str) -> Option<BTreeSet<Pair>> {
    let installed = sources(status);
    let mut questions = Vec::new();
    for (source, cve, fixed) in rows() {
        // No kernel image is installed on these hosts; headers and libc-dev carry no kernel code.
        if source == "linux" {
            continue;
        }
        for (name, version) in &installed {
            if *name == source {
                questions.push((source.clone(), cve.clone(), version.clone(), fixed.clone()));
            }
        }
    }
    let script =
        "while read -r a b; do if dpkg --compare-versions \"$a\" lt \"$b\"; then echo 1; else echo 0; fi; done";
    let mut child = Command::new("sh")
        .args(["-c", script])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .ok()?;
    let mut stdin = child.stdin.take().unwrap();
    let text: String = questions.iter().map(|(_, _, a, b)| format!("{a} {b}\n")).collect();
    let writer = std::thread::spawn(move || stdin.write_all(text.as_bytes()));
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap().ok()?;
    let answers = String::from_utf8(output.stdout).unwrap();
    assert_eq!(answers.lines().count(), questions.len());
    Some(
        questions
            .into_iter()
            .zip(answers.lines())
            .filter(|(_, answer)| *answer == "1")
            .map(|((source, cve, _, _), _)| (source, cve))
            .collect(),
    )
}

fn we_say(bench: &Bench, file: &str) -> BTreeSet<Pair> {
    let text = bench.ok(&["scan", file, "--os", "debian:12", "-o", "json", "-q"]);
    let report: serde_json::Value = serde_json::from_str(&text).unwrap();
    report["findings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|f| (f["package"].as_str().unwrap().to_owned(), f["vuln"].as_str().unwrap().to_owned()))
        .collect()
}

fn have_dpkg() -> bool {
    let have = Command::new("dpkg").arg("--version").stdout(Stdio::null()).status().is_ok_and(|s| s.success());
    if !have {
        patchwright_testkit::skip::skip("findings against dpkg --compare-versions", "there is no dpkg on this machine");
    }
    have
}

/// A host made from the rows themselves: every source at the version of one of its rows, so that the comparison is full of
/// borders (equal versions, `+deb12uN`, epochs, `~`).
#[test]
fn findings_of_a_made_host_equal_dpkgs_own_comparison() {
    if !have_dpkg() {
        return;
    }
    let mut by_source: std::collections::BTreeMap<String, Vec<String>> = std::collections::BTreeMap::new();
    for (source, _, fixed) in rows() {
        if source != "linux" {
            by_source.entry(source).or_default().push(fixed);
        }
    }
    let mut status = stanza("linux-libc-dev", "linux", "6.1.1-1");
    for (n, (source, mut versions)) in by_source.into_iter().enumerate() {
        versions.sort();
        versions.dedup();
        // Chromium alone has 5,000 rows: each is a process of the oracle.
        if source == "chromium" {
            continue;
        }
        let version = versions[(n * 7 + 3) % versions.len()].clone();
        status += &stanza(&format!("lib{source}1"), &source, &version);
    }
    let bench = Bench::new();
    let file = bench.file("status", &status);
    let expected = dpkg_says(&status).unwrap();
    assert!(expected.len() > 300, "{}", expected.len());
    assert_eq!(we_say(&bench, file.to_str().unwrap()), expected);
}

#[test]
fn findings_of_the_sample_host_equal_dpkgs_own_comparison() {
    let Some(file) = shared("feeds/debian/sample-host.dpkg-status.zst") else {
        patchwright_testkit::skip::skip(
            "findings of the sample host",
            "the shared feeds are not beside this repository",
        );
        return;
    };
    if !have_dpkg() {
        return;
    }
    let status = String::from_utf8(zstd::decode_all(std::fs::read(&file).unwrap().as_slice()).unwrap()).unwrap();
    let expected = dpkg_says(&status).unwrap();
    assert!(expected.len() > 100, "{}", expected.len());
    assert_eq!(we_say(&Bench::new(), file.to_str().unwrap()), expected);
}
