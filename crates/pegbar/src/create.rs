//! Creating: everything that one call adds is planned first, then written in one
//! transaction with one batch per table.

mod names;
mod records;
mod rows;
mod write;

use std::collections::{BTreeSet, HashMap};

use uuid::Uuid;

use crate::animation::{Animation, NewAnimation};
use crate::asset::{Asset, AssetKind, Facts, ImageSource, NewAsset};
use crate::blob::{BlobBatch, ImageFormat, StoredImage};
use crate::character::{Character, NewCharacter};
use crate::claim::{self, NewClaim};
use crate::db::blocking;
use crate::error::{Error, Result};
use crate::frame::{Frame, FrameImage, NewFrame, edit::Slot};
use crate::generation::Generation;
use crate::hash::Sha256;
use crate::id::{AnimationId, AssetId, CharacterId, GenerationId, ProjectId};
use crate::json::Json;
use crate::project::{NewProject, Project};
use crate::reference::{NewReference, Reference};
use crate::studio::Studio;
use crate::text::{check_optional, check_settings, check_source};
use crate::time::MillisSinceEpoch;
use crate::undo::{Made, Size};

/// What a new asset's path, record and claims are made from, beside its row.
struct Origin {
    format: ImageFormat,
    references: Vec<NewReference>,
    claims: Vec<NewClaim>,
}

/// What one call adds.
pub(crate) struct Plan<'a> {
    studio: &'a Studio,
    blobs: BlobBatch<'a>,
    now: MillisSinceEpoch,
    /// What the rows belong to.
    owner: Owner,
    /// Settings that are no objects are kept: this is what another program recorded.
    keeps_any_settings: bool,
    /// Characters that are there already and get something added.
    extended: BTreeSet<CharacterId>,
    /// Those of them that got their first variation, which is primary.
    promoted: Vec<CharacterId>,
    project: Option<Project>,
    characters: Vec<Character>,
    animations: Vec<Animation>,
    /// What the assets with its id came from.
    generation: Option<Generation>,
    assets: Vec<Asset>,
    /// One for each of the assets.
    origins: Vec<Origin>,
    frames: Vec<Frame>,
    /// Whether the assets are made in this studio, of inputs that are there.
    is_made_here: bool,
    /// What images were stored from.
    sources: HashMap<Sha256, ImageSource>,
}

/// The rows that one call added, each list in the order in which they were named.
pub(crate) struct Created {
    pub(crate) project: Option<Project>,
    pub(crate) characters: Vec<Character>,
    pub(crate) animations: Vec<Animation>,
    pub(crate) generation: Option<Generation>,
    pub(crate) assets: Vec<Asset>,
    pub(crate) frames: Vec<Frame>,
}

impl Created {
    /// Returns what was created as a whole, if that can be taken back: a generation stays what
    /// it was.
    pub(crate) fn made(&self) -> Option<Made> {
        if self.generation.is_some() {
            return None;
        }
        let size = Size {
            characters: self.characters.len() as u64,
            animations: self.animations.len() as u64,
            frames: self.frames.len() as u64,
            assets: self.assets.len() as u64,
        };
        if let Some(project) = &self.project {
            let (id, size) = (project.id, Some(size));
            return Some(Made::Project { id, size });
        }
        match (&self.characters[..], &self.animations[..]) {
            ([character], _) => Some(Made::Character {
                id: character.id,
                size,
            }),
            ([], [animation]) => Some(Made::Animation {
                id: animation.id,
                size,
            }),
            ([], []) => Some(Made::Assets {
                ids: self.asset_ids(),
            }),
            _ => None,
        }
    }

    pub(crate) fn asset_ids(&self) -> Vec<AssetId> {
        self.assets.iter().map(|row| row.id).collect()
    }
}

/// The row that is there already and gets something added.
#[derive(Clone, Copy)]
enum Owner {
    None,
    Project(ProjectId),
    Character(CharacterId),
    Animation(AnimationId),
}

/// What an asset is for, by where it belongs.
fn kind_of(character: Option<CharacterId>, animation: Option<AnimationId>) -> AssetKind {
    match (character, animation) {
        (Some(_), _) => AssetKind::Character,
        (None, Some(_)) => AssetKind::Frame,
        (None, None) => AssetKind::Reference,
    }
}

/// Stands for the project of rows whose owner is not read yet.
const UNKNOWN_PROJECT: ProjectId = ProjectId(Uuid::nil());

impl<'a> Plan<'a> {
    pub(crate) fn new(studio: &'a Studio) -> Self {
        Self {
            studio,
            blobs: studio.blobs().batch(),
            now: studio.now(),
            owner: Owner::None,
            keeps_any_settings: false,
            extended: BTreeSet::new(),
            promoted: Vec::new(),
            project: None,
            characters: Vec::new(),
            animations: Vec::new(),
            generation: None,
            assets: Vec::new(),
            origins: Vec::new(),
            frames: Vec::new(),
            is_made_here: true,
            sources: HashMap::new(),
        }
    }

