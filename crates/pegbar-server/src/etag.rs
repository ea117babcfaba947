//! Versions of what is sent: `ETag`, `If-None-Match` and `If-Match` (RFC 9110, section 13).

use axum::extract::FromRequestParts;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::request::Parts;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use pegbar::Fingerprint;
use serde::Serialize;
use utoipa::IntoParams;
use utoipa::openapi::Required;
use utoipa::openapi::path::{Parameter, ParameterIn};

use crate::extract::header_parameter;
use crate::problem::Problem;

/// A body of JSON with its version.
pub(crate) struct Tagged {
    status: StatusCode,
    body: Bytes,
    tag: String,
    is_known: bool,
}

/// What the client has already.
pub(crate) struct Known(Vec<String>);

/// What the client saw before it asks for a change: `None` for any version (`*`).
pub(crate) struct Expected(pub(crate) Option<Fingerprint>);

/// Returns the tag of what has this fingerprint.
pub(crate) fn tag(fingerprint: Fingerprint) -> String {
    format!("\"{fingerprint}\"")
}

impl Tagged {
    /// Writes an answer; nothing of it where the client has it already.
    pub(crate) fn new(known: &Known, value: &impl Serialize) -> Result<Self, Problem> {
        let mut tagged = Self::of(StatusCode::OK, value)?;
        tagged.is_known = known.has(&tagged.tag);
        Ok(tagged)
    }

    /// Writes the answer to a change.
    pub(crate) fn of(status: StatusCode, value: &impl Serialize) -> Result<Self, Problem> {
        let body = serde_json::to_vec(value).map_err(|error| {
            tracing::error!(%error, "an answer can't be written");
            let detail = "something went wrong on the server; its log says what";
            Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", detail)
        })?;
        Ok(Self {
            status,
            tag: tag(Fingerprint::of_json(&body)),
            body: body.into(),
            is_known: false,
        })
    }
}

impl Tagged {
    /// Gives an answer that was given before.
    pub(crate) fn again(status: StatusCode, body: Vec<u8>) -> Self {
        Self {
            status,
            tag: tag(Fingerprint::of_json(&body)),
            body: body.into(),
            is_known: false,
        }
    }

    /// Returns the JSON.
    pub(crate) fn text(&self) -> &str {
        // JSON is UTF-8.
        std::str::from_utf8(&self.body).unwrap_or_default()
    }
}

impl IntoResponse for Tagged {
    fn into_response(self) -> Response {
        let mut response = if self.is_known {
            StatusCode::NOT_MODIFIED.into_response()
        } else {
            let mut response = (self.status, self.body).into_response();
            let json = HeaderValue::from_static("application/json");
            response.headers_mut().insert(header::CONTENT_TYPE, json);
            response
        };
        let headers = response.headers_mut();
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
        if let Ok(tag) = HeaderValue::from_str(&self.tag) {
            headers.insert(header::ETAG, tag);
        }
        response
    }
}

/// Returns the tags of a header, which may stand several times.
fn tags(headers: &HeaderMap, name: header::HeaderName) -> Vec<String> {
    let values = headers.get_all(name).iter();
    let values = values.filter_map(|value| value.to_str().ok());
    let tags = values.flat_map(|value| value.split(','));
    tags.map(|tag| tag.trim().to_owned()).collect()
}

impl Known {
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        Self(tags(headers, header::IF_NONE_MATCH))
    }

    /// Compares weakly, as `If-None-Match` is to be compared.
    pub(crate) fn has(&self, tag: &str) -> bool {
        let is_same = |known: &String| known == "*" || known.trim_start_matches("W/") == tag;
        self.0.iter().any(is_same)
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Known {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        Ok(Self::of(&parts.headers))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Expected {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let tags = tags(&parts.headers, header::IF_MATCH);
        match tags.as_slice() {
            [] => {
                let detail = "say which version is to be changed: If-Match with the ETag that was \
                              read, or * for any";
                let status = StatusCode::PRECONDITION_REQUIRED;
                Err(Problem::new(status, "precondition_required", detail)
                    .hint("read it, then send its ETag as If-Match"))
            }
            [any] if any == "*" => Ok(Self(None)),
            [tag] => {
                let tag = tag.strip_prefix('"').and_then(|tag| tag.strip_suffix('"'));
                match tag.and_then(|tag| tag.parse().ok()) {
                    Some(fingerprint) => Ok(Self(Some(fingerprint))),
                    // No version of ours: it can't be the one that is there.
                    None => Err(stale("If-Match is no ETag of this server")),
                }
            }
            _ => Err(Problem::invalid("If-Match", "expected one ETag")),
        }
    }
}

impl IntoParams for Expected {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let description =
            "The ETag that was read, or * for any. Frames go by that of their animation.";
        header_parameter("If-Match", Required::True, description)
    }
}

/// What was to be changed has changed meanwhile.
fn stale(detail: impl Into<String>) -> Problem {
    Problem::new(StatusCode::PRECONDITION_FAILED, "stale", detail)
        .hint("read it again, and decide again")
}
