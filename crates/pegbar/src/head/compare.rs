//! A head that was given away, beside what is there now.

use serde::Serialize;

use super::Head;
use super::record_page;
use crate::error::Result;
use crate::hash::Sha256;
use crate::id::{AssetId, ProjectId};
use crate::import::Listed;
use crate::project;
use crate::studio::Studio;
use crate::time::MillisSinceEpoch;

/// What became of a project since its head was exported.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct HeadComparison {
    /// The project.
    pub project_id: ProjectId,
    /// When the head was exported, by the clock of the machine that did it.
    pub time: MillisSinceEpoch,
    /// The head's hash.
    pub head: Sha256,
    /// How many assets have the record that the head names.
    pub unchanged: u64,
    /// Assets whose record is another one now, or is gone. No way of using Pegbar does that.
    pub changed: Listed<ChangedRecord>,
    /// Assets of the head that are not in the project any more: deleted, or removed by another
    /// program.
    pub gone: Listed<AssetId>,
    /// Assets with a record that the head does not name: made since, or adopted since.
    pub new: Listed<AssetId>,
}

/// An asset with another record than its head names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct ChangedRecord {
    /// The asset.
    pub asset_id: AssetId,
    /// The hash of its record, as the head has it.
    pub recorded: Sha256,
    /// The hash of its record now; `None` where it has none.
    pub found: Option<Sha256>,
}

impl HeadComparison {
    /// Says whether every asset of the head is there with the record that the head names.
    #[must_use]
    pub fn holds(&self) -> bool {
        self.changed.count == 0 && self.gone.count == 0
    }
}

impl Studio {
    /// Compares a project with a head that was exported from it earlier. The records themselves
    /// are hashed; that they say what the rows say, [`Studio::verify`] tells.
    ///
    /// # Errors
    /// [`crate::Error::NotFound`] for the head's project; [`crate::Error::Unavailable`].
    pub async fn compare_head(&self, head: &Head) -> Result<HeadComparison> {
        let project_id = head.project.id;
        let mut session = self.database().snapshot().await?;
        project::get(&mut session, project_id).await?;
        let mut comparison = HeadComparison {
            project_id,
            time: head.time,
            head: head.hash,
            unchanged: 0,
            changed: Listed::default(),
            gone: Listed::default(),
            new: Listed::default(),
        };
        // Both are in the order of the ids.
        let mut expected = head.assets.iter().peekable();
        let mut after = None;
        loop {
            let page = record_page(&mut session, project_id, after).await?;
            let Some(last) = page.last() else { break };
            after = Some(last.id);
            for row in &page {
                while let Some(gone) = expected.next_if(|asset| asset.id < row.id) {
                    comparison.gone.push(gone.id);
                }
                let found = row.record.as_ref().map(|text| Sha256::of(text.as_bytes()));
                match expected.next_if(|asset| asset.id == row.id) {
                    Some(asset) if found == Some(asset.record_hash) => comparison.unchanged += 1,
                    Some(asset) => comparison.changed.push(ChangedRecord {
                        asset_id: row.id,
                        recorded: asset.record_hash,
                        found,
                    }),
                    None if found.is_some() => comparison.new.push(row.id),
                    None => {}
                }
            }
        }
        session.end().await?;
        expected.for_each(|gone| comparison.gone.push(gone.id));
        Ok(comparison)
    }
}
