//! The folders of processes that write, or wrote, into the store.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use super::{BlobStore, LOCK};
use crate::error::{IoContext, Result};
use crate::hash::Sha256;
use crate::lock::is_locked;
use crate::time::MillisSinceEpoch;

/// A process's folder for files that are being written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FoundWorkspace {
    pub(crate) folder: PathBuf,
    /// Its process is there.
    pub(crate) is_live: bool,
}

/// A blob that lies in the store, whether anything names it or not.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FoundBlob {
    pub(crate) sha256: Sha256,
    /// When it was last taken in.
    pub(crate) taken_in: MillisSinceEpoch,
}

impl BlobStore {
    /// Finds the blobs whose hashes begin with a byte.
    pub(crate) fn list(&self, first: u8) -> Result<Vec<FoundBlob>> {
        let folder = self.blobs.join(format!("{first:02x}"));
        let entries = match fs::read_dir(&folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries.at("reading", &folder)?,
        };
        let mut found = Vec::new();
        for entry in entries {
            let entry = entry.at("reading", &folder)?;
            let name = entry.file_name();
            let Some(sha256) = name.to_str().and_then(|name| name.parse::<Sha256>().ok()) else {
                continue;
            };
            // A name that differs from where its blob is looked for is none.
            if self.path(sha256) != entry.path() {
                continue;
            }
            let metadata = match entry.metadata() {
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                metadata => metadata.at("looking at", &entry.path())?,
            };
            let modified = metadata.modified().at("looking at", &entry.path())?;
            let since = modified.duration_since(UNIX_EPOCH).unwrap_or_default();
            let taken_in = i64::try_from(since.as_millis()).unwrap_or(i64::MAX);
            found.push(FoundBlob {
                sha256,
                taken_in: MillisSinceEpoch(taken_in),
            });
        }
        Ok(found)
    }

    /// Returns the folder of blobs.
    pub(crate) fn folder(&self) -> &Path {
        &self.blobs
    }

    /// Finds the folders of all processes, in the order of their names; also files that lie
    /// among them.
    pub(crate) fn workspaces(&self) -> Result<Vec<FoundWorkspace>> {
        let tmp = self.tmp();
        let entries = match fs::read_dir(&tmp) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            // That it can't be read is said of the folder.
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => return Ok(Vec::new()),
            entries => entries.at("reading", &tmp)?,
        };
        let mut found = Vec::new();
        for entry in entries {
            let entry = entry.at("reading", &tmp)?;
            if entry.file_name() == LOCK {
                continue;
            }
            let folder = entry.path();
            let is_live = is_locked(&folder.join(LOCK));
            found.push(FoundWorkspace { folder, is_live });
        }
        found.sort_by(|one, two| one.folder.cmp(&two.folder));
        Ok(found)
    }
}
