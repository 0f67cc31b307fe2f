//! Links, passwords, sessions.

use axum::body::Body;
use axum::http::{Method, StatusCode, header};
use patchwright_app::{audit, auth};
use patchwright_web::{WebOptions, link_path};

use crate::house::{House, form_request, local, request};

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

#[tokio::test]
async fn a_change_of_password_needs_the_present_one_and_ends_the_other_sessions() {
    let house = House::new().await;
    let (first, other) = (house.sign_in().await, house.sign_in().await);
    let set = |current: &str, new: &str| {
        let new = new.replace(' ', "+");
        format!("current={}&new={new}&again={new}", current.replace(' ', "+"))
    };
    for guessed in ["aaaaaaaaaaaa", "password1234"] {
        let refused = first.post("/settings/password", &set("", guessed)).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{guessed}");
        assert!(refused.body.contains("guessed at once"), "{}", refused.body);
    }
    let saved = first.post("/settings/password", &set("", "correct horse battery")).await;
    assert_eq!(saved.status, StatusCode::SEE_OTHER);
    assert_eq!(other.get("/hosts").await.status, StatusCode::SEE_OTHER, "the other session has ended");
    assert_eq!(first.get("/hosts").await.status, StatusCode::SEE_OTHER, "the cookie is another one now");
    let mut browser = house.sign_in().await;
    saved.header("set-cookie").split(';').next().unwrap().clone_into(&mut browser.cookie);
    let page = browser.get("/settings?saved=password").await;
    assert!(page.body.contains("name=\"current\""), "{}", page.body);
    page.body.split("name=\"csrf\" value=\"").nth(1).unwrap().split('"').next().unwrap().clone_into(&mut browser.csrf);

    for wrong in ["", "wrong horse battery"] {
        let refused = browser.post("/settings/password", &set(wrong, "another horse battery")).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(refused.body.contains("present password is not right"), "{}", refused.body);
    }
    let right = browser.post("/settings/password", &set("correct horse battery", "another horse battery")).await;
    assert_eq!(right.status, StatusCode::SEE_OTHER, "{}", right.body);
    let old = house.post("/sign-in", "name=admin&password=correct+horse+battery").await;
    assert_eq!(old.status, StatusCode::UNAUTHORIZED);

    // Who has forgotten it comes in by a link that sets it aside.
    let secret = auth::link_issue(&house.env, &local(), "admin", auth::Reset::Everything).await.unwrap().secret;
    let answer = house.post("/sign-in/link", &format!("secret={secret}")).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
    let gone = house.post("/sign-in", "name=admin&password=another+horse+battery").await;
    assert_eq!(gone.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn refusals_lock_outs_and_sign_outs_are_on_record_and_a_stranger_locks_out_himself_only() {
    let house = House::new().await;
    let browser = house.sign_in().await;
    browser.post("/settings/password", "new=correct+horse+battery&again=correct+horse+battery").await;
    let from = |address: &str, password: &str| {
        let mut request = form_request("/sign-in").body(Body::from(format!("name=admin&password={password}"))).unwrap();
        let address: std::net::SocketAddr = address.parse().unwrap();
        request.extensions_mut().insert(axum::extract::ConnectInfo(address));
        request
    };
    for _ in 0..12 {
        house.send(from("192.0.2.66:1234", "guess+guess+guess")).await;
    }
    let locked = house.send(from("192.0.2.66:1235", "correct+horse+battery")).await;
    assert_eq!(locked.status, StatusCode::TOO_MANY_REQUESTS);
    let owner = house.send(from("192.0.2.1:1234", "correct+horse+battery")).await;
    assert_eq!(owner.status, StatusCode::SEE_OTHER, "the owner comes in from elsewhere");
    house.post("/sign-in", "name=my+secret+password&password=x").await;
    // A link works from the locked address too.
    let again = house.sign_in().await;
    again.post("/sign-out", "").await;

    let records = house.env.db().read().await.unwrap().audit_list_latest(None, 100).await.unwrap();
    let records: Vec<_> = records.iter().filter_map(|r| r.record()).collect();
    let count = |action: &str| records.iter().filter(|r| r.action == action).count();
    assert_eq!((count("session.refused"), count("session.locked"), count("session.end")), (9, 1, 1), "{records:#?}");
    let refused = records.iter().rfind(|r| r.action == "session.refused").unwrap();
    assert!(refused.detail.to_string().contains("192.0.2.66") && refused.object.starts_with("usr_"), "{refused:?}");
    assert!(!format!("{records:?}").contains("my secret"), "what was typed as a name is not kept");
    audit::verify(&house.env, &local()).await.unwrap();
}

#[tokio::test]
async fn a_token_knows_of_the_password_and_a_missing_scope_says_what_to_do() {
    let house = House::new().await;
    let token = house.token(&["read"]).await;
    let who = |answer: &crate::house::Answer| answer.json()["has_password"].as_bool().unwrap();
    assert!(!who(&house.api(Method::GET, "/api/v1/whoami", &token, None).await));
    let browser = house.sign_in().await;
    browser.post("/settings/password", "new=correct+horse+battery&again=correct+horse+battery").await;
    assert!(who(&house.api(Method::GET, "/api/v1/whoami", &token, None).await));
    let id = house.host("web-01").await;
    let refused = house.api(Method::DELETE, &format!("/api/v1/hosts/{id}"), &token, None).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    let hint = refused.json()["hint"].as_str().unwrap().to_owned();
    assert!(hint.contains("`inventory:write`") && !hint.contains("administrator"), "{hint}");
}
