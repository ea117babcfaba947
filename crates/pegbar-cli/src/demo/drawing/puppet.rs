//! Cut-out animation: parts cut from the sheet, posed on their joints and inked.

#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "pixel coordinates and alphas of a small picture, rounded on purpose"
)]

use image::{Rgba, RgbaImage};

use super::{
    cutout::Part,
    design::{Design, Species},
    paint::{Canvas, Layer, Rgb, over},
    pose::{Dust, Pose, Step},
    shape::{Affine, Point, point},
    view::{FOOT, LINE, Shadow, ear_place, hat_place, height, read_ink},
};

/// Side of a posed picture, in pixels.
pub(super) const FRAME_SIZE: u32 = 192;
const MIDDLE: f32 = 94.0;
const GROUND: f32 = 181.0;

/// How dark the farther arm and leg are, 0 to 1.
const FAR: f32 = 0.22;

/// The colour of dust, by which it is found again on the frame before.
const DUST: Rgb = [222, 208, 184];
/// What is left of dust one frame later, in percent.
const DUST_LEFT: u32 = 58;
/// Fainter dust than this is gone.
const DUST_LEAST: u32 = 22;

/// The pictures a pose is drawn from.
#[derive(Clone, Copy)]
pub(super) struct Sources<'a> {
    /// The cut-out sheet: every pixel of the figure comes from it.
    pub(super) sheet: &'a RgbaImage,
    /// The front view: its line gives the ink.
    pub(super) front: &'a RgbaImage,
    /// The frame before, whose dust drifts on.
    pub(super) previous: Option<&'a RgbaImage>,
}

/// Draws one pose.
///
/// `drift` is how many pixels dust moves to the left in one frame.
pub(super) fn pose(design: &Design, pose: &Pose, sources: Sources<'_>, drift: u32) -> RgbaImage {
    // As large as leaves room for the jump.
    let scale = (176.0 / (height(design) * 1.05 + 22.0)).min(1.3);
    let puppet = Puppet {
        scale,
        design,
        pose,
        sheet: sources.sheet,
        ink: read_ink(sources.front),
    };
    let mut canvas = Canvas::new(FRAME_SIZE, FRAME_SIZE, 1.0, 3);
    puppet.assemble(&mut canvas);
    let figure = canvas.finish();

    let mut picture = RgbaImage::new(FRAME_SIZE, FRAME_SIZE);
    if let Some(previous) = sources.previous {
        carry_dust(previous, &mut picture, drift);
    }
    puppet.raise_dust(&mut picture);
    let dust = picture;
    let mut picture = RgbaImage::new(FRAME_SIZE, FRAME_SIZE);
    let rise = (pose.air / 60.0).min(1.0);
    Shadow {
        middle: MIDDLE,
        ground: GROUND,
        half_width: (25.0 + 7.0 * design.body_width) * scale * (1.0 - rise * 0.5) * pose.stretch.0,
        strength: 1.0 - rise,
    }
    .lay_under(&mut picture);
    for (x, y, pixel) in picture.enumerate_pixels_mut() {
        // Dust is laid down pure rather than mixed, so that the next frame can find it.
        let puff = dust.get_pixel(x, y);
        if puff[3] > 0 {
            *pixel = *puff;
        }
        *pixel = over(*figure.get_pixel(x, y), *pixel);
    }
    picture
}

/// Copies the dust of the frame before, fainter, drifted to the left and a little up.
fn carry_dust(previous: &RgbaImage, picture: &mut RgbaImage, drift: u32) {
    for (x, y, pixel) in previous.enumerate_pixels() {
        let Rgba([r, g, b, alpha]) = *pixel;
        let left = u32::from(alpha) * DUST_LEFT / 100;
        if [r, g, b] != DUST || alpha == 255 || left < DUST_LEAST {
            continue;
        }
        if let (Some(x), Some(y)) = (x.checked_sub(drift), y.checked_sub(2)) {
            picture.put_pixel(x, y, Rgba([r, g, b, left as u8]));
        }
    }
}

fn lay_puff(picture: &mut RgbaImage, x: f32, y: f32, radius: f32) {
    for (px, py, pixel) in picture.enumerate_pixels_mut() {
        let off = point(px as f32 + 0.5 - x, py as f32 + 0.5 - y);
        let cover = (radius + 0.5 - off.length()).clamp(0.0, 1.0);
        let alpha = (190.0 * cover) as u8;
        if alpha > pixel[3] {
            *pixel = Rgba([DUST[0], DUST[1], DUST[2], alpha]);
        }
    }
}

struct Puppet<'a> {
    /// Pixels per unit.
    scale: f32,
    design: &'a Design,
    pose: &'a Pose,
    sheet: &'a RgbaImage,
    ink: Rgb,
}

