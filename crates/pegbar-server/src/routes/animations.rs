//! Animations and their takes.

use axum::extract::State;
use http::StatusCode;
use pegbar::{
    Animation, AnimationFilter, AnimationId, AnimationPatch, AnimationTree, AsSeen, Asset,
    CharacterId, Deletion, ManifestFrame, ProjectId,
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::routes;

use crate::api::{Access, Api, Body};
use crate::app::App;
use crate::body::{CreateAnimation, CreateAsset};
use crate::etag::{Expected, Known, Tagged};
use crate::extract::{InPath, JsonBody, Params, given, present};
use crate::once::{Key, begin};
use crate::page::{PageOf, PageParams};
use crate::problem::Problem;
use crate::upload::WithImages;

pub(crate) fn add(api: Api) -> Api {
    api.add(Access::Read, Body::None, routes!(list_animations))
        .add(Access::Write, Body::Images, routes!(create_animation))
        .add(Access::Read, Body::None, routes!(get_animation))
        .add(Access::Write, Body::Json, routes!(update_animation))
        .add(Access::Write, Body::None, routes!(delete_animation))
        .add(Access::Read, Body::None, routes!(get_animation_tree))
        .add(Access::Read, Body::None, routes!(get_manifest))
        .add(Access::Read, Body::None, routes!(list_takes))
        .add(Access::Write, Body::Images, routes!(create_take))
}

/// Which animations are listed.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(rename_all = "camelCase")]
struct AnimationParams {
    /// Of this character.
    character_id: Option<CharacterId>,
    /// With exactly this name.
    name: Option<String>,
    /// With this id in the app it was imported from.
    source_id: Option<String>,
}

/// Lists the animations of a project, in the order of their ids.
#[utoipa::path(
    get,
    path = "/api/projects/{projectId}/animations",
    operation_id = "listAnimations",
    tag = "animations",
    params(
        ("projectId" = ProjectId, Path, description = "The project."),
        AnimationParams,
        PageParams
    ),
    responses((status = 200, description = "A page of animations.", body = PageOf<Animation>))
)]
async fn list_animations(
    State(app): State<App>,
    InPath(project): InPath<ProjectId>,
    Params(filter): Params<AnimationParams>,
    Params(page): Params<PageParams>,
    known: Known,
) -> Result<Tagged, Problem> {
    let filter = AnimationFilter {
        character_id: filter.character_id,
        name: filter.name,
        source_id: filter.source_id,
    };
    app.studio().get_project(project).await?;
    let request = page.request()?;
    let page = app
        .studio()
        .list_animations(project, &filter, request)
        .await?;
    Tagged::new(&known, &PageOf::of(request, page, |animation| animation.id))
}

/// Creates an animation with its frames and takes, in one transaction.
#[utoipa::path(
    post,
    path = "/api/characters/{characterId}/animations",
    operation_id = "createAnimation",
    tag = "animations",
    params(
        ("characterId" = CharacterId, Path, description = "The character that moves."),
        Key
    ),
    request_body(
        description = "The animation.",
        content((CreateAnimation = "application/json"), (CreateAnimation = "multipart/form-data"))
    ),
    responses((status = 201, description = "The animation with its frames.", body = AnimationTree))
)]
async fn create_animation(
    State(app): State<App>,
    InPath(character): InPath<CharacterId>,
    key: Key,
    request: WithImages<CreateAnimation>,
) -> Result<Tagged, Problem> {
    let (ids, hash) = (vec![app.id(request.body.id)], request.hash);
    let new = request.make(|body, images| body.into_new("", images))?;
    let making = begin(&app, key, hash, ids).await?;
    let id = making.ids[0];
    let studio = app.studio();
    let make = studio.create_animation(character, new.id(id));
    making
        .answer(&app, make, studio.get_animation_tree(id))
        .await
}

/// Returns an animation.
#[utoipa::path(
    get,
    path = "/api/animations/{animationId}",
    operation_id = "getAnimation",
    tag = "animations",
    params(("animationId" = AnimationId, Path, description = "The animation.")),
    responses((status = 200, description = "The animation.", body = Animation))
)]
async fn get_animation(
    State(app): State<App>,
    InPath(id): InPath<AnimationId>,
    known: Known,
) -> Result<Tagged, Problem> {
    Tagged::new(&known, &app.studio().get_animation(id).await?)
}

/// What changes in an animation; a field that is absent stays as it is.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct UpdateAnimation {
    /// The character that moves, of the same project. The paths of its frames follow, its takes
    /// stay with it.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = CharacterId, required = false)]
    character_id: Option<CharacterId>,
    /// The display name. The paths of its frames follow.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = String, required = false)]
    name: Option<String>,
    /// What happens in it.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = String, required = false)]
    description: Option<String>,
    /// What the user asked for.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = String, required = false)]
    user_prompt: Option<String>,
    /// How long each frame is shown, in milliseconds, from 1 to a day; `null` leaves it to the
    /// player.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<u32>, minimum = 1, maximum = 86_400_000)]
    frame_duration_ms: Option<Option<u32>>,
}

