//! What the database says should lie below `public/assets`, and what was written there.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use uuid::Uuid;

use super::{Scope, ViewFile, path};
use crate::asset::AssetKind;
use crate::blob::ImageFormat;
use crate::db::Session;
use crate::db::sql::{Sql, statements};
use crate::db::value::{Row, Value};
use crate::error::Result;
use crate::hash::Sha256;
use crate::id::{AnimationId, AssetId, ProjectId};
use crate::segment;

statements! {
    FILES = "SELECT {view_file} FROM view_file WHERE project_id = $1";
    FILES_OF_ANIMATIONS = "SELECT {view_file} FROM view_file WHERE project_id = $1 \
                           AND animation_id {in $2}";
    FILES_OF_HOMES = "SELECT {view_file} FROM view_file WHERE project_id = $1 \
                      AND asset_id {in $2} AND animation_id IS NULL";
    FRAMES = "SELECT f.asset_id, f.animation_id, f.frame_index, n.segment, c.segment, \
              a.mime_type, a.sha256 FROM frame f \
              JOIN animation n ON n.project_id = f.project_id AND n.id = f.animation_id \
              JOIN character c ON c.project_id = n.project_id AND c.id = n.character_id \
              JOIN asset a ON a.project_id = f.project_id AND a.id = f.asset_id \
              WHERE f.project_id = $1 AND a.bytes_dropped_at IS NULL";
    FRAMES_OF_ANIMATIONS = "SELECT f.asset_id, f.animation_id, f.frame_index, n.segment, \
              c.segment, a.mime_type, a.sha256 FROM frame f \
              JOIN animation n ON n.project_id = f.project_id AND n.id = f.animation_id \
              JOIN character c ON c.project_id = n.project_id AND c.id = n.character_id \
              JOIN asset a ON a.project_id = f.project_id AND a.id = f.asset_id \
              WHERE f.project_id = $1 AND a.bytes_dropped_at IS NULL \
              AND f.animation_id {in $2}";
    HOMES = "SELECT a.id, a.kind, c.segment, a.mime_type, a.sha256 FROM asset a \
             LEFT JOIN character c ON c.project_id = a.project_id AND c.id = a.character_id \
             WHERE a.project_id = $1 AND a.bytes_dropped_at IS NULL AND (a.kind <> 'frame' \
             OR NOT EXISTS (SELECT 1 FROM frame f \
             WHERE f.project_id = a.project_id AND f.asset_id = a.id))";
    HOMES_OF = "SELECT a.id, a.kind, c.segment, a.mime_type, a.sha256 FROM asset a \
             LEFT JOIN character c ON c.project_id = a.project_id AND c.id = a.character_id \
             WHERE a.project_id = $1 AND a.bytes_dropped_at IS NULL AND (a.kind <> 'frame' \
             OR NOT EXISTS (SELECT 1 FROM frame f \
             WHERE f.project_id = a.project_id AND f.asset_id = a.id)) AND a.id {in $2}";
    PATHS = "SELECT a.id, a.kind, c.segment, a.mime_type, a.sha256, a.file_path FROM asset a \
             LEFT JOIN character c ON c.project_id = a.project_id AND c.id = a.character_id \
             WHERE a.project_id = $1 AND a.id {in $2} AND a.bytes_dropped_at IS NULL";
    PLACES = "SELECT f.asset_id, f.frame_index, n.segment, c.segment FROM frame f \
              JOIN animation n ON n.project_id = f.project_id AND n.id = f.animation_id \
              JOIN character c ON c.project_id = n.project_id AND c.id = n.character_id \
              WHERE f.project_id = $1 AND f.asset_id {in $2} \
              ORDER BY f.asset_id, f.animation_id, f.frame_index";
    SET_PATH = "UPDATE asset SET file_path = $3 WHERE project_id = $1 AND id = $2";
}

/// A file that should be there.
#[derive(Clone, Debug)]
pub(crate) struct Wanted {
    pub(crate) asset_id: AssetId,
    pub(crate) animation_id: Option<AnimationId>,
    pub(crate) sha256: Sha256,
}

/// What is to be brought up to date in one project.
#[derive(Debug, Default)]
pub(super) struct Stock {
    pub(super) recorded: HashMap<String, ViewFile>,
    pub(super) wanted: BTreeMap<String, Wanted>,
}

