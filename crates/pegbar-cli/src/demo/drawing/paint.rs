//! A small vector painter: shapes by signed distance, cel shading, ink lines, box-filtered edges.
//!
//! Only additions, multiplications, divisions and square roots are used, so that a picture has the
//! same bytes on every platform.

#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "pixel coordinates of pictures far smaller than 2^16, rounded on purpose"
)]
#![allow(
    clippy::many_single_char_names,
    reason = "the usual letters of affine geometry"
)]

use image::{Rgba, RgbaImage};

use super::shape::{Affine, Point, Shape, point};

/// An opaque colour.
pub(crate) type Rgb = [u8; 3];

/// Mixes two colours; `amount` is 0 for the first and 1 for the second.
pub(super) fn mix(from: Rgb, to: Rgb, amount: f32) -> Rgb {
    let channel = |i: usize| {
        let (from, to) = (f32::from(from[i]), f32::from(to[i]));
        (from + (to - from) * amount + 0.5) as u8
    };
    [channel(0), channel(1), channel(2)]
}

/// The tone of a colour on the side away from the light.
pub(super) fn shaded(colour: Rgb) -> Rgb {
    mix(colour, [62, 34, 92], 0.24)
}

/// The tone of a colour on the edge that faces the light.
pub(super) fn lit(colour: Rgb) -> Rgb {
    mix(colour, [255, 252, 236], 0.3)
}

/// Width of the crescent away from the light, in units, along x and y.
const SHADE: Point = Point { x: 3.0, y: 4.2 };
/// Width of the lit rim, in units, along x and y.
const RIM: Point = Point { x: 1.5, y: 1.9 };

/// The rectangle of samples a layer has painted, end exclusive.
#[derive(Clone, Copy)]
struct Area {
    left: usize,
    top: usize,
    right: usize,
    bottom: usize,
}

/// A transparent sheet that parts are painted on before they are inked together.
pub(super) struct Layer {
    width: usize,
    height: usize,
    /// Samples per unit.
    density: f32,
    samples: Vec<Option<Rgb>>,
    painted: Option<Area>,
}

impl Layer {
    fn new(width: usize, height: usize, density: f32) -> Self {
        Self {
            width,
            height,
            density,
            samples: vec![None; width * height],
            painted: None,
        }
    }

    /// Paints a shaded form.
    pub(super) fn form(&mut self, pen: &Affine, form: &Shape, colour: Rgb) {
        self.paint(pen, form, None, colour, true);
    }

    /// Paints a marking on a form: cut off at its edge and shaded with it.
    pub(super) fn marking(&mut self, pen: &Affine, form: &Shape, marking: &Shape, colour: Rgb) {
        self.paint(pen, marking, Some(form), colour, true);
    }

    /// Paints one even colour.
    pub(super) fn flat(&mut self, pen: &Affine, shape: &Shape, colour: Rgb) {
        self.paint(pen, shape, None, colour, false);
    }

    fn paint(&mut self, pen: &Affine, shape: &Shape, on: Option<&Shape>, colour: Rgb, cel: bool) {
        let Some(inverse) = pen.inverse() else { return };
        let (dark, light) = (shaded(colour), lit(colour));
        let form = on.unwrap_or(shape);
        let area = self.area_of(pen, shape);
        for y in area.top..area.bottom {
            for x in area.left..area.right {
                let at = self.unit_at(x, y);
                let local = inverse.apply(at);
                if shape.distance(local) > 0.0 || on.is_some_and(|on| on.distance(local) > 0.0) {
                    continue;
                }
                let beyond = |dx: f32, dy: f32| {
                    form.distance(inverse.apply(point(at.x + dx, at.y + dy))) > 0.0
                };
                let tone = if cel && beyond(SHADE.x, SHADE.y) {
                    dark
                } else if cel && beyond(-RIM.x, -RIM.y) {
                    light
                } else {
                    colour
                };
                self.samples[y * self.width + x] = Some(tone);
            }
        }
        self.mark_painted(area);
    }

    /// Pastes a cut-out: `part` is sampled so that `pivot` (its pixels) lands on the pen's origin.
    pub(super) fn paste(&mut self, pen: &Affine, cutout: &Cutout<'_>, darken: f32) {
        let Some(inverse) = pen.inverse() else { return };
        let area = self.area_of_box(pen, cutout.low(), cutout.high());
        for y in area.top..area.bottom {
            for x in area.left..area.right {
                let local = inverse.apply(self.unit_at(x, y));
                if let Some(colour) = cutout.sample(local) {
                    let colour = mix(colour, [52, 34, 74], darken);
                    self.samples[y * self.width + x] = Some(colour);
                }
            }
        }
        self.mark_painted(area);
    }

