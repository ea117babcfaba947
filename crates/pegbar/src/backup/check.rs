//! Checking backups: every line and every byte hashed again.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, BufRead};
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::BackupSnapshot;
use super::files::SavedFile;
use super::manifest::{ListPart, Manifest};
use super::packed::Opened;
use super::place::{Place, blobs_file, files_file, open_packed, table_file};
use crate::blob::whole;
use crate::error::{Error, Result};
use crate::hash::Sha256;
use crate::parallel;
use crate::rows::Digest;
use crate::rows::load::Lines;
use crate::studio::Studio;

/// How many blobs are hashed before it is said how far it is.
const BATCH: usize = 256;

/// The longest line of a list of blobs or files, in bytes.
const MAX_LINE: u64 = 1 << 16;

/// How many flaws are listed.
const MAX_FLAWS: usize = 1000;

/// Something in a backup that is not what was written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct BackupFlaw {
    /// The file, relative to the backup's folder.
    #[serde(serialize_with = "crate::text::serialize_path")]
    pub path: PathBuf,
    /// What is wrong with it.
    pub reason: String,
}

/// What checking a backup found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct BackupVerifyReport {
    /// The snapshots that were checked, the oldest first.
    pub snapshots: Vec<BackupSnapshot>,
    /// How many blobs were hashed.
    pub blobs: u64,
    /// How many bytes those have together.
    pub bytes: u64,
    /// What is not what was written, the first thousand.
    pub flaws: Vec<BackupFlaw>,
    /// How many more there are.
    pub more_flaws: u64,
}

impl BackupVerifyReport {
    fn add(&mut self, path: PathBuf, reason: String) {
        if self.flaws.len() < MAX_FLAWS {
            self.flaws.push(BackupFlaw { path, reason });
        } else {
            self.more_flaws += 1;
        }
    }
}

/// What a snapshot lists.
#[derive(Default)]
pub(super) struct Lists {
    /// Blobs with their sizes; `false` for those that the studio had lost.
    pub(super) blobs: Vec<(Sha256, u64, bool)>,
    pub(super) files: Vec<SavedFile>,
}

impl Studio {
    /// Lists the snapshots of a backup folder, or of an archive, the oldest first.
    ///
    /// # Errors
    /// [`Error::Unavailable`] where there is no backup; [`Error::Damaged`] for a manifest that
    /// is not what was written; [`Error::Io`].
    pub fn list_backups(folder: impl AsRef<Path>) -> Result<Vec<BackupSnapshot>> {
        let Opened { place, .. } = &Opened::of(folder.as_ref(), folder.as_ref())?;
        let names = place.names()?.into_iter();
        let read = names.map(|name| {
            let manifest = Manifest::read(&place.snapshots().join(&name))?;
            Ok(manifest.snapshot(&name))
        });
        read.collect()
    }

    /// Hashes everything in a backup folder, or in an archive, again: the snapshot that is named, or all of them.
    /// `progress` is told how many blobs are done, of how many.
    ///
    /// # Errors
    /// [`Error::Unavailable`] where there is no backup or no such snapshot; [`Error::Io`] where
    /// it can't be looked at. What is wrong with it is no error, but in the report.
    pub fn verify_backup(
        folder: impl AsRef<Path>,
        snapshot: Option<&str>,
        mut progress: impl FnMut(u64, u64),
    ) -> Result<BackupVerifyReport> {
        let Opened { place, .. } = &Opened::of(folder.as_ref(), folder.as_ref())?;
        let names = match snapshot {
            Some(wanted) => vec![place.name_of(wanted)?],
            None => place.names()?,
        };
        let mut report = BackupVerifyReport::default();
        let mut blobs = BTreeMap::new();
        for name in names {
            let folder = place.snapshots().join(&name);
            match Manifest::read(&folder) {
                Ok(manifest) => {
                    let lists = check_lists(&folder, &manifest, &mut |path, reason| {
                        report.add(relative(place, path), reason);
                    });
                    let there = lists.blobs.iter().filter(|(_, _, is_there)| *is_there);
                    blobs.extend(there.map(|(sha256, size, _)| (*sha256, *size)));
                    let files = lists.files.iter();
                    blobs.extend(files.map(|file| (file.sha256, file.size)));
                    report.snapshots.push(manifest.snapshot(&name));
                }
                Err(error) => report.add(relative(place, &folder), error.to_string()),
            }
        }
        let blobs: Vec<(Sha256, u64)> = blobs.into_iter().collect();
        for batch in blobs.chunks(BATCH) {
            let found = parallel::each(batch, |(sha256, size)| {
                blob_flaw(&place.blob(*sha256), *sha256, *size)
            });
            for ((sha256, size), flaw) in batch.iter().zip(found) {
                report.blobs += 1;
                report.bytes += size;
                if let Some(reason) = flaw {
                    report.add(relative(place, &place.blob(*sha256)), reason);
                }
            }
            progress(report.blobs, blobs.len() as u64);
        }
        Ok(report)
    }
}

