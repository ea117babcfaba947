//! What a claim says, in one vocabulary for all tools, bounded and fit for the database.

use serde_json::{Map, Number, Value};

use super::piece::{Piece, Place};
use crate::claim::NewClaim;
use crate::json::Json;
use crate::text::MAX_TEXT_BYTES;

pub(super) const PROMPT: &str = "prompt";
pub(super) const NEGATIVE_PROMPT: &str = "negativePrompt";
pub(super) const MODEL: &str = "model";
pub(super) const MODEL_HASH: &str = "modelHash";
pub(super) const SEED: &str = "seed";
pub(super) const STEPS: &str = "steps";
pub(super) const SAMPLER: &str = "sampler";
pub(super) const CFG_SCALE: &str = "cfgScale";
pub(super) const WIDTH: &str = "width";
pub(super) const HEIGHT: &str = "height";
pub(super) const SOFTWARE: &str = "software";
pub(super) const CREATED_AT: &str = "createdAt";
/// What has no name of ours, as it was found.
pub(super) const OTHER: &str = "other";
/// What could not be read.
const PROBLEM: &str = "problem";
/// The place where it was found.
pub(crate) const FOUND_IN: &str = "foundIn";
const TRUNCATED: &str = "truncated";

/// Those whose values are numbers, if they look like it.
const NUMBERS: &[&str] = &[SEED, STEPS, CFG_SCALE, WIDTH, HEIGHT];

/// How long all fields of a claim may be as JSON, in bytes.
const MAX_FIELDS: usize = 1 << 20;

/// How deep what was found may nest within `other`: [`Json`] keeps 64 levels.
const MAX_DEPTH: usize = 60;

/// The fields of a claim that is being read.
#[derive(Debug, Default)]
pub(super) struct Fields {
    known: Map<String, Value>,
    other: Map<String, Value>,
    problems: Vec<String>,
}

impl Fields {
    pub(super) fn new() -> Self {
        Self::default()
    }

