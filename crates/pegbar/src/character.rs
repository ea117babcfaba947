//! Characters and their variations, one of which is primary.

use std::mem::take;

use serde::Deserialize;
use uuid::Uuid;

use crate::animation::NewAnimation;
use crate::asset::{self, NewAsset};
use crate::change::{ChangeKind, EntityKind};
use crate::create::Plan;
use crate::db::Session;
use crate::db::entity::entity;
use crate::db::sql::{Query, Sql, statements};
use crate::db::value::Value;
use crate::error::{Error, Result};
use crate::fingerprint::Fingerprint;
use crate::id::{AssetId, CharacterId, ProjectId};
use crate::json::Json;
use crate::page::{Page, PageRequest};
use crate::segment::{self, Segment};
use crate::studio::Studio;
use crate::text::{check_name, check_settings, check_source, check_text, check_time, checked_tags};
use crate::time::MillisSinceEpoch;
use crate::tree::CharacterTree;
use crate::undo::{Action, present};
use crate::view::{Scope, Stale};
use crate::{project, tag, variation, view};

entity! {
    /// A character in one or more variations.
    pub struct Character in character {
        /// The id.
        pub id: CharacterId,
        /// The project it belongs to.
        pub project_id: ProjectId,
        /// The id it had in the app it was imported from.
        pub source_id: Option<String>,
        /// The display name: 1 to 255 bytes of free text.
        pub name: String,
        /// The name as part of paths, unique in the project.
        pub segment: Option<String>,
        /// The segment, folded: what some file systems take for the same name.
        #[serde(skip)]
        pub(crate) segment_key: Option<String>,
        /// What it is; may be empty.
        pub description: String,
        /// What the user asked for; may be empty.
        pub user_prompt: String,
        /// The primary one of its variations.
        pub primary_asset_id: Option<AssetId>,
        /// Settings for generating its images.
        pub generation_settings: Json,
        /// When it was created.
        pub created_at: MillisSinceEpoch,
        /// When one of its fields last changed.
        pub updated_at: MillisSinceEpoch,
    }
    joined {
        /// Free words, in order.
        pub tags: Vec<String>,
    }
}

statements! {
    GET = "SELECT {character} FROM character WHERE id = $1";
    LOCK = "SELECT {character} FROM character WHERE id = $1 {for update}";
    OF_PROJECT = "SELECT {character} FROM character WHERE project_id = $1 ORDER BY id";
    PROJECT_OF = "SELECT project_id FROM character WHERE id = $1";
    TAKES_SHOWN = "SELECT DISTINCT f.asset_id FROM frame f \
                   JOIN animation n ON n.project_id = f.project_id AND n.id = f.animation_id \
                   WHERE n.project_id = $1 AND n.character_id = $2";
    ANIMATIONS = "SELECT id FROM animation WHERE project_id = $1 AND character_id = $2";
}

/// A character to create, with everything in it.
#[derive(Debug, Default)]
pub struct NewCharacter {
    /// The id; `None` to have one made.
    pub id: Option<CharacterId>,
    /// The id it has in the app it comes from.
    pub source_id: Option<String>,
    /// The display name: 1 to 255 bytes of free text.
    pub name: String,
    /// What it is.
    pub description: String,
    /// Free words, at most 64 bytes each.
    pub tags: Vec<String>,
    /// What the user asked for.
    pub user_prompt: String,
    /// Settings for generating its images; `None` for `{}`.
    pub generation_settings: Option<Json>,
    /// The variations.
    pub variations: Vec<NewAsset>,
    /// The primary one of the variations; `None` for the first.
    pub primary: Option<AssetId>,
    /// The animations.
    pub animations: Vec<NewAnimation>,
    /// When it was created; `None` for now.
    pub created_at: Option<MillisSinceEpoch>,
}

impl NewCharacter {
    /// Begins a character.
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            ..Self::default()
        }
    }

    /// Sets the id.
    #[must_use]
    pub fn id(self, id: CharacterId) -> Self {
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

    /// Adds a tag.
    #[must_use]
    pub fn tag(mut self, tag: impl Into<String>) -> Self {
        self.tags.push(tag.into());
        self
    }

    /// Adds a variation.
    #[must_use]
    pub fn variation(mut self, asset: NewAsset) -> Self {
        self.variations.push(asset);
        self
    }

    /// Chooses the primary one of the variations.
    #[must_use]
    pub fn primary(self, asset: AssetId) -> Self {
        Self {
            primary: Some(asset),
            ..self
        }
    }

    /// Adds an animation.
    #[must_use]
    pub fn animation(mut self, animation: NewAnimation) -> Self {
        self.animations.push(animation);
        self
    }
}

