//! A backup as one file: a tar archive of a backup folder with one snapshot, its manifest last.

use std::collections::{HashMap, HashSet};
use std::fs::{self, File};
use std::io::{self, BufReader};
use std::path::{Path, PathBuf};

use super::copy::{Copied, Copier};
use super::files;
use super::manifest::NAME;
use super::place::{MARKER, Place, blobs_file, files_file, marker_text, table_file};
use super::take::{ATTEMPTS, Blobs, Dumped, purged_each_time};
use super::{BackupReport, hold};
use crate::archive::{ArchiveReader, ArchiveWriter, FileArchive, beside, put};
use crate::blob::{below, whole};
use crate::db::blocking;
use crate::error::{Error, IoContext, Result};
use crate::hash::Sha256;
use crate::studio::Studio;

impl Studio {
    /// Takes a backup into one file, as [`Studio::back_up`] does into a folder: a tar archive
    /// that unpacked is such a folder. The file is there when the call returns, or not at all.
    ///
    /// # Errors
    /// As [`Studio::back_up`]; [`Error::Conflict`] where the file is there.
    pub async fn back_up_archive(
        &self,
        file: impl AsRef<Path>,
        mut progress: impl FnMut(u64, u64) + Send,
    ) -> Result<BackupReport> {
        let file = file.as_ref();
        self.check_reachable().await?;
        self.refuse_own(file)?;
        if file.exists() {
            return Err(Error::Conflict {
                message: format!("{} is there already", file.display()),
                hint: "name another file: only a folder takes several backups".to_owned(),
            });
        }
        let _held = hold::hold(&self.private_folder()).await?;
        let partial = beside(file, "partial");
        let rows = Temporary(beside(file, "rows"));
        let written = self.pack(&partial, &rows.0, &mut progress).await;
        let placed = written.and_then(|mut report| {
            report.folder = put(&partial, file, false)?;
            Ok(report)
        });
        if placed.is_err() {
            // It was never there, or is in nobody's way.
            let _ = fs::remove_file(&partial);
        }
        placed
    }

    async fn pack(
        &self,
        partial: &Path,
        rows: &Path,
        progress: &mut impl FnMut(u64, u64),
    ) -> Result<BackupReport> {
        let private = self.private_folder();
        for _ in 0..ATTEMPTS {
            drop(Temporary(rows.to_owned()));
            let dumped = self.dump(rows).await?;
            let name = dumped.created_at.to_string().replace(':', "-");
            let below = format!("snapshots/{name}");
            let mut archive = ArchiveWriter::create(partial)?;
            let marker = marker_text();
            archive
                .add(MARKER, marker.as_bytes())
                .at("writing", partial)?;
            for table in &dumped.tables {
                let packed = format!("{below}/rows/{}.jsonl.gz", table.name);
                add_file(
                    &mut archive,
                    &packed,
                    &table_file(rows, &table.name),
                    partial,
                )?;
            }
            let blobs = blocking(|| self.pack_blobs(&mut archive, &dumped, partial, progress))?;
            if self.was_purged(&blobs.gone).await? {
                continue;
            }
            let copier = Copier::new(rows.join("blobs"), rows.join("tmp"))?;
            let saved = blocking(|| files::save(&private, &copier, &HashMap::new()));
            let mut there: HashSet<Sha256> = blobs.there().collect();
            for kept in &saved.saved {
                if there.insert(kept.sha256) {
                    let place = copier.place(kept.sha256);
                    add_file(&mut archive, &blob_name(kept.sha256), &place, partial)?;
                }
            }
            let not_taken_in = dumped.not_taken_in;
            let manifest = self.manifest(rows, dumped, &blobs, &saved.saved)?;
            for (name, path) in [
                ("blobs.txt.gz", blobs_file(rows)),
                ("files.jsonl.gz", files_file(rows)),
            ] {
                add_file(&mut archive, &format!("{below}/{name}"), &path, partial)?;
            }
            let text = manifest.to_text()?;
            let added = archive.add(&format!("{below}/{NAME}"), text.as_bytes());
            added.at("writing", partial)?;
            archive.finish_durably(partial)?;
            return Ok(blobs.report(manifest.snapshot(&name), saved, not_taken_in));
        }
        Err(purged_each_time())
    }

