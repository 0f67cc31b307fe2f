//! VEX documents of others: kept, applied to reports and index alike, superseded, taken back, and over by themselves.

use patchwright_app::decisions::{
    Upload, document_import, document_list, document_original, document_show, document_withdraw, not_affected_state,
};
use patchwright_app::hosts::{find_host, host_report};
use patchwright_app::{AppError, Ctx, Env, fleet};
use patchwright_domain::access::{Role, Scope};
use patchwright_domain::inventory::Package;
use patchwright_protocol::decisions::VexDocumentDetail;
use serde_json::{Value, json};

use crate::decisions::{ann, audited, bob, count, installation, not, person, sara};
use crate::findings::{agrees, ask, env, host, local};

const DEBIAN_CURL: &str = "pkg:deb/debian/curl";

fn openvex(version: u32, at: &str, statements: &[Value]) -> Vec<u8> {
    json!({"@context": "https://openvex.dev/ns/v0.2.0", "@id": "https://example.com/vex/1", "author": "Example Security",
        "timestamp": at, "version": version, "statements": statements})
    .to_string()
    .into_bytes()
}

fn says(vuln: &str, status: &str, products: Value) -> Value {
    json!({"vulnerability": {"name": vuln}, "products": products, "status": status,
        "justification": "vulnerable_code_not_in_execute_path"})
}

fn upload(bytes: Vec<u8>) -> Upload {
    Upload { name: "vendor.json".to_owned(), bytes, reason: "from the vendor's page".to_owned(), review_by: None }
}

async fn import(env: &Env, ctx: &Ctx, bytes: Vec<u8>) -> Result<VexDocumentDetail, AppError> {
    document_import(env, ctx, &upload(bytes)).await
}

fn refusal(result: Result<VexDocumentDetail, AppError>) -> (&'static str, String) {
    match result {
        Err(AppError::Invalid { code, detail, .. }) => (code, detail),
        other => panic!("{other:?}"),
    }
}

/// Some vulnerabilities of curl that every host has.
async fn of_curl(env: &Env) -> Vec<String> {
    let mut names: Vec<String> = ask(env, &local(), "source:curl", "vuln")
        .await
        .items
        .into_iter()
        .filter(|g| g.findings == 3)
        .map(|g| g.name)
        .collect();
    names.truncate(3);
    assert_eq!(names.len(), 3);
    names
}

#[tokio::test]
async fn a_document_applies_to_every_host_until_it_is_taken_back() {
    let dir = tempfile::tempdir().unwrap();
    let env = installation(dir.path()).await;
    let all = count(&env, "").await;
    let curl = of_curl(&env).await;
    let bytes = openvex(
        1,
        "2026-10-01T00:00:00Z",
        &[
            says(&curl[0], "not_affected", json!([{"@id": DEBIAN_CURL}])),
            says(&curl[1], "affected", json!([{"@id": DEBIAN_CURL}])),
            says(&curl[2], "not_affected", json!([{"@id": format!("{DEBIAN_CURL}@0.1")}])),
            says("CVE-1999-9999", "fixed", json!([{"@id": DEBIAN_CURL}])),
            json!({"vulnerability": {"name": "CVE-1999-9998"}, "status": "perhaps"}),
        ],
    );
    for (name, role) in [("vera", Role::Viewer), ("olaf", Role::Operator), ("anna", Role::Approver)] {
        let refused = import(&env, &person(name, role, Scope::All), bytes.clone()).await;
        assert!(matches!(refused, Err(AppError::Forbidden { .. })), "{role}");
    }
    let narrow = person("nora", Role::SecurityOfficer, Scope::environments(["test"]));
    assert!(
        matches!(import(&env, &narrow, bytes.clone()).await, Err(AppError::Forbidden { .. })),
        "it is about all hosts"
    );

    let made = import(&env, &sara(), bytes.clone()).await.unwrap();
    let row = &made.row;
    assert_eq!((row.state.as_str(), row.author.as_str(), row.version.as_str()), ("kept", "Example Security", "1"));
    assert_eq!((row.statements, row.lost), (4, 1));
    assert_eq!((row.applied, row.open, row.idle, row.unmatched), (1, 1, 1, 1), "{row:?}");
    assert_eq!((row.set_aside, row.hosts), (3, 3));
    assert_eq!(row.review_by, "2027-11-20", "a year when nobody names a day");
    assert_eq!(made.problems.len(), 1, "{:?}", made.problems);
    assert_eq!(document_original(&env, &local(), &row.id).await.unwrap(), bytes);
    assert_eq!(count(&env, "").await, all - 3);
    assert_eq!(count(&env, "is:set-aside").await, 3);
    assert_eq!(count(&env, &format!("cve:{}", curl[1])).await, 3, "affected sets nothing aside");
    agrees(&env).await;
    let id = find_host(&env, &local(), "web-01").await.unwrap().id;
    let report = fleet::host_detail(&env, &local(), &id).await.unwrap().report;
    let aside = &report.vex.as_ref().unwrap().set_aside[0];
    assert_eq!((aside.kept[0].document.as_str(), aside.kept[0].statement), (row.id.as_str(), 0));
    assert!(aside.because[0].contains("says Example Security in https://example.com/vex/1"), "{:?}", aside.because);
    assert!(!aside.changes_pci_result, "a PCI result never changes by itself");

    // What a caller may not see is not counted for them.
    let shown = document_show(&env, &narrow, &row.id).await.unwrap();
    assert_eq!((shown.row.set_aside, shown.row.hosts), (1, 1));
    assert_eq!(
        shown.statements.iter().map(|s| s.effect.as_str()).collect::<Vec<_>>(),
        ["applied", "open", "idle", "unmatched"]
    );

    // A host that joins has it too.
    host_report(&env, &local(), host("web-03", "3.0.9-1", "7.88.1-10")).await.unwrap();
    assert_eq!(document_list(&env, &local()).await.unwrap()[0].set_aside, 4);
    agrees(&env).await;

    let withdraw = async |ctx: &Ctx, reason: &str, seen| document_withdraw(&env, ctx, &row.id, reason, seen).await;
    assert!(matches!(withdraw(&ann(), "x", None).await, Err(AppError::Forbidden { .. })));
    assert!(matches!(withdraw(&bob(), "x", None).await, Err(AppError::Forbidden { .. })));
    assert!(matches!(withdraw(&sara(), " ", None).await, Err(AppError::Invalid { .. })));
    assert!(matches!(withdraw(&sara(), "x", Some(7)).await, Err(AppError::Conflict { .. })));
    assert_eq!(withdraw(&sara(), "the vendor was wrong", None).await.unwrap().row.state, "withdrawn");
    assert_eq!(count(&env, "is:set-aside").await, 0);
    agrees(&env).await;
    let audit = audited(&env).await;
    assert!(
        audit.iter().any(|l| l.starts_with("sara vex.document.import"))
            && audit.iter().any(|l| l.starts_with("sara vex.document.withdraw")),
        "{audit:?}"
    );
}

