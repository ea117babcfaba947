//! The handle: a studio folder, its database, its blobs and its view.

mod folder;

use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, PoisonError};

use crate::asset::together::Together;
use crate::blob::{BlobStore, Limits};
use crate::db::sql::Engine;
use crate::db::{Database, DatabaseAddress, Migrated, Session, latest_version};
use crate::error::{Error, Result};
use crate::id::{Id, IdSource};
use crate::planted::{self, Planted};
use crate::time::{Clock, MillisSinceEpoch, SystemClock};
use crate::view::{Kept, Stale, View};

#[cfg(test)]
pub(crate) use folder::STATEMENTS;
pub(crate) use folder::{Folder, Store, store_id};

/// How a studio is opened.
#[derive(Clone)]
pub struct StudioOptions {
    /// Where the rows are.
    pub database: DatabaseAddress,
    /// What images are taken in.
    pub limits: Limits,
    /// Who is asked for the time.
    pub clock: Arc<dyn Clock>,
    /// When the files below `public/assets` follow a change.
    pub view_updates: ViewUpdates,
}

impl Default for StudioOptions {
    fn default() -> Self {
        Self {
            database: DatabaseAddress::default(),
            limits: Limits::default(),
            clock: Arc::new(SystemClock),
            view_updates: ViewUpdates::default(),
        }
    }
}

/// When the files below `public/assets` follow a change.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ViewUpdates {
    /// With each change, before its call returns.
    #[default]
    WithEachChange,
    /// When [`Studio::update_view`] is called, or at the next opening: for many changes in a
    /// row.
    Deferred,
}

/// Something that did not stop an operation and that the user should know.
#[derive(Debug)]
#[non_exhaustive]
pub enum Notice {
    /// A file below `public/assets` was not what Pegbar wrote; it was moved aside.
    Kept(Kept),
    /// The change is kept, but the files below `public/assets` do not follow it yet; the next
    /// opening tries again.
    ViewStale(Error),
    /// Images that were taken in just before a power cut could not be put in their places; the
    /// next opening tries again.
    LogLeft(Error),
}

/// A studio: a folder with a database, blobs and the tree of files. Cheap to clone.
#[derive(Clone)]
pub struct Studio {
    inner: Arc<Inner>,
}

struct Inner {
    folder: Folder,
    database: Database,
    blobs: BlobStore,
    view: View,
    clock: Arc<dyn Clock>,
    ids: IdSource,
    view_updates: ViewUpdates,
    migrated: Migrated,
    /// Opened only to look at it.
    is_read_only: bool,
    notices: Mutex<Vec<Notice>>,
    /// Who waits to have assets added.
    together: Together,
    /// Whether the use of a token is being noted.
    notes_use: AtomicBool,
}

impl std::fmt::Debug for Studio {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Studio")
            .field("root", &self.root())
            .finish_non_exhaustive()
    }
}

impl Studio {
    /// Creates a studio in a folder, which may hold other things, with the embedded database.
    ///
    /// # Errors
    /// [`Error::Conflict`] where one is there; [`Error::Io`].
    pub async fn create(folder: impl AsRef<Path>) -> Result<Self> {
        Self::create_with(folder, StudioOptions::default()).await
    }

    /// Creates a studio in a folder, which may hold other things.
    ///
    /// # Errors
    /// [`Error::Conflict`] where one is there, or where the database belongs to another;
    /// [`Error::Io`], [`Error::Unavailable`].
    pub async fn create_with(folder: impl AsRef<Path>, options: StudioOptions) -> Result<Self> {
        let folder = Folder::create(folder.as_ref(), &options.database)?;
        let _alone = folder.lock().await?;
        Self::start(folder, options, true).await
    }

    /// Opens a studio with the embedded database, brings its schema up to date and finishes
    /// what a crash interrupted.
    ///
    /// # Errors
    /// [`Error::Unavailable`] where no studio is there, and for a database that is newer or
    /// can't be opened.
    pub async fn open(folder: impl AsRef<Path>) -> Result<Self> {
        Self::open_with(folder, StudioOptions::default()).await
    }

    /// Opens a studio, brings its schema up to date and finishes what a crash interrupted.
    ///
    /// # Errors
    /// As [`Studio::open`]; [`Error::Conflict`] where the database belongs to another folder.
    pub async fn open_with(folder: impl AsRef<Path>, options: StudioOptions) -> Result<Self> {
        let folder = Folder::open(folder.as_ref(), &options.database)?;
        Self::start(folder, options, false).await
    }

    /// Opens a studio as it lies there, only to look at it: nothing is recovered, migrated or
    /// written, and the database refuses changes. The folder need not say which database it
    /// belongs to: [`Studio::doctor`] tells.
    ///
    /// # Errors
    /// [`Error::Unavailable`] where no studio is there, for a database whose schema is not up to
    /// date, and for one that can't be opened.
    pub async fn open_read_only(folder: impl AsRef<Path>, options: StudioOptions) -> Result<Self> {
        let folder = Folder::open_as_it_is(folder.as_ref(), &options.database)?;
        let database = Database::open_read_only(&options.database, &folder.database_file()).await?;
        let migrated = Migrated {
            from: latest_version(),
            to: latest_version(),
        };
        Ok(Self::with(
            folder,
            options,
            database,
            migrated,
            IdSource::new(),
            true,
        ))
    }

    /// Opens a studio, brings its schema up to date, and leaves what a crash interrupted as it
    /// is: for [`Studio::repair`], which tells what it does about it. The next change to the
    /// view finishes it, too.
    ///
    /// # Errors
    /// As [`Studio::open_with`].
    pub async fn open_unrecovered(
        folder: impl AsRef<Path>,
        options: StudioOptions,
    ) -> Result<Self> {
        let folder = Folder::open(folder.as_ref(), &options.database)?;
        Self::join(folder, options, false).await
    }

