//! What belongs to assets and is no part of them: generations and annotations.

use std::collections::{BTreeMap, HashMap};

use serde::Serialize;
use uuid::Uuid;

use super::known;
use super::run::Import;
use super::staged::Staged;
use crate::annotation::Annotation;
use crate::db::Session;
use crate::error::{Error, Result};
use crate::generation::Generation;
use crate::hash::Sha256;
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
        let said = said.filter_map(|staged| staged.generation.as_ref());
        // In the order of their ids, which is that of their recording.
        let mut new: BTreeMap<GenerationKey, &GenerationSaid> = BTreeMap::new();
        for said in said {
            let key = GenerationKey::of(said)?;
            if !self.generations.contains_key(&key) {
                new.insert(key, said);
            }
        }
        if new.is_empty() {
            return Ok(Vec::new());
        }
        let ids: Vec<Uuid> = new.keys().map(|key| key.id.0).collect();
        let there = known::generations(session, &ids).await?;
        let mut taken: HashMap<GenerationId, Option<GenerationKey>> = HashMap::new();
        for row in there {
            let own = (row.project_id == self.project).then_some(&row);
            let key = own.map(GenerationKey::of_row).transpose()?;
            taken.insert(row.id, key);
        }
        let mut rows = Vec::with_capacity(new.len());
        for (key, said) in new {
            let before = match taken.get(&key.id) {
                Some(Some(there)) if *there == key => Some(key.id),
                None => None,
                Some(_) => self.brought_before(session, key).await?,
            };
            let own = before.unwrap_or_else(|| {
                let is_taken = taken.contains_key(&key.id);
                let id = if is_taken {
                    self.studio.new_id()
                } else {
                    key.id
                };
                rows.push(self.generation(id, said));
                id
            });
            // Another sidecar may say something else of the same id.
            taken.entry(own).or_insert(Some(key));
            self.generations.insert(key, own);
        }
        Ok(rows)
    }

    /// Returns what a generation whose id is taken became in an import before this one, which
    /// may have been interrupted: what an output of it came from that is there already.
    async fn brought_before(
        &self,
        session: &mut Session,
        key: GenerationKey,
    ) -> Result<Option<GenerationId>> {
        let outputs = self.plan.entries.iter();
        let outputs = outputs.filter(|entry| entry.generation == Some(key.id));
        let outputs = known::assets(session, self.project, outputs).await?;
        let outputs: Vec<Uuid> = outputs.into_values().map(|id| id.0).collect();
        for row in known::generations_of(session, self.project, &outputs).await? {
            // Another sidecar may have said another thing of the same id.
            if GenerationKey::of_row(&row)?.sha256 == key.sha256 {
                return Ok(Some(row.id));
            }
        }
        Ok(None)
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

    /// Returns the annotations of new assets, in their order, and takes them from there.
    pub(super) fn new_annotations(&self, staged: &mut [Staged]) -> Vec<Annotation> {
        let mut annotations = Vec::new();
        for staged in staged {
            let Some(asset_id) = staged.new.id else {
                continue;
            };
            let said = std::mem::take(&mut staged.annotations).into_iter();
            annotations.extend(said.map(|said| Annotation {
                id: self.studio.new_id(),
                project_id: self.project,
                asset_id,
                author: said.author,
                text: said.text,
                created_at: said.created_at,
            }));
        }
        annotations
    }
}

/// A generation as a sidecar says it: of two with one id that say different things, each is a
/// generation of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct GenerationKey {
    id: GenerationId,
    /// The hash of what was asked of which model when, and of how it ended. Prices and tokens
    /// may be spelled otherwise.
    sha256: Sha256,
}

impl GenerationKey {
    pub(super) fn of(said: &GenerationSaid) -> Result<Self> {
        let asked = (&said.request, &said.model, said.created_at, said.status);
        Self::hash(said.id, &asked)
    }

    fn of_row(row: &Generation) -> Result<Self> {
        let asked = (&row.request, &row.model, row.created_at, row.status);
        Self::hash(row.id, &asked)
    }

    fn hash(id: GenerationId, asked: &impl Serialize) -> Result<Self> {
        let text = serde_json_canonicalizer::to_string(asked)
            .map_err(|error| Error::invalid("generation.request", error.to_string()))?;
        let sha256 = Sha256::of(text.as_bytes());
        Ok(Self { id, sha256 })
    }
}
