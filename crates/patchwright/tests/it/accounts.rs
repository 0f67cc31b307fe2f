//! Accounts and their API tokens on the command line: listed without a secret, revoked one by one and by a reset.

use crate::run::{Bench, code, err, out};
use crate::server::tokens;

fn works(b: &Bench, token: &str) -> bool {
    let output = b.command(&["exception", "list"]).env("PATCHWRIGHT_TOKEN", token).output().unwrap();
    assert!(matches!(code(&output), 0 | 2), "{}", err(&output));
    code(&output) == 0
}

#[test]
fn a_reset_revokes_the_tokens_of_its_account_and_of_no_other() {
    let b = Bench::new();
    b.ok(&["account", "add", "ann", "--role", "operator"]);
    let made = tokens(&b, &[("admin", &["read"]), ("ann", &["read"]), ("ann", &["read"])]);
    assert!(made.iter().all(|token| works(&b, token)));

    let accounts = b.ok(&["account", "list", "-o", "json"]);
    let rows: serde_json::Value = serde_json::from_str(&accounts).unwrap();
    let tokens_of: Vec<(&str, u64)> = rows
        .as_array()
        .unwrap()
        .iter()
        .map(|row| (row["name"].as_str().unwrap(), row["tokens"].as_u64().unwrap()))
        .collect();
    assert_eq!(tokens_of, [("admin", 1), ("ann", 2)]);
    assert!(
        rows.as_array().unwrap().iter().all(|row| row["last_sign_in"].is_string()),
        "both came in by a link: {rows}"
    );
    let listed = b.ok(&["account", "tokens", "-o", "csv"]);
    assert_eq!(listed.lines().count(), 4, "{listed}");
    for text in [&accounts, &listed] {
        assert!(!text.contains("pwt_") && !text.contains("argon"), "a secret is shown once, when it is made: {text}");
    }

    // A link alone, and a reset that says so, leave them.
    b.ok(&["link", "--user", "ann", "-q"]);
    let kept = b.run(&["link", "--user", "ann", "--forget-password", "--keep-tokens"]);
    assert_eq!(code(&kept), 0, "{}", err(&kept));
    assert!(err(&kept).contains("2 API tokens in force still"), "{}", err(&kept));
    assert!(made.iter().all(|token| works(&b, token)));

    let reset = b.run(&["link", "--user", "ann", "--forget-password"]);
    assert!(err(&reset).contains("2 API tokens revoked"), "{}", err(&reset));
    assert_eq!(out(&reset).lines().count(), 1, "the link alone is data: {}", out(&reset));
    assert_eq!(made.iter().map(|token| works(&b, token)).collect::<Vec<_>>(), [true, false, false]);
    let audit = b.ok(&["audit", "list", "-o", "csv"]);
    assert_eq!(audit.matches("token.revoke").count(), 2, "{audit}");
    assert_eq!(code(&b.run(&["link", "--keep-tokens"])), 64, "it says what a reset leaves");
}

#[test]
fn accounts_and_tokens_are_listed_in_every_format_and_a_token_is_revoked() {
    let b = Bench::new();
    b.ok(&["account", "add", "ann", "--role", "viewer", "--environment", "test", "--environment", "staging"]);
    let csv = b.ok(&["account", "list", "-o", "csv"]);
    assert!(csv.starts_with("name,role,environments,state,password,last sign-in,tokens,created,id\n"), "{csv}");
    assert!(csv.contains("\nann,viewer,staging test,active,none,,0,"), "nobody signed in yet: {csv}");
    assert_eq!(b.ok(&["account", "list", "-o", "ndjson"]).lines().count(), 2);
    let table = b.ok(&["account", "list"]);
    assert!(table.contains("LAST SIGN-IN") && table.contains("never"), "{table}");

    let none = b.run(&["account", "tokens"]);
    assert!(err(&none).contains("no API token"), "{}", err(&none));
    let secret = tokens(&b, &[("admin", &["read"])]).remove(0);
    let rows: serde_json::Value = serde_json::from_str(&b.ok(&["account", "tokens", "admin", "-o", "json"])).unwrap();
    assert_eq!((rows[0]["state"].as_str(), rows[0]["owner"].as_str()), (Some("in force"), Some("admin")), "{rows}");
    assert_eq!(b.ok(&["account", "tokens", "ann", "-o", "csv"]).lines().count(), 1);
    let id = rows[0]["id"].as_str().unwrap();
    let revoked = b.ok(&["account", "revoke-token", id, "--reason", "the laptop was stolen", "-o", "csv"]);
    assert_eq!(revoked, format!("id,state\n{id},revoked\n"));
    assert!(!works(&b, &secret));
    assert!(b.ok(&["audit", "list", "-o", "csv"]).contains("the laptop was stolen"));
    for (args, hint) in [
        (["account", "revoke-token", id], "account tokens"),
        (["account", "revoke-token", "nonsense"], "account tokens"),
        (["account", "tokens", "nobody"], "account list"),
    ] {
        let text = b.fails(&args, 2);
        assert!(text.contains(hint), "{text}");
    }
}
