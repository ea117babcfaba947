//! Parts of paths for characters and animations that other programs wrote.

use std::cell::RefCell;
use std::collections::HashSet;

use uuid::Uuid;

use super::report::{Disagreement, Finding, Subject};
use super::row::Settings;
use super::{Run, Work};
use crate::animation::Folders;
use crate::change::{ChangeKind, EntityKind};
use crate::db::Session;
use crate::db::sql::statements;
use crate::db::value::Value;
use crate::error::Result;
use crate::id::{AnimationId, AssetId, CharacterId, ProjectId};
use crate::integrity;
use crate::segment::{self, Segment};
use crate::view::{self, Scope, Stale};

statements! {
    CHARACTERS = "SELECT id, name, segment, segment_key FROM character WHERE project_id = $1 \
                  ORDER BY id";
    ANIMATIONS = "SELECT id, name, segment, segment_key, character_id FROM animation \
                  WHERE project_id = $1 ORDER BY id";
    FREE_CHARACTERS = "UPDATE character SET segment_key = NULL \
                       WHERE project_id = $1 AND id {in $2}";
    FREE_ANIMATIONS = "UPDATE animation SET segment_key = NULL \
                       WHERE project_id = $1 AND id {in $2}";
    NAME_CHARACTER = "UPDATE character SET segment = $3, segment_key = $4 \
                      WHERE project_id = $1 AND id = $2";
    NAME_ANIMATION = "UPDATE animation SET segment = $3, segment_key = $4 \
                      WHERE project_id = $1 AND id = $2";
    ANIMATIONS_BELOW = "SELECT id FROM animation WHERE project_id = $1 \
                        AND (character_id {in $2} OR id {in $3})";
    VARIATIONS_BELOW = "SELECT id FROM asset WHERE project_id = $1 AND character_id {in $2}";
    SHOWN_BELOW = "SELECT DISTINCT f.asset_id FROM frame f JOIN animation n \
                   ON n.project_id = f.project_id AND n.id = f.animation_id \
                   WHERE f.project_id = $1 AND (n.character_id {in $2} OR n.id {in $3})";
    WITHOUT_PRIMARY = "SELECT c.id, count(*) FROM character c JOIN asset a \
                       ON a.project_id = c.project_id AND a.character_id = c.id \
                       WHERE c.project_id = $1 AND c.primary_asset_id IS NULL \
                       GROUP BY c.id ORDER BY c.id";
    CHARACTER_SETTINGS = "SELECT id, CAST(generation_settings AS text) FROM character \
                          WHERE project_id = $1 ORDER BY id";
    PROJECT_SETTINGS = "SELECT id, CAST(settings AS text) FROM project WHERE id = $1";
}

/// A row that has a name and a part of paths.
struct Named {
    id: Uuid,
    name: String,
    segment: Option<String>,
    key: Option<String>,
    /// For an animation: its character.
    owner: Uuid,
}

impl Named {
    fn has(&self, segment: &Segment) -> bool {
        self.segment.as_ref() == Some(&segment.text) && self.key.as_ref() == Some(&segment.key)
    }
}

/// A new part of paths for a row.
struct Renamed {
    id: Uuid,
    before: Option<String>,
    after: Segment,
}

/// The rows of a project that get new parts of paths.
#[derive(Default)]
struct Names {
    characters: Vec<Renamed>,
    animations: Vec<Renamed>,
}

/// Reads a text that may not be one: what can't be read has to be replaced.
fn text(row: &crate::db::value::Row<'_>, index: usize) -> Option<String> {
    row.get::<Option<String>>(index)
        .unwrap_or_else(|_| Some(String::new()))
}

async fn characters(session: &mut Session, project: ProjectId) -> Result<Vec<Named>> {
    session
        .query(&CHARACTERS, &[Value::Id(project.0)], |row| {
            Ok(Named {
                id: row.at(0, "character.id")?,
                name: text(row, 1).unwrap_or_default(),
                segment: text(row, 2),
                key: text(row, 3),
                owner: project.0,
            })
        })
        .await
}

