//! The view: `public/assets`, the tree of files in the conventional layout. It is computed
//! from the database, can be rebuilt at any time, and is never the only copy of anything.

mod apply;
mod files;
pub(crate) mod path;
pub(crate) mod stock;

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::path::PathBuf;

use serde::Serialize;
use uuid::Uuid;

use crate::db::blocking;
use crate::db::entity::entity;
use crate::db::sql::statements;
use crate::db::value::Value;
use crate::error::{IoContext, Result};
use crate::hash::Sha256;
use crate::id::{AnimationId, AssetId, OutboxId, ProjectId};
use crate::project;
use crate::studio::{Notice, Studio};
use crate::time::MillisSinceEpoch;
use apply::Applied;
pub(crate) use stock::rehome;
use stock::{Stock, Wanted};

entity! {
    /// A file that we wrote below `public/assets`, and how it looked when we left it.
    pub(crate) struct ViewFile in view_file {
        pub(crate) path: String,
        pub(crate) project_id: ProjectId,
        pub(crate) asset_id: AssetId,
        /// The animation of the frame that the file is for; `None` for an asset's home.
        pub(crate) animation_id: Option<AnimationId>,
        pub(crate) sha256: Sha256,
        pub(crate) file_size: u64,
        /// When the file was last modified, in nanoseconds since 1970.
        pub(crate) modified_ns: i64,
    }
}

entity! {
    /// A part of the view that a committed change has left stale. Without animation and
    /// asset: the whole project.
    pub(crate) struct Outbox in outbox {
        pub(crate) id: OutboxId,
        pub(crate) project_id: ProjectId,
        pub(crate) animation_id: Option<AnimationId>,
        pub(crate) asset_id: Option<AssetId>,
        pub(crate) created_at: MillisSinceEpoch,
    }
}

statements! {
    OUTBOX = "SELECT {outbox} FROM outbox ORDER BY id";
    CLEAR_OUTBOX = "DELETE FROM outbox WHERE id {in $1}";
    FORGET = "DELETE FROM view_file WHERE path = $1";
    PROJECTS_WITH_FILES = "SELECT DISTINCT project_id FROM view_file";
}

/// A part of a project's view.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Scope {
    Project,
    /// The files of an animation's frames.
    Animation(AnimationId),
    /// The file of an asset that no frame gives a place.
    Home(AssetId),
}

/// The parts of one project's view that a change makes stale.
#[derive(Debug)]
pub(crate) struct Stale {
    project: ProjectId,
    scopes: BTreeSet<Scope>,
}

impl Stale {
    pub(crate) fn new(project: ProjectId) -> Self {
        Self {
            project,
            scopes: BTreeSet::new(),
        }
    }

    pub(crate) fn add(&mut self, scope: Scope) {
        self.scopes.insert(scope);
    }

    pub(crate) fn add_all(&mut self, scopes: impl IntoIterator<Item = Scope>) {
        self.scopes.extend(scopes);
    }

    pub(crate) fn into_outbox(
        self,
        created_at: MillisSinceEpoch,
        mut new_id: impl FnMut() -> OutboxId,
    ) -> Vec<Outbox> {
        let rows = self.scopes.into_iter().map(|scope| Outbox {
            id: new_id(),
            project_id: self.project,
            animation_id: match scope {
                Scope::Animation(id) => Some(id),
                _ => None,
            },
            asset_id: match scope {
                Scope::Home(id) => Some(id),
                _ => None,
            },
            created_at,
        });
        rows.collect()
    }
}

/// A file that was not what Pegbar wrote, and where it is now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Kept {
    /// The path it had, relative to `public/assets/`.
    pub path: String,
    /// Where it is now.
    pub kept_as: PathBuf,
}

/// What bringing the view up to date did.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ViewReport {
    /// How many files were put in place.
    pub written: u64,
    /// How many files were removed because nothing has their path any more.
    pub removed: u64,
    /// Files that were not what Pegbar wrote, and where they are now.
    pub kept: Vec<Kept>,
}

/// The folders of the view.
pub(crate) struct View {
    public: PathBuf,
    private: PathBuf,
    running: tokio::sync::Mutex<()>,
}

impl View {
    pub(crate) fn new(public: PathBuf, private: PathBuf) -> Self {
        Self {
            public,
            private,
            running: tokio::sync::Mutex::new(()),
        }
    }

    /// Waits until no other process works on the view.
    fn lock(&self) -> Result<File> {
        let path = self.private.join("view-lock");
        let lock = File::create(&path).at("creating", &path)?;
        blocking(|| lock.lock()).at("locking", &path)?;
        Ok(lock)
    }
}

