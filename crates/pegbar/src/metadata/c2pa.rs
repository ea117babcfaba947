//! C2PA: reading what the manifests in a file say, from the bytes of their store (JUMBF, as PNG
//! keeps them in `caBX`, JPEG in APP11, WebP in `C2PA` and GIF in an application extension).
//! Nothing is checked here: it is a claim like any other.

mod assertion;
mod cbor;
mod der;
mod jumbf;
mod manifest;
mod raw;
mod signature;
#[cfg(test)]
mod tests;
mod text;

use std::collections::HashMap;

use crate::claim::NewClaim;
use crate::credentials::{C2paCredentials, TOOL};
use crate::json::Json;
use jumbf::{Superbox, kind};
use raw::Raw;
use text::kept;

/// How many manifests are read beside that of the image itself. Each image of a chain carries
/// those of all before it.
const MAX_NESTED: usize = 32;

/// How many problems are told.
const MAX_PROBLEMS: usize = 16;

/// Reads the JUMBF boxes of a file into a claim; `None` if they are something other than C2PA.
/// What can't be read is said in its `problems`.
pub(crate) fn read(jumbf: &[u8]) -> Option<NewClaim> {
    let (said, raw) = credentials(jumbf)?;
    let fields = Json::from_typed(&said).unwrap_or_else(|error| {
        // Texts are cleaned and depths bounded before: better little than nothing all the same.
        let least = C2paCredentials {
            manifests: said.manifests,
            problems: vec![error.to_string()],
            ..C2paCredentials::default()
        };
        Json::from_typed(&least).unwrap_or_default()
    });
    Some(NewClaim::new(TOOL).fields(fields).raw(raw))
}

/// Reads the JUMBF boxes of a file: what they say, and the text of that; `None` if they are
/// something other than C2PA.
pub(crate) fn credentials(jumbf: &[u8]) -> Option<(C2paCredentials, String)> {
    let (boxes, problem) = Superbox::read_all(jumbf);
    let store = boxes.iter().find(|one| one.kind == kind::STORE);
    if store.is_none() && problem.is_none() {
        return None;
    }
    let mut said = C2paCredentials::default();
    let mut raw = Raw::new();
    let mut problems = Vec::new();
    if let Some(store) = store {
        read_store(store, &mut said, &mut raw, &mut problems);
    } else {
        problems.extend(problem);
    }
    problems.truncate(MAX_PROBLEMS);
    said.problems = problems.iter().map(|problem| kept(problem)).collect();
    Some((said, raw.into_text()))
}

fn read_store(
    store: &Superbox<'_>,
    said: &mut C2paCredentials,
    raw: &mut Raw,
    problems: &mut Vec<String>,
) {
    let mut manifests = store.superboxes(problems);
    let kinds = [kind::MANIFEST, kind::UPDATE, kind::COMPRESSED];
    manifests.retain(|one| kinds.contains(&one.kind));
    said.manifests = u32::try_from(manifests.len()).unwrap_or(u32::MAX);
    // The last one is the image's own (C2PA 2.1 section 11.1.4.2).
    let Some((active, nested)) = manifests.split_last() else {
        return problems.push("the store holds no manifest".to_owned());
    };
    said.active = manifest::read(active, raw, problems);
    let nested = nested.iter().rev().take(MAX_NESTED);
    said.nested = nested
        .map(|one| manifest::read(one, raw, problems))
        .collect();
    inherit_source_type(said);
}

/// Takes the digital source type over from the image that this one is an edit of, where its own
/// manifest names none: a resized image came about as the one before.
fn inherit_source_type(said: &mut C2paCredentials) {
    if said.active.digital_source_type.is_some() {
        return;
    }
    let by_name: HashMap<_, _> = said
        .nested
        .iter()
        .filter_map(|one| Some((one.manifest.as_deref()?, one)))
        .collect();
    let mut current = &said.active;
    // As many steps as there are manifests: a circle ends.
    for _ in 0..by_name.len() {
        let parent = current.ingredients.iter().find_map(|ingredient| {
            let is_parent = ingredient.relationship.as_deref() == Some("parentOf");
            let manifest = ingredient.manifest.as_deref().filter(|_| is_parent);
            by_name.get(manifest?)
        });
        let Some(parent) = parent else { return };
        if let Some(found) = parent.digital_source_type.clone() {
            said.digital_source_type_of.clone_from(&parent.manifest);
            said.active.digital_source_type = Some(found);
            return;
        }
        current = parent;
    }
}
