//! Every refusal says what to do next: a wrong option, a file that is not there or is none, a data folder with nothing in it.

use crate::run::{Bench, code, err};

/// Commands that take a file, with where it goes.
const OF_A_FILE: &[&[&str]] = &[
    &["scan", "FILE", "--os", "debian:12"],
    &["scan", "/etc/hostname", "--os", "debian:12", "--vex", "FILE"],
    &["scan", "/etc/hostname", "--os", "debian:12", "--policy", "FILE"],
    &["explain", "openssl", "--file", "FILE", "--os", "debian:12"],
    &["collect", "--policy", "FILE"],
    &["inventory", "import", "FILE"],
    &["inventory", "import-assets", "FILE"],
    &["inventory", "asset-rules", "FILE"],
    &["vex", "import", "FILE", "--reason", "x"],
    &["bundle", "verify", "FILE"],
    &["bundle", "import", "FILE"],
    &["policy", "check", "FILE"],
    &["policy", "apply", "FILE", "--reason", "x"],
    &["policy", "simulate", "FILE"],
    &["policy", "explain", "CVE-2021-44228", "--policy", "FILE"],
    &["audit", "verify", "--anchor", "FILE"],
    &["exception", "list", "--token-file", "FILE"],
    &["feed", "sync", "cisa-kev", "--from", "file://FILE"],
    &["verify", "file", "FILE"],
    &["verify", "packages", "FILE"],
];

/// Commands about things that are not there.
const OF_NOTHING: &[&[&str]] = &[
    &["explain", "no-such-thing"],
    &["host", "show", "no-such-host"],
    &["host", "set", "no-such-host", "tier=T1"],
    &["host", "profile", "no-such-host"],
    &["host", "delete", "no-such-host", "--yes"],
    &["exception", "show", "exc_00"],
    &["exception", "revoke", "exc_00", "--reason", "x"],
    &["vex", "show", "sta_00"],
    &["vex", "withdraw", "sta_00", "--reason", "x"],
    &["vex", "export", "no-such-host"],
    &["sources", "show", "src_00"],
    &["feed", "sync", "no-such-feed"],
    &["feed", "status", "no-such-feed"],
    &["intel", "diff", "77"],
    &["intel", "activate", "77", "--reason", "x"],
    &["intel", "as-of", "2001-01-01"],
    &["bundle", "trust", "revoke", "nobody", "--reason", "x"],
    &["account", "tokens", "nobody"],
    &["account", "revoke-token", "tok_00"],
    &["account", "add", "no name", "--role", "viewer"],
    &["account", "add", "ann", "--role", "king"],
    &["link", "--user", "nobody"],
    &["findings", "query", "nonsense:x"],
    &["policy", "explain", "nonsense"],
    &["version", "compare", "1"],
    &["cvss", "nonsense"],
    &["verify", "repo", "/no/such/place"],
    &["verify", "file", "/etc/hostname", "--bundle", "/etc/hostname"],
    &["serve", "--listen", "nowhere"],
    &["serve", "--public-url", "nowhere"],
    &["scan", "/etc/hostname", "--os", "debian"],
    &["scan", "/etc/hostname", "--fast"],
    &["host", "list", "--data-dir", "/proc/patchwright"],
];

/// A refusal, with a way on: ours, or the one of the reader of command lines. A check whose answer is no has done what it was asked.
fn says(b: &Bench, args: &[&str], seen: &mut Vec<String>) {
    let output = b.run(args);
    let text = err(&output);
    if code(&output) == 0 || (code(&output) == 1 && !text.contains("error: ")) {
        return;
    }
    if !(text.contains("hint: ") || text.contains("For more information, try '--help'")) || text.contains("panicked") {
        seen.push(format!("{args:?} ends with {} and says no way on: {text}", code(&output)));
    }
}

#[test]
fn every_refusal_says_what_to_do_next() {
    let b = Bench::new();
    let mut silent = Vec::new();
    let junk = b.file("junk", [0_u8, 159, 146, 150, 0, 0, 7]);
    let empty = b.file("empty", "");
    let files = ["/no/such/file", b.dir.path().to_str().unwrap(), junk.to_str().unwrap(), empty.to_str().unwrap()];
    for args in OF_A_FILE {
        for file in files {
            let args: Vec<String> = args.iter().map(|word| word.replace("FILE", file)).collect();
            says(&b, &args.iter().map(String::as_str).collect::<Vec<_>>(), &mut silent);
        }
        says(&b, &[args, &["--no-such-option"][..]].concat(), &mut silent);
    }
    for args in OF_NOTHING {
        says(&b, args, &mut silent);
        says(&Bench::fresh(), args, &mut silent);
        says(&b, &[args, &["--no-such-option"][..]].concat(), &mut silent);
    }
    assert!(silent.is_empty(), "{}", silent.join("\n"));
}

#[test]
fn an_unknown_system_is_told_which_are_known() {
    let b = Bench::new();
    let file = b.file("status", crate::run::old_openssl());
    let file = file.to_str().unwrap();
    let text = b.ok(&["scan", file, "--os", "foo:1", "-q"]).split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(text.contains("nothing was matched") && text.contains("almalinux"), "{text}");
    let refused = b.fails(&["scan", file, "--os", "foo:1", "-q", "--fail-on", "low"], 2);
    assert!(refused.contains("--os takes ID:VERSION with one of debian"), "{refused}");
    let wrong = b.fails(&["scan", file, "--os", "foo"], 64);
    assert!(wrong.contains("opensuse-leap"), "{wrong}");
}

/// What nobody speaks of has no vulnerability that anybody could know of.
#[test]
fn a_name_that_no_source_has_is_no_all_clear() {
    let b = Bench::new();
    let list = b.file("list.txt", "bash 5.2.15-2+b2\nour-own-thing 1.0-1\nopenssl 99.0-1\n");
    let of = ["--file", list.to_str().unwrap(), "--os", "debian:12"];
    // Lines are filled: words may stand on two.
    let text = |name: &str| {
        let text = b.ok(&[&["explain", name], &of[..]].concat());
        text.split_whitespace().collect::<Vec<_>>().join(" ")
    };
    let json = |name: &str| -> serde_json::Value {
        serde_json::from_str(&b.ok(&[&["explain", name, "-o", "json"], &of[..]].concat())).unwrap()
    };
    assert!(text("our-own-thing").contains("that says nothing: no source that is loaded names it"));
    assert_eq!(json("our-own-thing")["known"], false);
    let patched = text("openssl");
    assert!(patched.contains("no known vulnerability matches") && !patched.contains("says nothing"), "{patched}");
    assert_eq!(json("openssl")["known"], true);
    assert_eq!(json("CVE-2021-44228")["known"], true);
    assert_eq!(json("CVE-2099-1234")["known"], false);
    assert!(json("CVE-2099-1234")["known_since"].is_null());
    assert!(text("CVE-2099-1234").contains("no source that is loaded names it"));
    // With an installation there is a log of when it came.
    b.ok(&["host", "list"]);
    let open: serde_json::Value =
        serde_json::from_str(&b.ok(&["advisory", "show", "CVE-2024-0727", "-o", "json"])).unwrap();
    assert_eq!(open["known"], true, "{open}");
    assert!(json("CVE-2024-0727")["known_since"].is_string(), "{}", json("CVE-2024-0727"));
}
