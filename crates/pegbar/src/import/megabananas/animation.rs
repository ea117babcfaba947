//! Animations of the app, with their frames and what those show.

use std::collections::{HashMap, HashSet};
use std::mem::take;

use uuid::Uuid;

use super::asset::{Claimed, Shown};
use super::known::{self, KnownAsset, Table};
use super::report::MegabananasFinding as Finding;
use super::row::AppRow;
use super::source::AppAsset;
use super::{Absent, BATCH, Import, Target, files};
use crate::animation::{Animation, NewAnimation};
use crate::blob::BlobBatch;
use crate::create::{Created, Plan};
use crate::error::{Error, Result};
use crate::frame::{self, Edit, Frame, NewFrame};
use crate::id::{AnimationId, AssetId, CharacterId, FrameId};

/// A frame of the app, with what it shows.
struct AppFrame {
    row: AppRow,
    asset: Option<AppAsset>,
}

/// Some of an animation's frames, in their order.
#[derive(Default)]
struct Part {
    frames: Vec<AppFrame>,
    /// The frame before the first of them.
    before: Option<String>,
    is_first: bool,
}

/// What the studio has of a part.
struct There {
    animation: Option<Animation>,
    assets: HashMap<String, KnownAsset>,
    frames: HashSet<String>,
    /// The ids that rows can keep.
    asset_ids: HashMap<String, Uuid>,
    frame_ids: HashMap<String, Uuid>,
    own_id: Option<AnimationId>,
}

