//! Typed ids: a UUID that says what it names.

use std::fmt;
use std::str::FromStr;
use std::sync::Mutex;

use serde::{Deserialize, Serialize};
use uuid::{ContextV7, Timestamp, Uuid};

use crate::time::Clock;

/// A typed id: one of [`ProjectId`], [`AssetId`], [`CharacterId`], [`AnimationId`],
/// [`FrameId`], [`GenerationId`], [`AnnotationId`].
pub trait Id: Copy + Eq + Ord + fmt::Display + From<Uuid> + Send + Sync + 'static {
    /// What the id names, as a word for messages: `asset`, `frame` …
    const ENTITY: &'static str;

    /// Returns the UUID inside.
    fn uuid(self) -> Uuid;
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident = $entity:literal;)+) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl Id for $name {
            const ENTITY: &'static str = $entity;
            fn uuid(self) -> Uuid {
                self.0
            }
        }

        impl From<Uuid> for $name {
            fn from(uuid: Uuid) -> Self {
                Self(uuid)
            }
        }

        impl From<$name> for Uuid {
            fn from(id: $name) -> Self {
                id.0
            }
        }

        impl FromStr for $name {
            type Err = uuid::Error;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                text.parse().map(Self)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.hyphenated().fmt(f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self.0.hyphenated())
            }
        }
    )+};
}

ids! {
    /// Names a project.
    ProjectId = "project";
    /// Names an asset: an image with its record.
    AssetId = "asset";
    /// Names a character.
    CharacterId = "character";
    /// Names an animation.
    AnimationId = "animation";
    /// Names a frame of an animation.
    FrameId = "frame";
    /// Names a generation: one request to a model.
    GenerationId = "generation";
    /// Names an annotation of an asset.
    AnnotationId = "annotation";
    /// Names a deletion, which the trash keeps together.
    DeletionId = "deletion";
    /// Names a token of a server.
    TokenId = "token";
    /// Names the store: a database and its blobs.
    StoreId = "store";
    /// Names the blobs that one process hashes at the moment.
    ScrubClaimId = "scrub claim";
    /// Names an entry of the outbox.
    OutboxId = "outbox entry";
}

/// Makes ids (UUIDv7, RFC 9562 section 5.7): later ids of one process compare greater.
pub(crate) struct IdSource {
    context: Mutex<ContextV7>,
}

impl IdSource {
    pub(crate) fn new() -> Self {
        // 12 more bits of the counter carry the sub-millisecond part.
        Self {
            context: Mutex::new(ContextV7::new().with_additional_precision()),
        }
    }

    /// Returns a new id for something made now.
    pub(crate) fn next<T: Id>(&self, clock: &dyn Clock) -> T {
        let context = self
            .context
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        let since_epoch = clock.now_ns();
        let seconds = u64::try_from(since_epoch / 1_000_000_000).unwrap_or(0);
        // A remainder of a division by 10^9 fits.
        let nanos = u32::try_from(since_epoch.rem_euclid(1_000_000_000)).unwrap_or(0);
        T::from(Uuid::new_v7(Timestamp::from_unix(
            &*context, seconds, nanos,
        )))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::SystemClock;

    #[test]
    fn ids_of_one_process_are_strictly_increasing() {
        let source = IdSource::new();
        let ids: Vec<AssetId> = (0..20_000).map(|_| source.next(&SystemClock)).collect();
        assert!(ids.windows(2).all(|pair| pair[0] < pair[1]));
    }

    #[test]
    fn an_id_is_written_as_it_is_read() {
        let text = "0192a0f0-7d3c-7a51-8f10-0123456789ab";
        let id: AssetId = text.parse().unwrap();
        assert_eq!(id.to_string(), text);
        assert_eq!(serde_json::to_string(&id).unwrap(), format!("\"{text}\""));
    }
}
