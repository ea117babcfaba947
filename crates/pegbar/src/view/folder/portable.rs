//! Folders by path, where the system has no way to open one in another: what somebody exchanges
//! for a link in the moment between looking and doing is not noticed.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use super::{Kind, Look, is_link};
use crate::planted;
use crate::view::files::stamp_of;

/// Which folder it is: its path is all that is known.
pub(in crate::view) type Identity = PathBuf;

/// A folder, known by its path.
pub(in crate::view) struct Folder(PathBuf);

impl Folder {
    pub(in crate::view) fn open(path: &Path) -> io::Result<Self> {
        if fs::metadata(path)?.is_dir() {
            Ok(Self(path.to_owned()))
        } else {
            Err(io::ErrorKind::NotADirectory.into())
        }
    }

    pub(in crate::view) fn path(&self) -> &Path {
        &self.0
    }

    #[allow(clippy::unnecessary_wraps, reason = "other systems have to ask")]
    pub(super) fn identity(&self) -> io::Result<Identity> {
        Ok(self.0.clone())
    }

    pub(in crate::view) fn folder(&self, name: &OsStr) -> io::Result<Self> {
        match self.look(name)?.kind {
            Kind::Folder => Ok(Self(self.0.join(name))),
            Kind::Link => Err(is_link()),
            Kind::File | Kind::Other => Err(io::ErrorKind::NotADirectory.into()),
        }
    }

    pub(in crate::view) fn create_folder(&self, name: &OsStr) -> io::Result<()> {
        fs::create_dir(self.0.join(name))
    }

    pub(super) fn look(&self, name: &OsStr) -> io::Result<Look> {
        let found = fs::symlink_metadata(self.0.join(name))?;
        let kind = found.file_type();
        Ok(Look {
            kind: if kind.is_symlink() {
                Kind::Link
            } else if kind.is_dir() {
                Kind::Folder
            } else if kind.is_file() {
                Kind::File
            } else {
                Kind::Other
            },
            stamp: stamp_of(&found)?,
        })
    }

    pub(super) fn file(&self, name: &OsStr) -> io::Result<File> {
        File::open(self.0.join(name))
    }

    /// Creates a file, for reading and writing; replaces nothing.
    pub(in crate::view) fn new_file(&self, name: &OsStr) -> io::Result<File> {
        let mut options = File::options();
        options.read(true).write(true).create_new(true);
        options.open(self.0.join(name))
    }

    /// Creates a file that shares the blocks of another; replaces nothing.
    pub(in crate::view) fn share(&self, from: &File, name: &OsStr) -> io::Result<File> {
        let place = self.0.join(name);
        reflink_copy::reflink_file_to_path(from, &place)?;
        // The copy of a read-only file may be read-only too.
        let mut rights = fs::metadata(&place)?.permissions();
        rights.set_readonly(false);
        fs::set_permissions(&place, rights)?;
        File::options().read(true).write(true).open(place)
    }

    pub(in crate::view) fn rename(&self, name: &OsStr, to: &Self, new: &OsStr) -> io::Result<()> {
        fs::rename(self.0.join(name), to.0.join(new))
    }

    pub(in crate::view) fn rename_new(&self, _: &OsStr, _: &Self, _: &OsStr) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }

    /// Gives a file one more name, where the file system has hard links; replaces nothing.
    pub(in crate::view) fn link(&self, name: &OsStr, to: &Self, new: &OsStr) -> io::Result<()> {
        planted::hard_link(&self.0.join(name), &to.0.join(new))
    }

    pub(in crate::view) fn remove(&self, name: &OsStr) -> io::Result<()> {
        fs::remove_file(self.0.join(name))
    }

    pub(in crate::view) fn remove_folder(&self, name: &OsStr) -> io::Result<()> {
        fs::remove_dir(self.0.join(name))
    }

    pub(in crate::view) fn read_link(&self, name: &OsStr) -> io::Result<PathBuf> {
        fs::read_link(self.0.join(name))
    }

    pub(in crate::view) fn create_link(&self, target: &Path, _: &OsStr) -> io::Result<()> {
        let target = target.display();
        let text = format!("a link to {target} can't be moved to another disk");
        Err(io::Error::other(text))
    }

    /// Returns the names of what is in the folder.
    pub(in crate::view) fn names(&self) -> io::Result<Vec<OsString>> {
        let entries = fs::read_dir(&self.0)?;
        entries.map(|entry| Ok(entry?.file_name())).collect()
    }

    /// Folders can't be flushed by their path.
    #[allow(
        clippy::unnecessary_wraps,
        clippy::unused_self,
        reason = "other systems can"
    )]
    pub(in crate::view) fn flush(&self) -> io::Result<()> {
        Ok(())
    }
}
