//! The names of things in PROV: qualified names (PROV-N, section 3.7.1), and typed values.

use std::fmt::{Display, Write as _};

use serde_json::{Value, json};

use crate::asset::Asset;
use crate::export::NAMESPACE;
use crate::hash::Sha256;
use crate::id::{AssetId, GenerationId, ProjectId};
use crate::time::MillisSinceEpoch;

/// Every prefix that a name may have.
pub(super) const PREFIXES: [(&str, &str); 3] = [
    ("pegbar", NAMESPACE),
    ("prov", "http://www.w3.org/ns/prov#"),
    ("xsd", "http://www.w3.org/2001/XMLSchema#"),
];

pub(super) fn project(id: ProjectId) -> String {
    format!("pegbar:project/{id}")
}

pub(super) fn asset(id: AssetId) -> String {
    format!("pegbar:asset/{id}")
}

pub(super) fn generation(id: GenerationId) -> String {
    format!("pegbar:generation/{id}")
}

/// Names the activity that an asset came from: its generation, or one of its own.
pub(super) fn activity(asset: &Asset) -> String {
    match asset.generation_id {
        Some(id) => generation(id),
        None => format!("pegbar:generation-of/{}", asset.id),
    }
}

/// Names a prompt by its text: where several were the same, it is one entity.
pub(super) fn prompt(sha256: Sha256) -> String {
    format!("pegbar:prompt/{sha256}")
}

/// Names a model. What a name may not hold is written like `%20`.
pub(super) fn model(model: &str) -> String {
    let mut name = "pegbar:model/".to_owned();
    for byte in model.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_".contains(&byte) {
            name.push(byte.into());
        } else {
            // Writing to a String cannot fail.
            let _ = write!(name, "%{byte:02X}");
        }
    }
    name
}

/// A name as the value of an attribute.
pub(super) fn typed(name: &str) -> Value {
    json!({ "$": name, "type": "prov:QUALIFIED_NAME" })
}

pub(super) fn time(time: MillisSinceEpoch) -> Value {
    json!({ "$": time, "type": "xsd:dateTime" })
}

/// An integer that may have more than 32 bits, which a bare number stands for in PROV-JSON.
pub(super) fn long(number: impl Display) -> Value {
    json!({ "$": number.to_string(), "type": "xsd:long" })
}
