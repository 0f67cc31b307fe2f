//! Exceptions and statements of "not affected", through the binary.

use serde_json::Value;

use crate::run::{Bench, code, err, old_openssl};
use crate::server::tokens;

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

    // The command line by itself does not decide, whoever runs it; it may take its own request back.
    for decision in ["approve", "refuse"] {
        let text = b.fails(&["exception", decision, id, "--reason", "me"], 2);
        assert!(text.contains("needs an account") && text.contains("PATCHWRIGHT_TOKEN"), "{text}");
    }
    let text = b.fails(&["exception", "approve", "exc_00", "--reason", "me"], 2);
    assert!(text.contains("there is no exception"), "{text}");
    let scopes: &[&str] = &["read", "exceptions:write"];
    let tokens = tokens(&b, &[("admin", scopes), ("admin", &["read"])]);
    let (admin, narrow) = (tokens[0].as_str(), tokens[1].as_str());
    let with = |token: &str, args: &[&str]| b.command(args).env("PATCHWRIGHT_TOKEN", token).output().unwrap();
    let refused = with(narrow, &["exception", "approve", id, "--reason", "x"]);
    assert!(err(&refused).contains("exceptions:write"), "{}", err(&refused));
    let unknown = with("pwt_nothing", &["exception", "list"]);
    assert!(code(&unknown) == 2 && err(&unknown).contains("PATCHWRIGHT_TOKEN"), "{}", err(&unknown));

    // An account does, with a token from a file; what others can read is said.
    let file = b.file("token", format!("{admin}\n"));
    let path = file.to_str().unwrap();
    let done = b.run(&["exception", "approve", id, "--reason", "the proxy is enough", "--token-file", path]);
    assert_eq!(code(&done), 0, "{}", err(&done));
    assert!(err(&done).contains("chmod 600") && !err(&done).contains(admin), "{}", err(&done));
    assert!(
        err(&with(admin, &["exception", "approve", id, "--reason", "again"]))
            .contains("it is approved and cannot be approved")
    );
    let excepted = json(&b, &["findings", "query", "is:excepted", "-q"]);
    assert_eq!((excepted["findings"].as_u64(), excepted["excepted"].as_u64()), (Some(findings), Some(findings)));
    let text = b.ok(&["host", "show", "web-01"]);
    assert!(text.contains(&format!("{findings} excepted for a time.")), "{text}");
    let shown = b.ok(&["exception", "show", id]);
    assert!(shown.contains("in force") && shown.contains("hosts: web-01") && shown.contains("openssl"), "{shown}");
    assert!(shown.contains("decided by admin: the proxy is enough"), "{shown}");
    b.ok(&["exception", "revoke", id, "--reason", "fixed"]);
    assert_eq!(json(&b, &["findings", "query", "is:excepted", "-q"])["findings"], 0);

    // One account alone may approve what it asked for, and it is said.
    let near: Vec<&str> = near.iter().map(String::as_str).collect();
    let made = with(admin, &[&near[..], &["-o", "json"]].concat());
    let made: Value = serde_json::from_slice(&made.stdout).unwrap();
    let own = made["row"]["id"].as_str().unwrap();
    assert_eq!(made["row"]["requested_by"], "admin");
    let done = with(admin, &["exception", "approve", own, "--reason", "nobody else is here", "-o", "json"]);
    let row: Value = serde_json::from_slice(&done.stdout).unwrap();
    assert_eq!((row["row"]["id"].as_str(), row["row"]["state"].as_str()), (Some(own), Some("approved")), "{row}");
    assert!(code(&done) == 0 && err(&done).contains("one account only"), "{}", err(&done));

    // With a second account whoever asks does not approve, on the command line either.
    b.ok(&["account", "add", "anna", "--role", "approver"]);
    assert!(err(&b.run(&["account", "add", "anna", "--role", "approver"])).contains("already"));
    assert_eq!(code(&b.run(&["account", "add", "eve", "--role", "king"])), 64);
    let made = with(admin, &[&near[..], &["-o", "json"]].concat());
    let made: Value = serde_json::from_slice(&made.stdout).unwrap();
    let third = made["row"]["id"].as_str().unwrap();
    let again = with(admin, &["exception", "approve", third, "--reason", "me"]);
    assert!(code(&again) != 0 && err(&again).contains("four eyes"), "{}", err(&again));
    assert_eq!(code(&b.run(&["exception", "approve", third, "--reason", "me, as root"])), 2, "no second person");
    let anna = crate::server::tokens(&b, &[("anna", scopes)]).remove(0);
    assert_eq!(code(&with(&anna, &["exception", "refuse", third, "--reason", "no need"])), 0);
    let audit = b.ok(&["audit", "list", "-o", "csv"]);
    for step in ["exception.request", "exception.approve", "exception.refuse", "exception.revoke", "user.create"] {
        assert!(audit.contains(step), "{step}: {audit}");
    }
    assert!(audit.contains("command line of anna"), "the audit names the account: {audit}");
}

