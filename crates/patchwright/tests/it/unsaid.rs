//! What a document, a list or a broken installation leaves unsaid must not become an answer.

use std::io::Write as _;
use std::process::{Command, Stdio};

use crate::run::{Bench, code, err, old_openssl, out, stanza};

fn json(text: &str) -> serde_json::Value {
    serde_json::from_str(text).unwrap()
}

#[test]
fn a_plain_rpm_list_has_no_epochs_and_is_not_older_for_that() {
    let b = Bench::new();
    let findings = |version: &str| {
        let list = b.file("rpm.txt", format!("openssl-libs-{version}.x86_64\nbash-5.1.8-9.el9.x86_64\n"));
        json(&b.ok(&["scan", list.to_str().unwrap(), "--os", "almalinux:9", "-o", "json", "-q"]))
    };
    let of = |report: &serde_json::Value| {
        report["findings"].as_array().unwrap().iter().filter(|f| f["package"] == "openssl-libs").count()
    };
    let new = findings("99.0-1.el9");
    assert_eq!(of(&new), 0, "newer than every fix, whose versions have an epoch");
    assert!(new["unseen"].to_string().contains("were taken from the advisories of AlmaLinux:9"), "{}", new["unseen"]);
    assert!(of(&findings("3.0.0-1.el9")) > 0);
}

#[test]
fn a_plain_rpm_list_of_a_folder_is_judged_as_a_scan_of_it_is() {
    let b = Bench::new();
    let plain = "openssl-libs-3.0.7-1.el9.x86_64\nopenssl-3.0.1-1.el9.x86_64\nbash-5.1.8-9.el9.x86_64\n";
    let list = b.file("web-01/rpm-qa", plain);
    b.file("web-01/os-release", "ID=almalinux\nVERSION_ID=\"9.4\"\nPRETTY_NAME=\"AlmaLinux 9.4\"\n");
    b.file("web-01/hostname", "web-01\n");
    let scan = json(&b.ok(&["scan", list.to_str().unwrap(), "--os", "almalinux:9.4", "-o", "json", "-q"]));
    b.ok(&["inventory", "import", b.dir.path().join("web-01").to_str().unwrap(), "-q"]);
    let host = json(&b.ok(&["host", "show", "web-01", "-o", "json"]));
    let of = |report: &serde_json::Value| -> Vec<String> {
        let all = report["findings"].as_array().unwrap().iter();
        all.map(|f| format!("{} {} {}", f["vuln"], f["package"], f["installed"])).collect()
    };
    let scan = of(&scan);
    assert!(!scan.is_empty());
    assert_eq!(of(&host["report"]), scan);
    assert!(
        host["report"]["unseen"].to_string().contains("the document names none; those of"),
        "{}",
        host["report"]["unseen"]
    );
}

/// Two kernels are installed and nobody says which one runs.
#[test]
fn several_kernels_without_the_running_one_are_judged_by_each_of_them() {
    let b = Bench::new();
    let stanzas = |versions: &[&str]| -> String {
        let of = |v: &&str| stanza(&format!("linux-image-{v}-amd64"), "linux-signed-amd64", v);
        versions.iter().map(of).collect::<Vec<_>>().join("\n")
    };
    let scan = |versions: &[&str]| {
        let file = b.file("status", stanzas(versions));
        json(&b.ok(&["scan", file.to_str().unwrap(), "--os", "debian:12", "-o", "json", "-q"]))
    };
    let of = |report: &serde_json::Value| -> std::collections::BTreeSet<String> {
        report["findings"].as_array().unwrap().iter().map(|f| f["vuln"].to_string()).collect()
    };
    let (old, both) = (scan(&["6.1.38-1"]), scan(&["6.1.38-1", "6.1.176-1"]));
    assert!(of(&old).len() > 100 && of(&both).is_superset(&of(&old)), "{} {}", of(&old).len(), of(&both).len());
    assert!(both["unseen"].to_string().contains("which of the installed kernels runs"), "{}", both["unseen"]);
    assert!(both["findings"].to_string().contains("assumed: nobody looked which kernel runs"));
    assert!(!old["unseen"].to_string().contains("which of the installed kernels runs"), "{}", old["unseen"]);

    b.file("k1/os-release", "ID=debian\nVERSION_ID=\"12\"\nPRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\n");
    b.file("k1/dpkg-status", stanzas(&["6.1.38-1", "6.1.176-1"]));
    b.file("k1/hostname", "k1\n");
    b.ok(&["inventory", "import", b.dir.path().join("k1").to_str().unwrap(), "-q"]);
    let host = json(&b.ok(&["host", "show", "k1", "-o", "json"]));
    assert_eq!(of(&host["report"]), of(&both));
    let count = json(&b.ok(&["findings", "query", "source:linux", "--group", "host", "-o", "json", "-q"]));
    assert_eq!(count["findings"].as_u64(), Some(of(&both).len() as u64), "{count}");
}

