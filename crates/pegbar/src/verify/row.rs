//! The rows as they are now: read without believing any of it.

use std::collections::HashMap;

use uuid::Uuid;

use super::damage::DroppedUse;
use super::generation::GenerationRow;
use crate::db::Session;
use crate::db::lenient::Reader;
use crate::db::sql::{Sql, statements};
use crate::db::value::{Row, Value};
use crate::error::Result;
use crate::id::{AssetId, GenerationId, ProjectId};
use crate::json::Json;
use crate::time::MillisSinceEpoch;

/// The columns of an [`AssetRow`]; the settings as text, since they may be no JSON. Who uses an
/// asset is asked only where its bytes were dropped.
macro_rules! asset_rows {
    ($rest:literal) => {
        concat!(
            "SELECT id, file_path, file_size, sha256, generation_prompt, \
             generation_system_prompt, CAST(generation_settings AS text), model, created_at, \
             record, record_hash, generation_id, \
             CASE WHEN bytes_dropped_at IS NULL THEN 0 ELSE 1 \
             + CASE WHEN EXISTS (SELECT 1 FROM frame f WHERE f.project_id = asset.project_id \
             AND f.asset_id = asset.id) THEN 2 ELSE 0 END \
             + CASE WHEN EXISTS (SELECT 1 FROM character c WHERE c.project_id = asset.project_id \
             AND c.id = asset.character_id AND c.primary_asset_id = asset.id) \
             THEN 4 ELSE 0 END \
             + CASE WHEN EXISTS (SELECT 1 FROM project p WHERE p.id = asset.project_id \
             AND p.thumbnail_id = asset.id) THEN 8 ELSE 0 END \
             END FROM asset WHERE project_id = $1 ",
            $rest
        )
    };
}

statements! {
    COUNT = "SELECT count(*) FROM asset WHERE project_id = $1";
    FIRST_PAGE = asset_rows!("ORDER BY id LIMIT 500");
    PAGE = asset_rows!("AND id > $2 ORDER BY id LIMIT 500");
    ROWS = asset_rows!("AND id {in $2} ORDER BY id");
    EDGES = "SELECT asset_id, position, referenced_asset_id, CAST(role AS text), sha256 \
             FROM asset_reference WHERE project_id = $1 AND asset_id {in $2} \
             ORDER BY asset_id, position";
    RECORD_HASHES = "SELECT id, record_hash FROM asset WHERE project_id = $1 AND id {in $2}";
}

/// How many rows one page has.
pub(super) const PAGE_SIZE: usize = 500;

/// What a row says of an asset.
#[derive(Debug)]
pub(super) struct AssetRow {
    pub(super) id: AssetId,
    pub(super) file_path: Option<String>,
    pub(super) file_size: Option<u64>,
    pub(super) sha256: Option<String>,
    pub(super) prompt: Option<String>,
    pub(super) system_prompt: Option<String>,
    pub(super) settings: Option<String>,
    pub(super) model: Option<String>,
    pub(super) time: Option<MillisSinceEpoch>,
    pub(super) record: Option<String>,
    pub(super) record_hash: Option<String>,
    /// The request that it came from.
    pub(super) generation: Option<GenerationId>,
    pub(super) is_dropped: bool,
    /// What it is used as although its bytes were dropped.
    pub(super) used_while_dropped: Vec<DroppedUse>,
    /// The first field that can't be read, and why.
    pub(super) unreadable: Option<(&'static str, String)>,
}

impl AssetRow {
    fn read(row: &Row<'_>) -> Result<Self> {
        let id = row.at(0, "asset.id")?;
        let mut reader = Reader::new(row);
        let dropped = reader.get::<i64>(12, "bytesDroppedAt").unwrap_or(0);
        let as_what = [
            (2, DroppedUse::Frame),
            (4, DroppedUse::Primary),
            (8, DroppedUse::Thumbnail),
        ];
        let used = as_what.into_iter().filter(|(bit, _)| dropped & bit != 0);
        Ok(Self {
            id,
            file_path: reader.get(1, "filePath"),
            file_size: reader.get(2, "fileSize"),
            sha256: reader.get(3, "sha256"),
            prompt: reader.get(4, "prompt"),
            system_prompt: reader.get(5, "systemPrompt"),
            settings: reader.get(6, "settings"),
            model: reader.get(7, "model"),
            time: reader.get(8, "time"),
            record: reader.get(9, "record"),
            record_hash: reader.get(10, "recordHash"),
            generation: reader.get(11, "generationId"),
            is_dropped: dropped != 0,
            used_while_dropped: used.map(|(_, used)| used).collect(),
            unreadable: reader.into_unreadable(),
        })
    }
}

/// An input of an asset, as its row has it.
#[derive(Clone, Debug)]
pub(super) struct Edge {
    pub(super) input: AssetId,
    pub(super) role: String,
    pub(super) sha256: Option<String>,
}

/// Reads JSON that the database kept, without believing that it is JSON.
pub(super) fn stored_json(text: &str) -> Result<Json, String> {
    // The text itself: a name that stands twice in it is gone from the value.
    Json::parse(text).map_err(|error| error.to_string())?;
    Json::from_stored(text).map_err(|error| error.to_string())
}

/// Rows of one project, and what they were made from, as they were at one moment.
#[derive(Debug)]
pub(super) struct Rows {
    pub(super) project: ProjectId,
    pub(super) assets: Vec<AssetRow>,
    /// The inputs of each asset, in order.
    pub(super) edges: HashMap<AssetId, Vec<Edge>>,
    /// The hash of each input's record; the row of an input that is not here is gone.
    pub(super) record_hashes: HashMap<AssetId, Option<String>>,
    /// The generations that the assets came from; the row of one that is not here is gone.
    pub(super) generations: HashMap<GenerationId, GenerationRow>,
}

impl Rows {
    /// Reads the next rows of a project, in the order of their ids.
    pub(super) async fn page(
        session: &mut Session,
        project: ProjectId,
        after: Option<AssetId>,
    ) -> Result<Self> {
        let project_id = Value::Id(project.0);
        match after {
            Some(after) => {
                let parameters = [project_id, Value::Id(after.0)];
                Self::read(session, project, &PAGE, &parameters).await
            }
            None => Self::read(session, project, &FIRST_PAGE, &[project_id]).await,
        }
    }

