//! Removing blobs that nothing names any more, safe against whoever writes at the same time.
//!
//! The sweeper works alone: within a transaction that no other change of blobs' names is beside
//! (on SQLite there is one writer; on PostgreSQL it holds an advisory lock alone that whoever
//! names blobs holds together with others). In it, it asks again whether a row or the trash names
//! the blob, and moves it aside, into `.pegbar/trash`; after the commit it removes it. Whoever
//! names blobs looks, once its own transaction is beside no sweeper, whether they are there still,
//! and puts back or stores again what is not ([`ensure_named`]). So neither needs to know when the
//! other began, and a crash at any point leaves a blob that is aside and that no row names, or
//! one that a row names and the next opening puts back.

use std::collections::{BTreeSet, HashMap};
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use crate::asset::ImageSource;
use crate::backup::hold;
use crate::blob::{BlobStore, sync_folder};
use crate::db::sql::statements;
use crate::db::value::Value;
use crate::db::{Session, blocking};
use crate::error::{Error, IoContext, Result};
use crate::hash::Sha256;
use crate::planted::{self, Planted};
use crate::studio::Studio;
use crate::time::MillisSinceEpoch;

/// How many blobs one transaction of the sweeper looks at.
const BATCH: usize = 200;

/// How many names of blobs are read at once.
const PAGE: usize = 1000;

/// With more missing blobs than this, and than a fifth of all, nothing is swept: it is more
/// likely that they are elsewhere.
const MANY_MISSING: u64 = 10;

statements! {
    RELEASED = "SELECT sha256 FROM released_blob WHERE sha256 > $1 AND released_at <= $2 \
                ORDER BY sha256 LIMIT $3";
    COUNT_RELEASED = "SELECT count(*) FROM released_blob";
    // One statement: what moves from a row to the trash or back is never seen in neither.
    NAMED = "SELECT a.sha256 FROM asset a WHERE a.sha256 {in $1} AND a.bytes_dropped_at IS NULL \
             UNION SELECT t.sha256 FROM trash_blob t WHERE t.sha256 {in $1}";
    // The view has not followed yet: by its bytes it knows its own files from foreign ones.
    IN_VIEW = "SELECT DISTINCT sha256 FROM view_file WHERE sha256 {in $1}";
    EVERY_NAME = "SELECT DISTINCT sha256 FROM asset WHERE sha256 > $1 \
                  AND bytes_dropped_at IS NULL ORDER BY sha256 LIMIT $2";
    FORGET = "DELETE FROM released_blob WHERE sha256 {in $1}";
}

/// What the sweeper did.
#[derive(Debug, Default)]
pub(super) struct Swept {
    pub(super) blobs: u64,
    pub(super) bytes: u64,
    /// Blobs that nothing names, and that were named or taken in too recently.
    pub(super) waiting: u64,
}

pub(super) fn read_hash(row: &crate::db::value::Row<'_>) -> Result<Sha256> {
    row.at(0, "sha256")
}

pub(super) fn texts(hashes: &[Sha256]) -> Vec<String> {
    hashes.iter().map(ToString::to_string).collect()
}

/// Returns which of these blobs a row or the trash names.
pub(crate) async fn named(session: &mut Session, hashes: &[Sha256]) -> Result<BTreeSet<Sha256>> {
    let texts = texts(hashes);
    let parameters = [Value::Texts(&texts)];
    let found = session.query(&NAMED, &parameters, read_hash).await?;
    Ok(found.into_iter().collect())
}

/// Makes sure that the store has the blobs that rows of this transaction name, whatever a sweeper
/// has done since they were stored: puts back or stores again what is not there. `sources` has
/// what they were stored from, where that is known.
pub(crate) async fn ensure_named(
    session: &mut Session,
    studio: &Studio,
    hashes: impl IntoIterator<Item = Sha256>,
    sources: &HashMap<Sha256, ImageSource>,
) -> Result<()> {
    session.name_blobs().await?;
    if planted::is(Planted::NoLookWhenNaming) {
        return Ok(());
    }
    let blobs = studio.blobs();
    blocking(|| {
        let batch = blobs.batch();
        let mut looked_at = BTreeSet::new();
        for sha256 in hashes {
            // Opened: of a folder that several machines share, one may remember what was there.
            let is_there = !looked_at.insert(sha256) || File::open(blobs.path(sha256)).is_ok();
            if is_there || blobs.put_back(sha256)? {
                continue;
            }
            let source = sources.get(&sha256).ok_or_else(|| swept(sha256))?;
            let stored = batch.store(source)?;
            if stored.sha256() != sha256 {
                return Err(swept(sha256));
            }
        }
        batch.finish()
    })
}

fn swept(sha256: Sha256) -> Error {
    Error::Conflict {
        message: format!(
            "the bytes {sha256} were taken in and not used, and a purge has removed them since"
        ),
        hint: "send them again; nothing was changed".to_owned(),
    }
}

