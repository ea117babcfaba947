//! How Content Credentials are shown: what the file says, in words.

use pegbar::{C2paCredentials, C2paIngredient, C2paManifest, C2paName, C2paTimeSource};

use crate::text::{count, one_line};

/// How many ingredients are shown.
const MAX_SHOWN: usize = 12;

/// The longest text that is shown, in characters.
const MAX_CHARS: usize = 200;

/// Returns what credentials say, as lines with their names.
pub(in super::super) fn claimed(said: &C2paCredentials) -> Vec<(&'static str, String)> {
    let active = &said.active;
    let authors = (!active.authors.is_empty()).then(|| active.authors.join(", "));
    let nested = said.manifests.saturating_sub(1);
    let nested = (nested > 0).then(|| {
        let manifests = count(nested.into(), "manifest");
        format!("{manifests} of what it was made from")
    });
    let mut lines = vec![
        ("   signer", active.signer.as_ref().map(name)),
        ("   signed", signed(active)),
        ("   generator", active.generator.clone()),
        ("   source type", source_type(said)),
        ("   title", active.title.clone()),
        ("   made by", authors),
        ("   actions", actions(active)),
        ("   certificate", certificate(active)),
        ("   manifest", active.manifest.clone()),
        ("   holds", nested),
    ];
    for (label, content) in &active.other {
        lines.push(("   says", Some(format!("{label} {content}"))));
    }
    let shown = active.ingredients.iter().take(MAX_SHOWN);
    for (index, ingredient) in shown.enumerate() {
        let name = if index == 0 { "   made from" } else { "" };
        lines.push((name, Some(described(ingredient, said))));
    }
    if let Some(more @ 1..) = active.ingredients.len().checked_sub(MAX_SHOWN) {
        lines.push(("", Some(format!("and {more} more (--json lists them)"))));
    }
    for problem in &said.problems {
        lines.push(("   unreadable", Some(problem.clone())));
    }
    let line = |(name, text): (_, Option<String>)| Some((name, one_line(&text?, MAX_CHARS)));
    lines.into_iter().filter_map(line).collect()
}

/// Writes a name of a certificate: the holder and the organization.
fn name(name: &C2paName) -> String {
    match (&name.common_name, &name.organization) {
        (Some(common), Some(organization)) => format!("{common} ({organization})"),
        (Some(one), None) | (None, Some(one)) => one.clone(),
        (None, None) => "nobody by name".to_owned(),
    }
}

fn signed(active: &C2paManifest) -> Option<String> {
    let source = match active.signed_at_source {
        Some(C2paTimeSource::Timestamp) => "by its time stamp",
        _ => "by its own word",
    };
    active.signed_at.map(|time| format!("{time}, {source}"))
}

/// Writes the last part of a term of IPTC in words: `trainedAlgorithmicMedia` becomes
/// `trained algorithmic media`.
fn words(term: &str) -> String {
    let last = term
        .rsplit('/')
        .find(|part| !part.is_empty())
        .unwrap_or(term);
    let mut words = String::with_capacity(last.len() + 4);
    for c in last.chars() {
        if c.is_uppercase() && !words.is_empty() {
            words.push(' ');
        }
        words.extend(c.to_lowercase());
    }
    words
}

fn source_type(said: &C2paCredentials) -> Option<String> {
    let term = words(said.active.digital_source_type.as_deref()?);
    Some(match &said.digital_source_type_of {
        Some(_) => format!("{term}, as what it is an edit of says"),
        None => term,
    })
}

fn actions(active: &C2paManifest) -> Option<String> {
    let action = |one: &pegbar::C2paAction| {
        let name = one.action.strip_prefix("c2pa.").unwrap_or(&one.action);
        match &one.software_agent {
            Some(agent) => format!("{name} by {agent}"),
            None => name.to_owned(),
        }
    };
    let actions: Vec<String> = active.actions.iter().map(action).collect();
    (!actions.is_empty()).then(|| actions.join(", "))
}

fn certificate(active: &C2paManifest) -> Option<String> {
    let validity = active.certificate?;
    let issuer = active.issuer.as_ref().map(name).unwrap_or_default();
    Some(format!(
        "from {issuer}, valid from {} to {}",
        validity.not_before, validity.not_after
    ))
}

fn described(ingredient: &C2paIngredient, said: &C2paCredentials) -> String {
    let title = ingredient
        .title
        .as_ref()
        .or(ingredient.description.as_ref());
    let title = title.map_or("something without a name", String::as_str);
    let relation = match ingredient.relationship.as_deref() {
        Some("parentOf") => "edited from it",
        Some("inputTo") => "sent as an input",
        Some("componentOf") => "a part of it",
        Some(other) => other,
        None => "in what way is not said",
    };
    let format = ingredient.format.as_deref();
    let format = format
        .map(|format| format!(", {format}"))
        .unwrap_or_default();
    let Some(manifest) = &ingredient.manifest else {
        return format!("{title} ({relation}{format})");
    };
    let nested = said
        .nested
        .iter()
        .find(|one| one.manifest.as_ref() == Some(manifest));
    let signer = nested.and_then(|one| one.signer.as_ref()).map(name);
    let signer = signer
        .map(|signer| format!(", signed by {signer}"))
        .unwrap_or_default();
    format!("{title} ({relation}{format}{signer}) {manifest}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn terms_are_read_as_words() {
        let base = "http://cv.iptc.org/newscodes/digitalsourcetype/";
        assert_eq!(
            words(&format!("{base}trainedAlgorithmicMedia")),
            "trained algorithmic media"
        );
        assert_eq!(words(&format!("{base}composite/")), "composite");
        assert_eq!(words("Painting"), "painting");
    }
}
