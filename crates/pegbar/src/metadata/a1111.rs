//! AUTOMATIC1111's web UI and Forge: the prompt, the negative prompt, and a line of settings,
//! in one text ("infotext"; `modules/infotext_utils.py` reads it).

use std::sync::LazyLock;

use regex::Regex;
use serde_json::Value;

use super::fields::{self, Fields, number};
use super::piece::Pieces;
use crate::claim::NewClaim;

/// A setting: its name, and its value in quotes or up to the next comma.
static SETTING: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r#"\s*(\w[\w \-/]+):\s*("(?:\\.|[^\\"])+"|[^,]*)(?:,|$)"#).ok());

/// How many settings a line has at least: fewer may be part of a prompt.
const MIN_SETTINGS: usize = 3;

/// How many settings are read of a line.
const MAX_SETTINGS: usize = 1000;

const NEGATIVE: &str = "Negative prompt:";

/// The names of settings that have one of ours.
const NAMES: &[(&str, &str)] = &[
    ("Steps", fields::STEPS),
    ("Sampler", fields::SAMPLER),
    ("CFG scale", fields::CFG_SCALE),
    ("Seed", fields::SEED),
    ("Model", fields::MODEL),
    ("Model hash", fields::MODEL_HASH),
    ("Base model hash", fields::MODEL_HASH),
];

pub(super) fn read(pieces: &mut Pieces) -> Option<NewClaim> {
    let (piece, fields) = pieces.take_usual(parse)?;
    Some(fields.into_claim("a1111", pieces.place, &[piece]))
}

/// Reads the text; `None` where it has no line of settings.
pub(super) fn parse(text: &str) -> Option<Fields> {
    let lines: Vec<&str> = text.trim().lines().collect();
    let settings: Vec<_> = lines.iter().map(|line| settings(line)).collect();
    let is_line = |place: &usize| settings[*place].len() >= MIN_SETTINGS;
    // Extensions write lines behind it, and a prompt may look like one.
    let begins = |place: &usize| lines[*place].starts_with("Steps:") && is_line(place);
    let last = lines.len().checked_sub(1)?;
    let place = (0..lines.len()).rfind(begins);
    let place = place.or_else(|| Some(last).filter(is_line))?;

    let mut fields = Fields::new();
    let (mut prompt, mut negative) = (Vec::new(), Vec::new());
    let mut is_negative = false;
    for line in &lines[..place] {
        let rest = line.trim().strip_prefix(NEGATIVE);
        is_negative |= rest.is_some();
        let line = rest.map_or(*line, str::trim_start);
        if is_negative {
            &mut negative
        } else {
            &mut prompt
        }
        .push(line);
    }
    fields.set(fields::PROMPT, prompt.join("\n").trim());
    fields.set(fields::NEGATIVE_PROMPT, negative.join("\n").trim());
    for (name, value) in settings[place].iter().take(MAX_SETTINGS) {
        let value = unquoted(value);
        match (
            name.as_str(),
            NAMES.iter().find(|(theirs, _)| theirs == name),
        ) {
            (_, Some((_, ours))) => fields.set(ours, value),
            ("Size", _) => fields.set_size(&value),
            ("Version", _) => fields.set(fields::SOFTWARE, software(&value)),
            _ => fields.add_other(name, number(Value::String(value))),
        }
    }
    for line in &lines[place + 1..] {
        if let Some((name, value)) = line.split_once(':') {
            fields.add_other(name.trim(), value.trim());
        }
    }
    Some(fields)
}

fn settings(line: &str) -> Vec<(String, String)> {
    let Some(setting) = &*SETTING else {
        return Vec::new();
    };
    let found = setting.captures_iter(line);
    found
        .map(|found| (found[1].to_owned(), found[2].trim().to_owned()))
        .collect()
}

/// Takes the quotes off, within which the text is written as in JSON.
fn unquoted(value: &str) -> String {
    if value.starts_with('"') {
        serde_json::from_str(value).unwrap_or_else(|_| value.to_owned())
    } else {
        value.to_owned()
    }
}

/// Names the program by its version: the one's begin with "v", the other's with "f".
fn software(version: &str) -> String {
    match version.as_bytes() {
        [b'v', b'0'..=b'9', ..] => format!("AUTOMATIC1111 {version}"),
        [b'f', b'0'..=b'9', ..] => format!("Forge {version}"),
        _ => version.to_owned(),
    }
}