impl NewCharacter {
    /// Checks the character's own fields and makes its row of them.
    pub(crate) fn take_row(
        &mut self,
        id: CharacterId,
        project_id: ProjectId,
        now: MillisSinceEpoch,
    ) -> Result<Character> {
        check_name("name", &self.name)?;
        check_text("description", &self.description)?;
        check_text("userPrompt", &self.user_prompt)?;
        check_source("sourceId", self.source_id.as_ref())?;
        check_time("createdAt", self.created_at)?;
        Ok(Character {
            id,
            project_id,
            source_id: self.source_id.take(),
            name: take(&mut self.name),
            // Given within the transaction, where the others are known.
            segment: None,
            segment_key: None,
            description: take(&mut self.description),
            user_prompt: take(&mut self.user_prompt),
            primary_asset_id: self.primary,
            generation_settings: self
                .generation_settings
                .take()
                .unwrap_or_else(Json::empty_object),
            created_at: self.created_at.unwrap_or(now),
            updated_at: now,
            tags: checked_tags(take(&mut self.tags))?,
        })
    }
}

/// What changes in a character; `None` leaves a field as it is.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct CharacterPatch {
    /// What the character has to be still, as [`Studio::get_character`] returned it; `None` for whatever it
    /// is.
    #[serde(skip)]
    pub expected: Option<Fingerprint>,
    /// The display name. The paths of its files follow.
    pub name: Option<String>,
    /// The description.
    pub description: Option<String>,
    /// All tags, in order.
    pub tags: Option<Vec<String>>,
    /// What the user asked for.
    pub user_prompt: Option<String>,
    /// The primary one of its variations; `Some(None)` clears it.
    #[serde(deserialize_with = "present")]
    pub primary_asset_id: Option<Option<AssetId>>,
    /// Settings for generating its images.
    pub generation_settings: Option<Json>,
}

/// Which characters of a project are listed.
#[derive(Clone, Debug, Default)]
pub struct CharacterFilter {
    /// With exactly this name.
    pub name: Option<String>,
    /// With this tag.
    pub tag: Option<String>,
    /// With this id in the app it was imported from.
    pub source_id: Option<String>,
}

impl CharacterFilter {
    fn query(&self, project: ProjectId, page: PageRequest<CharacterId>) -> Result<Query<'_>> {
        let mut query = Query::new("SELECT {character c} FROM character c");
        query.filter("c.project_id = ?", [Value::Id(project.0)]);
        if let Some(name) = &self.name {
            query.filter("c.name = ?", [name.as_str().into()]);
        }
        if let Some(source_id) = &self.source_id {
            query.filter("c.source_id = ?", [source_id.as_str().into()]);
        }
        if let Some(tag) = &self.tag {
            let has_tag = "EXISTS (SELECT 1 FROM character_tag t WHERE \
                           t.project_id = c.project_id AND t.tag = ? AND t.character_id = c.id)";
            query.filter(has_tag, [tag.as_str().into()]);
        }
        query.page("c.id", page)?;
        Ok(query)
    }

    /// Every combination of conditions, for the test that prepares them.
    #[cfg(test)]
    pub(crate) fn every_query(mut prepare: impl FnMut(Query<'_>)) {
        for bits in 0..16_u32 {
            let filter = Self {
                name: (bits & 1 > 0).then(|| "n".to_owned()),
                tag: (bits & 2 > 0).then(|| "t".to_owned()),
                source_id: (bits & 4 > 0).then(|| "s".to_owned()),
            };
            let after = (bits & 8 > 0).then(|| CharacterId(Uuid::nil()));
            for page in PageRequest::both_orders(after) {
                prepare(filter.query(ProjectId(Uuid::nil()), page).unwrap());
            }
        }
    }
}

pub(crate) async fn get(session: &mut Session, id: CharacterId) -> Result<Character> {
    find(session, &GET, id).await
}

/// Reads a character and locks it against other programs until the end of the change.
async fn lock(session: &mut Session, id: CharacterId) -> Result<Character> {
    find(session, &LOCK, id).await
}

async fn find(session: &mut Session, sql: &Sql, id: CharacterId) -> Result<Character> {
    let mut found = session.list::<Character>(sql, &[Value::Id(id.0)]).await?;
    let mut character = found
        .pop()
        .ok_or_else(|| Error::not_found("character", id))?;
    let mut tags = tag::of_characters(session, character.project_id, &[id.0]).await?;
    character.tags = tags.remove(&id.0).unwrap_or_default();
    Ok(character)
}

/// Returns every character of a project, in order, without tags.
pub(crate) async fn of_project(
    session: &mut Session,
    project: ProjectId,
) -> Result<Vec<Character>> {
    session.list(&OF_PROJECT, &[Value::Id(project.0)]).await
}

pub(crate) async fn project_of(session: &mut Session, id: CharacterId) -> Result<ProjectId> {
    asset::owner(session, &PROJECT_OF, "character", id.0).await
}

/// Refuses a character that the project does not have.
pub(crate) async fn check_in_project(
    session: &mut Session,
    project: ProjectId,
    id: CharacterId,
) -> Result<()> {
    if project_of(session, id).await? == project {
        return Ok(());
    }
    let reason = format!("the project has no character {id}");
    Err(Error::invalid("characterId", reason))
}

pub(crate) async fn animation_ids(
    session: &mut Session,
    project: ProjectId,
    id: CharacterId,
) -> Result<Vec<Uuid>> {
    let parameters = [Value::Id(project.0), Value::Id(id.0)];
    session
        .query(&ANIMATIONS, &parameters, |row| row.at(0, "animation.id"))
        .await
}

