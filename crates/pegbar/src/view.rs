//! The view: `public/assets`, the tree of files in the conventional layout. It is computed
//! from the database, can be rebuilt at any time, and is never the only copy of anything.

mod apply;
pub(crate) mod files;
mod folder;
mod journal;
mod kept;
mod moving;
pub(crate) mod path;
mod report;
mod spare;
mod stale;
pub(crate) mod step;
pub(crate) mod stock;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use uuid::Uuid;

use crate::blob::BlobStore;
use crate::db::entity::entity;
use crate::db::sql::{Engine, statements};
use crate::db::value::Value;
use crate::db::{blocking, joined};
use crate::disk::{check_not_away, links_to};
use crate::error::{Error, Result};
use crate::hash::Sha256;
use crate::id::{AnimationId, AssetId, OutboxId, ProjectId};
use crate::lock::{is_locked, lock_file};
use crate::project;
use crate::studio::{Notice, Studio};
use crate::time::MillisSinceEpoch;
use apply::{Applied, Before, Work};
use files::Stamp;
use folder::Folders;
use journal::{Journal, Noting};
pub(crate) use moving::move_new;
pub use report::{DamagedBytes, Kept, MissingBytes, ViewReport};
pub(crate) use stale::Stale;
use stock::{Stock, Wanted};
pub(crate) use stock::{homes, rehome};

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

impl ViewFile {
    fn new(path: String, project_id: ProjectId, wanted: &Wanted, stamp: Stamp) -> Self {
        Self {
            path,
            project_id,
            asset_id: wanted.asset_id,
            animation_id: wanted.animation_id,
            sha256: wanted.sha256,
            file_size: stamp.file_size,
            modified_ns: stamp.modified_ns,
        }
    }

    fn stamp(&self) -> Stamp {
        Stamp {
            file_size: self.file_size,
            modified_ns: self.modified_ns,
        }
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
    FORGET = "DELETE FROM view_file WHERE path {in $1}";
    // From one project to the next by the index, without reading the entries between.
    PROJECTS_WITH_FILES = "WITH RECURSIVE listed(id) AS (\
                           SELECT (SELECT project_id FROM view_file ORDER BY project_id LIMIT 1) \
                           UNION ALL SELECT (SELECT f.project_id FROM view_file f \
                           WHERE f.project_id > listed.id ORDER BY f.project_id LIMIT 1) \
                           FROM listed WHERE listed.id IS NOT NULL) \
                           SELECT id FROM listed WHERE id IS NOT NULL";
}

/// How many files are put in place at most while nobody else can change rows.
const MOST_HELD: usize = 256;

/// A part of a project's view.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Scope {
    Project,
    /// The files of an animation's frames.
    Animation(AnimationId),
    /// The file of an asset that no frame gives a place.
    Home(AssetId),
}

/// The folders of the view.
pub(crate) struct View {
    public: PathBuf,
    private: PathBuf,
    running: tokio::sync::Mutex<()>,
    reflinks: files::Reflinks,
    /// Nothing is known of what happened before this process came.
    is_unseen: AtomicBool,
}

/// One run over the view, alone on it.
struct Run {
    journal: Journal,
    /// Looks at every file instead of trusting what was recorded.
    thorough: bool,
    /// A run was cut off, or may have been and left no note of its paths.
    recovers: bool,
    report: ViewReport,
    /// The first failure; everything else was done.
    failed: Option<Error>,
    /// Something may still be on its way that the next run has to find.
    is_unfinished: bool,
}

/// While it is there, nobody works on the view.
pub(crate) struct Paused<'a> {
    _running: tokio::sync::MutexGuard<'a, ()>,
    _lock: std::fs::File,
}

impl View {
    pub(crate) fn new(public: PathBuf, private: PathBuf) -> Self {
        Self {
            public,
            private,
            running: tokio::sync::Mutex::new(()),
            reflinks: files::Reflinks::default(),
            is_unseen: AtomicBool::new(true),
        }
    }

    /// Begins a run; the caller holds the lock. Files that are only away with their disk are
    /// not taken for gone.
    fn begin(&self, thorough: bool, blobs: &BlobStore) -> Result<Run> {
        check_not_away(&self.public)?;
        blobs.check_not_away()?;
        let journal = Journal::open(&self.private)?;
        Ok(Run {
            recovers: journal.was_there() || self.is_unseen.load(Ordering::Relaxed),
            journal,
            thorough,
            report: ViewReport::default(),
            failed: None,
            is_unfinished: false,
        })
    }

