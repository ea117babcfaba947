//! `pegbar lineage`.

mod chart;
mod draw;
mod frames;
mod stale;

use std::collections::HashMap;

use clap::ValueEnum;
use pegbar::{
    Asset, AssetId, AssetKind, DEFAULT_LINEAGE_LIMIT, Lineage, LineageDirection, LineageNode,
    LineageOptions, MAX_LINEAGE_LIMIT, ProjectId, ReferenceRole, Showing, Studio, Whereabouts,
};
use serde::Serialize;

use crate::context::Context;
use crate::error::CommandError;
use crate::find::{self, InProject};
use crate::text::{count, dropped, one_line};

/// Show what an asset was made from and what was made from it, and which frames that concerns
///
/// As a tree for people: each asset is there once with what is beyond it, and `see above`
/// wherever else it comes up. --format draws a graph for Graphviz or Mermaid, and --json prints
/// the graph with every edge.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  pegbar lineage Tabby/Walk/3                     what the frame's image was made from
  pegbar lineage front.png --descendants --depth 1
  pegbar lineage Tabby/Walk/3 --both --format dot | dot -Tsvg > walk.svg
  pegbar lineage stale Tabby")]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub(crate) struct Args {
    #[command(subcommand)]
    action: Option<Action>,
    /// The asset, by its id or the end of it, or by the name it came with; or ANIMATION/INDEX for
    /// what a frame shows
    #[arg(required = true)]
    asset: Option<String>,
    /// What it was made from (which is shown if nothing else is asked for)
    #[arg(long, group = "direction")]
    ancestors: bool,
    /// What was made from it
    #[arg(long, group = "direction")]
    descendants: bool,
    /// Both
    #[arg(long, group = "direction")]
    both: bool,
    /// How many steps at most
    #[arg(long, value_name = "STEPS")]
    depth: Option<u32>,
    /// Follow only inputs of this role, `character`, `previous_frame`, `style`, `pose` or `other`;
    /// may be given several times
    #[arg(long = "role", value_name = "ROLE")]
    roles: Vec<ReferenceRole>,
    /// How many assets each way, at most: the nearest
    #[arg(long, value_name = "COUNT", default_value_t = DEFAULT_LINEAGE_LIMIT,
        value_parser = clap::value_parser!(u32).range(1..=i64::from(MAX_LINEAGE_LIMIT)))]
    limit: u32,
    /// How it is drawn: as a tree, or for Graphviz (dot) or Mermaid
    #[arg(
        long,
        value_name = "FORMAT",
        default_value = "tree",
        hide_possible_values = true
    )]
    format: Format,
    #[command(flatten)]
    within: InProject,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    Stale(stale::Args),
    Frames(frames::Args),
}

/// How a lineage is drawn.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Format {
    Tree,
    Dot,
    Mermaid,
}

pub(crate) async fn run(args: Args, context: &Context) -> Result<(), CommandError> {
    let studio = &context.studio().await?;
    let output = &context.output;
    let (asset, direction) = match (&args.action, &args.asset) {
        (Some(Action::Stale(stale)), _) => return stale.run(studio, output).await,
        (Some(Action::Frames(frames)), _) => return frames.run(studio, output).await,
        (None, asset) => (asset.as_deref().unwrap_or_default(), args.direction()),
    };
    let asset = asset_meant(studio, &args.within, asset).await?;
    let options = LineageOptions {
        direction,
        max_depth: args.depth,
        roles: args.roles,
        limit: args.limit,
    };
    let lineage = studio.lineage(asset.id, &options).await?;
    let named = Named::read(studio, lineage).await?;
    if output.is_json() {
        return output.json(&named.as_json());
    }
    match args.format {
        Format::Tree => {
            let claimed = claimed_inputs(studio, asset.id).await?;
            // Without a step nothing is looked for, and nothing is to be said of it.
            let looked = (args.depth != Some(0)).then_some(direction);
            draw::print(output, &named, looked, claimed)?;
        }
        Format::Dot => output.verbatim(chart::dot(&named).as_bytes())?,
        Format::Mermaid => output.verbatim(chart::mermaid(&named).as_bytes())?,
    }
    if named.lineage.has_more {
        output.warning(format_args!(
            "there is more: these are the nearest {} each way; --limit COUNT lets more in",
            args.limit
        ));
    }
    Ok(())
}

