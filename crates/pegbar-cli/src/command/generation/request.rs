//! A request to a model as it is written in JSON, and what its names mean.

use std::path::PathBuf;

use pegbar::{
    GenerationInput, GenerationOutput, ImageSource, Json, MillisSinceEpoch, NewAsset,
    NewGeneration, Outcome, OutputPlace, Price, ProjectId, ReferenceRole, Studio,
};
use serde::Deserialize;

use crate::error::CommandError;
use crate::find::{self, InProject};
use crate::options::check_files;
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

/// An image that was sent: an asset of the project, or a file.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Input {
    #[serde(default = "other")]
    pub(super) role: ReferenceRole,
    pub(super) asset: Option<String>,
    pub(super) file: Option<PathBuf>,
}

fn other() -> ReferenceRole {
    ReferenceRole::Other
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
        json.to_typed().map_err(|error| refused(error.to_string()))
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
        for input in self.inputs {
            inputs.push(input.into_new(studio, project).await?);
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

impl Input {
    async fn into_new(
        self,
        studio: &Studio,
        project: ProjectId,
    ) -> Result<GenerationInput, CommandError> {
        match (self.asset, self.file) {
            (Some(wanted), None) => {
                let asset = find::asset_in(studio, project, &wanted).await;
                let asset = asset.map_err(|error| wrong_turn::file_not_taken_in(error, &wanted))?;
                Ok(GenerationInput::asset(asset.id, self.role))
            }
            (None, Some(file)) => {
                check_files(std::slice::from_ref(&file))?;
                Ok(GenerationInput::image(ImageSource::File(file), self.role))
            }
            _ => Err(CommandError::refused(
                "invalid",
                "inputs: each has either \"asset\" or \"file\"",
            )),
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
