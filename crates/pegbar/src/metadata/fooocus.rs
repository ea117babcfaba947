//! Fooocus: JSON, or a text like that of A1111, beside a text that says which.

use serde_json::Value;

use super::a1111;
use super::fields::{self, Fields};
use super::loose::{self, Loose};
use super::piece::{Piece, Pieces};
use crate::claim::NewClaim;

/// Where the scheme stands: in a PNG, and in Exif.
const SCHEMES: &[&str] = &["fooocus_scheme", "MakerNote"];

const NAMES: &[(&str, &str)] = &[
    ("prompt", fields::PROMPT),
    ("negative_prompt", fields::NEGATIVE_PROMPT),
    ("base_model", fields::MODEL),
    ("base_model_hash", fields::MODEL_HASH),
    ("seed", fields::SEED),
    ("steps", fields::STEPS),
    ("sampler", fields::SAMPLER),
    ("guidance_scale", fields::CFG_SCALE),
    ("version", fields::SOFTWARE),
];

pub(super) fn read(pieces: &mut Pieces) -> Option<NewClaim> {
    let scheme = SCHEMES
        .iter()
        .copied()
        .find(|name| matches!(pieces.text(name), Some("fooocus" | "a1111")));
    if let Some(name) = scheme
        && pieces.text(name) == Some("a1111")
    {
        let (piece, mut fields) = pieces.take_usual(a1111::parse)?;
        let others = pieces.take(&[name, "Software"]);
        set_software(&mut fields, &others);
        let pieces_of_claim = [vec![piece], others].concat();
        return Some(fields.into_claim("fooocus", pieces.place, &pieces_of_claim));
    }
    let (piece, found) = pieces.take_usual(json).or_else(|| {
        // Before there were schemes.
        let found = json(pieces.text("Comment")?)?;
        Some((pieces.take(&["Comment"]).pop()?, found))
    })?;
    let mut others = pieces.take(scheme.as_slice());
    if !others.is_empty() {
        others.extend(pieces.take(&["Software"]));
    }
    let mut fields = Fields::new();
    let mut members = found.members;
    if let Some(Value::String(size)) = members.remove("resolution") {
        fields.set_size(&size);
    }
    fields.add_members(members, NAMES);
    found
        .problem
        .into_iter()
        .for_each(|problem| fields.problem(problem));
    set_software(&mut fields, &others);
    let pieces_of_claim = [vec![piece], others].concat();
    Some(fields.into_claim("fooocus", pieces.place, &pieces_of_claim))
}

fn set_software(fields: &mut Fields, others: &[Piece]) {
    if let Some(piece) = others.iter().find(|piece| piece.name == "Software") {
        fields.set(fields::SOFTWARE, piece.text.as_str());
    }
}

/// Reads the JSON; older versions have titles where newer ones have names.
fn json(text: &str) -> Option<Loose> {
    let Loose { members, problem } = loose::object(text)?;
    let members: serde_json::Map<_, _> = members
        .into_iter()
        .map(|(name, value)| (name.to_lowercase().replace(' ', "_"), value))
        .collect();
    let has = |name| members.contains_key(name);
    let is_ours = has("prompt") && has("base_model") && (has("performance") || has("styles"));
    is_ours.then_some(Loose { members, problem })
}
