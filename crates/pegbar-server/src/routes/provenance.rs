//! Asking: lineage, differences, requests to send again, searching, verifying.

use axum::extract::State;
use http::StatusCode;
use pegbar::{
    AnimationDiff, AnimationId, AssetDiff, AssetId, CharacterId, DescendedAnimation, FoundAsset,
    Lineage, LineageDirection, LineageOptions, MadeFrom, ModelFilter, ProjectId, ReferenceRole,
    Reproduction, SearchFilter, SettingFilter, StaleAnimation, StaleOptions, StaleScope,
    VerifyOptions, VerifyReport, VerifyScope,
};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::routes;

use super::assets::AssetParams;
use crate::api::{Access, Api, Body};
use crate::app::App;
use crate::etag::{Known, Tagged};
use crate::extract::{InPath, JsonBody, Params};
use crate::page::{FoundPageParams, PageOf};
use crate::problem::Problem;

pub(crate) fn add(api: Api) -> Api {
    api.add(Access::Read, Body::None, routes!(get_lineage))
        .add(Access::Read, Body::None, routes!(frames_from))
        .add(Access::Read, Body::None, routes!(stale_frames))
        .add(Access::Read, Body::None, routes!(reproduce))
        .add(Access::Read, Body::None, routes!(diff_assets))
        .add(Access::Read, Body::None, routes!(diff_animations))
        .add(Access::Read, Body::None, routes!(search_assets))
        .add(Access::Read, Body::Json, routes!(verify))
}

/// How much of a lineage is wanted.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(rename_all = "camelCase")]
struct LineageParams {
    /// Which way: to what it was made from, to what was made from it, or both.
    #[serde(default)]
    #[param(inline, required = false)]
    direction: LineageDirection,
    /// How many steps from the asset, at most; absent for all.
    max_depth: Option<u32>,
    /// Only inputs of these roles are followed, with commas between them; absent for all.
    roles: Option<String>,
    /// How many assets each way, at most.
    #[param(minimum = 1, maximum = 1_000_000, default = 10_000)]
    limit: Option<u32>,
}

fn roles(text: Option<&str>) -> Result<Vec<ReferenceRole>, Problem> {
    let words = text.into_iter().flat_map(|text| text.split(','));
    words
        .map(|word| {
            word.trim()
                .parse()
                .map_err(|error| Problem::invalid("roles", error))
        })
        .collect()
}

/// Returns what an asset was made from, what was made from it, or both: a graph.
#[utoipa::path(
    get,
    path = "/api/assets/{assetId}/lineage",
    operation_id = "getLineage",
    tag = "provenance",
    params(("assetId" = AssetId, Path, description = "The asset."), LineageParams),
    responses((status = 200, description = "The graph.", body = Lineage))
)]
async fn get_lineage(
    State(app): State<App>,
    InPath(id): InPath<AssetId>,
    Params(params): Params<LineageParams>,
    known: Known,
) -> Result<Tagged, Problem> {
    let all = LineageOptions::new(params.direction);
    let options = LineageOptions {
        max_depth: params.max_depth,
        roles: roles(params.roles.as_deref())?,
        limit: params.limit.unwrap_or(all.limit),
        ..all
    };
    Tagged::new(&known, &app.studio().lineage(id, &options).await?)
}

/// Lists the frames that were made from an asset, directly or not, by animation.
#[utoipa::path(
    get,
    path = "/api/assets/{assetId}/frames",
    operation_id = "listFramesFrom",
    tag = "provenance",
    params(("assetId" = AssetId, Path, description = "The asset: a design, say.")),
    responses((status = 200, description = "The frames, by animation.", body = Vec<DescendedAnimation>))
)]
async fn frames_from(
    State(app): State<App>,
    InPath(id): InPath<AssetId>,
    known: Known,
) -> Result<Tagged, Problem> {
    Tagged::new(&known, &app.studio().frames_from(id).await?)
}

