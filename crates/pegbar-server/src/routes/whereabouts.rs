//! What people know assets by, which frames show them, and what their files say who signed them.

use axum::extract::State;
use pegbar::{AssetId, C2paCredentials, Frame, ProjectChanges, ProjectId, Whereabouts};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::routes;

use crate::api::{Access, Api, Body};
use crate::app::App;
use crate::etag::{Known, Tagged};
use crate::extract::{InPath, Params};
use crate::problem::Problem;

/// How many assets one request may name.
const MAX_ASSETS: usize = 100;

pub(crate) fn add(api: Api) -> Api {
    api.add(Access::Read, Body::None, routes!(list_whereabouts))
        .add(Access::Read, Body::None, routes!(list_frames_showing))
        .add(Access::Read, Body::None, routes!(get_credentials))
        .add(Access::Read, Body::None, routes!(list_changes))
}

/// Which assets are meant.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(rename_all = "camelCase")]
struct WhereaboutsParams {
    /// The ids of the assets, with commas between them: at most 100.
    #[param(pattern = "^[0-9a-fA-F-]{36}(,[0-9a-fA-F-]{36}){0,99}$")]
    asset_ids: String,
}

fn ids(text: &str) -> Result<Vec<AssetId>, Problem> {
    let ids = text.split(',').map(|id| {
        let id = id.trim().parse::<AssetId>();
        id.map_err(|error| Problem::invalid("assetIds", error))
    });
    let ids: Vec<AssetId> = ids.collect::<Result<_, _>>()?;
    if ids.len() > MAX_ASSETS {
        let reason = format!("more than {MAX_ASSETS} in one request");
        return Err(Problem::invalid("assetIds", reason));
    }
    Ok(ids)
}

/// Returns what people know assets by: whose each is, and which frames show it. Those that the
/// project does not have are left out.
#[utoipa::path(
    get,
    path = "/api/projects/{projectId}/whereabouts",
    operation_id = "listWhereabouts",
    tag = "assets",
    params(("projectId" = ProjectId, Path, description = "The project."), WhereaboutsParams),
    responses((status = 200, description = "In the order asked for.", body = Vec<Whereabouts>))
)]
async fn list_whereabouts(
    State(app): State<App>,
    InPath(project): InPath<ProjectId>,
    Params(params): Params<WhereaboutsParams>,
    known: Known,
) -> Result<Tagged, Problem> {
    let ids = ids(&params.asset_ids)?;
    app.studio().get_project(project).await?;
    Tagged::new(&known, &app.studio().whereabouts(project, &ids).await?)
}

/// Lists the frames that show an asset now, by animation, in order.
#[utoipa::path(
    get,
    path = "/api/assets/{assetId}/showing-frames",
    operation_id = "listFramesShowing",
    tag = "frames",
    params(("assetId" = AssetId, Path, description = "The asset.")),
    responses((status = 200, description = "The frames.", body = Vec<Frame>))
)]
async fn list_frames_showing(
    State(app): State<App>,
    InPath(id): InPath<AssetId>,
    known: Known,
) -> Result<Tagged, Problem> {
    let studio = app.studio();
    let project = studio.get_asset(id).await?.project_id;
    Tagged::new(&known, &studio.list_frames_showing(project, &[id]).await?)
}

/// Returns the Content Credentials (C2PA) in an asset's file as they are, unchecked; `null` where
/// it has none.
#[utoipa::path(
    get,
    path = "/api/assets/{assetId}/credentials",
    operation_id = "getCredentials",
    tag = "assets",
    params(("assetId" = AssetId, Path, description = "The asset.")),
    responses((status = 200, description = "What they say.", body = Option<C2paCredentials>))
)]
async fn get_credentials(
    State(app): State<App>,
    InPath(id): InPath<AssetId>,
    known: Known,
) -> Result<Tagged, Problem> {
    Tagged::new(&known, &app.studio().read_credentials(id).await?)
}

/// Which changes are meant.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct ChangeParams {
    /// The number of the last change that is known; absent for all that are kept.
    #[param(maximum = 9_007_199_254_740_991_u64)]
    after: Option<u64>,
    /// How many at most: 1 to 1000.
    #[param(minimum = 1, maximum = 1000, default = 100)]
    limit: Option<u32>,
}

/// The largest number that every client reads as it was written.
pub(crate) const MAX_NUMBER: u64 = (1 << 53) - 1;

/// Returns the number of a change that a client knows; 0 where it knows none.
pub(crate) fn known_number(after: Option<u64>) -> Result<u64, Problem> {
    match after.unwrap_or(0) {
        after @ 0..=MAX_NUMBER => Ok(after),
        _ => Err(Problem::invalid(
            "after",
            format!("expected 0 to {MAX_NUMBER}"),
        )),
    }
}

/// Lists the changes of a project, the oldest first; also of one that was deleted.
#[utoipa::path(
    get,
    path = "/api/projects/{projectId}/changes",
    operation_id = "listChanges",
    tag = "projects",
    params(("projectId" = ProjectId, Path, description = "The project."), ChangeParams),
    responses((status = 200, description = "The changes.", body = ProjectChanges))
)]
async fn list_changes(
    State(app): State<App>,
    InPath(project): InPath<ProjectId>,
    Params(params): Params<ChangeParams>,
    known: Known,
) -> Result<Tagged, Problem> {
    let (after, limit) = (known_number(params.after)?, params.limit.unwrap_or(100));
    let changes = app.studio().list_changes(project, after, limit).await?;
    Tagged::new(&known, &changes)
}
