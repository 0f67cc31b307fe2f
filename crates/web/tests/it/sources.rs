//! Sources from the report of a host to the decision about them, by API and console; constraints on the page of a host.

use axum::body::Body;
use axum::http::{Method, StatusCode, header};
use patchwright_app::{hosts, policy};
use patchwright_domain::inventory::source::{ConfiguredSource, SourceKey, SourceKind, SourcePackage};
use patchwright_domain::inventory::{Os, Transaction, TransactionStep, Tri};
use patchwright_protocol::sources::{AssessRequest, SourceQuery};

use crate::house::{House, facts, local, request};

fn docker(key: &str) -> ConfiguredSource {
    ConfiguredSource {
        key: SourceKey::new(
            SourceKind::Apt,
            "https://download.docker.com/linux/debian",
            "bookworm",
            &["stable".to_owned()],
        ),
        origin: Some("Docker".to_owned()),
        signed_by: Some(key.to_owned()),
        verified: Tri::Yes,
        packages: vec![SourcePackage {
            name: "containerd.io".to_owned(),
            installed: "1.7.22-1".to_owned(),
            offered: Some("1.7.24-1".to_owned()),
            vendor: Some("1.6.20~ds1-1".to_owned()),
            from_here: true,
            pending: true,
            ..SourcePackage::default()
        }],
        ..ConfiguredSource::default()
    }
}

pub(crate) async fn report(house: &House, name: &str, key: &str) {
    let mut facts = facts(name);
    facts.os = Os::parse_short("debian:12").unwrap();
    facts.sources = vec![docker(key)];
    hosts::host_report(&house.env, &local(), facts).await.unwrap();
}

#[tokio::test]
async fn a_source_is_discovered_decided_and_lapses_when_its_key_changes() {
    let house = House::new().await;
    report(&house, "web-01", "AA").await;
    report(&house, "web-02", "AA").await;
    let token = house.token(&["read", "policy:write"]).await;
    let list = house.api(Method::GET, "/api/v1/sources", &token, None).await.json();
    let row = &list["items"][0];
    assert_eq!((list["items"].as_array().unwrap().len(), list["total"].as_u64()), (1, Some(1)), "{list}");
    assert_eq!(
        (row["class"].as_str(), row["state"].as_str(), row["gate"].as_str()),
        (Some("third_party"), Some("unassessed"), Some("needs_approval"))
    );
    assert_eq!(
        (row["hosts"].as_u64(), row["installed"].as_u64(), row["pending"].as_u64()),
        (Some(2), Some(2), Some(2))
    );
    let id = row["id"].as_str().unwrap().to_owned();
    let path = format!("/api/v1/sources/{id}/assessment");
    let put = async |tag: Option<&str>, body: &str| {
        let mut request = request(Method::PUT, &path)
            .header(header::AUTHORIZATION, format!("Bearer {token}"))
            .header(header::CONTENT_TYPE, "application/json");
        if let Some(tag) = tag {
            request = request.header(header::IF_MATCH, tag);
        }
        house.send(request.body(Body::from(body.to_owned())).unwrap()).await
    };
    let day = house.env.now().plus_days(100).date();
    let good = format!(
        r#"{{"decision":"accept","review_by":"{day}","reason":"container hosts","answers":{{"publisher":"Docker Inc.","key":"AA","support":"with the release"}}}}"#
    );
    assert_eq!(put(None, &good).await.status, StatusCode::PRECONDITION_REQUIRED);
    let bad = put(Some("\"g0\""), r#"{"decision":"accept","review_by":"2020-01-01","reason":"x"}"#).await;
    assert_eq!(bad.status, StatusCode::UNPROCESSABLE_ENTITY);
    for wanted in ["2020-01-01 is not after today", "an answer to `publisher`", "an answer to `support`"] {
        assert!(bad.body.contains(wanted), "{wanted}: {}", bad.body);
    }
    let done = put(Some("\"g0\""), &good).await;
    assert_eq!(done.status, StatusCode::OK, "{}", done.body);
    assert_eq!(done.json()["row"]["state"], "accepted");
    // Who decided is called by name, as in the audit.
    let (who, why) = (done.json()["reviewer"].to_string(), done.json()["state_because"][0].to_string());
    assert!(who.starts_with("\"token test of ") && !why.contains("tok_"), "{who} {why}");
    assert!(why.contains(" decided on ") && why.starts_with("\"token test of "), "{why}");
    assert_eq!(put(Some("\"g0\""), &good).await.status, StatusCode::PRECONDITION_FAILED, "somebody was faster");
    // Read-only tokens decide nothing.
    let read = house.token(&["read"]).await;
    let refused = house.api(Method::POST, "/api/v1/sources", &read, Some("{}")).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN, "{}", refused.body);

    // One host gets the repository with another key: what was accepted is not what it has.
    report(&house, "web-02", "BB").await;
    let detail = house.api(Method::GET, &format!("/api/v1/sources/{id}"), &token, None).await.json();
    assert_eq!(
        (detail["row"]["state"].as_str(), detail["row"]["gate"].as_str()),
        (Some("lapsed"), Some("needs_approval"))
    );
    assert!(detail["state_because"][0].as_str().unwrap().contains("signing key was `AA`"), "{detail}");
    let rows = house.api(Method::GET, "/api/v1/sources/divergence", &token, None).await.json();
    let rows = &rows["items"];
    assert_eq!((rows[0]["direction"].as_str(), rows[0]["distance"].as_str()), (Some("newer"), Some("minor")), "{rows}");
    let audit = patchwright_app::audit::list(&house.env, &local(), 0, 50).await.unwrap();
    assert_eq!(
        audit.iter().filter(|r| r.text.contains("source.assess")).count(),
        1,
        "one decision, one record: {audit:?}"
    );
}

