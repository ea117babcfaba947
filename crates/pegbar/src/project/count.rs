//! How much is in a project.

use serde::Serialize;

use crate::asset::AssetKind;
use crate::db::sql::statements;
use crate::db::value::Value;
use crate::error::Result;
use crate::id::ProjectId;
use crate::studio::Studio;

statements! {
    ASSETS = "SELECT kind, count(*), CAST(coalesce(sum( \
              CASE WHEN bytes_dropped_at IS NULL THEN file_size END), 0) AS {big}) FROM asset \
              WHERE project_id = $1 GROUP BY kind";
    OTHERS = "SELECT (SELECT count(*) FROM character WHERE project_id = $1), \
              (SELECT count(*) FROM animation WHERE project_id = $1), \
              (SELECT count(*) FROM frame WHERE project_id = $1)";
}

/// How much is in a project.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct ProjectCounts {
    /// How many characters.
    pub characters: u64,
    /// How many variations of characters.
    pub variations: u64,
    /// How many animations.
    pub animations: u64,
    /// How many frames.
    pub frames: u64,
    /// How many takes, shown or not.
    pub takes: u64,
    /// How many uploaded images.
    pub references: u64,
    /// The sizes of all assets' files, in bytes; the same bytes twice count twice.
    pub file_size: u64,
}

impl Studio {
    /// Counts what is in a project, as it was at one moment.
    ///
    /// # Errors
    /// [`crate::Error::NotFound`].
    pub async fn count_project(&self, id: ProjectId) -> Result<ProjectCounts> {
        let mut session = self.database().snapshot().await?;
        super::get(&mut session, id).await?;
        let parameters = [Value::Id(id.0)];
        let mut counts = ProjectCounts::default();
        let kinds = session
            .query(&ASSETS, &parameters, |row| {
                Ok((
                    row.at::<AssetKind>(0, "asset.kind")?,
                    row.at::<u64>(1, "count")?,
                    row.at::<u64>(2, "sum")?,
                ))
            })
            .await?;
        for (kind, count, file_size) in kinds {
            counts.file_size += file_size;
            *match kind {
                AssetKind::Reference => &mut counts.references,
                AssetKind::Character => &mut counts.variations,
                AssetKind::Frame => &mut counts.takes,
            } = count;
        }
        let others = session
            .optional(&OTHERS, &parameters, |row| {
                Ok((
                    row.at(0, "count")?,
                    row.at(1, "count")?,
                    row.at(2, "count")?,
                ))
            })
            .await?;
        if let Some(others) = others {
            (counts.characters, counts.animations, counts.frames) = others;
        }
        Ok(counts)
    }
}
