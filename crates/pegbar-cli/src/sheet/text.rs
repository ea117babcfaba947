//! Text in GNU Unifont, a bitmap font for nearly all of Unicode that is built into the program.
//!
//! Glyphs are 8 or 16 pixels wide and 16 high. Characters follow each other from left to right as
//! they are stored: marks are laid over the letter before them, but scripts are not shaped and
//! right-to-left text is not turned around. What has no glyph is shown as a box with its code
//! point, never left out.

use image::{Rgba, RgbaImage};
use unicode_width::UnicodeWidthChar;
use unifont_bitmap::Unifont;

/// Height of a line of text at scale 1, in pixels.
pub(super) const LINE_HEIGHT: u32 = 18;
const GLYPH_HEIGHT: u32 = 16;

/// Writes text on pictures.
pub(super) struct Typewriter {
    // About 200 kB.
    font: Box<Unifont>,
}

/// The pixels of a character: one row per number, the leftmost pixel in the highest bit.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Glyph {
    width: u32,
    rows: [u16; 16],
}

impl Typewriter {
    pub(super) fn new() -> Self {
        Self {
            font: Box::new(Unifont::open()),
        }
    }

    /// The width of a text at scale 1, in pixels.
    pub(super) fn width(&mut self, text: &str) -> u32 {
        self.glyphs(text).iter().map(|glyph| glyph.width).sum()
    }

    /// Writes a line of text from its top left corner, shortened by an ellipsis where it is wider
    /// than `room` pixels.
    pub(super) fn write(
        &mut self,
        picture: &mut RgbaImage,
        (left, top): (u32, u32),
        text: &str,
        room: u32,
        colour: Rgba<u8>,
        scale: u32,
    ) {
        let mut x = left;
        for glyph in self.fitting(text, room / scale) {
            for (row, bits) in (0..GLYPH_HEIGHT).zip(glyph.rows) {
                for column in (0..glyph.width).filter(|column| bits & (0x8000 >> column) != 0) {
                    for (dx, dy) in (0..scale).flat_map(|dy| (0..scale).map(move |dx| (dx, dy))) {
                        let (px, py) = (x + column * scale + dx, top + row * scale + dy);
                        if let Some(pixel) = picture.get_pixel_mut_checked(px, py) {
                            *pixel = colour;
                        }
                    }
                }
            }
            x += glyph.width * scale;
        }
    }

    /// The glyphs of a text, cut off with an ellipsis where they need more than `room` pixels.
    fn fitting(&mut self, text: &str, room: u32) -> Vec<Glyph> {
        let mut glyphs = self.glyphs(text);
        let mut width: u32 = glyphs.iter().map(|glyph| glyph.width).sum();
        if width <= room {
            return glyphs;
        }
        let ellipsis = self.glyph('…');
        while width + ellipsis.width > room {
            match glyphs.pop() {
                Some(last) => width -= last.width,
                None => return glyphs,
            }
        }
        glyphs.push(ellipsis);
        glyphs
    }

    fn glyphs(&mut self, text: &str) -> Vec<Glyph> {
        let mut glyphs: Vec<Glyph> = Vec::new();
        for character in text.chars() {
            if is_silent(character) {
                continue;
            }
            let glyph = self.glyph(character);
            let is_mark = character.width() == Some(0);
            match glyphs.last_mut() {
                Some(before) if is_mark => before.overlay(&glyph),
                _ => glyphs.push(glyph),
            }
        }
        glyphs
    }

    fn glyph(&mut self, character: char) -> Glyph {
        if character.is_whitespace() {
            let wide = character.width() == Some(2);
            return Glyph {
                width: if wide { 16 } else { 8 },
                rows: [0; 16],
            };
        }
        // The font answers with the replacement character for what it lacks.
        let replacement = self.bitmap(char::REPLACEMENT_CHARACTER);
        let glyph = self.bitmap(character);
        let lacking = glyph == replacement && character != char::REPLACEMENT_CHARACTER;
        if lacking || character.is_control() {
            return code_point_box(character);
        }
        glyph
    }

    fn bitmap(&mut self, character: char) -> Glyph {
        let bitmap = self.font.load_bitmap(u32::from(character));
        let bytes = bitmap.get_bytes();
        let wide = bitmap.is_wide();
        let mut rows = [0; 16];
        for (row, bits) in rows.iter_mut().zip(bytes.chunks(if wide { 2 } else { 1 })) {
            *row = match bits {
                [left, right] => u16::from_be_bytes([*left, *right]),
                [only] => u16::from_be_bytes([*only, 0]),
                _ => 0,
            };
        }
        Glyph {
            width: if wide { 16 } else { 8 },
            rows,
        }
    }
}

