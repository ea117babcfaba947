//! Taking in bytes that come piece by piece, as from a network.

use std::fs::{self, File};
use std::io::{BufReader, Write as _};
use std::mem;
use std::path::PathBuf;

use sha2::Digest as _;

use super::StoredImage;
use super::intake::{IN_MEMORY, Intake};
use crate::asset::ImageSource;
use crate::error::{Error, IoContext, Result};
use crate::hash::Sha256;
use crate::studio::Studio;

/// Bytes that are coming in. Dropped before [`ImageReceiver::finish`], it leaves nothing.
pub struct ImageReceiver {
    studio: Studio,
    received: Received,
    file_size: u64,
}

/// Small images stay in memory until they are whole.
enum Received {
    Bytes(Vec<u8>),
    File(Spill),
}

/// A file of this process, which goes unless it is put in its place.
struct Spill {
    file: File,
    path: PathBuf,
    hasher: sha2::Sha256,
}

impl std::fmt::Debug for ImageReceiver {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ImageReceiver")
            .field("file_size", &self.file_size)
            .finish_non_exhaustive()
    }
}

impl Drop for Spill {
    fn drop(&mut self) {
        // What stays is swept at the next opening.
        let _ = fs::remove_file(&self.path);
    }
}

impl Spill {
    fn create(path: PathBuf) -> Result<Self> {
        Ok(Self {
            file: File::create_new(&path).at("writing", &path)?,
            path,
            hasher: sha2::Sha256::new(),
        })
    }

    fn write(&mut self, bytes: &[u8]) -> Result<()> {
        self.hasher.update(bytes);
        self.file.write_all(bytes).at("writing", &self.path)
    }
}

impl ImageReceiver {
    /// Takes the next bytes.
    ///
    /// # Errors
    /// [`Error::NotAnImage`] beyond the limit of the studio; [`Error::Io`].
    pub fn write(&mut self, bytes: &[u8]) -> Result<()> {
        let store = self.studio.blobs();
        self.file_size += bytes.len() as u64;
        if self.file_size > store.limits.max_file_size {
            Intake::new(store.limits, store.mark).check_size(self.file_size)?;
        }
        if let Received::Bytes(kept) = &mut self.received
            && self.file_size > IN_MEMORY
        {
            let mut spill = Spill::create(store.new_file()?)?;
            spill.write(&mem::take(kept))?;
            self.received = Received::File(spill);
        }
        match &mut self.received {
            Received::Bytes(kept) => kept.extend_from_slice(bytes),
            Received::File(spill) => spill.write(bytes)?,
        }
        Ok(())
    }

    /// Takes in what came: checked to be an image, and durable.
    ///
    /// # Errors
    /// As [`Studio::store_image`]; [`Error::Invalid`] where the bytes have another hash than
    /// `expected`. Nothing is kept then.
    pub fn finish(self, expected: Option<Sha256>) -> Result<StoredImage> {
        let batch = self.studio.blobs().batch();
        let stored = match self.received {
            Received::Bytes(bytes) => {
                check_hash(expected, || Sha256::of(&bytes))?;
                batch.store(&ImageSource::Bytes(bytes))?
            }
            Received::File(spill) => {
                let sha256 = Sha256(spill.hasher.clone().finalize().into());
                check_hash(expected, || sha256)?;
                let store = self.studio.blobs();
                let copy = BufReader::new(File::open(&spill.path).at("reading", &spill.path)?);
                let intake = Intake::new(store.limits, store.mark);
                let stored = intake.check(copy, sha256, self.file_size)?;
                spill.file.sync_all().at("flushing", &spill.path)?;
                batch.place_copy(&spill.path, stored)?;
                stored
            }
        };
        batch.finish()?;
        Ok(stored)
    }
}

fn check_hash(expected: Option<Sha256>, found: impl FnOnce() -> Sha256) -> Result<()> {
    let Some(expected) = expected else {
        return Ok(());
    };
    let found = found();
    if found == expected {
        return Ok(());
    }
    let reason =
        format!("{expected} was announced, and {found} came: the bytes changed on the way");
    Err(Error::invalid("sha256", reason))
}

impl Studio {
    /// Begins to take in bytes that come piece by piece.
    #[must_use]
    pub fn receive_image(&self) -> ImageReceiver {
        ImageReceiver {
            studio: self.clone(),
            received: Received::Bytes(Vec::new()),
            file_size: 0,
        }
    }
}
