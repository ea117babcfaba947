//! Finding assets: variations and references by the name they came with, what a frame shows by
//! the frame, a take by its animation and the name it came with, all by their id.

use std::path::Path;

use pegbar::{Asset, AssetFilter, AssetId, AssetKind, Character, PageRequest, ProjectId, Studio};

use super::choose::{self, Choice, ambiguous, candidate, choose, ending, not_found};
use super::take::{every_take, take};
use super::thing::{frame_by_path, is_frame_path};
use super::{InProject, MAX_CANDIDATES, animation, character, character_names, unless_not_found};
use crate::error::{Candidate, CommandError};
use crate::list::every;
use crate::text::quoted;

/// Finds an asset; a frame means the one that it shows.
pub(crate) async fn asset(
    studio: &Studio,
    within: &InProject,
    wanted: &str,
) -> Result<Asset, CommandError> {
    let found = asset_itself(studio, within, wanted).await;
    let is_missing = found.as_ref().is_err_and(CommandError::is_not_found);
    let is_path = is_frame_path(wanted);
    // The end of an id is that of a frame only where no asset has it.
    if !(is_path || is_missing && ending(wanted).is_some()) {
        return found;
    }
    match (found, frame_by_path(studio, within, wanted).await) {
        (Ok(asset), Ok(frame)) if asset.id != frame.asset_id => {
            let several = vec![
                described(&asset),
                candidate(frame.asset_id, format!("what the frame {wanted} shows")),
            ];
            Err(ambiguous::<AssetId>(wanted, several, "give an id"))
        }
        (Ok(asset), Ok(_)) => Ok(asset),
        (Ok(asset), Err(error)) if error.is_not_found() => Ok(asset),
        (Err(error), _) if !error.is_not_found() => Err(error),
        (_, Ok(frame)) => Ok(studio.get_asset(frame.asset_id).await?),
        // What looks like a frame is told what is wrong with it.
        (_, Err(error)) if is_path || !error.is_not_found() => Err(error),
        (missing, Err(_)) => missing,
    }
}

/// Finds an asset of a project; a frame means the one that it shows.
pub(crate) async fn asset_in(
    studio: &Studio,
    project: ProjectId,
    wanted: &str,
) -> Result<Asset, CommandError> {
    let within = InProject {
        project: Some(project.to_string()),
    };
    asset(studio, &within, wanted).await
}

/// Finds an asset by what it is called itself.
pub(super) async fn asset_itself(
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
    let projects: Vec<ProjectId> = projects.iter().map(|project| project.id).collect();
    let mut choices = Vec::new();
    for project in &projects {
        choices.extend(named_choices(studio, *project).await?);
    }
    if let Some(id) = choose::by_name(wanted, &choices)? {
        return Ok(studio.get_asset(id).await?);
    }
    let imported = AssetFilter {
        source_id: Some(wanted.to_owned()),
        ..AssetFilter::default()
    };
    let mut found = first_few(studio, &projects, &imported).await?;
    if let (true, Some(ending)) = (found.is_empty(), ending(wanted)) {
        let ending = AssetFilter {
            id_ending: Some(ending),
            ..AssetFilter::default()
        };
        found = first_few(studio, &projects, &ending).await?;
    }
    if let ([], Some((owner, name))) = (found.as_slice(), wanted.rsplit_once('/')) {
        found.extend(of_owner(studio, within, owner, name).await?);
    }
    match found.as_slice() {
        [] => Err(not_found(wanted, &choices)),
        [one] => Ok(one.clone()),
        several => {
            let several = several.iter().map(described);
            let hint = "give more of the end of the id";
            Err(ambiguous::<AssetId>(wanted, several.collect(), hint))
        }
    }
}

/// Finds a take by its animation, or a variation by its character, with the name it came with or
/// the end of its id. A number alone is a frame's index, whatever takes are called.
async fn of_owner(
    studio: &Studio,
    within: &InProject,
    owner: &str,
    name: &str,
) -> Result<Option<Asset>, CommandError> {
    if is_frame_path(&format!("{owner}/{name}")) {
        return Ok(None);
    }
    let take = match animation(studio, within, owner).await {
        Ok(animation) => {
            let takes = every_take(studio, &animation).await?;
            take(&animation, &takes, name).cloned()
        }
        Err(error) => Err(error),
    };
    if let Some(take) = unless_missing(take)? {
        return Ok(Some(take));
    }
    let variation = match character(studio, within, owner).await {
        Ok(character) => variation(studio, &character, name).await,
        Err(error) => Err(error),
    };
    match unless_missing(variation)? {
        Some(id) => Ok(Some(studio.get_asset(id).await?)),
        None => Ok(None),
    }
}

fn unless_missing<T>(found: Result<T, CommandError>) -> Result<Option<T>, CommandError> {
    match found {
        Err(error) if error.is_not_found() => Ok(None),
        found => found.map(Some),
    }
}

fn described(asset: &Asset) -> Candidate {
    let name = asset.file_path.as_deref().unwrap_or_default();
    candidate(asset.id, format!("{} {name}", asset.kind))
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
