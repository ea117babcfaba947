//! Animations: ordered lists of frames of a character.

mod folder;
mod manifest;
pub(crate) mod name;
mod take;

use std::collections::HashMap;
use std::mem::take;

use serde::Deserialize;
use uuid::Uuid;

use crate::asset::{self, NewAsset};
use crate::change::{ChangeKind, EntityKind};
use crate::create::Plan;
use crate::db::Session;
use crate::db::entity::entity;
use crate::db::sql::{Query, Sql, statements};
use crate::db::value::Value;
use crate::error::{Error, Result};
use crate::fingerprint::Fingerprint;
use crate::frame::NewFrame;
use crate::id::{AnimationId, CharacterId, ProjectId};
use crate::page::{Page, PageRequest};
use crate::studio::Studio;
use crate::text::{check_name, check_source, check_text, check_time};
use crate::time::MillisSinceEpoch;
use crate::tree::AnimationTree;
use crate::undo::{Action, present};
use crate::view::{Scope, Stale};
use crate::{character, project, view};
pub(crate) use folder::Folders;
#[cfg(test)]
pub(crate) use folder::STATEMENTS as FOLDER_STATEMENTS;
#[cfg(test)]
pub(crate) use manifest::STATEMENTS as MANIFEST_STATEMENTS;
pub use manifest::{Manifest, ManifestFrame};
pub(crate) use name::{Named, names};

/// The longest time that a frame is shown: a day.
const MAX_FRAME_DURATION_MS: u32 = 86_400_000;

entity! {
    /// An animation of a character.
    pub struct Animation in animation {
        /// The id.
        pub id: AnimationId,
        /// The project it belongs to.
        pub project_id: ProjectId,
        /// The character that moves.
        pub character_id: CharacterId,
        /// The id it had in the app it was imported from.
        pub source_id: Option<String>,
        /// The display name: 1 to 255 bytes of free text; two animations may share one.
        pub name: String,
        /// The name as part of paths, unique in the character.
        pub segment: Option<String>,
        /// The segment, folded: what some file systems take for the same name.
        #[serde(skip)]
        pub(crate) segment_key: Option<String>,
        /// What happens in it; may be empty.
        pub description: String,
        /// What the user asked for; may be empty.
        pub user_prompt: String,
        /// Counts the changes of its list of frames, from 1.
        pub version: i64,
        /// When it was created.
        pub created_at: MillisSinceEpoch,
        /// When one of its fields or its list of frames last changed.
        pub updated_at: MillisSinceEpoch,
        /// How long each frame is shown, in milliseconds, from 1 to a day; `None` for the
        /// player to decide.
        pub frame_duration_ms: Option<u32>,
    }
    joined {
        /// How many frames it has.
        pub frame_count: u64,
    }
}

statements! {
    GET = "SELECT {animation} FROM animation WHERE id = $1";
    LOCK = "SELECT {animation} FROM animation WHERE id = $1 {for update}";
    OF_PROJECT = "SELECT {animation} FROM animation WHERE project_id = $1 ORDER BY id";
    OF_CHARACTER = "SELECT {animation} FROM animation WHERE project_id = $1 \
                    AND character_id = $2 ORDER BY id";
    PROJECT_OF = "SELECT project_id FROM animation WHERE id = $1";
    FRAME_COUNTS = "SELECT animation_id, count(*) FROM frame WHERE project_id = $1 \
                    AND animation_id {in $2} GROUP BY animation_id";
    SHOWN = "SELECT DISTINCT asset_id FROM frame WHERE project_id = $1 AND animation_id = $2";
    TAKES = "SELECT id FROM asset WHERE project_id = $1 AND animation_id {in $2}";
    TOUCH = "UPDATE animation SET version = $2, updated_at = $3 WHERE id = $1";
}

/// An animation to create, with its frames.
#[derive(Debug, Default)]
pub struct NewAnimation {
    /// The id; `None` to have one made.
    pub id: Option<AnimationId>,
    /// The id it has in the app it comes from.
    pub source_id: Option<String>,
    /// The display name: 1 to 255 bytes of free text.
    pub name: String,
    /// What happens in it.
    pub description: String,
    /// What the user asked for.
    pub user_prompt: String,
    /// The frames, in order.
    pub frames: Vec<NewFrame>,
    /// Takes that no frame shows.
    pub takes: Vec<NewAsset>,
    /// How long each frame is shown, in milliseconds, from 1 to a day.
    pub frame_duration_ms: Option<u32>,
    /// When it was created; `None` for now.
    pub created_at: Option<MillisSinceEpoch>,
}

