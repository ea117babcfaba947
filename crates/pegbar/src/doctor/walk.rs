//! The files of the view in the order of their paths, as the database sorts them: bytewise.

use std::fs::{self, Metadata};
use std::io;
use std::path::{Path, PathBuf};

use crate::error::{IoContext, Result};
use crate::id::ProjectId;
use crate::view::files::{Stamp, is_absent, stamp_of};

/// Something that lies below `public/assets`.
#[derive(Debug)]
pub(super) struct Found {
    /// Its path, relative to `public/assets`.
    pub(super) path: String,
    pub(super) what: What,
}

#[derive(Debug)]
pub(super) enum What {
    File {
        stamp: Stamp,
        is_readable: bool,
    },
    /// A link, or something else that is no file and no folder.
    Other,
    /// A folder that can't be read.
    Closed,
}

struct Entry {
    path: String,
    is_folder: bool,
    /// `None` for a folder.
    metadata: Option<Metadata>,
}

impl Entry {
    /// What it is sorted by: what lies in a folder sorts as its path does.
    fn key(&self) -> (&[u8], &[u8]) {
        let end: &[u8] = if self.is_folder { b"/" } else { b"" };
        (self.path.as_bytes(), end)
    }

    fn compare(&self, other: &Self) -> std::cmp::Ordering {
        let ((one, end), (two, other_end)) = (self.key(), other.key());
        one.iter().chain(end).cmp(two.iter().chain(other_end))
    }
}

/// Goes through the folders of projects; holds the names of one folder at each depth.
pub(super) struct Walk {
    public: PathBuf,
    /// The rest of each folder, the last entry first.
    open: Vec<Vec<Entry>>,
}

impl Walk {
    /// Begins with the folders of projects; everything else there is not ours.
    pub(super) fn of(public: &Path) -> Result<Self> {
        let mut walk = Self {
            public: public.to_owned(),
            open: Vec::new(),
        };
        let mut projects = match walk.list("") {
            Err(error) if is_absent(&error) => Vec::new(),
            listed => listed.at("reading", public)?,
        };
        projects.retain(|entry| {
            let id = entry.path.parse::<ProjectId>();
            id.is_ok_and(|id| id.to_string() == entry.path)
        });
        walk.open.push(projects);
        Ok(walk)
    }

    fn list(&self, folder: &str) -> io::Result<Vec<Entry>> {
        let mut entries = Vec::new();
        for entry in fs::read_dir(self.public.join(folder))? {
            let entry = entry?;
            let name = entry.file_name();
            let name = name.to_string_lossy();
            let is_folder = entry.file_type()?.is_dir();
            let metadata = if is_folder {
                None
            } else {
                match entry.metadata() {
                    // It went since the folder was read.
                    Err(error) if is_absent(&error) => continue,
                    metadata => Some(metadata?),
                }
            };
            let path = if folder.is_empty() {
                name.into_owned()
            } else {
                let mut path = String::with_capacity(folder.len() + 1 + name.len());
                path.push_str(folder);
                path.push('/');
                path.push_str(&name);
                path
            };
            entries.push(Entry {
                path,
                is_folder,
                metadata,
            });
        }
        entries.sort_unstable_by(|one, two| two.compare(one));
        Ok(entries)
    }

    /// Returns the next file in the order of paths.
    pub(super) fn next(&mut self) -> Option<Found> {
        loop {
            let Some(entry) = self.open.last_mut()?.pop() else {
                self.open.pop();
                continue;
            };
            let Some(metadata) = entry.metadata else {
                match self.list(&entry.path) {
                    Ok(entries) => self.open.push(entries),
                    Err(error) if is_absent(&error) => {}
                    Err(_) => {
                        let (path, what) = (entry.path, What::Closed);
                        return Some(Found { path, what });
                    }
                }
                continue;
            };
            let path = entry.path;
            let what = match (metadata.is_file(), stamp_of(&metadata)) {
                (true, Ok(stamp)) => What::File {
                    stamp,
                    is_readable: super::place::is_readable(&metadata),
                },
                _ => What::Other,
            };
            return Some(Found { path, what });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_come_in_the_order_in_which_the_database_sorts_paths() {
        let folder = tempfile::tempdir().unwrap();
        let project = "0192a0f0-7d3c-7a51-8f10-0123456789ab";
        let mut paths: Vec<String> = [
            "a/b", "a-b/c", "a.b", "a/c/d", "a0", "a b/x", "b", "走/1", "é",
        ]
        .iter()
        .map(|path| format!("{project}/{path}"))
        .collect();
        for path in &paths {
            let path = folder.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "x").unwrap();
        }
        fs::create_dir(folder.path().join("others")).unwrap();
        fs::write(folder.path().join("others/file"), "x").unwrap();
        let mut walk = Walk::of(folder.path()).unwrap();
        let found: Vec<String> = std::iter::from_fn(|| walk.next())
            .map(|it| it.path)
            .collect();
        paths.sort_unstable();
        assert_eq!(found, paths);
    }
}