impl Glyph {
    /// Lays a mark over the glyph, both ending on the right.
    fn overlay(&mut self, mark: &Self) {
        let wider = mark.width.saturating_sub(self.width);
        let shift = self.width.saturating_sub(mark.width);
        self.width += wider;
        for (row, bits) in self.rows.iter_mut().zip(mark.rows) {
            *row = (*row >> wider) | (bits >> shift);
        }
    }
}

/// Whether a character only says how its neighbours are drawn: a joiner or a variation selector.
fn is_silent(character: char) -> bool {
    matches!(character, '\u{200C}' | '\u{200D}' | '\u{FE00}'..='\u{FE0F}' | '\u{E0100}'..='\u{E01EF}')
}

/// The hexadecimal digits, three pixels wide and five high, a row in three bits.
const DIGITS: [[u16; 5]; 16] = [
    [7, 5, 5, 5, 7],
    [2, 6, 2, 2, 7],
    [7, 1, 7, 4, 7],
    [7, 1, 7, 1, 7],
    [5, 5, 7, 1, 1],
    [7, 4, 7, 1, 7],
    [7, 4, 7, 5, 7],
    [7, 1, 1, 1, 1],
    [7, 5, 7, 5, 7],
    [7, 5, 7, 1, 7],
    [7, 5, 7, 5, 5],
    [6, 5, 6, 5, 6],
    [7, 4, 4, 4, 7],
    [6, 5, 5, 5, 6],
    [7, 4, 7, 4, 7],
    [7, 4, 7, 4, 4],
];

/// A box with the six digits of a code point, for what the font lacks.
fn code_point_box(character: char) -> Glyph {
    let code = u32::from(character);
    let mut rows = [0x8002_u16; 16];
    (rows[0], rows[15]) = (0xFFFE, 0xFFFE);
    for place in 0..6_u16 {
        let digit = code >> (4 * (5 - u32::from(place))) & 0xF;
        let shape = DIGITS[usize::try_from(digit).unwrap_or(0)];
        let (column, line) = (place % 3, usize::from(place / 3));
        for (y, bits) in shape.into_iter().enumerate() {
            // Three bits from the right end to their columns: 2, 6 and 10.
            rows[2 + line * 7 + y] |= bits << (11 - 4 * column);
        }
    }
    Glyph { width: 16, rows }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_script_of_our_users_has_glyphs() {
        let mut typewriter = Typewriter::new();
        for text in [
            "Pip, a walk",
            "Ελλάδα",
            "Прогулка",
            "走る 歩く",
            "नमस्ते",
            "안녕",
            "שלום",
            "🦊🎨",
        ] {
            for character in text.chars().filter(|c| !is_silent(*c)) {
                let glyph = typewriter.glyph(character);
                assert_ne!(glyph, code_point_box(character), "no glyph for {character}");
            }
        }
    }

    #[test]
    fn what_the_font_lacks_shows_its_code_point() {
        let mut typewriter = Typewriter::new();
        for lacking in ['\u{10FFFF}', '\u{7}'] {
            let glyphs = typewriter.glyphs(&lacking.to_string());
            assert_eq!(glyphs, [code_point_box(lacking)]);
        }
        assert_ne!(code_point_box('\u{10FFFF}'), code_point_box('\u{10FFFE}'));
    }

    #[test]
    fn a_mark_takes_no_room_of_its_own() {
        let mut typewriter = Typewriter::new();
        assert_eq!(typewriter.width("e\u{301}"), typewriter.width("e"));
        assert_ne!(typewriter.glyphs("e\u{301}"), typewriter.glyphs("e"));
    }

    #[test]
    fn too_long_a_text_ends_in_an_ellipsis() {
        let mut typewriter = Typewriter::new();
        let ellipsis = typewriter.glyph('…');
        for (text, room) in [
            ("a long label", 40),
            ("走る走る走る", 70),
            ("x\u{301}y\u{301}z\u{301}", 17),
        ] {
            let fitting = typewriter.fitting(text, room);
            assert!(fitting.iter().map(|glyph| glyph.width).sum::<u32>() <= room);
            assert_eq!(fitting.last(), Some(&ellipsis));
        }
        assert_eq!(typewriter.fitting("short", 40).len(), 5);
        assert!(typewriter.fitting("no room", 3).is_empty());
    }
}
