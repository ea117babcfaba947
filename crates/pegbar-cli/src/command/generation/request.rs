//! A request to a model as it is written in JSON, and what its names mean.

use std::path::PathBuf;

use pegbar::{
    AssetId, GenerationInput, GenerationOutput, ImageSource, Json, MillisSinceEpoch, NewAsset,
    NewGeneration, Outcome, OutputPlace, Price, ProjectId, ReferenceRole, Sha256, Studio,
};
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;

use crate::error::CommandError;
use crate::find::{self, InProject};
use crate::options::check_files;
use crate::sheet::refused_by_system;
use crate::wrong_turn;

/// A request to a model, and how it ended.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(super) struct Request {
    pub(super) system_prompt: Option<String>,
    pub(super) prompt: Option<String>,
    pub(super) model: Option<String>,
    pub(super) settings: Option<Json>,
    pub(super) inputs: Vec<Input>,
    pub(super) outputs: Vec<Output>,
    pub(super) error: Option<String>,
    pub(super) duration_ms: Option<u64>,
    pub(super) input_tokens: Option<u64>,
    pub(super) output_tokens: Option<u64>,
    pub(super) price: Option<Price>,
    pub(super) created_at: Option<MillisSinceEpoch>,
}

/// An image that was sent: an asset of the project, or a file; or an input as
/// `pegbar reproduce` prints it, which has an `assetId`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Input {
    #[serde(default = "other")]
    pub(super) role: ReferenceRole,
    pub(super) asset: Option<String>,
    pub(super) file: Option<PathBuf>,
    asset_id: Option<AssetId>,
    /// Its place in the order sent, from 0: checked.
    position: Option<usize>,
    /// The SHA-256 of the bytes that were sent: checked.
    sha256: Option<Sha256>,
    /// What the asset itself tells better.
    #[serde(rename = "mimeType")]
    _mime_type: Option<IgnoredAny>,
    #[serde(rename = "fileSize")]
    _file_size: Option<IgnoredAny>,
    #[serde(rename = "blob")]
    _blob: Option<IgnoredAny>,
}

fn other() -> ReferenceRole {
    ReferenceRole::Other
}

/// What stands for an input.
enum Meant {
    Asset(String),
    File(PathBuf),
}

/// An image that came out, and where it goes: at most one of the places.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(super) struct Output {
    pub(super) file: PathBuf,
    pub(super) original_name: Option<String>,
    pub(super) tags: Vec<String>,
    pub(super) variation_of: Option<String>,
    pub(super) take_of: Option<String>,
    pub(super) frame_of: Option<String>,
    pub(super) at: Option<u32>,
    pub(super) frame_prompt: Option<String>,
    pub(super) replace_frame: Option<String>,
}

impl Request {
    /// Reads a request that is written as JSON.
    pub(super) fn parse(text: &str) -> Result<Self, CommandError> {
        let refused = |reason: String| {
            CommandError::refused("invalid", format!("the request can't be read: {reason}"))
                .hint("`pegbar generation record --help` shows one")
        };
        let json = Json::parse(text).map_err(|error| refused(error.to_string()))?;
        check_objects(json.as_value()).map_err(refused)?;
        json.to_typed().map_err(|error| refused(error.to_string()))
    }

    /// Returns whether nothing is said of how the images were made but the model.
    pub(super) fn is_bare(&self) -> bool {
        let texts = [&self.prompt, &self.system_prompt];
        texts.iter().all(|text| text.is_none()) && self.inputs.is_empty() && self.settings.is_none()
    }

    /// Finds what is named, and makes the generation that is to be recorded.
    pub(super) async fn into_new(
        self,
        studio: &Studio,
        project: ProjectId,
    ) -> Result<NewGeneration, CommandError> {
        let outcome = match (self.error, self.outputs) {
            (Some(error), outputs) if outputs.is_empty() => Outcome::Failed(error),
            (Some(_), _) => {
                let message = "a request with an error has no outputs";
                return Err(CommandError::refused("invalid", message)
                    .hint("record the attempt that failed and the one that did not on their own"));
            }
            (None, outputs) => {
                let mut found = Vec::with_capacity(outputs.len());
                for output in outputs {
                    found.push(output.into_new(studio, project).await?);
                }
                Outcome::Succeeded(found)
            }
        };
        let mut inputs = Vec::with_capacity(self.inputs.len());
        for (position, input) in self.inputs.into_iter().enumerate() {
            inputs.push(input.into_new(studio, project, position).await?);
        }
        Ok(NewGeneration {
            system_prompt: self.system_prompt,
            prompt: self.prompt,
            model: self.model,
            settings: self.settings,
            inputs,
            duration_ms: self.duration_ms,
            input_tokens: self.input_tokens,
            output_tokens: self.output_tokens,
            price: self.price,
            created_at: self.created_at,
            ..NewGeneration::new(outcome)
        })
    }
}

/// Says where something else stands than an object. From an array serde would read the fields
/// by their order.
fn check_objects(request: &Value) -> Result<(), String> {
    check_object("the request", request)?;
    for field in ["inputs", "outputs"] {
        let Some(Value::Array(images)) = request.get(field) else {
            continue;
        };
        for (index, image) in images.iter().enumerate() {
            check_object(&format!("{field}[{index}]"), image)?;
        }
    }
    match request.get("settings") {
        None | Some(Value::Null) => Ok(()),
        Some(settings) => check_object("\"settings\"", settings),
    }
}

