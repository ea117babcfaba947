//! How a check of Content Credentials is shown: an answer to each question, never one word for
//! all of it.

use pegbar::{
    AnchorVerdict, BytesVerdict, CredentialsVerdict, IngredientVerdict, SignatureVerdict,
};

use crate::error::CommandError;
use crate::output::Output;
use crate::text::count;

/// Prints what was found.
pub(super) fn print(output: &Output, found: &CredentialsVerdict) -> Result<(), CommandError> {
    let mut lines = Vec::new();
    let mut line = |name, text: &str| lines.push((name, text.to_owned()));
    line(
        "   bytes",
        match found.bytes {
            BytesVerdict::Unchanged => "unchanged since they were signed",
            BytesVerdict::Changed => "CHANGED since they were signed",
            BytesVerdict::NotCovered => "not covered: the manifest has no hash of them to compare",
            BytesVerdict::Unknown => "unknown: the manifest is not what was signed",
        },
    );
    line(
        "   signature",
        match found.signature {
            SignatureVerdict::Matches => "matches the manifest",
            SignatureVerdict::DoesNotMatch => "DOES NOT MATCH the manifest",
            SignatureVerdict::NotChecked => "could not be checked",
        },
    );
    line("   assertions", &assertions(found));
    if let Some(certificate) = found.certificate {
        let then = match certificate.was_valid_at_signing {
            Some(true) => "valid at the time of its time stamp",
            Some(false) => "NOT VALID at the time of its time stamp",
            None => "valid at signing only if the signer's own word on the time is true",
        };
        let now = if certificate.is_valid_now {
            "valid now".to_owned()
        } else {
            let (from, to) = (certificate.not_before, certificate.not_after);
            format!("not valid now (from {from} to {to})")
        };
        line("   certificate", &format!("{then}; {now}"));
    }
    line(
        "   time",
        &match found.timestamp {
            None => "no time stamp: only the signer says when".to_owned(),
            Some(stamp) if !stamp.matches => "its time stamp is NOT for this signature".to_owned(),
            Some(stamp) if stamp.is_anchored => {
                format!("{}, from an authority that you trust", stamp.time)
            }
            Some(stamp) => format!("{}, from an authority that is not anchored", stamp.time),
        },
    );
    line(
        "   anchored",
        match found.anchor {
            AnchorVerdict::Anchored => {
                "yes: the certificate goes back to an authority that you trust"
            }
            AnchorVerdict::NotAnchored => "no: the certificate goes back to none that you trust",
            AnchorVerdict::NoAnchors => {
                "no: no authorities were named (--trust-anchors), so names are only names"
            }
        },
    );
    for ingredient in &found.ingredients {
        line("   made from", &described(ingredient));
    }
    output.fields("checked by Pegbar", &lines)
}

fn assertions(found: &CredentialsVerdict) -> String {
    let unchanged = count(found.assertions.unchanged.into(), "assertion");
    let unchanged = format!("{unchanged} as signed");
    if found.assertions.wrong.is_empty() {
        return unchanged;
    }
    format!(
        "{unchanged}, NOT as signed: {}",
        found.assertions.wrong.join(", ")
    )
}

fn described(ingredient: &IngredientVerdict) -> String {
    let manifest = ingredient.manifest.as_deref();
    let name = manifest.unwrap_or(&ingredient.assertion);
    let matches = match ingredient.matches {
        Some(true) => "the manifest that was meant",
        Some(false) => "NOT SHOWN to be the manifest that was meant",
        None => "has no manifest, so nothing is known of it",
    };
    if ingredient.problems.is_empty() {
        return format!("{name}: {matches}");
    }
    format!("{name}: {matches}; {}", ingredient.problems.join(", "))
}
