//! Projects: the top containers.

mod count;

use std::mem::take;

use serde::Deserialize;
use uuid::Uuid;

use crate::asset::NewAsset;
use crate::change::{ChangeKind, EntityKind};
use crate::character::NewCharacter;
use crate::create::Plan;
use crate::db::Session;
use crate::db::entity::entity;
use crate::db::sql::{Query, statements};
use crate::db::value::Value;
use crate::error::{Error, Result};
use crate::fingerprint::Fingerprint;
use crate::id::{AssetId, ProjectId};
use crate::json::Json;
use crate::page::{Page, PageRequest};
use crate::studio::Studio;
use crate::tag;
use crate::text::{check_name, check_settings, check_source, check_text, check_time, checked_tags};
use crate::time::MillisSinceEpoch;
use crate::tree::ProjectTree;
use crate::undo::{Action, present};
use crate::view::Stale;

pub use count::ProjectCounts;
#[cfg(test)]
pub(crate) use count::STATEMENTS as COUNT_STATEMENTS;

entity! {
    /// A project: the top container; everything below belongs to exactly one.
    pub struct Project in project {
        /// The id.
        pub id: ProjectId,
        /// The id it had in the app it was imported from.
        pub source_id: Option<String>,
        /// The display name: 1 to 255 bytes of free text.
        pub name: String,
        /// What it is about; may be empty.
        pub description: String,
        /// An asset of the project that stands for it.
        pub thumbnail_id: Option<AssetId>,
        /// Defaults for generating in this project.
        pub settings: Json,
        /// When it was created.
        pub created_at: MillisSinceEpoch,
        /// When name, description, tags, thumbnail or settings last changed.
        pub updated_at: MillisSinceEpoch,
    }
    joined {
        /// Free words, in order.
        pub tags: Vec<String>,
    }
}

statements! {
    GET = "SELECT {project} FROM project WHERE id = $1";
    LOCK = "SELECT {project} FROM project WHERE id = $1 {for update}";
    IDS = "SELECT id FROM project ORDER BY id";
    // The one row that all projects of a studio have in common.
    LOCK_NAMES = "SELECT id FROM store {for update}";
    OLDEST_NAMED = "SELECT {project} FROM project WHERE name = $1 ORDER BY id LIMIT 1";
    SET_THUMBNAIL = "UPDATE project SET thumbnail_id = $2, updated_at = $3 WHERE id = $1";
    SEGMENT_KEYS = "SELECT segment_key FROM character WHERE project_id = $1 \
                    AND segment_key IS NOT NULL";
}

/// A project to create, with everything in it.
#[derive(Debug, Default)]
pub struct NewProject {
    /// The id; `None` to have one made.
    pub id: Option<ProjectId>,
    /// The id it has in the app it comes from.
    pub source_id: Option<String>,
    /// The display name: 1 to 255 bytes of free text.
    pub name: String,
    /// What it is about.
    pub description: String,
    /// Free words, at most 64 bytes each.
    pub tags: Vec<String>,
    /// Defaults for generating in this project, a JSON object; `None` for `{}`.
    pub settings: Option<Json>,
    /// An asset created by the same call that stands for the project.
    pub thumbnail_id: Option<AssetId>,
    /// Uploaded images that belong to no character.
    pub references: Vec<NewAsset>,
    /// The characters.
    pub characters: Vec<NewCharacter>,
    /// When it was created; `None` for now.
    pub created_at: Option<MillisSinceEpoch>,
}

impl NewProject {
    /// Begins a project.
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            ..Self::default()
        }
    }

    /// Sets the id.
    #[must_use]
    pub fn id(self, id: ProjectId) -> Self {
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

    /// Adds a tag.
    #[must_use]
    pub fn tag(mut self, tag: impl Into<String>) -> Self {
        self.tags.push(tag.into());
        self
    }

    /// Sets the defaults for generating.
    #[must_use]
    pub fn settings(self, settings: Json) -> Self {
        Self {
            settings: Some(settings),
            ..self
        }
    }

    /// Chooses an asset created by the same call as thumbnail.
    #[must_use]
    pub fn thumbnail(self, asset: AssetId) -> Self {
        Self {
            thumbnail_id: Some(asset),
            ..self
        }
    }

    /// Adds an uploaded image.
    #[must_use]
    pub fn reference(mut self, asset: NewAsset) -> Self {
        self.references.push(asset);
        self
    }

    /// Adds a character.
    #[must_use]
    pub fn character(mut self, character: NewCharacter) -> Self {
        self.characters.push(character);
        self
    }
}

