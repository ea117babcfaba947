//! Locks that processes hold on files.

use std::fs::{File, TryLockError};
use std::io;
use std::path::Path;

use crate::error::{IoContext, Result};

/// Waits until nobody else holds the lock on a file, which is created if need be; it is held
/// as long as the returned file is open.
pub(crate) async fn lock_file(path: &Path) -> Result<File> {
    wait_for(path, File::try_lock, File::lock).await
}

/// Waits until nobody holds the lock on a file alone, and holds it together with others who
/// share it, as long as the returned file is open.
pub(crate) async fn share_file(path: &Path) -> Result<File> {
    wait_for(path, File::try_lock_shared, File::lock_shared).await
}

/// Takes the lock on a file alone; `None` where somebody else holds it.
pub(crate) fn try_lock_file(path: &Path) -> Result<Option<File>> {
    let lock = open(path)?;
    let is_ours = tried(lock.try_lock(), path)?;
    Ok(is_ours.then_some(lock))
}

/// Says whether somebody holds the lock on a file alone.
pub(crate) fn is_locked(path: &Path) -> bool {
    let tried = File::open(path).map(|lock| lock.try_lock_shared());
    matches!(tried, Ok(Err(TryLockError::WouldBlock)))
}

async fn wait_for(
    path: &Path,
    attempt: impl FnOnce(&File) -> Result<(), TryLockError>,
    wait: impl FnOnce(&File) -> io::Result<()> + Send + 'static,
) -> Result<File> {
    let lock = open(path)?;
    if tried(attempt(&lock), path)? {
        return Ok(lock);
    }
    let wait = move || wait(&lock).map(|()| lock);
    let locked = match tokio::runtime::Handle::try_current() {
        // On another thread: whoever holds the lock may need this one to go on.
        Ok(runtime) => {
            let waited = runtime.spawn_blocking(wait).await;
            waited.map_err(io::Error::other).and_then(|locked| locked)
        }
        Err(_) => wait(),
    };
    locked.at("locking", path)
}

fn open(path: &Path) -> Result<File> {
    let mut options = File::options();
    options.create(true).append(true);
    options.open(path).at("creating", path)
}

fn tried(attempt: Result<(), TryLockError>, path: &Path) -> Result<bool> {
    match attempt {
        Ok(()) => Ok(true),
        Err(TryLockError::WouldBlock) => Ok(false),
        Err(TryLockError::Error(error)) => Err(error).at("locking", path),
    }
}
