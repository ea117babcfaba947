//! The blob store: immutable bytes, named by their SHA-256. The truth about every image.

mod inspect;
mod intake;
mod leftover;
mod metadata;
mod open;
mod opened;
mod receive;
pub(crate) mod whole;

use std::collections::BTreeSet;
use std::collections::hash_map::DefaultHasher;
use std::fs::{self, File};
use std::hash::{Hash as _, Hasher as _};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use crate::asset::ImageSource;
use crate::db::value::word_enum;
use crate::disk::{check_not_away, create_folders, is_elsewhere};
use crate::error::{Error, IoContext, Result};
use crate::hash::Sha256;
use crate::parallel;
use crate::planted::{self, Planted};
use intake::Intake;
pub(crate) use opened::Refused;
pub use receive::ImageReceiver;

word_enum! {
    /// The format of an image, from its bytes.
    pub enum ImageFormat in "text" {
        /// PNG (ISO/IEC 15948).
        Png = "png",
        /// JPEG (ITU-T T.81).
        Jpeg = "jpeg",
        /// WebP.
        WebP = "webp",
        /// GIF.
        Gif = "gif",
    }
}

impl ImageFormat {
    /// Returns the media type: `image/png` …
    #[must_use]
    pub fn mime_type(self) -> &'static str {
        match self {
            Self::Png => "image/png",
            Self::Jpeg => "image/jpeg",
            Self::WebP => "image/webp",
            Self::Gif => "image/gif",
        }
    }

    /// Returns the format of a media type.
    #[must_use]
    pub fn from_mime_type(mime_type: &str) -> Option<Self> {
        Self::ALL
            .iter()
            .copied()
            .find(|format| format.mime_type() == mime_type)
    }

    /// Returns the extension of file names, without the dot.
    #[must_use]
    pub fn extension(self) -> &'static str {
        match self {
            Self::Png => "png",
            Self::Jpeg => "jpg",
            Self::WebP => "webp",
            Self::Gif => "gif",
        }
    }
}

/// What images are taken in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The largest file, in bytes.
    pub max_file_size: u64,
    /// The largest image: width × height, in pixels.
    pub max_pixels: u64,
}

impl Default for Limits {
    /// 256 MiB and 256 megapixels (16 384 × 16 384).
    fn default() -> Self {
        Self {
            max_file_size: 256 << 20,
            max_pixels: 1 << 28,
        }
    }
}

/// Bytes that the store has, and what is known of them. Only the store makes one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StoredImage {
    /// The store that took it in.
    store: StoreMark,
    sha256: Sha256,
    file_size: u64,
    format: ImageFormat,
    width: u32,
    height: u32,
    image_count: u32,
    /// The file carries something beside the image that may say how it was made.
    has_metadata: bool,
}

impl StoredImage {
    /// Returns the SHA-256 of the bytes.
    #[must_use]
    pub fn sha256(&self) -> Sha256 {
        self.sha256
    }

    /// Returns the size in bytes.
    #[must_use]
    pub fn file_size(&self) -> u64 {
        self.file_size
    }

    /// Returns the format, from the bytes.
    #[must_use]
    pub fn format(&self) -> ImageFormat {
        self.format
    }

    /// Returns the width in pixels, as seen: after the turn that Exif metadata ask for.
    #[must_use]
    pub fn width(&self) -> u32 {
        self.width
    }

    /// Returns the height in pixels, as seen.
    #[must_use]
    pub fn height(&self) -> u32 {
        self.height
    }

    /// Returns how many images the file holds: 1, or more for an animated GIF, PNG or WebP.
    #[must_use]
    pub fn image_count(&self) -> u32 {
        self.image_count
    }
}

/// Tells the stores of different folders apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct StoreMark(u64);

impl StoreMark {
    fn of(blobs: &Path) -> Self {
        let mut hasher = DefaultHasher::new();
        blobs.hash(&mut hasher);
        Self(hasher.finish())
    }
}

/// The folder of blobs.
pub(crate) struct BlobStore {
    mark: StoreMark,
    blobs: PathBuf,
    private: PathBuf,
    limits: Limits,
    workspace: Mutex<Option<Workspace>>,
}

