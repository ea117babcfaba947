//! Reading the files of a batch: their bytes are in the store before a transaction begins.

use std::fs;
use std::path::{Path, PathBuf};

use super::super::{folder, refusal};
use crate::asset::ImageSource;
use crate::blob::{BlobBatch, StoredImage};
use crate::error::{IoContext as _, Result};
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
        one(batch, file, known).or_else(|error| match refusal(&error, file) {
            Some(reason) => Ok(Staged::Refused(reason)),
            None => Err(error),
        })
    });
    staged.into_iter().collect()
}

fn one(batch: &BlobBatch<'_>, file: &Path, known: &[Sha256]) -> Result<Staged> {
    if !known.is_empty() {
        let found = folder::hash(file)?;
        // Bytes that are gone, or of another size, come back with the file. Those of the same
        // size are not read: to say that nothing has changed must stay cheap.
        let file_size = fs::metadata(file).at("looking at", file)?.len();
        if known.contains(&found) && batch.holds(found, file_size) {
            return Ok(Staged::Known(found));
        }
    }
    let image = ImageSource::File(file.to_owned());
    batch.store(&image).map(Staged::Stored)
}
