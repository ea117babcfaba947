//! Folders by descriptor.

use std::ffi::{OsStr, OsString};
use std::fs::{File, Metadata};
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags};
use rustix::io::Errno;

use super::{Kind, Look, is_link};
use crate::disk::unix::{FILE, FOLDER};
use crate::planted::{self, Planted};
use crate::view::files::Stamp;

const NEW_FILE: OFlags = OFlags::RDWR
    .union(OFlags::CREATE)
    .union(OFlags::EXCL)
    .union(OFlags::NOFOLLOW)
    .union(OFlags::CLOEXEC);

/// Which folder it is, whatever its path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::view) struct Identity(u64, u64);

impl Identity {
    fn of(folder: &Metadata) -> Self {
        Self(folder.dev(), folder.ino())
    }
}

/// An open folder, and the path that led to it.
pub(in crate::view) struct Folder(File, PathBuf);

impl Folder {
    /// Opens a folder; links on the way are followed.
    pub(in crate::view) fn open(path: &Path) -> io::Result<Self> {
        let folder = rustix::fs::open(path, FOLDER, Mode::empty())?;
        Ok(Self(folder.into(), path.to_owned()))
    }

    pub(in crate::view) fn path(&self) -> &Path {
        &self.1
    }

    pub(super) fn identity(&self) -> io::Result<Identity> {
        Ok(Identity::of(&self.0.metadata()?))
    }

    /// Opens a folder in this one; refuses a link.
    pub(in crate::view) fn folder(&self, name: &OsStr) -> io::Result<Self> {
        let flags = if planted::is(Planted::FollowsLinks) {
            FOLDER
        } else {
            FOLDER.union(OFlags::NOFOLLOW)
        };
        match rustix::fs::openat(&self.0, name, flags, Mode::empty()) {
            Ok(folder) => Ok(Self(folder.into(), self.1.join(name))),
            Err(error @ (Errno::LOOP | Errno::NOTDIR)) => match self.look(name)?.kind {
                // A folder was something else a moment ago.
                Kind::Link | Kind::Folder => Err(is_link()),
                Kind::File | Kind::Other => Err(error.into()),
            },
            Err(error) => Err(error.into()),
        }
    }

    pub(in crate::view) fn create_folder(&self, name: &OsStr) -> io::Result<()> {
        Ok(rustix::fs::mkdirat(
            &self.0,
            name,
            Mode::from_raw_mode(0o777),
        )?)
    }

    pub(super) fn look(&self, name: &OsStr) -> io::Result<Look> {
        let found = rustix::fs::statat(&self.0, name, AtFlags::SYMLINK_NOFOLLOW)?;
        let seconds = i128::from(found.st_mtime);
        let modified_ns = seconds * 1_000_000_000 + i128::from(found.st_mtime_nsec);
        Ok(Look {
            kind: match FileType::from_raw_mode(found.st_mode) {
                FileType::RegularFile => Kind::File,
                FileType::Directory => Kind::Folder,
                FileType::Symlink => Kind::Link,
                _ => Kind::Other,
            },
            stamp: Stamp {
                file_size: u64::try_from(found.st_size).unwrap_or_default(),
                modified_ns: i64::try_from(modified_ns.max(0)).unwrap_or(i64::MAX),
            },
        })
    }

    pub(super) fn file(&self, name: &OsStr) -> io::Result<File> {
        Ok(rustix::fs::openat(&self.0, name, FILE, Mode::empty())?.into())
    }

    /// Creates a file, for reading and writing; replaces nothing.
    pub(in crate::view) fn new_file(&self, name: &OsStr) -> io::Result<File> {
        let rights = Mode::from_raw_mode(0o666);
        Ok(rustix::fs::openat(&self.0, name, NEW_FILE, rights)?.into())
    }

