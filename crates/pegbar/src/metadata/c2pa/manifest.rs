//! One manifest: its claim, the assertions that the claim names, and its signature (C2PA 2.1
//! sections 10 and 11).

use std::collections::HashMap;

use serde_json::Value;

use super::assertion::{self, Assertion};
use super::cbor::Cbor;
use super::jumbf::{Superbox, kind};
use super::raw::Raw;
use super::signature::Signature;
use super::text::{json, kept, text_of};
use crate::credentials::{C2paManifest, C2paName, C2paTimeSource, C2paValidity};
use crate::time::MillisSinceEpoch;

/// The largest box of CBOR or JSON that is read, in bytes.
const MAX_DOCUMENT: usize = 1 << 20;

/// Reads what a manifest says; what can't be read goes to `problems`, all that is read to `raw`.
pub(super) fn read(
    manifest: &Superbox<'_>,
    raw: &mut Raw,
    problems: &mut Vec<String>,
) -> C2paManifest {
    let label = kept(manifest.label);
    let mut said = C2paManifest {
        manifest: (!label.is_empty()).then(|| label.clone()),
        ..C2paManifest::default()
    };
    if manifest.kind == kind::COMPRESSED {
        problems.push(format!("{label} is compressed, which is not read"));
        return said;
    }
    let parts = manifest.superboxes(problems);
    let part = |kind| parts.iter().find(|part| part.kind == kind);
    match part(kind::CLAIM).map(|claim| (claim, document(claim))) {
        None => problems.push(format!("{label} has no claim")),
        Some((claim, Err(problem))) => {
            problems.push(format!("{} in {label}: {problem}", kept(claim.label)));
        }
        Some((claim, Ok(Document::Cbor(content)))) => {
            raw.add(&label, claim.label, || json(&content));
            read_claim(&content, &mut said);
            let named = named_assertions(&content);
            match part(kind::ASSERTIONS) {
                Some(store) => read_assertions(store, &named, &label, &mut said, raw, problems),
                None if named.is_empty() => {}
                None => problems.push(format!(
                    "{label} has no assertions, though its claim names some"
                )),
            }
        }
        Some((claim, Ok(Document::Json(_)))) => {
            problems.push(format!(
                "{} in {label} is JSON, and CBOR is due",
                kept(claim.label)
            ));
        }
    }
    match part(kind::SIGNATURE).map(signature) {
        None => problems.push(format!("{label} has no signature")),
        Some(Err(problem)) => problems.push(format!("the signature of {label}: {problem}")),
        Some(Ok(signature)) => {
            raw.add(&label, "signature", || described(&signature));
            let of_label = |problem| format!("the signature of {label}: {problem}");
            problems.extend(signature.problems.iter().map(of_label));
            sign(&mut said, signature);
        }
    }
    if said.signed_at.is_none() {
        let times = said
            .actions
            .iter()
            .filter_map(|action| action.when.as_ref()?.parse().ok());
        said.signed_at = times.max();
        said.signed_at_source = said.signed_at.map(|_| C2paTimeSource::Claim);
    }
    said
}

/// What a box for documents holds.
enum Document<'a> {
    Cbor(Cbor<'a>),
    Json(Value),
}

/// Reads the first document in a box.
fn document<'a>(superbox: &Superbox<'a>) -> Result<Document<'a>, String> {
    let (boxes, problem) = superbox.boxes();
    let content = boxes
        .iter()
        .find(|found| matches!(&found.kind, b"cbor" | b"json"));
    let Some(content) = content else {
        return Err(problem.unwrap_or_else(|| "it holds neither CBOR nor JSON".to_owned()));
    };
    if content.bytes.len() > MAX_DOCUMENT {
        return Err(format!("{} bytes, more than are read", content.bytes.len()));
    }
    if content.kind == *b"cbor" {
        return Cbor::read(content.bytes)
            .map(Document::Cbor)
            .map_err(|problem| format!("not CBOR that is read: {problem}"));
    }
    serde_json::from_slice(content.bytes)
        .map(Document::Json)
        .map_err(|error| format!("not JSON: {error}"))
}

