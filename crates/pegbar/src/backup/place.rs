//! The folder that backups are in.

use std::fs::{self, File};
use std::io::{self, BufReader};
use std::path::{Path, PathBuf};

use flate2::read::MultiGzDecoder;

use super::manifest::{FORMAT, Manifest, VERSION};
use crate::blob::{below, sync_folder};
use crate::disk::{create_folders_durably, write_durably};
use crate::error::{Error, IoContext, Result};
use crate::hash::Sha256;
use crate::lock::try_lock_file;

pub(super) const MARKER: &str = "pegbar-backup.json";
const SNAPSHOTS: &str = "snapshots";
const PARTIAL: &str = ".partial";

/// A folder of backups.
pub(super) struct Place {
    pub(super) root: PathBuf,
}

impl Place {
    /// Opens one that is there.
    pub(super) fn open(root: &Path) -> Result<Self> {
        if !root.join(MARKER).is_file() {
            return Err(Error::Unavailable {
                message: format!("there is no backup in {}", root.display()),
                hint: "name the folder that `pegbar backup` wrote".to_owned(),
                source: None,
            });
        }
        Ok(Self {
            root: root.to_owned(),
        })
    }

    /// Opens one, or makes an empty folder one.
    pub(super) fn create(root: &Path) -> Result<Self> {
        create_folders_durably(root)?;
        let root = root.canonicalize().at("opening", root)?;
        let marker = root.join(MARKER);
        if !marker.exists() {
            let mut entries = fs::read_dir(&root).at("reading", &root)?;
            if entries.next().is_some() {
                return Err(Error::Conflict {
                    message: format!("{} holds something else than backups", root.display()),
                    hint: "name an empty folder, or one that `pegbar backup` wrote".to_owned(),
                });
            }
            write_durably(&marker, marker_text().as_bytes())?;
        }
        Ok(Self { root })
    }

    /// Refuses if somebody else is writing here.
    pub(super) fn lock(&self) -> Result<File> {
        let path = self.root.join("lock");
        try_lock_file(&path)?.ok_or_else(|| Error::Conflict {
            message: format!("another backup into {} is under way", self.root.display()),
            hint: "wait for it to finish".to_owned(),
        })
    }

    pub(super) fn blob(&self, sha256: Sha256) -> PathBuf {
        self.root.join("blobs").join(below(sha256))
    }

    pub(super) fn tmp(&self) -> PathBuf {
        self.root.join("tmp")
    }

    pub(super) fn snapshots(&self) -> PathBuf {
        self.root.join(SNAPSHOTS)
    }

    /// Removes what an interrupted backup left; nobody else may be writing.
    pub(super) fn remove_leftovers(&self) -> Result<()> {
        for folder in [self.tmp(), self.snapshots().join(PARTIAL)] {
            match fs::remove_dir_all(&folder) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                removed => removed.at("removing", &folder)?,
            }
        }
        Ok(())
    }

    /// Returns an empty folder for a snapshot that is being written.
    pub(super) fn begin(&self) -> Result<PathBuf> {
        let folder = self.snapshots().join(PARTIAL);
        match fs::remove_dir_all(&folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            removed => removed.at("removing", &folder)?,
        }
        fs::create_dir_all(&folder).at("creating", &folder)?;
        Ok(folder)
    }

    /// Gives a snapshot that is whole and flushed its name.
    pub(super) fn publish(&self, partial: &Path, name: &str) -> Result<(String, PathBuf)> {
        for number in 1_u32.. {
            let name = match number {
                1 => name.to_owned(),
                _ => format!("{name}-{number}"),
            };
            let folder = self.snapshots().join(&name);
            if folder.exists() {
                continue;
            }
            fs::rename(partial, &folder).at("writing", &folder)?;
            sync_folder(&self.snapshots())?;
            sync_folder(&self.root)?;
            return Ok((name, folder));
        }
        unreachable!("the numbers do not end")
    }

    /// Returns the names of the snapshots, the oldest first.
    pub(super) fn names(&self) -> Result<Vec<String>> {
        let folder = self.snapshots();
        let entries = match fs::read_dir(&folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries.at("reading", &folder)?,
        };
        let mut names = Vec::new();
        for entry in entries {
            let entry = entry.at("reading", &folder)?;
            let name = entry.file_name().into_string();
            names.extend(name.ok().filter(|name| !name.starts_with('.')));
        }
        names.sort_unstable();
        Ok(names)
    }

    /// Returns the name of a snapshot that is meant by it or its beginning.
    pub(super) fn name_of(&self, wanted: &str) -> Result<String> {
        self.choose(Some(wanted))
    }

    /// Returns the snapshot that is meant: by its name or the beginning of it, else the newest.
    pub(super) fn find(&self, wanted: Option<&str>) -> Result<(String, PathBuf, Manifest)> {
        let name = self.choose(wanted)?;
        let folder = self.snapshots().join(&name);
        let manifest = Manifest::read(&folder)?;
        Ok((name, folder, manifest))
    }

    fn choose(&self, wanted: Option<&str>) -> Result<String> {
        let names = self.names()?;
        let mut fitting = names.iter().rev();
        let found = match wanted {
            None => fitting.next(),
            Some(wanted) => names
                .iter()
                .find(|name| *name == wanted)
                .or_else(|| fitting.find(|name| name.starts_with(wanted))),
        };
        let Some(name) = found else {
            return Err(Error::Unavailable {
                message: match wanted {
                    Some(wanted) => {
                        format!("{} has no snapshot {wanted}", self.root.display())
                    }
                    None => format!("{} has no snapshot that is whole", self.root.display()),
                },
                hint: format!("`pegbar backup --list {}` lists them", self.root.display()),
                source: None,
            });
        };
        Ok(name.clone())
    }
}

/// What marks a folder as one of backups.
pub(super) fn marker_text() -> String {
    format!("{{\"format\":\"{FORMAT}\",\"version\":{VERSION}}}\n")
}

/// Returns where the rows of a table are.
pub(super) fn table_file(folder: &Path, table: &str) -> PathBuf {
    folder.join("rows").join(format!("{table}.jsonl.gz"))
}

pub(super) fn blobs_file(folder: &Path) -> PathBuf {
    folder.join("blobs.txt.gz")
}

pub(super) fn files_file(folder: &Path) -> PathBuf {
    folder.join("files.jsonl.gz")
}

/// Opens a packed file.
pub(super) fn open_packed(path: &Path) -> Result<BufReader<MultiGzDecoder<BufReader<File>>>> {
    let file = File::open(path).at("reading", path)?;
    let unpacked = MultiGzDecoder::new(BufReader::new(file));
    Ok(BufReader::with_capacity(1 << 16, unpacked))
}
