//! Single tags, added and removed: of two who tag at once neither loses anything.

use axum::extract::State;
use http::StatusCode;
use pegbar::{AssetId, CharacterId, ProjectId, Tagged as Thing};
use serde::Deserialize;
use utoipa::ToSchema;
use utoipa_axum::routes;

use crate::api::{Access, Api, Body};
use crate::app::App;
use crate::etag::Tagged;
use crate::extract::{InPath, JsonBody};
use crate::problem::Problem;

pub(crate) fn add(api: Api) -> Api {
    api.add(Access::Write, Body::Json, routes!(change_project_tags))
        .add(Access::Write, Body::Json, routes!(change_character_tags))
        .add(Access::Write, Body::Json, routes!(change_asset_tags))
}

/// Tags to add and to remove.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct ChangeTags {
    /// Go to the end, unless they are there; at most 64 bytes each.
    #[serde(default)]
    add: Vec<String>,
    /// Go, if they are there.
    #[serde(default)]
    remove: Vec<String>,
}

async fn change(app: &App, thing: Thing, body: ChangeTags) -> Result<Tagged, Problem> {
    let tags = app.studio().change_tags(thing, &body.remove, &body.add);
    Tagged::of(StatusCode::OK, &tags.await?)
}

/// Adds tags to a project and removes others, whatever else changed meanwhile.
#[utoipa::path(
    post,
    path = "/api/projects/{projectId}/tags",
    operation_id = "changeProjectTags",
    tag = "projects",
    params(("projectId" = ProjectId, Path, description = "The project.")),
    request_body = ChangeTags,
    responses((status = 200, description = "All its tags, in order.", body = Vec<String>))
)]
async fn change_project_tags(
    State(app): State<App>,
    InPath(id): InPath<ProjectId>,
    JsonBody(body): JsonBody<ChangeTags>,
) -> Result<Tagged, Problem> {
    change(&app, Thing::Project(id), body).await
}

/// Adds tags to a character and removes others, whatever else changed meanwhile.
#[utoipa::path(
    post,
    path = "/api/characters/{characterId}/tags",
    operation_id = "changeCharacterTags",
    tag = "characters",
    params(("characterId" = CharacterId, Path, description = "The character.")),
    request_body = ChangeTags,
    responses((status = 200, description = "All its tags, in order.", body = Vec<String>))
)]
async fn change_character_tags(
    State(app): State<App>,
    InPath(id): InPath<CharacterId>,
    JsonBody(body): JsonBody<ChangeTags>,
) -> Result<Tagged, Problem> {
    change(&app, Thing::Character(id), body).await
}

/// Adds tags to an asset and removes others, whatever else changed meanwhile.
#[utoipa::path(
    post,
    path = "/api/assets/{assetId}/tags",
    operation_id = "changeAssetTags",
    tag = "assets",
    params(("assetId" = AssetId, Path, description = "The asset.")),
    request_body = ChangeTags,
    responses((status = 200, description = "All its tags, in order.", body = Vec<String>))
)]
async fn change_asset_tags(
    State(app): State<App>,
    InPath(id): InPath<AssetId>,
    JsonBody(body): JsonBody<ChangeTags>,
) -> Result<Tagged, Problem> {
    change(&app, Thing::Asset(id), body).await
}
