//! What `pegbar asset show` still knows of an asset that was purged.

use pegbar::{AssetId, Studio, Tombstone};

use super::Which;
use crate::error::CommandError;
use crate::find::unless_not_found;
use crate::output::Output;
use crate::text::{minute, size};

impl Which {
    /// Returns what is known of a purged asset, which has nothing but its whole id.
    pub(super) async fn purged(&self, studio: &Studio) -> Result<Option<Tombstone>, CommandError> {
        match self.asset.parse::<AssetId>() {
            Ok(id) => unless_not_found(studio.get_tombstone(id).await),
            Err(_) => Ok(None),
        }
    }
}

/// Prints what is still known.
pub(super) fn print(output: &Output, stone: &Tombstone) -> Result<(), CommandError> {
    if output.is_json() {
        return output.json(stone);
    }
    let text = |hash: Option<pegbar::Sha256>| hash.map(|hash| hash.to_string());
    output.fields(
        &format!("{} {} (purged)", stone.kind, stone.asset_id),
        &[
            (
                "project",
                format!("\"{}\" ({})", stone.project, stone.project_id),
            ),
            ("name", stone.original_name.clone().unwrap_or_default()),
            ("type", stone.mime_type.clone().unwrap_or_default()),
            ("size", stone.file_size.map(size).unwrap_or_default()),
            ("sha256", text(stone.sha256).unwrap_or_default()),
            ("record hash", text(stone.record_hash).unwrap_or_default()),
            ("record", stone.record.clone().unwrap_or_default()),
            ("deleted", minute(stone.deleted_at)),
            ("purged", minute(stone.purged_at)),
        ],
    )
}
