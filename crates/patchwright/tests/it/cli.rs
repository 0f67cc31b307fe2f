//! The small tools: versions, CVSS, completions, policy, formats.

use crate::run::{Bench, code, err, old_openssl, out, stanza};

#[test]
fn versions_compare_and_sort_alone_and_in_batches() {
    let b = Bench::new();
    assert_eq!(b.ok(&["version", "compare", "1.0-1", "1.0-1+deb12u1"]), "1.0-1\t1.0-1+deb12u1\t<\n");
    assert_eq!(b.ok(&["version", "compare", "--scheme", "rpm", "1.0~rc1-1", "1.0-1"]), "1.0~rc1-1\t1.0-1\t<\n");
    assert_eq!(b.ok(&["version", "sort", "1:0.1", "2.0", "1.0~rc1", "1.0"]), "1.0~rc1\n1.0\n2.0\n1:0.1\n");
    let batch = b.run_with_stdin(&["version", "compare", "--scheme", "deb"], b"1.0 1.00\n\n2 1\n");
    assert_eq!((code(&batch), out(&batch).as_str()), (0, "1.0\t1.00\t=\n2\t1\t>\n"));
    let sorted = b.run_with_stdin(&["version", "sort", "--scheme", "pep440"], b"1.0\n1.0rc1\n");
    assert_eq!(out(&sorted), "1.0rc1\n1.0\n");
    let broken = b.run_with_stdin(&["version", "compare"], b"1 2\nonly-one\n3 2\n");
    assert_eq!(code(&broken), 100);
    assert_eq!(out(&broken), "1\t2\t<\nonly-one\t?\n3\t2\t>\n", "good lines are answered all the same");
    assert!(err(&broken).contains("line 2"));
    b.fails(&["version", "compare", "--scheme", "roman", "I", "II"], 64);
    b.fails(&["version", "compare", "1"], 64);
}

#[test]
fn a_bad_line_of_a_batch_costs_no_other_its_answer() {
    let b = Bench::new();
    let long = "9".repeat(200_000);
    let broken = b.run_with_stdin(&["version", "compare"], format!("1 2\n{long}\n3 2\n").as_bytes());
    assert_eq!((code(&broken), out(&broken)), (100, format!("1\t2\t<\n{}…\t?\n3\t2\t>\n", &long[..200])));
    assert!(err(&broken).contains("error: line 2: longer than 65536 bytes"), "{}", err(&broken));
    let json = b.run_with_stdin(&["version", "compare", "-o", "csv"], format!("1 2\n{long}\n3 2\n").as_bytes());
    assert_eq!((code(&json), out(&json).lines().count()), (100, 4), "{}", out(&json));
    // A line without an end: what came before it is answered, and reading stops.
    let endless = b.run_with_stdin(&["version", "compare"], format!("1 2\n{}", "9".repeat(20 << 20)).as_bytes());
    assert_eq!(code(&endless), 100);
    assert!(out(&endless).starts_with("1\t2\t<\n999"), "{}", out(&endless));
    assert!(
        err(&endless).contains("line 2 does not end within") && err(&endless).contains("hint: "),
        "{}",
        err(&endless)
    );
    let vectors = format!("AV:N/AC:L/Au:N/C:C/I:C/A:C\n{long}\nAV:N/AC:L/Au:N/C:P/I:P/A:P\n");
    let vectors = b.run_with_stdin(&["cvss"], vectors.as_bytes());
    let answers = out(&vectors);
    let answers: Vec<&str> = answers.lines().map(|l| l.split('\t').nth(1).unwrap()).collect();
    assert_eq!((code(&vectors), answers.as_slice()), (100, &["10.0", "?", "7.5"][..]));
    // Tabs of a bad line are tabs behind it too, and a message shows them.
    let tabs = b.run_with_stdin(&["version", "compare"], b"1\t2\t3\n3\t2\n");
    assert_eq!(out(&tabs), "1\t2\t3\t?\n3\t2\t>\n");
    assert!(err(&tabs).contains("`1\\t2\\t3` is not a pair of versions"), "{}", err(&tabs));
    let exact = b.run_with_stdin(&["version", "sort"], "9".repeat(65_536).as_bytes());
    assert_eq!(code(&exact), 0, "{}", err(&exact));
}

