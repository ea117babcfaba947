//! Assets that are about to be created.

use std::ffi::OsStr;
use std::fmt::Write as _;
use std::mem::take;
use std::path::PathBuf;

use super::{Asset, AssetKind};
use crate::blob::{ImageFormat, StoredImage};
use crate::claim::NewClaim;
use crate::error::Result;
use crate::hash::Sha256;
use crate::id::{AssetId, ProjectId};
use crate::json::Json;
use crate::reference::{NewReference, ReferenceRole, References};
use crate::text::{check_optional, check_source, check_time, checked_tags};
use crate::time::MillisSinceEpoch;

/// Where the bytes of a new asset are.
#[derive(Clone, Debug)]
pub enum ImageSource {
    /// A file, read when the asset is created; its name is kept as `original_name`.
    File(PathBuf),
    /// Bytes in memory.
    Bytes(Vec<u8>),
    /// Bytes that were taken in before, by [`Studio::store_image`](crate::Studio::store_image) of the same studio.
    Stored(StoredImage),
}

/// What is known of the bytes of a new asset.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Facts {
    pub(crate) sha256: Sha256,
    pub(crate) file_size: u64,
    pub(crate) format: ImageFormat,
    pub(crate) width: u32,
    pub(crate) height: u32,
    pub(crate) image_count: Option<u32>,
    /// When they were dropped; `None` for bytes that the store has.
    pub(crate) dropped_at: Option<MillisSinceEpoch>,
}

impl From<StoredImage> for Facts {
    fn from(image: StoredImage) -> Self {
        Self {
            sha256: image.sha256(),
            file_size: image.file_size(),
            format: image.format(),
            width: image.width(),
            height: image.height(),
            image_count: Some(image.image_count()),
            dropped_at: None,
        }
    }
}

/// An asset to create.
#[derive(Clone, Debug)]
pub struct NewAsset {
    /// The id; `None` to have one made.
    pub id: Option<AssetId>,
    /// The bytes.
    pub image: ImageSource,
    /// The id it has in the app it comes from.
    pub source_id: Option<String>,
    /// Where it comes from, as the importer names it.
    pub source_path: Option<String>,
    /// The file name it came with; `None` for the name of the file it is read from, in which
    /// bytes that are not UTF-8 are written like `\xe9`.
    pub original_name: Option<String>,
    /// Free words, at most 64 bytes each.
    pub tags: Vec<String>,
    /// The prompt it was generated from; `None` for an upload.
    pub prompt: Option<String>,
    /// The system prompt it was generated with.
    pub system_prompt: Option<String>,
    /// The settings it was generated with, a JSON object.
    pub settings: Option<Json>,
    /// The model that generated it.
    pub model: Option<String>,
    /// What it was made from, in the order sent.
    pub references: Vec<NewReference>,
    /// What its file, or the app it comes from, says of it.
    pub claims: Vec<NewClaim>,
    /// When it was made; `None` for now.
    pub created_at: Option<MillisSinceEpoch>,
}

impl NewAsset {
    /// Begins an asset.
    #[must_use]
    pub fn new(image: ImageSource) -> Self {
        Self {
            id: None,
            image,
            source_id: None,
            source_path: None,
            original_name: None,
            tags: Vec::new(),
            prompt: None,
            system_prompt: None,
            settings: None,
            model: None,
            references: Vec::new(),
            claims: Vec::new(),
            created_at: None,
        }
    }

    /// Begins an asset whose bytes are in a file.
    pub fn from_file(path: impl Into<PathBuf>) -> Self {
        Self::new(ImageSource::File(path.into()))
    }

    /// Begins an asset whose bytes are in memory.
    pub fn from_bytes(bytes: impl Into<Vec<u8>>) -> Self {
        Self::new(ImageSource::Bytes(bytes.into()))
    }

    /// Sets the id.
    #[must_use]
    pub fn id(self, id: AssetId) -> Self {
        Self {
            id: Some(id),
            ..self
        }
    }

    /// Sets the prompt it was generated from.
    #[must_use]
    pub fn prompt(self, prompt: impl Into<String>) -> Self {
        Self {
            prompt: Some(prompt.into()),
            ..self
        }
    }

    /// Sets the system prompt it was generated with.
    #[must_use]
    pub fn system_prompt(self, prompt: impl Into<String>) -> Self {
        Self {
            system_prompt: Some(prompt.into()),
            ..self
        }
    }

