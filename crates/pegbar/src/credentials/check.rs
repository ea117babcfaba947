//! Checking Content Credentials with the validator of the C2PA's own implementers. It asks
//! nobody: no network, no trust list but the one it is given.

use std::fs::File;

use c2pa::{Context, Reader, Settings};
use serde::Serialize;
use serde_json::json;

use super::{C2paCredentials, CredentialsVerdict, format_of};
use crate::error::{Error, Result};
use crate::id::AssetId;
use crate::studio::Studio;

/// What Content Credentials say, and what a check of them finds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct CredentialsReport {
    /// What the file says; `None` where it carries no Content Credentials.
    pub claimed: Option<C2paCredentials>,
    /// What was found; `None` where there are none, or none that can be read.
    pub verdict: Option<CredentialsVerdict>,
    /// Why they could not be checked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
}

impl Studio {
    /// Checks the Content Credentials in an asset's bytes: hashes, signature, certificate, time
    /// stamp, and the manifests of what it was made from. `trust_anchors` are the certificates
    /// of the authorities that are trusted, in PEM; without them, names are only names.
    ///
    /// Nothing is asked of the network: whether a certificate was revoked is known only as far
    /// as the file says. Only with the cargo feature `c2pa`.
    ///
    /// # Errors
    /// [`Error::Invalid`] for trust anchors that are no certificates; those of
    /// [`Studio::read_credentials`].
    pub async fn validate_credentials(
        &self,
        asset: AssetId,
        trust_anchors: Option<&str>,
    ) -> Result<CredentialsReport> {
        let settings = settings(trust_anchors)?;
        let asset = self.get_asset(asset).await?;
        let file = self.open_image(&asset)?;
        let Some(claimed) = self.credentials_in(&asset, &file)? else {
            return Ok(CredentialsReport {
                claimed: None,
                verdict: None,
                problem: None,
            });
        };
        let format = format_of(&asset)?.mime_type();
        // It hashes the whole file; and what a stranger's file makes it do ends there.
        let checked = tokio::task::spawn_blocking(move || validated(file, format, settings));
        let checked = checked.await.unwrap_or_else(|_| {
            Err("the validator gave up on it, which is a mistake in the validator".to_owned())
        });
        let verdict = checked.and_then(|reader| {
            let results = reader.validation_results();
            let results = results.ok_or_else(|| "the validator found nothing".to_owned())?;
            let now = self.now();
            let has_anchors = trust_anchors.is_some();
            Ok(CredentialsVerdict::of(results, &claimed, has_anchors, now))
        });
        let (verdict, problem) = match verdict {
            Ok(verdict) => (Some(verdict), None),
            Err(problem) => (None, Some(problem)),
        };
        Ok(CredentialsReport {
            claimed: Some(claimed),
            verdict,
            problem,
        })
    }
}

fn settings(trust_anchors: Option<&str>) -> Result<Settings> {
    let settings = json!({
        "trust": {"user_anchors": trust_anchors},
        // Identities by other rules than those of C2PA ask for more than is here.
        "core": {"decode_identity_assertions": false},
        "verify": {"ocsp_fetch": false, "remote_manifest_fetch": false},
    });
    let refused = |error: c2pa::Error| {
        let reason = format!("no certificates in PEM that can be read ({error})");
        Error::invalid("trust anchors", reason)
    };
    Settings::new()
        .with_json(&settings.to_string())
        .map_err(refused)
}

fn validated(file: File, format: &str, settings: Settings) -> Result<Reader, String> {
    let context = Context::new().with_settings(settings);
    let context = context.map_err(|error| error.to_string())?;
    Reader::from_context(context)
        .with_stream(format, file)
        .map_err(|error| error.to_string())
}
