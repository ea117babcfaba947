//! The body's parts, each painted about the joint it turns on.

use super::{
    design::{Neckwear, Outfit, Species},
    head::{Painter, View},
    paint::{Layer, mix, shaded},
    shape::{Affine, Shape, blend, block, ellipse, polygon, stroke},
};

impl Painter<'_> {
    fn torso_width(&self) -> f32 {
        let depth = if self.view == View::Side { 0.9 } else { 1.0 };
        self.design.body_width * depth
    }

    /// The torso, standing on the hip.
    pub(super) fn torso(&self, layer: &mut Layer, hip: &Affine) {
        let pen = &hip.scaled(self.torso_width(), 1.0);
        let (palette, front) = (
            &self.palette,
            if self.view == View::Side { 5.0 } else { 0.0 },
        );
        let torso = blend(
            vec![
                ellipse(0.0, -9.0, 16.5, 14.0),
                ellipse(0.0, -22.0, 12.0, 10.0),
            ],
            6.0,
        );
        let seen = self.view != View::Back;
        match self.design.outfit {
            Outfit::Bare => {
                layer.form(pen, &torso, palette.coat);
                if seen {
                    layer.marking(
                        pen,
                        &torso,
                        &ellipse(front, -9.0, 10.5, 14.0),
                        palette.light,
                    );
                }
            }
            Outfit::Jumper => {
                layer.form(pen, &torso, palette.outfit);
                for y in [-19.0, -11.0, 2.5] {
                    let stripe = block(-24.0, y - 1.6, 24.0, y + 1.6);
                    layer.marking(pen, &torso, &stripe, mix(palette.outfit, [255; 3], 0.62));
                }
            }
            Outfit::Dungarees => {
                layer.form(pen, &torso, palette.coat);
                let straps = Shape::Union(vec![
                    block(-24.0, -9.0, 24.0, 10.0),
                    block(front - 9.0, -17.0, front + 9.0, 0.0),
                    stroke((front - 8.0, -16.0), 2.2, (-8.0, -34.0), 2.2),
                    stroke((front + 8.0, -16.0), 2.2, (8.0, -34.0), 2.2),
                ]);
                layer.marking(pen, &torso, &straps, palette.outfit);
                if seen {
                    let pocket = block(front - 4.5, -12.5, front + 4.5, -6.5);
                    layer.marking(pen, &torso, &pocket, shaded(palette.outfit));
                    for side in [-7.0, 7.0] {
                        layer.marking(
                            pen,
                            &torso,
                            &ellipse(front + side, -15.5, 1.5, 1.5),
                            [252, 222, 120],
                        );
                    }
                }
            }
            Outfit::Raincoat => {
                let hem = polygon(
                    &[(-12.0, -8.0), (12.0, -8.0), (16.5, 7.0), (-16.5, 7.0)],
                    2.0,
                );
                let coat = blend(vec![torso, hem], 3.0);
                layer.form(pen, &coat, palette.outfit);
                layer.marking(
                    pen,
                    &coat,
                    &block(-24.0, 5.6, 24.0, 10.0),
                    shaded(palette.outfit),
                );
                if seen {
                    let seam = stroke((front * 1.4, -30.0), 0.8, (front * 1.4, 10.0), 0.8);
                    layer.marking(pen, &coat, &seam, shaded(shaded(palette.outfit)));
                    for y in [-15.0, -7.0, 1.0] {
                        layer.marking(
                            pen,
                            &coat,
                            &ellipse(front * 1.4 + 4.0, y, 1.6, 1.6),
                            palette.light,
                        );
                    }
                }
            }
        }
    }

    /// What is worn around the neck, in the torso's place.
    pub(super) fn neckwear(&self, layer: &mut Layer, hip: &Affine) {
        let pen = &hip.scaled(self.torso_width(), 1.0);
        let (colour, front) = (
            self.palette.neckwear,
            if self.view == View::Side { 5.0 } else { 0.0 },
        );
        let back = self.view == View::Back;
        match self.design.neckwear {
            Neckwear::Scarf => {
                layer.flat(
                    pen,
                    &stroke((-11.0, -23.0), 5.2, (11.0, -23.0), 5.2),
                    shaded(colour),
                );
                layer.flat(
                    pen,
                    &stroke((-11.0, -23.8), 4.4, (11.0, -23.8), 4.4),
                    colour,
                );
                if self.view == View::Front {
                    layer.flat(
                        pen,
                        &polygon(
                            &[(5.0, -21.0), (11.0, -21.0), (13.0, -7.0), (6.0, -7.0)],
                            1.0,
                        ),
                        colour,
                    );
                    layer.flat(pen, &block(5.6, -11.0, 13.6, -8.6), shaded(colour));
                }
            }
            Neckwear::Bandana => {
                let fold = if back { 0.0 } else { front };
                let cloth = polygon(&[(-13.0, -25.0), (13.0, -25.0), (fold, -11.0)], 1.8);
                layer.flat(pen, &cloth, colour);
                for (x, y) in [(-1.0, -16.0), (3.5, -20.5), (8.5, -23.0), (-10.5, -23.5)] {
                    layer.flat(
                        pen,
                        &ellipse(x + fold * 0.6, y, 1.2, 1.2),
                        mix(colour, [255; 3], 0.7),
                    );
                }
            }
            Neckwear::BowTie if !back => {
                for side in [-1.0, 1.0] {
                    let wing = polygon(
                        &[
                            (front, -20.5),
                            (front + 10.0 * side, -25.0),
                            (front + 10.0 * side, -16.0),
                        ],
                        1.2,
                    );
                    layer.flat(pen, &wing, colour);
                }
                layer.flat(pen, &ellipse(front, -20.5, 2.8, 3.2), shaded(colour));
            }
            Neckwear::BowTie => {
                layer.flat(
                    pen,
                    &stroke((-11.0, -23.0), 2.0, (11.0, -23.0), 2.0),
                    colour,
                );
            }
            Neckwear::Bare => {}
        }
    }

    /// The loose end of a scarf, streaming to the left.
    pub(super) fn scarf_end(&self, layer: &mut Layer, pen: &Affine) {
        if self.design.neckwear != Neckwear::Scarf {
            return;
        }
        let cloth = polygon(
            &[
                (0.0, -3.0),
                (-12.0, -5.0),
                (-23.0, -2.5),
                (-24.0, 5.5),
                (-12.0, 3.5),
                (0.0, 4.0),
            ],
            1.2,
        );
        layer.form(pen, &cloth, self.palette.neckwear);
        for x in [-20.5, -16.5] {
            let stripe = stroke((x, -9.0), 0.9, (x - 0.6, 9.0), 0.9);
            layer.marking(
                pen,
                &cloth,
                &stripe,
                mix(self.palette.neckwear, [255; 3], 0.6),
            );
        }
    }

    /// An arm that hangs from the shoulder.
    pub(super) fn arm(&self, layer: &mut Layer, shoulder: &Affine) {
        let sleeve = matches!(self.design.outfit, Outfit::Jumper | Outfit::Raincoat);
        let palette = &self.palette;
        if self.design.species == Species::Duckling && !sleeve {
            let wing = blend(
                vec![
                    stroke((0.0, 0.0), 5.4, (0.0, 13.0), 6.0),
                    stroke((-1.0, 12.0), 5.0, (-3.0, 22.0), 2.2),
                ],
                2.0,
            );
            layer.form(shoulder, &wing, palette.coat);
            return;
        }
        let arm = blend(
            vec![
                stroke((0.0, 0.0), 5.0, (0.0, 15.0), 4.6),
                ellipse(0.3, 18.5, 5.4, 5.2),
            ],
            2.0,
        );
        layer.form(shoulder, &arm, palette.coat);
        if sleeve {
            let cuff = block(-9.0, -9.0, 9.0, 14.0);
            layer.marking(shoulder, &arm, &cuff, palette.outfit);
            let hem = block(-9.0, 11.5, 9.0, 14.0);
            let hem_colour = match self.design.outfit {
                Outfit::Jumper => mix(palette.outfit, [255; 3], 0.62),
                _ => shaded(palette.outfit),
            };
            layer.marking(shoulder, &arm, &hem, hem_colour);
        }
    }

    fn leg_colour(&self) -> super::paint::Rgb {
        match (self.design.outfit, self.design.species) {
            (Outfit::Dungarees, _) => self.palette.outfit,
            (_, Species::Duckling) if !self.design.boots => self.palette.nose,
            _ => self.palette.coat,
        }
    }

    /// The upper leg, hanging from the hip.
    pub(super) fn thigh(&self, layer: &mut Layer, hip: &Affine) {
        let half = self.design.leg / 2.0;
        layer.form(
            hip,
            &stroke((0.0, 0.0), 7.2, (0.0, half), 6.2),
            self.leg_colour(),
        );
    }

    /// The lower leg, hanging from the knee.
    pub(super) fn shin(&self, layer: &mut Layer, knee: &Affine) {
        let half = self.design.leg / 2.0;
        let shin = stroke((0.0, 0.0), 6.2, (0.0, half), 5.4);
        layer.form(knee, &shin, self.leg_colour());
        if self.design.boots {
            let shaft = block(-9.0, half - 6.0, 9.0, half + 9.0);
            layer.marking(knee, &shin, &shaft, self.palette.feet);
        }
    }

    /// A foot about its ankle; in profile its toe points right.
    pub(super) fn foot(&self, layer: &mut Layer, ankle: &Affine) {
        let colour = self.palette.feet;
        if self.view == View::Side {
            let foot = Shape::Both(
                Box::new(blend(
                    vec![ellipse(0.0, 0.5, 6.8, 6.5), ellipse(6.0, 2.8, 8.4, 5.0)],
                    3.0,
                )),
                Box::new(block(-12.0, -9.0, 18.0, 6.6)),
            );
            layer.form(ankle, &foot, colour);
            let sole = block(-12.0, 4.4, 18.0, 8.0);
            layer.marking(ankle, &foot, &sole, shaded(shaded(colour)));
        } else {
            let foot = Shape::Both(
                Box::new(ellipse(0.0, 1.2, 8.2, 6.6)),
                Box::new(block(-10.0, -9.0, 10.0, 6.6)),
            );
            layer.form(ankle, &foot, colour);
            let sole = block(-10.0, 5.0, 10.0, 8.0);
            layer.marking(ankle, &foot, &sole, shaded(shaded(colour)));
        }
    }

    /// A tail that reaches to the left from its root.
    pub(super) fn tail(&self, layer: &mut Layer, root: &Affine) {
        let palette = &self.palette;
        match self.design.species {
            Species::Fox => {
                let brush = blend(
                    vec![
                        stroke((0.0, 0.0), 4.0, (-17.0, -2.0), 9.5),
                        stroke((-17.0, -2.0), 9.5, (-33.0, -21.0), 4.0),
                    ],
                    5.0,
                );
                layer.form(root, &brush, palette.coat);
                layer.marking(
                    root,
                    &brush,
                    &ellipse(-36.0, -24.0, 13.0, 13.0),
                    palette.light,
                );
            }
            Species::Cat => {
                let tail = blend(
                    vec![
                        stroke((0.0, 0.0), 3.8, (-15.0, 1.0), 3.8),
                        stroke((-15.0, 1.0), 3.8, (-25.0, -11.0), 3.8),
                        stroke((-25.0, -11.0), 3.8, (-22.0, -27.0), 4.4),
                    ],
                    3.0,
                );
                layer.form(root, &tail, palette.coat);
                let rings = Shape::Union(vec![
                    block(-32.0, -34.0, -14.0, -23.0),
                    polygon(
                        &[
                            (-30.0, -16.0),
                            (-18.0, -13.0),
                            (-18.0, -9.0),
                            (-31.0, -12.0),
                        ],
                        0.0,
                    ),
                ]);
                layer.marking(root, &tail, &rings, shaded(shaded(palette.coat)));
            }
            Species::Rabbit => layer.form(root, &ellipse(-5.0, -3.0, 8.0, 7.6), palette.light),
            Species::Bear => layer.form(root, &ellipse(-4.0, -3.0, 6.4, 6.0), palette.coat),
            Species::Mouse => {
                let tail = blend(
                    vec![
                        stroke((0.0, 0.0), 2.6, (-17.0, 4.0), 2.4),
                        stroke((-17.0, 4.0), 2.4, (-30.0, -6.0), 2.1),
                        stroke((-30.0, -6.0), 2.1, (-37.0, -19.0), 1.6),
                    ],
                    4.0,
                );
                layer.form(root, &tail, palette.inner);
            }
            Species::Duckling => {
                let tail = polygon(
                    &[
                        (2.0, 4.0),
                        (-12.0, -9.0),
                        (-10.0, -2.0),
                        (-15.0, -2.0),
                        (-4.0, 7.0),
                    ],
                    2.2,
                );
                layer.form(root, &tail, palette.coat);
            }
            Species::Dragon => {
                let spikes = Shape::Union(vec![
                    polygon(&[(-8.0, -5.0), (-13.0, -15.0), (-17.0, -4.0)], 1.0),
                    polygon(&[(-18.0, -4.0), (-26.0, -13.0), (-27.0, -3.0)], 1.0),
                ]);
                let tail = blend(
                    vec![
                        stroke((0.0, 0.0), 9.0, (-17.0, 2.0), 6.6),
                        stroke((-17.0, 2.0), 6.6, (-33.0, -8.0), 3.0),
                    ],
                    4.0,
                );
                let tip = polygon(&[(-31.0, -3.0), (-35.0, -21.0), (-43.0, -10.0)], 1.5);
                layer.form(root, &spikes, palette.light);
                layer.form(root, &tip, palette.light);
                layer.form(root, &tail, palette.coat);
            }
            Species::Frog => {}
        }
    }
}
