//! Where restored rows stand: names as parts of paths, and places among frames.

use std::collections::{HashMap, HashSet};

use uuid::Uuid;

use super::{RenamedSegment, Restore};
use crate::animation::Folders;
use crate::db::sql::{Sql, statements};
use crate::db::value::Value;
use crate::error::Result;
use crate::frame::{self, edit::Slot};
use crate::id::{AnimationId, AssetId, CharacterId, FrameId};
use crate::json::Json;
use crate::project;
use crate::segment::{self, Segment};

statements! {
    NAME_CHARACTER = "UPDATE character SET segment = $3, segment_key = $4 \
                      WHERE project_id = $1 AND id = $2";
    NAME_ANIMATION = "UPDATE animation SET segment = $3, segment_key = $4 \
                      WHERE project_id = $1 AND id = $2";
    MADE_AT = "UPDATE frame SET created_at = $3 WHERE project_id = $1 AND id = $2";
}

/// A character or an animation that came back and has no name as part of paths yet.
struct Unnamed {
    id: Uuid,
    owner: Option<Uuid>,
    name: String,
    segment: Option<String>,
}

impl Unnamed {
    fn of(content: &Json) -> Option<Self> {
        let text = |name: &str| content.get(name).and_then(|value| value.as_str());
        Some(Self {
            id: text("id")?.parse().ok()?,
            owner: text("character_id").and_then(|id| id.parse().ok()),
            name: text("name")?.to_owned(),
            segment: text("segment").map(str::to_owned),
        })
    }
}

/// The name as part of paths that is still free, or the next one.
fn free(wanted: &Unnamed, is_taken: impl Fn(&str) -> bool) -> Segment {
    let own = wanted.segment.as_deref().and_then(segment::taken_over);
    match own {
        Some(own) if !is_taken(&own.key) => own,
        Some(_) | None => Segment::of(&wanted.name).unique(is_taken),
    }
}

impl Restore<'_> {
    /// Gives characters or animations their names as parts of paths back, or the next free ones.
    pub(super) async fn name_again(&mut self, entity: &str) -> Result<()> {
        let mut unnamed = Vec::new();
        self.rows(entity, |content| unnamed.extend(Unnamed::of(&content)))
            .await?;
        if unnamed.is_empty() {
            return Ok(());
        }
        let (sql, segments) = if entity == "character" {
            (&NAME_CHARACTER, self.character_segments(&unnamed).await?)
        } else {
            (&NAME_ANIMATION, self.animation_segments(&unnamed).await?)
        };
        for (row, segment) in unnamed.iter().zip(&segments) {
            if let Some(from) = row.segment.as_ref().filter(|from| **from != segment.text) {
                self.renamed.push(RenamedSegment {
                    name: row.name.clone(),
                    from: from.clone(),
                    to: segment.text.clone(),
                });
            }
        }
        self.write_segments(sql, &unnamed, segments).await
    }

    async fn write_segments(
        &mut self,
        sql: &Sql,
        rows: &[Unnamed],
        segments: Vec<Segment>,
    ) -> Result<()> {
        let sets = rows.iter().zip(segments).map(|(row, segment)| {
            vec![
                Value::Id(self.project.0),
                Value::Id(row.id),
                Value::Text(segment.text.into()),
                Value::Text(segment.key.into()),
            ]
        });
        let sets: Vec<_> = sets.collect();
        self.session.execute_many(sql, &sets).await
    }

    async fn character_segments(&mut self, rows: &[Unnamed]) -> Result<Vec<Segment>> {
        let taken = project::character_segment_keys(&mut self.session, self.project).await?;
        let mut taken: HashSet<String> = taken.into_iter().collect();
        let mut segments = Vec::with_capacity(rows.len());
        for row in rows {
            let segment = free(row, |key| taken.contains(key));
            taken.insert(segment.key.clone());
            segments.push(segment);
        }
        Ok(segments)
    }

    async fn animation_segments(&mut self, rows: &[Unnamed]) -> Result<Vec<Segment>> {
        let mut folders = Folders::load(&mut self.session, self.project, None).await?;
        let segments = rows.iter().map(|row| {
            let character = CharacterId(row.owner.unwrap_or_default());
            let own = row.segment.as_deref();
            let own = own.and_then(|own| folders.take_over(character, own));
            own.unwrap_or_else(|| folders.take(character, &row.name))
        });
        Ok(segments.collect())
    }

    /// Puts frames back into animations that stayed, at their old places; others move on.
    /// Returns the animation, if it was one.
    pub(super) async fn frames_back(&mut self) -> Result<Option<AnimationId>> {
        let mut rows = Vec::new();
        self.rows("frame", |content| rows.extend(Removed::of(&content)))
            .await?;
        let mut by_animation: HashMap<AnimationId, Vec<Removed>> = HashMap::new();
        for row in rows {
            by_animation.entry(row.animation).or_default().push(row);
        }
        let mut extended = by_animation.keys().copied();
        let extended = extended.next().filter(|_| by_animation.len() == 1);
        for (animation, mut removed) in by_animation {
            removed.sort_by_key(|removed| removed.index);
            let insert = |mut list: Vec<Slot>| {
                for frame in &removed {
                    let at = frame.index.min(list.len());
                    list.insert(at, frame.slot.clone());
                }
                list
            };
            let (session, stale) = (&mut self.session, &mut self.stale);
            frame::edit_list(session, self.studio, animation, insert, stale).await?;
            let times = removed.iter().filter_map(|removed| {
                let time = crate::time::MillisSinceEpoch(removed.created_at?);
                let id = Value::Id(removed.slot.id.0);
                Some(vec![Value::Id(self.project.0), id, Value::Time(time)])
            });
            let times: Vec<_> = times.collect();
            self.session.execute_many(&MADE_AT, &times).await?;
        }
        Ok(extended)
    }
}

/// A frame that was removed, and where it stood.
struct Removed {
    animation: AnimationId,
    index: usize,
    slot: Slot,
    created_at: Option<i64>,
}

impl Removed {
    fn of(content: &Json) -> Option<Self> {
        let text = |name: &str| content.get(name).and_then(|value| value.as_str());
        let id = |name: &str| text(name).and_then(|id| id.parse::<Uuid>().ok());
        let number = |name: &str| content.get(name).and_then(serde_json::Value::as_i64);
        Some(Self {
            animation: AnimationId(id("animation_id")?),
            index: usize::try_from(number("frame_index")?).ok()?,
            slot: Slot {
                id: FrameId(id("id")?),
                asset_id: AssetId(id("asset_id")?),
                prompt: text("frame_prompt").map(str::to_owned),
                source_id: text("source_id").map(str::to_owned),
            },
            created_at: number("created_at"),
        })
    }
}