impl Args {
    fn direction(&self) -> LineageDirection {
        match (self.descendants, self.both) {
            (true, _) => LineageDirection::Descendants,
            (_, true) => LineageDirection::Both,
            _ => LineageDirection::Ancestors,
        }
    }
}

/// Finds an asset, or what a frame shows; what is something else is told so.
async fn asset_meant(
    studio: &Studio,
    within: &InProject,
    wanted: &str,
) -> Result<Asset, CommandError> {
    let error = match find::asset(studio, within, wanted).await {
        Err(error) if error.is_not_found() => error,
        found => return found,
    };
    match find::thing(studio, within, wanted).await {
        Ok(thing) => {
            let message = format!("\"{wanted}\" is no asset but {}", thing.a_kind());
            let hint = "say which image: a variation by its name, a frame as ANIMATION/INDEX";
            Err(CommandError::refused("invalid", message).hint(hint))
        }
        Err(_) => Err(error),
    }
}

/// Returns how many inputs the Content Credentials in an asset's file name.
async fn claimed_inputs(studio: &Studio, asset: AssetId) -> Result<usize, CommandError> {
    let claims = studio.list_claims(asset).await?;
    let said = claims.iter().filter_map(pegbar::Claim::credentials);
    let inputs = said.map(|said| said.active.ingredients.len());
    Ok(inputs.max().unwrap_or(0))
}

/// A lineage, and what people know its assets by.
struct Named {
    lineage: Lineage,
    whereabouts: HashMap<AssetId, Whereabouts>,
}

/// A node as programs read it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct NamedNode<'a> {
    #[serde(flatten)]
    node: &'a LineageNode,
    name: String,
    is_primary: bool,
    shown_in: &'a [Showing],
}

/// A lineage as programs read it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct NamedLineage<'a> {
    root: AssetId,
    project_id: ProjectId,
    nodes: Vec<NamedNode<'a>>,
    edges: &'a [pegbar::LineageEdge],
    has_more: bool,
}

impl Named {
    async fn read(studio: &Studio, lineage: Lineage) -> Result<Self, CommandError> {
        let ids: Vec<AssetId> = lineage.nodes.iter().map(|node| node.id).collect();
        let whereabouts = studio.whereabouts(lineage.project_id, &ids).await?;
        Ok(Self {
            whereabouts: whereabouts
                .into_iter()
                .map(|it| (it.asset_id, it))
                .collect(),
            lineage,
        })
    }

    /// Returns what people know an asset by, on one line.
    fn name(&self, id: AssetId) -> String {
        self.whereabouts
            .get(&id)
            .map_or_else(|| id.to_string(), name)
    }

    fn as_json(&self) -> NamedLineage<'_> {
        let nodes = self.lineage.nodes.iter().map(|node| {
            let whereabouts = self.whereabouts.get(&node.id);
            NamedNode {
                node,
                name: whereabouts.map(ToString::to_string).unwrap_or_default(),
                is_primary: whereabouts.is_some_and(|it| it.is_primary),
                shown_in: whereabouts.map_or(&[], |it| &it.shown_in),
            }
        });
        NamedLineage {
            root: self.lineage.root,
            project_id: self.lineage.project_id,
            nodes: nodes.collect(),
            edges: &self.lineage.edges,
            has_more: self.lineage.has_more,
        }
    }
}

/// Returns what people know assets of a project by, each on one line; what the project does not
/// have is left out.
pub(crate) async fn names(
    studio: &Studio,
    project: ProjectId,
    assets: &[AssetId],
) -> Result<HashMap<AssetId, String>, CommandError> {
    let found = studio.whereabouts(project, assets).await?;
    Ok(found.iter().map(|it| (it.asset_id, name(it))).collect())
}

/// Writes what people know an asset by: its name, which frames show it but for the one that
/// gives it the name, whether it is primary, and whether its bytes are gone.
fn name(whereabouts: &Whereabouts) -> String {
    let mut parts = vec![one_line(&whereabouts.to_string(), 80)];
    match (whereabouts.kind, whereabouts.shown_in.as_slice()) {
        (AssetKind::Frame, []) => parts.push("not shown".to_owned()),
        (AssetKind::Frame, [_, others @ ..]) if !others.is_empty() => {
            parts.push(format!(
                "and in {}",
                count(others.len() as u64, "more frame")
            ));
        }
        _ => {}
    }
    if whereabouts.is_primary {
        parts.push("primary".to_owned());
    }
    parts.extend(whereabouts.bytes_dropped_at.map(dropped));
    parts.join(", ")
}
