//! Variations: the designs of one character, one of them primary.

use uuid::Uuid;

use crate::asset::{self, Asset, AssetFilter, AssetKind, NewAsset};
use crate::character::{self, Character, CharacterPatch};
use crate::create::Plan;
use crate::db::Session;
use crate::db::sql::statements;
use crate::db::value::Value;
use crate::error::{Error, Result};
use crate::id::{AssetId, CharacterId, ProjectId};
use crate::page::{Page, PageRequest};
use crate::studio::Studio;
use crate::time::MillisSinceEpoch;

statements! {
    SET_PRIMARY = "UPDATE character SET primary_asset_id = $2, updated_at = $3 WHERE id = $1";
    NEWEST_VARIATION = "SELECT id FROM asset WHERE project_id = $1 AND character_id = $2 \
                        AND NOT (id {in $3}) AND bytes_dropped_at IS NULL ORDER BY created_at DESC, id DESC LIMIT 1";
    VARIATIONS = "SELECT id FROM asset WHERE project_id = $1 AND character_id = $2";
}

pub(crate) async fn ids(
    session: &mut Session,
    project: ProjectId,
    id: CharacterId,
) -> Result<Vec<Uuid>> {
    let parameters = [Value::Id(project.0), Value::Id(id.0)];
    session
        .query(&VARIATIONS, &parameters, |row| row.at(0, "asset.id"))
        .await
}

/// Returns the newest of the other variations.
pub(crate) async fn newest_other(
    session: &mut Session,
    character: &Character,
    leaving: &[Uuid],
) -> Result<Option<AssetId>> {
    let parameters = [
        Value::Id(character.project_id.0),
        Value::Id(character.id.0),
        Value::Ids(leaving),
    ];
    session
        .optional(&NEWEST_VARIATION, &parameters, |row| row.at(0, "asset.id"))
        .await
}

/// Returns whether a variation that does not leave can be the primary one; `None` always can.
pub(crate) async fn can_be_primary(
    session: &mut Session,
    character: &Character,
    wanted: Option<AssetId>,
    leaving: &[Uuid],
) -> Result<bool> {
    let Some(wanted) = wanted else {
        return Ok(true);
    };
    let found = asset::get_many(session, character.project_id, &[wanted.0]).await?;
    Ok(found.iter().any(|asset| {
        asset.character_id == Some(character.id)
            && asset.bytes_dropped_at.is_none()
            && !leaving.contains(&asset.id.0)
    }))
}

pub(crate) async fn set_primary(
    session: &mut Session,
    id: CharacterId,
    primary: Option<AssetId>,
    now: MillisSinceEpoch,
) -> Result<()> {
    let primary = primary.map_or(Value::Null, |asset| Value::Id(asset.0));
    session
        .execute(&SET_PRIMARY, &[Value::Id(id.0), primary, Value::Time(now)])
        .await
        .map(drop)
}

pub(crate) async fn check(
    session: &mut Session,
    character: &Character,
    asset: AssetId,
) -> Result<()> {
    let field = "primaryAssetId";
    let asset = asset::get_in_project(session, character.project_id, asset, field).await?;
    asset.check_has_bytes(field)?;
    if asset.character_id == Some(character.id) {
        return Ok(());
    }
    let reason = format!(
        "the asset {} is not a variation of {:?}",
        asset.id, character.name
    );
    Err(Error::invalid(field, reason))
}

impl Studio {
    /// Adds a variation to a character. The first one becomes primary.
    ///
    /// # Errors
    /// [`Error::NotFound`] for the character; [`Error::NotAnImage`], [`Error::Invalid`],
    /// [`Error::Io`]. Nothing is created then.
    pub async fn create_variation(&self, character: CharacterId, new: NewAsset) -> Result<Asset> {
        let mut created = self.create_variations(character, vec![new]).await?;
        created
            .pop()
            .ok_or_else(|| Error::not_found("asset", "just created"))
    }

    /// Adds many variations in one transaction, in their order.
    ///
    /// # Errors
    /// As [`Studio::create_variation`].
    pub async fn create_variations(
        &self,
        character: CharacterId,
        new: Vec<NewAsset>,
    ) -> Result<Vec<Asset>> {
        let mut plan = Plan::new(self);
        plan.variations(character, new)?;
        Ok(plan.commit().await?.assets)
    }

    /// Lists a character's variations in the order of their ids.
    ///
    /// # Errors
    /// [`Error::NotFound`] for the character; [`Error::Invalid`] for a page size out of range.
    pub async fn list_variations(
        &self,
        character: CharacterId,
        page: PageRequest<AssetId>,
    ) -> Result<Page<Asset>> {
        let project = character::project_of(&mut self.database().read().await?, character).await?;
        let filter = AssetFilter {
            kind: Some(AssetKind::Character),
            character_id: Some(character),
            ..AssetFilter::default()
        };
        self.list_assets(project, &filter, page).await
    }

    /// Chooses the primary variation, or clears it with `None`.
    ///
    /// # Errors
    /// [`Error::NotFound`] for the character; [`Error::Invalid`] where the asset is not one of
    /// its variations.
    pub async fn set_primary(
        &self,
        character: CharacterId,
        primary: Option<AssetId>,
    ) -> Result<Character> {
        let patch = CharacterPatch {
            primary_asset_id: Some(primary),
            ..Default::default()
        };
        self.update_character(character, patch).await
    }
}
