//! Lineage in the words of W3C PROV, as PROV-JSON (W3C member submission of 24 April 2013).
//!
//! Assets and prompts are entities, generations activities, models agents; the project is a
//! collection. The document has one object for each kind of statement: the assets are read
//! once for each, page by page, so that memory does not grow with what they hold.

mod document;
mod names;

use std::collections::{BTreeSet, HashMap, HashSet};
use std::io::Write;

use serde::Serialize;
use serde_json::{Map, Value as JsonValue, json};
use uuid::Uuid;

use super::select::{ExportScope, PAGE, Selection};
use crate::asset::Asset;
use crate::db::Session;
use crate::db::sql::statements;
use crate::db::value::Value;
use crate::error::Result;
use crate::generation::Generation;
use crate::hash::Sha256;
use crate::id::{AssetId, GenerationId};
use crate::studio::Studio;
use crate::time::MillisSinceEpoch;
use document::Document;
use names::{long, time};

statements! {
    GENERATIONS = "SELECT {generation} FROM generation WHERE project_id = $1 AND id {in $2} \
                   ORDER BY id";
    PAGE_OF_GENERATIONS = "SELECT {generation} FROM generation WHERE project_id = $1 AND id > $2 \
                           ORDER BY id LIMIT 1000";
}

/// How many of each there are in a PROV-JSON document.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ProvCounts {
    /// Assets, each an entity.
    pub assets: u64,
    /// Different prompts, each an entity.
    pub prompts: u64,
    /// Generations, each an activity.
    pub generations: u64,
    /// Models, each an agent.
    pub models: u64,
    /// Inputs, each a derivation.
    pub inputs: u64,
}

/// A document on its way.
struct Writing<'a, 'w> {
    session: Session,
    selection: Selection,
    document: Document<'w>,
    progress: &'a mut (dyn FnMut(u64, u64) + Send),
    done: u64,
    total: u64,
    counts: ProvCounts,
    /// For each generation, the first of its outputs: it stands for what went in.
    first_outputs: HashMap<GenerationId, AssetId>,
    models: BTreeSet<String>,
}

/// How often the assets are read: once for each kind of statement about them.
const PASSES: u64 = 7;

impl Studio {
    /// Writes the lineage of assets as PROV-JSON: what they are, and what they were made from,
    /// back to the beginning; of a project, everything.
    ///
    /// It is the state of one moment, and every name that a statement mentions is in the
    /// document. Memory does not grow with prompts and settings, only by some bytes for each
    /// different prompt and each generation.
    ///
    /// `progress` is called after each page with how much is done, and of how much.
    ///
    /// # Errors
    /// [`crate::Error::NotFound`]; [`crate::Error::Invalid`] for assets of several projects;
    /// [`crate::Error::Io`] where `out` refuses: what it has then is not a whole document.
    pub async fn export_prov(
        &self,
        scope: &ExportScope,
        out: &mut (dyn Write + Send),
        mut progress: impl FnMut(u64, u64) + Send,
    ) -> Result<ProvCounts> {
        let mut session = self.database().snapshot().await?;
        let selection = Selection::load(&mut session, scope, true).await?;
        let assets = selection.count(&mut session).await?;
        let mut writing = Writing {
            session,
            selection,
            document: Document::begin(out)?,
            progress: &mut progress,
            done: 0,
            total: assets * PASSES,
            counts: ProvCounts {
                assets,
                ..ProvCounts::default()
            },
            first_outputs: HashMap::new(),
            models: BTreeSet::new(),
        };
        writing.entities().await?;
        writing.activities().await?;
        writing.agents()?;
        writing.generations().await?;
        writing.usages().await?;
        writing.derivations().await?;
        writing.associations().await?;
        writing.members().await?;
        let Writing {
            session,
            document,
            counts,
            ..
        } = writing;
        session.end().await?;
        document.end()?;
        Ok(counts)
    }
}

