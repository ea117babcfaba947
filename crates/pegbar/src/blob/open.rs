//! Reading bytes back.

use std::fs::File;
use std::io::{self, Seek as _};
use std::path::{Path, PathBuf};

use super::{BlobStore, whole};
use crate::asset::{Asset, not_taken_in};
use crate::error::{Error, IoContext, Result};
use crate::hash::Sha256;
use crate::id::AssetId;
use crate::image_file::ImageFile;
use crate::studio::Studio;

/// Bytes that the store should have.
#[derive(Clone, Copy, Debug)]
struct Expected {
    asset: AssetId,
    sha256: Sha256,
    /// How many there are; `None` where another program has not written that.
    file_size: Option<u64>,
}

impl Expected {
    fn damaged(&self, path: &Path, reason: impl FnOnce(AssetId) -> String) -> Error {
        Error::Damaged {
            place: path.display().to_string(),
            reason: reason(self.asset),
            source: None,
        }
    }

    /// Opens them; refuses a file that does not have as many bytes as were taken in.
    fn open(&self, blobs: &BlobStore) -> Result<(File, PathBuf)> {
        let path = blobs.path(self.sha256);
        let file = match File::open(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(Error::Damaged {
                    place: path.display().to_string(),
                    reason: format!("the bytes of the asset {} are missing", self.asset),
                    source: Some(Box::new(error)),
                });
            }
            opened => opened.at("reading", &path)?,
        };
        let found = file.metadata().at("looking at", &path)?.len();
        match self.file_size {
            Some(expected) if expected != found => Err(self.damaged(&path, |asset| {
                format!("it has {found} bytes; the asset {asset} has {expected}")
            })),
            _ => Ok((file, path)),
        }
    }

    /// Opens them, once their hash has been found to be right.
    fn open_hashed(&self, blobs: &BlobStore) -> Result<File> {
        let (mut file, path) = self.open(blobs)?;
        let found = whole::hash(&file).at("reading", &path)?;
        if found != self.sha256 {
            return Err(self.damaged(&path, |asset| {
                format!("its bytes are not those of the asset {asset}: their SHA-256 is {found}")
            }));
        }
        file.rewind().at("reading", &path)?;
        Ok(file)
    }
}

impl From<&ImageFile> for Expected {
    fn from(image: &ImageFile) -> Self {
        Self {
            asset: image.asset_id,
            sha256: image.sha256,
            file_size: Some(image.file_size),
        }
    }
}

fn expected(asset: &Asset) -> Result<Expected> {
    asset.check_not_dropped()?;
    let sha256 = asset.sha256.ok_or_else(|| not_taken_in(asset.id))?;
    Ok(Expected {
        asset: asset.id,
        sha256,
        file_size: asset.file_size,
    })
}

impl Studio {
    /// Opens the bytes of an asset as they were taken in, whatever has become of its file
    /// below `public/assets`. They are hashed first: what is read is what came.
    ///
    /// # Errors
    /// [`Error::Dropped`]; [`Error::Conflict`] where another program wrote the row and it has not
    /// been adopted yet; [`Error::Damaged`] where they are missing or are others;
    /// [`Error::Io`].
    pub fn open_image(&self, asset: &Asset) -> Result<File> {
        expected(asset)?.open_hashed(self.blobs())
    }

    /// Opens the bytes of an image that was found, which are hashed first: what is read is what
    /// came.
    ///
    /// # Errors
    /// [`Error::Damaged`] where they are missing or are others; [`Error::Io`].
    pub fn open_image_file(&self, image: &ImageFile) -> Result<File> {
        Expected::from(image).open_hashed(self.blobs())
    }

    /// Opens the bytes of an image that was found, for someone who hashes them while reading or
    /// knows that they are what they were; only their number is compared.
    ///
    /// # Errors
    /// As [`Studio::open_image_file`].
    pub fn open_image_file_unhashed(&self, image: &ImageFile) -> Result<File> {
        let (file, _) = Expected::from(image).open(self.blobs())?;
        Ok(file)
    }

    /// Opens the bytes of an asset for someone who hashes them while reading. Returns where
    /// they are and what their hash should be.
    pub(crate) fn open_unhashed(&self, asset: &Asset) -> Result<(File, PathBuf, Sha256)> {
        let expected = expected(asset)?;
        let (file, path) = expected.open(self.blobs())?;
        Ok((file, path, expected.sha256))
    }
}
