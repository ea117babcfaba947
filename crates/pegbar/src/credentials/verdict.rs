//! What a check of Content Credentials finds, each question with an answer of its own, from the
//! status codes of the validator (C2PA 2.1 section 15.2).

use c2pa::ValidationResults;
use c2pa::validation_results::{
    IngredientDeltaValidationResult, StatusCodes, validation_codes as code,
};
use c2pa::validation_status::ValidationStatus;
use serde::Serialize;

use super::{C2paCredentials, C2paTimeSource};
use crate::time::MillisSinceEpoch;

/// What was found of the manifest of an image, question by question.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct CredentialsVerdict {
    /// Whether the image is as it was when it was signed.
    pub bytes: BytesVerdict,
    /// Whether the manifest is what the holder of the certificate's key signed.
    pub signature: SignatureVerdict,
    /// Whether the assertions are those that the signed claim names.
    pub assertions: AssertionVerdict,
    /// When the certificate is valid; `None` where it can't be read.
    pub certificate: Option<CertificateVerdict>,
    /// What the time stamp is worth; `None` where there is none: then only the signer says when
    /// it was signed.
    pub timestamp: Option<TimestampVerdict>,
    /// Whether the certificate goes back to an authority that was named as trusted. Without
    /// that, anybody may have written any name into it.
    pub anchor: AnchorVerdict,
    /// The manifests of what it was made from.
    pub ingredients: Vec<IngredientVerdict>,
    /// The validator's own codes, as the specification names them.
    pub statuses: Vec<CredentialsStatus>,
}

/// Whether the bytes of an image are those that were signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum BytesVerdict {
    /// They have the hash that was signed.
    Unchanged,
    /// They have another hash.
    Changed,
    /// The manifest has no hash of them that could be compared.
    NotCovered,
    /// They have the hash in the manifest, but the manifest is not what was signed.
    Unknown,
}

/// Whether a signature belongs to what it stands under.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum SignatureVerdict {
    /// The holder of the certificate's key signed this manifest.
    Matches,
    /// It is missing, or another manifest was signed, or by another key.
    DoesNotMatch,
    /// It could not be checked.
    NotChecked,
}

/// Whether assertions are those that were signed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct AssertionVerdict {
    /// How many are as they were when they were signed.
    pub unchanged: u32,
    /// The labels of those that are not, or that are missing.
    pub wrong: Vec<String>,
}

/// When a certificate is valid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct CertificateVerdict {
    /// From when.
    pub not_before: MillisSinceEpoch,
    /// Until when.
    pub not_after: MillisSinceEpoch,
    /// Whether it is valid now.
    pub is_valid_now: bool,
    /// Whether it was valid when the image was signed; `None` where only the signer says when
    /// that was.
    pub was_valid_at_signing: Option<bool>,
}

/// What a time stamp is worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct TimestampVerdict {
    /// The time in it.
    pub time: MillisSinceEpoch,
    /// Whether it was made for this signature.
    pub matches: bool,
    /// Whether its authority goes back to one that was named as trusted.
    pub is_anchored: bool,
}

/// Whether a certificate goes back to an authority that is trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum AnchorVerdict {
    /// It does.
    Anchored,
    /// It goes back to none of those that were named.
    NotAnchored,
    /// None was named.
    NoAnchors,
}

/// What was found of the manifest of something that the image was made from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct IngredientVerdict {
    /// The manifest that names the ingredient.
    pub of_manifest: String,
    /// The label of the assertion that does.
    pub assertion: String,
    /// The ingredient's own manifest.
    pub manifest: Option<String>,
    /// Whether that is the one that was meant: it has the hash that was signed. `None` where the
    /// ingredient has no manifest, so that nothing is known of it but what is claimed.
    pub matches: Option<bool>,
    /// The codes of what is wrong with it, other than that its certificate is not anchored or
    /// has expired.
    pub problems: Vec<String>,
}

