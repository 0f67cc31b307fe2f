//! REST API, version 1. One endpoint is one file: its documentation, its handler.
//!
//! Errors are problem details (RFC 9457) with stable codes; lists are paged by opaque cursors; answers carry an `ETag` and
//! honour `If-None-Match`; a change of a record needs the `ETag` of its GET as `If-Match`.

mod asked;
pub mod v1;

use axum::body::Bytes;
use axum::extract::{FromRequest, Request};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use patchwright_app::AppError;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use utoipa::OpenApi as _;
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityScheme};

pub(crate) use asked::Asked;

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
    Ok(tagged(headers, &format!("\"{}\"", digest(&body)), body))
}

/// A record that can be changed: its tag is `"gN-DIGEST"`. The whole of it says whether the answer is another one, the generation
/// in it is what `If-Match` compares: what is found on a host changes more often than what somebody says about it.
pub(crate) fn versioned<T: Serialize>(headers: &HeaderMap, generation: i64, value: &T) -> Answer {
    let body = serde_json::to_vec(value)?;
    Ok(tagged(headers, &format!("\"g{generation}-{}\"", digest(&body)), body))
}

/// A record as a change left it, or why the change was not made.
pub(crate) fn changed<T: Serialize>(done: Result<T, AppError>, generation: impl FnOnce(&T) -> i64) -> Answer {
    let value = done.map_err(not_first)?;
    versioned(&HeaderMap::new(), generation(&value), &value)
}

/// A conflict of a request that named a version is a precondition that failed (RFC 9110, section 15.5.13).
pub(crate) fn not_first(error: AppError) -> Failure {
    match error {
        error @ AppError::Conflict { .. } => Failure::of("precondition_failed", error.to_string()),
        error => error.into(),
    }
}

fn digest(body: &[u8]) -> String {
    let mut digest = hex::encode(Sha256::digest(body));
    digest.truncate(32);
    digest
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

/// Which page of a list is wanted, where that is all that a list is asked.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct PageQuery {
    after: Option<String>,
    limit: Option<u32>,
}

impl PageQuery {
    /// Cursor and number of rows.
    pub(crate) fn wanted(&self) -> (Option<&str>, Option<u32>) {
        (self.after.as_deref(), self.limit)
    }
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

/// `If-Match` of a change: the generation inside the tag that the GET of the record gave (`"g7-…"`), or `"g7"` alone. A proxy that
/// packs answers marks their tags as weak; the generation in them is as good as before.
pub(crate) fn generation_wanted(headers: &HeaderMap, what: &str) -> Result<i64, Failure> {
    let Some(line) = headers.get(header::IF_MATCH) else {
        return Err(Failure::of("precondition_required", "the change carries no `If-Match`"));
    };
    line.to_str().ok().and_then(generation_of).ok_or_else(|| {
        Failure::of("if_match", format!("`If-Match` is not a tag of this {what}, so nothing was compared or changed"))
    })
}

fn generation_of(tag: &str) -> Option<i64> {
    let tag = tag.trim();
    let tag = tag.strip_prefix("W/").unwrap_or(tag).strip_prefix("\"g")?.strip_suffix('"')?;
    tag.split_once('-').map_or(tag, |(generation, _)| generation).parse().ok().filter(|generation| *generation >= 0)
}

/// Tag of a generation alone, for an answer without a body.
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
        assert_eq!(generation_wanted(&headers, "host").unwrap_err().code, "precondition_required");
        for tag in ["\"g7\"", "\"g7-00ff\"", " W/\"g7-00ff\""] {
            headers.insert(header::IF_MATCH, HeaderValue::from_str(tag).unwrap());
            assert_eq!(generation_wanted(&headers, "host").unwrap(), 7, "{tag}");
        }
        assert_eq!(generation_tag(7), "\"g7\"");
        for tag in ["\"7\"", "g7", "*", "\"g\"", "\"g-7\"", "\"g7\", \"g8\"", "\"00ff\""] {
            headers.insert(header::IF_MATCH, HeaderValue::from_str(tag).unwrap());
            let refused = generation_wanted(&headers, "exception").unwrap_err();
            assert_eq!((refused.status, refused.code.as_str()), (412, "if_match"), "{tag}");
            assert!(refused.detail.contains("this exception"), "{}", refused.detail);
        }
    }

    #[test]
    fn the_tag_of_a_record_is_what_a_change_of_it_takes() {
        let first = versioned(&HeaderMap::new(), 7, &vec![1, 2]).unwrap();
        let tag = first.headers().get(header::ETAG).unwrap().clone();
        let mut headers = HeaderMap::new();
        headers.insert(header::IF_MATCH, tag.clone());
        assert_eq!(generation_wanted(&headers, "host").unwrap(), 7);
        headers.insert(header::IF_NONE_MATCH, tag);
        assert_eq!(versioned(&headers, 7, &vec![1, 2]).unwrap().status(), StatusCode::NOT_MODIFIED);
        // What is found on a host changes without anybody having changed the host.
        assert_eq!(versioned(&headers, 7, &vec![1, 3]).unwrap().status(), StatusCode::OK);
    }
}
