//! Exceptions and statements of "not affected", through the binary.

use serde_json::Value;

use crate::run::{Bench, code, err, old_openssl};

pub(crate) fn host(b: &Bench) {
    b.file(
        "fleet/web-01/os-release",
        "ID=debian\nVERSION_ID=\"12\"\nVERSION_CODENAME=bookworm\nPRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\n",
    );
    b.file("fleet/web-01/dpkg-status", old_openssl());
    b.file("fleet/web-01/hostname", "web-01\n");
    b.ok(&["inventory", "import", b.dir.path().join("fleet").to_str().unwrap()]);
}

pub(crate) fn json(b: &Bench, args: &[&str]) -> Value {
    serde_json::from_str(&b.ok(&[args, &["-o", "json"]].concat())).unwrap()
}

#[test]
fn an_exception_goes_from_count_to_revocation() {
    let b = Bench::new();
    host(&b);
    let query = "source:openssl and host:web-01";
    let plan = json(&b, &["exception", "request", query, "--dry-run"]);
    let (findings, latest) = (plan["findings"].as_u64().unwrap(), plan["latest"].as_str().unwrap().to_owned());
    assert!(findings > 0, "{plan}");
    assert!(b.ok(&["exception", "request", query, "--dry-run"]).contains("Nothing was decided."));
    let ask =
        |until: &str| ["exception", "request", query, "--reason", "vendor first", "--until", until].map(str::to_owned);
    let far: Vec<String> = ask("2999-01-01").to_vec();
    let refused = b.run(&far.iter().map(String::as_str).collect::<Vec<_>>());
    assert_ne!(code(&refused), 0);
    assert!(err(&refused).contains("policy allows"), "{}", err(&refused));
    let near: Vec<String> = ask(&latest).to_vec();
    let made = json(&b, &near.iter().map(String::as_str).collect::<Vec<_>>());
    let id = made["row"]["id"].as_str().unwrap();
    assert!(b.ok(&["exception", "list"]).contains("requested"));
    let csv = b.ok(&["exception", "list", "--state", "requested", "-o", "csv"]);
    assert!(csv.starts_with("id,state,until,worst,") && csv.contains(id), "{csv}");

    // One account alone may approve, and it is said.
    let done = b.run(&["exception", "approve", id, "--reason", "the proxy is enough"]);
    assert_eq!(code(&done), 0, "{}", err(&done));
    assert!(err(&done).contains("one account only"), "{}", err(&done));
    assert!(
        err(&b.run(&["exception", "approve", id, "--reason", "again"]))
            .contains("it is approved and cannot be approved")
    );
    let excepted = json(&b, &["findings", "query", "is:excepted", "-q"]);
    assert_eq!((excepted["findings"].as_u64(), excepted["excepted"].as_u64()), (Some(findings), Some(findings)));
    let text = b.ok(&["host", "show", "web-01"]);
    assert!(text.contains(&format!("{findings} excepted for a time.")), "{text}");
    let shown = b.ok(&["exception", "show", id]);
    assert!(shown.contains("in force") && shown.contains("hosts: web-01") && shown.contains("openssl"), "{shown}");
    b.ok(&["exception", "revoke", id, "--reason", "fixed"]);
    assert_eq!(json(&b, &["findings", "query", "is:excepted", "-q"])["findings"], 0);

    // With a second account whoever asks does not approve.
    b.ok(&["account", "add", "anna", "--role", "approver"]);
    assert!(err(&b.run(&["account", "add", "anna", "--role", "approver"])).contains("already"));
    assert_eq!(code(&b.run(&["account", "add", "eve", "--role", "king"])), 64);
    let made = json(&b, &near.iter().map(String::as_str).collect::<Vec<_>>());
    let again = b.run(&["exception", "approve", made["row"]["id"].as_str().unwrap(), "--reason", "me"]);
    assert!(code(&again) != 0 && err(&again).contains("four eyes"), "{}", err(&again));
    let audit = b.ok(&["audit", "list", "-o", "csv"]);
    for step in ["exception.request", "exception.approve", "exception.revoke", "user.create"] {
        assert!(audit.contains(step), "{step}: {audit}");
    }
}

#[test]
fn not_affected_is_said_exported_and_withdrawn() {
    let b = Bench::new();
    host(&b);
    let all = json(&b, &["findings", "query", "-q"])["findings"].as_u64().unwrap();
    let vulns = json(&b, &["findings", "query", "source:openssl", "--group", "vuln", "-q"]);
    let query = format!("cve:{}", vulns["items"][0]["name"].as_str().unwrap());
    let why = ["--justification", "vulnerable_code_not_present", "--reason", "built without", "--review-by"];
    let review =
        json(&b, &["exception", "request", "source:openssl", "--dry-run"])["latest"].as_str().unwrap().to_owned();
    let said = json(&b, &[&["vex", "state", &query], &why[..], &[&review]].concat());
    let id = said["row"]["id"].as_str().unwrap();
    let covered = said["row"]["findings"].as_u64().unwrap();
    let after = json(&b, &["findings", "query", "-q"]);
    assert_eq!((after["findings"].as_u64(), after["set_aside"].as_u64()), (Some(all - covered), Some(covered)));
    assert_eq!(json(&b, &["findings", "query", "is:set-aside", "-q"])["findings"].as_u64(), Some(covered));
    let vex: Value = serde_json::from_str(&b.ok(&["vex", "export", "web-01"])).unwrap();
    let statements = vex["statements"].as_array().unwrap();
    assert!(
        statements.iter().any(|s| s["status"] == "not_affected" && s["justification"] == "vulnerable_code_not_present")
    );
    assert!(b.ok(&["vex", "list"]).contains("stated"));
    let unknown = b.run(&["vex", "state", &query, "--justification", "hope", "--reason", "x", "--review-by", &review]);
    assert_eq!(code(&unknown), 64);
    b.ok(&["vex", "withdraw", id, "--reason", "wrong"]);
    assert_eq!(json(&b, &["findings", "query", "-q"])["findings"].as_u64(), Some(all));
    assert!(b.ok(&["vex", "show", id]).contains("withdrawn by"));
}