fn check_object(what: &str, value: &Value) -> Result<(), String> {
    let kind = match value {
        Value::Object(_) => return Ok(()),
        Value::Array(_) => "an array",
        Value::String(_) => "a string",
        Value::Number(_) => "a number",
        Value::Bool(_) => "true or false",
        Value::Null => "null",
    };
    Err(format!("{what} has to be an object, and is {kind}"))
}

impl Input {
    /// An image that an option names.
    pub(super) fn new(role: ReferenceRole, asset: Option<String>, file: Option<PathBuf>) -> Self {
        Self {
            role,
            asset,
            file,
            asset_id: None,
            position: None,
            sha256: None,
            _mime_type: None,
            _file_size: None,
            _blob: None,
        }
    }

    async fn into_new(
        self,
        studio: &Studio,
        project: ProjectId,
        position: usize,
    ) -> Result<GenerationInput, CommandError> {
        let refused = |reason: String| {
            CommandError::refused("invalid", format!("inputs[{position}]: {reason}"))
        };
        if let Some(said) = self.position
            && said != position
        {
            let reason = format!("its \"position\" is {said}, and it stands at {position}");
            return Err(refused(reason).hint("inputs stand in the order sent, from 0"));
        }
        let sha256 = self.sha256;
        let check = |what: &str, found: Option<Sha256>| match sha256 {
            Some(said) if found != Some(said) => {
                let found = found.map_or("not known".to_owned(), |found| found.to_string());
                let reason = format!("its \"sha256\" is {said}, and that of {what} is {found}");
                Err(refused(reason).hint("leave \"sha256\" out if other bytes were sent this time"))
            }
            _ => Ok(()),
        };
        let role = self.role;
        match self.meant().map_err(refused)? {
            Meant::Asset(wanted) => {
                let asset = find::asset_in(studio, project, &wanted).await;
                let asset = asset.map_err(|error| wrong_turn::file_not_taken_in(error, &wanted))?;
                check(&format!("the asset {}", asset.id), asset.sha256)?;
                Ok(GenerationInput::asset(asset.id, role))
            }
            Meant::File(file) => {
                check_files(std::slice::from_ref(&file))?;
                if sha256.is_some() {
                    let bytes = std::fs::read(&file);
                    let bytes =
                        bytes.map_err(|error| refused_by_system("reading", &file, &error))?;
                    check(&file.display().to_string(), Some(Sha256::of(&bytes)))?;
                }
                Ok(GenerationInput::image(ImageSource::File(file), role))
            }
        }
    }

    /// Returns what stands for the image. Beside an `assetId`, `file` says where
    /// `pegbar reproduce` found it.
    fn meant(self) -> Result<Meant, String> {
        match (self.asset_id, self.asset, self.file) {
            (Some(id), None, _) => Ok(Meant::Asset(id.to_string())),
            (None, Some(wanted), None) => Ok(Meant::Asset(wanted)),
            (None, None, Some(file)) => Ok(Meant::File(file)),
            _ => Err(
                "each has either \"asset\" or \"file\"; \"assetId\" is another name of \"asset\""
                    .to_owned(),
            ),
        }
    }
}

impl Output {
    async fn into_new(
        self,
        studio: &Studio,
        project: ProjectId,
    ) -> Result<GenerationOutput, CommandError> {
        check_files(std::slice::from_ref(&self.file))?;
        let place = self.place(studio, project).await?;
        let asset = NewAsset {
            original_name: self.original_name,
            tags: self.tags,
            ..NewAsset::from_file(self.file)
        };
        Ok(GenerationOutput { asset, place })
    }

    async fn place(
        &self,
        studio: &Studio,
        project: ProjectId,
    ) -> Result<OutputPlace, CommandError> {
        let within = &InProject {
            project: Some(project.to_string()),
        };
        let is_frame = self.frame_of.is_some();
        let is_placed = self.at.is_some() || self.frame_prompt.is_some();
        let places = [
            &self.variation_of,
            &self.take_of,
            &self.frame_of,
            &self.replace_frame,
        ];
        match places.map(Option::as_ref) {
            _ if is_placed && !is_frame => Err(CommandError::refused(
                "invalid",
                "outputs: \"at\" and \"framePrompt\" go with \"frameOf\"",
            )),
            [None, None, None, None] => Ok(OutputPlace::Reference),
            [Some(wanted), None, None, None] => {
                let character = find::character(studio, within, wanted).await?;
                Ok(OutputPlace::Variation(character.id))
            }
            [None, Some(wanted), None, None] => {
                let animation = find::animation(studio, within, wanted).await?;
                Ok(OutputPlace::Take(animation.id))
            }
            [None, None, Some(wanted), None] => Ok(OutputPlace::Frame {
                animation: find::animation(studio, within, wanted).await?.id,
                at: self.at,
                prompt: self.frame_prompt.clone(),
            }),
            [None, None, None, Some(wanted)] => {
                let frame = find::frame(studio, within, std::slice::from_ref(wanted)).await?;
                Ok(OutputPlace::Replace(frame.id))
            }
            _ => Err(CommandError::refused(
                "invalid",
                "outputs: an image goes to one place: \"variationOf\", \"takeOf\", \"frameOf\" \
                 or \"replaceFrame\"",
            )),
        }
    }
}
