//! JPEG: the segments before the first scan. Behind it, nobody writes metadata.

use std::collections::BTreeMap;
use std::io::{self, Read, Seek};

use super::{MAX_JUMBF, MAX_PARTS, Segments, Walk};

/// What stands before XMP (XMP specification part 3, 1.1.3).
pub(super) const XMP: &[u8] = b"http://ns.adobe.com/xap/1.0/\0";

/// What stands before a piece of what did not fit (1.1.3.1).
const XMP_EXTENSION: &[u8] = b"http://ns.adobe.com/xmp/extension/\0";

/// How long the digits are that name an extension.
const GUID: usize = 32;

/// What stands before the resources of Photoshop, of which IPTC is one.
const PHOTOSHOP: &[u8] = b"Photoshop 3.0\0";

/// The resource that holds IPTC.
const IPTC: u16 = 0x0404;

const SOS: u8 = 0xda;
const EOI: u8 = 0xd9;
const COM: u8 = 0xfe;
const APP1: u8 = 0xe1;
const APP11: u8 = 0xeb;
const APP13: u8 = 0xed;

/// Parts that come in several segments.
#[derive(Default)]
struct Pieces {
    /// By instance and number in the sequence: each with its own copy of the box's header.
    jumbf: BTreeMap<(u16, u32), Vec<u8>>,
    jumbf_length: usize,
    /// By the digits and the offset.
    xmp: BTreeMap<(Vec<u8>, u32), Vec<u8>>,
    photoshop: Vec<u8>,
}

pub(super) fn walk<R: Read + Seek>(walk: &mut Walk<R>, found: &mut Segments) -> io::Result<()> {
    let mut pieces = Pieces::default();
    let walked = walk_segments(walk, found, &mut pieces);
    pieces.join(found);
    walked
}

fn walk_segments<R: Read + Seek>(
    walk: &mut Walk<R>,
    found: &mut Segments,
    pieces: &mut Pieces,
) -> io::Result<()> {
    walk.skip(2)?;
    loop {
        while walk.byte()? != 0xff {}
        let mut marker = walk.byte()?;
        while marker == 0xff {
            marker = walk.byte()?;
        }
        match marker {
            SOS | EOI => return Ok(()),
            // Without content.
            0x00 | 0x01 | 0xd0..=0xd8 => continue,
            _ => {}
        }
        let length = u16::from_be_bytes(walk.array()?).saturating_sub(2);
        if !matches!(marker, COM | APP1 | APP11 | APP13) {
            walk.skip(length.into())?;
            continue;
        }
        let content = walk.bytes(length.into())?;
        match marker {
            COM => found.add_comment(content),
            APP1 => pieces.add_app1(&content, found),
            APP11 => pieces.add_jumbf(&content, found),
            _ => pieces.add_photoshop(&content, found),
        }
    }
}

impl Pieces {
    fn add_app1(&mut self, content: &[u8], found: &mut Segments) {
        if content.starts_with(b"Exif\0\0") {
            found.add_exif(content);
        } else if let Some(xmp) = content.strip_prefix(XMP) {
            found.add_xmp(xmp);
        } else if let Some(piece) = content.strip_prefix(XMP_EXTENSION)
            && let Some((guid, rest)) = piece.split_at_checked(GUID)
            && let [_, _, _, _, o0, o1, o2, o3, piece @ ..] = rest
            && found.has_room("a piece of the XMP metadata", piece.len())
        {
            let offset = u32::from_be_bytes([*o0, *o1, *o2, *o3]);
            self.xmp.insert((guid.to_vec(), offset), piece.to_vec());
        }
    }

    /// Keeps a piece of a box (ISO 19566-5, annex D).
    fn add_jumbf(&mut self, content: &[u8], found: &mut Segments) {
        let [b'J', b'P', e0, e1, z0, z1, z2, z3, piece @ ..] = content else {
            return;
        };
        if self.jumbf_length + piece.len() > MAX_JUMBF {
            found.leave_out("C2PA manifests: too long to be read".to_owned());
            return;
        }
        self.jumbf_length += piece.len();
        let instance = u16::from_be_bytes([*e0, *e1]);
        let number = u32::from_be_bytes([*z0, *z1, *z2, *z3]);
        self.jumbf
            .entry((instance, number))
            .or_insert_with(|| piece.to_vec());
    }

    fn add_photoshop(&mut self, content: &[u8], found: &mut Segments) {
        if let Some(resources) = content.strip_prefix(PHOTOSHOP)
            && self.photoshop.len() < MAX_PARTS << 16
            && found.has_room("a piece of the IPTC metadata", resources.len())
        {
            self.photoshop.extend_from_slice(resources);
        }
    }

    fn join(self, found: &mut Segments) {
        if let Some(iptc) = photoshop_iptc(&self.photoshop) {
            found.add_iptc(&iptc);
        }
        let mut boxes: BTreeMap<u16, Vec<u8>> = BTreeMap::new();
        for ((instance, _), piece) in self.jumbf {
            match boxes.get_mut(&instance) {
                // Each piece repeats the header of the box.
                Some(joined) => joined.extend_from_slice(&piece[header_length(&piece)..]),
                None => drop(boxes.insert(instance, piece)),
            }
        }
        for joined in boxes.into_values() {
            if joined.get(4..8) == Some(b"jumb") {
                found.add_jumbf(&joined);
            }
        }
        let named = |guid: &[u8]| {
            let xmp = found.xmp.as_deref().unwrap_or_default();
            xmp.windows(GUID).any(|digits| digits == guid)
        };
        let mut extension: Vec<u8> = Vec::new();
        for ((_, offset), piece) in self.xmp.into_iter().filter(|((guid, _), _)| named(guid)) {
            // A gap ends what can be read.
            if u32::try_from(extension.len()) == Ok(offset) {
                extension.extend_from_slice(&piece);
            }
        }
        if !extension.is_empty() {
            found.xmp_extension = Some(extension);
        }
    }
}

/// Returns how long the header is that a piece of a box begins with.
fn header_length(piece: &[u8]) -> usize {
    let length = match piece.get(..4) {
        // A length of 1 says that the real one stands behind the type.
        Some([0, 0, 0, 1]) => 16,
        _ => 8,
    };
    length.min(piece.len())
}

/// Finds IPTC among the resources of Photoshop (Adobe Photoshop File Formats, image
/// resource blocks).
pub(super) fn photoshop_iptc(mut resources: &[u8]) -> Option<Vec<u8>> {
    let mut iptc = None;
    while let Some(rest) = resources.strip_prefix(b"8BIM") {
        let [i0, i1, name_length, rest @ ..] = rest else {
            break;
        };
        // The name and its length fill an even number of bytes.
        let name = usize::from(*name_length) | 1;
        let Some([l0, l1, l2, l3, rest @ ..]) = rest.get(name..) else {
            break;
        };
        let length = u32::from_be_bytes([*l0, *l1, *l2, *l3]);
        let Some(content) = usize::try_from(length)
            .ok()
            .and_then(|length| rest.get(..length))
        else {
            break;
        };
        if u16::from_be_bytes([*i0, *i1]) == IPTC {
            iptc.get_or_insert_with(Vec::new).extend_from_slice(content);
        }
        resources = rest
            .get(content.len() + content.len() % 2..)
            .unwrap_or_default();
    }
    iptc
}
