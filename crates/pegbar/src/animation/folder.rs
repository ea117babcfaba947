//! The folders of animations: names as parts of paths, shared where a disk takes them for one.

use std::collections::{HashMap, HashSet};

use crate::db::Session;
use crate::db::sql::statements;
use crate::db::value::Value;
use crate::error::Result;
use crate::id::{AnimationId, CharacterId, ProjectId};
use crate::segment::{self, Segment};

statements! {
    SEGMENTS = "SELECT id, character_id, segment, segment_key FROM animation \
                WHERE project_id = $1 AND segment IS NOT NULL AND segment_key IS NOT NULL \
                ORDER BY id";
}

/// The folders that a project's animations have.
#[derive(Debug, Default)]
pub(crate) struct Folders {
    /// How the first animation with a key is spelled.
    spellings: HashMap<String, String>,
    taken: HashSet<(CharacterId, String)>,
}

impl Folders {
    /// Reads the folders of all animations but the one that is about to be renamed.
    pub(crate) async fn load(
        session: &mut Session,
        project: ProjectId,
        renamed: Option<AnimationId>,
    ) -> Result<Self> {
        let rows = session
            .query(&SEGMENTS, &[Value::Id(project.0)], |row| {
                Ok((
                    row.at::<AnimationId>(0, "animation.id")?,
                    row.at(1, "animation.character_id")?,
                    row.at(2, "animation.segment")?,
                    row.at(3, "animation.segment_key")?,
                ))
            })
            .await?;
        let mut folders = Self::default();
        for (id, character, segment, key) in rows {
            if Some(id) != renamed {
                folders.add(character, segment, key);
            }
        }
        Ok(folders)
    }

    fn add(&mut self, character: CharacterId, segment: String, key: String) {
        if segment::is_safe(&segment) {
            self.spellings.entry(key.clone()).or_insert(segment);
        }
        self.taken.insert((character, key));
    }

    /// Takes over a segment that another program wrote, if every disk can hold it and the
    /// character has no other like it.
    pub(crate) fn take_over(&mut self, character: CharacterId, text: &str) -> Option<Segment> {
        let mut segment = segment::taken_over(text)?;
        if self.taken.contains(&(character, segment.key.clone())) {
            return None;
        }
        if let Some(first) = self.spellings.get(&segment.key) {
            segment.text.clone_from(first);
        }
        self.add(character, segment.text.clone(), segment.key.clone());
        Some(segment)
    }

    /// Gives a name a segment that is unique in the character; folders with the same key
    /// share the spelling of the first, since some disks take them for one.
    pub(crate) fn take(&mut self, character: CharacterId, name: &str) -> Segment {
        let is_taken = |key: &str| self.taken.contains(&(character, key.to_owned()));
        let mut segment = Segment::of(name).unique(is_taken);
        if let Some(first) = self.spellings.get(&segment.key) {
            segment.text.clone_from(first);
        }
        self.add(character, segment.text.clone(), segment.key.clone());
        segment
    }
}