impl Writing<'_, '_> {
    async fn page(&mut self, after: Option<AssetId>) -> Result<Option<Vec<Asset>>> {
        let page = self.selection.page(&mut self.session, after).await?;
        self.done += page.len() as u64;
        (self.progress)(self.done, self.total);
        Ok(Some(page).filter(|page| !page.is_empty()))
    }

    async fn entities(&mut self) -> Result<()> {
        self.document.group("entity")?;
        let project = &self.selection.project;
        self.document.entry(
            &names::project(project.id),
            &json!({
                "prov:type": [names::typed("prov:Collection"), names::typed("pegbar:Project")],
                "prov:label": project.name,
            }),
        )?;
        let mut prompts: HashSet<Sha256, foldhash::fast::FixedState> = HashSet::default();
        let mut after = None;
        while let Some(page) = self.page(after).await? {
            for asset in &page {
                self.document
                    .entry(&names::asset(asset.id), &entity(asset))?;
                for (_, prompt) in prompts_of(asset) {
                    let sha256 = Sha256::of(prompt.as_bytes());
                    if prompts.insert(sha256) {
                        let entity = json!({
                            "prov:type": names::typed("pegbar:Prompt"),
                            "prov:value": prompt,
                            "pegbar:sha256": sha256,
                        });
                        self.document.entry(&names::prompt(sha256), &entity)?;
                    }
                }
                after = Some(asset.id);
            }
        }
        self.counts.prompts = prompts.len() as u64;
        Ok(())
    }

    async fn activities(&mut self) -> Result<()> {
        self.document.group("activity")?;
        let mut after = None;
        while let Some(page) = self.page(after).await? {
            let mut new = Vec::new();
            for asset in &page {
                after = Some(asset.id);
                self.models.extend(asset.model.clone());
                match asset.generation_id {
                    Some(id) if !self.first_outputs.contains_key(&id) => {
                        self.first_outputs.insert(id, asset.id);
                        new.push(id.0);
                    }
                    None if is_generated(asset) => {
                        let activity = names::activity(asset);
                        self.document.entry(&activity, &activity_of_asset(asset))?;
                        self.counts.generations += 1;
                    }
                    _ => {}
                }
            }
            let parameters = [Value::Id(self.selection.project.id.0), Value::Ids(&new)];
            let found = self.session.list(&GENERATIONS, &parameters);
            let found: Vec<Generation> = found.await?;
            for generation in found {
                self.generation(&generation)?;
            }
        }
        if self.selection.is_whole_project() {
            self.generations_without_outputs().await?;
        }
        Ok(())
    }

    /// Those that failed, and those whose outputs were deleted.
    async fn generations_without_outputs(&mut self) -> Result<()> {
        let mut after = Uuid::nil();
        loop {
            let parameters = [Value::Id(self.selection.project.id.0), Value::Id(after)];
            let page = self.session.list(&PAGE_OF_GENERATIONS, &parameters);
            let page: Vec<Generation> = page.await?;
            for generation in &page {
                if !self.first_outputs.contains_key(&generation.id) {
                    self.generation(generation)?;
                }
                after = generation.id.0;
            }
            if page.len() < PAGE {
                return Ok(());
            }
        }
    }

    fn generation(&mut self, generation: &Generation) -> Result<()> {
        self.counts.generations += 1;
        self.models.extend(generation.model.clone());
        let activity = names::generation(generation.id);
        self.document.entry(&activity, &activity_of(generation))
    }

    fn agents(&mut self) -> Result<()> {
        self.document.group("agent")?;
        for model in &self.models {
            let agent = json!({
                "prov:type": names::typed("prov:SoftwareAgent"),
                "prov:label": model,
            });
            self.document.entry(&names::model(model), &agent)?;
        }
        self.counts.models = self.models.len() as u64;
        Ok(())
    }

