//! Taking a plan in, batch by batch: each is one transaction.

use std::collections::{BTreeMap, HashMap, HashSet};

use uuid::Uuid;

use super::batch::batches;
use super::beside::GenerationKey;
use super::destination::{Destination, destination};
use super::known;
use super::order::inputs_first;
use super::staged::Staged;
use super::{
    Entry, Input, Owner, RefusedSidecar, SidecarPlan, SidecarReport, SidecarTarget, place,
};
use crate::change::{ChangeKind, EntityKind};
use crate::create::{Created, Plan};
use crate::db::{Session, blocking};
use crate::error::{Error, Result};
use crate::frame::{self, edit::Slot};
use crate::id::{AnimationId, AssetId, CharacterId, FrameId, GenerationId, ProjectId};
use crate::import::CreatedRows;
use crate::parallel;
use crate::project;
use crate::reference::NewReference;
use crate::studio::Studio;
use crate::view::Stale;
use crate::{character, variation};

/// How many assets one transaction brings in, at most: less where their sidecars are large.
const BATCH: usize = 500;

pub(super) struct Import<'a> {
    pub(super) studio: &'a Studio,
    pub(super) plan: &'a SidecarPlan,
    pub(super) project: ProjectId,
    destination: Destination,
    /// The entries by their ids.
    places: HashMap<AssetId, usize>,
    /// What the entries are here, as far as they are.
    there: HashMap<usize, AssetId>,
    pub(super) characters: HashMap<usize, CharacterId>,
    /// Those of the characters that came from an export like this one.
    pub(super) own_characters: HashSet<usize>,
    pub(super) animations: HashMap<usize, AnimationId>,
    /// What the generations are here that were exported.
    pub(super) generations: HashMap<GenerationKey, GenerationId>,
    report: SidecarReport,
}

/// What one transaction adds, beside its assets.
#[derive(Default)]
struct Batch {
    /// The places of the assets, in the order in which they are created.
    places: Vec<usize>,
    frames: BTreeMap<usize, Vec<(usize, Slot)>>,
    primary: Vec<(usize, AssetId)>,
    thumbnail: Option<AssetId>,
    created: CreatedRows,
    renumbered: u64,
}

pub(super) async fn import(
    studio: &Studio,
    plan: &SidecarPlan,
    target: &SidecarTarget,
    mut progress: impl FnMut(u64, u64) + Send,
) -> Result<SidecarReport> {
    let destination = destination(studio, plan, target).await?;
    let project = destination.project;
    let places = plan.entries.iter().enumerate();
    let places = places.map(|(place, entry)| (entry.id, place)).collect();
    let order = inputs_first(&plan.entries, &places);
    let mut import = Import {
        studio,
        plan,
        project,
        destination,
        places,
        there: HashMap::new(),
        characters: HashMap::new(),
        own_characters: HashSet::new(),
        animations: HashMap::new(),
        generations: HashMap::new(),
        report: SidecarReport {
            project_id: None,
            is_new_project: false,
            created: CreatedRows::default(),
            unchanged: 0,
            renumbered: 0,
            refused: plan.refused.clone(),
        },
    };
    let total = plan.images();
    let mut done = order.refused.len() as u64;
    for refused in order.refused {
        import.report.refused.push(refused);
    }
    progress(done, total);
    let file_size = |place: &usize| plan.entries[*place].file_size;
    for batch in batches(&order.places, BATCH, file_size) {
        import.batch(batch).await?;
        done += batch.len() as u64;
        progress(done, total);
    }
    let is_there = import.destination.is_there();
    import.report.project_id = is_there.then_some(project);
    Ok(import.report)
}

