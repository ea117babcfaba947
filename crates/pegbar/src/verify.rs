//! Verifying: bytes are hashed again and records are made again, and what differs is named.
//!
//! A record holds the hashes of its inputs' records. So a row that was changed together with
//! its record and the hash of that is found by everything that was made from it, and by the
//! generation that it came from; where there is neither, only a head that was given away earlier
//! tells (`head.rs`). Files below `public/assets` are no part of it: they are made from what is
//! verified here.

mod bytes;
mod compare;
mod damage;
mod dependents;
mod excerpt;
mod generation;
mod report;
mod row;

use std::collections::{BTreeMap, HashSet};

use uuid::Uuid;

use crate::asset;
use crate::db::{Session, blocking};
use crate::error::{Error, Result};
use crate::hash::Sha256;
use crate::id::{AssetId, GenerationId, ProjectId};
use crate::lineage;
use crate::project;
use crate::studio::Studio;
use bytes::Hashed;
use generation::GenerationRow;
use row::{AssetRow, Rows};

pub use damage::{Damage, DroppedUse};
pub use report::{
    DamagedAsset, DamagedGeneration, Dependents, MAX_DAMAGED, MAX_DEPENDENTS, MAX_NAMED_DEPENDENTS,
    ShownBy, VerifyReport,
};

#[cfg(test)]
pub(crate) const STATEMENTS: &[&[&crate::db::sql::Sql]] = &[
    dependents::STATEMENTS,
    generation::STATEMENTS,
    row::STATEMENTS,
];

/// What is verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum VerifyScope {
    /// Everything in the studio.
    Everything,
    /// Everything in a project.
    Project(ProjectId),
    /// These assets, and everything that they were made from.
    Assets(Vec<AssetId>),
}

/// How it is verified.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct VerifyOptions {
    /// Compares the records with the rows and with each other, and reads no bytes.
    pub records_only: bool,
}

/// One run.
struct Run<'a, P> {
    studio: &'a Studio,
    hashed: Hashed,
    /// The generations that were looked at: 16 bytes each, so that one with outputs on several
    /// pages counts once.
    generations: HashSet<GenerationId, foldhash::fast::RandomState>,
    report: VerifyReport,
    progress: P,
    expected: u64,
}

impl<P: FnMut(u64, u64) + Send> Run<'_, P> {
    /// Verifies a page of rows, which were read at one moment.
    async fn verify(&mut self, project: ProjectId, rows: &Rows) -> Result<()> {
        self.generations.extend(rows.generations.keys());
        let mut rest = rows.assets.as_slice();
        while !rest.is_empty() {
            let (batch, behind) = rest.split_at(Hashed::batch(rest));
            rest = behind;
            if !self.report.is_records_only {
                let store = self.studio.blobs();
                blocking(|| self.hashed.hash(store, batch));
            }
            for asset in batch {
                let mut damages = compare::compare(asset, rows);
                damages.extend(generation::compare(asset, rows));
                damages.extend(compare::compare_dropped(asset));
                if !asset.is_dropped {
                    damages.extend(self.compare_bytes(project, asset).await?);
                }
                self.report.assets += 1;
                self.report.bytes_dropped += u64::from(asset.is_dropped);
                if !damages.is_empty() {
                    self.add(project, asset, damages).await?;
                }
            }
            let done = self.report.assets;
            (self.progress)(done, self.expected.max(done));
            // Whoever gave up on it does not wait for the rest.
            tokio::task::yield_now().await;
        }
        Ok(())
    }

    /// Says what is wrong with the bytes of an asset.
    async fn compare_bytes(&self, project: ProjectId, asset: &AssetRow) -> Result<Option<Damage>> {
        // What is no hash has no bytes: the record tells that it is wrong.
        let Some(Ok(sha256)) = asset.sha256.as_deref().map(str::parse::<Sha256>) else {
            return Ok(None);
        };
        let Some(blob) = self.hashed.get(sha256) else {
            return Ok(None);
        };
        let path = self.studio.blobs().path(sha256);
        let path = path.strip_prefix(self.studio.root()).unwrap_or(&path);
        let damage = blob.damage(asset, path.display().to_string());
        if damage.is_none() {
            return Ok(None);
        }
        // The row was read before the bytes were: they may be gone rightly since.
        let mut session = self.studio.database().snapshot().await?;
        let now = Rows::of(&mut session, project, &[asset.id.0]).await?;
        session.end().await?;
        let is_as_before = |now: &AssetRow| !now.is_dropped && now.sha256 == asset.sha256;
        Ok(damage.filter(|_| now.assets.first().is_some_and(is_as_before)))
    }

    /// Reports a damaged asset, and what depends on it.
    async fn add(
        &mut self,
        project: ProjectId,
        asset: &AssetRow,
        damages: Vec<Damage>,
    ) -> Result<()> {
        self.report.damaged_count += 1;
        if self.report.damaged.len() >= MAX_DAMAGED {
            return Ok(());
        }
        let mut session = self.studio.database().read().await?;
        self.report.damaged.push(DamagedAsset {
            project_id: project,
            asset_id: asset.id,
            file_path: asset.file_path.clone(),
            damages,
            dependents: dependents::dependents(&mut session, project, asset.id).await?,
            shown_by: dependents::shown_by(&mut session, project, asset.id).await?,
        });
        Ok(())
    }

    async fn verify_project(&mut self, project: ProjectId) -> Result<()> {
        let mut after = None;
        loop {
            let mut session = self.studio.database().snapshot().await?;
            let rows = Rows::page(&mut session, project, after).await?;
            session.end().await?;
            let Some(last) = rows.assets.last() else {
                return Ok(());
            };
            after = Some(last.id);
            let is_last = rows.assets.len() < row::PAGE_SIZE;
            self.verify(project, &rows).await?;
            if is_last {
                return Ok(());
            }
        }
    }

    /// Verifies the generations of a project that no asset came from. The others are compared
    /// with what came from them.
    async fn verify_generations(&mut self, project: ProjectId) -> Result<()> {
        let mut after = None;
        loop {
            let mut session = self.studio.database().read().await?;
            let rows = GenerationRow::without_output(&mut session, project, after).await?;
            drop(session);
            for row in &rows {
                self.generations.insert(row.id);
                let damages = row.damages_alone();
                if damages.is_empty() {
                    continue;
                }
                self.report.damaged_generation_count += 1;
                if self.report.damaged_generations.len() < MAX_DAMAGED {
                    self.report.damaged_generations.push(DamagedGeneration {
                        project_id: project,
                        generation_id: row.id,
                        damages,
                    });
                }
            }
            match rows.last() {
                Some(last) if rows.len() == row::PAGE_SIZE => after = Some(last.id),
                _ => return Ok(()),
            }
            tokio::task::yield_now().await;
        }
    }

    async fn verify_assets(&mut self, project: ProjectId, ids: &[Uuid]) -> Result<()> {
        for ids in ids.chunks(row::PAGE_SIZE) {
            let mut session = self.studio.database().snapshot().await?;
            let rows = Rows::of(&mut session, project, ids).await?;
            session.end().await?;
            self.verify(project, &rows).await?;
        }
        Ok(())
    }
}

