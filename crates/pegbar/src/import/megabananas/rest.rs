//! What of a project belongs to no character and no frame: references, sprite sheets, scenes,
//! takes that no frame shows, and assets without a place.

use std::collections::{BTreeMap, HashSet};
use std::mem::take;

use super::asset::{SCENE, SPRITE_SHEET, Shown};
use super::files::{self, Fingerprints};
use super::known::{self, Table};
use super::report::MegabananasFinding as Finding;
use super::source::{AppAsset, Rows};
use super::{Absent, BATCH, Import, Target};
use crate::asset::NewAsset;
use crate::create::Plan;
use crate::error::Result;
use crate::id::AnimationId;

/// The tag of assets whose owner can't be found.
const UNPLACED: &str = "unplaced";

/// Where an asset goes.
enum Place {
    Reference,
    Take(AnimationId),
    /// Nothing owns it: why.
    Unplaced(String),
}

impl Import<'_> {
    /// Brings in what is left of a project's assets.
    pub(super) async fn rest(&mut self, target: &mut Target) -> Result<()> {
        let source = self.source;
        let mut rows = source.assets(&target.source_id).await?;
        let mut assets = Vec::new();
        while let Some(asset) = rows.next_asset().await? {
            if !self.seen.has(&asset.row.id()) {
                assets.push(asset);
            }
            if assets.len() == BATCH {
                self.some_of_rest(target, &take(&mut assets)).await?;
            }
        }
        self.some_of_rest(target, &assets).await
    }

    async fn some_of_rest(&mut self, target: &mut Target, assets: &[AppAsset]) -> Result<()> {
        let studio = self.studio;
        let source_ids: Vec<String> = assets.iter().map(|asset| asset.row.id()).collect();
        for id in &source_ids {
            self.see(id);
        }
        let mut session = studio.database().read().await?;
        let known = known::assets(&mut session, target.id, &source_ids).await?;
        drop(session);
        let mut places: BTreeMap<Option<AnimationId>, Vec<(&AppAsset, Option<String>)>> =
            BTreeMap::new();
        for (asset, id) in assets.iter().zip(&source_ids) {
            if let Some(known) = known.get(id) {
                self.compare(asset, Shown::default(), known)?;
                self.arrived(asset);
                continue;
            }
            let (owner, reason) = match target.place(asset) {
                Place::Reference => (None, None),
                Place::Take(animation) => (Some(animation), None),
                Place::Unplaced(reason) => (None, Some(reason)),
            };
            places.entry(owner).or_default().push((asset, reason));
        }
        for (owner, assets) in places {
            self.owned(target, owner, &assets).await?;
        }
        self.tell_progress();
        Ok(())
    }

    /// Brings in takes of an animation, or references.
    async fn owned(
        &mut self,
        target: &mut Target,
        owner: Option<AnimationId>,
        assets: &[(&AppAsset, Option<String>)],
    ) -> Result<()> {
        let studio = self.studio;
        let source_ids: Vec<String> = assets.iter().map(|(asset, _)| asset.row.id()).collect();
        let mut refused = HashSet::new();
        loop {
            let mut session = studio.database().read().await?;
            let known = known::assets(&mut session, target.id, &source_ids).await?;
            let new_ids = source_ids.iter().map(String::as_str);
            let new_ids = new_ids.filter(|id| !known.contains_key(*id));
            let ids = known::free_ids(&mut session, Table::Asset, new_ids).await?;
            drop(session);
            let batch = studio.blobs().batch();
            let (mut notes, mut new): (_, Vec<NewAsset>) = (Vec::new(), Vec::new());
            for (place, (asset, reason)) in assets.iter().enumerate() {
                let id = &source_ids[place];
                if known.contains_key(id) || refused.contains(id) {
                    continue;
                }
                let Some(mut made) =
                    self.make(&batch, asset, Shown::default(), &ids, &mut notes)?
                else {
                    refused.insert(id.clone());
                    continue;
                };
                if let (Some(reason), Some(asset_id)) = (reason, made.id) {
                    made.tags.push(UNPLACED.to_owned());
                    notes.push(Finding::Unplaced {
                        source_id: id.clone(),
                        asset_id,
                        reason: reason.clone(),
                    });
                }
                new.push(made);
            }
            if new.is_empty() {
                break;
            }
            let mut plan = Plan::of_import(studio);
            match owner {
                Some(animation) => plan.takes(animation, new)?,
                None => plan.references(target.id, new)?,
            }
            // Otherwise another import was faster: look again.
            if let Some(created) = self.create(&batch, plan, target, Absent::Assets).await? {
                let count = created.assets.len() as u64;
                match owner {
                    Some(_) => self.report.created.takes += count,
                    None => self.report.created.references += count,
                }
                self.found_all(notes);
                break;
            }
        }
        for (asset, _) in assets {
            if !refused.contains(&asset.row.id()) {
                self.arrived(asset);
            }
        }
        Ok(())
    }

    /// Lists the sprite sheets and scenes of a project whose images did not arrive.
    pub(super) async fn sheets_and_scenes(&mut self, target: &Target) -> Result<()> {
        let source = self.source;
        for table in ["SpriteSheet", "Scene"] {
            let Some(mut rows) = source.optional(table, &target.source_id).await? else {
                continue;
            };
            while let Some(row) = rows.next_row(table).await? {
                if !self.carried.has(&row.id()) {
                    let reason = "no image of it arrived, and without one it has no place here";
                    self.left_out(&row, reason.to_owned());
                }
            }
        }
        Ok(())
    }

    /// Lists the rows whose owner is not in the app's database.
    pub(super) async fn orphans(&mut self) -> Result<()> {
        const OWNERS: &[(&str, &str, &str)] = &[
            ("Asset", "projectId", "Project"),
            ("Character", "projectId", "Project"),
            ("Animation", "projectId", "Project"),
            ("Frame", "animationId", "Animation"),
            ("SpriteSheet", "projectId", "Project"),
            ("Scene", "projectId", "Project"),
        ];
        let source = self.source;
        for (table, column, owner) in OWNERS {
            let Some(mut rows) = source.orphans(table, column, owner).await? else {
                continue;
            };
            while let Some(row) = rows.next_row(table).await? {
                let id = row.text(column).unwrap_or_default();
                self.left_out(&row, format!("the app has no {owner} {id}"));
            }
        }
        Ok(())
    }

    /// Lists the files that no row names. What Pegbar itself wrote is not the app's.
    pub(super) async fn skipped(&mut self) -> Result<()> {
        let named = paths(self.source.paths().await?).await?;
        let mut files = Vec::new();
        self.folder.each_file(|path| {
            if !named.has(&path) {
                files.push(path);
            }
        })?;
        let studio = self.studio;
        let is_view = studio.assets_folder().canonicalize();
        let is_view = is_view.is_ok_and(|folder| folder == self.folder.assets());
        for files in files.chunks(BATCH) {
            let mut ours = HashSet::new();
            if is_view {
                ours = known::files(&mut studio.database().read().await?, files).await?;
            }
            for path in files.iter().filter(|path| !ours.contains(*path)) {
                let path = path.clone();
                self.found(Finding::Skipped { path });
            }
        }
        Ok(())
    }
}

