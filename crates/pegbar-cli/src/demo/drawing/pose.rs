//! The poses: a walk of eight, a jump of six, and standing still.

use serde_json::{Value, json};

/// Where a foot is, relative to the hip's place on the ground.
#[derive(Clone, Copy, Debug)]
pub(super) struct Step {
    /// Forwards from below the hip, in leg lengths.
    pub(super) forward: f32,
    /// The ankle above where it is on a flat foot, in leg lengths.
    pub(super) lift: f32,
    /// Degrees the toe points down.
    pub(super) pitch: f32,
}

const fn step(forward: f32, lift: f32, pitch: f32) -> Step {
    Step {
        forward,
        lift,
        pitch,
    }
}

/// One pose of the whole figure. Angles are in degrees, clockwise on the picture.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pose {
    pub(super) name: &'static str,
    /// Hip above the standing ankle, in leg lengths.
    pub(super) hip: f32,
    /// The whole figure above the ground, in units.
    pub(super) air: f32,
    pub(super) lean: f32,
    pub(super) head: f32,
    /// Nearer and farther leg.
    pub(super) steps: [Step; 2],
    /// Nearer and farther arm; positive swings back.
    pub(super) arms: [f32; 2],
    pub(super) tail: f32,
    pub(super) ears: f32,
    /// The hat above its place on the head, in units.
    pub(super) hat: f32,
    /// The figure's width and height as factors; their product is near 1.
    pub(super) stretch: (f32, f32),
    pub(super) blink: bool,
    pub(super) dust: Dust,
}

/// Where dust rises in a pose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dust {
    None,
    /// Behind the heel that has just touched the ground.
    Heel,
    /// On both sides of the figure.
    BothSides,
}

impl Pose {
    /// The pose's numbers, for the settings of a drawing.
    pub(super) fn settings(&self) -> Value {
        let foot = |step: Step| json!({"forward": tidy(step.forward), "lift": tidy(step.lift), "pitch": tidy(step.pitch)});
        json!({
            "name": self.name,
            "hip": tidy(self.hip),
            "air": tidy(self.air),
            "lean": tidy(self.lean),
            "head": tidy(self.head),
            "near_foot": foot(self.steps[0]),
            "far_foot": foot(self.steps[1]),
            "near_arm": tidy(self.arms[0]),
            "far_arm": tidy(self.arms[1]),
            "tail": tidy(self.tail),
            "ears": tidy(self.ears),
            "stretch": [tidy(self.stretch.0), tidy(self.stretch.1)],
            "eyes_closed": self.blink,
        })
    }
}

/// A number as it is written: 0.84, not 0.8399999737739563.
fn tidy(value: f32) -> f64 {
    (f64::from(value) * 1000.0).round() / 1000.0
}

pub(super) const STAND: Pose = Pose {
    name: "standing",
    hip: 0.97,
    air: 0.0,
    lean: 0.0,
    head: 0.0,
    steps: [step(-0.1, 0.0, 0.0), step(0.12, 0.0, 0.0)],
    arms: [6.0, -8.0],
    tail: 0.0,
    ears: 0.0,
    hat: 0.0,
    stretch: (1.0, 1.0),
    blink: false,
    dust: Dust::None,
};

/// One foot through a whole cycle, from its contact: four poses on the ground, four through the air.
const FOOTSTEPS: [Step; 8] = [
    step(0.60, 0.06, -24.0),
    step(0.34, 0.0, 0.0),
    step(0.0, 0.0, 0.0),
    step(-0.34, 0.02, 10.0),
    step(-0.62, 0.16, 42.0),
    step(-0.50, 0.44, 58.0),
    step(0.06, 0.46, 26.0),
    step(0.52, 0.30, -10.0),
];

/// An arm through the cycle of the leg on its own side: back when that leg is in front.
const ARM_SWING: [f32; 8] = [44.0, 36.0, 8.0, -22.0, -44.0, -36.0, -8.0, 22.0];

