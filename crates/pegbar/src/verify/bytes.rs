//! The bytes of assets, hashed again: each blob once, however many assets have it.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fs::File;
use std::io::{self, Read as _};

use sha2::Digest as _;

use super::damage::Damage;
use super::row::AssetRow;
use crate::blob::BlobStore;
use crate::hash::Sha256;
use crate::parallel;

/// How much is read at once, in bytes.
const CHUNK: usize = 1 << 17;

/// How many blobs one thread hashes before it asks for more, where they are small.
const SMALL_SHARE: usize = 16;

/// How many bytes are hashed between two calls of the progress, if the rows say it right.
const BATCH_BYTES: u64 = 256 << 20;

/// What became of a blob.
#[derive(Clone, Debug)]
pub(super) enum Blob {
    /// It has the bytes that its name says; so many.
    Whole(u64),
    /// It has other bytes.
    Altered { found: Sha256, file_size: u64 },
    /// It is not there.
    Missing,
    /// It can't be read; says why.
    Unreadable(String),
}

impl Blob {
    /// Returns what is wrong with it for an asset that should have these bytes.
    pub(super) fn damage(&self, asset: &AssetRow, path: String) -> Option<Damage> {
        match (self, asset.file_size) {
            (Self::Whole(found), Some(row)) if *found != row => {
                Some(Damage::FileSizeDiffers { found: *found, row })
            }
            (Self::Whole(_), _) => None,
            (Self::Missing, _) => Some(Damage::BlobMissing { path }),
            (Self::Unreadable(reason), _) => Some(Damage::BlobUnreadable {
                path,
                reason: reason.clone(),
            }),
            (Self::Altered { file_size, .. }, Some(recorded)) if *file_size != recorded => {
                Some(Damage::BlobResized {
                    path,
                    recorded,
                    found: *file_size,
                })
            }
            (Self::Altered { found, .. }, _) => Some(Damage::BlobAltered {
                path,
                found: *found,
            }),
        }
    }
}

/// What was hashed so far. It remembers some 64 bytes for each blob.
#[derive(Debug, Default)]
pub(super) struct Hashed {
    blobs: HashMap<Sha256, Blob, foldhash::fast::RandomState>,
    /// How many bytes were hashed.
    pub(super) bytes: u64,
}

impl Hashed {
    /// How many blobs were looked at.
    pub(super) fn count(&self) -> u64 {
        self.blobs.len() as u64
    }

    pub(super) fn get(&self, sha256: Sha256) -> Option<&Blob> {
        self.blobs.get(&sha256)
    }

    /// Returns how many of the first rows are hashed together, at least one.
    pub(super) fn batch(rows: &[AssetRow]) -> usize {
        let mut bytes = 0_u64;
        let fits = rows.iter().take_while(|row| {
            let has_room = bytes < BATCH_BYTES;
            bytes = bytes.saturating_add(row.file_size.unwrap_or(0));
            has_room
        });
        fits.count()
    }

    /// Hashes the bytes of rows, in their order: files that were written one behind the other
    /// lie so on the disk.
    pub(super) fn hash(&mut self, store: &BlobStore, rows: &[AssetRow]) {
        let mut new: Vec<Sha256> = Vec::with_capacity(rows.len());
        for row in rows.iter().filter(|row| !row.is_dropped) {
            // What is no hash has no blob, and is reported as that.
            let Some(Ok(sha256)) = row.sha256.as_deref().map(str::parse) else {
                continue;
            };
            if let Entry::Vacant(place) = self.blobs.entry(sha256) {
                // Until it is hashed, so that it is hashed once.
                place.insert(Blob::Missing);
                new.push(sha256);
            }
        }
        let share = (new.len() / 32).clamp(1, SMALL_SHARE);
        let shares: Vec<&[Sha256]> = new.chunks(share).collect();
        let hashed = parallel::each(&shares, |share| {
            let mut chunk = vec![0; CHUNK];
            let hash = |sha256: &Sha256| hash(store, *sha256, &mut chunk);
            share.iter().map(hash).collect::<Vec<Blob>>()
        });
        for (sha256, blob) in new.into_iter().zip(hashed.into_iter().flatten()) {
            if let Blob::Whole(file_size) | Blob::Altered { file_size, .. } = blob {
                self.bytes += file_size;
            }
            self.blobs.insert(sha256, blob);
        }
    }
}

fn hash(store: &BlobStore, sha256: Sha256, chunk: &mut [u8]) -> Blob {
    let hashed = File::open(store.path(sha256)).and_then(|file| hash_file(file, chunk));
    match hashed {
        Ok((found, file_size)) if found == sha256 => Blob::Whole(file_size),
        Ok((found, file_size)) => Blob::Altered { found, file_size },
        Err(error) if error.kind() == io::ErrorKind::NotFound => Blob::Missing,
        Err(error) => Blob::Unreadable(error.to_string()),
    }
}

fn hash_file(mut file: File, chunk: &mut [u8]) -> io::Result<(Sha256, u64)> {
    let mut hasher = sha2::Sha256::new();
    let mut file_size = 0;
    loop {
        match file.read(chunk) {
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
