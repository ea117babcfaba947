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
use crate::error::Result;
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

impl MadeFrom {
    /// Returns the ids of what was made from the asset, in order, and its project.
    async fn ids(self, session: &mut Session) -> Result<(ProjectId, Vec<Uuid>)> {
        let project = asset::project_of(session, self.asset_id).await?;
        if self.is_deep {
            let ids = lineage::descendants(session, project, self.asset_id, None).await?;
            return Ok((project, ids));
        }
        let parameters = [Value::Id(project.0), Value::Id(self.asset_id.0)];
        let read = session.query(&MADE_FROM, &parameters, |row| {
            row.at(0, "asset_reference.asset_id")
        });
        let mut ids: Vec<Uuid> = read.await?;
        ids.sort_unstable();
        // One may have been sent it twice.
        ids.dedup();
        Ok((project, ids))
    }
}

/// Returns the ids of what is found after an asset, at most as many as wanted.
async fn find(
    session: &mut Session,
    project: Option<ProjectId>,
    filter: &SearchFilter,
    conditions: &Conditions,
    mut after: Option<AssetId>,
    wanted: usize,
) -> Result<Vec<AssetId>> {
    let mut made = None;
    if let Some(made_from) = filter.made_from {
        let (its_project, mut ids) = made_from.ids(session).await?;
        if project.is_some_and(|project| project != its_project) {
            return Ok(Vec::new());
        }
        if let Some(after) = after {
            ids.drain(..ids.partition_point(|id| *id <= after.0));
        }
        made = Some(ids);
    }
    let mut found = Vec::new();
    let mut chunks = made.as_deref().map(|ids| ids.chunks(BATCH));
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

impl Studio {
    /// Finds assets by what made them and what became of them, in one project or in all, in
    /// the order of their ids.
    ///
    /// Every condition of the filter holds. A search for text or settings reads the prompts or
    /// settings of all assets that the other conditions leave, in batches; the others go by
    /// indexes or stop as soon as the page is full.
    ///
    /// # Errors
    /// [`crate::Error::Invalid`] for a text that is empty, for more than
    /// [`SearchFilter::MAX_TEXTS`] texts, and for a page size out of range;
    /// [`crate::Error::NotFound`] for the asset that something is to be made from.
    pub async fn search_assets(
        &self,
        project: Option<ProjectId>,
        filter: &SearchFilter,
        page: PageRequest<AssetId>,
    ) -> Result<Page<FoundAsset>> {
        let conditions = Conditions::new(filter)?;
        let wanted = usize::try_from(page.rows_to_read()?).unwrap_or(usize::MAX);
        let mut session = self.database().snapshot().await?;
        let mut ids = find(
            &mut session,
            project,
            filter,
            &conditions,
            page.after,
            wanted,
        )
        .await?;
        let has_more = ids.len() == wanted;
        ids.truncate(page.limit as usize);
        let rows = load(&mut session, project, &conditions, ids).await?;
        session.end().await?;
        Ok(Page { rows, has_more })
    }
}
