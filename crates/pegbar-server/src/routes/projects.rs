//! Projects.

use axum::extract::State;
use http::StatusCode;
use pegbar::{
    AsSeen, AssetId, Deletion, Json, Project, ProjectCounts, ProjectFilter, ProjectId,
    ProjectPatch, ProjectTree, TagCount,
};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::routes;

use crate::api::{Access, Api, Body};
use crate::app::App;
use crate::body::CreateProject;
use crate::etag::{Expected, Known, Tagged};
use crate::extract::{InPath, JsonBody, Params, given, present};
use crate::once::{Key, begin};
use crate::page::{PageOf, PageParams};
use crate::problem::Problem;
use crate::upload::WithImages;

pub(crate) fn add(api: Api) -> Api {
    api.add(Access::Read, Body::None, routes!(list_projects))
        .add(Access::Write, Body::Images, routes!(create_project))
        .add(Access::Read, Body::None, routes!(get_project))
        .add(Access::Write, Body::Json, routes!(update_project))
        .add(Access::Write, Body::None, routes!(delete_project))
        .add(Access::Read, Body::None, routes!(get_project_tree))
        .add(Access::Read, Body::None, routes!(count_project))
        .add(Access::Read, Body::None, routes!(count_tags))
}

/// Which projects are listed.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(rename_all = "camelCase")]
struct ProjectParams {
    /// With exactly this name.
    name: Option<String>,
    /// With this tag.
    tag: Option<String>,
    /// With this id in the app it was imported from.
    source_id: Option<String>,
}

/// Lists projects, in the order of their ids, which is the order in which they were created.
#[utoipa::path(
    get,
    path = "/api/projects",
    operation_id = "listProjects",
    tag = "projects",
    params(ProjectParams, PageParams),
    responses((status = 200, description = "A page of projects.", body = PageOf<Project>))
)]
async fn list_projects(
    State(app): State<App>,
    Params(filter): Params<ProjectParams>,
    Params(page): Params<PageParams>,
    known: Known,
) -> Result<Tagged, Problem> {
    let filter = ProjectFilter {
        name: filter.name,
        tag: filter.tag,
        source_id: filter.source_id,
    };
    let request = page.request()?;
    let page = app.studio().list_projects(&filter, request).await?;
    Tagged::new(&known, &PageOf::of(request, page, |project| project.id))
}

/// Creates a project with everything in it, to any depth, in one transaction: all of it, or
/// nothing.
///
/// With images, the request is `multipart/form-data`: the first part, `body`, is the JSON; each
/// other part is an image, which the JSON names in a field `file`.
#[utoipa::path(
    post,
    path = "/api/projects",
    operation_id = "createProject",
    tag = "projects",
    params(Key),
    request_body(
        description = "The project.",
        content((CreateProject = "application/json"), (CreateProject = "multipart/form-data"))
    ),
    responses((status = 201, description = "The project with everything in it.", body = ProjectTree))
)]
async fn create_project(
    State(app): State<App>,
    key: Key,
    request: WithImages<CreateProject>,
) -> Result<Tagged, Problem> {
    let (ids, hash) = (vec![app.id(request.body.id)], request.hash);
    let new = request.make(CreateProject::into_new)?;
    let making = begin(&app, key, hash, ids).await?;
    let id = making.ids[0];
    let studio = app.studio();
    let make = studio.create_project(new.id(id));
    making.answer(&app, make, studio.get_project_tree(id)).await
}

/// Returns a project.
#[utoipa::path(
    get,
    path = "/api/projects/{projectId}",
    operation_id = "getProject",
    tag = "projects",
    params(("projectId" = ProjectId, Path, description = "The project.")),
    responses((status = 200, description = "The project.", body = Project))
)]
async fn get_project(
    State(app): State<App>,
    InPath(id): InPath<ProjectId>,
    known: Known,
) -> Result<Tagged, Problem> {
    Tagged::new(&known, &app.studio().get_project(id).await?)
}

