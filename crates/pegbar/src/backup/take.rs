//! Taking a backup: the rows of one state first, then the bytes that they name.

use std::fs::{self, File};
use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::write::GzEncoder;

use super::copy::{Copied, Copier};
use super::files::{self, Saved, SavedFile};
use super::manifest::{FORMAT, ListPart, Manifest, NAME, TablePart, VERSION};
use super::place::{Place, blobs_file, files_file, table_file};
use super::{AbsentBlob, BackupReport, BackupSnapshot, hold};
use crate::blob::sync_folder;
use crate::db::schema::{TableSchema, tables};
use crate::db::sql::{Sql, statements};
use crate::db::value::Value;
use crate::db::{Session, blocking, latest_version};
use crate::disk::{self, write_durably};
use crate::error::{Error, IoContext, Result};
use crate::hash::Sha256;
use crate::id::StoreId;
use crate::parallel;
use crate::rows::{Digest, Pages, line};
use crate::studio::{Studio, store_id};
use crate::time::MillisSinceEpoch;

statements! {
    OF_ASSETS = "SELECT sha256, max(file_size) FROM asset WHERE sha256 > $1 \
                 AND bytes_dropped_at IS NULL GROUP BY sha256 ORDER BY sha256 LIMIT 5000";
    OF_TRASH = "SELECT sha256, max(CAST(NULL AS {big})) FROM trash_blob WHERE sha256 > $1 \
                GROUP BY sha256 ORDER BY sha256 LIMIT 5000";
}

/// What a studio computes or has for itself: a restored one has its own.
pub(super) const COMPUTED: &[&str] = &["store", "view_file", "outbox"];

/// How many blobs are copied before it is said how far it is.
const BATCH: usize = 256;

/// How many things a report lists.
const MAX_LISTED: usize = 100;

/// How often the rows are read anew where bytes that they name have been purged meanwhile.
pub(super) const ATTEMPTS: u32 = 5;

/// Bytes that rows name; `size` as the rows say.
#[derive(Clone, Copy, Debug)]
pub(super) struct Named {
    pub(super) sha256: Sha256,
    pub(super) size: Option<u64>,
}

/// The rows of one state, written down.
pub(super) struct Dumped {
    pub(super) created_at: MillisSinceEpoch,
    store_id: StoreId,
    pub(super) tables: Vec<TablePart>,
    pub(super) named: Vec<Named>,
    pub(super) not_taken_in: u64,
}

/// What copying the blobs came to.
#[derive(Default)]
pub(super) struct Blobs {
    list: Vec<(Sha256, u64, bool)>,
    copied: u64,
    copied_bytes: u64,
    missing: Vec<AbsentBlob>,
    absent: u64,
    /// Those that the studio does not have at all.
    pub(super) gone: Vec<Sha256>,
}

impl Studio {
    /// Takes a backup of all that the studio has, while others work with it, into a folder that
    /// may hold earlier ones. Blobs that the folder has are known by name and size, and not
    /// read. The backup is there when the call returns, or not at all; an interrupted one
    /// leaves blobs that the next need not copy.
    ///
    /// Everything that was acknowledged before the call is in it. `progress` is told how many
    /// blobs are done, of how many.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a folder within the studio; [`Error::Conflict`] where the folder
    /// holds something else, or another backup is under way; [`Error::Unavailable`] where the
    /// store is not there; [`Error::Io`], [`Error::Database`]. Bytes that the studio has lost
    /// are no error: the report names them.
    pub async fn back_up(
        &self,
        target: impl AsRef<Path>,
        mut progress: impl FnMut(u64, u64) + Send,
    ) -> Result<BackupReport> {
        self.check_reachable().await?;
        self.refuse_own(target.as_ref())?;
        let place = Place::create(target.as_ref())?;
        let _alone = place.lock()?;
        place.remove_leftovers()?;
        let private = self.private_folder();
        let _held = hold::hold(&private).await?;
        let copier = Copier::new(place.root.join("blobs"), place.tmp())?;
        let mut sum = (0, 0);
        for _ in 0..ATTEMPTS {
            let partial = place.begin()?;
            let dumped = self.dump(&partial).await?;
            let blobs = self.copy_blobs(&copier, &dumped.named, &mut progress)?;
            sum.0 += blobs.copied;
            sum.1 += blobs.copied_bytes;
            if self.was_purged(&blobs.gone).await? {
                continue;
            }
            let known = files::known(&place);
            let files = blocking(|| files::save(&private, &copier, &known));
            blocking(|| copier.finish())?;
            let not_taken_in = dumped.not_taken_in;
            let manifest = self.manifest(&partial, dumped, &blobs, &files.saved)?;
            sync_folder(&partial.join("rows"))?;
            write_durably(&partial.join(NAME), manifest.to_text()?.as_bytes())?;
            let name = manifest.created_at.to_string().replace(':', "-");
            let (name, folder) = place.publish(&partial, &name)?;
            place.remove_leftovers()?;
            let report = blobs.report(manifest.snapshot(&name), files, not_taken_in);
            return Ok(BackupReport {
                folder,
                copied: sum.0,
                copied_bytes: sum.1,
                ..report
            });
        }
        place.remove_leftovers()?;
        Err(purged_each_time())
    }

