//! `GET /api/v1/openapi.json`: for everybody, it tells nothing about this installation.

use axum::http::HeaderMap;

use crate::api::{Answer, document, json};

/// The OpenAPI document.
pub(crate) async fn handler(headers: HeaderMap) -> Answer {
    json(&headers, &document())
}