impl Puppet<'_> {
    fn root(&self) -> Affine {
        let (across, up) = self.pose.stretch;
        Affine::at(MIDDLE, GROUND - self.pose.air * self.scale)
            .scaled(across * self.scale, up * self.scale)
            .moved(0.0, -FOOT - self.pose.hip * self.design.leg)
    }

    fn paste(&self, layer: &mut Layer, part: Part, pen: &Affine, darken: f32) {
        layer.paste(pen, &part.cut(self.sheet), darken);
    }

    /// Pastes one part on a layer of its own.
    fn part(&self, canvas: &mut Canvas, part: Part, pen: &Affine, darken: f32) {
        let mut layer = canvas.layer();
        self.paste(&mut layer, part, pen, darken);
        canvas.ink(&layer, Some(self.ink), LINE);
    }

    fn assemble(&self, canvas: &mut Canvas) {
        let (pose, design) = (self.pose, self.design);
        let hip = self.root();
        let torso = hip.turned(pose.lean);
        let neck = torso.moved(1.0, -27.0).turned(pose.head - pose.lean * 0.7);
        let shoulder = torso.moved(0.0, -20.5);

        self.part(
            canvas,
            Part::Arm,
            &shoulder.moved(5.0, 0.0).turned(pose.arms[1] - pose.lean),
            FAR,
        );
        let root = torso.moved(-10.0 * design.body_width, -3.0);
        self.part(canvas, Part::Tail, &root.turned(pose.tail), 0.0);
        self.leg(canvas, &hip.moved(2.5, 0.0), pose.steps[1], FAR);
        self.leg(canvas, &hip.moved(-1.5, 0.0), pose.steps[0], 0.0);
        self.part(canvas, Part::Torso, &torso, 0.0);
        let scarf = torso.moved(-10.0, -21.0).turned(pose.tail * 1.4 + 4.0);
        self.part(canvas, Part::ScarfEnd, &scarf, 0.0);
        self.part(canvas, Part::Neckwear, &torso, 0.0);

        let ear = |side: f32| {
            let place = ear_place(design, &neck, side);
            // In profile both ears come nearer to the middle of the head, the far one more.
            let shift = if side > 0.0 { -1.0 } else { 4.0 };
            place
                .moved(shift, 0.0)
                .scaled(side, 1.0)
                .turned(-pose.ears * side)
        };
        let between = matches!(design.species, Species::Mouse | Species::Bear);
        self.part(canvas, Part::Ear, &ear(1.0), FAR * 0.6);
        if !between {
            self.part(canvas, Part::Ear, &ear(-1.0), 0.0);
        }
        let head = if pose.blink {
            Part::HeadBlinking
        } else {
            Part::Head
        };
        self.part(canvas, head, &neck, 0.0);
        // A frog's hat stands between its eyes, which are turned to the viewer.
        let forward = if design.species == Species::Frog {
            15.0
        } else {
            1.0
        };
        let hat = hat_place(design, &neck).moved(forward, -pose.hat);
        self.part(canvas, Part::Hat, &hat, 0.0);
        if between {
            self.part(canvas, Part::Ear, &ear(-1.0), 0.0);
        }
        self.part(
            canvas,
            Part::Arm,
            &shoulder.moved(-2.0, 0.0).turned(pose.arms[0] - pose.lean),
            0.0,
        );
    }

    /// A leg whose ankle is where the step says, the knee bent forwards to reach it.
    fn leg(&self, canvas: &mut Canvas, hip: &Affine, step: Step, darken: f32) {
        let length = self.design.leg;
        let ankle = point(step.forward * length, (self.pose.hip - step.lift) * length);
        let (knee, ankle) = bend(ankle, length / 2.0);
        let mut layer = canvas.layer();
        self.paste(
            &mut layer,
            Part::Foot,
            &hip.moved(ankle.x, ankle.y).turned(step.pitch),
            darken,
        );
        let direction = |from: Point, to: Point| {
            let along = point(to.x - from.x, to.y - from.y);
            let length = along.length().max(1e-3);
            point(along.x / length, along.y / length)
        };
        let upper = direction(point(0.0, 0.0), knee);
        let lower = direction(knee, ankle);
        self.paste(&mut layer, Part::Thigh, &hip.hung(upper), darken);
        self.paste(
            &mut layer,
            Part::Shin,
            &hip.moved(knee.x, knee.y).hung(lower),
            darken,
        );
        canvas.ink(&layer, Some(self.ink), LINE);
    }

    fn raise_dust(&self, picture: &mut RgbaImage) {
        let stride = self.design.leg;
        let mut puff = |x: f32, up: f32, radius: f32| {
            let (x, y) = (MIDDLE + x * self.scale, GROUND - up * self.scale);
            lay_puff(picture, x, y, radius * self.scale);
        };
        let puffs = match self.pose.dust {
            Dust::None => return,
            Dust::Heel => {
                let back = if self.pose.air > 0.0 {
                    -10.0
                } else {
                    -0.62 * stride - 11.0
                };
                vec![
                    (back, 3.0, 4.6),
                    (back - 7.0, 1.6, 3.2),
                    (back - 4.0, 8.0, 2.4),
                ]
            }
            Dust::BothSides => [-1.0, 1.0]
                .into_iter()
                .flat_map(|side| {
                    [
                        (33.0, 3.0, 5.2),
                        (42.0, 2.0, 3.6),
                        (38.0, 9.0, 2.8),
                        (49.0, 5.5, 1.9),
                    ]
                    .map(|(x, up, radius)| (x * side, up, radius))
                })
                .collect(),
        };
        for (x, up, radius) in puffs {
            puff(x, up, radius);
        }
    }
}

/// The knee between the hip (the origin) and an ankle, bent forwards, for two bones of `bone`
/// units; the ankle comes nearer where the leg is too short.
fn bend(ankle: Point, bone: f32) -> (Point, Point) {
    let reach = ankle.length().max(1e-3);
    let longest = bone * 1.998;
    let ankle = if reach > longest {
        point(ankle.x * longest / reach, ankle.y * longest / reach)
    } else {
        ankle
    };
    let reach = reach.min(longest);
    let out = (bone * bone - reach * reach / 4.0).max(0.0).sqrt();
    let knee = point(
        ankle.x / 2.0 + ankle.y / reach * out,
        ankle.y / 2.0 - ankle.x / reach * out,
    );
    (knee, ankle)
}
