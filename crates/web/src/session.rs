//! Who asks: sessions for people, tokens for programs. Only authentication; what they may do is asked inside the use cases.

use std::net::{IpAddr, SocketAddr};

use axum::extract::{ConnectInfo, FromRequest, FromRequestParts, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, header};
use axum::response::{IntoResponse, Redirect, Response};
use patchwright_app::{Ctx, auth};
use patchwright_domain::access::Actor;
use subtle::ConstantTimeEq as _;
use url::form_urlencoded;

use crate::assets;
use crate::failure::Failure;
use crate::guard::{RequestId, Seen};
use crate::state::WebState;
use crate::view::frame::{Area, Frame, Theme, User};
use crate::view::link::Link;

/// Where one-time links lead; the secret follows as the last part of the path.
pub(crate) const LINK_PREFIX: &str = "/sign-in/link/";
/// Name of the cookie that keeps the choice of light or dark.
pub(crate) const THEME_COOKIE: &str = "pw-theme";
/// Fields of a form at most; the largest of ours has twelve.
const FIELDS_MAX: usize = 64;

/// Path of a one-time sign-in link, to be put behind the public origin.
#[must_use]
pub fn link_path(secret: &str) -> String {
    format!("{LINK_PREFIX}{}", crate::view::link::segment(secret))
}

/// Value of a cookie.
pub(crate) fn cookie<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(key, _)| *key == name)
        .map(|(_, value)| value)
}

/// The reader's choice of light or dark.
pub(crate) fn theme_of(headers: &HeaderMap) -> Theme {
    cookie(headers, THEME_COOKIE).map(Theme::parse).unwrap_or_default()
}

fn request_id(parts: &Parts) -> String {
    parts.extensions.get::<RequestId>().map(|id| id.0.clone()).unwrap_or_default()
}

/// A page for everybody: no session needed.
pub(crate) struct Visitor {
    theme: Theme,
    state: WebState,
    /// Whose connection it is; behind a proxy that of the proxy. What headers claim is not believed: anybody can write them.
    pub(crate) from: Option<IpAddr>,
}

impl Visitor {
    /// Frame without a user.
    pub(crate) fn frame(&self, title: &str) -> Frame {
        Frame {
            title: title.to_owned(),
            theme: self.theme,
            here: "/".to_owned(),
            css: assets::css_path(),
            js: assets::js_path(),
            now: self.state.env.now(),
            ..Frame::default()
        }
    }
}

impl FromRequestParts<WebState> for Visitor {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, state: &WebState) -> Result<Self, Failure> {
        let from = parts.extensions.get::<ConnectInfo<SocketAddr>>().map(|info| info.0.ip());
        Ok(Self { theme: theme_of(&parts.headers), state: state.clone(), from })
    }
}

/// A signed-in person.
pub(crate) struct Signed {
    /// For use cases.
    pub(crate) ctx: Ctx,
    /// For the frame and the forms.
    pub(crate) user: User,
    theme: Theme,
    here: String,
    state: WebState,
}

impl Signed {
    /// Frame of a page.
    pub(crate) fn frame(&self, title: &str, area: Area) -> Frame {
        Frame {
            title: title.to_owned(),
            area,
            theme: self.theme,
            user: Some(self.user.clone()),
            here: self.here.clone(),
            search: String::new(),
            notice: None,
            css: assets::css_path(),
            js: assets::js_path(),
            now: self.state.env.now(),
        }
    }
}

/// Why a page is not shown: nobody is signed in, or looking that up failed.
pub(crate) enum NotSigned {
    /// To the sign-in page, and back afterwards.
    SignIn(String),
    /// Failed.
    Failed(Failure),
}

impl IntoResponse for NotSigned {
    fn into_response(self) -> Response {
        match self {
            Self::SignIn(to) => Redirect::to(&to).into_response(),
            Self::Failed(failure) => failure.into_response(),
        }
    }
}

async fn session(parts: &Parts, state: &WebState) -> Result<Option<auth::Session>, Failure> {
    match cookie(&parts.headers, state.options.session_cookie()) {
        Some(secret) if !secret.is_empty() => Ok(auth::session_find(&state.env, secret).await?),
        Some(_) | None => Ok(None),
    }
}

fn user_of(found: &auth::Session) -> User {
    User {
        name: found.name.clone(),
        role: found.role.clone(),
        csrf: found.csrf.clone(),
        has_password: found.has_password,
    }
}

impl FromRequestParts<WebState> for Signed {
    type Rejection = NotSigned;

    async fn from_request_parts(parts: &mut Parts, state: &WebState) -> Result<Self, NotSigned> {
        let here = parts.uri.path_and_query().map_or("/", |p| p.as_str()).to_owned();
        let Some(found) = session(parts, state).await.map_err(NotSigned::Failed)? else {
            if here.starts_with("/ui/") || here.starts_with("/events") {
                return Err(NotSigned::Failed(Failure::unauthenticated()));
            }
            // A form cannot be repeated after signing in, so it leads to the start.
            let next = if parts.method == Method::GET && here != "/" { here } else { String::new() };
            return Err(NotSigned::SignIn(Link::to("/sign-in").with("next", &next).href()));
        };
        let user = user_of(&found);
        if let Some(seen) = parts.extensions.get::<Seen>() {
            // Set once per request; a second extractor of the same request sees the same person.
            seen.0.get_or_init(|| user.clone());
        }
        Ok(Self {
            ctx: Ctx { actor: found.actor, request_id: request_id(parts), reason: None },
            user,
            theme: theme_of(&parts.headers),
            here,
            state: state.clone(),
        })
    }
}