async fn animations(session: &mut Session, project: ProjectId) -> Result<Vec<Named>> {
    session
        .query(&ANIMATIONS, &[Value::Id(project.0)], |row| {
            Ok(Named {
                id: row.at(0, "animation.id")?,
                name: text(row, 1).unwrap_or_default(),
                segment: text(row, 2),
                key: text(row, 3),
                owner: row.at(4, "animation.character_id")?,
            })
        })
        .await
}

/// Finds the rows that need another part of paths: those that have a sound one keep it, then
/// those whose text is sound, then all others in the order of their ids.
fn rename(
    rows: Vec<Named>,
    mut take_over: impl FnMut(&Named, &str) -> Option<Segment>,
    mut make: impl FnMut(&Named) -> Segment,
) -> Vec<Renamed> {
    let is_sound = |row: &Named| {
        let segment = row.segment.as_deref().and_then(segment::taken_over);
        segment.is_some_and(|segment| row.key.as_ref() == Some(&segment.key))
    };
    let (sound, other): (Vec<Named>, Vec<Named>) = rows.into_iter().partition(is_sound);
    let mut renamed = Vec::new();
    let mut left = Vec::new();
    for row in sound.into_iter().chain(other) {
        let taken = row
            .segment
            .as_deref()
            .and_then(|text| take_over(&row, text));
        match taken {
            Some(after) if row.has(&after) => {}
            Some(after) => renamed.push(Renamed {
                id: row.id,
                before: row.segment,
                after,
            }),
            None => left.push(row),
        }
    }
    for row in left {
        let after = make(&row);
        renamed.push(Renamed {
            id: row.id,
            before: row.segment,
            after,
        });
    }
    renamed
}

fn rename_characters(rows: Vec<Named>) -> Vec<Renamed> {
    let taken = RefCell::new(HashSet::new());
    rename(
        rows,
        |_, text| {
            let segment = segment::taken_over(text)?;
            let is_free = taken.borrow_mut().insert(segment.key.clone());
            is_free.then_some(segment)
        },
        |row| {
            let segment = Segment::of(&row.name);
            let segment = segment.unique(|key| taken.borrow().contains(key));
            taken.borrow_mut().insert(segment.key.clone());
            segment
        },
    )
}

fn rename_animations(rows: Vec<Named>) -> Vec<Renamed> {
    let folders = RefCell::new(Folders::default());
    rename(
        rows,
        |row, text| {
            let character = CharacterId(row.owner);
            folders.borrow_mut().take_over(character, text)
        },
        |row| {
            let character = CharacterId(row.owner);
            folders.borrow_mut().take(character, &row.name)
        },
    )
}

impl Names {
    async fn load(session: &mut Session, project: ProjectId) -> Result<Self> {
        let named = characters(session, project).await?;
        let characters = rename_characters(named);
        let named = animations(session, project).await?;
        Ok(Self {
            characters,
            animations: rename_animations(named),
        })
    }

    fn is_empty(&self) -> bool {
        self.characters.is_empty() && self.animations.is_empty()
    }

    async fn write(&self, session: &mut Session, project: ProjectId) -> Result<()> {
        let own = Value::Id(project.0);
        for (rows, free, name) in [
            (&self.characters, &FREE_CHARACTERS, &NAME_CHARACTER),
            (&self.animations, &FREE_ANIMATIONS, &NAME_ANIMATION),
        ] {
            let ids: Vec<Uuid> = rows.iter().map(|row| row.id).collect();
            // First all are free: two rows may change places.
            session
                .execute(free, &[own.clone(), Value::Ids(&ids)])
                .await?;
            let named = rows.iter().map(|row| {
                let Segment { text, key } = &row.after;
                let (text, key) = (Value::from(text.as_str()), Value::from(key.as_str()));
                vec![own.clone(), Value::Id(row.id), text, key]
            });
            session
                .execute_many(name, &named.collect::<Vec<_>>())
                .await?;
        }
        Ok(())
    }

