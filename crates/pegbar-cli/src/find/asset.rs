//! Finding assets: variations and references by the name they came with, all by their id.

use std::path::Path;

use pegbar::{Asset, AssetFilter, AssetId, AssetKind, Character, PageRequest, ProjectId, Studio};

use super::choose::{self, Choice, ambiguous, candidate, choose, ending, not_found};
use super::{InProject, MAX_CANDIDATES, character_names, unless_not_found};
use crate::error::CommandError;
use crate::list::every;
use crate::text::quoted;

/// Finds an asset.
pub(crate) async fn asset(
    studio: &Studio,
    within: &InProject,
    wanted: &str,
) -> Result<Asset, CommandError> {
    if let Ok(id) = wanted.parse::<AssetId>()
        && let Some(found) = unless_not_found(studio.get_asset(id).await)?
    {
        return Ok(found);
    }
    let projects = within.projects(studio).await?;
    let ids: Vec<ProjectId> = projects.iter().map(|project| project.id).collect();
    asset_in(studio, &ids, wanted).await
}

/// Finds an asset in these projects.
pub(crate) async fn asset_in(
    studio: &Studio,
    projects: &[ProjectId],
    wanted: &str,
) -> Result<Asset, CommandError> {
    if let Ok(id) = wanted.parse::<AssetId>()
        && let Some(found) = unless_not_found(studio.get_asset(id).await)?
    {
        return Ok(found);
    }
    let mut choices = Vec::new();
    for project in projects {
        choices.extend(named_choices(studio, *project).await?);
    }
    if let Some(id) = choose::by_name(wanted, &choices)? {
        return Ok(studio.get_asset(id).await?);
    }
    let imported = AssetFilter {
        source_id: Some(wanted.to_owned()),
        ..AssetFilter::default()
    };
    let mut found = first_few(studio, projects, &imported).await?;
    if let (true, Some(ending)) = (found.is_empty(), ending(wanted)) {
        let ending = AssetFilter {
            id_ending: Some(ending),
            ..AssetFilter::default()
        };
        found = first_few(studio, projects, &ending).await?;
    }
    match found.as_slice() {
        [] => Err(not_found(wanted, &choices)),
        [one] => Ok(one.clone()),
        several => {
            let several = several.iter().map(|asset| {
                let name = asset.file_path.as_deref().unwrap_or_default();
                candidate(asset.id, format!("{} {name}", asset.kind))
            });
            let hint = "give more of the end of the id";
            Err(ambiguous::<AssetId>(wanted, several.collect(), hint))
        }
    }
}

/// Finds a variation of a character.
pub(crate) async fn variation(
    studio: &Studio,
    character: &Character,
    wanted: &str,
) -> Result<AssetId, CommandError> {
    let mut choices = Vec::new();
    every(
        async |page| studio.list_variations(character.id, page).await,
        |asset: Asset| {
            let mut choice = choice(&asset, None);
            choice.names.insert(0, asset.id.to_string());
            choice.names.splice(0..0, asset.source_id);
            choices.push(choice);
        },
    )
    .await?;
    let name = quoted(&character.name);
    choose(wanted, &choices).map_err(|error| {
        if !error.is_not_found() {
            return error;
        }
        CommandError::refused("not_found", format!("{name} has no variation \"{wanted}\""))
            .hint(format!("list what it has: `pegbar variation list {name}`"))
    })
}

/// Returns the variations and references of a project. The takes of an animation are too many,
/// and too much alike, to be told by name.
async fn named_choices(
    studio: &Studio,
    project: ProjectId,
) -> Result<Vec<Choice<AssetId>>, CommandError> {
    let characters = character_names(studio, project).await?;
    let mut choices = Vec::new();
    for kind in [AssetKind::Character, AssetKind::Reference] {
        let filter = AssetFilter {
            kind: Some(kind),
            ..AssetFilter::default()
        };
        every(
            async |page| studio.list_assets(project, &filter, page).await,
            |asset: Asset| {
                let character = asset.character_id.and_then(|id| characters.get(&id));
                choices.push(choice(&asset, character.map(String::as_str)));
            },
        )
        .await?;
    }
    Ok(choices)
}

/// An asset by the name it came with, with and without what tells the format.
fn choice(asset: &Asset, character: Option<&str>) -> Choice<AssetId> {
    let mut names = Vec::new();
    if let Some(name) = &asset.original_name {
        if let Some(stem) = Path::new(name).file_stem().and_then(|stem| stem.to_str()) {
            names.extend(character.map(|character| format!("{character}/{stem}")));
            names.push(stem.to_owned());
        }
        names.push(name.clone());
        names.extend(character.map(|character| format!("{character}/{name}")));
    }
    Choice {
        id: asset.id,
        names,
    }
}

async fn first_few(
    studio: &Studio,
    projects: &[ProjectId],
    filter: &AssetFilter,
) -> Result<Vec<Asset>, CommandError> {
    let mut found = Vec::new();
    for project in projects {
        let page = PageRequest::default().limit(MAX_CANDIDATES);
        found.extend(studio.list_assets(*project, filter, page).await?.rows);
    }
    Ok(found)
}
