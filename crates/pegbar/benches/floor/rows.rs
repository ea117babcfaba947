//! The floor's rows, put together by hand: the same values that Pegbar writes, records and
//! hashes included.

use std::collections::{HashMap, HashSet};
use std::fmt::Write as _;

use pegbar::{AssetId, ReferenceRole, StoredImage};
use serde_json::Value;
use sha2::{Digest, Sha256};
use uuid::{ContextV7, Timestamp, Uuid};

use crate::input::{AssetInput, NOW, ProjectInput};

pub(crate) struct ProjectRow<'a> {
    pub(crate) id: Uuid,
    pub(crate) input: &'a ProjectInput,
}

pub(crate) struct CharacterRow<'a> {
    pub(crate) id: Uuid,
    pub(crate) name: &'a str,
    pub(crate) segment: String,
    pub(crate) segment_key: String,
    pub(crate) description: &'a str,
    pub(crate) user_prompt: &'a str,
    pub(crate) primary_asset_id: Uuid,
    pub(crate) settings: &'a Value,
    pub(crate) tags: &'a [String],
}

pub(crate) struct AnimationRow<'a> {
    pub(crate) id: Uuid,
    pub(crate) character_id: Uuid,
    pub(crate) name: &'a str,
    pub(crate) segment: String,
    pub(crate) segment_key: String,
    pub(crate) user_prompt: &'a str,
    pub(crate) frame_duration_ms: u32,
}

pub(crate) struct AssetRow<'a> {
    pub(crate) kind: &'static str,
    pub(crate) character_id: Option<Uuid>,
    pub(crate) animation_id: Option<Uuid>,
    pub(crate) file_path: String,
    pub(crate) record: String,
    pub(crate) record_hash: String,
    pub(crate) input: &'a AssetInput,
}

pub(crate) struct FrameRow<'a> {
    pub(crate) id: Uuid,
    pub(crate) animation_id: Uuid,
    pub(crate) asset_id: Uuid,
    pub(crate) frame_index: i32,
    pub(crate) frame_prompt: &'a str,
}

/// Everything that one change writes.
pub(crate) struct Rows<'a> {
    pub(crate) project_id: Uuid,
    pub(crate) project: Option<ProjectRow<'a>>,
    pub(crate) characters: Vec<CharacterRow<'a>>,
    pub(crate) animations: Vec<AnimationRow<'a>>,
    pub(crate) assets: Vec<AssetRow<'a>>,
    pub(crate) frames: Vec<FrameRow<'a>>,
    /// Every asset has the same bytes: their hash, in hexadecimal.
    pub(crate) sha256: String,
    /// Ids, and the assets whose files are stale; `None` for the whole project.
    pub(crate) outbox: Vec<(Uuid, Option<Uuid>)>,
}

/// Makes ids as Pegbar does: UUIDv7, increasing.
pub(crate) struct Ids(ContextV7);

impl Ids {
    pub(crate) fn new() -> Self {
        Self(ContextV7::new().with_additional_precision())
    }

    pub(crate) fn next(&self) -> Uuid {
        let seconds = u64::try_from(NOW.0 / 1000).unwrap_or_default();
        let nanos = u32::try_from(NOW.0 % 1000 * 1_000_000).unwrap_or_default();
        Uuid::new_v7(Timestamp::from_unix(&self.0, seconds, nanos))
    }
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut text = String::with_capacity(2 * bytes.len());
    for byte in bytes {
        text.push(char::from(DIGITS[usize::from(byte >> 4)]));
        text.push(char::from(DIGITS[usize::from(byte & 15)]));
    }
    text
}

/// The record hashes of the assets that others are made from.
pub(crate) type Known = HashMap<Uuid, String>;

/// Writes the canonical JSON (RFC 8785) of what made an asset, and its hash. The names stand
/// in order by hand; the benchmark's settings hold no number that `serde_json` spells otherwise.
fn seal(input: &AssetInput, sha256: &str, known: &Known) -> (String, String) {
    let mut text = Vec::with_capacity(1024);
    text.extend_from_slice(b"{\"format\":1,\"inputs\":[");
    for (index, (id, role)) in input.references.iter().enumerate() {
        if index > 0 {
            text.push(b',');
        }
        text.extend_from_slice(b"{\"recordHash\":\"");
        text.extend_from_slice(known[&id.0].as_bytes());
        text.extend_from_slice(b"\",\"role\":\"");
        text.extend_from_slice(role.as_str().as_bytes());
        text.extend_from_slice(b"\",\"sha256\":\"");
        text.extend_from_slice(sha256.as_bytes());
        text.extend_from_slice(b"\"}");
    }
    // Writing JSON into memory cannot fail.
    text.extend_from_slice(b"],\"model\":");
    let _ = serde_json::to_writer(&mut text, &input.model);
    text.extend_from_slice(b",\"prompt\":");
    let _ = serde_json::to_writer(&mut text, &input.prompt);
    text.extend_from_slice(b",\"settings\":");
    let _ = serde_json::to_writer(&mut text, &input.settings);
    text.extend_from_slice(b",\"sha256\":\"");
    text.extend_from_slice(sha256.as_bytes());
    text.extend_from_slice(b"\",\"systemPrompt\":null,\"time\":\"");
    text.extend_from_slice(input.created_at.to_string().as_bytes());
    text.extend_from_slice(b"\"}");
    let hash = hex(&Sha256::digest(&text));
    (String::from_utf8(text).expect("JSON is UTF-8"), hash)
}

/// Makes a unique path segment of a name in ASCII.
fn segment(name: &str, taken: &mut HashSet<String>) -> (String, String) {
    let text: String = name
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c } else { '-' })
        .collect();
    let key = text.to_ascii_lowercase();
    assert!(
        taken.insert(key.clone()),
        "the benchmark's names are unique"
    );
    (text, key)
}