#[test]
fn cvss_scores_all_four_versions() {
    let b = Bench::new();
    let text = b.ok(&["cvss", "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"]);
    assert!(text.contains("9.8") && text.to_lowercase().contains("critical"), "{text}");
    let batch = b.run_with_stdin(
        &["cvss"],
        b"AV:N/AC:L/Au:N/C:C/I:C/A:C\nCVSS:3.0/AV:N/AC:L/PR:N/UI:N/S:C/C:H/I:H/A:H\nCVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N\n",
    );
    let scores: Vec<String> = out(&batch).lines().map(|l| l.split('\t').nth(1).unwrap().to_owned()).collect();
    assert_eq!(scores, ["10.0", "10.0", "9.3"]);
    b.fails(&["cvss", "CVSS:3.1/AV:X"], 100);
}

#[test]
fn every_format_of_scan_is_what_its_name_says() {
    let b = Bench::new();
    let file = b.file("status", old_openssl());
    let file = file.to_str().unwrap();
    let table = b.ok(&["scan", file, "--os", "debian:12"]);
    assert!(
        table.contains("What to patch first") && table.contains("openssl") && table.contains("starter set"),
        "{table}"
    );
    assert!(table.contains("long-term support"), "an end-of-support release is said plainly: {table}");
    let json: serde_json::Value =
        serde_json::from_str(&b.ok(&["scan", file, "--os", "debian:12", "-o", "json"])).unwrap();
    let n = json["findings"].as_array().unwrap().len();
    assert!(n > 5);
    for f in json["findings"].as_array().unwrap() {
        assert!(!f["because"].as_array().unwrap().is_empty() && !f["evidence"].as_array().unwrap().is_empty());
    }
    assert_eq!(json["patches"][0]["package"], "openssl");
    let ndjson = b.ok(&["scan", file, "--os", "debian:12", "-o", "ndjson"]);
    assert_eq!(ndjson.lines().filter(|l| serde_json::from_str::<serde_json::Value>(l).is_ok()).count(), n);
    let csv = b.ok(&["scan", file, "--os", "debian:12", "-o", "csv"]);
    assert_eq!(csv.lines().count(), n + 1);
    assert!(csv.starts_with("vuln,package,"));
}

#[test]
fn fail_on_sets_the_exit_code_and_nothing_else() {
    let b = Bench::new();
    let file = b.file("status", old_openssl());
    let file = file.to_str().unwrap();
    assert_eq!(code(&b.run(&["scan", file, "--os", "debian:12", "--fail-on", "low"])), 1);
    let clean = b.file("clean", crate::run::stanza("adduser", "adduser", "3.134"));
    assert_eq!(
        code(&b.run(&[
            "scan",
            clean.to_str().unwrap(),
            "--os",
            "debian:12",
            "--fail-on",
            "low",
            "--accept-incomplete"
        ])),
        0
    );
    b.fails(&["scan", file, "--os", "debian:12", "--profile", "tier=T9"], 64);
}

#[test]
fn fail_on_gives_no_verdict_about_a_half_matched_bill_of_materials() {
    let b = Bench::new();
    let bill = |debian: &str, npm: &str| {
        format!(
            r#"{{"bomFormat":"CycloneDX","specVersion":"1.6","components":[{{"type":"library","name":"adduser","purl":"pkg:deb/debian/adduser@{debian}?distro=debian-12"}}{npm}]}}"#
        )
    };
    let npm = r#",{"type":"library","name":"left-pad","purl":"pkg:npm/left-pad@1.0.0"}"#;
    let half = b.file("half.json", bill("3.134", npm));
    let text = b.fails(&["scan", half.to_str().unwrap(), "--fail-on", "critical", "-q"], 2);
    assert!(
        text.contains("no verdict") && text.contains("npm") && text.contains("patchwright feed sync ghsa"),
        "{text}"
    );
    let whole = b.file("whole.json", bill("3.134", ""));
    assert_eq!(code(&b.run(&["scan", whole.to_str().unwrap(), "--fail-on", "critical", "--accept-incomplete"])), 0);
}