#[tokio::test]
async fn what_cannot_be_read_or_is_older_changes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let env = installation(dir.path()).await;
    let curl = of_curl(&env).await;
    for bad in ["", "no json", "{}", "[1]"] {
        assert_eq!(refusal(import(&env, &sara(), bad.into()).await).0, "vex_unreadable", "{bad}");
    }
    let none = openvex(1, "2026-10-01T00:00:00Z", &[]);
    assert!(refusal(import(&env, &sara(), none).await).1.contains("no statement that can be read"));
    assert!(document_list(&env, &local()).await.unwrap().is_empty());
    assert!(!audited(&env).await.iter().any(|l| l.contains("vex.document")));

    let not_affected = |n: usize| says(&curl[n], "not_affected", json!([{"@id": DEBIAN_CURL}]));
    let second = openvex(2, "2026-10-02T00:00:00Z", &[not_affected(0), not_affected(1)]);
    let two = import(&env, &sara(), second.clone()).await.unwrap().row;
    assert_eq!(count(&env, "is:set-aside").await, 6);
    let old = import(&env, &sara(), openvex(1, "2026-10-01T00:00:00Z", &[not_affected(2)])).await;
    assert!(refusal(old).1.contains("is a newer version of it: version 2"));
    assert!(refusal(import(&env, &sara(), second).await).1.contains("kept already"));
    assert_eq!(count(&env, "is:set-aside").await, 6);
    let third = openvex(3, "2026-10-03T00:00:00Z", &[not_affected(1)]);
    let made = import(&env, &sara(), third).await.unwrap();
    assert_eq!(made.supersedes, std::slice::from_ref(&two.id));
    assert_eq!(count(&env, "is:set-aside").await, 3);
    let list = document_list(&env, &local()).await.unwrap();
    assert_eq!(
        list.iter().map(|r| (r.state.as_str(), r.set_aside)).collect::<Vec<_>>(),
        [("kept", 3), ("superseded", 0)]
    );
    assert_eq!(list[1].superseded_by.as_deref(), Some(made.row.id.as_str()));
    agrees(&env).await;
}

