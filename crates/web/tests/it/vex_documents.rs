//! VEX documents of others over a real database: API with its permissions, the page with its form; and what ends soon.

use axum::body::Body;
use axum::http::{Method, StatusCode, header};
use patchwright_domain::access::Role;
use serde_json::json;
use url::form_urlencoded;

use crate::exceptions::{account, ask, decide, hidden};
use crate::house::{Answer, House, request};

pub(crate) fn openvex(version: u32, vuln: &str, status: &str) -> String {
    json!({"@context": "https://openvex.dev/ns/v0.2.0", "@id": "https://example.com/1", "author": "Example <b>", "version": version,
        "timestamp": "2026-10-01T00:00:00Z", "statements": [
            {"vulnerability": {"name": vuln}, "status": status, "justification": "vulnerable_code_not_present",
             "products": [{"@id": "pkg:deb/debian/openssl?arch=source"}]},
            {"vulnerability": {"name": "CVE-1999-0001"}, "status": "fixed", "products": [{"@id": "pkg:deb/debian/openssl"}]}]})
    .to_string()
}

pub(crate) async fn some_vuln(house: &House, token: &str) -> String {
    let found = house.api(Method::GET, "/api/v1/findings?q=source:openssl&group=vuln", token, None).await.json();
    found["items"][0]["name"].as_str().unwrap().to_owned()
}

pub(crate) async fn import(house: &House, token: &str, query: &str, body: &str) -> Answer {
    house.api(Method::POST, &format!("/api/v1/vex/documents?{query}"), token, Some(body)).await
}

