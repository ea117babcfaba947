//! Taking in what other programs export.

mod folder;
mod images;
mod megabananas;
mod pixellab;
mod sidecars;

use std::path::Path;

use serde::Serialize;

use crate::error::{Error, Result};
use crate::hash::Sha256;
use crate::id::{AssetId, CharacterId, ProjectId};
use crate::studio::Studio;

#[cfg(test)]
pub(crate) use images::STATEMENTS as FOLDER_STATEMENTS;
pub use images::{
    CreatedRows, FolderMapping, FolderOptions, FolderPlan, FolderReport, PlannedAnimation,
    PlannedCharacter, PlannedImage, ReplacedImage, SkippedFile, UnplacedImage,
};
#[cfg(test)]
pub(crate) use megabananas::STATEMENTS as MEGABANANAS_STATEMENTS;
pub use megabananas::{
    ImportedProject, MegabananasEvent, MegabananasFinding, MegabananasOptions, MegabananasReport,
    MegabananasRows,
};
#[cfg(test)]
pub(crate) use pixellab::STATEMENTS;
#[cfg(test)]
pub(crate) use sidecars::STATEMENTS as SIDECAR_STATEMENTS;
pub use sidecars::{RefusedSidecar, SidecarPlan, SidecarReport, SidecarTarget};

/// How many entries of a list an [`ImportReport`] holds.
pub const MAX_LISTED: usize = 100;

/// What an import did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ImportReport {
    /// The character that the export is now.
    pub character_id: CharacterId,
    /// What was created.
    pub created: ImportedRows,
    /// How many of the export's images were there already, with the same bytes.
    pub unchanged: u64,
    /// Images that were imported earlier and whose file has other bytes now. The asset keeps
    /// the bytes it has; what to make of the new ones is for the user to decide.
    pub changed: Listed<ChangedFile>,
    /// Files in the folder that the export does not mention, relative to the folder. They
    /// were not taken in.
    pub skipped: Listed<String>,
}

/// How many rows an import created.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ImportedRows {
    /// Characters: 1, or 0 where an earlier import has made it.
    pub characters: u64,
    /// Variations of the character.
    pub variations: u64,
    /// Animations.
    pub animations: u64,
    /// Frames, in new animations and in those that were there.
    pub frames: u64,
}

/// A list that may be long: its length, and how it begins.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Listed<T> {
    /// How many there are.
    pub count: u64,
    /// The first of them, at most [`MAX_LISTED`].
    pub first: Vec<T>,
}

impl<T> Default for Listed<T> {
    fn default() -> Self {
        Self {
            count: 0,
            first: Vec::new(),
        }
    }
}

impl<T> Listed<T> {
    pub(crate) fn push(&mut self, entry: T) {
        self.count += 1;
        if self.first.len() < MAX_LISTED {
            self.first.push(entry);
        }
    }
}

/// A file whose bytes are not those that were imported from it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ChangedFile {
    /// The file, relative to the folder of the export.
    pub path: String,
    /// The asset that was imported from it.
    pub asset_id: AssetId,
    /// The SHA-256 of the asset's bytes.
    pub recorded: Sha256,
    /// The SHA-256 of the file's bytes now.
    pub found: Sha256,
}

/// Says why a file can't be taken in, where that is about the file alone and not about what
/// Pegbar writes: the rest of an import goes on.
fn refusal(error: &Error, file: &Path) -> Option<String> {
    match error {
        Error::NotAnImage { reason, .. } => Some(reason.clone()),
        // Someone is writing it: the next import takes it in.
        Error::Conflict { message, .. } => Some(message.clone()),
        Error::Io { path, source, .. } if path == file => {
            Some(format!("the file can't be read: {source}"))
        }
        _ => None,
    }
}

impl Studio {
    /// Imports the export of a character from PixelLab: a folder with `metadata.json`,
    /// unpacked.
    ///
    /// Creates one character with its rotations as variations (tagged with their direction;
    /// `south` is primary), and an animation for each animation and direction, with its
    /// frames in order. Prompts, models and times are recorded where the export states them:
    /// it has a prompt, settings and a time for the character, and none for single images.
    /// Each image claims what the export says of its character.
    ///
    /// Images are matched by where they come from (`source_path`, in this project), so that
    /// importing again adds only what is new: a file that the export mentions and the project
    /// does not have becomes a frame, behind the one it follows in the export. What the user
    /// has renamed, reordered or removed stays so. Each animation is one transaction: after
    /// an interruption the next import goes on where this one stopped.
    ///
    /// `progress` is called before each transaction, and at the end, with how many images are
    /// done and how many there are.
    ///
    /// # Errors
    /// [`crate::Error::NotFound`] for the project; [`crate::Error::Invalid`] names the place
    /// in `metadata.json` that is malformed, leads out of the folder or names a file that is
    /// not there; [`crate::Error::Io`]. Nothing is created then. [`crate::Error::NotAnImage`]
    /// names a file; what came before it stays.
    pub async fn import_pixellab(
        &self,
        project: ProjectId,
        folder: impl AsRef<Path>,
        progress: impl FnMut(u64, u64) + Send,
    ) -> Result<ImportReport> {
        pixellab::import(self, project, folder.as_ref(), progress).await
    }

    /// Imports a folder of images as it was planned.
    ///
    /// A planned character or animation is the one that its images were imported into before,
    /// whatever it is called now; else the one of its name, or whose name gives the same folder;
    /// else a new one. Images are matched by where they come from (`source_path`: the plan's
    /// source and the path in the folder), so that importing again adds nothing twice. A file
    /// with other bytes than last time becomes a new asset; with `shows_changed`, a frame that
    /// shows the earlier one shows it. A new frame stands behind the one it follows in the
    /// folder. What the user has renamed, reordered or removed stays so; what was moved into the
    /// trash comes anew.
    ///
    /// Up to a thousand images are one transaction: after an interruption the next import goes
    /// on where this one stopped. Memory does not grow with the bytes. A file that is broken or
    /// can't be read is refused by itself and listed in the report.
    ///
    /// `progress` is called before the first transaction and after each, with how many images
    /// are done and how many there are.
    ///
    /// # Errors
    /// [`crate::Error::Invalid`] where an image of the plan has no place;
    /// [`crate::Error::NotFound`] for the project; [`crate::Error::Conflict`] where a name means
    /// several characters or animations; [`crate::Error::Io`], [`crate::Error::Unavailable`]:
    /// what was done before it stays.
    pub async fn import_folder(
        &self,
        project: ProjectId,
        plan: &FolderPlan,
        shows_changed: bool,
        progress: impl FnMut(u64, u64) + Send,
    ) -> Result<FolderReport> {
        images::import(self, project, plan, shows_changed, progress).await
    }

    /// Counts the images of a plan whose files were imported into a project before; whether
    /// their bytes are still the same, only the import finds out.
    ///
    /// # Errors
    /// [`crate::Error::NotFound`] for the project; [`crate::Error::Conflict`] where a name means
    /// several characters or animations.
    pub async fn count_imported(&self, project: ProjectId, plan: &FolderPlan) -> Result<u64> {
        images::count_known(self, project, plan).await
    }
}