#[test]
fn what_judges_is_said_and_is_the_policy_in_force() {
    let b = Bench::new();
    let file = b.file("status", old_openssl());
    let scan = ["scan", file.to_str().unwrap(), "--os", "debian:12", "-q"];
    assert!(b.ok(&scan).contains("(shipped); no host of this data folder: every clock starts now"));
    let policy = b.ok(&["policy", "show"]).replacen("name = \"", "name = \"ours ", 1);
    let policy = b.file("policy.toml", policy);
    b.ok(&["policy", "apply", policy.to_str().unwrap(), "--reason", "a test", "-q"]);
    let text = b.ok(&scan);
    assert!(text.contains("Policy: ours ") && text.contains("(in force here)"), "{text}");
    let text = b.ok(&["explain", "openssl", "--file", file.to_str().unwrap(), "--os", "debian:12", "-q"]);
    assert!(text.contains("Judged by policy ours "), "{text}");
    // As dpkg prints it, with the architecture.
    let text = b.ok(&["explain", "libssl3:amd64", "--file", file.to_str().unwrap(), "--os", "debian:12", "-q"]);
    assert!(text.contains("carried by libssl3 3.0.9-1"), "{text}");
}

#[test]
fn what_nobody_has_said_is_asked_for_once_and_only_where_it_counts() {
    let b = Bench::new();
    let list = b.file("rpms", "openssl\t1\t3.0.1\t43.el9_0\tx86_64\topenssl-3.0.1-43.el9_0.src.rpm\t(none)\nkernel-core\t0\t5.14.0\t70.el9\tx86_64\tkernel-5.14.0-70.el9.src.rpm\t(none)\n");
    let scan = |profile: &[&str]| {
        let mut args = vec!["scan", list.to_str().unwrap(), "--os", "almalinux:9", "-q"];
        args.extend(profile);
        b.ok(&args).split_whitespace().collect::<Vec<_>>().join(" ")
    };
    let silent = scan(&[]);
    assert!(silent.contains("of them rest on what nobody has said"), "{silent}");
    assert!(!silent.contains("All of them"), "what is exploited stands there by facts: {silent}");
    assert!(silent.contains("patchwright feed sync almalinux-errata"), "the feed that would help: {silent}");
    let told = scan(&["--profile", "exposure=internal,tier=T3,data=public"]);
    assert!(!told.contains("nobody has said"), "{told}");
}

#[test]
fn the_asset_profile_changes_urgency_never_severity() {
    let b = Bench::new();
    let file = b.file("status", old_openssl());
    let run = |profile: &str| -> serde_json::Value {
        let text = b.ok(&["scan", file.to_str().unwrap(), "--os", "debian:12", "-o", "json", "--profile", profile]);
        serde_json::from_str(&text).unwrap()
    };
    let exposed = run("tier=T1,exposure=internet,data=restricted");
    let isolated = run("tier=T4,exposure=isolated,data=public");
    let key = |v: &serde_json::Value, field: &str| -> Vec<(String, String)> {
        let mut list: Vec<_> = v["findings"]
            .as_array()
            .unwrap()
            .iter()
            .map(|f| (f["vuln"].as_str().unwrap().to_owned(), f[field].as_str().unwrap().to_owned()))
            .collect();
        list.sort();
        list
    };
    assert_eq!(key(&exposed, "severity"), key(&isolated, "severity"));
    assert_ne!(key(&exposed, "urgency"), key(&isolated, "urgency"));
}

#[test]
fn explain_says_why_and_what_is_known_of_things_that_are_not_here() {
    let b = Bench::new();
    let file = b.file("status", old_openssl());
    let file = file.to_str().unwrap();
    let text = b.ok(&["explain", "openssl", "--file", file, "--os", "debian:12"]);
    for word in ["because", "carried by libssl3", "in dpkg order", "due "] {
        assert!(text.contains(word), "{word}: {text}");
    }
    let none = b.ok(&["explain", "adduser", "--file", file, "--os", "debian:12"]);
    assert!(none.contains("no known vulnerability matches"), "{none}");
    let kev = b.ok(&["explain", "CVE-2021-44228", "-q"]);
    assert!(kev.contains("Not open on this machine") && kev.contains("Known to be exploited"), "{kev}");
    let absent = b.fails(&["explain", "no-such-package", "-q"], 2);
    assert!(
        absent.contains("`no-such-package` is no installed package") && !absent.contains("there is no host"),
        "{absent}"
    );
    b.fails(&["explain", "no-such-thing", "--file", file, "--os", "debian:12"], 2);
}

