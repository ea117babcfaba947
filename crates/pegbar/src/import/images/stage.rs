//! Reading the files of a batch: their bytes are in the store before a transaction begins.

use std::path::{Path, PathBuf};

use super::super::folder;
use crate::asset::ImageSource;
use crate::blob::{BlobBatch, StoredImage};
use crate::error::{Error, Result};
use crate::hash::Sha256;
use crate::parallel;

/// A file that was read.
#[derive(Debug)]
pub(super) enum Staged {
    /// Its bytes are those of an asset that is known for it.
    Known(Sha256),
    /// Its bytes are in the store now.
    Stored(StoredImage),
    /// It can't be taken in.
    Refused(String),
}

impl Staged {
    /// Returns the hash of the bytes.
    pub(super) fn sha256(&self) -> Option<Sha256> {
        match self {
            Self::Known(sha256) => Some(*sha256),
            Self::Stored(image) => Some(image.sha256()),
            Self::Refused(_) => None,
        }
    }
}

/// A file to read, and the hashes that its earlier imports had.
pub(super) struct ToStage {
    pub(super) file: PathBuf,
    pub(super) known: Vec<Sha256>,
}

/// Reads files, several at a time. A file that is broken or can't be read is refused by
/// itself; where the store can't be written, all fail.
pub(super) fn stage(batch: &BlobBatch<'_>, files: &[ToStage]) -> Result<Vec<Staged>> {
    let staged = parallel::each(files, |ToStage { file, known }| {
        one(batch, file, known).or_else(|error| refusal(error, file))
    });
    staged.into_iter().collect()
}

fn one(batch: &BlobBatch<'_>, file: &Path, known: &[Sha256]) -> Result<Staged> {
    if !known.is_empty() {
        let found = folder::hash(file)?;
        // Bytes that are gone come back with the file.
        if known.contains(&found) && batch.has(found) {
            return Ok(Staged::Known(found));
        }
    }
    let image = ImageSource::File(file.to_owned());
    batch.store(&image).map(Staged::Stored)
}

/// Tells what is wrong with a file from what is wrong with the studio.
fn refusal(error: Error, file: &Path) -> Result<Staged> {
    match error {
        Error::NotAnImage { reason, .. } => Ok(Staged::Refused(reason)),
        // Someone is writing it: the next import takes it in.
        Error::Conflict { message, .. } => Ok(Staged::Refused(message)),
        Error::Io {
            action,
            path,
            source,
        } if path == file => Ok(Staged::Refused(format!("{action} it failed: {source}"))),
        error => Err(error),
    }
}
