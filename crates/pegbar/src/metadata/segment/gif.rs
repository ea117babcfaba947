//! GIF (version 89a): comments, and the extensions of applications.

use std::io::{self, Read, Seek};

use super::{MAX_JUMBF, MAX_TEXT, Segments, Walk};

const IMAGE: u8 = 0x2c;
const EXTENSION: u8 = 0x21;
const TRAILER: u8 = 0x3b;
const COMMENT: u8 = 0xfe;
const APPLICATION: u8 = 0xff;

/// The extension that holds XMP (XMP specification part 3, 1.1.2).
const XMP: &[u8] = b"XMP DataXMP";

/// The extension that holds C2PA manifests, without its version (C2PA 2.1, A.3.6).
const C2PA: &[u8] = b"C2PA_GIF";

/// What follows XMP: the bytes 1, 255, 254 … 0, so that a reader of blocks finds the end
/// wherever it begins.
const XMP_TRAILER: usize = 257;

pub(super) fn walk<R: Read + Seek>(walk: &mut Walk<R>, found: &mut Segments) -> io::Result<()> {
    walk.skip(10)?;
    let [flags, _background, _aspect] = walk.array()?;
    skip_colours(walk, flags)?;
    loop {
        match walk.byte()? {
            TRAILER => return Ok(()),
            IMAGE => {
                let [.., flags] = walk.array::<9>()?;
                skip_colours(walk, flags)?;
                walk.skip(1)?;
                skip_blocks(walk)?;
            }
            EXTENSION => match walk.byte()? {
                COMMENT => {
                    if let Some(comment) = blocks(walk, MAX_TEXT, false)? {
                        found.add_comment(comment);
                    } else {
                        found.leave_out("a comment: too long to be read".to_owned());
                    }
                }
                APPLICATION => read_application(walk, found)?,
                _ => skip_blocks(walk)?,
            },
            _ => {}
        }
    }
}

fn read_application<R: Read + Seek>(walk: &mut Walk<R>, found: &mut Segments) -> io::Result<()> {
    let length = walk.byte()?;
    let name = walk.bytes(length.into())?;
    if name == XMP {
        // Not cut into blocks: what looks like their lengths is text.
        match blocks(walk, MAX_TEXT, true)? {
            Some(xmp) => {
                let end = xmp.len().saturating_sub(XMP_TRAILER);
                found.add_xmp(&xmp[..end]);
            }
            None => found.leave_out("the XMP metadata: too long to be read".to_owned()),
        }
    } else if name.starts_with(C2PA) {
        match blocks(walk, MAX_JUMBF, false)? {
            Some(jumbf) => found.add_jumbf(&jumbf),
            None => found.leave_out("C2PA manifests: too long to be read".to_owned()),
        }
    } else {
        skip_blocks(walk)?;
    }
    Ok(())
}

fn skip_colours<R: Read + Seek>(walk: &mut Walk<R>, flags: u8) -> io::Result<()> {
    match flags & 0x80 {
        0 => Ok(()),
        _ => walk.skip(3 << ((flags & 7) + 1)),
    }
}

fn skip_blocks<R: Read + Seek>(walk: &mut Walk<R>) -> io::Result<()> {
    loop {
        match walk.byte()? {
            0 => return Ok(()),
            block => walk.skip(block.into())?,
        }
    }
}

/// Joins blocks up to the empty one that ends them, with their lengths where these are text;
/// `None` where they are longer than `max`.
fn blocks<R: Read + Seek>(
    walk: &mut Walk<R>,
    max: usize,
    with_lengths: bool,
) -> io::Result<Option<Vec<u8>>> {
    let mut joined = Vec::new();
    loop {
        let length = walk.byte()?;
        if length == 0 {
            return Ok(Some(joined).filter(|joined| joined.len() <= max));
        }
        let block = walk.bytes(length.into())?;
        if joined.len() <= max {
            if with_lengths {
                joined.push(length);
            }
            joined.extend_from_slice(&block);
        }
    }
}
