//! Keeping blobs where they are while they are copied.
//!
//! Whoever copies blobs that a state of the database names holds `.pegbar/backup-lock`
//! together with others who do; whoever removes blobs takes it alone, and removes none while
//! somebody holds it.

use std::fs::File;
use std::path::Path;

use crate::error::Result;
use crate::lock::{share_file, try_lock_file};

const NAME: &str = "backup-lock";

/// Keeps sweepers from removing blobs as long as the returned file is open.
pub(crate) async fn hold(private: &Path) -> Result<File> {
    // A sweeper holds it for the moment that it needs to move one batch aside.
    share_file(&private.join(NAME)).await
}

/// Keeps backups from beginning as long as the returned file is open; `None` where blobs are
/// being copied, and none may be removed.
pub(crate) fn alone(private: &Path) -> Result<Option<File>> {
    try_lock_file(&private.join(NAME))
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;
    use std::time::Duration;

    use super::*;

    #[test]
    fn who_waits_for_a_sweeper_lets_it_go_on_although_there_is_one_thread() {
        let (send, done) = mpsc::channel();
        std::thread::spawn(move || {
            let folder = tempfile::tempdir().unwrap();
            let private = folder.path();
            let sweeping = alone(private).unwrap().unwrap();
            let runtime = tokio::runtime::Builder::new_current_thread()
                .build()
                .unwrap();
            let sweep = async {
                tokio::task::yield_now().await;
                drop(sweeping);
            };
            let (held, ()) = runtime.block_on(async { tokio::join!(hold(private), sweep) });
            let held = held.unwrap();
            assert!(alone(private).unwrap().is_none());
            let _together = runtime.block_on(hold(private)).unwrap();
            drop(held);
            assert!(alone(private).unwrap().is_none());
            send.send(()).unwrap();
        });
        done.recv_timeout(Duration::from_secs(30)).unwrap();
    }
}
