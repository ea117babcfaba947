//! Making a studio again from a backup.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::check::{Lists, check_lists};
use super::copy::{Copied, Copier};
use super::files::SavedFile;
use super::manifest::{Manifest, TablePart};
use super::packed::Opened;
use super::place::{Place, open_packed, table_file};
use super::take::COMPUTED;
use super::{AbsentBlob, BackupSnapshot};
use crate::blob::{sync_folder, whole};
use crate::db::schema::{TableSchema, tables};
use crate::db::sql::statements;
use crate::db::value::Value;
use crate::db::{Database, DatabaseAddress, Session, blocking, latest_version};
use crate::disk::{create_folders_durably, write_durably};
use crate::error::{Error, IoContext, Result};
use crate::hash::Sha256;
use crate::id::{IdSource, StoreId};
use crate::parallel;
use crate::rows::is_empty;
use crate::rows::load::Batches;
use crate::studio::{Folder, Store, Studio, StudioOptions, store_id};

/// Says that a restore is under way, or was interrupted.
const MARKER: &str = "restoring.json";

statements! {
    // By ids that no other entry has.
    NOTE_STALE = "INSERT INTO outbox (id, project_id, created_at) SELECT id, id, $1 FROM project";
}

const BATCH: usize = 256;
const MAX_LISTED: usize = 100;

/// How a backup is restored.
#[derive(Clone, Default)]
pub struct RestoreOptions {
    /// The snapshot, by its name or the beginning of it; the newest without one.
    pub snapshot: Option<String>,
    /// Restores what is whole, although blobs of the backup are missing or are others.
    pub despite_damage: bool,
    /// How the restored studio is opened, and into which database its rows go.
    pub studio: StudioOptions,
}

/// What restoring did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RestoreReport {
    /// What was restored.
    #[serde(flatten)]
    pub snapshot: BackupSnapshot,
    /// The studio's folder.
    #[serde(serialize_with = "crate::text::serialize_path")]
    pub folder: PathBuf,
    /// Bytes that the restored rows name, or that the files of `.pegbar/kept` and
    /// `.pegbar/damaged` had, and that are not there, the first hundred: the studio had lost them
    /// before, or the backup has.
    pub missing: Vec<AbsentBlob>,
    /// How many files of `.pegbar/kept` and `.pegbar/damaged` came back.
    pub files: u64,
    /// How many files were put below `public/assets`.
    pub view_files: u64,
}

/// What an interrupted restore has left.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Begun {
    store_id: StoreId,
    /// Of the manifest that was being restored.
    manifest: Sha256,
}

/// A restore under way.
struct Restore<'a> {
    place: &'a Place,
    snapshot: PathBuf,
    manifest: &'a Manifest,
    lists: Lists,
    private: PathBuf,
    begun: Begun,
    despite_damage: bool,
    missing: Vec<AbsentBlob>,
    /// How many kept files are there.
    files: u64,
}

impl Studio {
    /// Makes a studio from a backup, in a folder that is empty or not there yet, with an empty
    /// database. The rows come with their ids, hashes and times; the files below
    /// `public/assets` are made anew. The studio has an id of its own, so that neither its
    /// folder nor its database can be taken for the original's.
    ///
    /// Until everything is there, the folder is no studio; after an interruption the same call
    /// begins again, or finishes. `progress` is told how many blobs are done, of how many.
    ///
    /// # Errors
    /// [`Error::Unavailable`] where there is no such backup, or a newer Pegbar wrote it;
    /// [`Error::Conflict`] where folder or database are not empty; [`Error::Damaged`] where the
    /// backup is not what was written; [`Error::Io`], [`Error::Database`].
    pub async fn restore_backup(
        from: impl AsRef<Path>,
        to: impl AsRef<Path>,
        options: RestoreOptions,
        mut progress: impl FnMut(u64, u64) + Send,
    ) -> Result<(Self, RestoreReport)> {
        let Opened { place, .. } = &Opened::of(from.as_ref(), to.as_ref())?;
        let (name, snapshot, manifest) = place.find(options.snapshot.as_deref())?;
        check_known(&manifest)?;
        let lists = read_whole(&snapshot, &manifest)?;
        let to = to.as_ref();
        let was_there = to.exists();
        let (private, begun) = prepare(to, &manifest, &options.studio)?;
        let mut restore = Restore {
            place,
            snapshot,
            manifest: &manifest,
            lists,
            private,
            begun,
            despite_damage: options.despite_damage,
            missing: Vec::new(),
            files: 0,
        };
        let mut is_committed = false;
        let done = restore
            .run(&options.studio, &mut progress, &mut is_committed)
            .await;
        if let Err(error) = done {
            if !is_committed {
                restore.undo(to, was_there);
            }
            return Err(error);
        }
        let (files, missing) = (restore.files, restore.missing);
        let studio = Self::open_unrecovered(to, options.studio).await?;
        let view = studio.sync(|_, _| ()).await?;
        let report = RestoreReport {
            snapshot: manifest.snapshot(&name),
            folder: studio.root().to_owned(),
            missing,
            files,
            view_files: view.written,
        };
        Ok((studio, report))
    }
}

