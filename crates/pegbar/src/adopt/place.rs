//! The files that rows of other programs name, opened so that nothing leads out of
//! `public/assets`: not a link, not one that is put there meanwhile.

#[cfg_attr(unix, path = "place/unix.rs")]
#[cfg_attr(not(unix), path = "place/portable.rs")]
mod system;

use std::fs::File;
use std::io;
use std::path::Path;

use super::path::RowPath;
use crate::error::Result;
use system::Folder;

/// A file as it was found.
pub(super) struct Opened {
    pub(super) file: File,
    pub(super) stamp: Stamp,
}

impl Opened {
    /// Says whether the file is as it was when it was opened.
    pub(super) fn is_unchanged(&self) -> bool {
        Stamp::of(&self.file).is_ok_and(|now| now == self.stamp)
    }
}

/// How a file looks: which it is, how large, and when it was last changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stamp {
    id: (u64, u64),
    size: u64,
    modified: Option<std::time::SystemTime>,
    changed_ns: i128,
}

impl Stamp {
    fn of(file: &File) -> io::Result<Self> {
        let metadata = file.metadata()?;
        let (id, changed_ns) = system::identity(&metadata);
        Ok(Self {
            id,
            size: metadata.len(),
            modified: metadata.modified().ok(),
            changed_ns,
        })
    }
}

/// Why there is no file to read.
#[derive(Debug)]
pub(super) enum Problem {
    Missing,
    /// A symbolic link stands on the way; names its path.
    Link(String),
    /// Something else than a file; says what.
    NotAFile(&'static str),
    Unreadable(io::Error),
}

/// What became of a file that was to be removed.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Removal {
    Removed,
    /// Nothing was there.
    Missing,
    /// It is not what was expected, and stays.
    Stays,
}

/// The tree of files that rows name.
pub(super) struct Place {
    /// `None` where there is no such folder.
    root: Option<Folder>,
}

impl Place {
    pub(super) fn open(public: &Path) -> Result<Self> {
        let root = Folder::root(public)?;
        Ok(Self { root })
    }

    /// Opens a file for reading.
    pub(super) fn file(&self, path: &RowPath) -> Result<Opened, Problem> {
        let (folder, name) = self.folder_of(path)?;
        let file = folder
            .file(name)
            .map_err(|problem| at(problem, path.as_str()))?;
        let stamp = Stamp::of(&file).map_err(Problem::Unreadable)?;
        Ok(Opened { file, stamp })
    }

    /// Says whether two paths lead to the same file, as on a disk that does not tell case.
    pub(super) fn is_same(&self, path: &RowPath, other: &RowPath) -> bool {
        match (self.file(path), self.file(other)) {
            (Ok(one), Ok(other)) => one.stamp.id == other.stamp.id,
            _ => false,
        }
    }

    /// Removes a file if it is what was expected. It is moved aside first, under a name that
    /// `key` makes its own, and looked at there: what someone puts in its place meanwhile is
    /// not touched. After a crash on the way the next call goes on. The caller flushes the
    /// folder.
    pub(super) fn remove(
        &self,
        path: &RowPath,
        key: &str,
        is_expected: impl Fn(&mut Opened) -> Result<bool>,
    ) -> Result<Result<Removal, Problem>> {
        let (folder, name) = match self.folder_of(path) {
            Ok(found) => found,
            Err(Problem::Missing) => return Ok(Ok(Removal::Missing)),
            Err(problem) => return Ok(Err(problem)),
        };
        let aside = format!(".pegbar-old-{key}");
        let moved = match folder.file(&aside) {
            // An interrupted run left it.
            Ok(_) => Ok(()),
            Err(Problem::Missing) => match folder.file(name) {
                Ok(_) => folder.rename(name, &aside).map_err(Problem::Unreadable),
                Err(problem) => Err(at(problem, path.as_str())),
            },
            Err(problem) => Err(problem),
        };
        match moved {
            Ok(()) => {}
            Err(Problem::Missing) => return Ok(Ok(Removal::Missing)),
            Err(problem) => return Ok(Err(problem)),
        }
        let is_expected = match folder.file(&aside).and_then(|file| {
            let stamp = Stamp::of(&file).map_err(Problem::Unreadable)?;
            Ok(Opened { file, stamp })
        }) {
            Ok(mut opened) => is_expected(&mut opened)? && opened.is_unchanged(),
            Err(_) => false,
        };
        let done = if is_expected {
            folder.remove(&aside).map(|()| Removal::Removed)
        } else {
            folder.put_back(&aside, name).map(|()| Removal::Stays)
        };
        Ok(done.map_err(Problem::Unreadable))
    }

    /// Flushes the folder of a file: after this, a power cut can't undo its removal.
    pub(super) fn flush_folder_of(&self, path: &RowPath) -> Result<(), Problem> {
        let (folder, _) = self.folder_of(path)?;
        folder.flush().map_err(Problem::Unreadable)
    }

    fn folder_of<'p>(&self, path: &'p RowPath) -> Result<(Folder, &'p str), Problem> {
        let root = self.root.as_ref().ok_or(Problem::Missing)?;
        let (folders, name) = path.split();
        let mut folder = root.again().map_err(Problem::Unreadable)?;
        let mut end = 0;
        for part in folders {
            end += part.len();
            let above = path.as_str().get(..end).unwrap_or_default();
            folder = folder.folder(part).map_err(|problem| match problem {
                // Where a folder should be, a file means that the path names nothing.
                Problem::NotAFile(_) => Problem::Missing,
                problem => at(problem, above),
            })?;
            end += 1;
        }
        Ok((folder, name))
    }
}

/// Names the path of a link.
fn at(problem: Problem, path: &str) -> Problem {
    match problem {
        Problem::Link(_) => Problem::Link(path.to_owned()),
        problem => problem,
    }
}