/// A package may have several patches: what a reboot is enough for, and what needs a newer version. Those that leave the CVE open are
/// not its answer.
#[test]
fn explain_shows_the_patches_that_fix_what_was_asked() {
    let b = Bench::new();
    let kernel =
        |release: &str, version: &str| stanza(&format!("linux-image-{release}"), "linux-signed-amd64", version);
    let kernels = kernel("6.1.0-9-amd64", "6.1.38-1") + &kernel("6.1.0-50-amd64", "6.1.176-1");
    let file = b.file("status", kernels);
    let of_file = ["--os", "debian:12", "-o", "json", "-q"];
    let json = |args: &[&str]| -> serde_json::Value { serde_json::from_str(&b.ok(args)).unwrap() };
    let scan = json(&[&["scan", file.to_str().unwrap()], &of_file[..]].concat());
    let patches = scan["patches"].as_array().unwrap();
    assert!(patches.len() > 1, "{}", patches.len());
    for patch in patches {
        let vuln = patch["vulns"][0].as_str().unwrap();
        let told = json(&[&["explain", vuln, "--file", file.to_str().unwrap()], &of_file[..]].concat());
        let of: Vec<&str> = told["patches"].as_array().unwrap().iter().filter_map(|p| p["state"].as_str()).collect();
        assert_eq!(of, [patch["state"].as_str().unwrap()], "{vuln}");
    }
    let whole = json(&[&["explain", "linux", "--file", file.to_str().unwrap()], &of_file[..]].concat());
    assert_eq!(whole["patches"].as_array().unwrap().len(), patches.len(), "a package has all of them");
}

#[test]
fn policy_is_checked_with_line_numbers_explained_and_simulated() {
    let b = Bench::new();
    let shipped = b.ok(&["policy", "show"]);
    let good = b.file("policy.toml", &shipped);
    assert!(b.ok(&["policy", "check", good.to_str().unwrap()]).contains("urgency rules"));
    let broken = b.file("broken.toml", format!("{shipped}\nno_such_key = 1\n"));
    let text = b.fails(&["policy", "check", broken.to_str().unwrap()], 1);
    assert!(text.contains("line"), "{text}");
    let why = b.ok(&["policy", "explain", "CVE-2021-44228", "--profile", "exposure=internet,tier=T1"]);
    assert!(why.contains("urgency") && why.contains("rule"), "{why}");
    let host = b.file("status", old_openssl());
    let same = b.ok(&[
        "policy",
        "simulate",
        good.to_str().unwrap(),
        "--host-file",
        host.to_str().unwrap(),
        "--os",
        "debian:12",
    ]);
    assert!(same.starts_with("0 of ") && same.contains("Deadlines: 0 earlier, 0 later"), "{same}");
    let shorter = shipped.replace("remediate = \"14d\"", "remediate = \"1d\"");
    let shorter = b.file("shorter.toml", shorter);
    let (shorter, host) = (shorter.to_str().unwrap(), host.to_str().unwrap());
    let moved = b.ok(&["policy", "simulate", shorter, "--host-file", host, "--os", "debian:12"]);
    assert!(moved.starts_with("0 of ") && !moved.contains("Deadlines: 0 earlier"), "{moved}");
    let reason = b.run(&["policy", "apply", good.to_str().unwrap(), "--reason", "first version of our own"]);
    assert_eq!(code(&reason), 0, "{}", err(&reason));
    assert!(b.ok(&["audit", "list"]).contains("policy.apply"));
}

