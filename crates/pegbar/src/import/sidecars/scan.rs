//! Reading a folder with sidecars: what the plan needs of each.

use std::collections::HashMap;
use std::fs;
use std::io;
use std::path::Path;

use walkdir::WalkDir;

use super::batch::batches;
use super::read::{self, Failure};
use super::{AnimationPlan, Entry, Input, Owner, RefusedSidecar, SidecarPlan};
use crate::db::blocking;
use crate::error::{Error, IoContext, Result};
use crate::hash::Sha256;
use crate::id::{AnimationId, AssetId, CharacterId, FrameId, GenerationId};
use crate::import::Listed;
use crate::parallel;
use crate::sidecar::{self, AnimationSaid, CharacterSaid, Checked, Fault, ProjectSaid};
use crate::studio::Studio;

/// How many sidecars are read at once, at most.
const BATCH: usize = 64;

/// Puts a plan together.
struct Planning {
    plan: SidecarPlan,
    characters: HashMap<CharacterId, usize>,
    animations: HashMap<AnimationId, usize>,
    ids: HashMap<AssetId, usize>,
}

/// A sidecar in the folder.
struct Found {
    /// Its image, relative to the folder.
    path: String,
    /// Its own size, in bytes.
    file_size: u64,
}

/// What a plan needs of a sidecar that holds: all else is read again when it is taken in.
struct Needed {
    id: AssetId,
    record_hash: Sha256,
    inputs: Vec<Input>,
    character: Option<CharacterId>,
    animation: Option<AnimationId>,
    frames: Vec<(AnimationId, u32, FrameId)>,
    generation: Option<GenerationId>,
    project: ProjectSaid,
    characters: Vec<CharacterSaid>,
    animations: Vec<AnimationSaid>,
}

pub(super) fn scan(
    studio: &Studio,
    folder: &Path,
    mut progress: impl FnMut(u64, u64),
) -> Result<SidecarPlan> {
    let found = sidecars_in(folder)?;
    let total = found.len() as u64;
    let mut planning = Planning {
        plan: SidecarPlan {
            folder: folder.to_owned(),
            entries: Vec::with_capacity(found.len()),
            characters: Vec::new(),
            animations: Vec::new(),
            project: None,
            has_several_projects: false,
            refused: Listed::default(),
        },
        characters: HashMap::new(),
        animations: HashMap::new(),
        ids: HashMap::new(),
    };
    let mut done = 0;
    progress(done, total);
    for batch in batches(&found, BATCH, |found| found.file_size) {
        // Each is reduced where it is read: only some are in memory whole.
        let needed = |found: &Found| read::check(studio, folder, &found.path).map(Needed::of);
        let read = blocking(|| parallel::each(batch, needed));
        for (found, read) in batch.iter().zip(read) {
            match read {
                Ok(needed) => planning.add(found, needed),
                Err(Failure::Fault(fault)) => planning.refuse(&found.path, fault),
                Err(Failure::Error(error)) => return Err(error),
            }
        }
        done += batch.len() as u64;
        progress(done, total);
    }
    Ok(planning.finish())
}

/// Lists the sidecars in a folder, in the order of their paths.
fn sidecars_in(folder: &Path) -> Result<Vec<Found>> {
    let root = fs::metadata(folder).at("opening", folder)?;
    if !root.is_dir() {
        let reason = format!("{} is not a folder", folder.display());
        return Err(Error::invalid("folder", reason));
    }
    let mut all = Vec::new();
    for entry in WalkDir::new(folder).sort_by_file_name() {
        let entry = entry.map_err(|error| {
            let path = error.path().unwrap_or(folder).to_owned();
            let source = io::Error::from(error);
            Error::Io {
                action: "reading",
                path,
                source,
            }
        })?;
        if !entry.file_type().is_file() {
            continue;
        }
        let path = entry.path().strip_prefix(folder).unwrap_or(entry.path());
        let parts: Option<Vec<&str>> = path.iter().map(|part| part.to_str()).collect();
        // A name that is not Unicode is none that an export writes.
        let path = parts.map(|parts| parts.join("/"));
        let image = path
            .as_deref()
            .and_then(|path| path.strip_suffix(sidecar::SUFFIX));
        let Some(image) = image else { continue };
        all.push(Found {
            path: image.to_owned(),
            // One that is gone by now is refused when it is read.
            file_size: entry.metadata().map_or(0, |metadata| metadata.len()),
        });
    }
    Ok(all)
}