/// A finding of the validator.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct CredentialsStatus {
    /// Whether it speaks for the manifest or against it.
    pub kind: StatusKind,
    /// The code, as the specification names it: `assertion.dataHash.match` …
    pub code: String,
    /// The place in the manifests that it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// The validator's words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub explanation: Option<String>,
}

/// Whether a finding speaks for a manifest or against it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum StatusKind {
    /// For it.
    Success,
    /// Neither.
    Informational,
    /// Against it.
    Failure,
}

/// Findings that say that the image has the hash in the manifest.
const BYTES_MATCH: &[&str] = &[
    code::ASSERTION_DATAHASH_MATCH,
    code::ASSERTION_BOXHASH_MATCH,
    code::ASSERTION_BMFFHASH_MATCH,
];

/// Findings that say that it has not.
const BYTES_MISMATCH: &[&str] = &[
    code::ASSERTION_DATAHASH_MISMATCH,
    code::ASSERTION_BOXHASH_MISMATCH,
    code::ASSERTION_BOXHASH_UNKNOWN_BOX,
    code::ASSERTION_BMFFHASH_MISMATCH,
];

/// Findings that say that an assertion is not the one that was signed.
const ASSERTION_WRONG: &[&str] = &[
    code::ASSERTION_HASHEDURI_MISMATCH,
    code::HASHED_URI_MISMATCH,
    code::HASHED_URI_MISSING,
    code::ASSERTION_MISSING,
    code::ASSERTION_UNDECLARED,
    code::ASSERTION_INACCESSIBLE,
    code::ASSERTION_OUTSIDE_MANIFEST,
];

/// Findings that say only that a certificate is not anchored, or has expired.
const OF_CERTIFICATE: &[&str] = &[
    code::SIGNING_CREDENTIAL_UNTRUSTED,
    code::SIGNING_CREDENTIAL_EXPIRED,
];

impl CredentialsVerdict {
    /// Answers each question from what the validator found and what the manifest says.
    pub(super) fn of(
        results: &ValidationResults,
        said: &C2paCredentials,
        has_anchors: bool,
        now: MillisSinceEpoch,
    ) -> Self {
        let none = StatusCodes::default();
        let active = results.active_manifest().unwrap_or(&none);
        let signature = signature(active);
        let assertions = assertions(active);
        let is_signed = signature == SignatureVerdict::Matches && assertions.wrong.is_empty();
        let bytes = if has(active.failure(), BYTES_MISMATCH) {
            BytesVerdict::Changed
        } else if !has(active.success(), BYTES_MATCH) {
            BytesVerdict::NotCovered
        } else if is_signed {
            BytesVerdict::Unchanged
        } else {
            BytesVerdict::Unknown
        };
        let timestamp = timestamp(active, said);
        let certificate = said.active.certificate.map(|validity| CertificateVerdict {
            not_before: validity.not_before,
            not_after: validity.not_after,
            is_valid_now: validity.contains(now),
            was_valid_at_signing: timestamp
                .filter(|timestamp| timestamp.matches)
                .map(|timestamp| validity.contains(timestamp.time)),
        });
        let anchor = if has(active.success(), &[code::SIGNING_CREDENTIAL_TRUSTED]) {
            AnchorVerdict::Anchored
        } else if has_anchors {
            AnchorVerdict::NotAnchored
        } else {
            AnchorVerdict::NoAnchors
        };
        Self {
            bytes,
            signature,
            assertions,
            certificate,
            timestamp,
            anchor,
            ingredients: ingredients(results),
            statuses: statuses(results),
        }
    }
}

fn has(statuses: &[ValidationStatus], codes: &[&str]) -> bool {
    statuses.iter().any(|status| codes.contains(&status.code()))
}