    /// Sets the paths of what the new names move, and says which parts of the view they make
    /// stale.
    async fn rehome(&self, session: &mut Session, project: ProjectId) -> Result<Stale> {
        let characters: Vec<Uuid> = self.characters.iter().map(|row| row.id).collect();
        let animations: Vec<Uuid> = self.animations.iter().map(|row| row.id).collect();
        let both = [
            Value::Id(project.0),
            Value::Ids(&characters),
            Value::Ids(&animations),
        ];
        let animations = session
            .query(&ANIMATIONS_BELOW, &both, |row| row.at(0, "animation.id"))
            .await?;
        let mut homes: Vec<Uuid> = session
            .query(&VARIATIONS_BELOW, &both[..2], |row| row.at(0, "asset.id"))
            .await?;
        let mut stale = Stale::new(project);
        let named = characters.iter().copied();
        stale.tell(EntityKind::Character, ChangeKind::Updated, named);
        let named = self.animations.iter().map(|row| row.id);
        stale.tell(EntityKind::Animation, ChangeKind::Updated, named);
        stale.add_all(homes.iter().map(|id| Scope::Home(AssetId(*id))));
        let animations = animations.into_iter();
        stale.add_all(animations.map(|id| Scope::Animation(AnimationId(id))));
        let shown: Vec<Uuid> = session
            .query(&SHOWN_BELOW, &both, |row| row.at(0, "frame.asset_id"))
            .await?;
        homes.extend(shown);
        view::rehome(session, project, &homes).await?;
        Ok(stale)
    }
}

impl Run<'_> {
    /// Gives characters and animations their parts of paths, in one transaction.
    pub(super) async fn name(&mut self, work: &Work) -> Result<()> {
        let project = work.project;
        let mut session = self.studio.database().snapshot().await?;
        let mut names = Names::load(&mut session, project).await?;
        session.end().await?;
        if !names.is_empty() && !self.options.dry_run {
            let mut session = self.studio.database().write().await?;
            if !integrity::lock_project(&mut session, project).await? {
                return Ok(());
            }
            names = Names::load(&mut session, project).await?;
            names.write(&mut session, project).await?;
            let stale = names.rehome(&mut session, project).await?;
            self.commit(session, stale).await?;
        }
        let rows = names.characters.iter().map(|row| (Subject::Character, row));
        let rows = rows.chain(names.animations.iter().map(|row| (Subject::Animation, row)));
        for (subject, row) in rows {
            self.report.named += 1;
            let Some(before) = row.before.clone() else {
                continue;
            };
            if before != row.after.text {
                let after = row.after.text.clone();
                let replaced = Disagreement::SegmentReplaced { before, after };
                let finding = Finding::new(project, subject, AssetId(row.id), replaced);
                self.report.findings.push(finding);
            }
        }
        Ok(())
    }

    /// Reports what other programs left in characters and the project and nobody can guess.
    pub(super) async fn check_owners(&mut self, work: &Work) -> Result<()> {
        let project = work.project;
        let mut session = self.studio.database().read().await?;
        let own = [Value::Id(project.0)];
        let without = session
            .query(&WITHOUT_PRIMARY, &own, |row| {
                let id: CharacterId = row.at(0, "character.id")?;
                Ok((id, row.at::<u64>(1, "count")?))
            })
            .await?;
        for (id, variations) in without {
            let finding = Disagreement::NoPrimary { variations };
            let finding = Finding::new(project, Subject::Character, id, finding);
            self.report.findings.push(finding);
        }
        for (statement, subject, field) in [
            (&PROJECT_SETTINGS, Subject::Project, "settings"),
            (
                &CHARACTER_SETTINGS,
                Subject::Character,
                "generationSettings",
            ),
        ] {
            let refused = session
                .query(statement, &own, |row| {
                    let id: Uuid = row.at(0, "id")?;
                    let text = row.get::<String>(1).map_err(|error| error.to_string());
                    let settings = text.and_then(|text| Settings::read(&text));
                    Ok(settings.err().map(|reason| (id, reason)))
                })
                .await?;
            for (id, reason) in refused.into_iter().flatten() {
                let finding = Disagreement::Unacceptable { field, reason };
                let finding = Finding::new(project, subject, AssetId(id), finding);
                self.report.findings.push(finding);
            }
        }
        Ok(())
    }
}
