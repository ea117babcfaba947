//! Generations that are about to be recorded.

use crate::asset::{ImageSource, NewAsset};
use crate::error::{Error, Result};
use crate::id::{AnimationId, AssetId, CharacterId, FrameId, GenerationId};
use crate::json::Json;
use crate::reference::ReferenceRole;
use crate::text::{check_optional, check_settings, check_text, check_time};
use crate::time::MillisSinceEpoch;

use super::Price;

/// A request to a model to record: what was sent, and how it ended.
#[derive(Clone, Debug)]
pub struct NewGeneration {
    /// The id; `None` to have one made.
    pub id: Option<GenerationId>,
    /// The system prompt that was sent.
    pub system_prompt: Option<String>,
    /// The prompt that was sent.
    pub prompt: Option<String>,
    /// The model.
    pub model: Option<String>,
    /// The settings that were sent, a JSON object.
    pub settings: Option<Json>,
    /// The images that were sent, in their order.
    pub inputs: Vec<GenerationInput>,
    /// How it ended.
    pub outcome: Outcome,
    /// How long it took, in milliseconds.
    pub duration_ms: Option<u64>,
    /// How many tokens were sent, as the model counts them.
    pub input_tokens: Option<u64>,
    /// How many tokens came back.
    pub output_tokens: Option<u64>,
    /// What it cost.
    pub price: Option<Price>,
    /// When it was sent, which is also when its outputs were made; `None` for now.
    pub created_at: Option<MillisSinceEpoch>,
}

/// How a request ended.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// With images: one, or several variations of one request, in their order.
    Succeeded(Vec<GenerationOutput>),
    /// With an error, as it was told: 1 byte to 1 MiB.
    Failed(String),
}

/// An image that was sent.
#[derive(Clone, Debug)]
pub struct GenerationInput {
    /// What it was for.
    pub role: ReferenceRole,
    /// Where its bytes are.
    pub source: InputSource,
}

/// Where the bytes are that were sent. Their hash is always taken from them: nothing can be
/// recorded as an input that is not there.
#[derive(Clone, Debug)]
pub enum InputSource {
    /// An asset of the project, whose bytes are there.
    Asset(AssetId),
    /// A file or bytes. If an asset of the project has the same bytes, it is that asset, the one
    /// that was made first if there are several; else it becomes a reference of the project.
    Image(ImageSource),
}

/// An image that came out, and where it goes.
#[derive(Clone, Debug)]
pub struct GenerationOutput {
    /// The image, with its own name, tags and claims. Prompts, model, settings, inputs and time
    /// are those of the generation.
    pub asset: NewAsset,
    /// Where it goes.
    pub place: OutputPlace,
}

/// Where an image goes that came out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OutputPlace {
    /// Into the project, beside its characters.
    Reference,
    /// It is a variation of this character.
    Variation(CharacterId),
    /// It is a take of this animation, which no frame shows yet.
    Take(AnimationId),
    /// A new frame of this animation shows it.
    Frame {
        /// The animation.
        animation: AnimationId,
        /// The place before which it goes, from 0, as the frames stand before; `None` for the
        /// end. Outputs for one place keep their order.
        at: Option<u32>,
        /// What this frame in particular was to show.
        prompt: Option<String>,
    },
    /// This frame shows it from now on; what it showed before stays a take.
    Replace(FrameId),
}

impl GenerationInput {
    /// Names an asset that was sent.
    #[must_use]
    pub fn asset(id: AssetId, role: ReferenceRole) -> Self {
        let source = InputSource::Asset(id);
        Self { role, source }
    }

    /// Names a file or bytes that were sent.
    #[must_use]
    pub fn image(image: ImageSource, role: ReferenceRole) -> Self {
        let source = InputSource::Image(image);
        Self { role, source }
    }
}

impl GenerationOutput {
    /// Begins an output that goes into the project, beside its characters.
    #[must_use]
    pub fn new(asset: NewAsset) -> Self {
        let place = OutputPlace::Reference;
        Self { asset, place }
    }

    /// Sets where it goes.
    #[must_use]
    pub fn place(self, place: OutputPlace) -> Self {
        Self { place, ..self }
    }
}

