//! Putting a plan together: what stands where, in which order.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use super::guess::{self, Place};
use super::name::FrameName;
use super::scan::{FoundImage, Scan};
use super::{
    FolderOptions, FolderPlan, PlannedAnimation, PlannedCharacter, PlannedImage, SkippedFile,
    UnplacedImage,
};
use crate::error::Result;
use crate::import::pixellab;
use crate::text::{MAX_SOURCE_BYTES, check_name, checked_tags};

/// How many exports of other programs are named, and how many folders are looked at for them.
const MAX_EXPORTS: usize = 20;
const MAX_LOOKED_AT: usize = 200;

/// How many missing numbers of an animation are listed.
const MAX_MISSING: usize = 100;

/// Makes a plan of what was found: rules first, then what was said for everything, then what
/// the names say.
pub(super) fn plan(scan: Scan, source: String, options: &FolderOptions) -> Result<FolderPlan> {
    let mut is_used = vec![false; options.mapping.patterns().count()];
    let mut places: Vec<Option<Place>> = Vec::with_capacity(scan.images.len());
    for image in &scan.images {
        let ruled = options.mapping.place(&image.path);
        places.push(ruled.map(|(rule, place)| {
            is_used[rule] = true;
            place
        }));
    }
    let open = || scan.images.iter().zip(&places);
    let open = open().filter(|(_, place)| place.is_none());
    let guessed = match (&options.character, &options.animation) {
        (Some(character), Some(animation)) => open
            .map(|_| Place::Frame {
                character: character.clone(),
                animation: animation.clone(),
                tags: Vec::new(),
            })
            .collect(),
        (character, _) => {
            let paths = open.map(|(image, _)| image.path.as_str());
            guess::places(scan.name(), paths, character.as_deref())?
        }
    };
    let mut guessed = guessed.into_iter();
    for place in places.iter_mut().filter(|place| place.is_none()) {
        *place = guessed.next();
    }
    let mut plan = FolderPlan {
        source,
        images: 0,
        bytes: 0,
        characters: Vec::new(),
        references: Vec::new(),
        unplaced: Vec::new(),
        unused_rules: Vec::new(),
        pixellab_exports: pixellab_exports(&scan.root, &scan.skipped),
        skipped: scan.skipped,
        folder: scan.root,
    };
    let patterns = options.mapping.patterns().zip(is_used);
    let unused = patterns.filter(|(_, is_used)| !is_used);
    plan.unused_rules = unused.map(|(pattern, _)| pattern.to_owned()).collect();
    let mut draft = Draft {
        plan,
        characters: HashMap::new(),
        animations: HashMap::new(),
    };
    for (image, place) in scan.images.into_iter().zip(places.into_iter().flatten()) {
        draft.add(image, place);
    }
    Ok(draft.finish())
}

/// Returns the folders that are exports of PixelLab: in an export, the images are two folders
/// below at most.
fn pixellab_exports(root: &Path, skipped: &[SkippedFile]) -> Vec<PathBuf> {
    let around = root.ancestors().take(3).map(Path::to_owned);
    let within = skipped.iter().filter_map(|file| {
        let (folder, name) = file.path.rsplit_once('/')?;
        (name == pixellab::METADATA).then(|| root.join(folder))
    });
    let looked_at = around.chain(within).take(MAX_LOOKED_AT);
    let exports = looked_at.filter(|folder| pixellab::is_export(folder));
    exports.take(MAX_EXPORTS).collect()
}

struct Draft {
    plan: FolderPlan,
    /// The places of characters by name, and of animations by character and name.
    characters: HashMap<String, usize>,
    animations: HashMap<(usize, String), usize>,
}

