//! The view: `public/assets`, the tree of files in the conventional layout. It is computed
//! from the database, can be rebuilt at any time, and is never the only copy of anything.

mod apply;
mod files;
pub(crate) mod path;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs::File;
use std::path::PathBuf;

use serde::Serialize;
use uuid::Uuid;

use crate::asset::AssetKind;
use crate::blob::ImageFormat;
use crate::db::entity::entity;
use crate::db::sql::{Sql, statements};
use crate::db::value::{Row, Value};
use crate::db::{Session, blocking};
use crate::error::{IoContext, Result};
use crate::hash::Sha256;
use crate::id::{AnimationId, AssetId, OutboxId, ProjectId};
use crate::project;
use crate::studio::{Notice, Studio};
use crate::time::MillisSinceEpoch;
use apply::Applied;

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
    FILES = "SELECT {view_file} FROM view_file WHERE project_id = $1";
    FILES_OF_ANIMATIONS = "SELECT {view_file} FROM view_file WHERE project_id = $1 \
                           AND animation_id {in $2}";
    FILES_OF_HOMES = "SELECT {view_file} FROM view_file WHERE project_id = $1 \
                      AND asset_id {in $2} AND animation_id IS NULL";
    FRAMES = "SELECT f.asset_id, f.animation_id, f.frame_index, n.segment, c.segment, \
              a.mime_type, a.sha256 FROM frame f \
              JOIN animation n ON n.project_id = f.project_id AND n.id = f.animation_id \
              JOIN character c ON c.project_id = n.project_id AND c.id = n.character_id \
              JOIN asset a ON a.project_id = f.project_id AND a.id = f.asset_id \
              WHERE f.project_id = $1 AND a.bytes_dropped_at IS NULL";
    FRAMES_OF_ANIMATIONS = "SELECT f.asset_id, f.animation_id, f.frame_index, n.segment, \
              c.segment, a.mime_type, a.sha256 FROM frame f \
              JOIN animation n ON n.project_id = f.project_id AND n.id = f.animation_id \
              JOIN character c ON c.project_id = n.project_id AND c.id = n.character_id \
              JOIN asset a ON a.project_id = f.project_id AND a.id = f.asset_id \
              WHERE f.project_id = $1 AND a.bytes_dropped_at IS NULL \
              AND f.animation_id {in $2}";
    HOMES = "SELECT a.id, a.kind, c.segment, a.mime_type, a.sha256 FROM asset a \
             LEFT JOIN character c ON c.project_id = a.project_id AND c.id = a.character_id \
             WHERE a.project_id = $1 AND a.bytes_dropped_at IS NULL AND (a.kind <> 'frame' \
             OR NOT EXISTS (SELECT 1 FROM frame f \
             WHERE f.project_id = a.project_id AND f.asset_id = a.id))";
    HOMES_OF = "SELECT a.id, a.kind, c.segment, a.mime_type, a.sha256 FROM asset a \
             LEFT JOIN character c ON c.project_id = a.project_id AND c.id = a.character_id \
             WHERE a.project_id = $1 AND a.bytes_dropped_at IS NULL AND (a.kind <> 'frame' \
             OR NOT EXISTS (SELECT 1 FROM frame f \
             WHERE f.project_id = a.project_id AND f.asset_id = a.id)) AND a.id {in $2}";
    PATHS = "SELECT a.id, a.kind, c.segment, a.mime_type, a.sha256, a.file_path FROM asset a \
             LEFT JOIN character c ON c.project_id = a.project_id AND c.id = a.character_id \
             WHERE a.project_id = $1 AND a.id {in $2}";
    PLACES = "SELECT f.asset_id, f.frame_index, n.segment, c.segment FROM frame f \
              JOIN animation n ON n.project_id = f.project_id AND n.id = f.animation_id \
              JOIN character c ON c.project_id = n.project_id AND c.id = n.character_id \
              WHERE f.project_id = $1 AND f.asset_id {in $2} \
              ORDER BY f.asset_id, f.animation_id, f.frame_index";
    SET_PATH = "UPDATE asset SET file_path = $3 WHERE project_id = $1 AND id = $2";
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

/// A file that should be there.
#[derive(Clone, Debug)]
pub(crate) struct Wanted {
    pub(crate) asset_id: AssetId,
    pub(crate) animation_id: Option<AnimationId>,
    pub(crate) sha256: Sha256,
}

