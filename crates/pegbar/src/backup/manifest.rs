//! What says that a snapshot is whole, and of what it consists.

use std::fs;
use std::io::{BufReader, Read as _};
use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::BackupSnapshot;
use crate::db::sql::Engine;
use crate::error::{Error, IoContext, Result};
use crate::hash::Sha256;
use crate::id::StoreId;
use crate::time::MillisSinceEpoch;

pub(super) const NAME: &str = "manifest.json";
pub(super) const FORMAT: &str = "pegbar-backup";
pub(super) const VERSION: u32 = 1;

/// The largest manifest that is read, in bytes.
const MAX_BYTES: u64 = 1 << 20;

/// What a snapshot consists of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Manifest {
    pub(super) format: String,
    pub(super) version: u32,
    pub(super) created_at: MillisSinceEpoch,
    /// The version of the program that wrote it.
    pub(super) pegbar: String,
    pub(super) engine: Engine,
    pub(super) schema_version: u32,
    pub(super) store_id: StoreId,
    pub(super) tables: Vec<TablePart>,
    pub(super) blobs: ListPart,
    pub(super) files: ListPart,
}

/// The rows of one table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct TablePart {
    pub(super) name: String,
    pub(super) rows: u64,
    /// Of the lines, before they are packed.
    pub(super) bytes: u64,
    pub(super) sha256: Sha256,
}

/// A list of blobs or files.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct ListPart {
    pub(super) count: u64,
    /// What is listed has so many bytes together.
    pub(super) bytes: u64,
    /// How many of them were not there to be copied.
    pub(super) absent: u64,
    /// Of the list's text, before it is packed.
    pub(super) sha256: Sha256,
}

/// The file: the manifest with its own hash, so that a changed byte shows.
#[derive(Serialize)]
struct Sealed<'a> {
    sha256: Sha256,
    manifest: &'a RawValue,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Read {
    sha256: Sha256,
    manifest: Box<RawValue>,
}

impl Manifest {
    /// Returns the text of the file.
    pub(super) fn to_text(&self) -> Result<String> {
        let fault = |error: serde_json::Error| Error::invalid("manifest", error.to_string());
        let text = serde_json::to_string(self).map_err(fault)?;
        let sha256 = Sha256::of(text.as_bytes());
        let manifest = RawValue::from_string(text).map_err(fault)?;
        let sealed = Sealed {
            sha256,
            manifest: &manifest,
        };
        serde_json::to_string(&sealed)
            .map(|text| text + "\n")
            .map_err(fault)
    }

    /// Reads the manifest of a snapshot.
    pub(super) fn read(folder: &Path) -> Result<Self> {
        let path = folder.join(NAME);
        let file = match fs::File::open(&path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Err(Error::Damaged {
                    place: path.display().to_string(),
                    reason: "it is gone, and with it what the snapshot consists of".to_owned(),
                    source: None,
                });
            }
            opened => opened.at("reading", &path)?,
        };
        let mut text = String::new();
        let mut limited = BufReader::new(file).take(MAX_BYTES);
        let read = limited.read_to_string(&mut text);
        let damaged = |reason: String| Error::Damaged {
            place: path.display().to_string(),
            reason,
            source: None,
        };
        match read {
            Err(error) if error.kind() == std::io::ErrorKind::InvalidData => {
                return Err(damaged("it is not UTF-8".to_owned()));
            }
            read => read.at("reading", &path)?,
        };
        let read: Read = serde_json::from_str(&text).map_err(|error| damaged(error.to_string()))?;
        if Sha256::of(read.manifest.get().as_bytes()) != read.sha256 {
            return Err(damaged(
                "it is not what was written: its SHA-256 is another".to_owned(),
            ));
        }
        let known = serde_json::from_str::<Self>(read.manifest.get());
        let manifest = known.map_err(|error| damaged(error.to_string()))?;
        if manifest.format != FORMAT || manifest.version != VERSION {
            return Err(Error::Unavailable {
                message: format!(
                    "{}: format {} {} is not known, only {FORMAT} {VERSION} is",
                    path.display(),
                    manifest.format,
                    manifest.version
                ),
                hint: "use a newer Pegbar".to_owned(),
                source: None,
            });
        }
        Ok(manifest)
    }

    /// Says it in the words of the library.
    pub(super) fn snapshot(&self, name: &str) -> BackupSnapshot {
        BackupSnapshot {
            name: name.to_owned(),
            created_at: self.created_at,
            engine: self.engine,
            schema_version: self.schema_version,
            rows: self.tables.iter().map(|table| table.rows).sum(),
            blobs: self.blobs.count,
            bytes: self.blobs.bytes,
            absent: self.blobs.absent,
        }
    }
}
