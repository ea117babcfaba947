//! What new rows are called in paths: segments of characters and animations, files of assets.

use std::collections::{HashMap, HashSet};

use super::{Origin, Plan};
use crate::animation::{Animation, Folders};
use crate::asset::AssetKind;
use crate::character;
use crate::db::Session;
use crate::error::Result;
use crate::id::{AnimationId, AssetId, CharacterId, ProjectId};
use crate::project;
use crate::segment::{self, Segment};
use crate::variation;
use crate::view::path;

impl Plan<'_> {
    /// Gives new characters and animations their segments, and returns the segment of every
    /// character that a new row belongs to.
    pub(super) async fn name_segments(
        &mut self,
        session: &mut Session,
        project: ProjectId,
        is_new_project: bool,
    ) -> Result<HashMap<CharacterId, String>> {
        let mut taken = HashSet::new();
        if !is_new_project && !self.characters.is_empty() {
            taken.extend(project::character_segment_keys(session, project).await?);
        }
        let mut segments = HashMap::new();
        for row in &mut self.characters {
            let segment = Segment::of(&row.name).unique(|key| taken.contains(key));
            taken.insert(segment.key.clone());
            segments.insert(row.id, segment.text.clone());
            row.segment = Some(segment.text);
            row.segment_key = Some(segment.key);
        }
        for &id in &self.extended {
            if segments.contains_key(&id) {
                continue;
            }
            let owner = character::get(session, id).await?;
            let is_first = owner.primary_asset_id.is_none()
                && variation::ids(session, project, id).await?.is_empty();
            let mut own = self.assets.iter();
            let first =
                own.find(|row| row.character_id == Some(id) && row.bytes_dropped_at.is_none());
            if let (true, Some(first)) = (is_first, first) {
                variation::set_primary(session, id, Some(first.id), self.now).await?;
                self.promoted.push(id);
            }
            let segment = owner.segment.filter(|segment| segment::is_safe(segment));
            segments.extend(segment.map(|segment| (id, segment)));
        }
        let mut folders = Folders::default();
        if !is_new_project && !self.animations.is_empty() {
            folders = Folders::load(session, project, None).await?;
        }
        for row in &mut self.animations {
            let segment = folders.take(row.character_id, &row.name);
            row.segment = Some(segment.text);
            row.segment_key = Some(segment.key);
        }
        Ok(segments)
    }

    /// Gives new assets the paths of their files; those without bytes have none.
    pub(super) fn name_files(
        &mut self,
        project: ProjectId,
        segments: &HashMap<CharacterId, String>,
    ) {
        let animations: HashMap<AnimationId, &Animation> =
            self.animations.iter().map(|row| (row.id, row)).collect();
        let mut shown: HashMap<AssetId, (AnimationId, u32)> = HashMap::new();
        for frame in &self.frames {
            let place = (frame.animation_id, frame.frame_index);
            let lowest = shown.entry(frame.asset_id).or_insert(place);
            *lowest = place.min(*lowest);
        }
        for (row, Origin { format, .. }) in self.assets.iter_mut().zip(&self.origins) {
            if row.bytes_dropped_at.is_some() {
                continue;
            }
            let place = shown.get(&row.id).and_then(|(animation, index)| {
                let animation = animations.get(animation)?;
                let character = segments.get(&animation.character_id)?;
                Some(path::frame(
                    project,
                    animation.segment.as_deref()?,
                    character,
                    *index,
                    *format,
                ))
            });
            let character = row.character_id.and_then(|id| segments.get(&id));
            row.file_path = match (row.kind, place, character) {
                (AssetKind::Frame, Some(place), _) => Some(place),
                (AssetKind::Frame, None, _) => Some(path::take(project, row.id, *format)),
                (AssetKind::Reference, ..) => Some(path::reference(project, row.id, *format)),
                (AssetKind::Character, _, character) => {
                    character.map(|character| path::variation(project, character, row.id, *format))
                }
            };
        }
    }
}
