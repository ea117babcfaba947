//! What concerns the studio as a whole: whether its folders are there and belong to the database,
//! and what processes that are gone left behind.

use std::fs;
use std::io;
use std::path::Path;
use std::time::Duration;

use super::finding::DoctorFinding;
use super::place::{self, Access};
use super::{DoctorOptions, below};
use crate::db::sql::statements;
use crate::disk::check_not_away;
use crate::error::{Error, Result};
use crate::id::{ProjectId, StoreId};
use crate::studio::{Studio, store_id};
use crate::time::MillisSinceEpoch;

statements! {
    WITH_BYTES = "SELECT id FROM asset WHERE sha256 IS NOT NULL AND bytes_dropped_at IS NULL \
                  LIMIT 1";
    OUTBOX = "SELECT project_id, count(*), min(created_at) FROM outbox GROUP BY project_id \
              ORDER BY project_id";
}

/// How long a process may take between making its folder and locking it.
const SETTLING: Duration = Duration::from_millis(200);

/// A live process that defers the view may take this long.
const LONGEST_DEFERRAL_MS: i64 = 24 * 60 * 60 * 1000;

/// What of the studio can be looked at.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Has {
    /// The store is there.
    pub(super) blobs: bool,
    /// The view is there, or would be if there were any files.
    pub(super) files: bool,
}

#[derive(Debug, Default)]
pub(super) struct Root {
    pub(super) findings: Vec<DoctorFinding>,
    pub(super) has: Has,
}

/// Looks at the studio as a whole.
pub(super) async fn look(studio: &Studio, options: &DoctorOptions) -> Result<Root> {
    let mut root = Root::default();
    let is_own = check_store(studio, &mut root.findings).await?;
    let blobs = check_blobs(studio).await?;
    let has_store = fs::exists(studio.blobs().folder()).unwrap_or(false);
    root.has.blobs = is_own && blobs.is_none() && has_store;
    root.findings.extend(blobs.filter(|_| is_own));
    let public = studio.view().public();
    match check_not_away(public) {
        Err(Error::Unavailable { message, .. }) => {
            let path = below(studio, public);
            let reason = message;
            root.findings
                .push(DoctorFinding::ViewUnmounted { path, reason });
        }
        checked => {
            checked?;
            root.has.files = is_own;
        }
    }
    check_folders(studio, &mut root.findings);
    check_leftovers(studio, options, &mut root.findings).await?;
    Ok(root)
}

/// Says whether the folder belongs to the database.
async fn check_store(studio: &Studio, findings: &mut Vec<DoctorFinding>) -> Result<bool> {
    let mut session = studio.database().read().await?;
    let expected = store_id(&mut session).await?;
    let file = studio.private_folder().join("store-id");
    let path = below(studio, &file);
    let own = match fs::read_to_string(&file) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            findings.push(DoctorFinding::StoreIdMissing { path });
            return Ok(false);
        }
        Err(_) => {
            findings.push(DoctorFinding::NotReadable { path });
            return Ok(false);
        }
        Ok(text) => text.trim().parse::<StoreId>().ok(),
    };
    if own.is_some() && own == expected {
        return Ok(true);
    }
    findings.push(DoctorFinding::StoreIdDiffers {
        path,
        found: own,
        expected,
    });
    Ok(false)
}

/// Returns what is wrong with the store as a whole.
pub(super) async fn check_blobs(studio: &Studio) -> Result<Option<DoctorFinding>> {
    let folder = studio.blobs().folder();
    let path = below(studio, folder);
    let unmounted = |reason: String| DoctorFinding::BlobsUnmounted {
        path: path.clone(),
        reason,
    };
    match check_not_away(folder) {
        Err(Error::Unavailable { message, .. }) => return Ok(Some(unmounted(message))),
        checked => checked?,
    }
    let mut session = studio.database().read().await?;
    let named = session.optional(&WITH_BYTES, &[], |_| Ok(())).await?;
    if named.is_none() {
        return Ok(None);
    }
    let reason = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => "it is not there",
        Err(error) => return Ok(Some(unmounted(error.to_string()))),
        // The folder that a disk is mounted on is there without the disk.
        Ok(mut entries) => {
            let is_blob_folder = |entry: io::Result<fs::DirEntry>| {
                entry.is_ok_and(|entry| !entry.file_name().to_string_lossy().starts_with('.'))
            };
            if entries.any(is_blob_folder) {
                return Ok(None);
            }
            "it is empty"
        }
    };
    let reason = format!("{reason}, and there are assets whose bytes should be in it");
    Ok(Some(unmounted(reason)))
}

