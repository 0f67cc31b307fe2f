//! Pages over a real database, without JavaScript.

use axum::http::StatusCode;
use patchwright_app::fleet;
use patchwright_domain::inventory::Unseen;

use crate::house::{House, facts, local};

#[tokio::test]
async fn an_empty_installation_teaches_the_next_step() {
    let house = House::new().await;
    let browser = house.sign_in().await;
    assert!(browser.get("/").await.body.contains("patchwright up"));
    assert!(browser.get("/hosts").await.body.contains("No host is known yet"));
}

#[tokio::test]
async fn a_host_shows_on_its_pages_and_its_name_is_text() {
    let house = House::new().await;
    let id = house.host("<script>alert(1)</script>").await;
    let browser = house.sign_in().await;
    let list = browser.get("/hosts").await;
    assert!(
        list.body.contains("&#60;script&#62;alert(1)") || list.body.contains("&lt;script&gt;alert(1)"),
        "{}",
        list.body
    );
    for tab in ["available", "findings", "state", "packages", "history", "policy"] {
        let page = browser.get(&format!("/hosts/{id}?tab={tab}")).await;
        assert_eq!(page.status, StatusCode::OK, "{tab}: {}", page.body);
        assert!(page.body.contains("What is wrong with") && !page.body.contains("<script>"), "{tab}");
        assert!(page.body.contains("aria-current=\"page\""), "{tab}");
    }
    assert!(browser.get(&format!("/hosts/{id}?tab=packages")).await.body.contains("libssl3"));
}

#[tokio::test]
async fn tables_come_as_csv_too() {
    let house = House::new().await;
    let id = house.host("=cmd()").await;
    let browser = house.sign_in().await;
    for path in [
        "/?format=csv".to_owned(),
        "/hosts?format=csv".to_owned(),
        "/advisories?format=csv".to_owned(),
        "/data?format=csv".to_owned(),
        "/settings?tab=audit&format=csv".to_owned(),
        format!("/hosts/{id}?tab=available&format=csv"),
        format!("/hosts/{id}?tab=findings&format=csv"),
        format!("/hosts/{id}?tab=packages&format=csv"),
        format!("/hosts/{id}?tab=history&format=csv"),
    ] {
        let answer = browser.get(&path).await;
        assert_eq!(answer.status, StatusCode::OK, "{path}: {}", answer.body);
        assert!(answer.header("content-type").starts_with("text/csv"), "{path}");
        assert!(answer.header("content-disposition").contains(".csv\""), "{path}");
    }
    // A host's name is not a formula.
    let hosts = browser.get("/hosts?format=csv").await.body;
    assert!(hosts.contains("\"'=cmd()\""), "{hosts}");
}

#[tokio::test]
async fn the_profile_form_saves_once_and_a_stale_one_is_told() {
    let house = House::new().await;
    let id = house.host("web-01").await;
    let browser = house.sign_in().await;
    let page = browser.get(&format!("/hosts/{id}?tab=policy")).await;
    let generation =
        page.body.split("name=\"generation\" value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    let form = format!(
        "generation={generation}&tier=T1&exposure=internal&data_class=restricted&environment=production&owner=olga&zone=&services=shop%2C+pay&tags=cde"
    );
    let saved = browser.post(&format!("/hosts/{id}/profile"), &form).await;
    assert_eq!(
        (saved.status, saved.header("location")),
        (StatusCode::SEE_OTHER, format!("/hosts/{id}?tab=policy").as_str()),
        "{}",
        saved.body
    );
    let row = fleet::host_detail(&house.env, &local(), &id).await.unwrap().row;
    assert_eq!((row.tier.as_str(), row.exposure.as_str(), row.environment.as_str()), ("T1", "internal", "production"));
    let host = patchwright_app::hosts::find_host(&house.env, &local(), "web-01").await.unwrap();
    let fields = patchwright_app::assets::field_rows(&house.env, &local(), &host).await.unwrap();
    let owner = fields.iter().find(|row| row.field == "owner").unwrap();
    assert_eq!((owner.who.as_str(), owner.who_id.starts_with("usr_")), ("admin", true), "{owner:?}");
    // The form shows what was saved, so that saving it again loses nothing.
    let page = browser.get(&format!("/hosts/{id}?tab=policy")).await.body;
    for part in [
        "value=\"T1\" selected",
        "value=\"internal\" selected",
        "value=\"restricted\" selected",
        "value=\"pay, shop\"",
        "value=\"cde\"",
    ] {
        assert!(page.contains(part), "{part} is missing");
    }
    let stale = browser.post(&format!("/hosts/{id}/profile"), &form).await;
    assert_eq!(stale.status, StatusCode::CONFLICT);
}

