//! What came back, so that it can be deleted again.

use uuid::Uuid;

use crate::id::{AnimationId, AnnotationId, AssetId, CharacterId, FrameId};
use crate::trash::{DeletionKind, TrashEntry};
use crate::undo::{Made, Size};

/// The ids of what came back.
pub(super) struct Back<'a> {
    pub(super) characters: &'a [Uuid],
    pub(super) animations: &'a [Uuid],
    pub(super) assets: &'a [Uuid],
    pub(super) frames: &'a [Uuid],
    /// Assets that have their bytes back.
    pub(super) bytes: &'a [Uuid],
    pub(super) annotations: &'a [Uuid],
    /// The animation that stayed and has frames back.
    pub(super) extended: Option<AnimationId>,
}

impl Back<'_> {
    /// Says what came back as a whole.
    pub(super) fn made(&self, entry: &TrashEntry) -> Option<Made> {
        let size = Size {
            characters: self.characters.len() as u64,
            animations: self.animations.len() as u64,
            frames: self.frames.len() as u64,
            assets: self.assets.len() as u64,
        };
        let assets = || self.assets.iter().copied().map(AssetId).collect();
        Some(match entry.kind {
            DeletionKind::Project => Made::Project {
                id: entry.project_id,
                size: Some(size),
            },
            DeletionKind::Character => Made::Character {
                id: CharacterId(*self.characters.first()?),
                size,
            },
            DeletionKind::Animation => Made::Animation {
                id: AnimationId(*self.animations.first()?),
                size,
            },
            DeletionKind::Frames => Made::Frames {
                animation: self.extended?,
                ids: self.frames.iter().copied().map(FrameId).collect(),
                takes: assets(),
            },
            DeletionKind::Asset => Made::Assets { ids: assets() },
            DeletionKind::Bytes => Made::Bytes {
                asset: AssetId(*self.bytes.first()?),
            },
            DeletionKind::Annotation => Made::Annotation {
                id: AnnotationId(*self.annotations.first()?),
            },
        })
    }
}
