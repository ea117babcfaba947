//! What both sides are given: the same descriptions of projects and assets.

use pegbar::{
    AssetId, Json, MillisSinceEpoch, NewAnimation, NewAsset, NewCharacter, NewFrame, NewProject,
    ReferenceRole, StoredImage, Studio,
};
use serde_json::{Value, json};

/// How much there is of everything.
#[derive(Clone, Copy)]
pub(crate) struct Size {
    pub(crate) characters: usize,
    pub(crate) variations: usize,
    pub(crate) animations: usize,
    pub(crate) frames: usize,
}

pub(crate) struct ProjectInput {
    pub(crate) name: String,
    pub(crate) description: String,
    pub(crate) tags: Vec<String>,
    pub(crate) settings: Value,
    pub(crate) characters: Vec<CharacterInput>,
}

pub(crate) struct CharacterInput {
    pub(crate) name: String,
    pub(crate) description: String,
    pub(crate) user_prompt: String,
    pub(crate) tags: Vec<String>,
    pub(crate) settings: Value,
    pub(crate) variations: Vec<AssetInput>,
    pub(crate) animations: Vec<AnimationInput>,
}

pub(crate) struct AnimationInput {
    pub(crate) name: String,
    pub(crate) user_prompt: String,
    pub(crate) frame_duration_ms: u32,
    pub(crate) frames: Vec<AssetInput>,
}

/// An asset; a frame's own prompt is the asset's.
pub(crate) struct AssetInput {
    pub(crate) id: AssetId,
    pub(crate) prompt: String,
    pub(crate) settings: Value,
    pub(crate) model: String,
    pub(crate) tags: Vec<String>,
    pub(crate) created_at: MillisSinceEpoch,
    pub(crate) references: Vec<(AssetId, ReferenceRole)>,
}

/// The time of everything: the studio's clock stands still.
pub(crate) const NOW: MillisSinceEpoch = MillisSinceEpoch(1_767_250_949_123);

impl AssetInput {
    fn new(studio: &Studio, number: usize, what: &str) -> Self {
        Self {
            id: studio.new_id(),
            prompt: format!("{what}, pixel art, 64 by 64, transparent background, no outline"),
            settings: json!({
                "cfg": 7.5, "steps": 30, "seed": 1_000_003 * (number % 1000),
                "sampler": "euler", "palette": ["#203040", "#d0a060"],
            }),
            model: "sprite-xl-2".to_owned(),
            tags: vec![
                if number.is_multiple_of(10) {
                    "keyframe"
                } else {
                    "raw"
                }
                .to_owned(),
            ],
            created_at: MillisSinceEpoch(NOW.0 - 1_000_000 + i64::try_from(number).unwrap_or(0)),
            references: Vec::new(),
        }
    }
}

/// A project of characters, variations, animations and frames. Each frame is made from the
/// character's first variation and the frame before.
pub(crate) fn project(studio: &Studio, size: Size) -> ProjectInput {
    let mut number = 0..;
    let mut asset = |what: &str| AssetInput::new(studio, number.next().unwrap_or_default(), what);
    let characters = (0..size.characters).map(|c| {
        let variations: Vec<_> = (0..size.variations)
            .map(|v| asset(&format!("character {c} from side {v}")))
            .collect();
        let design = variations[0].id;
        let animations = (0..size.animations).map(|a| {
            let mut before = None;
            let frames = (0..size.frames).map(|f| {
                let mut frame = asset(&format!("character {c}, animation {a}, pose {f}"));
                frame.references.push((design, ReferenceRole::Character));
                let before = before.replace(frame.id);
                let before = before.map(|id| (id, ReferenceRole::PreviousFrame));
                frame.references.extend(before);
                frame
            });
            AnimationInput {
                name: format!("Walk {a}"),
                user_prompt: "a calm walk to the right".to_owned(),
                frame_duration_ms: 80,
                frames: frames.collect(),
            }
        });
        CharacterInput {
            name: format!("Tabby {c}"),
            description: "an orange cat with a white belly".to_owned(),
            user_prompt: "a small orange cat that walks upright".to_owned(),
            tags: vec!["hero".to_owned(), "animal".to_owned()],
            settings: json!({"palette": ["#203040", "#d0a060"], "outline": false}),
            animations: animations.collect(),
            variations,
        }
    });
    ProjectInput {
        name: "Alley cats".to_owned(),
        description: "a platform game in the alley".to_owned(),
        tags: vec!["game".to_owned(), "2026".to_owned()],
        settings: json!({"model": "sprite-xl-2", "size": [64, 64]}),
        characters: characters.collect(),
    }
}

/// Assets of two references each: one of those that are there, and the one before.
pub(crate) fn assets(studio: &Studio, count: usize, there: &[AssetId]) -> Vec<AssetInput> {
    let mut before = there[0];
    let assets = (0..count).map(|number| {
        let mut asset = AssetInput::new(studio, number, &format!("prop {number}"));
        // Never the one before: the first of the batch has that one already.
        let style = there[1 + number % (there.len() - 1)];
        asset.references = vec![
            (style, ReferenceRole::Style),
            (before, ReferenceRole::PreviousFrame),
        ];
        before = asset.id;
        asset
    });
    assets.collect()
}

fn stored_json(value: &Value) -> Json {
    Json::from_value(value.clone()).expect("the benchmark's own settings are I-JSON")
}

impl AssetInput {
    pub(crate) fn for_pegbar(&self, image: StoredImage) -> NewAsset {
        let mut asset = NewAsset::new(pegbar::ImageSource::Stored(image))
            .id(self.id)
            .prompt(&self.prompt)
            .settings(stored_json(&self.settings))
            .model(&self.model)
            .created_at(self.created_at);
        asset.tags.clone_from(&self.tags);
        for (input, role) in &self.references {
            asset = asset.made_from(*input, *role);
        }
        asset
    }
}

impl ProjectInput {
    pub(crate) fn for_pegbar(&self, image: StoredImage) -> NewProject {
        let characters = self.characters.iter().map(|character| NewCharacter {
            name: character.name.clone(),
            description: character.description.clone(),
            user_prompt: character.user_prompt.clone(),
            tags: character.tags.clone(),
            generation_settings: Some(stored_json(&character.settings)),
            variations: character
                .variations
                .iter()
                .map(|asset| asset.for_pegbar(image))
                .collect(),
            animations: character
                .animations
                .iter()
                .map(|animation| NewAnimation {
                    name: animation.name.clone(),
                    user_prompt: animation.user_prompt.clone(),
                    frame_duration_ms: Some(animation.frame_duration_ms),
                    frames: animation
                        .frames
                        .iter()
                        .map(|asset| NewFrame::new(asset.for_pegbar(image)).prompt(&asset.prompt))
                        .collect(),
                    ..NewAnimation::default()
                })
                .collect(),
            ..NewCharacter::default()
        });
        NewProject {
            name: self.name.clone(),
            description: self.description.clone(),
            tags: self.tags.clone(),
            settings: Some(stored_json(&self.settings)),
            characters: characters.collect(),
            ..NewProject::default()
        }
    }
}
