//! Lists, read page by page: however long they are, one page of them is in memory.

use std::fmt::Display;
use std::str::FromStr;

use pegbar::{
    Animation, Asset, Character, FoundAsset, Generation, Id, MAX_PAGE_SIZE, Page, PageRequest,
    Project, TrashEntry,
};
use serde::Serialize;

use crate::error::CommandError;
use crate::output::Output;

/// Which part of a list.
#[derive(Clone, Debug, Default, clap::Args)]
pub(crate) struct Part {
    /// How many at most; all, if not given
    #[arg(long, value_name = "COUNT")]
    limit: Option<u64>,
    /// Only those after this one, by its whole id
    #[arg(long, value_name = "ID")]
    after: Option<String>,
}

/// What stands in lists.
pub(crate) trait Listed: Serialize {
    type Id: Id + FromStr<Err: Display>;

    fn id(&self) -> Self::Id;
}

macro_rules! listed {
    ($($entity:ty, $id:ty;)+) => {$(
        impl Listed for $entity {
            type Id = $id;

            fn id(&self) -> Self::Id {
                self.id
            }
        }
    )+};
}

listed! {
    Project, pegbar::ProjectId;
    Character, pegbar::CharacterId;
    Animation, pegbar::AnimationId;
    Asset, pegbar::AssetId;
    Generation, pegbar::GenerationId;
    TrashEntry, pegbar::DeletionId;
}

impl Listed for FoundAsset {
    type Id = pegbar::AssetId;

    fn id(&self) -> Self::Id {
        self.asset.id
    }
}

/// Calls `each` with every row of a list.
pub(crate) async fn every<T: Listed>(
    fetch: impl AsyncFn(PageRequest<T::Id>) -> pegbar::Result<Page<T>>,
    mut each: impl FnMut(T),
) -> Result<(), CommandError> {
    let mut request = PageRequest::default().limit(MAX_PAGE_SIZE);
    loop {
        let page = fetch(request).await?;
        request.after = page.rows.last().map(Listed::id);
        page.rows.into_iter().for_each(&mut each);
        if !page.has_more {
            return Ok(());
        }
    }
}

/// Prints a part of a list while it is read.
pub(crate) async fn print<T: Listed>(
    output: &Output,
    part: &Part,
    header: &'static [&'static str],
    fetch: impl AsyncFn(PageRequest<T::Id>) -> pegbar::Result<Page<T>>,
    cells: impl Fn(&T) -> Vec<String>,
) -> Result<(), CommandError> {
    let mut after = match &part.after {
        None => None,
        Some(text) => Some(text.parse::<T::Id>().map_err(|error| {
            CommandError::usage(format!("--after: {text:?} is not a whole id: {error}")).hint(
                "--after goes on where a list stopped: give the id that it named behind \"more \
                 follow\"; for times say --from or --before, where the command has them",
            )
        })?),
    };
    let mut remaining = part.limit.unwrap_or(u64::MAX);
    let mut list = output.list(header);
    let mut more = None;
    while remaining > 0 {
        let limit = u32::try_from(remaining).map_or(MAX_PAGE_SIZE, |r| r.min(MAX_PAGE_SIZE));
        let page = fetch(PageRequest {
            after,
            limit,
            ..PageRequest::default()
        })
        .await?;
        for row in &page.rows {
            list.row(row, &cells)?;
        }
        list.end_page()?;
        remaining -= page.rows.len() as u64;
        after = page.rows.last().map(Listed::id);
        if !page.has_more {
            more = None;
            break;
        }
        more = after;
    }
    if list.finish()? == 0 {
        output.note("nothing to list");
    }
    if let Some(last) = more {
        output.note(format_args!("more follow: --after {last}"));
    }
    Ok(())
}