fn signature(superbox: &Superbox<'_>) -> Result<Signature, String> {
    let (boxes, problem) = superbox.boxes();
    match boxes.iter().find(|found| found.kind == *b"cbor") {
        Some(content) => Signature::read(content.bytes),
        None => Err(problem.unwrap_or_else(|| "it holds no CBOR".to_owned())),
    }
}

fn read_claim(claim: &Cbor<'_>, said: &mut C2paManifest) {
    // One in version 2, a list in version 1.
    let generator = claim.get("claim_generator_info");
    let generator = generator.and_then(|one| one.array().map_or(Some(one), <[_]>::first));
    said.generator = generator
        .and_then(assertion::program)
        .or_else(|| text_of(claim.get("claim_generator")));
    said.title = text_of(claim.get("dc:title"));
    said.format = text_of(claim.get("dc:format"));
}

/// Returns the labels of the assertions that a claim names, in order: only these are signed.
fn named_assertions(claim: &Cbor<'_>) -> Vec<String> {
    let lists = ["assertions", "created_assertions", "gathered_assertions"];
    let lists = lists.iter().filter_map(|name| claim.get(name)?.array());
    let urls = lists.flatten().filter_map(|one| one.get("url")?.text());
    urls.filter_map(|url| url.rsplit('/').next())
        .map(str::to_owned)
        .collect()
}

fn read_assertions(
    store: &Superbox<'_>,
    named: &[String],
    label: &str,
    said: &mut C2paManifest,
    raw: &mut Raw,
    problems: &mut Vec<String>,
) {
    let boxes = store.superboxes(problems);
    let by_label: HashMap<&str, &Superbox<'_>> =
        boxes.iter().map(|found| (found.label, found)).collect();
    let mut read = 0;
    for name in named {
        let Some(found) = by_label.get(name.as_str()) else {
            problems.push(format!("{} is named in {label} and not there", kept(name)));
            continue;
        };
        read += 1;
        let Some(kind) = Assertion::of_label(name) else {
            continue;
        };
        let problem = match document(found) {
            Ok(Document::Cbor(content)) => {
                raw.add(label, name, || json(&content));
                kind.read_cbor(&content, name, said)
            }
            Ok(Document::Json(content)) => {
                raw.add(label, name, || content.clone());
                kind.read_json(content, name, said)
            }
            Err(problem) => Some(problem),
        };
        problems.extend(problem.map(|problem| format!("{} in {label}: {problem}", kept(name))));
    }
    if by_label.len() > read {
        let more = by_label.len() - read;
        problems.push(format!(
            "{more} assertions in {label} that its claim does not name: not read"
        ));
    }
}

fn sign(said: &mut C2paManifest, signature: Signature) {
    said.algorithm = signature.algorithm;
    if let Some(certificate) = signature.certificate {
        said.signer = Some(name(&certificate.subject));
        said.issuer = Some(name(&certificate.issuer));
        said.certificate = match (certificate.not_before, certificate.not_after) {
            (Some(not_before), Some(not_after)) => Some(C2paValidity {
                not_before,
                not_after,
            }),
            _ => None,
        };
    }
    let (time, source) = match (signature.stamped_at, signature.issued_at) {
        (Some(time), _) => (Some(time), Some(C2paTimeSource::Timestamp)),
        (None, Some(time)) => (Some(time), Some(C2paTimeSource::Claim)),
        (None, None) => (None, None),
    };
    (said.signed_at, said.signed_at_source) = (time, source);
}

fn name(name: &super::der::Name) -> C2paName {
    C2paName {
        organization: name.organization.as_deref().map(kept),
        common_name: name.common_name.as_deref().map(kept),
    }
}

/// Writes a signature without its bytes.
fn described(signature: &Signature) -> Value {
    let certificate = signature.certificate.as_ref();
    let time = |time: Option<MillisSinceEpoch>| time.map(|time| time.to_string());
    serde_json::json!({
        "algorithm": signature.algorithm,
        "subject": certificate.map(|one| name(&one.subject)),
        "issuer": certificate.map(|one| name(&one.issuer)),
        "notBefore": time(certificate.and_then(|one| one.not_before)),
        "notAfter": time(certificate.and_then(|one| one.not_after)),
        "stampedAt": time(signature.stamped_at),
        "issuedAt": time(signature.issued_at),
    })
}
