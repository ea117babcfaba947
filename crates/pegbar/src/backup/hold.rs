//! Keeping blobs where they are while they are copied.
//!
//! Whoever copies blobs that a state of the database names holds `.pegbar/backup-lock`
//! together with others who do; whoever removes blobs takes it alone, and removes none while
//! somebody holds it.

use std::fs::File;
use std::path::Path;

use crate::error::{IoContext, Result};

const NAME: &str = "backup-lock";

/// Keeps sweepers from removing blobs as long as the returned file is open.
pub(crate) fn hold(private: &Path) -> Result<File> {
    let path = private.join(NAME);
    let lock = File::options()
        .create(true)
        .append(true)
        .open(&path)
        .at("creating", &path)?;
    // A sweeper holds it for the moment that it needs to move one batch aside.
    lock.lock_shared().at("locking", &path)?;
    Ok(lock)
}