#[tokio::test]
async fn it_is_taken_back_by_itself_after_its_review_date() {
    let dir = tempfile::tempdir().unwrap();
    let first = installation(dir.path()).await;
    let curl = of_curl(&first).await;
    let bytes = openvex(1, "2026-10-01T00:00:00Z", &[says(&curl[0], "not_affected", json!([{"@id": DEBIAN_CURL}]))]);
    let wish = Upload { review_by: Some("2026-12-01".to_owned()), ..upload(bytes.clone()) };
    document_import(&first, &sara(), &wish).await.unwrap();
    let far = Upload { review_by: Some("2029-12-01".to_owned()), ..upload(bytes) };
    assert!(refusal(document_import(&first, &sara(), &far).await).1.contains("400 days"));
    assert_eq!(count(&env(dir.path(), 11).await, "is:set-aside").await, 3);
    let after = env(dir.path(), 12).await;
    assert_eq!(count(&after, "is:set-aside").await, 0);
    assert_eq!(document_list(&after, &local()).await.unwrap()[0].state, "lapsed");
    agrees(&after).await;
}

#[tokio::test]
async fn hosts_that_differ_are_told_apart() {
    let dir = tempfile::tempdir().unwrap();
    let env = installation(dir.path()).await;
    // One host has another binary of the same source: a statement about one of the two leaves the finding open there.
    let mut more = host("web-02", "3.0.9-1", "7.88.1-10");
    more.packages.push(Package {
        name: "openssl".to_owned(),
        version: "3.0.9-1".to_owned(),
        arch: "amd64".to_owned(),
        source: "openssl".to_owned(),
        source_version: "3.0.9-1".to_owned(),
        ..Package::default()
    });
    host_report(&env, &local(), more).await.unwrap();
    let group = ask(&env, &local(), "source:openssl", "vuln").await.items;
    let names: Vec<String> = group.into_iter().filter(|g| g.findings == 3).map(|g| g.name).collect();
    let id = find_host(&env, &local(), "web-01").await.unwrap().id;
    let report = fleet::host_detail(&env, &local(), &id).await.unwrap().report;
    let dsa = report.findings.iter().find_map(|f| {
        f.advisories.iter().find(|a| **a != f.vuln && a.starts_with("DSA-")).map(|a| (a.clone(), f.package.clone()))
    });
    let mut statements = vec![
        says(&names[0], "not_affected", json!([{"@id": "pkg:deb/debian/libssl3"}])),
        // Inside of one host only, which is named as `scan --vex` would find it.
        says(
            &names[1],
            "not_affected",
            json!([{"@id": "DB-01", "subcomponents": [{"@id": "pkg:deb/debian/libssl3"}]}]),
        ),
        says(&names[2], "not_affected", json!([{"@id": "cpe:/o:debian:debian_linux:12"}])),
        says(&names[3].to_ascii_lowercase(), "fixed", json!([{"@id": "pkg:deb/debian/openssl@3.0.9-1?arch=source"}])),
    ];
    if let Some((advisory, package)) = &dsa {
        statements.push(says(
            advisory,
            "not_affected",
            json!([{"@id": format!("pkg:deb/debian/{package}?arch=source")}]),
        ));
    }
    let made = import(&env, &sara(), openvex(1, "2026-10-01T00:00:00Z", &statements)).await.unwrap();
    let aside = async |n: usize| count(&env, &format!("cve:{} and is:set-aside and source:openssl", names[n])).await;
    assert_eq!((aside(0).await, aside(1).await, aside(2).await, aside(3).await), (2, 1, 3, 3), "{:?}", made.row);
    assert_eq!(made.row.applied, statements.len() as u64, "{:?}", made.statements);
    agrees(&env).await;
}

#[tokio::test]
async fn a_later_affected_overrules_what_people_here_said() {
    let dir = tempfile::tempdir().unwrap();
    let first = installation(dir.path()).await;
    let curl = of_curl(&first).await;
    let q = format!("cve:{} and source:curl and host:web-*", curl[0]);
    not_affected_state(&first, &sara(), &not(&q)).await.unwrap();
    assert_eq!(count(&first, "is:set-aside").await, 2);
    // Said before we said so: ours is the later word.
    let open = |at: &str, version| openvex(version, at, &[says(&curl[0], "affected", json!([{"@id": DEBIAN_CURL}]))]);
    import(&first, &sara(), open("2026-10-01T00:00:00Z", 1)).await.unwrap();
    assert_eq!(count(&first, "is:set-aside").await, 2);
    agrees(&first).await;
    // Said the day after.
    let next = env(dir.path(), 2).await;
    let made = import(&next, &sara(), open("2026-11-21T09:00:00Z", 2)).await.unwrap();
    assert_eq!((made.row.open, made.row.set_aside), (1, 0));
    assert_eq!(count(&next, "is:set-aside").await, 0);
    agrees(&next).await;
    document_withdraw(&next, &sara(), &made.row.id, "not about us", None).await.unwrap();
    assert_eq!(count(&next, "is:set-aside").await, 2);
    agrees(&next).await;
}
