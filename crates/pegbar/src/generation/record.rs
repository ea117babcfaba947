//! Recording a generation: one call, one transaction.

use std::collections::{BTreeMap, HashMap};

use serde::Serialize;
use uuid::Uuid;

use super::{
    Generation, GenerationInput, GenerationOutput, GenerationStatus, InputSource, NewGeneration,
    Outcome, OutputPlace, SentInput, SentRequest,
};
use crate::asset::{self, Asset, ImageSource, NewAsset};
use crate::blob::StoredImage;
use crate::create::Plan;
use crate::db::sql::statements;
use crate::db::value::Value;
use crate::db::{Session, blocking};
use crate::error::{Error, Result};
use crate::frame::{self, edit::Edit, edit::Slot};
use crate::hash::Sha256;
use crate::id::{AnimationId, AssetId, CharacterId, FrameId, GenerationId, ProjectId};
use crate::json::Json;
use crate::reference::{NewReference, ReferenceRole};
use crate::studio::Studio;
use crate::time::MillisSinceEpoch;
use crate::{animation, character, project};

statements! {
    // Put like this, SQLite goes by the hash and not through the project.
    OLDEST_WITH_BYTES = "SELECT id FROM asset WHERE sha256 = $2 AND (project_id = $1) IS TRUE \
                         AND record_hash IS NOT NULL AND bytes_dropped_at IS NULL \
                         ORDER BY created_at, id LIMIT 1";
}

/// What recording a generation wrote.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct RecordedGeneration {
    /// The generation.
    pub generation: Generation,
    /// The assets that came out, in the order in which they were given.
    pub outputs: Vec<Asset>,
    /// The references that were made of bytes which belonged to no asset.
    pub new_references: Vec<Asset>,
}

/// An input whose bytes have been looked at.
enum Seen {
    Asset(AssetId),
    /// Bytes that the store has now: the asset that they become if they are none yet.
    Stored {
        id: AssetId,
        image: StoredImage,
        name: Option<String>,
    },
    /// Bytes that were sent in vain, and are not kept.
    Hashed(Sha256),
}

/// What becomes of the outputs beside their own rows.
#[derive(Default)]
struct Places {
    characters: Vec<CharacterId>,
    animations: Vec<AnimationId>,
    /// Frames to add, by animation and place; the last of an animation is its end.
    added: BTreeMap<(AnimationId, u32), Vec<Slot>>,
    /// Frames that show an output from now on.
    replaced: Vec<(AnimationId, FrameId, AssetId)>,
}

/// Stands for the end of an animation among the places of its frames.
const END: u32 = u32::MAX;

impl Studio {
    /// Records a request to a model, with exactly what was sent and how it ended, in one
    /// transaction. Its outputs become assets, each with its place; an attempt that failed
    /// leaves none.
    ///
    /// The hash of each input is taken from its bytes. Bytes of no asset become a reference of
    /// the project; those of an attempt that failed are only hashed, and may be anything.
    ///
    /// # Errors
    /// [`Error::NotFound`] for the project and a frame; [`Error::Invalid`] names the field, also
    /// for an input whose bytes were dropped, and for what another project has;
    /// [`Error::Damaged`] for an input whose bytes are not there; [`Error::NotAnImage`],
    /// [`Error::Io`]. Nothing is recorded then.
    pub async fn record_generation(
        &self,
        project: ProjectId,
        mut new: NewGeneration,
    ) -> Result<RecordedGeneration> {
        new.check()?;
        let id = new.id.unwrap_or_else(|| self.new_id());
        let sent_at = new.created_at.unwrap_or_else(|| self.now());
        let mut plan = Plan::new(self);
        let inputs = std::mem::take(&mut new.inputs);
        let has_failed = matches!(new.outcome, Outcome::Failed(_));
        let seen = inputs
            .into_iter()
            .map(|input| look_at(self, &plan, input, has_failed))
            .collect::<Result<Vec<_>>>()?;
        let mut places = Places::default();
        let mut output_ids = Vec::new();
        if let Outcome::Succeeded(outputs) = &mut new.outcome {
            for output in std::mem::take(outputs) {
                let output = made_by(&new, sent_at, output);
                output_ids.push(self.place(&mut plan, &mut places, id, output).await?);
            }
        }
        plan.store_blobs()?;

        let mut session = self.database().write().await?;
        project::lock(&mut session, project).await?;
        places.check(&mut session, project).await?;
        let sent = resolve(&mut session, self, project, &mut plan, seen, sent_at).await?;
        let inputs: Vec<NewReference> = sent.iter().filter_map(as_reference).collect();
        plan.generation(row(id, project, sent_at, new, sent)?, &inputs);
        let (mut created, mut stale) = plan.write(&mut session, Some(project)).await?;
        if places.show(&mut session, self, &mut stale).await? {
            // Only now is it known where the files of shown takes are.
            take_paths(&mut session, project, &mut created.assets).await?;
        }
        self.commit(session, stale).await?;

        let generation = created.generation.map(|row| Generation {
            output_asset_ids: sorted(&output_ids),
            ..row
        });
        let mut assets: HashMap<AssetId, Asset> = created
            .assets
            .into_iter()
            .map(|row| (row.id, row))
            .collect();
        let outputs = output_ids.iter().filter_map(|id| assets.remove(id));
        let outputs = outputs.collect();
        let mut new_references: Vec<Asset> = assets.into_values().collect();
        new_references.sort_unstable_by_key(|row| row.id);
        Ok(RecordedGeneration {
            generation: generation.ok_or_else(|| Error::not_found("generation", id))?,
            outputs,
            new_references,
        })
    }

