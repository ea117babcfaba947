//! The blobs beside the rows that name them: one folder at a time, in the order of their hashes.

mod scrubbed;

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use super::finding::DoctorFinding;
use super::{Looked, Ward, place, root};
use crate::blob::whole;
use crate::db::blocking;
use crate::db::sql::statements;
use crate::db::value::{Row, Value};
use crate::error::{IoContext, Result};
use crate::hash::Sha256;
use crate::id::{AssetId, DeletionId, ProjectId};
use crate::parallel;
use crate::view::files::{is_absent, stamp};

statements! {
    NAMED = "SELECT sha256, file_size FROM asset WHERE sha256 >= $1 AND sha256 < $2 \
             AND bytes_dropped_at IS NULL ORDER BY sha256";
    IN_TRASH = "SELECT sha256 FROM trash_blob WHERE sha256 >= $1 AND sha256 < $2 ORDER BY sha256";
    USER = "SELECT id, project_id, file_size FROM asset WHERE sha256 = $1 \
            AND bytes_dropped_at IS NULL ORDER BY file_size, id LIMIT 1";
    DELETION = "SELECT deletion_id FROM trash_blob WHERE sha256 = $1 ORDER BY deletion_id LIMIT 1";
}

#[cfg(test)]
pub(super) use scrubbed::STATEMENTS as SCRUBBED_STATEMENTS;

/// How often something that seems wrong is looked at before it is said.
const LOOKS: u32 = 3;
const BETWEEN_LOOKS: Duration = Duration::from_millis(100);

/// How many blobs are hashed between two messages about it.
const HASHED_AT_ONCE: usize = 64;

/// What names a blob.
#[derive(Clone, Copy, Debug)]
struct Named {
    sha256: Sha256,
    /// How many bytes an asset has; `None` where only the trash names them, or no row says it.
    file_size: Option<u64>,
}

/// A file in the place of a blob.
#[derive(Clone, Debug)]
struct Found {
    sha256: Sha256,
    file_size: u64,
    modified: Option<SystemTime>,
    is_writable: bool,
    is_readable: bool,
}

/// What seems to be wrong with the blob of a name.
#[derive(Clone, Debug)]
enum Suspicion {
    Missing,
    Resized,
    Orphan(Found),
}

/// Looks at every blob.
pub(super) async fn look(ward: &Ward) -> Result<()> {
    let store = ward.studio.blobs().folder().to_owned();
    let strays = blocking(|| strays(&store))?;
    for stray in strays {
        let path = ward.place(&stray);
        ward.found(DoctorFinding::StrayFile { path }).await;
    }
    for prefix in 0..=u8::MAX {
        if ward.is_over() {
            return Ok(());
        }
        look_at_folder(ward, prefix).await?;
    }
    scrubbed::tell(ward).await
}

/// Finds what lies among the folders of blobs.
fn strays(store: &std::path::Path) -> Result<Vec<PathBuf>> {
    let mut strays = Vec::new();
    for entry in fs::read_dir(store).at("reading", store)? {
        let entry = entry.at("reading", store)?;
        let name = entry.file_name();
        let name = name.to_string_lossy();
        let is_prefix = name.len() == 2
            && name
                .bytes()
                .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        // Ours, where the store lies on another disk.
        let is_own = matches!(&*name, ".tmp" | ".trash");
        if !is_prefix && !is_own {
            strays.push(entry.path());
        }
    }
    strays.sort();
    Ok(strays)
}