#[tokio::test]
async fn a_host_is_forgotten_only_when_confirmed() {
    let house = House::new().await;
    let id = house.host("web-01").await;
    let browser = house.sign_in().await;
    assert_eq!(browser.post(&format!("/hosts/{id}/delete"), "").await.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(browser.get(&format!("/hosts/{id}")).await.status, StatusCode::OK);
    assert_eq!(browser.post(&format!("/hosts/{id}/delete"), "sure=yes").await.header("location"), "/hosts");
    assert_eq!(browser.get(&format!("/hosts/{id}")).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn search_finds_hosts_and_the_fragment_is_no_page() {
    let house = House::new().await;
    house.host("web-01").await;
    let browser = house.sign_in().await;
    assert!(browser.get("/search?q=web").await.body.contains("web-01"));
    let part = browser.get("/ui/_/search?q=web").await.body;
    assert!(part.contains("web-01") && !part.contains("<html"), "{part}");
}

#[tokio::test]
async fn a_token_is_shown_once_and_revoked() {
    let house = House::new().await;
    let browser = house.sign_in().await;
    let secret = house.token(&["read"]).await;
    let page = browser.get("/settings?tab=tokens").await.body;
    assert!(!page.contains(&secret));
    let id = page.split("action=\"/settings/tokens/").nth(1).unwrap().split('/').next().unwrap().to_owned();
    assert_eq!(house.api(axum::http::Method::GET, "/api/v1/whoami", &secret, None).await.status, StatusCode::OK);
    assert_eq!(browser.post(&format!("/settings/tokens/{id}/revoke"), "").await.status, StatusCode::SEE_OTHER);
    assert_eq!(
        house.api(axum::http::Method::GET, "/api/v1/whoami", &secret, None).await.status,
        StatusCode::UNAUTHORIZED
    );
}

/// Cells of the first column of a CSV, and of the second.
fn column(csv: &str, at: usize) -> Vec<String> {
    csv.lines().skip(1).map(|l| l.split(',').nth(at).unwrap_or_default().trim_matches('"').to_owned()).collect()
}

#[tokio::test]
async fn tables_inside_a_host_are_ordered_by_their_address() {
    let house = House::new().await;
    let mut facts = crate::house::facts("web-01");
    for name in ["zlib1g", "adduser"] {
        let mut more = facts.packages[0].clone();
        (more.name, more.source) = (name.to_owned(), name.to_owned());
        facts.packages.push(more);
    }
    let id = patchwright_app::hosts::host_report(&house.env, &local(), facts).await.unwrap();
    let browser = house.sign_in().await;
    let csv =
        async |tab: &str, sort: &str| browser.get(&format!("/hosts/{id}?tab={tab}&sort={sort}&format=csv")).await.body;

    let up = column(&csv("packages", "name").await, 0);
    let down = column(&csv("packages", "-name").await, 0);
    assert!(up.len() > 1 && up.is_sorted(), "{up:?}");
    assert_eq!(up.iter().rev().cloned().collect::<Vec<_>>(), down);

    let natural = csv("findings", "").await;
    assert_eq!(csv("findings", "no-such-order").await, natural, "an unknown order is the natural one");
    let scores: Vec<f64> = column(&csv("findings", "-epss").await, 10).iter().filter_map(|s| s.parse().ok()).collect();
    assert!(scores.len() > 1 && scores.is_sorted(), "lowest first when turned round: {scores:?}");

    for (tab, key) in [("available", "risk"), ("findings", "cvss"), ("packages", "findings"), ("history", "package")] {
        let page = browser.get(&format!("/hosts/{id}?tab={tab}&sort={key}")).await;
        assert_eq!(page.status, StatusCode::OK, "{tab}");
        let history_is_empty = tab == "history" && !page.body.contains("data-rows");
        assert!(
            history_is_empty
                || page.body.matches("aria-sort=").count() == 1 && page.body.contains(&format!("sort=-{key}")),
            "{tab}: {}",
            page.body
        );
    }
}

#[tokio::test]
async fn hosts_of_a_vulnerability_are_ordered_by_its_address() {
    let house = House::new().await;
    for name in ["web-02", "app-01", "db-03"] {
        house.host(name).await;
    }
    let browser = house.sign_in().await;
    let id = column(&browser.get("/advisories?format=csv").await.body, 0).remove(0);
    let names = |body: &str| column(body, 1);
    let up = names(&browser.get(&format!("/advisories/{id}?sort=host&format=csv")).await.body);
    assert_eq!(up, ["app-01", "db-03", "web-02"]);
    let page = browser.get(&format!("/advisories/{id}?sort=-host")).await.body;
    let place = |name: &str| page.find(&format!(">{name}</a>")).unwrap();
    assert!(place("web-02") < place("db-03") && place("db-03") < place("app-01"));
}

#[tokio::test]
async fn the_api_page_asks_an_endpoint_by_a_form() {
    let house = House::new().await;
    let id = house.host("web-01").await;
    let browser = house.sign_in().await;
    let page = browser.get("/api").await.body;
    assert!(page.contains("action=\"/api/ask\"") && page.contains("id=\"shape-FindingsAnswer\""));
    let to = browser.get("/api/ask?_endpoint=/api/v1/findings&q=is%3Akev&group=&after=&limit=&sort=").await;
    assert_eq!((to.status, to.header("location")), (StatusCode::SEE_OTHER, "/api/v1/findings?q=is:kev"));
    assert_eq!(browser.get(to.header("location")).await.json()["q"], "is:kev");
    let to = browser.get(&format!("/api/ask?_endpoint=/api/v1/hosts/%7Bid%7D&id={id}")).await;
    assert_eq!(browser.get(to.header("location")).await.json()["row"]["name"], "web-01");
    assert_eq!(browser.get("/api/ask?_endpoint=//evil.example").await.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn activity_names_people_and_hosts_and_falls_back_to_ids() {
    let house = House::new().await;
    let id = house.host("web-01").await;
    let gone = house.host("old-box").await;
    let browser = house.sign_in().await;
    let token = house.token(&["read"]).await;
    drop(token);
    patchwright_app::hosts::host_delete(&house.env, &local(), &gone).await.unwrap();
    let page = browser.get("/").await.body;
    let activity = page.split("class=\"list activity\"").nth(1).unwrap().split("</ul>").next().unwrap();
    for name in ["web-01", "old-box", "<span class=\"who\">admin</span>"] {
        assert!(activity.contains(name), "{name}: {activity}");
    }
    for raw in ["usr_", "hst_"] {
        assert!(!activity.contains(raw), "{raw}: {activity}");
    }
    assert!(!activity.contains(id.as_str()));
    // A program still gets the ids, and the record itself keeps them.
    let rows = patchwright_app::audit::list(&house.env, &local(), 0, 50).await.unwrap();
    assert!(rows.iter().any(|r| r.object_id == id.as_str() && r.text.ends_with(" web-01")), "{rows:?}");
    assert!(rows.iter().any(|r| r.actor_id.starts_with("usr_") && r.actor == "admin"), "{rows:?}");
}

#[tokio::test]
async fn a_filter_that_means_nothing_is_explained_and_the_last_deeds_are_sentences() {
    let house = House::new().await;
    house.host("web-01").await;
    let browser = house.sign_in().await;
    let odd = browser.get("/hosts?q=is:bogus").await;
    assert_eq!(odd.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(odd.body.contains("is not a state of hosts") && odd.body.contains("is:stale"), "{}", odd.body);
    assert_eq!(browser.get("/hosts?q=is:stale").await.status, StatusCode::OK);
    let today = browser.get("/").await.body;
    assert!(today.contains("made a sign-in link for admin") && !today.contains("link.issue"), "{today}");
    let host = browser.get("/hosts").await.body;
    let id = host.split("href=\"/hosts/").nth(1).unwrap().split('"').next().unwrap().to_owned();
    let page = browser.get(&format!("/hosts/{id}")).await.body;
    assert!(!page.contains(" urgency</span></dd>") || page.contains("<span class=\"vh\"> urgency</span>"), "{page}");
    let data = browser.get("/data").await.body;
    assert!(data.contains("those of the starter set"), "{data}");
}

#[tokio::test]
async fn what_an_import_could_not_read_is_on_the_hosts_page() {
    let house = House::new().await;
    let mut facts = facts("cut-01");
    facts.unseen.push(Unseen {
        what: "all of `dpkg-l.txt`".to_owned(),
        why: "line 3: the list was cut off here".to_owned(),
        hint: "collect the folder again".to_owned(),
    });
    let id = patchwright_app::hosts::host_report(&house.env, &local(), facts).await.unwrap();
    let browser = house.sign_in().await;
    let page = browser.get(&format!("/hosts/{id}?tab=state")).await;
    assert!(page.body.contains("What could not be looked at") && page.body.contains("cut off here"), "{}", page.body);
}