/// Which frames are looked at.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(rename_all = "camelCase")]
struct StaleParams {
    /// Only those of this character.
    character_id: Option<CharacterId>,
    /// Only those of this animation.
    animation_id: Option<AnimationId>,
    /// Also where only an ancestor of what the frame shows was made from it.
    #[serde(default)]
    transitive: bool,
}

/// Lists the frames of a project that were made from something that is no longer shown, or no
/// longer primary.
#[utoipa::path(
    get,
    path = "/api/projects/{projectId}/stale-frames",
    operation_id = "listStaleFrames",
    tag = "provenance",
    params(("projectId" = ProjectId, Path, description = "The project."), StaleParams),
    responses((status = 200, description = "The frames, by animation.", body = Vec<StaleAnimation>))
)]
async fn stale_frames(
    State(app): State<App>,
    InPath(project): InPath<ProjectId>,
    Params(params): Params<StaleParams>,
    known: Known,
) -> Result<Tagged, Problem> {
    let scope = match (params.character_id, params.animation_id) {
        (None, None) => StaleScope::Project(project),
        (Some(character), None) => StaleScope::Character(character),
        (None, Some(animation)) => StaleScope::Animation(animation),
        _ => {
            let reason = "either a character or an animation";
            return Err(Problem::invalid("animationId", reason));
        }
    };
    let options = StaleOptions {
        transitive: params.transitive,
        ..StaleOptions::default()
    };
    Tagged::new(&known, &app.studio().stale_frames(scope, &options).await?)
}

/// Returns the request that would make an asset again, and what is missing of it.
#[utoipa::path(
    get,
    path = "/api/assets/{assetId}/reproduction",
    operation_id = "reproduce",
    tag = "provenance",
    params(("assetId" = AssetId, Path, description = "The asset.")),
    responses((status = 200, description = "The request.", body = Reproduction))
)]
async fn reproduce(
    State(app): State<App>,
    InPath(id): InPath<AssetId>,
    known: Known,
) -> Result<Tagged, Problem> {
    let mut reproduction = app.studio().reproduce(id).await?;
    let root = app.studio().root();
    // Where the studio lies is nobody's business; `/blobs/<sha256>` has the bytes.
    for input in &mut reproduction.request.inputs {
        for path in [&mut input.blob, &mut input.file].into_iter().flatten() {
            if let Ok(below) = path.strip_prefix(root) {
                *path = below.to_owned();
            }
        }
    }
    Tagged::new(&known, &reproduction)
}

/// Two assets to compare.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct AssetsToCompare {
    /// The one before.
    before: AssetId,
    /// The one after.
    after: AssetId,
}

/// Two animations to compare.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct AnimationsToCompare {
    /// The one before.
    before: AnimationId,
    /// The one after.
    after: AnimationId,
}

/// Returns what sets two assets apart: prompts word by word, settings key by key, inputs by role
/// and order.
#[utoipa::path(
    get,
    path = "/api/diff/assets",
    operation_id = "diffAssets",
    tag = "provenance",
    params(AssetsToCompare),
    responses((status = 200, description = "The differences.", body = AssetDiff))
)]
async fn diff_assets(
    State(app): State<App>,
    Params(two): Params<AssetsToCompare>,
    known: Known,
) -> Result<Tagged, Problem> {
    Tagged::new(
        &known,
        &app.studio().diff_assets(two.before, two.after).await?,
    )
}

/// Returns what sets two animations apart, frame by frame.
#[utoipa::path(
    get,
    path = "/api/diff/animations",
    operation_id = "diffAnimations",
    tag = "provenance",
    params(AnimationsToCompare),
    responses((status = 200, description = "The differences.", body = AnimationDiff))
)]
async fn diff_animations(
    State(app): State<App>,
    Params(two): Params<AnimationsToCompare>,
    known: Known,
) -> Result<Tagged, Problem> {
    Tagged::new(
        &known,
        &app.studio().diff_animations(two.before, two.after).await?,
    )
}

