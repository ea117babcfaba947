//! What a change did as a whole, as its row keeps it: enough to put back what was there before,
//! and nothing that the rows themselves still say.

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::change::EntityKind;
use crate::error::{Error, Result};
use crate::fingerprint::Fingerprint;
use crate::id::{AnimationId, AnnotationId, AssetId, CharacterId, DeletionId, FrameId, ProjectId};
use crate::trash::{DeletionKind, FormerDeletion};

/// The longest text that a change keeps to be undone with, in bytes: the ids of some 800 assets,
/// or an order of some thousand frames. Ten thousand changes of a project are kept.
const MAX_BYTES: usize = 32 * 1024;

/// What a change did as a whole.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "did", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub(crate) enum Action {
    /// It moved something into the trash.
    Delete { deletion: DeletionId },
    /// It created something.
    Create { made: Made },
    /// It brought back from the trash what people know by this name. Deleted again, it is that
    /// deletion, which older changes know by its id.
    Restore {
        kind: DeletionKind,
        name: String,
        made: Option<Made>,
        former: FormerDeletion,
    },
    /// It changed fields of something: what they were, and the fingerprint of what they became.
    Update {
        entity: EntityKind,
        id: Uuid,
        before: Map<String, Value>,
        after: String,
    },
    /// It changed which frames an animation has, or what they show; a new image became a take.
    Edit {
        animation: AnimationId,
        edit: FrameEdit,
        takes: Vec<AssetId>,
    },
    /// It moved a frame to another animation: taken out of its own by a deletion, and shown
    /// there under a new id; with the fingerprint of what it is.
    MoveAcross {
        deletion: DeletionId,
        to: AnimationId,
        frame: FrameId,
        shown: String,
    },
    /// What would undo it is too long to be kept.
    TooLong,
}

/// What was created, or came back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(
    tag = "made",
    rename_all = "camelCase",
    rename_all_fields = "camelCase"
)]
pub(crate) enum Made {
    Project {
        id: ProjectId,
        size: Option<Size>,
    },
    Character {
        id: CharacterId,
        size: Size,
    },
    Animation {
        id: AnimationId,
        size: Size,
    },
    Assets {
        ids: Vec<AssetId>,
    },
    Frames {
        animation: AnimationId,
        ids: Vec<FrameId>,
        takes: Vec<AssetId>,
    },
    Bytes {
        asset: AssetId,
    },
    Annotation {
        id: AnnotationId,
    },
}

/// How much is in something.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Size {
    pub(crate) characters: u64,
    pub(crate) animations: u64,
    pub(crate) frames: u64,
    pub(crate) assets: u64,
}

/// What was done to frames that were there before.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(
    tag = "edit",
    rename_all = "camelCase",
    rename_all_fields = "camelCase"
)]
pub(crate) enum FrameEdit {
    Move {
        frame: FrameId,
        from: u32,
        to: u32,
    },
    Show {
        frame: FrameId,
        before: AssetId,
        after: AssetId,
    },
    Prompt {
        frame: FrameId,
        before: Option<String>,
        after: Option<String>,
    },
    /// The places that the frames had before, in their new order, and the fingerprint of that
    /// order.
    Order {
        before: Vec<Run>,
        after: String,
    },
}

/// Places that follow each other: the first, and how many.
pub(crate) type Run = (u32, u32);

impl Action {
    /// Writes it as a change keeps it.
    pub(crate) fn to_text(&self) -> Option<String> {
        // What can't be written can't be undone; the change itself is sound.
        let text = serde_json::to_string(self).ok()?;
        if text.len() <= MAX_BYTES {
            return Some(text);
        }
        serde_json::to_string(&Self::TooLong).ok()
    }