#[tokio::test]
async fn the_api_takes_in_lists_and_withdraws() {
    let house = House::new().await;
    house.host("web-01").await;
    let operator = account(&house, "olaf", Role::Operator).await;
    let officer = account(&house, "sara", Role::SecurityOfficer).await;
    let vuln = some_vuln(&house, &operator).await;
    let document = openvex(1, &vuln, "not_affected");
    assert_eq!(import(&house, &operator, "reason=x", &document).await.status, StatusCode::FORBIDDEN);
    let bare = import(&house, &officer, "", &document).await;
    assert_eq!(
        (bare.status, bare.json()["code"].as_str()),
        (StatusCode::UNPROCESSABLE_ENTITY, Some("vex_document_refused"))
    );
    let unread = import(&house, &officer, "reason=x", "{}").await;
    assert_eq!(
        (unread.status, unread.json()["code"].as_str()),
        (StatusCode::UNPROCESSABLE_ENTITY, Some("vex_unreadable"))
    );
    let form = request(Method::POST, "/api/v1/vex/documents?reason=x")
        .header(header::AUTHORIZATION, format!("Bearer {officer}"))
        .header(header::CONTENT_TYPE, "text/plain");
    let form = house.send(form.body(Body::from(document.clone())).unwrap()).await;
    assert_eq!(form.status, StatusCode::UNSUPPORTED_MEDIA_TYPE);

    let made = import(&house, &officer, "reason=from+the+vendor&review_by=2027-05-01&name=v.json", &document).await;
    assert_eq!(made.status, StatusCode::OK, "{}", made.body);
    let row = made.json()["row"].clone();
    let id = row["id"].as_str().unwrap();
    assert_eq!(
        (row["applied"].as_u64(), row["unmatched"].as_u64(), row["set_aside"].as_u64()),
        (Some(1), Some(1), Some(1))
    );
    assert_eq!((row["name"].as_str(), row["imported_by"].as_str()), (Some("v.json"), Some("sara")));
    let list = house.api(Method::GET, "/api/v1/vex/documents", &operator, None).await.json();
    assert_eq!((&list["items"][0]["id"], &list["total"]), (&json!(id), &json!(1)));
    let found = house.api(Method::GET, "/api/v1/findings?q=is:set-aside", &operator, None).await.json();
    assert_eq!(found["findings"], 1);
    let original = house.api(Method::GET, &format!("/api/v1/vex/documents/{id}/original"), &operator, None).await;
    assert_eq!(original.body, document);
    let old = import(&house, &officer, "reason=x", &openvex(0, &vuln, "affected")).await;
    assert!(old.json()["detail"].as_str().unwrap().contains("newer version"), "{}", old.body);
    let withdraw = async |token: &str, seen: Option<i64>| {
        let mut put = request(Method::PUT, &format!("/api/v1/vex/documents/{id}/withdrawal"))
            .header(header::AUTHORIZATION, format!("Bearer {token}"))
            .header(header::CONTENT_TYPE, "application/json");
        if let Some(seen) = seen {
            put = put.header(header::IF_MATCH, format!("\"g{seen}\""));
        }
        house.send(put.body(Body::from(r#"{"reason":"wrong"}"#)).unwrap()).await
    };
    assert_eq!(withdraw(&operator, Some(1)).await.status, StatusCode::FORBIDDEN);
    assert_eq!(withdraw(&officer, None).await.status, StatusCode::PRECONDITION_REQUIRED);
    assert_eq!(withdraw(&officer, Some(3)).await.status, StatusCode::PRECONDITION_FAILED);
    assert_eq!(withdraw(&officer, Some(1)).await.json()["row"]["state"], "withdrawn");
    let shown = house.api(Method::GET, &format!("/api/v1/vex/documents/{id}"), &operator, None).await.json();
    assert_eq!((&shown["row"]["withdrawn_because"], &shown["statements"][0]["effect"]), (&json!("wrong"), &json!("")));
    let missing = house.api(Method::GET, "/api/v1/vex/documents/vdc_00", &operator, None).await;
    assert_eq!(missing.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn the_page_takes_a_document_in_and_shows_what_it_does() {
    let house = House::new().await;
    let host = house.host("web-01").await;
    let browser = house.sign_in().await;
    let token = house.token(&["read"]).await;
    let vuln = some_vuln(&house, &token).await;
    let page = browser.get("/exceptions").await.body;
    assert!(page.contains("Documents of others") && page.contains("action=\"/vex-documents\""), "{page}");
    let form = |document: &str, reason: &str| {
        form_urlencoded::Serializer::new(String::new())
            .append_pair("name", "vendor.json")
            .append_pair("document", document)
            .append_pair("reason", reason)
            .append_pair("review_by", "2027-05-01")
            .finish()
    };
    let bad = browser.post("/vex-documents", &form("{\"no\": \"<vex>\"}", "it's ours")).await;
    assert_eq!(bad.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(bad.body.contains("Nothing was taken in") && bad.body.contains("&#60;vex&#62;"), "{}", bad.body);
    let document = openvex(1, &vuln, "not_affected").replace(", ", ",\n");
    let made = browser.post("/vex-documents", &form(&document.replace('\n', "\r\n"), "from the vendor")).await;
    assert_eq!(made.status, StatusCode::SEE_OTHER, "{}", made.body);
    let at = made.header("location").to_owned();
    let page = browser.get(&at).await.body;
    assert!(
        page.contains("VEX of Example &#60;b&#62;") && page.contains("1 finding set aside on 1 host now"),
        "{page}"
    );
    assert!(page.contains("sets findings aside") && page.contains("no host has it"), "{page}");
    let list = browser.get("/exceptions").await.body;
    assert!(list.contains(&at) && list.contains("1 document of others counts"), "{list}");
    let tab = browser.get(&format!("/hosts/{host}?tab=findings")).await.body;
    assert!(tab.contains("Example &#60;b&#62;"), "{tab}");
    assert_eq!(
        browser.post_raw(&format!("{at}/withdraw"), "generation=1&reason=x").await.status,
        StatusCode::FORBIDDEN
    );
    let back = browser.post(&format!("{at}/withdraw"), "generation=1&reason=needed+again").await;
    assert_eq!(back.status, StatusCode::SEE_OTHER, "{}", back.body);
    assert!(browser.get(&at).await.body.contains("needed again"));
}

#[tokio::test]
async fn what_ends_soon_stands_on_today_and_is_renewed() {
    let house = House::new().await;
    house.host("web-01").await;
    let operator = account(&house, "olaf", Role::Operator).await;
    let approver = account(&house, "anna", Role::Approver).await;
    let browser = house.sign_in().await;
    assert!(!browser.get("/").await.body.contains("Decisions that end soon"));
    let plan = house.api(Method::GET, "/api/v1/exceptions/plan?q=source:openssl", &operator, None).await.json();
    let latest = plan["latest"].as_str().unwrap();
    let body = r#"{"q":"source:openssl","reason":"later","until":"2026-11-25"}"#;
    let made = house.api(Method::POST, "/api/v1/exceptions", &operator, Some(body)).await.json();
    let id = made["row"]["id"].as_str().unwrap();
    assert_eq!(decide(&house, &approver, id, Some(1), "approve").await.status, StatusCode::OK);
    let today = browser.get("/").await.body;
    assert!(today.contains("Decisions that end soon") && today.contains("ends in 3 days"), "{today}");
    let list = browser.get("/exceptions").await.body;
    assert!(list.contains("1 decision ends soon") && list.contains("/exceptions?q=is:ending"), "{list}");
    let ending = browser.get("/exceptions?q=is:ending").await.body;
    assert!(ending.contains(id) && ending.contains("Only what ends soon is shown: 1"), "{ending}");
    assert_eq!(browser.get("/exceptions?q=is:old").await.status, StatusCode::UNPROCESSABLE_ENTITY);
    let api = house.api(Method::GET, "/api/v1/exceptions?state=ending", &operator, None).await.json();
    assert_eq!(
        (&api["items"][0]["id"], &api["items"][0]["days_left"], &api["items"][0]["ends_soon"]),
        (&json!(id), &json!(3), &json!(true))
    );

    let page = browser.get(&format!("/exceptions/{id}")).await.body;
    assert!(page.contains("Ask for a renewal"), "{page}");
    let early = browser.post(&format!("/exceptions/{id}/renew"), "until=2026-11-24&reason=not+yet").await;
    assert_eq!(early.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(early.body.contains("Nothing was asked for") && early.body.contains("not yet"), "{}", early.body);
    let asked = browser.post(&format!("/exceptions/{id}/renew"), &format!("until={latest}&reason=not+yet")).await;
    assert_eq!(asked.status, StatusCode::SEE_OTHER, "{}", asked.body);
    let renewal = asked.header("location").to_owned();
    let page = browser.get(&renewal).await.body;
    assert!(page.contains("waits for a decision") && page.contains(&format!("/exceptions/{id}")), "{page}");
    assert!(!browser.get(&format!("/exceptions/{id}")).await.body.contains("Ask for a renewal"), "one is enough");
    assert!(browser.get("/").await.body.contains("a renewal</a> waits for a decision"));
    let body = format!(r#"{{"until":"{latest}","reason":"again"}}"#);
    let twice = house.api(Method::POST, &format!("/api/v1/exceptions/{id}/renewal"), &operator, Some(&body)).await;
    assert_eq!(twice.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", twice.body);
    let done = decide(&house, &approver, renewal.rsplit('/').next().unwrap(), Some(1), "approve").await;
    assert_eq!(done.status, StatusCode::OK, "{}", done.body);
    assert!(!browser.get("/").await.body.contains("Decisions that end soon"));
    assert_eq!(ask(&house, &operator, "source:openssl").await.status, StatusCode::OK);
    assert!(!hidden(&browser.get(&renewal).await.body, "generation").is_empty());
}
