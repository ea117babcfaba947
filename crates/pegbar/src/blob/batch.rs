//! Taking bytes in: several at a time, each in its place, all durable at the end.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::intake::{self, Intake};
use super::rights::{create_read_only, make_read_only};
use super::{BlobStore, StoredImage, log, sync_folder, whole};
use crate::asset::ImageSource;
use crate::disk::begin_to_write;
use crate::disk::whole::{FileSystem, MANY};
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
                self.place_bytes(stored.sha256, bytes)?;
                Ok(stored)
            }
            ImageSource::File(path) => self.store_file(&intake, path),
        }
    }

    /// Takes the bytes of several in, each for itself.
    pub(crate) fn store_many(&self, images: &[&ImageSource]) -> Vec<Result<StoredImage>> {
        let chunks = images.chunks(FLUSHED_AT_ONCE);
        chunks.flat_map(|images| self.store_some(images)).collect()
    }

    fn store_some(&self, images: &[&ImageSource]) -> Vec<Result<StoredImage>> {
        let checked = parallel::each(images, |image| self.check(image));
        let new: Vec<&New<'_>> = checked.iter().filter_map(new_of).collect();
        let placed = self.place_logged(&new);
        let placed = placed.unwrap_or_else(|| self.place_flushed(&new));
        let mut placed = placed.into_iter();
        let stored = checked.into_iter().map(|checked| match checked? {
            Checked::Stored(stored) => Ok(stored),
            Checked::New(new) => {
                let place = || self.place_bytes(new.stored.sha256, new.bytes);
                placed.next().unwrap_or_else(place)?;
                Ok(new.stored)
            }
        });
        stored.collect()
    }

    /// Checks bytes in memory; takes all others in.
    fn check<'i>(&self, image: &'i ImageSource) -> Result<Checked<'i>> {
        if let ImageSource::Bytes(bytes) = image {
            let stored = Intake::new(self.store.limits, self.store.mark).check_bytes(bytes)?;
            if !self.store.holds(stored.sha256, stored.file_size) {
                return Ok(Checked::New(New { bytes, stored }));
            }
        }
        self.store(image).map(Checked::Stored)
    }

    /// Makes small images durable in the log, where they are many, and puts them in their places:
    /// they are flushed there later.
    fn place_logged(&self, new: &[&New<'_>]) -> Option<Vec<Result<()>>> {
        let is_small = |new: &&New<'_>| new.stored.file_size <= log::LARGEST;
        let is_worth_while = new.len() >= MANY || (!new.is_empty() && self.store.is_logging());
        if !is_worth_while || !new.iter().all(is_small) {
            return None;
        }
        let records = new.iter().map(|new| (new.stored.sha256, new.bytes));
        let place = || {
            parallel::each(new, |new| {
                let is_whole = |blob: &Path| whole::has_bytes(blob, new.bytes);
                let write = |path: &Path| create_with(path, new.bytes).map(drop);
                self.put_in_place(new.stored.sha256, is_whole, write)
                    .map(drop)
            })
        };
        self.store.log(&records.collect::<Vec<_>>(), place)
    }

    /// Puts bytes in their places, flushed. All are written before the first is flushed, so that
    /// a file system makes few writes of many.
    fn place_flushed(&self, new: &[&New<'_>]) -> Vec<Result<()>> {
        let file_system = FileSystem::for_many(new.len(), &self.store.tmp());
        let written = parallel::each(new, |new| self.write(new));
        let is_flushed = file_system.is_some_and(|all| all.flush());
        let flushed = parallel::many(&written, FLUSHED_AT_ONCE, |written| match written {
            Ok(written) if !is_flushed => flush(&written.file).at("flushing", &written.path),
            _ => Ok(()),
        });
        let written = new.iter().zip(written).zip(flushed);
        written
            .map(|((new, written), flushed)| self.put(new, written?, flushed))
            .collect()
    }

    /// Writes bytes that are not flushed then.
    fn write(&self, new: &New<'_>) -> Result<Written> {
        let path = self.store.new_file()?;
        let file = create_with(&path, new.bytes).at("writing", &path)?;
        begin_to_write(&file);
        Ok(Written { path, file })
    }

    /// Puts a file in its place that was flushed, if it was.
    fn put(&self, new: &New<'_>, written: Written, flushed: Result<()>) -> Result<()> {
        let Written { path: from, file } = written;
        drop(file);
        let is_whole = |blob: &Path| whole::has_bytes(blob, new.bytes);
        let put = flushed.and_then(|()| {
            let sha256 = new.stored.sha256;
            self.place(sha256, is_whole, |path| fs::rename(&from, path))
        });
        if from.exists() {
            // Another brought the same bytes, or it went wrong.
            fs::remove_file(&from).at("removing", &from)?;
        }
        put
    }

    /// Puts bytes with this hash in their place unless they are there.
    pub(super) fn place_bytes(&self, sha256: Sha256, bytes: &[u8]) -> Result<()> {
        let is_whole = |blob: &Path| whole::has_bytes(blob, bytes);
        self.place(sha256, is_whole, |path| flush(&create_with(path, bytes)?))
    }

    /// Puts bytes in their place whatever is there.
    pub(super) fn replace_bytes(&self, sha256: Sha256, bytes: &[u8]) -> Result<()> {
        let place = self.store.path(sha256);
        let file = self.store.new_file()?;
        create_with(&file, bytes)
            .and_then(|written| flush(&written))
            .at("writing", &file)?;
        let folder = place.parent().unwrap_or(&self.store.blobs);
        self.store.make_folder(folder)?;
        fs::rename(&file, &place).at("writing", &place)?;
        self.changed_folders().insert(folder.to_owned());
        Ok(())
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
        let folder = self.put_in_place(sha256, is_whole, write)?;
        // Even if another process put it there: it may not have flushed the folder yet.
        self.changed_folders().insert(folder);
        Ok(())
    }

    /// The same, without the promise that the folder is flushed; returns it.
    fn put_in_place(
        &self,
        sha256: Sha256,
        is_whole: impl Fn(&Path) -> io::Result<bool>,
        write: impl FnOnce(&Path) -> io::Result<()>,
    ) -> Result<PathBuf> {
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
        Ok(folder)
    }

    fn changed_folders(&self) -> MutexGuard<'_, BTreeSet<PathBuf>> {
        self.changed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Flushes the folders of what was taken in: after this, a power cut can't lose it.
    pub(crate) fn finish(&self) -> Result<()> {
        let changed = std::mem::take(&mut *self.changed_folders());
        if changed.is_empty() || planted::is(Planted::NoFolderFsync) {
            return Ok(());
        }
        let changed: Vec<PathBuf> = changed.into_iter().collect();
        let file_system = FileSystem::for_many(changed.len(), &self.store.blobs);
        if !file_system.is_some_and(|all| all.flush()) {
            let flushed = parallel::many(&changed, FLUSHED_AT_ONCE, |folder| sync_folder(folder));
            flushed.into_iter().collect::<Result<()>>()?;
        }
        self.store.flush_names_of(changed)
    }
}

/// An image that was looked at.
enum Checked<'i> {
    Stored(StoredImage),
    New(New<'i>),
}

/// Bytes that the store does not have yet.
struct New<'i> {
    bytes: &'i [u8],
    stored: StoredImage,
}

fn new_of<'c, 'i>(checked: &'c Result<Checked<'i>>) -> Option<&'c New<'i>> {
    match checked {
        Ok(Checked::New(new)) => Some(new),
        _ => None,
    }
}

/// A file that is not flushed yet.
struct Written {
    path: PathBuf,
    file: File,
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