#[test]
fn policy_explain_judges_vulnerabilities_and_nothing_else() {
    let b = Bench::new();
    for word in ["nonsense", "openssl", "CVE-2024", "CVE-2021-4422x", ""] {
        let text = b.fails(&["policy", "explain", word], 64);
        assert!(text.contains("no id of a vulnerability") && text.contains("CVE-2021-44228"), "{word}: {text}");
    }
    let unknown = b.run(&["policy", "explain", "CVE-2099-12345"]);
    assert_eq!(code(&unknown), 0);
    assert!(err(&unknown).contains("no provider in this data names CVE-2099-12345"), "{}", err(&unknown));
    let known = b.run(&["policy", "explain", "cve-2021-44228"]);
    assert_eq!((code(&known), err(&known).as_str()), (0, ""));
    // An advisory of the starter set stands for what it is about.
    let one = b.ok(&["policy", "explain", "alsa-2022:7950"]);
    assert!(one.starts_with("CVE-2022-32189: urgency"), "{one}");
    let many = b.fails(&["policy", "explain", "ALSA-2025:4229"], 64);
    assert!(many.contains("is about 3 vulnerabilities") && many.contains("CVE-2025-3523"), "{many}");
}

#[test]
fn completions_manual_help_and_wrong_words() {
    let b = Bench::new();
    assert!(b.ok(&["completions", "bash"]).contains("complete"));
    assert!(b.ok(&["man"]).contains(".TH"));
    assert!(b.ok(&["--help"]).contains("Exit codes"));
    let wrong = b.run(&["scam"]);
    assert_eq!(code(&wrong), 64);
    assert!(err(&wrong).contains("scan"), "it proposes the right word: {}", err(&wrong));
}

#[test]
fn audit_anchor_detects_truncation_and_verify_runs_alone() {
    let b = Bench::new();
    let anchor = b.ok(&["audit", "anchor"]);
    let file = b.file("anchor.json", &anchor);
    assert!(b.ok(&["audit", "verify", "--anchor", file.to_str().unwrap()]).contains("the chain holds"));
    let later = anchor.replace("\"seq\":1}", "\"seq\":9}");
    assert_ne!(later, anchor);
    let file = b.file("later.json", later);
    b.fails(&["audit", "verify", "--anchor", file.to_str().unwrap()], 1);
    b.fails(&["audit", "verify", "--anchor", b.file("x.json", "{}").to_str().unwrap()], 100);
}

#[test]
fn each_format_is_what_it_says() {
    let b = Bench::new();
    let file = b.file("status", old_openssl());
    let of_file = ["--file", file.to_str().unwrap(), "--os", "debian:12"];
    let n = b.ok(&["scan", file.to_str().unwrap(), "--os", "debian:12", "-o", "csv"]).lines().count();
    let csv = b.ok(&[&["explain", "openssl", "-o", "csv"], &of_file[..]].concat());
    assert!(csv.starts_with("vuln,package,") && csv.lines().count() == n, "{csv}");
    let lines = b.ok(&[&["explain", "openssl", "-o", "ndjson"], &of_file[..]].concat());
    assert!(lines.lines().count() == n - 1, "{lines}");
    assert!(
        lines.lines().all(|l| serde_json::from_str::<serde_json::Value>(l).unwrap()["vuln"].is_string()),
        "{lines}"
    );
    let why = b.ok(&["policy", "explain", "CVE-2021-44228", "-o", "csv"]);
    assert!(why.starts_with("vuln,urgency,") && why.lines().count() == 2, "{why}");
    let json = |args: &[&str]| serde_json::from_str::<serde_json::Value>(&b.ok(args)).unwrap();
    assert_eq!(json(&["audit", "verify", "-o", "json"])["holds"], true);
    assert!(json(&["policy", "show", "-o", "json"])["text"].as_str().unwrap().contains("[urgency]"));
    assert_eq!(json(&["version", "compare", "1.0-1", "1.0-2", "-o", "json"])[0]["order"], "<");
    assert_eq!(json(&["version", "sort", "2", "1", "-o", "json"])[0], "1");
    let scores = b.ok(&["cvss", "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", "-o", "csv"]);
    assert!(scores.contains(",9.8,"), "{scores}");
    let settings = b.ok(&["intel", "settings"]);
    assert!(
        settings.contains("SETTING") && settings.contains("shrink_percent") && !settings.contains('{'),
        "{settings}"
    );
    assert_eq!(json(&["intel", "settings", "-o", "json"])["shrink_percent"], 67);
}

