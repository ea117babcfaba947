//! What an asset of the app becomes: its prompts and settings as the app recorded them, its
//! references as a claim.

use std::path::Path;

use serde_json::{Map, Value, json};

use super::report::MegabananasFinding as Finding;
use super::row::AppRow;
use super::source::AppAsset;
use super::{TOOL, files};
use crate::asset::{ImageSource, NewAsset};
use crate::blob::BlobBatch;
use crate::claim::NewClaim;
use crate::db::blocking;
use crate::error::{Error, Result};
use crate::json::Json;
use crate::text::MAX_TEXT_BYTES;

/// Types of the app that have no kind of their own here yet: they become tags.
pub(super) const SPRITE_SHEET: &str = "spritesheet";
pub(super) const SCENE: &str = "scene";

/// The frame and the animation that an asset was found through.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Shown<'a> {
    pub(super) frame: Option<&'a AppRow>,
    pub(super) animation: Option<&'a AppRow>,
}

/// Takes in the file of an asset and makes a new asset of its row; says why it can't be, where
/// that is the row's or the file's fault.
pub(super) fn make(
    batch: &BlobBatch<'_>,
    file: &Path,
    asset: &AppAsset,
    shown: Shown<'_>,
    notes: &mut Vec<Finding>,
) -> Result<Result<NewAsset, String>> {
    let stored = blocking(|| batch.store(&ImageSource::File(file.to_owned())));
    let stored = match stored {
        Ok(stored) => stored,
        Err(error) => {
            let refusal = crate::import::refusal(&error, file);
            return refusal.map_or(Err(error), |reason| Ok(Err(reason)));
        }
    };
    let row = &asset.row;
    let mut new = NewAsset::new(ImageSource::Stored(stored)).source_id(row.id());
    let path = row.text("filePath").unwrap_or_default();
    new.original_name = files::name(&path);
    new.source_path = Some(path);
    new.prompt = row.prose("userPrompt", notes);
    new.system_prompt = row.prose("systemPrompt", notes);
    match row.json("generationSettings") {
        Ok(settings) => {
            let model = settings.as_ref().and_then(|settings| settings.get("model"));
            new.model = model.and_then(Value::as_str).map(str::to_owned);
            new.settings = settings;
        }
        Err(error) => notes.push(row.unkept("generationSettings", error)),
    }
    new.created_at = row.created_at(notes);
    let kind = row.text("type").unwrap_or_default();
    if matches!(kind.as_str(), SPRITE_SHEET | SCENE) {
        new.tags.push(kind);
    }
    new.claims.push(claim(asset, shown, notes));
    match new.check() {
        Ok(()) => Ok(Ok(new)),
        Err(Error::Invalid { field, reason }) => Ok(Err(format!("{field}: {reason}"))),
        Err(error) => Err(error),
    }
}

/// Says what the app says. The fields are what has no place of its own here; the raw text is
/// every row as the app has it.
fn claim(asset: &AppAsset, shown: Shown<'_>, notes: &mut Vec<Finding>) -> NewClaim {
    let row = &asset.row;
    let value = |row: &AppRow, column: &str| row.to_value().get(column).cloned();
    let mut fields = Map::new();
    let references = value(row, "referenceAssetIds").filter(|value| !value.is_null());
    let references = references.unwrap_or_else(|| json!([]));
    fields.insert("referenceAssetIds".to_owned(), references.clone());
    for column in ["type", "filePath", "characterId", "sceneId"] {
        let found = value(row, column).filter(|value| !value.is_null());
        fields.extend(found.map(|value| (column.to_owned(), value)));
    }
    if let Some(frame) = shown.frame {
        fields.insert("frame".to_owned(), frame.to_value());
    }
    if let Some(animation) = shown.animation {
        fields.insert("animation".to_owned(), animation.to_value());
    }
    let lists = [("spriteSheets", &asset.sheets), ("scenes", &asset.scenes)];
    for (name, rows) in lists.into_iter().filter(|(_, rows)| !rows.is_empty()) {
        let rows = rows.iter().map(AppRow::to_value).collect();
        fields.insert(name.to_owned(), Value::Array(rows));
    }
    let mut claim = NewClaim::new(TOOL);
    match Json::from_value(Value::Object(fields)) {
        Ok(fields) => claim.fields = fields,
        Err(error) => {
            notes.push(row.unkept("claim", error));
            let references = Json::from_value(json!({ "referenceAssetIds": references }));
            claim.fields = references.unwrap_or_default();
        }
    }
    claim.raw = raw(asset, shown);
    if claim.raw.len() > MAX_TEXT_BYTES {
        let reason = format!("the rows are longer than {MAX_TEXT_BYTES} bytes");
        notes.push(row.unkept("claim", reason));
        claim.raw = String::new();
    }
    claim
}

/// Writes the rows of an asset as one JSON object, each as the server wrote it.
fn raw(asset: &AppAsset, shown: Shown<'_>) -> String {
    let list = |rows: &[AppRow]| {
        let texts: Vec<&str> = rows.iter().map(|row| row.text.as_str()).collect();
        (!texts.is_empty()).then(|| format!("[{}]", texts.join(",")))
    };
    let parts = [
        ("asset", Some(asset.row.text.clone())),
        ("frame", shown.frame.map(|row| row.text.clone())),
        ("animation", shown.animation.map(|row| row.text.clone())),
        ("spriteSheets", list(&asset.sheets)),
        ("scenes", list(&asset.scenes)),
    ];
    let parts = parts
        .into_iter()
        .filter_map(|(name, text)| Some(format!("{name:?}:{}", text?)));
    format!("{{{}}}", parts.collect::<Vec<_>>().join(","))
}

/// What a claim of ours says, in parts.
#[derive(Debug, Default, serde::Deserialize)]
#[serde(default)]
pub(super) struct Claimed {
    pub(super) asset: Option<Box<serde_json::value::RawValue>>,
    pub(super) frame: Option<Box<serde_json::value::RawValue>>,
    pub(super) animation: Option<Box<serde_json::value::RawValue>>,
    #[serde(rename = "spriteSheets")]
    pub(super) sprite_sheets: Vec<Box<serde_json::value::RawValue>>,
    pub(super) scenes: Vec<Box<serde_json::value::RawValue>>,
}

impl Claimed {
    pub(super) fn read(raw: Option<&str>) -> Self {
        raw.and_then(|raw| serde_json::from_str(raw).ok())
            .unwrap_or_default()
    }

    /// Returns the id of the frame that the asset came with.
    pub(super) fn frame_id(&self) -> Option<String> {
        let frame: Value = serde_json::from_str(self.frame.as_ref()?.get()).ok()?;
        frame.get("id")?.as_str().map(str::to_owned)
    }
}
