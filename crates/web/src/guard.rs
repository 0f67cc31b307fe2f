//! The outermost layers: request id, refusal of cross-site changes, security headers, and how failures are written.

use std::sync::{Arc, OnceLock};

use askama::Template as _;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use axum::middleware::Next;
use axum::response::{Html, IntoResponse, Response};
use patchwright_protocol::problem::ProblemDetails;

use crate::failure::Failure;
use crate::pages::plain::ErrorPage;
use crate::problems;
use crate::session::theme_of;
use crate::state::WebState;
use crate::view::frame::{Area, Frame, User};
use crate::{assets, session};

/// Id of a request: in the log, in the audit, in error answers and in `x-request-id`.
#[derive(Clone, Debug)]
pub(crate) struct RequestId(pub(crate) String);

/// Who turned out to be signed in, for the frame of an error page.
#[derive(Clone, Debug, Default)]
pub(crate) struct Seen(pub(crate) Arc<OnceLock<User>>);

/// Everything from our own files, nothing inline, nobody frames us.
const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; connect-src 'self'; \
                      form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// `same-origin` and not `no-referrer`: under `no-referrer` browsers send `Origin: null` with forms (Fetch, "append a request
/// `Origin` header"), which would blind the check against cross-site requests where `Sec-Fetch-Site` is not sent (plain HTTP).
/// Other sites are told nothing either way.
const REFERRER: &str = "same-origin";

/// Longest request path that a log line repeats.
const LOGGED_PATH_MAX: usize = 200;

/// Gives the request an id, refuses cross-site changes, runs the handler, writes failures, sets the headers.
pub(crate) async fn finish(State(state): State<WebState>, mut request: Request, next: Next) -> Response {
    let id = RequestId(format!("req_{}", patchwright_app::env::unique()));
    let seen = Seen::default();
    let (path, method) = (request.uri().path().to_owned(), request.method().clone());
    let theme = theme_of(request.headers());
    request.extensions_mut().insert(id.clone());
    request.extensions_mut().insert(seen.clone());
    let started = tokio::time::Instant::now();
    let mut response = match cross_site(&state, request.method(), request.headers()) {
        Some(refusal) => refusal.into_response(),
        None => next.run(request).await,
    };
    let status = response.status();
    let failure = response.extensions_mut().remove::<Failure>();
    let written = response.headers().get(header::CONTENT_TYPE).is_some_and(|kind| {
        kind.to_str().is_ok_and(|kind| kind.starts_with("text/html") || kind.starts_with("application/"))
    });
    if failure.is_some() || ((status.is_client_error() || status.is_server_error()) && !written) {
        let failure = failure.unwrap_or_else(|| Failure::of_status(status));
        let frame = Frame {
            title: problems::find(&failure.code).map_or("Error", |p| p.title).to_owned(),
            area: Area::None,
            theme,
            user: seen.0.get().cloned(),
            here: "/".to_owned(),
            css: assets::css_path(),
            js: assets::js_path(),
            now: state.env.now(),
            ..Frame::default()
        };
        let allow = response.headers().get(header::ALLOW).cloned();
        response = write_failure(&failure, &path, &id, frame);
        if let Some(allow) = allow {
            response.headers_mut().insert(header::ALLOW, allow);
        }
    }
    secure(response.headers_mut(), &path, &id);
    let shown: String = if path.starts_with(session::LINK_PREFIX) {
        session::LINK_PREFIX.to_owned()
    } else {
        path.chars().take(LOGGED_PATH_MAX).collect()
    };
    tracing::debug!(
        request_id = %id.0, http.method = %method, http.path = %shown, http.status = response.status().as_u16(),
        duration_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX),
        "{method} {shown}: {}", response.status().as_u16()
    );
    response
}

/// A change must come from our own pages. Browsers say where a request comes from in `Sec-Fetch-Site` and `Origin`, and pages
/// cannot forge either. A request with neither is no browser's; forms need the session's token besides, and a bearer token is
/// never sent by a browser on its own.
fn cross_site(state: &WebState, method: &Method, headers: &HeaderMap) -> Option<Failure> {
    if matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS) {
        return None;
    }
    let text = |name: HeaderName| headers.get(name).map(|v| v.to_str().unwrap_or("unreadable"));
    if let Some(site) = text(HeaderName::from_static("sec-fetch-site"))
        && !matches!(site, "same-origin" | "none")
    {
        return Some(Failure::of("cross_site", "the browser says that the request comes from another site"));
    }
    match text(header::ORIGIN) {
        Some(origin) if !state.options.is_own_origin(origin) => Some(Failure::of(
            "cross_site",
            format!(
                "the request comes from `{}`, this console is `{}`",
                origin.chars().take(100).collect::<String>(),
                state.options.origin()
            ),
        )),
        Some(_) | None => None,
    }
}

fn write_failure(failure: &Failure, path: &str, id: &RequestId, frame: Frame) -> Response {
    let title = problems::find(&failure.code)
        .or_else(|| problems::find(problems::code_of_status(failure.status)))
        .map_or("Error", |p| p.title);
    let status =
        axum::http::StatusCode::from_u16(failure.status).unwrap_or(axum::http::StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = if path.starts_with("/api/") {
        let problem = ProblemDetails {
            kind: format!("/problems/{}", failure.code),
            title: title.to_owned(),
            status: failure.status,
            detail: failure.detail.clone(),
            code: failure.code.clone(),
            hint: failure.hint.clone(),
            request_id: Some(id.0.clone()),
        };
        let body = serde_json::to_vec(&problem).unwrap_or_default();
        (status, [(header::CONTENT_TYPE, "application/problem+json")], body).into_response()
    } else if path.starts_with("/ui/")
        || path.starts_with("/assets/")
        || path == "/events"
        || path == "/healthz"
        || path == "/readyz"
    {
        (status, format!("{}: {}\n", failure.code, failure.detail)).into_response()
    } else {
        let page = ErrorPage {
            frame,
            status: failure.status,
            title: title.to_owned(),
            detail: sentence(&failure.detail),
            hint: failure.hint.as_deref().map(sentence),
            code: failure.code.clone(),
            request_id: id.0.clone(),
        };
        match page.render() {
            Ok(html) => (status, Html(html)).into_response(),
            Err(error) => {
                tracing::error!(error = %error, "Error page could not be written: {error}");
                (status, failure.code.clone()).into_response()
            }
        }
    };
    if let Some(seconds) = failure.retry_after {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    if failure.status == 401 && path.starts_with("/api/") {
        response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
    response
}

/// Error texts are fragments in lower case; a page shows sentences.
fn sentence(text: &str) -> String {
    let text = crate::view::text::capital(text);
    if text.ends_with(['.', '!', '?']) { text } else { format!("{text}.") }
}

fn secure(headers: &mut HeaderMap, path: &str, id: &RequestId) {
    let fixed = [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
        (HeaderName::from_static("permissions-policy"), "camera=(), geolocation=(), microphone=()"),
        // The address of a link page holds its secret: it tells its own server the origin only.
        (header::REFERRER_POLICY, if path.starts_with(session::LINK_PREFIX) { "strict-origin" } else { REFERRER }),
    ];
    for (name, value) in fixed {
        headers.insert(name, HeaderValue::from_static(value));
    }
    if let Ok(value) = HeaderValue::from_str(&id.0) {
        headers.insert(HeaderName::from_static("x-request-id"), value);
    }
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
}
