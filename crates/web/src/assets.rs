//! The style sheet, the script and the icon: part of the binary, addressed by their hash so that browsers may keep them.

use std::sync::LazyLock;

use axum::extract::Path;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use sha2::{Digest as _, Sha256};

use crate::failure::Failure;

const CSS: &str = include_str!("../assets/app.css");
const JS: &str = include_str!("../assets/app.js");
const ICON: &str = include_str!("../assets/icon.svg");

/// Addresses with the first 12 hex digits of the content's SHA-256.
static CSS_NAME: LazyLock<String> = LazyLock::new(|| hashed("app", CSS, "css"));
static JS_NAME: LazyLock<String> = LazyLock::new(|| hashed("app", JS, "js"));

fn hashed(stem: &str, content: &str, extension: &str) -> String {
    let digest = hex::encode(Sha256::digest(content.as_bytes()));
    format!("{stem}-{}.{extension}", digest.get(..12).unwrap_or_default())
}

/// Address of the style sheet.
#[must_use]
pub(crate) fn css_path() -> String {
    format!("/assets/{}", *CSS_NAME)
}

/// Address of the script.
#[must_use]
pub(crate) fn js_path() -> String {
    format!("/assets/{}", *JS_NAME)
}

/// `GET /assets/{name}`.
pub(crate) async fn get(Path(name): Path<String>) -> Response {
    const YEAR: &str = "public, max-age=31536000, immutable";
    let (kind, cache, body) = if name == *CSS_NAME {
        ("text/css; charset=utf-8", YEAR, CSS)
    } else if name == *JS_NAME {
        ("text/javascript; charset=utf-8", YEAR, JS)
    } else if name == "icon.svg" {
        ("image/svg+xml", "public, max-age=86400", ICON)
    } else {
        return Failure::not_found("there is no such asset").into_response();
    };
    (StatusCode::OK, [(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, cache)], body).into_response()
}
