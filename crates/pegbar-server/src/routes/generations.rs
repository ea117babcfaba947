//! Generations: requests to models, each with exactly what was sent and how it ended.

use axum::extract::State;
use pegbar::{
    AnimationId, AssetId, CharacterId, FrameId, Generation, GenerationFilter, GenerationId,
    GenerationInput, GenerationOutput, GenerationStatus, Json, MillisSinceEpoch, NewGeneration,
    Outcome, OutputPlace, Price, ProjectId, RecordedGeneration, ReferenceRole,
};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::routes;

use crate::api::{Access, Api, Body};
use crate::app::App;
use crate::body::CreateAsset;
use crate::etag::{Known, Tagged};
use crate::extract::{InPath, Params};
use crate::once::{Key, begin};
use crate::page::{PageOf, PageParams};
use crate::problem::Problem;
use crate::upload::{Images, WithImages};

pub(crate) fn add(api: Api) -> Api {
    api.add(Access::Read, Body::None, routes!(list_generations))
        .add(Access::Write, Body::Images, routes!(record_generation))
        .add(Access::Read, Body::None, routes!(get_generation))
}

/// Which generations are listed.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(rename_all = "camelCase")]
struct GenerationParams {
    /// That ended so.
    status: Option<GenerationStatus>,
    /// Sent to this model.
    model: Option<String>,
    /// That this asset came from.
    output_asset_id: Option<AssetId>,
    /// Sent at this time or later.
    created_from: Option<MillisSinceEpoch>,
    /// Sent before this time.
    created_before: Option<MillisSinceEpoch>,
}

/// Lists the generations of a project, in the order of their ids.
#[utoipa::path(
    get,
    path = "/api/projects/{projectId}/generations",
    operation_id = "listGenerations",
    tag = "generations",
    params(
        ("projectId" = ProjectId, Path, description = "The project."),
        GenerationParams,
        PageParams
    ),
    responses((status = 200, description = "A page of generations.", body = PageOf<Generation>))
)]
async fn list_generations(
    State(app): State<App>,
    InPath(project): InPath<ProjectId>,
    Params(filter): Params<GenerationParams>,
    Params(page): Params<PageParams>,
    known: Known,
) -> Result<Tagged, Problem> {
    let filter = GenerationFilter {
        status: filter.status,
        model: filter.model,
        output_asset_id: filter.output_asset_id,
        id_ending: None,
        created_from: filter.created_from,
        created_before: filter.created_before,
    };
    app.studio().get_project(project).await?;
    let request = page.request()?;
    let page = app
        .studio()
        .list_generations(project, &filter, request)
        .await?;
    Tagged::new(
        &known,
        &PageOf::of(request, page, |generation| generation.id),
    )
}

/// A request to a model to record: what was sent, and how it ended. Either `outputs` or `error`.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct RecordGeneration {
    /// The id (a UUID); absent to have one made.
    id: Option<GenerationId>,
    /// The system prompt that was sent.
    system_prompt: Option<String>,
    /// The prompt that was sent.
    prompt: Option<String>,
    /// The model.
    model: Option<String>,
    /// The settings that were sent: an object.
    settings: Option<Json>,
    /// The images that were sent, in their order.
    #[serde(default)]
    inputs: Vec<RecordInput>,
    /// The images that came out.
    outputs: Option<Vec<RecordOutput>>,
    /// What went wrong, where no image came out.
    error: Option<String>,
    /// How long it took, in milliseconds.
    duration_ms: Option<u64>,
    /// How many tokens were sent, as the model counts them.
    input_tokens: Option<u64>,
    /// How many tokens came back.
    output_tokens: Option<u64>,
    /// What it cost.
    price: Option<Price>,
    /// When it was sent; absent for now.
    created_at: Option<MillisSinceEpoch>,
}

/// An image that was sent: an asset that is there (`assetId`), or a part of this request
/// (`file`). Its hash is taken from its bytes.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct RecordInput {
    /// What it was for.
    role: ReferenceRole,
    /// The asset.
    asset_id: Option<AssetId>,
    /// The part of the request that is the image.
    file: Option<String>,
}

/// An image that came out, and where it goes; with no place it goes beside the characters.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct RecordOutput {
    /// The image. Prompts, model, settings, inputs and time are those of the generation.
    asset: CreateAsset,
    /// It is a variation of this character.
    character_id: Option<CharacterId>,
    /// It is a take of this animation.
    animation_id: Option<AnimationId>,
    /// With `animationId`: a new frame shows it, before the one at this place; -1 for the end.
    #[schema(minimum = -1)]
    frame_index: Option<i64>,
    /// With `frameIndex`: what this frame in particular was to show.
    frame_prompt: Option<String>,
    /// This frame shows it from now on.
    replaces_frame_id: Option<FrameId>,
}

impl RecordInput {
    fn into_new(self, place: &str, images: &mut Images) -> Result<GenerationInput, Problem> {
        match (self.asset_id, self.file) {
            (Some(id), None) => Ok(GenerationInput::asset(id, self.role)),
            (None, Some(file)) => {
                let asset = images.asset(place, &file, None)?;
                Ok(GenerationInput::image(asset.image, self.role))
            }
            _ => Err(Problem::invalid(
                place,
                "an input is either an asset that is there (assetId) or a part of the request (file)",
            )),
        }
    }
}