    /// Keeps everyone from working on the view until the answer is dropped.
    pub(crate) async fn pause(&self) -> Result<Paused<'_>> {
        Ok(Paused {
            _running: self.running.lock().await,
            _lock: lock_file(&self.lock()).await?,
        })
    }

    /// Where processes that work on the view wait for each other.
    pub(crate) fn lock(&self) -> PathBuf {
        self.private.join("view-lock")
    }

    pub(crate) fn public(&self) -> &Path {
        &self.public
    }

    /// Where the paths are noted whose files are on their way.
    pub(crate) fn journal(&self) -> PathBuf {
        Journal::place(&self.private)
    }

    /// Says whether somebody works on the view right now.
    pub(crate) fn is_in_use(&self) -> bool {
        is_locked(&self.lock())
    }

    /// Says whether files are on their way, and nobody is at it.
    pub(crate) fn is_interrupted(&self) -> bool {
        Journal::is_there(&self.private) && !self.is_in_use()
    }

    /// Notes paths as if a run had been interrupted at them: the next one believes nothing of
    /// their files that it does not read. The caller holds the lock.
    pub(crate) fn leave_interrupted(&self, paths: &[String]) -> Result<()> {
        let mut journal = Journal::open(&self.private)?;
        journal.add(paths.iter(), Noting::Durably)
    }

    /// Removes files that have the bytes of a blob, so that they are made anew.
    pub(crate) fn remove_copies(&self, paths: &[String], blobs: &BlobStore) -> Result<()> {
        let folders = Folders::new(&self.public);
        for path in paths {
            let Ok(place) = folders.place(Path::new(path)) else {
                continue;
            };
            let found = files::hash_at(&place).unwrap_or_default();
            if found.is_some_and(|(stamp, sha256)| blobs.holds(sha256, stamp.file_size)) {
                place.remove()?;
            }
        }
        Ok(())
    }

    /// Returns the paths whose files are on their way, or were left so.
    pub(crate) fn interrupted_paths(&self) -> Result<BTreeSet<String>> {
        Ok(Journal::open(&self.private)?.into_interrupted())
    }
}

impl Run {
    /// Remembers a failure that concerns single files and need not hold up others.
    fn fail(&mut self, error: Error) -> Result<()> {
        match error {
            Error::Damaged { .. } => {}
            Error::Io { .. } => self.is_unfinished = true,
            error => return Err(error),
        }
        self.failed.get_or_insert(error);
        Ok(())
    }

    fn finish(self) -> Result<ViewReport> {
        if !self.is_unfinished {
            self.journal.finish()?;
        }
        self.failed.map_or(Ok(self.report), Err)
    }
}

impl Studio {
    /// Brings the files below `public/assets` up to date with what has changed.
    ///
    /// # Errors
    /// [`crate::Error::Io`], [`crate::Error::Damaged`]; what could be done is done, and the
    /// rest is tried again at the next change or opening. [`crate::Error::Unavailable`] where
    /// a disk that a folder is a link to is away.
    pub async fn update_view(&self) -> Result<ViewReport> {
        let pending: Vec<Outbox> = self.database().read().await?.list(&OUTBOX, &[]).await?;
        let is_left = || Journal::is_there(&self.view().private) && !is_locked(&self.view().lock());
        if pending.is_empty() && !is_left() {
            self.view().is_unseen.store(false, Ordering::Relaxed);
            return Ok(ViewReport::default());
        }
        let _running = self.view().running.lock().await;
        let _lock = lock_file(&self.view().lock()).await?;
        let mut run = self.view().begin(false, self.blobs())?;
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
        for project in run.journal.projects() {
            projects.entry(project).or_default();
        }
        for (project, (outbox, scopes)) in projects {
            let done = self.bring_up_to_date(project, scopes, &outbox, &mut run);
            if let Err(error) = Box::pin(done).await {
                run.fail(error)?;
            }
        }
        let report = run.finish()?;
        self.view().is_unseen.store(false, Ordering::Relaxed);
        report.flaw().map_or(Ok(report), Err)
    }

    /// Compares every file below `public/assets`, by its size and time, with the database and
    /// puts right what differs: rebuilds the tree from nothing, if need be. Files that were
    /// edited are moved aside, foreign ones are left where they are unless they stand in the
    /// way. Before that, gaps that another program left in the orders of frames are closed, and
    /// the keys between the rows are checked. Files whose bytes the store does not have, or has
    /// damaged, are listed in the report; all others are put right.
    ///
    /// `progress` is called before each project with how many are done and how many there are.
    ///
    /// # Errors
    /// [`crate::Error::Io`], [`crate::Error::Damaged`].
    pub async fn sync(&self, mut progress: impl FnMut(u64, u64) + Send) -> Result<ViewReport> {
        let closed_gaps = self.close_all_gaps().await?;
        let keys = self.begin_key_check();
        let _running = self.view().running.lock().await;
        let _lock = lock_file(&self.view().lock()).await?;
        let mut run = self.view().begin(true, self.blobs())?;
        run.report.integrity.closed_gaps = closed_gaps;
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
        projects.extend(run.journal.projects());
        let count = projects.len() as u64;
        for (done, project) in (0..).zip(projects) {
            progress(done, count);
            let outbox = pending.iter().filter(|row| row.project_id == project);
            let outbox: Vec<Uuid> = outbox.map(|row| row.id.0).collect();
            let is_open = !outbox.is_empty() || !run.journal.interrupted(project).is_empty();
            // What can't be read is reported when it is to be put right.
            if !is_open && matches!(self.is_in_step(project).await, Ok(true)) {
                continue;
            }
            self.put_right(project, &outbox, &mut run).await?;
        }
        progress(count, count);
        run.report.integrity.broken_keys = joined(keys).await?;
        run.finish()
    }

