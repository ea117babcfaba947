//! Annotations: what people say of an asset after it was made. Beside its record, never in it.

use crate::asset;
use crate::change::{ChangeKind, EntityKind};
use crate::db::Session;
use crate::db::entity::entity;
use crate::db::sql::statements;
use crate::db::value::Value;
use crate::error::{Error, Result};
use crate::fingerprint::{AsSeen, Fingerprint};
use crate::id::{AnnotationId, AssetId, DeletionId, ProjectId};
use crate::project;
use crate::studio::Studio;
use crate::text::{check_name, check_text};
use crate::time::MillisSinceEpoch;
use crate::trash::{self, DeletionKind, Doomed, Note};
use crate::undo::{Action, Made};
use crate::view::Stale;

entity! {
    /// What someone said of an asset after it was made. It is no part of the record, and does
    /// not change: a wrong one is deleted, and another added.
    pub struct Annotation in asset_annotation {
        /// The id.
        pub id: AnnotationId,
        #[serde(skip)]
        pub(crate) project_id: ProjectId,
        /// The asset.
        pub asset_id: AssetId,
        /// Who said it; `None` where nobody put a name to it.
        pub author: Option<String>,
        /// What is said.
        pub text: String,
        /// When it was added.
        pub created_at: MillisSinceEpoch,
    }
}

statements! {
    GET = "SELECT {asset_annotation} FROM asset_annotation WHERE id = $1";
    OF_ASSET = "SELECT {asset_annotation} FROM asset_annotation \
                WHERE project_id = $1 AND asset_id = $2 ORDER BY id";
    DELETE = "DELETE FROM asset_annotation WHERE project_id = $1 AND id = $2";
}

/// An annotation to add.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewAnnotation {
    /// The id; `None` to have one made.
    pub id: Option<AnnotationId>,
    /// Who says it: 1 to 255 bytes.
    pub author: Option<String>,
    /// What is said: at least one character, at most 1 MiB.
    pub text: String,
}

impl NewAnnotation {
    /// Begins an annotation without an author.
    pub fn new(text: impl Into<String>) -> Self {
        Self {
            id: None,
            author: None,
            text: text.into(),
        }
    }

    /// Sets who says it.
    #[must_use]
    pub fn author(self, author: impl Into<String>) -> Self {
        Self {
            author: Some(author.into()),
            ..self
        }
    }

    pub(crate) fn check(&self) -> Result<()> {
        if let Some(author) = &self.author {
            check_name("author", author)?;
        }
        if self.text.trim().is_empty() {
            return Err(Error::invalid("text", "an annotation can't be empty"));
        }
        check_text("text", &self.text)
    }
}

async fn get(session: &mut Session, id: AnnotationId) -> Result<Annotation> {
    let mut found = session.list(&GET, &[Value::Id(id.0)]).await?;
    found
        .pop()
        .ok_or_else(|| Error::not_found("annotation", id))
}

impl Studio {
    /// Adds what someone says of an asset. Its record stays as it is.
    ///
    /// # Errors
    /// [`Error::NotFound`] for the asset; [`Error::Invalid`] names the field;
    /// [`Error::Conflict`] where the id is taken.
    pub async fn annotate_asset(&self, asset: AssetId, new: NewAnnotation) -> Result<Annotation> {
        new.check()?;
        let mut session = self.database().write().await?;
        let project_id = asset::project_of(&mut session, asset).await?;
        project::lock(&mut session, project_id).await?;
        let annotation = Annotation {
            id: new.id.unwrap_or_else(|| self.new_id()),
            project_id,
            asset_id: asset,
            author: new.author,
            text: new.text,
            created_at: self.now(),
        };
        session.insert(std::slice::from_ref(&annotation)).await?;
        let (entity, change) = (EntityKind::Annotation, ChangeKind::Created);
        let mut stale = Stale::of(project_id, entity, change, annotation.id);
        let made = Made::Annotation { id: annotation.id };
        stale.did(&Action::Create { made });
        self.commit_rows(session, stale).await?;
        Ok(annotation)
    }

    /// Lists what was said of an asset after it was made, in the order in which it was added.
    ///
    /// # Errors
    /// [`Error::NotFound`] for the asset.
    pub async fn list_annotations(&self, asset: AssetId) -> Result<Vec<Annotation>> {
        let mut session = self.database().read().await?;
        let project = asset::project_of(&mut session, asset).await?;
        let owner = [Value::Id(project.0), Value::Id(asset.0)];
        session.list(&OF_ASSET, &owner).await
    }

    /// Moves an annotation into the trash, and returns it.
    ///
    /// # Errors
    /// [`Error::NotFound`]; [`Error::Stale`] where it is not what was seen.
    pub async fn delete_annotation(
        &self,
        annotation: impl Into<AsSeen<AnnotationId>>,
    ) -> Result<Annotation> {
        let mut session = self.database().write().await?;
        let deleted = self.delete_annotation_in(&mut session, annotation.into(), None);
        let (annotation, _, stale) = deleted.await?;
        self.commit_rows(session, stale).await?;
        Ok(annotation)
    }

    /// Moves an annotation into the trash within a transaction, and locks its project; `former`
    /// is the deletion that this is again.
    pub(crate) async fn delete_annotation_in(
        &self,
        session: &mut Session,
        AsSeen { id, expected }: AsSeen<AnnotationId>,
        former: Option<DeletionId>,
    ) -> Result<(Annotation, DeletionId, Stale)> {
        let project = get(session, id).await?.project_id;
        project::lock(session, project).await?;
        let annotation = get(session, id).await?;
        Fingerprint::check(expected, "annotation", &annotation)?;
        let doomed = Doomed {
            annotations: vec![id.0],
            ..Doomed::default()
        };
        let asset = [annotation.asset_id.0];
        let mut named = asset::whereabouts::of_assets(session, project, &asset).await?;
        let named = named.remove(&annotation.asset_id);
        let name = named.map(|named| named.to_string()).unwrap_or_default();
        let note = Note::new(DeletionKind::Annotation, name);
        let (deletion, now) = (former.unwrap_or_else(|| self.new_id()), self.now());
        trash::discard(session, project, deletion, &doomed, note, now).await?;
        let key = [Value::Id(project.0), Value::Id(id.0)];
        session.execute(&DELETE, &key).await?;
        let (entity, change) = (EntityKind::Annotation, ChangeKind::Deleted);
        let mut stale = Stale::of(project, entity, change, id);
        stale.did(&Action::Delete { deletion });
        Ok((annotation, deletion, stale))
    }
}
