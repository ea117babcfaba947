//! The rows of assets and frames beside what was written for them, page by page in the order of
//! ids: the files they ask for, their records, and whether they are complete.

use std::collections::HashMap;

use uuid::Uuid;

use super::files::settle_or_say;
use super::finding::DoctorFinding;
use super::{Looked, Ward, pointers};
use crate::asset::AssetKind;
use crate::blob::ImageFormat;
use crate::db::Session;
use crate::db::sql::statements;
use crate::db::value::{Row, Value};
use crate::error::Result;
use crate::hash::Sha256;
use crate::id::{AnimationId, AssetId, CharacterId, ProjectId};
use crate::segment;
use crate::view::{path, stock};

statements! {
    COUNT = "SELECT count(*) FROM asset";
    // From one project to the next by the indices, without reading the entries between.
    PROJECTS = "WITH RECURSIVE listed(id) AS (\
                SELECT (SELECT project_id FROM view_file ORDER BY project_id LIMIT 1) \
                UNION ALL SELECT (SELECT f.project_id FROM view_file f \
                WHERE f.project_id > listed.id ORDER BY f.project_id LIMIT 1) \
                FROM listed WHERE listed.id IS NOT NULL) \
                SELECT id FROM listed WHERE id IS NOT NULL \
                UNION SELECT id FROM project ORDER BY id";
    CHARACTERS = "SELECT id, segment FROM character WHERE project_id = $1";
    ANIMATIONS = "SELECT id, character_id, segment FROM animation WHERE project_id = $1";
    ASSETS = "SELECT id, kind, character_id, mime_type, sha256, file_path, record, record_hash, \
              CASE WHEN bytes_dropped_at IS NULL THEN 0 ELSE 1 END FROM asset \
              WHERE project_id = $1 AND id > $2 ORDER BY id LIMIT 2000";
    FRAMES = "SELECT asset_id, animation_id, frame_index FROM frame \
              WHERE project_id = $1 AND asset_id > $2 AND asset_id <= $3";
    WRITTEN = "SELECT path, asset_id, animation_id, sha256 FROM view_file \
               WHERE project_id = $1 AND asset_id > $2 AND asset_id <= $3";
    UNHASHED = "SELECT asset_id, position, referenced_asset_id FROM asset_reference \
                WHERE project_id = $1 AND asset_id > $2 AND asset_id <= $3 AND sha256 IS NULL \
                ORDER BY asset_id, position";
    PENDING = "SELECT id FROM outbox WHERE project_id = $1 LIMIT 1";
}

const PAGE_SIZE: usize = 2000;

pub(super) async fn count(session: &mut Session) -> Result<u64> {
    super::count(session, &COUNT).await
}

/// Where the files of a project's characters and animations lie.
struct Places {
    project: ProjectId,
    /// Segments that another program wrote and that could lead out of their folder are left out.
    characters: HashMap<CharacterId, Option<String>>,
    animations: HashMap<AnimationId, Option<path::Frames>>,
}

/// What a row says of an asset.
struct AssetRow {
    id: AssetId,
    kind: Option<AssetKind>,
    character: Option<CharacterId>,
    format: Option<ImageFormat>,
    sha256: Option<Sha256>,
    file_path: Option<String>,
    /// What is wrong with its record.
    record: Record,
    is_dropped: bool,
}

#[derive(Clone, PartialEq, Eq)]
enum Record {
    Whole,
    /// Neither a record nor its hash: another program wrote the row.
    None,
    Broken(String),
}

/// What one file is for.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Use {
    asset: AssetId,
    animation: Option<AnimationId>,
    sha256: Sha256,
}

/// Assets after one id up to another.
#[derive(Clone, Copy)]
struct Range {
    after: Uuid,
    last: Uuid,
}

/// What a page of rows shows.
#[derive(Default)]
struct Judged {
    /// Concerns rows alone: seen in one state.
    findings: Vec<DoctorFinding>,
    /// Concerns files that the rows ask for; others may be bringing them.
    files: Vec<DoctorFinding>,
}

/// Looks at the rows of every project.
pub(super) async fn look(ward: &Ward, has_files: bool) -> Result<()> {
    let mut session = ward.studio.database().read().await?;
    let projects = session
        .query(&PROJECTS, &[], |row| row.at::<ProjectId>(0, "project.id"))
        .await?;
    drop(session);
    for project in projects {
        let mut after = Uuid::nil();
        let mut session = ward.studio.database().read().await?;
        // What changes of them meanwhile is read again where something seems to differ.
        let places = Places::of(&mut session, project).await?;
        drop(session);
        loop {
            if ward.is_over() {
                return Ok(());
            }
            let mut session = ward.studio.database().snapshot().await?;
            let (range, assets) = page(&mut session, project, after).await?;
            let judged = judge(&mut session, &places, range, &assets).await?;
            session.end().await?;
            for finding in judged.findings {
                ward.found(finding).await;
            }
            ward.looked(Looked::Assets, assets.len() as u64).await;
            if has_files && !judged.files.is_empty() {
                confirm(ward, project, range, judged.files.len()).await?;
            }
            if range.last == Uuid::max() {
                break;
            }
            after = range.last;
        }
    }
    Ok(())
}

