//! Characters and their variations.

use axum::extract::State;
use http::StatusCode;
use pegbar::{
    AsSeen, Asset, AssetId, Character, CharacterFilter, CharacterId, CharacterPatch, CharacterTree,
    Deletion, Json, ProjectId,
};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::routes;

use crate::api::{Access, Api, Body};
use crate::app::App;
use crate::body::{CreateAsset, CreateCharacter};
use crate::etag::{Expected, Known, Tagged};
use crate::extract::{InPath, JsonBody, Params, given, present};
use crate::once::{Key, begin};
use crate::page::{PageOf, PageParams};
use crate::problem::Problem;
use crate::upload::WithImages;

pub(crate) fn add(api: Api) -> Api {
    api.add(Access::Read, Body::None, routes!(list_characters))
        .add(Access::Write, Body::Images, routes!(create_character))
        .add(Access::Read, Body::None, routes!(get_character))
        .add(Access::Write, Body::Json, routes!(update_character))
        .add(Access::Write, Body::None, routes!(delete_character))
        .add(Access::Read, Body::None, routes!(get_character_tree))
        .add(Access::Read, Body::None, routes!(list_variations))
        .add(Access::Write, Body::Images, routes!(create_variation))
}

/// Which characters are listed.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(rename_all = "camelCase")]
struct CharacterParams {
    /// With exactly this name.
    name: Option<String>,
    /// With this tag.
    tag: Option<String>,
    /// With this id in the app it was imported from.
    source_id: Option<String>,
}

/// Lists the characters of a project, in the order of their ids.
#[utoipa::path(
    get,
    path = "/api/projects/{projectId}/characters",
    operation_id = "listCharacters",
    tag = "characters",
    params(
        ("projectId" = ProjectId, Path, description = "The project."),
        CharacterParams,
        PageParams
    ),
    responses((status = 200, description = "A page of characters.", body = PageOf<Character>))
)]
async fn list_characters(
    State(app): State<App>,
    InPath(project): InPath<ProjectId>,
    Params(filter): Params<CharacterParams>,
    Params(page): Params<PageParams>,
    known: Known,
) -> Result<Tagged, Problem> {
    let filter = CharacterFilter {
        name: filter.name,
        tag: filter.tag,
        source_id: filter.source_id,
    };
    app.studio().get_project(project).await?;
    let request = page.request()?;
    let page = app
        .studio()
        .list_characters(project, &filter, request)
        .await?;
    Tagged::new(&known, &PageOf::of(request, page, |character| character.id))
}

/// Creates a character with its variations and animations, in one transaction.
#[utoipa::path(
    post,
    path = "/api/projects/{projectId}/characters",
    operation_id = "createCharacter",
    tag = "characters",
    params(
        ("projectId" = ProjectId, Path, description = "The project."),
        Key
    ),
    request_body(
        description = "The character.",
        content((CreateCharacter = "application/json"), (CreateCharacter = "multipart/form-data"))
    ),
    responses((status = 201, description = "The character with everything in it.", body = CharacterTree))
)]
async fn create_character(
    State(app): State<App>,
    InPath(project): InPath<ProjectId>,
    key: Key,
    request: WithImages<CreateCharacter>,
) -> Result<Tagged, Problem> {
    let (ids, hash) = (vec![app.id(request.body.id)], request.hash);
    let new = request.make(|body, images| body.into_new("", images))?;
    let making = begin(&app, key, hash, ids).await?;
    let id = making.ids[0];
    let studio = app.studio();
    let make = studio.create_character(project, new.id(id));
    making
        .answer(&app, make, studio.get_character_tree(id))
        .await
}

/// Returns a character.
#[utoipa::path(
    get,
    path = "/api/characters/{characterId}",
    operation_id = "getCharacter",
    tag = "characters",
    params(("characterId" = CharacterId, Path, description = "The character.")),
    responses((status = 200, description = "The character.", body = Character))
)]
async fn get_character(
    State(app): State<App>,
    InPath(id): InPath<CharacterId>,
    known: Known,
) -> Result<Tagged, Problem> {
    Tagged::new(&known, &app.studio().get_character(id).await?)
}

