//! Content Credentials: what a file's C2PA manifests say of how it was made, and by whom they
//! are signed. What the file says is a claim; whether it holds is checked only on request.

#[cfg(feature = "c2pa")]
mod check;
#[cfg(feature = "c2pa")]
mod verdict;

use std::collections::BTreeMap;
use std::fs::File;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::asset::Asset;
use crate::blob::ImageFormat;
use crate::claim::Claim;
use crate::error::{Error, IoContext as _, Result};
use crate::id::AssetId;
use crate::metadata;
use crate::metadata::segment::Segments;
use crate::studio::Studio;
use crate::time::MillisSinceEpoch;

#[cfg(feature = "c2pa")]
pub use check::CredentialsReport;
#[cfg(feature = "c2pa")]
pub use verdict::{
    AnchorVerdict, AssertionVerdict, BytesVerdict, CertificateVerdict, CredentialsStatus,
    CredentialsVerdict, IngredientVerdict, SignatureVerdict, StatusKind, TimestampVerdict,
};

/// The name of the claims that C2PA manifests make.
pub(crate) const TOOL: &str = "c2pa";

/// What the Content Credentials in a file say: a C2PA manifest store, read and not checked.
///
/// Anybody can write anything into such a store; only a checked signature says that the signer
/// did. The format is that of the C2PA specification 2.1 and of what came before it, 1.0 to 1.4.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct C2paCredentials {
    /// How many manifests the file carries: the one of the image itself, and those of what it
    /// was made from.
    pub manifests: u32,
    /// The manifest of the image itself, the last in the file.
    #[serde(flatten)]
    pub active: C2paManifest,
    /// The manifest that names the digital source type, where it is not the image's own but
    /// that of the image it was edited from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub digital_source_type_of: Option<String>,
    /// The manifests of what it was made from, the latest first, 32 at most.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub nested: Vec<C2paManifest>,
    /// What is there and could not be read, and why; at most 16.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub problems: Vec<String>,
}

/// What one manifest says.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct C2paManifest {
    /// Its name, unique in the world: `urn:c2pa:…`. An image made from this one names it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub manifest: Option<String>,
    /// The program that wrote it, with its version.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub generator: Option<String>,
    /// What it calls the image.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// The media type of the image, as it says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub format: Option<String>,
    /// Whom the signer's certificate names.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signer: Option<C2paName>,
    /// Who issued that certificate, as it says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub issuer: Option<C2paName>,
    /// The algorithm of the signature: `ES256` …
    #[serde(skip_serializing_if = "Option::is_none")]
    pub algorithm: Option<String>,
    /// When the signer's certificate is valid.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub certificate: Option<C2paValidity>,
    /// When it was signed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signed_at: Option<MillisSinceEpoch>,
    /// Who says when it was signed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signed_at_source: Option<C2paTimeSource>,
    /// How the image came about, as a term of IPTC:
    /// `http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia` …
    #[serde(skip_serializing_if = "Option::is_none")]
    pub digital_source_type: Option<String>,
    /// Who made it, as it says.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub authors: Vec<String>,
    /// What was done, in order; at most 64.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub actions: Vec<C2paAction>,
    /// What it was made from, in order; at most 256.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ingredients: Vec<C2paIngredient>,
    /// Assertions of other vocabularies, by their labels: `com.adobe.firefly.version` …; at
    /// most 32.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub other: BTreeMap<String, Value>,
}

/// A name in a certificate.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct C2paName {
    /// The organization.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub organization: Option<String>,
    /// The name of the holder.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub common_name: Option<String>,
}

/// When a certificate is valid, both ends included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct C2paValidity {
    /// From when.
    pub not_before: MillisSinceEpoch,
    /// Until when.
    pub not_after: MillisSinceEpoch,
}

impl C2paValidity {
    /// Says whether a time is within it.
    #[must_use]
    pub fn contains(&self, time: MillisSinceEpoch) -> bool {
        (self.not_before..=self.not_after).contains(&time)
    }
}

/// Who says when a manifest was signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum C2paTimeSource {
    /// A time stamp of an authority (RFC 3161).
    Timestamp,
    /// The signer alone: the header of the signature, else the latest action with a time.
    Claim,
}

/// Something that was done to make the image.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct C2paAction {
    /// What: `c2pa.created`, `c2pa.edited` …
    pub action: String,
    /// When, as it says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub when: Option<String>,
    /// The program that did it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub software_agent: Option<String>,
    /// How what came out came about, as a term of IPTC.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub digital_source_type: Option<String>,
    /// In words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
}

/// Something that the image was made from.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct C2paIngredient {
    /// What it is called.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// Its media type.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub format: Option<String>,
    /// What it is to the image: `parentOf` (edited from it), `inputTo` (sent to a generator) or
    /// `componentOf` (part of it).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub relationship: Option<String>,
    /// In words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Its manifest, which is one of [`C2paCredentials::nested`] if it is there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub manifest: Option<String>,
}

impl Claim {
    /// Returns what Content Credentials say, if the claim comes from them: not where a sidecar
    /// alone says so.
    #[must_use]
    pub fn credentials(&self) -> Option<C2paCredentials> {
        // What is read from credentials does not say where it was found.
        if self.tool != TOOL || self.fields.get(metadata::FOUND_IN).is_some() {
            return None;
        }
        self.fields.to_typed().ok()
    }
}

impl Studio {
    /// Reads what the Content Credentials in an asset's bytes say, whether or not that was kept
    /// as a claim; `None` where there are none. Nothing is checked.
    ///
    /// # Errors
    /// Those of [`Studio::get_asset`] and [`Studio::open_image`]; [`Error::Io`].
    pub async fn read_credentials(&self, asset: AssetId) -> Result<Option<C2paCredentials>> {
        let asset = self.get_asset(asset).await?;
        let file = self.open_image(&asset)?;
        self.credentials_in(&asset, &file)
    }

    fn credentials_in(&self, asset: &Asset, file: &File) -> Result<Option<C2paCredentials>> {
        let path = asset.sha256.map(|sha256| self.blobs().path(sha256));
        let segments = Segments::read(file, format_of(asset)?);
        let segments = segments.at("reading", &path.unwrap_or_default())?;
        let read = segments
            .jumbf
            .as_deref()
            .and_then(metadata::c2pa::credentials);
        Ok(read.map(|(said, _)| said))
    }
}

/// Returns the format of an asset's bytes.
fn format_of(asset: &Asset) -> Result<ImageFormat> {
    let format = asset.mime_type.as_deref();
    let format = format.and_then(ImageFormat::from_mime_type);
    format.ok_or_else(|| Error::not_found("image format", format!("of the asset {}", asset.id)))
}
