//! The rows as other programs may have left them: read without believing any of it.

use std::collections::HashMap;

use uuid::Uuid;

use crate::db::Session;
use crate::db::lenient::Reader;
use crate::db::sql::statements;
use crate::db::value::{Row, Value};
use crate::error::Result;
use crate::hash::Sha256;
use crate::id::{AssetId, ProjectId};
use crate::json::Json;
use crate::reference::ReferenceRole;
use crate::text::{check_optional, check_time};
use crate::time::MillisSinceEpoch;

statements! {
    COUNT = "SELECT count(*) FROM asset WHERE project_id = $1";
    PAGE = "SELECT id, file_path, mime_type, file_size, width, height, image_count, sha256, \
            record, record_hash, CASE WHEN bytes_dropped_at IS NULL THEN 0 ELSE 1 END \
            FROM asset WHERE project_id = $1 AND id > $2 ORDER BY id LIMIT 500";
    // Paths as apps write them: with or without what stands before `public/assets/`.
    VIEW_FILES = "SELECT a.id, v.path, v.asset_id, v.sha256 FROM asset a JOIN view_file v \
                  ON v.path IN (a.file_path, substr(a.file_path, 2), substr(a.file_path, 8), \
                  substr(a.file_path, 9), substr(a.file_path, 15), substr(a.file_path, 16)) \
                  WHERE a.project_id = $1 AND a.id {in $2} AND v.asset_id <> a.id";
    MAKINGS = "SELECT id, file_path, sha256, record, record_hash, generation_prompt, \
               generation_system_prompt, CAST(generation_settings AS text), model, created_at \
               FROM asset WHERE project_id = $1 AND id {in $2}";
    LOCKED_MAKINGS = "SELECT id, file_path, sha256, record, record_hash, generation_prompt, \
               generation_system_prompt, CAST(generation_settings AS text), model, created_at \
               FROM asset WHERE project_id = $1 AND id {in $2} {for update}";
    EDGES = "SELECT asset_id, position, referenced_asset_id, role, sha256 FROM asset_reference \
             WHERE project_id = $1 AND asset_id {in $2} ORDER BY asset_id, position";
    GRAPH = "SELECT asset_id, referenced_asset_id FROM asset_reference WHERE project_id = $1 \
             ORDER BY asset_id, position";
    SEALED = "SELECT id, sha256, record, record_hash FROM asset \
              WHERE project_id = $1 AND id {in $2}";
}

/// How many rows one page has.
pub(super) const PAGE_SIZE: usize = 500;

/// What a row says of its file.
#[derive(Debug)]
pub(super) struct FileRow {
    pub(super) id: AssetId,
    pub(super) file_path: Option<String>,
    pub(super) mime_type: Option<String>,
    pub(super) file_size: Option<i64>,
    pub(super) width: Option<i64>,
    pub(super) height: Option<i64>,
    pub(super) image_count: Option<i64>,
    pub(super) sha256: Option<String>,
    pub(super) record: Option<String>,
    pub(super) record_hash: Option<String>,
    pub(super) is_dropped: bool,
    /// The first field that can't be read, and why.
    pub(super) unreadable: Option<(&'static str, String)>,
}

impl FileRow {
    fn read(row: &Row<'_>) -> Result<Self> {
        let id = row.at(0, "asset.id")?;
        let mut reader = Reader::new(row);
        Ok(Self {
            id,
            file_path: reader.get(1, "filePath"),
            mime_type: reader.get(2, "mimeType"),
            file_size: reader.get(3, "fileSize"),
            width: reader.get(4, "width"),
            height: reader.get(5, "height"),
            image_count: reader.get(6, "imageCount"),
            sha256: reader.get(7, "sha256"),
            record: reader.get(8, "record"),
            record_hash: reader.get(9, "recordHash"),
            is_dropped: reader.get::<i64>(10, "bytesDroppedAt") == Some(1),
            unreadable: reader.into_unreadable(),
        })
    }

    /// Says whether nothing of the record is missing.
    pub(super) fn is_sealed(&self) -> bool {
        self.sha256.is_some() && self.record.is_some() && self.record_hash.is_some()
    }

