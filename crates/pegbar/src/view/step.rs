//! Whether a project's files are in step with the database: what `sync` asks first, since
//! mostly they are. Nothing is decided here, so that asking costs little more than walking
//! through the folders.

use std::collections::HashMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use foldhash::fast::RandomState;
use tokio::task::JoinHandle;

use super::files::{BEING_WRITTEN, MOVED_ASIDE, Stamp, stamp_of};
use super::path;
use crate::asset::AssetKind;
use crate::blob::ImageFormat;
use crate::db::sql::{Sql, statements};
use crate::db::value::{Row, Value};
use crate::db::{Session, aside, joined};
use crate::error::Result;
use crate::hash::Sha256;
use crate::id::{AnimationId, AssetId, CharacterId, ProjectId};
use crate::segment;
use crate::studio::Studio;

statements! {
    FILE_COUNT = "SELECT count(*) FROM view_file WHERE project_id = $1";
    ASSET_COUNT = "SELECT count(*) FROM asset WHERE project_id = $1";
    RECORDED = "SELECT path, asset_id, animation_id, sha256, file_size, modified_ns \
                FROM view_file WHERE project_id = $1";
    CHARACTERS = "SELECT id, segment FROM character WHERE project_id = $1";
    ANIMATIONS = "SELECT id, character_id, segment FROM animation WHERE project_id = $1";
    ASSETS = "SELECT id, kind, character_id, mime_type, sha256 FROM asset \
              WHERE project_id = $1 AND bytes_dropped_at IS NULL";
    FRAMES = "SELECT asset_id, animation_id, frame_index FROM frame WHERE project_id = $1";
}

/// A file that we wrote.
struct Recorded {
    asset: AssetId,
    animation: Option<AnimationId>,
    sha256: Sha256,
    stamp: Stamp,
}

/// An asset with bytes.
struct Shown {
    kind: AssetKind,
    character: Option<CharacterId>,
    format: ImageFormat,
    sha256: Sha256,
    has_frame: bool,
}

/// What the database says of a project's files.
struct Expected {
    recorded: HashMap<String, Recorded, RandomState>,
    /// How many of them are what is wanted.
    matched: usize,
}

impl Studio {
    /// Says whether every file of a project is what it should be, judged by size and time, and
    /// nothing else of ours lies among them.
    pub(super) async fn is_in_step(&self, project: ProjectId) -> Result<bool> {
        let folder = self.view().public.join(project.to_string());
        let name = project.to_string();
        // The files are looked at while the rows are read. What is recorded changes only under
        // the lock of the view, which the caller holds.
        let walk = tokio::task::spawn_blocking(move || Walk::of(folder, name));
        let studio = self.clone();
        let recorded = aside(move || async move { studio.recorded(project).await });
        let mut session = self.database().snapshot().await?;
        let expected = Expected::load(&mut session, project, recorded).await?;
        session.end().await?;
        let walk = joined(walk).await;
        Ok(expected.is_some_and(|expected| walk.has_all(&expected)))
    }

    async fn recorded(&self, project: ProjectId) -> Result<HashMap<String, Recorded, RandomState>> {
        let mut session = self.database().read().await?;
        let mut recorded = with_room(count(&mut session, &FILE_COUNT, project).await?);
        session
            .query(&RECORDED, &[Value::Id(project.0)], |row| {
                let (path, file) = read_recorded(row)?;
                recorded.insert(path, file);
                Ok(())
            })
            .await?;
        Ok(recorded)
    }
}

impl Expected {
    /// Compares what is recorded with what is wanted; `None` where they differ.
    async fn load(
        session: &mut Session,
        project: ProjectId,
        recorded: JoinHandle<Result<HashMap<String, Recorded, RandomState>>>,
    ) -> Result<Option<Self>> {
        let id = [Value::Id(project.0)];
        let mut assets: HashMap<AssetId, Shown, RandomState> =
            with_room(count(session, &ASSET_COUNT, project).await?);
        let characters = session
            .query(&CHARACTERS, &id, |row| {
                Ok((
                    row.at(0, "character.id")?,
                    safe(row, 1, "character.segment")?,
                ))
            })
            .await?;
        let characters: HashMap<CharacterId, Option<String>> = characters.into_iter().collect();
        let animations = session
            .query(&ANIMATIONS, &id, |row| {
                let character: CharacterId = row.at(1, "animation.character_id")?;
                let own = safe(row, 2, "animation.segment")?;
                let character = characters.get(&character).and_then(Option::as_deref);
                Ok((row.at(0, "animation.id")?, own.zip(character)))
            })
            .await?;
        let animations: HashMap<AnimationId, Option<(String, &str)>> =
            animations.into_iter().collect();
        session
            .query(&ASSETS, &id, |row| {
                assets.extend(read_asset(row)?);
                Ok(())
            })
            .await?;
        let mut expected = Self {
            recorded: joined(recorded).await?,
            matched: 0,
        };
        let mut is_same = true;
        session
            .query(&FRAMES, &id, |row| {
                let asset_id = row.at(0, "frame.asset_id")?;
                let animation_id = row.at(1, "frame.animation_id")?;
                let Some(asset) = assets.get_mut(&asset_id) else {
                    return Ok(());
                };
                asset.has_frame = true;
                if let Some(Some((animation, character))) = animations.get(&animation_id) {
                    let index = row.at(2, "frame.frame_index")?;
                    let path = path::frame(project, animation, character, index, asset.format);
                    is_same &= expected.has(&path, asset_id, Some(animation_id), asset.sha256);
                }
                Ok(())
            })
            .await?;
        for (id, asset) in assets {
            let character = asset
                .character
                .and_then(|id| characters.get(&id)?.as_deref());
            let Some(path) = home(project, id, &asset, character) else {
                continue;
            };
            is_same &= expected.has(&path, id, None, asset.sha256);
        }
        let is_all = expected.matched == expected.recorded.len();
        Ok((is_same && is_all).then_some(expected))
    }

