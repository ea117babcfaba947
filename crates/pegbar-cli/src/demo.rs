//! The demo: a character that a program draws, stored as if a model had generated it, and
//! with a record that says so.

mod drawing;

use std::collections::BTreeMap;

use pegbar::{
    AssetId, Json, NewAnimation, NewAsset, NewCharacter, NewFrame, NewProject, ReferenceRole,
    Studio,
};

use crate::error::CommandError;
use drawing::{DemoCharacter, Drawing, DrawingKey, InputRole, draw};

/// What the demo's projects are tagged with.
pub(crate) const TAG: &str = "demo";

/// What stands for a model in the records: the program that drew.
const MODEL: &str = concat!("pegbar demo drawing ", env!("CARGO_PKG_VERSION"));

/// Returns the source id of the project that a seed gives.
pub(crate) fn source_id(seed: u64) -> String {
    format!("pegbar demo, seed {seed}")
}

/// Draws the character of a seed and describes it as a project.
///
/// # Errors
/// [`CommandError::Fault`]: nothing of this depends on the user.
pub(crate) fn project(studio: &Studio, seed: u64) -> Result<NewProject, CommandError> {
    let character = draw(seed).map_err(|error| CommandError::fault("drawing", &error))?;
    let ids = Ids::new(studio, &character);
    let mut variations = Vec::new();
    for drawing in &character.variations {
        let asset = ids.asset(drawing)?.tag(&drawing.name);
        variations.push(asset.original_name(format!("{}.png", drawing.name.replace(' ', "-"))));
    }
    let front = DrawingKey::Variation(character.primary);
    let mut new = NewCharacter {
        description: character.description,
        variations,
        primary: ids.get(front),
        ..NewCharacter::new(&character.name)
    };
    for animation in &character.animations {
        let mut described = NewAnimation::new(&animation.name)
            .description(&animation.description)
            .frame_duration_ms(animation.frame_duration_ms);
        for (index, drawing) in animation.frames.iter().enumerate() {
            let name = format!("{}_{index}.png", animation.name);
            let frame = NewFrame::new(ids.asset(drawing)?.original_name(name));
            // "walk 3 of 8: passing"
            let pose = drawing.name.rsplit_once(": ").map(|(_, pose)| pose);
            described = described.frame(pose.into_iter().fold(frame, NewFrame::prompt));
        }
        new = new.animation(described);
    }
    Ok(NewProject {
        source_id: Some(source_id(seed)),
        thumbnail_id: ids.get(front),
        ..NewProject::new(format!("Demo: {}", character.name))
    }
    .description(format!("What `pegbar demo --seed {seed}` drew"))
    .tag(TAG)
    .character(new))
}

/// The ids of all drawings, known before they are stored: later ones name earlier ones.
struct Ids(BTreeMap<DrawingKey, AssetId>);

impl Ids {
    fn new(studio: &Studio, character: &DemoCharacter) -> Self {
        let frames = character.animations.iter().flat_map(|each| &each.frames);
        let drawings = character.variations.iter().chain(frames);
        Self(
            drawings
                .map(|drawing| (drawing.key, studio.new_id()))
                .collect(),
        )
    }

    fn get(&self, key: DrawingKey) -> Option<AssetId> {
        self.0.get(&key).copied()
    }

    /// Describes a drawing with what it was drawn from.
    fn asset(&self, drawing: &Drawing) -> Result<NewAsset, CommandError> {
        let settings = Json::from_value(drawing.settings.clone());
        let settings = settings.map_err(|error| CommandError::fault("drawing", &error))?;
        let mut asset = NewAsset::from_bytes(drawing.png.clone())
            .prompt(&drawing.prompt)
            .model(MODEL)
            .settings(settings);
        asset.id = self.get(drawing.key);
        for input in &drawing.inputs {
            let role = match input.role {
                InputRole::Character => ReferenceRole::Character,
                InputRole::PreviousFrame => ReferenceRole::PreviousFrame,
                InputRole::Style => ReferenceRole::Style,
            };
            if let Some(id) = self.get(input.key) {
                asset = asset.made_from(id, role);
            }
        }
        Ok(asset)
    }
}