fn signature(active: &StatusCodes) -> SignatureVerdict {
    let wrong = [
        code::CLAIM_SIGNATURE_MISMATCH,
        code::CLAIM_SIGNATURE_MISSING,
    ];
    if has(active.failure(), &wrong) {
        SignatureVerdict::DoesNotMatch
    } else if has(active.success(), &[code::CLAIM_SIGNATURE_VALIDATED]) {
        SignatureVerdict::Matches
    } else {
        SignatureVerdict::NotChecked
    }
}

fn assertions(active: &StatusCodes) -> AssertionVerdict {
    let unchanged = active.success().iter();
    let unchanged = unchanged.filter(|one| one.code() == code::ASSERTION_HASHEDURI_MATCH);
    let wrong = active.failure().iter();
    let wrong = wrong.filter(|one| ASSERTION_WRONG.contains(&one.code()));
    AssertionVerdict {
        unchanged: u32::try_from(unchanged.count()).unwrap_or(u32::MAX),
        wrong: wrong
            .map(|one| last_part(one.url().unwrap_or_default()))
            .collect(),
    }
}

fn timestamp(active: &StatusCodes, said: &C2paCredentials) -> Option<TimestampVerdict> {
    let said = (said.active.signed_at, said.active.signed_at_source);
    let (Some(time), Some(C2paTimeSource::Timestamp)) = said else {
        return None;
    };
    Some(TimestampVerdict {
        time,
        matches: has(active.success(), &[code::TIMESTAMP_VALIDATED]),
        is_anchored: has(active.success(), &[code::TIMESTAMP_TRUSTED]),
    })
}

fn ingredients(results: &ValidationResults) -> Vec<IngredientVerdict> {
    let deltas = results.ingredient_deltas().map_or(&[][..], Vec::as_slice);
    let verdict = |delta: &IngredientDeltaValidationResult| {
        let found = delta.validation_deltas();
        let validated = found.success().iter();
        let mut validated =
            validated.filter(|one| one.code() == code::INGREDIENT_MANIFEST_VALIDATED);
        let manifest = validated.find_map(|one| manifest_of(one.url()?));
        let is_unknown = [found.success(), found.informational()]
            .into_iter()
            .any(|statuses| has(statuses, &[code::INGREDIENT_PROVENANCE_UNKNOWN]));
        let problems = found.failure().iter().map(ValidationStatus::code);
        let problems = problems.filter(|code| !OF_CERTIFICATE.contains(code));
        let place = delta.ingredient_assertion_uri();
        IngredientVerdict {
            of_manifest: manifest_of(place).unwrap_or_default(),
            assertion: last_part(place),
            matches: (!is_unknown).then_some(manifest.is_some()),
            manifest,
            problems: problems.map(str::to_owned).collect(),
        }
    };
    deltas.iter().map(verdict).collect()
}

fn statuses(results: &ValidationResults) -> Vec<CredentialsStatus> {
    let deltas = results.ingredient_deltas().map_or(&[][..], Vec::as_slice);
    let all = results.active_manifest().into_iter();
    let all = all.chain(
        deltas
            .iter()
            .map(IngredientDeltaValidationResult::validation_deltas),
    );
    let mut statuses = Vec::new();
    for codes in all {
        for (kind, found) in [
            (StatusKind::Success, codes.success()),
            (StatusKind::Informational, codes.informational()),
            (StatusKind::Failure, codes.failure()),
        ] {
            statuses.extend(found.iter().map(|status| CredentialsStatus {
                kind,
                code: status.code().to_owned(),
                url: status.url().map(str::to_owned),
                explanation: status.explanation().map(str::to_owned),
            }));
        }
    }
    statuses
}

/// Returns the label at the end of a place in a manifest store.
fn last_part(url: &str) -> String {
    url.rsplit('/').next().unwrap_or_default().to_owned()
}

/// Returns the manifest that a place in a manifest store is in.
fn manifest_of(url: &str) -> Option<String> {
    let (_, path) = url.split_once("/c2pa/")?;
    path.split('/').next().map(str::to_owned)
}
