//! The front and back views, and reading a character's colours off its front view.

#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "pixel coordinates of a small picture, rounded down on purpose"
)]

use std::collections::BTreeMap;

use image::{Rgba, RgbaImage};

use super::{
    design::{Design, Hat, Neckwear, Outfit, Palette, Species},
    head::{Painter, View},
    paint::{Canvas, Rgb, over},
    shape::{Affine, Point, point},
};

/// Side of the front and back views, in pixels.
pub(super) const VIEW_SIZE: u32 = 256;
/// Pixels per unit of the front and back views.
const SCALE: f32 = 1.56;
/// Width of the ink line, in units.
pub(super) const LINE: f32 = 1.7;
/// From the sole to the ankle, in units.
pub(super) const FOOT: f32 = 6.6;

/// Where the joints of a character seen from the front are.
struct Joints {
    ground: f32,
    middle: f32,
    hip: Affine,
    neck: Affine,
}

impl Joints {
    fn of(design: &Design) -> Self {
        let side = 256.0 / SCALE;
        let (middle, ground) = (side / 2.0, side - 9.0);
        let hip = Affine::at(middle, ground - FOOT - design.leg);
        let neck = hip.moved(0.0, -27.0);
        Self {
            ground,
            middle,
            hip,
            neck,
        }
    }

    fn hat(&self, design: &Design) -> Affine {
        hat_place(design, &self.neck)
    }
}

/// Where a hat stands on a head.
pub(super) fn hat_place(design: &Design, neck: &Affine) -> Affine {
    let (top, size) = match design.species {
        // Small enough to stand between the eyes.
        Species::Frog => (-37.0, 0.72),
        _ => (-44.0, 1.0),
    };
    neck.moved(0.0, top * design.head_height).scaled(size, size)
}

/// The height of a standing character with its ears and hat, in units.
pub(super) fn height(design: &Design) -> f32 {
    let ears = match design.species {
        Species::Fox => 39.0 + 24.0 * design.ear_size,
        Species::Cat => 39.0 + 16.0 * design.ear_size,
        Species::Rabbit => 42.0 + 38.0 * design.ear_size,
        Species::Bear => 39.0 + 14.0 * design.ear_size,
        Species::Mouse => 36.0 + 25.0 * design.ear_size,
        Species::Dragon => 42.0 + 18.0 * design.ear_size,
        Species::Duckling => 59.0,
        Species::Frog => 48.0,
    };
    let hat = match design.hat {
        Hat::Beanie | Hat::Cone => 25.0,
        Hat::Crown | Hat::Flower | Hat::Sprout => 17.0,
        Hat::Bare => 0.0,
    };
    FOOT + design.leg + 27.0 + f32::max(ears, 44.0 + hat) * design.head_height
}

/// Where an ear is attached; `side` is -1 for the left and 1 for the right one.
pub(super) fn ear_place(design: &Design, neck: &Affine, side: f32) -> Affine {
    let (x, y, lean) = match design.species {
        Species::Fox | Species::Cat => (18.5, -39.0, 14.0),
        Species::Rabbit => (10.5, -42.0, 13.0),
        Species::Bear => (22.0, -39.0, 0.0),
        Species::Mouse => (24.0, -36.0, 26.0),
        Species::Dragon => (15.0, -42.0, 8.0),
        Species::Duckling | Species::Frog => (0.0, -40.0, 0.0),
    };
    neck.moved(x * side * design.head_width, y * design.head_height)
        .turned(lean * side)
}

/// Draws the front view: the character's first picture, made from the seed alone.
pub(super) fn front(design: &Design) -> RgbaImage {
    standing(&Painter {
        design,
        palette: design.palette,
        view: View::Front,
    })
}

/// Draws the back view in the colours read off the front view.
pub(super) fn back(design: &Design, front: &RgbaImage) -> RgbaImage {
    let palette = read_palette(design, front);
    standing(&Painter {
        design,
        palette,
        view: View::Back,
    })
}

fn standing(painter: &Painter<'_>) -> RgbaImage {
    let design = painter.design;
    let joints = Joints::of(design);
    let mut canvas = Canvas::new(VIEW_SIZE, VIEW_SIZE, SCALE, 3);
    let ink = Some(painter.palette.ink);
    let back = painter.view == View::Back;

    let tail = |canvas: &mut Canvas| {
        let mut layer = canvas.layer();
        let root = if back {
            joints.hip.moved(-3.0, -2.0)
        } else {
            joints
                .hip
                .moved(8.0 * design.body_width, -2.0)
                .scaled(-1.0, 1.0)
        };
        painter.tail(&mut layer, &root);
        canvas.ink(&layer, ink, LINE);
    };
    if !back {
        tail(&mut canvas);
    }
    for side in [-1.0, 1.0] {
        let mut layer = canvas.layer();
        let hip = joints.hip.moved(8.0 * design.body_width * side, 0.0);
        painter.thigh(&mut layer, &hip);
        painter.shin(&mut layer, &hip.moved(0.0, design.leg / 2.0));
        painter.foot(&mut layer, &hip.moved(0.8 * side, design.leg));
        canvas.ink(&layer, ink, LINE);
    }
    let paint = |canvas: &mut Canvas, part: &dyn Fn(&mut super::paint::Layer)| {
        let mut layer = canvas.layer();
        part(&mut layer);
        canvas.ink(&layer, ink, LINE);
    };
    paint(&mut canvas, &|layer| painter.torso(layer, &joints.hip));
    for side in [-1.0, 1.0] {
        let shoulder = joints.hip.moved(13.0 * design.body_width * side, -21.0);
        let arm = shoulder.turned(-16.0 * side).scaled(side, 1.0);
        paint(&mut canvas, &|layer| painter.arm(layer, &arm));
    }
    if back {
        tail(&mut canvas);
    }
    paint(&mut canvas, &|layer| painter.neckwear(layer, &joints.hip));
    for side in [-1.0, 1.0] {
        let ear = ear_place(design, &joints.neck, side).scaled(side, 1.0);
        paint(&mut canvas, &|layer| painter.ear(layer, &ear));
    }
    paint(&mut canvas, &|layer| {
        painter.head(layer, &joints.neck, design.eyes);
    });
    paint(&mut canvas, &|layer| {
        painter.hat(layer, &joints.hat(design));
    });

    let shadow = Shadow {
        middle: joints.middle * SCALE,
        ground: joints.ground * SCALE,
        half_width: (24.0 + 8.0 * design.body_width) * SCALE,
        strength: 1.0,
    };
    let mut picture = canvas.finish();
    shadow.lay_under(&mut picture);
    picture
}

