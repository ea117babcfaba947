//! What belongs to assets and is no part of them: generations and annotations.

use std::collections::HashMap;

use uuid::Uuid;

use super::known;
use super::run::{Import, Staged};
use crate::annotation::Annotation;
use crate::db::Session;
use crate::error::Result;
use crate::generation::Generation;
use crate::id::GenerationId;
use crate::sidecar::GenerationSaid;

impl Import<'_> {
    /// Returns the generations of some assets that are not there yet. One whose id something
    /// else has gets another.
    pub(super) async fn new_generations(
        &mut self,
        session: &mut Session,
        staged: &[Staged],
    ) -> Result<Vec<Generation>> {
        let said = staged.iter();
        let said = said.filter_map(|staged| staged.checked.sidecar.generation.as_ref());
        // The first of several is meant.
        let mut new: HashMap<GenerationId, &GenerationSaid> = HashMap::new();
        for said in said.filter(|said| !self.generations.contains_key(&said.id)) {
            new.entry(said.id).or_insert(said);
        }
        if new.is_empty() {
            return Ok(Vec::new());
        }
        let ids: Vec<Uuid> = new.keys().map(|id| id.0).collect();
        let there = known::generations(session, &ids).await?;
        let there: HashMap<GenerationId, Generation> =
            there.into_iter().map(|row| (row.id, row)).collect();
        let mut rows = Vec::with_capacity(new.len());
        for (id, said) in new {
            let own = match there.get(&id) {
                Some(row) if row.project_id == self.project && is_same(row, said) => id,
                found => {
                    let id = found.map_or(id, |_| self.studio.new_id());
                    rows.push(self.generation(id, said));
                    id
                }
            };
            self.generations.insert(id, own);
        }
        Ok(rows)
    }

    fn generation(&self, id: GenerationId, said: &GenerationSaid) -> Generation {
        Generation {
            id,
            project_id: self.project,
            request: said.request.clone(),
            model: said.model.clone(),
            status: said.status,
            error: said.error.clone(),
            duration_ms: said.duration_ms,
            input_tokens: said.input_tokens,
            output_tokens: said.output_tokens,
            price: said.price.clone(),
            created_at: said.created_at,
            output_asset_ids: Vec::new(),
        }
    }

    /// Returns the annotations of new assets, in their order.
    pub(super) fn new_annotations(&self, staged: &[Staged]) -> Vec<Annotation> {
        let annotations = staged.iter().filter_map(|staged| {
            let asset_id = staged.new.id?;
            let said = staged.checked.sidecar.asset.annotations.iter();
            Some(said.map(move |said| Annotation {
                id: self.studio.new_id(),
                project_id: self.project,
                asset_id,
                author: said.author.clone(),
                text: said.text.clone(),
                created_at: said.created_at,
            }))
        });
        annotations.flatten().collect()
    }
}

/// Prices and tokens may be spelled otherwise; a request at one moment is one.
fn is_same(row: &Generation, said: &GenerationSaid) -> bool {
    row.created_at == said.created_at && row.model == said.model && row.status == said.status
}
