//! Characters of the app, with their variations.

use std::collections::HashSet;
use std::mem::take;

use serde_json::json;

use super::asset::Shown;
use super::compare::ROW;
use super::known::{self, Table};
use super::report::MegabananasFinding as Finding;
use super::row::AppRow;
use super::source::AppAsset;
use super::{Absent, BATCH, Import, KnownCharacter, Target};
use crate::asset::NewAsset;
use crate::character::NewCharacter;
use crate::create::Plan;
use crate::error::Result;
use crate::id::CharacterId;
use crate::json::Json;

impl Import<'_> {
    /// Brings in the characters of a project with their variations.
    pub(super) async fn characters(&mut self, target: &mut Target) -> Result<()> {
        let source = self.source;
        let mut rows = source.characters(&target.source_id).await?;
        let mut current: Option<AppRow> = None;
        let mut variations = Vec::new();
        let mut is_first = true;
        while let Some((row, asset)) = rows.next_with_asset("Character").await? {
            let is_other = current
                .as_ref()
                .is_some_and(|current| current.id() != row.id());
            if is_other || variations.len() == BATCH {
                if let Some(current) = &current {
                    self.character(target, current, &take(&mut variations), is_first)
                        .await?;
                }
                is_first = is_other;
            }
            current = Some(row);
            variations.extend(asset);
        }
        if let Some(current) = &current {
            self.character(target, current, &variations, is_first)
                .await?;
        }
        Ok(())
    }

    /// Brings in a character with some of its variations.
    async fn character(
        &mut self,
        target: &mut Target,
        row: &AppRow,
        variations: &[AppAsset],
        is_first: bool,
    ) -> Result<()> {
        let studio = self.studio;
        let source_ids: Vec<String> = variations.iter().map(|asset| asset.row.id()).collect();
        for id in &source_ids {
            self.see(id);
        }
        let mut refused = HashSet::new();
        let (there, known) = loop {
            let mut session = studio.database().read().await?;
            let there = known::character(&mut session, target.id, &row.id()).await?;
            let known = known::assets(&mut session, target.id, &source_ids).await?;
            let new_ids = source_ids.iter().map(String::as_str);
            let new_ids = new_ids.filter(|id| !known.contains_key(*id));
            let ids = known::free_ids(&mut session, Table::Asset, new_ids).await?;
            let own_id = row.id();
            let own = [own_id.as_str()].into_iter();
            let own = known::free_ids(&mut session, Table::Character, own).await?;
            drop(session);

            let batch = studio.blobs().batch();
            let (mut notes, mut new) = (Vec::new(), Vec::new());
            for (place, asset) in variations.iter().enumerate() {
                if known.contains_key(&source_ids[place]) || refused.contains(&place) {
                    continue;
                }
                match self.make(&batch, asset, Shown::default(), &ids, &mut notes)? {
                    Some(asset) => new.push(asset),
                    None => drop(refused.insert(place)),
                }
            }
            let mut plan = Plan::of_import(studio);
            let absent = if let Some(there) = &there {
                if new.is_empty() {
                    break (Some(there.generation_settings.clone()), known);
                }
                plan.variations(there.id, new)?;
                Absent::Assets
            } else {
                let id = own.get(&own_id).copied().map(CharacterId);
                plan.character(target.id, new_character(row, id, new, &mut notes))?;
                Absent::Character(&own_id)
            };
            // Otherwise another import was faster: look again.
            if let Some(created) = self.create(&batch, plan, target, absent).await? {
                self.report.created.characters += created.characters.len() as u64;
                self.report.created.variations += created.assets.len() as u64;
                self.found_all(notes);
                break (there.map(|there| there.generation_settings), known);
            }
        };
        if let (true, Some(settings)) = (is_first, &there) {
            self.compare_settings(row, settings);
        }
        let mut session = studio.database().read().await?;
        if let Some(character) = known::character(&mut session, target.id, &row.id()).await? {
            let name = row.text("name").unwrap_or_default();
            let known = KnownCharacter {
                id: character.id,
                name,
            };
            target.characters.insert(row.id(), known);
        }
        for (place, asset) in variations.iter().enumerate() {
            if let Some(known) = known.get(&source_ids[place]) {
                self.compare(asset, Shown::default(), known)?;
            }
            if !refused.contains(&place) {
                self.arrived(asset);
            }
        }
        self.tell_progress();
        Ok(())
    }
}

fn new_character(
    row: &AppRow,
    id: Option<CharacterId>,
    variations: Vec<NewAsset>,
    notes: &mut Vec<Finding>,
) -> NewCharacter {
    let mut new = NewCharacter {
        id,
        source_id: Some(row.id()),
        user_prompt: row.prose("userPrompt", notes).unwrap_or_default(),
        created_at: row.created_at(notes),
        ..NewCharacter::new(row.name(notes))
    };
    match Json::from_value(json!({ ROW: row.to_value() })) {
        Ok(settings) => new.generation_settings = Some(settings),
        Err(error) => notes.push(row.unkept("the row itself", error)),
    }
    if let Some(primary) = row.text("primaryAssetId") {
        let own = variations.iter();
        let own = own.filter(|asset| asset.source_id.as_ref() == Some(&primary));
        new.primary = own.map(|asset| asset.id).next().flatten();
        if new.primary.is_none() {
            let reason = format!("{primary} is not one of the variations that arrived");
            notes.push(row.adjusted("primaryAssetId", reason));
        }
    }
    new.variations = variations;
    new
}