impl NewGeneration {
    /// Begins a generation that ended so.
    #[must_use]
    pub fn new(outcome: Outcome) -> Self {
        Self {
            id: None,
            system_prompt: None,
            prompt: None,
            model: None,
            settings: None,
            inputs: Vec::new(),
            outcome,
            duration_ms: None,
            input_tokens: None,
            output_tokens: None,
            price: None,
            created_at: None,
        }
    }

    /// Begins a generation that ended with images.
    #[must_use]
    pub fn succeeded(outputs: Vec<GenerationOutput>) -> Self {
        Self::new(Outcome::Succeeded(outputs))
    }

    /// Begins an attempt that ended with an error.
    pub fn failed(error: impl Into<String>) -> Self {
        Self::new(Outcome::Failed(error.into()))
    }

    /// Sets the system prompt that was sent.
    #[must_use]
    pub fn system_prompt(self, prompt: impl Into<String>) -> Self {
        Self {
            system_prompt: Some(prompt.into()),
            ..self
        }
    }

    /// Sets the prompt that was sent.
    #[must_use]
    pub fn prompt(self, prompt: impl Into<String>) -> Self {
        Self {
            prompt: Some(prompt.into()),
            ..self
        }
    }

    /// Sets the model.
    #[must_use]
    pub fn model(self, model: impl Into<String>) -> Self {
        Self {
            model: Some(model.into()),
            ..self
        }
    }

    /// Sets the settings that were sent.
    #[must_use]
    pub fn settings(self, settings: Json) -> Self {
        Self {
            settings: Some(settings),
            ..self
        }
    }

    /// Adds an image that was sent, after those that are there.
    #[must_use]
    pub fn input(mut self, input: GenerationInput) -> Self {
        self.inputs.push(input);
        self
    }

    /// Refuses fields that are not acceptable.
    pub(super) fn check(&self) -> Result<()> {
        check_optional("systemPrompt", self.system_prompt.as_ref())?;
        check_optional("prompt", self.prompt.as_ref())?;
        check_optional("model", self.model.as_ref())?;
        check_settings("settings", self.settings.as_ref())?;
        check_time("createdAt", self.created_at)?;
        check_count("durationMs", self.duration_ms)?;
        check_count("inputTokens", self.input_tokens)?;
        check_count("outputTokens", self.output_tokens)?;
        match &self.outcome {
            Outcome::Failed(error) if error.trim().is_empty() => {
                Err(Error::invalid("error", "say what went wrong"))
            }
            Outcome::Failed(error) => check_text("error", error),
            Outcome::Succeeded(outputs) if outputs.is_empty() => Err(Error::invalid(
                "outputs",
                "a request that returned no image has failed: record it with its error",
            )),
            Outcome::Succeeded(outputs) => outputs.iter().try_for_each(GenerationOutput::check),
        }
    }
}

impl GenerationOutput {
    /// Refuses an output that says for itself what only its generation says.
    fn check(&self) -> Result<()> {
        let asset = &self.asset;
        let own = [
            ("prompt", asset.prompt.is_some()),
            ("systemPrompt", asset.system_prompt.is_some()),
            ("settings", asset.settings.is_some()),
            ("model", asset.model.is_some()),
            ("createdAt", asset.created_at.is_some()),
            ("references", !asset.references.is_empty()),
        ];
        if let Some((field, _)) = own.iter().find(|(_, is_set)| *is_set) {
            let reason = "the generation says it for all its outputs";
            return Err(Error::invalid(format!("outputs.{field}"), reason));
        }
        match &self.place {
            OutputPlace::Frame { prompt, .. } => check_optional("framePrompt", prompt.as_ref()),
            _ => Ok(()),
        }
    }
}

/// Refuses a count beyond what JavaScript tells apart, which is less than the databases keep.
fn check_count(field: &str, count: Option<u64>) -> Result<()> {
    const MAX: u64 = (1 << 53) - 1;
    match count {
        Some(count) if count > MAX => Err(Error::invalid(field, format!("more than {MAX}"))),
        _ => Ok(()),
    }
}
