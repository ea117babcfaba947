//! Projects.

use axum::extract::State;
use http::StatusCode;
use pegbar::{AssetId, Json, Project, ProjectFilter, ProjectId, ProjectPatch};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::routes;

use crate::api::{Access, Api, Body};
use crate::app::App;
use crate::etag::{Expected, Known, Tagged};
use crate::extract::{InPath, JsonBody, Params};
use crate::page::{PageOf, PageParams};
use crate::problem::Problem;

pub(crate) fn add(api: Api) -> Api {
    api.add(Access::Read, Body::None, routes!(list_projects))
        .add(Access::Read, Body::None, routes!(get_project))
        .add(Access::Write, Body::Json, routes!(update_project))
}

/// Which projects are listed.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(rename_all = "camelCase")]
struct ProjectParams {
    /// With this tag.
    tag: Option<String>,
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
        tag: filter.tag,
        ..ProjectFilter::default()
    };
    let page = app.studio().list_projects(&filter, page.request()?).await?;
    Tagged::new(&known, &PageOf::of(page, |project| project.id))
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
    name: Option<String>,
    /// What it is about.
    description: Option<String>,
    /// All tags, in order.
    tags: Option<Vec<String>>,
    /// An asset of the project that stands for it; `null` clears it.
    #[serde(default, deserialize_with = "crate::extract::present")]
    #[schema(value_type = Option<AssetId>)]
    thumbnail_id: Option<Option<AssetId>>,
    /// Defaults for generating in this project.
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
        ("If-Match" = String, Header, description = "The ETag that was read, or * for any.")
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
    };
    let _ = expected;
    let patch = ProjectPatch { ..patch };
    let project = app.studio().update_project(id, patch).await?;
    Tagged::of(StatusCode::OK, &project)
}