    /// Reads rows by their ids; those that are gone are left out.
    pub(super) async fn of(
        session: &mut Session,
        project: ProjectId,
        ids: &[Uuid],
    ) -> Result<Self> {
        let parameters = [Value::Id(project.0), Value::Ids(ids)];
        Self::read(session, project, &ROWS, &parameters).await
    }

    async fn read(
        session: &mut Session,
        project: ProjectId,
        sql: &Sql,
        parameters: &[Value<'_>],
    ) -> Result<Self> {
        let assets = session.query(sql, parameters, AssetRow::read).await?;
        let ids: Vec<Uuid> = assets.iter().map(|asset| asset.id.0).collect();
        let mut edges: HashMap<AssetId, Vec<Edge>> = HashMap::new();
        let parameters = [Value::Id(project.0), Value::Ids(&ids)];
        let mut inputs = Vec::new();
        session
            .query(&EDGES, &parameters, |row| {
                let asset = row.at(0, "asset_reference.asset_id")?;
                let input: AssetId = row.at(2, "asset_reference.referenced_asset_id")?;
                // Words that are no roles, and hashes that are none, are compared as they stand.
                let mut reader = Reader::new(row);
                let edge = Edge {
                    input,
                    role: reader.get(3, "role").unwrap_or_default(),
                    sha256: reader.get(4, "sha256"),
                };
                inputs.push(input.0);
                edges.entry(asset).or_default().push(edge);
                Ok(())
            })
            .await?;
        inputs.sort_unstable();
        inputs.dedup();
        let mut record_hashes = HashMap::with_capacity(inputs.len());
        if !inputs.is_empty() {
            let parameters = [Value::Id(project.0), Value::Ids(&inputs)];
            let read = |row: &Row<'_>| {
                let id: AssetId = row.at(0, "asset.id")?;
                Ok((id, Reader::new(row).get::<String>(1, "recordHash")))
            };
            let found = session.query(&RECORD_HASHES, &parameters, read).await?;
            record_hashes.extend(found);
        }
        let generations = assets.iter().filter_map(|asset| asset.generation);
        let generations = GenerationRow::of(session, generations).await?;
        Ok(Self {
            project,
            assets,
            edges,
            record_hashes,
            generations,
        })
    }

    /// Returns the inputs of an asset, in order.
    pub(super) fn edges_of(&self, asset: AssetId) -> &[Edge] {
        self.edges.get(&asset).map_or(&[], Vec::as_slice)
    }
}

/// Counts a project's assets.
pub(super) async fn count(session: &mut Session, project: ProjectId) -> Result<u64> {
    let count = session
        .optional(&COUNT, &[Value::Id(project.0)], |row| row.at(0, "count"))
        .await?;
    Ok(count.unwrap_or(0))
}