impl NewProject {
    /// Checks the project's own fields and makes its row of them.
    pub(crate) fn take_row(&mut self, id: ProjectId, now: MillisSinceEpoch) -> Result<Project> {
        check_name("name", &self.name)?;
        check_text("description", &self.description)?;
        check_source("sourceId", self.source_id.as_ref())?;
        check_time("createdAt", self.created_at)?;
        Ok(Project {
            id,
            source_id: self.source_id.take(),
            name: take(&mut self.name),
            description: take(&mut self.description),
            thumbnail_id: self.thumbnail_id,
            settings: self.settings.take().unwrap_or_else(Json::empty_object),
            created_at: self.created_at.unwrap_or(now),
            updated_at: now,
            tags: checked_tags(take(&mut self.tags))?,
        })
    }
}

/// What changes in a project; `None` leaves a field as it is.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ProjectPatch {
    /// What the project has to be still, as [`Studio::get_project`] returned it; `None` for whatever it
    /// is.
    #[serde(skip)]
    pub expected: Option<Fingerprint>,
    /// The display name.
    pub name: Option<String>,
    /// The description.
    pub description: Option<String>,
    /// All tags, in order.
    pub tags: Option<Vec<String>>,
    /// The thumbnail; `Some(None)` clears it.
    #[serde(deserialize_with = "present")]
    pub thumbnail_id: Option<Option<AssetId>>,
    /// Defaults for generating, a JSON object.
    pub settings: Option<Json>,
}

/// Which projects are listed.
#[derive(Clone, Debug, Default)]
pub struct ProjectFilter {
    /// With exactly this name.
    pub name: Option<String>,
    /// With this tag.
    pub tag: Option<String>,
    /// With this id in the app it was imported from.
    pub source_id: Option<String>,
}

impl ProjectFilter {
    fn query(&self, page: PageRequest<ProjectId>) -> Result<Query<'_>> {
        let mut query = Query::new("SELECT {project p} FROM project p");
        if let Some(name) = &self.name {
            query.filter("p.name = ?", [name.as_str().into()]);
        }
        if let Some(source_id) = &self.source_id {
            query.filter("p.source_id = ?", [source_id.as_str().into()]);
        }
        if let Some(tag) = &self.tag {
            let has_tag = "EXISTS (SELECT 1 FROM project_tag t \
                           WHERE t.tag = ? AND t.project_id = p.id)";
            query.filter(has_tag, [tag.as_str().into()]);
        }
        query.page("p.id", page)?;
        Ok(query)
    }

    /// Every combination of conditions, for the test that prepares them.
    #[cfg(test)]
    pub(crate) fn every_query(mut prepare: impl FnMut(Query<'_>)) {
        for bits in 0..16_u32 {
            let filter = Self {
                name: (bits & 1 > 0).then(|| "n".to_owned()),
                tag: (bits & 2 > 0).then(|| "t".to_owned()),
                source_id: (bits & 8 > 0).then(|| "s".to_owned()),
            };
            let after = (bits & 4 > 0).then(|| ProjectId(Uuid::nil()));
            for page in PageRequest::both_orders(after) {
                prepare(filter.query(page).unwrap());
            }
        }
    }
}

/// Reads a project and locks it: changes within one project happen one after another.
pub(crate) async fn lock(session: &mut Session, id: ProjectId) -> Result<Project> {
    find(session, &LOCK, id).await
}

pub(crate) async fn get(session: &mut Session, id: ProjectId) -> Result<Project> {
    let mut project = find(session, &GET, id).await?;
    project.tags = tag::of_projects(session, &[id.0])
        .await?
        .remove(&id.0)
        .unwrap_or_default();
    Ok(project)
}

async fn find(session: &mut Session, sql: &crate::db::sql::Sql, id: ProjectId) -> Result<Project> {
    let mut found = session.list::<Project>(sql, &[Value::Id(id.0)]).await?;
    found.pop().ok_or_else(|| Error::not_found("project", id))
}

/// Creates a project with everything in it, as planned otherwise.
pub(crate) async fn create(mut plan: Plan<'_>, new: NewProject) -> Result<ProjectTree> {
    let id = plan.project(new)?;
    let created = plan.commit().await?;
    ProjectTree::of_created(created).ok_or_else(|| Error::not_found("project", id))
}

/// Returns the ids of all projects.
pub(crate) async fn ids(session: &mut Session) -> Result<Vec<ProjectId>> {
    session
        .query(&IDS, &[], |row| row.at(0, "project.id"))
        .await
}

/// Returns the keys of the segments that the project's characters have.
pub(crate) async fn character_segment_keys(
    session: &mut Session,
    id: ProjectId,
) -> Result<Vec<String>> {
    let parameters = [Value::Id(id.0)];
    session
        .query(&SEGMENT_KEYS, &parameters, |row| {
            row.at(0, "character.segment_key")
        })
        .await
}

pub(crate) async fn set_thumbnail(
    session: &mut Session,
    id: ProjectId,
    thumbnail: Option<AssetId>,
    now: MillisSinceEpoch,
) -> Result<()> {
    let thumbnail = thumbnail.map_or(Value::Null, |asset| Value::Id(asset.0));
    let parameters = [Value::Id(id.0), thumbnail, Value::Time(now)];
    session.execute(&SET_THUMBNAIL, &parameters).await.map(drop)
}