    /// Sets the settings it was generated with.
    #[must_use]
    pub fn settings(self, settings: Json) -> Self {
        Self {
            settings: Some(settings),
            ..self
        }
    }

    /// Sets the model that generated it.
    #[must_use]
    pub fn model(self, model: impl Into<String>) -> Self {
        Self {
            model: Some(model.into()),
            ..self
        }
    }

    /// Adds an input, after those that are there.
    #[must_use]
    pub fn made_from(mut self, asset_id: AssetId, role: ReferenceRole) -> Self {
        self.references.push(NewReference { asset_id, role });
        self
    }

    /// Adds a tag.
    #[must_use]
    pub fn tag(mut self, tag: impl Into<String>) -> Self {
        self.tags.push(tag.into());
        self
    }

    /// Adds what its file, or the app it comes from, says of it.
    #[must_use]
    pub fn claim(mut self, claim: NewClaim) -> Self {
        self.claims.push(claim);
        self
    }

    /// Sets the file name it came with.
    #[must_use]
    pub fn original_name(self, name: impl Into<String>) -> Self {
        Self {
            original_name: Some(name.into()),
            ..self
        }
    }

    /// Sets the id it has in the app it comes from.
    #[must_use]
    pub fn source_id(self, id: impl Into<String>) -> Self {
        Self {
            source_id: Some(id.into()),
            ..self
        }
    }

    /// Sets where it comes from, as the importer names it.
    #[must_use]
    pub fn source_path(self, path: impl Into<String>) -> Self {
        Self {
            source_path: Some(path.into()),
            ..self
        }
    }

    /// Sets when it was made.
    #[must_use]
    pub fn created_at(self, time: MillisSinceEpoch) -> Self {
        Self {
            created_at: Some(time),
            ..self
        }
    }
}

impl NewAsset {
    /// Refuses fields that are not acceptable.
    pub(crate) fn check(&self) -> Result<()> {
        check_optional("generationPrompt", self.prompt.as_ref())?;
        check_optional("generationSystemPrompt", self.system_prompt.as_ref())?;
        check_optional("model", self.model.as_ref())?;
        check_optional("originalName", self.original_name.as_ref())?;
        check_source("sourcePath", self.source_path.as_ref())?;
        check_source("sourceId", self.source_id.as_ref())?;
        check_time("createdAt", self.created_at)?;
        self.claims.iter().try_for_each(NewClaim::check)
    }

    /// Checks the asset's own fields and makes its row of them; owner, path and record are
    /// for the caller.
    pub(crate) fn take_row(
        &mut self,
        id: AssetId,
        project_id: ProjectId,
        kind: AssetKind,
        facts: &Facts,
        now: MillisSinceEpoch,
    ) -> Result<Asset> {
        self.check()?;
        let name_of_file = || name_of_file(&self.image);
        Ok(Asset {
            id,
            project_id,
            original_name: self.original_name.take().or_else(name_of_file),
            source_id: self.source_id.take(),
            source_path: self.source_path.take(),
            kind,
            character_id: None,
            animation_id: None,
            generation_id: None,
            file_path: None,
            mime_type: Some(facts.format.mime_type().to_owned()),
            file_size: Some(facts.file_size),
            width: Some(facts.width),
            height: Some(facts.height),
            sha256: Some(facts.sha256),
            generation_prompt: self.prompt.take(),
            generation_system_prompt: self.system_prompt.take(),
            generation_settings: self.settings.take(),
            model: self.model.take(),
            record: None,
            record_hash: None,
            bytes_dropped_at: facts.dropped_at,
            created_at: self.created_at.unwrap_or(now),
            updated_at: now,
            image_count: facts.image_count,
            tags: checked_tags(take(&mut self.tags))?,
            references: References::default(),
        })
    }
}

/// Returns the name of the file that the bytes are read from.
pub(crate) fn name_of_file(image: &ImageSource) -> Option<String> {
    match image {
        ImageSource::File(path) => path.file_name().map(file_name_text),
        _ => None,
    }
}

/// Writes a file name as text. What is not UTF-8 stays to be seen, byte by byte.
fn file_name_text(name: &OsStr) -> String {
    let mut text = String::new();
    for chunk in name.as_encoded_bytes().utf8_chunks() {
        text.push_str(chunk.valid());
        for byte in chunk.invalid() {
            // Writing to a String cannot fail.
            let _ = write!(text, "\\x{byte:02x}");
        }
    }
    text
}
