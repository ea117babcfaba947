//! What the logs of processes that are gone hold: blobs and copies of them that a power cut may
//! have torn, and that whoever opens the studio puts right before anything else.

use std::collections::HashSet;

use super::DoctorFinding;
use crate::db::blocking;
use crate::error::Result;
use crate::hash::Sha256;
use crate::studio::Studio;

/// What is explained by a log that is left; that it is left is told by itself.
#[derive(Debug, Default)]
pub(super) struct Logged {
    blobs: HashSet<Sha256>,
    files: HashSet<String>,
}

impl Logged {
    pub(super) async fn of(studio: &Studio) -> Result<Self> {
        let blobs = blocking(|| studio.blobs().left_in_logs());
        if blobs.is_empty() {
            return Ok(Self::default());
        }
        let all: Vec<Sha256> = blobs.iter().copied().collect();
        let files = studio.copies_of(&all).await?.into_iter().collect();
        Ok(Self { blobs, files })
    }

    /// Says whether a finding is of the kind that is put right with the log.
    pub(super) fn explains(&self, finding: &DoctorFinding) -> bool {
        match finding {
            DoctorFinding::BlobMissing { sha256, .. }
            | DoctorFinding::TrashBlobMissing { sha256, .. }
            | DoctorFinding::BlobResized { sha256, .. }
            | DoctorFinding::BlobAltered { sha256, .. }
            | DoctorFinding::BlobUnreadable { sha256, .. } => self.blobs.contains(sha256),
            DoctorFinding::ViewFileMissing { path, .. }
            | DoctorFinding::ViewFileEdited { path, .. }
            | DoctorFinding::ViewFileTouched { path, .. } => self.files.contains(path),
            _ => false,
        }
    }
}