/// This process's folder for files that are being written, held by a lock: what a process
/// that is gone left behind can be told from what another one is writing.
struct Workspace {
    folder: PathBuf,
    files: u64,
    _lock: File,
}

const LOCK: &str = "lock";

impl BlobStore {
    pub(crate) fn new(private: &Path, limits: Limits) -> Self {
        let blobs = private.join("blobs");
        Self {
            mark: StoreMark::of(&blobs),
            blobs,
            private: private.to_owned(),
            limits,
            workspace: Mutex::new(None),
        }
    }

    /// Refuses where the store is a link to a disk that is away.
    pub(crate) fn check_not_away(&self) -> Result<()> {
        check_not_away(&self.blobs)
    }

    /// Refuses where the store can't be read; before the first image, it need not be there.
    pub(crate) fn check_there(&self, has_images: bool) -> Result<()> {
        self.check_not_away()?;
        match fs::read_dir(&self.blobs) {
            Err(error) if !has_images && error.kind() == io::ErrorKind::NotFound => Ok(()),
            read => read.map(drop).at("reading", &self.blobs),
        }
    }

    /// Returns where the bytes with this hash are, or would be.
    pub(crate) fn path(&self, sha256: Sha256) -> PathBuf {
        let name = sha256.to_string();
        self.blobs.join(&name[..2]).join(name)
    }

    /// Says whether the store has bytes with this hash, and all of them.
    pub(crate) fn holds(&self, sha256: Sha256, file_size: u64) -> bool {
        fs::metadata(self.path(sha256)).is_ok_and(|found| found.len() == file_size)
    }

    /// Returns the largest file that is taken in, in bytes.
    pub(crate) fn max_file_size(&self) -> u64 {
        self.limits.max_file_size
    }

    /// Hashes bytes without taking them in; they may be anything within the limits.
    pub(crate) fn hash(&self, image: &ImageSource) -> Result<Sha256> {
        match image {
            ImageSource::Stored(stored) => Ok(stored.sha256),
            ImageSource::Bytes(bytes) => Ok(Sha256::of(bytes)),
            ImageSource::File(path) => Intake::new(self.limits, self.mark).hash(path),
        }
    }

    /// Returns the folder of files that are being written, on the disk that they are to be
    /// moved on.
    fn tmp(&self) -> PathBuf {
        self.beside_blobs("tmp")
    }

    /// Returns a folder of ours on the disk that the blobs are on.
    pub(crate) fn beside_blobs(&self, name: &str) -> PathBuf {
        if is_elsewhere(&self.blobs, &self.private) {
            return self.blobs.join(format!(".{name}"));
        }
        self.private.join(name)
    }

    /// Begins to take bytes in; they are durable after [`BlobBatch::finish`].
    pub(crate) fn batch(&self) -> BlobBatch<'_> {
        BlobBatch {
            store: self,
            changed: Mutex::new(BTreeSet::new()),
        }
    }

    /// Returns the path of a new file in this process's folder.
    pub(crate) fn new_file(&self) -> Result<PathBuf> {
        let mut workspace = self
            .workspace
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let workspace = match &mut *workspace {
            Some(workspace) => workspace,
            none => none.insert(self.new_workspace()?),
        };
        workspace.files += 1;
        Ok(workspace.folder.join(workspace.files.to_string()))
    }

    fn new_workspace(&self) -> Result<Workspace> {
        let tmp = self.tmp();
        fs::create_dir_all(&tmp).at("creating", &tmp)?;
        // Nobody sweeps while a folder is there whose lock is not held yet.
        let _guard = self.guard()?;
        let process = std::process::id();
        let candidates = (0_u32..).map(|n| tmp.join(format!("{process}-{n}")));
        for folder in candidates {
            match fs::create_dir(&folder) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error).at("creating", &folder),
                Ok(()) => {
                    let path = folder.join(LOCK);
                    let lock = File::create(&path).at("creating", &path)?;
                    lock.lock().at("locking", &path)?;
                    return Ok(Workspace {
                        folder,
                        files: 0,
                        _lock: lock,
                    });
                }
            }
        }
        unreachable!("the numbers do not end")
    }

    fn guard(&self) -> Result<File> {
        let path = self.tmp().join(LOCK);
        let guard = File::create(&path).at("creating", &path)?;
        guard.lock().at("locking", &path)?;
        Ok(guard)
    }

    /// Removes the half-written files of processes that are gone.
    pub(crate) fn remove_leftovers(&self) -> Result<()> {
        let tmp = self.tmp();
        let entries = match fs::read_dir(&tmp) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            entries => entries.at("reading", &tmp)?,
        };
        let _guard = self.guard()?;
        for entry in entries {
            let folder = entry.at("reading", &tmp)?.path();
            let lock = match File::open(folder.join(LOCK)) {
                Ok(lock) => Some(lock),
                // A crash between the folder and its lock.
                Err(error) if error.kind() == io::ErrorKind::NotFound => None,
                Err(_) => continue,
            };
            let is_left = lock.is_none_or(|lock| lock.try_lock().is_ok());
            if (is_left || planted::is(Planted::ClearsLiveTmp)) && folder.is_dir() {
                fs::remove_dir_all(&folder).at("removing", &folder)?;
            }
        }
        Ok(())
    }
}

