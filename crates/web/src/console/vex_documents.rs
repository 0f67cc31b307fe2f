//! `POST /vex-documents`, one of them, and taking it back.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use patchwright_app::decisions::{self, Upload};

use super::{Answer, page, see};
use crate::pages::exceptions::ExceptionsPage;
use crate::pages::vex_documents::{TypedDocument, VexDocumentPage, address};
use crate::session::{Signed, SignedForm};
use crate::state::WebState;
use crate::view::frame::{Area, Notice};

/// Largest form: a document of 16 MB, as forms spell it.
pub(crate) const BODY_MAX: usize = 32 << 20;

/// `POST /vex-documents`
pub(crate) async fn import(State(state): State<WebState>, SignedForm(signed, form): SignedForm) -> Answer {
    let field = |name: &str| form.get(name).trim().to_owned();
    let typed = TypedDocument {
        name: field("name"),
        document: form.get("document").to_owned(),
        reason: field("reason"),
        review_by: field("review_by"),
    };
    let upload = Upload {
        name: typed.name.clone(),
        // Browsers end every line of a text field with two characters; the file had one.
        bytes: typed.document.replace("\r\n", "\n").into_bytes(),
        reason: typed.reason.clone(),
        review_by: Some(typed.review_by.clone()),
    };
    match decisions::document_import(&state.env, &signed.ctx, &upload).await {
        Ok(made) => Ok(see(&address(&made.row.id))),
        Err(error) if error.status() == 422 => {
            let rows = decisions::exception_list(&state.env, &signed.ctx, None).await?;
            let stated = decisions::not_affected_list(&state.env, &signed.ctx).await?;
            let documents = decisions::document_list(&state.env, &signed.ctx).await?;
            let mut frame = signed.frame("Exceptions", Area::Exceptions);
            "/exceptions".clone_into(&mut frame.here);
            frame.notice = Some(Notice { good: false, text: format!("Nothing was taken in: {error}.") });
            let mut answer = page(&ExceptionsPage::new(frame, rows, stated, documents).typed(typed))?;
            *answer.status_mut() = StatusCode::UNPROCESSABLE_ENTITY;
            Ok(answer)
        }
        Err(error) => Err(error.into()),
    }
}

/// `GET /vex-documents/{id}`
pub(crate) async fn detail(State(state): State<WebState>, signed: Signed, Path(id): Path<String>) -> Answer {
    let detail = decisions::document_show(&state.env, &signed.ctx, &id).await?;
    page(&VexDocumentPage::new(signed.frame("VEX document", Area::Exceptions), detail))
}

/// `POST /vex-documents/{id}/withdraw`
pub(crate) async fn withdraw(
    State(state): State<WebState>,
    Path(id): Path<String>,
    SignedForm(signed, form): SignedForm,
) -> Answer {
    let reason = form.get("reason").trim().to_owned();
    let seen = super::exceptions::generation(&form)?;
    decisions::document_withdraw(&state.env, &signed.ctx, &id, &reason, Some(seen)).await?;
    Ok(see(&address(&id)))
}
