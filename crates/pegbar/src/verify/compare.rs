//! A record beside the row that it was made from: what differs.

use serde::Deserialize;
use serde_json::Value;

use super::damage::Damage;
use super::excerpt::excerpts;
use super::row::{AssetRow, Edge, Rows, stored_json};
use crate::hash::Sha256;
use crate::json::Json;
use crate::record::{Canonical, Format, Record, RecordInput};

/// The format that is known.
const FORMAT: u64 = 1;

/// How many names a record of format 1 has.
const NAMES: usize = 8;

/// How many keys of the settings are named that differ.
const MAX_KEYS: usize = 20;

/// A record as it was read: believed only as far as it can be compared.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct StoredRecord {
    #[serde(rename = "format")]
    _format: u64,
    inputs: Vec<StoredInput>,
    model: Option<String>,
    prompt: Option<String>,
    settings: Option<Value>,
    sha256: String,
    system_prompt: Option<String>,
    time: String,
}

/// An input as a record has it; everything as text, to be compared.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct StoredInput {
    record_hash: String,
    role: String,
    sha256: String,
}

/// Returns everything in which an asset's row, its inputs and its record contradict each other.
pub(super) fn compare(asset: &AssetRow, rows: &Rows) -> Vec<Damage> {
    let edges = rows.edges_of(asset.id);
    let (record, record_hash) = match (&asset.record, &asset.record_hash) {
        (None, None) => return vec![unreadable(asset).unwrap_or(Damage::NotAdopted)],
        (None, Some(_)) => return vec![unreadable(asset).unwrap_or(Damage::RecordMissing)],
        (Some(record), record_hash) => (record, record_hash),
    };
    let remade = remake(asset, edges, rows);
    let hash = record_hash.as_deref().map(str::parse::<Sha256>);
    if let (Ok((text, remade)), Some(Ok(hash))) = (&remade, &hash)
        && text == record
        && remade == hash
    {
        return Vec::new();
    }
    // Something differs: from here on it is only said what.
    let mut damages: Vec<Damage> = unreadable(asset).into_iter().collect();
    let found = Sha256::of(record.as_bytes());
    match (record_hash, hash) {
        (Some(_), Some(Ok(hash))) if hash == found => {}
        (Some(recorded), _) => damages.push(Damage::RecordHashDiffers {
            recorded: excerpts(Some(recorded), None).0.unwrap_or_default(),
            found,
        }),
        (None, _) if asset.unreadable.is_none() => damages.push(Damage::RecordHashMissing),
        (None, _) => {}
    }
    match read(record) {
        Err(damage) => damages.push(damage),
        Ok(stored) => {
            damages.extend(compare_fields(asset, &stored));
            damages.extend(compare_inputs(edges, rows, &stored.inputs));
        }
    }
    if damages.is_empty() {
        damages.push(match remade {
            Ok((_, remade)) => Damage::RecordDiffers { remade },
            Err((field, reason)) => unreadable_field(field, reason),
        });
    }
    damages
}

/// Returns what is wrong with an asset whose bytes were dropped beside its record. Whether a
/// blob of that hash is there says nothing: the trash, or another asset, may have it.
pub(super) fn compare_dropped(asset: &AssetRow) -> Vec<Damage> {
    if !asset.is_dropped {
        return Vec::new();
    }
    let uses = asset.used_while_dropped.iter();
    let uses = uses.map(|used| Damage::DroppedInUse { used_as: *used });
    let path = asset.file_path.clone();
    uses.chain(path.map(|path| Damage::DroppedWithPath { path }))
        .collect()
}

fn unreadable(asset: &AssetRow) -> Option<Damage> {
    let (field, reason) = asset.unreadable.clone()?;
    Some(unreadable_field(field, reason))
}

fn unreadable_field(field: &str, reason: String) -> Damage {
    Damage::FieldUnreadable {
        field: field.to_owned(),
        reason,
    }
}

