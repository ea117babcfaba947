//! The files below `public/assets` beside what was written there, both in the order of paths.

use std::collections::HashMap;
use std::fs;

use super::finding::DoctorFinding;
use super::settled::{Settled, settle};
use super::walk::{Found, Walk, What};
use super::{Looked, Ward};
use crate::db::sql::statements;
use crate::db::value::{Row, Value};
use crate::db::{Session, blocking};
use crate::error::Result;
use crate::hash::Sha256;
use crate::id::{AssetId, ProjectId};
use crate::view::files::{self, BEING_WRITTEN, MOVED_ASIDE, Stamp};

statements! {
    COUNT = "SELECT count(*) FROM view_file";
    PAGE = "SELECT path, file_size, modified_ns FROM view_file WHERE path > $1 \
            ORDER BY path LIMIT 5000";
    ROWS = "SELECT path, project_id, asset_id, sha256, file_size, modified_ns FROM view_file \
            WHERE path {in $1}";
    BELOW = "SELECT path FROM view_file WHERE path > $1 AND path < $2 ORDER BY path LIMIT 1";
    NAMED = "SELECT file_path FROM asset WHERE file_path {in $1}";
}

const PAGE_SIZE: usize = 5000;

/// How many differences are looked at again at once, at most.
const AT_ONCE: usize = 500;

pub(super) async fn count(session: &mut Session) -> Result<u64> {
    super::count(session, &COUNT).await
}

/// A file that was written, as its row says.
struct Written {
    path: String,
    stamp: Stamp,
}

/// What the row of a file says.
struct Recorded {
    project_id: ProjectId,
    asset_id: AssetId,
    sha256: Sha256,
    stamp: Stamp,
}

/// Paths that seem to differ.
#[derive(Default)]
struct Suspicions {
    /// There are rows for them.
    written: Vec<String>,
    /// There are files or links, and no rows.
    others: Vec<String>,
}

impl Suspicions {
    fn len(&self) -> usize {
        self.written.len() + self.others.len()
    }
}

/// Looks at every file.
pub(super) async fn look(ward: &Ward) -> Result<()> {
    let public = ward.studio.view().public().to_owned();
    let mut walk = blocking(|| Walk::of(&public))?;
    let mut next = blocking(|| walk.next());
    let mut after = String::new();
    let mut suspicions = Suspicions::default();
    loop {
        if ward.is_over() {
            return Ok(());
        }
        let rows = page(ward, &after).await?;
        let is_last = rows.len() < PAGE_SIZE;
        let mut unhashed = Vec::new();
        let mut closed = Vec::new();
        let mut seen = 0;
        blocking(|| {
            let mut rows = rows.iter().peekable();
            loop {
                let order = match (rows.peek(), &next) {
                    (None, None) => break,
                    // Files behind the last row of a page may belong to the next one.
                    (None, Some(_)) if !is_last => break,
                    (None, Some(_)) => std::cmp::Ordering::Greater,
                    (Some(_), None) => std::cmp::Ordering::Less,
                    (Some(row), Some(found)) => row.path.as_bytes().cmp(found.path.as_bytes()),
                };
                if order.is_le()
                    && let Some(row) = rows.next()
                {
                    seen += 1;
                    let found = next.as_ref().filter(|_| order.is_eq());
                    match found {
                        Some(found) if is_as_written(row, found) => {
                            if ward.options.deep {
                                unhashed.push(row.path.clone());
                            }
                        }
                        _ => suspicions.written.push(row.path.clone()),
                    }
                    if let Some(Found {
                        path,
                        what:
                            What::File {
                                is_readable: false, ..
                            },
                    }) = found
                    {
                        closed.push(path.clone());
                    }
                }
                if order.is_ge()
                    && let Some(found) = next.take()
                {
                    next = walk.next();
                    match found.what {
                        What::Closed => closed.push(found.path),
                        _ if order.is_gt() => suspicions.others.push(found.path),
                        _ => {}
                    }
                }
            }
        });
        ward.looked(Looked::Files, seen).await;
        for path in closed {
            let path = ward.place(&public.join(path));
            ward.found(DoctorFinding::NotReadable { path }).await;
        }
        hash(ward, &unhashed).await?;
        if let Some(last) = rows.last() {
            last.path.clone_into(&mut after);
        }
        if suspicions.len() >= AT_ONCE || is_last {
            confirm(ward, std::mem::take(&mut suspicions)).await?;
        }
        if is_last {
            return Ok(());
        }
    }
}

