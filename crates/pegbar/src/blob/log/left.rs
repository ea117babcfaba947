//! The logs of processes that are gone.

use std::collections::HashSet;
use std::fs::{self, File, TryLockError};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use super::{FAILED, LOG, MARK};
use crate::blob::{BlobStore, LOCK};
use crate::error::{IoContext, Result};
use crate::hash::Sha256;

/// How often the lock of a log is tried that somebody looks at, whether it is held.
const TRIES: u32 = 1000;
/// How long is waited in between.
const BETWEEN: Duration = Duration::from_millis(2);

/// The log of a process that is gone, kept from everybody else as long as this is there.
pub(crate) struct LeftLog {
    folder: PathBuf,
    _lock: File,
}

/// What a log holds.
pub(crate) struct Records {
    pub(crate) whole: Vec<(Sha256, Vec<u8>)>,
    /// Why not all of it could be read.
    pub(crate) failed: Option<crate::error::Error>,
}

impl LeftLog {
    /// Takes the log in the folder of a process; `None` where there is none, or the process is
    /// there.
    fn take(folder: PathBuf) -> Result<Option<Self>> {
        let path = folder.join(LOCK);
        let lock = match File::open(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            lock => lock.at("opening", &path)?,
        };
        for _ in 0..TRIES {
            match lock.try_lock() {
                Ok(()) => {
                    let is_there = is_still_at(&lock, &path) && folder.join(LOG).is_file();
                    return Ok(is_there.then_some(Self {
                        folder,
                        _lock: lock,
                    }));
                }
                Err(TryLockError::Error(error)) => return Err(error).at("locking", &path),
                // Its process holds it alone. Who only looks whether it does shares it, for a
                // moment.
                Err(TryLockError::WouldBlock) => {
                    if let Err(TryLockError::WouldBlock) = lock.try_lock_shared() {
                        return Ok(None);
                    }
                    let _ = lock.unlock();
                    thread::sleep(BETWEEN);
                }
            }
        }
        Ok(None)
    }

    /// Reads what it holds, up to where a write was torn.
    pub(crate) fn read(&self) -> Records {
        read(&self.folder.join(LOG))
    }

    /// Says whether what it holds could not be flushed once: of such files nothing is believed,
    /// since they may be whole in memory only.
    pub(crate) fn has_failed(&self) -> bool {
        self.folder.join(FAILED).exists()
    }

    /// Remembers that.
    pub(crate) fn fail(&self) {
        note_failure(&self.folder);
    }

    /// Removes it: all that it holds is durable elsewhere, or needed by nobody.
    pub(crate) fn remove(self) -> Result<()> {
        let path = self.folder.join(LOG);
        match fs::remove_file(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            removed => removed.at("removing", &path),
        }
    }
}

/// Notes beside a log that what it holds could not be flushed. Where that fails, too, there is no
/// more to be done.
pub(super) fn note_failure(folder: &Path) {
    let _ = File::create(folder.join(FAILED));
}

/// Says whether a path still leads to an open file.
fn is_still_at(file: &File, path: &Path) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt as _;
        let numbers = |found: fs::Metadata| (found.dev(), found.ino());
        let (open, there) = (
            file.metadata().map(numbers),
            fs::metadata(path).map(numbers),
        );
        matches!((open, there), (Ok(open), Ok(there)) if open == there)
    }
    #[cfg(not(unix))]
    {
        let _ = file;
        path.exists()
    }
}

pub(super) fn read(path: &Path) -> Records {
    let mut bytes = Vec::new();
    let read = File::open(path).and_then(|mut file| file.read_to_end(&mut bytes));
    Records {
        whole: records(&bytes),
        failed: read.at("reading", path).err(),
    }
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
    /// Says whether a process that is gone has left a log.
    pub(crate) fn has_left_logs(&self) -> bool {
        let folders = self.folders_of_processes();
        folders.iter().any(|folder| folder.join(LOG).exists())
    }

    /// Returns the logs of processes that are gone.
    pub(crate) fn left_logs(&self) -> Result<Vec<LeftLog>> {
        let folders = self.folders_of_processes().into_iter();
        let logs = folders.filter(|folder| folder.join(LOG).exists());
        logs.filter_map(|folder| LeftLog::take(folder).transpose())
            .collect()
    }

    /// Returns the hashes of the blobs that the logs of processes that are gone hold, as far as
    /// they can be read.
    pub(crate) fn left_in_logs(&self) -> HashSet<Sha256> {
        let workspaces = self.workspaces().unwrap_or_default().into_iter();
        let left = workspaces.filter(|workspace| !workspace.is_live);
        let logs = left.map(|workspace| workspace.folder.join(LOG));
        let records = logs
            .filter(|log| log.is_file())
            .flat_map(|log| read(&log).whole);
        records.map(|(sha256, _)| sha256).collect()
    }

    /// Returns the folders of all processes, also where they were before the blobs were moved to
    /// another disk.
    fn folders_of_processes(&self) -> Vec<PathBuf> {
        let places = HashSet::from([self.tmp(), self.private.join("tmp")]);
        let entries = places.into_iter().filter_map(|tmp| fs::read_dir(tmp).ok());
        let entries = entries.flatten().filter_map(io::Result::ok);
        entries.map(|entry| entry.path()).collect()
    }
}
