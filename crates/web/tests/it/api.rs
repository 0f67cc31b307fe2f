//! The REST API: who may, tags, problems.

use axum::body::Body;
use axum::http::{Method, StatusCode, header};

use crate::house::{House, facts, request};

#[tokio::test]
async fn without_a_token_every_endpoint_is_401_and_none_is_404_or_405() {
    let house = House::new().await;
    let document = house.get("/api/v1/openapi.json").await.json();
    let mut seen = 0;
    for (path, item) in document["paths"].as_object().unwrap() {
        for method in item.as_object().unwrap().keys() {
            let method: Method = method.to_uppercase().parse().unwrap();
            let path = path.replace("{id}", "hst_0000");
            let answer = house.send(request(method.clone(), &path).body(Body::empty()).unwrap()).await;
            assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{method} {path}: {}", answer.body);
            assert_eq!(answer.header("www-authenticate"), "Bearer");
            let problem = answer.json();
            assert_eq!(problem["code"], "unauthenticated");
            assert_eq!(problem["type"], "/problems/unauthenticated");
            assert_eq!(problem["status"], 401);
            seen += 1;
        }
    }
    assert_eq!(seen, 38);
}

#[tokio::test]
async fn a_token_reaches_as_far_as_its_scopes() {
    let house = House::new().await;
    let id = house.host("web-01").await;
    let read = house.token(&["read"]).await;
    for path in [
        "/api/v1/hosts",
        "/api/v1/advisories",
        "/api/v1/patches/today",
        "/api/v1/feeds",
        "/api/v1/policy",
        "/api/v1/whoami",
        &format!("/api/v1/hosts/{id}"),
    ] {
        let answer = house.api(Method::GET, path, &read, None).await;
        assert_eq!(answer.status, StatusCode::OK, "{path}: {}", answer.body);
    }
    let body = serde_json::to_string(&facts("web-02")).unwrap();
    let refused = house.api(Method::POST, "/api/v1/hosts/facts", &read, Some(&body)).await;
    assert_eq!(
        (refused.status, refused.json()["code"].as_str()),
        (StatusCode::FORBIDDEN, Some("forbidden")),
        "{}",
        refused.body
    );
    assert_eq!(house.api(Method::GET, "/api/v1/audit", &read, None).await.status, StatusCode::FORBIDDEN);
    assert_eq!(
        house.api(Method::DELETE, &format!("/api/v1/hosts/{id}"), &read, None).await.status,
        StatusCode::FORBIDDEN
    );

    let write = house.token(&["read", "inventory:write"]).await;
    let taken = house.api(Method::POST, "/api/v1/hosts/facts", &write, Some(&body)).await;
    assert_eq!(taken.status, StatusCode::OK, "{}", taken.body);
    let first = taken.json()["id"].as_str().unwrap().to_owned();
    // The same facts again: the same host.
    let again = house.api(Method::POST, "/api/v1/hosts/facts", &write, Some(&body)).await;
    assert_eq!(again.json()["id"], first.as_str());
    let list = house.api(Method::GET, "/api/v1/hosts?limit=1", &write, None).await.json();
    assert_eq!((list["total"].as_u64(), list["items"].as_array().unwrap().len()), (Some(2), 1));
    let next = list["next"].as_str().unwrap();
    let rest = house.api(Method::GET, &format!("/api/v1/hosts?limit=1&after={next}"), &write, None).await.json();
    assert_ne!(rest["items"][0]["id"], list["items"][0]["id"]);
    assert!(rest["next"].is_null());
}

