//! Exceptions and "not affected" over a real database: API with its permissions, pages, forms and files.

use axum::http::{Method, StatusCode, header};
use patchwright_app::{auth, hosts, policy};
use patchwright_domain::access::{Role, Scope};
use patchwright_domain::inventory::{Transaction, TransactionStep};

use crate::house::{Answer, House, facts, local, request};

/// A second person, so that whoever asks cannot approve.
pub(crate) async fn account(house: &House, name: &str, role: Role) -> String {
    let id = auth::account_add(&house.env, &local(), name, role, Scope::All).await.unwrap();
    let ctx = patchwright_app::Ctx {
        actor: patchwright_domain::access::Actor::User(patchwright_domain::access::Person {
            id,
            name: name.to_owned(),
            role,
            scope: Scope::All,
            standing: patchwright_domain::access::Standing::Active,
        }),
        ..local()
    };
    let wish = patchwright_protocol::auth::TokenRequest {
        name: "test".to_owned(),
        scopes: vec!["read".to_owned(), "exceptions:write".to_owned()],
        days: 30,
    };
    auth::token_create(&house.env, &ctx, wish).await.unwrap().secret
}

pub(crate) async fn decide(house: &House, token: &str, id: &str, seen: Option<i64>, decision: &str) -> Answer {
    let mut put = request(Method::PUT, &format!("/api/v1/exceptions/{id}/decision"))
        .header(header::AUTHORIZATION, format!("Bearer {token}"))
        .header(header::CONTENT_TYPE, "application/json");
    if let Some(generation) = seen {
        put = put.header(header::IF_MATCH, format!("\"g{generation}\""));
    }
    let body = format!(r#"{{"decision":"{decision}","reason":"looked at it"}}"#);
    house.send(put.body(axum::body::Body::from(body)).unwrap()).await
}

pub(crate) async fn ask(house: &House, token: &str, q: &str) -> Answer {
    let plan = house.api(Method::GET, &format!("/api/v1/exceptions/plan?q={q}"), token, None).await;
    assert_eq!(plan.status, StatusCode::OK, "{}", plan.body);
    let plan = plan.json();
    let (latest, digest) = (plan["latest"].as_str().unwrap(), plan["digest"].as_str().unwrap());
    let body = format!(r#"{{"q":"{q}","reason":"later <b>","until":"{latest}","digest":"{digest}"}}"#);
    house.api(Method::POST, "/api/v1/exceptions", token, Some(&body)).await
}

#[tokio::test]
async fn the_api_asks_decides_and_refuses() {
    let house = House::new().await;
    house.host("web-01").await;
    let viewer = account(&house, "vera", Role::Viewer).await;
    let operator = account(&house, "olaf", Role::Operator).await;
    let approver = account(&house, "anna", Role::Approver).await;
    let narrow = house.token(&["read"]).await;

    for token in [&viewer, &approver, &narrow] {
        let refused = ask(&house, token, "source:openssl").await;
        assert_eq!(refused.status, StatusCode::FORBIDDEN, "{}", refused.body);
        assert_eq!(refused.json()["code"], "forbidden");
    }
    let nobody = house.get("/api/v1/exceptions").await;
    assert_eq!(nobody.status, StatusCode::UNAUTHORIZED);
    let made = ask(&house, &operator, "source:openssl").await;
    assert_eq!(made.status, StatusCode::OK, "{}", made.body);
    let made = made.json();
    let id = made["row"]["id"].as_str().unwrap();
    assert_eq!((made["row"]["state"].as_str(), made["row"]["hosts"].as_u64()), (Some("requested"), Some(1)));

    for (token, why) in [(&viewer, "viewer"), (&operator, "operator"), (&narrow, "a token that reads")] {
        assert_eq!(decide(&house, token, id, Some(1), "approve").await.status, StatusCode::FORBIDDEN, "{why}");
    }
    assert_eq!(decide(&house, &approver, id, None, "approve").await.status, StatusCode::PRECONDITION_REQUIRED);
    assert_eq!(decide(&house, &approver, id, Some(9), "approve").await.status, StatusCode::PRECONDITION_FAILED);
    assert_eq!(decide(&house, &approver, id, Some(1), "extend").await.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(decide(&house, &approver, "exc_00", Some(1), "approve").await.status, StatusCode::NOT_FOUND);
    let held = decide(&house, &approver, id, Some(1), "approve").await;
    assert_eq!(
        (held.status, held.json()["row"]["approved_by"].as_str()),
        (StatusCode::OK, Some("anna")),
        "{}",
        held.body
    );
    let list = house.api(Method::GET, "/api/v1/exceptions?state=approved", &viewer, None).await.json();
    assert_eq!((list["total"].as_u64(), list["items"][0]["generation"].as_i64()), (Some(1), Some(2)));
    let found = house.api(Method::GET, "/api/v1/findings?q=is:excepted", &viewer, None).await.json();
    assert!(found["findings"].as_u64().unwrap() > 0 && found["excepted"] == found["findings"], "{found}");
    let gone = decide(&house, &approver, id, Some(2), "revoke").await;
    assert_eq!(gone.json()["row"]["state"], "revoked");
    let bad = house.api(Method::GET, "/api/v1/exceptions?state=open", &viewer, None).await;
    assert_eq!((bad.status, bad.json()["code"].as_str()), (StatusCode::UNPROCESSABLE_ENTITY, Some("exception_state")));
}

#[tokio::test]
async fn the_api_says_what_is_not_affected() {
    let house = House::new().await;
    house.host("web-01").await;
    let operator = account(&house, "olaf", Role::Operator).await;
    let officer = account(&house, "sara", Role::SecurityOfficer).await;
    let body = r#"{"q":"source:openssl","justification":"vulnerable_code_not_present","reason":"built without","review_by":"2027-05-01"}"#;
    let refused = house.api(Method::POST, "/api/v1/vex", &operator, Some(body)).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN, "{}", refused.body);
    let open = house.api(Method::GET, "/api/v1/findings", &operator, None).await.json()["findings"].as_u64().unwrap();
    let said = house.api(Method::POST, "/api/v1/vex", &officer, Some(body)).await;
    assert_eq!(said.status, StatusCode::OK, "{}", said.body);
    let (id, covered) =
        (said.json()["row"]["id"].as_str().unwrap().to_owned(), said.json()["row"]["findings"].as_u64().unwrap());
    let found = house.api(Method::GET, "/api/v1/findings", &operator, None).await.json();
    assert_eq!((found["findings"].as_u64(), found["set_aside"].as_u64()), (Some(open - covered), Some(covered)));
    let shown = house.api(Method::GET, &format!("/api/v1/vex/{id}"), &operator, None).await.json();
    assert!(shown["covers"][0]["version"].is_string() && shown["row"]["stated_by"] == "sara", "{shown}");
    let withdraw = async |token: &str, seen: i64| {
        let put = request(Method::PUT, &format!("/api/v1/vex/{id}/withdrawal"))
            .header(header::AUTHORIZATION, format!("Bearer {token}"))
            .header(header::CONTENT_TYPE, "application/json")
            .header(header::IF_MATCH, format!("\"g{seen}\""));
        house.send(put.body(axum::body::Body::from(r#"{"reason":"wrong"}"#)).unwrap()).await
    };
    assert_eq!(withdraw(&operator, 1).await.status, StatusCode::FORBIDDEN);
    assert_eq!(withdraw(&officer, 5).await.status, StatusCode::PRECONDITION_FAILED);
    assert_eq!(withdraw(&officer, 1).await.json()["row"]["state"], "withdrawn");
    let again = house.api(Method::GET, "/api/v1/findings", &operator, None).await.json();
    assert_eq!(again["findings"].as_u64(), Some(open));
    let list = house.api(Method::GET, "/api/v1/vex", &operator, None).await.json();
    assert_eq!(list["items"][0]["withdrawn_because"], "wrong");
}

pub(crate) fn hidden(body: &str, name: &str) -> String {
    body.split(&format!("name=\"{name}\" value=\"")).nth(1).unwrap().split('"').next().unwrap().to_owned()
}

#[tokio::test]
async fn findings_are_counted_deferred_and_shown_as_such() {
    let house = House::new().await;
    let host = house.host("web-01").await;
    let browser = house.sign_in().await;
    let list = browser.get("/findings?q=source:openssl").await.body;
    assert!(
        list.contains("/findings/defer?q=source:openssl") && list.contains("/findings/not-affected?q=source:openssl")
    );
    assert!(!browser.get("/findings").await.body.contains("/findings/defer"), "not of every finding at once");
    let counted = browser.get("/findings/defer?q=source:openssl").await;
    assert_eq!(counted.status, StatusCode::OK, "{}", counted.body);
    assert!(counted.body.contains("on 1 host</h1>") && counted.body.contains("Ask to defer"), "{}", counted.body);
    let (digest, until) = (hidden(&counted.body, "digest"), hidden(&counted.body, "until"));
    let form =
        |until: &str| format!("q=source%3Aopenssl&reason=the+%3Cvendor%3E&measure=proxy&until={until}&digest={digest}");

    // What stands against it is said where it was typed, and what was typed stays.
    let far = browser.post("/findings/defer", &form("2031-01-01")).await;
    assert_eq!(far.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(far.body.contains("policy allows") && far.body.contains("the &#60;vendor&#62;"), "{}", far.body);
    assert_eq!(
        browser.post("/findings/defer", "q=source%3Aopenssl&reason=x&until=2026-12-01").await.status,
        StatusCode::BAD_REQUEST
    );
    let unread = browser.get("/findings/defer?q=ownr:x").await;
    assert_eq!(unread.status, StatusCode::UNPROCESSABLE_ENTITY);

    // Another host joins: what was counted is not what is there.
    let late = house.host("web-02").await;
    let stale = browser.post("/findings/defer", &form(&until)).await;
    assert_eq!(stale.status, StatusCode::CONFLICT, "{}", stale.body);
    assert!(stale.body.contains("Nothing was decided") && stale.body.contains("on 2 hosts</h1>"), "{}", stale.body);
    let found = hosts::find_host(&house.env, &local(), late.as_str()).await.unwrap();
    hosts::host_delete(&house.env, &local(), &found.id).await.unwrap();
    assert_eq!(browser.post_raw("/findings/defer", &form(&until)).await.status, StatusCode::FORBIDDEN, "no token");
    let made = browser.post("/findings/defer", &form(&until)).await;
    assert_eq!(made.status, StatusCode::SEE_OTHER, "{}", made.body);
    let at = made.header("location").to_owned();
    let page = browser.get(&at).await.body;
    assert!(
        page.contains("waits for a decision") && page.contains("the &#60;vendor&#62;") && page.contains("proxy"),
        "{page}"
    );
    let first = browser.get("/exceptions").await.body;
    assert!(first.contains("1 request waits for a decision") && first.contains(&at), "{first}");

    // One account alone may approve, and the page says so.
    let generation = hidden(&page, "generation");
    let empty =
        browser.post(&format!("{at}/decide"), &format!("generation={generation}&decision=approve&reason=")).await;
    assert_eq!(empty.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(empty.body.contains("Nothing was decided"));
    let done =
        browser.post(&format!("{at}/decide"), &format!("generation={generation}&decision=approve&reason=fine")).await;
    assert_eq!(done.status, StatusCode::SEE_OTHER, "{}", done.body);
    assert!(browser.get(&at).await.body.contains("this installation has one account only"));
    let tab = browser.get(&format!("/hosts/{host}?tab=findings")).await.body;
    assert!(tab.contains("excepted until") && tab.contains("approved by admin"), "{tab}");
    let findings = browser.get("/findings").await.body;
    assert!(findings.contains("excepted for a time") && findings.contains("/findings?q=is:excepted"), "{findings}");
    assert!(browser.get("/exceptions?format=csv").await.body.contains(",approved,"));
    let audit = browser.get("/settings?tab=audit&format=csv").await.body;
    assert!(audit.contains("exception.request openssl") && audit.contains("exception.approve openssl"), "{audit}");
}

#[tokio::test]
async fn findings_are_said_to_be_not_affected_and_come_back() {
    let house = House::new().await;
    house.host("web-01").await;
    let browser = house.sign_in().await;
    let counted = browser.get("/findings/not-affected?q=source:openssl").await.body;
    assert!(counted.contains("not affected</h1>") && counted.contains("vulnerable_code_not_present"), "{counted}");
    let digest = hidden(&counted, "digest");
    let form = |why: &str| {
        format!("q=source%3Aopenssl&justification={why}&reason=built+without&until=2027-05-01&digest={digest}")
    };
    let none = browser.post("/findings/not-affected", &form("")).await;
    assert_eq!(none.status, StatusCode::UNPROCESSABLE_ENTITY);
    let said = browser.post("/findings/not-affected", &form("vulnerable_code_not_present")).await;
    assert_eq!(said.status, StatusCode::SEE_OTHER, "{}", said.body);
    let at = said.header("location").to_owned();
    let page = browser.get(&at).await.body;
    assert!(
        page.contains("built without") && page.contains("Vulnerable code not present")
            || page.contains("vulnerable code not present"),
        "{page}"
    );
    let findings = browser.get("/findings").await.body;
    assert!(findings.contains("set aside and not counted"), "{findings}");
    assert!(browser.get("/exceptions").await.body.contains(&at));
    let back = browser.post(&format!("{at}/withdraw"), "generation=1&reason=needed+again").await;
    assert_eq!(back.status, StatusCode::SEE_OTHER, "{}", back.body);
    assert!(!browser.get("/findings").await.body.contains("set aside and not counted"));
    assert!(browser.get(&at).await.body.contains("needed again"));
}

#[tokio::test]
async fn a_draft_is_asked_for_on_the_page_of_its_host() {
    let house = House::new().await;
    let text = "schema = 1\nname = \"site\"\nversion = \"1\"\nvalid_from = 2026-01-01\n[[constraints.rule]]\nname = \"billing-ssl\"\n\
                package = \"libssl3\"\nversions = \"< 3.0.2\"\nscheme = \"deb\"\nowner = \"A. Owner\"\nbecause = \"engine lost\"\n";
    let mut ctx = local();
    ctx.reason = Some("test".to_owned());
    policy::apply(&house.env, &ctx, text).await.unwrap();
    let mut facts = facts("web-01");
    facts.transaction = Some(Transaction {
        steps: vec![TransactionStep {
            name: "libssl3".to_owned(),
            from: Some("3.0.1-1".to_owned()),
            to: Some("3.0.18-1~deb12u2".to_owned()),
            ..TransactionStep::default()
        }],
        simulated: "apt-get -s dist-upgrade".to_owned(),
        ..Transaction::default()
    });
    let id = hosts::host_report(&house.env, &local(), facts).await.unwrap();
    let browser = house.sign_in().await;
    let page = browser.get(&format!("/hosts/{id}?tab=available")).await.body;
    assert!(page.contains("Ask for it") && page.contains("action=\"/exceptions\""), "{page}");
    let draft = hidden(&page, "draft");
    let form = format!("draft={draft}&reason=billing+needs+it&until=2026-11-25");
    let made = browser.post("/exceptions", &form).await;
    assert_eq!(made.status, StatusCode::SEE_OTHER, "{}", made.body);
    let after = browser.get(&format!("/hosts/{id}?tab=available")).await.body;
    assert!(after.contains("asked for") && !after.contains("action=\"/exceptions\""), "one request is enough: {after}");
    assert!(browser.get(made.header("location")).await.body.contains("libssl3 on web-01"));
}
