//! What the API promises of every record and every list: the tag of a GET is what its change takes, lists come in pages, and what
//! the caller may not know of is not there.

use axum::body::Body;
use axum::http::{Method, StatusCode, header};
use patchwright_app::{Ctx, auth, hosts};
use patchwright_domain::access::{Actor, Person, Role, Scope, Standing};
use patchwright_domain::ids::HostId;

use crate::exceptions::{account, ask};
use crate::house::{Answer, House, local, request};
use crate::sources::report;
use crate::vex_documents::{import, openvex, some_vuln};

async fn put(house: &House, token: &str, path: &str, tag: &str, body: &str) -> Answer {
    let put = request(Method::PUT, path)
        .header(header::AUTHORIZATION, format!("Bearer {token}"))
        .header(header::CONTENT_TYPE, "application/json")
        .header(header::IF_MATCH, tag);
    house.send(put.body(Body::from(body.to_owned())).unwrap()).await
}

/// A token of somebody who has only these environments.
async fn token_of(house: &House, name: &str, scope: Scope, scopes: &[&str]) -> String {
    let id = auth::account_add(&house.env, &local(), name, Role::Operator, scope.clone()).await.unwrap();
    let person = Person { id, name: name.to_owned(), role: Role::Operator, scope, standing: Standing::Active };
    let wish = patchwright_protocol::auth::TokenRequest {
        name: "test".to_owned(),
        scopes: scopes.iter().map(|s| (*s).to_owned()).collect(),
        days: 30,
    };
    let ctx = Ctx { actor: Actor::User(person), ..local() };
    auth::token_create(&house.env, &ctx, wish).await.unwrap().secret
}

async fn host_in(house: &House, name: &str, environment: &str) -> HostId {
    let id = house.host(name).await;
    let host = hosts::find_host(&house.env, &local(), name).await.unwrap();
    let profile = hosts::profile_parse(&format!("environment={environment}"), host.profile).unwrap();
    hosts::profile_save(&house.env, &local(), &id, profile, host.generation.0).await.unwrap();
    id
}