#[test]
fn an_old_kernel_in_a_list_of_binaries_is_a_kernel() {
    let b = Bench::new();
    let list = b.file("packages.txt", "linux-image-6.1.0-9-amd64 6.1.27-1\nbash 5.2.15-2+b2\n");
    let report = json(&b.ok(&["scan", list.to_str().unwrap(), "--os", "debian:12", "-o", "json", "-q"]));
    let kernel = report["findings"].as_array().unwrap().iter().filter(|f| f["package"] == "linux").count();
    assert!(kernel > 100, "{kernel} findings of the kernel");
}

#[test]
fn a_verdict_is_not_given_about_a_part_of_a_document() {
    let b = Bench::new();
    let patched = stanza("adduser", "adduser", "3.134");
    let cut = b.file("status", format!("{patched}\nPackage: openssl\nStatus: install ok installed\nArchi"));
    let text = b.ok(&["scan", cut.to_str().unwrap(), "--os", "debian:12", "-q"]);
    assert!(text.contains("of the input could not be read"), "{text}");
    let refused = b.fails(&["scan", cut.to_str().unwrap(), "--os", "debian:12", "-q", "--fail-on", "low"], 2);
    assert!(refused.contains("no verdict") && refused.contains("could not be read"), "{refused}");
    let whole = b.file("whole", patched);
    let whole = ["scan", whole.to_str().unwrap(), "--os", "debian:12", "-q", "--fail-on", "low"];
    let refused = b.fails(&whole, 2);
    assert!(refused.contains("starter set") && refused.contains("feed sync"), "{refused}");
    assert!(refused.contains("--accept-incomplete"), "{refused}");
    assert_eq!(code(&b.run(&[&whole[..], &["--accept-incomplete"]].concat())), 0);
}

#[test]
fn a_verdict_is_not_given_about_a_table_of_dpkg_that_was_cut_off() {
    let b = Bench::new();
    let whole = "ii  adduser  3.134  all  users\nii  base-files  12.4+deb12u5  amd64  base\n";
    let scan = |text: &str| {
        let file = b.file("dpkg-l.txt", text);
        let args =
            ["scan", file.to_str().unwrap(), "--os", "debian:12", "-q", "--fail-on", "low", "--accept-incomplete"];
        b.run(&args)
    };
    assert_eq!(code(&scan(whole)), 0);
    for cut in [&whole[..whole.len() - 1], &whole[..whole.len() - 8], &whole[..whole.len() - 24]] {
        let refused = scan(cut);
        assert_eq!(code(&refused), 2, "{cut:?}: {}", err(&refused));
        assert!(err(&refused).contains("no verdict") && err(&refused).contains("cut off here"), "{}", err(&refused));
    }
}

#[test]
fn a_verdict_is_not_given_by_another_policy_than_the_one_in_force() {
    let b = Bench::new();
    let file = b.file("status", old_openssl());
    let scan = ["scan", file.to_str().unwrap(), "--os", "debian:12", "-q", "--fail-on", "emergency"];
    b.ok(&["host", "list"]);
    for name in ["patchwright.db-wal", "patchwright.db-shm"] {
        drop(std::fs::remove_file(b.data().join(name)));
    }
    std::fs::write(b.data().join("patchwright.db"), "no database").unwrap();
    let text = b.fails(&scan, 101);
    assert!(
        text.contains("no verdict") && text.contains("policy in force") && text.contains("--policy FILE"),
        "{text}"
    );
    let warned = b.run(&scan[..5]);
    assert_eq!(code(&warned), 0);
    assert!(err(&warned).contains("the shipped one judges"), "{}", err(&warned));
}

