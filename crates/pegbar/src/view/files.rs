//! Moving files of the view so that nothing of anyone's is lost.

use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::UNIX_EPOCH;

use sha2::Digest as _;

use crate::blob::whole;
use crate::error::{IoContext, Result};
use crate::hash::Sha256;
use crate::planted::{self, Planted};

/// What the names of files begin with that were moved aside, in the folder where they were:
/// recovery looks at them as the interrupted run would have.
pub(crate) const MOVED_ASIDE: &str = ".pegbar-old-";

/// What the names of copies begin with that are being written beside their place: they are
/// ours, and recovery drops them.
pub(crate) const BEING_WRITTEN: &str = ".pegbar-new-";

/// How a file looks without reading it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stamp {
    pub(crate) file_size: u64,
    pub(crate) modified_ns: i64,
}

/// Returns how a file looks; `None` where there is none, or something that is not a file.
pub(crate) fn stamp(path: &Path) -> Result<Option<Stamp>> {
    let metadata = match fs::symlink_metadata(path) {
        Err(error) if is_absent(&error) => return Ok(None),
        metadata => metadata.at("looking at", path)?,
    };
    if !metadata.is_file() {
        return Ok(None);
    }
    stamp_of(&metadata).at("looking at", path).map(Some)
}

pub(crate) fn stamp_of(metadata: &fs::Metadata) -> io::Result<Stamp> {
    let since = metadata.modified()?.duration_since(UNIX_EPOCH);
    let modified_ns = since.map_or(0, |since| {
        i64::try_from(since.as_nanos()).unwrap_or(i64::MAX)
    });
    Ok(Stamp {
        file_size: metadata.len(),
        modified_ns,
    })
}

/// Says whether an error means that nothing is there.
pub(crate) fn is_absent(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
    )
}

/// Hashes a file; `None` where it changed meanwhile.
pub(crate) fn hash(path: &Path) -> Result<Option<(Stamp, Sha256)>> {
    let Some(before) = stamp(path)? else {
        return Ok(None);
    };
    let mut file = File::open(path).at("reading", path)?;
    let mut hasher = sha2::Sha256::new();
    let mut chunk = vec![0; 1 << 16];
    loop {
        match file.read(&mut chunk) {
            Ok(0) => break,
            Ok(read) => hasher.update(&chunk[..read]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error).at("reading", path),
        }
    }
    let sha256 = Sha256(hasher.finalize().into());
    Ok((stamp(path)? == Some(before)).then_some((before, sha256)))
}

/// Moves a file to a path where nothing is; says so where something is, and moves nothing.
pub(crate) fn move_new(from: &Path, to: &Path) -> io::Result<()> {
    match rename_new(from, to) {
        Err(error) if error.kind() == io::ErrorKind::Unsupported => {}
        renamed => return renamed,
    }
    // A link refuses to replace, unlike a rename.
    match planted::hard_link(from, to) {
        Ok(()) => fs::remove_file(from),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Err(error),
        Err(_) if fs::symlink_metadata(to).is_ok() => Err(io::ErrorKind::AlreadyExists.into()),
        // A folder, a link, another file system, or one without hard links.
        Err(_) => match fs::rename(from, to) {
            Err(error) if error.kind() == io::ErrorKind::CrossesDevices => copy_new(from, to),
            renamed => renamed,
        },
    }
}

/// Renames, and refuses to replace, where the system can in one step.
#[cfg(target_os = "linux")]
fn rename_new(from: &Path, to: &Path) -> io::Result<()> {
    use rustix::fs::{CWD, RenameFlags, renameat_with};
    use rustix::io::Errno;
    if planted::is(Planted::NoRenameNew) {
        return Err(io::ErrorKind::Unsupported.into());
    }
    match renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE) {
        // Not every file system knows how; between two of them nobody does.
        Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP | Errno::XDEV) => {
            Err(io::ErrorKind::Unsupported.into())
        }
        renamed => Ok(renamed?),
    }
}

#[cfg(not(target_os = "linux"))]
fn rename_new(_: &Path, _: &Path) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

/// Copies what is there to another file system, flushed, and removes the original. After a
/// failure the original is there.
fn copy_new(from: &Path, to: &Path) -> io::Result<()> {
    if let Err(error) = copy_tree(from, to) {
        // Another's file stays: the copy refuses to begin where something is.
        if error.kind() != io::ErrorKind::AlreadyExists {
            let _ = remove(to);
        }
        return Err(error);
    }
    remove(from)
}

fn remove(place: &Path) -> io::Result<()> {
    if fs::symlink_metadata(place)?.is_dir() {
        fs::remove_dir_all(place)
    } else {
        fs::remove_file(place)
    }
}

fn copy_tree(from: &Path, to: &Path) -> io::Result<()> {
    let kind = fs::symlink_metadata(from)?.file_type();
    if kind.is_dir() {
        fs::create_dir(to)?;
        for entry in fs::read_dir(from)? {
            let name = entry?.file_name();
            copy_tree(&from.join(&name), &to.join(&name))?;
        }
        return crate::blob::sync_folder(to).map_err(io::Error::other);
    }
    if kind.is_symlink() {
        return copy_link(&fs::read_link(from)?, to);
    }
    if !kind.is_file() {
        let text = format!("{} is neither a file nor a folder", from.display());
        return Err(io::Error::other(text));
    }
    let mut source = File::open(from)?;
    let mut target = File::create_new(to)?;
    io::copy(&mut source, &mut target)?;
    target.sync_all()
}

