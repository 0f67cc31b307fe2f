//! The page of vulnerability data: the log of snapshots and the way back.

use std::path::PathBuf;

use axum::http::StatusCode;
use patchwright_app::feeds::port::{Boxed, Document, FetchError, FetchRequest, Fetched, Fetcher, Progress};
use patchwright_app::feeds::{SyncOptions, registry, sync};

use crate::house::{House, local};

/// Gives one file.
struct File(PathBuf);

impl Fetcher for File {
    fn fetch<'a>(&'a self, _: &'a FetchRequest, _: Progress<'a>) -> Boxed<'a, Result<Fetched, FetchError>> {
        Box::pin(async {
            let bytes = std::fs::read(&self.0).unwrap();
            Ok(Fetched::Document(Document {
                path: self.0.clone(),
                sha256: format!(
                    "{:064x}",
                    bytes.iter().fold(bytes.len() as u64, |sum, b| sum * 31 % 999_983 + u64::from(*b))
                ),
                bytes: bytes.len() as u64,
                etag: None,
                last_modified: None,
                temporary: false,
            }))
        })
    }
}

/// Loads a catalogue of exploited vulnerabilities with this one in it.
async fn load(house: &House, cve: &str) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("kev.csv");
    let text = format!(
        "cveID,vendorProject,product,vulnerabilityName,dateAdded,shortDescription,requiredAction,dueDate,knownRansomwareCampaignUse,notes,cwes\n\
         {cve},A,B,C,2026-11-20,D,E,2026-12-11,Unknown,,CWE-1\n"
    );
    std::fs::write(&path, text).unwrap();
    let spec = registry::feed("cisa-kev").unwrap();
    let ctx = patchwright_app::Ctx { reason: Some("a test".to_owned()), ..local() };
    let options = SyncOptions { accept_shrink: true, ..SyncOptions::default() };
    let done = sync(&house.env, &ctx, spec, &options, &File(path), &|_, _| {}).await.unwrap();
    assert_eq!(done.outcome, "loaded", "{done:?}");
}

fn hidden(body: &str, name: &str) -> String {
    body.split(&format!("name=\"{name}\" value=\"")).nth(1).unwrap().split('"').next().unwrap().to_owned()
}

#[tokio::test]
async fn an_earlier_snapshot_becomes_active_again_with_a_reason() {
    let house = House::new().await;
    let browser = house.sign_in().await;
    let alone = browser.get("/data").await.body;
    assert!(alone.contains("id=\"snapshots\"") && !alone.contains("/data/return?to="), "nothing to return to: {alone}");
    let first = house.env.intel().index().id.clone();
    load(&house, "CVE-2026-0001").await;
    let second = house.env.intel().index().id.clone();
    assert_ne!(first, second);

    let page = browser.get("/data").await.body;
    assert!(page.contains(&format!("/data/return?to={first}")) && !page.contains(&format!("to={second}")), "{page}");
    let form = browser.get(&format!("/data/return?to={first}")).await;
    assert_eq!(form.status, StatusCode::OK, "{}", form.body);
    assert!(form.body.contains("cisa-kev") && form.body.contains("1 part of the data would change"), "{}", form.body);
    assert_eq!(house.env.intel().index().id, second, "looking changes nothing");

    let fields = format!("from={}&to={}", hidden(&form.body, "from"), hidden(&form.body, "to"));
    let silent = browser.post("/data/return", &fields).await;
    assert_eq!(silent.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", silent.body);
    let bare = browser.post_raw("/data/return", &format!("{fields}&reason=x")).await;
    assert_eq!((bare.status, house.env.intel().index().id.as_str()), (StatusCode::FORBIDDEN, second.as_str()));

    let done = browser.post("/data/return", &format!("{fields}&reason=half+empty+%3Cb%3E")).await;
    assert_eq!(done.status, StatusCode::SEE_OTHER, "{}", done.body);
    assert_eq!(house.env.intel().index().id, first);
    let page = browser.get(done.header("location").split('#').next().unwrap()).await.body;
    assert!(page.contains("is the active one.") && page.contains("the active one, earlier"), "{page}");
    assert!(page.contains("half empty &#60;b&#62;") || page.contains("half empty &lt;b&gt;"), "{page}");
    let audit = browser.get("/settings?tab=audit&format=csv").await.body;
    assert!(audit.contains("intel.activate"), "{audit}");
}

#[tokio::test]
async fn the_way_back_is_refused_when_another_snapshot_became_active() {
    let house = House::new().await;
    let browser = house.sign_in().await;
    let first = house.env.intel().index().id.clone();
    load(&house, "CVE-2026-0001").await;
    let form = browser.get(&format!("/data/return?to={first}")).await.body;
    let fields = format!("from={}&to={}&reason=x", hidden(&form, "from"), hidden(&form, "to"));
    load(&house, "CVE-2026-0002").await;
    let third = house.env.intel().index().id.clone();
    let refused = browser.post("/data/return", &fields).await;
    assert_eq!(refused.status, StatusCode::CONFLICT, "{}", refused.body);
    assert!(refused.body.contains("Nothing was done") && hidden(&refused.body, "from") == third);
    assert_eq!(house.env.intel().index().id, third);
    assert_eq!(browser.get("/data/return?to=nonsense").await.status, StatusCode::NOT_FOUND);
}