impl Import<'_> {
    /// Brings in the animations of a project with their frames.
    pub(super) async fn animations(&mut self, target: &mut Target) -> Result<()> {
        let source = self.source;
        let mut rows = source.animations(&target.source_id).await?;
        let mut current: Option<AppRow> = None;
        let mut part = Part {
            is_first: true,
            ..Part::default()
        };
        while let Some((row, frame, asset)) = rows.next_frame().await? {
            let is_other = current
                .as_ref()
                .is_some_and(|current| current.id() != row.id());
            if is_other || part.frames.len() == BATCH {
                let before = part.frames.last().map(|frame| frame.row.id());
                if let Some(current) = &current {
                    self.animation(target, current, take(&mut part)).await?;
                }
                part.is_first = is_other;
                part.before = before.filter(|_| !is_other);
            }
            current = Some(row);
            let frame = frame.map(|row| AppFrame { row, asset });
            part.frames.extend(frame);
        }
        if let Some(current) = &current {
            self.animation(target, current, part).await?;
        }
        Ok(())
    }

    async fn animation(&mut self, target: &mut Target, row: &AppRow, part: Part) -> Result<()> {
        let character = row.text("characterId").unwrap_or_default();
        let Some(character) = target.characters.get(&character).map(|known| known.id) else {
            let reason = format!("its character {character} is not in its project");
            if part.is_first {
                self.left_out(row, reason);
            }
            for frame in &part.frames {
                self.left_out(
                    &frame.row,
                    format!("its animation {} is left out", row.id()),
                );
            }
            return Ok(());
        };
        let mut refused = self.without_image(target, &part);
        let mut there = self.studio_has(target, row, &part).await?;
        let known: HashSet<String> = there.assets.keys().cloned().collect();
        loop {
            let studio = self.studio;
            let batch = studio.blobs().batch();
            let is_done = match &there.animation {
                None => {
                    let new = (row, character);
                    self.create_animation(target, new, &part, &there, &batch, &mut refused)
                        .await?
                }
                Some(animation) => {
                    let part = (row, &part);
                    self.add_frames(target, animation, part, &there, &batch, &mut refused)
                        .await?
                }
            };
            there = self.studio_has(target, row, &part).await?;
            if is_done {
                break;
            }
        }
        if let Some(animation) = &there.animation {
            target.owns_frames(animation.id, &part.frames, row);
        }
        let mut is_compared = !part.is_first;
        for (place, frame) in part.frames.iter().enumerate() {
            let Some(asset) = frame.asset.as_ref().filter(|_| !refused.contains(&place)) else {
                continue;
            };
            let id = asset.row.id();
            if let Some(found) = there.assets.get(&id).filter(|_| known.contains(&id)) {
                let shown = Shown {
                    frame: Some(&frame.row),
                    animation: Some(row),
                };
                if !is_compared {
                    let claimed = Claimed::read(found.claim.as_deref());
                    is_compared = claimed.animation.is_some();
                    self.compare_row(row, claimed.animation.as_deref());
                }
                // A variation that a frame shows was compared with its character.
                if !self.seen.has(&id) {
                    self.compare(asset, shown, found)?;
                }
            }
            self.see(&id);
            self.arrived(asset);
        }
        self.tell_progress();
        Ok(())
    }

    /// Lists the frames that show no image of their project, and returns their places.
    fn without_image(&mut self, target: &Target, part: &Part) -> HashSet<usize> {
        let mut refused = HashSet::new();
        for (place, frame) in part.frames.iter().enumerate() {
            let asset = frame.row.text("assetId").unwrap_or_default();
            let reason = match &frame.asset {
                None => format!("its image {asset} is not there"),
                Some(asset) if asset.row.text("projectId").as_ref() != Some(&target.source_id) => {
                    format!("its image {} is in another project", asset.row.id())
                }
                Some(_) if self.refused.has(&asset) => format!("its image {asset} is left out"),
                Some(_) => continue,
            };
            refused.insert(place);
            self.left_out(&frame.row, reason);
        }
        refused
    }

    async fn studio_has(&self, target: &Target, row: &AppRow, part: &Part) -> Result<There> {
        let assets = part.frames.iter().filter_map(|frame| frame.asset.as_ref());
        let assets: Vec<String> = assets.map(|asset| asset.row.id()).collect();
        let frames: Vec<String> = part.frames.iter().map(|frame| frame.row.id()).collect();
        // In one state: the version of the animation is to be that of the frames.
        let mut session = self.studio.database().snapshot().await?;
        let known = known::assets(&mut session, target.id, &assets).await?;
        let shown = known::frames(&mut session, target.id, &frames).await?;
        let new = assets.iter().map(String::as_str);
        let new = new.filter(|id| !known.contains_key(*id));
        let asset_ids = known::free_ids(&mut session, Table::Asset, new).await?;
        let new = frames.iter().map(String::as_str);
        let new = new.filter(|id| !shown.contains(*id));
        let frame_ids = known::free_ids(&mut session, Table::Frame, new).await?;
        let id = row.id();
        let own = known::free_ids(&mut session, Table::Animation, [id.as_str()].into_iter());
        let own_id = own.await?.get(&id).copied().map(AnimationId);
        let there = There {
            animation: known::animation(&mut session, target.id, &id).await?,
            assets: known,
            frames: shown,
            asset_ids,
            frame_ids,
            own_id,
        };
        session.end().await?;
        Ok(there)
    }

    /// Creates an animation with some frames; says whether nothing came in between.
    async fn create_animation(
        &mut self,
        target: &mut Target,
        (row, character): (&AppRow, CharacterId),
        part: &Part,
        there: &There,
        batch: &BlobBatch<'_>,
        refused: &mut HashSet<usize>,
    ) -> Result<bool> {
        let mut notes = Vec::new();
        let mut new = NewAnimation {
            id: there.own_id,
            source_id: Some(row.id()),
            description: row.prose("description", &mut notes).unwrap_or_default(),
            created_at: row.created_at(&mut notes),
            ..NewAnimation::new(row.name(&mut notes))
        };
        let all = 0..part.frames.len();
        let frames = self.new_frames((row, part), there, batch, all, (refused, &mut notes))?;
        let indices: Vec<(String, Option<i64>)> = frames
            .iter()
            .map(|(place, _)| (part.frames[*place].row.id(), index(&part.frames[*place])))
            .collect();
        if indices.is_empty() && row.text("generationSettings").is_some() {
            let reason = "an animation without frames has no place for it";
            notes.push(row.unkept("generationSettings", reason));
        }
        new.frames = frames.into_iter().map(|(_, frame)| frame).collect();
        let studio = self.studio;
        let mut plan = Plan::of_import(studio);
        let id = plan.animation(character, new)?;
        let source_id = row.id();
        let absent = Absent::Animation(&source_id);
        let Some(created) = self.create(batch, plan, target, absent).await? else {
            return Ok(false);
        };
        self.report.created.animations += 1;
        self.report.created.frames += created.frames.len() as u64;
        self.report.created.takes += created.assets.len() as u64;
        self.found_all(notes);
        self.renumbered(id, 0, &indices);
        Ok(true)
    }

    /// Adds the first run of frames that an animation does not have; says whether there is
    /// none.
    async fn add_frames(
        &mut self,
        target: &mut Target,
        animation: &Animation,
        (row, part): (&AppRow, &Part),
        there: &There,
        batch: &BlobBatch<'_>,
        refused: &mut HashSet<usize>,
    ) -> Result<bool> {
        let is_new = |place: usize| !refused.contains(&place) && there.lacks(&part.frames[place]);
        let Some(start) = (0..part.frames.len()).find(|place| is_new(*place)) else {
            return Ok(true);
        };
        let end = (start..part.frames.len()).find(|place| !is_new(*place));
        let run = start..end.unwrap_or(part.frames.len());
        let mut notes = Vec::new();
        let frames = self.new_frames((row, part), there, batch, run, (refused, &mut notes))?;
        if frames.is_empty() {
            return Ok(false);
        }
        let studio = self.studio;
        let shown = match studio.list_frames(animation.id).await {
            Err(Error::NotFound { .. }) => return Ok(false),
            shown => shown?,
        };
        let at = part.place_behind(start, &shown);
        let indices: Vec<(String, Option<i64>)> = frames
            .iter()
            .map(|(place, _)| (part.frames[*place].row.id(), index(&part.frames[*place])))
            .collect();
        let place = u32::try_from(at).unwrap_or(u32::MAX);
        let mut plan = Plan::of_import(studio);
        let frames = frames.into_iter().map(|(_, frame)| frame).collect();
        let slots = plan.slots(animation.id, frames)?;
        let at = Some(place);
        let edit = Edit::Insert { at, slots };
        let Some(created) = self.insert(batch, plan, target, animation, edit).await? else {
            return Ok(false);
        };
        self.report.created.frames += indices.len() as u64;
        self.report.created.takes += created.assets.len() as u64;
        self.found_all(notes);
        self.renumbered(animation.id, place, &indices);
        Ok(false)
    }

    /// Writes new takes and the frames that show them in one transaction, unless some of them
    /// have come or the animation's frames have changed meanwhile.
    async fn insert(
        &self,
        batch: &BlobBatch<'_>,
        mut plan: Plan<'_>,
        target: &Target,
        animation: &Animation,
        edit: Edit,
    ) -> Result<Option<Created>> {
        let Some(mut session) = self.begin(batch, &mut plan, target).await? else {
            return Ok(None);
        };
        let (created, mut stale) = plan.write(&mut session, Some(target.id)).await?;
        let version = Some(animation.version);
        let id = animation.id;
        match frame::apply(&mut session, self.studio, id, version, edit, &mut stale).await {
            Ok(_) => {}
            Err(Error::Stale { .. } | Error::Conflict { .. } | Error::NotFound { .. }) => {
                return Ok(None);
            }
            Err(error) => return Err(error),
        }
        self.commit(session, target, created, stale).await.map(Some)
    }

    /// Makes new frames of those places that the studio lacks, with their places.
    fn new_frames(
        &mut self,
        (row, part): (&AppRow, &Part),
        there: &There,
        batch: &BlobBatch<'_>,
        places: std::ops::Range<usize>,
        (refused, notes): (&mut HashSet<usize>, &mut Vec<Finding>),
    ) -> Result<Vec<(usize, NewFrame)>> {
        let mut made: HashMap<String, AssetId> = HashMap::new();
        let mut frames = Vec::new();
        for place in places {
            let frame = &part.frames[place];
            let Some(asset) = &frame.asset else { continue };
            if refused.contains(&place) || !there.lacks(frame) {
                continue;
            }
            let id = asset.row.id();
            let shown = Shown {
                frame: Some(&frame.row),
                animation: Some(row),
            };
            let known = there.assets.get(&id).map(|known| known.id);
            let mut new = if let Some(known) = known.or_else(|| made.get(&id).copied()) {
                NewFrame::showing(known)
            } else if let Some(new) = self.make(batch, asset, shown, &there.asset_ids, notes)? {
                made.extend(new.id.map(|new| (id, new)));
                NewFrame::new(new)
            } else {
                refused.insert(place);
                let reason = format!("its image {id} is left out");
                self.left_out(&frame.row, reason);
                continue;
            };
            let source_id = frame.row.id();
            new.id = there.frame_ids.get(&source_id).copied().map(FrameId);
            new.source_id = Some(source_id);
            if asset.row.text("type").as_deref() == Some("frame") {
                // Of frames the app keeps so what this one in particular was to show.
                new.prompt = asset.row.prose("userPrompt", &mut Vec::new());
            }
            frames.push((place, new));
        }
        Ok(frames)
    }

    /// Lists the frames that have another index than in the app.
    fn renumbered(&mut self, animation: AnimationId, at: u32, frames: &[(String, Option<i64>)]) {
        for (to, (source_id, from)) in (at..).zip(frames) {
            if let Some(from) = from.filter(|from| *from != i64::from(to)) {
                self.found(Finding::Renumbered {
                    animation_id: animation,
                    source_id: source_id.clone(),
                    from,
                    to,
                });
            }
        }
    }
}