impl BlobStore {
    /// Where blobs are that the sweeper has moved aside, on the disk that they were on.
    fn aside(&self) -> PathBuf {
        self.beside_blobs("trash")
    }

    /// Puts a blob back that the sweeper has moved aside; says whether it is in its place then.
    fn put_back(&self, sha256: Sha256) -> Result<bool> {
        let aside = self.aside().join(sha256.to_string());
        let place = self.path(sha256);
        let folder = place.parent().unwrap_or(&place);
        if !aside.exists() {
            return Ok(false);
        }
        fs::create_dir_all(folder).at("creating", folder)?;
        match fs::rename(&aside, &place) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(place.exists()),
            renamed => renamed.at("putting back", &place)?,
        }
        sync_folder(folder)?;
        sync_folder(&self.aside())?;
        Ok(true)
    }

    /// Moves a blob aside; returns its size, or `None` where there is none or it was taken in
    /// after `latest`.
    fn move_aside(&self, sha256: Sha256, latest: MillisSinceEpoch) -> Result<Aside> {
        let place = self.path(sha256);
        let found = match fs::metadata(&place) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Aside::Missing),
            found => found.at("looking at", &place)?,
        };
        let modified = found.modified().ok();
        let modified = modified.and_then(|time| time.duration_since(std::time::UNIX_EPOCH).ok());
        let modified = modified.and_then(|since| i64::try_from(since.as_millis()).ok());
        if modified.is_some_and(|modified| modified > latest.0) {
            return Ok(Aside::Recent);
        }
        let aside = self.aside();
        fs::create_dir_all(&aside).at("creating", &aside)?;
        fs::rename(&place, aside.join(sha256.to_string())).at("moving aside", &place)?;
        Ok(Aside::Moved(found.len()))
    }

    /// Returns the blobs that a sweeper has moved aside and neither removed nor put back.
    fn left_aside(&self) -> Result<Vec<Sha256>> {
        let aside = self.aside();
        let entries = match fs::read_dir(&aside) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries.at("reading", &aside)?,
        };
        let mut found = Vec::new();
        for entry in entries {
            let name = entry.at("reading", &aside)?.file_name();
            found.extend(name.to_str().and_then(|name| name.parse::<Sha256>().ok()));
        }
        Ok(found)
    }

    fn remove_aside(&self, sha256: Sha256) -> Result<()> {
        let path = self.aside().join(sha256.to_string());
        match fs::remove_file(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            removed => removed.at("removing", &path),
        }
    }
}

enum Aside {
    Moved(u64),
    Missing,
    /// Taken in, or found there by someone who brought it again, not long ago.
    Recent,
}

impl Studio {
    /// Puts back what a sweeper that was interrupted has moved aside and rows name, and removes
    /// the rest.
    pub(crate) async fn recover_swept(&self) -> Result<()> {
        let left = self.blobs().left_aside()?;
        for page in left.chunks(BATCH) {
            let mut session = self.database().write().await?;
            session.sweep_blobs().await?;
            let named = named(&mut session, page).await?;
            for sha256 in page {
                // Whoever brought the bytes again has put them in their place.
                if named.contains(sha256) && !self.blobs().path(*sha256).exists() {
                    self.blobs().put_back(*sha256)?;
                } else {
                    self.blobs().remove_aside(*sha256)?;
                }
            }
            session.commit().await?;
        }
        Ok(())
    }

    /// Refuses to sweep where the store can't be believed to be whole.
    pub(super) async fn check_store(&self) -> Result<()> {
        self.check_store_id().await?;
        self.check_reachable().await?;
        let (mut count, mut missing) = (0_u64, 0_u64);
        let mut after = String::new();
        let limit = Value::Int(i64::try_from(PAGE).unwrap_or(i64::MAX));
        let mut session = self.database().read().await?;
        loop {
            let parameters = [Value::from(after.as_str()), limit.clone()];
            let page = session.query(&EVERY_NAME, &parameters, read_hash).await?;
            let is_gone = |sha256: &&Sha256| !self.blobs().path(**sha256).exists();
            count += page.len() as u64;
            missing += blocking(|| page.iter().filter(is_gone).count()) as u64;
            match page.last() {
                Some(last) if page.len() == PAGE => after = last.to_string(),
                _ => break,
            }
        }
        let is_many = missing > MANY_MISSING && missing * 5 > count;
        if !is_many && (count == 0 || missing < count) {
            return Ok(());
        }
        Err(Error::Unavailable {
            message: format!(
                "{missing} of the {count} images of this studio are missing in its store: \
                 nothing is removed from it"
            ),
            hint: "check that the disk with .pegbar/blobs is the right one; `pegbar verify` says \
                   what is missing"
                .to_owned(),
            source: None,
        })
    }

