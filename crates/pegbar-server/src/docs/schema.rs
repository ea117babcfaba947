//! Schemas (JSON Schema 2020-12, as OpenAPI 3.1 has it) as HTML.

use std::fmt::Write as _;

use serde_json::Value;

use super::text::{escaped, marked};

/// What a schema says beside its kind, and how the page calls it.
const BOUNDS: [(&str, &str); 8] = [
    ("minimum", "from"),
    ("maximum", "to"),
    ("minLength", "at least so many characters:"),
    ("maxLength", "at most so many characters:"),
    ("minItems", "at least so many:"),
    ("maxItems", "at most so many:"),
    ("default", "by default"),
    ("pattern", "like"),
];

fn name_of(reference: &str) -> &str {
    reference.rsplit('/').next().unwrap_or(reference)
}

/// Says what kind of value a schema describes: with links to those that have a name, and with
/// their fields for those that have none.
pub(super) fn kind(schema: &Value, document: &Value) -> String {
    if let Some(reference) = schema["$ref"].as_str() {
        let name = escaped(name_of(reference));
        return format!("<a href=\"#schema-{name}\">{name}</a>");
    }
    for word in ["oneOf", "anyOf"] {
        if let Some(choices) = schema[word].as_array() {
            // What may be absent is told last.
            let (absent, there): (Vec<&Value>, Vec<&Value>) =
                choices.iter().partition(|one| one["type"] == "null");
            let all = there.into_iter().chain(absent);
            return all
                .map(|one| kind(one, document))
                .collect::<Vec<_>>()
                .join(" or ");
        }
    }
    if let Some(values) = schema["enum"].as_array() {
        let values = values.iter().map(|value| {
            let text = value
                .as_str()
                .map_or_else(|| value.to_string(), str::to_owned);
            format!("<code>{}</code>", escaped(&text))
        });
        return values.collect::<Vec<_>>().join(" or ");
    }
    let types: Vec<&str> = match &schema["type"] {
        Value::String(one) => vec![one],
        Value::Array(all) => all.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    };
    if types.is_empty() && schema.get("properties").is_none() && schema.get("allOf").is_none() {
        return "anything".to_owned();
    }
    let named = types.iter().map(|name| match *name {
        "array" => format!("list of {}", kind(&schema["items"], document)),
        "object" if is_inline(schema) => fields(schema, document),
        "object" => "object".to_owned(),
        name => name.to_owned(),
    });
    let mut html = named.collect::<Vec<_>>().join(" or ");
    if types.is_empty() {
        html = fields(schema, document);
    }
    if let Some(format) = schema["format"].as_str() {
        let _ = write!(html, " <small>{}</small>", escaped(format));
    }
    html
}

fn is_inline(schema: &Value) -> bool {
    schema.get("properties").is_some() || schema.get("allOf").is_some()
}

/// Returns what is said of a field; of one that may be `null`, beside its other kind.
fn description(field: &Value) -> &str {
    let choices = field["oneOf"].as_array().into_iter().flatten();
    let mut all = std::iter::once(field).chain(choices);
    all.find_map(|said| said["description"].as_str())
        .unwrap_or("")
}

/// Says what a value must be like beside its kind.
pub(super) fn bounds(schema: &Value) -> String {
    let mut said = Vec::new();
    for (key, word) in BOUNDS {
        if let Some(value) = schema.get(key) {
            let value = value
                .as_str()
                .map_or_else(|| value.to_string(), str::to_owned);
            said.push(format!("{word} <code>{}</code>", escaped(&value)));
        }
    }
    if said.is_empty() {
        return String::new();
    }
    format!("<p class=\"bounds\">{}</p>", said.join(", "))
}

/// Lists the fields of a schema; for one without fields, says its kind.
pub(super) fn fields(schema: &Value, document: &Value) -> String {
    let mut rows = String::new();
    let parts = schema["allOf"].as_array();
    for part in parts.into_iter().flatten().chain([schema]) {
        if let Some(reference) = part["$ref"].as_str() {
            let name = escaped(name_of(reference));
            let _ = write!(
                rows,
                "<tr><td colspan=\"3\">all of <a href=\"#schema-{name}\">{name}</a></td></tr>"
            );
        }
        let required = part["required"].as_array();
        let is_required =
            |name: &str| required.is_some_and(|all| all.iter().any(|one| one == name));
        for (name, field) in part["properties"].as_object().into_iter().flatten() {
            let _ = write!(
                rows,
                "<tr><th><code>{}</code>{}</th><td class=\"kind\">{}</td><td>{}{}</td></tr>",
                escaped(name),
                if is_required(name) {
                    ""
                } else {
                    " <small>optional</small>"
                },
                kind(field, document),
                marked(description(field)),
                bounds(field),
            );
        }
    }
    if rows.is_empty() {
        return format!(
            "<p class=\"kind\">{}</p>{}",
            kind(schema, document),
            bounds(schema)
        );
    }
    format!("<div class=\"wide\"><table>{rows}</table></div>")
}
