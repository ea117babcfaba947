//! Draws the demo's character: a program's honest stand-in for what a model would generate.
//!
//! One seed gives one character: the same bytes every time and on every platform. Every picture
//! names the earlier pictures it was drawn from, and that is true: the functions that draw are
//! given those pictures and use their pixels. The seed decides the shapes; the colours travel
//! through the pictures. The front view comes from the seed alone. The cut-out sheet is painted in
//! colours read off the front view. A frame is put together from pieces cut out of that sheet,
//! inked in the front view's line colour, with the dust of the frame before drifting on.

mod body;
mod cutout;
mod design;
mod head;
mod paint;
mod pose;
mod puppet;
mod shape;
mod variant;
mod view;

use image::{ImageFormat, RgbaImage};
use serde_json::{Map, Value, json};

use design::{Design, Palette};
use paint::Rgb;
use pose::Pose;
use puppet::Sources;
use variant::HueTurn;

/// One picture of the demo's character, by its place in a [`DemoCharacter`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum DrawingKey {
    /// The variation with this index.
    Variation(usize),
    /// A frame of an animation; both are counted from 0.
    Frame {
        /// The animation's index.
        animation: usize,
        /// The frame's index.
        frame: usize,
    },
}

/// What an input was to the picture drawn from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum InputRole {
    /// The character: its pixels or its colours are in the new picture.
    Character,
    /// The frame before.
    PreviousFrame,
    /// The style: the new picture's lines have this picture's ink.
    Style,
}

/// A picture that another was drawn from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Input {
    /// What it was used for.
    pub(crate) role: InputRole,
    /// An earlier picture of the same character.
    pub(crate) key: DrawingKey,
}

/// One picture with what is needed to record it.
#[derive(Clone, Debug)]
pub(crate) struct Drawing {
    /// The picture's place in the character.
    pub(crate) key: DrawingKey,
    /// A short name, such as "side view" or "walk 3 of 8: passing".
    pub(crate) name: String,
    /// The encoded picture.
    pub(crate) png: Vec<u8>,
    /// What was drawn, in a sentence.
    pub(crate) prompt: String,
    /// What it was drawn with: a JSON object with the seed, the size and what else applies.
    pub(crate) settings: Value,
    /// The earlier pictures it was drawn from; empty for the first one.
    pub(crate) inputs: Vec<Input>,
}

/// An animation of the demo's character.
#[derive(Clone, Debug)]
pub(crate) struct DemoAnimation {
    /// The animation's name.
    pub(crate) name: String,
    /// What happens in it.
    pub(crate) description: String,
    /// How long one frame is shown.
    pub(crate) frame_duration_ms: u32,
    /// The frames, from the first shown to the last.
    pub(crate) frames: Vec<Drawing>,
}

/// Everything the demo draws for one seed.
#[derive(Clone, Debug)]
pub(crate) struct DemoCharacter {
    /// The character's name, such as "Pip the fox".
    pub(crate) name: String,
    /// What the character looks like.
    pub(crate) description: String,
    /// The variations, each drawn from earlier ones.
    pub(crate) variations: Vec<Drawing>,
    /// The index of the primary variation.
    pub(crate) primary: usize,
    /// The animations, drawn from the variations.
    pub(crate) animations: Vec<DemoAnimation>,
}

const FRONT: usize = 0;
const CUTOUTS: usize = 1;

/// Draws the character of a seed, with its variations and animations.
///
/// # Errors
///
/// Only what the PNG encoder refuses; it writes to memory.
pub(crate) fn draw(seed: u64) -> Result<DemoCharacter, image::ImageError> {
    let studio = Studio {
        seed,
        design: Design::from_seed(seed),
    };
    let front = view::front(&studio.design);
    let cutouts = cutout::cutout_sheet(&studio.design, &front);
    let sources = Sources {
        sheet: &cutouts,
        front: &front,
        previous: None,
    };
    Ok(DemoCharacter {
        name: studio.name(),
        description: format!(
            "{}, {}. Drawn by Pegbar's demo from seed {seed}, by rules rather than by a model.",
            studio.name(),
            studio.design.looks(),
        ),
        variations: studio.variations(&front, &cutouts)?,
        primary: FRONT,
        animations: vec![studio.walk(sources)?, studio.jump(sources)?],
    })
}

/// One character at work.
struct Studio {
    seed: u64,
    design: Design,
}

impl Studio {
    fn name(&self) -> String {
        format!("{} the {}", self.design.name, self.design.species.word())
    }

    fn variations(
        &self,
        front: &RgbaImage,
        cutouts: &RgbaImage,
    ) -> Result<Vec<Drawing>, image::ImageError> {
        let (design, name) = (&self.design, self.name());
        let from_front = [(InputRole::Character, FRONT)];
        let marks = colour_table(&view::read_palette(design, front));
        let turn = if self.seed.is_multiple_of(2) {
            HueTurn::Onwards
        } else {
            HueTurn::Back
        };
        let stand = puppet::pose(
            design,
            &pose::STAND,
            Sources {
                sheet: cutouts,
                front,
                previous: None,
            },
            0,
        );
        let back = view::back(design, front);
        let other = variant::other_colours(front, turn);
        let sprite = variant::sprite(design, front);
        let landmarks: Map<String, Value> = view::landmarks(design)
            .into_iter()
            .map(|(name, x, y)| (name.to_owned(), json!([x, y])))
            .collect();
        Ok(vec![
            self.variation(0, "front", front, &[], format!("{name}, {}, standing, seen from the front", design.looks()), json!({
                "colours": marks,
                "proportions": self.proportions(),
            }))?,
            self.variation(1, "cut-outs", cutouts, &from_front, format!("{name}'s parts in profile, laid apart to be cut out and posed, in the colours read off the front view"), json!({
                "colours_read_at": landmarks,
                "colours": marks,
            }))?,
            self.variation(2, "side", &stand, &[(InputRole::Character, CUTOUTS), (InputRole::Style, FRONT)], format!("{name} standing, seen from the side, put together from the cut-outs"), json!({
                "pose": pose::STAND.settings(),
            }))?,
            self.variation(3, "back", &back, &from_front, format!("{name} standing, seen from the back, in the colours read off the front view"), json!({
                "colours_read_at": landmarks,
                "colours": marks,
            }))?,
            self.variation(4, "other colours", &other, &from_front, format!("the front view of {name} with every hue turned by {} degrees", turn.degrees()), json!({
                "hue_turn_degrees": turn.degrees(),
            }))?,
            self.variation(5, "sprite", &sprite, &from_front, format!("the front view of {name} as pixel art, {0} by {0} pixels", variant::SPRITE_SIZE), json!({
                "colours": marks,
            }))?,
        ])
    }

