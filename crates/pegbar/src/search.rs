//! Search by provenance: assets by what made them, and by what became of them.
//!
//! What an index or a statement can decide, the database decides. Texts and settings are
//! compared here, while the rows that are left go by in batches: so both engines find the same
//! in every script, and memory does not grow with the project.

mod condition;
mod excerpt;
mod filter;
mod text;

use std::collections::HashMap;

use serde::Serialize;
use uuid::Uuid;

use crate::asset::{self, Asset};
use crate::claim::{self, Claim};
use crate::db::Session;
use crate::db::sql::statements;
use crate::db::value::Value;
use crate::error::{Error, Result};
use crate::id::{AssetId, ProjectId};
use crate::lineage;
use crate::page::{Page, PageRequest};
use crate::studio::Studio;
use condition::{Candidate, Conditions};
pub use excerpt::{MatchedField, TextMatch};
pub use filter::{MadeFrom, ModelFilter, SearchFilter, SettingFilter};

/// How many assets are looked at in one go.
const BATCH: usize = 1000;
/// Of how many assets the claims are looked at in one go: a claim may be a mebibyte long.
const CLAIMS_BATCH: usize = 100;

statements! {
    // Sorted, SQLite would read every reference of the project in that order.
    MADE_FROM = "SELECT asset_id FROM asset_reference \
                 WHERE project_id = $1 AND referenced_asset_id = $2";
}

/// An asset that was found, and where the text stands in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct FoundAsset {
    /// The asset.
    #[serde(flatten)]
    pub asset: Asset,
    /// Where the text that was searched for stands, one place for each prompt and claim that
    /// has some of it; empty where no text was searched for.
    pub matches: Vec<TextMatch>,
}

/// A search whose pages are asked for one after another: what was made from an asset is looked
/// up once, not for each page.
pub struct AssetSearch<'a> {
    studio: &'a Studio,
    project: Option<ProjectId>,
    filter: &'a SearchFilter,
    /// In order; `None` where it does not matter what they were made from.
    made: Option<Vec<Uuid>>,
}

impl AssetSearch<'_> {
    /// Returns a page of what is found, in the order of the ids.
    ///
    /// # Errors
    /// As [`Studio::search_assets`].
    pub async fn page(&self, page: PageRequest<AssetId>) -> Result<Page<FoundAsset>> {
        let made = self.made.as_deref();
        let mut session = self.studio.database().snapshot().await?;
        let found = page_of(&mut session, self.project, self.filter, made, page).await?;
        session.end().await?;
        Ok(found)
    }
}

impl MadeFrom {
    /// Returns the ids of what was made from the asset, in order; nothing where it is not of the
    /// project that is searched.
    async fn ids(self, session: &mut Session, searched: Option<ProjectId>) -> Result<Vec<Uuid>> {
        let project = asset::project_of(session, self.asset_id).await?;
        if searched.is_some_and(|searched| searched != project) {
            return Ok(Vec::new());
        }
        if self.is_deep {
            return lineage::descendants(session, project, self.asset_id, None).await;
        }
        let parameters = [Value::Id(project.0), Value::Id(self.asset_id.0)];
        let read = session.query(&MADE_FROM, &parameters, |row| {
            row.at(0, "asset_reference.asset_id")
        });
        let mut ids: Vec<Uuid> = read.await?;
        ids.sort_unstable();
        // One may have been sent it twice.
        ids.dedup();
        Ok(ids)
    }
}

/// Returns the ids of what is found after an asset, at most as many as wanted.
async fn find(
    session: &mut Session,
    project: Option<ProjectId>,
    filter: &SearchFilter,
    conditions: &Conditions,
    made: Option<&[Uuid]>,
    mut after: Option<AssetId>,
    wanted: usize,
) -> Result<Vec<AssetId>> {
    let behind =
        |ids: &'_ [Uuid]| after.map_or(0, |after| ids.partition_point(|id| *id <= after.0));
    let mut found = Vec::new();
    let mut chunks = made.map(|ids| ids[behind(ids)..].chunks(BATCH));
    loop {
        let chunk = match &mut chunks {
            Some(chunks) => match chunks.next() {
                Some(chunk) => Some(chunk),
                None => return Ok(found),
            },
            None => None,
        };
        // Where the database decides alone, it stops by itself.
        let rows = if conditions.are_empty() && chunk.is_none() {
            wanted
        } else {
            BATCH
        };
        // A list of ids goes on after it anyway; asked for both, SQLite compares each asset
        // behind it with each id.
        let behind = after.filter(|_| chunk.is_none());
        let query = filter.query(conditions, project, behind, chunk, rows);
        let read = |row: &crate::db::value::Row<'_>| conditions.read(row);
        let candidates = session.query(&query, &query.parameters, read).await?;
        let is_last = chunk.is_none() && candidates.len() < rows;
        after = candidates.last().map(|candidate| candidate.id).or(after);
        found.extend(settle(session, conditions, candidates).await?);
        if found.len() >= wanted {
            found.truncate(wanted);
            return Ok(found);
        }
        if is_last {
            return Ok(found);
        }
        // A long search lets others have their turn.
        tokio::task::yield_now().await;
    }
}