async fn page(ward: &Ward, after: &str) -> Result<Vec<Written>> {
    let mut session = ward.studio.database().read().await?;
    session
        .query(&PAGE, &[Value::from(after)], |row| {
            Ok(Written {
                path: row.at(0, "view_file.path")?,
                stamp: read_stamp(row, 1)?,
            })
        })
        .await
}

fn read_stamp(row: &Row<'_>, index: usize) -> Result<Stamp> {
    Ok(Stamp {
        file_size: row.at(index, "view_file.file_size")?,
        modified_ns: row.at(index + 1, "view_file.modified_ns")?,
    })
}

fn is_as_written(row: &Written, found: &Found) -> bool {
    matches!(&found.what, What::File { stamp, .. } if *stamp == row.stamp)
}

/// Looks at what seems to differ while nobody works on the view, and says what does.
async fn confirm(ward: &Ward, suspicions: Suspicions) -> Result<()> {
    let Suspicions { written, others } = suspicions;
    for paths in written.chunks(AT_ONCE) {
        if let Some(settled) = settle_or_say(ward, paths.len()).await? {
            let findings = judge_written(ward, &settled, paths).await?;
            drop(settled);
            for finding in findings {
                ward.found(finding).await;
            }
        }
    }
    for paths in others.chunks(AT_ONCE) {
        if let Some(settled) = settle_or_say(ward, paths.len()).await? {
            let findings = judge_others(ward, &settled, paths).await?;
            drop(settled);
            for finding in findings {
                ward.found(finding).await;
            }
        }
    }
    Ok(())
}

/// Waits until nobody works on the view, or says that it could not be judged.
pub(super) async fn settle_or_say(ward: &Ward, differences: usize) -> Result<Option<Settled>> {
    let settled = settle(ward).await?;
    if settled.is_none() {
        let differences = differences as u64;
        ward.found(DoctorFinding::Unsettled { differences }).await;
    }
    Ok(settled)
}

async fn recorded(ward: &Ward, paths: &[String]) -> Result<HashMap<String, Recorded>> {
    let mut session = ward.studio.database().read().await?;
    let rows = session
        .query(&ROWS, &[Value::Texts(paths)], |row| {
            Ok((
                row.at::<String>(0, "view_file.path")?,
                Recorded {
                    project_id: row.at(1, "view_file.project_id")?,
                    asset_id: row.at(2, "view_file.asset_id")?,
                    sha256: row.at(3, "view_file.sha256")?,
                    stamp: read_stamp(row, 4)?,
                },
            ))
        })
        .await?;
    Ok(rows.into_iter().collect())
}

/// Judges paths that have rows.
async fn judge_written(
    ward: &Ward,
    settled: &Settled,
    paths: &[String],
) -> Result<Vec<DoctorFinding>> {
    let mut rows = recorded(ward, paths).await?;
    let public = ward.studio.view().public();
    let mut findings = Vec::new();
    for path in paths {
        let Some(row) = rows
            .remove(path)
            .filter(|_| !settled.interrupted.contains(path))
        else {
            continue;
        };
        let place = public.join(path);
        let found = match fs::symlink_metadata(&place) {
            Err(error) if files::is_absent(&error) => None,
            found => found.ok(),
        };
        let Recorded {
            project_id,
            asset_id,
            stamp,
            ..
        } = row;
        let path = path.clone();
        let now = found.as_ref().filter(|found| found.is_file());
        let now = now.and_then(|found| files::stamp_of(found).ok());
        let edited = |path: String, found: Option<u64>| DoctorFinding::ViewFileEdited {
            path,
            project_id,
            asset_id,
            recorded: stamp.file_size,
            found,
        };
        findings.extend(match (found, now) {
            (_, Some(now)) if now == stamp => None,
            // A link in the place of a folder is told as that.
            (None, _) if is_behind_link(ward, &path) => None,
            (None, _) => Some(DoctorFinding::ViewFileMissing {
                path,
                project_id,
                asset_id,
            }),
            (Some(_), None) => Some(edited(path, None)),
            (Some(_), Some(now)) if now.file_size != stamp.file_size => {
                Some(edited(path, Some(now.file_size)))
            }
            (Some(_), Some(now)) => {
                let is_edited = ward.options.deep
                    && blocking(|| files::hash(&place))?
                        .is_some_and(|(_, hash)| hash != row.sha256);
                Some(if is_edited {
                    edited(path, Some(now.file_size))
                } else {
                    DoctorFinding::ViewFileTouched {
                        path,
                        project_id,
                        asset_id,
                    }
                })
            }
        });
    }
    Ok(findings)
}

