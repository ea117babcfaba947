//! Files that only the studio's folder knows: what was moved aside (`kept`), and blobs that gave
//! way to better bytes (`damaged`). Their bytes lie among the blobs of the backup.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::BufRead as _;
use std::path::Path;
use std::time::UNIX_EPOCH;

use serde::{Deserialize, Serialize};

use super::copy::Copier;
use super::place::{Place, files_file, open_packed};
use crate::blob::whole;
use crate::error::{Error, Result};
use crate::hash::Sha256;

/// The folders below `.pegbar` whose files are saved.
const FOLDERS: [&str; 2] = ["kept", "damaged"];

/// The longest line of the list, in bytes.
const MAX_LINE: usize = 1 << 16;

/// A file below `.pegbar`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct SavedFile {
    /// Relative to `.pegbar`, with `/`.
    pub(super) path: String,
    pub(super) size: u64,
    /// In nanoseconds since 1970.
    pub(super) modified_ns: i64,
    pub(super) sha256: Sha256,
}

impl SavedFile {
    pub(super) fn to_line(&self) -> Result<String> {
        let line = serde_json::to_string(self);
        line.map(|line| line + "\n")
            .map_err(|error| Error::invalid(&self.path, error.to_string()))
    }

    /// Reads a line; refuses a path that leads out of the folders.
    pub(super) fn from_line(line: &str) -> Result<Self, String> {
        if line.len() > MAX_LINE {
            return Err(format!("it is longer than {MAX_LINE} bytes"));
        }
        let file: Self = serde_json::from_str(line).map_err(|error| error.to_string())?;
        let mut parts = file.path.split('/');
        let is_ours = parts.next().is_some_and(|first| FOLDERS.contains(&first));
        let is_plain = |part: &str| !part.is_empty() && part != "." && part != "..";
        let has_plain = file.path.contains('/') && parts.all(is_plain);
        if !is_ours || !has_plain || file.path.contains(['\\', '\0', ':']) {
            return Err(format!("{:?} is no path of a kept file", file.path));
        }
        Ok(file)
    }
}

/// What saving came to.
#[derive(Default)]
pub(super) struct Saved {
    pub(super) saved: Vec<SavedFile>,
    pub(super) left_out: Vec<String>,
}

/// Returns the files of the newest snapshot, by path: those that look the same are not read.
pub(super) fn known(place: &Place) -> HashMap<String, SavedFile> {
    let newest = place.find(None).ok();
    let list = newest.and_then(|(_, folder, _)| open_packed(&files_file(&folder)).ok());
    let lines = list
        .into_iter()
        .flat_map(|list| list.lines().map_while(Result::ok));
    let files = lines.filter_map(|line| SavedFile::from_line(&line).ok());
    files.map(|file| (file.path.clone(), file)).collect()
}

/// Copies the files, or knows that they were copied.
pub(super) fn save(private: &Path, copier: &Copier, known: &HashMap<String, SavedFile>) -> Saved {
    let mut done = Saved::default();
    for folder in FOLDERS.map(|name| private.join(name)) {
        if !folder.is_dir() {
            continue;
        }
        for entry in walkdir::WalkDir::new(&folder).sort_by_file_name() {
            let entry = match entry {
                Ok(entry) => entry,
                Err(error) => {
                    done.leave_out(error.to_string());
                    continue;
                }
            };
            if entry.file_type().is_dir() {
                continue;
            }
            match save_file(private, entry.path(), copier, known) {
                Ok(file) => done.saved.push(file),
                Err(reason) => done.leave_out(format!("{}: {reason}", entry.path().display())),
            }
        }
    }
    done
}

impl Saved {
    fn leave_out(&mut self, reason: String) {
        if self.left_out.len() < 100 {
            self.left_out.push(reason);
        }
    }
}

fn save_file(
    private: &Path,
    path: &Path,
    copier: &Copier,
    known: &HashMap<String, SavedFile>,
) -> Result<SavedFile, String> {
    let relative = path
        .strip_prefix(private)
        .map_err(|error| error.to_string())?;
    let parts: Option<Vec<&str>> = relative.iter().map(|part| part.to_str()).collect();
    let parts = parts.ok_or("its name is not Unicode")?;
    let found = fs::symlink_metadata(path).map_err(|error| error.to_string())?;
    if !found.is_file() {
        return Err("it is not a file".to_owned());
    }
    let mut file = SavedFile {
        path: parts.join("/"),
        size: found.len(),
        modified_ns: modified_ns(&found),
        sha256: Sha256([0; 32]),
    };
    if let Some(known) = known.get(&file.path) {
        file.sha256 = known.sha256;
        if *known == file {
            let outcome = copier.copy(path, file.sha256, Some(file.size));
            if outcome.is_ok_and(|outcome| outcome == super::copy::Copied::Known) {
                return Ok(file);
            }
        }
    }
    let hashed = File::open(path).and_then(whole::hash);
    file.sha256 = hashed.map_err(|error| error.to_string())?;
    let line = file.to_line().map_err(|error| error.to_string())?;
    SavedFile::from_line(line.trim_end())?;
    match copier.copy(path, file.sha256, Some(file.size)) {
        Ok(super::copy::Copied::Known | super::copy::Copied::New(_)) => Ok(file),
        Ok(_) => Err("it changed while it was read".to_owned()),
        Err(error) => Err(error.to_string()),
    }
}

fn modified_ns(found: &fs::Metadata) -> i64 {
    let modified = found.modified().ok();
    let since = modified.and_then(|time| time.duration_since(UNIX_EPOCH).ok());
    since.map_or(0, |since| {
        i64::try_from(since.as_nanos()).unwrap_or(i64::MAX)
    })
}
