//! The assertions of a manifest that say how the image was made (C2PA 2.1 section 18, and the
//! earlier forms of each).

use serde_json::Value;

use super::cbor::Cbor;
use super::text::{json, kept, text_of};
use crate::credentials::{C2paAction, C2paIngredient, C2paManifest};
use crate::json::Json;

const MAX_ACTIONS: usize = 64;
const MAX_INGREDIENTS: usize = 256;
const MAX_AUTHORS: usize = 16;
const MAX_OTHER: usize = 32;

/// The longest assertion of another vocabulary that is kept, in bytes of JSON.
const MAX_OTHER_BYTES: usize = 4096;

/// What an assertion is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Assertion {
    Actions,
    Ingredient,
    /// A `CreativeWork` of schema.org.
    Work,
    /// Hashes and the like, which only a check needs.
    Technical,
    Other,
}

impl Assertion {
    /// Tells by its label what an assertion is about; `None` where that is not text: pictures.
    pub(super) fn of_label(label: &str) -> Option<Self> {
        // The second of a kind has `__1` at the end, and a later form `.v2`.
        let base = label.split("__").next().unwrap_or(label);
        let base = base
            .strip_suffix(".v2")
            .or(base.strip_suffix(".v3"))
            .unwrap_or(base);
        match base {
            "c2pa.actions" => Some(Self::Actions),
            "c2pa.ingredient" => Some(Self::Ingredient),
            "stds.schema-org.CreativeWork" => Some(Self::Work),
            _ if base.contains(".thumbnail") || base.starts_with("c2pa.icon") => None,
            "c2pa.embedded-data" => None,
            _ if base.starts_with("c2pa.") => Some(Self::Technical),
            _ => Some(Self::Other),
        }
    }

    /// Reads an assertion into what the manifest says; returns what could not be taken up.
    pub(super) fn read_cbor(
        self,
        content: &Cbor<'_>,
        label: &str,
        said: &mut C2paManifest,
    ) -> Option<String> {
        match self {
            Self::Actions => read_actions(content, said),
            Self::Ingredient => read_ingredient(content, said),
            Self::Work | Self::Other => self.read_json(json(content), label, said),
            Self::Technical => None,
        }
    }

    /// Does the same for an assertion that is JSON.
    pub(super) fn read_json(
        self,
        content: Value,
        label: &str,
        said: &mut C2paManifest,
    ) -> Option<String> {
        match self {
            Self::Work => read_work(&content, said),
            Self::Other => read_other(content, label, said),
            Self::Actions | Self::Ingredient => Some("it is JSON, and CBOR is due".to_owned()),
            Self::Technical => None,
        }
    }
}

/// Returns a program as a name and a version: text before version 2, then a map.
pub(super) fn program(value: &Cbor<'_>) -> Option<String> {
    let name = text_of(Some(value)).or_else(|| text_of(value.get("name")))?;
    match text_of(value.get("version")) {
        Some(version) => Some(format!("{name} {version}")),
        None => Some(name),
    }
}

fn read_actions(content: &Cbor<'_>, said: &mut C2paManifest) -> Option<String> {
    let agents = content.get("softwareAgents").and_then(Cbor::array);
    let Some(actions) = content.get("actions").and_then(Cbor::array) else {
        return Some("it has no list of actions".to_owned());
    };
    for action in actions {
        if said.actions.len() == MAX_ACTIONS {
            let more = format!("more than {MAX_ACTIONS} actions; the first are listed");
            return Some(more);
        }
        let agent = action.get("softwareAgent").or_else(|| {
            let index = action.get("softwareAgentIndex")?.integer()?;
            agents?.get(usize::try_from(index).ok()?)
        });
        said.actions.push(C2paAction {
            action: text_of(action.get("action")).unwrap_or_default(),
            when: text_of(action.get("when")),
            software_agent: agent.and_then(program),
            digital_source_type: text_of(action.get("digitalSourceType")),
            description: text_of(action.get("description")).or_else(|| {
                let parameters = action.get("parameters")?;
                text_of(parameters.get("description"))
            }),
        });
    }
    // What the image was made by says more of it than what was done to it later.
    let made = said
        .actions
        .iter()
        .filter(|one| one.action == "c2pa.created");
    let mut in_order = made.chain(&said.actions);
    said.digital_source_type = in_order.find_map(|one| one.digital_source_type.clone());
    None
}