    /// Says whether a wanted file is recorded as it should be.
    fn has(
        &mut self,
        path: &str,
        asset: AssetId,
        animation: Option<AnimationId>,
        sha256: Sha256,
    ) -> bool {
        self.matched += 1;
        self.recorded.get(path).is_some_and(|recorded| {
            (recorded.asset, recorded.animation, recorded.sha256) == (asset, animation, sha256)
        })
    }
}

/// Returns where an asset's file is that no frame gives a place.
fn home(project: ProjectId, id: AssetId, asset: &Shown, character: Option<&str>) -> Option<String> {
    match asset.kind {
        AssetKind::Frame if asset.has_frame => None,
        AssetKind::Frame => Some(path::take(project, id, asset.format)),
        AssetKind::Reference => Some(path::reference(project, id, asset.format)),
        AssetKind::Character => Some(path::variation(project, character?, id, asset.format)),
    }
}

async fn count(session: &mut Session, sql: &Sql, project: ProjectId) -> Result<i64> {
    let count = session
        .optional(sql, &[Value::Id(project.0)], |row| row.at(0, "count"))
        .await?;
    Ok(count.unwrap_or_default())
}

/// Begins a map that many rows go into: growing and hashing would be a good part of the work.
fn with_room<K, V>(count: i64) -> HashMap<K, V, RandomState> {
    let count = usize::try_from(count).unwrap_or_default();
    HashMap::with_capacity_and_hasher(count, RandomState::default())
}

fn safe(row: &Row<'_>, index: usize, place: &'static str) -> Result<Option<String>> {
    let segment: Option<String> = row.at(index, place)?;
    Ok(segment.filter(|segment| segment::is_safe(segment)))
}

fn read_recorded(row: &Row<'_>) -> Result<(String, Recorded)> {
    let recorded = Recorded {
        asset: row.at(1, "view_file.asset_id")?,
        animation: row.at(2, "view_file.animation_id")?,
        sha256: row.at(3, "view_file.sha256")?,
        stamp: Stamp {
            file_size: row.at(4, "view_file.file_size")?,
            modified_ns: row.at(5, "view_file.modified_ns")?,
        },
    };
    Ok((row.at(0, "view_file.path")?, recorded))
}

/// Reads an asset; `None` where another program wrote the row and nobody has adopted it yet.
fn read_asset(row: &Row<'_>) -> Result<Option<(AssetId, Shown)>> {
    let format = row.at::<Option<String>>(3, "asset.mime_type")?;
    let format = format.as_deref().and_then(ImageFormat::from_mime_type);
    let sha256: Option<Sha256> = row.at(4, "asset.sha256")?;
    let (Some(format), Some(sha256)) = (format, sha256) else {
        return Ok(None);
    };
    let shown = Shown {
        kind: row.at(1, "asset.kind")?,
        character: row.at(2, "asset.character_id")?,
        format,
        sha256,
        has_frame: false,
    };
    Ok(Some((row.at(0, "asset.id")?, shown)))
}

/// The files of a project's folder.
#[derive(Default)]
struct Walk {
    files: Vec<(String, Stamp)>,
    /// Every folder was read, and there was no link and nothing on its way.
    is_plain: bool,
}

impl Walk {
    fn of(folder: PathBuf, name: String) -> Self {
        let mut walk = Self {
            files: Vec::new(),
            is_plain: true,
        };
        let mut folders = vec![(folder, name)];
        while let Some((folder, name)) = folders.pop() {
            if let Err(error) = walk.read(&folder, &name, &mut folders) {
                walk.is_plain &= error.kind() == io::ErrorKind::NotFound;
            }
        }
        walk
    }

    fn read(
        &mut self,
        folder: &Path,
        path: &str,
        folders: &mut Vec<(PathBuf, String)>,
    ) -> io::Result<()> {
        if fs::symlink_metadata(folder)?.is_symlink() {
            self.is_plain = false;
            return Ok(());
        }
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            let kind = entry.file_type()?;
            let name = entry.file_name();
            // What is not Unicode is not ours.
            let Some(name) = name.to_str() else { continue };
            if kind.is_dir() {
                folders.push((entry.path(), format!("{path}/{name}")));
            } else if kind.is_file() {
                self.is_plain &= !name.starts_with(MOVED_ASIDE) && !name.starts_with(BEING_WRITTEN);
                let stamp = stamp_of(&entry.metadata()?)?;
                self.files.push((format!("{path}/{name}"), stamp));
            } else {
                self.is_plain &= !kind.is_symlink();
            }
        }
        Ok(())
    }

    /// Says whether every recorded file is there as it was left. Others may lie beside them.
    fn has_all(&self, expected: &Expected) -> bool {
        let found = self.files.iter().filter(|(path, stamp)| {
            let recorded = expected.recorded.get(path);
            recorded.is_some_and(|recorded| recorded.stamp == *stamp)
        });
        self.is_plain && found.count() == expected.recorded.len()
    }
}
