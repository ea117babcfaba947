//! Blobs that were taken in and never named: uploads that nobody used, and what a crash left.

use std::collections::BTreeSet;

use super::sweep::{named, read_hash, texts};
use crate::blob::FoundBlob;
use crate::db::blocking;
use crate::db::sql::statements;
use crate::db::value::Value;
use crate::error::Result;
use crate::hash::Sha256;
use crate::studio::Studio;

/// How many blobs are asked for at once.
const PAGE: usize = 1000;

statements! {
    RELEASE = "INSERT INTO released_blob (sha256, released_at) VALUES ($1, $2) \
               ON CONFLICT (sha256) DO NOTHING";
    RELEASED = "SELECT sha256 FROM released_blob WHERE sha256 {in $1}";
}

impl Studio {
    /// Notes the blobs that neither a row nor the trash names as released, at the time when they
    /// were last taken in; returns how many there are that were not noted before. The sweeper
    /// asks again before it removes one.
    pub(super) async fn release_unnamed(&self, dry_run: bool) -> Result<u64> {
        self.check_store().await?;
        let mut count = 0;
        for prefix in 0..=u8::MAX {
            let found = blocking(|| self.blobs().list(prefix))?;
            for page in found.chunks(PAGE) {
                let unnamed = self.unnamed_of(page).await?;
                count += unnamed.len() as u64;
                if dry_run || unnamed.is_empty() {
                    continue;
                }
                let mut session = self.database().write().await?;
                for blob in unnamed {
                    let sha256 = blob.sha256.to_string();
                    // A time to come is none: the clock was wrong, or somebody set it.
                    let taken_in = Value::Time(blob.taken_in.min(self.now()));
                    let parameters = [Value::from(sha256.as_str()), taken_in];
                    session.execute(&RELEASE, &parameters).await?;
                }
                session.commit().await?;
            }
        }
        Ok(count)
    }

    /// Returns those that nothing names and that are not released.
    async fn unnamed_of<'b>(&self, page: &'b [FoundBlob]) -> Result<Vec<&'b FoundBlob>> {
        let hashes: Vec<Sha256> = page.iter().map(|blob| blob.sha256).collect();
        let mut session = self.database().read().await?;
        let named = named(&mut session, &hashes).await?;
        let hashes = texts(&hashes);
        let parameters = [Value::Texts(&hashes)];
        let released = session.query(&RELEASED, &parameters, read_hash).await?;
        let released: BTreeSet<Sha256> = released.into_iter().collect();
        let is_known =
            |blob: &&FoundBlob| named.contains(&blob.sha256) || released.contains(&blob.sha256);
        Ok(page.iter().filter(|blob| !is_known(blob)).collect())
    }
}
