//! Taking in what an open file holds: its path is no longer asked.

use std::fs::{self, File};
use std::io::{self, BufReader, Read as _, Seek as _};
use std::path::Path;

use sha2::Digest as _;

use super::intake::{CHUNK, IN_MEMORY, Intake};
use super::{BlobBatch, BlobStore, StoredImage};
use crate::asset::ImageSource;
use crate::error::{Error, IoContext, Result};
use crate::hash::Sha256;

/// Why an open file is not taken in.
#[derive(Debug)]
pub(crate) enum Refused {
    /// It is not an image that the store accepts; says why.
    NotAnImage(String),
    /// The system does not let it be read.
    Unreadable(io::Error),
}

impl BlobStore {
    /// Hashes and checks bytes, and takes nothing in.
    pub(crate) fn inspect_bytes(&self, bytes: &[u8]) -> Result<Result<StoredImage, Refused>> {
        refusal(Intake::new(self.limits, self.mark).check_bytes(bytes))
    }

    /// Hashes and checks what an open file holds, and takes nothing in.
    pub(crate) fn inspect(&self, file: &mut File) -> Result<Result<StoredImage, Refused>> {
        let bytes = match read_start(file) {
            Ok(bytes) => bytes,
            Err(error) => return Ok(Err(Refused::Unreadable(error))),
        };
        let intake = Intake::new(self.limits, self.mark);
        if bytes.len() as u64 <= IN_MEMORY {
            return refusal(intake.check_bytes(&bytes));
        }
        drop(bytes);
        let hashed = file.rewind().and_then(|()| {
            let mut limited = (&*file).take(self.limits.max_file_size.saturating_add(1));
            let hashed = hash(&mut limited)?;
            file.rewind()?;
            Ok(hashed)
        });
        match hashed {
            Err(error) => Ok(Err(Refused::Unreadable(error))),
            Ok((_, file_size)) if file_size > self.limits.max_file_size => {
                let max = self.limits.max_file_size;
                Ok(Err(Refused::NotAnImage(format!(
                    "larger than {max} bytes, the limit of this studio"
                ))))
            }
            Ok((sha256, size)) => refusal(intake.check(BufReader::new(&*file), sha256, size)),
        }
    }
}

impl BlobBatch<'_> {
    /// Takes in what an open file holds; durable after [`BlobBatch::finish`].
    pub(crate) fn store_opened(&self, file: &mut File) -> Result<Result<StoredImage, Refused>> {
        let bytes = match read_start(file) {
            Ok(bytes) => bytes,
            Err(error) => return Ok(Err(Refused::Unreadable(error))),
        };
        if bytes.len() as u64 <= IN_MEMORY {
            return refusal(self.store(&ImageSource::Bytes(bytes)));
        }
        drop(bytes);
        // A copy first: reading the original and writing the copy fail for different reasons.
        let copy = self.store.new_file()?;
        let stored = self.store_copy(file, &copy);
        fs::remove_file(&copy).at("removing", &copy)?;
        stored
    }

    fn store_copy(&self, file: &mut File, copy: &Path) -> Result<Result<StoredImage, Refused>> {
        let mut target = File::create_new(copy).at("writing", copy)?;
        if let Err(error) = file.rewind() {
            return Ok(Err(Refused::Unreadable(error)));
        }
        // One byte more than is accepted says that there is more.
        let mut left = self.store.limits.max_file_size.saturating_add(1);
        let mut chunk = vec![0; CHUNK];
        while left > 0 {
            let read = match file.read(&mut chunk) {
                Ok(0) => break,
                Ok(read) => read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Ok(Err(Refused::Unreadable(error))),
            };
            io::Write::write_all(&mut target, &chunk[..read]).at("writing", copy)?;
            left = left.saturating_sub(read as u64);
        }
        drop(target);
        refusal(self.store(&ImageSource::File(copy.to_owned())))
    }
}

/// Reads a file from its start: all of it, if it is small, else a little more than that.
fn read_start(file: &mut File) -> io::Result<Vec<u8>> {
    file.rewind()?;
    let mut bytes = Vec::new();
    (&*file).take(IN_MEMORY + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Hashes what is read, and counts it.
fn hash(source: &mut impl io::Read) -> io::Result<(Sha256, u64)> {
    let mut hasher = sha2::Sha256::new();
    let mut chunk = vec![0; CHUNK];
    let mut file_size = 0;
    loop {
        match source.read(&mut chunk) {
            Ok(0) => return Ok((Sha256(hasher.finalize().into()), file_size)),
            Ok(read) => {
                hasher.update(&chunk[..read]);
                file_size += read as u64;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

/// Tells a refusal of the bytes from a failure of the store.
fn refusal(stored: Result<StoredImage>) -> Result<Result<StoredImage, Refused>> {
    match stored {
        Ok(stored) => Ok(Ok(stored)),
        Err(Error::NotAnImage { reason, .. }) => Ok(Err(Refused::NotAnImage(reason))),
        Err(error) => Err(error),
    }
}
