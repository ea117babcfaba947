//! Backups: a studio as it was at one moment, beside other moments, in a folder.
//!
//! A backup folder holds the bytes once (`blobs/ab/<sha256>`) and any number of snapshots
//! (`snapshots/<time>/`): the rows of every table as lines of JSON, the list of the blobs that
//! they name, and a manifest that is written last. `docs/backup.md` describes the format.

mod check;
mod copy;
mod files;
pub(crate) mod hold;
mod manifest;
mod packed;
mod place;
mod restore;
mod take;

use std::path::PathBuf;

use serde::Serialize;

use crate::db::sql::Engine;
use crate::hash::Sha256;
use crate::time::MillisSinceEpoch;

pub use check::{BackupFlaw, BackupVerifyReport};
#[cfg(test)]
pub(crate) use restore::STATEMENTS as RESTORE_STATEMENTS;
pub use restore::{RestoreOptions, RestoreReport};
#[cfg(test)]
pub(crate) use take::STATEMENTS;

/// Bytes that a backup should have and has not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AbsentBlob {
    /// Their SHA-256.
    pub sha256: Sha256,
    /// Why they are not there.
    pub reason: String,
}

/// One moment of a studio, kept in a backup folder.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct BackupSnapshot {
    /// Its name, which begins with the time it was taken: by it a snapshot is chosen.
    pub name: String,
    /// When it was taken.
    pub created_at: MillisSinceEpoch,
    /// The engine that the rows came from. They can be restored into
    /// either.
    pub engine: Engine,
    /// The version of the schema that they had.
    pub schema_version: u32,
    /// How many rows it has.
    pub rows: u64,
    /// How many blobs they name.
    pub blobs: u64,
    /// How many bytes those have together.
    pub bytes: u64,
    /// How many of those the studio had lost before: they are not in the backup.
    pub absent: u64,
}

/// What taking a backup did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct BackupReport {
    /// The snapshot.
    #[serde(flatten)]
    pub snapshot: BackupSnapshot,
    /// Where it is.
    #[serde(serialize_with = "crate::text::serialize_path")]
    pub folder: PathBuf,
    /// How many blobs were copied; the backup had the others already.
    pub copied: u64,
    /// How many bytes those have together.
    pub copied_bytes: u64,
    /// Bytes that the rows name and the studio does not have, the first hundred.
    pub missing: Vec<AbsentBlob>,
    /// How many files of `.pegbar/kept` and `.pegbar/damaged` it has.
    pub files: u64,
    /// Files there that could not be taken in, and why, the first hundred.
    pub left_out: Vec<String>,
    /// How many assets' bytes were never taken in, since another program wrote their rows: they
    /// are not in the backup. `pegbar adopt` takes them in.
    pub not_taken_in: u64,
}