impl Import<'_> {
    fn entry(&self, place: usize) -> &Entry {
        &self.plan.entries[place]
    }

    /// Takes one batch in: its bytes, then its rows.
    async fn batch(&mut self, places: &[usize]) -> Result<()> {
        let mut session = self.studio.database().read().await?;
        let left = self.see_known(&mut session, places).await?;
        drop(session);
        let blobs = self.studio.blobs().batch();
        let staged = blocking(|| {
            let staged = parallel::each(&left, |place| self.stage(&blobs, *place));
            blobs.finish()?;
            staged.into_iter().collect::<Result<Vec<Staged>>>()
        })?;
        if staged.is_empty() {
            return Ok(());
        }
        let mut session = self.studio.database().write().await?;
        self.destination.lock(&mut session).await?;
        // Another import of the same folder may have been faster.
        let left: HashSet<usize> = self
            .see_known(&mut session, &left)
            .await?
            .into_iter()
            .collect();
        let staged = staged
            .into_iter()
            .filter(|staged| left.contains(&staged.place));
        let staged = self.with_inputs(&mut session, staged.collect()).await?;
        if staged.is_empty() {
            return Ok(());
        }
        self.write(session, staged).await
    }

    /// Notes which entries are there, and returns the others.
    async fn see_known(&mut self, session: &mut Session, places: &[usize]) -> Result<Vec<usize>> {
        let entries = places.iter().map(|place| self.entry(*place));
        let known = known::assets(session, self.project, entries).await?;
        let mut left = Vec::new();
        for &place in places {
            match known.get(&self.entry(place).id) {
                Some(id) => {
                    self.there.insert(place, *id);
                    self.report.unchanged += 1;
                }
                None => left.push(place),
            }
        }
        Ok(left)
    }

    /// Gives assets their inputs; refuses those whose inputs are not there.
    async fn with_inputs(
        &mut self,
        session: &mut Session,
        staged: Vec<Staged>,
    ) -> Result<Vec<Staged>> {
        let own: HashSet<usize> = staged.iter().map(|staged| staged.place).collect();
        let is_own = |input: &Input| {
            let place = self.places.get(&input.id);
            place.is_some_and(|place| own.contains(place) || self.there.contains_key(place))
        };
        let inputs = staged
            .iter()
            .flat_map(|staged| &self.entry(staged.place).inputs);
        let elsewhere: Vec<Input> = inputs.filter(|input| !is_own(input)).copied().collect();
        let elsewhere = known::inputs(session, self.project, &elsewhere).await?;
        let ids: Vec<Uuid> = staged
            .iter()
            .map(|staged| self.entry(staged.place).id.0)
            .collect();
        let taken = known::taken_assets(session, &ids).await?;
        let mut kept = Vec::with_capacity(staged.len());
        for mut staged in staged {
            let entry = &self.plan.entries[staged.place];
            let here = |input: &Input| {
                let place = self.places.get(&input.id);
                let here = place.and_then(|place| self.there.get(place));
                here.or_else(|| elsewhere.get(&input.id)).copied()
            };
            let missing = entry.inputs.iter().position(|input| here(input).is_none());
            if let Some(missing) = missing {
                let refused = absent(entry, missing, self.places.get(&entry.inputs[missing].id));
                self.report.refused.push(refused);
                continue;
            }
            let references = entry.inputs.iter().filter_map(here).zip(&staged.roles);
            let references = references.map(|(asset_id, role)| NewReference {
                asset_id,
                role: *role,
            });
            staged.new.references = references.collect();
            let mut id = entry.id;
            if taken.contains(&id) {
                staged.new.source_id = Some(id.to_string());
                id = self.studio.new_id();
            }
            staged.new.id = Some(id);
            self.there.insert(staged.place, id);
            kept.push(staged);
        }
        Ok(kept)
    }

    /// Writes the rows of a batch.
    async fn write(&mut self, mut session: Session, mut staged: Vec<Staged>) -> Result<()> {
        let is_new_project = self.destination.create(self.studio, &mut session).await?;
        let mut plan = Plan::of_import(self.studio);
        let mut batch = Batch::default();
        self.owners(&mut session, &mut plan, &staged, &mut batch.created)
            .await?;
        self.frames(&mut session, &staged, &mut batch).await?;
        let generations = self.new_generations(&mut session, &staged).await?;
        session.insert(&generations).await?;
        let annotations = self.new_annotations(&mut staged);
        for staged in staged {
            let Staged {
                place, new, facts, ..
            } = staged;
            let entry = &self.plan.entries[place];
            batch.places.push(place);
            let id = new.id.unwrap_or(entry.id);
            batch.renumbered += u64::from(id != entry.id);
            batch
                .primary
                .extend(entry.primary_of.map(|character| (character, id)));
            if entry.is_thumbnail {
                batch.thumbnail = Some(id);
            }
            let (character, animation) = match entry.owner {
                Owner::Project => (None, None),
                Owner::Character(owner) => (self.characters.get(&owner).copied(), None),
                Owner::Animation(owner) => (None, self.animations.get(&owner).copied()),
            };
            *match entry.owner {
                Owner::Project => &mut batch.created.references,
                Owner::Character(_) => &mut batch.created.variations,
                Owner::Animation(_) => &mut batch.created.takes,
            } += 1;
            let generation = staged.generation.as_ref();
            let generation = generation.map(GenerationKey::of).transpose()?;
            let generation = generation.map(|key| self.generations[&key]);
            plan.made_elsewhere(new, &facts, (character, animation), generation)?;
        }
        let (created, mut stale) = plan.write(&mut session, Some(self.project)).await?;
        self.check(&created, &batch.places)?;
        session.insert(&annotations).await?;
        if is_new_project {
            stale.tell(EntityKind::Project, ChangeKind::Created, [self.project]);
        }
        let new = annotations.iter().map(|row| row.id);
        stale.tell(EntityKind::Annotation, ChangeKind::Created, new);
        drop(annotations);
        for (animation, new) in std::mem::take(&mut batch.frames) {
            batch.created.frames += new.len() as u64;
            self.edit_frames(&mut session, &mut stale, animation, new)
                .await?;
        }
        let new = generations.iter().map(|row| row.id);
        stale.tell(EntityKind::Generation, ChangeKind::Created, new);
        self.choose(&mut session, &batch, &mut stale).await?;
        self.studio.commit(session, stale).await?;
        self.report.is_new_project |= is_new_project;
        self.report.add(&batch);
        Ok(())
    }

    /// Refuses to write a record that is not the one that was exported.
    fn check(&self, created: &Created, places: &[usize]) -> Result<()> {
        for (row, place) in created.assets.iter().zip(places) {
            let entry = self.entry(*place);
            if row.record_hash != Some(entry.record_hash) {
                let field = format!("{}: asset.record", entry.path);
                let reason = "it would be recorded otherwise here; nothing of it was taken in";
                return Err(Error::invalid(field, reason));
            }
        }
        Ok(())
    }

    /// Plans the frames that show new assets.
    async fn frames(
        &self,
        session: &mut Session,
        staged: &[Staged],
        batch: &mut Batch,
    ) -> Result<()> {
        let shown = || {
            let shown = staged.iter();
            shown.flat_map(|staged| {
                let entry = self.entry(staged.place);
                let pairs = staged.frames.iter().zip(&entry.frames);
                pairs.map(move |pair| (staged, pair))
            })
        };
        let ids: Vec<Uuid> = shown().map(|(_, (frame, _))| frame.id.0).collect();
        let taken = known::taken_frames(session, &ids).await?;
        let mut own: HashSet<FrameId> = HashSet::new();
        for (staged, (frame, (animation, _))) in shown() {
            let order = &self.plan.animations[*animation].frames;
            let place = order.binary_search(&(frame.frame_index, frame.id));
            // It was planned with this place, unless the sidecar has changed.
            let Ok(place) = place else { continue };
            let is_taken = taken.contains(&frame.id) || !own.insert(frame.id);
            let slot = Slot {
                id: if is_taken {
                    self.studio.new_id()
                } else {
                    frame.id
                },
                asset_id: staged.new.id.unwrap_or(self.entry(staged.place).id),
                prompt: frame.frame_prompt.clone(),
                source_id: is_taken.then(|| frame.id.to_string()),
            };
            batch
                .frames
                .entry(*animation)
                .or_default()
                .push((place, slot));
        }
        for frames in batch.frames.values_mut() {
            frames.sort_by_key(|(place, _)| *place);
        }
        Ok(())
    }

    async fn edit_frames(
        &self,
        session: &mut Session,
        stale: &mut Stale,
        animation: usize,
        new: Vec<(usize, Slot)>,
    ) -> Result<()> {
        let order = &self.plan.animations[animation].frames;
        let change = |list| place::insert(list, order, new);
        let id = self.animations[&animation];
        frame::edit_list(session, self.studio, id, change, stale).await
    }

    /// Chooses primary variations and the thumbnail, where that is not for the user to say.
    async fn choose(&self, session: &mut Session, batch: &Batch, stale: &mut Stale) -> Result<()> {
        let now = self.studio.now();
        for (place, asset) in &batch.primary {
            let id = self.characters[place];
            let row = character::get(session, id).await?;
            if self.own_characters.contains(place) || row.primary_asset_id.is_none() {
                variation::set_primary(session, id, Some(*asset), now).await?;
                stale.tell(EntityKind::Character, ChangeKind::Updated, [id]);
            }
        }
        if let Some(thumbnail) = batch.thumbnail {
            let project = project::get(session, self.project).await?;
            if project.thumbnail_id.is_none() {
                project::set_thumbnail(session, self.project, Some(thumbnail), now).await?;
                stale.tell(EntityKind::Project, ChangeKind::Updated, [self.project]);
            }
        }
        Ok(())
    }
}

fn absent(entry: &Entry, missing: usize, place: Option<&usize>) -> RefusedSidecar {
    let Input {
        id, record_hash, ..
    } = entry.inputs[missing];
    let reason = match place {
        Some(_) => format!("the asset {id} that it was made from is refused itself"),
        None => format!(
            "the asset {id} that it was made from is neither in the folder nor in the project \
             with the record hash {record_hash}"
        ),
    };
    RefusedSidecar {
        path: entry.path.clone(),
        field: format!("asset.references[{missing}].assetId"),
        reason,
    }
}

impl SidecarReport {
    fn add(&mut self, batch: &Batch) {
        let (sum, more) = (&mut self.created, &batch.created);
        sum.characters += more.characters;
        sum.variations += more.variations;
        sum.animations += more.animations;
        sum.frames += more.frames;
        sum.takes += more.takes;
        sum.references += more.references;
        self.renumbered += batch.renumbered;
    }
}
