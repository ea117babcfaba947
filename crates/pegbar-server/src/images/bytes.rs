//! Where the bytes of images come from: small ones from memory, large ones piece by piece.

use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::ops::Range;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use axum::body::Body;
use bytes::Bytes;
use futures_util::stream;
use pegbar::{ImageFile, Sha256, Studio};
use quick_cache::Weighter;
use quick_cache::sync::Cache;
use tokio::time::Instant;

use crate::problem::Problem;
use crate::upload::blocking;

/// The largest image that is kept in memory, in bytes.
const SMALL: u64 = 256 << 10;

/// How much of a large image is read at once.
const PIECE: u64 = 256 << 10;

/// How many hashes are remembered.
const HASHES: usize = 32_768;

/// How long it is believed that a row still names a hash while nothing was changed through this
/// server: for so long another process's deletion may stay unnoticed.
const NAMED_FOR: Duration = Duration::from_secs(1);

/// What is known of images, and the bytes of the small ones that were asked for last. Bytes are
/// named by their hash, so they can't be stale.
#[derive(Debug)]
pub(crate) struct Shelf {
    small: Cache<Sha256, Bytes, ByLength>,
    named: Cache<Sha256, Arc<Named>>,
    /// Large ones whose hash was found to be right, and how their files looked then.
    whole: Cache<Sha256, Stamp>,
}

/// An image that a row names.
#[derive(Debug)]
pub(crate) struct Named {
    image: ImageFile,
    epoch: u64,
    asked_at: Instant,
}

impl std::ops::Deref for Named {
    type Target = ImageFile;

    fn deref(&self) -> &ImageFile {
        &self.image
    }
}

/// How a file looked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stamp {
    size: u64,
    modified: Option<SystemTime>,
}

impl Stamp {
    fn of(file: &File) -> io::Result<Self> {
        let found = file.metadata()?;
        Ok(Self {
            size: found.len(),
            modified: found.modified().ok(),
        })
    }
}

/// Counts bytes, and what it costs to keep them.
#[derive(Clone, Debug)]
struct ByLength;

impl Weighter<Sha256, Bytes> for ByLength {
    fn weight(&self, _: &Sha256, bytes: &Bytes) -> u64 {
        bytes.len() as u64 + 128
    }
}

/// The bytes of an image.
#[derive(Debug)]
pub(super) enum Source {
    /// All of them.
    Memory(Bytes),
    /// The file that has them.
    File(File),
}

impl Shelf {
    /// Makes one for so many bytes.
    pub(crate) fn new(capacity: u64) -> Self {
        let typical = 32 << 10;
        let count = usize::try_from(capacity / typical).unwrap_or(usize::MAX);
        Self {
            small: Cache::with_weighter(count.max(16), capacity, ByLength),
            named: Cache::new(HASHES),
            whole: Cache::new(HASHES),
        }
    }

    /// Returns the image with a hash, where it is known that a row names it.
    pub(super) fn named(&self, sha256: Sha256, epoch: u64) -> Option<Arc<Named>> {
        let named = self.named.get(&sha256)?;
        let is_new = named.epoch == epoch && named.asked_at.elapsed() < NAMED_FOR;
        is_new.then_some(named)
    }

    /// Remembers that a row names an image. `epoch` is from before the rows were asked.
    pub(super) fn remember(&self, image: ImageFile, epoch: u64) -> Arc<Named> {
        let named = Arc::new(Named {
            epoch,
            asked_at: Instant::now(),
            image,
        });
        self.named.insert(named.sha256, named.clone());
        named
    }

    /// Opens the bytes of an image; they are as they were taken in.
    pub(super) async fn open(&self, studio: &Studio, image: &ImageFile) -> Result<Source, Problem> {
        if image.file_size <= SMALL {
            if let Some(bytes) = self.small.get(&image.sha256) {
                return Ok(Source::Memory(bytes));
            }
            let bytes = blocking(|| read_small(studio, image))?;
            self.small.insert(image.sha256, bytes.clone());
            return Ok(Source::Memory(bytes));
        }
        let file = studio.open_image_file_unhashed(image)?;
        let stamp = Stamp::of(&file).map_err(unreadable)?;
        if self.whole.get(&image.sha256) == Some(stamp) {
            return Ok(Source::File(file));
        }
        drop(file);
        let (studio, wanted) = (studio.clone(), image.clone());
        let opened = tokio::task::spawn_blocking(move || studio.open_image_file(&wanted)).await;
        let file = opened.map_err(unreadable)??;
        // A file that was changed after it was hashed looks otherwise when it is opened next.
        if Stamp::of(&file).is_ok_and(|now| now == stamp) {
            self.whole.insert(image.sha256, stamp);
        }
        Ok(Source::File(file))
    }
}

fn read_small(studio: &Studio, image: &ImageFile) -> Result<Bytes, Problem> {
    let mut file = studio.open_image_file_unhashed(image)?;
    let mut bytes = Vec::with_capacity(usize::try_from(image.file_size).unwrap_or(0));
    file.read_to_end(&mut bytes).map_err(unreadable)?;
    if Sha256::of(&bytes) != image.sha256 {
        // Says what is there instead.
        studio.open_image_file(image)?;
    }
    Ok(bytes.into())
}

fn unreadable(error: impl std::error::Error) -> Problem {
    tracing::error!(%error, "the bytes of an image can't be read");
    Problem::internal()
}

/// Sends a part of a file, piece by piece, as fast as the client takes it.
pub(super) fn stream(file: File, range: Range<u64>) -> Body {
    let pieces = stream::try_unfold((file, range), |(file, range)| async move {
        if range.is_empty() {
            return Ok(None);
        }
        let read = tokio::task::spawn_blocking(move || read_piece(file, range)).await;
        read.map_err(io::Error::other)?.map(Some)
    });
    Body::from_stream(pieces)
}

fn read_piece(mut file: File, range: Range<u64>) -> io::Result<(Bytes, (File, Range<u64>))> {
    let length = PIECE.min(range.end - range.start);
    file.seek(SeekFrom::Start(range.start))?;
    // No more than a piece.
    let mut piece = vec![0; usize::try_from(length).unwrap_or_default()];
    file.read_exact(&mut piece)?;
    Ok((piece.into(), (file, range.start + length..range.end)))
}