impl Needed {
    fn of(Checked { sidecar, record }: Checked) -> Self {
        let asset = sidecar.asset;
        let inputs = asset.references.iter().zip(&record.inputs);
        let inputs = inputs.map(|(said, recorded)| Input {
            id: said.asset_id,
            sha256: recorded.sha256,
            record_hash: recorded.record_hash,
        });
        let frames = sidecar.frames.into_iter();
        Self {
            id: asset.id,
            record_hash: asset.record_hash,
            inputs: inputs.collect(),
            character: asset.character_id,
            animation: asset.animation_id,
            frames: frames
                .map(|frame| (frame.animation_id, frame.frame_index, frame.id))
                .collect(),
            generation: sidecar.generation.map(|generation| generation.id),
            project: sidecar.project,
            characters: sidecar.characters,
            animations: sidecar.animations,
        }
    }
}

impl Planning {
    fn refuse(&mut self, path: &str, Fault { field, reason }: Fault) {
        self.plan.refused.push(RefusedSidecar {
            path: path.to_owned(),
            field,
            reason,
        });
    }

    /// Adds a sidecar. Every owner that it mentions was found to be in it.
    fn add(&mut self, found: &Found, needed: Needed) {
        let (path, id) = (found.path.as_str(), needed.id);
        if let Some(first) = self.ids.get(&id) {
            let first = &self.plan.entries[*first].path;
            let reason = format!("{first} has the same");
            let field = "asset.id".to_owned();
            return self.refuse(path, Fault { field, reason });
        }
        match &self.plan.project {
            None => self.plan.project = Some(needed.project.clone()),
            Some(project) if project.id != needed.project.id => {
                self.plan.has_several_projects = true;
            }
            Some(_) => {}
        }
        let mut primary_of = None;
        for character in needed.characters {
            let (is_primary, id) = (character.is_primary, character.id);
            let place = *self
                .characters
                .entry(id)
                .or_insert(self.plan.characters.len());
            if place == self.plan.characters.len() {
                self.plan.characters.push(character);
            }
            if is_primary && needed.character == Some(id) {
                primary_of = Some(place);
            }
        }
        for animation in needed.animations {
            let id = animation.id;
            let place = *self
                .animations
                .entry(id)
                .or_insert(self.plan.animations.len());
            if place == self.plan.animations.len() {
                let character = self.characters[&animation.character_id];
                self.plan.animations.push(AnimationPlan {
                    said: animation,
                    character,
                    frames: Vec::new(),
                });
            }
        }
        let mut frames = Vec::with_capacity(needed.frames.len());
        for (animation, index, frame) in needed.frames {
            let animation = self.animations[&animation];
            frames.push((animation, frame));
            let all = &mut self.plan.animations[animation].frames;
            all.push((index, frame));
        }
        let owner = match (needed.character, needed.animation) {
            (Some(id), _) => Owner::Character(self.characters[&id]),
            (_, Some(id)) => Owner::Animation(self.animations[&id]),
            (None, None) => Owner::Project,
        };
        self.ids.insert(id, self.plan.entries.len());
        self.plan.entries.push(Entry {
            path: path.to_owned(),
            id,
            file_size: found.file_size,
            record_hash: needed.record_hash,
            inputs: needed.inputs,
            generation: needed.generation,
            owner,
            frames,
            primary_of,
            is_thumbnail: needed.project.is_thumbnail,
        });
    }

    fn finish(mut self) -> SidecarPlan {
        for animation in &mut self.plan.animations {
            animation.frames.sort_unstable();
        }
        self.plan
    }
}
