//! What bringing the view up to date did.

use std::path::PathBuf;

use serde::Serialize;

use super::files::Flaw;
use crate::error::Error;
use crate::hash::Sha256;
use crate::id::AssetId;
use crate::integrity::IntegrityReport;
use crate::text::serialize_path;

/// A file that was not what Pegbar wrote, and where it is now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Kept {
    /// The path it had, relative to `public/assets/`.
    pub path: String,
    /// Where it is now.
    #[serde(serialize_with = "serialize_path")]
    pub kept_as: PathBuf,
}

/// A file whose bytes the store does not have.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct MissingBytes {
    /// The path that it should have, relative to `public/assets/`.
    pub path: String,
    /// The asset that it shows.
    pub asset_id: AssetId,
    /// Where the store should have the bytes.
    #[serde(serialize_with = "serialize_path")]
    pub blob: PathBuf,
}

/// A file for which the store has other bytes than were taken in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DamagedBytes {
    /// The path that it should have, relative to `public/assets/`.
    pub path: String,
    /// The asset that it shows.
    pub asset_id: AssetId,
    /// Where the store has the bytes.
    #[serde(serialize_with = "serialize_path")]
    pub blob: PathBuf,
    /// The SHA-256 of the bytes that it has.
    pub found: Sha256,
}

/// What bringing the view up to date did.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ViewReport {
    /// How many files were put in place.
    pub written: u64,
    /// How many files were removed because nothing has their path any more.
    pub removed: u64,
    /// Files that were not what Pegbar wrote, and where they are now.
    pub kept: Vec<Kept>,
    /// Files that could not be put in place, since the store does not have their bytes.
    pub missing: Vec<MissingBytes>,
    /// Files that were not put in place, since the store has other bytes for them.
    pub damaged: Vec<DamagedBytes>,
    /// What [`Studio::sync`](crate::Studio::sync) found in the rows.
    #[serde(flatten)]
    pub integrity: IntegrityReport,
}

impl ViewReport {
    pub(super) fn add(&mut self, flaw: Flaw, path: String, asset_id: AssetId, blob: PathBuf) {
        match flaw {
            Flaw::Missing => self.missing.push(MissingBytes {
                path,
                asset_id,
                blob,
            }),
            Flaw::Altered(found) => self.damaged.push(DamagedBytes {
                path,
                asset_id,
                blob,
                found,
            }),
        }
    }

    /// Says what is wrong with the first blob that could not be given on.
    pub(super) fn flaw(&self) -> Option<Error> {
        let missing = self.missing.first();
        let missing = missing.map(|missing| (&missing.blob, "the blob is missing".to_owned()));
        let altered = || {
            let damaged = self.damaged.first()?;
            let reason = format!("its bytes are others: their SHA-256 is {}", damaged.found);
            Some((&damaged.blob, reason))
        };
        let (blob, reason) = missing.or_else(altered)?;
        Some(Error::Damaged {
            place: blob.display().to_string(),
            reason,
            source: None,
        })
    }
}
