//! Taking bytes in: several at a time, each in its place, all durable at the end.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use super::intake::{self, Intake};
use super::rights::{create_read_only, make_read_only};
use super::{BlobStore, StoredImage, sync_folder, whole};
use crate::asset::ImageSource;
use crate::disk::begin_to_write;
use crate::error::{Error, IoContext, Result};
use crate::hash::Sha256;
use crate::parallel;
use crate::planted::{self, Planted};

/// How many files, and folders, are flushed at once: a file system makes few writes of many that
/// wait.
pub(crate) const FLUSHED_AT_ONCE: usize = 64;

/// Bytes that are being taken in together, so that each folder is flushed once.
pub(crate) struct BlobBatch<'a> {
    pub(super) store: &'a BlobStore,
    pub(super) changed: Mutex<BTreeSet<PathBuf>>,
}

impl BlobBatch<'_> {
    /// Takes bytes in: hashes and checks them and puts them in place.
    pub(crate) fn store(&self, image: &ImageSource) -> Result<StoredImage> {
        let intake = Intake::new(self.store.limits, self.store.mark);
        match image {
            ImageSource::Stored(stored) if stored.store == self.store.mark => Ok(*stored),
            ImageSource::Stored(stored) => {
                let reason = format!("another studio took {} in", stored.sha256);
                Err(Error::invalid("image", reason))
            }
            ImageSource::Bytes(bytes) => {
                let stored = intake.check_bytes(bytes)?;
                let is_whole = |blob: &Path| whole::has_bytes(blob, bytes);
                self.place(stored.sha256, is_whole, |path| {
                    flush(&create_with(path, bytes)?)
                })?;
                Ok(stored)
            }
            ImageSource::File(path) => self.store_file(&intake, path),
        }
    }

    /// Takes the bytes of several in, each for itself. All are written before the first is
    /// flushed, so that a file system makes few writes of many.
    pub(crate) fn store_many(&self, images: &[&ImageSource]) -> Vec<Result<StoredImage>> {
        let mut all = Vec::with_capacity(images.len());
        for images in images.chunks(FLUSHED_AT_ONCE) {
            let written = parallel::each(images, |image| self.write(image));
            let flushed = parallel::many(&written, FLUSHED_AT_ONCE, |written| match written {
                Ok(Written::New(new)) => flush(&new.file).at("flushing", &new.path),
                _ => Ok(()),
            });
            let written = written.into_iter().zip(flushed);
            all.extend(written.map(|(written, flushed)| match written? {
                Written::Stored(stored) => Ok(stored),
                Written::New(new) => self.put(new, flushed),
            }));
        }
        all
    }

    /// Writes bytes in memory, which are not flushed then; takes all others in.
    fn write<'i>(&self, image: &'i ImageSource) -> Result<Written<'i>> {
        let ImageSource::Bytes(bytes) = image else {
            return self.store(image).map(Written::Stored);
        };
        let stored = Intake::new(self.store.limits, self.store.mark).check_bytes(bytes)?;
        if self.store.holds(stored.sha256, stored.file_size) {
            return self.store(image).map(Written::Stored);
        }
        let path = self.store.new_file()?;
        let file = create_with(&path, bytes).at("writing", &path)?;
        begin_to_write(&file);
        Ok(Written::New(NewFile {
            path,
            file,
            bytes,
            stored,
        }))
    }

    /// Puts a file in its place that was flushed, if it was.
    fn put(&self, new: NewFile<'_>, flushed: Result<()>) -> Result<StoredImage> {
        drop(new.file);
        let is_whole = |blob: &Path| whole::has_bytes(blob, new.bytes);
        let put = flushed.and_then(|()| {
            let sha256 = new.stored.sha256;
            self.place(sha256, is_whole, |path| fs::rename(&new.path, path))
        });
        if new.path.exists() {
            // Another brought the same bytes, or it went wrong.
            fs::remove_file(&new.path).at("removing", &new.path)?;
        }
        put.map(|()| new.stored)
    }

    /// Says whether the store has bytes with this hash, and all of them.
    pub(crate) fn holds(&self, sha256: Sha256, file_size: u64) -> bool {
        self.store.holds(sha256, file_size)
    }

    /// Copies a file while it is hashed: what is checked is the copy, which nobody changes.
    fn store_file(&self, intake: &Intake, source: &Path) -> Result<StoredImage> {
        let metadata = fs::metadata(source).at("reading", source)?;
        intake::check_is_file(source, &metadata)?;
        if metadata.len() <= intake::IN_MEMORY {
            let bytes = intake.read(source)?;
            let name = |error| intake::named(error, source);
            return self.store(&ImageSource::Bytes(bytes)).map_err(name);
        }
        let copy = self.store.new_file()?;
        let stored = intake.copy(source, &copy);
        let placed = stored.and_then(|stored| {
            self.place_copy(&copy, stored)?;
            Ok(stored)
        });
        if copy.exists() {
            fs::remove_file(&copy).at("removing", &copy)?;
        }
        placed
    }

    /// Puts a flushed file in its place unless its bytes are there.
    pub(super) fn place_copy(&self, copy: &Path, stored: StoredImage) -> Result<()> {
        let is_whole = |blob: &Path| Ok(whole::hash(File::open(blob)?)? == stored.sha256);
        self.place(stored.sha256, is_whole, |path| {
            fs::rename(copy, path)?;
            make_read_only(&File::open(path)?)
        })
    }

    /// Puts bytes in their place unless they are there. `write` makes a flushed file.
    ///
    /// What stands there is read: whoever brings the right bytes must not lose them to a
    /// damaged blob, which is kept in `.pegbar/damaged`. That costs a read for each image
    /// that is taken in again as a new asset; files that an import knows already don't come
    /// here, and only the size of their blobs is looked at.
    pub(super) fn place(
        &self,
        sha256: Sha256,
        is_whole: impl Fn(&Path) -> io::Result<bool>,
        write: impl FnOnce(&Path) -> io::Result<()>,
    ) -> Result<()> {
        let place = self.store.path(sha256);
        // A blob is at least two folders deep.
        let folder = place.parent().unwrap_or(&self.store.blobs).to_owned();
        // What can't be read is damaged, too.
        let is_there = || is_whole(&place).unwrap_or(false);
        if is_there() {
            // A sweeper takes it for new.
            touch(&place);
        } else {
            self.store.make_folder(&folder)?;
            let file = self.store.new_file()?;
            write(&file).at("writing", &file)?;
            // Meanwhile another may have put the same bytes there.
            if place.exists() && !is_there() {
                let kept = whole::keep_aside(&place, &self.store.private.join("damaged"));
                match kept {
                    // A purge was faster.
                    Err(_) if !place.exists() => {}
                    kept => drop(kept?),
                }
            }
            let moved = if planted::is(Planted::BlobsAfterCommit) {
                planted::move_later(&file, &place);
                Ok(())
            } else {
                fs::rename(&file, &place)
            };
            if let Err(error) = moved {
                // Two that put the same bytes in place at once; not every system replaces what
                // is read-only.
                if !is_there() {
                    return Err(error).at("writing", &place);
                }
                fs::remove_file(&file).at("removing", &file)?;
            }
        }
        // Even if another process put it there: it may not have flushed the folder yet.
        self.changed
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(folder);
        Ok(())
    }

    /// Flushes the folders of what was taken in: after this, a power cut can't lose it.
    pub(crate) fn finish(&self) -> Result<()> {
        let changed =
            std::mem::take(&mut *self.changed.lock().unwrap_or_else(PoisonError::into_inner));
        if changed.is_empty() || planted::is(Planted::NoFolderFsync) {
            return Ok(());
        }
        let changed: Vec<PathBuf> = changed.into_iter().collect();
        let flushed = parallel::many(&changed, FLUSHED_AT_ONCE, |folder| sync_folder(folder));
        flushed.into_iter().collect::<Result<()>>()?;
        self.store.flush_names_of(changed)
    }
}