impl Part {
    /// Returns the place behind the frame that one of these follows in the app; the end, where
    /// none of those before it is shown.
    fn place_behind(&self, place: usize, shown: &[Frame]) -> usize {
        let before = self.frames[..place]
            .iter()
            .rev()
            .map(|frame| frame.row.id());
        let mut before = before.chain(self.before.clone()).peekable();
        if before.peek().is_none() {
            return 0;
        }
        let place = before.find_map(|before| {
            let is_it = |frame: &Frame| frame.source_id.as_ref() == Some(&before);
            shown.iter().position(is_it)
        });
        place.map_or(shown.len(), |place| place + 1)
    }
}

impl There {
    /// Says whether a frame has never been imported: one that was, and was removed since, stays
    /// away.
    fn lacks(&self, frame: &AppFrame) -> bool {
        let id = frame.row.id();
        if self.frames.contains(&id) {
            return false;
        }
        let asset = frame.asset.as_ref().map(|asset| asset.row.id());
        let known = asset.and_then(|asset| self.assets.get(&asset));
        known.is_none_or(|known| Claimed::read(known.claim.as_deref()).frame_id() != Some(id))
    }
}

impl Target {
    /// Remembers how the paths of an animation's frames begin.
    fn owns_frames(&mut self, animation: AnimationId, frames: &[AppFrame], row: &AppRow) {
        let character = row.text("characterId").unwrap_or_default();
        let character = self.characters.get(&character);
        let character = character.map_or("", |known| known.name.as_str());
        let name = row.text("name").unwrap_or_default();
        let by_name = files::frames_by_name(&self.source_id, character, &name);
        let assets = frames.iter().filter_map(|frame| frame.asset.as_ref());
        let by_path =
            assets.filter_map(|asset| files::frames_by_path(&asset.row.text("filePath")?));
        for path in by_name.into_iter().chain(by_path) {
            let owner = self.frames.entry(path).or_insert(Some(animation));
            if *owner != Some(animation) {
                *owner = None;
            }
        }
    }
}

fn index(frame: &AppFrame) -> Option<i64> {
    frame.row.integer("frameIndex")
}