async fn look_at_folder(ward: &Ward, prefix: u8) -> Result<()> {
    let first = format!("{prefix:02x}");
    // After `ff` no hash comes; `g` is beyond every digit.
    let beyond = match prefix.checked_add(1) {
        Some(next) => format!("{next:02x}"),
        None => "g".to_owned(),
    };
    let folder = ward.studio.blobs().folder().join(&first);
    let (found, strays) = match blocking(|| list(&folder)) {
        Ok(listed) => listed,
        Err(error) if is_absent(&error) => Default::default(),
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            let path = ward.place(&folder);
            ward.found(DoctorFinding::NotReadable { path }).await;
            return Ok(());
        }
        Err(error) => return Err(error).at("reading", &folder),
    };
    if let Some(finding) = root::check_folder(&ward.studio, &folder)
        && !matches!(finding, DoctorFinding::ReadOnlyFileSystem { .. })
    {
        ward.found(finding).await;
    }
    for stray in strays {
        let path = ward.place(&stray);
        ward.found(DoctorFinding::StrayFile { path }).await;
    }
    let named = named(ward, &first, &beyond).await?;
    ward.looked(Looked::Blobs, found.len() as u64).await;
    let mut suspicions: BTreeMap<Sha256, Suspicion> = BTreeMap::new();
    let mut whole: Vec<&Found> = Vec::new();
    let mut files = found.iter().peekable();
    let mut rows = named.iter().peekable();
    loop {
        let row = rows.peek().map(|row| row.sha256);
        let file = files.peek().map(|file| file.sha256);
        match (row, file) {
            (None, None) => break,
            (Some(row), file) if file.is_none_or(|file| row <= file) => {
                let file = files.next_if(|file| file.sha256 == row);
                let mut is_resized = false;
                while let Some(row) = rows.next_if(|next| next.sha256 == row) {
                    let found = file.map(|file| file.file_size);
                    is_resized |=
                        found.is_some() && row.file_size.is_some_and(|size| Some(size) != found);
                }
                match file {
                    None => drop(suspicions.insert(row, Suspicion::Missing)),
                    Some(_) if is_resized => drop(suspicions.insert(row, Suspicion::Resized)),
                    Some(file) => whole.push(file),
                }
            }
            _ => {
                if let Some(file) = files.next() {
                    suspicions.insert(file.sha256, Suspicion::Orphan(file.clone()));
                }
            }
        }
    }
    check_modes(ward, &found).await;
    confirm(ward, suspicions).await?;
    if ward.options.deep {
        hash(ward, &whole).await?;
    }
    Ok(())
}

/// Returns the blobs of a folder in the order of their names, and what else lies there.
fn list(folder: &std::path::Path) -> io::Result<(Vec<Found>, Vec<PathBuf>)> {
    let mut found = Vec::new();
    let mut strays = Vec::new();
    let prefix = folder.file_name().unwrap_or_default().to_string_lossy();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name();
        let name = name.to_string_lossy();
        let sha256 = name.parse::<Sha256>().ok();
        let sha256 = sha256.filter(|hash| *hash.to_string() == *name && name.starts_with(&*prefix));
        let metadata = match entry.metadata() {
            Err(error) if is_absent(&error) => continue,
            metadata => metadata?,
        };
        match sha256 {
            Some(sha256) if metadata.is_file() => found.push(Found {
                sha256,
                file_size: metadata.len(),
                modified: metadata.modified().ok(),
                is_writable: !metadata.permissions().readonly(),
                is_readable: place::is_readable(&metadata),
            }),
            _ => strays.push(entry.path()),
        }
    }
    found.sort_unstable_by_key(|file| file.sha256);
    strays.sort();
    Ok((found, strays))
}

/// Returns what names blobs, in the order of their hashes.
async fn named(ward: &Ward, first: &str, beyond: &str) -> Result<Vec<Named>> {
    let mut session = ward.studio.database().read().await?;
    let range = [Value::from(first), Value::from(beyond)];
    let read = |row: &Row<'_>| {
        // What is no hash is told of the record.
        let sha256 = row.text_at(0, "asset.sha256")?.parse::<Sha256>().ok();
        let file_size = row.get::<Option<u64>>(1).ok().flatten();
        Ok(sha256.map(|sha256| Named { sha256, file_size }))
    };
    let named = session.query(&NAMED, &range, read).await?;
    let mut named: Vec<Named> = named.into_iter().flatten().collect();
    named.dedup_by(|one, two| one.sha256 == two.sha256 && one.file_size == two.file_size);
    let read = |row: &Row<'_>| {
        let sha256 = row.text_at(0, "trash_blob.sha256")?.parse::<Sha256>().ok();
        let file_size = None;
        Ok(sha256.map(|sha256| Named { sha256, file_size }))
    };
    let in_trash = session.query(&IN_TRASH, &range, read).await?;
    if !in_trash.is_empty() {
        named.extend(in_trash.into_iter().flatten());
        named.sort_by_key(|named| named.sha256);
        // A row that knows the size says more.
        named.dedup_by(|one, two| one.sha256 == two.sha256 && one.file_size.is_none());
    }
    Ok(named)
}

async fn check_modes(ward: &Ward, found: &[Found]) {
    let mut writable = found.iter().filter(|file| file.is_writable).peekable();
    if writable.peek().is_some() && keeps_rights(ward).await {
        for file in writable {
            let path = ward.place(&ward.studio.blobs().path(file.sha256));
            ward.found(DoctorFinding::BlobWritable { path }).await;
        }
    }
    for file in found.iter().filter(|file| !file.is_readable) {
        let path = ward.place(&ward.studio.blobs().path(file.sha256));
        ward.found(DoctorFinding::NotReadable { path }).await;
    }
}