    /// Writes the lists of a snapshot, and says of what it consists.
    pub(super) fn manifest(
        &self,
        partial: &Path,
        dumped: Dumped,
        blobs: &Blobs,
        files: &[SavedFile],
    ) -> Result<Manifest> {
        Ok(Manifest {
            format: FORMAT.to_owned(),
            version: VERSION,
            created_at: dumped.created_at,
            pegbar: env!("CARGO_PKG_VERSION").to_owned(),
            engine: self.engine(),
            schema_version: latest_version(),
            store_id: dumped.store_id,
            tables: dumped.tables,
            blobs: write_blob_list(partial, blobs)?,
            files: write_file_list(partial, files)?,
        })
    }

    pub(super) fn refuse_own(&self, target: &Path) -> Result<()> {
        let absolute = std::path::absolute(target).at("opening", target)?;
        let mut above = absolute.ancestors();
        let real = above.find_map(|folder| folder.canonicalize().ok());
        for own in [self.assets_folder(), self.private_folder()] {
            let own = own.canonicalize().ok();
            if let (Some(real), Some(own)) = (&real, own)
                && real.starts_with(own)
            {
                let reason = format!("{} is the studio's own; name another", target.display());
                return Err(Error::invalid("target", reason));
            }
        }
        Ok(())
    }

    /// Writes down the rows of one state.
    pub(super) async fn dump(&self, partial: &Path) -> Result<Dumped> {
        let folder = partial.join("rows");
        fs::create_dir_all(&folder).at("creating", &folder)?;
        let created_at = self.now();
        let mut session = self.database().snapshot().await?;
        let store = store_id(&mut session).await?;
        let store_id = store.ok_or_else(|| Error::Damaged {
            place: "the table store".to_owned(),
            reason: "it has no row".to_owned(),
            source: None,
        })?;
        let mut rows = Dumped {
            created_at,
            store_id,
            tables: Vec::new(),
            named: named(&mut session).await?,
            not_taken_in: 0,
        };
        for schema in tables(latest_version()) {
            if COMPUTED.contains(&schema.table.name) {
                continue;
            }
            let path = table_file(partial, schema.table.name);
            let part = dump_table(&mut session, schema, &path, &mut rows.not_taken_in).await?;
            rows.tables.push(part);
        }
        session.end().await?;
        Ok(rows)
    }

    fn copy_blobs(
        &self,
        copier: &Copier,
        named: &[Named],
        progress: &mut impl FnMut(u64, u64),
    ) -> Result<Blobs> {
        let store = self.blobs();
        let mut blobs = Blobs::default();
        let total = named.len() as u64;
        for batch in named.chunks(BATCH) {
            let outcomes = blocking(|| {
                parallel::each(batch, |blob| {
                    copier.copy(&store.path(blob.sha256), blob.sha256, blob.size)
                })
            });
            for (blob, outcome) in batch.iter().zip(outcomes) {
                blobs.add(*blob, outcome?, || {
                    let there = fs::metadata(store.path(blob.sha256));
                    there.map_or(0, |found| found.len())
                });
            }
            progress(blobs.list.len() as u64, total);
        }
        Ok(blobs)
    }

    /// Says whether bytes that are gone are named by no row any more: then the rows that were
    /// written down are too old.
    pub(super) async fn was_purged(&self, gone: &[Sha256]) -> Result<bool> {
        if gone.is_empty() {
            return Ok(false);
        }
        let named = named(&mut self.database().read().await?).await?;
        let is_named = |sha256: &Sha256| {
            named
                .binary_search_by_key(sha256, |blob| blob.sha256)
                .is_ok()
        };
        Ok(!gone.iter().all(is_named))
    }
}

impl Blobs {
    /// Says what became of it, with nothing copied before.
    pub(super) fn report(
        self,
        snapshot: BackupSnapshot,
        files: Saved,
        not_taken_in: u64,
    ) -> BackupReport {
        BackupReport {
            snapshot,
            folder: PathBuf::new(),
            copied: self.copied,
            copied_bytes: self.copied_bytes,
            missing: self.missing,
            files: files.saved.len() as u64,
            left_out: files.left_out,
            not_taken_in,
        }
    }

    /// Returns the blobs that were there.
    pub(super) fn there(&self) -> impl Iterator<Item = Sha256> {
        let there = self.list.iter().filter(|(_, _, is_there)| *is_there);
        there.map(|(sha256, _, _)| *sha256)
    }