    /// Says what an update did to something's fields.
    ///
    /// # Errors
    /// [`Error::Invalid`] for what can't be written as JSON, which nothing of Pegbar's is.
    pub(crate) fn of_update<T: Serialize>(
        entity: EntityKind,
        id: impl Into<Uuid>,
        before: &T,
        after: &T,
    ) -> Result<Self> {
        let after = fields(after)?;
        let mut changed = Map::new();
        let mut before = fields(before)?;
        before.retain(|name, value| name != "updatedAt" && after.get(name) != Some(value));
        for name in before.keys() {
            changed.insert(name.clone(), after.get(name).cloned().unwrap_or_default());
        }
        Ok(Self::Update {
            entity,
            id: id.into(),
            after: fingerprint(&changed)?,
            before,
        })
    }
}

/// Returns the fields of something as JSON.
pub(super) fn fields<T: Serialize>(thing: &T) -> Result<Map<String, Value>> {
    match serde_json::to_value(thing) {
        Ok(Value::Object(fields)) => Ok(fields),
        Ok(other) => Err(Error::invalid(
            "fields",
            format!("expected an object: {other}"),
        )),
        Err(error) => Err(Error::invalid("fields", error.to_string())),
    }
}

/// Takes the fingerprint of fields in whatever order they come: the database keeps none, and
/// where another library of the program asks for it, `serde_json` keeps that in which it reads.
pub(super) fn fingerprint<T: Serialize>(fields: &T) -> Result<String> {
    let json = serde_json_canonicalizer::to_vec(fields)
        .map_err(|error| Error::invalid("fingerprint", error.to_string()))?;
    Ok(Fingerprint::of_json(&json).to_string())
}

/// Reads a field that is there, be it `null`: it is to become so.
pub(crate) fn present<'de, T, D>(deserializer: D) -> Result<Option<T>, D::Error>
where
    T: Deserialize<'de>,
    D: Deserializer<'de>,
{
    T::deserialize(deserializer).map(Some)
}

/// Writes places as runs.
pub(crate) fn runs(places: impl IntoIterator<Item = u32>) -> Vec<Run> {
    let mut runs: Vec<Run> = Vec::new();
    for place in places {
        match runs.last_mut() {
            Some((first, count)) if *first + *count == place => *count += 1,
            _ => runs.push((place, 1)),
        }
    }
    runs
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_is_written_as_the_runs_that_moved() {
        assert_eq!(runs([0, 1, 5, 6, 7, 2, 3, 4]), [(0, 2), (5, 3), (2, 3)]);
        assert_eq!(runs([2, 1, 0]), [(2, 1), (1, 1), (0, 1)]);
        assert_eq!(runs([]), []);
    }

    #[test]
    fn what_is_too_long_to_be_kept_says_so() {
        let assets = |count| {
            let ids = (0..count).map(|n| AssetId(Uuid::from_u128(n))).collect();
            let made = Made::Assets { ids };
            let text = Action::Create { made }.to_text().unwrap();
            serde_json::from_str::<Action>(&text).unwrap()
        };
        assert!(matches!(assets(800), Action::Create { .. }));
        assert_eq!(assets(900), Action::TooLong);
    }

    #[test]
    fn fields_have_one_fingerprint_in_whatever_order_they_come() {
        #[derive(Serialize)]
        struct Written {
            a: u8,
            b: [f64; 1],
        }
        #[derive(Serialize)]
        struct Kept {
            b: [f64; 1],
            a: u8,
        }
        let written = fingerprint(&[Written { a: 1, b: [1.5] }]).unwrap();
        assert_eq!(fingerprint(&[Kept { b: [1.5], a: 1 }]).unwrap(), written);
        assert_ne!(fingerprint(&[Kept { b: [1.5], a: 2 }]).unwrap(), written);
    }

    #[test]
    fn an_update_keeps_the_fields_that_changed_and_what_they_were() {
        let before = serde_json::json!({ "name": "a", "note": "b", "updatedAt": 1 });
        let after = serde_json::json!({ "name": "a", "note": null, "updatedAt": 2 });
        let action = Action::of_update(EntityKind::Asset, Uuid::nil(), &before, &after);
        let Ok(Action::Update { before, .. }) = action else {
            panic!("{action:?}");
        };
        assert_eq!(Value::Object(before), serde_json::json!({ "note": "b" }));
    }
}