    /// Begins to plan what another program recorded: its settings are kept as they are found,
    /// since a record without them would be another.
    pub(crate) fn of_import(studio: &'a Studio) -> Self {
        Self {
            keeps_any_settings: true,
            ..Self::new(studio)
        }
    }

    fn check_settings(&self, field: &str, settings: Option<&Json>) -> Result<()> {
        if self.keeps_any_settings {
            return Ok(());
        }
        check_settings(field, settings)
    }

    /// Adds a project with everything in it.
    pub(crate) fn project(&mut self, mut new: NewProject) -> Result<ProjectId> {
        let id = new.id.unwrap_or_else(|| self.studio.new_id());
        self.check_settings("settings", new.settings.as_ref())?;
        self.project = Some(new.take_row(id, self.now)?);
        for reference in new.references {
            self.asset(reference, AssetKind::Reference, None, None)?;
        }
        for character in new.characters {
            self.add_character(character)?;
        }
        let is_own = |asset: AssetId| self.assets.iter().any(|row| row.id == asset);
        match new.thumbnail_id {
            Some(asset) if !is_own(asset) => Err(Error::invalid(
                "thumbnailId",
                "not an asset created by the same call",
            )),
            _ => Ok(id),
        }
    }

    /// Adds uploaded images to a project.
    pub(crate) fn references(&mut self, project: ProjectId, new: Vec<NewAsset>) -> Result<()> {
        self.owner = Owner::Project(project);
        new.into_iter()
            .try_for_each(|new| self.asset(new, AssetKind::Reference, None, None).map(drop))
    }

    /// Adds a character with everything in it to a project.
    pub(crate) fn character(
        &mut self,
        project: ProjectId,
        new: NewCharacter,
    ) -> Result<CharacterId> {
        self.owner = Owner::Project(project);
        self.add_character(new)
    }

    /// Adds variations to a character.
    pub(crate) fn variations(&mut self, character: CharacterId, new: Vec<NewAsset>) -> Result<()> {
        self.owner = Owner::Character(character);
        self.extended.insert(character);
        new.into_iter().try_for_each(|new| {
            self.asset(new, AssetKind::Character, Some(character), None)
                .map(drop)
        })
    }

    /// Adds an animation with its frames to a character.
    pub(crate) fn animation(
        &mut self,
        character: CharacterId,
        new: NewAnimation,
    ) -> Result<AnimationId> {
        self.owner = Owner::Character(character);
        self.extended.insert(character);
        self.add_animation(character, new)
    }

    /// Adds takes to an animation.
    pub(crate) fn takes(&mut self, animation: AnimationId, new: Vec<NewAsset>) -> Result<()> {
        self.owner = Owner::Animation(animation);
        new.into_iter().try_for_each(|new| {
            self.asset(new, AssetKind::Frame, None, Some(animation))
                .map(drop)
        })
    }

    /// Adds the takes of new frames; the frames themselves are for the caller to place.
    pub(crate) fn slots(
        &mut self,
        animation: AnimationId,
        frames: Vec<NewFrame>,
    ) -> Result<Vec<Slot>> {
        let slots = frames.into_iter().map(|new| {
            check_optional("framePrompt", new.prompt.as_ref())?;
            check_source("sourceId", new.source_id.as_ref())?;
            Ok(Slot {
                id: new.id.unwrap_or_else(|| self.studio.new_id()),
                asset_id: self.frame_asset(animation, new.image)?,
                prompt: new.prompt,
                source_id: new.source_id,
            })
        });
        slots.collect()
    }

    /// Returns the asset that a frame is to show; a new one becomes a take.
    pub(crate) fn frame_asset(
        &mut self,
        animation: AnimationId,
        image: FrameImage,
    ) -> Result<AssetId> {
        match image {
            FrameImage::Asset(id) => Ok(id),
            FrameImage::New(new) => self.asset(*new, AssetKind::Frame, None, Some(animation)),
        }
    }

    /// Keeps what an image was stored from until rows name it: a purge may come in between.
    fn keep_source(&mut self, image: StoredImage, source: &mut ImageSource) {
        let kept = match source {
            ImageSource::Stored(_) => return,
            // It is asked for the name that it has.
            ImageSource::File(path) => ImageSource::File(path.clone()),
            ImageSource::Bytes(_) => std::mem::replace(source, ImageSource::Stored(image)),
        };
        self.sources.insert(image.sha256(), kept);
    }

    /// Takes bytes in without making an asset of them yet.
    pub(crate) fn store(&self, image: &ImageSource) -> Result<StoredImage> {
        blocking(|| self.blobs.store(image))
    }

    /// Adds an image that was sent to a model and is no asset yet.
    pub(crate) fn input(&mut self, new: NewAsset) -> Result<AssetId> {
        self.asset(new, AssetKind::Reference, None, None)
    }