    fn variation(
        &self,
        index: usize,
        name: &str,
        picture: &RgbaImage,
        inputs: &[(InputRole, usize)],
        prompt: String,
        settings: Value,
    ) -> Result<Drawing, image::ImageError> {
        let inputs = inputs
            .iter()
            .map(|(role, index)| Input {
                role: *role,
                key: DrawingKey::Variation(*index),
            })
            .collect();
        let key = DrawingKey::Variation(index);
        self.drawing(key, name.to_owned(), picture, inputs, prompt, settings)
    }

    fn walk(&self, sources: Sources<'_>) -> Result<DemoAnimation, image::ImageError> {
        let poses: Vec<Pose> = (0..pose::WALK_LENGTH).map(pose::walk).collect();
        Ok(DemoAnimation {
            name: "walk".to_owned(),
            description: format!(
                "{} walks on the spot: two steps in eight poses, in a loop",
                self.name()
            ),
            frame_duration_ms: 100,
            frames: self.frames(0, "walk", &poses, sources, 7)?,
        })
    }

    fn jump(&self, sources: Sources<'_>) -> Result<DemoAnimation, image::ImageError> {
        let poses: Vec<Pose> = (0..pose::JUMP_LENGTH).map(pose::jump).collect();
        Ok(DemoAnimation {
            name: "jump".to_owned(),
            description: format!(
                "{} crouches, jumps up and lands, squashed and stretched",
                self.name()
            ),
            frame_duration_ms: 110,
            frames: self.frames(1, "jump", &poses, sources, 2)?,
        })
    }

    fn frames(
        &self,
        animation: usize,
        name: &str,
        poses: &[Pose],
        sources: Sources<'_>,
        drift: u32,
    ) -> Result<Vec<Drawing>, image::ImageError> {
        let mut previous: Option<RgbaImage> = None;
        let mut frames = Vec::with_capacity(poses.len());
        for (frame, pose) in poses.iter().enumerate() {
            let sources = Sources {
                previous: previous.as_ref(),
                ..sources
            };
            let picture = puppet::pose(&self.design, pose, sources, drift);
            let mut inputs = vec![
                Input {
                    role: InputRole::Character,
                    key: DrawingKey::Variation(CUTOUTS),
                },
                Input {
                    role: InputRole::Style,
                    key: DrawingKey::Variation(FRONT),
                },
            ];
            if let Some(before) = frame.checked_sub(1) {
                let key = DrawingKey::Frame {
                    animation,
                    frame: before,
                };
                inputs.push(Input {
                    role: InputRole::PreviousFrame,
                    key,
                });
            }
            let (number, count) = (frame + 1, poses.len());
            frames.push(self.drawing(
                DrawingKey::Frame { animation, frame },
                format!("{name} {number} of {count}: {}", pose.name),
                &picture,
                inputs,
                format!(
                    "{}, {name}, frame {number} of {count}: {} pose",
                    self.name(),
                    pose.name
                ),
                json!({ "pose": pose.settings(), "dust_drift_px": drift }),
            )?);
            previous = Some(picture);
        }
        Ok(frames)
    }

    fn drawing(
        &self,
        key: DrawingKey,
        name: String,
        picture: &RgbaImage,
        inputs: Vec<Input>,
        prompt: String,
        settings: Value,
    ) -> Result<Drawing, image::ImageError> {
        let mut all = Map::from_iter([
            ("seed".to_owned(), json!(self.seed)),
            ("width".to_owned(), json!(picture.width())),
            ("height".to_owned(), json!(picture.height())),
        ]);
        if let Value::Object(more) = settings {
            all.extend(more);
        }
        let mut png = std::io::Cursor::new(Vec::new());
        picture.write_to(&mut png, ImageFormat::Png)?;
        Ok(Drawing {
            key,
            name,
            png: png.into_inner(),
            prompt,
            settings: Value::Object(all),
            inputs,
        })
    }

    fn proportions(&self) -> Value {
        let tidy = |value: f32| (f64::from(value) * 1000.0).round() / 1000.0;
        let design = &self.design;
        json!({
            "head_width": tidy(design.head_width),
            "head_height": tidy(design.head_height),
            "body_width": tidy(design.body_width),
            "ear_size": tidy(design.ear_size),
            "leg": tidy(design.leg),
        })
    }
}

/// The colours by name, as `#rrggbb`.
fn colour_table(palette: &Palette) -> Value {
    let hex = |[r, g, b]: Rgb| format!("#{r:02x}{g:02x}{b:02x}");
    palette
        .swatches()
        .into_iter()
        .map(|(name, colour)| (name.to_owned(), Value::String(hex(colour))))
        .collect::<Map<_, _>>()
        .into()
}

#[cfg(test)]
mod tests;