#[tokio::test]
async fn the_console_shows_and_decides() {
    let house = House::new().await;
    report(&house, "web-01", "AA").await;
    let browser = house.sign_in().await;
    let list = browser.get("/sources").await;
    assert_eq!(list.status, StatusCode::OK);
    assert!(list.body.contains("download.docker.com") && list.body.contains("unassessed"), "{}", list.body);
    let id = patchwright_app::sources::list(&house.env, &local(), &SourceQuery::default()).await.unwrap().items[0]
        .id
        .clone();
    let page = browser.get(&format!("/sources/{id}")).await;
    assert!(page.body.contains("containerd.io") && page.body.contains("newer than the vendor"), "{}", page.body);
    let path = format!("/sources/{id}/assess");
    let refused = browser.post(&path, "generation=0&decision=accept&publisher=Docker+Inc.&reason=x").await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", refused.body);
    assert!(
        refused.body.contains("Docker Inc.") && refused.body.contains("Nothing was decided"),
        "what was typed stays"
    );
    let done = browser.post(&path, "generation=0&decision=refuse&reason=not+needed").await;
    assert_eq!(done.status, StatusCode::SEE_OTHER, "{}", done.body);
    let page = browser.get(&format!("/sources/{id}")).await;
    assert!(page.body.contains("patches must not enter") && page.body.contains("not needed"), "{}", page.body);
    assert!(browser.get("/sources?format=csv").await.body.contains(",refused,closed,"), "the file says it too");
}

