//! InvokeAI: JSON, and two older forms.

use serde_json::Value;

use super::fields::{self, Fields};
use super::loose;
use super::piece::Pieces;
use crate::claim::NewClaim;

const METADATA: &str = "invokeai_metadata";

/// What stands beside it: the graph that was run, and the workflow of the editor.
const BESIDE: &[&str] = &["invokeai_workflow", "invokeai_graph"];

/// Until version 2.3.
const OLD: &str = "sd-metadata";

/// Beside that, and before: the command line.
const COMMAND: &str = "Dream";

const NAMES: &[(&str, &str)] = &[
    ("positive_prompt", fields::PROMPT),
    ("negative_prompt", fields::NEGATIVE_PROMPT),
    ("seed", fields::SEED),
    ("steps", fields::STEPS),
    ("scheduler", fields::SAMPLER),
    ("sampler", fields::SAMPLER),
    ("cfg_scale", fields::CFG_SCALE),
    ("width", fields::WIDTH),
    ("height", fields::HEIGHT),
];

/// The options of the command line that have a name of ours.
const OPTIONS: &[(&str, &str)] = &[
    ("-s", fields::STEPS),
    ("-S", fields::SEED),
    ("-W", fields::WIDTH),
    ("-H", fields::HEIGHT),
    ("-C", fields::CFG_SCALE),
    ("-A", fields::SAMPLER),
];

pub(super) fn read(pieces: &mut Pieces) -> Option<NewClaim> {
    let mut names = vec![METADATA, OLD, COMMAND];
    names.retain(|name| pieces.text(name).is_some());
    if names.is_empty() {
        names.extend(BESIDE.iter().filter(|name| pieces.text(name).is_some()));
    }
    let text = pieces.text(names.first()?)?.to_owned();
    let mut fields = Fields::new();
    match (names[0], loose::object(&text)) {
        (COMMAND, _) => read_command(&text, &mut fields),
        (name, Some(found)) => {
            found
                .problem
                .into_iter()
                .for_each(|problem| fields.problem(problem));
            match name {
                METADATA => read_metadata(found.members, &mut fields),
                OLD => read_old(found.members, &mut fields),
                // Too deep and too long to be shown: it is in the text.
                _ => {}
            }
        }
        (name, None) => fields.problem(format!("its {name} is not JSON")),
    }
    names.extend(BESIDE);
    let taken = pieces.take(&names);
    Some(fields.into_claim("invokeai", pieces.place, &taken))
}

type Members = serde_json::Map<String, Value>;

fn read_metadata(mut members: Members, fields: &mut Fields) {
    if let Some(model) = members.get("model") {
        // Since version 4 a model has a name, before it had a "model_name".
        let names = ["name", "model_name", "key"];
        let name = names.iter().find_map(|name| model.get(name)?.as_str());
        fields.set(fields::MODEL, name.or(model.as_str()));
        fields.set(
            fields::MODEL_HASH,
            model.get("hash").and_then(Value::as_str),
        );
    }
    if let Some(Value::String(version)) = members.remove("app_version") {
        fields.set(fields::SOFTWARE, format!("InvokeAI {version}"));
    }
    fields.add_members(members, NAMES);
}

fn read_old(mut members: Members, fields: &mut Fields) {
    if let Some(Value::String(version)) = members.remove("app_version") {
        fields.set(fields::SOFTWARE, format!("InvokeAI {version}"));
    }
    let weights = members.get("model_weights").or(members.get("model"));
    fields.set(fields::MODEL, weights.and_then(Value::as_str));
    fields.set(
        fields::MODEL_HASH,
        members.get("model_hash").and_then(Value::as_str),
    );
    if let Some(Value::Object(mut image)) = members.remove("image") {
        // One prompt, or several with their weights.
        let prompt = match image.get("prompt") {
            Some(Value::Array(prompts)) => {
                let texts = prompts
                    .iter()
                    .filter_map(|prompt| prompt["prompt"].as_str());
                Some(texts.collect::<Vec<_>>().join(" "))
            }
            Some(Value::String(prompt)) => Some(prompt.clone()),
            _ => None,
        };
        if let Some(prompt) = prompt {
            image.remove("prompt");
            set_prompts(&prompt, fields);
        }
        fields.add_members(image, NAMES);
    }
    fields.add_members(members, &[]);
}

/// Tells what is in square brackets, which is unwanted, from the rest.
fn set_prompts(text: &str, fields: &mut Fields) {
    let (mut prompt, mut negative) = (String::new(), Vec::new());
    let mut rest = text;
    while let Some((before, inside)) = rest.split_once('[')
        && let Some((inside, behind)) = inside.split_once(']')
    {
        prompt.push_str(before.trim_end());
        negative.push(inside.trim());
        rest = behind;
    }
    prompt.push_str(rest);
    fields.set(fields::PROMPT, prompt.trim());
    fields.set(fields::NEGATIVE_PROMPT, negative.join(", "));
}

/// Reads a prompt in quotes and the options behind it.
fn read_command(text: &str, fields: &mut Fields) {
    let text = text.trim();
    let (prompt, options) = match text.strip_prefix('"') {
        Some(quoted) => quoted.rsplit_once('"').unwrap_or((quoted, "")),
        None => text.split_once(" -").unwrap_or((text, "")),
    };
    set_prompts(prompt, fields);
    let mut words = options.split_whitespace().peekable();
    while let Some(word) = words.next() {
        // `-S 7` and `-S7` are the same.
        let (name, mut value) = match word.split_at_checked(2) {
            Some((name, value)) if !word.starts_with("--") => (name, value),
            _ => (word, ""),
        };
        if value.is_empty()
            && let Some(next) = words.next_if(|next| !next.starts_with('-'))
        {
            value = next;
        }
        match OPTIONS.iter().find(|(option, _)| *option == name) {
            Some((_, ours)) => fields.set(ours, value),
            None => fields.add_other(name, value),
        }
    }
}