/// What changes in a character; a field that is absent stays as it is.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct UpdateCharacter {
    /// The display name. The paths of its files follow.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = String, required = false)]
    name: Option<String>,
    /// What it is.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = String, required = false)]
    description: Option<String>,
    /// All tags, in order.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Vec<String>, required = false)]
    tags: Option<Vec<String>>,
    /// What the user asked for.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = String, required = false)]
    user_prompt: Option<String>,
    /// The primary one of its variations; `null` clears it.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<AssetId>)]
    primary_asset_id: Option<Option<AssetId>>,
    /// Settings for generating its images: an object.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Json, required = false)]
    generation_settings: Option<Json>,
}

/// Changes a character.
#[utoipa::path(
    patch,
    path = "/api/characters/{characterId}",
    operation_id = "updateCharacter",
    tag = "characters",
    params(
        ("characterId" = CharacterId, Path, description = "The character."),
        Expected
    ),
    request_body = UpdateCharacter,
    responses((status = 200, description = "The character as it is now.", body = Character))
)]
async fn update_character(
    State(app): State<App>,
    InPath(id): InPath<CharacterId>,
    Expected(expected): Expected,
    JsonBody(change): JsonBody<UpdateCharacter>,
) -> Result<Tagged, Problem> {
    let patch = CharacterPatch {
        name: change.name,
        description: change.description,
        tags: change.tags,
        user_prompt: change.user_prompt,
        primary_asset_id: change.primary_asset_id,
        generation_settings: change.generation_settings,
        expected,
    };
    let character = app.studio().update_character(id, patch).await?;
    Tagged::of(StatusCode::OK, &character)
}

/// Moves a character with its variations, animations and takes into the trash.
#[utoipa::path(
    delete,
    path = "/api/characters/{characterId}",
    operation_id = "deleteCharacter",
    tag = "characters",
    params(
        ("characterId" = CharacterId, Path, description = "The character."),
        Expected
    ),
    responses((status = 200, description = "What went.", body = Deletion))
)]
async fn delete_character(
    State(app): State<App>,
    InPath(id): InPath<CharacterId>,
    Expected(expected): Expected,
) -> Result<Tagged, Problem> {
    let deletion = app
        .studio()
        .delete_character(AsSeen { id, expected })
        .await?;
    Tagged::of(StatusCode::OK, &deletion)
}

/// Returns a character with everything in it.
#[utoipa::path(
    get,
    path = "/api/characters/{characterId}/tree",
    operation_id = "getCharacterTree",
    tag = "characters",
    params(("characterId" = CharacterId, Path, description = "The character.")),
    responses((status = 200, description = "The character with everything in it.", body = CharacterTree))
)]
async fn get_character_tree(
    State(app): State<App>,
    InPath(id): InPath<CharacterId>,
    known: Known,
) -> Result<Tagged, Problem> {
    Tagged::new(&known, &app.studio().get_character_tree(id).await?)
}

/// Lists the variations of a character, in the order of their ids.
#[utoipa::path(
    get,
    path = "/api/characters/{characterId}/variations",
    operation_id = "listVariations",
    tag = "characters",
    params(("characterId" = CharacterId, Path, description = "The character."), PageParams),
    responses((status = 200, description = "A page of variations.", body = PageOf<Asset>))
)]
async fn list_variations(
    State(app): State<App>,
    InPath(id): InPath<CharacterId>,
    Params(page): Params<PageParams>,
    known: Known,
) -> Result<Tagged, Problem> {
    let request = page.request()?;
    let page = app.studio().list_variations(id, request).await?;
    Tagged::new(&known, &PageOf::of(request, page, |asset| asset.id))
}

/// Adds a variation to a character; the first one becomes primary.
#[utoipa::path(
    post,
    path = "/api/characters/{characterId}/variations",
    operation_id = "createVariation",
    tag = "characters",
    params(
        ("characterId" = CharacterId, Path, description = "The character."),
        Key
    ),
    request_body(
        description = "The variation, and its image.",
        content((CreateAsset = "multipart/form-data"))
    ),
    responses((status = 201, description = "The variation.", body = Asset))
)]
async fn create_variation(
    State(app): State<App>,
    InPath(character): InPath<CharacterId>,
    key: Key,
    request: WithImages<CreateAsset>,
) -> Result<Tagged, Problem> {
    let (ids, hash) = (vec![app.id(request.body.id)], request.hash);
    let new = request.make(|body, images| body.into_new("", images))?;
    let making = begin(&app, key, hash, ids).await?;
    let id = making.ids[0];
    let studio = app.studio();
    let make = studio.create_variation(character, new.id(id));
    making.answer(&app, make, studio.get_asset(id)).await
}
