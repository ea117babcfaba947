//! Taking bytes in: with limits, hashed on the way, checked to be an image that we accept.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Cursor, Read, Seek, Write as _};
use std::path::Path;

use image::ImageReader;
use sha2::Digest as _;

use super::{ImageFormat, Limits, StoreMark, StoredImage};
use crate::error::{Error, IoContext, Result};
use crate::hash::Sha256;

/// Files up to this size are read into memory, so that bytes that are there already cost no
/// writing.
pub(super) const IN_MEMORY: u64 = 8 << 20;

/// How much is copied at once, in bytes.
pub(super) const CHUNK: usize = 1 << 16;

/// What stands for the origin of bytes that come from no file.
const UPLOAD: &str = "the image";

pub(super) struct Intake {
    limits: Limits,
    store: StoreMark,
}

impl Intake {
    pub(super) fn new(limits: Limits, store: StoreMark) -> Self {
        Self { limits, store }
    }

    /// Hashes and checks bytes in memory.
    pub(super) fn check_bytes(&self, bytes: &[u8]) -> Result<StoredImage> {
        let file_size = bytes.len() as u64;
        self.check_size(file_size)?;
        self.check(Cursor::new(bytes), Sha256::of(bytes), file_size)
    }

    /// Reads a small file, which may grow meanwhile.
    pub(super) fn read(&self, source: &Path) -> Result<Vec<u8>> {
        let file = File::open(source).at("reading", source)?;
        let mut bytes = Vec::new();
        let limit = self.limits.max_file_size.saturating_add(1);
        file.take(limit)
            .read_to_end(&mut bytes)
            .at("reading", source)?;
        Ok(bytes)
    }

    /// Copies a file and flushes the copy, hashing what is copied; then checks the copy.
    pub(super) fn copy(&self, source: &Path, target: &Path) -> Result<StoredImage> {
        let mut from = File::open(source).at("reading", source)?;
        let mut to = File::create_new(target).at("writing", target)?;
        let mut hasher = sha2::Sha256::new();
        let mut file_size = 0_u64;
        let mut chunk = vec![0; CHUNK];
        loop {
            let read = match from.read(&mut chunk) {
                Ok(0) => break,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                read => read.at("reading", source)?,
            };
            file_size += read as u64;
            self.check_size(file_size)
                .map_err(|error| named(error, source))?;
            hasher.update(&chunk[..read]);
            to.write_all(&chunk[..read]).at("writing", target)?;
        }
        to.sync_all().at("flushing", target)?;
        let copy = BufReader::new(File::open(target).at("reading", target)?);
        let sha256 = Sha256(hasher.finalize().into());
        self.check(copy, sha256, file_size)
            .map_err(|error| named(error, source))
    }

    fn check_size(&self, file_size: u64) -> Result<()> {
        let max = self.limits.max_file_size;
        if file_size == 0 {
            return Err(refused("the file is empty"));
        }
        if file_size > max {
            return Err(refused(&format!(
                "larger than {max} bytes, the limit of this studio"
            )));
        }
        Ok(())
    }

    pub(super) fn check(
        &self,
        bytes: impl BufRead + Seek,
        sha256: Sha256,
        file_size: u64,
    ) -> Result<StoredImage> {
        let reader = ImageReader::new(bytes)
            .with_guessed_format()
            .map_err(|error| refused(&error.to_string()))?;
        let format = match reader.format() {
            Some(image::ImageFormat::Png) => ImageFormat::Png,
            Some(image::ImageFormat::Jpeg) => ImageFormat::Jpeg,
            Some(image::ImageFormat::WebP) => ImageFormat::WebP,
            Some(image::ImageFormat::Gif) => ImageFormat::Gif,
            _ => return Err(refused("not a PNG, JPEG, WebP or GIF")),
        };
        let (width, height) = reader
            .into_dimensions()
            .map_err(|error| refused(&error.to_string()))?;
        let pixels = u64::from(width) * u64::from(height);
        let max = self.limits.max_pixels;
        if pixels == 0 || pixels > max {
            let reason = format!("{width} × {height} pixels; 1 to {max} in all are taken in");
            return Err(refused(&reason));
        }
        Ok(StoredImage {
            store: self.store,
            sha256,
            file_size,
            format,
            width,
            height,
            image_count: 1,
        })
    }
}

fn refused(reason: &str) -> Error {
    Error::NotAnImage {
        origin: UPLOAD.to_owned(),
        reason: reason.to_owned(),
    }
}

/// Says which file a refusal is about.
pub(super) fn named(error: Error, source: &Path) -> Error {
    match error {
        Error::NotAnImage { origin, reason } if origin == UPLOAD => Error::NotAnImage {
            origin: source.display().to_string(),
            reason,
        },
        error => error,
    }
}
