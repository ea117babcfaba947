//! What the floor reads: structs with the same columns in the same types, put together by hand.

use std::collections::HashMap;

use pegbar::{AssetKind, MillisSinceEpoch, ReferenceRole, Sha256};
use serde::Serialize;
use serde_json::Value;
use uuid::Uuid;

pub(crate) const PROJECT: &str =
    "id, source_id, name, description, thumbnail_id, settings, created_at, updated_at";
pub(crate) const CHARACTER: &str = "id, project_id, source_id, name, segment, segment_key, \
     description, user_prompt, primary_asset_id, generation_settings, created_at, updated_at";
pub(crate) const ANIMATION: &str = "id, project_id, character_id, source_id, name, segment, \
     segment_key, description, user_prompt, version, created_at, updated_at, \
     frame_duration_ms";
pub(crate) const FRAME: &str = "id, project_id, animation_id, asset_id, frame_index, frame_prompt, created_at, \
     source_id";
pub(crate) const ASSET: &str = "id, project_id, source_id, source_path, kind, character_id, \
     animation_id, generation_id, file_path, mime_type, file_size, width, height, sha256, \
     original_name, generation_prompt, generation_system_prompt, generation_settings, model, \
     record, record_hash, bytes_dropped_at, created_at, updated_at, image_count";