impl Drop for Workspace {
    fn drop(&mut self) {
        // What stays is swept at the next opening.
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// Bytes that are being taken in together, so that each folder is flushed once.
pub(crate) struct BlobBatch<'a> {
    store: &'a BlobStore,
    changed: Mutex<BTreeSet<PathBuf>>,
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
                    let mut file = create_read_only(path)?;
                    let written = file.write_all(bytes);
                    planted::unless_swallowed(Planted::SwallowedWriteError, written)?;
                    if planted::is(Planted::NoFsync) {
                        return Ok(());
                    }
                    file.sync_all()
                })?;
                Ok(stored)
            }
            ImageSource::File(path) => self.store_file(&intake, path),
        }
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
    fn place_copy(&self, copy: &Path, stored: StoredImage) -> Result<()> {
        let is_whole = |blob: &Path| Ok(whole::hash(File::open(blob)?)? == stored.sha256);
        self.place(stored.sha256, is_whole, |path| {
            fs::rename(copy, path)?;
            make_read_only(path)
        })
    }

    /// Puts bytes in their place unless they are there. `write` makes a flushed file.
    ///
    /// What stands there is read: whoever brings the right bytes must not lose them to a
    /// damaged blob, which is kept in `.pegbar/damaged`. That costs a read for each image
    /// that is taken in again as a new asset; files that an import knows already don't come
    /// here, and only the size of their blobs is looked at.
    fn place(
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
            create_folders(&folder)?;
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
        let flushed = parallel::each(&changed, |folder| sync_folder(folder));
        flushed.into_iter().collect::<Result<()>>()?;
        sync_folder(&self.store.blobs)?;
        self.store.blobs.parent().map_or(Ok(()), sync_folder)
    }
}

/// Creates a file that only this handle can write: no editor writes into the truth by mistake.
fn create_read_only(path: &Path) -> io::Result<File> {
    let mut options = File::options();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o444);
    let file = options.open(path)?;
    if !cfg!(unix) {
        make_read_only(path)?;
    }
    Ok(file)
}

/// Keeps an editor from writing into the truth by mistake.
fn make_read_only(file: &Path) -> io::Result<()> {
    let mut permissions = fs::metadata(file)?.permissions();
    permissions.set_readonly(true);
    fs::set_permissions(file, permissions)
}

/// Says that a blob was taken in again just now. Where that can't be said, only the grace that a
/// purge gives it is shorter.
fn touch(path: &Path) {
    #[cfg(unix)]
    {
        use rustix::fs::{AtFlags, CWD, Timespec, Timestamps, UTIME_NOW, UTIME_OMIT, utimensat};
        let time = |tv_nsec| Timespec { tv_sec: 0, tv_nsec };
        let times = Timestamps {
            last_access: time(UTIME_OMIT),
            last_modification: time(UTIME_NOW),
        };
        let _ = utimensat(CWD, path, &times, AtFlags::empty());
    }
    #[cfg(not(unix))]
    let _ = path;
}

/// Flushes a folder: after this, a power cut can't undo a rename in it.
pub(crate) fn sync_folder(folder: &Path) -> Result<()> {
    if cfg!(unix) {
        File::open(folder)
            .and_then(|file| file.sync_all())
            .at("flushing", folder)?;
    }
    Ok(())
}
