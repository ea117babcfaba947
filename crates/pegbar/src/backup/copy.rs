//! Copying blobs: hashed on the way, flushed, put in place by rename.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use crate::blob::rights::make_read_only;
use crate::blob::{below, sync_folder, whole};
use crate::error::{IoContext, Result};
use crate::hash::Sha256;

/// What became of one blob.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Copied {
    /// It was there.
    Known,
    /// It was copied: so many bytes.
    New(u64),
    /// The source does not have it.
    Missing,
    /// The source has other bytes in its place.
    Altered(Sha256),
}

/// Puts blobs into a folder `ab/<sha256>`.
pub(super) struct Copier {
    blobs: PathBuf,
    tmp: PathBuf,
    files: AtomicU64,
}

impl Copier {
    /// `tmp` is on the same disk, and nobody else writes into it.
    pub(super) fn new(blobs: PathBuf, tmp: PathBuf) -> Result<Self> {
        fs::create_dir_all(&blobs).at("creating", &blobs)?;
        fs::create_dir_all(&tmp).at("creating", &tmp)?;
        Ok(Self {
            blobs,
            tmp,
            files: AtomicU64::new(0),
        })
    }

    pub(super) fn place(&self, sha256: Sha256) -> PathBuf {
        self.blobs.join(below(sha256))
    }

    /// Copies the bytes with a hash from a file, unless they are there with this size: then no
    /// byte is read.
    pub(super) fn copy(&self, from: &Path, sha256: Sha256, size: Option<u64>) -> Result<Copied> {
        let place = self.place(sha256);
        let there = match fs::metadata(&place) {
            Ok(found) => Some(found.len()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(error).at("looking at", &place),
        };
        if there.is_some() && there == size {
            return Ok(Copied::Known);
        }
        let file = match File::open(from) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Copied::Missing),
            opened => opened.at("reading", from)?,
        };
        let found = file.metadata().at("looking at", from)?;
        if size.is_none() && there == Some(found.len()) {
            return Ok(Copied::Known);
        }
        self.put(&file, from, sha256, &place, found.len())
    }

    fn put(
        &self,
        file: &File,
        from: &Path,
        sha256: Sha256,
        place: &Path,
        size: u64,
    ) -> Result<Copied> {
        let number = self.files.fetch_add(1, Ordering::Relaxed);
        let copy = self.tmp.join(number.to_string());
        let mut to = File::create_new(&copy).at("writing", &copy)?;
        let outcome = whole::copy(file, &mut to).at("copying", from);
        let outcome = outcome.and_then(|found| {
            if found != sha256 {
                return Ok(Copied::Altered(found));
            }
            make_read_only(&to).at("writing", &copy)?;
            to.sync_all().at("flushing", &copy)?;
            let folder = place.parent().unwrap_or(&self.blobs);
            fs::create_dir_all(folder).at("creating", folder)?;
            fs::rename(&copy, place).at("writing", place)?;
            Ok(Copied::New(size))
        });
        if !matches!(outcome, Ok(Copied::New(_))) {
            // What stays is swept the next time.
            let _ = fs::remove_file(&copy);
        }
        outcome
    }

    /// Flushes all folders: after this, a power cut can't lose what was copied, by an earlier
    /// call that was interrupted either.
    pub(super) fn finish(&self) -> Result<()> {
        for entry in fs::read_dir(&self.blobs).at("reading", &self.blobs)? {
            let folder = entry.at("reading", &self.blobs)?.path();
            if folder.is_dir() {
                sync_folder(&folder)?;
            }
        }
        sync_folder(&self.blobs)?;
        self.blobs.parent().map_or(Ok(()), sync_folder)
    }
}