#[test]
fn a_sample_of_a_feed_does_not_make_the_starter_set_complete() {
    let b = Bench::new();
    let file = b.file("status", old_openssl());
    let record = r#"{"schema_version":"1.7.0","id":"CVE-2026-31001","modified":"2026-08-20T00:00:00Z","affected":[{"package":{"ecosystem":"Debian:12","name":"openssl"},"ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"0"},{"fixed":"3.0.11-1~deb12u3"}]}]}]}"#;
    let feed = b.file("osv.ndjson", format!("{record}\n"));
    b.sync("osv-debian", &format!("file://{}", feed.display()), &[]);
    let text = b.ok(&["scan", file.to_str().unwrap(), "--os", "debian:12", "-q"]);
    assert!(text.contains("starter set, which is incomplete") && text.contains("rows were fetched beside"), "{text}");
    let list = b.file("list.txt", "bash 5.2.15-2+b2\nopenssl 3.0.9-1\n");
    let text = b.ok(&["scan", list.to_str().unwrap(), "--os", "debian:12", "-q"]);
    assert!(text.contains("nothing is said of 1 of 2 source packages here: bash"), "{text}");
}

#[test]
fn a_sample_of_a_feed_is_not_the_whole_of_a_system_without_starter_data() {
    let b = Bench::new();
    let feed = b.file("osv.ndjson", record("CVE-2026-31001", "Ubuntu:22.04:LTS"));
    b.sync("osv-ubuntu", &format!("file://{}", feed.display()), &[]);
    let list = b.file("list.txt", "bash 5.1-6ubuntu1\n");
    let gate = ["scan", list.to_str().unwrap(), "--os", "ubuntu:22.04", "--fail-on", "critical"];
    let text = b.fails(&gate, 2);
    assert!(text.contains("Only 1 rows are loaded for Ubuntu:22.04:LTS"), "{text}");
    assert!(text.contains("feed sync osv-ubuntu") && text.contains("--accept-incomplete"), "{text}");
    b.ok(&[&gate[..], &["--accept-incomplete"]].concat());
}

#[test]
fn binaries_alone_are_not_matched_with_advisories_by_source() {
    let b = Bench::new();
    let records: String = (0..600)
        .map(|n| {
            let package = if n == 0 { "openssl".to_owned() } else { format!("made-up-{n}") };
            format!(
                r#"{{"schema_version":"1.7.0","id":"RLSA-2026:{n}","upstream":["CVE-2026-3{n:04}"],"modified":"2026-08-20T00:00:00Z","affected":[{{"package":{{"ecosystem":"Rocky Linux:9","name":"{package}"}},"ranges":[{{"type":"ECOSYSTEM","events":[{{"introduced":"0"}},{{"fixed":"1:3.0.7-28.el9_4"}}]}}]}}]}}"#
            ) + "\n"
        })
        .collect();
    let feed = b.file("osv.ndjson", records);
    b.sync("osv-rocky", &format!("file://{}", feed.display()), &[]);
    let names = b.file("rpm.txt", "openssl-libs-3.0.1-1.el9.x86_64\nbash-5.1.8-9.el9.x86_64\n");
    let gate = ["scan", names.to_str().unwrap(), "--os", "rocky:9", "--fail-on", "low"];
    let text = b.fails(&gate, 2);
    assert!(
        text.contains("filed by source package and the list names none") && text.contains("rpm -qa --qf"),
        "{text}"
    );
    let told = b.ok(&["scan", names.to_str().unwrap(), "--os", "rocky:9", "-q"]);
    let words: Vec<&str> = told.split_whitespace().collect();
    assert!(words.join(" ").contains("packages that are not called like their source were not matched"), "{told}");
    assert!(told.contains("rpm -qa --qf"), "{told}");
    let whole = b.file(
        "whole.txt",
        "openssl-libs\t1\t3.0.1\t1.el9\tx86_64\topenssl-3.0.1-1.el9.src.rpm\t(none)\tRocky\t1700000000\n\
         bash\t0\t5.1.8\t9.el9\tx86_64\tbash-5.1.8-9.el9.src.rpm\t(none)\tRocky\t1700000000\n",
    );
    let told = b.ok(&["scan", whole.to_str().unwrap(), "--os", "rocky:9", "-o", "json", "-q"]);
    assert!(told.contains("CVE-2026-30000") && !told.contains("were not matched"), "{told}");
}

#[test]
fn an_unknown_vulnerability_is_no_all_clear() {
    let b = Bench::new();
    let text = b.ok(&["explain", "CVE-2099-1234", "-q"]);
    assert!(text.contains("that says nothing: no source that is loaded names it"), "{text}");
}