/// Returns the candidates that meet every condition; what their prompts lack of the text may
/// stand in their claims.
async fn settle(
    session: &mut Session,
    conditions: &Conditions,
    candidates: Vec<Candidate>,
) -> Result<Vec<AssetId>> {
    let mut candidates: Vec<Candidate> = candidates
        .into_iter()
        .filter(|candidate| candidate.is_possible)
        .collect();
    let mut doubtful: HashMap<ProjectId, Vec<Uuid>> = HashMap::new();
    for candidate in candidates.iter().filter(|candidate| candidate.lacks > 0) {
        let ids = doubtful.entry(candidate.project_id).or_default();
        ids.push(candidate.id.0);
    }
    let mut lacks: HashMap<AssetId, u64> = HashMap::new();
    for (project, ids) in doubtful {
        for ids in ids.chunks(CLAIMS_BATCH) {
            for claim in claim::of_assets(session, project, ids).await? {
                let lacked = lacks.entry(claim.asset_id).or_insert(u64::MAX);
                *lacked &= conditions.lacked_by(&claim);
            }
        }
    }
    candidates.retain(|candidate| {
        let lacks_in_claims = lacks.get(&candidate.id).copied().unwrap_or(u64::MAX);
        candidate.lacks & lacks_in_claims == 0
    });
    Ok(candidates
        .into_iter()
        .map(|candidate| candidate.id)
        .collect())
}

/// Reads what was found, in its order.
async fn load(
    session: &mut Session,
    project: Option<ProjectId>,
    conditions: &Conditions,
    ids: Vec<AssetId>,
) -> Result<Vec<FoundAsset>> {
    let mut by_project: HashMap<ProjectId, Vec<Uuid>> = HashMap::new();
    for id in &ids {
        let project = match project {
            Some(project) => project,
            None => asset::project_of(session, *id).await?,
        };
        by_project.entry(project).or_default().push(id.0);
    }
    let mut found: HashMap<AssetId, FoundAsset> = HashMap::with_capacity(ids.len());
    for (project, ids) in by_project {
        let mut assets = asset::get_many(session, project, &ids).await?;
        asset::join(session, project, &mut assets).await?;
        for asset in assets {
            let matches = conditions.matches_in(&asset);
            found.insert(asset.id, FoundAsset { asset, matches });
        }
        if !conditions.look_into_claims() {
            continue;
        }
        for ids in ids.chunks(CLAIMS_BATCH) {
            let claims: Vec<Claim> = claim::of_assets(session, project, ids).await?;
            for claim in &claims {
                if let Some(found) = found.get_mut(&claim.asset_id) {
                    found.matches.extend(conditions.match_in_claim(claim));
                }
            }
        }
    }
    Ok(ids.iter().filter_map(|id| found.remove(id)).collect())
}

/// Returns the ids of what was made from the asset that the filter names, if it names one.
async fn made(
    session: &mut Session,
    project: Option<ProjectId>,
    filter: &SearchFilter,
) -> Result<Option<Vec<Uuid>>> {
    Ok(match filter.made_from {
        Some(made_from) => Some(made_from.ids(session, project).await?),
        None => None,
    })
}

/// Reads a page of what is found.
async fn page_of(
    session: &mut Session,
    project: Option<ProjectId>,
    filter: &SearchFilter,
    made: Option<&[Uuid]>,
    page: PageRequest<AssetId>,
) -> Result<Page<FoundAsset>> {
    let conditions = Conditions::new(filter)?;
    let wanted = usize::try_from(page.rows_to_read()?).unwrap_or(usize::MAX);
    if page.is_descending {
        return Err(Error::invalid("order", "a search goes from the oldest on"));
    }
    let after = page.after;
    let found = find(session, project, filter, &conditions, made, after, wanted);
    let mut ids = found.await?;
    let has_more = ids.len() == wanted;
    ids.truncate(page.limit as usize);
    let rows = load(session, project, &conditions, ids).await?;
    Ok(Page { rows, has_more })
}

impl Studio {
    /// Begins a search of which more than one page is wanted. What was made from an asset is as
    /// it is now; everything else as it is when each page is read.
    ///
    /// # Errors
    /// As [`Studio::search_assets`].
    pub async fn search<'a>(
        &'a self,
        project: Option<ProjectId>,
        filter: &'a SearchFilter,
    ) -> Result<AssetSearch<'a>> {
        Conditions::new(filter)?;
        let mut session = self.database().snapshot().await?;
        let made = made(&mut session, project, filter).await?;
        session.end().await?;
        Ok(AssetSearch {
            studio: self,
            project,
            filter,
            made,
        })
    }

    /// Finds assets by what made them and what became of them, in one project or in all, in
    /// the order of their ids.
    ///
    /// Every condition of the filter holds. A search for text or settings reads the prompts or
    /// settings of all assets that the other conditions leave, in batches; the others go by
    /// indexes or stop as soon as the page is full.
    ///
    /// # Errors
    /// [`crate::Error::Invalid`] for a text that is empty, for more than
    /// [`SearchFilter::MAX_TEXTS`] texts, for a page size out of range, and for pages from the
    /// newest on;
    /// [`crate::Error::NotFound`] for the asset that something is to be made from.
    pub async fn search_assets(
        &self,
        project: Option<ProjectId>,
        filter: &SearchFilter,
        page: PageRequest<AssetId>,
    ) -> Result<Page<FoundAsset>> {
        Conditions::new(filter)?;
        page.rows_to_read()?;
        let mut session = self.database().snapshot().await?;
        let made = made(&mut session, project, filter).await?;
        let found = page_of(&mut session, project, filter, made.as_deref(), page).await?;
        session.end().await?;
        Ok(found)
    }
}
