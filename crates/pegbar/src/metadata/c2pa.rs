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

/// Reads a manifest store into a claim. Whatever is in the bytes, there is a claim: what can't
/// be read is said in its `problems`.
pub(crate) fn read(jumbf: &[u8]) -> NewClaim {
    let (credentials, raw) = credentials(jumbf);
    let fields = Json::from_typed(&credentials).unwrap_or_else(|error| {
        // Texts are cleaned and depths bounded above; better little than nothing.
        let problems = vec![error.to_string()];
        let manifests = credentials.manifests;
        Json::from_typed(&C2paCredentials {
            manifests,
            problems,
            ..Default::default()
        })
        .unwrap_or_default()
    });
    NewClaim::new(TOOL).fields(fields).raw(raw)
}

/// Reads a manifest store: what it says, and the text of it.
pub(crate) fn credentials(jumbf: &[u8]) -> (C2paCredentials, String) {
    let mut said = C2paCredentials::default();
    let mut raw = Raw::new();
    let mut problems = Vec::new();
    match Superbox::read(jumbf) {
        Ok(store) if store.kind == kind::STORE => {
            let mut manifests = store.superboxes(&mut problems);
            manifests
                .retain(|one| [kind::MANIFEST, kind::UPDATE, kind::COMPRESSED].contains(&one.kind));
            said.manifests = u32::try_from(manifests.len()).unwrap_or(u32::MAX);
            // The last one is the image's own (C2PA 2.1 section 11.1.4.2).
            match manifests.split_last() {
                None => problems.push("the store holds no manifest".to_owned()),
                Some((active, nested)) => {
                    said.active = manifest::read(active, &mut raw, &mut problems);
                    let nested = nested.iter().rev().take(MAX_NESTED);
                    let nested = nested.map(|one| manifest::read(one, &mut raw, &mut problems));
                    said.nested = nested.collect();
                }
            }
            inherit_source_type(&mut said);
        }
        Ok(other) => {
            let label = kept(other.label);
            problems.push(format!("a box \"{label}\" where a manifest store is due"));
        }
        Err(problem) => problems.push(problem),
    }
    problems.truncate(MAX_PROBLEMS);
    said.problems = problems.iter().map(|problem| kept(problem)).collect();
    (said, raw.into_text())
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
