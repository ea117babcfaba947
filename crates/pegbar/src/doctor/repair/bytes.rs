//! Bytes that the store lost and another file still has.

use std::collections::{BTreeSet, HashMap};
use std::fs::{self, File};
use std::path::PathBuf;

use crate::asset::ImageSource;
use crate::blob::whole;
use crate::db::blocking;
use crate::db::sql::statements;
use crate::db::value::Value;
use crate::doctor::finding::DoctorFinding;
use crate::error::{Error, IoContext, Result};
use crate::hash::Sha256;
use crate::studio::Studio;
use crate::view::files::is_absent;

statements! {
    WRITTEN = "SELECT sha256, path FROM view_file WHERE sha256 {in $1} ORDER BY sha256, path";
    SIZES = "SELECT DISTINCT file_size FROM asset WHERE sha256 {in $1} \
             AND file_size IS NOT NULL";
}

/// How many hashes are asked for at once.
const AT_ONCE: usize = 1000;

/// Files that may have the bytes.
pub(super) struct Sources {
    places: HashMap<Sha256, Vec<PathBuf>>,
}

impl Sources {
    /// Finds files of the view that should have the bytes, and those files that were moved aside
    /// which really have them.
    pub(super) async fn find(studio: &Studio, findings: &[DoctorFinding]) -> Result<Self> {
        let wanted: BTreeSet<Sha256> = findings.iter().filter_map(sha256).collect();
        let hashes: Vec<String> = wanted.iter().map(ToString::to_string).collect();
        let mut places: HashMap<Sha256, Vec<PathBuf>> = HashMap::new();
        let mut sizes: BTreeSet<u64> = BTreeSet::new();
        let mut session = studio.database().read().await?;
        for hashes in hashes.chunks(AT_ONCE) {
            let list = [Value::Texts(hashes)];
            let written = session
                .query(&WRITTEN, &list, |row| {
                    Ok((
                        row.at::<Sha256>(0, "view_file.sha256")?,
                        row.at::<String>(1, "view_file.path")?,
                    ))
                })
                .await?;
            for (sha256, path) in written {
                let place = studio.view().public().join(path);
                places.entry(sha256).or_default().push(place);
            }
            let known = session
                .query(&SIZES, &list, |row| row.at::<u64>(0, "asset.file_size"))
                .await?;
            sizes.extend(known);
        }
        drop(session);
        // The rows of what is in the trash don't say the size.
        let any_size = findings
            .iter()
            .any(|finding| matches!(finding, DoctorFinding::TrashBlobMissing { .. }));
        let aside = blocking(|| files_aside(studio))?;
        for (place, file_size) in aside {
            if any_size || sizes.contains(&file_size) {
                let found = blocking(|| File::open(&place).and_then(whole::hash));
                if let Ok(sha256) = found
                    && wanted.contains(&sha256)
                {
                    places.entry(sha256).or_default().push(place);
                }
            }
        }
        Ok(Self { places })
    }

    /// Puts the bytes of a blob in their place, as if they came anew: what stands there is
    /// looked at first and, if it is damaged, kept in `.pegbar/damaged`.
    pub(super) fn restore(&self, studio: &Studio, finding: &DoctorFinding) -> Result<String> {
        let Some(sha256) = sha256(finding) else {
            return Ok("nothing to be done".to_owned());
        };
        let blob = studio.blobs().path(sha256);
        let is_whole = || File::open(&blob).and_then(whole::hash).ok() == Some(sha256);
        if blocking(is_whole) {
            return Err(Error::Damaged {
                place: blob.display().to_string(),
                reason: "its bytes are those of its name: the row says another size".to_owned(),
                source: None,
            });
        }
        let places = self.places.get(&sha256).map_or(&[][..], Vec::as_slice);
        for place in places {
            let hashed = blocking(|| File::open(place).and_then(whole::hash));
            if hashed.ok() != Some(sha256) {
                continue;
            }
            let source = ImageSource::File(place.clone());
            let batch = studio.blobs().batch();
            let stored = blocking(|| batch.store(&source))?;
            blocking(|| batch.finish())?;
            // Somebody may have edited it meanwhile.
            if stored.sha256() == sha256 {
                return Ok(format!("restored from {}", place.display()));
            }
        }
        Err(Error::Damaged {
            place: blob.display().to_string(),
            reason: "no file of this studio has its bytes: restore a backup, or add the same \
                     image again"
                .to_owned(),
            source: None,
        })
    }
}

fn sha256(finding: &DoctorFinding) -> Option<Sha256> {
    match finding {
        DoctorFinding::BlobMissing { sha256, .. }
        | DoctorFinding::BlobResized { sha256, .. }
        | DoctorFinding::BlobAltered { sha256, .. }
        | DoctorFinding::BlobUnreadable { sha256, .. }
        | DoctorFinding::TrashBlobMissing { sha256, .. } => Some(*sha256),
        _ => None,
    }
}

/// Returns the files that were moved aside, with their sizes.
fn files_aside(studio: &Studio) -> Result<Vec<(PathBuf, u64)>> {
    let mut files = Vec::new();
    let private = studio.private_folder();
    let mut folders = vec![
        private.join("kept"),
        private.join("damaged"),
        studio.blobs().beside_blobs("trash"),
    ];
    while let Some(folder) = folders.pop() {
        let entries = match fs::read_dir(&folder) {
            Err(error) if is_absent(&error) => continue,
            entries => entries.at("reading", &folder)?,
        };
        for entry in entries {
            let entry = entry.at("reading", &folder)?;
            let metadata = entry.metadata().at("looking at", &entry.path())?;
            if metadata.is_dir() {
                folders.push(entry.path());
            } else if metadata.is_file() {
                files.push((entry.path(), metadata.len()));
            }
        }
    }
    files.sort();
    Ok(files)
}