    /// Sets a field, unless the value says nothing. What stands there already stays.
    pub(super) fn set(&mut self, name: &'static str, value: impl Into<Value>) {
        let value = value.into();
        let value = if NUMBERS.contains(&name) {
            number(value)
        } else {
            value
        };
        if !is_nothing(&value) && !self.known.contains_key(name) {
            self.known.insert(name.to_owned(), value);
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.known.is_empty() && self.other.is_empty()
    }

    /// Keeps what has no name of ours. A name that comes again gets a list.
    pub(super) fn add_other(&mut self, name: impl Into<String>, value: impl Into<Value>) {
        insert(&mut self.other, name.into(), value.into());
    }

    /// Moves the members of an object in: by the names of ours that `names` has for theirs,
    /// the rest as it is.
    pub(super) fn add_members(
        &mut self,
        members: Map<String, Value>,
        names: &[(&str, &'static str)],
    ) {
        for (theirs, value) in members {
            let known = names.iter().find(|(name, _)| *name == theirs);
            match known {
                Some((_, ours)) if !self.known.contains_key(*ours) => self.set(ours, value),
                _ => self.add_other(theirs, value),
            }
        }
    }

    /// Sets width and height from a text like `512x768`, `512×768` or `(512, 768)`.
    pub(super) fn set_size(&mut self, text: &str) {
        let mut numbers = text
            .split(|c: char| !c.is_ascii_digit())
            .filter(|digits| !digits.is_empty())
            .map_while(|digits| digits.parse::<u32>().ok());
        if let (Some(width), Some(height)) = (numbers.next(), numbers.next()) {
            self.set(WIDTH, width);
            self.set(HEIGHT, height);
        }
    }

    /// Says what could not be read.
    pub(super) fn problem(&mut self, problem: impl Into<String>) {
        self.problems.push(problem.into());
    }

    /// Makes the claim of what was read, with the pieces that it was read from.
    pub(super) fn into_claim(self, tool: &str, place: Place, pieces: &[Piece]) -> NewClaim {
        let raw = match pieces {
            [] => String::new(),
            [piece] => piece.text.clone(),
            pieces => {
                let mut by_name = Map::new();
                for Piece { name, text } in pieces {
                    insert(&mut by_name, name.clone(), text.as_str().into());
                }
                Value::Object(by_name).to_string()
            }
        };
        self.into_claim_of(tool, place, raw)
    }

    /// Makes the claim of what was read from a text.
    pub(super) fn into_claim_of(self, tool: &str, place: Place, mut raw: String) -> NewClaim {
        let Self {
            mut known,
            other,
            mut problems,
        } = self;
        known.insert(FOUND_IN.to_owned(), place.as_str().into());
        if raw.contains('\0') {
            raw = raw.replace('\0', "\u{fffd}");
            problems.push("the character NUL in it, which is not kept, became U+FFFD".to_owned());
        }
        if raw.len() > MAX_TEXT_BYTES {
            known.insert(TRUNCATED.to_owned(), true.into());
            let found = raw.len();
            raw.truncate(raw.floor_char_boundary(MAX_TEXT_BYTES));
            problems.push(format!(
                "{found} bytes long, of which the first {} are kept",
                raw.len()
            ));
        }
        if !other.is_empty() {
            known.insert(OTHER.to_owned(), Value::Object(other));
        }
        let mut value = kept(Value::Object(known), 0);
        if let Value::Object(members) = &mut value {
            for left_out in [OTHER, NEGATIVE_PROMPT, PROMPT] {
                if Value::Object(members.clone()).to_string().len() > MAX_FIELDS {
                    members.remove(left_out);
                    problems.push(format!("{left_out}: too long to be kept apart"));
                }
            }
            if !problems.is_empty() {
                let problems = kept(problems.join("; ").into(), 0);
                members.insert(PROBLEM.to_owned(), problems);
            }
        }
        NewClaim {
            tool: tool.to_owned(),
            // Without NUL, and not too deep.
            fields: Json::from_value(value).unwrap_or_else(|_| Json::empty_object()),
            raw,
        }
    }
}

/// Inserts a member. A name that comes again gets a list.
fn insert(members: &mut Map<String, Value>, name: String, value: Value) {
    match members.get_mut(&name) {
        None => drop(members.insert(name, value)),
        Some(Value::Array(values)) => values.push(value),
        Some(first) => *first = Value::Array(vec![first.take(), value]),
    }
}

fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        _ => false,
    }
}

/// Reads a number that was written as text; what else it may be stays as it is.
pub(super) fn number(value: Value) -> Value {
    let Value::String(text) = &value else {
        return value;
    };
    let text = text.trim();
    // What begins with more than one zero is no number that would stay what it is.
    if let Ok(integer) = text.parse::<i64>()
        && integer.to_string() == text
    {
        return integer.into();
    }
    let is_decimal = text
        .bytes()
        .all(|b| b.is_ascii_digit() || matches!(b, b'.' | b'-'));
    match text.parse::<f64>().ok().and_then(Number::from_f64) {
        Some(number) if is_decimal && text.contains('.') => Value::Number(number),
        _ => value,
    }
}

/// Makes a value fit for the database: NUL is replaced, and what nests too deep cut off.
fn kept(value: Value, depth: usize) -> Value {
    match value {
        Value::String(text) if text.contains('\0') => text.replace('\0', "\u{fffd}").into(),
        Value::Array(_) | Value::Object(_) if depth >= MAX_DEPTH => "…".into(),
        Value::Array(values) => values
            .into_iter()
            .map(|value| kept(value, depth + 1))
            .collect(),
        Value::Object(members) => members
            .into_iter()
            .map(|(name, value)| (name.replace('\0', "\u{fffd}"), kept(value, depth + 1)))
            .collect(),
        value => value,
    }
}