/// Refuses assets whose rows, or generations, contradict their records: for whoever gives on what they say.
pub(crate) async fn check_rows(
    session: &mut Session,
    project: ProjectId,
    ids: &[Uuid],
) -> Result<()> {
    let rows = Rows::of(session, project, ids).await?;
    for asset in &rows.assets {
        let damages = compare::compare(asset, &rows).into_iter();
        let mut damages = damages.chain(generation::compare(asset, &rows));
        if let Some(damage) = damages.next() {
            return Err(Error::Damaged {
                place: format!("the row of the asset {}", asset.id),
                reason: format!("{damage}; run `pegbar verify` to see all that is damaged"),
                source: None,
            });
        }
    }
    Ok(())
}

impl Studio {
    /// Verifies that assets are as they were recorded: hashes their bytes again, makes their
    /// records again from the rows, and compares the inputs with what was recorded of them, and
    /// the generations with the records of what came from them. In a whole project, generations
    /// that nothing came from, or that lost their outputs, are looked at too.
    ///
    /// Nothing is changed, and whoever works meanwhile is not held up. Assets in the trash are
    /// not looked at. `progress` is called with how many assets are done, and how many there
    /// are.
    ///
    /// An asset that was changed together with its record and the hash of that is found by what
    /// was made from it, and by its generation. Where there is neither, only
    /// [`Studio::compare_head`] tells.
    ///
    /// # Errors
    /// [`Error::NotFound`] for the project or an asset; [`Error::Unavailable`] where the store
    /// is away or the database fails. Damage is no error: it is reported.
    pub async fn verify(
        &self,
        scope: &VerifyScope,
        options: VerifyOptions,
        progress: impl FnMut(u64, u64) + Send,
    ) -> Result<VerifyReport> {
        if !options.records_only {
            // Where the whole store is away, no asset of it is damaged.
            self.blobs().check_not_away()?;
        }
        let mut run = Run {
            studio: self,
            hashed: Hashed::default(),
            generations: HashSet::default(),
            report: VerifyReport {
                is_records_only: options.records_only,
                ..VerifyReport::default()
            },
            progress,
            expected: 0,
        };
        let mut session = self.database().read().await?;
        if let VerifyScope::Assets(assets) = scope {
            let mut by_project: BTreeMap<ProjectId, Vec<Uuid>> = BTreeMap::new();
            for id in assets {
                let project = asset::project_of(&mut session, *id).await?;
                by_project.entry(project).or_default().push(id.0);
            }
            for ids in &mut by_project {
                let inputs = lineage::ancestors(&mut session, *ids.0, ids.1).await?;
                ids.1.extend(inputs);
                ids.1.sort_unstable();
                ids.1.dedup();
                run.expected += ids.1.len() as u64;
            }
            drop(session);
            for (project, ids) in by_project {
                run.verify_assets(project, &ids).await?;
            }
        } else {
            let mut projects = project::ids(&mut session).await?;
            if let VerifyScope::Project(id) = scope {
                projects.retain(|project| project == id);
                if projects.is_empty() {
                    return Err(Error::not_found("project", id));
                }
            }
            for project in &projects {
                run.expected += row::count(&mut session, *project).await?;
            }
            drop(session);
            for project in projects {
                run.verify_project(project).await?;
                run.verify_generations(project).await?;
            }
        }
        run.report.blobs = run.hashed.count();
        run.report.bytes = run.hashed.bytes;
        run.report.generations = run.generations.len() as u64;
        Ok(run.report)
    }
}
