//! What deletions would take, the trash, and what is still known of what was purged.

use axum::extract::State;
use http::StatusCode;
use pegbar::{
    AnimationId, AssetId, CharacterId, DeletionId, DeletionKind, DeletionPlan, DeletionTarget,
    FrameId, ProjectId, PurgeOptions, PurgeReport, PurgeScope, RestoredDeletion, Sha256, Tombstone,
    TombstoneFilter, TrashEntry, TrashFilter,
};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::routes;

use crate::api::{Access, Api, Body};
use crate::app::App;
use crate::etag::{Known, Tagged};
use crate::extract::{InPath, JsonBody, Params};
use crate::page::{FoundPageParams, PageOf, PageParams};
use crate::problem::Problem;
use crate::routes::whereabouts::MAX_NUMBER;

pub(crate) fn add(api: Api) -> Api {
    api.add(Access::Read, Body::None, routes!(plan_project_deletion))
        .add(Access::Read, Body::None, routes!(plan_character_deletion))
        .add(Access::Read, Body::None, routes!(plan_animation_deletion))
        .add(Access::Read, Body::None, routes!(plan_asset_deletion))
        .add(Access::Read, Body::None, routes!(plan_frame_deletion))
        .add(Access::Read, Body::None, routes!(list_deletions))
        .add(Access::Read, Body::None, routes!(get_deletion))
        .add(Access::Write, Body::None, routes!(restore_deletion))
        .add(Access::Write, Body::Json, routes!(purge_trash))
        .add(Access::Read, Body::None, routes!(list_tombstones))
        .add(Access::Read, Body::None, routes!(get_tombstone))
}

async fn plan(app: &App, known: &Known, target: DeletionTarget) -> Result<Tagged, Problem> {
    Tagged::new(known, &app.studio().plan_deletion(target).await?)
}

/// Says what deleting a project would take, who uses it, and what it would change of what stays;
/// changes nothing.
#[utoipa::path(
    get,
    path = "/api/projects/{projectId}/deletion-plan",
    operation_id = "planProjectDeletion",
    tag = "trash",
    params(("projectId" = ProjectId, Path, description = "The project.")),
    responses((status = 200, description = "What would go.", body = DeletionPlan))
)]
async fn plan_project_deletion(
    State(app): State<App>,
    InPath(id): InPath<ProjectId>,
    known: Known,
) -> Result<Tagged, Problem> {
    plan(&app, &known, DeletionTarget::Project(id)).await
}

/// Says what deleting a character would take, who uses it, and what it would change of what stays;
/// changes nothing.
#[utoipa::path(
    get,
    path = "/api/characters/{characterId}/deletion-plan",
    operation_id = "planCharacterDeletion",
    tag = "trash",
    params(("characterId" = CharacterId, Path, description = "The character.")),
    responses((status = 200, description = "What would go.", body = DeletionPlan))
)]
async fn plan_character_deletion(
    State(app): State<App>,
    InPath(id): InPath<CharacterId>,
    known: Known,
) -> Result<Tagged, Problem> {
    plan(&app, &known, DeletionTarget::Character(id)).await
}

/// Says what deleting an animation would take, who uses it, and what it would change of what stays;
/// changes nothing.
#[utoipa::path(
    get,
    path = "/api/animations/{animationId}/deletion-plan",
    operation_id = "planAnimationDeletion",
    tag = "trash",
    params(("animationId" = AnimationId, Path, description = "The animation.")),
    responses((status = 200, description = "What would go.", body = DeletionPlan))
)]
async fn plan_animation_deletion(
    State(app): State<App>,
    InPath(id): InPath<AnimationId>,
    known: Known,
) -> Result<Tagged, Problem> {
    plan(&app, &known, DeletionTarget::Animation(id)).await
}

/// Says what deleting an asset would take, who uses it, and what it would change of what stays;
/// changes nothing.
#[utoipa::path(
    get,
    path = "/api/assets/{assetId}/deletion-plan",
    operation_id = "planAssetDeletion",
    tag = "trash",
    params(("assetId" = AssetId, Path, description = "The asset.")),
    responses((status = 200, description = "What would go.", body = DeletionPlan))
)]
async fn plan_asset_deletion(
    State(app): State<App>,
    InPath(id): InPath<AssetId>,
    known: Known,
) -> Result<Tagged, Problem> {
    plan(&app, &known, DeletionTarget::Asset(id)).await
}

/// Says what deleting a frame would take, who uses it, and what it would change of what stays;
/// changes nothing.
#[utoipa::path(
    get,
    path = "/api/frames/{frameId}/deletion-plan",
    operation_id = "planFrameDeletion",
    tag = "trash",
    params(("frameId" = FrameId, Path, description = "The frame.")),
    responses((status = 200, description = "What would go.", body = DeletionPlan))
)]
async fn plan_frame_deletion(
    State(app): State<App>,
    InPath(id): InPath<FrameId>,
    known: Known,
) -> Result<Tagged, Problem> {
    plan(&app, &known, DeletionTarget::Frame(id)).await
}

/// Which deletions are listed.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(rename_all = "camelCase")]
struct TrashParams {
    /// In this project, which may have been deleted itself.
    project_id: Option<ProjectId>,
    /// Of this kind.
    kind: Option<DeletionKind>,
}

