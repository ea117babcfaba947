//! The cut-out sheet: a character's parts in profile, laid apart to be cut out and re-posed.

#![allow(
    clippy::cast_precision_loss,
    reason = "cells of a sheet a few hundred pixels wide"
)]

use image::RgbaImage;

use super::{
    design::{Design, Eyes},
    head::{Painter, View},
    paint::{Canvas, Cutout, mix, shaded},
    shape::{Affine, Shape, block, ellipse, point, stroke},
    view::read_palette,
};

/// A part that turns on a joint of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    Head,
    HeadBlinking,
    Torso,
    Ear,
    Hat,
    Neckwear,
    ScarfEnd,
    Tail,
    Arm,
    Thigh,
    Shin,
    Foot,
}

/// Pixels of the sheet per unit.
const DENSITY: u32 = 2;
/// Size of the sheet, in units.
const SHEET: (u32, u32) = (260, 192);

impl Part {
    pub(super) const ALL: [Self; 12] = [
        Self::Head,
        Self::HeadBlinking,
        Self::Torso,
        Self::Ear,
        Self::Hat,
        Self::Neckwear,
        Self::ScarfEnd,
        Self::Tail,
        Self::Arm,
        Self::Thigh,
        Self::Shin,
        Self::Foot,
    ];

    /// The part's cell on the sheet and the joint inside it, in units: left, top, width, height,
    /// joint x, joint y.
    const fn cell(self) -> [u32; 6] {
        match self {
            Self::Head => [4, 4, 92, 72, 44, 64],
            Self::HeadBlinking => [100, 4, 92, 72, 44, 64],
            Self::Torso => [198, 4, 58, 56, 29, 44],
            Self::Ear => [4, 80, 44, 60, 22, 48],
            Self::Hat => [52, 80, 52, 44, 26, 34],
            Self::Neckwear => [108, 80, 40, 28, 20, 32],
            Self::ScarfEnd => [108, 112, 36, 24, 30, 11],
            Self::Tail => [152, 80, 60, 56, 47, 40],
            Self::Arm => [216, 66, 30, 40, 15, 9],
            Self::Foot => [216, 112, 36, 22, 14, 11],
            Self::Thigh => [4, 142, 24, 36, 12, 10],
            Self::Shin => [32, 142, 24, 36, 12, 10],
        }
    }

    /// The part's pixels on a sheet.
    pub(super) fn cut(self, sheet: &RgbaImage) -> Cutout<'_> {
        let [left, top, width, height, x, y] = self.cell();
        Cutout {
            sheet,
            pivot: point(((left + x) * DENSITY) as f32, ((top + y) * DENSITY) as f32),
            density: DENSITY as f32,
            cell: [left, top, width, height].map(|units| units * DENSITY),
        }
    }
}

/// Draws the cut-out sheet in the colours read off the front view.
///
/// The parts have no lines: they are inked once they are posed, so that a joint shows no seam.
pub(super) fn cutout_sheet(design: &Design, front: &RgbaImage) -> RgbaImage {
    let palette = read_palette(design, front);
    let painter = Painter {
        design,
        palette,
        view: View::Side,
    };
    let mut canvas = Canvas::new(SHEET.0 * DENSITY, SHEET.1 * DENSITY, DENSITY as f32, 2);
    let mut layer = canvas.layer();
    for part in Part::ALL {
        let [left, top, _, _, x, y] = part.cell();
        let pen = &Affine::at((left + x) as f32, (top + y) as f32);
        match part {
            Part::Head => painter.head(&mut layer, pen, design.eyes),
            Part::HeadBlinking => painter.head(&mut layer, pen, Eyes::Closed),
            Part::Torso => painter.torso(&mut layer, pen),
            Part::Ear => painter.ear(&mut layer, pen),
            Part::Hat => painter.hat(&mut layer, pen),
            Part::Neckwear => painter.neckwear(&mut layer, pen),
            Part::ScarfEnd => painter.scarf_end(&mut layer, pen),
            Part::Tail => painter.tail(&mut layer, pen),
            Part::Arm => painter.arm(&mut layer, pen),
            Part::Thigh => painter.thigh(&mut layer, pen),
            Part::Shin => painter.shin(&mut layer, pen),
            Part::Foot => painter.foot(&mut layer, pen),
        }
    }
    for (i, (_, colour)) in palette.swatches().into_iter().enumerate() {
        let x = 76.0 + 20.0 * i as f32;
        let chip = stroke((x, 151.0), 7.0, (x, 153.0), 7.0);
        layer.flat(&Affine::at(0.0, 0.0), &chip, shaded(colour));
        layer.flat(&Affine::at(0.0, -1.2), &chip, colour);
    }
    // The holes of an animator's peg bar: a round one between two long ones.
    let strip = stroke((74.0, 176.0), 8.0, (238.0, 176.0), 8.0);
    let holes = Shape::Union(vec![
        ellipse(156.0, 176.0, 4.0, 4.0),
        block(96.0, 173.5, 116.0, 178.5),
        block(196.0, 173.5, 216.0, 178.5),
    ]);
    let bar = Shape::Without(Box::new(strip), Box::new(holes));
    layer.flat(
        &Affine::at(0.0, 0.0),
        &bar,
        mix(palette.ink, [255; 3], 0.72),
    );
    canvas.ink(&layer, None, 0.0);
    canvas.finish()
}
