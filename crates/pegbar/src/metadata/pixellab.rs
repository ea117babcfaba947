//! PixelLab: what the `metadata.json` of an export says of its character, and so of each image.

use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::fields::{self, Fields};
use super::loose;
use super::piece::Place;
use crate::claim::NewClaim;

const NAMES: &[(&str, &str)] = &[
    ("prompt", fields::PROMPT),
    ("created_at", fields::CREATED_AT),
];

#[derive(Deserialize)]
struct Export<'a> {
    #[serde(borrow)]
    character: &'a RawValue,
}

/// Reads the text of a `metadata.json`, as far as it is one.
pub(crate) fn claim(text: &str) -> NewClaim {
    let mut fields = Fields::new();
    let export = serde_json::from_str::<Export<'_>>(text);
    let raw = export.map(|export| export.character.get());
    let raw = raw.unwrap_or_default();
    match loose::object(raw) {
        Some(found) => {
            let mut members = found.members;
            if let Some(Value::Object(size)) = members.get_mut("size") {
                fields.set(fields::WIDTH, size.remove("width").unwrap_or_default());
                fields.set(fields::HEIGHT, size.remove("height").unwrap_or_default());
            }
            members.retain(|name, value| name != "size" || *value != Value::Object(Map::default()));
            fields.add_members(members, NAMES);
        }
        None => fields.problem("it does not say which character it is of"),
    }
    fields.into_claim_of("pixellab", Place::Export, raw.to_owned())
}
