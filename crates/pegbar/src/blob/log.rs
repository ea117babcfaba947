//! The intake log: where the bytes of small images are durable before their blobs are flushed.
//!
//! Of many small images that come at once, the bytes are written into one file, one after the
//! other, and flushed together: one wait for the disk instead of several. Then they are put in
//! their places, and those are flushed later, all at once: when the log is full, or when the
//! process ends. Whatever is in its place is durable there or in a log.
//!
//! The log of a process that is gone is read by whoever opens the studio next: what a row or the
//! trash names and is not whole in its place is put there again.

mod left;

use std::collections::HashSet;
use std::fs::{self, File};
use std::io::{self, Seek as _, SeekFrom, Write as _};
use std::path::Path;
use std::sync::Arc;

use super::{BlobStore, sync_folder};
use crate::disk::whole::FileSystem;
use crate::error::{IoContext, Result};
use crate::hash::Sha256;
use crate::planted::{self, Planted};
pub(crate) use left::LeftLog;

/// The name of a log in the folder of its process.
pub(crate) const LOG: &str = "log";

/// The name of a file beside a log whose blobs could not be flushed.
const FAILED: &str = "failed";

/// The size of the file, in bytes. It is written once before it is used: a flush that changes
/// neither the size of a file nor its place on the disk is the cheapest.
const CAPACITY: usize = 4 << 20;

/// Larger images are written once, in bytes.
pub(super) const LARGEST: u64 = 64 << 10;

/// How many blobs wait at most to be flushed.
const MOST: usize = 1024;

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
        let mut prepare = || {
            file.write_all(&vec![0; CAPACITY]).at("writing", &path)?;
            file.sync_all().at("flushing", &path)?;
            folder.ancestors().take(3).try_for_each(sync_folder)
        };
        if let Err(error) = prepare() {
            // Others may need the room.
            fs::remove_file(&path).at("removing", &path)?;
            return Err(error);
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
        if !is_named(&self.file) {
            return Err(io::Error::other("somebody has removed the log"));
        }
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

/// Says whether a file has a name still.
fn is_named(file: &File) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt as _;
        file.metadata().is_ok_and(|found| found.nlink() > 0)
    }
    #[cfg(not(unix))]
    {
        let _ = file;
        true
    }
}

fn size_of_all(records: &[Record<'_>]) -> usize {
    let sizes = records.iter().map(|(_, bytes)| HEADER + bytes.len());
    sizes.sum()
}

impl BlobStore {
    /// Makes bytes durable in the log, and then does `place`, which puts them in their places: the
    /// log is not begun anew in between, as that would flush what is not there yet. `None` where
    /// they are not in the log, and are to be flushed in their places.
    pub(super) fn log<T>(&self, records: &[Record<'_>], place: impl FnOnce() -> T) -> Option<T> {
        if size_of_all(records) > CAPACITY {
            return None;
        }
        let mut logging = self.logging();
        if let Logging::Unused = *logging {
            let made = self.own_folder().and_then(|own| IntakeLog::create(&own));
            *logging = match made {
                Ok(Some(log)) => Logging::Open(log),
                _ => Logging::Without,
            };
        }
        let Logging::Open(log) = &mut *logging else {
            return None;
        };
        if !log.has_room(records) && !log.settle() {
            self.keep(&mut logging);
            return None;
        }
        if log.append(records).is_err() {
            self.give_up(&mut logging);
            return None;
        }
        Some(place())
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

    /// Uses the log no more; what it holds is flushed.
    fn give_up(&self, logging: &mut Logging) {
        if let Logging::Open(log) = logging
            && !log.settle()
        {
            return self.keep(logging);
        }
        *logging = Logging::Without;
    }

    /// Leaves the log, since what it holds can't be flushed, for whoever opens the studio next. To
    /// flush again tells nothing: the system may have given the bytes up.
    fn keep(&self, logging: &mut Logging) {
        *logging = Logging::Without;
        self.keep_workspace();
        if let Ok(own) = self.own_folder() {
            left::note_failure(&own);
        }
    }

    /// Flushes what only the log holds durably, at the end, and removes it.
    pub(super) fn settle(&self) {
        let mut logging = self.logging();
        if !matches!(*logging, Logging::Open(_)) {
            return;
        }
        self.give_up(&mut logging);
        if let (false, Ok(own)) = (self.is_workspace_kept(), self.own_folder()) {
            // While its lock is held: nobody takes it for left behind.
            let _ = fs::remove_file(own.join(LOG));
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    /// `None` where the file system is not flushed as a whole.
    fn log(folder: &Path) -> Option<IntakeLog> {
        Some(IntakeLog {
            file_system: Arc::new(FileSystem::of(folder)?),
            file: File::create_new(folder.join(LOG)).unwrap(),
            lap: 1,
            end: 0,
            waiting: HashSet::new(),
        })
    }

    fn texts(path: &Path) -> Vec<String> {
        let found = left::read(path).whole.into_iter();
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
        let path = folder.path().join(LOG);
        let Some(mut log) = log(folder.path()) else {
            return;
        };
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
        let path = folder.path().join(LOG);
        let Some(mut log) = log(folder.path()) else {
            return;
        };
        append(&mut log, &["one", "two"]);
        assert!(log.settle());
        append(&mut log, &["new"]);
        assert_eq!(texts(&path), ["new"]);
    }
}
