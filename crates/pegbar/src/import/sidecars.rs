//! Taking in what another studio exported with sidecars: the same records, the same hashes.

mod batch;
mod beside;
mod destination;
mod known;
mod order;
mod owner;
mod place;
mod read;
mod run;
mod scan;
mod staged;
mod told;

use std::path::{Path, PathBuf};

use serde::Serialize;

use super::{CreatedRows, Listed};
use crate::error::Result;
use crate::hash::Sha256;
use crate::id::{AssetId, FrameId, GenerationId, ProjectId};
use crate::sidecar::{AnimationSaid, CharacterSaid, ProjectSaid};
use crate::studio::Studio;

#[cfg(test)]
pub(crate) use known::STATEMENTS;

/// A folder with sidecars, every one of them checked, its image too.
#[derive(Debug)]
pub struct SidecarPlan {
    folder: PathBuf,
    /// In the order of their paths.
    entries: Vec<Entry>,
    characters: Vec<CharacterSaid>,
    animations: Vec<AnimationPlan>,
    project: Option<ProjectSaid>,
    has_several_projects: bool,
    refused: Listed<RefusedSidecar>,
}

/// A sidecar of a plan, as far as it matters for the order and the place.
#[derive(Debug)]
struct Entry {
    /// The image, relative to the folder.
    path: String,
    id: AssetId,
    /// The size of the sidecar, in bytes.
    file_size: u64,
    record_hash: Sha256,
    inputs: Vec<Input>,
    /// The generation that it says to come from.
    generation: Option<GenerationId>,
    owner: Owner,
    /// The frames that show it: which animation, and which frame of it.
    frames: Vec<(usize, FrameId)>,
    /// The character whose primary variation it is.
    primary_of: Option<usize>,
    is_thumbnail: bool,
}

/// An input of an asset, as the record says and by its id where it was exported.
#[derive(Clone, Copy, Debug)]
struct Input {
    id: AssetId,
    sha256: Sha256,
    record_hash: Sha256,
}

/// Where an asset belongs, by the place in the plan's lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Owner {
    Project,
    Character(usize),
    Animation(usize),
}

/// An animation of a plan.
#[derive(Debug)]
struct AnimationPlan {
    said: AnimationSaid,
    character: usize,
    /// Its frames in order.
    frames: Vec<(u32, FrameId)>,
}

/// A sidecar that is not taken in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RefusedSidecar {
    /// Its image, relative to the folder.
    pub path: String,
    /// What is wrong, as `asset.references[1].role`.
    pub field: String,
    /// What is wrong with it.
    pub reason: String,
}

/// Where the assets of a plan go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SidecarTarget {
    /// Into this project.
    Project(ProjectId),
    /// Into a new project of this name.
    New(String),
    /// Into the project that they are from, which is created unless it is there.
    Same,
}

/// What an import of sidecars did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SidecarReport {
    /// The project that they were imported into; `None` where nothing could be taken in, and
    /// none was created for it.
    pub project_id: Option<ProjectId>,
    /// Whether it was created.
    pub is_new_project: bool,
    /// What was created.
    pub created: CreatedRows,
    /// How many assets were there already, with the same records.
    pub unchanged: u64,
    /// How many of the new assets could not keep their ids, which were taken: these are their
    /// source ids now.
    pub renumbered: u64,
    /// What was not taken in, and why.
    pub refused: Listed<RefusedSidecar>,
}

impl SidecarPlan {
    /// Returns how many images can be taken in, as far as the folder tells.
    #[must_use]
    pub fn images(&self) -> u64 {
        self.entries.len() as u64
    }

    /// Returns the name of the project that they are from.
    #[must_use]
    pub fn project_name(&self) -> Option<&str> {
        self.project.as_ref().map(|project| project.name.as_str())
    }

    /// Returns the sidecars that can't be believed.
    #[must_use]
    pub fn refused(&self) -> &Listed<RefusedSidecar> {
        &self.refused
    }
}

impl Studio {
    /// Reads every sidecar in a folder and the folders in it, and checks each: the record
    /// against its hash, what stands twice against each other, and the bytes of the image
    /// beside against the record. Writes nothing. Links are not followed.
    ///
    /// A sidecar that does not hold is listed with the field. Memory grows by some hundred
    /// bytes for each that does, and by the texts of each character and animation; it does not
    /// grow with the sizes of sidecars and images.
    ///
    /// `progress` is called with how many are read and how many there are.
    ///
    /// # Errors
    /// [`crate::Error::Io`] for a folder that can't be read.
    pub fn plan_sidecars(
        &self,
        folder: impl AsRef<Path>,
        progress: impl FnMut(u64, u64),
    ) -> Result<SidecarPlan> {
        scan::scan(self, folder.as_ref(), progress)
    }

    /// Takes in what a folder with sidecars holds: assets with their bytes, prompts, models,
    /// settings, times and inputs, so that their records and hashes are the same; their tags,
    /// claims and annotations; the generations, characters, animations and frames that they belong to.
    ///
    /// Ids stay what they were, unless they are taken: then the asset, character, animation or
    /// frame has its old id as `source_id`. An asset that is there already, by its id or
    /// `source_id` and with the same record, is not added again, nor are its frames: what
    /// the user has renamed, reordered or removed stays so. Characters and animations are found by id,
    /// by `source_id`, then by name; a new frame stands behind the one it follows in the
    /// export.
    ///
    /// Inputs come first. An asset whose input is neither in the folder nor in the project,
    /// with the record that it had, is refused, with all that was made from it: without, its
    /// record would be another. Up to 500 assets are one transaction, and less where their
    /// sidecars are larger than 32 MiB together; after an interruption the next import goes on
    /// where this one stopped. A new project is created with its first assets.
    ///
    /// An asset whose bytes were dropped, and have no file beside the sidecar, has none here
    /// either; its record, hash and place in the lineage are the same. An asset that is there
    /// keeps its bytes whatever a sidecar says. What the file itself says are its claims; what
    /// only the sidecar says to be in the file says that it was found in the sidecar.
    ///
    /// `progress` is called before the first transaction and after each, with how many images
    /// are done and how many there are.
    ///
    /// # Errors
    /// [`crate::Error::NotFound`] for the project; [`crate::Error::Invalid`] for a folder
    /// without sidecars, or with some of several projects, if the target is
    /// [`SidecarTarget::Same`]; [`crate::Error::Conflict`] where a file has changed since it
    /// was planned, or a name means several characters or animations; [`crate::Error::Io`]:
    /// what was done before it stays.
    pub async fn import_sidecars(
        &self,
        plan: &SidecarPlan,
        target: &SidecarTarget,
        progress: impl FnMut(u64, u64) + Send,
    ) -> Result<SidecarReport> {
        run::import(self, plan, target, progress).await
    }
}