impl Studio {
    /// Creates a project with everything in it: characters, variations, animations, frames
    /// and assets, files included, to any depth, in one transaction.
    ///
    /// # Errors
    /// [`Error::Invalid`] names the field, [`Error::NotAnImage`] and [`Error::Io`] the file;
    /// [`Error::Conflict`] where an id is taken. Nothing is created then.
    pub async fn create_project(&self, new: NewProject) -> Result<ProjectTree> {
        create(Plan::new(self), new).await
    }

    /// Returns the oldest project of a name, or creates one; and whether it is new. Of several
    /// calls at once that look for one name, in this process or others, one creates it.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a name that a project can't have.
    pub async fn get_or_create_project(&self, name: &str) -> Result<(Project, bool)> {
        let mut session = self.database().write().await?;
        session
            .query(&LOCK_NAMES, &[], |row| row.at::<Uuid>(0, "store.id"))
            .await?;
        let mut found = session
            .list::<Project>(&OLDEST_NAMED, &[Value::from(name)])
            .await?;
        if let Some(project) = found.pop() {
            return Ok((get(&mut session, project.id).await?, false));
        }
        let mut plan = Plan::new(self);
        let id = plan.project(NewProject::new(name))?;
        let (created, mut stale) = plan.write(&mut session, None).await?;
        if let Some(made) = created.made() {
            stale.did(&Action::Create { made });
        }
        self.commit(session, stale).await?;
        let project = created.project;
        let project = project.ok_or_else(|| Error::not_found("project", id))?;
        Ok((project, true))
    }

    /// Returns a project.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn get_project(&self, id: ProjectId) -> Result<Project> {
        get(&mut self.database().read().await?, id).await
    }

    /// Lists projects in the order of their ids, which is the order of their creation.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a page size out of range.
    pub async fn list_projects(
        &self,
        filter: &ProjectFilter,
        page: PageRequest<ProjectId>,
    ) -> Result<Page<Project>> {
        let query = filter.query(page)?;
        let mut session = self.database().read().await?;
        let projects = session.list::<Project>(&query, &query.parameters).await?;
        let mut page = Page::of(projects, page.limit);
        let ids: Vec<Uuid> = page.rows.iter().map(|project| project.id.0).collect();
        let mut tags = tag::of_projects(&mut session, &ids).await?;
        for project in &mut page.rows {
            project.tags = tags.remove(&project.id.0).unwrap_or_default();
        }
        Ok(page)
    }

    /// Changes a project.
    ///
    /// # Errors
    /// [`Error::NotFound`]; [`Error::Stale`]; [`Error::Invalid`] names the field. Nothing is
    /// changed then.
    pub async fn update_project(&self, id: ProjectId, patch: ProjectPatch) -> Result<Project> {
        let mut session = self.database().write().await?;
        let (project, stale) = self.update_project_in(&mut session, id, patch).await?;
        self.commit_rows(session, stale).await?;
        Ok(project)
    }

    /// Changes a project within a transaction, and locks it.
    pub(crate) async fn update_project_in(
        &self,
        session: &mut Session,
        id: ProjectId,
        patch: ProjectPatch,
    ) -> Result<(Project, Stale)> {
        let mut project = lock(session, id).await?;
        if patch.expected.is_some() || patch.tags.is_some() {
            project = get(session, id).await?;
            Fingerprint::check(patch.expected, "project", &project)?;
        }
        let changes_tags = patch.tags.is_some();
        let mut before = project.clone();
        if let Some(name) = patch.name {
            check_name("name", &name)?;
            project.name = name;
        }
        if let Some(description) = patch.description {
            check_text("description", &description)?;
            project.description = description;
        }
        if let Some(thumbnail) = patch.thumbnail_id {
            if let Some(asset) = thumbnail {
                let field = "thumbnailId";
                let asset = crate::asset::get_in_project(session, id, asset, field).await?;
                asset.check_has_bytes(field)?;
            }
            project.thumbnail_id = thumbnail;
        }
        if let Some(settings) = patch.settings {
            check_settings("settings", Some(&settings))?;
            project.settings = settings;
        }
        if let Some(tags) = patch.tags {
            let tags = checked_tags(tags)?;
            tag::replace_of_project(session, id, &tags).await?;
        }
        project.updated_at = self.now();
        session.update(&project).await?;
        project = get(session, id).await?;
        if !changes_tags {
            before.tags.clone_from(&project.tags);
        }
        let mut stale = Stale::of(id, EntityKind::Project, ChangeKind::Updated, id);
        stale.did(&Action::of_update(
            EntityKind::Project,
            id,
            &before,
            &project,
        )?);
        Ok((project, stale))
    }
}
