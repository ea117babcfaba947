//! Frames: the ordered list of an animation. Every change of it is meant for one version of the
//! animation, which `If-Match` names.

use axum::extract::State;
use http::StatusCode;
use pegbar::{AnimationId, AnimationTree, AssetId, Fingerprint, Frame, FrameId};
use serde::Deserialize;
use utoipa::ToSchema;
use utoipa_axum::routes;

use crate::api::{Access, Api, Body};
use crate::app::App;
use crate::body::{CreateAsset, CreateFrame, frames, image};
use crate::etag::{Expected, Known, Tagged};
use crate::extract::{InPath, JsonBody, present};
use crate::once::{Key, begin};
use crate::problem::Problem;
use crate::upload::WithImages;

pub(crate) fn add(api: Api) -> Api {
    api.add(Access::Read, Body::None, routes!(list_frames))
        .add(Access::Write, Body::Images, routes!(insert_frames))
        .add(Access::Write, Body::Json, routes!(set_frame_order))
        .add(Access::Read, Body::None, routes!(get_frame))
        .add(Access::Write, Body::Json, routes!(update_frame))
        .add(Access::Write, Body::Images, routes!(replace_frame))
        .add(Access::Write, Body::Json, routes!(move_frame))
        .add(Access::Write, Body::None, routes!(remove_frame))
}

/// Returns the version of an animation that a change is meant for, if the animation is still
/// what was seen. Names and prompts do not count: the change does not touch them.
async fn version(app: &App, id: AnimationId, expected: Expected) -> pegbar::Result<Option<i64>> {
    match expected.0 {
        None => Ok(None),
        Some(expected) => {
            let animation = app.studio().get_animation(id).await?;
            Fingerprint::check(Some(expected), "animation", &animation)?;
            Ok(Some(animation.version))
        }
    }
}

async fn version_of_frame(
    app: &App,
    id: FrameId,
    expected: Expected,
) -> pegbar::Result<Option<i64>> {
    let animation = app.studio().get_frame(id).await?.animation_id;
    version(app, animation, expected).await
}

/// Lists the frames of an animation, in order.
#[utoipa::path(
    get,
    path = "/api/animations/{animationId}/frames",
    operation_id = "listFrames",
    tag = "frames",
    params(("animationId" = AnimationId, Path, description = "The animation.")),
    responses((status = 200, description = "The frames, in order.", body = Vec<Frame>))
)]
async fn list_frames(
    State(app): State<App>,
    InPath(id): InPath<AnimationId>,
    known: Known,
) -> Result<Tagged, Problem> {
    Tagged::new(&known, &app.studio().list_frames(id).await?)
}

/// Frames to add to an animation.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct InsertFrames {
    /// The place before which they go, from 0; absent for the end.
    at: Option<u32>,
    /// The frames, in order.
    #[schema(min_items = 1)]
    frames: Vec<CreateFrame>,
}

/// Adds frames to an animation: at the end, or before the frame at a place.
#[utoipa::path(
    post,
    path = "/api/animations/{animationId}/frames",
    operation_id = "insertFrames",
    tag = "frames",
    params(
        ("animationId" = AnimationId, Path, description = "The animation."),
        Expected,
        Key
    ),
    request_body(
        description = "The frames, and their images.",
        content((InsertFrames = "application/json"), (InsertFrames = "multipart/form-data"))
    ),
    responses((status = 201, description = "The animation with its frames.", body = AnimationTree))
)]
async fn insert_frames(
    State(app): State<App>,
    InPath(animation): InPath<AnimationId>,
    expected: Expected,
    key: Key,
    request: WithImages<InsertFrames>,
) -> Result<Tagged, Problem> {
    let (at, hash) = (request.body.at, request.hash);
    let mut new = request.make(|body, images| frames(body.frames, "frames", images))?;
    if new.is_empty() {
        return Err(Problem::invalid("frames", "there are none"));
    }
    let ids = new.iter().map(|frame| app.id(frame.id)).collect();
    let making = begin(&app, key, hash, ids).await?;
    for (frame, id) in new.iter_mut().zip(&making.ids) {
        frame.id = Some(*id);
    }
    let studio = app.studio();
    let first = making.ids[0];
    let found = async {
        let animation = studio.get_frame(first).await?.animation_id;
        studio.get_animation_tree(animation).await
    };
    let make = async {
        let version = version(&app, animation, expected).await?;
        match at {
            Some(at) => studio.insert_frames(animation, at, new, version).await,
            None => studio.append_frames(animation, new, version).await,
        }
    };
    making.answer(&app, make, found).await
}

/// The whole order of an animation.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct FrameOrder {
    /// Every frame of the animation, once.
    frame_ids: Vec<FrameId>,
}

/// Sets the whole order of an animation.
#[utoipa::path(
    put,
    path = "/api/animations/{animationId}/frames/order",
    operation_id = "setFrameOrder",
    tag = "frames",
    params(
        ("animationId" = AnimationId, Path, description = "The animation."),
        Expected
    ),
    request_body = FrameOrder,
    responses((status = 200, description = "The animation with its frames.", body = AnimationTree))
)]
async fn set_frame_order(
    State(app): State<App>,
    InPath(animation): InPath<AnimationId>,
    expected: Expected,
    JsonBody(order): JsonBody<FrameOrder>,
) -> Result<Tagged, Problem> {
    let version = version(&app, animation, expected).await?;
    let studio = app.studio();
    let tree = studio.set_frame_order(animation, order.frame_ids, version);
    Tagged::of(StatusCode::OK, &tree.await?)
}

