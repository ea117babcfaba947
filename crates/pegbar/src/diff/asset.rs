//! Two assets: variations, takes, references.

use std::collections::HashMap;
use std::time::Instant;

use serde::Serialize;

use super::claim::{self, ClaimChange};
use super::input::{self, InputChange};
use super::setting::{self, SettingChange};
use super::{Change, TextDiff, deadline};
use crate::asset::{self, Asset, AssetKind};
use crate::character;
use crate::claim::Claim;
use crate::db::Session;
use crate::error::Result;
use crate::hash::Sha256;
use crate::id::{AnimationId, AssetId, CharacterId};
use crate::studio::Studio;
use crate::time::MillisSinceEpoch;

/// What sets two assets apart. A field is `None`, and a list empty, where they are alike.
///
/// Names, tags and paths are left out: they may change and did not make the image.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct AssetDiff {
    /// The first.
    pub before_id: AssetId,
    /// The second.
    pub after_id: AssetId,
    /// The prompt, word by word.
    pub prompt: Option<TextDiff>,
    /// The system prompt, word by word.
    pub system_prompt: Option<TextDiff>,
    /// The model.
    pub model: Option<Change<String>>,
    /// The settings, key by key, in the order of their paths.
    pub settings: Vec<SettingChange>,
    /// What they were made from, by role and order.
    pub inputs: Vec<InputChange>,
    /// When they were made.
    pub created_at: Option<Change<MillisSinceEpoch>>,
    /// The SHA-256 of the bytes.
    pub sha256: Option<Change<Sha256>>,
    /// The media type.
    pub mime_type: Option<Change<String>>,
    /// The size of the file in bytes.
    pub file_size: Option<Change<u64>>,
    /// The width in pixels, as seen.
    pub width: Option<Change<u32>>,
    /// The height in pixels, as seen.
    pub height: Option<Change<u32>>,
    /// How many images the file holds.
    pub image_count: Option<Change<u32>>,
    /// When the bytes were dropped.
    pub bytes_dropped_at: Option<Change<MillisSinceEpoch>>,
    /// What they are for.
    pub kind: Option<Change<AssetKind>>,
    /// The characters that they are variations of.
    pub character_id: Option<Change<CharacterId>>,
    /// The animations that they were made for.
    pub animation_id: Option<Change<AnimationId>>,
    /// Of variations: whether they are their character's primary one.
    pub is_primary: Option<Change<bool>>,
    /// What their files and other programs say of them, which may be wrong.
    pub claims: Vec<ClaimChange>,
}

/// An asset with what is compared beside its row.
pub(super) struct Side {
    pub(super) asset: Asset,
    pub(super) claims: Vec<Claim>,
    pub(super) is_primary: Option<bool>,
}

impl AssetDiff {
    /// Returns whether nothing sets them apart.
    #[must_use]
    pub fn is_same(&self) -> bool {
        self.created_at.is_none() && self.is_same_but_for_time()
    }

    /// Returns whether nothing but the time when they were made sets them apart.
    pub(super) fn is_same_but_for_time(&self) -> bool {
        let Self {
            before_id: _,
            after_id: _,
            created_at: _,
            prompt,
            system_prompt,
            model,
            settings,
            inputs,
            sha256,
            mime_type,
            file_size,
            width,
            height,
            image_count,
            bytes_dropped_at,
            kind,
            character_id,
            animation_id,
            is_primary,
            claims,
        } = self;
        let has_changed = [
            prompt.is_some(),
            system_prompt.is_some(),
            model.is_some(),
            !settings.is_empty(),
            !inputs.is_empty(),
            sha256.is_some(),
            mime_type.is_some(),
            file_size.is_some(),
            width.is_some(),
            height.is_some(),
            image_count.is_some(),
            bytes_dropped_at.is_some(),
            kind.is_some(),
            character_id.is_some(),
            animation_id.is_some(),
            is_primary.is_some(),
            !claims.is_empty(),
        ];
        has_changed.iter().all(|has_changed| !has_changed)
    }

