//! Errors as they are sent: `application/problem+json` (RFC 9457).

use std::borrow::Cow;

use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use pegbar::{Error, User};
use serde::Serialize;
use utoipa::ToSchema;

/// The media type of problems.
pub(crate) const PROBLEM_JSON: &str = "application/problem+json";

/// What went wrong, and what to do (RFC 9457).
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Problem {
    /// Which kind of problem it is: a URI reference that ends with the code.
    #[schema(example = "/api/docs#not_found")]
    r#type: String,
    /// The kind of problem, in a few words.
    title: &'static str,
    /// The status of the answer.
    status: u16,
    /// The stable name of the kind of problem, for programs: `not_found`, `invalid`, `stale` …
    code: Cow<'static, str>,
    /// What went wrong.
    detail: String,
    /// What to do, where there is something to do.
    hint: Option<String>,
    /// The field that is not acceptable, as the request names it.
    field: Option<String>,
    /// Who still uses what was to be deleted; the first hundred.
    users: Option<Vec<User>>,
    /// How many more there are.
    more_users: Option<u64>,
    /// Seconds after which to try again.
    #[serde(skip)]
    retry_after: Option<u64>,
}

impl Problem {
    pub(crate) fn new(
        status: StatusCode,
        code: impl Into<Cow<'static, str>>,
        detail: impl Into<String>,
    ) -> Self {
        let code = code.into();
        Self {
            r#type: format!("/api/docs#{code}"),
            title: status.canonical_reason().unwrap_or("Error"),
            status: status.as_u16(),
            code,
            detail: detail.into(),
            hint: None,
            field: None,
            users: None,
            more_users: None,
            retry_after: None,
        }
    }

    /// The request is not what the route expects.
    pub(crate) fn invalid(field: impl Into<String>, reason: impl std::fmt::Display) -> Self {
        let field = field.into();
        let detail = format!("{field}: {reason}");
        Self {
            field: Some(field),
            ..Self::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid", detail)
        }
    }

    /// Something went wrong on the server; who says so has logged what.
    pub(crate) fn internal() -> Self {
        let detail = "something went wrong on the server; its log says what";
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", detail)
    }

    /// The request can't be understood at all.
    pub(crate) fn malformed(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "malformed", detail)
    }

    pub(crate) fn hint(self, hint: impl Into<String>) -> Self {
        Self {
            hint: Some(hint.into()),
            ..self
        }
    }

    /// Says which part of the request it is about.
    pub(crate) fn about(self, part: &str) -> Self {
        Self {
            field: Some(part.to_owned()),
            detail: format!("{part}: {}", self.detail),
            ..self
        }
    }

    pub(crate) fn retry_after(self, seconds: u64) -> Self {
        Self {
            retry_after: Some(seconds),
            ..self
        }
    }

    pub(crate) fn status(&self) -> StatusCode {
        StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }
}

/// Returns the status that stands for an error.
fn status_of(error: &Error) -> StatusCode {
    match error {
        Error::NotFound { .. } => StatusCode::NOT_FOUND,
        Error::Conflict { .. } | Error::InUse { .. } | Error::Sealed { .. } => StatusCode::CONFLICT,
        Error::Invalid { .. } | Error::NotAnImage { .. } | Error::Unproven { .. } => {
            StatusCode::UNPROCESSABLE_ENTITY
        }
        Error::Dropped { .. } => StatusCode::GONE,
        Error::Unavailable { .. } => StatusCode::SERVICE_UNAVAILABLE,
        Error::Io { source, .. } if is_full(source) => StatusCode::INSUFFICIENT_STORAGE,
        _ => match error.code() {
            "stale" => StatusCode::PRECONDITION_FAILED,
            _ => StatusCode::INTERNAL_SERVER_ERROR,
        },
    }
}

fn is_full(error: &std::io::Error) -> bool {
    use std::io::ErrorKind::{QuotaExceeded, StorageFull};
    matches!(error.kind(), StorageFull | QuotaExceeded)
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        let status = status_of(&error);
        let code = error.code();
        if status.is_server_error() {
            // What went wrong inside is for the log: it may name paths and addresses.
            tracing::error!(code, error = %WithCauses(&error), "a request failed");
            let detail = match status {
                StatusCode::INSUFFICIENT_STORAGE => "there is no room left on the server's disk",
                StatusCode::SERVICE_UNAVAILABLE => "the studio can't be used right now",
                _ => "something went wrong on the server; its log says what",
            };
            let problem = Self::new(status, code, detail);
            return if status == StatusCode::SERVICE_UNAVAILABLE {
                problem.retry_after(1).hint("try again in a moment")
            } else {
                problem
            };
        }
        let problem = Self {
            hint: error.hint(),
            ..Self::new(status, code, error.to_string())
        };
        match error {
            Error::Invalid { field, .. } => Self {
                field: Some(field),
                ..problem
            },
            Error::InUse { users, more, .. } => Self {
                users: Some(users),
                more_users: Some(more),
                ..problem
            },
            _ => problem,
        }
    }
}

/// Writes an error with what caused it.
struct WithCauses<'a>(&'a dyn std::error::Error);

impl std::fmt::Display for WithCauses<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.0)?;
        let mut cause = self.0.source();
        while let Some(error) = cause {
            write!(f, ": {error}")?;
            cause = error.source();
        }
        Ok(())
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = self.status();
        let body = serde_json::to_vec(&self).unwrap_or_default();
        let mut response = (status, body).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(PROBLEM_JSON));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some(seconds) = self.retry_after {
            headers.insert(header::RETRY_AFTER, seconds.into());
        }
        if status == StatusCode::UNAUTHORIZED {
            let challenge = HeaderValue::from_static("Bearer realm=\"pegbar\"");
            headers.insert(header::WWW_AUTHENTICATE, challenge);
        }
        response
    }
}
