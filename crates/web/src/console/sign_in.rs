//! Signing in by password or one-time link, and out.

use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use patchwright_app::AppError;
use patchwright_app::auth::{self, SignedIn};
use serde::Deserialize;

use super::{Answer, page, see};
use crate::failure::Failure;
use crate::options::WebOptions;
use crate::pages::sign_in::{LinkPage, SignInPage};
use crate::session::{Fields, SignedForm, THEME_COOKIE, Visitor, cookie};
use crate::state::WebState;
use crate::view::frame::Theme;
use crate::view::link::{is_local, local_or_home};

/// Longest secret looked at; ours have 43 characters.
const SECRET_MAX: usize = 200;

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct NextQuery {
    next: String,
}

/// `GET /sign-in`
pub(crate) async fn form(visitor: Visitor, query: Result<Query<NextQuery>, QueryRejection>) -> Answer {
    let next = query.map_err(Failure::from)?.0.next;
    page(&SignInPage {
        frame: visitor.frame("Sign in"),
        next: if is_local(&next) { next } else { String::new() },
        refused: None,
    })
}

/// `POST /sign-in`
pub(crate) async fn password(State(state): State<WebState>, visitor: Visitor, form: Fields) -> Answer {
    let Ok(_place) = state.sign_ins.try_acquire() else {
        return Err(Failure {
            retry_after: Some(2),
            ..Failure::of("too_busy", "several people sign in at this moment")
        });
    };
    match auth::password_sign_in(&state.env, form.get("name"), form.get("password"), visitor.from).await {
        Ok(signed) => Ok(enter(&state.options, &signed, form.get("next"))),
        Err(AppError::Unauthenticated { .. }) => {
            // The same answer for a wrong name, a wrong password and a closed account.
            let next = form.get("next");
            let mut answer = page(&SignInPage {
                frame: visitor.frame("Sign in"),
                next: if is_local(next) { next.to_owned() } else { String::new() },
                refused: Some("The name or the password is wrong.".to_owned()),
            })?;
            *answer.status_mut() = StatusCode::UNAUTHORIZED;
            Ok(answer)
        }
        Err(error) => Err(guarded(error)),
    }
}

/// `GET /sign-in/link/{secret}`: shows a button and redeems nothing, so that a prefetcher cannot use the link up.
pub(crate) async fn link_form(visitor: Visitor, Path(secret): Path<String>) -> Answer {
    page(&LinkPage { frame: visitor.frame("Sign in"), secret: secret.chars().take(SECRET_MAX).collect() })
}

/// `POST /sign-in/link`
pub(crate) async fn link(State(state): State<WebState>, form: Fields) -> Answer {
    let secret = form.get("secret");
    if secret.is_empty() || secret.len() > SECRET_MAX {
        return Err(Failure::of("bad_request", "the form carries no sign-in secret"));
    }
    let signed = auth::link_redeem(&state.env, secret).await.map_err(guarded)?;
    Ok(enter(&state.options, &signed, "/"))
}

/// A stranger learns that something failed, not what: paths and database words are for people who are signed in.
fn guarded(error: AppError) -> Failure {
    let failure = Failure::from(error);
    if failure.status < 500 {
        return failure;
    }
    Failure::of("internal", "signing in failed on the server's side; its log says why under this request's id")
}

/// To `next` with a fresh session.
pub(super) fn enter(options: &WebOptions, signed: &SignedIn, next: &str) -> Response {
    let mut response = see(local_or_home(next));
    let secure = if options.secure_cookies { "; Secure" } else { "" };
    // Ends with the browser's session; the server ends it after idling too.
    set_cookie(
        &mut response,
        &format!("{}={}; Path=/; HttpOnly; SameSite=Lax{secure}", options.session_cookie(), signed.secret),
    );
    response
}

fn set_cookie(response: &mut Response, line: &str) {
    if let Ok(value) = HeaderValue::from_str(line) {
        response.headers_mut().append(header::SET_COOKIE, value);
    }
}

/// `POST /sign-out`
pub(crate) async fn out(
    State(state): State<WebState>,
    headers: axum::http::HeaderMap,
    SignedForm(_signed, _form): SignedForm,
) -> Answer {
    if let Some(secret) = cookie(&headers, state.options.session_cookie()) {
        auth::session_end(&state.env, secret).await?;
    }
    let mut response = see("/sign-in");
    let secure = if state.options.secure_cookies { "; Secure" } else { "" };
    set_cookie(
        &mut response,
        &format!("{}=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0{secure}", state.options.session_cookie()),
    );
    response.headers_mut().insert("clear-site-data", HeaderValue::from_static("\"cache\""));
    Ok(response)
}

/// `POST /theme`: light, dark, or as the system says.
pub(crate) async fn theme(State(state): State<WebState>, SignedForm(_signed, form): SignedForm) -> Answer {
    let mut response = see(form.get("next"));
    let secure = if state.options.secure_cookies { "; Secure" } else { "" };
    set_cookie(
        &mut response,
        &format!(
            "{THEME_COOKIE}={}; Path=/; HttpOnly; SameSite=Lax; Max-Age=31536000{secure}",
            Theme::parse(form.get("theme")).word()
        ),
    );
    Ok(response)
}