    async fn start(folder: Folder, options: StudioOptions, is_new: bool) -> Result<Self> {
        let studio = Self::join(folder, options, is_new).await?;
        if let Err(error) = studio.replay_logs().await {
            // The log stays, and the next opening tries again: who must make room first can.
            studio.notify(Notice::LogLeft(error));
        }
        match studio.inner.blobs.remove_leftovers() {
            // Where nothing can be removed, much can still be read.
            Err(error) if error.is_read_only() => {}
            removed => removed?,
        }
        match studio.recover_swept().await {
            Err(error) if error.is_read_only() => {}
            recovered => recovered?,
        }
        studio.follow().await;
        Ok(studio)
    }

    /// Opens the database and makes sure that the folder belongs to it.
    async fn join(folder: Folder, options: StudioOptions, is_new: bool) -> Result<Self> {
        let (database, migrated) =
            Database::open(&options.database, &folder.database_file()).await?;
        let ids = IdSource::new();
        folder
            .claim(
                &database,
                is_new,
                || ids.next(&*options.clock),
                options.clock.now(),
            )
            .await?;
        Ok(Self::with(folder, options, database, migrated, ids, false))
    }

    fn with(
        folder: Folder,
        options: StudioOptions,
        database: Database,
        migrated: Migrated,
        ids: IdSource,
        is_read_only: bool,
    ) -> Self {
        Self {
            inner: Arc::new(Inner {
                blobs: BlobStore::new(&folder.private(), options.limits),
                view: View::new(folder.public(), folder.private()),
                folder,
                database,
                clock: options.clock,
                ids,
                view_updates: options.view_updates,
                migrated,
                is_read_only,
                notices: Mutex::new(Vec::new()),
                together: Together::default(),
                notes_use: AtomicBool::new(false),
            }),
        }
    }

    /// Returns the studio's folder.
    #[must_use]
    pub fn root(&self) -> &Path {
        self.inner.folder.root()
    }

    /// Returns the folder that holds the tree of files, `public/assets`.
    #[must_use]
    pub fn assets_folder(&self) -> PathBuf {
        self.inner.folder.public()
    }

    /// Returns which database engine the studio uses.
    #[must_use]
    pub fn engine(&self) -> Engine {
        self.inner.database.engine()
    }

    /// Checks that the studio can be used right now: its database answers, its store is there.
    ///
    /// # Errors
    /// [`Error::Unavailable`], [`Error::Database`], [`Error::Io`].
    pub async fn check_reachable(&self) -> Result<()> {
        let has_images = folder::has_images(&self.inner.database).await?;
        self.inner.blobs.check_there(has_images)
    }

    /// Refuses where the folder is not the one that the database belongs to, or is away.
    pub(crate) async fn check_store_id(&self) -> Result<()> {
        self.inner.folder.check_id(&self.inner.database).await
    }

    /// Returns what opening did to the database's schema.
    #[must_use]
    pub fn migrated(&self) -> Migrated {
        self.inner.migrated
    }

    /// Returns a new id, to name something before it is created.
    #[must_use]
    pub fn new_id<T: Id>(&self) -> T {
        self.inner.ids.next(&*self.inner.clock)
    }

    /// Returns what the user should know since the last call, and forgets it.
    #[must_use]
    pub fn take_notices(&self) -> Vec<Notice> {
        std::mem::take(
            &mut self
                .inner
                .notices
                .lock()
                .unwrap_or_else(PoisonError::into_inner),
        )
    }

    /// Refuses where the studio was opened only to look at it.
    pub(crate) fn check_writable(&self) -> Result<()> {
        if !self.inner.is_read_only {
            return Ok(());
        }
        Err(Error::Unavailable {
            message: "the studio was opened only to look at it".to_owned(),
            hint: "open it to change it".to_owned(),
            source: None,
        })
    }

    pub(crate) fn database(&self) -> &Database {
        &self.inner.database
    }

    pub(crate) fn blobs(&self) -> &BlobStore {
        &self.inner.blobs
    }

    /// What only Pegbar touches.
    pub(crate) fn private_folder(&self) -> PathBuf {
        self.inner.folder.private()
    }

    pub(crate) fn view(&self) -> &View {
        &self.inner.view
    }

    pub(crate) fn together(&self) -> &Together {
        &self.inner.together
    }

    pub(crate) fn notes_use(&self) -> &AtomicBool {
        &self.inner.notes_use
    }

    pub(crate) fn now(&self) -> MillisSinceEpoch {
        self.inner.clock.now()
    }

    pub(crate) fn notify(&self, notice: Notice) {
        let notices = &self.inner.notices;
        notices
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(notice);
    }

    /// Commits a change together with the note of what it makes stale, then brings the view
    /// up to date. After the commit nothing is an error any more.
    pub(crate) async fn commit(&self, session: Session, stale: Stale) -> Result<()> {
        self.commit_rows(session, stale).await?;
        if self.inner.view_updates == ViewUpdates::WithEachChange {
            self.follow().await;
        }
        Ok(())
    }

    /// Commits a change together with the note of what it makes stale, and leaves the view for
    /// later.
    pub(crate) async fn commit_rows(&self, mut session: Session, stale: Stale) -> Result<()> {
        if planted::is(Planted::OutboxAfterCommit) {
            session.commit().await?;
            session = self.database().write().await?;
        }
        stale.write(&mut session, self).await?;
        session.commit().await?;
        if planted::is(Planted::BlobsAfterCommit) {
            planted::move_now();
        }
        Ok(())
    }

    async fn follow(&self) {
        if let Err(error) = self.update_view().await {
            self.notify(Notice::ViewStale(error));
        }
    }
}