/// Refuses what this Pegbar does not know.
fn check_known(manifest: &Manifest) -> Result<()> {
    if manifest.schema_version > latest_version() {
        return Err(Error::Unavailable {
            message: format!(
                "the backup has schema version {}; this Pegbar knows up to {}",
                manifest.schema_version,
                latest_version()
            ),
            hint: "use a newer Pegbar".to_owned(),
            source: None,
        });
    }
    let names = manifest.tables.iter().map(|table| table.name.as_str());
    let expected = tables(manifest.schema_version).iter();
    let expected = expected.map(|schema| schema.table.name);
    let expected = expected.filter(|name| !COMPUTED.contains(name));
    if names.eq(expected) {
        return Ok(());
    }
    Err(Error::Damaged {
        place: "the manifest".to_owned(),
        reason: format!(
            "its tables are not those of schema version {}",
            manifest.schema_version
        ),
        source: None,
    })
}

/// Reads a snapshot to its end, before anything is written.
fn read_whole(snapshot: &Path, manifest: &Manifest) -> Result<Lists> {
    let mut first = None;
    let lists = blocking(|| {
        check_lists(snapshot, manifest, &mut |path, reason| {
            first.get_or_insert_with(|| Error::Damaged {
                place: path.display().to_string(),
                reason,
                source: None,
            });
        })
    });
    first.map_or(Ok(lists), Err)
}

/// Makes the folder ready, which must be empty but for what an interrupted restore left.
fn prepare(to: &Path, manifest: &Manifest, options: &StudioOptions) -> Result<(PathBuf, Begun)> {
    let not_empty = || Error::Conflict {
        message: format!("{} is not empty", to.display()),
        hint: "restore into a folder that is empty or not there yet".to_owned(),
    };
    let private = to.join(".pegbar");
    let left = read_begun(&private)?;
    // Cut off before it noted anything, a restore leaves the folder with nothing in it.
    let is_left =
        left.is_some() || fs::read_dir(&private).is_ok_and(|mut all| all.next().is_none());
    if to.exists() {
        for entry in fs::read_dir(to).at("reading", to)? {
            let entry = entry.at("reading", to)?;
            if !is_left || entry.file_name() != ".pegbar" {
                return Err(not_empty());
            }
        }
    }
    let manifest = hash_of(manifest)?;
    let is_server = options.database != DatabaseAddress::Sqlite;
    let begun = match left {
        // Its rows may be committed: then they go with this id.
        Some(begun) if is_server && !begun.store_id.0.is_nil() => begun,
        left => {
            if left.is_some() {
                fs::remove_dir_all(&private).at("removing", &private)?;
            }
            Begun {
                store_id: IdSource::new().next(&*options.clock),
                manifest,
            }
        }
    };
    create_folders_durably(&private)?;
    options.database.check(&private.join("pegbar.db"))?;
    begun.write(&private)?;
    let ignore = private.join(".gitignore");
    fs::write(&ignore, "*\n").at("writing", &ignore)?;
    sync_folder(to)?;
    Ok((private, begun))
}