    /// Says whether every fact of the bytes is there.
    pub(super) fn has_facts(&self) -> bool {
        let numbers = [self.file_size, self.width, self.height, self.image_count];
        self.mime_type.is_some() && numbers.iter().all(Option::is_some)
    }
}

/// What a row says of how its image was made.
#[derive(Debug)]
pub(super) struct Making {
    pub(super) file_path: Option<String>,
    pub(super) sha256: Option<String>,
    pub(super) record: Option<String>,
    pub(super) record_hash: Option<String>,
    pub(super) prompt: Option<String>,
    pub(super) system_prompt: Option<String>,
    pub(super) settings: Option<String>,
    pub(super) model: Option<String>,
    pub(super) created_at: MillisSinceEpoch,
    unreadable: Option<(&'static str, String)>,
}

impl Making {
    fn read(row: &Row<'_>) -> Result<(AssetId, Self)> {
        let id = row.at(0, "asset.id")?;
        let mut reader = Reader::new(row);
        let making = Self {
            file_path: reader.get(1, "filePath"),
            sha256: reader.get(2, "sha256"),
            record: reader.get(3, "record"),
            record_hash: reader.get(4, "recordHash"),
            prompt: reader.get(5, "generationPrompt"),
            system_prompt: reader.get(6, "generationSystemPrompt"),
            settings: reader.get(7, "generationSettings"),
            model: reader.get(8, "model"),
            created_at: reader.get(9, "createdAt").unwrap_or(MillisSinceEpoch(0)),
            unreadable: reader.into_unreadable(),
        };
        Ok((id, making))
    }