    pub(super) fn add(&mut self, blob: Named, outcome: Copied, size: impl Fn() -> u64) {
        let sha256 = blob.sha256;
        let mut absent = |reason: String| {
            self.absent += 1;
            if self.missing.len() < MAX_LISTED {
                self.missing.push(AbsentBlob { sha256, reason });
            }
        };
        match outcome {
            Copied::Known => self
                .list
                .push((sha256, blob.size.unwrap_or_else(size), true)),
            Copied::New(bytes) => {
                self.copied += 1;
                self.copied_bytes += bytes;
                self.list.push((sha256, bytes, true));
            }
            Copied::Missing => {
                absent("the studio does not have it".to_owned());
                self.gone.push(sha256);
                self.list.push((sha256, blob.size.unwrap_or(0), false));
            }
            Copied::Altered(found) => {
                absent(format!(
                    "the studio has other bytes: their SHA-256 is {found}"
                ));
                self.list.push((sha256, blob.size.unwrap_or(0), false));
            }
        }
    }
}

pub(super) fn purged_each_time() -> Error {
    Error::Conflict {
        message: "bytes were purged while the backup was taken, each time again".to_owned(),
        hint: "wait until nobody purges, then run the command again".to_owned(),
    }
}

/// Returns the blobs that rows and trash name, in the order of their hashes: 40 bytes each.
async fn named(session: &mut Session) -> Result<Vec<Named>> {
    let mut all = named_by(session, &OF_ASSETS).await?;
    all.extend(named_by(session, &OF_TRASH).await?);
    // Where both name it, the asset knows the size.
    all.sort_by_key(|blob| (blob.sha256, blob.size.is_none()));
    all.dedup_by_key(|blob| blob.sha256);
    Ok(all)
}

async fn named_by(session: &mut Session, statement: &Sql) -> Result<Vec<Named>> {
    let mut after = String::new();
    let mut all = Vec::new();
    loop {
        let parameters = [Value::Text(after.as_str().into())];
        let page = session.query(statement, &parameters, |row| {
            Ok((
                row.at::<String>(0, "sha256")?,
                row.at::<Option<u64>>(1, "file_size")?,
            ))
        });
        let page = page.await?;
        let Some((last, _)) = page.last() else {
            return Ok(all);
        };
        after.clone_from(last);
        // What is no hash names no blob; `sync` and `adopt` say so.
        all.extend(page.iter().filter_map(|(text, size)| {
            let sha256 = text.parse().ok()?;
            Some(Named {
                sha256,
                size: *size,
            })
        }));
    }
}

type Packed = GzEncoder<BufWriter<File>>;

fn create_packed(path: &Path) -> Result<Packed> {
    let file = File::create(path).at("creating", path)?;
    Ok(GzEncoder::new(BufWriter::new(file), Compression::fast()))
}

fn finish_packed(packed: Packed, path: &Path) -> Result<()> {
    disk::flush(packed.finish().at("writing", path)?, path)
}

async fn dump_table(
    session: &mut Session,
    schema: &'static TableSchema,
    path: &Path,
    not_taken_in: &mut u64,
) -> Result<TablePart> {
    let is_asset = schema.table.name == "asset";
    let hash_column = schema.column("sha256").filter(|_| is_asset);
    let mut packed = create_packed(path)?;
    let mut digest = Digest::default();
    let mut pages = Pages::of(schema, None);
    let mut text = Vec::new();
    loop {
        let rows = pages.next(session).await?;
        if rows.is_empty() {
            break;
        }
        text.clear();
        for row in &rows {
            line::write(&mut text, schema, row);
            let is_open = hash_column.is_some_and(|place| row[place].text().is_none());
            *not_taken_in += u64::from(is_open);
        }
        digest.add(&text, rows.len() as u64);
        blocking(|| packed.write_all(&text)).at("writing", path)?;
    }
    blocking(|| finish_packed(packed, path))?;
    Ok(TablePart {
        name: schema.table.name.to_owned(),
        rows: digest.rows,
        bytes: digest.bytes,
        sha256: digest.finish(),
    })
}

fn write_blob_list(partial: &Path, blobs: &Blobs) -> Result<ListPart> {
    let lines = blobs.list.iter().map(|(sha256, size, is_there)| {
        let ending = if *is_there { "" } else { " absent" };
        Ok(format!("{sha256} {size}{ending}\n"))
    });
    let bytes = blobs.list.iter().map(|(_, size, _)| size).sum();
    write_list(&blobs_file(partial), lines, bytes, blobs.absent)
}

fn write_file_list(partial: &Path, files: &[SavedFile]) -> Result<ListPart> {
    let lines = files.iter().map(SavedFile::to_line);
    let bytes = files.iter().map(|file| file.size).sum();
    write_list(&files_file(partial), lines, bytes, 0)
}

fn write_list(
    path: &Path,
    lines: impl Iterator<Item = Result<String>>,
    bytes: u64,
    absent: u64,
) -> Result<ListPart> {
    let mut packed = create_packed(path)?;
    let mut digest = Digest::default();
    for line in lines {
        let line = line?;
        digest.add(line.as_bytes(), 1);
        packed.write_all(line.as_bytes()).at("writing", path)?;
    }
    finish_packed(packed, path)?;
    Ok(ListPart {
        count: digest.rows,
        bytes,
        absent,
        sha256: digest.finish(),
    })
}