    /// Compares every file of these projects with the database and puts right what differs, and
    /// finishes what an interrupted run left.
    pub(crate) async fn sync_projects(
        &self,
        mut projects: BTreeSet<ProjectId>,
    ) -> Result<ViewReport> {
        let _running = self.view().running.lock().await;
        let _lock = lock_file(&self.view().lock()).await?;
        let mut run = self.view().begin(true, self.blobs())?;
        let pending: Vec<Outbox> = self.database().read().await?.list(&OUTBOX, &[]).await?;
        projects.extend(run.journal.projects());
        for project in projects {
            let outbox = pending.iter().filter(|row| row.project_id == project);
            let outbox: Vec<Uuid> = outbox.map(|row| row.id.0).collect();
            self.put_right(project, &outbox, &mut run).await?;
        }
        run.finish()
    }

    /// Looks at every file of a project; failures that concern single files are remembered.
    async fn put_right(&self, project: ProjectId, outbox: &[Uuid], run: &mut Run) -> Result<()> {
        let scopes = BTreeSet::from([Scope::Project]);
        match self.bring_up_to_date(project, scopes, outbox, run).await {
            Err(error) => run.fail(error),
            Ok(()) => Ok(()),
        }
    }

    async fn bring_up_to_date(
        &self,
        project: ProjectId,
        mut scopes: BTreeSet<Scope>,
        outbox: &[Uuid],
        run: &mut Run,
    ) -> Result<()> {
        let interrupted = run.journal.interrupted(project);
        if !interrupted.is_empty() {
            // What was on its way may have got another use since, anywhere in the project.
            scopes = BTreeSet::from([Scope::Project]);
        }
        let view = self.view();
        // With the database held, files that only come where none were need not be noted durably:
        // nobody changes rows before the outbox is clear, and a power cut, which ends all who use
        // SQLite, leaves the outbox to whoever opens the studio next.
        let may_hold = self.engine() == Engine::Sqlite
            && !run.thorough
            && interrupted.is_empty()
            && (1..=MOST_HELD).contains(&outbox.len())
            && !scopes.contains(&Scope::Project);
        let mut session = if may_hold {
            self.database().write_unflushed().await?
        } else {
            self.database().snapshot().await?
        };
        let mut stock = Stock::load(&mut session, project, &scopes).await?;
        let mut only_adds = may_hold && stock.only_adds(MOST_HELD);
        if !links_to(&view.public, stock.paths()).is_empty() {
            // Whatever else was behind the link is to be written again, too.
            only_adds = false;
            scopes = BTreeSet::from([Scope::Project]);
            stock = Stock::load(&mut session, project, &scopes).await?;
        }
        let held = if only_adds {
            Some(session)
        } else {
            session.end().await?;
            None
        };
        let before = Before {
            interrupted: &interrupted,
            thorough: run.thorough,
            recovers: run.recovers,
            noting: if held.is_some() {
                Noting::ForProcesses
            } else {
                Noting::Durably
            },
        };
        let journal = &mut run.journal;
        let applied = blocking(|| {
            let work = Work::new(view, self.blobs(), stock.recorded);
            work.apply(stock.wanted, before, journal)
        })?;
        let Applied {
            written,
            forgotten,
            failed,
            mut done,
        } = applied;
        for kept in &done.kept {
            self.notify(Notice::Kept(kept.clone()));
        }
        let mut session = match held {
            Some(session) => session,
            None => self.database().write().await?,
        };
        let paths = forgotten
            .iter()
            .chain(written.iter().map(|file| &file.path));
        let paths: Vec<String> = paths.cloned().collect();
        session.execute(&FORGET, &[Value::Texts(&paths)]).await?;
        session.insert(&written).await?;
        // What is missing may be put back: then the next run has to find out what is stale.
        if failed.is_none() && done.flaw().is_none() {
            session
                .execute(&CLEAR_OUTBOX, &[Value::Ids(outbox)])
                .await?;
        }
        session.commit().await?;
        run.report.written += done.written;
        run.report.removed += done.removed;
        run.report.kept.append(&mut done.kept);
        run.report.missing.append(&mut done.missing);
        run.report.damaged.append(&mut done.damaged);
        failed.map_or(Ok(()), Err)
    }
}