#[tokio::test]
async fn artifacts_and_patches_are_added_by_digest_or_commit() {
    let house = House::new().await;
    let token = house.token(&["read", "policy:write"]).await;
    let add = async |body: String| house.api(Method::POST, "/api/v1/sources", &token, Some(&body)).await;
    let digest = "ab".repeat(32);
    let refuse = r#""assess":{"decision":"refuse","reason":"unknown builder"}"#;
    let done = add(format!(r#"{{"what":"artifact","name":"tool_1.0_amd64.deb","sha256":"{digest}",{refuse}}}"#)).await;
    assert_eq!((done.status, done.json()["row"]["kind"].as_str()), (StatusCode::OK, Some("deb")), "{}", done.body);
    let moving =
        add(format!(r#"{{"what":"patch","name":"x.patch","url":"https://git.example/x","commit":"main",{refuse}}}"#))
            .await;
    assert_eq!(moving.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(moving.body.contains("a branch or a tag can move"), "{}", moving.body);
    let repository = add(format!(r#"{{"what":"repository","name":"x",{refuse}}}"#)).await;
    assert!(repository.body.contains("repositories come from the hosts"), "{}", repository.body);
}

#[tokio::test]
async fn a_declared_constraint_stands_on_the_page_of_its_host() {
    let house = House::new().await;
    let text = "schema = 1\nname = \"site\"\nversion = \"1\"\nvalid_from = 2026-01-01\n[[constraints.rule]]\nname = \"billing-ssl\"\n\
                package = \"libssl3\"\nversions = \"< 3.1\"\nscheme = \"deb\"\nowner = \"A. Owner\"\nbecause = \"engine lost\"\n";
    let mut ctx = local();
    ctx.reason = Some("test".to_owned());
    policy::apply(&house.env, &ctx, text).await.unwrap();
    let mut facts = facts("web-01");
    facts.transaction = Some(Transaction {
        steps: vec![TransactionStep {
            name: "libssl3".to_owned(),
            from: Some("3.0.15-1".to_owned()),
            to: Some("3.1.0-1".to_owned()),
            ..TransactionStep::default()
        }],
        simulated: "apt-get -s dist-upgrade".to_owned(),
        ..Transaction::default()
    });
    let id = hosts::host_report(&house.env, &local(), facts).await.unwrap();
    let token = house.token(&["read"]).await;
    let detail = house.api(Method::GET, &format!("/api/v1/hosts/{id}"), &token, None).await.json();
    let draft = &detail["report"]["exceptions"][0];
    assert_eq!(
        (draft["obstacle"].as_str(), draft["rule"].as_str()),
        (Some("declared"), Some("billing-ssl")),
        "{detail}"
    );
    let again = house.api(Method::GET, &format!("/api/v1/hosts/{id}"), &token, None).await.json();
    assert_eq!(again["report"]["exceptions"][0]["id"], draft["id"], "looking again drafts nothing new");
    let page = house.sign_in().await.get(&format!("/hosts/{id}?tab=available")).await;
    for wanted in ["What stands against an upgrade", "billing-ssl: libssl3 &#60; 3.1", "engine lost", "A. Owner"] {
        assert!(page.body.contains(wanted), "{wanted}: {}", page.body);
    }
}

#[tokio::test]
async fn two_thousand_sources_come_in_pages_with_totals_and_filters() {
    let house = House::new().await;
    let source = |n: usize| {
        let kind = [SourceKind::Apt, SourceKind::Dnf, SourceKind::Zypper, SourceKind::Apk][n % 4];
        ConfiguredSource {
            key: SourceKey::new(kind, &format!("https://mirror{n:04}.acme.example/x"), "stable", &[]),
            origin: n.is_multiple_of(4).then(|| if n.is_multiple_of(8) { "Docker" } else { "Acme" }.to_owned()),
            installed: (!n.is_multiple_of(3)).then_some(1),
            packages: vec![SourcePackage { name: "x".to_owned(), pending: true, ..SourcePackage::default() }],
            ..ConfiguredSource::default()
        }
    };
    // Two hosts show each thousand, so that there are twice as many reports as sources.
    for (name, from) in [("a1", 0), ("a2", 0), ("b1", 1_000), ("b2", 1_000)] {
        let mut facts = facts(name);
        facts.os = Os::parse_short("debian:12").unwrap();
        facts.sources = (from..from + 1_000).map(source).collect();
        hosts::host_report(&house.env, &local(), facts).await.unwrap();
    }
    let token = house.token(&["read", "policy:write"]).await;
    let get = async |path: &str| house.api(Method::GET, path, &token, None).await;
    let mut seen = std::collections::BTreeSet::new();
    let mut path = "/api/v1/sources?limit=300&sort=title".to_owned();
    let mut pages = 0;
    let mut last = String::new();
    loop {
        let page = get(&path).await.json();
        assert_eq!((page["total"].as_u64(), page["totals"]["needs_approval"].as_u64()), (Some(2_000), Some(2_000)));
        for row in page["items"].as_array().unwrap() {
            let title = row["title"].as_str().unwrap().to_owned();
            assert!(title > last, "in order over the pages");
            last = title;
            assert!(seen.insert(row["id"].as_str().unwrap().to_owned()), "no row twice");
            assert_eq!(row["hosts"].as_u64(), Some(2));
        }
        pages += 1;
        match page["next"].as_str() {
            Some(next) => path = format!("/api/v1/sources?limit=300&sort=title&after={next}"),
            None => break,
        }
    }
    assert_eq!((seen.len(), pages), (2_000, 7));
    let total = async |filter: &str| get(&format!("/api/v1/sources?{filter}")).await.json()["total"].as_u64().unwrap();
    assert_eq!(total("q=docker").await, 250);
    assert_eq!(total("q=MIRROR0001+acme").await, 1);
    assert_eq!(
        (total("class=third_party").await, total("class=unknown").await, total("class=none").await),
        (500, 1_500, 0)
    );
    let first = get("/api/v1/sources?limit=1&sort=installed").await.json();
    assert_eq!(
        (first["items"][0]["installed"].as_u64(), first["items"][0]["hosts_untold"].as_u64()),
        (Some(2), Some(0))
    );
    let least = get("/api/v1/sources?limit=1&sort=-installed").await.json();
    assert_eq!(
        (least["items"][0]["installed"].as_u64(), least["items"][0]["hosts_untold"].as_u64()),
        (Some(0), Some(2))
    );
    for wrong in ["sort=age", "class=friend", "decision=maybe", "lapsed=perhaps", "after=x"] {
        let refused = get(&format!("/api/v1/sources?{wrong}")).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{wrong}: {}", refused.body);
    }
    // A decision, and one that lapsed because its day went by.
    let id = first["items"][0]["id"].as_str().unwrap();
    let refuse =
        AssessRequest { decision: "refuse".to_owned(), reason: "not needed".to_owned(), ..AssessRequest::default() };
    patchwright_app::sources::assess(&house.env, &local(), id, refuse, None).await.unwrap();
    assert_eq!((total("decision=refused").await, total("decision=none").await), (1, 1_999));
    assert_eq!((total("lapsed=yes").await, total("lapsed=no").await), (0, 2_000));

    let browser = house.sign_in().await;
    let page = browser.get("/sources?class=third_party&limit=50").await;
    for wanted in ["500 sources match", "50 on this page", "Next page", "value=\"third_party\" selected"] {
        assert!(page.body.contains(wanted), "{wanted}: {}", page.body);
    }
    let next = page
        .body
        .split("rel=\"next\" href=\"")
        .nth(1)
        .unwrap()
        .split('"')
        .next()
        .unwrap()
        .replace("&#38;", "&")
        .replace("&amp;", "&");
    let second = browser.get(&next).await;
    assert!(second.body.contains("First page") && second.body.contains("500 sources match"), "{next}");
    let csv = browser.get("/sources?format=csv&decision=none").await.body;
    assert_eq!(csv.lines().count(), 2_000, "a heading and every row");
}

#[tokio::test]
async fn the_console_adds_an_artifact_and_a_patch_under_the_same_rules() {
    let house = House::new().await;
    let browser = house.sign_in().await;
    let page = browser.get("/sources").await;
    assert!(page.body.contains("Add a single artifact or a source patch"), "{}", page.body);
    let digest = "cd".repeat(32);
    let wrong = browser
        .post("/sources", "what=artifact&name=tool_1.0_amd64.deb&sha256=abc&decision=accept&review_by=2020-01-01&tests=suite+A&reason=x")
        .await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    // The words are those of the API.
    let token = house.token(&["read", "policy:write"]).await;
    let body = r#"{"what":"artifact","name":"tool_1.0_amd64.deb","sha256":"abc","assess":{"decision":"accept","review_by":"2020-01-01","answers":{"tests":"suite A"},"reason":"x"}}"#;
    let said = house.api(Method::POST, "/api/v1/sources", &token, Some(body)).await.json();
    for part in said["detail"].as_str().unwrap().split("; ") {
        let plain = wrong.body.replace("&#39;", "'").replace("&#34;", "\"").replace("&#60;", "<");
        assert!(plain.contains(part.trim_end_matches('.')), "{part}: {}", wrong.body);
    }
    for typed in [
        "tool_1.0_amd64.deb",
        "value=\"abc\"",
        "suite A",
        "Nothing was added",
        "2020-01-01",
        "<details class=\"help\" open>",
    ] {
        assert!(wrong.body.contains(typed), "what was typed stays, {typed}: {}", wrong.body);
    }
    let done = browser
        .post(
            "/sources",
            &format!("what=artifact&name=tool_1.0_amd64.deb&sha256={digest}&decision=refuse&reason=unknown+builder"),
        )
        .await;
    assert_eq!(done.status, StatusCode::SEE_OTHER, "{}", done.body);
    let place = done.headers.get(header::LOCATION).unwrap().to_str().unwrap().to_owned();
    let shown = browser.get(&place).await;
    assert!(shown.body.contains("unknown builder") && shown.body.contains("patches must not enter"), "{}", shown.body);
    let moving = browser
        .post(
            "/sources",
            "what=patch&name=x.patch&url=https%3A%2F%2Fgit.example%2Fx&commit=main&decision=refuse&reason=x",
        )
        .await;
    assert!(moving.body.contains("a branch or a tag can move"), "{}", moving.body);
    let commit = "0a".repeat(20);
    let patch = browser
        .post(
            "/sources",
            &format!(
                "what=patch&name=x.patch&url=https%3A%2F%2Fgit.example%2Fx&commit={commit}&decision=refuse&reason=x"
            ),
        )
        .await;
    assert_eq!(patch.status, StatusCode::SEE_OTHER, "{}", patch.body);
    let list = browser.get("/sources?class=none").await;
    assert!(list.body.contains("2 sources match") && list.body.contains("x.patch"), "{}", list.body);
    let forged =
        browser.post_raw("/sources", &format!("what=artifact&name=y&sha256={digest}&decision=refuse&reason=x")).await;
    assert_eq!(forged.status, StatusCode::FORBIDDEN, "{}", forged.body);
    let audit = patchwright_app::audit::list(&house.env, &local(), 0, 50).await.unwrap();
    assert_eq!(audit.iter().filter(|r| r.text.contains("source.assess")).count(), 2, "{audit:?}");
}