#[test]
fn a_host_is_explained_in_every_format() {
    let b = Bench::new();
    let folder = b.dir.path().join("collected");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("dpkg-status"), old_openssl()).unwrap();
    std::fs::write(folder.join("os-release"), "ID=debian\nVERSION_ID=\"12\"\n").unwrap();
    std::fs::write(folder.join("hostname"), "web-07\n").unwrap();
    b.ok(&["inventory", "import", folder.to_str().unwrap()]);
    let open = json(&b.ok(&["explain", "web-07", "-o", "json"]))["report"]["findings"].as_array().unwrap().len();
    assert!(open > 10);
    assert_eq!(b.ok(&["explain", "web-07", "-o", "ndjson"]).lines().count(), open);
    assert_eq!(b.ok(&["explain", "web-07", "-o", "csv"]).lines().count(), open + 1);
}

#[test]
fn a_packed_catalogue_is_read_as_what_it_is() {
    let b = Bench::new();
    let entry = |n: u32| {
        format!(
            r#"{{"cveID":"CVE-2026-{n}","vendorProject":"A","product":"B","vulnerabilityName":"C","dateAdded":"2026-11-01","shortDescription":"D","requiredAction":"E","dueDate":"2026-11-22","knownRansomwareCampaignUse":"Unknown","notes":"","cwes":[]}}"#
        )
    };
    let list: Vec<String> = (40_000..40_060).map(entry).collect();
    let text = format!(
        r#"{{"title":"KEV","catalogVersion":"2026.11.20","dateReleased":"2026-11-20T00:00:00Z","count":60,"vulnerabilities":[{}]}}"#,
        list.join(",")
    );
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packed.write_all(text.as_bytes()).unwrap();
    let file = b.file("kev.json.gz", packed.finish().unwrap());
    let row = b.sync("cisa-kev", &format!("file://{}", file.display()), &[]);
    assert!(row.contains("cisa-kev,loaded,60,0"), "{row}");
}

#[test]
fn a_clock_long_past_begins_nothing() {
    if Command::new("faketime").arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status().is_err() {
        patchwright_testkit::skip::skip("a report with a clock in the past", "faketime is not installed");
        return;
    }
    let b = Bench::new();
    let folder = b.dir.path().join("collected");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("dpkg-status"), old_openssl()).unwrap();
    std::fs::write(folder.join("os-release"), "ID=debian\nVERSION_ID=\"12\"\n").unwrap();
    let old = |args: &[&str]| {
        let binary = env!("CARGO_BIN_EXE_patchwright");
        let mut command = Command::new("faketime");
        command.arg("2020-01-01 00:00:00").arg(binary).args(args).arg("--data-dir").arg(b.data());
        command.output().unwrap()
    };
    let refused = old(&["inventory", "import", folder.to_str().unwrap()]);
    assert_eq!(code(&refused), 100, "{}", err(&refused));
    let words = out(&refused) + &err(&refused);
    assert!(words.contains("the clock of this machine says 2020-01-01") && words.contains("set the clock"), "{words}");
    assert_eq!(b.ok(&["host", "list", "-o", "csv"]).lines().count(), 1, "the header only");
    let file = b.file("status", old_openssl());
    let told = old(&["scan", file.to_str().unwrap(), "--os", "debian:12", "-q"]);
    assert!(out(&told).contains("The clock says 2020-01-01"), "{}", out(&told));
    let known = b.ok(&["intel", "as-of", "2030-01-01", "--vuln", "CVE-2023-5363", "-o", "csv"]);
    assert!(known.lines().count() > 1 && !known.contains("2020-"), "known since the data was made: {known}");
}

#[test]
fn a_line_without_an_answer_keeps_its_place() {
    let b = Bench::new();
    let compared = b.run_with_stdin(&["version", "compare"], b"1 2\nonly-one\n2 1\n");
    assert_eq!((code(&compared), out(&compared).as_str()), (100, "1\t2\t<\nonly-one\t?\n2\t1\t>\n"));
    let sorted = b.run_with_stdin(&["version", "sort"], b"2\n:::\n1\n");
    assert_eq!((code(&sorted), out(&sorted).as_str()), (100, "1\n2\n"));
    let scored = b.run_with_stdin(&["cvss"], b"nonsense\nCVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H\n");
    assert!(out(&scored).starts_with("nonsense\t?\nCVSS:3.1/"), "{}", out(&scored));
}

#[test]
fn a_database_that_is_gone_is_not_begun_anew() {
    let b = Bench::new();
    b.ok(&["host", "list"]);
    let db = b.data().join("patchwright.db");
    for name in ["patchwright.db-wal", "patchwright.db-shm"] {
        drop(std::fs::remove_file(b.data().join(name)));
    }
    std::fs::write(&db, "").unwrap();
    let text = b.fails(&["audit", "verify"], 101);
    assert!(text.contains("is empty") && text.contains("backup"), "{text}");
    std::fs::remove_file(&db).unwrap();
    let text = b.fails(&["audit", "verify"], 101);
    assert!(text.contains("is gone") && text.contains("backup"), "{text}");
    std::fs::remove_file(b.data().join("installation")).unwrap();
    b.ok(&["audit", "verify"]);
}

