//! Finding the takes of an animation.

use std::path::Path;

use pegbar::{Animation, Asset, Studio};

use super::choose::{Choice, choose};
use crate::error::CommandError;
use crate::list::every;
use crate::text::quoted;

/// Reads the takes that were made for an animation, shown or not, oldest first.
pub(crate) async fn every_take(
    studio: &Studio,
    animation: &Animation,
) -> Result<Vec<Asset>, CommandError> {
    let mut takes = Vec::new();
    every(
        async |page| studio.list_takes(animation.id, page).await,
        |take: Asset| takes.push(take),
    )
    .await?;
    Ok(takes)
}

/// Finds a take among those of an animation: by the name it came with, or by its id.
pub(crate) fn take<'a>(
    animation: &Animation,
    takes: &'a [Asset],
    wanted: &str,
) -> Result<&'a Asset, CommandError> {
    let choices: Vec<_> = takes.iter().map(choice).collect();
    let name = quoted(&animation.name);
    let missing = || {
        CommandError::refused("not_found", format!("{name} has no take \"{wanted}\""))
            .hint(format!("list what it has: `pegbar take list {name}`"))
    };
    let id = choose(wanted, &choices).map_err(|error| match error.suggestion() {
        Some(suggestion) => missing().hint(suggestion),
        None if error.is_not_found() => missing(),
        None => error,
    })?;
    takes.iter().find(|take| take.id == id).ok_or_else(missing)
}

fn choice(take: &Asset) -> Choice<pegbar::AssetId> {
    let mut names = vec![take.id.to_string()];
    if let Some(name) = &take.original_name {
        let stem = Path::new(name).file_stem().and_then(|stem| stem.to_str());
        names.extend(stem.map(str::to_owned));
        names.push(name.clone());
    }
    Choice { id: take.id, names }
}
