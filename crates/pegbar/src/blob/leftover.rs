//! The folders of processes that write, or wrote, into the store.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::{BlobStore, LOCK};
use crate::error::{IoContext, Result};
use crate::lock::is_locked;

/// A process's folder for files that are being written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FoundWorkspace {
    pub(crate) folder: PathBuf,
    /// Its process is there.
    pub(crate) is_live: bool,
}

impl BlobStore {
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
