//! `pegbar generation record`.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use clap::ArgGroup;
use pegbar::{
    Asset, GenerationStatus, Json, MillisSinceEpoch, Price, RecordedGeneration, ReferenceRole,
    Studio,
};

use super::request::{Input, Output as RequestOutput, Request};
use crate::error::CommandError;
use crate::find::InProject;
use crate::options::{settings, time};
use crate::output::{Output, Table};
use crate::sheet::refused_by_system;
use crate::text::{count, pixels, size_of};

/// Record a request to a model: exactly what was sent, and the images that came out
///
/// The images become assets with the prompts, model, settings and inputs in their record. An
/// attempt that failed is recorded with --failed, and leaves no asset.
///
/// The whole request may also be given as JSON, with --request.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  pegbar generation record side_1.png side_2.png --as-variation Tabby --model banana-2 \\
    --prompt 'side view' --input character=front --input pose=sketch.png --price '0.039 USD'
  pegbar generation record --failed 'the model is overloaded' --model banana-2 --prompt 'side view'
  pegbar generation record --request - <<END
  {\"model\": \"banana-2\", \"prompt\": \"passing pose\", \"settings\": {\"seed\": 7},
   \"inputs\": [{\"asset\": \"front\", \"role\": \"character\"}, {\"file\": \"sketch.png\", \"role\": \"pose\"}],
   \"outputs\": [{\"file\": \"pass.png\", \"frameOf\": \"Tabby/Walk\", \"at\": 1}], \"durationMs\": 4200}
  END")]
#[command(group(ArgGroup::new("outcome").args(["files", "failed", "request"]).required(true)))]
#[command(group(ArgGroup::new("place").args(["variation", "take", "frame", "replaced"])))]
#[command(group(ArgGroup::new("said").multiple(true).conflicts_with("request").args([
    "prompt", "prompt_file", "system_prompt", "system_prompt_file", "model", "settings", "inputs",
    "variation", "take", "frame", "replaced", "tags", "duration_ms", "input_tokens",
    "output_tokens", "price", "created_at",
])))]
pub(super) struct Record {
    /// The images that came out, in their order
    #[arg(value_name = "FILE")]
    files: Vec<PathBuf>,
    /// No image came out: what went wrong
    #[arg(long, value_name = "ERROR", conflicts_with_all = ["place", "tags"])]
    failed: Option<String>,
    /// The whole request as JSON in a file, or - for standard input
    #[arg(long, value_name = "FILE")]
    request: Option<PathBuf>,
    #[command(flatten)]
    within: InProject,
    #[command(flatten)]
    sent: Sent,
    #[command(flatten)]
    place: Place,
    #[command(flatten)]
    cost: Cost,
}

/// What was sent.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "What was sent")]
struct Sent {
    /// The prompt
    #[arg(long, value_name = "TEXT")]
    prompt: Option<String>,
    /// A file with the prompt, which is taken as it is
    #[arg(long, value_name = "FILE", conflicts_with = "prompt")]
    prompt_file: Option<PathBuf>,
    /// The system prompt
    #[arg(long, value_name = "TEXT")]
    system_prompt: Option<String>,
    /// A file with the system prompt, which is taken as it is
    #[arg(long, value_name = "FILE", conflicts_with = "system_prompt")]
    system_prompt_file: Option<PathBuf>,
    /// The model
    #[arg(long, value_name = "NAME")]
    model: Option<String>,
    /// The settings, as JSON, or @FILE with JSON in it
    #[arg(long, value_name = "JSON", value_parser = settings)]
    settings: Option<Json>,
    /// An image; once for each, in the order sent
    ///
    /// A file, or an asset by the name a variation or reference came with, the frame that shows
    /// it (ANIMATION/INDEX), or the end of its id. A file whose bytes no asset has becomes a reference. ROLE says what it was for:
    /// `character`, `previous_frame`, `style`, `pose` or `other` (which it is, if not given).
    #[arg(long = "input", value_name = "[ROLE=]FILE|ASSET")]
    inputs: Vec<String>,
    /// When it was sent, as in 2026-01-31T12:00:00Z; else now
    #[arg(long = "sent-at", value_name = "TIME", value_parser = time)]
    created_at: Option<MillisSinceEpoch>,
}

/// Where the images go.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Where the images go (else beside the project's characters)")]
struct Place {
    /// They are variations of this character
    #[arg(long = "as-variation", value_name = "CHARACTER")]
    variation: Option<String>,
    /// They are takes of this animation, which no frame shows yet
    #[arg(long = "take-of", value_name = "ANIMATION")]
    take: Option<String>,
    /// New frames of this animation show them
    #[arg(long = "frame-of", value_name = "ANIMATION")]
    frame: Option<String>,
    /// The new frames stand before the one with this index, from 0; else at the end
    #[arg(long, value_name = "INDEX", requires = "frame")]
    at: Option<u32>,
    /// What the new frames in particular were to show
    #[arg(long, value_name = "TEXT", requires = "frame")]
    frame_prompt: Option<String>,
    /// This frame shows the image from now on, as in Tabby/Walk/3
    #[arg(long = "replace-frame", value_name = "FRAME")]
    replaced: Option<String>,
    /// A free word to find the images by; may be given several times
    #[arg(long = "tag", value_name = "WORD")]
    tags: Vec<String>,
}