    fn unit_at(&self, x: usize, y: usize) -> Point {
        point(
            (x as f32 + 0.5) / self.density,
            (y as f32 + 0.5) / self.density,
        )
    }

    fn area_of(&self, pen: &Affine, shape: &Shape) -> Area {
        let (low, high) = shape.bounds();
        self.area_of_box(pen, low, high)
    }

    fn area_of_box(&self, pen: &Affine, low: Point, high: Point) -> Area {
        let corners = [
            (low.x, low.y),
            (high.x, low.y),
            (low.x, high.y),
            (high.x, high.y),
        ]
        .map(|(x, y)| pen.apply(point(x, y)));
        let least = |of: fn(Point) -> f32| corners.map(of).into_iter().fold(f32::MAX, f32::min);
        let most = |of: fn(Point) -> f32| corners.map(of).into_iter().fold(f32::MIN, f32::max);
        let index = |units: f32, limit: usize| {
            // A float cast saturates, so a negative place is 0.
            ((units * self.density) as usize).min(limit)
        };
        Area {
            left: index(least(|p| p.x) - 1.0, self.width),
            top: index(least(|p| p.y) - 1.0, self.height),
            right: index(most(|p| p.x) + 1.0, self.width),
            bottom: index(most(|p| p.y) + 1.0, self.height),
        }
    }

    fn mark_painted(&mut self, area: Area) {
        self.painted = Some(match self.painted {
            None => area,
            Some(before) => Area {
                left: before.left.min(area.left),
                top: before.top.min(area.top),
                right: before.right.max(area.right),
                bottom: before.bottom.max(area.bottom),
            },
        });
    }

    fn is_edge(&self, x: usize, y: usize) -> bool {
        let at = y * self.width + x;
        self.samples[at].is_some()
            && (x == 0
                || y == 0
                || x + 1 == self.width
                || y + 1 == self.height
                || self.samples[at - 1].is_none()
                || self.samples[at + 1].is_none()
                || self.samples[at - self.width].is_none()
                || self.samples[at + self.width].is_none())
    }
}

/// A part cut out of a picture, to be pasted elsewhere.
pub(super) struct Cutout<'a> {
    /// The picture it is cut from.
    pub(super) sheet: &'a RgbaImage,
    /// The pixel of the sheet that is the part's origin.
    pub(super) pivot: Point,
    /// Pixels of the sheet per unit.
    pub(super) density: f32,
    /// The cell the part lies in, in pixels of the sheet: left, top, width, height.
    pub(super) cell: [u32; 4],
}

impl Cutout<'_> {
    fn low(&self) -> Point {
        self.local(self.cell[0], self.cell[1])
    }

    fn high(&self) -> Point {
        self.local(self.cell[0] + self.cell[2], self.cell[1] + self.cell[3])
    }

    fn local(&self, x: u32, y: u32) -> Point {
        point(
            (x as f32 - self.pivot.x) / self.density,
            (y as f32 - self.pivot.y) / self.density,
        )
    }

    /// The colour at a place of the part, `None` where it is more see-through than not.
    fn sample(&self, at: Point) -> Option<Rgb> {
        let (x, y) = (
            at.x * self.density + self.pivot.x - 0.5,
            at.y * self.density + self.pivot.y - 0.5,
        );
        let (left, top) = (x.floor(), y.floor());
        let (across, down) = (x - left, y - top);
        let mut sum = [0.0_f32; 4];
        for (dx, dy, weight) in [
            (0, 0, (1.0 - across) * (1.0 - down)),
            (1, 0, across * (1.0 - down)),
            (0, 1, (1.0 - across) * down),
            (1, 1, across * down),
        ] {
            let (px, py) = (left as i32 + dx, top as i32 + dy);
            let (px, py) = (u32::try_from(px).ok(), u32::try_from(py).ok());
            let (Some(px), Some(py)) = (px, py) else {
                continue;
            };
            let [cell_x, cell_y, width, height] = self.cell;
            if !(cell_x..cell_x + width).contains(&px) || !(cell_y..cell_y + height).contains(&py) {
                continue;
            }
            let Some(Rgba([r, g, b, alpha])) = self.sheet.get_pixel_checked(px, py) else {
                continue;
            };
            let alpha = weight * f32::from(*alpha);
            sum[0] += alpha * f32::from(*r);
            sum[1] += alpha * f32::from(*g);
            sum[2] += alpha * f32::from(*b);
            sum[3] += alpha;
        }
        let channel = |i: usize| (sum[i] / sum[3] + 0.5) as u8;
        (sum[3] >= 127.5).then(|| [channel(0), channel(1), channel(2)])
    }
}

