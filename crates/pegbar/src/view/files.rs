//! Moving files of the view so that nothing of anyone's is lost.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::UNIX_EPOCH;

use super::folder::Place;
use super::moving::move_at;
use crate::blob::rights::unless_lacking;
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

/// Hashes a file; `None` where it changed meanwhile, or went.
pub(crate) fn hash(path: &Path) -> Result<Option<(Stamp, Sha256)>> {
    let Some(before) = stamp(path)? else {
        return Ok(None);
    };
    let sha256 = match File::open(path).and_then(whole::hash) {
        Err(error) if is_absent(&error) => return Ok(None),
        hashed => hashed.at("reading", path)?,
    };
    Ok((stamp(path)? == Some(before)).then_some((before, sha256)))
}

/// Hashes a file of the view; `None` where it changed meanwhile, or went.
pub(super) fn hash_at(place: &Place) -> Result<Option<(Stamp, Sha256)>> {
    let Some(before) = place.stamp()? else {
        return Ok(None);
    };
    let sha256 = match place.file().and_then(whole::hash) {
        Err(error) if is_absent(&error) => return Ok(None),
        hashed => hashed.at("reading", &place.path())?,
    };
    Ok((place.stamp()? == Some(before)).then_some((before, sha256)))
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
    /// Makes a file from a blob, which is not flushed then: shares its blocks where the file
    /// system can, else copies. What the file has is hashed; bytes that are not the blob's are
    /// not given on.
    pub(super) fn copy_blob(
        &self,
        blob: &Path,
        sha256: Sha256,
        to: &Place,
    ) -> Result<std::result::Result<File, Flaw>> {
        match self.copy(blob, to) {
            Ok((_, found)) if found != sha256 => {
                to.remove()?;
                Ok(Err(Flaw::Altered(found)))
            }
            Ok((copy, _)) => Ok(Ok(copy)),
            Err(error) if is_absent(&error) && !blob.exists() => Ok(Err(Flaw::Missing)),
            Err(error) => Err(error).at("writing", &to.path()),
        }
    }

    /// Copies a blob, and returns the hash of its bytes.
    fn copy(&self, blob: &Path, to: &Place) -> io::Result<(File, Sha256)> {
        let source = File::open(blob)?;
        let (target, found) = if let Some(shared) = self.share(&source, to)? {
            let found = whole::hash(&shared)?;
            (shared, found)
        } else {
            let target = to.folder.new_file(&to.name)?;
            let found = whole::copy(source, &target)?;
            (target, found)
        };
        make_writable(&target)?;
        Ok((target, found))
    }

    /// Makes a file that shares the blob's blocks; `None` where that can't be done.
    fn share(&self, blob: &File, to: &Place) -> io::Result<Option<File>> {
        if self.are_refused.load(Ordering::Relaxed) || planted::is(Planted::NoReflink) {
            return Ok(None);
        }
        match to.folder.share(blob, &to.name) {
            Ok(shared) => Ok(Some(shared)),
            Err(error) if is_absent(&error) => Err(error),
            Err(_) => {
                self.are_refused.store(true, Ordering::Relaxed);
                Ok(None)
            }
        }
    }
}

/// Flushes a copy, and returns how it looks.
pub(super) fn flush_copy(copy: &File) -> io::Result<Stamp> {
    copy.sync_all()?;
    stamp_of_open(copy)
}

/// Returns how an open file looks.
pub(super) fn stamp_of_open(file: &File) -> io::Result<Stamp> {
    stamp_of(&file.metadata()?)
}

/// The view is for other programs too; blobs are read-only.
fn make_writable(file: &File) -> io::Result<()> {
    unless_lacking(file.set_permissions(writable(&file.metadata()?)))
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
    keep_at(&Place::at(from).at("keeping", from)?, kept, path)
}

/// Moves something of the view out of the way into the folder of kept files, and returns where
/// it is.
pub(super) fn keep_at(from: &Place, kept: &Path, path: &str) -> Result<PathBuf> {
    // A file that was kept before may have the name of a folder that is needed now.
    let mut place = kept.join(path);
    for number in 2_u32.. {
        let folder = place.parent().unwrap_or(kept);
        let is_blocked = folder
            .ancestors()
            .take_while(|above| *above != kept)
            // A link that was kept leads out.
            .any(|above| fs::symlink_metadata(above).is_ok_and(|found| !found.is_dir()));
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
        match Place::at(&candidate).and_then(|to| move_at(from, &to)) {
            Ok(()) => {
                crate::blob::sync_folder(folder)?;
                return Ok(candidate);
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error).at("keeping", &from.path()),
        }
    }
    unreachable!("the numbers do not end")
}
