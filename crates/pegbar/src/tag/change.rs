//! Changing single tags, and counting those of a project.

use std::collections::BTreeMap;

use serde::Serialize;
use uuid::Uuid;

use super::Tags;
use crate::change::{ChangeKind, EntityKind};
use crate::db::Session;
use crate::db::sql::{Sql, statements};
use crate::db::value::{Row, Value};
use crate::error::Result;
use crate::id::{AssetId, CharacterId, ProjectId};
use crate::studio::Studio;
use crate::text::checked_tags;
use crate::undo::Action;
use crate::view::Stale;
use crate::{asset, character, project};

statements! {
    TOUCH_PROJECT = "UPDATE project SET updated_at = $2 WHERE id = $1";
    TOUCH_CHARACTER = "UPDATE character SET updated_at = $2 WHERE id = $1";
    TOUCH_ASSET = "UPDATE asset SET updated_at = $2 WHERE id = $1";
    COUNT_CHARACTERS = "SELECT tag, count(*) FROM character_tag WHERE project_id = $1 \
                        GROUP BY tag";
    COUNT_ASSETS = "SELECT tag, count(*) FROM asset_tag WHERE project_id = $1 GROUP BY tag";
}

/// Something that has tags.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tagged {
    /// A project.
    Project(ProjectId),
    /// A character.
    Character(CharacterId),
    /// An asset.
    Asset(AssetId),
}

/// A tag, and how much in a project has it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct TagCount {
    /// The tag.
    pub tag: String,
    /// Whether the project itself has it.
    pub on_project: bool,
    /// How many characters have it.
    pub characters: u64,
    /// How many assets have it.
    pub assets: u64,
}

/// The tags of something as one of its fields.
#[derive(Serialize)]
struct Tagging {
    tags: Vec<String>,
}

impl Tagged {
    fn id(self) -> Uuid {
        match self {
            Self::Project(id) => id.0,
            Self::Character(id) => id.0,
            Self::Asset(id) => id.0,
        }
    }

    fn kind(self) -> EntityKind {
        match self {
            Self::Project(_) => EntityKind::Project,
            Self::Character(_) => EntityKind::Character,
            Self::Asset(_) => EntityKind::Asset,
        }
    }

    async fn project(self, session: &mut Session) -> Result<ProjectId> {
        match self {
            Self::Project(id) => Ok(id),
            Self::Character(id) => character::project_of(session, id).await,
            Self::Asset(id) => asset::project_of(session, id).await,
        }
    }

    async fn read(self, session: &mut Session, project: ProjectId) -> Result<Vec<String>> {
        let ids = [self.id()];
        let mut tags: Tags = match self {
            Self::Project(_) => super::of_projects(session, &ids).await?,
            Self::Character(_) => super::of_characters(session, project, &ids).await?,
            Self::Asset(_) => super::of_assets(session, project, &ids).await?,
        };
        Ok(tags.remove(&self.id()).unwrap_or_default())
    }

    async fn replace(
        self,
        session: &mut Session,
        project: ProjectId,
        tags: &[String],
    ) -> Result<()> {
        match self {
            Self::Project(id) => super::replace_of_project(session, id, tags).await,
            Self::Character(id) => super::replace_of_character(session, project, id, tags).await,
            Self::Asset(id) => super::replace_of_asset(session, project, id, tags).await,
        }
    }

    fn touch(self) -> &'static Sql {
        match self {
            Self::Project(_) => &TOUCH_PROJECT,
            Self::Character(_) => &TOUCH_CHARACTER,
            Self::Asset(_) => &TOUCH_ASSET,
        }
    }
}

impl Studio {
    /// Removes tags from something and adds others at the end, in one transaction, so that two
    /// who tag at once lose nothing of each other's. A tag that is there already stays in its
    /// place; one that is not there need not be removed. Returns the tags it has then, in order.
    ///
    /// # Errors
    /// [`crate::Error::NotFound`]; [`crate::Error::Invalid`] for a tag that is empty or too long.
    pub async fn change_tags(
        &self,
        thing: Tagged,
        remove: &[String],
        add: &[String],
    ) -> Result<Vec<String>> {
        let mut session = self.database().write().await?;
        let project = thing.project(&mut session).await?;
        project::lock(&mut session, project).await?;
        let before = thing.read(&mut session, project).await?;
        let stay = before.iter().filter(|tag| !remove.contains(tag));
        let after = checked_tags(stay.chain(add).cloned().collect())?;
        if after != before {
            thing.replace(&mut session, project, &after).await?;
            let parameters = [Value::Id(thing.id()), Value::Time(self.now())];
            session.execute(thing.touch(), &parameters).await?;
            let mut stale = Stale::of(project, thing.kind(), ChangeKind::Updated, thing.id());
            let (before, after) = (
                Tagging { tags: before },
                Tagging {
                    tags: after.clone(),
                },
            );
            stale.did(&Action::of_update(
                thing.kind(),
                thing.id(),
                &before,
                &after,
            )?);
            self.commit_rows(session, stale).await?;
        }
        Ok(after)
    }

    /// Counts the tags of a project, its characters and its assets, in the order of the tags.
    ///
    /// # Errors
    /// [`crate::Error::NotFound`].
    pub async fn count_tags(&self, project: ProjectId) -> Result<Vec<TagCount>> {
        let mut session = self.database().snapshot().await?;
        let mut counts: BTreeMap<String, TagCount> = BTreeMap::new();
        for tag in project::get(&mut session, project).await?.tags {
            counts.entry(tag).or_default().on_project = true;
        }
        let parameters = [Value::Id(project.0)];
        let read = |row: &Row<'_>| Ok((row.at::<String>(0, "tag")?, row.at::<u64>(1, "count")?));
        for (tag, count) in session.query(&COUNT_CHARACTERS, &parameters, read).await? {
            counts.entry(tag).or_default().characters = count;
        }
        for (tag, count) in session.query(&COUNT_ASSETS, &parameters, read).await? {
            counts.entry(tag).or_default().assets = count;
        }
        let named = counts
            .into_iter()
            .map(|(tag, count)| TagCount { tag, ..count });
        Ok(named.collect())
    }
}