/// Looks whether Pegbar may read and write its own folders.
fn check_folders(studio: &Studio, findings: &mut Vec<DoctorFinding>) {
    let private = studio.private_folder();
    let blobs = studio.blobs();
    let folders = [
        private.clone(),
        blobs.folder().to_owned(),
        blobs.beside_blobs("tmp"),
        private.join("kept"),
        private.join("damaged"),
        blobs.beside_blobs("trash"),
    ];
    for folder in folders {
        let before = findings.len();
        findings.extend(check_folder(studio, &folder));
        if matches!(
            findings.get(before),
            Some(DoctorFinding::ReadOnlyFileSystem { .. })
        ) {
            // Once is enough.
            return;
        }
    }
}

/// Looks whether Pegbar may read and write a folder, where it is there.
pub(super) fn check_folder(studio: &Studio, folder: &Path) -> Option<DoctorFinding> {
    let metadata = fs::metadata(folder).ok()?;
    let path = below(studio, folder);
    match place::may_write(folder) {
        Access::ReadOnly => return Some(DoctorFinding::ReadOnlyFileSystem { path }),
        Access::Denied => return Some(DoctorFinding::FolderNotWritable { path }),
        Access::Granted => {}
    }
    if !place::is_readable(&metadata) {
        return Some(DoctorFinding::NotReadable { path });
    }
    (!place::is_open_folder(&metadata)).then_some(DoctorFinding::FolderNotWritable { path })
}

/// Finds what processes that are gone left behind.
async fn check_leftovers(
    studio: &Studio,
    options: &DoctorOptions,
    findings: &mut Vec<DoctorFinding>,
) -> Result<()> {
    let mut left = studio.blobs().workspaces()?;
    let has_live = left.iter().any(|workspace| workspace.is_live);
    left.retain(|workspace| !workspace.is_live);
    let view = studio.view();
    let is_interrupted = view.is_interrupted();
    if !left.is_empty() || is_interrupted {
        tokio::time::sleep(SETTLING).await;
        let now = studio.blobs().workspaces()?;
        left.retain(|old| now.iter().any(|new| new == old));
    }
    findings.extend(left.iter().map(|workspace| DoctorFinding::TmpLeftover {
        path: below(studio, &workspace.folder),
    }));
    if is_interrupted && view.is_interrupted() {
        findings.push(DoctorFinding::ViewInterrupted {
            path: below(studio, &view.journal()),
            files: view.interrupted_paths()?.len() as u64,
        });
    }
    if view.is_in_use() {
        return Ok(());
    }
    let now = studio.now();
    let grace = i64::try_from(options.outbox_grace.as_millis()).unwrap_or(i64::MAX);
    let mut session = studio.database().read().await?;
    let stale = session
        .query(&OUTBOX, &[], |row| {
            Ok((
                row.at::<ProjectId>(0, "outbox.project_id")?,
                row.at::<u64>(1, "the number of outbox rows")?,
                row.at::<MillisSinceEpoch>(2, "outbox.created_at")?,
            ))
        })
        .await?;
    for (project_id, rows, since) in stale {
        let age = now.0.saturating_sub(since.0);
        // A process that has taken in images and lives may have put the view off.
        let is_put_off = has_live && age < LONGEST_DEFERRAL_MS;
        if age >= grace && !is_put_off {
            findings.push(DoctorFinding::OutboxStale {
                project_id,
                rows,
                since,
            });
        }
    }
    Ok(())
}
