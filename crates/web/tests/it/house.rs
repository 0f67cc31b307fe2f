//! A running console without a network: environment, router, and a browser or script that talks to it.

use std::path::Path;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Method, Request, StatusCode, header};
use patchwright_app::{Clock, Config, Ctx, Env, auth, hosts};
use patchwright_domain::access::Actor;
use patchwright_domain::ids::HostId;
use patchwright_domain::inventory::{HostFacts, Os, Package, PackageFormat};
use patchwright_domain::time::Timestamp;
use patchwright_web::{WebOptions, link_path, router};
use tempfile::TempDir;
use tokio::sync::OnceCell;
use tower::ServiceExt as _;

pub(crate) const ORIGIN: &str = "http://127.0.0.1:8080";

/// An answer, read to its end.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |v| v.to_str().unwrap())
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.body))
    }
}

/// One installation.
pub(crate) struct House {
    pub(crate) env: Env,
    pub(crate) router: Router,
    _dir: TempDir,
}

pub(crate) fn local() -> Ctx {
    Ctx { actor: Actor::Local { account: "tester".to_owned() }, request_id: "test".to_owned(), reason: None }
}

async fn open(dir: &Path) -> Env {
    let config = Config { data_dir: dir.to_owned(), database_url: None, offline: true };
    Env::open(config, Clock::fixed(Timestamp::parse("2026-11-22T10:00:00Z").unwrap())).await.unwrap()
}

/// A data folder with the vulnerability data built, made once: building it takes seconds, copying it does not.
async fn template() -> &'static Path {
    static MADE: OnceCell<TempDir> = OnceCell::const_new();
    MADE.get_or_init(|| async {
        let dir = TempDir::new().unwrap();
        drop(open(dir.path()).await);
        dir
    })
    .await
    .path()
}

/// Copies everything but the database, which each test makes for itself, and the mark that there was one.
fn copy(from: &Path, to: &Path) {
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let (name, target) = (entry.file_name(), to.join(entry.file_name()));
        if entry.file_type().unwrap().is_dir() {
            std::fs::create_dir_all(&target).unwrap();
            copy(&entry.path(), &target);
        } else if !name.to_string_lossy().contains(".db") && name != "installation" {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}

impl House {
    pub(crate) async fn new() -> Self {
        Self::with(WebOptions { public_origin: ORIGIN.to_owned(), secure_cookies: false }).await
    }

    pub(crate) async fn with(options: WebOptions) -> Self {
        let dir = TempDir::new().unwrap();
        copy(template().await, dir.path());
        let env = open(dir.path()).await;
        auth::first_start(&env).await.unwrap();
        Self { router: router(env.clone(), options), env, _dir: dir }
    }

    /// A host with one package, under a name.
    pub(crate) async fn host(&self, name: &str) -> HostId {
        hosts::host_report(&self.env, &local(), facts(name)).await.unwrap()
    }

    pub(crate) async fn link(&self) -> String {
        auth::link_issue(&self.env, &local(), "admin", auth::Reset::Nothing).await.unwrap().secret
    }

    pub(crate) async fn send(&self, request: Request<Body>) -> Answer {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = to_bytes(body, 64 << 20).await.unwrap();
        Answer {
            status: parts.status,
            headers: parts.headers,
            body: String::from_utf8(bytes.to_vec()).unwrap_or_default(),
        }
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.send(request(Method::GET, path).body(Body::empty()).unwrap()).await
    }

    /// Posts a form as a browser on our own page would.
    pub(crate) async fn post(&self, path: &str, form: &str) -> Answer {
        self.send(form_request(path).body(Body::from(form.to_owned())).unwrap()).await
    }

    /// Signs the administrator in by a link.
    pub(crate) async fn sign_in(&self) -> Browser<'_> {
        let secret = self.link().await;
        assert_eq!(self.get(&link_path(&secret)).await.status, StatusCode::OK);
        let answer = self.post("/sign-in/link", &format!("secret={secret}")).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.body);
        let cookie = answer.header("set-cookie").split(';').next().unwrap().to_owned();
        let mut browser = Browser { house: self, cookie, csrf: String::new() };
        let page = browser.get("/settings").await;
        page.body
            .split("name=\"csrf\" value=\"")
            .nth(1)
            .unwrap()
            .split('"')
            .next()
            .unwrap()
            .clone_into(&mut browser.csrf);
        browser
    }

    /// A token of the administrator with these scopes.
    pub(crate) async fn token(&self, scopes: &[&str]) -> String {
        let browser = self.sign_in().await;
        let scopes: String = scopes.iter().map(|s| format!("&scope={}", s.replace(':', "%3A"))).collect();
        let page = browser.post("/settings/tokens", &format!("name=test&days=30{scopes}")).await;
        assert_eq!(page.status, StatusCode::OK, "{}", page.body);
        let secret = page.body.split("class=\"secret\" value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
        assert!(secret.starts_with("pwt_"), "{secret}");
        secret
    }

    pub(crate) async fn api(&self, method: Method, path: &str, token: &str, body: Option<&str>) -> Answer {
        let mut request = request(method, path).header(header::AUTHORIZATION, format!("Bearer {token}"));
        if body.is_some() {
            request = request.header(header::CONTENT_TYPE, "application/json");
        }
        self.send(request.body(body.map_or_else(Body::empty, |b| Body::from(b.to_owned()))).unwrap()).await
    }
}

