//! Taking a planned folder in, batch by batch: each is one transaction.

use std::collections::HashMap;

use super::batch::{Unit, batches};
use super::change::{Change, Decision, FrameEdit};
use super::known::KnownImages;
use super::merge::{Merged, merge};
use super::stage::{ToStage, stage};
use super::{FolderPlan, FolderReport};
use crate::db::{Session, blocking};
use crate::error::{Error, Result};
use crate::frame;
use crate::id::{AnimationId, AssetId, ProjectId};
use crate::project;
use crate::studio::Studio;
use crate::view::Stale;

struct Import<'a> {
    studio: &'a Studio,
    project: ProjectId,
    plan: &'a FolderPlan,
    /// A changed file is shown where the earlier one was.
    shows_changed: bool,
    known: KnownImages,
    report: FolderReport,
}

pub(in super::super) async fn import(
    studio: &Studio,
    project: ProjectId,
    plan: &FolderPlan,
    shows_changed: bool,
    mut progress: impl FnMut(u64, u64) + Send,
) -> Result<FolderReport> {
    if let Some(image) = plan.unplaced.first() {
        let reason = format!(
            "{} of its images have no place, {:?} among them: {}",
            plan.unplaced.len(),
            image.path,
            image.reason
        );
        return Err(Error::invalid("folder", reason));
    }
    studio.get_project(project).await?;
    let mut import = Import {
        studio,
        project,
        plan,
        shows_changed,
        known: KnownImages::load(studio, project, plan).await?,
        report: FolderReport::default(),
    };
    let mut done = 0;
    progress(done, plan.images);
    for batch in batches(plan) {
        import.batch(&batch).await?;
        done += batch.iter().map(|unit| unit.count as u64).sum::<u64>();
        progress(done, plan.images);
    }
    Ok(import.report)
}

/// Counts the images of a plan that a project has by their paths.
pub(in super::super) async fn count_known(
    studio: &Studio,
    project: ProjectId,
    plan: &FolderPlan,
) -> Result<u64> {
    studio.get_project(project).await?;
    let known = KnownImages::load(studio, project, plan).await?;
    Ok(known.count_of(plan))
}

impl<'a> Import<'a> {
    /// Takes one batch in: its bytes, then its rows.
    async fn batch(&mut self, units: &[Unit<'a>]) -> Result<()> {
        loop {
            let files: Vec<ToStage> = units
                .iter()
                .flat_map(Unit::images)
                .map(|image| ToStage {
                    file: self.plan.folder.join(&image.path),
                    known: self.known.hashes(&image.path),
                })
                .collect();
            let blobs = self.studio.blobs().batch();
            let staged = blocking(|| {
                let staged = stage(&blobs, &files)?;
                blobs.finish()?;
                Ok::<_, Error>(staged)
            })?;
            drop(files);
            let decision = Decision::new(
                self.studio,
                self.project,
                self.plan,
                self.shows_changed,
                &self.known,
            );
            let change = decision.decide(units, &staged)?;
            if change.is_empty {
                self.report.add(change.report);
                return Ok(());
            }
            let mut session = self.studio.database().write().await?;
            project::lock(&mut session, self.project).await?;
            // Another import of the same folder may have been faster.
            if self.known.is_current(&mut session).await? {
                return self.write(session, change).await;
            }
            drop(session);
            drop(change);
            self.known = KnownImages::load(self.studio, self.project, self.plan).await?;
        }
    }

    async fn write(&mut self, mut session: Session, change: Change<'a>) -> Result<()> {
        let Change {
            plan,
            edits,
            added,
            mut report,
            ..
        } = change;
        let (_, mut stale) = plan.write(&mut session, Some(self.project)).await?;
        // A failure from here on ends the import: nobody asks what is known then.
        for (path, known) in added {
            self.known.add_image(path, known);
        }
        for (place, id) in change.new_characters {
            self.known.add_character(place, id);
        }
        for (character, animation, id) in change.new_animations {
            self.known.add_animation(character, animation, id);
        }
        let mut shown: HashMap<AssetId, AnimationId> = HashMap::new();
        for edit in edits {
            let merged = self.edit_frames(&mut session, &mut stale, &edit).await?;
            report.created.frames += merged.inserted;
            shown.extend(merged.shown.into_iter().map(|asset| (asset, edit.id)));
        }
        for replaced in &mut report.changed {
            replaced.shown_in = shown.get(&replaced.asset_id).copied();
        }
        self.studio.commit(session, stale).await?;
        self.report.add(report);
        Ok(())
    }

    async fn edit_frames(
        &self,
        session: &mut Session,
        stale: &mut Stale,
        edit: &FrameEdit,
    ) -> Result<Merged> {
        let planned = &self.plan.characters[edit.character].animations[edit.animation];
        let versions = planned.frames.iter();
        let versions: Vec<Vec<AssetId>> =
            versions.map(|image| self.known.ids(&image.path)).collect();
        let mut merged = Merged::default();
        let change = |list| {
            merged = merge(list, &versions, edit.first, &edit.steps);
            merged.list.clone()
        };
        frame::edit_list(session, self.studio, edit.id, change, stale).await?;
        Ok(merged)
    }
}

impl FolderReport {
    fn add(&mut self, other: Self) {
        let (sum, more) = (&mut self.created, other.created);
        sum.characters += more.characters;
        sum.variations += more.variations;
        sum.animations += more.animations;
        sum.frames += more.frames;
        sum.takes += more.takes;
        sum.references += more.references;
        self.unchanged += other.unchanged;
        self.changed.extend(other.changed);
        self.refused.extend(other.refused);
    }
}

impl FolderPlan {
    /// Returns what an image of the folder has as its `source_path`.
    pub(super) fn source_path(&self, path: &str) -> String {
        format!("{}/{path}", self.source)
    }
}