    /// Plans the asset of an output and remembers where it goes.
    async fn place(
        &self,
        plan: &mut Plan<'_>,
        places: &mut Places,
        generation: GenerationId,
        output: GenerationOutput,
    ) -> Result<AssetId> {
        let asset = output.asset;
        match output.place {
            OutputPlace::Reference => plan.output(generation, asset, None, None),
            OutputPlace::Variation(character) => {
                places.characters.push(character);
                plan.output(generation, asset, Some(character), None)
            }
            OutputPlace::Take(animation) => {
                places.animations.push(animation);
                plan.output(generation, asset, None, Some(animation))
            }
            OutputPlace::Frame {
                animation,
                at,
                prompt,
            } => {
                places.animations.push(animation);
                let asset_id = plan.output(generation, asset, None, Some(animation))?;
                let slot = Slot {
                    id: self.new_id(),
                    asset_id,
                    prompt,
                    source_id: None,
                };
                let place = (animation, at.unwrap_or(END));
                places.added.entry(place).or_default().push(slot);
                Ok(asset_id)
            }
            OutputPlace::Replace(frame) => {
                let animation = self.get_frame(frame).await?.animation_id;
                places.animations.push(animation);
                let asset_id = plan.output(generation, asset, None, Some(animation))?;
                places.replaced.push((animation, frame, asset_id));
                Ok(asset_id)
            }
        }
    }
}

impl Places {
    /// Refuses what the project does not have.
    async fn check(&mut self, session: &mut Session, project: ProjectId) -> Result<()> {
        self.characters.sort_unstable();
        self.characters.dedup();
        for &character in &self.characters {
            character::check_in_project(session, project, character).await?;
        }
        self.animations.sort_unstable();
        self.animations.dedup();
        for &animation in &self.animations {
            if animation::project_of(session, animation).await? != project {
                let reason = format!("the project has no animation {animation}");
                return Err(Error::invalid("animationId", reason));
            }
        }
        Ok(())
    }

    /// Has frames show what is to be shown; says whether there was any.
    async fn show(
        self,
        session: &mut Session,
        studio: &Studio,
        stale: &mut crate::view::Stale,
    ) -> Result<bool> {
        let is_any = !self.added.is_empty() || !self.replaced.is_empty();
        for (animation, frame, asset) in self.replaced {
            let edit = Edit::Show { frame, asset };
            frame::apply(session, studio, animation, None, edit, stale).await?;
        }
        // From the back, so that each place is one of the list as it was; the end comes last,
        // or it would make room for places beyond it.
        let (ends, places): (Vec<_>, Vec<_>) =
            self.added.into_iter().partition(|((_, at), _)| *at == END);
        for ((animation, at), slots) in places.into_iter().rev().chain(ends) {
            let at = (at != END).then_some(at);
            let edit = Edit::Insert { at, slots };
            frame::apply(session, studio, animation, None, edit, stale).await?;
        }
        Ok(is_any)
    }
}

/// Takes the bytes of an input in, or only their hash.
fn look_at(
    studio: &Studio,
    plan: &Plan<'_>,
    input: GenerationInput,
    has_failed: bool,
) -> Result<(ReferenceRole, Seen)> {
    let seen = match input.source {
        InputSource::Asset(id) => Seen::Asset(id),
        InputSource::Image(image) if has_failed => {
            Seen::Hashed(blocking(|| studio.blobs().hash(&image))?)
        }
        InputSource::Image(image) => Seen::Stored {
            id: studio.new_id(),
            image: plan.store(&image)?,
            name: asset::name_of_file(&image),
        },
    };
    Ok((input.role, seen))
}

/// Gives an output what its generation says.
fn made_by(
    new: &NewGeneration,
    sent_at: MillisSinceEpoch,
    output: GenerationOutput,
) -> GenerationOutput {
    let asset = NewAsset {
        prompt: new.prompt.clone(),
        system_prompt: new.system_prompt.clone(),
        settings: new.settings.clone(),
        model: new.model.clone(),
        created_at: Some(sent_at),
        ..output.asset
    };
    GenerationOutput { asset, ..output }
}

