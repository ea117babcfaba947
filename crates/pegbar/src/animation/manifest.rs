//! Manifests: what a player needs of an animation, in one consistent order.

use serde::Serialize;

use super::Animation;
use crate::db::sql::statements;
use crate::db::value::{Row, Value};
use crate::error::Result;
use crate::hash::Sha256;
use crate::id::{AnimationId, AssetId, FrameId};
use crate::studio::Studio;

statements! {
    SHOWN = "SELECT f.frame_index, f.id, a.id, a.sha256, a.mime_type, a.file_size, a.width, \
             a.height FROM frame f \
             JOIN asset a ON a.project_id = f.project_id AND a.id = f.asset_id \
             WHERE f.project_id = $1 AND f.animation_id = $2 ORDER BY f.frame_index";
}

/// An animation as it is to be played.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Manifest {
    /// The animation.
    pub animation: Animation,
    /// Its frames, in order.
    pub frames: Vec<ManifestFrame>,
}

/// What a frame shows. What is `None` is not known before `pegbar adopt`: another program wrote
/// the row.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct ManifestFrame {
    /// Where it stands, from 0.
    pub frame_index: u32,
    /// The frame.
    pub frame_id: FrameId,
    /// The asset that it shows.
    pub asset_id: AssetId,
    /// The SHA-256 of the bytes.
    pub sha256: Option<Sha256>,
    /// The media type.
    pub mime_type: Option<String>,
    /// The size of the file in bytes.
    pub file_size: Option<u64>,
    /// The width in pixels, as seen.
    pub width: Option<u32>,
    /// The height in pixels, as seen.
    pub height: Option<u32>,
}

fn read(row: &Row<'_>) -> Result<ManifestFrame> {
    Ok(ManifestFrame {
        frame_index: row.at(0, "frame.frame_index")?,
        frame_id: row.at(1, "frame.id")?,
        asset_id: row.at(2, "asset.id")?,
        sha256: row.at(3, "asset.sha256")?,
        mime_type: row.at(4, "asset.mime_type")?,
        file_size: row.at(5, "asset.file_size")?,
        width: row.at(6, "asset.width")?,
        height: row.at(7, "asset.height")?,
    })
}

impl Studio {
    /// Returns what a player needs of an animation, as it was at one moment: in three queries,
    /// however many frames it has.
    ///
    /// # Errors
    /// [`crate::Error::NotFound`].
    pub async fn get_manifest(&self, id: AnimationId) -> Result<Manifest> {
        let mut session = self.database().snapshot().await?;
        let animation = super::get(&mut session, id).await?;
        let parameters = [Value::Id(animation.project_id.0), Value::Id(id.0)];
        let frames = session.query(&SHOWN, &parameters, read).await?;
        session.end().await?;
        Ok(Manifest { animation, frames })
    }
}
