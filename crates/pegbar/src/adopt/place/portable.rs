//! Folders by path, where the system has no descriptors of folders: what was opened is
//! looked for again without links.

use std::fs::{self, File, Metadata};
use std::io;
use std::path::{Path, PathBuf};

use super::Problem;
use crate::error::{IoContext, Result};

/// A folder without links in its path.
pub(super) struct Folder(PathBuf);

/// Returns which file it is, and when anything about it last changed: not known here.
pub(super) fn identity(metadata: &Metadata) -> ((u64, u64), i128) {
    let created = metadata.created().ok();
    let since = created.and_then(|time| time.duration_since(std::time::UNIX_EPOCH).ok());
    let created = since.map_or(0, |since| since.as_nanos());
    // Enough to tell two files apart that were made at different times.
    ((0, u64::try_from(created).unwrap_or(0)), 0)
}

impl Folder {
    pub(super) fn root(path: &Path) -> Result<Option<Self>> {
        match fs::canonicalize(path) {
            Ok(path) => Ok(Some(Self(path))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error).at("opening", path),
        }
    }

    pub(super) fn again(&self) -> io::Result<Self> {
        Ok(Self(self.0.clone()))
    }

    pub(super) fn folder(&self, name: &str) -> Result<Self, Problem> {
        let (path, found) = self.look_at(name)?;
        if !found.is_dir() {
            return Err(Problem::NotAFile("a file"));
        }
        Ok(Self(path))
    }

    pub(super) fn file(&self, name: &str) -> Result<File, Problem> {
        let (path, found) = self.look_at(name)?;
        if !found.is_file() {
            return Err(Problem::NotAFile("a folder"));
        }
        let file = File::open(&path).map_err(problem)?;
        // A link that was put there since leads to another place.
        let place = fs::canonicalize(&path).map_err(problem)?;
        if place != path {
            return Err(Problem::Link(name.to_owned()));
        }
        Ok(file)
    }

    fn look_at(&self, name: &str) -> Result<(PathBuf, Metadata), Problem> {
        let path = self.0.join(name);
        let found = fs::symlink_metadata(&path).map_err(problem)?;
        if found.is_symlink() {
            return Err(Problem::Link(name.to_owned()));
        }
        let place = fs::canonicalize(&path).map_err(problem)?;
        if place.parent() != Some(self.0.as_path()) {
            return Err(Problem::Link(name.to_owned()));
        }
        Ok((place, found))
    }

    pub(super) fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        fs::rename(self.0.join(from), self.0.join(to))
    }

    pub(super) fn remove(&self, name: &str) -> io::Result<()> {
        fs::remove_file(self.0.join(name))
    }

    pub(super) fn put_back(&self, aside: &str, name: &str) -> io::Result<()> {
        let mut place = self.0.join(name);
        for number in 2_u32.. {
            if fs::symlink_metadata(&place).is_err() {
                break;
            }
            place = self.0.join(format!("{name}~{number}"));
        }
        fs::rename(self.0.join(aside), place)
    }

    #[expect(clippy::unused_self, reason = "as where folders can be flushed")]
    pub(super) fn flush(&self) -> io::Result<()> {
        Ok(())
    }
}

fn problem(error: io::Error) -> Problem {
    match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => Problem::Missing,
        _ => Problem::Unreadable(error),
    }
}