/// Reads the next assets; the last page has everything that is left, also what belongs to no
/// asset any more.
async fn page(
    session: &mut Session,
    project: ProjectId,
    after: Uuid,
) -> Result<(Range, Vec<AssetRow>)> {
    let parameters = [Value::Id(project.0), Value::Id(after)];
    let assets = session.query(&ASSETS, &parameters, read_asset).await?;
    let last = match assets.last() {
        Some(last) if assets.len() == PAGE_SIZE => last.id.0,
        _ => Uuid::max(),
    };
    Ok((Range { after, last }, assets))
}

fn read_asset(row: &Row<'_>) -> Result<AssetRow> {
    let text = |index| row.text_at(index, "asset").ok();
    let record = match (text(6), text(7)) {
        (None, None) => Record::None,
        (None, Some(_)) => {
            Record::Broken("its record is gone, and the hash of it is there".to_owned())
        }
        (Some(_), None) => Record::Broken("the hash of its record is gone".to_owned()),
        (Some(record), Some(recorded)) => {
            let found = Sha256::of(record.as_bytes());
            if recorded.parse() == Ok(found) {
                Record::Whole
            } else {
                Record::Broken(format!(
                    "its record has the hash {found}, and {recorded} was recorded"
                ))
            }
        }
    };
    Ok(AssetRow {
        id: row.at(0, "asset.id")?,
        kind: row.get(1).ok(),
        character: row.get(2).ok().flatten(),
        format: text(3).and_then(ImageFormat::from_mime_type),
        sha256: text(4).and_then(|text| text.parse().ok()),
        file_path: text(5).map(str::to_owned),
        record,
        is_dropped: row.at::<u64>(8, "asset.bytes_dropped_at")? != 0,
    })
}

impl Places {
    async fn of(session: &mut Session, project: ProjectId) -> Result<Self> {
        let id = [Value::Id(project.0)];
        let safe = |text: Option<&str>| {
            text.filter(|segment| segment::is_safe(segment))
                .map(str::to_owned)
        };
        let characters = session
            .query(&CHARACTERS, &id, |row| {
                let segment = safe(row.text_at(1, "character.segment").ok());
                Ok((row.at::<CharacterId>(0, "character.id")?, segment))
            })
            .await?;
        let characters: HashMap<_, _> = characters.into_iter().collect();
        let animations = session
            .query(&ANIMATIONS, &id, |row| {
                let character: CharacterId = row.at(1, "animation.character_id")?;
                let own = safe(row.text_at(2, "animation.segment").ok());
                let character = characters.get(&character).and_then(Option::as_deref);
                let places = own.zip(character);
                let places =
                    places.map(|(own, character)| path::Frames::of(project, &own, character));
                Ok((row.at::<AnimationId>(0, "animation.id")?, places))
            })
            .await?;
        Ok(Self {
            project,
            characters,
            animations: animations.into_iter().collect(),
        })
    }

    /// Returns where an asset's file is that no frame gives a place.
    fn home(&self, asset: &AssetRow, format: ImageFormat, has_frame: bool) -> Option<String> {
        let kind = asset.kind?;
        if kind == AssetKind::Frame && has_frame {
            return None;
        }
        let character = asset.character.and_then(|id| self.characters.get(&id));
        let character = character.and_then(Option::as_deref);
        stock::home_path(self.project, kind, character, asset.id, format)
    }
}