#[test]
fn a_report_from_the_future_is_noticed_when_the_clock_is_right_again() {
    if Command::new("faketime").arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status().is_err() {
        patchwright_testkit::skip::skip("a report with a clock in the future", "faketime is not installed");
        return;
    }
    let b = Bench::new();
    let folder = b.dir.path().join("collected");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("dpkg-status"), old_openssl()).unwrap();
    std::fs::write(folder.join("os-release"), "ID=debian\nVERSION_ID=\"12\"\n").unwrap();
    let import = ["inventory", "import", folder.to_str().unwrap()];
    let mut command = Command::new("faketime");
    command.arg("2099-01-01 00:00:00").arg(env!("CARGO_BIN_EXE_patchwright")).args(import);
    let done = command.arg("--data-dir").arg(b.data()).output().unwrap();
    assert_eq!(code(&done), 0, "{}", err(&done));
    let known = b.ok(&["intel", "as-of", "2030-01-01", "--vuln", "CVE-2023-5363", "-o", "csv"]);
    assert!(known.lines().count() > 1 && !known.contains("2099-"), "nothing is known since a day to come: {known}");
    let refused = b.run(&import);
    assert_eq!(code(&refused), 100);
    let text = out(&refused) + &err(&refused);
    assert!(text.contains("was last seen on 2099-01-01") && text.contains("host delete"), "{text}");
    let told = b.run(&["doctor"]);
    assert_eq!(code(&told), 1);
    assert!(out(&told).contains("2099-01-01"), "{}", out(&told));
}

fn record(id: &str, ecosystem: &str) -> String {
    format!(
        r#"{{"schema_version":"1.7.0","id":"{id}","modified":"2026-08-20T00:00:00Z","affected":[{{"package":{{"ecosystem":"{ecosystem}","name":"openssl"}},"ranges":[{{"type":"ECOSYSTEM","events":[{{"introduced":"0"}},{{"fixed":"3.0.11-1~deb12u3"}}]}}]}}]}}"#
    ) + "\n"
}

#[test]
fn a_snapshot_that_nobody_could_read_again_is_not_written() {
    let b = Bench::new();
    let before = b.ok(&["intel", "list", "-o", "csv"]);
    let feed = b.file("osv.ndjson", record("GHSA-aaaa-bbbb-cccc", &format!("SUSE:{}", "x".repeat(200))));
    let url = format!("file://{}", feed.display());
    let done = b.run(&["feed", "sync", "ghsa", "--from", &url, "--accept-shrink", "--reason", "x", "-q"]);
    assert_eq!(code(&done), 102, "{}{}", out(&done), err(&done));
    assert!(err(&done).contains("no usable record") || out(&done).contains("no usable record"), "{}", err(&done));
    assert_eq!(b.ok(&["intel", "list", "-o", "csv"]), before);
    b.ok(&["intel", "verify"]);
    // A slash is no fault: such snapshots are there already, and are read.
    b.file("osv.ndjson", record("GHSA-aaaa-bbbb-cccc", "SUSE:CORE 9 for IBM S/390"));
    assert!(b.sync("ghsa", &url, &[]).contains("ghsa,loaded,1,0,"));
    b.ok(&["intel", "verify"]);
}

#[test]
fn a_feed_that_is_not_in_force_any_more_is_read_again() {
    let b = Bench::new();
    let feed = b.file("osv.ndjson", record("CVE-2026-31001", "Debian:12"));
    let url = format!("file://{}", feed.display());
    assert!(b.sync("osv-debian", &url, &[]).contains("osv-debian,loaded,1,"));
    assert!(b.sync("osv-debian", &url, &[]).contains("osv-debian,unchanged,"));
    let built = b.run(&["intel", "build", "-q"]);
    assert_eq!(code(&built), 1, "what was done is less than what was there: {}", err(&built));
    assert!(err(&built).contains("osv-debian") && err(&built).contains("feed sync osv-debian"), "{}", err(&built));
    assert!(
        b.sync("osv-debian", &url, &[]).contains("osv-debian,loaded,1,"),
        "`intel build` went back to the starter set"
    );
}
