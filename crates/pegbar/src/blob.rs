//! The blob store: immutable bytes, named by their SHA-256. The truth about every image.

mod batch;
mod inspect;
mod intake;
mod leftover;
mod log;
mod metadata;
mod open;
mod opened;
mod receive;
mod replay;
pub(crate) mod rights;
pub(crate) mod whole;

use std::collections::hash_map::DefaultHasher;
use std::collections::{BTreeSet, HashSet};
use std::fs::{self, File};
use std::hash::{Hash as _, Hasher as _};
use std::io::{self};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::asset::ImageSource;
use crate::db::value::word_enum;
use crate::disk::{check_not_away, create_folders, is_elsewhere};
use crate::error::{IoContext, Result};
use crate::hash::Sha256;
use crate::planted::{self, Planted};
pub(crate) use batch::{BlobBatch, FLUSHED_AT_ONCE};
use intake::Intake;
pub(crate) use leftover::FoundBlob;
use log::Logging;
pub(crate) use log::{Cover, LOG};
pub(crate) use opened::Refused;
pub use receive::ImageReceiver;
#[cfg(test)]
pub(crate) use replay::STATEMENTS;

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
    /// The folders of blobs whose names are durable.
    named: Mutex<HashSet<PathBuf>>,
    logging: Mutex<Logging>,
}

/// This process's folder for files that are being written, held by a lock: what a process
/// that is gone left behind can be told from what another one is writing.
struct Workspace {
    folder: PathBuf,
    files: u64,
    /// Released before the folder is removed.
    lock: Option<File>,
    /// What whoever sweeps holds.
    guard: PathBuf,
    /// Something in it is still needed.
    is_kept: bool,
}

const LOCK: &str = "lock";

/// Returns the path of the bytes with this hash below a folder of blobs.
pub(crate) fn below(sha256: Sha256) -> String {
    let name = sha256.to_string();
    format!("{}/{name}", &name[..2])
}

impl BlobStore {
    pub(crate) fn new(private: &Path, limits: Limits) -> Self {
        let blobs = private.join("blobs");
        Self {
            mark: StoreMark::of(&blobs),
            blobs,
            private: private.to_owned(),
            limits,
            workspace: Mutex::new(None),
            named: Mutex::default(),
            logging: Mutex::default(),
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
        self.blobs.join(below(sha256))
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

    /// Makes a folder for blobs, if need be.
    fn make_folder(&self, folder: &Path) -> Result<()> {
        match fs::create_dir(folder) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Ok(()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => create_folders(folder)?,
            created => created.at("creating", folder)?,
        }
        self.named().remove(folder);
        Ok(())
    }

    /// Makes the names of folders for blobs durable, unless they are known to be.
    fn flush_names_of(&self, folders: Vec<PathBuf>) -> Result<()> {
        if folders.iter().all(|folder| self.named().contains(folder)) {
            return Ok(());
        }
        sync_folder(&self.blobs)?;
        self.blobs.parent().map_or(Ok(()), sync_folder)?;
        self.named().extend(folders);
        Ok(())
    }

    fn logging(&self) -> MutexGuard<'_, Logging> {
        self.logging.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn named(&self) -> MutexGuard<'_, HashSet<PathBuf>> {
        self.named.lock().unwrap_or_else(PoisonError::into_inner)
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
        self.in_workspace(|workspace| {
            workspace.files += 1;
            workspace.folder.join(workspace.files.to_string())
        })
    }

    /// Returns this process's folder.
    fn own_folder(&self) -> Result<PathBuf> {
        self.in_workspace(|workspace| workspace.folder.clone())
    }

    /// Leaves this process's folder where it is.
    fn keep_workspace(&self) {
        let _ = self.in_workspace(|workspace| workspace.is_kept = true);
    }

    fn is_workspace_kept(&self) -> bool {
        let workspace = self.workspace.lock();
        let workspace = workspace.unwrap_or_else(PoisonError::into_inner);
        workspace.as_ref().is_some_and(|own| own.is_kept)
    }

    fn in_workspace<T>(&self, work: impl FnOnce(&mut Workspace) -> T) -> Result<T> {
        let mut workspace = self
            .workspace
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let workspace = match &mut *workspace {
            Some(workspace) => workspace,
            none => none.insert(self.new_workspace()?),
        };
        Ok(work(workspace))
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
                        lock: Some(lock),
                        guard: tmp.join(LOCK),
                        is_kept: false,
                    });
                }
            }
        }
        unreachable!("the numbers do not end")
    }

    fn guard(&self) -> Result<File> {
        let path = self.tmp().join(LOCK);
        guard(&path).at("locking", &path)
    }

    /// Removes the half-written files of processes that are gone, unless there is a log among
    /// them, which is needed as long as it is there.
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
            if folder.join(LOG).exists() && !planted::is(Planted::ForgetsLog) {
                continue;
            }
            if (is_left || planted::is(Planted::ClearsLiveTmp)) && folder.is_dir() {
                fs::remove_dir_all(&folder).at("removing", &folder)?;
            }
        }
        Ok(())
    }
}

impl Drop for BlobStore {
    fn drop(&mut self) {
        self.settle();
    }
}

impl Drop for Workspace {
    fn drop(&mut self) {
        if self.is_kept {
            return;
        }
        // Not every system removes a folder in which a file is open; without the lock, though,
        // another process may sweep it, and make one of the same name.
        let _guard = guard(&self.guard);
        drop(self.lock.take());
        // What stays is swept at the next opening.
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// Waits until nobody makes or sweeps the folders of processes; nobody does as long as what is
/// returned is open.
fn guard(path: &Path) -> io::Result<File> {
    let guard = File::create(path)?;
    guard.lock()?;
    Ok(guard)
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
