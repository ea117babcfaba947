//! The boxes of JUMBF (ISO/IEC 19566-5 annex A and ISO/IEC 15444-1 annex I), in which manifests
//! are kept.

/// The kinds of boxes that matter: the first four bytes of their UUIDs, which all end alike
/// (C2PA 2.1 section 11.1.4).
pub(super) mod kind {
    pub(in super::super) const STORE: [u8; 4] = *b"c2pa";
    pub(in super::super) const MANIFEST: [u8; 4] = *b"c2ma";
    pub(in super::super) const UPDATE: [u8; 4] = *b"c2um";
    pub(in super::super) const COMPRESSED: [u8; 4] = *b"c2cm";
    pub(in super::super) const CLAIM: [u8; 4] = *b"c2cl";
    pub(in super::super) const ASSERTIONS: [u8; 4] = *b"c2as";
    pub(in super::super) const SIGNATURE: [u8; 4] = *b"c2cs";
}

/// How many boxes one box may hold.
const MAX_BOXES: usize = 10_000;

/// A box that holds others, with the description that it begins with.
#[derive(Debug, Clone, Copy)]
pub(super) struct Superbox<'a> {
    /// The first four bytes of the UUID of its kind.
    pub(super) kind: [u8; 4],
    pub(super) label: &'a str,
    content: &'a [u8],
}

/// A box: its type, and what is in it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Content<'a> {
    pub(super) kind: [u8; 4],
    pub(super) bytes: &'a [u8],
}

impl<'a> Superbox<'a> {
    /// Reads the superboxes that follow each other in the bytes, up to the first that can't be
    /// read; says why that can't.
    pub(super) fn read_all(bytes: &'a [u8]) -> (Vec<Self>, Option<String>) {
        let mut found = Vec::new();
        let mut rest = bytes;
        while !rest.is_empty() && found.len() < MAX_BOXES {
            let opened = next(rest).and_then(|(first, after)| {
                rest = after;
                Self::open(first)
            });
            match opened {
                Ok(superbox) => found.push(superbox),
                Err(problem) => return (found, Some(problem)),
            }
        }
        (found, None)
    }

    /// Looks into a box of the type `jumb` (19566-5 A.3).
    fn open(jumb: Content<'a>) -> Result<Self, String> {
        if jumb.kind != *b"jumb" {
            return Err(format!(
                "a box \"{}\" where \"jumb\" is due",
                name(jumb.kind)
            ));
        }
        let (description, content) = next(jumb.bytes)?;
        let (kind, label) = match description {
            Content {
                kind: [b'j', b'u', b'm', b'd'],
                bytes,
            } => described(bytes)?,
            other => {
                let found = name(other.kind);
                return Err(format!("a box \"{found}\" where \"jumd\" is due"));
            }
        };
        Ok(Self {
            kind,
            label,
            content,
        })
    }

    /// Returns the boxes in it up to the first that can't be read, and why that can't.
    pub(super) fn boxes(&self) -> (Vec<Content<'a>>, Option<String>) {
        let mut boxes = Vec::new();
        let mut rest = self.content;
        while !rest.is_empty() {
            if boxes.len() == MAX_BOXES {
                let label = self.label;
                return (
                    boxes,
                    Some(format!("more than {MAX_BOXES} boxes in {label}")),
                );
            }
            match next(rest) {
                Ok((found, after)) => {
                    boxes.push(found);
                    rest = after;
                }
                Err(problem) => return (boxes, Some(format!("{problem}, in {}", self.label))),
            }
        }
        (boxes, None)
    }

    /// Returns the superboxes in it; what is unreadable is told to `problems`.
    pub(super) fn superboxes(&self, problems: &mut Vec<String>) -> Vec<Self> {
        let (boxes, problem) = self.boxes();
        problems.extend(problem);
        let mut found = Vec::with_capacity(boxes.len());
        for one in boxes.into_iter().filter(|one| one.kind == *b"jumb") {
            match Self::open(one) {
                Ok(superbox) => found.push(superbox),
                Err(problem) => problems.push(format!("{problem}, in {}", self.label)),
            }
        }
        found
    }
}

/// Takes the box at the start of the bytes (15444-1 I.4): a length, a type and, if the length
/// is 1, a longer length; 0 stands for all that is left.
fn next(bytes: &[u8]) -> Result<(Content<'_>, &[u8]), String> {
    let short = || "a box is cut off".to_owned();
    let (length, rest) = bytes.split_first_chunk::<4>().ok_or_else(short)?;
    let (kind, _) = rest.split_first_chunk::<4>().ok_or_else(short)?;
    let (start, length) = match u32::from_be_bytes(*length) {
        0 => (8, bytes.len() as u64),
        1 => {
            let long = bytes.get(8..).and_then(<[u8]>::first_chunk::<8>);
            (16, u64::from_be_bytes(*long.ok_or_else(short)?))
        }
        length => (8, u64::from(length)),
    };
    let end = usize::try_from(length)
        .ok()
        .filter(|end| *end <= bytes.len());
    let content = end.and_then(|end| bytes.get(start..end));
    match (content, end) {
        (Some(content), Some(end)) => Ok((
            Content {
                kind: *kind,
                bytes: content,
            },
            &bytes[end..],
        )),
        _ => Err(format!(
            "the box \"{}\" of {length} bytes does not fit in the {} that are there",
            name(*kind),
            bytes.len()
        )),
    }
}

/// Reads a description (19566-5 A.2): a UUID, what follows, and a label that ends with NUL.
fn described(bytes: &[u8]) -> Result<([u8; 4], &str), String> {
    let short = || "the description of a box is cut off".to_owned();
    let (kind, _) = bytes.split_first_chunk::<4>().ok_or_else(short)?;
    let toggles = *bytes.get(16).ok_or_else(short)?;
    if toggles & 0b10 == 0 {
        return Ok((*kind, ""));
    }
    let label = &bytes[17..];
    let end = label.iter().position(|byte| *byte == 0);
    let label = std::str::from_utf8(&label[..end.ok_or_else(short)?]);
    let label = label.map_err(|_| "the label of a box is not UTF-8".to_owned())?;
    Ok((*kind, label))
}

/// Writes the type of a box as it may be printed.
fn name(kind: [u8; 4]) -> String {
    kind.escape_ascii().to_string()
}
