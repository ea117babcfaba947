//! Generations: requests to a model, each with exactly what was sent and how it ended.

mod agree;
mod new;
mod price;
mod record;

use std::collections::HashMap;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::asset;
use crate::db::Session;
use crate::db::entity::entity;
use crate::db::sql::{Query, statements};
use crate::db::value::{Value, word_enum};
use crate::error::{Error, Result};
use crate::hash::Sha256;
use crate::id::{AssetId, GenerationId, ProjectId};
use crate::json::Json;
use crate::page::{Page, PageRequest};
use crate::reference::ReferenceRole;
use crate::studio::Studio;
use crate::time::MillisSinceEpoch;

pub(crate) use agree::{Conflict, Contradiction, Said};
pub use new::{
    GenerationInput, GenerationOutput, InputSource, NewGeneration, Outcome, OutputPlace,
};
pub use price::{NotAPrice, Price};
pub use record::RecordedGeneration;
#[cfg(test)]
pub(crate) use record::STATEMENTS as RECORD_STATEMENTS;

word_enum! {
    /// How a request to a model ended.
    pub enum GenerationStatus in "generation_status" {
        /// With an image.
        Succeeded = "succeeded",
        /// With an error.
        Failed = "failed",
    }
}

entity! {
    /// One request to a model, with its outcome. It is recorded once and never changes; it stays
    /// when its outputs are deleted, and goes with its project.
    pub struct Generation in generation {
        /// The id.
        pub id: GenerationId,
        /// The project it belongs to.
        pub project_id: ProjectId,
        /// What was sent: [`Generation::sent`] reads it. Another program may have written
        /// anything.
        pub request: Json,
        /// The model it was sent to.
        pub model: Option<String>,
        /// How it ended.
        pub status: GenerationStatus,
        /// What went wrong, where it failed.
        pub error: Option<String>,
        /// How long it took, in milliseconds.
        pub duration_ms: Option<u64>,
        /// How many tokens were sent, as the model counts them.
        pub input_tokens: Option<u64>,
        /// How many tokens came back.
        pub output_tokens: Option<u64>,
        /// What it cost, as [`Price`] writes it. Another program may have written anything.
        pub price: Option<String>,
        /// When it was sent.
        pub created_at: MillisSinceEpoch,
    }
    joined {
        /// The assets that came out and are still there, in the order of their ids, which is
        /// the order in which they were recorded.
        pub output_asset_ids: Vec<AssetId>,
    }
}

/// What was sent to a model.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct SentRequest {
    /// The system prompt.
    pub system_prompt: Option<String>,
    /// The prompt.
    pub prompt: Option<String>,
    /// The model.
    pub model: Option<String>,
    /// The settings.
    pub settings: Option<Json>,
    /// The images, in the order sent.
    pub inputs: Vec<SentInput>,
}

/// One image that was sent to a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct SentInput {
    /// The asset that it is. `None` for bytes of no asset that went into an attempt that failed:
    /// such an attempt leaves no asset behind.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asset_id: Option<AssetId>,
    /// What it was for.
    pub role: ReferenceRole,
    /// The SHA-256 of the bytes that were sent.
    pub sha256: Sha256,
}

impl Generation {
    /// Reads what was sent; `None` where another program wrote a request of its own form.
    #[must_use]
    pub fn sent(&self) -> Option<SentRequest> {
        self.request.to_typed().ok()
    }
}

statements! {
    GET = "SELECT {generation} FROM generation WHERE id = $1";
    OUTPUTS = "SELECT generation_id, id FROM asset \
               WHERE project_id = $1 AND generation_id {in $2} ORDER BY id";
}

/// Which generations of a project are listed.
#[derive(Clone, Debug, Default)]
pub struct GenerationFilter {
    /// That ended so.
    pub status: Option<GenerationStatus>,
    /// Sent to this model.
    pub model: Option<String>,
    /// That this asset came from.
    pub output_asset_id: Option<AssetId>,
    /// Whose id ends with these hexadecimal digits; dashes and case do not matter.
    pub id_ending: Option<String>,
    /// Sent at this time or later.
    pub created_from: Option<MillisSinceEpoch>,
    /// Sent before this time.
    pub created_before: Option<MillisSinceEpoch>,
}