/// Finds the asset of each input and the hash of its bytes; bytes of no asset become one.
async fn resolve(
    session: &mut Session,
    studio: &Studio,
    project: ProjectId,
    plan: &mut Plan<'_>,
    seen: Vec<(ReferenceRole, Seen)>,
    sent_at: MillisSinceEpoch,
) -> Result<Vec<SentInput>> {
    let ids = seen.iter().filter_map(|(_, input)| match input {
        Seen::Asset(id) => Some(id.0),
        _ => None,
    });
    let ids: Vec<Uuid> = ids.collect();
    let mut rows: HashMap<AssetId, Asset> = HashMap::new();
    if !ids.is_empty() {
        let found = asset::get_many(session, project, &ids).await?;
        rows.extend(found.into_iter().map(|row| (row.id, row)));
    }
    let mut new: HashMap<Sha256, AssetId> = HashMap::new();
    let mut sent = Vec::with_capacity(seen.len());
    for (role, input) in seen {
        let (asset_id, sha256) = match input {
            Seen::Asset(id) => {
                let row = rows.get(&id).ok_or_else(|| {
                    Error::invalid("inputs", format!("the project has no asset {id}"))
                })?;
                (Some(id), bytes_of(studio, row)?)
            }
            Seen::Hashed(sha256) => (oldest_with(session, project, sha256).await?, sha256),
            Seen::Stored { id, image, name } => {
                let sha256 = image.sha256();
                let known = match new.get(&sha256) {
                    Some(known) => Some(*known),
                    None => oldest_with(session, project, sha256).await?,
                };
                let id = match known {
                    Some(known) => known,
                    None => plan.input(NewAsset {
                        id: Some(id),
                        original_name: name,
                        created_at: Some(sent_at),
                        ..NewAsset::new(ImageSource::Stored(image))
                    })?,
                };
                new.insert(sha256, id);
                (Some(id), sha256)
            }
        };
        sent.push(SentInput {
            asset_id,
            role,
            sha256,
        });
    }
    Ok(sent)
}

/// Returns the hash of an asset's bytes, if they are there: nobody sends what is not.
fn bytes_of(studio: &Studio, asset: &Asset) -> Result<Sha256> {
    let id = asset.id;
    if let Some(at) = asset.bytes_dropped_at {
        let reason = format!("the bytes of the asset {id} were dropped at {at}: nobody sent them");
        return Err(Error::invalid("inputs", reason));
    }
    let (Some(sha256), Some(size)) = (asset.sha256, asset.file_size) else {
        let reason =
            format!("the asset {id} was written by another program: run `pegbar adopt` first");
        return Err(Error::invalid("inputs", reason));
    };
    if studio.blobs().holds(sha256, size) {
        return Ok(sha256);
    }
    Err(Error::Damaged {
        place: studio.blobs().path(sha256).display().to_string(),
        reason: format!("the {size} bytes of the asset {id} are not there: nobody sent them"),
        source: None,
    })
}

/// Returns the asset of a project that was made first of those with these bytes.
async fn oldest_with(
    session: &mut Session,
    project: ProjectId,
    sha256: Sha256,
) -> Result<Option<AssetId>> {
    let sha256 = Value::Text(sha256.to_string().into());
    let parameters = [Value::Id(project.0), sha256];
    session
        .optional(&OLDEST_WITH_BYTES, &parameters, |row| row.at(0, "asset.id"))
        .await
}

fn as_reference(input: &SentInput) -> Option<NewReference> {
    let asset_id = input.asset_id?;
    let role = input.role;
    Some(NewReference { asset_id, role })
}

/// Makes the generation's own row.
fn row(
    id: GenerationId,
    project_id: ProjectId,
    sent_at: MillisSinceEpoch,
    new: NewGeneration,
    inputs: Vec<SentInput>,
) -> Result<Generation> {
    let model = new.model.clone();
    let request = SentRequest {
        system_prompt: new.system_prompt,
        prompt: new.prompt,
        model: new.model,
        settings: new.settings,
        inputs,
    };
    let request = Json::from_typed(&request);
    let request = request.map_err(|error| Error::invalid("settings", error.to_string()))?;
    let (status, error) = match new.outcome {
        Outcome::Succeeded(_) => (GenerationStatus::Succeeded, None),
        Outcome::Failed(error) => (GenerationStatus::Failed, Some(error)),
    };
    Ok(Generation {
        id,
        project_id,
        request,
        model,
        status,
        error,
        duration_ms: new.duration_ms,
        input_tokens: new.input_tokens,
        output_tokens: new.output_tokens,
        price: new.price.map(String::from),
        created_at: sent_at,
        output_asset_ids: Vec::new(),
    })
}

/// Reads where the files of assets are after their places among the frames changed.
async fn take_paths(session: &mut Session, project: ProjectId, assets: &mut [Asset]) -> Result<()> {
    let ids: Vec<Uuid> = assets.iter().map(|row| row.id.0).collect();
    let found = asset::get_many(session, project, &ids).await?;
    let mut paths: HashMap<AssetId, Option<String>> = found
        .into_iter()
        .map(|row| (row.id, row.file_path))
        .collect();
    for row in assets {
        row.file_path = paths.remove(&row.id).flatten();
    }
    Ok(())
}

fn sorted(ids: &[AssetId]) -> Vec<AssetId> {
    let mut ids = ids.to_vec();
    ids.sort_unstable();
    ids
}
