//! What is still known of assets that were purged: their records outlive their bytes.

use crate::asset::AssetKind;
use crate::db::entity::entity;
use crate::db::sql::{Query, statements};
use crate::db::value::Value;
use crate::error::{Error, Result};
use crate::hash::Sha256;
use crate::id::{AssetId, DeletionId, ProjectId};
use crate::json::Json;
use crate::page::{Page, PageRequest};
use crate::studio::Studio;
use crate::time::MillisSinceEpoch;

entity! {
    /// What is still known of an asset that was purged: enough to explain a hash that others
    /// recorded of it.
    pub struct Tombstone in tombstone {
        /// The id that the asset had.
        pub asset_id: AssetId,
        /// The deletion that took it.
        pub deletion_id: DeletionId,
        /// The project that it was in.
        pub project_id: ProjectId,
        /// The project's name.
        pub project: String,
        /// What it was for.
        pub kind: AssetKind,
        /// The file name it came with.
        pub original_name: Option<String>,
        /// Its type.
        pub mime_type: Option<String>,
        /// Its size, in bytes.
        pub file_size: Option<u64>,
        /// The SHA-256 of its bytes.
        pub sha256: Option<Sha256>,
        /// Its record: what made it.
        pub record: Option<String>,
        /// The SHA-256 of the record.
        pub record_hash: Option<Sha256>,
        /// What it was made from, as the trash had it: a list with `position`, `role`,
        /// `referenced_asset_id` and `sha256`; the inputs' record hashes are in the record.
        pub inputs: Json,
        /// When it was deleted.
        pub deleted_at: MillisSinceEpoch,
        /// When it was purged.
        pub purged_at: MillisSinceEpoch,
    }
}

statements! {
    GET = "SELECT {tombstone} FROM tombstone WHERE asset_id = $1 ORDER BY purged_at DESC LIMIT 1";
}

/// Which purged assets are listed.
#[derive(Clone, Debug, Default)]
pub struct TombstoneFilter {
    /// Of this project.
    pub project: Option<ProjectId>,
    /// With these bytes.
    pub sha256: Option<Sha256>,
    /// With this record.
    pub record_hash: Option<Sha256>,
}

impl TombstoneFilter {
    fn query(&self, page: PageRequest<AssetId>) -> Result<Query<'_>> {
        let mut query = Query::new("SELECT {tombstone t} FROM tombstone t");
        if let Some(project) = self.project {
            query.filter("t.project_id = ?", [Value::Id(project.0)]);
        }
        let hash = |hash: Sha256| Value::Text(hash.to_string().into());
        if let Some(sha256) = self.sha256 {
            query.filter("t.sha256 = ?", [hash(sha256)]);
        }
        if let Some(record) = self.record_hash {
            query.filter("t.record_hash = ?", [hash(record)]);
        }
        query.page("t.asset_id", page)?;
        Ok(query)
    }

    /// Every combination of conditions, for the test that prepares them.
    #[cfg(test)]
    pub(crate) fn every_query(mut prepare: impl FnMut(Query<'_>)) {
        for bits in 0..16_u32 {
            let filter = Self {
                project: (bits & 1 > 0).then(|| ProjectId(uuid::Uuid::nil())),
                sha256: (bits & 2 > 0).then_some(Sha256([0; 32])),
                record_hash: (bits & 8 > 0).then_some(Sha256([0; 32])),
            };
            let after = (bits & 4 > 0).then(|| AssetId(uuid::Uuid::nil()));
            for page in PageRequest::both_orders(after) {
                prepare(filter.query(page).unwrap());
            }
        }
    }
}

impl Studio {
    /// Returns what is still known of an asset that was purged.
    ///
    /// # Errors
    /// [`Error::NotFound`] for an asset that was not.
    pub async fn get_tombstone(&self, asset: AssetId) -> Result<Tombstone> {
        let mut session = self.database().read().await?;
        let mut found = session.list(&GET, &[Value::Id(asset.0)]).await?;
        found.pop().ok_or_else(|| Error::not_found("asset", asset))
    }

    /// Lists what is still known of assets that were purged, in the order of their ids: those
    /// with a record that another asset names as its input, say.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a page size out of range.
    pub async fn list_tombstones(
        &self,
        filter: &TombstoneFilter,
        page: PageRequest<AssetId>,
    ) -> Result<Page<Tombstone>> {
        let query = filter.query(page)?;
        let mut session = self.database().read().await?;
        let rows = session.list(&query, &query.parameters).await?;
        Ok(Page::of(rows, page.limit))
    }
}
