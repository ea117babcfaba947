//! IPTC's records (Information Interchange Model 4.2), as older programs write them.

use std::fmt::Write as _;

use super::exif::utf16;
use super::fields::{self, Fields};
use super::piece::Place;
use super::segment::latin1;
use crate::claim::NewClaim;

/// The data sets of the second record that hold text, by their names (chapter 6).
const NAMES: &[(u8, &str)] = &[
    (5, "objectName"),
    (15, "category"),
    (25, "keywords"),
    (40, "specialInstructions"),
    (55, "dateCreated"),
    (60, "timeCreated"),
    (65, "originatingProgram"),
    (70, "programVersion"),
    (80, "byline"),
    (85, "bylineTitle"),
    (105, "headline"),
    (110, "credit"),
    (115, "source"),
    (116, "copyrightNotice"),
    (120, "caption"),
    (122, "writer"),
];

const MAX_SETS: usize = 1000;

/// Reads the records; `None` where they hold no text.
pub(super) fn read(bytes: &[u8]) -> Option<NewClaim> {
    let mut fields = Fields::new();
    let mut raw = String::new();
    let mut rest = bytes;
    for _ in 0..MAX_SETS {
        // What is left when all is read is padding.
        let [0x1c, record, set, l0, l1, behind @ ..] = rest else {
            break;
        };
        let length = usize::from(u16::from_be_bytes([*l0, *l1]));
        let Some((value, behind)) = behind.split_at_checked(length) else {
            fields.problem("cut short");
            break;
        };
        rest = behind;
        let name = NAMES.iter().find(|(number, _)| number == set);
        let (2, Some((_, name))) = (*record, name) else {
            continue;
        };
        let value = match value {
            [0xfe, 0xff, ..] => utf16(value, false),
            _ => latin1(value),
        };
        // Writing to a String cannot fail.
        let _ = writeln!(raw, "{name}: {value}");
        match *name {
            "originatingProgram" => fields.set(fields::SOFTWARE, value),
            _ => fields.add_other(*name, value),
        }
    }
    (!fields.is_empty()).then(|| fields.into_claim_of("iptc", Place::Iptc, raw))
}