    /// Creates a file that shares the blocks of another; replaces nothing. After a failure there
    /// is none.
    #[cfg(not(target_vendor = "apple"))]
    pub(in crate::view) fn share(&self, from: &File, name: &OsStr) -> io::Result<File> {
        let file = self.new_file(name)?;
        match reflink_copy::reflink_file(from, &file) {
            Ok(()) => Ok(file),
            Err(error) => {
                self.remove(name)?;
                Err(error)
            }
        }
    }

    /// Creates a file that shares the blocks of another; replaces nothing.
    #[cfg(target_vendor = "apple")]
    pub(in crate::view) fn share(&self, from: &File, name: &OsStr) -> io::Result<File> {
        use rustix::fs::{CloneFlags, chmodat, fclonefileat};
        fclonefileat(from, &self.0, name, CloneFlags::empty())?;
        // The copy of a read-only file is read-only too.
        chmodat(&self.0, name, Mode::from_raw_mode(0o644), AtFlags::empty())?;
        let flags = OFlags::RDWR.union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);
        Ok(rustix::fs::openat(&self.0, name, flags, Mode::empty())?.into())
    }

    pub(in crate::view) fn rename(&self, name: &OsStr, to: &Self, new: &OsStr) -> io::Result<()> {
        Ok(rustix::fs::renameat(&self.0, name, &to.0, new)?)
    }

    /// Renames, and refuses to replace, where the system can in one step.
    #[cfg(target_os = "linux")]
    pub(in crate::view) fn rename_new(
        &self,
        name: &OsStr,
        to: &Self,
        new: &OsStr,
    ) -> io::Result<()> {
        use rustix::fs::{RenameFlags, renameat_with};
        if planted::is(Planted::NoRenameNew) {
            return Err(io::ErrorKind::Unsupported.into());
        }
        match renameat_with(&self.0, name, &to.0, new, RenameFlags::NOREPLACE) {
            // Not every file system knows how; between two of them nobody does.
            Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP | Errno::XDEV) => {
                Err(io::ErrorKind::Unsupported.into())
            }
            renamed => Ok(renamed?),
        }
    }

    #[cfg(not(target_os = "linux"))]
    pub(in crate::view) fn rename_new(&self, _: &OsStr, _: &Self, _: &OsStr) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }

    /// Gives a file one more name, where the file system has hard links; replaces nothing.
    pub(in crate::view) fn link(&self, name: &OsStr, to: &Self, new: &OsStr) -> io::Result<()> {
        if planted::is(Planted::NoHardLink) {
            return Err(io::ErrorKind::Unsupported.into());
        }
        let flags = AtFlags::empty();
        Ok(rustix::fs::linkat(&self.0, name, &to.0, new, flags)?)
    }

    /// Removes a file or a link.
    pub(in crate::view) fn remove(&self, name: &OsStr) -> io::Result<()> {
        Ok(rustix::fs::unlinkat(&self.0, name, AtFlags::empty())?)
    }

    /// Removes an empty folder.
    pub(in crate::view) fn remove_folder(&self, name: &OsStr) -> io::Result<()> {
        Ok(rustix::fs::unlinkat(&self.0, name, AtFlags::REMOVEDIR)?)
    }

    pub(in crate::view) fn read_link(&self, name: &OsStr) -> io::Result<PathBuf> {
        let target = rustix::fs::readlinkat(&self.0, name, Vec::new())?;
        Ok(OsStr::from_bytes(target.as_bytes()).into())
    }

    pub(in crate::view) fn create_link(&self, target: &Path, name: &OsStr) -> io::Result<()> {
        Ok(rustix::fs::symlinkat(target, &self.0, name)?)
    }

    /// Returns the names of what is in the folder.
    pub(in crate::view) fn names(&self) -> io::Result<Vec<OsString>> {
        let mut names = Vec::new();
        for entry in Dir::read_from(&self.0)? {
            let entry = entry?;
            let name = OsStr::from_bytes(entry.file_name().to_bytes());
            if name != "." && name != ".." {
                names.push(name.to_owned());
            }
        }
        Ok(names)
    }

    pub(in crate::view) fn flush(&self) -> io::Result<()> {
        self.0.sync_all()
    }
}