/// Says whether a link stands in the place of a folder that a path leads through.
fn is_behind_link(ward: &Ward, path: &str) -> bool {
    let links = crate::disk::links_to(ward.studio.view().public(), std::iter::once(path));
    !links.is_empty()
}

/// Judges files and links that have no rows.
async fn judge_others(
    ward: &Ward,
    settled: &Settled,
    paths: &[String],
) -> Result<Vec<DoctorFinding>> {
    let rows = recorded(ward, paths).await?;
    let mut session = ward.studio.database().read().await?;
    let named = session
        .query(&NAMED, &[Value::Texts(paths)], |row| {
            row.at::<String>(0, "asset.file_path")
        })
        .await?;
    let public = ward.studio.view().public();
    let mut findings = Vec::new();
    for path in paths {
        let Ok(found) = fs::symlink_metadata(public.join(path)) else {
            continue;
        };
        // What a row of another program names is for adopting.
        if rows.contains_key(path) || named.contains(path) || settled.interrupted.contains(path) {
            continue;
        }
        let project_id = path
            .split('/')
            .next()
            .and_then(|id| id.parse::<ProjectId>().ok());
        let Some(project_id) = project_id else {
            continue;
        };
        let path = path.clone();
        let name = path.rsplit('/').next().unwrap_or_default();
        if name.starts_with(MOVED_ASIDE) || name.starts_with(BEING_WRITTEN) {
            if !settled.is_interrupted(&project_id.to_string()) {
                findings.push(DoctorFinding::ViewLeftover { path, project_id });
            }
            continue;
        }
        if found.is_symlink() {
            let (first, beyond) = (format!("{path}/"), format!("{path}0"));
            let range = [Value::from(first.as_str()), Value::from(beyond.as_str())];
            let below = session.optional(&BELOW, &range, |_| Ok(())).await?;
            if below.is_some() {
                findings.push(DoctorFinding::ViewLink { path, project_id });
                continue;
            }
        }
        findings.push(DoctorFinding::ForeignFile { path });
    }
    Ok(findings)
}

/// Hashes files that look as they were left.
async fn hash(ward: &Ward, paths: &[String]) -> Result<()> {
    for paths in paths.chunks(AT_ONCE) {
        let (bytes, seem_edited) = hash_some(ward, paths).await?;
        ward.looked(Looked::Bytes, bytes).await;
        if seem_edited.is_empty() {
            continue;
        }
        // Since its row was read, a file may have given way to another that looks the same.
        let Some(settled) = settle_or_say(ward, seem_edited.len()).await? else {
            continue;
        };
        let paths = seem_edited.into_iter().map(|(path, _)| path);
        let paths: Vec<String> = paths
            .filter(|path| !settled.interrupted.contains(path))
            .collect();
        let (_, edited) = hash_some(ward, &paths).await?;
        drop(settled);
        for (path, row) in edited {
            let finding = DoctorFinding::ViewFileEdited {
                path,
                project_id: row.project_id,
                asset_id: row.asset_id,
                recorded: row.stamp.file_size,
                found: Some(row.stamp.file_size),
            };
            ward.found(finding).await;
        }
    }
    Ok(())
}

/// Hashes files; returns how many bytes they have, and those that look as they were left and have
/// other bytes.
async fn hash_some(ward: &Ward, paths: &[String]) -> Result<(u64, Vec<(String, Recorded)>)> {
    let mut rows = recorded(ward, paths).await?;
    let public = ward.studio.view().public();
    let hashed = blocking(|| {
        crate::parallel::each(paths, |path| files::hash(&public.join(path)).ok().flatten())
    });
    let mut edited = Vec::new();
    let mut bytes = 0;
    for (path, hashed) in paths.iter().zip(hashed) {
        let (Some(row), Some((stamp, found))) = (rows.remove(path), hashed) else {
            continue;
        };
        bytes += stamp.file_size;
        if stamp == row.stamp && found != row.sha256 {
            edited.push((path.clone(), row));
        }
    }
    Ok((bytes, edited))
}
