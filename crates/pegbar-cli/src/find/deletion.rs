//! Finding deletions in the trash: by their id, or the end of it.

use pegbar::{DeletionId, Studio, TrashEntry};

use super::choose::{Choice, choose, ending};
use super::{MAX_CANDIDATES, unless_not_found};
use crate::error::CommandError;
use crate::text::minute;

/// Finds a deletion.
pub(crate) async fn deletion(studio: &Studio, wanted: &str) -> Result<TrashEntry, CommandError> {
    if let Ok(id) = wanted.parse::<DeletionId>()
        && let Some(found) = unless_not_found(studio.get_deletion(id).await)?
    {
        return Ok(found);
    }
    let found = match ending(wanted) {
        Some(ending) => studio.find_deletions(&ending, MAX_CANDIDATES).await?,
        None => Vec::new(),
    };
    let choices: Vec<_> = found.iter().map(choice).collect();
    let id = choose(wanted, &choices)?;
    Ok(studio.get_deletion(id).await?)
}

fn choice(entry: &TrashEntry) -> Choice<DeletionId> {
    let (kind, deleted) = (entry.kind, minute(entry.deleted_at));
    Choice {
        id: entry.id,
        names: vec![format!("{kind} {} {deleted}", entry.name)],
    }
}