    async fn generations(&mut self) -> Result<()> {
        self.document.group("wasGeneratedBy")?;
        let mut after = None;
        while let Some(page) = self.page(after).await? {
            for asset in &page {
                after = Some(asset.id);
                if is_generated(asset) {
                    let generation = json!({
                        "prov:entity": names::asset(asset.id),
                        "prov:activity": names::activity(asset),
                        "prov:time": asset.created_at,
                    });
                    let name = format!("pegbar:making/{}", asset.id);
                    self.document.entry(&name, &generation)?;
                }
            }
        }
        Ok(())
    }

    async fn usages(&mut self) -> Result<()> {
        self.document.group("used")?;
        let mut after = None;
        while let Some(page) = self.page(after).await? {
            for asset in &page {
                after = Some(asset.id);
                if !is_generated(asset) || !self.stands_for_its_generation(asset) {
                    continue;
                }
                let activity = names::activity(asset);
                for (role, prompt) in prompts_of(asset) {
                    let usage = json!({
                        "prov:activity": activity,
                        "prov:entity": names::prompt(Sha256::of(prompt.as_bytes())),
                        "prov:role": role,
                    });
                    let name = format!("pegbar:use/{}/{role}", asset.id);
                    self.document.entry(&name, &usage)?;
                }
                for (position, reference) in asset.references.iter().enumerate() {
                    let mut usage = json!({
                        "prov:activity": activity,
                        "prov:entity": names::asset(reference.asset_id),
                        "prov:role": reference.role.as_str(),
                        "pegbar:position": position,
                    });
                    if let Some(sha256) = reference.sha256 {
                        usage["pegbar:sha256"] = json!(sha256);
                    }
                    let name = format!("pegbar:use/{}/{position}", asset.id);
                    self.document.entry(&name, &usage)?;
                }
            }
        }
        Ok(())
    }

    async fn derivations(&mut self) -> Result<()> {
        self.document.group("wasDerivedFrom")?;
        let mut after = None;
        while let Some(page) = self.page(after).await? {
            for asset in &page {
                after = Some(asset.id);
                for (position, reference) in asset.references.iter().enumerate() {
                    let mut derivation = json!({
                        "prov:generatedEntity": names::asset(asset.id),
                        "prov:usedEntity": names::asset(reference.asset_id),
                        "pegbar:role": reference.role.as_str(),
                        "pegbar:position": position,
                    });
                    if is_generated(asset) {
                        derivation["prov:activity"] = json!(names::activity(asset));
                    }
                    let name = format!("pegbar:derivation/{}/{position}", asset.id);
                    self.document.entry(&name, &derivation)?;
                    self.counts.inputs += 1;
                }
            }
        }
        Ok(())
    }

    async fn associations(&mut self) -> Result<()> {
        self.document.group("wasAssociatedWith")?;
        let mut after = None;
        while let Some(page) = self.page(after).await? {
            for asset in &page {
                after = Some(asset.id);
                if let Some(model) = &asset.model
                    && self.stands_for_its_generation(asset)
                {
                    let association = json!({
                        "prov:activity": names::activity(asset),
                        "prov:agent": names::model(model),
                    });
                    let name = format!("pegbar:association/{}", asset.id);
                    self.document.entry(&name, &association)?;
                }
            }
        }
        Ok(())
    }

    async fn members(&mut self) -> Result<()> {
        self.document.group("hadMember")?;
        let collection = names::project(self.selection.project.id);
        let mut after = None;
        while let Some(page) = self.page(after).await? {
            for asset in &page {
                after = Some(asset.id);
                let member = json!({
                    "prov:collection": collection,
                    "prov:entity": names::asset(asset.id),
                });
                let name = format!("pegbar:member/{}", asset.id);
                self.document.entry(&name, &member)?;
            }
        }
        Ok(())
    }