/// Reads a segment, unless another program wrote one that could lead out of its folder.
fn read_segment(row: &Row<'_>, index: usize, place: &'static str) -> Result<Option<String>> {
    let segment: Option<String> = row.at(index, place)?;
    Ok(segment.filter(|segment| segment::is_safe(segment)))
}

/// Reads a hash, unless another program wrote something else in its place.
fn read_hash(row: &Row<'_>, index: usize) -> Result<Option<Sha256>> {
    let text: Option<String> = row.at(index, "asset.sha256")?;
    Ok(text.and_then(|text| text.parse().ok()))
}

pub(crate) fn read_frame(project: ProjectId, row: &Row<'_>) -> Result<Option<(String, Wanted)>> {
    let animation = read_segment(row, 3, "animation.segment")?;
    let character = read_segment(row, 4, "character.segment")?;
    let format = row.at::<Option<String>>(5, "asset.mime_type")?;
    let format = format.as_deref().and_then(ImageFormat::from_mime_type);
    let sha256 = read_hash(row, 6)?;
    let (Some(animation), Some(character), Some(format), Some(sha256)) =
        (animation, character, format, sha256)
    else {
        // Written by another program, not adopted yet.
        return Ok(None);
    };
    let index = row.at(2, "frame.frame_index")?;
    let path = path::frame(project, &animation, &character, index, format);
    let wanted = Wanted {
        asset_id: row.at(0, "frame.asset_id")?,
        animation_id: row.at(1, "frame.animation_id")?,
        sha256,
    };
    Ok(Some((path, wanted)))
}

pub(crate) fn read_home(project: ProjectId, row: &Row<'_>) -> Result<Option<(String, Wanted)>> {
    let asset_id: AssetId = row.at(0, "asset.id")?;
    let kind: AssetKind = row.at(1, "asset.kind")?;
    let character = read_segment(row, 2, "character.segment")?;
    let format = row.at::<Option<String>>(3, "asset.mime_type")?;
    let format = format.as_deref().and_then(ImageFormat::from_mime_type);
    let sha256 = read_hash(row, 4)?;
    let (Some(format), Some(sha256)) = (format, sha256) else {
        return Ok(None);
    };
    let path = home_path(project, kind, character.as_deref(), asset_id, format);
    let wanted = Wanted {
        asset_id,
        animation_id: None,
        sha256,
    };
    Ok(path.map(|path| (path, wanted)))
}

/// Returns where an asset's file is that no frame gives a place; `character` is the segment of
/// the one whose variation it is.
pub(crate) fn home_path(
    project: ProjectId,
    kind: AssetKind,
    character: Option<&str>,
    asset: AssetId,
    format: ImageFormat,
) -> Option<String> {
    Some(match kind {
        AssetKind::Character => path::variation(project, character?, asset, format),
        AssetKind::Reference => path::reference(project, asset, format),
        AssetKind::Frame => path::take(project, asset, format),
    })
}

impl Stock {
    /// Says whether files are only to come where none are recorded, and at most so many.
    pub(super) fn only_adds(&self, most: usize) -> bool {
        let stays = |(path, file): (&String, &ViewFile)| {
            let wanted = self.wanted.get(path);
            wanted.is_some_and(|wanted| wanted.sha256 == file.sha256)
        };
        // All that is recorded is wanted: the others are new.
        self.recorded.iter().all(stays) && self.wanted.len() - self.recorded.len() <= most
    }

    /// Reads what is recorded and what is wanted for the scopes.
    pub(super) async fn load(
        session: &mut Session,
        project: ProjectId,
        scopes: &BTreeSet<Scope>,
    ) -> Result<Self> {
        let mut stock = Self::default();
        let id = Value::Id(project.0);
        if scopes.contains(&Scope::Project) {
            stock
                .add(session, &FILES, &FRAMES, std::slice::from_ref(&id), |row| {
                    read_frame(project, row)
                })
                .await?;
            let homes = session
                .query(&HOMES, &[id], |row| read_home(project, row))
                .await?;
            stock.wanted.extend(homes.into_iter().flatten());
            return Ok(stock);
        }
        let mut animations = Vec::new();
        let mut homes = Vec::new();
        for scope in scopes {
            match scope {
                Scope::Project => {}
                Scope::Animation(id) => animations.push(id.0),
                Scope::Home(id) => homes.push(id.0),
            }
        }
        if !animations.is_empty() {
            let parameters = [id.clone(), Value::Ids(&animations)];
            let (files, frames) = (&FILES_OF_ANIMATIONS, &FRAMES_OF_ANIMATIONS);
            stock
                .add(session, files, frames, &parameters, |row| {
                    read_frame(project, row)
                })
                .await?;
        }
        if !homes.is_empty() {
            let parameters = [id, Value::Ids(&homes)];
            let read = |row: &Row<'_>| read_home(project, row);
            stock
                .add(session, &FILES_OF_HOMES, &HOMES_OF, &parameters, read)
                .await?;
        }
        Ok(stock)
    }