#[test]
fn what_ends_soon_is_shown_and_renewed() {
    let b = Bench::new();
    host(&b);
    let query = "source:openssl and host:web-01";
    let latest = json(&b, &["exception", "request", query, "--dry-run"])["latest"].as_str().unwrap().to_owned();
    let ask = |until: &str| {
        let words = ["exception", "request", query, "--reason", "vendor first", "--measure", "proxy", "--until", until];
        json(&b, &words)["row"]["id"].as_str().unwrap().to_owned()
    };
    let admin = crate::server::tokens(&b, &[("admin", &["read", "exceptions:write"])]).remove(0);
    let approve = |id: &str| {
        let args = ["exception", "approve", id, "--reason", "fine"];
        let done = b.command(&args).env("PATCHWRIGHT_TOKEN", &admin).output().unwrap();
        assert_eq!(code(&done), 0, "{}", err(&done));
    };
    let until = patchwright_app::Clock::system().now().plus_days(5).date().to_string();
    let (near, far) = (ask(&until), ask(&latest));
    assert_eq!(b.ok(&["exception", "list", "--ending", "-o", "csv", "-q"]).lines().count(), 1, "nothing is in force");
    approve(&near);
    approve(&far);
    let list = b.ok(&["exception", "list"]);
    assert!(list.contains("! 5 days"), "{list}");
    let ending = b.ok(&["exception", "list", "--ending", "-o", "csv"]);
    assert!(ending.contains(&near) && !ending.contains(&far), "{ending}");

    let renew = |id: &str, until: &str| b.run(&["exception", "renew", id, "--until", until, "--reason", "not yet"]);
    let early = renew(&near, &until);
    assert!(code(&early) == 2 && err(&early).contains("lasts until"), "{}", err(&early));
    let made = json(&b, &["exception", "renew", &near, "--until", &latest, "--reason", "not yet"]);
    let renewal = made["row"]["id"].as_str().unwrap();
    assert_eq!(
        (made["row"]["state"].as_str(), made["row"]["renews"].as_str(), made["row"]["measure"].as_str()),
        (Some("requested"), Some(near.as_str()), Some("proxy"))
    );
    assert!(err(&renew(&near, &latest)).contains("asks for its renewal already"));
    assert!(b.ok(&["exception", "list", "--ending", "-o", "csv"]).contains(&near), "nobody approved it yet");
    assert!(b.ok(&["exception", "show", &near]).contains(&format!("renewal: {renewal}")));
    approve(renewal);
    assert_eq!(b.ok(&["exception", "list", "--ending", "-o", "csv", "-q"]).lines().count(), 1, "it goes on");
    let state = json(&b, &["exception", "show", &near])["row"]["state"].clone();
    assert_eq!(state, "approved", "the old one stays in force until its end");
    assert!(b.ok(&["audit", "list", "-o", "csv"]).contains("exception.renew"));

    // How soon is a matter of the policy.
    let policy = b.ok(&["policy", "show"]).replacen("name = \"default\"", "name = \"ours\"", 1);
    let policy = b.file("ours.toml", format!("{policy}\n[exceptions]\nnotice_days = 366\n"));
    b.ok(&["policy", "apply", policy.to_str().unwrap(), "--reason", "see it early"]);
    assert!(b.ok(&["exception", "list", "--ending", "-o", "csv"]).contains(&far));
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
