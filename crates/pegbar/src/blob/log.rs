//! The intake log: where the bytes of small images are durable before their blobs are flushed.
//!
//! Of many small images that come at once, the bytes are written into one file, one after the
//! other, and flushed together: one wait for the disk instead of several. Then they are put in
//! their places, and those are flushed later, all at once: when the log is full, or when the
//! process ends. Whatever is in its place is durable there or in a log.
//!
//! The log of a process that is gone is read by whoever opens the studio next: what a row or the
//! trash names and is not whole in its place is put there again.

use std::collections::HashSet;
use std::fs::{self, File};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::{BlobStore, sync_folder};
use crate::disk::whole::FileSystem;
use crate::error::{IoContext, Result};
use crate::hash::Sha256;
use crate::planted::{self, Planted};

/// The name of a log in the folder of its process.
pub(super) const LOG: &str = "log";

/// The size of the file, in bytes. It is written once before it is used: a flush that changes
/// neither the size of a file nor its place on the disk is the cheapest.
const CAPACITY: usize = 4 << 20;

/// Larger images are written once, in bytes.
pub(super) const LARGEST: u64 = 64 << 10;

/// How many blobs wait at most to be flushed.
const MOST: usize = 4096;

/// What a record begins with.
const MARK: [u8; 4] = *b"PgbL";

/// The mark, the size of the bytes, the lap, the hash.
const HEADER: usize = 4 + 4 + 8 + 32;

/// Bytes and their hash.
pub(super) type Record<'b> = (Sha256, &'b [u8]);

/// The log of this process.
pub(super) struct IntakeLog {
    file: File,
    /// Opened before any blob of the log was written.
    file_system: Arc<FileSystem>,
    /// How often it was begun anew; older records are none any more.
    lap: u64,
    end: usize,
    /// The blobs that are not flushed yet.
    waiting: HashSet<Sha256>,
}

/// Whether this process has a log.
#[derive(Default)]
pub(super) enum Logging {
    #[default]
    Unused,
    Open(IntakeLog),
    /// There can be none, or it failed: images are taken in without. The log before it failed
    /// stays where it is.
    Without,
}

impl IntakeLog {
    /// Makes a log; its name is durable then. `None` where the blobs could not be flushed
    /// together later, so that nothing would be gained.
    fn create(folder: &Path) -> Result<Option<Self>> {
        let Some(file_system) = FileSystem::of(folder) else {
            return Ok(None);
        };
        let path = folder.join(LOG);
        let mut file = File::create_new(&path).at("creating", &path)?;
        file.write_all(&vec![0; CAPACITY]).at("writing", &path)?;
        file.sync_all().at("flushing", &path)?;
        for folder in folder.ancestors().take(3) {
            sync_folder(folder)?;
        }
        Ok(Some(Self {
            file,
            file_system: Arc::new(file_system),
            lap: 1,
            end: 0,
            waiting: HashSet::new(),
        }))
    }

