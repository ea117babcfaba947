//! What stays below `public/assets` after adopting: old files, which go when they are safe,
//! and files that no row names.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::hash::{BuildHasher as _, RandomState};
use std::path::Path;

use uuid::Uuid;

use super::path::RowPath;
use super::place::{Opened, Place, Problem, Removal};
use super::report::{Disagreement, Finding};
use super::{Run, journal::Entry};
use crate::blob::Refused;
use crate::db::sql::statements;
use crate::db::value::Value;
use crate::db::{Session, blocking};
use crate::error::{IoContext, Result};
use crate::hash::Sha256;
use crate::id::{AssetId, ProjectId};

statements! {
    FILE_PATHS = "SELECT id, file_path FROM asset WHERE file_path IS NOT NULL";
    VIEW_PATHS = "SELECT path FROM view_file";
    PLACED = "SELECT a.id, a.file_path FROM asset a JOIN view_file v ON v.path = a.file_path \
              AND v.sha256 = a.sha256 WHERE a.project_id = $1 AND a.id {in $2}";
}

/// A file outside the convention that was taken in.
struct Old {
    entry: Entry,
    place: RowPath,
    /// Where the asset has its file now.
    home: RowPath,
}

impl Run<'_> {
    /// Removes the files that were taken in at other paths than the conventional ones. A file
    /// stays where it was changed since, or where another row names it.
    pub(super) async fn remove_old_files(&mut self) -> Result<()> {
        let mut session = self.studio.database().snapshot().await?;
        let mut old = self.placed(&mut session).await?;
        if !old.is_empty() {
            let places: HashSet<RowPath> = old.iter().map(|old| old.place.clone()).collect();
            let mut view_files = HashSet::new();
            session
                .query(&VIEW_PATHS, &[], |row| {
                    let path: String = row.at(0, "view_file.path")?;
                    let paths = RowPath::read(&path).unwrap_or_default();
                    view_files.extend(paths.into_iter().filter(|path| places.contains(path)));
                    Ok(())
                })
                .await?;
            let mut named: HashMap<RowPath, AssetId> = HashMap::new();
            each_path(&mut session, |asset, path| {
                if places.contains(&path) {
                    named.insert(path, asset);
                }
            })
            .await?;
            session.end().await?;
            old.retain(|old| !view_files.contains(&old.place));
            blocking(|| {
                let place = Place::open(&self.studio.assets_folder())?;
                let mut removing = old.iter();
                let removed = removing.try_for_each(|old| self.remove_old(&place, old, &named));
                // Once for each folder: the paths stand in order.
                old.dedup_by(|one, other| one.place.folder() == other.place.folder());
                for old in &old {
                    // A folder that is gone has nothing to flush.
                    let _ = place.flush_folder_of(&old.place);
                }
                removed
            })?;
        }
        Ok(())
    }

    /// Returns the old files whose assets have their files in place.
    async fn placed(&self, session: &mut Session) -> Result<Vec<Old>> {
        let mut entries: HashMap<ProjectId, Vec<&Entry>> = HashMap::new();
        for entry in self.journal.entries() {
            entries.entry(entry.project_id).or_default().push(entry);
        }
        let mut old = Vec::new();
        for (project, entries) in entries {
            let ids: Vec<Uuid> = entries.iter().map(|entry| entry.asset_id.0).collect();
            let homes = session
                .query(&PLACED, &[Value::Id(project.0), Value::Ids(&ids)], |row| {
                    let id: AssetId = row.at(0, "asset.id")?;
                    Ok((id, row.at::<String>(1, "asset.file_path")?))
                })
                .await?;
            let homes: HashMap<AssetId, String> = homes.into_iter().collect();
            for entry in entries {
                let home = homes.get(&entry.asset_id);
                let home = home.and_then(|path| RowPath::read(path).ok()?.into_iter().next());
                if let (Some(home), Some(place)) = (home, entry.place())
                    && home != place
                {
                    let entry = entry.clone();
                    old.push(Old { entry, place, home });
                }
            }
        }
        // One file may have served several.
        old.sort_by(|one, other| one.place.cmp(&other.place));
        old.dedup_by(|one, other| one.place == other.place);
        Ok(old)
    }

    fn remove_old(
        &mut self,
        place: &Place,
        old: &Old,
        named: &HashMap<RowPath, AssetId>,
    ) -> Result<()> {
        let Entry {
            asset_id,
            project_id,
            sha256,
            ..
        } = old.entry;
        let blobs = self.studio.blobs();
        let is_safe = blobs.path(sha256).is_file() && !place.is_same(&old.place, &old.home);
        if !is_safe {
            return Ok(());
        }
        let stays = |reason: String| {
            let path = old.place.as_str().to_owned();
            let stays = Disagreement::OldFileStays { path, reason };
            Finding::asset(project_id, asset_id, stays)
        };
        if let Some(other) = named.get(&old.place) {
            let reason = format!("the asset {other} names it");
            self.report.findings.push(stays(reason));
            return Ok(());
        }
        let is_expected = |opened: &mut Opened| {
            let found: Result<Sha256, Refused> =
                blobs.inspect(&mut opened.file)?.map(|image| image.sha256());
            Ok(found.is_ok_and(|found| found == sha256))
        };
        let key = asset_id.0.simple().to_string();
        match place.remove(&old.place, &key, is_expected)? {
            Ok(Removal::Removed) => self.report.removed += 1,
            Ok(Removal::Missing) => {}
            Ok(Removal::Stays) => {
                let reason = "it was changed after it was taken in".to_owned();
                self.report.findings.push(stays(reason));
            }
            Err(problem) => {
                let reason = match problem {
                    Problem::Unreadable(error) => {
                        // The next run tries again.
                        self.is_left = true;
                        error.to_string()
                    }
                    _ => "something else is there now".to_owned(),
                };
                self.report.findings.push(stays(reason));
            }
        }
        Ok(())
    }

    /// Lists the files that no row names: below `public/assets`, or in one project's folder.
    pub(super) async fn list_foreign(&mut self) -> Result<()> {
        // Sums of paths instead of the paths: less to remember of a large studio.
        let sums = RandomState::new();
        let mut known: HashSet<u64> = HashSet::new();
        let mut session = self.studio.database().snapshot().await?;
        session
            .query(&VIEW_PATHS, &[], |row| {
                let path: String = row.at(0, "view_file.path")?;
                known.insert(sums.hash_one(path.as_str()));
                Ok(())
            })
            .await?;
        each_path(&mut session, |_, path| {
            known.insert(sums.hash_one(path.as_str()));
        })
        .await?;
        session.end().await?;
        let public = self.studio.assets_folder();
        let start = self.options.project.map(|id| id.to_string());
        let start = start.unwrap_or_default();
        blocking(|| self.walk(&public, start, |path| known.contains(&sums.hash_one(path))))
    }

    /// Walks the tree in the order of its names; links are not followed.
    fn walk(
        &mut self,
        public: &Path,
        start: String,
        is_known: impl Fn(&str) -> bool,
    ) -> Result<()> {
        let mut folders = vec![start];
        while let Some(folder) = folders.pop() {
            let place = public.join(&folder);
            let entries = match fs::read_dir(&place) {
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
                entries => entries.at("reading", &place)?,
            };
            let mut found = Vec::new();
            for entry in entries {
                let entry = entry.at("reading", &place)?;
                let name = entry.file_name().to_string_lossy().into_owned();
                let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
                found.push((name, is_folder));
            }
            found.sort_unstable();
            let mut below = Vec::new();
            for (name, is_folder) in found {
                let path = if folder.is_empty() {
                    name
                } else {
                    format!("{folder}/{name}")
                };
                if is_folder {
                    below.push(path);
                } else if !is_known(&path) {
                    self.report.foreign.push(path);
                }
            }
            folders.extend(below.into_iter().rev());
        }
        Ok(())
    }
}

/// Calls back with every path that a row of any project names, in each of its meanings.
async fn each_path(
    session: &mut Session,
    mut each: impl FnMut(AssetId, RowPath) + Send,
) -> Result<()> {
    session
        .query(&FILE_PATHS, &[], |row| {
            let id: AssetId = row.at(0, "asset.id")?;
            let Ok(path) = row.get::<String>(1) else {
                return Ok(());
            };
            for meaning in RowPath::read(&path).unwrap_or_default() {
                each(id, meaning);
            }
            Ok(())
        })
        .await
        .map(drop)
}