/// What is to be brought up to date in one project.
#[derive(Debug, Default)]
struct Stock {
    recorded: HashMap<String, ViewFile>,
    wanted: BTreeMap<String, Wanted>,
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

fn read_frame(project: ProjectId, row: &Row<'_>) -> Result<Option<(String, Wanted)>> {
    let animation: Option<String> = row.at(3, "animation.segment")?;
    let character: Option<String> = row.at(4, "character.segment")?;
    let format = row.at::<Option<String>>(5, "asset.mime_type")?;
    let format = format.as_deref().and_then(ImageFormat::from_mime_type);
    let sha256: Option<Sha256> = row.at(6, "asset.sha256")?;
    let (Some(animation), Some(character), Some(format), Some(sha256)) =
        (animation, character, format, sha256)
    else {
        // Written by another program, not adopted yet.
        return Ok(None);
    };
    let index = row.at(2, "frame.frame_index")?;
    let path = path::frame(project, &animation, &character, index, format);
    let wanted = Wanted {
        asset_id: row.at(0, "frame.asset_id")?,
        animation_id: row.at(1, "frame.animation_id")?,
        sha256,
    };
    Ok(Some((path, wanted)))
}

fn read_home(project: ProjectId, row: &Row<'_>) -> Result<Option<(String, Wanted)>> {
    let asset_id: AssetId = row.at(0, "asset.id")?;
    let kind: AssetKind = row.at(1, "asset.kind")?;
    let character: Option<String> = row.at(2, "character.segment")?;
    let format = row.at::<Option<String>>(3, "asset.mime_type")?;
    let format = format.as_deref().and_then(ImageFormat::from_mime_type);
    let sha256: Option<Sha256> = row.at(4, "asset.sha256")?;
    let (Some(format), Some(sha256)) = (format, sha256) else {
        return Ok(None);
    };
    let path = match (kind, character) {
        (AssetKind::Character, None) => return Ok(None),
        (AssetKind::Character, Some(character)) => {
            path::variation(project, &character, asset_id, format)
        }
        (AssetKind::Reference, _) => path::reference(project, asset_id, format),
        (AssetKind::Frame, _) => path::take(project, asset_id, format),
    };
    Ok(Some((
        path,
        Wanted {
            asset_id,
            animation_id: None,
            sha256,
        },
    )))
}

impl Stock {
    /// Reads what is recorded and what is wanted for the scopes.
    async fn load(
        session: &mut Session,
        project: ProjectId,
        scopes: &BTreeSet<Scope>,
    ) -> Result<Self> {
        let mut stock = Self::default();
        let id = Value::Id(project.0);
        if scopes.contains(&Scope::Project) {
            stock
                .add(session, &FILES, &FRAMES, std::slice::from_ref(&id), |row| {
                    read_frame(project, row)
                })
                .await?;
            let homes = session
                .query(&HOMES, &[id], |row| read_home(project, row))
                .await?;
            stock.wanted.extend(homes.into_iter().flatten());
            return Ok(stock);
        }
        let mut animations = Vec::new();
        let mut homes = Vec::new();
        for scope in scopes {
            match scope {
                Scope::Project => {}
                Scope::Animation(id) => animations.push(id.0),
                Scope::Home(id) => homes.push(id.0),
            }
        }
        if !animations.is_empty() {
            let parameters = [id.clone(), Value::Ids(&animations)];
            let (files, frames) = (&FILES_OF_ANIMATIONS, &FRAMES_OF_ANIMATIONS);
            stock
                .add(session, files, frames, &parameters, |row| {
                    read_frame(project, row)
                })
                .await?;
        }
        if !homes.is_empty() {
            let parameters = [id, Value::Ids(&homes)];
            let read = |row: &Row<'_>| read_home(project, row);
            stock
                .add(session, &FILES_OF_HOMES, &HOMES_OF, &parameters, read)
                .await?;
        }
        Ok(stock)
    }

    async fn add(
        &mut self,
        session: &mut Session,
        recorded: &Sql,
        wanted: &Sql,
        parameters: &[Value<'_>],
        read: impl FnMut(&Row<'_>) -> Result<Option<(String, Wanted)>> + Send,
    ) -> Result<()> {
        let files: Vec<ViewFile> = session.list(recorded, parameters).await?;
        self.recorded
            .extend(files.into_iter().map(|file| (file.path.clone(), file)));
        let wanted = session.query(wanted, parameters, read).await?;
        self.wanted.extend(wanted.into_iter().flatten());
        Ok(())
    }
}

/// Sets the paths of assets to what the rows now say: in the same transaction as the change
/// that moves them.
pub(crate) async fn rehome(
    session: &mut Session,
    project: ProjectId,
    assets: &[Uuid],
) -> Result<()> {
    if assets.is_empty() {
        return Ok(());
    }
    let parameters = [Value::Id(project.0), Value::Ids(assets)];
    let homes = session
        .query(&PATHS, &parameters, |row| {
            let format = row.at::<Option<String>>(3, "asset.mime_type")?;
            Ok((
                read_home(project, row)?,
                row.at::<AssetKind>(1, "asset.kind")?,
                format.as_deref().and_then(ImageFormat::from_mime_type),
                row.at::<Option<String>>(5, "asset.file_path")?,
            ))
        })
        .await?;
    let places = session
        .query(&PLACES, &parameters, |row| {
            Ok((
                row.at::<AssetId>(0, "frame.asset_id")?,
                row.at::<u32>(1, "frame.frame_index")?,
                row.at::<Option<String>>(2, "animation.segment")?,
                row.at::<Option<String>>(3, "character.segment")?,
            ))
        })
        .await?;
    let mut lowest = HashMap::new();
    for (asset, index, animation, character) in places {
        if let (Some(animation), Some(character)) = (animation, character) {
            lowest.entry(asset).or_insert((index, animation, character));
        }
    }
    let mut changed = Vec::new();
    for (home, kind, format, before) in homes {
        let (Some((mut path, wanted)), Some(format)) = (home, format) else {
            continue;
        };
        if let (AssetKind::Frame, Some((index, animation, character))) =
            (kind, lowest.get(&wanted.asset_id))
        {
            path = path::frame(project, animation, character, *index, format);
        }
        if before.as_ref() != Some(&path) {
            let asset = Value::Id(wanted.asset_id.0);
            changed.push(vec![Value::Id(project.0), asset, Value::Text(path.into())]);
        }
    }
    session.execute_many(&SET_PATH, &changed).await
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
        drop(session);
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
