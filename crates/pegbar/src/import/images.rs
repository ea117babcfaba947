//! A folder of images, in whatever order someone keeps them: planned by the names alone, said
//! to the user, then taken in.

mod batch;
mod change;
mod guess;
mod known;
mod mapping;
mod merge;
mod name;
mod plan;
mod run;
mod scan;
mod stage;

use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::error::{Error, Result};
use crate::id::{AnimationId, AssetId};
use crate::text::{MAX_NAME_BYTES, check_name};

#[cfg(test)]
pub(crate) use known::STATEMENTS;
pub use mapping::FolderMapping;
pub(super) use run::{count_known, import};

/// How a folder of images is imported.
#[derive(Clone, Debug, Default)]
pub struct FolderOptions {
    /// What the folder is called in the `source_path` of its images; `None` for its name, that
    /// of the folder around it, and the character, where one was said. The same word means the
    /// same images: it is what makes repeating an import safe, also after the folder was moved.
    pub source: Option<String>,
    /// The character that everything in the folder belongs to.
    pub character: Option<String>,
    /// The animation that everything in the folder is a frame of; needs `character`.
    pub animation: Option<String>,
    /// Places that the names do not tell.
    pub mapping: FolderMapping,
    /// Folders below it that are none of its business: the studio's own.
    pub except: Vec<PathBuf>,
}

/// What becomes of each file of a folder. Made from the names alone: no image is read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct FolderPlan {
    /// The folder, without symbolic links.
    pub folder: PathBuf,
    /// What the folder is called in the `source_path` of its images.
    pub source: String,
    /// How many images have a place.
    pub images: u64,
    /// The size of all files that have a place, in bytes.
    pub bytes: u64,
    /// The characters, in the order of their paths.
    pub characters: Vec<PlannedCharacter>,
    /// Images that belong to no character.
    pub references: Vec<PlannedImage>,
    /// Images whose place could not be told, and why.
    pub unplaced: Vec<UnplacedImage>,
    /// Files that are not taken in, and why.
    pub skipped: Vec<SkippedFile>,
    /// Rules of the mapping that no file matched, as they are written.
    pub unused_rules: Vec<String>,
    /// Folders that are exports of PixelLab, the first 20: within this one, or this one or the
    /// two around it. [`crate::Studio::import_pixellab`] takes in their names and prompts, too.
    pub pixellab_exports: Vec<PathBuf>,
}

/// A character of a plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PlannedCharacter {
    /// Its name: one that the project has means that character.
    pub name: String,
    /// Its variations, in order.
    pub variations: Vec<PlannedImage>,
    /// Its animations, in the order of their paths.
    pub animations: Vec<PlannedAnimation>,
}

/// An animation of a plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PlannedAnimation {
    /// Its name: one that the character has means that animation.
    pub name: String,
    /// Its frames, in order.
    pub frames: Vec<PlannedImage>,
    /// Takes that no frame shows.
    pub takes: Vec<PlannedImage>,
    /// The numbers that the names of its frames leave out, the first hundred: the frames stand
    /// without gaps.
    pub missing_numbers: Vec<u64>,
}

/// An image of a plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PlannedImage {
    /// Its path in the folder, with `/` between the parts.
    pub path: String,
    /// Its size in bytes.
    pub file_size: u64,
    /// Tags that it gets.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
}

/// An image whose place could not be told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct UnplacedImage {
    /// Its path in the folder.
    pub path: String,
    /// What the names leave open.
    pub reason: String,
}

/// A file that is not taken in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SkippedFile {
    /// Its path in the folder.
    pub path: String,
    /// Why not.
    pub reason: String,
}

/// What importing a folder did.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct FolderReport {
    /// What was created.
    pub created: CreatedRows,
    /// How many images were there already, with the same bytes.
    pub unchanged: u64,
    /// Files with other bytes than at the last import: each became a new asset, and the earlier
    /// one is still there.
    pub changed: Vec<ReplacedImage>,
    /// Files that could not be taken in, and why. Everything else was.
    pub refused: Vec<SkippedFile>,
}

/// How many rows an import of a folder created.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CreatedRows {
    /// Characters.
    pub characters: u64,
    /// Variations of characters.
    pub variations: u64,
    /// Animations.
    pub animations: u64,
    /// Frames, in new animations and in those that were there.
    pub frames: u64,
    /// Takes: for frames, for changed files, and such as no frame shows.
    pub takes: u64,
    /// References.
    pub references: u64,
}

/// A file that changed since the last import.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ReplacedImage {
    /// Its path in the folder.
    pub path: String,
    /// The asset with the bytes that it has now.
    pub asset_id: AssetId,
    /// The asset that was imported from it before.
    pub previous_asset_id: AssetId,
    /// The animation whose frame shows the new one now; `None` where no frame showed the earlier
    /// one any more, and for what is not shown by frames.
    pub shown_in: Option<AnimationId>,
}

impl FolderPlan {
    /// Looks at a folder of images and decides by names what each of them is.
    ///
    /// It knows `character/animation/frame`, names like `character_animation_index`, flat
    /// folders of numbered frames, folders called `animations`, `rotations`, `variations`,
    /// `references` and the like, and Pegbar's own layout. Rules of the mapping come first.
    /// What can't be told is not guessed: it is listed as unplaced.
    ///
    /// # Errors
    /// [`Error::Invalid`] for what is not a folder or holds several projects, and for options
    /// that contradict each other; [`Error::Io`].
    pub fn of(folder: impl AsRef<Path>, options: &FolderOptions) -> Result<Self> {
        for (field, name) in [
            ("character", &options.character),
            ("animation", &options.animation),
        ] {
            name.as_deref()
                .map_or(Ok(()), |name| check_name(field, name))?;
        }
        if options.animation.is_some() && options.character.is_none() {
            let reason = "an animation belongs to a character: name that too";
            return Err(Error::invalid("animation", reason));
        }
        options
            .source
            .as_deref()
            .map_or(Ok(()), check_source_name)?;
        let scan = scan::Scan::of(folder.as_ref(), &options.except)?;
        let source = match &options.source {
            Some(source) => source.clone(),
            None => scan.source(options.character.as_deref()),
        };
        plan::plan(scan, source, options)
    }

    /// Gives up on the images that have no place: they count as skipped.
    pub fn skip_unplaced(&mut self) {
        let unplaced = self.unplaced.drain(..);
        self.skipped.extend(unplaced.map(|image| SkippedFile {
            path: image.path,
            reason: image.reason,
        }));
    }

    /// Returns every image that has a place.
    pub(super) fn placed(&self) -> impl Iterator<Item = &PlannedImage> {
        let of_characters = self.characters.iter().flat_map(|character| {
            let animations = character.animations.iter();
            let takes =
                animations.flat_map(|animation| animation.frames.iter().chain(&animation.takes));
            character.variations.iter().chain(takes)
        });
        of_characters.chain(&self.references)
    }
}

fn check_source_name(source: &str) -> Result<()> {
    check_name("source", source)?;
    if source.contains(['/', '\\']) {
        let reason =
            format!("{source:?} holds a slash; it is one word of at most {MAX_NAME_BYTES} bytes");
        return Err(Error::invalid("source", reason));
    }
    Ok(())
}
