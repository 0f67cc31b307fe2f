//! Links, passwords, sessions.

use axum::body::Body;
use axum::http::{Method, StatusCode, header};
use patchwright_web::{WebOptions, link_path};

use crate::house::{House, form_request, request};

#[tokio::test]
async fn nobody_signed_in_is_led_to_the_form_and_back() {
    let house = House::new().await;
    let answer = house.get("/hosts?q=package:openssl").await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
    assert_eq!(answer.header("location"), "/sign-in?next=%2Fhosts%3Fq%3Dpackage:openssl");
    let form = house.get(answer.header("location")).await;
    assert!(form.body.contains("name=\"next\" value=\"/hosts?q=package:openssl\""), "{}", form.body);
    // A link that leads elsewhere is not kept.
    let form = house.get("/sign-in?next=https://evil.example/").await;
    assert!(!form.body.contains("evil"), "{}", form.body);
    assert_eq!(house.get("/events").await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(house.get("/ui/_/search?q=a").await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_link_is_not_used_up_by_looking_and_works_once() {
    let house = House::new().await;
    let secret = house.link().await;
    for _ in 0..3 {
        let page = house.get(&link_path(&secret)).await;
        assert_eq!(page.status, StatusCode::OK);
        assert_eq!(page.header("referrer-policy"), "strict-origin");
        assert_eq!(page.header("cache-control"), "no-store");
        assert!(page.headers.get(header::SET_COOKIE).is_none());
    }
    let first = house.post("/sign-in/link", &format!("secret={secret}")).await;
    assert_eq!(first.status, StatusCode::SEE_OTHER);
    let cookie = first.header("set-cookie").to_owned();
    for part in ["pw=", "HttpOnly", "SameSite=Lax", "Path=/"] {
        assert!(cookie.contains(part), "{cookie}");
    }
    let second = house.post("/sign-in/link", &format!("secret={secret}")).await;
    assert_eq!(second.status, StatusCode::UNAUTHORIZED);
    assert!(second.headers.get(header::SET_COOKIE).is_none());
    assert!(second.body.contains("used already or has expired"), "{}", second.body);
}

#[tokio::test]
async fn over_https_the_cookie_is_bound_to_the_host() {
    let house =
        House::with(WebOptions { public_origin: "https://patch.example.org".to_owned(), secure_cookies: true }).await;
    let secret = house.link().await;
    let answer = house
        .send(
            request(Method::POST, "/sign-in/link")
                .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
                .header(header::ORIGIN, "https://patch.example.org")
                .body(Body::from(format!("secret={secret}")))
                .unwrap(),
        )
        .await;
    let cookie = answer.header("set-cookie");
    assert!(cookie.starts_with("__Host-pw=") && cookie.contains("; Secure") && !cookie.contains("Domain"), "{cookie}");
}

#[tokio::test]
async fn a_password_is_set_and_signs_in_and_a_wrong_one_tells_nothing() {
    let house = House::new().await;
    let browser = house.sign_in().await;
    assert!(browser.get("/").await.body.contains("no password yet"));
    let refused = browser.post("/settings/password", "new=short&again=short").await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    let differ = browser.post("/settings/password", "new=correct+horse+battery&again=correct+horse+batterz").await;
    assert_eq!(differ.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(differ.body.contains("differ"));
    let saved = browser.post("/settings/password", "new=correct+horse+battery&again=correct+horse+battery").await;
    assert_eq!((saved.status, saved.header("location")), (StatusCode::SEE_OTHER, "/settings?saved=password"));

    let wrong = house.post("/sign-in", "name=admin&password=wrong+horse+battery&next=%2Fhosts").await;
    let nobody = house.post("/sign-in", "name=nobody&password=wrong+horse+battery&next=%2Fhosts").await;
    assert_eq!((wrong.status, nobody.status), (StatusCode::UNAUTHORIZED, StatusCode::UNAUTHORIZED));
    assert_eq!(wrong.body, nobody.body);
    let right = house.post("/sign-in", "name=admin&password=correct+horse+battery&next=%2Fhosts").await;
    assert_eq!((right.status, right.header("location")), (StatusCode::SEE_OTHER, "/hosts"));
    let elsewhere = house.post("/sign-in", "name=admin&password=correct+horse+battery&next=%2F%2Fevil.example").await;
    assert_eq!(elsewhere.header("location"), "/");
}

#[tokio::test]
async fn guessing_is_stopped() {
    let house = House::new().await;
    let mut last = None;
    for _ in 0..12 {
        last = Some(house.post("/sign-in", "name=admin&password=guess+guess+guess").await);
    }
    let last = last.unwrap();
    assert_eq!(last.status, StatusCode::TOO_MANY_REQUESTS);
    assert!(last.header("retry-after").parse::<u64>().unwrap() > 0);
}

#[tokio::test]
async fn signing_out_ends_the_session_on_the_server() {
    let house = House::new().await;
    let browser = house.sign_in().await;
    assert_eq!(browser.get("/hosts").await.status, StatusCode::OK);
    let out = browser.post("/sign-out", "").await;
    assert_eq!((out.status, out.header("location")), (StatusCode::SEE_OTHER, "/sign-in"));
    assert!(out.header("set-cookie").contains("Max-Age=0"));
    // The old cookie, kept by a thief, is worth nothing.
    assert_eq!(browser.get("/hosts").await.status, StatusCode::SEE_OTHER);
    assert_eq!(house.api(Method::GET, "/api/v1/whoami", "nonsense", None).await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn one_sessions_form_token_does_not_fit_another_session() {
    let house = House::new().await;
    let (one, two) = (house.sign_in().await, house.sign_in().await);
    assert_ne!(one.csrf, two.csrf);
    let crossed = one.post_raw("/theme", &format!("csrf={}&theme=dark&next=/", two.csrf)).await;
    assert_eq!(crossed.status, StatusCode::FORBIDDEN);
    let own = one.post("/theme", "theme=dark&next=%2Fhosts").await;
    assert_eq!((own.status, own.header("location")), (StatusCode::SEE_OTHER, "/hosts"));
    assert!(own.header("set-cookie").starts_with("pw-theme=dark;"));
    let request = request(Method::GET, "/hosts")
        .header(header::COOKIE, format!("{}; pw-theme=dark", one.cookie))
        .body(Body::empty())
        .unwrap();
    assert!(house.send(request).await.body.contains("data-theme=\"dark\""));
    let bare = form_request("/theme").body(Body::from("theme=dark")).unwrap();
    assert_eq!(house.send(bare).await.status, StatusCode::SEE_OTHER);
}
