//! References: which assets went into making an asset, in order.

use std::collections::HashMap;
use std::ops::Deref;

use serde::{Serialize, Serializer};
use uuid::Uuid;

use crate::db::Session;
use crate::db::entity::entity;
use crate::db::sql::{Sql, statements};
use crate::db::value::{Row, Value, word_enum};
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
    OF_ASSETS = "SELECT asset_id, referenced_asset_id, role, sha256 FROM asset_reference \
                 WHERE project_id = $1 AND asset_id {in $2} ORDER BY asset_id, position";
    OF_ALL_ASSETS = "SELECT asset_id, referenced_asset_id, role, sha256 \
                     FROM asset_reference WHERE project_id = $1 ORDER BY asset_id, position";
}

/// An input that an asset was made from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
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

async fn load(
    session: &mut Session,
    sql: &Sql,
    parameters: &[Value<'_>],
) -> Result<ReferencesByAsset> {
    let read = |row: &Row<'_>| {
        let reference = Reference {
            asset_id: row.at(1, "asset_reference.referenced_asset_id")?,
            role: row.at(2, "asset_reference.role")?,
            sha256: row.at(3, "asset_reference.sha256")?,
        };
        Ok((row.at(0, "asset_reference.asset_id")?, reference))
    };
    let mut references = ReferencesByAsset::new();
    for (asset, reference) in session.query(sql, parameters, read).await? {
        references.entry(asset).or_default().0.push(reference);
    }
    Ok(references)
}

pub(crate) async fn of_assets(
    session: &mut Session,
    project: ProjectId,
    ids: &[Uuid],
) -> Result<ReferencesByAsset> {
    let parameters = [Value::Id(project.0), Value::Ids(ids)];
    load(session, &OF_ASSETS, &parameters).await
}

pub(crate) async fn of_all_assets(
    session: &mut Session,
    project: ProjectId,
) -> Result<ReferencesByAsset> {
    load(session, &OF_ALL_ASSETS, &[Value::Id(project.0)]).await
}
