//! `pegbar generation`.

mod record;
mod request;

use pegbar::{AssetId, Generation, GenerationFilter, GenerationStatus, MillisSinceEpoch, Studio};

use crate::command::lineage;
use crate::context::Context;
use crate::error::CommandError;
use crate::find::{self, InProject};
use crate::list::{self, Part};
use crate::options::time;
use crate::output::Output;
use crate::text::one_line;

/// Record, list and show generations: requests to a model, with what was sent and what came of it
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  pegbar generation record side.png --as-variation Tabby --prompt 'side view' --model banana-2 \\
    --input character=front
  pegbar generation list")]
pub(crate) struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    Record(Box<record::Record>),
    List(List),
    Show(Show),
}

/// List a project's generations in the order in which they were recorded
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  pegbar generation list --status failed --from 2026-01-31")]
struct List {
    /// Only those that ended so: succeeded or failed
    #[arg(long)]
    status: Option<GenerationStatus>,
    /// Only those sent to this model
    #[arg(long, value_name = "NAME")]
    model: Option<String>,
    /// Only the one that this asset came from
    #[arg(long, value_name = "ASSET")]
    output: Option<String>,
    /// Only those whose id has this end
    #[arg(long, value_name = "DIGITS")]
    id_ending: Option<String>,
    /// Only those sent at this time or later, as in 2026-01-31 or 2026-01-31T12:00:00Z
    #[arg(long, value_name = "TIME", value_parser = time)]
    from: Option<MillisSinceEpoch>,
    /// Only those sent before this time
    #[arg(long, value_name = "TIME", value_parser = time)]
    before: Option<MillisSinceEpoch>,
    #[command(flatten)]
    within: InProject,
    #[command(flatten)]
    part: Part,
}

/// Show everything about a generation: what was sent, how it ended, and what it cost
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  pegbar generation show 3f9c1a")]
struct Show {
    /// The generation, by its id or the end of it
    generation: String,
    #[command(flatten)]
    within: InProject,
}

pub(crate) async fn run(args: Args, context: &Context) -> Result<(), CommandError> {
    let studio = &context.studio().await?;
    let output = &context.output;
    match args.action {
        Action::Record(record) => record.run(studio, output).await,
        Action::List(list) => list.run(studio, output).await,
        Action::Show(show) => show.run(studio, output).await,
    }
}

const HEADER: &[&str] = &["ID", "STATUS", "MODEL", "OUTPUTS", "SENT", "PROMPT"];

/// Writes how long something took.
fn seconds(duration_ms: u64) -> String {
    format!("{}.{} s", duration_ms / 1000, duration_ms % 1000 / 100)
}

fn cells(output: &Output, generation: &Generation) -> Vec<String> {
    let sent = generation.sent().unwrap_or_default();
    vec![
        output.id(generation.id),
        generation.status.to_string(),
        generation.model.clone().unwrap_or_default(),
        generation.output_asset_ids.len().to_string(),
        output.time(generation.created_at),
        one_line(sent.prompt.as_deref().unwrap_or_default(), 60),
    ]
}

impl List {
    async fn run(self, studio: &Studio, output: &Output) -> Result<(), CommandError> {
        let mut filter = GenerationFilter {
            status: self.status,
            model: self.model,
            output_asset_id: None,
            id_ending: self.id_ending,
            created_from: self.from,
            created_before: self.before,
        };
        let project = match &self.output {
            Some(wanted) => {
                let asset = find::asset(studio, &self.within, wanted).await?;
                filter.output_asset_id = Some(asset.id);
                asset.project_id
            }
            None => self.within.one(studio).await?.id,
        };
        list::print(
            output,
            &self.part,
            HEADER,
            async |page| studio.list_generations(project, &filter, page).await,
            |generation: &Generation| cells(output, generation),
        )
        .await
    }
}

impl Show {
    async fn run(self, studio: &Studio, output: &Output) -> Result<(), CommandError> {
        let generation = find::generation(studio, &self.within, &self.generation).await?;
        if output.is_json() {
            return output.json(&generation);
        }
        print(studio, output, &generation).await
    }
}

/// Prints what was sent, and what came of it.
async fn print(
    studio: &Studio,
    output: &Output,
    generation: &Generation,
) -> Result<(), CommandError> {
    let number = |count: Option<u64>| count.map(|count| count.to_string()).unwrap_or_default();
    let sent = generation.sent();
    let request = match &sent {
        Some(_) => String::new(),
        None => generation.request.to_string(),
    };
    let sent = sent.unwrap_or_default();
    let settings = sent.settings.as_ref().map(ToString::to_string);
    let fields = [
        (
            "project",
            studio.get_project(generation.project_id).await?.name,
        ),
        ("model", generation.model.clone().unwrap_or_default()),
        ("prompt", sent.prompt.unwrap_or_default()),
        ("system prompt", sent.system_prompt.unwrap_or_default()),
        ("settings", settings.unwrap_or_default()),
        ("request", request),
        ("error", generation.error.clone().unwrap_or_default()),
        ("sent", generation.created_at.to_string()),
        (
            "took",
            generation.duration_ms.map(seconds).unwrap_or_default(),
        ),
        ("input tokens", number(generation.input_tokens)),
        ("output tokens", number(generation.output_tokens)),
        ("price", generation.price.clone().unwrap_or_default()),
    ];
    let title = format!("{} generation {}", generation.status, generation.id);
    output.fields(&title, &fields)?;
    if !sent.inputs.is_empty() {
        output.line("inputs")?;
    }
    let inputs: Vec<AssetId> = sent
        .inputs
        .iter()
        .filter_map(|input| input.asset_id)
        .collect();
    let names = lineage::names(studio, generation.project_id, &inputs).await?;
    for (position, input) in sent.inputs.iter().enumerate() {
        let (role, sha256) = (input.role, input.sha256);
        let line = match input.asset_id {
            Some(id) => {
                let name = names.get(&id).map(String::as_str);
                format!("{id}  {role}: {}", name.unwrap_or("no longer there"))
            }
            None => format!("bytes that were not kept  {role}"),
        };
        output.line(format_args!("  {position}  {line}\n     sha256 {sha256}"))?;
    }
    if !generation.output_asset_ids.is_empty() {
        output.line("outputs")?;
    }
    for id in &generation.output_asset_ids {
        let asset = studio.get_asset(*id).await?;
        output.line(format_args!("  {id}  {}", output.path(&asset)))?;
    }
    Ok(())
}
