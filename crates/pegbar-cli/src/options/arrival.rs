//! Where things come from: ids and times that someone else has given them.

use pegbar::{AssetId, Id, MillisSinceEpoch, NewAsset};

use super::time;
use crate::error::CommandError;
use crate::text::count;

/// What a project, a character or an animation was where it comes from.
#[derive(Clone, Debug, Default, clap::Args)]
#[command(next_help_heading = "Where it comes from")]
pub(crate) struct Identity {
    /// The id it gets, a UUID; a new one, if not given
    #[arg(long, value_name = "ID")]
    id: Option<AssetId>,
    /// The id it has in the app it comes from
    #[arg(long, value_name = "ID")]
    pub(crate) source_id: Option<String>,
    /// When it was created, as in 2026-01-31 or 2026-01-31T12:00:00Z; else now
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub(crate) created_at: Option<MillisSinceEpoch>,
}

impl Identity {
    /// Returns the id that was chosen.
    pub(crate) fn id<T: Id>(&self) -> Option<T> {
        self.id.map(|id| T::from(id.uuid()))
    }
}

/// What images were where they come from.
#[derive(Clone, Debug, Default, clap::Args)]
#[command(next_help_heading = "Where it comes from")]
pub(crate) struct Arrival {
    /// The id the asset gets, a UUID; once for each file
    #[arg(long = "id", value_name = "ID")]
    ids: Vec<AssetId>,
    /// The id it has in the app it comes from; once for each file
    #[arg(long = "source-id", value_name = "ID")]
    source_ids: Vec<String>,
    /// The path it comes from, to find it by; once for each file
    #[arg(long = "source-path", value_name = "PATH")]
    source_paths: Vec<String>,
    /// The file name it came with, if not the file's; once for each file
    #[arg(long = "original-name", value_name = "NAME")]
    original_names: Vec<String>,
    /// When it was made, as in 2026-01-31 or 2026-01-31T12:00:00Z; else now
    #[arg(long, value_name = "TIME", value_parser = time)]
    created_at: Option<MillisSinceEpoch>,
}

impl Arrival {
    /// Returns whether nothing was said.
    pub(super) fn is_empty(&self) -> bool {
        self.ids.is_empty()
            && self.source_ids.is_empty()
            && self.source_paths.is_empty()
            && self.original_names.is_empty()
            && self.created_at.is_none()
    }

    /// Says it of new assets, one for each file.
    pub(super) fn add_to(&self, assets: &mut [NewAsset]) -> Result<(), CommandError> {
        let files = assets.len();
        once_for_each("--id", self.ids.len(), files)?;
        once_for_each("--source-id", self.source_ids.len(), files)?;
        once_for_each("--source-path", self.source_paths.len(), files)?;
        once_for_each("--original-name", self.original_names.len(), files)?;
        for (index, asset) in assets.iter_mut().enumerate() {
            asset.id = self.ids.get(index).copied();
            asset.source_id = self.source_ids.get(index).cloned();
            asset.source_path = self.source_paths.get(index).cloned();
            asset.original_name = self.original_names.get(index).cloned();
            asset.created_at = self.created_at;
        }
        Ok(())
    }
}

/// Refuses an option that is given for some files and not for others.
pub(crate) fn once_for_each(option: &str, given: usize, files: usize) -> Result<(), CommandError> {
    if given == 0 || given == files {
        return Ok(());
    }
    let files = count(files as u64, "file");
    let message = format!("{option} is given {given} times for {files}");
    Err(CommandError::usage(message).hint("give it once for each file, in their order, or never"))
}