fn read_ingredient(content: &Cbor<'_>, said: &mut C2paManifest) -> Option<String> {
    if said.ingredients.len() == MAX_INGREDIENTS {
        let more = format!("more than {MAX_INGREDIENTS} ingredients; the first are listed");
        return Some(more);
    }
    let manifest = content
        .get("activeManifest")
        .or_else(|| content.get("c2pa_manifest"));
    said.ingredients.push(C2paIngredient {
        title: text_of(content.get("dc:title")),
        format: text_of(content.get("dc:format")),
        relationship: text_of(content.get("relationship")),
        description: text_of(content.get("description")),
        manifest: manifest
            .and_then(|manifest| manifest.get("url")?.text())
            .and_then(manifest_of_url)
            .map(kept),
    });
    None
}

/// Returns the label of a manifest from its place in the store: `self#jumbf=/c2pa/LABEL`.
fn manifest_of_url(url: &str) -> Option<&str> {
    let (_, path) = url.split_once("/c2pa/")?;
    path.split('/').next().filter(|label| !label.is_empty())
}

fn read_work(content: &Value, said: &mut C2paManifest) -> Option<String> {
    let author = content.get("author");
    let authors = author.map(|author| {
        author
            .as_array()
            .map_or(std::slice::from_ref(author), Vec::as_slice)
    });
    let names = authors.unwrap_or_default().iter().filter_map(|author| {
        let name = author.as_str().or_else(|| author.get("name")?.as_str())?;
        (!name.trim().is_empty()).then(|| kept(name.trim()))
    });
    let room = MAX_AUTHORS.saturating_sub(said.authors.len());
    said.authors.extend(names.take(room));
    None
}

fn read_other(content: Value, label: &str, said: &mut C2paManifest) -> Option<String> {
    if said.other.len() == MAX_OTHER {
        let more = format!("more than {MAX_OTHER} assertions of others; the first are kept");
        return Some(more);
    }
    let size = content.to_string().len();
    if size > MAX_OTHER_BYTES {
        return Some(format!("{size} bytes of JSON, more than are kept"));
    }
    match Json::from_value(content) {
        Ok(content) => {
            said.other.insert(kept(label), content.as_value().clone());
            None
        }
        Err(error) => Some(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_say_what_assertions_are_about_in_all_their_forms() {
        let of = Assertion::of_label;
        for actions in ["c2pa.actions", "c2pa.actions.v2", "c2pa.actions.v2__1"] {
            assert_eq!(of(actions), Some(Assertion::Actions), "{actions}");
        }
        for ingredient in [
            "c2pa.ingredient",
            "c2pa.ingredient__2",
            "c2pa.ingredient.v3__11",
        ] {
            assert_eq!(of(ingredient), Some(Assertion::Ingredient), "{ingredient}");
        }
        assert_eq!(of("c2pa.hash.data"), Some(Assertion::Technical));
        assert_eq!(of("com.adobe.firefly.version"), Some(Assertion::Other));
        assert_eq!(of("c2pa.thumbnail.claim.jpeg"), None);
        assert_eq!(of("c2pa.thumbnail.ingredient__1.png"), None);
    }

    #[test]
    fn the_manifest_of_an_ingredient_is_named_by_its_place() {
        let of = manifest_of_url;
        assert_eq!(
            of("self#jumbf=/c2pa/urn:c2pa:1/c2pa.claim"),
            Some("urn:c2pa:1")
        );
        assert_eq!(of("self#jumbf=/c2pa/urn:uuid:1"), Some("urn:uuid:1"));
        assert_eq!(of("self#jumbf=c2pa.assertions/c2pa.hash.data"), None);
        assert_eq!(of("self#jumbf=/c2pa/"), None);
    }
}