/// The soft shadow a character casts on the ground, in pixels.
pub(super) struct Shadow {
    pub(super) middle: f32,
    pub(super) ground: f32,
    pub(super) half_width: f32,
    /// 1 for a character that stands, less for one in the air.
    pub(super) strength: f32,
}

impl Shadow {
    /// Lays the shadow under a picture, but not where the picture already has something.
    pub(super) fn lay_under(&self, picture: &mut RgbaImage) {
        for (x, y, pixel) in picture.enumerate_pixels_mut() {
            let at = |i: u32| u16::try_from(i).map_or(0.0, f32::from) + 0.5;
            let off = point(
                (at(x) - self.middle) / self.half_width,
                (at(y) - self.ground) / (self.half_width * 0.2),
            );
            let fade = (1.0 - off.length()).clamp(0.0, 0.3) / 0.3;
            let alpha = (84.0 * self.strength * fade) as u8;
            if alpha > 0 {
                *pixel = over(*pixel, Rgba([26, 18, 44, alpha]));
            }
        }
    }
}

/// The pixels of the front view that the colours are read from.
pub(super) fn landmarks(design: &Design) -> [(&'static str, u32, u32); 8] {
    let joints = Joints::of(design);
    let head = joints.neck.scaled(design.head_width, design.head_height);
    let torso = joints.hip.scaled(design.body_width, 1.0);
    let foot = joints.hip.moved(-8.0 * design.body_width - 0.8, design.leg);
    let painter = Painter {
        design,
        palette: design.palette,
        view: View::Front,
    };
    let (hat_x, hat_y) = painter.hat_mark();
    let chest = match design.outfit {
        Outfit::Dungarees => (2.0, -3.5),
        Outfit::Raincoat | Outfit::Jumper | Outfit::Bare => (-4.0, -5.5),
    };
    let neckwear = match design.neckwear {
        Neckwear::Bare => head.apply(point(0.0, -28.5)),
        Neckwear::Bandana => torso.apply(point(0.0, -18.5)),
        Neckwear::Scarf | Neckwear::BowTie => torso.apply(point(-6.0, -21.2)),
    };
    let hat = match design.hat {
        Hat::Bare => head.apply(point(0.0, -28.5)),
        _ => joints.hat(design).apply(point(hat_x, hat_y)),
    };
    let pixel = |name, at: Point| (name, (at.x * SCALE) as u32, (at.y * SCALE) as u32);
    [
        pixel("coat", head.apply(point(0.0, -28.5))),
        pixel("light", head.apply(point(-9.0, -4.5))),
        pixel("inner", head.apply(point(-21.5, -11.0))),
        pixel("nose", head.apply(point(0.0, -13.4))),
        pixel("outfit", torso.apply(point(chest.0, chest.1))),
        pixel("neckwear", neckwear),
        pixel("hat", hat),
        pixel("feet", foot.apply(point(-1.5, -0.5))),
    ]
}

/// Reads a character's colours off its front view: each at its landmark, the ink as the dark
/// colour that covers most of the picture.
pub(super) fn read_palette(design: &Design, front: &RgbaImage) -> Palette {
    let marks = landmarks(design);
    let read = |i: usize| {
        let (_, x, y) = marks[i];
        front
            .get_pixel_checked(x, y)
            .map_or([0; 3], |Rgba([r, g, b, _])| [*r, *g, *b])
    };
    Palette {
        coat: read(0),
        light: read(1),
        inner: read(2),
        nose: read(3),
        outfit: read(4),
        neckwear: read(5),
        hat: read(6),
        feet: read(7),
        ink: read_ink(front),
    }
}

/// The colour of the line: the most frequent of the opaque pixels beside see-through ones, two
/// pixels in, where a line is all ink.
pub(super) fn read_ink(picture: &RgbaImage) -> Rgb {
    let mut counts: BTreeMap<Rgb, usize> = BTreeMap::new();
    let (width, height) = picture.dimensions();
    for (x, y, Rgba([r, g, b, alpha])) in picture.enumerate_pixels() {
        let outside = |x: u32, y: u32| picture.get_pixel(x, y)[3] == 0;
        let near_edge = (2..width.saturating_sub(2)).contains(&x)
            && (2..height.saturating_sub(2)).contains(&y)
            && (outside(x - 2, y) || outside(x + 2, y) || outside(x, y - 2) || outside(x, y + 2));
        if *alpha == 255 && near_edge {
            *counts.entry([*r, *g, *b]).or_default() += 1;
        }
    }
    counts
        .into_iter()
        .max_by_key(|(_, count)| *count)
        .map_or([40, 30, 50], |(colour, _)| colour)
}
