//! Creating once, however often it is asked for: `Idempotency-Key`.
//!
//! Before anything is done, the ids of what is going to be created are reserved under the key. Who
//! comes again gets the answer, or makes it with the same ids, or finds that they are taken: so
//! nothing is made twice, whatever was interrupted where.

use axum::extract::FromRequestParts;
use http::StatusCode;
use http::request::Parts;
use pegbar::{
    AnimationId, AnnotationId, AssetId, BegunRequest, CharacterId, FrameId, GenerationId, Id,
    ProjectId, Sha256, Studio,
};
use serde::Serialize;
use sha2::Digest as _;
use utoipa::IntoParams;
use utoipa::openapi::Required;
use utoipa::openapi::path::{Parameter, ParameterIn};

use crate::app::App;
use crate::etag::Tagged;
use crate::extract::header_parameter;
use crate::guard::Identity;
use crate::problem::Problem;

/// The longest key, in bytes.
pub(crate) const MAX_KEY: usize = 255;

/// The key of a request that is to be done once; `None` where there is none.
pub(crate) struct Key(Option<Once>);

struct Once {
    /// Who chose the key.
    scope: String,
    key: String,
    /// What is asked for besides the body.
    path: String,
}

impl<S: Send + Sync> FromRequestParts<S> for Key {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let Some(value) = parts.headers.get("idempotency-key") else {
            return Ok(Self(None));
        };
        // A string as RFC 8941 writes it, or the bare text that many send.
        let text = value.to_str().unwrap_or("").trim();
        let bare = text
            .strip_prefix('"')
            .and_then(|text| text.strip_suffix('"'));
        let text = bare.unwrap_or(text);
        if text.is_empty() || text.len() > MAX_KEY {
            let reason = format!("expected 1 to {MAX_KEY} printable ASCII characters");
            return Err(Problem::invalid("Idempotency-Key", reason));
        }
        let identity = parts.extensions.get::<Identity>();
        Ok(Self(Some(Once {
            scope: identity.map(Identity::scope).unwrap_or_default(),
            key: text.to_owned(),
            path: parts.uri.to_string(),
        })))
    }
}

impl IntoParams for Key {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        header_parameter(
            "Idempotency-Key",
            Required::False,
            "Done once for each key.",
        )
    }
}

impl Once {
    fn hash(&self, body: Sha256) -> Sha256 {
        let mut hasher = sha2::Sha256::new();
        hasher.update(body.0);
        hasher.update(self.path.as_bytes());
        Sha256(hasher.finalize().into())
    }
}

/// What is being made.
pub(crate) struct Making<I> {
    /// The ids that it gets.
    pub(crate) ids: Vec<I>,
    once: Option<Once>,
    /// Nothing had these ids when the request came for the first time: what has them now was
    /// made by it.
    is_own: bool,
    /// What was answered when the same request came before.
    answered: Option<Tagged>,
}

/// The ids under which something can be reserved.
pub(crate) trait Reserved: Id {
    /// Says whether something has this id.
    async fn is_taken(self, studio: &Studio) -> pegbar::Result<bool>;
}

macro_rules! reserved {
    ($($id:ty: $get:ident,)+) => {$(
        impl Reserved for $id {
            async fn is_taken(self, studio: &Studio) -> pegbar::Result<bool> {
                match studio.$get(self).await {
                    Ok(_) => Ok(true),
                    Err(pegbar::Error::NotFound { .. }) => Ok(false),
                    Err(error) => Err(error),
                }
            }
        }
    )+};
}

reserved! {
    ProjectId: get_project,
    CharacterId: get_character,
    AnimationId: get_animation,
    FrameId: get_frame,
    AssetId: get_asset,
    GenerationId: get_generation,
}

impl Reserved for AnnotationId {
    /// Nobody chooses them.
    async fn is_taken(self, _: &Studio) -> pegbar::Result<bool> {
        Ok(false)
    }
}

async fn is_any_taken<I: Reserved>(studio: &Studio, ids: &[I]) -> pegbar::Result<bool> {
    for id in ids {
        if id.is_taken(studio).await? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Begins to create what has these ids. `hash` is that of the body.
pub(crate) async fn begin<I: Reserved>(
    app: &App,
    key: Key,
    hash: Sha256,
    ids: Vec<I>,
) -> Result<Making<I>, Problem> {
    let mut making = Making {
        ids,
        once: key.0,
        is_own: false,
        answered: None,
    };
    if let Some(once) = &making.once {
        let studio = app.studio();
        // Ids that clients chose may be those of something else: that is not to be given out
        // as what this request made, however often it comes. So nothing is reserved then.
        let reserved: Vec<_> = if is_any_taken(studio, &making.ids).await? {
            Vec::new()
        } else {
            making.ids.iter().map(|id| id.uuid()).collect()
        };
        making.is_own = !reserved.is_empty();
        let hash = once.hash(hash);
        let begun = studio.begin_request(&once.scope, &once.key, hash, reserved);
        match begun.await? {
            BegunRequest::New => {}
            BegunRequest::Finished { status, answer } => {
                let status = StatusCode::from_u16(status).unwrap_or(StatusCode::CREATED);
                making.answered = Some(Tagged::again(status, answer.into_bytes()));
            }
            BegunRequest::Unfinished { reserved } => {
                making.is_own = !reserved.is_empty();
                if making.is_own {
                    making.ids = reserved.into_iter().map(I::from).collect();
                }
            }
        }
    }
    Ok(making)
}

impl<I: Reserved> Making<I> {
    /// Makes it and answers with it, unless that was answered before. Where the same request made
    /// it before, or meanwhile, its ids are taken: then `found` looks for it.
    pub(crate) fn answer<T: Serialize>(
        self,
        app: &App,
        making: impl Future<Output = pegbar::Result<T>>,
        found: impl Future<Output = pegbar::Result<T>>,
    ) -> impl Future<Output = Result<Tagged, Problem>> {
        // Large, and of the two mostly one is waited for.
        let (making, found) = (Box::pin(making), Box::pin(found));
        async move {
            if let Some(answered) = self.answered {
                return Ok(answered);
            }
            let made = match making.await {
                Err(error) if self.is_own => found.await.map_err(|_| error)?,
                made => made?,
            };
            let answer = Tagged::of(StatusCode::CREATED, &made)?;
            if let Some(once) = &self.once {
                let studio = app.studio();
                let finished = studio.finish_request(&once.scope, &once.key, 201, answer.text());
                // What was asked for is done: who comes again finds it by its id.
                if let Err(error) = finished.await {
                    tracing::warn!(%error, "an answer could not be remembered");
                }
            }
            Ok(answer)
        }
    }
}