impl Draft {
    fn add(&mut self, image: FoundImage, place: Place) {
        let FoundImage { path, file_size } = image;
        if self.plan.source.len() + 1 + path.len() > MAX_SOURCE_BYTES {
            let reason = format!("its path is longer than {MAX_SOURCE_BYTES} bytes");
            self.plan.skipped.push(SkippedFile { path, reason });
            return;
        }
        // A folder's name that is too long for a tag must not stop the import.
        let planned = |path, mut tags: Vec<String>| {
            tags.retain(|tag| checked_tags(vec![tag.clone()]).is_ok());
            PlannedImage {
                path,
                file_size,
                tags,
            }
        };
        match place {
            Place::Skip => {
                let reason = "the mapping says so".to_owned();
                self.plan.skipped.push(SkippedFile { path, reason });
                return;
            }
            Place::Unplaced(reason) => {
                self.plan.unplaced.push(UnplacedImage { path, reason });
                return;
            }
            Place::Reference { tags } => self.plan.references.push(planned(path, tags)),
            Place::Variation { character, tags } => match self.character(&character) {
                Ok(place) => self.plan.characters[place]
                    .variations
                    .push(planned(path, tags)),
                Err(reason) => return self.unplaced(path, reason),
            },
            Place::Frame {
                character,
                animation,
                tags,
            } => match self.animation(&character, &animation) {
                Ok(animation) => animation.frames.push(planned(path, tags)),
                Err(reason) => return self.unplaced(path, reason),
            },
            Place::Take {
                character,
                animation,
                tags,
            } => match self.animation(&character, &animation) {
                Ok(animation) => animation.takes.push(planned(path, tags)),
                Err(reason) => return self.unplaced(path, reason),
            },
        }
        self.plan.images += 1;
        self.plan.bytes += file_size;
    }

    fn unplaced(&mut self, path: String, reason: String) {
        self.plan.unplaced.push(UnplacedImage { path, reason });
    }

    fn character(&mut self, name: &str) -> Result<usize, String> {
        if let Some(place) = self.characters.get(name) {
            return Ok(*place);
        }
        check_name("its character's name", name).map_err(|error| error.to_string())?;
        let place = self.plan.characters.len();
        self.characters.insert(name.to_owned(), place);
        self.plan.characters.push(PlannedCharacter {
            name: name.to_owned(),
            variations: Vec::new(),
            animations: Vec::new(),
        });
        Ok(place)
    }

    fn animation(&mut self, character: &str, name: &str) -> Result<&mut PlannedAnimation, String> {
        check_name("its animation's name", name).map_err(|error| error.to_string())?;
        let owner = self.character(character)?;
        let animations = &mut self.plan.characters[owner].animations;
        let place = self.animations.entry((owner, name.to_owned()));
        let place = *place.or_insert_with(|| {
            animations.push(PlannedAnimation {
                name: name.to_owned(),
                frames: Vec::new(),
                takes: Vec::new(),
                missing_numbers: Vec::new(),
            });
            animations.len() - 1
        });
        Ok(&mut animations[place])
    }

    fn finish(mut self) -> FolderPlan {
        for character in &mut self.plan.characters {
            for animation in &mut character.animations {
                animation.missing_numbers = missing(&animation.frames);
            }
        }
        self.plan
    }
}

/// Returns the numbers that the names of frames leave out between the first and the last.
fn missing(frames: &[PlannedImage]) -> Vec<u64> {
    let numbers = frames.iter().map(|image| {
        let name = image.path.rsplit('/').next().unwrap_or_default();
        FrameName::of(name).index
    });
    let Some(mut numbers) = numbers.collect::<Option<Vec<u64>>>() else {
        return Vec::new();
    };
    numbers.sort_unstable();
    let pairs = numbers.iter().zip(numbers.iter().skip(1));
    let gaps = pairs.flat_map(|(before, behind)| before.saturating_add(1)..*behind);
    gaps.take(MAX_MISSING).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_numbers_that_names_leave_out_are_listed() {
        let frames = |numbers: &[u64]| -> Vec<PlannedImage> {
            let images = numbers.iter().map(|number| PlannedImage {
                path: format!("walk/walk_{number}.png"),
                file_size: 1,
                tags: Vec::new(),
            });
            images.collect()
        };
        assert_eq!(missing(&frames(&[0, 1, 2])), [] as [u64; 0]);
        assert_eq!(missing(&frames(&[1, 4, 6])), [2, 3, 5]);
        assert_eq!(missing(&frames(&[0, 1_000_000])).len(), 100);
    }
}