    /// Returns the paths of all files, those that are there and those that should be.
    pub(super) fn paths(&self) -> impl Iterator<Item = &str> {
        let paths = self.recorded.keys().chain(self.wanted.keys());
        paths.map(String::as_str)
    }

    async fn add(
        &mut self,
        session: &mut Session,
        recorded: &Sql,
        wanted: &Sql,
        parameters: &[Value<'_>],
        read: impl FnMut(&Row<'_>) -> Result<Option<(String, Wanted)>> + Send,
    ) -> Result<()> {
        let files: Vec<ViewFile> = session.list(recorded, parameters).await?;
        self.recorded
            .extend(files.into_iter().map(|file| (file.path.clone(), file)));
        let wanted = session.query(wanted, parameters, read).await?;
        self.wanted.extend(wanted.into_iter().flatten());
        Ok(())
    }
}

/// The path that the home of an asset has by the rows, and the one that its row names.
#[derive(Debug)]
pub(crate) struct Home {
    pub(crate) asset_id: AssetId,
    pub(crate) path: String,
    pub(crate) named: Option<String>,
}

/// Sets the paths of assets to what the rows now say: in the same transaction as the change
/// that moves them.
pub(crate) async fn rehome(
    session: &mut Session,
    project: ProjectId,
    assets: &[Uuid],
) -> Result<()> {
    let homes = homes(session, project, assets).await?;
    let changed = homes
        .into_iter()
        .filter(|home| home.named.as_ref() != Some(&home.path))
        .map(|home| {
            let asset = Value::Id(home.asset_id.0);
            vec![Value::Id(project.0), asset, Value::Text(home.path.into())]
        });
    let changed: Vec<_> = changed.collect();
    session.execute_many(&SET_PATH, &changed).await
}

/// Returns where the homes of assets are by what the rows now say; those that have no place
/// yet are left out.
pub(crate) async fn homes(
    session: &mut Session,
    project: ProjectId,
    assets: &[Uuid],
) -> Result<Vec<Home>> {
    if assets.is_empty() {
        return Ok(Vec::new());
    }
    let parameters = [Value::Id(project.0), Value::Ids(assets)];
    let homes = session
        .query(&PATHS, &parameters, |row| {
            let format = row.at::<Option<String>>(3, "asset.mime_type")?;
            Ok((
                read_home(project, row)?,
                row.at::<AssetKind>(1, "asset.kind")?,
                format.as_deref().and_then(ImageFormat::from_mime_type),
                row.at::<Option<String>>(5, "asset.file_path")?,
            ))
        })
        .await?;
    let places = session
        .query(&PLACES, &parameters, |row| {
            Ok((
                row.at::<AssetId>(0, "frame.asset_id")?,
                row.at::<u32>(1, "frame.frame_index")?,
                read_segment(row, 2, "animation.segment")?,
                read_segment(row, 3, "character.segment")?,
            ))
        })
        .await?;
    let mut lowest = HashMap::new();
    for (asset, index, animation, character) in places {
        if let (Some(animation), Some(character)) = (animation, character) {
            lowest.entry(asset).or_insert((index, animation, character));
        }
    }
    let mut found = Vec::with_capacity(homes.len());
    for (home, kind, format, named) in homes {
        let (Some((mut path, wanted)), Some(format)) = (home, format) else {
            continue;
        };
        if let (AssetKind::Frame, Some((index, animation, character))) =
            (kind, lowest.get(&wanted.asset_id))
        {
            path = path::frame(project, animation, character, *index, format);
        }
        found.push(Home {
            asset_id: wanted.asset_id,
            path,
            named,
        });
    }
    Ok(found)
}