/// Lists the deletions that the trash keeps, in their order.
#[utoipa::path(
    get,
    path = "/api/trash",
    operation_id = "listDeletions",
    tag = "trash",
    params(TrashParams, PageParams),
    responses((status = 200, description = "A page of deletions.", body = PageOf<TrashEntry>))
)]
async fn list_deletions(
    State(app): State<App>,
    Params(filter): Params<TrashParams>,
    Params(page): Params<PageParams>,
    known: Known,
) -> Result<Tagged, Problem> {
    let filter = TrashFilter {
        project: filter.project_id,
        kind: filter.kind,
        deleted_before: None,
    };
    let request = page.request()?;
    let page = app.studio().list_deletions(&filter, request).await?;
    Tagged::new(&known, &PageOf::of(request, page, |entry| entry.id))
}

/// Returns one deletion that the trash keeps.
#[utoipa::path(
    get,
    path = "/api/trash/{deletionId}",
    operation_id = "getDeletion",
    tag = "trash",
    params(("deletionId" = DeletionId, Path, description = "The deletion.")),
    responses((status = 200, description = "The deletion.", body = TrashEntry))
)]
async fn get_deletion(
    State(app): State<App>,
    InPath(id): InPath<DeletionId>,
    known: Known,
) -> Result<Tagged, Problem> {
    Tagged::new(&known, &app.studio().get_deletion(id).await?)
}

/// Brings back all that a deletion took, in one transaction.
#[utoipa::path(
    post,
    path = "/api/trash/{deletionId}/restore",
    operation_id = "restoreDeletion",
    tag = "trash",
    params(("deletionId" = DeletionId, Path, description = "The deletion.")),
    responses((status = 200, description = "What came back.", body = RestoredDeletion))
)]
async fn restore_deletion(
    State(app): State<App>,
    InPath(id): InPath<DeletionId>,
) -> Result<Tagged, Problem> {
    Tagged::of(StatusCode::OK, &app.studio().restore(id).await?)
}

/// What is purged: one deletion, those of an age, or everything.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct PurgeTrash {
    /// One deletion.
    deletion_id: Option<DeletionId>,
    /// Those that are older than this, in milliseconds.
    #[schema(minimum = 0, maximum = 9_007_199_254_740_991_u64)]
    older_than_ms: Option<u64>,
    /// Everything in the trash.
    #[serde(default)]
    all: bool,
    /// Looks through the whole store, too, for images that were sent and that nothing has used for
    /// a day.
    #[serde(default)]
    unnamed: bool,
    /// Only says what would go.
    #[serde(default)]
    dry_run: bool,
}

/// Removes deletions for good, and the bytes that nothing has needed for a day. Of each asset a
/// tombstone with its record stays.
#[utoipa::path(
    post,
    path = "/api/trash/purge",
    operation_id = "purgeTrash",
    tag = "trash",
    request_body = PurgeTrash,
    responses((status = 200, description = "What went for good.", body = PurgeReport))
)]
async fn purge_trash(
    State(app): State<App>,
    JsonBody(purge): JsonBody<PurgeTrash>,
) -> Result<Tagged, Problem> {
    let scope = match (purge.deletion_id, purge.older_than_ms, purge.all) {
        (Some(id), None, false) => PurgeScope::Deletion(id),
        (None, Some(age @ 0..=MAX_NUMBER), false) => PurgeScope::OlderThan(age),
        (None, Some(_), false) => {
            let reason = format!("expected 0 to {MAX_NUMBER}");
            return Err(Problem::invalid("olderThanMs", reason));
        }
        (None, None, true) => PurgeScope::All,
        _ => {
            let reason = "say one of deletionId, olderThanMs and all";
            return Err(Problem::invalid("deletionId", reason));
        }
    };
    let options = PurgeOptions {
        unnamed: purge.unnamed,
        dry_run: purge.dry_run,
        ..PurgeOptions::default()
    };
    let report = app.studio().purge(scope, options, |_| {}).await?;
    Tagged::of(StatusCode::OK, &report)
}

/// Which purged assets are listed.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(rename_all = "camelCase")]
struct TombstoneParams {
    /// Of this project.
    project_id: Option<ProjectId>,
    /// With these bytes.
    sha256: Option<Sha256>,
    /// With this record.
    record_hash: Option<Sha256>,
}

/// Lists what is still known of assets that were purged: by a hash that is recorded elsewhere,
/// say.
#[utoipa::path(
    get,
    path = "/api/tombstones",
    operation_id = "listTombstones",
    tag = "trash",
    params(TombstoneParams, FoundPageParams),
    responses((status = 200, description = "A page of them.", body = PageOf<Tombstone>))
)]
async fn list_tombstones(
    State(app): State<App>,
    Params(filter): Params<TombstoneParams>,
    Params(page): Params<FoundPageParams>,
    known: Known,
) -> Result<Tagged, Problem> {
    let filter = TombstoneFilter {
        project: filter.project_id,
        sha256: filter.sha256,
        record_hash: filter.record_hash,
    };
    let request = page.request()?;
    let page = app.studio().list_tombstones(&filter, request).await?;
    Tagged::new(&known, &PageOf::of(request, page, |stone| stone.asset_id))
}

/// Returns what is still known of an asset that was purged.
#[utoipa::path(
    get,
    path = "/api/tombstones/{assetId}",
    operation_id = "getTombstone",
    tag = "trash",
    params(("assetId" = AssetId, Path, description = "The asset.")),
    responses((status = 200, description = "What is known of it.", body = Tombstone))
)]
async fn get_tombstone(
    State(app): State<App>,
    InPath(id): InPath<AssetId>,
    known: Known,
) -> Result<Tagged, Problem> {
    Tagged::new(&known, &app.studio().get_tombstone(id).await?)
}