/// Makes the record again, of what the rows say now.
fn remake(
    asset: &AssetRow,
    edges: &[Edge],
    rows: &Rows,
) -> Result<(String, Sha256), (&'static str, String)> {
    if let Some(unreadable) = &asset.unreadable {
        return Err(unreadable.clone());
    }
    let sha256 = |text: Option<&String>| match text.map(|text| text.parse::<Sha256>()) {
        Some(Ok(sha256)) => Ok(sha256),
        Some(Err(error)) => Err(("sha256", error.to_string())),
        None => Err(("sha256", "it is empty".to_owned())),
    };
    let mut inputs = Vec::with_capacity(edges.len());
    for edge in edges {
        let record_hash = rows.record_hashes.get(&edge.input);
        inputs.push(RecordInput {
            record_hash: sha256(record_hash.and_then(Option::as_ref))?,
            role: edge.role.parse().map_err(|error| ("role", error))?,
            sha256: sha256(edge.sha256.as_ref())?,
        });
    }
    let settings = settings(asset)?;
    let record = Record {
        format: Format,
        inputs,
        model: asset.model.as_deref(),
        prompt: asset.prompt.as_deref(),
        settings: settings.as_ref().map(Canonical),
        sha256: sha256(asset.sha256.as_ref())?,
        system_prompt: asset.system_prompt.as_deref(),
        time: asset.time.ok_or(("time", "it is empty".to_owned()))?,
    };
    let sealed = record.seal();
    sealed.map_err(|error| ("settings", error.to_string()))
}

fn settings(asset: &AssetRow) -> Result<Option<Json>, (&'static str, String)> {
    let Some(text) = &asset.settings else {
        return Ok(None);
    };
    let stored = stored_json(text).map_err(|reason| ("settings", reason))?;
    Ok(Some(stored))
}

fn read(record: &str) -> Result<StoredRecord, Damage> {
    let unreadable = |reason: String| Damage::RecordUnreadable { reason };
    let value: Value = serde_json::from_str(record).map_err(|e| unreadable(e.to_string()))?;
    let format = value.get("format");
    let format = format.ok_or_else(|| unreadable("it names no format".to_owned()))?;
    if format.as_u64() != Some(FORMAT) {
        let format = excerpts(Some(&format.to_string()), None).0;
        let format = format.unwrap_or_default();
        return Err(Damage::RecordFormat { format });
    }
    let stored = StoredRecord::deserialize(&value).map_err(|e| unreadable(e.to_string()))?;
    let names = value.as_object().map_or(0, serde_json::Map::len);
    if names != NAMES {
        return Err(unreadable(format!(
            "it has {names} names instead of {NAMES}"
        )));
    }
    match serde_json_canonicalizer::to_string(&value) {
        Ok(canonical) if canonical == record => Ok(stored),
        _ => Err(Damage::RecordNotCanonical),
    }
}

fn compare_fields(asset: &AssetRow, stored: &StoredRecord) -> Vec<Damage> {
    let mut damages = Vec::new();
    let mut field = |name: &str, recorded: Option<&str>, found: Option<&str>| {
        let is_unreadable = asset.unreadable.as_ref().is_some_and(|(it, _)| *it == name);
        if recorded != found && !is_unreadable {
            damages.push(differs(name.to_owned(), recorded, found));
        }
    };
    let time = asset.time.map(|time| time.to_string());
    // Whether digits are large or small says nothing.
    let sha256 = asset.sha256.as_deref().map(str::to_lowercase);
    let texts = [
        ("sha256", Some(&stored.sha256), sha256.as_ref()),
        ("prompt", stored.prompt.as_ref(), asset.prompt.as_ref()),
        (
            "systemPrompt",
            stored.system_prompt.as_ref(),
            asset.system_prompt.as_ref(),
        ),
        ("model", stored.model.as_ref(), asset.model.as_ref()),
        ("time", Some(&stored.time), time.as_ref()),
    ];
    for (name, recorded, found) in texts {
        field(
            name,
            recorded.map(String::as_str),
            found.map(String::as_str),
        );
    }
    match settings(asset) {
        Err((name, reason)) => damages.push(unreadable_field(name, reason)),
        Ok(found) => {
            let found = found.as_ref().map(Json::as_value);
            let mut differences = Vec::new();
            compare_settings(
                "settings",
                stored.settings.as_ref(),
                found,
                &mut differences,
            );
            damages.extend(differences);
        }
    }
    damages
}

fn differs(field: String, recorded: Option<&str>, found: Option<&str>) -> Damage {
    let (recorded, found) = excerpts(recorded, found);
    Damage::FieldDiffers {
        field,
        recorded,
        found,
    }
}

