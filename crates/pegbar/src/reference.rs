//! References: which assets went into making an asset, in order.

use std::collections::HashMap;
use std::ops::Deref;

use serde::{Serialize, Serializer};
use uuid::Uuid;

use crate::db::Session;
use crate::db::entity::entity;
use crate::db::sql::statements;
use crate::db::value::{Value, word_enum};
use crate::error::Result;
use crate::hash::Sha256;
use crate::id::{AssetId, ProjectId};

word_enum! {
    /// What an input was for.
    pub enum ReferenceRole in "reference_role" {
        /// The character's design.
        Character = "character",
        /// The frame before, in the same animation.
        PreviousFrame = "previous_frame",
        /// How it should look: style, palette, line.
        Style = "style",
        /// How it should stand or move.
        Pose = "pose",
        /// Anything else.
        Other = "other",
    }
}

entity! {
    /// One input of one asset.
    pub(crate) struct ReferenceRow in asset_reference {
        pub(crate) project_id: ProjectId,
        pub(crate) asset_id: AssetId,
        pub(crate) position: u32,
        pub(crate) referenced_asset_id: AssetId,
        pub(crate) role: ReferenceRole,
        pub(crate) sha256: Option<Sha256>,
    }
}

statements! {
    OF_ASSETS = "SELECT {asset_reference} FROM asset_reference \
                 WHERE project_id = $1 AND asset_id {in $2} ORDER BY asset_id, position";
    OF_ALL_ASSETS = "SELECT {asset_reference} FROM asset_reference WHERE project_id = $1 \
                     ORDER BY asset_id, position";
}

/// An input that an asset was made from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Reference {
    /// The input.
    pub asset_id: AssetId,
    /// What it was for.
    pub role: ReferenceRole,
    /// The SHA-256 of the bytes that were sent; `None` where another program wrote the row
    /// and it has not been adopted yet.
    pub sha256: Option<Sha256>,
}

/// The inputs of an asset, in the order they were sent.
///
/// In JSON they appear twice: as `referenceAssetIds` and, in full, as `references`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct References(Vec<Reference>);

impl Deref for References {
    type Target = [Reference];

    fn deref(&self) -> &[Reference] {
        &self.0
    }
}

impl References {
    /// Returns the ids of the inputs, in order.
    #[must_use]
    pub fn ids(&self) -> Vec<AssetId> {
        self.0.iter().map(|reference| reference.asset_id).collect()
    }
}

impl From<Vec<Reference>> for References {
    fn from(references: Vec<Reference>) -> Self {
        Self(references)
    }
}

impl Serialize for References {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        #[serde(rename_all = "camelCase")]
        struct Both<'a> {
            reference_asset_ids: Vec<AssetId>,
            references: &'a [Reference],
        }
        Both {
            reference_asset_ids: self.ids(),
            references: &self.0,
        }
        .serialize(serializer)
    }
}

/// An input of an asset that is about to be created.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NewReference {
    /// The input: there already, or created by the same call.
    pub asset_id: AssetId,
    /// What it was for.
    pub role: ReferenceRole,
}

pub(crate) type ReferencesByAsset = HashMap<AssetId, References>;

fn by_asset(rows: Vec<ReferenceRow>) -> ReferencesByAsset {
    let mut references = ReferencesByAsset::new();
    for row in rows {
        let list = &mut references.entry(row.asset_id).or_default().0;
        list.push(Reference {
            asset_id: row.referenced_asset_id,
            role: row.role,
            sha256: row.sha256,
        });
    }
    references
}

pub(crate) async fn of_assets(
    session: &mut Session,
    project: ProjectId,
    ids: &[Uuid],
) -> Result<ReferencesByAsset> {
    let parameters = [Value::Id(project.0), Value::Ids(ids)];
    Ok(by_asset(session.list(&OF_ASSETS, &parameters).await?))
}

pub(crate) async fn of_all_assets(
    session: &mut Session,
    project: ProjectId,
) -> Result<ReferencesByAsset> {
    Ok(by_asset(
        session
            .list(&OF_ALL_ASSETS, &[Value::Id(project.0)])
            .await?,
    ))
}
