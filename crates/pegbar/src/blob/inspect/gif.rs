//! GIF (version 89a, 1990): blocks from the header to the trailer.

use std::io::{BufRead, Seek};

use super::exif::Orientation;
use super::source::{Part, Source};
use super::{Flaw, Picture, check_pixels};

const IMAGE: u8 = 0x2c;
const EXTENSION: u8 = 0x21;
const TRAILER: u8 = 0x3b;
const COMMENT: u8 = 0xfe;
const APPLICATION: u8 = 0xff;
const NONE: u8 = 0;

/// Walks from the header to the trailer.
pub(super) fn walk<R: BufRead + Seek>(
    source: &mut Source<R>,
    max_pixels: u64,
) -> Result<Picture, Flaw> {
    source.enter(Part::Named("its header"));
    source.skip(6)?;
    let [w0, w1, h0, h1, flags, _background, _aspect] = source.array()?;
    let mut width = u32::from(u16::from_le_bytes([w0, w1]));
    let mut height = u32::from(u16::from_le_bytes([h0, h1]));
    if width > 0 && height > 0 {
        check_pixels(width, height, max_pixels)?;
    }
    skip_colours(source, flags)?;
    let mut image_count = 0_u32;
    let mut has_metadata = false;
    loop {
        source.enter(Part::Named("what leads to its end, the trailer"));
        match source.byte()? {
            TRAILER => break,
            EXTENSION => {
                source.enter(Part::Named("an extension"));
                has_metadata |= match source.byte()? {
                    COMMENT => true,
                    APPLICATION => is_application_with_metadata(source)?,
                    _ => false,
                };
                skip_blocks(source)?;
            }
            IMAGE => {
                let (right, bottom) = skip_image(source)?;
                if width == 0 || height == 0 {
                    // A canvas without a size takes that of its first image.
                    (width, height) = (right, bottom);
                    check_pixels(width, height, max_pixels)?;
                }
                image_count = image_count.saturating_add(1);
            }
            // Some writers end an image twice.
            NONE => {}
            byte => {
                let what = format!("no block begins with the byte {byte:#04x}");
                return Err(source.damaged(&what));
            }
        }
    }
    if image_count == 0 {
        return Err(source.damaged("it holds no image"));
    }
    Ok(Picture {
        width,
        height,
        image_count,
        orientation: Orientation::NONE,
        has_metadata,
    })
}

/// Reads the first block of an application's extension, its name, and says whether it may
/// say how the image was made: most say how often it is played.
fn is_application_with_metadata<R: BufRead + Seek>(source: &mut Source<R>) -> Result<bool, Flaw> {
    let mut name = Vec::new();
    let length = source.byte()?;
    source.each_piece(length.into(), |piece| name.extend_from_slice(piece))?;
    Ok(name.starts_with(b"XMP Data") || name.starts_with(b"C2PA_GIF"))
}

/// Skips an image and returns how far to the right and down it goes.
fn skip_image<R: BufRead + Seek>(source: &mut Source<R>) -> Result<(u32, u32), Flaw> {
    source.enter(Part::Named("an image"));
    let [x0, x1, y0, y1, w0, w1, h0, h1, flags] = source.array()?;
    let number = |low, high| u32::from(u16::from_le_bytes([low, high]));
    let right = number(x0, x1) + number(w0, w1);
    let bottom = number(y0, y1) + number(h0, h1);
    skip_colours(source, flags)?;
    source.enter(Part::Named("the pixels of an image"));
    let code_size = source.byte()?;
    if !(1..=11).contains(&code_size) {
        let what = format!("no pixels are packed in codes of {code_size} bits");
        return Err(source.damaged(&what));
    }
    if skip_blocks(source)? == 0 {
        return Err(source.damaged("an image without pixels"));
    }
    Ok((right, bottom))
}

/// Skips a table of colours, if the flags say that there is one.
fn skip_colours<R: BufRead + Seek>(source: &mut Source<R>, flags: u8) -> Result<(), Flaw> {
    if flags & 0x80 == 0 {
        return Ok(());
    }
    source.enter(Part::Named("a table of colours"));
    source.skip(3 << ((flags & 7) + 1))
}

/// Skips blocks up to the empty one that ends them, and returns how long they are together.
fn skip_blocks<R: BufRead + Seek>(source: &mut Source<R>) -> Result<u64, Flaw> {
    let mut length = 0;
    loop {
        match source.byte()? {
            0 => return Ok(length),
            block => {
                source.skip(block.into())?;
                length += u64::from(block);
            }
        }
    }
}