    /// Adds an image that a generation returned: a variation of a character, a take of an
    /// animation, or a reference. What it was made from is said by [`Plan::generation`].
    pub(crate) fn output(
        &mut self,
        generation: GenerationId,
        new: NewAsset,
        character: Option<CharacterId>,
        animation: Option<AnimationId>,
    ) -> Result<AssetId> {
        self.extended.extend(character);
        let kind = kind_of(character, animation);
        let id = self.asset(new, kind, character, animation)?;
        if let Some(row) = self.assets.last_mut() {
            row.generation_id = Some(generation);
        }
        Ok(id)
    }

    /// Adds an asset that another studio made, with the claims that it is to have: a variation
    /// of a character, a take of an animation, or a reference. Its bytes may be dropped.
    pub(crate) fn made_elsewhere(
        &mut self,
        new: NewAsset,
        facts: &Facts,
        (character, animation): (Option<CharacterId>, Option<AnimationId>),
        generation: Option<GenerationId>,
    ) -> Result<AssetId> {
        self.is_made_here = false;
        self.extended.extend(character);
        let id = new.id.unwrap_or_else(|| self.studio.new_id());
        let kind = kind_of(character, animation);
        self.row(id, new, facts, (kind, character, animation))?;
        if let Some(row) = self.assets.last_mut() {
            row.generation_id = generation;
        }
        Ok(id)
    }

    /// Adds the generation that the outputs came from, and what each was made from.
    pub(crate) fn generation(&mut self, generation: Generation, inputs: &[NewReference]) {
        for (row, origin) in self.assets.iter().zip(&mut self.origins) {
            if row.generation_id == Some(generation.id) {
                origin.references = inputs.to_vec();
            }
        }
        self.generation = Some(generation);
    }

    fn add_character(&mut self, mut new: NewCharacter) -> Result<CharacterId> {
        let id = new.id.unwrap_or_else(|| self.studio.new_id());
        let place = self.characters.len();
        self.check_settings("generationSettings", new.generation_settings.as_ref())?;
        self.characters
            .push(new.take_row(id, self.project_id(), self.now)?);
        let mut variations = Vec::with_capacity(new.variations.len());
        for variation in new.variations {
            variations.push(self.asset(variation, AssetKind::Character, Some(id), None)?);
        }
        if let Some(primary) = new.primary.filter(|primary| !variations.contains(primary)) {
            let reason = format!("{primary} is not one of the variations of the same call");
            return Err(Error::invalid("primaryAssetId", reason));
        }
        self.characters[place].primary_asset_id = new.primary.or(variations.first().copied());
        for animation in new.animations {
            self.add_animation(id, animation)?;
        }
        Ok(id)
    }

    fn add_animation(
        &mut self,
        character: CharacterId,
        mut new: NewAnimation,
    ) -> Result<AnimationId> {
        let id = new.id.unwrap_or_else(|| self.studio.new_id());
        self.animations
            .push(new.take_row(id, self.project_id(), character, self.now)?);
        for take in new.takes {
            self.asset(take, AssetKind::Frame, None, Some(id))?;
        }
        let slots = self.slots(id, new.frames)?;
        let project_id = self.project_id();
        let created_at = self.now;
        self.frames
            .extend((0..).zip(slots).map(|(frame_index, slot)| Frame {
                id: slot.id,
                project_id,
                animation_id: id,
                asset_id: slot.asset_id,
                frame_index,
                frame_prompt: slot.prompt,
                created_at,
                source_id: slot.source_id,
            }));
        Ok(id)
    }

    fn asset(
        &mut self,
        mut new: NewAsset,
        kind: AssetKind,
        character: Option<CharacterId>,
        animation: Option<AnimationId>,
    ) -> Result<AssetId> {
        let id = new.id.unwrap_or_else(|| self.studio.new_id());
        self.check_settings("generationSettings", new.settings.as_ref())?;
        let image = blocking(|| self.blobs.store(&new.image))?;
        self.keep_source(image, &mut new.image);
        let found = blocking(|| self.studio.blobs().claims(&image))?;
        claim::add_unsaid(&mut new.claims, found);
        self.row(id, new, &image.into(), (kind, character, animation))?;
        Ok(id)
    }

    /// Adds the row of an asset whose bytes are known.
    fn row(
        &mut self,
        id: AssetId,
        mut new: NewAsset,
        facts: &Facts,
        (kind, character, animation): (AssetKind, Option<CharacterId>, Option<AnimationId>),
    ) -> Result<()> {
        let mut row = new.take_row(id, self.project_id(), kind, facts, self.now)?;
        row.character_id = character;
        row.animation_id = animation;
        self.assets.push(row);
        self.origins.push(Origin {
            format: facts.format,
            references: new.references,
            claims: new.claims,
        });
        Ok(())
    }

    fn project_id(&self) -> ProjectId {
        self.project
            .as_ref()
            .map_or(UNKNOWN_PROJECT, |project| project.id)
    }

    /// Returns the ids that the new assets have in the app they come from.
    pub(crate) fn source_ids(&self) -> Vec<String> {
        let ids = self.assets.iter().map(|row| row.source_id.clone());
        ids.flatten().collect()
    }
}