/// The four poses of one step, from which the next step follows with the sides swapped:
/// name, hip, lean, head, tail, ears, hat.
const STEP: [(&str, [f32; 6]); 4] = [
    ("contact", [0.84, 5.0, -1.0, -3.0, 3.0, 0.0]),
    ("down", [0.74, 7.0, 3.0, 5.0, -5.0, 0.0]),
    ("passing", [0.93, 4.0, 1.0, 3.0, -2.0, 0.0]),
    ("up", [1.0, 3.0, -3.0, -6.0, 6.0, 1.2]),
];

/// The number of poses in the walk.
pub(super) const WALK_LENGTH: usize = 8;

/// A pose of the walk; counted on past the last one it starts again.
pub(super) fn walk(index: usize) -> Pose {
    let index = index % WALK_LENGTH;
    let (name, [hip, lean, head, tail, ears, hat]) = STEP[index % 4];
    let other = (index + 4) % WALK_LENGTH;
    let sway = if index < 4 { 1.0 } else { -1.0 };
    Pose {
        name,
        hip,
        air: 0.0,
        lean,
        head: head + sway,
        steps: [FOOTSTEPS[index], FOOTSTEPS[other]],
        arms: [ARM_SWING[index], ARM_SWING[other]],
        tail: tail + 3.0 * sway,
        ears,
        hat,
        stretch: (1.0, 1.0),
        blink: false,
        dust: if index.is_multiple_of(4) {
            Dust::Heel
        } else {
            Dust::None
        },
    }
}

/// The number of poses in the jump.
pub(super) const JUMP_LENGTH: usize = 6;

/// The jump: hip, air, lean, head, nearer arm, farther arm, tail, ears, hat, stretch across and up.
const JUMP: [(&str, [f32; 11]); JUMP_LENGTH] = [
    (
        "crouch",
        [
            0.52, 0.0, 16.0, -8.0, 58.0, 46.0, 8.0, -6.0, 0.0, 1.07, 0.93,
        ],
    ),
    (
        "take-off",
        [
            1.0, 5.0, 8.0, -8.0, -74.0, -86.0, -14.0, -12.0, 0.0, 0.94, 1.07,
        ],
    ),
    (
        "rise",
        [
            0.98, 19.0, 3.0, -6.0, -84.0, -92.0, -18.0, -14.0, 0.0, 0.95, 1.06,
        ],
    ),
    (
        "top",
        [0.70, 27.0, 0.0, 2.0, 78.0, -88.0, 4.0, 2.0, 4.0, 1.0, 1.0],
    ),
    (
        "fall",
        [
            0.96, 13.0, 2.0, 5.0, 92.0, -98.0, 22.0, 12.0, 6.0, 0.96, 1.05,
        ],
    ),
    (
        "landing",
        [0.56, 0.0, 10.0, 9.0, 30.0, -52.0, 2.0, -10.0, 0.0, 1.1, 0.9],
    ),
];

/// A pose of the jump.
pub(super) fn jump(index: usize) -> Pose {
    let index = index % JUMP_LENGTH;
    let (
        name,
        [
            hip,
            air,
            lean,
            head,
            near_arm,
            far_arm,
            tail,
            ears,
            hat,
            across,
            up,
        ],
    ) = JUMP[index];
    let (near, far) = match index {
        0 | 5 => (step(-0.14, 0.0, 0.0), step(0.2, 0.0, 0.0)),
        1 => (step(-0.22, 0.0, 46.0), step(-0.04, 0.0, 46.0)),
        2 => (step(-0.34, 0.06, 56.0), step(-0.08, 0.0, 44.0)),
        3 => (step(0.0, 0.06, 20.0), step(0.34, 0.12, -4.0)),
        _ => (step(0.04, 0.0, 12.0), step(0.26, 0.0, 4.0)),
    };
    Pose {
        name,
        hip,
        air,
        lean,
        head,
        steps: [near, far],
        arms: [near_arm, far_arm],
        tail,
        ears,
        hat,
        stretch: (across, up),
        blink: matches!(index, 0 | 5),
        dust: match index {
            1 => Dust::Heel,
            5 => Dust::BothSides,
            _ => Dust::None,
        },
    }
}