/// Changes an animation; its frames have operations of their own.
#[utoipa::path(
    patch,
    path = "/api/animations/{animationId}",
    operation_id = "updateAnimation",
    tag = "animations",
    params(
        ("animationId" = AnimationId, Path, description = "The animation."),
        Expected
    ),
    request_body = UpdateAnimation,
    responses((status = 200, description = "The animation as it is now.", body = Animation))
)]
async fn update_animation(
    State(app): State<App>,
    InPath(id): InPath<AnimationId>,
    Expected(expected): Expected,
    JsonBody(change): JsonBody<UpdateAnimation>,
) -> Result<Tagged, Problem> {
    let patch = AnimationPatch {
        character_id: change.character_id,
        name: change.name,
        description: change.description,
        user_prompt: change.user_prompt,
        frame_duration_ms: change.frame_duration_ms,
        expected,
    };
    let animation = app.studio().update_animation(id, patch).await?;
    Tagged::of(StatusCode::OK, &animation)
}

/// Moves an animation with its frames and takes into the trash.
#[utoipa::path(
    delete,
    path = "/api/animations/{animationId}",
    operation_id = "deleteAnimation",
    tag = "animations",
    params(
        ("animationId" = AnimationId, Path, description = "The animation."),
        Expected
    ),
    responses((status = 200, description = "What went.", body = Deletion))
)]
async fn delete_animation(
    State(app): State<App>,
    InPath(id): InPath<AnimationId>,
    Expected(expected): Expected,
) -> Result<Tagged, Problem> {
    let deletion = app
        .studio()
        .delete_animation(AsSeen { id, expected })
        .await?;
    Tagged::of(StatusCode::OK, &deletion)
}

/// Returns an animation with its frames, what they show, and its other takes.
#[utoipa::path(
    get,
    path = "/api/animations/{animationId}/tree",
    operation_id = "getAnimationTree",
    tag = "animations",
    params(("animationId" = AnimationId, Path, description = "The animation.")),
    responses((status = 200, description = "The animation with its frames.", body = AnimationTree))
)]
async fn get_animation_tree(
    State(app): State<App>,
    InPath(id): InPath<AnimationId>,
    known: Known,
) -> Result<Tagged, Problem> {
    Tagged::new(&known, &app.studio().get_animation_tree(id).await?)
}

/// What a player needs of an animation.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Manifest {
    /// The animation.
    animation_id: AnimationId,
    /// Counts the changes of its list of frames.
    version: i64,
    /// How long each frame is shown, in milliseconds; `null` for the player to decide.
    #[schema(required = true)]
    frame_duration_ms: Option<u32>,
    /// Its frames, in order.
    frames: Vec<PlayedFrame>,
}

/// A frame as it is played.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct PlayedFrame {
    /// What it shows.
    #[serde(flatten)]
    shown: ManifestFrame,
    /// Where its bytes are, relative to the server: they never change, so they may be kept for
    /// ever. `null` where they were not taken in yet.
    #[schema(required = true)]
    url: Option<String>,
}

/// Returns what a player needs: the frames in one consistent order, each with its image.
#[utoipa::path(
    get,
    path = "/api/animations/{animationId}/manifest",
    operation_id = "getManifest",
    tag = "animations",
    params(("animationId" = AnimationId, Path, description = "The animation.")),
    responses((status = 200, description = "The frames, in order.", body = Manifest))
)]
async fn get_manifest(
    State(app): State<App>,
    InPath(id): InPath<AnimationId>,
    known: Known,
) -> Result<Tagged, Problem> {
    let found = app.studio().get_manifest(id).await?;
    let played = |shown: ManifestFrame| PlayedFrame {
        url: shown.sha256.map(|sha256| format!("/blobs/{sha256}")),
        shown,
    };
    let manifest = Manifest {
        animation_id: id,
        version: found.animation.version,
        frame_duration_ms: found.animation.frame_duration_ms,
        frames: found.frames.into_iter().map(played).collect(),
    };
    Tagged::new(&known, &manifest)
}

/// Lists the takes of an animation, shown or not, in the order of their ids.
#[utoipa::path(
    get,
    path = "/api/animations/{animationId}/takes",
    operation_id = "listTakes",
    tag = "animations",
    params(("animationId" = AnimationId, Path, description = "The animation."), PageParams),
    responses((status = 200, description = "A page of takes.", body = PageOf<Asset>))
)]
async fn list_takes(
    State(app): State<App>,
    InPath(id): InPath<AnimationId>,
    Params(page): Params<PageParams>,
    known: Known,
) -> Result<Tagged, Problem> {
    let request = page.request()?;
    let page = app.studio().list_takes(id, request).await?;
    Tagged::new(&known, &PageOf::of(request, page, |asset| asset.id))
}

/// Adds a take to an animation, which no frame shows yet.
#[utoipa::path(
    post,
    path = "/api/animations/{animationId}/takes",
    operation_id = "createTake",
    tag = "animations",
    params(
        ("animationId" = AnimationId, Path, description = "The animation."),
        Key
    ),
    request_body(
        description = "The take, and its image.",
        content((CreateAsset = "multipart/form-data"))
    ),
    responses((status = 201, description = "The take.", body = Asset))
)]
async fn create_take(
    State(app): State<App>,
    InPath(animation): InPath<AnimationId>,
    key: Key,
    request: WithImages<CreateAsset>,
) -> Result<Tagged, Problem> {
    let (ids, hash) = (vec![app.id(request.body.id)], request.hash);
    let new = request.make(|body, images| body.into_new("", images))?;
    let making = begin(&app, key, hash, ids).await?;
    let id = making.ids[0];
    let studio = app.studio();
    let make = async {
        let mut takes = studio.create_takes(animation, vec![new.id(id)]).await?;
        Ok(takes.swap_remove(0))
    };
    making.answer(&app, make, studio.get_asset(id)).await
}