/// Names each key that differs by its path. No deeper than JSON was when it was read.
fn compare_settings(
    path: &str,
    recorded: Option<&Value>,
    found: Option<&Value>,
    differences: &mut Vec<Damage>,
) {
    if differences.len() >= MAX_KEYS {
        return;
    }
    let below = |name: &str| format!("{path}.{name}");
    match (recorded, found) {
        (Some(Value::Object(recorded)), Some(Value::Object(found))) => {
            let new = found.keys().filter(|name| !recorded.contains_key(*name));
            for name in recorded.keys().chain(new) {
                let (recorded, found) = (recorded.get(name), found.get(name));
                compare_settings(&below(name), recorded, found, differences);
            }
        }
        (Some(Value::Array(recorded)), Some(Value::Array(found))) => {
            for place in 0..recorded.len().max(found.len()) {
                let (recorded, found) = (recorded.get(place), found.get(place));
                compare_settings(&below(&place.to_string()), recorded, found, differences);
            }
        }
        // 7.0 and 7 are one number.
        (Some(Value::Number(one)), Some(Value::Number(two))) if one.as_f64() == two.as_f64() => {}
        (recorded, found) if recorded != found => {
            let text = |value: Option<&Value>| value.map(ToString::to_string);
            let (recorded, found) = (text(recorded), text(found));
            differences.push(differs(
                path.to_owned(),
                recorded.as_deref(),
                found.as_deref(),
            ));
        }
        _ => {}
    }
}

fn compare_inputs(edges: &[Edge], rows: &Rows, recorded: &[StoredInput]) -> Vec<Damage> {
    if edges.len() != recorded.len() {
        return vec![Damage::InputCount {
            recorded: recorded.len() as u64,
            found: edges.len() as u64,
        }];
    }
    let found: Vec<Option<StoredInput>> = edges
        .iter()
        .map(|edge| {
            let record_hash = rows.record_hashes.get(&edge.input)?.as_ref()?;
            Some(StoredInput {
                record_hash: record_hash.to_lowercase(),
                role: edge.role.clone(),
                sha256: edge.sha256.as_ref()?.to_lowercase(),
            })
        })
        .collect();
    if let Some(positions) = reordered(recorded, &found) {
        return match positions.as_slice() {
            [] => Vec::new(),
            _ => vec![Damage::InputOrder { positions }],
        };
    }
    let mut damages = Vec::new();
    for (position, (edge, recorded)) in (0..).zip(edges.iter().zip(recorded)) {
        let input = edge.input;
        let Some(record_hash) = rows.record_hashes.get(&input) else {
            damages.push(Damage::InputMissing { position, input });
            continue;
        };
        let record_hash = record_hash.as_deref().map(str::to_lowercase);
        if record_hash.as_ref() != Some(&recorded.record_hash) {
            damages.push(Damage::InputChanged {
                position,
                input,
                recorded: recorded.record_hash.clone(),
                found: excerpts(record_hash.as_deref(), None).0,
            });
        }
        let sha256 = edge.sha256.as_deref().map(str::to_lowercase);
        let fields = [
            ("role", &recorded.role, Some(&edge.role)),
            ("sha256", &recorded.sha256, sha256.as_ref()),
        ];
        for (field, recorded, found) in fields {
            if found != Some(recorded) {
                damages.push(Damage::InputDiffers {
                    position,
                    input,
                    field,
                    recorded: recorded.clone(),
                    found: excerpts(found.map(String::as_str), None).0,
                });
            }
        }
    }
    damages
}

/// Returns where the inputs stand that are the recorded ones in another order; `None` where they
/// are others.
fn reordered(recorded: &[StoredInput], found: &[Option<StoredInput>]) -> Option<Vec<u32>> {
    let found: Vec<&StoredInput> = found.iter().map(Option::as_ref).collect::<Option<_>>()?;
    let mut sorted: [Vec<&StoredInput>; 2] = [recorded.iter().collect(), found.clone()];
    for inputs in &mut sorted {
        inputs.sort_unstable();
    }
    if sorted[0] != sorted[1] {
        return None;
    }
    let places = (0..).zip(recorded.iter().zip(found));
    let moved = places.filter(|(_, (recorded, found))| recorded != found);
    Some(moved.map(|(position, _)| position).collect())
}