impl NewAnimation {
    /// Begins an animation.
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            ..Self::default()
        }
    }

    /// Sets the id.
    #[must_use]
    pub fn id(self, id: AnimationId) -> Self {
        Self {
            id: Some(id),
            ..self
        }
    }

    /// Sets the description.
    #[must_use]
    pub fn description(self, description: impl Into<String>) -> Self {
        Self {
            description: description.into(),
            ..self
        }
    }

    /// Sets what the user asked for.
    #[must_use]
    pub fn user_prompt(self, prompt: impl Into<String>) -> Self {
        Self {
            user_prompt: prompt.into(),
            ..self
        }
    }

    /// Sets how long each frame is shown, in milliseconds.
    #[must_use]
    pub fn frame_duration_ms(self, duration: u32) -> Self {
        Self {
            frame_duration_ms: Some(duration),
            ..self
        }
    }

    /// Adds a frame, after those that are there.
    #[must_use]
    pub fn frame(mut self, frame: NewFrame) -> Self {
        self.frames.push(frame);
        self
    }

    /// Adds a take that no frame shows.
    #[must_use]
    pub fn take(mut self, asset: NewAsset) -> Self {
        self.takes.push(asset);
        self
    }
}

impl NewAnimation {
    /// Checks the animation's own fields and makes its row of them.
    pub(crate) fn take_row(
        &mut self,
        id: AnimationId,
        project_id: ProjectId,
        character_id: CharacterId,
        now: MillisSinceEpoch,
    ) -> Result<Animation> {
        check_name("name", &self.name)?;
        check_text("description", &self.description)?;
        check_text("userPrompt", &self.user_prompt)?;
        check_duration(self.frame_duration_ms)?;
        check_source("sourceId", self.source_id.as_ref())?;
        check_time("createdAt", self.created_at)?;
        Ok(Animation {
            id,
            project_id,
            character_id,
            source_id: self.source_id.take(),
            name: take(&mut self.name),
            // Given within the transaction, where the others are known.
            segment: None,
            segment_key: None,
            description: take(&mut self.description),
            user_prompt: take(&mut self.user_prompt),
            version: 1,
            created_at: self.created_at.unwrap_or(now),
            updated_at: now,
            frame_duration_ms: self.frame_duration_ms,
            frame_count: self.frames.len() as u64,
        })
    }
}

/// What changes in an animation; `None` leaves a field as it is.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct AnimationPatch {
    /// What the animation has to be still, as [`Studio::get_animation`] returned it; `None` for whatever it
    /// is.
    #[serde(skip)]
    pub expected: Option<Fingerprint>,
    /// The character that moves, of the same project. The paths of its frames follow, its takes
    /// stay with it.
    pub character_id: Option<CharacterId>,
    /// The display name. The paths of its frames follow.
    pub name: Option<String>,
    /// The description.
    pub description: Option<String>,
    /// What the user asked for.
    pub user_prompt: Option<String>,
    /// How long each frame is shown, in milliseconds; `Some(None)` leaves it to the player.
    #[serde(deserialize_with = "present")]
    pub frame_duration_ms: Option<Option<u32>>,
}

/// Which animations of a project are listed.
#[derive(Clone, Debug, Default)]
pub struct AnimationFilter {
    /// Of this character.
    pub character_id: Option<CharacterId>,
    /// With exactly this name.
    pub name: Option<String>,
    /// With this id in the app it was imported from.
    pub source_id: Option<String>,
}