pub(crate) const REFERENCE: &str = "asset_id, referenced_asset_id, role, sha256";

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Project {
    pub(crate) id: Uuid,
    pub(crate) source_id: Option<String>,
    pub(crate) name: String,
    pub(crate) description: String,
    pub(crate) thumbnail_id: Option<Uuid>,
    pub(crate) settings: Value,
    pub(crate) created_at: MillisSinceEpoch,
    pub(crate) updated_at: MillisSinceEpoch,
    pub(crate) tags: Vec<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Character {
    pub(crate) id: Uuid,
    pub(crate) project_id: Uuid,
    pub(crate) source_id: Option<String>,
    pub(crate) name: String,
    pub(crate) segment: Option<String>,
    #[serde(skip)]
    #[expect(dead_code, reason = "read because Pegbar reads it")]
    pub(crate) segment_key: Option<String>,
    pub(crate) description: String,
    pub(crate) user_prompt: String,
    pub(crate) primary_asset_id: Option<Uuid>,
    pub(crate) generation_settings: Value,
    pub(crate) created_at: MillisSinceEpoch,
    pub(crate) updated_at: MillisSinceEpoch,
    pub(crate) tags: Vec<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Animation {
    pub(crate) id: Uuid,
    pub(crate) project_id: Uuid,
    pub(crate) character_id: Uuid,
    pub(crate) source_id: Option<String>,
    pub(crate) name: String,
    pub(crate) segment: Option<String>,
    #[serde(skip)]
    #[expect(dead_code, reason = "read because Pegbar reads it")]
    pub(crate) segment_key: Option<String>,
    pub(crate) description: String,
    pub(crate) user_prompt: String,
    pub(crate) version: i64,
    pub(crate) created_at: MillisSinceEpoch,
    pub(crate) updated_at: MillisSinceEpoch,
    pub(crate) frame_duration_ms: Option<u32>,
    pub(crate) frame_count: u64,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
#[expect(clippy::struct_field_names, reason = "the columns are called so")]
pub(crate) struct Frame {
    pub(crate) id: Uuid,
    pub(crate) project_id: Uuid,
    pub(crate) animation_id: Uuid,
    pub(crate) asset_id: Uuid,
    pub(crate) frame_index: u32,
    pub(crate) frame_prompt: Option<String>,
    pub(crate) created_at: MillisSinceEpoch,
    pub(crate) source_id: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Asset {
    pub(crate) id: Uuid,
    pub(crate) project_id: Uuid,
    pub(crate) source_id: Option<String>,
    pub(crate) source_path: Option<String>,
    pub(crate) kind: AssetKind,
    pub(crate) character_id: Option<Uuid>,
    pub(crate) animation_id: Option<Uuid>,
    pub(crate) generation_id: Option<Uuid>,
    pub(crate) file_path: Option<String>,
    pub(crate) mime_type: Option<String>,
    pub(crate) file_size: Option<u64>,
    pub(crate) width: Option<u32>,
    pub(crate) height: Option<u32>,
    pub(crate) sha256: Option<Sha256>,
    pub(crate) original_name: Option<String>,
    pub(crate) generation_prompt: Option<String>,
    pub(crate) generation_system_prompt: Option<String>,
    pub(crate) generation_settings: Option<Value>,
    pub(crate) model: Option<String>,
    pub(crate) record: Option<String>,
    pub(crate) record_hash: Option<Sha256>,
    pub(crate) bytes_dropped_at: Option<MillisSinceEpoch>,
    pub(crate) created_at: MillisSinceEpoch,
    pub(crate) updated_at: MillisSinceEpoch,
    pub(crate) image_count: Option<u32>,
    pub(crate) tags: Vec<String>,
    pub(crate) references: Vec<Reference>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Reference {
    pub(crate) asset_id: Uuid,
    pub(crate) role: ReferenceRole,
    pub(crate) sha256: Option<Sha256>,
}

#[derive(Serialize)]
pub(crate) struct ProjectTree {
    pub(crate) project: Project,
    pub(crate) characters: Vec<CharacterTree>,
    pub(crate) references: Vec<Asset>,
}

#[derive(Serialize)]
pub(crate) struct CharacterTree {
    pub(crate) character: Character,
    pub(crate) variations: Vec<Asset>,
    pub(crate) animations: Vec<AnimationTree>,
}

#[derive(Serialize)]
pub(crate) struct AnimationTree {
    pub(crate) animation: Animation,
    pub(crate) frames: Vec<FrameTree>,
    pub(crate) takes: Vec<Asset>,
}

#[derive(Serialize)]
pub(crate) struct FrameTree {
    pub(crate) frame: Frame,
    pub(crate) asset: Asset,
}

/// The rows of a tree, each list in the order of ids (frames: animation and index).
pub(crate) struct TreeRows {
    pub(crate) project: Project,
    pub(crate) characters: Vec<Character>,
    pub(crate) animations: Vec<Animation>,
    pub(crate) frames: Vec<Frame>,
    pub(crate) assets: Vec<Asset>,
}

/// Gives each asset its tags or references, both in the order of ids.
pub(crate) fn merge<T, J>(
    owners: &mut [T],
    joined: Vec<(Uuid, J)>,
    id: impl Fn(&T) -> Uuid,
    mut give: impl FnMut(&mut T, J),
) {
    let mut owners = owners.iter_mut().peekable();
    for (owner, value) in joined {
        while owners.peek().is_some_and(|other| id(other) != owner) {
            owners.next();
        }
        if let Some(found) = owners.peek_mut() {
            give(found, value);
        }
    }
}

pub(crate) fn give_tags(assets: &mut [Asset], tags: Vec<(Uuid, String)>) {
    merge(
        assets,
        tags,
        |asset| asset.id,
        |asset, tag| asset.tags.push(tag),
    );
}

pub(crate) fn give_references(assets: &mut [Asset], references: Vec<(Uuid, Reference)>) {
    let give = |asset: &mut Asset, reference| asset.references.push(reference);
    merge(assets, references, |asset| asset.id, give);
}

impl TreeRows {
    /// Puts the tree together; every frame here shows a take of its own animation.
    pub(crate) fn assemble(self) -> ProjectTree {
        let mut references = Vec::new();
        let mut variations: HashMap<Uuid, Vec<Asset>> = HashMap::new();
        let mut takes: HashMap<Uuid, Asset> = HashMap::with_capacity(self.frames.len());
        for asset in self.assets {
            match (asset.character_id, asset.animation_id) {
                (Some(character), _) => variations.entry(character).or_default().push(asset),
                (_, Some(_)) => drop(takes.insert(asset.id, asset)),
                _ => references.push(asset),
            }
        }
        let mut frames: HashMap<Uuid, Vec<FrameTree>> = HashMap::new();
        for frame in self.frames {
            if let Some(asset) = takes.remove(&frame.asset_id) {
                let list = frames.entry(frame.animation_id).or_default();
                list.push(FrameTree { frame, asset });
            }
        }
        let mut unshown: HashMap<Uuid, Vec<Asset>> = HashMap::new();
        for take in takes.into_values() {
            let animation = take.animation_id.unwrap_or_default();
            unshown.entry(animation).or_default().push(take);
        }
        let mut animations: HashMap<Uuid, Vec<AnimationTree>> = HashMap::new();
        for mut animation in self.animations {
            let frames = frames.remove(&animation.id).unwrap_or_default();
            animation.frame_count = frames.len() as u64;
            let mut takes = unshown.remove(&animation.id).unwrap_or_default();
            takes.sort_unstable_by_key(|take| take.id);
            let list = animations.entry(animation.character_id).or_default();
            list.push(AnimationTree {
                animation,
                frames,
                takes,
            });
        }
        let characters = self.characters.into_iter().map(|character| CharacterTree {
            variations: variations.remove(&character.id).unwrap_or_default(),
            animations: animations.remove(&character.id).unwrap_or_default(),
            character,
        });
        ProjectTree {
            project: self.project,
            characters: characters.collect(),
            references,
        }
    }
}

/// Reads a SHA-256 from its 64 hexadecimal digits.
pub(crate) fn unhex(text: &[u8]) -> Option<Sha256> {
    let digit = |byte: u8| match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    };
    let mut bytes = [0; 32];
    for (byte, pair) in bytes.iter_mut().zip(text.chunks_exact(2)) {
        *byte = digit(pair[0])? << 4 | digit(pair[1])?;
    }
    (text.len() == 64).then_some(Sha256(bytes))
}

pub(crate) fn kind(word: &[u8]) -> Option<AssetKind> {
    Some(match word {
        b"reference" => AssetKind::Reference,
        b"character" => AssetKind::Character,
        b"frame" => AssetKind::Frame,
        _ => return None,
    })
}

pub(crate) fn role(word: &[u8]) -> Option<ReferenceRole> {
    Some(match word {
        b"character" => ReferenceRole::Character,
        b"previous_frame" => ReferenceRole::PreviousFrame,
        b"style" => ReferenceRole::Style,
        b"pose" => ReferenceRole::Pose,
        b"other" => ReferenceRole::Other,
        _ => return None,
    })
}