impl GenerationFilter {
    fn query(&self, project: ProjectId, page: PageRequest<GenerationId>) -> Result<Query<'_>> {
        let mut query = Query::new("SELECT {generation g} FROM generation g");
        query.filter("g.project_id = ?", [Value::Id(project.0)]);
        if let Some(status) = self.status {
            query.filter("g.status = ?", [status.as_str().into()]);
        }
        if let Some(model) = &self.model {
            query.filter("g.model = ?", [model.as_str().into()]);
        }
        if let Some(output) = self.output_asset_id {
            let of_output = "g.id IN (SELECT a.generation_id FROM asset a \
                             WHERE a.project_id = ? AND a.id = ?)";
            query.filter(of_output, [Value::Id(project.0), Value::Id(output.0)]);
        }
        if let Some(ending) = &self.id_ending {
            let pattern = Value::Text(asset::id_pattern(ending).into());
            query.filter("{hex g.id} LIKE ?", [pattern]);
        }
        if let Some(from) = self.created_from {
            query.filter("g.created_at >= ?", [Value::Time(from)]);
        }
        if let Some(before) = self.created_before {
            query.filter("g.created_at < ?", [Value::Time(before)]);
        }
        query.page("g.id", page)?;
        Ok(query)
    }

    /// Every combination of conditions, for the test that prepares them.
    #[cfg(test)]
    pub(crate) fn every_query(mut prepare: impl FnMut(Query<'_>)) {
        let time = Some(MillisSinceEpoch(0));
        for bits in 0..128_u32 {
            let on = |bit: u32| bits & (1 << bit) > 0;
            let filter = Self {
                status: on(0).then_some(GenerationStatus::Failed),
                model: on(1).then(|| "m".to_owned()),
                output_asset_id: on(2).then(|| AssetId(Uuid::nil())),
                id_ending: on(3).then(|| "ab".to_owned()),
                created_from: time.filter(|_| on(4)),
                created_before: time.filter(|_| on(5)),
            };
            let after = on(6).then(|| GenerationId(Uuid::nil()));
            for page in PageRequest::both_orders(after) {
                prepare(filter.query(ProjectId(Uuid::nil()), page).unwrap());
            }
        }
    }
}

/// Fills in the outputs of generations of one project.
async fn join(
    session: &mut Session,
    project: ProjectId,
    generations: &mut [Generation],
) -> Result<()> {
    let ids: Vec<Uuid> = generations.iter().map(|row| row.id.0).collect();
    if ids.is_empty() {
        return Ok(());
    }
    let parameters = [Value::Id(project.0), Value::Ids(&ids)];
    let found = session
        .query(&OUTPUTS, &parameters, |row| {
            let generation: GenerationId = row.at(0, "asset.generation_id")?;
            Ok((generation, row.at(1, "asset.id")?))
        })
        .await?;
    let mut outputs: HashMap<GenerationId, Vec<AssetId>> = HashMap::new();
    for (generation, asset) in found {
        outputs.entry(generation).or_default().push(asset);
    }
    for row in generations {
        row.output_asset_ids = outputs.remove(&row.id).unwrap_or_default();
    }
    Ok(())
}

impl Studio {
    /// Returns a generation.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn get_generation(&self, id: GenerationId) -> Result<Generation> {
        let mut session = self.database().read().await?;
        let mut found = session.list::<Generation>(&GET, &[Value::Id(id.0)]).await?;
        let Some(project) = found.first().map(|row| row.project_id) else {
            return Err(Error::not_found("generation", id));
        };
        join(&mut session, project, &mut found).await?;
        found
            .pop()
            .ok_or_else(|| Error::not_found("generation", id))
    }

    /// Lists a project's generations in the order of their ids, which is the order in which
    /// they were recorded.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a page size out of range.
    pub async fn list_generations(
        &self,
        project: ProjectId,
        filter: &GenerationFilter,
        page: PageRequest<GenerationId>,
    ) -> Result<Page<Generation>> {
        let query = filter.query(project, page)?;
        let mut session = self.database().read().await?;
        let rows = session
            .list::<Generation>(&query, &query.parameters)
            .await?;
        let mut page = Page::of(rows, page.limit);
        join(&mut session, project, &mut page.rows).await?;
        Ok(page)
    }
}