#[cfg(unix)]
fn copy_link(target: &Path, to: &Path) -> io::Result<()> {
    std::os::unix::fs::symlink(target, to)
}

#[cfg(not(unix))]
fn copy_link(target: &Path, _: &Path) -> io::Result<()> {
    let text = format!(
        "a link to {} can't be moved to another disk",
        target.display()
    );
    Err(io::Error::other(text))
}

/// Why a blob can't be given on.
#[derive(Clone, Copy, Debug)]
pub(super) enum Flaw {
    /// It is not there.
    Missing,
    /// Its bytes have this hash, not that of its name.
    Altered(Sha256),
}

/// Whether the file system shares the blocks of files, as far as it was tried.
#[derive(Debug, Default)]
pub(super) struct Reflinks {
    are_refused: AtomicBool,
}

impl Reflinks {
    /// Makes a flushed file from a blob: shares its blocks where the file system can, else
    /// copies. What the file has is hashed; bytes that are not the blob's are not given on.
    pub(super) fn copy_blob(
        &self,
        blob: &Path,
        sha256: Sha256,
        to: &Path,
    ) -> Result<std::result::Result<Stamp, Flaw>> {
        match self.copy(blob, sha256, to) {
            Ok(Err(found)) => {
                fs::remove_file(to).at("removing", to)?;
                Ok(Err(Flaw::Altered(found)))
            }
            Ok(Ok(stamp)) => Ok(Ok(stamp)),
            Err(error) if is_absent(&error) && !blob.exists() => Ok(Err(Flaw::Missing)),
            Err(error) => Err(error).at("writing", to),
        }
    }

    /// Copies a blob; returns the hash of its bytes if that is another.
    fn copy(
        &self,
        blob: &Path,
        sha256: Sha256,
        to: &Path,
    ) -> io::Result<std::result::Result<Stamp, Sha256>> {
        let (target, found) = if let Some(shared) = self.share(blob, to)? {
            (shared, whole::hash(File::open(to)?)?)
        } else {
            let source = File::open(blob)?;
            let target = File::create_new(to)?;
            let found = whole::copy(source, &target)?;
            (target, found)
        };
        if found != sha256 {
            return Ok(Err(found));
        }
        make_writable(&target)?;
        target.sync_all()?;
        stamp_of(&target.metadata()?).map(Ok)
    }

    /// Makes a file that shares the blob's blocks; `None` where that can't be done.
    fn share(&self, blob: &Path, to: &Path) -> io::Result<Option<File>> {
        if self.are_refused.load(Ordering::Relaxed) || planted::is(Planted::NoReflink) {
            return Ok(None);
        }
        match reflink_copy::reflink(blob, to) {
            Ok(()) => {
                // The copy of a read-only file may be read-only too.
                make_path_writable(to)?;
                File::options().write(true).open(to).map(Some)
            }
            Err(error) if is_absent(&error) => Err(error),
            Err(_) => {
                self.are_refused.store(true, Ordering::Relaxed);
                Ok(None)
            }
        }
    }
}

/// The view is for other programs too; blobs are read-only.
fn make_writable(file: &File) -> io::Result<()> {
    file.set_permissions(writable(&file.metadata()?))
}

fn make_path_writable(path: &Path) -> io::Result<()> {
    fs::set_permissions(path, writable(&fs::metadata(path)?))
}

#[cfg(unix)]
fn writable(_: &fs::Metadata) -> fs::Permissions {
    std::os::unix::fs::PermissionsExt::from_mode(0o644)
}

#[cfg(not(unix))]
fn writable(found: &fs::Metadata) -> fs::Permissions {
    let mut permissions = found.permissions();
    permissions.set_readonly(false);
    permissions
}

/// Moves something out of the way into the folder of kept files, and returns where it is.
pub(crate) fn keep(from: &Path, kept: &Path, path: &str) -> Result<PathBuf> {
    // A file that was kept before may have the name of a folder that is needed now.
    let mut place = kept.join(path);
    for number in 2_u32.. {
        let folder = place.parent().unwrap_or(kept);
        let is_blocked = folder
            .ancestors()
            .take_while(|above| *above != kept)
            .any(|above| fs::symlink_metadata(above).is_ok() && !above.is_dir());
        if !is_blocked {
            break;
        }
        place = kept.join(format!("~{number}")).join(path);
    }
    let folder = place.parent().unwrap_or(kept);
    fs::create_dir_all(folder).at("creating", folder)?;
    for number in 1_u32.. {
        let mut name = place.clone().into_os_string();
        if number > 1 {
            name.push(format!("~{number}"));
        }
        let candidate = PathBuf::from(name);
        match move_new(from, &candidate) {
            Ok(()) => {
                crate::blob::sync_folder(folder)?;
                return Ok(candidate);
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error).at("keeping", from),
        }
    }
    unreachable!("the numbers do not end")
}
