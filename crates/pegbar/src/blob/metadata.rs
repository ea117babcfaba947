//! What stored files say of themselves.

use std::fs::File;
use std::io;

use super::{BlobStore, ImageFormat, StoredImage};
use crate::claim::NewClaim;
use crate::error::{IoContext, Result};
use crate::hash::Sha256;
use crate::metadata;

impl BlobStore {
    /// Reads what bytes that were just taken in say of themselves. Most say nothing, which was
    /// seen when they were checked.
    pub(crate) fn claims(&self, image: &StoredImage) -> Result<Vec<NewClaim>> {
        if !image.has_metadata {
            return Ok(Vec::new());
        }
        self.claims_of(image.sha256, image.format)
    }

    /// Reads what stored bytes say of themselves; nothing, where they are gone.
    pub(crate) fn claims_of(&self, sha256: Sha256, format: ImageFormat) -> Result<Vec<NewClaim>> {
        let path = self.path(sha256);
        match File::open(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
            file => metadata::read(file.at("reading", &path)?, format).at("reading", &path),
        }
    }
}
