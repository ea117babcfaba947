//! Whether a project's files are in step with the database: what `sync` asks first, since
//! mostly they are. Nothing is decided here, so that asking costs little more than walking
//! through the folders.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::hash::{BuildHasher, Hash};
use std::io;
use std::path::{Path, PathBuf};

use foldhash::fast::RandomState;
use foldhash::quality;

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

/// An asset with bytes.
struct Shown {
    kind: AssetKind,
    character: Option<CharacterId>,
    format: ImageFormat,
    sha256: Sha256,
    has_frame: bool,
}

/// Makes 128 bits of what is known of a file, so that comparing needs no copies of paths.
/// Equal facts have equal fingerprints. Different facts have equal ones by a chance of one in
/// 2^128, and nobody can aim at it: the seeds are random each time.
#[derive(Clone, Default)]
struct Fingerprints(quality::RandomState, quality::RandomState);

impl Fingerprints {
    fn of(&self, facts: impl Hash) -> u128 {
        u128::from(self.0.hash_one(&facts)) << 64 | u128::from(self.1.hash_one(&facts))
    }

    fn of_row(
        &self,
        path: &str,
        asset: AssetId,
        animation: Option<AnimationId>,
        sha256: Sha256,
    ) -> u128 {
        self.of((path, asset, animation, sha256))
    }

    fn of_file(&self, path: &str, stamp: Stamp) -> u128 {
        self.of((path, stamp.file_size, stamp.modified_ns))
    }
}

/// A set of rows in whatever order they came: two are the same where this is.
#[derive(Default, PartialEq)]
struct Rows {
    count: u64,
    sum: u128,
}

impl Rows {
    fn add(&mut self, fingerprint: u128) {
        self.count += 1;
        self.sum = self.sum.wrapping_add(fingerprint);
    }
}

/// What the database says we wrote.
struct Recorded {
    rows: Rows,
    files: HashSet<u128, RandomState>,
}

impl Studio {
    /// Says whether every file of a project is what it should be, judged by size and time, and
    /// nothing else of ours lies among them.
    pub(super) async fn is_in_step(&self, project: ProjectId) -> Result<bool> {
        let fingerprints = Fingerprints::default();
        let folder = self.view().public.join(project.to_string());
        // The files are looked at while the rows are read. What is recorded changes only under
        // the lock of the view, which the caller holds.
        let of_walk = fingerprints.clone();
        let walk =
            tokio::task::spawn_blocking(move || Walk::of(folder, project.to_string(), of_walk));
        let (studio, of_rows) = (self.clone(), fingerprints.clone());
        let recorded = aside(move || async move { studio.recorded(project, &of_rows).await });
        let mut session = self.database().snapshot().await?;
        let wanted = wanted(&mut session, project, &fingerprints).await?;
        session.end().await?;
        let (recorded, walk) = (joined(recorded).await?, joined(walk).await);
        Ok(recorded.rows == wanted && walk.has_all(&recorded.files))
    }

    async fn recorded(&self, project: ProjectId, fingerprints: &Fingerprints) -> Result<Recorded> {
        let mut session = self.database().read().await?;
        let count = count(&mut session, &FILE_COUNT, project).await?;
        let mut recorded = Recorded {
            rows: Rows::default(),
            files: HashSet::with_capacity_and_hasher(count, RandomState::default()),
        };
        session
            .query(&RECORDED, &[Value::Id(project.0)], |row| {
                let path = row.text_at(0, "view_file.path")?;
                recorded.rows.add(fingerprints.of_row(
                    path,
                    row.at(1, "view_file.asset_id")?,
                    row.at(2, "view_file.animation_id")?,
                    row.at(3, "view_file.sha256")?,
                ));
                let stamp = Stamp {
                    file_size: row.at(4, "view_file.file_size")?,
                    modified_ns: row.at(5, "view_file.modified_ns")?,
                };
                recorded.files.insert(fingerprints.of_file(path, stamp));
                Ok(())
            })
            .await?;
        Ok(recorded)
    }
}

