//! The requests of an asset and of everything that it was made from, read a page at a time:
//! however many there are, one page of them is in memory.

use std::ops::ControlFlow;

use uuid::Uuid;

use super::{Known, Reproduction, claimed, load};
use crate::asset::{self, Asset};
use crate::db::{Session, blocking};
use crate::error::Result;
use crate::id::{AssetId, ProjectId};
use crate::lineage;
use crate::reference;
use crate::studio::Studio;

/// How many assets are looked at in one go.
const PAGE: usize = 500;

impl Studio {
    /// Calls `each` with the requests that would make an asset again together with everything
    /// that it was made from, inputs before what was made from them; the last is the asset's
    /// own. Uploads need no request and are left out, but for the asset itself.
    ///
    /// They are of one moment. Memory grows by some bytes for each asset and each input, not
    /// with prompts and settings. `each` says whether to go on.
    ///
    /// # Errors
    /// As [`Studio::reproduce`]; what `each` was called with before counts.
    pub async fn reproduce_with_inputs(
        &self,
        id: AssetId,
        mut each: impl FnMut(Reproduction) -> ControlFlow<()> + Send,
    ) -> Result<()> {
        let mut session = self.database().snapshot().await?;
        let project = asset::project_of(&mut session, id).await?;
        let mut ids = lineage::ancestors(&mut session, project, &[id.0]).await?;
        if let Err(place) = ids.binary_search(&id.0) {
            ids.insert(place, id.0);
        }
        let inputs = Inputs::load(&mut session, project, &ids).await?;
        let order = inputs.first(&ids, id.0);
        drop(inputs);
        for page in order.chunks(PAGE) {
            let page: Vec<Uuid> = page.iter().map(|place| ids[*place as usize]).collect();
            let requests = self.requests(&mut session, project, &page, id).await?;
            if requests.into_iter().any(|request| each(request).is_break()) {
                break;
            }
        }
        session.end().await
    }

    /// Returns the requests of assets that were generated, in their order.
    async fn requests(
        &self,
        session: &mut Session,
        project: ProjectId,
        ids: &[Uuid],
        asked: AssetId,
    ) -> Result<Vec<Reproduction>> {
        let mut read = load(session, project, ids).await?;
        let generated: Vec<Asset> = ids
            .iter()
            .filter_map(|id| read.get(&AssetId(*id)))
            .filter(|asset| asset.id == asked || asset.generation_prompt.is_some())
            .cloned()
            .collect();
        let inputs = generated.iter().flat_map(Asset::reference_asset_ids);
        let mut elsewhere: Vec<Uuid> = inputs
            .filter(|id| !read.contains_key(id))
            .map(|id| id.0)
            .collect();
        elsewhere.sort_unstable();
        elsewhere.dedup();
        let elsewhere = asset::get_many(session, project, &elsewhere).await?;
        read.extend(elsewhere.into_iter().map(|asset| (asset.id, asset)));
        let known = Known {
            claims: claimed(session, project, &generated).await?,
            inputs: read,
        };
        let each = generated.iter();
        blocking(|| each.map(|asset| self.reproduction(asset, &known)).collect())
    }
}

/// What each of many assets was made from, by their places in the list of ids.
struct Inputs {
    /// Where the inputs of each begin; one more at the end.
    starts: Vec<usize>,
    places: Vec<u32>,
}

impl Inputs {
    /// Reads the inputs of assets whose ids are in order; those that are not among them are left
    /// out.
    async fn load(session: &mut Session, project: ProjectId, ids: &[Uuid]) -> Result<Self> {
        let mut inputs = Self {
            starts: Vec::with_capacity(ids.len() + 1),
            places: Vec::new(),
        };
        for page in ids.chunks(PAGE) {
            let mut read = reference::of_assets(session, project, page).await?;
            for id in page {
                inputs.starts.push(inputs.places.len());
                let references = read.remove(&AssetId(*id)).unwrap_or_default();
                let places = references.iter();
                let places = places.filter_map(|it| ids.binary_search(&it.asset_id.0).ok());
                inputs
                    .places
                    .extend(places.filter_map(|place| u32::try_from(place).ok()));
            }
        }
        inputs.starts.push(inputs.places.len());
        Ok(inputs)
    }

    /// Returns the places of an asset and of everything that it was made from, inputs first, in
    /// the order sent.
    fn first(&self, ids: &[Uuid], asset: Uuid) -> Vec<u32> {
        let mut order = Vec::with_capacity(ids.len());
        let Ok(Ok(root)) = ids.binary_search(&asset).map(u32::try_from) else {
            return order;
        };
        let mut seen = vec![false; ids.len()];
        seen[root as usize] = true;
        // A stack of our own: a chain of frames may be longer than the thread's stack is deep.
        // Rows of other programs may go round in a circle: nothing is visited twice.
        let mut stack = vec![(root, self.starts[root as usize])];
        while let Some((place, next)) = stack.pop() {
            if next == self.starts[place as usize + 1] {
                order.push(place);
                continue;
            }
            stack.push((place, next + 1));
            let input = self.places[next];
            if !std::mem::replace(&mut seen[input as usize], true) {
                stack.push((input, self.starts[input as usize]));
            }
        }
        order
    }
}