/// What is searched for: all of it must hold.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(rename_all = "camelCase")]
struct SearchParams {
    /// Only in this project.
    project_id: Option<ProjectId>,
    /// Words in the prompt or the system prompt; each must stand there.
    text: Option<String>,
    /// Looks for the text also in what files and other programs say.
    #[serde(default)]
    in_claims: bool,
    /// The model that generated it; a name that ends with `*` stands for those that begin so.
    model: Option<String>,
    /// A setting and its value: `steps=20`, `sampler.name=euler`.
    setting: Option<String>,
    /// The program that says something of it.
    claim_tool: Option<String>,
    /// Made from this asset.
    made_from: Option<AssetId>,
    /// With `madeFrom`: also what was made from what was made from it, and so on.
    #[serde(default)]
    deep: bool,
    /// Never used: no frame shows it, nothing was made from it, and it stands for nothing.
    #[serde(default)]
    unused: bool,
}

/// Searches assets by what made them.
#[utoipa::path(
    get,
    path = "/api/search",
    operation_id = "searchAssets",
    tag = "provenance",
    params(SearchParams, AssetParams, FoundPageParams),
    responses((status = 200, description = "A page of assets, with where the text was found.", body = PageOf<FoundAsset>))
)]
async fn search_assets(
    State(app): State<App>,
    Params(params): Params<SearchParams>,
    Params(assets): Params<AssetParams>,
    Params(page): Params<FoundPageParams>,
    known: Known,
) -> Result<Tagged, Problem> {
    let words = params.text.as_deref().unwrap_or("").split_whitespace();
    let filter = SearchFilter {
        assets: assets.filter(),
        text: words.map(str::to_owned).collect(),
        in_claims: params.in_claims,
        model: params.model.map(|model| match model.strip_suffix('*') {
            Some(beginning) => ModelFilter::Beginning(beginning.to_owned()),
            None => ModelFilter::Named(model),
        }),
        settings: match params.setting {
            Some(setting) => vec![setting.parse::<SettingFilter>()?],
            None => Vec::new(),
        },
        claim_tool: params.claim_tool,
        made_from: params.made_from.map(|asset_id| MadeFrom {
            asset_id,
            is_deep: params.deep,
        }),
        is_unused: params.unused,
    };
    let request = page.request()?;
    let page = app
        .studio()
        .search_assets(params.project_id, &filter, request)
        .await?;
    Tagged::new(&known, &PageOf::of(request, page, |found| found.asset.id))
}

/// What is verified: some assets, a project, or everything.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Verify {
    /// These assets, and everything that they were made from.
    asset_ids: Option<Vec<AssetId>>,
    /// Everything in this project.
    project_id: Option<ProjectId>,
    /// Compares records with rows and with each other, and reads no bytes.
    #[serde(default)]
    records_only: bool,
}

/// Verifies that assets are as they were recorded: hashes their bytes again, makes their records
/// again. Changes nothing; may take long.
#[utoipa::path(
    post,
    path = "/api/verify",
    operation_id = "verify",
    tag = "provenance",
    request_body = Verify,
    responses((status = 200, description = "What was found.", body = VerifyReport))
)]
async fn verify(
    State(app): State<App>,
    JsonBody(body): JsonBody<Verify>,
) -> Result<Tagged, Problem> {
    let scope = match (body.asset_ids, body.project_id) {
        (Some(ids), None) => VerifyScope::Assets(ids),
        (None, Some(project)) => VerifyScope::Project(project),
        (None, None) => VerifyScope::Everything,
        _ => return Err(Problem::invalid("assetIds", "either assets or a project")),
    };
    let options = VerifyOptions {
        records_only: body.records_only,
    };
    let report = app.studio().verify(&scope, options, |_, _| {}).await?;
    Tagged::of(StatusCode::OK, &report)
}
