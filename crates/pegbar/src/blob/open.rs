//! Reading bytes back.

use std::fs::File;
use std::io::{self, Seek as _};
use std::path::{Path, PathBuf};

use super::whole;
use crate::asset::Asset;
use crate::error::{Error, IoContext, Result};
use crate::hash::Sha256;
use crate::studio::Studio;

/// Refuses a file that does not have as many bytes as were taken in.
fn checked(file: File, path: &Path, asset: &Asset) -> Result<File> {
    let found = file.metadata().at("looking at", path)?.len();
    match asset.file_size {
        Some(expected) if expected != found => Err(Error::Damaged {
            place: path.display().to_string(),
            reason: format!(
                "it has {found} bytes; the asset {} has {expected}",
                asset.id
            ),
            source: None,
        }),
        _ => Ok(file),
    }
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
        let (mut file, path, sha256) = self.open_unhashed(asset)?;
        let found = whole::hash(&file).at("reading", &path)?;
        if found != sha256 {
            return Err(Error::Damaged {
                place: path.display().to_string(),
                reason: format!(
                    "its bytes are not those of the asset {}: their SHA-256 is {found}",
                    asset.id
                ),
                source: None,
            });
        }
        file.rewind().at("reading", &path)?;
        Ok(file)
    }

    /// Opens the bytes of an asset for someone who hashes them while reading. Returns where
    /// they are and what their hash should be.
    pub(crate) fn open_unhashed(&self, asset: &Asset) -> Result<(File, PathBuf, Sha256)> {
        asset.check_not_dropped()?;
        let Some(sha256) = asset.sha256 else {
            return Err(Error::Conflict {
                message: format!("the bytes of the asset {} were never taken in", asset.id),
                hint: "another program wrote its row: `pegbar adopt` completes it".to_owned(),
            });
        };
        let path = self.blobs().path(sha256);
        let file = match File::open(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Err(Error::Damaged {
                place: path.display().to_string(),
                reason: format!("the bytes of the asset {} are missing", asset.id),
                source: Some(Box::new(error)),
            }),
            opened => checked(opened.at("reading", &path)?, &path, asset),
        };
        Ok((file?, path, sha256))
    }
}