impl Studio {
    /// Brings the files below `public/assets` up to date with what has changed.
    ///
    /// # Errors
    /// [`crate::Error::Io`], [`crate::Error::Damaged`]; what could be done is done, and the
    /// rest is tried again at the next change or opening.
    pub async fn update_view(&self) -> Result<ViewReport> {
        let pending: Vec<Outbox> = self.database().read().await?.list(&OUTBOX, &[]).await?;
        if pending.is_empty() {
            return Ok(ViewReport::default());
        }
        let _running = self.view().running.lock().await;
        let _lock = self.view().lock()?;
        let mut report = ViewReport::default();
        // Read again: another process may have done it while we waited.
        let mut session = self.database().read().await?;
        let pending: Vec<Outbox> = session.list(&OUTBOX, &[]).await?;
        drop(session);
        let mut projects: BTreeMap<ProjectId, (Vec<Uuid>, BTreeSet<Scope>)> = BTreeMap::new();
        for row in pending {
            let (ids, scopes) = projects.entry(row.project_id).or_default();
            ids.push(row.id.0);
            scopes.insert(match (row.animation_id, row.asset_id) {
                (Some(id), _) => Scope::Animation(id),
                (None, Some(id)) => Scope::Home(id),
                (None, None) => Scope::Project,
            });
        }
        for (project, (outbox, scopes)) in projects {
            self.bring_up_to_date(project, &scopes, &outbox, false, &mut report)
                .await?;
        }
        Ok(report)
    }

    /// Compares every file below `public/assets` with the database and puts right what
    /// differs: rebuilds the tree from nothing, if need be. Files that were edited are moved
    /// aside, foreign ones are left where they are unless they stand in the way.
    ///
    /// `progress` is called before each project with how many are done and how many there are.
    ///
    /// # Errors
    /// [`crate::Error::Io`], [`crate::Error::Damaged`].
    pub async fn sync(&self, mut progress: impl FnMut(u64, u64) + Send) -> Result<ViewReport> {
        let _running = self.view().running.lock().await;
        let _lock = self.view().lock()?;
        let mut session = self.database().read().await?;
        let mut projects: BTreeSet<ProjectId> =
            project::ids(&mut session).await?.into_iter().collect();
        let with_files = session
            .query(&PROJECTS_WITH_FILES, &[], |row| {
                row.at::<ProjectId>(0, "view_file.project_id")
            })
            .await?;
        projects.extend(with_files);
        let pending: Vec<Outbox> = session.list(&OUTBOX, &[]).await?;
        drop(session);
        let mut report = ViewReport::default();
        let scopes = BTreeSet::from([Scope::Project]);
        let count = projects.len() as u64;
        for (done, project) in (0..).zip(projects) {
            progress(done, count);
            let outbox = pending.iter().filter(|row| row.project_id == project);
            let outbox: Vec<Uuid> = outbox.map(|row| row.id.0).collect();
            self.bring_up_to_date(project, &scopes, &outbox, true, &mut report)
                .await?;
        }
        progress(count, count);
        Ok(report)
    }

    async fn bring_up_to_date(
        &self,
        project: ProjectId,
        scopes: &BTreeSet<Scope>,
        outbox: &[Uuid],
        thorough: bool,
        report: &mut ViewReport,
    ) -> Result<()> {
        let mut session = self.database().snapshot().await?;
        let stock = Stock::load(&mut session, project, scopes).await?;
        session.end().await?;
        let view = self.view();
        let applied =
            blocking(|| apply::apply(&view.public, &view.private, self.blobs(), stock, thorough))?;
        let Applied {
            written,
            forgotten,
            failed,
            mut done,
        } = applied;
        for kept in &done.kept {
            self.notify(Notice::Kept(kept.clone()));
        }
        let mut session = self.database().write().await?;
        let paths = forgotten
            .iter()
            .chain(written.iter().map(|file| &file.path));
        let paths: Vec<_> = paths
            .map(|path| vec![Value::Text(path.as_str().into())])
            .collect();
        session.execute_many(&FORGET, &paths).await?;
        drop(paths);
        session.insert(&written).await?;
        if failed.is_none() {
            session
                .execute(&CLEAR_OUTBOX, &[Value::Ids(outbox)])
                .await?;
        }
        session.commit().await?;
        report.written += done.written;
        report.removed += done.removed;
        report.kept.append(&mut done.kept);
        failed.map_or(Ok(()), Err)
    }
}