impl AnimationFilter {
    fn query(&self, project: ProjectId, page: PageRequest<AnimationId>) -> Result<Query<'_>> {
        let mut query = Query::new("SELECT {animation n} FROM animation n");
        query.filter("n.project_id = ?", [Value::Id(project.0)]);
        if let Some(character) = self.character_id {
            query.filter("n.character_id = ?", [Value::Id(character.0)]);
        }
        if let Some(name) = &self.name {
            query.filter("n.name = ?", [name.as_str().into()]);
        }
        if let Some(source_id) = &self.source_id {
            query.filter("n.source_id = ?", [source_id.as_str().into()]);
        }
        query.page("n.id", page)?;
        Ok(query)
    }

    /// Every combination of conditions, for the test that prepares them.
    #[cfg(test)]
    pub(crate) fn every_query(mut prepare: impl FnMut(Query<'_>)) {
        for bits in 0..16_u32 {
            let filter = Self {
                character_id: (bits & 1 > 0).then(|| CharacterId(Uuid::nil())),
                name: (bits & 2 > 0).then(|| "n".to_owned()),
                source_id: (bits & 4 > 0).then(|| "s".to_owned()),
            };
            let after = (bits & 8 > 0).then(|| AnimationId(Uuid::nil()));
            for page in PageRequest::both_orders(after) {
                prepare(filter.query(ProjectId(Uuid::nil()), page).unwrap());
            }
        }
    }
}

pub(crate) fn check_duration(frame_duration_ms: Option<u32>) -> Result<()> {
    match frame_duration_ms {
        Some(duration) if !(1..=MAX_FRAME_DURATION_MS).contains(&duration) => {
            let reason = format!("expected 1 to {MAX_FRAME_DURATION_MS}, got {duration}");
            Err(Error::invalid("frameDurationMs", reason))
        }
        _ => Ok(()),
    }
}

pub(crate) async fn get(session: &mut Session, id: AnimationId) -> Result<Animation> {
    find(session, &GET, id).await
}

/// Reads an animation and locks it against other programs until the end of the change.
pub(crate) async fn lock(session: &mut Session, id: AnimationId) -> Result<Animation> {
    find(session, &LOCK, id).await
}

async fn find(session: &mut Session, sql: &Sql, id: AnimationId) -> Result<Animation> {
    let mut found = session.list::<Animation>(sql, &[Value::Id(id.0)]).await?;
    let project = match found.first() {
        Some(animation) => animation.project_id,
        None => return Err(Error::not_found("animation", id)),
    };
    count_frames(session, project, &mut found).await?;
    found.pop().ok_or_else(|| Error::not_found("animation", id))
}

async fn count_frames(
    session: &mut Session,
    project: ProjectId,
    animations: &mut [Animation],
) -> Result<()> {
    let ids: Vec<Uuid> = animations.iter().map(|animation| animation.id.0).collect();
    let counts = session
        .query(
            &FRAME_COUNTS,
            &[Value::Id(project.0), Value::Ids(&ids)],
            |row| Ok((row.at(0, "frame.animation_id")?, row.at(1, "count")?)),
        )
        .await?;
    let counts: HashMap<AnimationId, u64> = counts.into_iter().collect();
    for animation in animations {
        animation.frame_count = counts.get(&animation.id).copied().unwrap_or(0);
    }
    Ok(())
}

/// Returns every animation of a project, in order, without the counts of frames.
pub(crate) async fn of_project(
    session: &mut Session,
    project: ProjectId,
) -> Result<Vec<Animation>> {
    session.list(&OF_PROJECT, &[Value::Id(project.0)]).await
}

/// Returns every animation of a character, in order, without the counts of frames.
pub(crate) async fn of_character(
    session: &mut Session,
    project: ProjectId,
    character: CharacterId,
) -> Result<Vec<Animation>> {
    session
        .list(
            &OF_CHARACTER,
            &[Value::Id(project.0), Value::Id(character.0)],
        )
        .await
}

pub(crate) async fn project_of(session: &mut Session, id: AnimationId) -> Result<ProjectId> {
    asset::owner(session, &PROJECT_OF, "animation", id.0).await
}

/// Returns the ids of the takes that were made for animations.
pub(crate) async fn take_ids(
    session: &mut Session,
    project: ProjectId,
    animations: &[Uuid],
) -> Result<Vec<Uuid>> {
    let parameters = [Value::Id(project.0), Value::Ids(animations)];
    session
        .query(&TAKES, &parameters, |row| row.at(0, "asset.id"))
        .await
}

/// Writes that the list of frames has changed.
pub(crate) async fn touch(
    session: &mut Session,
    id: AnimationId,
    version: i64,
    now: MillisSinceEpoch,
) -> Result<()> {
    let parameters = [Value::Id(id.0), Value::Int(version), Value::Time(now)];
    session.execute(&TOUCH, &parameters).await.map(drop)
}