    /// Says whether what went into the asset is said of its generation by this asset: the
    /// outputs of one generation share it.
    fn stands_for_its_generation(&self, asset: &Asset) -> bool {
        let first = asset
            .generation_id
            .and_then(|id| self.first_outputs.get(&id));
        first.is_none_or(|first| *first == asset.id)
    }
}

/// An upload has no activity: nobody recorded what made it.
fn is_generated(asset: &Asset) -> bool {
    asset.generation_id.is_some()
        || asset.generation_prompt.is_some()
        || asset.generation_system_prompt.is_some()
        || asset.generation_settings.is_some()
        || asset.model.is_some()
}

fn prompts_of(asset: &Asset) -> impl Iterator<Item = (&'static str, &str)> {
    let prompt = asset.generation_prompt.as_deref();
    let system = asset.generation_system_prompt.as_deref();
    let prompt = prompt.map(|text| ("prompt", text));
    prompt
        .into_iter()
        .chain(system.map(|text| ("system_prompt", text)))
}

fn entity(asset: &Asset) -> JsonValue {
    let mut entity = Map::new();
    let kind = names::typed("pegbar:Asset");
    entity.insert("prov:type".to_owned(), kind);
    let mut add = |name: &str, value: Option<JsonValue>| {
        entity.extend(value.map(|value| (name.to_owned(), value)));
    };
    let home = asset.file_path.as_deref();
    let home = home.and_then(|path| path.rsplit('/').next());
    let label = asset.original_name.as_deref();
    // The home of a frame says whose it is; the name it came with is often nothing.
    add("prov:label", home.or(label).map(|label| json!(label)));
    add("pegbar:kind", Some(json!(asset.kind.as_str())));
    add("pegbar:sha256", asset.sha256.map(|hash| json!(hash)));
    add(
        "pegbar:recordHash",
        asset.record_hash.map(|hash| json!(hash)),
    );
    add(
        "pegbar:mimeType",
        asset.mime_type.as_deref().map(|text| json!(text)),
    );
    add("pegbar:fileSize", asset.file_size.map(long));
    add("pegbar:width", asset.width.map(|width| json!(width)));
    add("pegbar:height", asset.height.map(|height| json!(height)));
    add("pegbar:originalName", label.map(|name| json!(name)));
    add("pegbar:createdAt", Some(time(asset.created_at)));
    add("pegbar:bytesDroppedAt", asset.bytes_dropped_at.map(time));
    entity.into()
}

fn activity_of_asset(asset: &Asset) -> JsonValue {
    let mut activity = json!({
        "prov:type": names::typed("pegbar:Generation"),
        "prov:endTime": asset.created_at,
    });
    if let Some(settings) = &asset.generation_settings {
        activity["pegbar:settings"] = json!(settings.to_string());
    }
    activity
}

fn activity_of(generation: &Generation) -> JsonValue {
    let mut activity = Map::new();
    let kind = names::typed("pegbar:Generation");
    activity.insert("prov:type".to_owned(), kind);
    let mut add = |name: &str, value: Option<JsonValue>| {
        activity.extend(value.map(|value| (name.to_owned(), value)));
    };
    let begin = generation.created_at;
    add("prov:startTime", Some(json!(begin)));
    let end = generation.duration_ms;
    let end = end.and_then(|ms| begin.0.checked_add_unsigned(ms));
    add("prov:endTime", end.map(|end| json!(MillisSinceEpoch(end))));
    add("pegbar:status", Some(json!(generation.status.as_str())));
    add(
        "pegbar:error",
        generation.error.as_deref().map(|text| json!(text)),
    );
    add(
        "pegbar:request",
        Some(json!(generation.request.to_string())),
    );
    add("pegbar:durationMs", generation.duration_ms.map(long));
    add("pegbar:inputTokens", generation.input_tokens.map(long));
    add("pegbar:outputTokens", generation.output_tokens.map(long));
    add(
        "pegbar:price",
        generation.price.as_deref().map(|price| json!(price)),
    );
    activity.into()
}