#[tokio::test]
async fn a_change_needs_the_version_it_was_made_from() {
    let house = House::new().await;
    let id = house.host("web-01").await;
    let token = house.token(&["read", "inventory:write"]).await;
    let path = format!("/api/v1/hosts/{id}/profile");
    let put = |tag: Option<String>, body: &str| {
        let mut request = request(Method::PUT, &path)
            .header(header::AUTHORIZATION, format!("Bearer {token}"))
            .header(header::CONTENT_TYPE, "application/json");
        if let Some(tag) = tag {
            request = request.header(header::IF_MATCH, tag);
        }
        request.body(Body::from(body.to_owned())).unwrap()
    };
    let host = house.api(Method::GET, &format!("/api/v1/hosts/{id}"), &token, None).await;
    let generation = host.json()["generation"].as_i64().unwrap();
    let body = r#"{"tier":"T1","exposure":"internal"}"#;
    assert_eq!(house.send(put(None, body)).await.status, StatusCode::PRECONDITION_REQUIRED);
    assert_eq!(house.send(put(Some("\"other\"".to_owned()), body)).await.status, StatusCode::PRECONDITION_FAILED);
    let wrong = house.send(put(Some(format!("\"g{generation}\"")), r#"{"tier":"T9"}"#)).await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", wrong.body);
    let unknown = house.send(put(Some(format!("\"g{generation}\"")), r#"{"teir":"T1"}"#)).await;
    assert_eq!((unknown.status, unknown.json()["code"].as_str()), (StatusCode::BAD_REQUEST, Some("bad_request")));
    // A filter with a typing mistake would give everything.
    let asked = house.api(Method::GET, "/api/v1/findings?query=is:kev", &token, None).await;
    assert_eq!(asked.status, StatusCode::BAD_REQUEST, "{}", asked.body);
    assert!(asked.body.contains("no parameter `query`; it has q, group, after"), "{}", asked.body);
    let saved = house.send(put(Some(format!("\"g{generation}\"")), body)).await;
    assert_eq!(saved.status, StatusCode::NO_CONTENT, "{}", saved.body);
    assert_ne!(saved.header("etag"), format!("\"g{generation}\""));
    // Made from the old version: refused, and nothing is overwritten.
    let late = house.send(put(Some(format!("\"g{generation}\"")), r#"{"tier":"T4"}"#)).await;
    assert_eq!(
        (late.status, late.json()["code"].as_str()),
        (StatusCode::PRECONDITION_FAILED, Some("precondition_failed")),
        "{}",
        late.body
    );
    let now = house.api(Method::GET, &format!("/api/v1/hosts/{id}"), &token, None).await.json();
    assert_eq!(now["row"]["tier"], "T1");
}

#[tokio::test]
async fn an_answer_that_is_held_already_is_not_sent_again() {
    let house = House::new().await;
    house.host("web-01").await;
    let token = house.token(&["read"]).await;
    let first = house.api(Method::GET, "/api/v1/hosts", &token, None).await;
    let request = request(Method::GET, "/api/v1/hosts")
        .header(header::AUTHORIZATION, format!("Bearer {token}"))
        .header(header::IF_NONE_MATCH, first.header("etag"));
    let second = house.send(request.body(Body::empty()).unwrap()).await;
    assert_eq!((second.status, second.body.as_str()), (StatusCode::NOT_MODIFIED, ""));
}

#[tokio::test]
async fn wrong_bodies_are_told_by_line_and_column() {
    let house = House::new().await;
    let token = house.token(&["inventory:write"]).await;
    let broken =
        house.api(Method::POST, "/api/v1/hosts/facts", &token, Some("{\"schema\": 1,\n \"hostname\": }")).await;
    assert_eq!(broken.status, StatusCode::BAD_REQUEST);
    assert!(broken.json()["detail"].as_str().unwrap().contains("line 2"), "{}", broken.body);
    let deep = format!("{}{}", "[".repeat(200_000), "]".repeat(200_000));
    assert_eq!(
        house.api(Method::POST, "/api/v1/hosts/facts", &token, Some(&deep)).await.status,
        StatusCode::BAD_REQUEST
    );
    let nameless = house.api(Method::POST, "/api/v1/hosts/facts", &token, Some("{\"schema\":1}")).await;
    assert_eq!(nameless.status, StatusCode::UNPROCESSABLE_ENTITY);
    // Facts may be larger than other bodies.
    let mut large = facts("large");
    large.units = vec![patchwright_domain::inventory::Unit { name: "x".repeat(3 << 20), ..Default::default() }];
    let taken =
        house.api(Method::POST, "/api/v1/hosts/facts", &token, Some(&serde_json::to_string(&large).unwrap())).await;
    assert_eq!(taken.status, StatusCode::OK, "{}", taken.body);
    let other = house.api(Method::POST, "/api/v1/tokens", &token, Some(&format!("\"{}\"", "x".repeat(2 << 20)))).await;
    assert_eq!(other.status, StatusCode::PAYLOAD_TOO_LARGE);
}

#[tokio::test]
async fn a_request_with_a_bad_token_does_not_fall_back_to_a_cookie() {
    let house = House::new().await;
    let browser = house.sign_in().await;
    let request = request(Method::GET, "/api/v1/hosts")
        .header(header::COOKIE, &browser.cookie)
        .header(header::AUTHORIZATION, "Bearer pwt_wrong");
    assert_eq!(house.send(request.body(Body::empty()).unwrap()).await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(browser.get("/api/v1/hosts").await.status, StatusCode::OK);
}

/// An empty list would read as good news, and a whole one as the answer.
#[tokio::test]
async fn filters_that_nothing_can_pass_are_refused_with_the_words_that_can() {
    let house = House::new().await;
    house.host("web-01").await;
    let token = house.token(&["read"]).await;
    let browser = house.sign_in().await;
    for (list, filter, word) in [
        ("hosts", "tier=T9", "T1, T2, T3, T4"),
        ("hosts", "reboot=maybe", "yes, no, unknown"),
        ("hosts", "os=zzz", "Debian:12"),
        ("hosts", "os=zzz", "extended_only"),
        ("hosts", "urgency=zz", "emergency, critical"),
        ("hosts", "q=is:foo", "is:kev"),
        ("advisories", "urgency=zz", "emergency, critical"),
        ("advisories", "urgency=HIGH", "high"),
        ("advisories", "kev=perhaps", "yes"),
        ("exceptions", "q=is:foo", "is:ending"),
    ] {
        let api = house.api(Method::GET, &format!("/api/v1/{list}?{filter}"), &token, None).await;
        assert_eq!(api.status, StatusCode::UNPROCESSABLE_ENTITY, "{list}?{filter}: {}", api.body);
        assert_eq!(api.json()["code"], "filter_unknown", "{list}?{filter}");
        assert!(api.body.contains(word), "{list}?{filter}: {}", api.body);
        let page = browser.get(&format!("/{list}?{filter}")).await;
        assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY, "{list}?{filter}");
    }
    for (list, filter, rows) in [
        ("hosts", "tier=&reboot=&os=&urgency=&q=", 1),
        ("hosts", "os=debian:12", 1),
        ("hosts", "os=extended_only", 0),
        ("hosts", "urgency=Low", 1),
        ("hosts", "tier=t1", 0),
        ("advisories", "kev=&urgency=&limit=1", 1),
    ] {
        let api = house.api(Method::GET, &format!("/api/v1/{list}?{filter}"), &token, None).await;
        assert_eq!(api.status, StatusCode::OK, "{list}?{filter}: {}", api.body);
        assert_eq!(api.json()["items"].as_array().unwrap().len(), rows, "{list}?{filter}: {}", api.body);
    }
    let states = async |state: &str| {
        let api = house.api(Method::GET, &format!("/api/v1/hosts?q=is:{state}"), &token, None).await;
        assert_eq!(api.status, StatusCode::OK, "{state}: {}", api.body);
        api.json()
    };
    assert_eq!(states("kev").await["total"], states("exploited").await["total"], "one is the older word for the other");
    let ending = house.api(Method::GET, "/api/v1/exceptions?q=is:ending", &token, None).await;
    assert_eq!(ending.status, StatusCode::OK, "{}", ending.body);
    let both = house.api(Method::GET, "/api/v1/exceptions?q=is:ending&state=refused", &token, None).await;
    assert_eq!(both.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", both.body);
}

#[tokio::test]
async fn the_audit_is_walked_through_by_the_cursor_of_other_lists() {
    let house = House::new().await;
    house.host("web-01").await;
    house.host("web-02").await;
    let browser = house.sign_in().await;
    let page = async |query: &str| browser.get(&format!("/api/v1/audit?{query}")).await;
    let first = page("limit=1").await.json();
    let next = first["next"].as_str().unwrap();
    let second = page(&format!("limit=1&after={next}")).await.json();
    assert_eq!(second, page(&format!("limit=1&before={next}")).await.json());
    assert_ne!(first["items"], second["items"]);
    for bad in ["after=x", "after=2&before=2", "after="] {
        let answer = page(bad).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{bad}: {}", answer.body);
        assert_eq!(answer.json()["code"], "cursor");
    }
}