#[tokio::test]
async fn the_tag_of_every_record_is_what_its_change_takes() {
    let house = House::new().await;
    report(&house, "web-01", "AA").await;
    let admin = house.token(&["admin"]).await;
    let operator = account(&house, "olaf", Role::Operator).await;
    let host = hosts::find_host(&house.env, &local(), "web-01").await.unwrap().id;
    let made = ask(&house, &operator, "source:openssl").await;
    let exception = made.json()["row"]["id"].as_str().unwrap().to_owned();
    let vuln = some_vuln(&house, &admin).await;
    let document = import(&house, &admin, "name=v.json&reason=x", &openvex(1, &vuln, "not_affected")).await;
    let document_id = document.json()["row"]["id"].as_str().unwrap().to_owned();
    let source = house.api(Method::GET, "/api/v1/sources", &admin, None).await.json()["items"][0]["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let body = r#"{"q":"source:openssl","justification":"vulnerable_code_not_present","reason":"built without","review_by":"2027-05-01"}"#;
    let said = house.api(Method::POST, "/api/v1/vex", &admin, Some(body)).await;
    assert_eq!(said.status, StatusCode::OK, "{}", said.body);
    let statement = said.json()["row"]["id"].as_str().unwrap().to_owned();
    for (record, change, body, what) in [
        (format!("/api/v1/hosts/{host}"), "profile", r#"{"tier":"T1"}"#, "host"),
        (
            format!("/api/v1/exceptions/{exception}"),
            "decision",
            r#"{"decision":"refuse","reason":"fix it now"}"#,
            "exception",
        ),
        (format!("/api/v1/vex/{statement}"), "withdrawal", r#"{"reason":"wrong"}"#, "statement"),
        (format!("/api/v1/vex/documents/{document_id}"), "withdrawal", r#"{"reason":"wrong"}"#, "document"),
        (format!("/api/v1/sources/{source}"), "assessment", r#"{"decision":"refuse","reason":"not needed"}"#, "source"),
    ] {
        let seen = house.api(Method::GET, &record, &admin, None).await;
        assert_eq!(seen.status, StatusCode::OK, "{record}: {}", seen.body);
        let tag = seen.header("etag").to_owned();
        let path = format!("{record}/{change}");
        let odd = put(&house, &admin, &path, "\"0123abcd\"", body).await;
        assert_eq!((odd.status, odd.json()["code"].as_str()), (StatusCode::PRECONDITION_FAILED, Some("if_match")));
        assert!(odd.body.contains(&format!("not a tag of this {what}")), "{}", odd.body);
        assert!(!odd.body.contains("Somebody"), "nobody was faster: {}", odd.body);
        let done = put(&house, &admin, &path, &tag, body).await;
        assert!(done.status.is_success(), "{path} with {tag}: {} {}", done.status, done.body);
        let after = house.api(Method::GET, &record, &admin, None).await;
        assert_ne!(after.header("etag"), tag, "{record}");
        if !done.body.is_empty() {
            assert_eq!(after.header("etag"), done.header("etag"), "{path}: the answer of the change is the record");
        }
        let held = request(Method::GET, &record)
            .header(header::AUTHORIZATION, format!("Bearer {admin}"))
            .header(header::IF_NONE_MATCH, after.header("etag"));
        let held = house.send(held.body(Body::empty()).unwrap()).await;
        assert_eq!(held.status, StatusCode::NOT_MODIFIED, "{record}");
    }
}

#[tokio::test]
async fn a_change_that_was_made_is_not_answered_with_a_refusal() {
    let house = House::new().await;
    let id = house.host("web-01").await;
    let write = house.token(&["inventory:write"]).await;
    let path = format!("/api/v1/hosts/{id}/profile");
    let done = put(&house, &write, &path, "\"g1\"", r#"{"tier":"T1"}"#).await;
    assert_eq!((done.status, done.header("etag")), (StatusCode::NO_CONTENT, "\"g2\""), "{}", done.body);
    let next = put(&house, &write, &path, done.header("etag"), r#"{"tier":"T2"}"#).await;
    assert_eq!(next.status, StatusCode::NO_CONTENT, "{}", next.body);
}

#[tokio::test]
async fn a_host_of_another_environment_is_not_there_for_reading_nor_for_changing() {
    let house = House::new().await;
    let (own, other) = (host_in(&house, "web-01", "production").await, host_in(&house, "web-02", "staging").await);
    let scope = Scope::environments(["production"]);
    let token = token_of(&house, "olaf", scope, &["read", "inventory:write"]).await;
    let nowhere = HostId::from_unique("404");
    let mut answers = Vec::new();
    for id in [&other, &nowhere] {
        let host = format!("/api/v1/hosts/{id}");
        for answer in [
            house.api(Method::GET, &host, &token, None).await,
            house.api(Method::DELETE, &host, &token, None).await,
            put(&house, &token, &format!("{host}/profile"), "\"g2\"", r#"{"environment":"production"}"#).await,
        ] {
            assert_eq!(answer.status, StatusCode::NOT_FOUND, "{host}: {}", answer.body);
            assert!(!answer.body.contains("staging"), "{}", answer.body);
            answers.push(answer.json()["detail"].as_str().unwrap().replace(id.as_str(), "ID"));
        }
    }
    answers.dedup();
    assert_eq!(answers.len(), 1, "{answers:?}");
    assert!(hosts::find_host(&house.env, &local(), "web-02").await.is_ok(), "it is still there");
    // A change without an environment is not answered as if the host had none.
    let path = format!("/api/v1/hosts/{own}/profile");
    let bare = put(&house, &token, &path, "\"g2\"", r#"{"tier":"T1"}"#).await;
    assert_eq!(bare.status, StatusCode::FORBIDDEN, "{}", bare.body);
    assert!(bare.body.contains("the change names no environment") && !bare.body.contains("yet"), "{}", bare.body);
    let named = put(&house, &token, &path, "\"g2\"", r#"{"tier":"T1","environment":"production"}"#).await;
    assert_eq!(named.status, StatusCode::NO_CONTENT, "{}", named.body);
}

#[tokio::test]
async fn lists_that_grow_come_in_pages() {
    let house = House::new().await;
    report(&house, "web-01", "AA").await;
    report(&house, "web-02", "AA").await;
    let admin = house.token(&["admin"]).await;
    house.token(&["read"]).await;
    let operator = account(&house, "olaf", Role::Operator).await;
    let vuln = some_vuln(&house, &admin).await;
    for (no, host) in ["web-01", "web-02"].iter().enumerate() {
        let made = ask(&house, &operator, &format!("host:{host}")).await;
        assert_eq!(made.status, StatusCode::OK, "{}", made.body);
        let body = format!(
            r#"{{"q":"host:{host} {vuln}","justification":"vulnerable_code_not_present","reason":"x","review_by":"2027-05-01"}}"#
        );
        let said = house.api(Method::POST, "/api/v1/vex", &admin, Some(&body)).await;
        assert_eq!(said.status, StatusCode::OK, "{}", said.body);
        let document = openvex(1, &vuln, "affected").replace("example.com/1", &format!("example.com/{no}"));
        let kept = import(&house, &admin, "reason=x", &document).await;
        assert_eq!(kept.status, StatusCode::OK, "{}", kept.body);
    }
    for list in
        ["/api/v1/exceptions", "/api/v1/vex", "/api/v1/vex/documents", "/api/v1/tokens", "/api/v1/sources/divergence"]
    {
        let first = house.api(Method::GET, &format!("{list}?limit=1"), &admin, None).await.json();
        assert_eq!((&first["total"], first["items"].as_array().map(Vec::len)), (&2.into(), Some(1)), "{list}: {first}");
        let next = first["next"].as_str().unwrap();
        let rest = house.api(Method::GET, &format!("{list}?limit=1&after={next}"), &admin, None).await.json();
        assert!(rest["next"].is_null() && rest["items"][0] != first["items"][0], "{list}: {rest}");
        let bad = house.api(Method::GET, &format!("{list}?after=x"), &admin, None).await;
        assert_eq!((bad.status.as_u16(), bad.json()["code"].as_str()), (422, Some("cursor")), "{list}");
    }
}