/// A signed-in browser without JavaScript.
pub(crate) struct Browser<'h> {
    pub(crate) house: &'h House,
    pub(crate) cookie: String,
    pub(crate) csrf: String,
}

impl Browser<'_> {
    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.house
            .send(request(Method::GET, path).header(header::COOKIE, &self.cookie).body(Body::empty()).unwrap())
            .await
    }

    /// A download as it comes.
    pub(crate) async fn bytes(&self, path: &str) -> Vec<u8> {
        let request = request(Method::GET, path).header(header::COOKIE, &self.cookie).body(Body::empty()).unwrap();
        let response = self.house.router.clone().oneshot(request).await.unwrap();
        assert_eq!(response.status(), StatusCode::OK, "{path}");
        to_bytes(response.into_body(), 64 << 20).await.unwrap().to_vec()
    }

    /// Posts a form with the session's token.
    pub(crate) async fn post(&self, path: &str, form: &str) -> Answer {
        self.post_raw(path, &format!("csrf={}&{form}", self.csrf)).await
    }

    /// Posts a form as it is.
    pub(crate) async fn post_raw(&self, path: &str, form: &str) -> Answer {
        let request =
            form_request(path).header(header::COOKIE, &self.cookie).body(Body::from(form.to_owned())).unwrap();
        self.house.send(request).await
    }
}

pub(crate) fn request(method: Method, path: &str) -> axum::http::request::Builder {
    Request::builder().method(method).uri(path).header(header::HOST, "127.0.0.1:8080")
}

pub(crate) fn form_request(path: &str) -> axum::http::request::Builder {
    request(Method::POST, path)
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .header(header::ORIGIN, ORIGIN)
        .header("sec-fetch-site", "same-origin")
}

pub(crate) fn facts(name: &str) -> HostFacts {
    HostFacts {
        schema: 1,
        collected_at: Timestamp::parse("2026-11-22T09:00:00Z").unwrap(),
        collector: "agent".to_owned(),
        hostname: name.to_owned(),
        arch: "x86_64".to_owned(),
        os: Os::parse_short("debian:12").unwrap(),
        format: Some(PackageFormat::Deb),
        packages: vec![Package {
            name: "libssl3".to_owned(),
            version: "3.0.1-1".to_owned(),
            arch: "amd64".to_owned(),
            source: "openssl".to_owned(),
            source_version: "3.0.1-1".to_owned(),
            ..Package::default()
        }],
        ..HostFacts::default()
    }
}