/// What it cost.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "What it cost")]
struct Cost {
    /// How long it took, in milliseconds
    #[arg(long, value_name = "NUMBER")]
    duration_ms: Option<u64>,
    /// How many tokens were sent
    #[arg(long, value_name = "NUMBER")]
    input_tokens: Option<u64>,
    /// How many tokens came back
    #[arg(long, value_name = "NUMBER")]
    output_tokens: Option<u64>,
    /// An amount and a currency, as in '0.039 USD'
    #[arg(long)]
    price: Option<Price>,
}

impl Record {
    pub(super) async fn run(self, studio: &Studio, output: &Output) -> Result<(), CommandError> {
        let project = self.within.one(studio).await?;
        let request = match &self.request {
            Some(path) => Request::parse(&text_of(path)?)?,
            None => self.into_request()?,
        };
        let is_bare = request.is_bare();
        let new = request.into_new(studio, project.id).await?;
        let recorded = studio.record_generation(project.id, new).await?;
        if is_bare {
            output.warning(
                "it says nothing of what was sent: neither a prompt nor inputs nor settings, and \
                 that can't be added later",
            );
        }
        print(output, &recorded)
    }

    fn into_request(self) -> Result<Request, CommandError> {
        let Self {
            sent, place, cost, ..
        } = self;
        if let ([_, _, ..], Some(frame)) = (self.files.as_slice(), &place.replaced) {
            let images = count(self.files.len() as u64, "image");
            let message = format!("--replace-frame {frame} is given for {images}");
            return Err(CommandError::usage(message).hint(
                "a frame shows one image: record the others with --take-of, in a --request",
            ));
        }
        let file = |path: Option<PathBuf>| path.as_deref().map(text_of).transpose();
        let outputs = self.files.into_iter().map(|file| RequestOutput {
            file,
            original_name: None,
            tags: place.tags.clone(),
            variation_of: place.variation.clone(),
            take_of: place.take.clone(),
            frame_of: place.frame.clone(),
            at: place.at,
            frame_prompt: place.frame_prompt.clone(),
            replace_frame: place.replaced.clone(),
        });
        let inputs = sent.inputs.iter().map(|input| input_of(input));
        Ok(Request {
            outputs: outputs.collect(),
            system_prompt: sent.system_prompt.or(file(sent.system_prompt_file)?),
            prompt: sent.prompt.or(file(sent.prompt_file)?),
            model: sent.model,
            settings: sent.settings,
            inputs: inputs.collect::<Result<_, _>>()?,
            error: self.failed,
            duration_ms: cost.duration_ms,
            input_tokens: cost.input_tokens,
            output_tokens: cost.output_tokens,
            price: cost.price,
            created_at: sent.created_at,
        })
    }
}

/// Reads what an input is: what a file holds is what was sent, whatever assets are called.
fn input_of(text: &str) -> Result<Input, CommandError> {
    let (role, wanted) = match text.split_once('=') {
        // A file may have a name with = in it.
        Some((role, wanted)) if !Path::new(text).exists() => {
            let role: ReferenceRole = role.parse().map_err(|_| {
                let roles: Vec<&str> = ReferenceRole::ALL
                    .iter()
                    .map(|role| role.as_str())
                    .collect();
                let message = format!("--input {text}: unknown role \"{role}\"");
                CommandError::usage(message).hint(format!("the roles are {}", roles.join(", ")))
            })?;
            (role, wanted)
        }
        _ => (ReferenceRole::Other, text),
    };
    let path = Path::new(wanted);
    let (asset, file) = if path.exists() {
        (None, Some(path.to_owned()))
    } else {
        (Some(wanted.to_owned()), None)
    };
    Ok(Input::new(role, asset, file))
}

/// Reads a whole text, from standard input where the file is called `-`.
fn text_of(path: &Path) -> Result<String, CommandError> {
    let mut text = String::new();
    let read = if path == Path::new("-") {
        std::io::stdin().read_to_string(&mut text).map(drop)
    } else {
        std::fs::read_to_string(path).map(|content| text = content)
    };
    read.map_err(|error| refused_by_system("reading", path, &error))?;
    Ok(text)
}

const HEADER: &[&str] = &["ID", "KIND", "PIXELS", "SIZE", "CAME AS", "FILE"];

fn table(output: &Output, assets: &[Asset]) -> Table {
    let mut table = Table::new(HEADER);
    for asset in assets {
        table.row(vec![
            output.id(asset.id),
            asset.kind.to_string(),
            pixels(asset),
            size_of([asset]),
            asset.original_name.clone().unwrap_or_default(),
            output.path(asset),
        ]);
    }
    table
}

fn print(output: &Output, recorded: &RecordedGeneration) -> Result<(), CommandError> {
    if output.is_json() {
        return output.json(recorded);
    }
    let id = recorded.generation.id;
    if recorded.generation.status == GenerationStatus::Failed {
        return output.line(format_args!("recorded the failed attempt ({id})"));
    }
    let outputs = count(recorded.outputs.len() as u64, "image");
    output.line(format_args!("recorded {outputs} of a generation ({id})"))?;
    output.table(table(output, &recorded.outputs))?;
    if !recorded.new_references.is_empty() {
        let added = count(recorded.new_references.len() as u64, "input");
        output.line(format_args!("{added} became a reference"))?;
        output.table(table(output, &recorded.new_references))?;
    }
    Ok(())
}