/// The fields of a posted form, in order.
#[derive(Clone, Debug, Default)]
pub(crate) struct Fields(Vec<(String, String)>);

impl Fields {
    /// First value of a field, trimmed by nobody; empty when it is missing.
    pub(crate) fn get(&self, name: &str) -> &str {
        self.0.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str()).unwrap_or_default()
    }

    /// Every value of a field.
    pub(crate) fn all(&self, name: &str) -> Vec<String> {
        self.0.iter().filter(|(key, _)| key == name).map(|(_, value)| value.clone()).collect()
    }
}

impl FromRequest<WebState> for Fields {
    type Rejection = Failure;

    async fn from_request(request: Request, state: &WebState) -> Result<Self, Failure> {
        let form = request
            .headers()
            .get(header::CONTENT_TYPE)
            .and_then(|kind| kind.to_str().ok())
            .is_some_and(|kind| kind.starts_with("application/x-www-form-urlencoded"));
        if !form {
            return Err(Failure::of("unsupported_media_type", "a form comes as application/x-www-form-urlencoded"));
        }
        let body = axum::body::Bytes::from_request(request, state).await?;
        Ok(Self(
            form_urlencoded::parse(&body).take(FIELDS_MAX).map(|(k, v)| (k.into_owned(), v.into_owned())).collect(),
        ))
    }
}

/// A form of a signed-in person, with the session's token checked.
pub(crate) struct SignedForm(pub(crate) Signed, pub(crate) Fields);

impl FromRequest<WebState> for SignedForm {
    type Rejection = Response;

    async fn from_request(request: Request, state: &WebState) -> Result<Self, Response> {
        let (mut parts, body) = request.into_parts();
        let signed = Signed::from_request_parts(&mut parts, state).await.map_err(IntoResponse::into_response)?;
        let fields =
            Fields::from_request(Request::from_parts(parts, body), state).await.map_err(IntoResponse::into_response)?;
        if !same(fields.get("csrf"), &signed.user.csrf) {
            return Err(Failure::of("cross_site", "the form does not carry this session's token").into_response());
        }
        Ok(Self(signed, fields))
    }
}

/// Compares secrets in a time that tells nothing but their length.
fn same(given: &str, wanted: &str) -> bool {
    !wanted.is_empty() && bool::from(given.as_bytes().ct_eq(wanted.as_bytes()))
}

/// A caller of the API: a token's owner, or a signed-in person's own scripts in the browser.
pub(crate) struct Caller {
    /// For use cases.
    pub(crate) ctx: Ctx,
    /// The person behind it has set a password.
    pub(crate) has_password: bool,
}

impl FromRequestParts<WebState> for Caller {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, state: &WebState) -> Result<Self, Failure> {
        let ctx = |actor: Actor, parts: &Parts| Ctx { actor, request_id: request_id(parts), reason: None };
        if let Some(line) = parts.headers.get(header::AUTHORIZATION) {
            // A request that names a token stands or falls with it: no falling back to a cookie.
            let secret = line.to_str().ok().and_then(bearer).ok_or_else(Failure::unauthenticated)?;
            let (actor, has_password) =
                auth::token_find(&state.env, secret).await?.ok_or_else(Failure::unauthenticated)?;
            return Ok(Self { ctx: ctx(actor, parts), has_password });
        }
        let found = session(parts, state).await?.ok_or_else(Failure::unauthenticated)?;
        let safe = matches!(parts.method, Method::GET | Method::HEAD);
        let token = parts.headers.get("x-csrf-token").and_then(|v| v.to_str().ok()).unwrap_or_default();
        if !safe && !same(token, &found.csrf) {
            return Err(Failure::of("cross_site", "a change by session needs the session's token in `x-csrf-token`"));
        }
        Ok(Self { has_password: found.has_password, ctx: ctx(found.actor, parts) })
    }
}

fn bearer(line: &str) -> Option<&str> {
    let (scheme, secret) = line.split_once(' ')?;
    let secret = secret.trim();
    (scheme.eq_ignore_ascii_case("bearer") && !secret.is_empty()).then_some(secret)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cookies_are_found_by_their_whole_name() {
        let mut headers = HeaderMap::new();
        headers.append(header::COOKIE, "xpw=1; pw=abc; pw-theme=dark".parse().unwrap());
        assert_eq!(cookie(&headers, "pw"), Some("abc"));
        assert_eq!(cookie(&headers, "w"), None);
        assert_eq!(theme_of(&headers), Theme::Dark);
    }

    #[test]
    fn an_empty_token_never_matches() {
        assert!(same("abc", "abc"));
        assert!(!same("", "") && !same("abd", "abc") && !same("abc", "abcd"));
    }

    #[test]
    fn only_bearer_lines_carry_a_token() {
        assert_eq!(bearer("Bearer pwt_x"), Some("pwt_x"));
        assert_eq!(bearer("bearer  pwt_x "), Some("pwt_x"));
        assert_eq!(bearer("Basic pwt_x"), None);
        assert_eq!(bearer("Bearer "), None);
    }
}