impl RecordOutput {
    fn into_new(self, place: &str, images: &mut Images) -> Result<GenerationOutput, Problem> {
        let asset = self.asset.into_new(&format!("{place}.asset"), images)?;
        let invalid = |reason: &str| Err(Problem::invalid(place, reason));
        let at = match self.frame_index {
            None | Some(-1) => None,
            Some(index) => match u32::try_from(index) {
                Ok(index) => Some(index),
                Err(_) => return invalid("frameIndex counts from 0; -1 is the end"),
            },
        };
        let goes = (self.character_id, self.animation_id, self.replaces_frame_id);
        if self.frame_index.is_none() && self.frame_prompt.is_some() {
            return invalid("framePrompt goes with frameIndex");
        }
        let goes = match (goes, self.frame_index) {
            ((None, None, None), None) => OutputPlace::Reference,
            ((Some(character), None, None), None) => OutputPlace::Variation(character),
            ((None, Some(animation), None), None) => OutputPlace::Take(animation),
            ((None, Some(animation), None), Some(_)) => OutputPlace::Frame {
                animation,
                at,
                prompt: self.frame_prompt,
            },
            ((None, None, Some(frame)), None) => OutputPlace::Replace(frame),
            _ => return invalid("say one place: characterId, animationId or replacesFrameId"),
        };
        Ok(GenerationOutput::new(asset).place(goes))
    }
}

impl RecordGeneration {
    fn into_new(self, images: &mut Images) -> Result<NewGeneration, Problem> {
        let outcome = match (self.outputs, self.error) {
            (Some(outputs), None) => {
                let places = (0..).map(|index: u32| format!("outputs[{index}]"));
                let outputs = outputs.into_iter().zip(places);
                let outputs = outputs.map(|(output, place)| output.into_new(&place, images));
                Outcome::Succeeded(outputs.collect::<Result<_, _>>()?)
            }
            (None, Some(error)) => Outcome::Failed(error),
            _ => {
                let reason = "a generation ended either with outputs or with an error";
                return Err(Problem::invalid("outputs", reason));
            }
        };
        let places = (0..).map(|index: u32| format!("inputs[{index}]"));
        let inputs = self.inputs.into_iter().zip(places);
        let inputs = inputs.map(|(input, place)| input.into_new(&place, images));
        Ok(NewGeneration {
            id: self.id,
            system_prompt: self.system_prompt,
            prompt: self.prompt,
            model: self.model,
            settings: self.settings,
            inputs: inputs.collect::<Result<_, _>>()?,
            duration_ms: self.duration_ms,
            input_tokens: self.input_tokens,
            output_tokens: self.output_tokens,
            price: self.price,
            created_at: self.created_at,
            ..NewGeneration::new(outcome)
        })
    }
}

/// Records a request to a model with exactly what was sent, and how it ended: with images, which
/// go where they belong in the same transaction, or with an error.
#[utoipa::path(
    post,
    path = "/api/projects/{projectId}/generations",
    operation_id = "recordGeneration",
    tag = "generations",
    params(
        ("projectId" = ProjectId, Path, description = "The project."),
        Key
    ),
    request_body(
        description = "The generation, and its images.",
        content((RecordGeneration = "application/json"), (RecordGeneration = "multipart/form-data"))
    ),
    responses((status = 201, description = "What was recorded.", body = RecordedGeneration))
)]
async fn record_generation(
    State(app): State<App>,
    InPath(project): InPath<ProjectId>,
    key: Key,
    request: WithImages<RecordGeneration>,
) -> Result<Tagged, Problem> {
    let (ids, hash) = (vec![app.id(request.body.id)], request.hash);
    let mut new = request.make(RecordGeneration::into_new)?;
    let making = begin(&app, key, hash, ids).await?;
    let id = making.ids[0];
    new.id = Some(id);
    let studio = app.studio();
    let make = studio.record_generation(project, new);
    making.answer(&app, make, recorded(&app, id)).await
}

/// Returns what was recorded, as far as it is still there.
async fn recorded(app: &App, id: GenerationId) -> pegbar::Result<RecordedGeneration> {
    let studio = app.studio();
    let generation = studio.get_generation(id).await?;
    let mut outputs = Vec::new();
    for output in &generation.output_asset_ids {
        outputs.push(studio.get_asset(*output).await?);
    }
    Ok(RecordedGeneration {
        generation,
        outputs,
        new_references: Vec::new(),
    })
}

/// Returns a generation.
#[utoipa::path(
    get,
    path = "/api/generations/{generationId}",
    operation_id = "getGeneration",
    tag = "generations",
    params(("generationId" = GenerationId, Path, description = "The generation.")),
    responses((status = 200, description = "The generation.", body = Generation))
)]
async fn get_generation(
    State(app): State<App>,
    InPath(id): InPath<GenerationId>,
    known: Known,
) -> Result<Tagged, Problem> {
    Tagged::new(&known, &app.studio().get_generation(id).await?)
}