fn relative(place: &Place, path: &Path) -> PathBuf {
    path.strip_prefix(&place.root).unwrap_or(path).to_owned()
}

/// Says what is wrong with a blob of the backup.
fn blob_flaw(path: &Path, sha256: Sha256, size: u64) -> Option<String> {
    let is_link = fs::symlink_metadata(path).is_ok_and(|found| found.is_symlink());
    if is_link {
        return Some("it is a link".to_owned());
    }
    let file = match File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Some("it is missing".to_owned());
        }
        Err(error) => return Some(error.to_string()),
        Ok(file) => file,
    };
    match file.metadata() {
        Ok(found) if found.len() != size => {
            return Some(format!("it has {} bytes, not {size}", found.len()));
        }
        Err(error) => return Some(error.to_string()),
        Ok(_) => {}
    }
    match whole::hash(file) {
        Ok(found) if found == sha256 => None,
        Ok(found) => Some(format!("its bytes are others: their SHA-256 is {found}")),
        Err(error) => Some(error.to_string()),
    }
}

/// Reads what a snapshot consists of, to its end; says what is not what was written.
pub(super) fn check_lists(
    folder: &Path,
    manifest: &Manifest,
    flaw: &mut impl FnMut(&Path, String),
) -> Lists {
    for table in &manifest.tables {
        let path = table_file(folder, &table.name);
        let expected = Expected {
            lines: table.rows,
            bytes: Some(table.bytes),
            sha256: table.sha256,
        };
        if let Err(reason) = read_lines(&path, &expected, |_| Ok(())) {
            flaw(&path, reason);
        }
    }
    let mut lists = Lists::default();
    let path = blobs_file(folder);
    let read = read_lines(&path, &Expected::of(&manifest.blobs), |line| {
        lists.blobs.push(blob_line(line)?);
        Ok(())
    });
    if let Err(reason) = read {
        flaw(&path, reason);
    }
    let path = files_file(folder);
    let read = read_lines(&path, &Expected::of(&manifest.files), |line| {
        lists.files.push(SavedFile::from_line(line)?);
        Ok(())
    });
    if let Err(reason) = read {
        flaw(&path, reason);
    }
    lists
}

/// What a list should be.
struct Expected {
    lines: u64,
    bytes: Option<u64>,
    sha256: Sha256,
}

impl Expected {
    fn of(list: &ListPart) -> Self {
        Self {
            lines: list.count,
            bytes: None,
            sha256: list.sha256,
        }
    }
}

fn read_lines(
    path: &Path,
    expected: &Expected,
    mut each: impl FnMut(&str) -> Result<(), String>,
) -> Result<(), String> {
    let packed = open_packed(path).map_err(|error| describe(&error))?;
    // What unpacks to more than it should be is not unpacked.
    let limit = expected.bytes.unwrap_or(MAX_LINE);
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let mut lines = Lines::with_limit(packed, limit);
    let mut digest = Digest::default();
    while let Some(line) = next_line(&mut lines)? {
        digest.add(line, 1);
        let is_longer = expected.bytes.is_some_and(|bytes| digest.bytes > bytes);
        if digest.rows > expected.lines || is_longer {
            return Err("it is longer than the manifest says".to_owned());
        }
        let number = digest.rows;
        let text = std::str::from_utf8(line).map_err(|_| format!("line {number}: not UTF-8"))?;
        each(text.trim_end_matches('\n')).map_err(|reason| format!("line {number}: {reason}"))?;
    }
    if digest.rows < expected.lines {
        let (found, said) = (digest.rows, expected.lines);
        return Err(format!("it has {found} lines, not {said}"));
    }
    if digest.finish() != expected.sha256 {
        return Err("its lines are others: their SHA-256 is not that of the manifest".to_owned());
    }
    Ok(())
}

fn next_line<R: BufRead>(lines: &mut Lines<R>) -> Result<Option<&[u8]>, String> {
    lines.next().map_err(|error| error.to_string())
}

fn describe(error: &Error) -> String {
    match error {
        Error::Io { source, .. } => source.to_string(),
        error => error.to_string(),
    }
}

fn blob_line(line: &str) -> Result<(Sha256, u64, bool), String> {
    let mut words = line.split(' ');
    let (Some(sha256), Some(size)) = (words.next(), words.next()) else {
        return Err("it is no hash and size".to_owned());
    };
    let sha256 = sha256
        .parse::<Sha256>()
        .map_err(|error| error.to_string())?;
    let size = size.parse::<u64>().map_err(|error| error.to_string())?;
    match words.next() {
        None => Ok((sha256, size, true)),
        Some("absent") if words.next().is_none() => Ok((sha256, size, false)),
        Some(_) => Err("there is more on it than a hash and a size".to_owned()),
    }
}
