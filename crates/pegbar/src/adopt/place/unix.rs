//! Folders by descriptor: each part of a path is opened in the folder before it, and never
//! through a link.

use std::fs::{File, Metadata};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use rustix::fs::{AtFlags, FileType, Mode, OFlags};
use rustix::io::Errno;

use super::Problem;
use crate::disk::unix::{FILE, FOLDER};
use crate::error::{IoContext, Result};

/// An open folder.
pub(super) struct Folder(OwnedFd);

/// Returns which file it is, and when anything about it last changed.
pub(super) fn identity(metadata: &Metadata) -> ((u64, u64), i128) {
    let changed = i128::from(metadata.ctime()) * 1_000_000_000;
    let changed = changed + i128::from(metadata.ctime_nsec());
    ((metadata.dev(), metadata.ino()), changed)
}

impl Folder {
    /// Opens the folder itself, which the user may have put elsewhere by a link.
    pub(super) fn root(path: &Path) -> Result<Option<Self>> {
        match rustix::fs::open(path, FOLDER, Mode::empty()) {
            Ok(folder) => Ok(Some(Self(folder))),
            Err(Errno::NOENT) => Ok(None),
            Err(error) => Err(io::Error::from(error)).at("opening", path),
        }
    }

    pub(super) fn again(&self) -> io::Result<Self> {
        Ok(Self(self.0.try_clone()?))
    }

    /// Opens a folder in this one.
    pub(super) fn folder(&self, name: &str) -> Result<Self, Problem> {
        let flags = FOLDER.union(OFlags::NOFOLLOW);
        match rustix::fs::openat(&self.0, name, flags, Mode::empty()) {
            Ok(folder) => Ok(Self(folder)),
            Err(error @ (Errno::LOOP | Errno::NOTDIR)) => match self.kind(name)? {
                FileType::Symlink => Err(Problem::Link(name.to_owned())),
                // Another one than a moment ago.
                FileType::Directory => Err(Problem::Unreadable(error.into())),
                kind => Err(Problem::NotAFile(word(kind))),
            },
            Err(error) => Err(problem(error)),
        }
    }

    /// Opens a file in this folder.
    pub(super) fn file(&self, name: &str) -> Result<File, Problem> {
        // Opening a device can do something: it is not even tried.
        check(name, self.kind(name)?)?;
        let file = match rustix::fs::openat(&self.0, name, FILE, Mode::empty()) {
            Ok(file) => file,
            Err(Errno::LOOP) => return Err(Problem::Link(name.to_owned())),
            Err(error) => return Err(problem(error)),
        };
        let found = rustix::fs::fstat(&file).map_err(problem)?;
        check(name, FileType::from_raw_mode(found.st_mode))?;
        Ok(File::from(file))
    }

    fn kind(&self, name: &str) -> Result<FileType, Problem> {
        let found = rustix::fs::statat(&self.0, name, AtFlags::SYMLINK_NOFOLLOW);
        let found = found.map_err(problem)?;
        Ok(FileType::from_raw_mode(found.st_mode))
    }

    pub(super) fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        Ok(rustix::fs::renameat(&self.0, from, &self.0, to)?)
    }

    pub(super) fn remove(&self, name: &str) -> io::Result<()> {
        Ok(rustix::fs::unlinkat(&self.0, name, AtFlags::empty())?)
    }

    /// Moves something back to its name; where that is taken now, beside it.
    pub(super) fn put_back(&self, aside: &str, name: &str) -> io::Result<()> {
        let mut place = name.to_owned();
        for number in 2_u32.. {
            // A link refuses to replace, unlike a rename.
            match rustix::fs::linkat(&self.0, aside, &self.0, &place, AtFlags::empty()) {
                Ok(()) => return self.remove(aside),
                Err(Errno::EXIST) => place = format!("{name}~{number}"),
                // A file system without hard links.
                Err(_) if self.kind(&place).is_err() => return self.rename(aside, &place),
                Err(_) => place = format!("{name}~{number}"),
            }
        }
        Ok(())
    }

    pub(super) fn flush(&self) -> io::Result<()> {
        Ok(rustix::fs::fsync(&self.0)?)
    }
}

fn check(name: &str, kind: FileType) -> Result<(), Problem> {
    match kind {
        FileType::RegularFile => Ok(()),
        FileType::Symlink => Err(Problem::Link(name.to_owned())),
        kind => Err(Problem::NotAFile(word(kind))),
    }
}

fn word(kind: FileType) -> &'static str {
    match kind {
        FileType::RegularFile => "a file",
        FileType::Directory => "a folder",
        FileType::Fifo => "a pipe",
        FileType::Socket => "a socket",
        FileType::CharacterDevice | FileType::BlockDevice => "a device",
        _ => "something else",
    }
}

fn problem(error: Errno) -> Problem {
    match error {
        Errno::NOENT | Errno::NOTDIR => Problem::Missing,
        error => Problem::Unreadable(error.into()),
    }
}
