//! REST API, version 1. One endpoint is one file: its documentation, its handler.
//!
//! Errors are problem details (RFC 9457) with stable codes; lists are paged by opaque cursors; answers carry an `ETag` and
//! honour `If-None-Match`; a change of a host needs `If-Match`.

pub mod v1;

use axum::body::Bytes;
use axum::extract::{FromRequest, Request};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use serde::Serialize;
use serde::de::DeserializeOwned;
use sha2::{Digest as _, Sha256};
use utoipa::OpenApi as _;
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityScheme};

use crate::failure::Failure;
use crate::state::WebState;

/// An answer or a problem.
pub(crate) type Answer = Result<Response, Failure>;

/// The OpenAPI 3.1 document.
#[must_use]
pub fn document() -> serde_json::Value {
    let mut api = v1::ApiDoc::openapi();
    api.components
        .get_or_insert_default()
        .security_schemes
        .insert("token".to_owned(), SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer)).into());
    serde_json::to_value(api).unwrap_or_default()
}

/// A value as JSON with an `ETag` of its content; 304 when the caller holds it already (RFC 9110, section 13.1.2).
pub(crate) fn json<T: Serialize>(headers: &HeaderMap, value: &T) -> Answer {
    let body = serde_json::to_vec(value)?;
    let digest = hex::encode(Sha256::digest(&body));
    let tag = format!("\"{}\"", digest.get(..32).unwrap_or_default());
    Ok(tagged(headers, &tag, body))
}

/// A body under a tag that the caller may compare.
pub(crate) fn tagged(headers: &HeaderMap, tag: &str, body: Vec<u8>) -> Response {
    let held = headers.get(header::IF_NONE_MATCH).and_then(|v| v.to_str().ok());
    let same = held.is_some_and(|held| {
        held.trim() == "*" || held.split(',').any(|one| one.trim().trim_start_matches("W/") == tag)
    });
    let mut response = if same {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        ([(header::CONTENT_TYPE, "application/json")], body).into_response()
    };
    if let Ok(value) = HeaderValue::from_str(tag) {
        response.headers_mut().insert(header::ETAG, value);
    }
    // Kept by the caller only, and asked about each time.
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
    response
}

/// A JSON body of a known shape; a wrong one is refused with line and column.
pub(crate) struct Body<T>(pub(crate) T);

impl<T: DeserializeOwned> FromRequest<WebState> for Body<T> {
    type Rejection = Failure;

    async fn from_request(request: Request, state: &WebState) -> Result<Self, Failure> {
        let json =
            request.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).is_some_and(|kind| {
                let kind = kind.split(';').next().unwrap_or_default().trim();
                kind == "application/json" || (kind.starts_with("application/") && kind.ends_with("+json"))
            });
        if !json {
            return Err(Failure::of("unsupported_media_type", "this address takes application/json"));
        }
        let body = Bytes::from_request(request, state).await?;
        serde_json::from_slice(&body)
            .map(Self)
            .map_err(|error| Failure::of("bad_request", format!("the body is not what this address takes: {error}")))
    }
}

/// `If-Match` of a change: the generation inside the tag of the host (`"g7"`).
pub(crate) fn generation_wanted(headers: &HeaderMap) -> Result<i64, Failure> {
    let Some(line) = headers.get(header::IF_MATCH) else {
        return Err(Failure::of("precondition_required", "the change carries no `If-Match`"));
    };
    line.to_str()
        .ok()
        .and_then(|tag| tag.trim().strip_prefix("\"g")?.strip_suffix('"')?.parse().ok())
        .ok_or_else(|| Failure::of("precondition_failed", "`If-Match` is not a tag of this host"))
}

/// Tag of a host's record.
pub(crate) fn generation_tag(generation: i64) -> String {
    format!("\"g{generation}\"")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unchanged_answer_is_not_sent_again() {
        let first = json(&HeaderMap::new(), &vec![1, 2]).unwrap();
        let tag = first.headers().get(header::ETAG).unwrap().clone();
        let mut headers = HeaderMap::new();
        headers.insert(header::IF_NONE_MATCH, tag);
        assert_eq!(json(&headers, &vec![1, 2]).unwrap().status(), StatusCode::NOT_MODIFIED);
        assert_eq!(json(&headers, &vec![1, 3]).unwrap().status(), StatusCode::OK);
    }

    #[test]
    fn a_change_says_which_version_it_changes() {
        let mut headers = HeaderMap::new();
        assert_eq!(generation_wanted(&headers).unwrap_err().code, "precondition_required");
        headers.insert(header::IF_MATCH, HeaderValue::from_static("\"g7\""));
        assert_eq!(generation_wanted(&headers).unwrap(), 7);
        headers.insert(header::IF_MATCH, HeaderValue::from_static("\"7\""));
        assert_eq!(generation_wanted(&headers).unwrap_err().code, "precondition_failed");
        assert_eq!(generation_tag(7), "\"g7\"");
    }
}
