//! What a run has taken in, until the rows know all of it: whoever goes on after an
//! interruption finds the bytes even where the view has got the file's place since.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::path::RowPath;
use crate::blob::sync_folder;
use crate::error::{Error, IoContext, Result};
use crate::hash::Sha256;
use crate::id::{AssetId, ProjectId};

const NAME: &str = "adopting";

/// A file that was taken in for a row.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Entry {
    pub(super) project_id: ProjectId,
    pub(super) asset_id: AssetId,
    /// The path as the row had it.
    pub(super) named: String,
    /// Where the file was.
    pub(super) place: String,
    pub(super) sha256: Sha256,
}

impl Entry {
    /// Returns where the file was.
    pub(super) fn place(&self) -> Option<RowPath> {
        RowPath::read(&self.place).ok()?.into_iter().next()
    }
}

/// What was taken in and is not done with yet.
pub(super) struct Journal {
    path: PathBuf,
    entries: HashMap<AssetId, Entry>,
    file: Option<File>,
    /// The last line has no end: the next one must not go on with it.
    is_torn: bool,
}

impl Journal {
    pub(super) fn open(private: &Path) -> Result<Self> {
        let path = private.join(NAME);
        let text = match fs::read(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            text => text.at("reading", &path)?,
        };
        // A line that was cut short was never acted on.
        let lines = text.split(|byte| *byte == b'\n');
        let entries = lines.filter_map(|line| serde_json::from_slice::<Entry>(line).ok());
        Ok(Self {
            entries: entries.map(|entry| (entry.asset_id, entry)).collect(),
            is_torn: !text.is_empty() && !text.ends_with(b"\n"),
            path,
            file: None,
        })
    }

    /// Returns what was taken in for a row that still names the same path.
    pub(super) fn taken_in(&self, asset: AssetId, named: &str) -> Option<&Entry> {
        let entry = self.entries.get(&asset);
        entry.filter(|entry| entry.named == named)
    }

    /// Returns everything that was taken in.
    pub(super) fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.entries.values()
    }

    /// Notes what was taken in, durably, before a row says so.
    pub(super) fn add(&mut self, entries: Vec<Entry>) -> Result<()> {
        let new = entries
            .into_iter()
            .filter(|entry| self.entries.get(&entry.asset_id) != Some(entry));
        let new: Vec<Entry> = new.collect();
        if new.is_empty() {
            return Ok(());
        }
        let mut lines = Vec::new();
        if self.is_torn {
            lines.push(b'\n');
        }
        for entry in &new {
            serde_json::to_writer(&mut lines, entry).map_err(|source| Error::Io {
                action: "writing",
                path: self.path.clone(),
                source: source.into(),
            })?;
            lines.push(b'\n');
        }
        let mut file = if let Some(file) = self.file.take() {
            file
        } else {
            let file = File::options().create(true).append(true).open(&self.path);
            let file = file.at("creating", &self.path)?;
            self.path.parent().map_or(Ok(()), sync_folder)?;
            file
        };
        file.write_all(&lines).at("writing", &self.path)?;
        file.sync_data().at("flushing", &self.path)?;
        self.is_torn = false;
        self.file = Some(file);
        let new = new.into_iter().map(|entry| (entry.asset_id, entry));
        self.entries.extend(new);
        Ok(())
    }

    /// Forgets everything: rows and files agree.
    pub(super) fn finish(self) -> Result<()> {
        match fs::remove_file(&self.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            removed => removed.at("removing", &self.path),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    fn entry(number: u128, place: &str) -> Entry {
        Entry {
            project_id: ProjectId(Uuid::from_u128(7)),
            asset_id: AssetId(Uuid::from_u128(number)),
            named: format!("/assets/{place}"),
            place: place.to_owned(),
            sha256: Sha256::of(b"x"),
        }
    }

    #[test]
    fn a_line_that_was_cut_short_spoils_no_other() {
        let folder = tempfile::tempdir().unwrap();
        let mut journal = Journal::open(folder.path()).unwrap();
        journal
            .add(vec![entry(1, "a\nb.png"), entry(2, "c.png")])
            .unwrap();
        let path = folder.path().join(NAME);
        let text = fs::read(&path).unwrap();
        fs::write(&path, &text[..text.len() - 9]).unwrap();
        let mut journal = Journal::open(folder.path()).unwrap();
        assert_eq!(journal.entries().count(), 1);
        journal.add(vec![entry(3, "d.png")]).unwrap();
        let journal = Journal::open(folder.path()).unwrap();
        let first = AssetId(Uuid::from_u128(1));
        assert_eq!(
            journal.taken_in(first, "/assets/a\nb.png"),
            Some(&entry(1, "a\nb.png"))
        );
        assert_eq!(journal.taken_in(first, "elsewhere"), None);
        assert_eq!(journal.entries().count(), 2);
        journal.finish().unwrap();
        assert_eq!(Journal::open(folder.path()).unwrap().entries().count(), 0);
    }
}