/// Reads what files there should be.
async fn wanted(
    session: &mut Session,
    project: ProjectId,
    fingerprints: &Fingerprints,
) -> Result<Rows> {
    let id = [Value::Id(project.0)];
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
            let places = own.zip(character);
            let places = places.map(|(own, character)| path::Frames::of(project, &own, character));
            Ok((row.at(0, "animation.id")?, places))
        })
        .await?;
    let animations: HashMap<AnimationId, Option<path::Frames>, RandomState> =
        animations.into_iter().collect();
    let count = count(session, &ASSET_COUNT, project).await?;
    let mut assets: HashMap<AssetId, Shown, RandomState> =
        HashMap::with_capacity_and_hasher(count, RandomState::default());
    session
        .query(&ASSETS, &id, |row| {
            assets.extend(read_asset(row)?);
            Ok(())
        })
        .await?;
    let mut wanted = Rows::default();
    let mut path = String::new();
    session
        .query(&FRAMES, &id, |row| {
            let asset_id = row.at(0, "frame.asset_id")?;
            let animation_id = row.at(1, "frame.animation_id")?;
            let Some(asset) = assets.get_mut(&asset_id) else {
                return Ok(());
            };
            asset.has_frame = true;
            if let Some(Some(places)) = animations.get(&animation_id) {
                let index = row.at(2, "frame.frame_index")?;
                path.clear();
                places.write(&mut path, index, asset.format);
                wanted.add(fingerprints.of_row(&path, asset_id, Some(animation_id), asset.sha256));
            }
            Ok(())
        })
        .await?;
    for (id, asset) in assets {
        let character = asset
            .character
            .and_then(|id| characters.get(&id)?.as_deref());
        if let Some(path) = home(project, id, &asset, character) {
            wanted.add(fingerprints.of_row(&path, id, None, asset.sha256));
        }
    }
    Ok(wanted)
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

/// Counts rows that go into a map next: growing it would be a good part of the work.
async fn count(session: &mut Session, sql: &Sql, project: ProjectId) -> Result<usize> {
    let count = session
        .optional(sql, &[Value::Id(project.0)], |row| {
            row.at::<u64>(0, "count")
        })
        .await?;
    Ok(usize::try_from(count.unwrap_or_default()).unwrap_or_default())
}

fn safe(row: &Row<'_>, index: usize, place: &'static str) -> Result<Option<String>> {
    let segment: Option<String> = row.at(index, place)?;
    Ok(segment.filter(|segment| segment::is_safe(segment)))
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
struct Walk {
    fingerprints: Fingerprints,
    files: Vec<u128>,
    /// Every folder was read, and there was no link and nothing on its way.
    is_plain: bool,
}

impl Walk {
    fn of(folder: PathBuf, name: String, fingerprints: Fingerprints) -> Self {
        let mut walk = Self {
            fingerprints,
            files: Vec::new(),
            is_plain: true,
        };
        let mut folders = vec![(folder, name)];
        while let Some((folder, name)) = folders.pop() {
            if let Err(error) = walk.read(&folder, name, &mut folders) {
                walk.is_plain &= error.kind() == io::ErrorKind::NotFound;
            }
        }
        walk
    }

    fn read(
        &mut self,
        folder: &Path,
        mut path: String,
        folders: &mut Vec<(PathBuf, String)>,
    ) -> io::Result<()> {
        if fs::symlink_metadata(folder)?.is_symlink() {
            self.is_plain = false;
            return Ok(());
        }
        path.push('/');
        let above = path.len();
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            let kind = entry.file_type()?;
            let name = entry.file_name();
            // What is not Unicode is not ours.
            let Some(name) = name.to_str() else { continue };
            path.truncate(above);
            path.push_str(name);
            if kind.is_dir() {
                folders.push((entry.path(), path.clone()));
            } else if kind.is_file() {
                self.is_plain &= !name.starts_with(MOVED_ASIDE) && !name.starts_with(BEING_WRITTEN);
                let stamp = stamp_of(&entry.metadata()?)?;
                self.files.push(self.fingerprints.of_file(&path, stamp));
            } else {
                self.is_plain &= !kind.is_symlink();
            }
        }
        Ok(())
    }

    /// Says whether every recorded file is there as it was left. Others may lie beside them.
    fn has_all(&self, recorded: &HashSet<u128, RandomState>) -> bool {
        let found = self.files.iter().filter(|file| recorded.contains(file));
        self.is_plain && found.count() == recorded.len()
    }
}