async fn paths(mut rows: Rows<'_>) -> Result<Fingerprints> {
    let mut paths = Fingerprints::default();
    while let Some(path) = rows.next_text().await? {
        if let Some(path) = path.as_deref().and_then(files::below_assets) {
            paths.add(&path);
        }
    }
    Ok(paths)
}

impl Target {
    fn place(&self, asset: &AppAsset) -> Place {
        let kind = asset.row.text("type").unwrap_or_default();
        let path = asset.row.text("filePath").unwrap_or_default();
        match kind.as_str() {
            "reference" | SPRITE_SHEET | SCENE => Place::Reference,
            "frame" => {
                let prefix = files::frames_by_path(&path);
                match prefix.and_then(|prefix| self.frames.get(&prefix)) {
                    Some(Some(animation)) => Place::Take(*animation),
                    Some(None) => Place::Unplaced(
                        "no frame shows it, and more than one animation has its name".to_owned(),
                    ),
                    None => Place::Unplaced(
                        "no frame shows it, and no animation has its name".to_owned(),
                    ),
                }
            }
            "character" => Place::Unplaced(match asset.row.text("characterId") {
                Some(id) => format!("its character {id} is not in its project"),
                None => "the app names no character that it is of".to_owned(),
            }),
            other => Place::Unplaced(format!("its type {other:?} is not known")),
        }
    }
}