    fn pack_blobs(
        &self,
        archive: &mut FileArchive,
        dumped: &Dumped,
        partial: &Path,
        progress: &mut impl FnMut(u64, u64),
    ) -> Result<Blobs> {
        let mut blobs = Blobs::default();
        for (done, blob) in dumped.named.iter().enumerate() {
            let path = self.blobs().path(blob.sha256);
            let outcome = match File::open(&path) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => Copied::Missing,
                opened => {
                    let mut file = opened.at("reading", &path)?;
                    let size = file.metadata().at("looking at", &path)?.len();
                    let name = blob_name(blob.sha256);
                    let added = archive.add_with(&name, size, |to| whole::copy(&mut file, to));
                    // Other bytes are in it under this name, and the list says that they are not.
                    match added.at("writing", partial)? {
                        found if found == blob.sha256 => Copied::New(size),
                        found => Copied::Altered(found),
                    }
                }
            };
            blobs.add(*blob, outcome, || 0);
            progress(done as u64 + 1, dumped.named.len() as u64);
        }
        Ok(blobs)
    }
}

fn blob_name(sha256: Sha256) -> String {
    format!("blobs/{}", below(sha256))
}

fn add_file(archive: &mut FileArchive, name: &str, path: &Path, partial: &Path) -> Result<()> {
    let mut file = File::open(path).at("reading", path)?;
    let size = file.metadata().at("looking at", path)?.len();
    let added = archive.add_with(name, size, |to| io::copy(&mut file, to));
    added.map(drop).at("writing", partial)
}

/// A folder that goes when nobody needs it any more.
struct Temporary(PathBuf);

impl Drop for Temporary {
    fn drop(&mut self) {
        // It may not be there yet.
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// A backup that is read: a folder, or an archive that was unpacked into one.
pub(super) struct Opened {
    pub(super) place: Place,
    _unpacked: Option<Temporary>,
}

impl Opened {
    /// Opens it; an archive is unpacked beside `near`, until it is dropped.
    pub(super) fn of(path: &Path, near: &Path) -> Result<Self> {
        if !path.is_file() {
            return Ok(Self {
                place: Place::open(path)?,
                _unpacked: None,
            });
        }
        let folder = beside(&std::path::absolute(near).at("opening", near)?, "unpacked");
        let unpacked = Temporary(folder);
        blocking(|| unpack(path, &unpacked.0))?;
        Ok(Self {
            place: Place::open(&unpacked.0)?,
            _unpacked: Some(unpacked),
        })
    }
}

fn unpack(path: &Path, folder: &Path) -> Result<()> {
    let file = File::open(path).at("reading", path)?;
    let mut archive = ArchiveReader::new(BufReader::with_capacity(1 << 16, file));
    let damaged = |error: io::Error| match error.kind() {
        io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof => Error::Damaged {
            place: path.display().to_string(),
            reason: format!("it is no backup, or is not whole: {error}"),
            source: None,
        },
        _ => Error::Io {
            action: "reading",
            path: path.to_owned(),
            source: error,
        },
    };
    fs::create_dir(folder).at("creating", folder)?;
    while let Some(entry) = archive.next().map_err(damaged)? {
        let is_ours = entry.name == MARKER
            || entry.name.starts_with("blobs/")
            || entry.name.starts_with("snapshots/");
        // The names of an archive stay within the folder.
        let to = folder.join(&entry.name);
        if !is_ours || to.exists() {
            let reason = format!("{} does not belong here, or stands twice", entry.name);
            return Err(damaged(io::Error::new(io::ErrorKind::InvalidData, reason)));
        }
        let parent = to.parent().unwrap_or(folder);
        fs::create_dir_all(parent).at("creating", parent)?;
        let mut file = File::create_new(&to).at("writing", &to)?;
        io::copy(&mut archive.bytes(), &mut file).map_err(damaged)?;
    }
    Ok(())
}