fn hash_of(manifest: &Manifest) -> Result<Sha256> {
    Ok(Sha256::of(manifest.to_text()?.as_bytes()))
}

impl Begun {
    fn write(&self, private: &Path) -> Result<()> {
        let text = serde_json::to_string(self);
        let text = text.map_err(|error| Error::invalid("restore", error.to_string()))?;
        write_durably(&private.join(MARKER), text.as_bytes())
    }
}

fn read_begun(private: &Path) -> Result<Option<Begun>> {
    let path = private.join(MARKER);
    if private.join("store-id").exists() {
        return Ok(None);
    }
    match fs::read_to_string(&path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).at("reading", &path),
        // Cut short: nothing was begun with it yet.
        Ok(text) => Ok(Some(serde_json::from_str(&text).unwrap_or(Begun {
            store_id: StoreId(uuid::Uuid::nil()),
            manifest: Sha256([0; 32]),
        }))),
    }
}

impl Restore<'_> {
    async fn run(
        &mut self,
        options: &StudioOptions,
        progress: &mut (impl FnMut(u64, u64) + Send),
        is_committed: &mut bool,
    ) -> Result<()> {
        let file = self.private.join("pegbar.db");
        let version = self.manifest.schema_version;
        let (database, migrated) = Database::open_at(&options.database, &file, version).await?;
        let known = self.check_empty(&database, migrated.to).await?;
        *is_committed = known;
        self.copy_blobs(progress)?;
        if !known {
            self.begun.manifest = hash_of(self.manifest)?;
            self.begun.write(&self.private)?;
            let mut session = database.write().await?;
            self.load(&mut session).await?;
            // Whoever opens the studio first writes the view, should this call be interrupted.
            let now = Value::Time(options.clock.now());
            session.execute(&NOTE_STALE, &[now]).await?;
            let store = Store {
                id: self.begun.store_id,
                created_at: options.clock.now(),
            };
            session.insert(&[store]).await?;
            // From here on a server may have them, whatever is heard of it.
            *is_committed = options.database != DatabaseAddress::Sqlite;
            session.commit().await?;
        }
        drop(database);
        Folder::give_id(&self.private, self.begun.store_id)?;
        let marker = self.private.join(MARKER);
        fs::remove_file(&marker).at("removing", &marker)
    }

    /// Refuses a database with rows; says whether they are those that were to be restored, and
    /// all of them.
    async fn check_empty(&self, database: &Database, version: u32) -> Result<bool> {
        let mut session = database.read().await?;
        let known = store_id(&mut session).await?;
        if known == Some(self.begun.store_id) {
            if self.begun.manifest == hash_of(self.manifest)? {
                return Ok(true);
            }
            return Err(Error::Conflict {
                message: "the database has the rows of another snapshot, whose restore was \
                          interrupted"
                    .to_owned(),
                hint: "restore that snapshot again, or into an empty database".to_owned(),
            });
        }
        for schema in tables(version) {
            if !is_empty(&mut session, schema).await? {
                return Err(Error::Conflict {
                    message: format!(
                        "the database is not empty: its table {} has rows",
                        schema.table.name
                    ),
                    hint: "restore into an empty database".to_owned(),
                });
            }
        }
        Ok(false)
    }

    fn copy_blobs(&mut self, progress: &mut impl FnMut(u64, u64)) -> Result<()> {
        let begun = self.private.join("tmp/restore");
        // What an interrupted restore was copying.
        match fs::remove_dir_all(&begun) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            removed => removed.at("removing", &begun)?,
        }
        let copier = Copier::new(self.private.join("blobs"), begun)?;
        let blobs = std::mem::take(&mut self.lists.blobs);
        let mut done = 0;
        for batch in blobs.chunks(BATCH) {
            let outcomes = blocking(|| {
                parallel::each(batch, |(sha256, size, is_there)| {
                    if *is_there {
                        copier.copy(&self.place.blob(*sha256), *sha256, Some(*size))
                    } else {
                        Ok(Copied::Missing)
                    }
                })
            });
            for ((sha256, _, is_there), outcome) in batch.iter().zip(outcomes) {
                match outcome? {
                    Copied::Known | Copied::New(_) => {}
                    Copied::Missing if !is_there => {
                        self.note_missing(*sha256, "the studio had lost it before".to_owned());
                    }
                    Copied::Missing => {
                        self.lacks(*sha256, "the backup does not have it".to_owned())?;
                    }
                    Copied::Altered(found) => {
                        let reason =
                            format!("the backup has other bytes: their SHA-256 is {found}");
                        self.lacks(*sha256, reason)?;
                    }
                }
            }
            done += batch.len() as u64;
            progress(done, blobs.len() as u64);
        }
        blocking(|| copier.finish())?;
        for file in std::mem::take(&mut self.lists.files) {
            self.files += u64::from(self.restore_file(&file)?);
        }
        let tmp = self.private.join("tmp");
        fs::remove_dir_all(&tmp).at("removing", &tmp)
    }

    /// Refuses what the backup should have and has not, or names it where the rest is wanted
    /// nevertheless.
    fn lacks(&mut self, sha256: Sha256, reason: String) -> Result<()> {
        if !self.despite_damage {
            return Err(Error::Damaged {
                place: self.place.blob(sha256).display().to_string(),
                reason,
                source: None,
            });
        }
        self.note_missing(sha256, reason);
        Ok(())
    }

    fn note_missing(&mut self, sha256: Sha256, reason: String) {
        if self.missing.len() < MAX_LISTED {
            self.missing.push(AbsentBlob { sha256, reason });
        }
    }

    /// Says whether the file is there now.
    fn restore_file(&mut self, file: &SavedFile) -> Result<bool> {
        let from = self.place.blob(file.sha256);
        let to = self.private.join(&file.path);
        let mut source = match fs::File::open(&from) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let reason = format!("the backup does not have it: it was .pegbar/{}", file.path);
                self.lacks(file.sha256, reason)?;
                return Ok(false);
            }
            opened => opened.at("reading", &from)?,
        };
        let folder = to.parent().unwrap_or(&self.private);
        fs::create_dir_all(folder).at("creating", folder)?;
        let mut copy = fs::File::create(&to).at("writing", &to)?;
        let found = whole::copy(&mut source, &mut copy).at("copying", &from)?;
        if found != file.sha256 {
            drop(copy);
            fs::remove_file(&to).at("removing", &to)?;
            let reason = format!(
                "the backup has other bytes: their SHA-256 is {found}; it was .pegbar/{}",
                file.path
            );
            self.lacks(file.sha256, reason)?;
            return Ok(false);
        }
        copy.sync_all().at("flushing", &to)?;
        sync_folder(folder)?;
        Ok(true)
    }

    async fn load(&self, session: &mut Session) -> Result<()> {
        let schemas = tables(self.manifest.schema_version).iter();
        let schemas = schemas.filter(|schema| !COMPUTED.contains(&schema.table.name));
        for (part, schema) in self.manifest.tables.iter().zip(schemas) {
            self.load_table(session, part, schema).await?;
        }
        Ok(())
    }

    async fn load_table(
        &self,
        session: &mut Session,
        part: &TablePart,
        schema: &'static TableSchema,
    ) -> Result<()> {
        let path = table_file(&self.snapshot, &part.name);
        let place = path.display().to_string();
        let mut batches = Batches::new(open_packed(&path)?, schema, place.clone());
        batches.write(session).await?;
        if (batches.digest.rows, batches.digest.finish()) == (part.rows, part.sha256) {
            return Ok(());
        }
        Err(Error::Damaged {
            place,
            reason: "it changed while it was read".to_owned(),
            source: None,
        })
    }

    /// Removes what was written; what can't be removed is known as unfinished.
    fn undo(&self, to: &Path, was_there: bool) {
        let _ = fs::remove_dir_all(&self.private);
        if !was_there {
            let _ = fs::remove_dir(to);
        }
    }
}
