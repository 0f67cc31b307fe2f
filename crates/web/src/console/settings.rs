//! `GET /settings` and the changes made there.

use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use axum::response::IntoResponse as _;
use patchwright_app::{audit, auth, policy};
use patchwright_protocol::auth::TokenRequest;
use serde::Deserialize;

use super::sign_in::enter;
use super::{Answer, Common, page, see};
use crate::csv::Csv;
use crate::failure::Failure;
use crate::pages::settings::{self, SettingsPage, Tab};
use crate::session::{Signed, SignedForm};
use crate::state::WebState;
use crate::view::frame::{Area, Notice};

/// Audit records of one page.
const AUDIT_ROWS: u32 = 200;

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct SettingsQuery {
    tab: String,
    before: String,
    verify: String,
    saved: String,
}

/// `GET /settings`
pub(crate) async fn get(
    State(state): State<WebState>,
    signed: Signed,
    common: Result<Query<Common>, QueryRejection>,
    asked: Result<Query<SettingsQuery>, QueryRejection>,
) -> Answer {
    let (Query(common), Query(asked)) = (common.map_err(Failure::from)?, asked.map_err(Failure::from)?);
    let tab = Tab::parse(&asked.tab);
    let mut frame = signed.frame("Settings", Area::Settings);
    if asked.saved == "password" {
        frame.notice = Some(Notice {
            good: true,
            text: "The new password is saved; your other sessions are signed out.".to_owned(),
        });
    }
    let body = match tab {
        Tab::Account => settings::account(&signed.user)?,
        Tab::Tokens => {
            settings::tokens(&signed.user, &auth::token_list(&state.env, &signed.ctx).await?, None, frame.now)?
        }
        Tab::Policy => {
            let active = policy::active(&state.env, &signed.ctx).await?;
            settings::policy(&active.name, &active.hash, &active.text)?
        }
        Tab::Audit => {
            let before = asked.before.parse().unwrap_or(0);
            let rows = audit::list(&state.env, &signed.ctx, before, AUDIT_ROWS).await?;
            if common.csv() {
                let mut csv = Csv::new("audit", &["seq", "at", "actor", "what"]);
                for r in rows {
                    csv.row([r.seq.to_string(), r.at, r.actor, r.text]);
                }
                return Ok(csv.into_response());
            }
            let verified = if asked.verify == "yes" { Some(verify(&state, &signed).await?) } else { None };
            settings::audit(&rows, before, usize::try_from(AUDIT_ROWS).unwrap_or(usize::MAX), verified, frame.now)?
        }
    };
    page(&SettingsPage::new(frame, tab, body))
}

/// A broken chain is an answer, not a failure of the page; being refused is a failure.
async fn verify(state: &WebState, signed: &Signed) -> Result<Notice, Failure> {
    match audit::verify(&state.env, &signed.ctx).await {
        Ok(text) => Ok(Notice {
            good: true,
            text: format!(
                "{text}. Nobody altered a record that this server still holds; only an anchor kept elsewhere shows missing ones."
            ),
        }),
        Err(error) if error.status() == 403 => Err(error.into()),
        Err(error) => Ok(Notice {
            good: false,
            text: format!("The chain does not hold: {}", patchwright_app::error_chain(&error)),
        }),
    }
}

/// `POST /settings/password`
pub(crate) async fn password(State(state): State<WebState>, SignedForm(signed, form): SignedForm) -> Answer {
    let refusal = if form.get("new") == form.get("again") {
        match auth::password_set(&state.env, &signed.ctx, form.get("current"), form.get("new")).await {
            Ok(fresh) => return Ok(enter(&state.options, &fresh, "/settings?saved=password")),
            Err(error) if error.status() == 422 => {
                error.hint().map_or_else(|| error.to_string(), |hint| format!("{error}; {hint}"))
            }
            Err(error) => return Err(error.into()),
        }
    } else {
        "the two passwords differ".to_owned()
    };
    let mut frame = signed.frame("Settings", Area::Settings);
    frame.here = "/settings".to_owned();
    frame.notice = Some(Notice { good: false, text: format!("Nothing was changed: {refusal}.") });
    let body = settings::account(&signed.user)?;
    let mut answer = page(&SettingsPage::new(frame, Tab::Account, body))?;
    *answer.status_mut() = axum::http::StatusCode::UNPROCESSABLE_ENTITY;
    Ok(answer)
}

/// `POST /settings/tokens`: answers with the page itself, because the secret is shown this once and stands in no address.
pub(crate) async fn token_create(State(state): State<WebState>, SignedForm(signed, form): SignedForm) -> Answer {
    let request = TokenRequest {
        name: form.get("name").trim().to_owned(),
        scopes: form.all("scope"),
        days: form.get("days").parse().map_err(|_| Failure::of("invalid", "the number of days is not a number"))?,
    };
    let made = auth::token_create(&state.env, &signed.ctx, request).await?;
    let mut frame = signed.frame("Settings", Area::Settings);
    frame.here = "/settings?tab=tokens".to_owned();
    let body =
        settings::tokens(&signed.user, &auth::token_list(&state.env, &signed.ctx).await?, Some(&made), frame.now)?;
    page(&SettingsPage::new(frame, Tab::Tokens, body))
}

/// `POST /settings/tokens/{id}/revoke`
pub(crate) async fn token_revoke(
    State(state): State<WebState>,
    Path(id): Path<String>,
    SignedForm(signed, _form): SignedForm,
) -> Answer {
    auth::token_revoke(&state.env, &signed.ctx, &id).await?;
    Ok(see("/settings?tab=tokens"))
}