/// Returns a frame.
#[utoipa::path(
    get,
    path = "/api/frames/{frameId}",
    operation_id = "getFrame",
    tag = "frames",
    params(("frameId" = FrameId, Path, description = "The frame.")),
    responses((status = 200, description = "The frame.", body = Frame))
)]
async fn get_frame(
    State(app): State<App>,
    InPath(id): InPath<FrameId>,
    known: Known,
) -> Result<Tagged, Problem> {
    Tagged::new(&known, &app.studio().get_frame(id).await?)
}

/// What changes in a frame.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct UpdateFrame {
    /// What this frame in particular is to show; `null` clears it, absent it stays.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<String>)]
    frame_prompt: Option<Option<String>>,
}

/// Sets what a frame in particular is to show.
#[utoipa::path(
    patch,
    path = "/api/frames/{frameId}",
    operation_id = "updateFrame",
    tag = "frames",
    params(
        ("frameId" = FrameId, Path, description = "The frame."),
        Expected
    ),
    request_body = UpdateFrame,
    responses((status = 200, description = "The animation with its frames.", body = AnimationTree))
)]
async fn update_frame(
    State(app): State<App>,
    InPath(id): InPath<FrameId>,
    expected: Expected,
    JsonBody(change): JsonBody<UpdateFrame>,
) -> Result<Tagged, Problem> {
    let version = version_of_frame(&app, id, expected).await?;
    let studio = app.studio();
    let tree = if let Some(prompt) = change.frame_prompt {
        studio.set_frame_prompt(id, prompt, version).await?
    } else {
        let animation = studio.get_frame(id).await?.animation_id;
        studio.get_animation_tree(animation).await?
    };
    Tagged::of(StatusCode::OK, &tree)
}

/// What a frame shows from now on: a new take (`asset`), or an asset that is there (`assetId`).
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct ReplaceFrame {
    /// The new take.
    asset: Option<CreateAsset>,
    /// The asset, of the same project.
    asset_id: Option<AssetId>,
}

/// Shows another image in a frame; what it showed before stays a take.
#[utoipa::path(
    put,
    path = "/api/frames/{frameId}/asset",
    operation_id = "replaceFrame",
    tag = "frames",
    params(
        ("frameId" = FrameId, Path, description = "The frame."),
        Expected
    ),
    request_body(
        description = "What it shows, and the image of a new take.",
        content((ReplaceFrame = "application/json"), (ReplaceFrame = "multipart/form-data"))
    ),
    responses((status = 200, description = "The animation with its frames.", body = AnimationTree))
)]
async fn replace_frame(
    State(app): State<App>,
    InPath(id): InPath<FrameId>,
    expected: Expected,
    request: WithImages<ReplaceFrame>,
) -> Result<Tagged, Problem> {
    let image = request.make(|body, images| image(body.asset, body.asset_id, "", images))?;
    let version = version_of_frame(&app, id, expected).await?;
    let tree = app.studio().replace_frame(id, image, version).await?;
    Tagged::of(StatusCode::OK, &tree)
}

/// Where a frame goes.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct MoveFrame {
    /// Its new place, from 0; absent for the end, in another animation.
    to: Option<u32>,
    /// Another animation of the project; absent for its own.
    animation_id: Option<AnimationId>,
}

/// Moves a frame to another place, or into another animation.
#[utoipa::path(
    post,
    path = "/api/frames/{frameId}/move",
    operation_id = "moveFrame",
    tag = "frames",
    params(
        ("frameId" = FrameId, Path, description = "The frame."),
        Expected
    ),
    request_body = MoveFrame,
    responses((status = 200, description = "The animation that it is in now, with its frames.", body = AnimationTree))
)]
async fn move_frame(
    State(app): State<App>,
    InPath(id): InPath<FrameId>,
    expected: Expected,
    JsonBody(place): JsonBody<MoveFrame>,
) -> Result<Tagged, Problem> {
    let version = version_of_frame(&app, id, expected).await?;
    let studio = app.studio();
    let tree = match (place.animation_id, place.to) {
        (Some(animation), at) => {
            studio
                .move_frame_to_animation(id, animation, at, version)
                .await?
        }
        (None, Some(to)) => studio.move_frame(id, to, version).await?,
        (None, None) => return Err(Problem::invalid("to", "say to which place")),
    };
    Tagged::of(StatusCode::OK, &tree)
}

/// Removes a frame; the ones behind it move up, its image stays a take.
#[utoipa::path(
    delete,
    path = "/api/frames/{frameId}",
    operation_id = "removeFrame",
    tag = "frames",
    params(
        ("frameId" = FrameId, Path, description = "The frame."),
        Expected
    ),
    responses((status = 200, description = "The animation with its frames.", body = AnimationTree))
)]
async fn remove_frame(
    State(app): State<App>,
    InPath(id): InPath<FrameId>,
    expected: Expected,
) -> Result<Tagged, Problem> {
    let version = version_of_frame(&app, id, expected).await?;
    Tagged::of(
        StatusCode::OK,
        &app.studio().remove_frame(id, version).await?,
    )
}