    pub(super) fn of(before: &Side, after: &Side, deadline: Instant) -> Self {
        let (a, b) = (&before.asset, &after.asset);
        let text = |a: Option<&String>, b: Option<&String>| {
            TextDiff::of(a.map(String::as_str), b.map(String::as_str), deadline)
        };
        Self {
            before_id: a.id,
            after_id: b.id,
            prompt: text(a.generation_prompt.as_ref(), b.generation_prompt.as_ref()),
            system_prompt: text(
                a.generation_system_prompt.as_ref(),
                b.generation_system_prompt.as_ref(),
            ),
            model: Change::of(a.model.as_ref(), b.model.as_ref()),
            settings: setting::compare(
                a.generation_settings.as_ref(),
                b.generation_settings.as_ref(),
            ),
            inputs: input::compare(&a.references, &b.references),
            created_at: Change::of(Some(&a.created_at), Some(&b.created_at)),
            sha256: Change::of(a.sha256.as_ref(), b.sha256.as_ref()),
            mime_type: Change::of(a.mime_type.as_ref(), b.mime_type.as_ref()),
            file_size: Change::of(a.file_size.as_ref(), b.file_size.as_ref()),
            width: Change::of(a.width.as_ref(), b.width.as_ref()),
            height: Change::of(a.height.as_ref(), b.height.as_ref()),
            image_count: Change::of(a.image_count.as_ref(), b.image_count.as_ref()),
            bytes_dropped_at: Change::of(a.bytes_dropped_at.as_ref(), b.bytes_dropped_at.as_ref()),
            kind: Change::of(Some(&a.kind), Some(&b.kind)),
            character_id: Change::of(a.character_id.as_ref(), b.character_id.as_ref()),
            animation_id: Change::of(a.animation_id.as_ref(), b.animation_id.as_ref()),
            is_primary: Change::of(before.is_primary.as_ref(), after.is_primary.as_ref()),
            claims: claim::compare(&before.claims, &after.claims),
        }
    }
}

/// Reads what is compared beside the rows of assets of one project.
pub(super) async fn sides(session: &mut Session, assets: Vec<Asset>) -> Result<Vec<Side>> {
    let Some(project) = assets.first().map(|asset| asset.project_id) else {
        return Ok(Vec::new());
    };
    let ids: Vec<_> = assets.iter().map(|asset| asset.id.0).collect();
    let mut claims: HashMap<AssetId, Vec<Claim>> = HashMap::new();
    for claim in crate::claim::of_assets(session, project, &ids).await? {
        claims.entry(claim.asset_id).or_default().push(claim);
    }
    let mut primaries: HashMap<CharacterId, Option<AssetId>> = HashMap::new();
    for id in assets.iter().filter_map(|asset| asset.character_id) {
        if let std::collections::hash_map::Entry::Vacant(place) = primaries.entry(id) {
            place.insert(character::get(session, id).await?.primary_asset_id);
        }
    }
    let side = |asset: Asset| Side {
        claims: claims.remove(&asset.id).unwrap_or_default(),
        is_primary: asset.character_id.map(|character| {
            let primary = primaries.get(&character).copied().flatten();
            primary == Some(asset.id)
        }),
        asset,
    };
    Ok(assets.into_iter().map(side).collect())
}

impl Studio {
    /// Compares two assets: what made them, and what they are. They may belong to different
    /// projects.
    ///
    /// # Errors
    /// [`crate::Error::NotFound`].
    pub async fn diff_assets(&self, before: AssetId, after: AssetId) -> Result<AssetDiff> {
        let mut session = self.database().snapshot().await?;
        let mut both = Vec::with_capacity(2);
        for id in [before, after] {
            let asset = asset::get(&mut session, id).await?;
            both.extend(sides(&mut session, vec![asset]).await?);
        }
        session.end().await?;
        match both.as_slice() {
            [before, after] => Ok(AssetDiff::of(before, after, deadline())),
            _ => Err(crate::Error::not_found("asset", after)),
        }
    }
}
