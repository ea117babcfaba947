//! Purging: rows leave the trash for good, then the blobs that nothing names any more.

use std::borrow::Cow;

use serde::Serialize;

use super::entry::{self, DeletionKind, TrashEntry, TrashFilter};
use super::restore::stored;
use crate::asset::AssetKind;
use crate::db::sql::{self, Engine, Statement, statements};
use crate::db::value::{Column as _, ColumnType, Value};
use crate::error::{Error, Result};
use crate::id::DeletionId;
use crate::page::{MAX_PAGE_SIZE, PageRequest};
use crate::studio::Studio;
use crate::time::MillisSinceEpoch;

/// A day, in milliseconds.
const DAY_MS: u64 = 86_400_000;

statements! {
    RELEASE = "INSERT INTO released_blob (sha256, released_at) \
               SELECT b.sha256, $2 FROM trash_blob b WHERE b.deletion_id = $1 \
               ON CONFLICT (sha256) DO UPDATE SET released_at = excluded.released_at";
}

/// Keeps of each asset what its tombstone says.
pub(super) struct Bury;

impl Statement for Bury {
    fn text(&self, engine: Engine) -> Cow<'_, str> {
        let id = stored("id", ColumnType::Id, "t", engine);
        let kind = stored("kind", AssetKind::TYPE, "t", engine);
        let size = stored("file_size", ColumnType::Big, "t", engine);
        let (collect, none) = match engine {
            Engine::Sqlite => ("json_group_array(json(k.content))", "'[]'"),
            Engine::Postgres => ("jsonb_agg(k.content)", "'[]'::jsonb"),
        };
        let template = format!(
            "INSERT INTO tombstone (asset_id, deletion_id, project_id, project, kind, \
             original_name, mime_type, file_size, sha256, record, record_hash, inputs, \
             deleted_at, purged_at) \
             SELECT {id}, t.deletion_id, t.project_id, d.project, {kind}, \
             t.content ->> 'original_name', t.content ->> 'mime_type', {size}, \
             t.content ->> 'sha256', t.content ->> 'record', t.content ->> 'record_hash', \
             coalesce(i.inputs, {none}), t.deleted_at, CAST($2 AS {{time}}) \
             FROM trash t JOIN deletion d ON d.id = t.deletion_id \
             LEFT JOIN (SELECT k.content ->> 'asset_id' AS asset, {collect} AS inputs \
             FROM trash k WHERE k.deletion_id = $1 AND k.entity = 'asset_reference' \
             GROUP BY k.content ->> 'asset_id') i ON i.asset = t.content ->> 'id' \
             WHERE t.deletion_id = $1 AND t.entity = 'asset'"
        );
        sql::render(&template, engine).into()
    }
}

/// Which deletions are purged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PurgeScope {
    /// One.
    Deletion(DeletionId),
    /// Those that are older than this, in milliseconds.
    OlderThan(u64),
    /// All.
    All,
}

/// How the trash is purged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PurgeOptions {
    /// How long blobs stay after the last name of theirs has gone, or after they were last taken
    /// in, in milliseconds: as long as an upload may wait to be used.
    pub grace_ms: u64,
    /// Looks through the store, too, for blobs that nothing has named since they were taken in:
    /// uploads that were never used, and what a crash left.
    pub unnamed: bool,
    /// Only says what would go.
    pub dry_run: bool,
}

impl Default for PurgeOptions {
    /// A day of grace.
    fn default() -> Self {
        Self {
            grace_ms: DAY_MS,
            unnamed: false,
            dry_run: false,
        }
    }
}

/// What a purge removed for good, or would remove.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct PurgeReport {
    /// Whether it only says what would go.
    pub is_dry_run: bool,
    /// How many deletions left the trash.
    pub deletions: u64,
    /// How many assets they had taken; of each a tombstone with its record stays.
    pub assets: u64,
    /// The size of the images that they had taken, in bytes; others may have the same bytes.
    pub file_size: u64,
    /// How many blobs were removed.
    pub removed_blobs: u64,
    /// The size of the blobs that were removed, in bytes.
    pub removed_bytes: u64,
    /// How many blobs wait for the end of their grace; the next purge looks at them again.
    pub waiting_blobs: u64,
}