impl Studio {
    /// Creates an animation with its frames, in one transaction.
    ///
    /// # Errors
    /// [`Error::NotFound`] for the character; [`Error::Invalid`], [`Error::NotAnImage`],
    /// [`Error::Io`]. Nothing is created then.
    pub async fn create_animation(
        &self,
        character: CharacterId,
        new: NewAnimation,
    ) -> Result<AnimationTree> {
        let mut plan = Plan::new(self);
        let id = plan.animation(character, new)?;
        plan.commit().await?;
        self.get_animation_tree(id).await
    }

    /// Returns an animation.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn get_animation(&self, id: AnimationId) -> Result<Animation> {
        get(&mut self.database().read().await?, id).await
    }

    /// Lists a project's animations in the order of their ids.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a page size out of range.
    pub async fn list_animations(
        &self,
        project: ProjectId,
        filter: &AnimationFilter,
        page: PageRequest<AnimationId>,
    ) -> Result<Page<Animation>> {
        let query = filter.query(project, page)?;
        let mut session = self.database().read().await?;
        let animations = session.list::<Animation>(&query, &query.parameters).await?;
        let mut page = Page::of(animations, page.limit);
        count_frames(&mut session, project, &mut page.rows).await?;
        Ok(page)
    }

    /// Changes an animation. A new name or another character moves its files; the version,
    /// which counts changes of the list of frames, stays.
    ///
    /// # Errors
    /// [`Error::NotFound`]; [`Error::Stale`]; [`Error::Invalid`] names the field. Nothing is
    /// changed then.
    pub async fn update_animation(
        &self,
        id: AnimationId,
        patch: AnimationPatch,
    ) -> Result<Animation> {
        let mut session = self.database().write().await?;
        let updated = self.update_animation_in(&mut session, id, patch, None);
        let (animation, stale) = updated.await?;
        self.commit(session, stale).await?;
        Ok(animation)
    }

    /// Changes an animation within a transaction, and locks its project. With a new name or
    /// character it is to have this segment, if it is free; `None` for what the name makes.
    pub(crate) async fn update_animation_in(
        &self,
        session: &mut Session,
        id: AnimationId,
        patch: AnimationPatch,
        segment: Option<&str>,
    ) -> Result<(Animation, Stale)> {
        let project_id = project_of(session, id).await?;
        project::lock(session, project_id).await?;
        let mut animation = lock(session, id).await?;
        Fingerprint::check(patch.expected, "animation", &animation)?;
        let before = animation.clone();
        let character = patch.character_id.unwrap_or(animation.character_id);
        let name = patch.name.unwrap_or_else(|| animation.name.clone());
        let is_moved = character != animation.character_id;
        let mut has_new_paths = is_moved;
        if is_moved {
            character::check_in_project(session, project_id, character).await?;
        }
        if is_moved || name != animation.name {
            check_name("name", &name)?;
            let mut folders = Folders::load(session, project_id, Some(id)).await?;
            let wanted = segment.and_then(|wanted| folders.take_over(character, wanted));
            let segment = wanted.unwrap_or_else(|| folders.take(character, &name));
            has_new_paths |= animation.segment.as_ref() != Some(&segment.text);
            animation.character_id = character;
            animation.name = name;
            animation.segment = Some(segment.text);
            animation.segment_key = Some(segment.key);
        }
        if let Some(description) = patch.description {
            check_text("description", &description)?;
            animation.description = description;
        }
        if let Some(prompt) = patch.user_prompt {
            check_text("userPrompt", &prompt)?;
            animation.user_prompt = prompt;
        }
        if let Some(duration) = patch.frame_duration_ms {
            check_duration(duration)?;
            animation.frame_duration_ms = duration;
        }
        animation.updated_at = self.now();
        session.update(&animation).await?;
        let (entity, change) = (EntityKind::Animation, ChangeKind::Updated);
        let mut stale = Stale::of(project_id, entity, change, id);
        if has_new_paths {
            let parameters = [Value::Id(project_id.0), Value::Id(id.0)];
            let shown: Vec<Uuid> = session
                .query(&SHOWN, &parameters, |row| row.at(0, "frame.asset_id"))
                .await?;
            view::rehome(session, project_id, &shown).await?;
            stale.add(Scope::Animation(id));
        }
        stale.did(&Action::of_update(entity, id, &before, &animation)?);
        Ok((animation, stale))
    }
}
