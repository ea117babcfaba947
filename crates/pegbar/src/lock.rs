//! Locks that processes hold on files.

use std::fs::{File, TryLockError};
use std::io;
use std::path::Path;

use crate::error::{IoContext, Result};

/// Waits until nobody else holds the lock on a file, which is created if need be; it is held
/// as long as the returned file is open.
pub(crate) async fn lock_file(path: &Path) -> Result<File> {
    let lock = File::create(path).at("creating", path)?;
    match lock.try_lock() {
        Ok(()) => return Ok(lock),
        Err(TryLockError::WouldBlock) => {}
        Err(TryLockError::Error(error)) => return Err(error).at("locking", path),
    }
    let wait = move || lock.lock().map(|()| lock);
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

/// Says whether somebody holds the lock on a file.
pub(crate) fn is_locked(path: &Path) -> bool {
    let tried = File::open(path).map(|lock| lock.try_lock());
    matches!(tried, Ok(Err(TryLockError::WouldBlock)))
}
