//! The head and what sits on it, painted about the neck (head) or the point of attachment (ears,
//! hat).

use super::{
    design::{Design, Eyes, Hat, Palette, Species},
    paint::{Layer, mix, shaded},
    shape::{Affine, Shape, blend, block, ellipse, polygon, smile, stroke},
};

/// Where the character is seen from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum View {
    Front,
    /// The body in profile facing right, the face turned a little to the viewer.
    Side,
    Back,
}

/// The painter of one character's parts.
pub(super) struct Painter<'a> {
    pub(super) design: &'a Design,
    pub(super) palette: Palette,
    pub(super) view: View,
}

impl Painter<'_> {
    /// Where something `x` units from the middle of the face appears.
    fn face_x(&self, x: f32) -> f32 {
        match self.view {
            View::Side => 11.5 + x * 0.74,
            View::Front | View::Back => x,
        }
    }

    pub(super) fn head(&self, layer: &mut Layer, neck: &Affine, eyes: Eyes) {
        let design = self.design;
        let pen = &neck.scaled(design.head_width, design.head_height);
        let head = self.head_form();
        if design.species == Species::Duckling {
            layer.form(pen, &Self::tuft(), self.palette.coat);
        }
        layer.form(pen, &head, self.palette.coat);
        if self.view == View::Back {
            return;
        }
        self.markings(layer, pen, &head);
        for side in [-1.0, 1.0] {
            let blush = ellipse(self.face_x(21.5 * side), -11.0, 4.4, 2.7);
            let seen = self.view == View::Front || side < 0.0;
            if seen {
                layer.flat(pen, &blush, self.palette.inner);
            }
        }
        for side in [-1.0, 1.0] {
            self.eye(layer, pen, side, eyes);
        }
        self.mouth(layer, pen);
    }

    fn head_form(&self) -> Shape {
        let skull = ellipse(0.0, -22.0, 31.0, 25.0);
        let x = |x: f32| self.face_x(x);
        let snout = |length: f32, from: f32, to: f32| {
            let out = if self.view == View::Side { length } else { 0.0 };
            stroke((x(0.0), -11.0), from, (x(0.0) + out, -10.0), to)
        };
        match self.design.species {
            Species::Fox | Species::Cat => {
                let tuft = |side: f32| {
                    let reach = if self.design.species == Species::Fox {
                        37.0
                    } else {
                        33.0
                    };
                    let squeeze = if self.view == View::Side && side > 0.0 {
                        0.8
                    } else {
                        1.0
                    };
                    polygon(
                        &[
                            (20.0 * side, -24.0),
                            (reach * side * squeeze, -7.0),
                            (14.0 * side, 0.0),
                        ],
                        1.5,
                    )
                };
                let long = if self.design.species == Species::Fox {
                    17.0
                } else {
                    8.0
                };
                blend(
                    vec![skull, tuft(-1.0), tuft(1.0), snout(long, 11.0, 5.5)],
                    3.0,
                )
            }
            Species::Frog => blend(
                vec![
                    ellipse(0.0, -18.0, 33.0, 21.0),
                    ellipse(x(-15.0), -37.0, 10.5, 10.5),
                    ellipse(x(15.0), -37.0, 10.5, 10.5),
                ],
                3.0,
            ),
            Species::Bear => blend(vec![skull, snout(12.0, 12.0, 8.5)], 3.0),
            Species::Dragon => blend(vec![skull, snout(15.0, 12.5, 9.5)], 4.0),
            Species::Mouse => blend(vec![skull, snout(15.0, 11.0, 5.0)], 3.0),
            Species::Rabbit => blend(vec![skull, snout(9.0, 11.0, 7.5)], 3.0),
            Species::Duckling => skull,
        }
    }

    /// The duckling's three feathers on top.
    fn tuft() -> Shape {
        Shape::Union(vec![
            stroke((-1.0, -44.0), 2.6, (-11.0, -54.0), 1.8),
            stroke((0.0, -44.0), 2.8, (-2.0, -57.0), 1.8),
            stroke((1.0, -44.0), 2.6, (7.0, -53.0), 1.8),
        ])
    }

    fn markings(&self, layer: &mut Layer, pen: &Affine, head: &Shape) {
        let x = |x: f32| self.face_x(x);
        let muzzle_x = if self.view == View::Side {
            x(0.0) + 5.0
        } else {
            0.0
        };
        let light = self.palette.light;
        match self.design.species {
            Species::Fox => {
                let cheeks = Shape::Union(vec![
                    ellipse(x(-17.0), -2.0, 19.0, 13.0),
                    ellipse(x(17.0), -2.0, 19.0, 13.0),
                    ellipse(muzzle_x + 5.0, -7.0, 18.0, 6.0),
                ]);
                layer.marking(pen, head, &cheeks, light);
            }
            Species::Cat => {
                let stripes = Shape::Union(
                    [-8.0, 0.0, 8.0]
                        .map(|at| {
                            let long = if at == 0.0 { -35.0 } else { -38.0 };
                            stroke((x(at), -50.0), 2.4, (x(at * 0.8), long), 1.2)
                        })
                        .to_vec(),
                );
                layer.marking(pen, head, &stripes, shaded(shaded(self.palette.coat)));
                layer.marking(pen, head, &ellipse(muzzle_x, -7.5, 13.0, 8.0), light);
            }
            Species::Frog => {
                layer.marking(pen, head, &ellipse(x(0.0), -2.0, 29.0, 9.5), light);
            }
            Species::Mouse | Species::Rabbit => {
                layer.marking(pen, head, &ellipse(muzzle_x, -7.0, 13.5, 9.0), light);
            }
            Species::Duckling => {
                layer.marking(pen, head, &ellipse(muzzle_x, -4.0, 15.0, 9.0), light);
            }
            Species::Bear | Species::Dragon => {
                layer.marking(pen, head, &ellipse(muzzle_x + 1.0, -8.0, 14.5, 10.0), light);
            }
        }
    }

    fn eye(&self, layer: &mut Layer, pen: &Affine, side: f32, eyes: Eyes) {
        let ink = self.palette.ink;
        let frog = self.design.species == Species::Frog;
        let (x, y) = (
            self.face_x(if frog { 15.0 } else { 13.0 } * side),
            if frog { -37.0 } else { -20.0 },
        );
        let narrow = if self.view == View::Side && side > 0.0 {
            0.84
        } else {
            1.0
        };
        if eyes == Eyes::Closed {
            layer.flat(pen, &smile(x, y - 1.5, 4.8 * narrow, 1.9), ink);
            return;
        }
        let (rx, ry) = match eyes {
            Eyes::Tall => (4.5 * narrow, 6.4),
            _ => (5.2 * narrow, 5.4),
        };
        if frog {
            layer.flat(pen, &ellipse(x, y, 7.6 * narrow, 7.6), [255, 253, 240]);
        }
        let ball = ellipse(x, y, rx, ry);
        layer.flat(pen, &ball, ink);
        let glow = Shape::Both(
            Box::new(ball.clone()),
            Box::new(ellipse(x, y + ry, rx, ry * 0.75)),
        );
        layer.flat(pen, &glow, mix(ink, self.palette.coat, 0.45));
        layer.flat(
            pen,
            &ellipse(x + 1.5 * narrow, y - ry * 0.42, 1.9 * narrow, 2.1),
            [255; 3],
        );
        layer.flat(
            pen,
            &ellipse(x - 1.7 * narrow, y + ry * 0.4, 1.0, 1.0),
            [255; 3],
        );
        if eyes == Eyes::Sleepy {
            let lid = Shape::Both(
                Box::new(ellipse(x, y, rx + 1.3, ry + 1.3)),
                Box::new(block(
                    x - rx - 2.0,
                    y - ry - 2.0,
                    x + rx + 2.0,
                    y - ry * 0.42,
                )),
            );
            layer.flat(pen, &lid, shaded(self.palette.coat));
            let lash = stroke(
                (x - rx - 0.8, y - ry * 0.42),
                0.9,
                (x + rx + 0.8, y - ry * 0.42),
                0.9,
            );
            layer.flat(pen, &lash, ink);
        }
    }

    fn mouth(&self, layer: &mut Layer, pen: &Affine) {
        let (ink, nose) = (self.palette.ink, self.palette.nose);
        let side = self.view == View::Side;
        let out = |length: f32| if side { self.face_x(0.0) + length } else { 0.0 };
        match self.design.species {
            Species::Duckling => {
                let x = out(12.0);
                let lower = ellipse(x, -9.8, 9.0, 4.6);
                let upper = ellipse(x, -13.5, 12.0, 5.0);
                layer.flat(pen, &lower, shaded(nose));
                layer.flat(pen, &upper, nose);
                for at in [-3.0, 3.0] {
                    layer.flat(pen, &ellipse(x + at, -15.8, 0.9, 0.7), shaded(shaded(nose)));
                }
            }
            Species::Frog => {
                let x = self.face_x(0.0) + if side { 3.0 } else { 0.0 };
                for at in [-2.4, 2.4] {
                    layer.flat(pen, &ellipse(x + at, -20.0, 0.9, 0.9), ink);
                }
                layer.flat(pen, &smile(x, -21.0, 13.0, 1.7), ink);
            }
            species => {
                let (length, width) = match species {
                    Species::Fox => (20.0, 4.2),
                    Species::Mouse => (18.0, 3.6),
                    Species::Bear => (15.0, 5.0),
                    Species::Dragon => (15.0, 0.0),
                    _ => (10.0, 3.2),
                };
                let x = out(length);
                if species == Species::Dragon {
                    layer.flat(
                        pen,
                        &Shape::Union(vec![
                            ellipse(x, -13.2, 1.9, 1.7),
                            ellipse(x - 6.0, -13.0, 1.2, 1.0),
                            ellipse(x + 6.0, -13.0, 1.2, 1.0),
                        ]),
                        nose,
                    );
                } else {
                    layer.flat(pen, &ellipse(x, -13.0, width, width * 0.72), nose);
                }
                let mouth = if side { x - 4.0 } else { x };
                for at in [-2.5, 2.5] {
                    layer.flat(pen, &smile(mouth + at, -9.2, 3.1, 1.3), ink);
                }
                if matches!(species, Species::Rabbit | Species::Mouse) {
                    layer.flat(pen, &block(mouth - 1.7, -7.4, mouth + 1.7, -4.2), [255; 3]);
                }
            }
        }
    }

    /// An ear (or a horn) that points up from where it is attached.
    pub(super) fn ear(&self, layer: &mut Layer, at: &Affine) {
        let pen = &at.scaled(self.design.ear_size, self.design.ear_size);
        let (outer, inner) = match self.design.species {
            Species::Fox => (
                polygon(&[(-9.0, 4.0), (10.0, 4.0), (2.0, -21.0)], 3.0),
                polygon(&[(-4.5, 2.0), (6.0, 2.0), (1.6, -13.0)], 1.5),
            ),
            Species::Cat => (
                polygon(&[(-9.5, 5.0), (9.5, 5.0), (3.0, -13.0)], 2.6),
                polygon(&[(-4.5, 3.0), (5.5, 3.0), (2.2, -7.0)], 1.4),
            ),
            Species::Rabbit => (
                ellipse(0.0, -16.0, 8.2, 22.0),
                ellipse(0.4, -15.0, 4.0, 15.5),
            ),
            Species::Bear => (ellipse(0.0, -4.0, 10.0, 10.0), ellipse(0.0, -3.0, 5.4, 5.6)),
            Species::Mouse => (
                ellipse(0.0, -9.0, 15.5, 15.5),
                ellipse(0.4, -8.0, 9.8, 10.0),
            ),
            Species::Dragon => (
                blend(
                    vec![
                        stroke((0.0, 3.0), 5.6, (1.0, -8.0), 4.0),
                        stroke((1.0, -8.0), 4.0, (6.0, -17.0), 1.4),
                    ],
                    1.0,
                ),
                stroke((-1.5, -6.5), 0.9, (4.5, -8.0), 0.9),
            ),
            Species::Duckling | Species::Frog => return,
        };
        if self.design.species == Species::Dragon {
            layer.form(pen, &outer, self.palette.light);
            layer.marking(pen, &outer, &inner, shaded(self.palette.light));
            return;
        }
        layer.form(pen, &outer, self.palette.coat);
        if self.view != View::Back {
            layer.marking(pen, &outer, &inner, self.palette.inner);
        }
        if self.design.species == Species::Fox {
            layer.marking(
                pen,
                &outer,
                &ellipse(2.0, -24.0, 9.0, 10.0),
                shaded(shaded(self.palette.coat)),
            );
        }
    }

    /// A hat that stands on its origin.
    pub(super) fn hat(&self, layer: &mut Layer, pen: &Affine) {
        let colour = self.palette.hat;
        match self.design.hat {
            Hat::Beanie => {
                let dome = Shape::Both(
                    Box::new(ellipse(0.0, 2.0, 19.0, 16.0)),
                    Box::new(block(-20.0, -16.0, 20.0, 3.0)),
                );
                layer.form(pen, &ellipse(0.0, -16.0, 5.4, 5.2), self.palette.light);
                layer.form(pen, &dome, colour);
                layer.form(
                    pen,
                    &stroke((-17.5, 3.0), 3.4, (17.5, 3.0), 3.4),
                    mix(colour, [255; 3], 0.4),
                );
            }
            Hat::Crown => {
                let crown = polygon(
                    &[
                        (-11.0, 3.0),
                        (-13.0, -10.0),
                        (-6.0, -4.5),
                        (0.0, -13.0),
                        (6.0, -4.5),
                        (13.0, -10.0),
                        (11.0, 3.0),
                    ],
                    1.0,
                );
                layer.form(pen, &crown, colour);
                layer.flat(pen, &ellipse(0.0, -1.5, 2.2, 2.2), [216, 70, 92]);
                for side in [-7.0, 7.0] {
                    layer.flat(pen, &ellipse(side, -0.8, 1.4, 1.4), [90, 170, 220]);
                }
            }
            Hat::Cone => {
                let cone = polygon(&[(-11.0, 3.0), (11.0, 3.0), (0.0, -19.0)], 1.2);
                layer.form(pen, &cone, colour);
                for (y, slope) in [(-1.0, 5.0), (-10.0, 3.0)] {
                    let band = stroke((-12.0, y + slope * 0.7), 1.5, (12.0, y - slope * 0.7), 1.5);
                    layer.marking(pen, &cone, &band, self.palette.light);
                }
                layer.form(pen, &ellipse(0.0, -21.0, 3.8, 3.8), self.palette.light);
            }
            Hat::Sprout => {
                layer.flat(
                    pen,
                    &stroke((0.0, 3.0), 1.7, (0.0, -9.0), 1.5),
                    shaded(colour),
                );
                for side in [-1.0, 1.0] {
                    let leaf = &pen.moved(0.0, -9.0).turned(-28.0 * side);
                    layer.form(leaf, &ellipse(8.5 * side, 0.0, 9.0, 4.8), colour);
                    layer.flat(
                        leaf,
                        &stroke((2.0 * side, 0.0), 0.7, (12.0 * side, 0.0), 0.7),
                        shaded(colour),
                    );
                }
            }
            Hat::Flower => {
                for petal in [0.0, 72.0, 144.0, 216.0, 288.0] {
                    let turned = &pen.moved(0.0, -4.0).turned(petal);
                    layer.flat(turned, &ellipse(0.0, -6.6, 4.9, 5.1), shaded(colour));
                    layer.flat(turned, &ellipse(0.0, -5.8, 3.9, 4.5), colour);
                }
                layer.flat(
                    &pen.moved(0.0, -4.0),
                    &ellipse(0.0, 0.0, 4.2, 4.2),
                    if colour[2] < 100 {
                        [255, 250, 232]
                    } else {
                        [250, 206, 84]
                    },
                );
            }
            Hat::Bare => {}
        }
    }

    /// A place of the hat that has its own colour, for sampling.
    pub(super) const fn hat_mark(&self) -> (f32, f32) {
        match self.design.hat {
            Hat::Beanie => (-6.0, -5.0),
            Hat::Crown => (-8.8, -3.2),
            Hat::Cone => (-1.0, -5.5),
            Hat::Sprout => (-7.0, -14.5),
            Hat::Flower => (0.0, -10.6),
            Hat::Bare => (0.0, 0.0),
        }
    }
}
