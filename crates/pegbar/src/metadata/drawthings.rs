//! Draw Things: JSON with names of one letter, as the user's comment of XMP.

use serde_json::Value;

use super::fields::{self, Fields};
use super::loose;
use super::piece::Pieces;
use crate::claim::NewClaim;

const COMMENT: &str = "exif:UserComment";

const NAMES: &[(&str, &str)] = &[
    ("c", fields::PROMPT),
    ("uc", fields::NEGATIVE_PROMPT),
    ("seed", fields::SEED),
    ("steps", fields::STEPS),
    ("sampler", fields::SAMPLER),
    ("scale", fields::CFG_SCALE),
    ("model", fields::MODEL),
];

pub(super) fn read(pieces: &mut Pieces) -> Option<NewClaim> {
    let found = loose::object(pieces.text(COMMENT)?)?;
    let mut members = found.members;
    let is_ours = members.contains_key("c") && members.contains_key("seed");
    if !is_ours {
        return None;
    }
    let mut fields = Fields::new();
    if let Some(Value::String(size)) = members.remove("size") {
        fields.set_size(&size);
    }
    fields.set(fields::SOFTWARE, pieces.text("xmp:CreatorTool"));
    fields.add_members(members, NAMES);
    found
        .problem
        .into_iter()
        .for_each(|problem| fields.problem(problem));
    let taken = pieces.take(&[COMMENT]);
    Some(fields.into_claim("drawthings", pieces.place, &taken))
}