impl<'a> Rows<'a> {
    fn new(project_id: Uuid, image: &StoredImage) -> Self {
        Self {
            project_id,
            project: None,
            characters: Vec::new(),
            animations: Vec::new(),
            assets: Vec::new(),
            frames: Vec::new(),
            sha256: hex(&image.sha256().0),
            outbox: Vec::new(),
        }
    }

    /// The rows of a project with everything in it.
    pub(crate) fn of_project(ids: &Ids, input: &'a ProjectInput, image: &StoredImage) -> Self {
        let project_id = ids.next();
        let mut rows = Self::new(project_id, image);
        let mut known = Known::new();
        let mut characters_taken = HashSet::new();
        rows.project = Some(ProjectRow {
            id: project_id,
            input,
        });
        for character in &input.characters {
            let id = ids.next();
            let (folder, segment_key) = segment(&character.name, &mut characters_taken);
            for variation in &character.variations {
                let path = format!("{project_id}/characters/{folder}_{}.png", variation.id);
                rows.asset(variation, "character", (Some(id), None), path, &mut known);
            }
            let mut animations_taken = HashSet::new();
            for animation in &character.animations {
                let animation_id = ids.next();
                let (walk, segment_key) = segment(&animation.name, &mut animations_taken);
                for (frame_index, frame) in (0..).zip(&animation.frames) {
                    let path =
                        format!("{project_id}/frames/{walk}/{folder}_{walk}_{frame_index}.png");
                    rows.asset(frame, "frame", (None, Some(animation_id)), path, &mut known);
                    rows.frames.push(FrameRow {
                        id: ids.next(),
                        animation_id,
                        asset_id: frame.id.0,
                        frame_index,
                        frame_prompt: &frame.prompt,
                    });
                }
                rows.animations.push(AnimationRow {
                    id: animation_id,
                    character_id: id,
                    name: &animation.name,
                    segment: walk,
                    segment_key,
                    user_prompt: &animation.user_prompt,
                    frame_duration_ms: animation.frame_duration_ms,
                });
            }
            rows.characters.push(CharacterRow {
                id,
                name: &character.name,
                segment: folder,
                segment_key,
                description: &character.description,
                user_prompt: &character.user_prompt,
                primary_asset_id: character.variations[0].id.0,
                settings: &character.settings,
                tags: &character.tags,
            });
        }
        rows.outbox.push((ids.next(), None));
        rows
    }

    /// The rows of assets that join a project; `known` has the inputs from elsewhere.
    pub(crate) fn of_assets(
        ids: &Ids,
        project_id: Uuid,
        input: &'a [AssetInput],
        image: &StoredImage,
        mut known: Known,
    ) -> Self {
        let mut rows = Self::new(project_id, image);
        rows.assets.reserve(input.len());
        for asset in input {
            let path = format!("{project_id}/references/{}.png", asset.id);
            rows.asset(asset, "reference", (None, None), path, &mut known);
        }
        let outbox = input.iter().map(|asset| (ids.next(), Some(asset.id.0)));
        rows.outbox = outbox.collect();
        rows
    }

    fn asset(
        &mut self,
        input: &'a AssetInput,
        kind: &'static str,
        (character_id, animation_id): (Option<Uuid>, Option<Uuid>),
        file_path: String,
        known: &mut Known,
    ) {
        let (record, record_hash) = seal(input, &self.sha256, known);
        known.insert(input.id.0, record_hash.clone());
        self.assets.push(AssetRow {
            kind,
            character_id,
            animation_id,
            file_path,
            record,
            record_hash,
            input,
        });
    }

    /// Asset, position, referenced asset and role of every reference.
    pub(crate) fn references(&self) -> impl Iterator<Item = (Uuid, i32, Uuid, ReferenceRole)> {
        self.assets.iter().flat_map(|asset| {
            let references = (0..).zip(&asset.input.references);
            references.map(|(position, (id, role))| (asset.input.id.0, position, id.0, *role))
        })
    }

    /// Tag, asset and position of every asset's tag.
    pub(crate) fn asset_tags(&self) -> impl Iterator<Item = (&'a str, Uuid, i32)> {
        self.assets.iter().flat_map(|asset| {
            let tags = (0..).zip(&asset.input.tags);
            tags.map(|(position, tag)| (tag.as_str(), asset.input.id.0, position))
        })
    }

    /// Tag, character and position of every character's tag.
    pub(crate) fn character_tags(&self) -> impl Iterator<Item = (&'a str, Uuid, i32)> {
        self.characters.iter().flat_map(|character| {
            let tags = (0..).zip(character.tags);
            tags.map(|(position, tag)| (tag.as_str(), character.id, position))
        })
    }
}

/// The distinct inputs that the assets do not bring along.
pub(crate) fn inputs_from_elsewhere(input: &[AssetInput]) -> Vec<Uuid> {
    let own: HashSet<AssetId> = input.iter().map(|asset| asset.id).collect();
    let inputs = input.iter().flat_map(|asset| &asset.references);
    let elsewhere = inputs.filter(|(id, _)| !own.contains(id));
    let ids: HashSet<Uuid> = elsewhere.map(|(id, _)| id.0).collect();
    ids.into_iter().collect()
}

/// The list `?1, ?2, …` or `$1, $2, …`.
pub(crate) fn placeholders(sign: char, count: usize) -> String {
    let mut text = String::new();
    for number in 1..=count {
        let separator = if number > 1 { ", " } else { "" };
        let _ = write!(text, "{separator}{sign}{number}");
    }
    text
}