impl Studio {
    /// Creates a character with everything in it, in one transaction.
    ///
    /// # Errors
    /// [`Error::NotFound`] for the project; [`Error::Invalid`], [`Error::NotAnImage`],
    /// [`Error::Io`]. Nothing is created then.
    pub async fn create_character(
        &self,
        project: ProjectId,
        new: NewCharacter,
    ) -> Result<CharacterTree> {
        let mut plan = Plan::new(self);
        let id = plan.character(project, new)?;
        plan.commit().await?;
        self.get_character_tree(id).await
    }

    /// Returns a character.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn get_character(&self, id: CharacterId) -> Result<Character> {
        get(&mut self.database().read().await?, id).await
    }

    /// Lists a project's characters in the order of their ids.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a page size out of range.
    pub async fn list_characters(
        &self,
        project: ProjectId,
        filter: &CharacterFilter,
        page: PageRequest<CharacterId>,
    ) -> Result<Page<Character>> {
        let query = filter.query(project, page)?;
        let mut session = self.database().read().await?;
        let characters = session.list::<Character>(&query, &query.parameters).await?;
        let mut page = Page::of(characters, page.limit);
        let ids: Vec<Uuid> = page.rows.iter().map(|character| character.id.0).collect();
        let mut tags = tag::of_characters(&mut session, project, &ids).await?;
        for character in &mut page.rows {
            character.tags = tags.remove(&character.id.0).unwrap_or_default();
        }
        Ok(page)
    }

    /// Changes a character. A new name moves its files.
    ///
    /// # Errors
    /// [`Error::NotFound`]; [`Error::Stale`]; [`Error::Invalid`] names the field. Nothing is
    /// changed then.
    pub async fn update_character(
        &self,
        id: CharacterId,
        patch: CharacterPatch,
    ) -> Result<Character> {
        let mut session = self.database().write().await?;
        let updated = self.update_character_in(&mut session, id, patch, None);
        let (character, stale) = updated.await?;
        self.commit(session, stale).await?;
        Ok(character)
    }

    /// Changes a character within a transaction, and locks its project. With a new name it is to
    /// have this segment, if it is free; `None` for what the name makes.
    pub(crate) async fn update_character_in(
        &self,
        session: &mut Session,
        id: CharacterId,
        patch: CharacterPatch,
        segment: Option<&str>,
    ) -> Result<(Character, Stale)> {
        let project_id = project_of(session, id).await?;
        project::lock(session, project_id).await?;
        let mut character = lock(session, id).await?;
        Fingerprint::check(patch.expected, "character", &character)?;
        let before = character.clone();
        let mut is_renamed = false;
        if let Some(name) = patch.name.filter(|name| *name != character.name) {
            check_name("name", &name)?;
            let taken = project::character_segment_keys(session, project_id).await?;
            let own = character.segment_key.clone();
            let is_taken =
                |key: &str| own.as_deref() != Some(key) && taken.iter().any(|taken| taken == key);
            let wanted = segment.and_then(segment::taken_over);
            let segment = wanted.filter(|wanted| !is_taken(&wanted.key));
            let segment = segment.unwrap_or_else(|| Segment::of(&name).unique(is_taken));
            is_renamed = character.segment.as_ref() != Some(&segment.text);
            character.name = name;
            character.segment = Some(segment.text);
            character.segment_key = Some(segment.key);
        }
        if let Some(description) = patch.description {
            check_text("description", &description)?;
            character.description = description;
        }
        if let Some(prompt) = patch.user_prompt {
            check_text("userPrompt", &prompt)?;
            character.user_prompt = prompt;
        }
        if let Some(primary) = patch.primary_asset_id {
            if let Some(asset) = primary {
                variation::check(session, &character, asset).await?;
            }
            character.primary_asset_id = primary;
        }
        if let Some(settings) = patch.generation_settings {
            check_settings("generationSettings", Some(&settings))?;
            character.generation_settings = settings;
        }
        if let Some(tags) = patch.tags {
            character.tags = checked_tags(tags)?;
            tag::replace_of_character(session, project_id, id, &character.tags).await?;
        }
        character.updated_at = self.now();
        session.update(&character).await?;
        let (entity, change) = (EntityKind::Character, ChangeKind::Updated);
        let mut stale = Stale::of(project_id, entity, change, id);
        if is_renamed {
            let variations = variation::ids(session, project_id, id).await?;
            let animations = animation_ids(session, project_id, id).await?;
            let parameters = [Value::Id(project_id.0), Value::Id(id.0)];
            let mut homes: Vec<Uuid> = session
                .query(&TAKES_SHOWN, &parameters, |row| row.at(0, "frame.asset_id"))
                .await?;
            stale.add_all(variations.iter().map(|id| Scope::Home(AssetId(*id))));
            stale.add_all(animations.into_iter().map(|id| Scope::Animation(id.into())));
            homes.extend(variations);
            view::rehome(session, project_id, &homes).await?;
        }
        stale.did(&Action::of_update(entity, id, &before, &character)?);
        Ok((character, stale))
    }
}
