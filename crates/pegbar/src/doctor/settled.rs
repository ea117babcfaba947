//! Looking at the view while nobody works on it: what is wrong then is wrong.

use std::collections::BTreeSet;
use std::fs::{File, TryLockError};
use std::io;
use std::time::Duration;

use super::Ward;
use crate::error::{Error, IoContext, Result};

const BETWEEN_TRIES: Duration = Duration::from_millis(20);

/// Nobody changes the view as long as this is held.
pub(super) struct Settled {
    /// What an interrupted run left on its way: that is said once, not of each file.
    pub(super) interrupted: BTreeSet<String>,
    _lock: Option<File>,
}

impl Settled {
    /// Says whether an interrupted run left files of a project on their way.
    pub(super) fn is_interrupted(&self, project: &str) -> bool {
        let mut paths = self.interrupted.iter();
        paths.any(|path| {
            path.strip_prefix(project)
                .is_some_and(|rest| rest.starts_with('/'))
        })
    }
}

/// Waits until nobody works on the view; `None` where somebody did for long. Creates nothing, and
/// reads the lock only, so that it works where nothing can be written.
pub(super) async fn settle(ward: &Ward) -> Result<Option<Settled>> {
    let view = ward.studio.view();
    let place = view.lock();
    let lock = match File::open(&place) {
        // Nobody ever worked on it.
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        opened => Some(opened.at("opening", &place)?),
    };
    if let Some(lock) = &lock {
        let wait = async {
            loop {
                match lock.try_lock_shared() {
                    Ok(()) => return Ok::<(), Error>(()),
                    Err(TryLockError::WouldBlock) => tokio::time::sleep(BETWEEN_TRIES).await,
                    Err(TryLockError::Error(error)) => return Err(error).at("locking", &place),
                }
            }
        };
        match tokio::time::timeout(ward.options.patience, wait).await {
            Ok(locked) => locked?,
            Err(_) => return Ok(None),
        }
    }
    Ok(Some(Settled {
        interrupted: view.interrupted_paths()?,
        _lock: lock,
    }))
}