/// The picture being made: layers are inked onto it from back to front.
pub(super) struct Canvas {
    layer: Layer,
    /// Samples along one side of a pixel.
    oversampling: usize,
}

impl Canvas {
    /// An empty picture of `width` by `height` pixels with `scale` pixels per unit.
    pub(super) fn new(width: u32, height: u32, scale: f32, oversampling: usize) -> Self {
        Self {
            layer: Layer::new(
                width as usize * oversampling,
                height as usize * oversampling,
                scale * oversampling as f32,
            ),
            oversampling,
        }
    }

    /// A new transparent layer of the same size.
    pub(super) fn layer(&self) -> Layer {
        Layer::new(self.layer.width, self.layer.height, self.layer.density)
    }

    /// Lays a layer on the picture, with a line of `ink` around what is painted on it.
    pub(super) fn ink(&mut self, layer: &Layer, ink: Option<Rgb>, line_width: f32) {
        let Some(area) = layer.painted else { return };
        if let Some(ink) = ink {
            let radius = line_width * self.layer.density;
            for y in area.top..area.bottom {
                for x in area.left..area.right {
                    if layer.is_edge(x, y) {
                        self.stamp(x, y, radius, ink);
                    }
                }
            }
        }
        for y in area.top..area.bottom {
            for x in area.left..area.right {
                let at = y * layer.width + x;
                if layer.samples[at].is_some() {
                    self.layer.samples[at] = layer.samples[at];
                }
            }
        }
    }

    fn stamp(&mut self, x: usize, y: usize, radius: f32, ink: Rgb) {
        let reach = radius.ceil() as i32;
        for dy in -reach..=reach {
            for dx in -reach..=reach {
                let (px, py) = (x as i32 + dx, y as i32 + dy);
                let inside = (dx * dx + dy * dy) as f32 <= radius * radius;
                if inside
                    && (0..self.layer.width as i32).contains(&px)
                    && (0..self.layer.height as i32).contains(&py)
                {
                    self.layer.samples[py as usize * self.layer.width + px as usize] = Some(ink);
                }
            }
        }
    }

    /// The picture, its edges smoothed.
    pub(super) fn finish(self) -> RgbaImage {
        let over = self.oversampling;
        let (width, height) = (self.layer.width / over, self.layer.height / over);
        RgbaImage::from_fn(width as u32, height as u32, |x, y| {
            let mut sum = [0_u32; 3];
            let mut covered = 0_u32;
            for sy in 0..over {
                for sx in 0..over {
                    let at = (y as usize * over + sy) * self.layer.width + x as usize * over + sx;
                    if let Some(colour) = self.layer.samples[at] {
                        covered += 1;
                        for (sum, channel) in sum.iter_mut().zip(colour) {
                            *sum += u32::from(channel);
                        }
                    }
                }
            }
            if covered == 0 {
                return Rgba([0; 4]);
            }
            let [r, g, b] = sum.map(|sum| ((sum + covered / 2) / covered) as u8);
            let alpha = covered * 255 / (over * over) as u32;
            Rgba([r, g, b, alpha as u8])
        })
    }
}

/// Lays `above` over `below`, both with straight alpha.
pub(super) fn over(above: Rgba<u8>, below: Rgba<u8>) -> Rgba<u8> {
    let (a, b) = (u32::from(above[3]), u32::from(below[3]));
    if a == 255 || b == 0 {
        return above;
    }
    // Alphas scaled by 255 * 255.
    let beneath = b * (255 - a);
    let total = a * 255 + beneath;
    let channel = |i: usize| {
        let sum = u32::from(above[i]) * a * 255 + u32::from(below[i]) * beneath;
        ((sum + total / 2) / total) as u8
    };
    if total == 0 {
        return Rgba([0; 4]);
    }
    let alpha = ((total + 127) / 255) as u8;
    Rgba([channel(0), channel(1), channel(2), alpha])
}
