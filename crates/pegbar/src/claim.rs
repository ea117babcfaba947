//! Claims: what a file, or the app it comes from, says of an asset. Never mixed with what
//! Pegbar recorded.

use crate::asset;
use crate::db::entity::entity;
use crate::db::sql::statements;
use crate::db::value::Value;
use crate::error::Result;
use crate::id::{AssetId, ProjectId};
use crate::json::Json;
use crate::studio::Studio;
use crate::text::{check_name, check_text};

entity! {
    /// What a file, or the app it comes from, says of an asset. It may be wrong, and never
    /// becomes a prompt, a setting or a reference of the asset.
    pub struct Claim in asset_claim {
        /// The asset.
        pub asset_id: AssetId,
        #[serde(skip)]
        pub(crate) project_id: ProjectId,
        /// Its place among the asset's claims, from 0.
        pub position: u32,
        /// The program that says so, in lower case: `megabananas` …
        pub tool: String,
        /// What it says, as far as it is understood.
        pub fields: Json,
        /// The text as it was found; may be empty.
        pub raw: String,
    }
}

statements! {
    OF_ASSETS = "SELECT {asset_claim} FROM asset_claim WHERE project_id = $1 \
                 AND asset_id {in $2} ORDER BY asset_id, position";
    FILES = "SELECT id, sha256, mime_type FROM asset WHERE project_id = $1 AND id > $2 \
             AND sha256 IS NOT NULL AND bytes_dropped_at IS NULL ORDER BY id LIMIT 500";
    COUNT_FILES = "SELECT count(*) FROM asset WHERE project_id = $1 \
                   AND sha256 IS NOT NULL AND bytes_dropped_at IS NULL";
    OF_ASSET = "SELECT {asset_claim} FROM asset_claim WHERE project_id = $1 AND asset_id = $2 \
                ORDER BY position";
}

/// A claim about an asset that is about to be created.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewClaim {
    /// The program that says so: 1 to 255 bytes.
    pub tool: String,
    /// What it says, as far as it is understood.
    pub fields: Json,
    /// The text as it was found, at most 1 MiB.
    pub raw: String,
}

impl NewClaim {
    /// Begins a claim that says nothing yet.
    pub fn new(tool: impl Into<String>) -> Self {
        Self {
            tool: tool.into(),
            fields: Json::empty_object(),
            raw: String::new(),
        }
    }

    /// Sets what it says, as far as it is understood.
    #[must_use]
    pub fn fields(self, fields: Json) -> Self {
        Self { fields, ..self }
    }

    /// Sets the text as it was found.
    #[must_use]
    pub fn raw(self, raw: impl Into<String>) -> Self {
        Self {
            raw: raw.into(),
            ..self
        }
    }

    pub(crate) fn check(&self) -> Result<()> {
        check_name("claims.tool", &self.tool)?;
        check_text("claims.raw", &self.raw)
    }

    pub(crate) fn into_row(self, project: ProjectId, asset: AssetId, position: u32) -> Claim {
        Claim {
            asset_id: asset,
            project_id: project,
            position,
            tool: self.tool,
            fields: self.fields,
            raw: self.raw,
        }
    }
}

impl Studio {
    /// Lists what files and other programs say of an asset, in order.
    ///
    /// # Errors
    /// [`crate::Error::NotFound`] for the asset.
    pub async fn list_claims(&self, asset: AssetId) -> Result<Vec<Claim>> {
        let mut session = self.database().read().await?;
        let project = asset::project_of(&mut session, asset).await?;
        let owner = [Value::Id(project.0), Value::Id(asset.0)];
        session.list(&OF_ASSET, &owner).await
    }
}
