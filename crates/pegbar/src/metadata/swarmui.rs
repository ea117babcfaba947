//! SwarmUI: JSON with the parameters of the image in an object of their own.

use serde_json::Value;

use super::fields::{self, Fields};
use super::loose;
use super::piece::Pieces;
use crate::claim::NewClaim;

const PARAMETERS: &str = "sui_image_params";

const NAMES: &[(&str, &str)] = &[
    ("prompt", fields::PROMPT),
    ("negativeprompt", fields::NEGATIVE_PROMPT),
    ("model", fields::MODEL),
    ("seed", fields::SEED),
    ("steps", fields::STEPS),
    ("sampler", fields::SAMPLER),
    ("comfyuisampler", fields::SAMPLER),
    ("cfgscale", fields::CFG_SCALE),
    ("width", fields::WIDTH),
    ("height", fields::HEIGHT),
];

pub(super) fn read(pieces: &mut Pieces) -> Option<NewClaim> {
    let (piece, mut found) = pieces.take_usual(|text| {
        let found = loose::object(text).filter(|_| text.contains(PARAMETERS))?;
        found.members.get(PARAMETERS)?.is_object().then_some(found)
    })?;
    let mut fields = Fields::new();
    if let Some(Value::Object(mut parameters)) = found.members.remove(PARAMETERS) {
        if let Some(Value::String(version)) = parameters.remove("swarm_version") {
            fields.set(fields::SOFTWARE, format!("SwarmUI {version}"));
        }
        fields.add_members(parameters, NAMES);
    }
    let model = found.members.get("sui_models").and_then(Value::as_array);
    let model = model.and_then(|models| models.iter().find(|model| model["param"] == "model"));
    if let Some(Value::String(hash)) = model.and_then(|model| model.get("hash")) {
        fields.set(fields::MODEL_HASH, hash.as_str());
    }
    let extra = found.members.get("sui_extra_data");
    let date = extra.and_then(|extra| extra.get("date")?.as_str());
    fields.set(fields::CREATED_AT, date);
    fields.add_members(found.members, &[]);
    found
        .problem
        .into_iter()
        .for_each(|problem| fields.problem(problem));
    Some(fields.into_claim("swarmui", pieces.place, &[piece]))
}