#[test]
fn what_is_not_here_is_not_called_a_host() {
    let b = Bench::new();
    let text = b.fails(&["explain", "no-such-package-or-host"], 2);
    assert!(text.contains("is no installed package of this machine, no CVE and no host here"), "{text}");
    let file = b.file("status", old_openssl());
    let text = b.fails(&["explain", "no-such-package", "--file", file.to_str().unwrap(), "--os", "debian:12"], 2);
    assert!(text.contains("is no package of this document"), "{text}");
}

#[test]
fn a_document_without_a_system_or_a_date_claims_neither() {
    let b = Bench::new();
    let bill = r#"{"bomFormat":"CycloneDX","specVersion":"1.6","components":[{"type":"library","name":"left-pad","purl":"pkg:npm/left-pad@1.0.0"}]}"#;
    let file = b.file("app.json", bill);
    let text = b.ok(&["scan", file.to_str().unwrap()]);
    assert!(!text.contains("known for  .") && text.contains("Which operating system this is"), "{text}");
    let json: serde_json::Value = serde_json::from_str(&b.ok(&["scan", file.to_str().unwrap(), "-o", "json"])).unwrap();
    assert_eq!(json["host"]["collected_at"], "", "nobody says when it was made");
    let unknown = b.file("status", old_openssl());
    let text = b.ok(&["scan", unknown.to_str().unwrap(), "--os", "plan9:4"]);
    assert!(text.contains("Nothing was matched") && !text.contains("No known vulnerability"), "{text}");
    assert!(
        text.contains("patchwright inventory playbook") && !text.contains("data/collect/"),
        "a path of the sources is no help to a user: {text}"
    );
}

#[test]
fn options_that_would_do_nothing_are_refused() {
    let b = Bench::new();
    let file = b.file("status", old_openssl());
    let scan = |more: &[&str]| b.fails(&[&["scan", file.to_str().unwrap(), "--os", "debian:12"], more].concat(), 64);
    assert!(scan(&["--fast"]).contains("--fast says how to look at this machine"));
    assert!(scan(&["--changelogs"]).contains("--changelogs"));
    assert!(scan(&["--profile", "tier=T1,tier=T4"]).contains("second time"));
    let rules = b.file("rules.toml", "schema = \"1\"\nkind = \"assets\"\n");
    let text = b.fails(&["inventory", "asset-rules", rules.to_str().unwrap()], 64);
    assert!(text.contains("needs a reason"), "{text}");
}

/// A host has one vulnerability in a package of two versions twice as a finding, and once as something to fix.
#[test]
fn a_patch_names_each_vulnerability_once() {
    let b = Bench::new();
    let status =
        stanza("libssl3", "openssl (3.0.9-1)", "3.0.9-1") + &stanza("openssl", "openssl (3.0.11-1)", "3.0.11-1");
    let file = b.file("status", status);
    let args = ["scan", file.to_str().unwrap(), "--os", "debian:12", "-q"];
    let report: serde_json::Value = serde_json::from_str(&b.ok(&[&args[..], &["-o", "json"]].concat())).unwrap();
    let patch = &report["patches"][0];
    let vulns: Vec<&str> = patch["vulns"].as_array().unwrap().iter().map(|v| v.as_str().unwrap()).collect();
    let distinct: std::collections::BTreeSet<&&str> = vulns.iter().collect();
    assert!(report["findings"].as_array().unwrap().len() > vulns.len(), "two versions: {report}");
    assert_eq!(vulns.len(), distinct.len(), "{vulns:?}");
    let reason = format!("fixes {} vulnerabilities", vulns.len());
    assert!(patch["because"][0].as_str().unwrap().starts_with(&reason), "{patch}");
    let text = b.ok(&args);
    assert!(text.contains(&format!("{} +{}", vulns[0], vulns.len() - 1)), "{text}");
    assert!(text.contains(&format!("{} open findings", report["counts"]["findings"])), "{text}");
}