    /// Writes records and flushes them.
    fn append(&mut self, records: &[Record<'_>]) -> io::Result<()> {
        let mut bytes = Vec::with_capacity(size_of_all(records));
        for (sha256, content) in records {
            let length = u32::try_from(content.len()).map_err(io::Error::other)?;
            bytes.extend(MARK);
            bytes.extend(length.to_le_bytes());
            bytes.extend(self.lap.to_le_bytes());
            bytes.extend(sha256.0);
            bytes.extend(*content);
        }
        self.file.seek(SeekFrom::Start(self.end as u64))?;
        self.file.write_all(&bytes)?;
        if !planted::is(Planted::NoFsync) {
            self.file.sync_data()?;
        }
        self.end += bytes.len();
        self.waiting
            .extend(records.iter().map(|(sha256, _)| sha256));
        Ok(())
    }

    fn has_room(&self, records: &[Record<'_>]) -> bool {
        let most = if planted::is(Planted::SmallLog) {
            8
        } else {
            MOST
        };
        self.end + size_of_all(records) <= CAPACITY && self.waiting.len() + records.len() <= most
    }

    /// Flushes the blobs and their copies, and begins anew; says whether that is done.
    fn settle(&mut self) -> bool {
        if !self.waiting.is_empty() {
            if !self.file_system.flush_whatever_waits() {
                return false;
            }
            self.waiting.clear();
            self.lap += 1;
            self.end = 0;
        }
        true
    }
}

fn size_of_all(records: &[Record<'_>]) -> usize {
    let sizes = records.iter().map(|(_, bytes)| HEADER + bytes.len());
    sizes.sum()
}

/// Returns what a log holds, up to where a write was torn.
pub(super) fn read(path: &Path) -> Result<Vec<(Sha256, Vec<u8>)>> {
    let mut bytes = Vec::new();
    let read = File::open(path).and_then(|mut file| file.read_to_end(&mut bytes));
    read.at("reading", path)?;
    Ok(records(&bytes))
}

fn records(mut rest: &[u8]) -> Vec<(Sha256, Vec<u8>)> {
    let mut found = Vec::new();
    let mut lap = None;
    while let Some((record, of_lap)) = take(&mut rest) {
        if *lap.get_or_insert(of_lap) != of_lap {
            break;
        }
        found.push(record);
    }
    found
}

/// Takes the first record and its lap; `None` where there is none, or not all of it.
fn take(rest: &mut &[u8]) -> Option<((Sha256, Vec<u8>), u64)> {
    let after_mark = rest.strip_prefix(&MARK)?;
    let (length, after) = after_mark.split_first_chunk::<4>()?;
    let (lap, after) = after.split_first_chunk::<8>()?;
    let (sha256, after) = after.split_first_chunk::<32>()?;
    let length = usize::try_from(u32::from_le_bytes(*length)).ok()?;
    let (bytes, after) = after.split_at_checked(length)?;
    let sha256 = Sha256(*sha256);
    if Sha256::of(bytes) != sha256 {
        return None;
    }
    *rest = after;
    Some(((sha256, bytes.to_vec()), u64::from_le_bytes(*lap)))
}

impl BlobStore {
    /// Makes bytes durable in the log, and says whether they are. If not, they are to be flushed
    /// in their places.
    pub(super) fn log(&self, records: &[Record<'_>]) -> bool {
        if size_of_all(records) > CAPACITY {
            return false;
        }
        let mut logging = self.logging();
        if let Logging::Unused = *logging {
            let made = self.own_folder().and_then(|own| IntakeLog::create(&own));
            *logging = match made {
                Ok(Some(log)) => Logging::Open(log),
                // What was written of it goes with the folder.
                _ => Logging::Without,
            };
        }
        let Logging::Open(log) = &mut *logging else {
            return false;
        };
        let is_logged = (log.has_room(records) || log.settle()) && log.append(records).is_ok();
        if !is_logged {
            self.give_up(&mut logging);
        }
        is_logged
    }

    /// Says whether there is a log already: then it is worth while for few, too.
    pub(crate) fn is_logging(&self) -> bool {
        matches!(*self.logging(), Logging::Open(_))
    }

    /// Says that files with these bytes need not be flushed as long as the log is not begun
    /// anew; `None` where it does not hold all of them.
    pub(crate) fn cover(&self, mut blobs: impl Iterator<Item = Sha256>) -> Option<Cover> {
        match &*self.logging() {
            Logging::Open(log) => {
                blobs
                    .all(|sha256| log.waiting.contains(&sha256))
                    .then(|| Cover {
                        lap: log.lap,
                        file_system: log.file_system.clone(),
                    })
            }
            _ => None,
        }
    }

    /// Says whether files that have been written by now need not be flushed.
    pub(crate) fn still_covers(&self, cover: &Cover) -> bool {
        matches!(&*self.logging(), Logging::Open(log) if log.lap == cover.lap)
    }

    /// Uses the log no more. What it holds and can't be flushed stays there, for whoever opens
    /// the studio next.
    fn give_up(&self, logging: &mut Logging) {
        if let Logging::Open(mut log) = std::mem::replace(logging, Logging::Without)
            && !log.settle()
        {
            self.keep_workspace();
        }
    }

    /// Flushes what only the log holds durably, at the end.
    pub(super) fn settle(&self) {
        self.give_up(&mut self.logging());
    }

    /// Returns the hashes of the blobs that the logs of processes that are gone hold.
    pub(crate) fn left_in_logs(&self) -> Result<HashSet<Sha256>> {
        let mut all = HashSet::new();
        for log in self.left_logs()? {
            all.extend(log.read()?.into_iter().map(|(sha256, _)| sha256));
        }
        Ok(all)
    }

    /// Returns the logs of processes that are gone. Each is held as long as what is returned: so
    /// nobody else removes it meanwhile.
    pub(super) fn left_logs(&self) -> Result<Vec<LeftLog>> {
        let mut found = Vec::new();
        for workspace in self.workspaces()? {
            let path = workspace.folder.join(LOG);
            if workspace.is_live || !path.is_file() {
                continue;
            }
            let lock = workspace.folder.join(super::LOCK);
            let Ok(lock) = File::open(lock) else { continue };
            if lock.try_lock().is_ok() {
                found.push(LeftLog { path, _lock: lock });
            }
        }
        Ok(found)
    }
}

/// What a log holds beside blobs: copies of them, on the same file system.
pub(crate) struct Cover {
    lap: u64,
    file_system: Arc<FileSystem>,
}

impl Cover {
    /// Says whether a file lies where the log flushes.
    pub(crate) fn has(&self, file: &File) -> bool {
        self.file_system.has(file)
    }
}

/// The log of a process that is gone.
pub(crate) struct LeftLog {
    path: PathBuf,
    _lock: File,
}

impl LeftLog {
    /// Removes it: all that it holds is durable elsewhere, or needed by nobody.
    pub(crate) fn remove(self) -> Result<()> {
        fs::remove_file(&self.path).at("removing", &self.path)
    }

    pub(super) fn read(&self) -> Result<Vec<(Sha256, Vec<u8>)>> {
        read(&self.path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log(folder: &Path) -> IntakeLog {
        IntakeLog {
            file: File::create_new(folder.join(LOG)).unwrap(),
            file_system: Arc::new(FileSystem::of(folder).unwrap()),
            lap: 1,
            end: 0,
            waiting: HashSet::new(),
        }
    }

    fn texts(path: &Path) -> Vec<String> {
        let found = read(path).unwrap().into_iter();
        let texts = found.map(|(_, bytes)| String::from_utf8(bytes).unwrap());
        texts.collect()
    }

    fn append(log: &mut IntakeLog, texts: &[&str]) {
        let records: Vec<Record<'_>> = texts
            .iter()
            .map(|text| (Sha256::of(text.as_bytes()), text.as_bytes()))
            .collect();
        log.append(&records).unwrap();
    }

    #[test]
    fn records_are_read_up_to_where_a_write_was_torn() {
        let folder = tempfile::tempdir().unwrap();
        if FileSystem::of(folder.path()).is_none() {
            return;
        }
        let path = folder.path().join(LOG);
        let mut log = log(folder.path());
        append(&mut log, &["one", ""]);
        append(&mut log, &["three"]);
        assert_eq!(texts(&path), ["one", "", "three"]);
        let whole = fs::read(&path).unwrap();
        for length in 0..whole.len() {
            fs::write(&path, &whole[..length]).unwrap();
            let count = texts(&path).len();
            let ends = [HEADER + 3, 2 * HEADER + 3, 3 * HEADER + 8];
            assert_eq!(count, ends.iter().filter(|end| **end <= length).count());
            // Or the rest of it is nothing.
            let mut zeroed = whole.clone();
            zeroed[length..].fill(0);
            fs::write(&path, zeroed).unwrap();
            assert_eq!(texts(&path).len(), count);
        }
    }

    #[test]
    fn what_was_before_the_last_lap_is_no_record() {
        let folder = tempfile::tempdir().unwrap();
        if FileSystem::of(folder.path()).is_none() {
            return;
        }
        let path = folder.path().join(LOG);
        let mut log = log(folder.path());
        append(&mut log, &["one", "two"]);
        assert!(log.settle());
        append(&mut log, &["new"]);
        assert_eq!(texts(&path), ["new"]);
    }
}
