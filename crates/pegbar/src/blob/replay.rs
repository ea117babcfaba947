//! Putting blobs back that only the intake log of a process that is gone has durably.

use std::fs::{self, File};

use super::log::LeftLog;
use super::{BlobStore, whole};
use crate::db::blocking;
use crate::db::sql::statements;
use crate::db::value::Value;
use crate::disk::whole::FileSystem;
use crate::error::{IoContext, Result};
use crate::hash::Sha256;
use crate::lock::lock_file;
use crate::planted::{self, Planted};
use crate::studio::Studio;
use crate::trash::named_blobs;

/// How many blobs are asked for at once.
const PAGE: usize = 200;

statements! {
    COPIES = "SELECT path FROM view_file WHERE sha256 {in $1} ORDER BY path";
}

impl Studio {
    /// Puts blobs back that a process which is gone had not flushed when the power went, has
    /// their copies in the view looked at, and removes its log. A log that this can't be done
    /// with stays, and the others are done.
    pub(crate) async fn replay_logs(&self) -> Result<()> {
        if planted::is(Planted::ForgetsLog) || !self.blobs().has_left_logs() {
            return Ok(());
        }
        // Who comes second sees what the first has put back.
        let _turn = lock_file(&self.private_folder().join("replay-lock")).await?;
        let mut failed = None;
        for log in blocking(|| self.blobs().left_logs())? {
            if let Err(error) = self.replay(log).await {
                failed.get_or_insert(error);
            }
        }
        failed.map_or(Ok(()), Err)
    }

    async fn replay(&self, log: LeftLog) -> Result<()> {
        let records = blocking(|| log.read());
        // First: as long as what is there may be in memory only, that it is whole says nothing.
        let file_system = FileSystem::of(self.blobs().folder());
        let is_flushed = || file_system.is_some_and(|all| all.flush_whatever_waits());
        let is_believed = !log.has_failed() && blocking(is_flushed);
        if !is_believed {
            log.fail();
        }
        for page in records.whole.chunks(PAGE) {
            let hashes: Vec<Sha256> = page.iter().map(|(sha256, _)| *sha256).collect();
            // Nobody names or removes blobs meanwhile.
            let mut session = self.database().write().await?;
            session.sweep_blobs().await?;
            let named = named_blobs(&mut session, &hashes).await?;
            let is_named = |sha256| named.contains(&sha256);
            let done = blocking(|| self.blobs().put_logged(page, is_believed, is_named));
            session.commit().await?;
            done?;
            self.look_at_copies(&hashes, is_believed).await?;
        }
        if let Some(error) = records.failed {
            return Err(error);
        }
        blocking(|| log.remove())
    }

    /// Has the files of the view that have these bytes looked at when it is brought up to date.
    async fn look_at_copies(&self, blobs: &[Sha256], is_believed: bool) -> Result<()> {
        let _paused = self.view().pause().await?;
        let paths = self.copies_of(blobs).await?;
        blocking(|| {
            self.view().leave_interrupted(&paths)?;
            if !is_believed {
                self.view().remove_copies(&paths, self.blobs())?;
            }
            Ok(())
        })
    }

    /// Returns the paths of the files of the view that have these bytes.
    pub(crate) async fn copies_of(&self, blobs: &[Sha256]) -> Result<Vec<String>> {
        let mut session = self.database().read().await?;
        let mut paths = Vec::new();
        for page in blobs.chunks(PAGE) {
            let texts: Vec<String> = page.iter().map(ToString::to_string).collect();
            let found = session
                .query(&COPIES, &[Value::Texts(&texts)], |row| {
                    row.at::<String>(0, "view_file.path")
                })
                .await?;
            paths.extend(found);
        }
        Ok(paths)
    }
}

impl BlobStore {
    /// Puts those back that are named and not whole, or not believed to be. Of others, what a power
    /// cut has left of them goes.
    fn put_logged(
        &self,
        records: &[(Sha256, Vec<u8>)],
        is_believed: bool,
        is_named: impl Fn(Sha256) -> bool,
    ) -> Result<()> {
        let batch = self.batch();
        for (sha256, bytes) in records {
            let path = self.path(*sha256);
            // What can't be read is not whole.
            let is_whole = whole::has_bytes(&path, bytes).unwrap_or(false);
            if is_whole {
                if !is_believed && is_named(*sha256) {
                    batch.replace_bytes(*sha256, bytes)?;
                }
                continue;
            }
            let found = File::open(&path);
            if found.is_ok_and(|found| whole::is_torn(found, &bytes[..]).unwrap_or(false)) {
                fs::remove_file(&path).at("removing", &path)?;
            }
            if is_named(*sha256) {
                batch.place_bytes(*sha256, bytes)?;
            }
        }
        batch.finish()
    }
}