#[test]
fn a_batch_has_a_row_for_every_line() {
    let b = Bench::new();
    let vectors = "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H\nnonsense\nAV:N/AC:L/Au:N/C:P/I:P/A:P\n";
    let output = b.run_with_stdin(&["cvss", "-o", "json"], vectors.as_bytes());
    let rows: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((code(&output), rows.as_array().unwrap().len()), (100, 3), "{rows}");
    assert_eq!((&rows[1]["vector"], &rows[1]["base"]), (&"nonsense".into(), &serde_json::Value::Null));
    assert!(
        rows[1]["error"].as_str().unwrap().contains("is not a CVSS vector") && rows[0]["error"].is_null(),
        "{rows}"
    );
    let csv = out(&b.run_with_stdin(&["cvss", "-o", "csv"], vectors.as_bytes()));
    assert_eq!(csv.lines().count(), 4, "{csv}");
    let pairs = b"1 2\nonly-one\n3 2\n";
    let output = b.run_with_stdin(&["version", "compare", "-o", "json"], pairs);
    let rows: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((code(&output), rows.as_array().unwrap().len()), (100, 3), "{rows}");
    assert_eq!(
        (&rows[1]["a"], &rows[1]["order"], &rows[2]["order"]),
        (&"only-one".into(), &serde_json::Value::Null, &">".into())
    );
    assert!(rows[1]["error"].as_str().unwrap().contains("is not a pair of versions"), "{rows}");
}

/// A host of this installation.
fn known_host(b: &Bench) -> &'static str {
    b.file("fleet/web-01/dpkg-status", old_openssl());
    b.file("fleet/web-01/os-release", "ID=debian\nVERSION_ID=\"12\"\n");
    b.file("fleet/web-01/hostname", "web-01\n");
    b.ok(&["inventory", "import", b.dir.path().join("fleet").to_str().unwrap(), "-q"]);
    "web-01"
}

#[test]
fn the_same_mistake_ends_with_the_same_code() {
    let b = Bench::new();
    let status = b.file("status", old_openssl());
    let host = known_host(&b);
    for args in [
        &["host", "set", host, "tier=T9"][..],
        &["scan", status.to_str().unwrap(), "--os", "debian:12", "--profile", "tier=T9"],
        &["policy", "explain", "CVE-2021-44228", "--profile", "tier=T9"],
    ] {
        b.fails(args, 64);
    }
    let bad = b.file("bad.toml", "schema = 1\nname = 7\n");
    let bad = bad.to_str().unwrap();
    b.fails(&["policy", "check", bad], 1);
    for args in [
        &["policy", "apply", bad, "--reason", "x"][..],
        &["policy", "simulate", bad],
        &["policy", "explain", "CVE-2021-44228", "--policy", bad],
        &["scan", status.to_str().unwrap(), "--os", "debian:12", "--policy", bad],
    ] {
        let text = b.fails(args, 100);
        assert!(text.contains("bad.toml"), "{args:?}: {text}");
    }
}

#[test]
fn what_answers_with_data_answers_in_every_format() {
    let b = Bench::new();
    let host = known_host(&b);
    let policy = b.file("ours.toml", b.ok(&["policy", "show"]));
    let policy = policy.to_str().unwrap();
    for (args, member) in [
        (&["policy", "check", policy][..], "urgency_rules"),
        (&["policy", "apply", policy, "--reason", "x"], "hash"),
        (&["intel", "build"], "records"),
        (&["intel", "verify"], "chunks"),
        (&["intel", "key"], "key"),
        (&["host", "set", host, "tier=T1"], "generation"),
        (&["link"], "link"),
        (&["up", "--no-serve", "--no-sync"], "counts"),
    ] {
        let json: serde_json::Value = serde_json::from_str(&b.ok(&[args, &["-o", "json", "-q"]].concat())).unwrap();
        assert!(!json[member].is_null(), "{args:?}: {json}");
        for format in ["ndjson", "csv"] {
            let text = b.ok(&[args, &["-o", format, "-q"]].concat());
            assert!(args[0] == "up" || text.lines().count() == if format == "csv" { 2 } else { 1 }, "{args:?}: {text}");
        }
    }
    let added: serde_json::Value =
        serde_json::from_str(&b.ok(&["account", "add", "ann", "--role", "viewer", "-o", "json", "-q"])).unwrap();
    assert!(added["id"].as_str().unwrap().starts_with("usr_") && added["role"] == "viewer", "{added}");
}
