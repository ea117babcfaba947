//! `pegbar search`.

use pegbar::{
    AssetFilter, AssetKind, FoundAsset, MadeFrom, MillisSinceEpoch, ModelFilter, SearchFilter,
    SettingFilter, Studio, TextMatch,
};

use crate::context::Context;
use crate::error::CommandError;
use crate::find::{self, InProject};
use crate::list::{self, Part};
use crate::options::time;
use crate::output::Output;
use crate::text::one_line;

/// Find images by what made them: words in prompts, model, settings, inputs, time, use
///
/// Every condition that is given holds. Words are found within words, in upper and lower case
/// alike, in the prompt or the system prompt; several words in one argument are a phrase. In the
/// whole studio, unless a project is named. The list is printed while it is read, oldest first.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  pegbar search paw 'side view' --model 'gemini*'
  pegbar search --setting steps=20 --setting sampler.name=euler
  pegbar search --made-from Tabby/front.png --deep --kind frame
  pegbar search --unused --before 2026-01-31")]
pub(crate) struct Args {
    /// Words and phrases, each of which stands in the prompts
    text: Vec<String>,
    /// Look for the words also in what files and other programs say
    #[arg(long, requires = "text")]
    claims: bool,
    /// Only what this model generated; * at the end stands for anything
    #[arg(long, value_name = "NAME", value_parser = model)]
    model: Option<ModelFilter>,
    /// Only what was generated with this setting; once for each
    ///
    /// PATH is names with dots between them, or a JSON pointer: sampler.steps or /sampler/steps.
    /// VALUE is JSON, and what is not JSON is text: 20 is a number, and "20" in its quotes is
    /// not.
    #[arg(long = "setting", value_name = "PATH=VALUE", value_parser = setting)]
    settings: Vec<SettingFilter>,
    /// Only what was made from this asset, or from what this frame (ANIMATION/INDEX) shows
    #[arg(long, value_name = "ASSET")]
    made_from: Option<String>,
    /// Also what was made from what was made from it, and so on
    #[arg(long, requires = "made_from")]
    deep: bool,
    /// Only what was made at this time or later, as in 2026-01-31 or 2026-01-31T12:00:00Z
    #[arg(long, value_name = "TIME", value_parser = time)]
    from: Option<MillisSinceEpoch>,
    /// Only what was made before this time
    #[arg(long, visible_alias = "until", value_name = "TIME", value_parser = time)]
    before: Option<MillisSinceEpoch>,
    /// Only what is used nowhere: no frame shows it, nothing was made from it, and it is neither
    /// primary nor a thumbnail
    #[arg(long)]
    unused: bool,
    /// Only those of which this program says something
    #[arg(long, value_name = "TOOL")]
    claim_tool: Option<String>,
    /// Only those of this kind: reference, character (variations) or frame (takes)
    #[arg(long)]
    kind: Option<AssetKind>,
    /// Only variations of this character
    #[arg(long)]
    character: Option<String>,
    /// Only takes made for this animation
    #[arg(long)]
    animation: Option<String>,
    /// Only those with this tag
    #[arg(long, value_name = "WORD")]
    tag: Option<String>,
    #[command(flatten)]
    within: InProject,
    #[command(flatten)]
    part: Part,
}

fn model(text: &str) -> Result<ModelFilter, String> {
    match text.strip_suffix('*') {
        Some(beginning) if !beginning.contains('*') => {
            Ok(ModelFilter::Beginning(beginning.to_owned()))
        }
        None if !text.contains('*') => Ok(ModelFilter::Named(text.to_owned())),
        _ => Err("* stands for anything only at the end, as in 'gemini*'".to_owned()),
    }
}

fn setting(text: &str) -> Result<SettingFilter, String> {
    text.parse::<SettingFilter>().map_err(|error| match error {
        pegbar::Error::Invalid { reason, .. } => reason,
        error => error.to_string(),
    })
}

const HEADER: &[&str] = &["ID", "KIND", "MODEL", "CREATED", "FILE", "PROMPT"];
const HEADER_WITH_TEXT: &[&str] = &["ID", "KIND", "MODEL", "CREATED", "FILE", "FOUND IN"];
/// How much of a prompt a table shows.
const PROMPT_CHARACTERS: usize = 60;

fn place(found: &TextMatch) -> String {
    let field = match &found.tool {
        Some(tool) => format!("claim of {tool}"),
        None => found.field.to_string(),
    };
    let text = format!("{}{}{}", found.before, found.found, found.after);
    format!("{field}: {}", one_line(&text, usize::MAX))
}

fn cells(output: &Output, found: &FoundAsset) -> Vec<String> {
    let asset = &found.asset;
    let prompt = asset.generation_prompt.as_deref().unwrap_or_default();
    let places: Vec<String> = found.matches.iter().map(place).collect();
    vec![
        output.id(asset.id),
        asset.kind.to_string(),
        asset.model.clone().unwrap_or_default(),
        output.time(asset.created_at),
        output.path(asset),
        match places.as_slice() {
            [] => one_line(prompt, PROMPT_CHARACTERS),
            places => places.join("; "),
        },
    ]
}

pub(crate) async fn run(args: Args, context: &Context) -> Result<(), CommandError> {
    let studio = &context.studio().await?;
    if args.is_empty() {
        return Err(CommandError::usage("there is nothing to search for")
            .hint("say words of a prompt, or conditions; `pegbar asset list` lists everything"));
    }
    let project = match &args.within.project {
        Some(project) => Some(find::project(studio, project).await?.id),
        None => None,
    };
    let filter = args.filter(studio).await?;
    let header = if filter.text.is_empty() {
        HEADER
    } else {
        HEADER_WITH_TEXT
    };
    let search = studio.search(project, &filter).await?;
    list::print(
        &context.output,
        &args.part,
        header,
        async |page| search.page(page).await,
        |found: &FoundAsset| cells(&context.output, found),
    )
    .await
}

impl Args {
    /// Returns whether no condition is given.
    fn is_empty(&self) -> bool {
        let Self {
            text,
            claims: _,
            model,
            settings,
            made_from,
            deep: _,
            from,
            before,
            unused,
            claim_tool,
            kind,
            character,
            animation,
            tag,
            within: _,
            part: _,
        } = self;
        let texts = [made_from, claim_tool, character, animation, tag];
        text.is_empty()
            && model.is_none()
            && settings.is_empty()
            && !unused
            && kind.is_none()
            && [from, before].iter().all(|time| time.is_none())
            && texts.iter().all(|text| text.is_none())
    }

    async fn filter(&self, studio: &Studio) -> Result<SearchFilter, CommandError> {
        let mut assets = AssetFilter {
            kind: self.kind,
            tag: self.tag.clone(),
            created_from: self.from,
            created_before: self.before,
            ..AssetFilter::default()
        };
        if let Some(wanted) = &self.character {
            let character = find::character(studio, &self.within, wanted).await?;
            assets.character_id = Some(character.id);
        }
        if let Some(wanted) = &self.animation {
            let animation = find::animation(studio, &self.within, wanted).await?;
            assets.animation_id = Some(animation.id);
        }
        let mut made_from = None;
        if let Some(wanted) = &self.made_from {
            made_from = Some(MadeFrom {
                asset_id: find::asset(studio, &self.within, wanted).await?.id,
                is_deep: self.deep,
            });
        }
        Ok(SearchFilter {
            assets,
            text: self.text.clone(),
            in_claims: self.claims,
            model: self.model.clone(),
            settings: self.settings.clone(),
            claim_tool: self.claim_tool.clone(),
            made_from,
            is_unused: self.unused,
        })
    }
}
