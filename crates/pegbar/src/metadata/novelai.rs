//! NovelAI: several texts, of which one is JSON; in WebP, and hidden in the alpha channel, JSON
//! with those texts as its members.

use serde_json::Value;

use super::fields::{self, Fields};
use super::loose;
use super::piece::{Piece, Pieces};
use crate::claim::NewClaim;

const COMMENT: &str = "Comment";
const DESCRIPTION: &str = "Description";
const SOFTWARE: &str = "Software";
const SOURCE: &str = "Source";

/// What it writes beside the image, in its order.
const TEXTS: &[&str] = &[
    "Title",
    DESCRIPTION,
    SOFTWARE,
    SOURCE,
    "Generation time",
    COMMENT,
];

const NAMES: &[(&str, &str)] = &[
    ("prompt", fields::PROMPT),
    ("uc", fields::NEGATIVE_PROMPT),
    ("seed", fields::SEED),
    ("steps", fields::STEPS),
    ("sampler", fields::SAMPLER),
    ("scale", fields::CFG_SCALE),
    ("width", fields::WIDTH),
    ("height", fields::HEIGHT),
];

pub(super) fn read(pieces: &mut Pieces) -> Option<NewClaim> {
    if pieces.text(SOFTWARE) == Some("NovelAI") && pieces.text(COMMENT).is_some() {
        let taken = pieces.take(TEXTS);
        let fields = of_texts(&taken);
        return Some(fields.into_claim("novelai", pieces.place, &taken));
    }
    let (piece, fields) = pieces.take_usual(of_json)?;
    let mut taken = vec![piece];
    if pieces.text(SOFTWARE) == Some("NovelAI") {
        taken.extend(pieces.take(&["ImageDescription", SOFTWARE]));
    }
    Some(fields.into_claim("novelai", pieces.place, &taken))
}

/// Reads JSON whose members are the texts, or what is the comment among them.
fn of_json(text: &str) -> Option<Fields> {
    let found = loose::object(text)?;
    let members = &found.members;
    if members.contains_key("signed_hash") && members.contains_key("uc") {
        let mut fields = Fields::new();
        fields.set(fields::SOFTWARE, "NovelAI");
        fields.add_members(found.members, NAMES);
        return Some(fields);
    }
    let is_ours = members
        .get(SOFTWARE)
        .is_some_and(|software| software == "NovelAI");
    if !is_ours || !members.contains_key(COMMENT) {
        return None;
    }
    let texts = found.members.into_iter().map(|(name, value)| Piece {
        name,
        text: match value {
            Value::String(text) => text,
            other => other.to_string(),
        },
    });
    let mut fields = of_texts(&texts.collect::<Vec<_>>());
    found
        .problem
        .into_iter()
        .for_each(|problem| fields.problem(problem));
    Some(fields)
}

fn of_texts(texts: &[Piece]) -> Fields {
    let mut fields = Fields::new();
    let mut description = None;
    for Piece { name, text } in texts {
        match name.as_str() {
            COMMENT => match loose::object(text) {
                Some(found) => {
                    fields.add_members(found.members, NAMES);
                    found
                        .problem
                        .into_iter()
                        .for_each(|problem| fields.problem(problem));
                }
                None => fields.problem("its comment is not JSON"),
            },
            DESCRIPTION => description = Some(text),
            SOFTWARE => fields.set(fields::SOFTWARE, text.as_str()),
            // The model's name is followed by its hash.
            SOURCE => match text.rsplit_once(' ') {
                Some((model, hash)) if is_hash(hash) => {
                    fields.set(fields::MODEL, model);
                    fields.set(fields::MODEL_HASH, hash);
                }
                _ => fields.set(fields::MODEL, text.as_str()),
            },
            _ => fields.add_other(name, text.as_str()),
        }
    }
    // Older comments do not have the prompt.
    if let Some(description) = description {
        fields.set(fields::PROMPT, description.as_str());
    }
    fields
}

fn is_hash(text: &str) -> bool {
    text.len() == 8 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}