/// What changes in a project; a field that is absent stays as it is.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct UpdateProject {
    /// The display name: 1 to 255 bytes of free text.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = String, required = false)]
    name: Option<String>,
    /// What it is about.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = String, required = false)]
    description: Option<String>,
    /// All tags, in order.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Vec<String>, required = false)]
    tags: Option<Vec<String>>,
    /// An asset of the project that stands for it; `null` clears it.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<AssetId>)]
    thumbnail_id: Option<Option<AssetId>>,
    /// Defaults for generating in this project: an object.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Json, required = false)]
    settings: Option<Json>,
}

/// Changes a project.
#[utoipa::path(
    patch,
    path = "/api/projects/{projectId}",
    operation_id = "updateProject",
    tag = "projects",
    params(
        ("projectId" = ProjectId, Path, description = "The project."),
        Expected
    ),
    request_body = UpdateProject,
    responses((status = 200, description = "The project as it is now.", body = Project))
)]
async fn update_project(
    State(app): State<App>,
    InPath(id): InPath<ProjectId>,
    Expected(expected): Expected,
    JsonBody(change): JsonBody<UpdateProject>,
) -> Result<Tagged, Problem> {
    let patch = ProjectPatch {
        name: change.name,
        description: change.description,
        tags: change.tags,
        thumbnail_id: change.thumbnail_id,
        settings: change.settings,
        expected,
    };
    let project = app.studio().update_project(id, patch).await?;
    Tagged::of(StatusCode::OK, &project)
}

/// Moves a project with everything in it into the trash.
#[utoipa::path(
    delete,
    path = "/api/projects/{projectId}",
    operation_id = "deleteProject",
    tag = "projects",
    params(
        ("projectId" = ProjectId, Path, description = "The project."),
        Expected
    ),
    responses((status = 200, description = "What went.", body = Deletion))
)]
async fn delete_project(
    State(app): State<App>,
    InPath(id): InPath<ProjectId>,
    Expected(expected): Expected,
) -> Result<Tagged, Problem> {
    let deletion = app.studio().delete_project(AsSeen { id, expected }).await?;
    Tagged::of(StatusCode::OK, &deletion)
}

/// Returns a project with everything in it.
#[utoipa::path(
    get,
    path = "/api/projects/{projectId}/tree",
    operation_id = "getProjectTree",
    tag = "projects",
    params(("projectId" = ProjectId, Path, description = "The project.")),
    responses((status = 200, description = "The project with everything in it.", body = ProjectTree))
)]
async fn get_project_tree(
    State(app): State<App>,
    InPath(id): InPath<ProjectId>,
    known: Known,
) -> Result<Tagged, Problem> {
    Tagged::new(&known, &app.studio().get_project_tree(id).await?)
}

/// Counts what is in a project.
#[utoipa::path(
    get,
    path = "/api/projects/{projectId}/counts",
    operation_id = "countProject",
    tag = "projects",
    params(("projectId" = ProjectId, Path, description = "The project.")),
    responses((status = 200, description = "How much is in it.", body = ProjectCounts))
)]
async fn count_project(
    State(app): State<App>,
    InPath(id): InPath<ProjectId>,
    known: Known,
) -> Result<Tagged, Problem> {
    Tagged::new(&known, &app.studio().count_project(id).await?)
}

/// Lists the tags in a project, and how much has each.
#[utoipa::path(
    get,
    path = "/api/projects/{projectId}/tags",
    operation_id = "countTags",
    tag = "projects",
    params(("projectId" = ProjectId, Path, description = "The project.")),
    responses((status = 200, description = "The tags, in order.", body = Vec<TagCount>))
)]
async fn count_tags(
    State(app): State<App>,
    InPath(id): InPath<ProjectId>,
    known: Known,
) -> Result<Tagged, Problem> {
    Tagged::new(&known, &app.studio().count_tags(id).await?)
}
