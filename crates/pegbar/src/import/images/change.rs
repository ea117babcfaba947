//! Deciding what a batch changes, before its transaction begins.

use std::collections::BTreeMap;

use super::batch::{Owner, Unit};
use super::known::{Known, KnownImages};
use super::merge::Step;
use super::stage::Staged;
use super::{FolderPlan, FolderReport, PlannedImage, ReplacedImage, SkippedFile};
use crate::animation::NewAnimation;
use crate::asset::{ImageSource, NewAsset};
use crate::character::NewCharacter;
use crate::create::Plan;
use crate::error::Result;
use crate::frame::NewFrame;
use crate::frame::edit::Slot;
use crate::id::{AnimationId, AssetId, CharacterId, ProjectId};
use crate::studio::Studio;

/// What one transaction is to write.
pub(super) struct Change<'a> {
    pub(super) plan: Plan<'a>,
    /// New characters with what is in them, by their places in the plan.
    characters: BTreeMap<usize, NewCharacter>,
    /// Animations that are there and get frames.
    pub(super) edits: Vec<FrameEdit>,
    /// What is known once it is written.
    pub(super) added: Vec<(String, Known)>,
    pub(super) new_characters: Vec<(usize, CharacterId)>,
    pub(super) new_animations: Vec<(usize, usize, AnimationId)>,
    pub(super) report: FolderReport,
    pub(super) is_empty: bool,
}

/// What happens to the frames of an animation that is there.
pub(super) struct FrameEdit {
    pub(super) id: AnimationId,
    /// The places of its character and of itself in the plan.
    pub(super) character: usize,
    pub(super) animation: usize,
    /// The steps, and which planned frame the first of them is about.
    pub(super) steps: Vec<Step>,
    pub(super) first: usize,
}

/// What a decision goes by.
pub(super) struct Decision<'a, 'k> {
    studio: &'a Studio,
    project: ProjectId,
    folder: &'a FolderPlan,
    /// A changed file is shown where the earlier one was.
    shows_changed: bool,
    known: &'k KnownImages,
    change: Change<'a>,
}

impl<'a> Change<'a> {
    fn new(studio: &'a Studio) -> Self {
        Self {
            plan: Plan::new(studio),
            characters: BTreeMap::new(),
            edits: Vec::new(),
            added: Vec::new(),
            new_characters: Vec::new(),
            new_animations: Vec::new(),
            report: FolderReport::default(),
            is_empty: true,
        }
    }
}

impl<'a, 'k> Decision<'a, 'k> {
    pub(super) fn new(
        studio: &'a Studio,
        project: ProjectId,
        folder: &'a FolderPlan,
        shows_changed: bool,
        known: &'k KnownImages,
    ) -> Self {
        Self {
            studio,
            project,
            folder,
            shows_changed,
            known,
            change: Change::new(studio),
        }
    }