impl PurgeReport {
    fn add(&mut self, entry: &TrashEntry) {
        self.deletions += 1;
        self.assets += entry.assets;
        self.file_size += entry.file_size;
    }
}

impl Studio {
    /// Removes deletions from the trash for good, then the blobs that neither a row nor the trash
    /// names any more, once their grace is over; also those of earlier purges. Of each asset a
    /// tombstone stays with its record ([`Studio::get_tombstone`]).
    ///
    /// Each deletion goes in a transaction of its own: an interrupted purge has purged some of
    /// them, and goes on when it is called again. Writers in other processes are safe whatever the
    /// grace: what they are about to name stays or comes back. With less grace than an image
    /// waits between [`Studio::store_image`] and its use, that use is refused, and the image is
    /// to be sent again.
    ///
    /// `progress` is called with how many deletions are done.
    ///
    /// # Errors
    /// [`Error::NotFound`] for a deletion that is not there; [`Error::Unavailable`] where so many
    /// images are missing that the store can't be believed to be there: then no blob goes.
    pub async fn purge(
        &self,
        scope: PurgeScope,
        options: PurgeOptions,
        mut progress: impl FnMut(u64) + Send,
    ) -> Result<PurgeReport> {
        let mut report = PurgeReport {
            is_dry_run: options.dry_run,
            ..PurgeReport::default()
        };
        if let PurgeScope::Deletion(id) = scope {
            let entry = self.get_deletion(id).await?;
            self.purge_one(&entry, options.dry_run, &mut report).await?;
            progress(1);
        } else {
            let now = self.now();
            let deleted_before = match scope {
                // Nothing was deleted before 1970, and PostgreSQL knows no times long before that.
                PurgeScope::OlderThan(age) => Some(MillisSinceEpoch(
                    now.0
                        .saturating_sub(i64::try_from(age).unwrap_or(i64::MAX))
                        .max(0),
                )),
                _ => None,
            };
            let filter = TrashFilter {
                deleted_before,
                ..TrashFilter::default()
            };
            let mut page = PageRequest::default().limit(MAX_PAGE_SIZE);
            loop {
                let found = self.list_deletions(&filter, page).await?;
                for entry in &found.rows {
                    page.after = Some(entry.id);
                    self.purge_one(entry, options.dry_run, &mut report).await?;
                    progress(report.deletions);
                }
                if !found.has_more {
                    break;
                }
            }
        }
        let unnamed = if options.unnamed {
            self.release_unnamed(options.dry_run).await?
        } else {
            0
        };
        if options.dry_run {
            report.waiting_blobs = self.count_released().await? + unnamed;
            return Ok(report);
        }
        let swept = self.sweep(options.grace_ms).await?;
        report.removed_blobs = swept.blobs;
        report.removed_bytes = swept.bytes;
        report.waiting_blobs = swept.waiting;
        Ok(report)
    }

    async fn purge_one(
        &self,
        entry: &TrashEntry,
        dry_run: bool,
        report: &mut PurgeReport,
    ) -> Result<()> {
        if dry_run {
            report.add(entry);
            return Ok(());
        }
        let mut session = self.database().write().await?;
        let deleted_at = entry.deleted_at;
        let entry = match entry::lock(&mut session, entry.id).await {
            // Restored or purged by someone else meanwhile, or deleted anew under the same id.
            Err(Error::NotFound { .. }) => return Ok(()),
            Ok(locked) if locked.deleted_at != deleted_at => return Ok(()),
            locked => locked?,
        };
        let (id, now) = (Value::Id(entry.id.0), Value::Time(self.now()));
        if entry.kind != DeletionKind::Bytes {
            let parameters = [id.clone(), now.clone()];
            session.execute(&Bury, &parameters).await?;
        }
        session.execute(&RELEASE, &[id, now]).await?;
        entry::forget(&mut session, entry.id).await?;
        session.commit().await?;
        report.add(&entry);
        Ok(())
    }
}

/// The statement that writes tombstones, for the test that prepares it.
#[cfg(test)]
pub(crate) fn bury() -> impl Statement {
    Bury
}
