//! Changing what may change in an asset.

use serde::{Deserialize, Serialize};

use super::{Asset, get, project_of};
use crate::change::{ChangeKind, EntityKind};
use crate::db::Session;
use crate::db::sql::statements;
use crate::db::value::Value;
use crate::error::Result;
use crate::fingerprint::Fingerprint;
use crate::id::AssetId;
use crate::project;
use crate::studio::Studio;
use crate::tag;
use crate::text::{check_optional, checked_tags};
use crate::undo::{Action, present};
use crate::view::Stale;

statements! {
    UPDATE = "UPDATE asset SET original_name = $2, updated_at = $3 WHERE id = $1";
}

/// What changes in an asset; `None` leaves a field as it is. Bytes, prompts, settings, model
/// and references are not here: they say how it was made.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct AssetPatch {
    /// What the asset has to be still, as [`Studio::get_asset`] returned it; `None` for whatever it
    /// is.
    #[serde(skip)]
    pub expected: Option<Fingerprint>,
    /// All tags, in order.
    pub tags: Option<Vec<String>>,
    /// The file name it came with; `Some(None)` clears it.
    #[serde(deserialize_with = "present")]
    pub original_name: Option<Option<String>>,
}

/// What may change in an asset.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Changeable {
    tags: Vec<String>,
    original_name: Option<String>,
}

impl Changeable {
    pub(crate) fn of(asset: &Asset) -> Self {
        Self {
            tags: asset.tags.clone(),
            original_name: asset.original_name.clone(),
        }
    }
}

impl Studio {
    /// Changes what may change in an asset: its tags and original name.
    ///
    /// # Errors
    /// [`crate::Error::NotFound`]; [`crate::Error::Stale`]; [`crate::Error::Invalid`] names the field. Nothing is
    /// changed then.
    pub async fn update_asset(&self, id: AssetId, patch: AssetPatch) -> Result<Asset> {
        let mut session = self.database().write().await?;
        let (asset, stale) = self.update_asset_in(&mut session, id, patch).await?;
        self.commit_rows(session, stale).await?;
        Ok(asset)
    }

    /// Changes an asset within a transaction, and locks its project.
    pub(crate) async fn update_asset_in(
        &self,
        session: &mut Session,
        id: AssetId,
        patch: AssetPatch,
    ) -> Result<(Asset, Stale)> {
        let project = project_of(session, id).await?;
        project::lock(session, project).await?;
        let mut asset = get(session, id).await?;
        Fingerprint::check(patch.expected, "asset", &asset)?;
        let before = Changeable::of(&asset);
        if let Some(name) = patch.original_name {
            check_optional("originalName", name.as_ref())?;
            asset.original_name = name;
        }
        if let Some(tags) = patch.tags {
            asset.tags = checked_tags(tags)?;
            tag::replace_of_asset(session, project, id, &asset.tags).await?;
        }
        asset.updated_at = self.now();
        let name = asset
            .original_name
            .as_deref()
            .map_or(Value::Null, Value::from);
        let parameters = [Value::Id(id.0), name, Value::Time(asset.updated_at)];
        session.execute(&UPDATE, &parameters).await?;
        let mut stale = Stale::of(project, EntityKind::Asset, ChangeKind::Updated, id);
        let after = Changeable::of(&asset);
        stale.did(&Action::of_update(EntityKind::Asset, id, &before, &after)?);
        Ok((asset, stale))
    }
}