    /// Checks what goes into the record, and returns the settings.
    pub(super) fn check(&self) -> Result<Settings, (&'static str, String)> {
        if let Some(unreadable) = &self.unreadable {
            return Err(unreadable.clone());
        }
        let texts = [
            ("generationPrompt", &self.prompt),
            ("generationSystemPrompt", &self.system_prompt),
            ("model", &self.model),
        ];
        for (field, text) in texts {
            check_optional(field, text.as_ref()).map_err(|error| (field, reason(&error)))?;
        }
        check_time("createdAt", Some(self.created_at))
            .map_err(|error| ("createdAt", reason(&error)))?;
        let settings = self.settings.as_deref().map(Settings::read);
        let settings = settings.transpose();
        let settings = settings.map_err(|reason| ("generationSettings", reason))?;
        Ok(settings.unwrap_or_default())
    }
}

/// Returns a refusal without the field that it names.
fn reason(error: &crate::error::Error) -> String {
    match error {
        crate::error::Error::Invalid { reason, .. } => reason.clone(),
        error => error.to_string(),
    }
}

/// Settings that a record can hold.
#[derive(Debug, Default)]
pub(super) struct Settings {
    pub(super) value: Option<Json>,
    /// Integers that other languages would round have become text.
    pub(super) has_changed: bool,
}

impl Settings {
    pub(super) fn read(text: &str) -> Result<Self, String> {
        // The text itself has duplicate names, which the value has lost.
        Json::parse(text).map_err(|error| error.to_string())?;
        let stored = Json::from_stored(text).map_err(|error| error.to_string())?;
        let value = Json::from_value(stored.as_value().clone());
        let value = value.map_err(|error| error.to_string())?;
        Ok(Self {
            has_changed: value != stored,
            value: Some(value),
        })
    }
}

/// An input of an asset, as its row has it.
#[derive(Debug)]
pub(super) struct Edge {
    pub(super) position: u32,
    pub(super) input: AssetId,
    pub(super) role: ReferenceRole,
    pub(super) sha256: Option<String>,
}

/// What an output's record says of an input.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sealed {
    pub(super) sha256: Sha256,
    pub(super) record_hash: Sha256,
}

/// Says what is wrong with a record that should be whole; returns its hash otherwise.
pub(super) fn check_record(
    sha256: Sha256,
    record: &str,
    record_hash: &str,
) -> Result<Sha256, String> {
    #[derive(serde::Deserialize)]
    struct Bytes {
        sha256: Sha256,
    }
    let hash = Sha256::of(record.as_bytes());
    match record_hash.parse::<Sha256>() {
        Ok(recorded) if recorded == hash => {}
        Ok(_) => return Err("the record does not match its hash".to_owned()),
        Err(_) => return Err("the record's hash is not a SHA-256".to_owned()),
    }
    match serde_json::from_str::<Bytes>(record) {
        Ok(bytes) if bytes.sha256 == sha256 => Ok(hash),
        Ok(bytes) => Err(format!(
            "the record is of the bytes {}, the row of {sha256}",
            bytes.sha256
        )),
        Err(error) => Err(format!("the record can't be read: {error}")),
    }
}

pub(super) async fn count(session: &mut Session, project: ProjectId) -> Result<u64> {
    let count = session
        .optional(&COUNT, &[Value::Id(project.0)], |row| row.at(0, "count"))
        .await?;
    Ok(count.unwrap_or(0))
}

/// Returns the next rows of a project, in the order of their ids.
pub(super) async fn page(
    session: &mut Session,
    project: ProjectId,
    after: Uuid,
) -> Result<Vec<FileRow>> {
    let parameters = [Value::Id(project.0), Value::Id(after)];
    session.query(&PAGE, &parameters, FileRow::read).await
}

/// A file of the view that another row names too.
#[derive(Debug)]
pub(super) struct ViewFile {
    pub(super) path: String,
    pub(super) owner: AssetId,
    pub(super) sha256: Option<Sha256>,
}

/// Returns the files of the view that rows name although they are other assets'.
pub(super) async fn view_files(
    session: &mut Session,
    project: ProjectId,
    ids: &[Uuid],
) -> Result<HashMap<AssetId, Vec<ViewFile>>> {
    let mut files: HashMap<AssetId, Vec<ViewFile>> = HashMap::new();
    let found = session
        .query(
            &VIEW_FILES,
            &[Value::Id(project.0), Value::Ids(ids)],
            |row| {
                let sha256: String = row.at(3, "view_file.sha256")?;
                let file = ViewFile {
                    path: row.at(1, "view_file.path")?,
                    owner: row.at(2, "view_file.asset_id")?,
                    sha256: sha256.parse().ok(),
                };
                Ok((row.at::<AssetId>(0, "asset.id")?, file))
            },
        )
        .await?;
    for (asset, file) in found {
        files.entry(asset).or_default().push(file);
    }
    Ok(files)
}

/// Returns how images were made; `locks` them against other programs.
pub(super) async fn makings(
    session: &mut Session,
    project: ProjectId,
    ids: &[Uuid],
    locks: bool,
) -> Result<HashMap<AssetId, Making>> {
    let statement = if locks { &LOCKED_MAKINGS } else { &MAKINGS };
    let parameters = [Value::Id(project.0), Value::Ids(ids)];
    let makings = session.query(statement, &parameters, Making::read).await?;
    Ok(makings.into_iter().collect())
}

/// Returns the inputs of assets, in order.
pub(super) async fn edges(
    session: &mut Session,
    project: ProjectId,
    ids: &[Uuid],
) -> Result<HashMap<AssetId, Vec<Edge>>> {
    let mut edges: HashMap<AssetId, Vec<Edge>> = HashMap::new();
    let found = session
        .query(&EDGES, &[Value::Id(project.0), Value::Ids(ids)], |row| {
            let edge = Edge {
                position: row.at(1, "asset_reference.position")?,
                input: row.at(2, "asset_reference.referenced_asset_id")?,
                role: row.at(3, "asset_reference.role")?,
                sha256: row.at(4, "asset_reference.sha256")?,
            };
            Ok((row.at::<AssetId>(0, "asset_reference.asset_id")?, edge))
        })
        .await?;
    for (asset, edge) in found {
        edges.entry(asset).or_default().push(edge);
    }
    Ok(edges)
}

/// Returns the inputs of those assets that are wanted, by ids alone.
pub(super) async fn graph(
    session: &mut Session,
    project: ProjectId,
    is_wanted: impl Fn(AssetId) -> bool + Send + Sync,
) -> Result<HashMap<AssetId, Vec<AssetId>>> {
    let mut inputs: HashMap<AssetId, Vec<AssetId>> = HashMap::new();
    session
        .query(&GRAPH, &[Value::Id(project.0)], |row| {
            let asset = row.at(0, "asset_reference.asset_id")?;
            if is_wanted(asset) {
                let input = row.at(1, "asset_reference.referenced_asset_id")?;
                inputs.entry(asset).or_default().push(input);
            }
            Ok(())
        })
        .await?;
    Ok(inputs)
}

/// Returns those of the inputs whose record is whole.
pub(super) async fn sealed(
    session: &mut Session,
    project: ProjectId,
    ids: &[Uuid],
) -> Result<HashMap<AssetId, Sealed>> {
    let found = session
        .query(&SEALED, &[Value::Id(project.0), Value::Ids(ids)], |row| {
            let id = row.at::<AssetId>(0, "asset.id")?;
            let mut reader = Reader::new(row);
            let sha256: Option<String> = reader.get(1, "sha256");
            let record: Option<String> = reader.get(2, "record");
            let record_hash: Option<String> = reader.get(3, "recordHash");
            let (Some(sha256), Some(record), Some(hash)) = (sha256, record, record_hash) else {
                return Ok(None);
            };
            let Ok(sha256) = sha256.parse() else {
                return Ok(None);
            };
            let whole = check_record(sha256, &record, &hash).ok();
            Ok(whole.map(|record_hash| {
                let sealed = Sealed {
                    sha256,
                    record_hash,
                };
                (id, sealed)
            }))
        })
        .await?;
    Ok(found.into_iter().flatten().collect())
}
