//! Headers, cross-site requests, limits, and what is refused.

use axum::body::Body;
use axum::http::{Method, StatusCode, header};

use crate::house::{House, ORIGIN, form_request, request};

const PAGES: [&str; 13] = [
    "/",
    "/hosts",
    "/advisories",
    "/advisories/CVE-2024-0001",
    "/data",
    "/search?q=a",
    "/settings",
    "/settings?tab=tokens",
    "/settings?tab=policy",
    "/settings?tab=audit",
    "/settings?tab=audit&verify=yes",
    "/api",
    "/problems/conflict",
];

#[tokio::test]
async fn every_answer_carries_the_security_headers() {
    let house = House::new().await;
    house.host("web-01").await;
    let browser = house.sign_in().await;
    let open = [
        "/sign-in",
        "/healthz",
        "/readyz",
        "/assets/icon.svg",
        "/api/v1/openapi.json",
        "/api/v1/hosts",
        "/nowhere",
        "/api/v1/nowhere",
        "/assets/none",
    ];
    let mut ids = std::collections::BTreeSet::new();
    for path in PAGES.iter().chain(&open) {
        let answer = browser.get(path).await;
        let policy = answer.header("content-security-policy");
        assert!(
            policy.contains("default-src 'none'")
                && policy.contains("frame-ancestors 'none'")
                && !policy.contains("unsafe"),
            "{path}: {policy}"
        );
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(answer.header("referrer-policy"), "same-origin", "{path}");
        assert_eq!(answer.header("x-frame-options"), "DENY", "{path}");
        assert!(ids.insert(answer.header("x-request-id").to_owned()), "{path}: a request id was used twice");
        assert!(!answer.header("cache-control").is_empty(), "{path}");
    }
    for path in PAGES {
        let answer = browser.get(path).await;
        assert_eq!(answer.status, StatusCode::OK, "{path}: {}", answer.body);
        assert_eq!(answer.header("cache-control"), "no-store", "{path}");
    }
}

#[tokio::test]
async fn a_form_without_its_token_or_from_elsewhere_is_refused() {
    let house = House::new().await;
    let browser = house.sign_in().await;
    let without = browser.post_raw("/settings/tokens", "name=x&days=1&scope=read").await;
    assert_eq!(without.status, StatusCode::FORBIDDEN);
    assert!(without.body.contains("cross_site") && without.body.contains("request req_"), "{}", without.body);
    for (name, value) in [
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-site", "same-site"),
        ("origin", "https://evil.example"),
        ("origin", "null"),
    ] {
        let mut request = form_request("/settings/tokens").header(header::COOKIE, &browser.cookie);
        request.headers_mut().unwrap().insert(name, value.parse().unwrap());
        let answer = house
            .send(request.body(Body::from(format!("csrf={}&name=x&days=1&scope=read", browser.csrf))).unwrap())
            .await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{name}: {value}");
    }
    // Signing somebody in under another's account needs our own page as well.
    let secret = house.link().await;
    let mut foreign = form_request("/sign-in/link");
    foreign.headers_mut().unwrap().insert("origin", "https://evil.example".parse().unwrap());
    assert_eq!(
        house.send(foreign.body(Body::from(format!("secret={secret}"))).unwrap()).await.status,
        StatusCode::FORBIDDEN
    );
    // The API by cookie needs the token in a header.
    let request = request(Method::DELETE, "/api/v1/tokens/tok_x")
        .header(header::COOKIE, &browser.cookie)
        .header(header::ORIGIN, ORIGIN);
    let answer = house.send(request.body(Body::empty()).unwrap()).await;
    assert_eq!((answer.status, answer.json()["code"].as_str()), (StatusCode::FORBIDDEN, Some("cross_site")));
    assert!(browser.get("/settings?tab=tokens").await.body.contains("No token exists"));
}

#[tokio::test]
async fn what_does_not_exist_is_told_in_the_callers_form() {
    let house = House::new().await;
    let browser = house.sign_in().await;
    let page = browser.get("/nowhere").await;
    assert_eq!(page.status, StatusCode::NOT_FOUND);
    assert!(
        page.body.contains("<h1>There is no such thing</h1>") && page.header("content-type").starts_with("text/html"),
        "{}",
        page.body
    );
    let host = browser.get("/hosts/hst_00").await;
    assert_eq!(host.status, StatusCode::NOT_FOUND);
    // A signed-in reader keeps the navigation on an error page; a stranger sees none.
    assert!(host.body.contains("aria-label=\"Main\""), "{}", host.body);
    assert!(!house.get("/nowhere").await.body.contains("aria-label=\"Main\""));
    let problem = house.get("/api/v1/nowhere").await;
    assert_eq!((problem.status, problem.header("content-type")), (StatusCode::NOT_FOUND, "application/problem+json"));
    assert_eq!(problem.json()["request_id"].as_str().unwrap(), problem.header("x-request-id"));
    let method = house.send(request(Method::PATCH, "/hosts").body(Body::empty()).unwrap()).await;
    assert_eq!(method.status, StatusCode::METHOD_NOT_ALLOWED);
    assert!(method.header("allow").contains("GET") && method.body.contains("method_not_allowed"), "{}", method.body);
    assert!(house.get("/problems/nonsense").await.status == StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn hostile_addresses_are_text() {
    let house = House::new().await;
    let browser = house.sign_in().await;
    for path in [
        "/hosts/%3Cscript%3Ealert(1)%3C%2Fscript%3E",
        "/advisories/%3Cscript%3Ealert(1)%3C%2Fscript%3E",
        "/search?q=%3Cscript%3Ealert(1)%3C%2Fscript%3E",
        "/hosts?q=%22%3E%3Cscript%3Ealert(1)%3C%2Fscript%3E",
        "/hosts?sort=%3Cscript%3E",
        "/data?feed=%3Cscript%3Ealert(1)%3C%2Fscript%3E",
        "/sign-in?next=%2F%22%3E%3Cscript%3E",
        "/sign-in/link/%3Cscript%3Ealert(1)",
        "/ui/_/search?q=%3Cscript%3E",
    ] {
        let answer = browser.get(path).await;
        assert!(!answer.body.contains("<script>"), "{path}: {}", answer.body);
        assert!(answer.status.as_u16() < 500, "{path}: {}", answer.status);
    }
}

#[tokio::test]
async fn large_bodies_and_wrong_types_are_refused() {
    let house = House::new().await;
    let browser = house.sign_in().await;
    let large = browser.post("/theme", &format!("next={}", "x".repeat(1 << 20))).await;
    assert_eq!(large.status, StatusCode::PAYLOAD_TOO_LARGE);
    let typed = request(Method::POST, "/theme")
        .header(header::COOKIE, &browser.cookie)
        .header(header::CONTENT_TYPE, "text/plain");
    let typed = house.send(typed.body(Body::from(format!("csrf={}", browser.csrf))).unwrap()).await;
    assert_eq!(typed.status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
}

#[tokio::test]
async fn assets_may_be_kept_for_they_carry_their_hash() {
    let house = House::new().await;
    let page = house.get("/sign-in").await.body;
    for mark in ["href=\"/assets/app-", "src=\"/assets/app-"] {
        let path = page.split(mark).nth(1).unwrap().split('"').next().unwrap();
        let path = format!("/assets/app-{path}");
        let asset = house.get(&path).await;
        assert_eq!(asset.status, StatusCode::OK, "{path}");
        assert!(asset.header("cache-control").contains("immutable"));
    }
}