/// What has become of an image.
enum Written<'i> {
    Stored(StoredImage),
    New(NewFile<'i>),
}

/// A file that is not flushed yet.
struct NewFile<'i> {
    path: PathBuf,
    file: File,
    bytes: &'i [u8],
    stored: StoredImage,
}

/// Creates a file with these bytes.
fn create_with(path: &Path, bytes: &[u8]) -> io::Result<File> {
    let mut file = create_read_only(path)?;
    let written = file.write_all(bytes);
    planted::unless_swallowed(Planted::SwallowedWriteError, written)?;
    Ok(file)
}

fn flush(file: &File) -> io::Result<()> {
    if planted::is(Planted::NoFsync) {
        return Ok(());
    }
    file.sync_all()
}

/// Says that a blob was taken in again just now. Where that can't be said, only the grace that a
/// purge gives it is shorter.
fn touch(path: &Path) {
    #[cfg(unix)]
    {
        use rustix::fs::{AtFlags, CWD, Timespec, Timestamps, UTIME_NOW, utimensat};
        let now = Timespec {
            tv_sec: 0,
            tv_nsec: UTIME_NOW,
        };
        // Both: exfat-fuse changes neither where one is to stay.
        let times = Timestamps {
            last_access: now,
            last_modification: now,
        };
        let _ = utimensat(CWD, path, &times, AtFlags::empty());
    }
    #[cfg(not(unix))]
    let _ = path;
}