    /// Counts the blobs that were released.
    pub(super) async fn count_released(&self) -> Result<u64> {
        let mut session = self.database().read().await?;
        let count = session.optional(&COUNT_RELEASED, &[], |row| row.at(0, "count"));
        Ok(count.await?.unwrap_or_default())
    }

    /// Removes the blobs that were released `grace_ms` ago or earlier and that nothing names.
    pub(super) async fn sweep(&self, grace_ms: u64) -> Result<Swept> {
        let mut swept = Swept::default();
        self.recover_swept().await?;
        let released = self.count_released().await?;
        if released == 0 {
            return Ok(swept);
        }
        self.check_store().await?;
        let grace = i64::try_from(grace_ms).unwrap_or(i64::MAX);
        let now = self.now().0;
        // Without grace, what is from this very moment goes too.
        let latest = MillisSinceEpoch(match grace {
            0 => i64::MAX,
            grace => now.saturating_sub(grace),
        });
        let released_at = MillisSinceEpoch(now.saturating_sub(grace));
        let mut after = String::new();
        loop {
            let mut session = self.database().read().await?;
            let limit = Value::Int(i64::try_from(BATCH).unwrap_or(i64::MAX));
            let parameters = [Value::from(after.as_str()), Value::Time(released_at), limit];
            let page = session.query(&RELEASED, &parameters, read_hash).await?;
            drop(session);
            let Some(last) = page.last() else {
                break;
            };
            after = last.to_string();
            // What is being copied waits for the next purge.
            let Some(_alone) = hold::alone(&self.private_folder())? else {
                break;
            };
            self.sweep_batch(&page, latest, &mut swept).await?;
        }
        swept.waiting = self.count_released().await?;
        Ok(swept)
    }

    async fn sweep_batch(
        &self,
        page: &[Sha256],
        latest: MillisSinceEpoch,
        swept: &mut Swept,
    ) -> Result<()> {
        // Who is bringing the view up to date read rows that may be gone by now.
        let _paused = self.view().pause().await?;
        let mut session = self.database().write().await?;
        session.sweep_blobs().await?;
        // A disk may have gone away since the beginning.
        self.check_store_id().await?;
        let texts_of_page = texts(page);
        let parameters = [Value::Texts(&texts_of_page)];
        let shown = session.query(&IN_VIEW, &parameters, read_hash).await?;
        let named = if planted::is(Planted::NoRecheckAtPurge) {
            BTreeSet::new()
        } else {
            named(&mut session, page).await?
        };
        let page = page.iter().copied();
        let page: Vec<Sha256> = page
            .filter(|it| named.contains(it) || !shown.contains(it))
            .collect();
        let page = &page[..];
        let mut moved = Vec::new();
        let done = self.move_batch(page, &named, latest, &mut moved);
        let done = match done {
            Ok((forgotten, bytes)) => {
                let forgotten = texts(&forgotten);
                let forget = session.execute(&FORGET, &[Value::Texts(&forgotten)]).await;
                forget.map(|_| bytes)
            }
            Err(error) => Err(error),
        };
        let bytes = match done {
            Ok(bytes) => bytes,
            Err(error) => {
                for sha256 in moved {
                    self.blobs().put_back(sha256)?;
                }
                return Err(error);
            }
        };
        // Of a commit that fails nobody knows whether it holds after all: what was moved aside
        // stays there, for whoever recovers it.
        session.commit().await?;
        swept.blobs += moved.len() as u64;
        swept.bytes += bytes;
        for sha256 in moved {
            self.blobs().remove_aside(sha256)?;
        }
        Ok(())
    }

    /// Moves blobs aside; returns those that need not be looked at again, and the size of those
    /// that were moved.
    fn move_batch(
        &self,
        page: &[Sha256],
        named: &BTreeSet<Sha256>,
        latest: MillisSinceEpoch,
        moved: &mut Vec<Sha256>,
    ) -> Result<(Vec<Sha256>, u64)> {
        let (mut forgotten, mut bytes) = (Vec::new(), 0);
        let mut folders: BTreeSet<PathBuf> = BTreeSet::new();
        for sha256 in page {
            if named.contains(sha256) {
                forgotten.push(*sha256);
                continue;
            }
            match self.blobs().move_aside(*sha256, latest)? {
                Aside::Recent => {}
                Aside::Missing => forgotten.push(*sha256),
                Aside::Moved(size) => {
                    moved.push(*sha256);
                    forgotten.push(*sha256);
                    bytes += size;
                    let place = self.blobs().path(*sha256);
                    folders.extend(place.parent().map(Path::to_owned));
                }
            }
        }
        for folder in &folders {
            sync_folder(folder)?;
        }
        if !folders.is_empty() {
            sync_folder(&self.blobs().aside())?;
        }
        Ok((forgotten, bytes))
    }
}