    /// Decides what a batch changes.
    pub(super) fn decide(mut self, units: &[Unit<'a>], staged: &[Staged]) -> Result<Change<'a>> {
        let mut rest = staged;
        for unit in units {
            let (own, others) = rest.split_at(unit.count);
            rest = others;
            self.unit(unit, own)?;
        }
        for (_, character) in std::mem::take(&mut self.change.characters) {
            self.change.plan.character(self.project, character)?;
        }
        Ok(self.change)
    }

    fn unit(&mut self, unit: &Unit<'a>, staged: &[Staged]) -> Result<()> {
        let mut steps = Vec::with_capacity(unit.count);
        let mut new = Vec::new();
        for (image, staged) in unit.images().iter().zip(staged) {
            let (step, asset) = self.image(image, staged);
            steps.push(step);
            new.extend(asset);
        }
        if let Owner::Frames(character, animation) = unit.owner
            && self.known.animation(character, animation).is_none()
            && !new.is_empty()
        {
            // A new animation shows what is there of its files, whoever's take it is now.
            for ((step, image), staged) in steps.iter_mut().zip(unit.images()).zip(staged) {
                let mut versions = self.known.versions(&image.path).iter().rev();
                let found =
                    versions.find(|known| known.sha256 == staged.sha256() && !known.is_dropped);
                if let (Step::Keep, Some(_), Some(known)) = (&*step, staged.sha256(), found) {
                    *step = Step::Show(known.id);
                }
            }
        }
        let is_shown = |step: &Step| matches!(step, Step::Show(_));
        let is_changed = match unit.owner {
            Owner::Frames(..) => !new.is_empty() || steps.iter().any(is_shown),
            _ => !new.is_empty(),
        };
        if !is_changed {
            return Ok(());
        }
        self.change.is_empty = false;
        match unit.owner {
            Owner::References => {
                self.change.report.created.references += new.len() as u64;
                self.change.plan.references(self.project, new)
            }
            Owner::Variations(character) => {
                self.change.report.created.variations += new.len() as u64;
                if let Some(id) = self.known.character(character) {
                    return self.change.plan.variations(id, new);
                }
                self.new_character(character).variations = new;
                Ok(())
            }
            Owner::Frames(character, animation) => {
                self.change.report.created.takes += new.len() as u64;
                match self.known.animation(character, animation) {
                    Some(id) => {
                        self.change.plan.takes(id, new)?;
                        self.change.edits.push(FrameEdit {
                            id,
                            character,
                            animation,
                            steps,
                            first: unit.first,
                        });
                        Ok(())
                    }
                    None => self
                        .new_animation(character, animation, new, steps)
                        .map(drop),
                }
            }
            Owner::Takes(character, animation) => {
                self.change.report.created.takes += new.len() as u64;
                let planned = self.change.new_animations.iter();
                let made = planned
                    .rev()
                    .find(|(c, a, _)| (*c, *a) == (character, animation));
                let made = made.map(|(.., id)| *id);
                if let Some(id) = self.known.animation(character, animation).or(made) {
                    return self.change.plan.takes(id, new);
                }
                let id = self.new_animation(character, animation, Vec::new(), Vec::new())?;
                self.change.plan.takes(id, new)
            }
        }
    }

    /// Decides about one image: what happens to its frame, and the asset that it adds.
    fn image(&mut self, image: &PlannedImage, staged: &Staged) -> (Step, Option<NewAsset>) {
        let versions = self.known.versions(&image.path);
        let found = match staged {
            Staged::Refused(reason) => {
                self.change.report.refused.push(SkippedFile {
                    path: image.path.clone(),
                    reason: reason.clone(),
                });
                return (Step::Keep, None);
            }
            staged => staged.sha256(),
        };
        let has =
            |known: &&Known| !known.is_dropped && (known.sha256.is_none() || known.sha256 == found);
        match (versions.last(), versions.iter().rev().find(has), staged) {
            (Some(last), Some(known), _) => {
                self.change.report.unchanged += 1;
                // The file is again what it was: so is the frame.
                let is_older = known.id != last.id;
                let step = if is_older && self.shows_changed {
                    Step::Show(known.id)
                } else {
                    Step::Keep
                };
                (step, None)
            }
            (last, _, Staged::Stored(stored)) => {
                let id: AssetId = self.studio.new_id();
                let name = image.path.rsplit('/').next().unwrap_or_default();
                let new = NewAsset {
                    tags: image.tags.clone(),
                    ..NewAsset::new(ImageSource::Stored(*stored))
                        .id(id)
                        .original_name(name)
                        .source_path(self.folder.source_path(&image.path))
                };
                self.change.added.push((
                    image.path.clone(),
                    Known {
                        id,
                        sha256: Some(stored.sha256()),
                        is_dropped: false,
                    },
                ));
                let Some(last) = last else {
                    let slot = Slot {
                        id: self.studio.new_id(),
                        asset_id: id,
                        prompt: None,
                        source_id: None,
                    };
                    return (Step::Insert(slot), Some(new));
                };
                if last.is_dropped && last.sha256 == found {
                    // Nothing changed but that its bytes are back; no frame showed them.
                    return (Step::Keep, Some(new));
                }
                self.change.report.changed.push(ReplacedImage {
                    path: image.path.clone(),
                    asset_id: id,
                    previous_asset_id: last.id,
                    shown_in: None,
                });
                let step = if self.shows_changed {
                    Step::Show(id)
                } else {
                    Step::Keep
                };
                (step, Some(new))
            }
            // Its hash was known when it was read. If those bytes were dropped since, the next
            // import brings them back.
            _ => (Step::Keep, None),
        }
    }

    fn new_character(&mut self, character: usize) -> &mut NewCharacter {
        let name = &self.folder.characters[character].name;
        let change = &mut self.change;
        let (report, created) = (&mut change.report, &mut change.new_characters);
        change.characters.entry(character).or_insert_with(|| {
            let id = self.studio.new_id();
            report.created.characters += 1;
            created.push((character, id));
            NewCharacter::new(name).id(id)
        })
    }

    /// Adds an animation with its first frames.
    fn new_animation(
        &mut self,
        character: usize,
        animation: usize,
        takes: Vec<NewAsset>,
        steps: Vec<Step>,
    ) -> Result<AnimationId> {
        let planned = &self.folder.characters[character].animations[animation];
        let id: AnimationId = self.studio.new_id();
        let mut new = NewAnimation::new(&planned.name).id(id);
        let mut takes = takes.into_iter().peekable();
        for step in steps {
            match step {
                Step::Insert(slot) => {
                    if let Some(take) = takes.next_if(|take| take.id == Some(slot.asset_id)) {
                        new.frames.push(NewFrame::new(take).id(slot.id));
                    }
                }
                // Imported before as something else: the frame shows what is there.
                Step::Show(asset) => {
                    let take = takes.next_if(|take| take.id == Some(asset));
                    new.frames
                        .push(take.map_or_else(|| NewFrame::showing(asset), NewFrame::new));
                }
                Step::Keep => {}
            }
        }
        new.takes.extend(takes);
        self.change.report.created.animations += 1;
        self.change.report.created.frames += new.frames.len() as u64;
        self.change.new_animations.push((character, animation, id));
        if let Some(owner) = self.known.character(character) {
            return self.change.plan.animation(owner, new);
        }
        self.new_character(character).animations.push(new);
        Ok(id)
    }
}
