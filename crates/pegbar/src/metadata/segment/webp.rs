//! WebP (RFC 9649): chunks, most of which stand behind the pixels.

use std::io::{self, Read, Seek};

use super::{MAX_JUMBF, MAX_TEXT, Segments, Walk};

pub(super) fn walk<R: Read + Seek>(walk: &mut Walk<R>, found: &mut Segments) -> io::Result<()> {
    walk.skip(12)?;
    while !walk.is_at_end()? {
        let kind: [u8; 4] = walk.array()?;
        let length = u32::from_le_bytes(walk.array()?);
        let max = match &kind {
            b"EXIF" | b"XMP " => MAX_TEXT,
            b"C2PA" => MAX_JUMBF,
            _ => 0,
        };
        let is_kept = usize::try_from(length).is_ok_and(|length| length <= max);
        if is_kept && max > 0 {
            let content = walk.bytes(length)?;
            match &kind {
                b"EXIF" => found.add_exif(&content),
                b"XMP " => found.add_xmp(&content),
                _ => found.add_jumbf(&content),
            }
        } else {
            if max > 0 {
                let name = String::from_utf8_lossy(&kind);
                found.leave_out(format!("the {} chunk: too long to be read", name.trim()));
            }
            walk.skip(length)?;
        }
        walk.skip(length % 2)?;
    }
    Ok(())
}
