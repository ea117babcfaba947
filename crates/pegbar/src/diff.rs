//! Differences: what sets two assets, or two animations, apart.

mod animation;
mod asset;
mod claim;
mod input;
mod setting;
mod text;

use std::time::{Duration, Instant};

use serde::Serialize;

pub use animation::{AnimationDiff, FrameDiff, FramePlace};
pub use asset::AssetDiff;
pub use claim::ClaimChange;
pub use input::{InputChange, InputChangeKind, InputPlace};
pub use setting::SettingChange;
pub use text::{SpanKind, TextDiff, TextSpan};

/// How long a comparison looks for the smallest difference of texts and lists. What is left
/// then is told as removed and added as a whole.
const MAX_TIME: Duration = Duration::from_secs(1);

/// A value that is not the same on both sides.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Change<T> {
    /// The value of the first; `None` where it has none.
    pub before: Option<T>,
    /// The value of the second; `None` where it has none.
    pub after: Option<T>,
}

impl<T: Clone + PartialEq> Change<T> {
    /// Compares two values; `None` where they are the same.
    fn of(before: Option<&T>, after: Option<&T>) -> Option<Self> {
        (before != after).then(|| Self {
            before: before.cloned(),
            after: after.cloned(),
        })
    }
}

/// Returns when a comparison that begins now has to come to an end.
fn deadline() -> Instant {
    Instant::now() + MAX_TIME
}
