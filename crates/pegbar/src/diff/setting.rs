//! JSON, key by key.

use serde::Serialize;
use serde_json::Value;

use crate::json::{Json, is_same};

/// A value that two settings, or two claims, do not have alike.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct SettingChange {
    /// Where it stands, as a JSON pointer (RFC 6901): `/sampler/steps`; empty for the whole.
    pub path: String,
    /// The value in the first; `None`, and left out of JSON, where it has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<Json>,
    /// The value in the second; `None`, and left out of JSON, where it has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<Json>,
}

/// Compares two values: objects by their names, arrays by their places, numbers as numbers.
/// An object that is there on one side only counts as one without names on the other.
pub(super) fn compare(before: Option<&Json>, after: Option<&Json>) -> Vec<SettingChange> {
    let empty = Json::empty_object();
    let mut changes = Vec::new();
    let (before, after) = match (before, after) {
        (None, Some(json)) if has_names(json) => (Some(&empty), after),
        (Some(json), None) if has_names(json) => (before, Some(&empty)),
        sides => sides,
    };
    walk(
        &mut String::new(),
        before.map(Json::as_value),
        after.map(Json::as_value),
        &mut changes,
    );
    changes
}

fn has_names(json: &Json) -> bool {
    json.as_value().as_object().is_some_and(|o| !o.is_empty())
}

/// Values that entered Pegbar nest 64 deep at most: this does not run out of stack.
fn walk(
    path: &mut String,
    before: Option<&Value>,
    after: Option<&Value>,
    changes: &mut Vec<SettingChange>,
) {
    match (before, after) {
        (Some(Value::Object(before)), Some(Value::Object(after))) => {
            let only_after = after.keys().filter(|name| !before.contains_key(*name));
            let mut names: Vec<&String> = before.keys().chain(only_after).collect();
            names.sort_unstable();
            for name in names {
                let step = name.replace('~', "~0").replace('/', "~1");
                below(path, &step, before.get(name), after.get(name), changes);
            }
        }
        (Some(Value::Array(before)), Some(Value::Array(after))) => {
            for place in 0..before.len().max(after.len()) {
                let (before, after) = (before.get(place), after.get(place));
                below(path, &place.to_string(), before, after, changes);
            }
        }
        (Some(before), Some(after)) if is_same(before, after) => {}
        (None, None) => {}
        _ => changes.push(SettingChange {
            path: path.clone(),
            before: before.map(Json::part),
            after: after.map(Json::part),
        }),
    }
}

fn below(
    path: &mut String,
    step: &str,
    before: Option<&Value>,
    after: Option<&Value>,
    changes: &mut Vec<SettingChange>,
) {
    let length = path.len();
    path.push('/');
    path.push_str(step);
    walk(path, before, after, changes);
    path.truncate(length);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn changes(before: &str, after: &str) -> String {
        let json = |text: &str| (!text.is_empty()).then(|| Json::parse(text).unwrap());
        let changes = compare(json(before).as_ref(), json(after).as_ref());
        serde_json::to_string(&changes).unwrap()
    }

    #[test]
    fn settings_are_compared_key_by_key() {
        assert_eq!(
            changes(
                r#"{"steps":20,"sampler":{"name":"euler","eta":0},"loras":["a","b"]}"#,
                r#"{"steps":30,"sampler":{"name":"euler","eta":0.5},"loras":["a"]}"#
            ),
            concat!(
                r#"[{"path":"/loras/1","before":"b"},"#,
                r#"{"path":"/sampler/eta","before":0,"after":0.5},"#,
                r#"{"path":"/steps","before":20,"after":30}]"#
            )
        );
        assert_eq!(changes(r#"{"cfg":7}"#, r#"{"cfg":7.0}"#), "[]");
        assert_eq!(
            changes(r#"{"seed":7}"#, r#"{"seed":"7"}"#),
            r#"[{"path":"/seed","before":7,"after":"7"}]"#
        );
    }

    #[test]
    fn names_with_slashes_are_escaped_and_null_is_a_value() {
        assert_eq!(
            changes(r#"{"a/b~c":null}"#, "{}"),
            r#"[{"path":"/a~1b~0c","before":null}]"#
        );
    }

    #[test]
    fn settings_on_one_side_only_are_told_key_by_key() {
        assert_eq!(
            changes("", r#"{"seed":7,"steps":20}"#),
            r#"[{"path":"/seed","after":7},{"path":"/steps","after":20}]"#
        );
        assert_eq!(changes("", "{}"), r#"[{"path":"","after":{}}]"#);
        assert_eq!(changes("", "[1]"), r#"[{"path":"","after":[1]}]"#);
        assert_eq!(changes("", ""), "[]");
    }
}
