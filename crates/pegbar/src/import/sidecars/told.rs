//! What a sidecar tells of an image, beside what the image says itself.

use serde_json::{Map, Value};

use crate::claim::NewClaim;
use crate::json::Json;
use crate::metadata::{FOUND_IN, is_of_file};

/// The place of claims that only the sidecar says to be in the file.
pub(super) const SIDECAR: &str = "sidecar";

/// Where a sidecar says that such a claim was found.
const SAID_TO_BE_IN: &str = "saidToBeIn";

/// Puts the claims of a sidecar together with what its file was found to say. Of what both say,
/// the file's own reading counts; what the sidecar alone says to be in the file is kept, and
/// says that it was found in the sidecar. What the file says and the sidecar does not comes
/// last.
pub(super) fn together(told: Vec<NewClaim>, mut found: Vec<NewClaim>) -> Vec<NewClaim> {
    let mut all = Vec::with_capacity(told.len());
    let mut taken = Vec::new();
    for claim in told {
        if !is_of_file(&claim) {
            all.push(claim);
            continue;
        }
        let is_same = |own: &NewClaim| own.says(&claim.tool, &claim.raw, &claim.fields);
        if let Some(place) = found.iter().position(is_same) {
            let own = found.remove(place);
            taken.push(own.clone());
            all.push(own);
        } else if !taken.iter().any(is_same) {
            all.push(marked(claim));
        }
    }
    all.extend(found);
    all
}

/// Says of a claim that it was found in the sidecar.
fn marked(claim: NewClaim) -> NewClaim {
    let mut fields = match claim.fields.as_value() {
        Value::Object(members) => members.clone(),
        other => Map::from_iter([("other".to_owned(), other.clone())]),
    };
    if let Some(place) = fields.insert(FOUND_IN.to_owned(), SIDECAR.into()) {
        fields.insert(SAID_TO_BE_IN.to_owned(), place);
    }
    // Fields that are no object and nest as deep as they may are too deep now: the text stays.
    let fields = Json::from_value(Value::Object(fields)).unwrap_or_default();
    NewClaim { fields, ..claim }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn claim(tool: &str, raw: &str, fields: Value) -> NewClaim {
        let fields = Json::from_value(fields).unwrap();
        NewClaim::new(tool).raw(raw).fields(fields)
    }

    #[test]
    fn what_the_file_says_counts_and_what_it_does_not_say_is_marked() {
        let own = claim(
            "a1111",
            "a cat",
            json!({"prompt": "a cat", "foundIn": "pngText"}),
        );
        let more = claim("xmp", "<x/>", json!({"foundIn": "xmp"}));
        let forged = claim(
            "a1111",
            "a cat",
            json!({"prompt": "a dog", "foundIn": "pngText"}),
        );
        let invented = claim("iptc", "by: Ada", json!({"foundIn": "iptc"}));
        let signed = claim("c2pa", "{}", json!({"generator": "G"}));
        let app = claim("megabananas", "{}", json!({"id": 1}));
        let export = claim("pixellab", "{}", json!({"foundIn": "metadata.json"}));
        let told = [&forged, &app, &invented, &signed, &export, &own].map(Clone::clone);
        let all = together(told.into(), vec![own.clone(), more.clone()]);
        let told_of = |claim: &NewClaim, fields| NewClaim {
            fields: Json::from_value(fields).unwrap(),
            ..claim.clone()
        };
        let expected = [
            own,
            app,
            told_of(
                &invented,
                json!({"foundIn": "sidecar", "saidToBeIn": "iptc"}),
            ),
            told_of(&signed, json!({"generator": "G", "foundIn": "sidecar"})),
            export,
            more,
        ];
        assert_eq!(all, expected);
        // Given on and taken in again, it stays as it is, whether or not it is marked.
        assert_eq!(
            together(all.clone(), vec![all[0].clone(), all[5].clone()]),
            all
        );
    }
}
