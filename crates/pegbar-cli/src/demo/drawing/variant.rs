//! Variations made from the pixels of the front view: other colours, and a small sprite.

#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "colour channels, rounded and limited to 0..=255"
)]

use image::{Rgba, RgbaImage};

use super::{
    design::Design,
    paint::{Rgb, lit, shaded},
    view::read_palette,
};

/// Side of the sprite, in pixels.
pub(super) const SPRITE_SIZE: u32 = 64;

/// A turn of every hue, by a third of the colour circle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum HueTurn {
    Onwards,
    Back,
}

impl HueTurn {
    pub(super) const fn degrees(self) -> i32 {
        match self {
            Self::Onwards => 120,
            Self::Back => -120,
        }
    }
}

/// Turns the hue of every pixel, keeping its lightness and transparency.
pub(super) fn other_colours(front: &RgbaImage, turn: HueTurn) -> RgbaImage {
    let mut picture = front.clone();
    for Rgba([r, g, b, _]) in picture.pixels_mut() {
        let [red, green, blue] = match turn {
            HueTurn::Onwards => [*b, *r, *g],
            HueTurn::Back => [*g, *b, *r],
        }
        .map(f32::from);
        // Rec. 709 luma; a third of the circle only swaps the channels, so the lightness is put
        // back by moving all three together.
        let luma = |r: f32, g: f32, b: f32| 0.2126 * r + 0.7152 * g + 0.0722 * b;
        let before = luma(f32::from(*r), f32::from(*g), f32::from(*b));
        let after = luma(red, green, blue);
        // Less colourful too: a soft red gives a shrill green.
        let channel = |value: f32| {
            let muted = after + (value - after) * 0.8;
            (muted + (before - after) * 0.8 + 0.5).clamp(0.0, 255.0) as u8
        };
        (*r, *g, *b) = (channel(red), channel(green), channel(blue));
    }
    picture
}

/// Redraws the front view as pixel art, in the colours read off it.
///
/// Each pixel is what most of the pixels it stands for are nearest to; lines count for more, as
/// they are thinner than a pixel.
pub(super) fn sprite(design: &Design, front: &RgbaImage) -> RgbaImage {
    let palette = read_palette(design, front);
    let mut colours: Vec<Rgb> = vec![[255; 3]];
    for (name, colour) in palette.swatches() {
        colours.push(colour);
        if name != "ink" {
            colours.extend([shaded(colour), lit(colour)]);
        }
    }
    let step = front.width() / SPRITE_SIZE;
    RgbaImage::from_fn(SPRITE_SIZE, SPRITE_SIZE, |x, y| {
        let mut votes = vec![0_u32; colours.len()];
        let mut solid = 0;
        for (sx, sy) in (0..step).flat_map(|sy| (0..step).map(move |sx| (sx, sy))) {
            let Some(pixel) = front.get_pixel_checked(x * step + sx, y * step + sy) else {
                continue;
            };
            if pixel[3] < 128 {
                continue;
            }
            solid += 1;
            let nearest = (0..colours.len()).min_by_key(|i| distance(colours[*i], *pixel));
            if let Some(nearest) = nearest {
                votes[nearest] += if colours[nearest] == palette.ink {
                    9
                } else {
                    5
                };
            }
        }
        // The first of several with the most votes.
        let most = (0..votes.len()).rev().max_by_key(|i| votes[*i]);
        match most {
            Some(most) if solid * 2 >= step * step => {
                let [r, g, b] = colours[most];
                Rgba([r, g, b, 255])
            }
            _ => Rgba([0; 4]),
        }
    })
}

fn distance(colour: Rgb, pixel: Rgba<u8>) -> u32 {
    colour
        .iter()
        .zip(pixel.0)
        .map(|(a, b)| u32::from(a.abs_diff(b)).pow(2))
        .sum()
}
