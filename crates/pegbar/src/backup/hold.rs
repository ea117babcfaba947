//! Keeping blobs where they are while they are copied.
//!
//! Whoever copies blobs that a state of the database names holds `.pegbar/backup-lock`
//! together with others who do; whoever removes blobs takes it alone, and removes none while
//! somebody holds it.

use std::fs::{File, TryLockError};
use std::path::Path;

use crate::error::{IoContext, Result};

const NAME: &str = "backup-lock";

fn open(path: &Path) -> Result<File> {
    let mut options = File::options();
    options.create(true).append(true);
    options.open(path).at("creating", path)
}

/// Keeps sweepers from removing blobs as long as the returned file is open.
pub(crate) fn hold(private: &Path) -> Result<File> {
    let path = private.join(NAME);
    let lock = open(&path)?;
    // A sweeper holds it for the moment that it needs to move one batch aside.
    lock.lock_shared().at("locking", &path)?;
    Ok(lock)
}

/// Keeps backups from beginning as long as the returned file is open; `None` where blobs are
/// being copied, and none may be removed.
pub(crate) fn alone(private: &Path) -> Result<Option<File>> {
    let path = private.join(NAME);
    let lock = open(&path)?;
    match lock.try_lock() {
        Ok(()) => Ok(Some(lock)),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) => Err(error).at("locking", &path),
    }
}