/// Says whether the file system of the blobs keeps rights; that it does not is told once.
async fn keeps_rights(ward: &Ward) -> bool {
    let mut is_new = false;
    let keeps = *ward.keeps_rights.get_or_init(|| {
        is_new = true;
        blocking(|| ward.studio.blobs().keeps_rights())
    });
    if is_new && !keeps {
        let path = ward.place(ward.studio.blobs().folder());
        ward.found(DoctorFinding::NoRights { path }).await;
    }
    keeps
}

/// Looks at what seems wrong again, and says what stays so.
async fn confirm(ward: &Ward, mut suspicions: BTreeMap<Sha256, Suspicion>) -> Result<()> {
    suspicions.retain(|_, suspicion| match suspicion {
        Suspicion::Orphan(file) => is_older(file, ward.options.orphan_grace),
        _ => true,
    });
    if suspicions.is_empty() {
        return Ok(());
    }
    let mut confirmed = Vec::new();
    for look in 0..LOOKS {
        if look > 0 {
            tokio::time::sleep(BETWEEN_LOOKS).await;
        }
        let is_last = look + 1 == LOOKS;
        let mut still = BTreeMap::new();
        for (sha256, suspicion) in suspicions {
            if let Some(finding) = judge(ward, sha256, &suspicion).await? {
                still.insert(sha256, suspicion);
                if is_last {
                    confirmed.push(finding);
                }
            }
        }
        suspicions = still;
    }
    for finding in confirmed {
        ward.found(finding).await;
    }
    Ok(())
}

fn is_older(file: &Found, grace: Duration) -> bool {
    // The times of files are those of the machine, whatever clock the studio has.
    let age = file.modified.and_then(|modified| modified.elapsed().ok());
    age.is_some_and(|age| age >= grace)
}

/// Says what is wrong with a blob right now, if what seemed so still is.
async fn judge(
    ward: &Ward,
    sha256: Sha256,
    suspicion: &Suspicion,
) -> Result<Option<DoctorFinding>> {
    let blob = ward.studio.blobs().path(sha256);
    let path = ward.place(&blob);
    let mut session = ward.studio.database().read().await?;
    // The file first: a row that is there afterwards was there, or came with its file.
    let stamp = stamp(&blob)?;
    let hash = sha256.to_string();
    let hash = [Value::from(hash.as_str())];
    let user = session
        .optional(&USER, &hash, |row| {
            Ok((
                row.at::<AssetId>(0, "asset.id")?,
                row.at::<ProjectId>(1, "asset.project_id")?,
                row.get::<Option<u64>>(2).ok().flatten(),
            ))
        })
        .await?;
    let deletion = session
        .optional(&DELETION, &hash, |row| {
            row.at::<DeletionId>(0, "trash_blob.deletion_id")
        })
        .await?;
    Ok(match (suspicion, stamp, user, deletion) {
        (Suspicion::Missing, None, Some((asset_id, project_id, _)), _) => {
            Some(DoctorFinding::BlobMissing {
                sha256,
                path,
                asset_id,
                project_id,
            })
        }
        (Suspicion::Missing, None, None, Some(deletion_id)) => {
            Some(DoctorFinding::TrashBlobMissing {
                sha256,
                path,
                deletion_id,
            })
        }
        (Suspicion::Resized, Some(stamp), Some((_, _, Some(recorded))), _)
            if stamp.file_size != recorded =>
        {
            Some(DoctorFinding::BlobResized {
                sha256,
                path,
                recorded,
                found: stamp.file_size,
            })
        }
        (Suspicion::Orphan(_), Some(stamp), None, None) => Some(DoctorFinding::OrphanBlob {
            sha256,
            path,
            file_size: stamp.file_size,
        }),
        _ => None,
    })
}

/// Hashes blobs whose size is right.
async fn hash(ward: &Ward, files: &[&Found]) -> Result<()> {
    let store = ward.studio.blobs();
    for files in files.chunks(HASHED_AT_ONCE) {
        if ward.is_over() {
            return Ok(());
        }
        let hashed = blocking(|| {
            parallel::each(files, |file| {
                File::open(store.path(file.sha256)).and_then(whole::hash)
            })
        });
        let bytes = files.iter().map(|file| file.file_size).sum();
        ward.looked(Looked::Bytes, bytes).await;
        for (file, hashed) in files.iter().zip(hashed) {
            let sha256 = file.sha256;
            let path = ward.place(&store.path(sha256));
            let finding = match hashed {
                Ok(found) if found == sha256 => continue,
                Ok(found) => DoctorFinding::BlobAltered {
                    sha256,
                    path,
                    found,
                },
                // Gone rightly since: else the next look finds it missing.
                Err(error) if is_absent(&error) => continue,
                Err(error) => DoctorFinding::BlobUnreadable {
                    sha256,
                    path,
                    reason: error.to_string(),
                },
            };
            ward.found(finding).await;
        }
    }
    Ok(())
}