/// Compares a page of assets with the files that were written for them.
async fn judge(
    session: &mut Session,
    places: &Places,
    range: Range,
    assets: &[AssetRow],
) -> Result<Judged> {
    let project_id = places.project;
    let parameters = [
        Value::Id(project_id.0),
        Value::Id(range.after),
        Value::Id(range.last),
    ];
    let mut judged = Judged::default();
    judge_records(session, project_id, &parameters, assets, &mut judged).await?;
    let mut frames: HashMap<AssetId, Vec<(AnimationId, u32)>> = HashMap::new();
    session
        .query(&FRAMES, &parameters, |row| {
            let asset = row.at(0, "frame.asset_id")?;
            let place = (
                row.at(1, "frame.animation_id")?,
                row.at(2, "frame.frame_index")?,
            );
            frames.entry(asset).or_default().push(place);
            Ok(())
        })
        .await?;
    let mut wanted: HashMap<String, Use> = HashMap::with_capacity(assets.len());
    for asset in assets.iter().filter(|asset| !asset.is_dropped) {
        let (Some(format), Some(sha256)) = (asset.format, asset.sha256) else {
            continue;
        };
        let id = asset.id;
        let for_use = |animation| Use {
            asset: id,
            animation,
            sha256,
        };
        let own = frames.get(&id).map_or(&[][..], Vec::as_slice);
        for (animation, index) in own {
            if let Some(Some(frames)) = places.animations.get(animation) {
                let mut path = String::new();
                frames.write(&mut path, *index, format);
                wanted.insert(path, for_use(Some(*animation)));
            }
        }
        if let Some(path) = places.home(asset, format, !own.is_empty()) {
            wanted.insert(path, for_use(None));
        }
    }
    let mut unwanted = Vec::new();
    session
        .query(&WRITTEN, &parameters, |row| {
            let path = row.text_at(0, "view_file.path")?;
            let written = Use {
                asset: row.at(1, "view_file.asset_id")?,
                animation: row.at(2, "view_file.animation_id")?,
                sha256: row.at(3, "view_file.sha256")?,
            };
            if wanted.get(path) == Some(&written) {
                wanted.remove(path);
            } else {
                unwanted.push((path.to_owned(), written.asset));
            }
            Ok(())
        })
        .await?;
    for (path, asset_id) in unwanted {
        // What is there for something else is told as not written.
        if !wanted.contains_key(&path) {
            judged.files.push(DoctorFinding::ViewFileUnwanted {
                path,
                project_id,
                asset_id,
            });
        }
    }
    let mut unwritten: Vec<_> = wanted.into_iter().collect();
    unwritten.sort_unstable_by(|one, two| one.0.cmp(&two.0));
    for (path, wanted) in unwritten {
        judged.files.push(DoctorFinding::ViewFileUnwritten {
            path,
            project_id,
            asset_id: wanted.asset,
        });
    }
    Ok(judged)
}

/// Finds rows that are not complete, and records that are not what was recorded.
async fn judge_records(
    session: &mut Session,
    project_id: ProjectId,
    parameters: &[Value<'_>],
    assets: &[AssetRow],
    judged: &mut Judged,
) -> Result<()> {
    for asset in assets {
        let asset_id = asset.id;
        match &asset.record {
            Record::Whole => {}
            Record::None => judged.findings.push(DoctorFinding::NotAdopted {
                project_id,
                asset_id,
                file_path: asset.file_path.clone(),
            }),
            Record::Broken(reason) => judged.findings.push(DoctorFinding::RecordBroken {
                project_id,
                asset_id,
                reason: reason.clone(),
            }),
        }
    }
    let unhashed = session
        .query(&UNHASHED, parameters, |row| {
            Ok((
                row.at::<AssetId>(0, "asset_reference.asset_id")?,
                row.at::<u32>(1, "asset_reference.position")?,
                row.at::<AssetId>(2, "asset_reference.referenced_asset_id")?,
            ))
        })
        .await?;
    for (asset_id, position, input_id) in unhashed {
        let place = assets.binary_search_by(|asset| asset.id.cmp(&asset_id));
        // Without a record, the row is another program's, to be adopted.
        if place.is_ok_and(|place| assets[place].record != Record::None) {
            judged.findings.push(DoctorFinding::InputUnhashed {
                project_id,
                asset_id,
                position,
                input_id,
            });
        }
    }
    Ok(())
}

/// Compares a page again while nobody works on the view, and says what differs without being
/// explained by something that is told of the project.
async fn confirm(ward: &Ward, project: ProjectId, range: Range, differences: usize) -> Result<()> {
    let Some(settled) = settle_or_say(ward, differences).await? else {
        return Ok(());
    };
    if settled.is_interrupted(&project.to_string()) {
        return Ok(());
    }
    let mut session = ward.studio.database().snapshot().await?;
    let pending = session
        .optional(&PENDING, &[Value::Id(project.0)], |_| Ok(()))
        .await?;
    let is_explained = pending.is_some() || pointers::are_broken(&mut session, project).await?;
    let mut files = Vec::new();
    if !is_explained {
        let places = Places::of(&mut session, project).await?;
        let mut after = range.after;
        // There may be more rows than before.
        while after < range.last {
            let (mut now, mut assets) = page(&mut session, project, after).await?;
            now.last = now.last.min(range.last);
            assets.retain(|asset| asset.id.0 <= now.last);
            files.extend(judge(&mut session, &places, now, &assets).await?.files);
            after = now.last;
        }
    }
    session.end().await?;
    drop(settled);
    for finding in files {
        ward.found(finding).await;
    }
    Ok(())
}
