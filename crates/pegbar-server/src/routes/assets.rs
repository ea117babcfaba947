//! Assets: images, what is said of them, and what they were made from.

use axum::extract::State;
use http::StatusCode;
use pegbar::{
    AnimationId, Annotation, AnnotationId, AsSeen, Asset, AssetFilter, AssetId, AssetKind,
    AssetPatch, CharacterId, Claim, Deletion, DroppedBytes, Error, ImageSource, MillisSinceEpoch,
    NewAnnotation, NewAsset, ProjectId, Sha256,
};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::routes;

use crate::api::{Access, Api, Body};
use crate::app::App;
use crate::body::{CreateAsset, assets};
use crate::etag::{Expected, Known, Tagged};
use crate::extract::{HashedJson, InPath, JsonBody, Params, given, present};
use crate::once::{Key, begin};
use crate::page::{PageOf, PageParams};
use crate::problem::Problem;
use crate::upload::{RawImage, WithImages};

pub(crate) fn add(api: Api) -> Api {
    api.add(Access::Read, Body::None, routes!(list_assets))
        .add(Access::Write, Body::Images, routes!(create_assets))
        .add(Access::Write, Body::Images, routes!(upload_image))
        .add(Access::Read, Body::None, routes!(get_asset))
        .add(Access::Write, Body::Json, routes!(update_asset))
        .add(Access::Write, Body::None, routes!(delete_asset))
        .add(Access::Write, Body::None, routes!(drop_bytes))
        .add(Access::Read, Body::None, routes!(list_claims))
        .add(Access::Read, Body::None, routes!(list_annotations))
        .add(Access::Write, Body::Json, routes!(annotate_asset))
        .add(Access::Write, Body::None, routes!(delete_annotation))
}

/// Which assets are listed.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(rename_all = "camelCase")]
pub(super) struct AssetParams {
    /// Of this kind.
    kind: Option<AssetKind>,
    /// Variations of this character.
    character_id: Option<CharacterId>,
    /// Takes of this animation.
    animation_id: Option<AnimationId>,
    /// With this tag.
    tag: Option<String>,
    /// With this id in the app it was imported from.
    source_id: Option<String>,
    /// Imported from this path.
    source_path: Option<String>,
    /// With these bytes.
    sha256: Option<Sha256>,
    /// Made at this time or later.
    created_from: Option<MillisSinceEpoch>,
    /// Made before this time.
    created_before: Option<MillisSinceEpoch>,
}

impl AssetParams {
    pub(super) fn filter(self) -> AssetFilter {
        AssetFilter {
            kind: self.kind,
            character_id: self.character_id,
            animation_id: self.animation_id,
            tag: self.tag,
            source_id: self.source_id,
            source_path: self.source_path,
            sha256: self.sha256,
            id_ending: None,
            created_from: self.created_from,
            created_before: self.created_before,
        }
    }
}

/// Lists the assets of a project, in the order of their ids.
#[utoipa::path(
    get,
    path = "/api/projects/{projectId}/assets",
    operation_id = "listAssets",
    tag = "assets",
    params(("projectId" = ProjectId, Path, description = "The project."), AssetParams, PageParams),
    responses((status = 200, description = "A page of assets.", body = PageOf<Asset>))
)]
async fn list_assets(
    State(app): State<App>,
    InPath(project): InPath<ProjectId>,
    Params(filter): Params<AssetParams>,
    Params(page): Params<PageParams>,
    known: Known,
) -> Result<Tagged, Problem> {
    app.studio().get_project(project).await?;
    let request = page.request()?;
    let page = app
        .studio()
        .list_assets(project, &filter.filter(), request)
        .await?;
    Tagged::new(&known, &PageOf::of(request, page, |asset| asset.id))
}

/// Images to create assets of.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct CreateAssets {
    /// The assets, in order.
    #[schema(min_items = 1)]
    assets: Vec<CreateAsset>,
}

/// Creates assets that belong to no character (kind `reference`), in one transaction.
#[utoipa::path(
    post,
    path = "/api/projects/{projectId}/assets",
    operation_id = "createAssets",
    tag = "assets",
    params(
        ("projectId" = ProjectId, Path, description = "The project."),
        Key
    ),
    request_body(
        description = "The assets, and their images.",
        content((CreateAssets = "multipart/form-data"))
    ),
    responses((status = 201, description = "The assets, in the order of the request.", body = Vec<Asset>))
)]
async fn create_assets(
    State(app): State<App>,
    InPath(project): InPath<ProjectId>,
    key: Key,
    request: WithImages<CreateAssets>,
) -> Result<Tagged, Problem> {
    let hash = request.hash;
    let mut new = request.make(|body, images| assets(body.assets, "assets", images))?;
    if new.is_empty() {
        return Err(Problem::invalid("assets", "there are none"));
    }
    let ids = new.iter().map(|asset| app.id(asset.id)).collect();
    let making = begin(&app, key, hash, ids).await?;
    for (asset, id) in new.iter_mut().zip(&making.ids) {
        asset.id = Some(*id);
    }
    let ids = making.ids.clone();
    let found = async {
        let mut found = Vec::with_capacity(ids.len());
        for id in ids {
            found.push(app.studio().get_asset(id).await?);
        }
        Ok(found)
    };
    let make = app.studio().create_assets(project, new);
    making.answer(&app, make, found).await
}

/// What is said of an image whose bytes are the body.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(rename_all = "camelCase")]
struct UploadParams {
    /// The file name it came with.
    original_name: Option<String>,
}

/// Creates an asset (kind `reference`) of an image that is the whole body.
///
/// With `Repr-Digest: sha-256=:…:` (RFC 9530) the hash of what came is compared.
#[utoipa::path(
    post,
    path = "/api/projects/{projectId}/images",
    operation_id = "uploadImage",
    tag = "assets",
    params(
        ("projectId" = ProjectId, Path, description = "The project."),
        UploadParams,
        ("Repr-Digest" = Option<String>, Header, description = "The hash of the image: `sha-256=:…:`."),
        Key
    ),
    request_body(
        description = "The image.",
        content(
            ("image/png"), ("image/jpeg"), ("image/webp"), ("image/gif"),
            ("application/octet-stream")
        )
    ),
    responses((status = 201, description = "The asset.", body = Asset))
)]
async fn upload_image(
    State(app): State<App>,
    InPath(project): InPath<ProjectId>,
    Params(params): Params<UploadParams>,
    key: Key,
    image: RawImage,
) -> Result<Tagged, Problem> {
    let mut new = NewAsset::new(ImageSource::Stored(image.stored));
    new.original_name = params.original_name;
    let ids = vec![app.id(None)];
    let making = begin(&app, key, image.stored.sha256(), ids).await?;
    let id = making.ids[0];
    let studio = app.studio();
    let make = studio.create_asset(project, new.id(id));
    making.answer(&app, make, studio.get_asset(id)).await
}

/// Returns an asset. One that was purged is gone, with the code `purged`: what is still known of
/// it is its tombstone.
#[utoipa::path(
    get,
    path = "/api/assets/{assetId}",
    operation_id = "getAsset",
    tag = "assets",
    params(("assetId" = AssetId, Path, description = "The asset.")),
    responses((status = 200, description = "The asset.", body = Asset))
)]
async fn get_asset(
    State(app): State<App>,
    InPath(id): InPath<AssetId>,
    known: Known,
) -> Result<Tagged, Problem> {
    let found = match app.studio().get_asset(id).await {
        Err(Error::NotFound { .. }) => {
            let stone = app.studio().get_tombstone(id).await?;
            let hash = stone.record_hash.map(|hash| hash.to_string());
            let detail = format!(
                "the asset {id} was deleted and purged on {}; its record hash is {}",
                stone.purged_at,
                hash.as_deref().unwrap_or("not known")
            );
            let hint = format!("its record is still there: /api/tombstones/{id}");
            return Err(Problem::new(StatusCode::GONE, "purged", detail).hint(hint));
        }
        found => found?,
    };
    Tagged::new(&known, &found)
}

/// What changes in an asset; a field that is absent stays as it is. What made it never changes.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct UpdateAsset {
    /// All tags, in order.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Vec<String>, required = false)]
    tags: Option<Vec<String>>,
    /// The file name it came with; `null` clears it.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<String>)]
    original_name: Option<Option<String>>,
}

/// Changes what may change in an asset: its tags and original name.
#[utoipa::path(
    patch,
    path = "/api/assets/{assetId}",
    operation_id = "updateAsset",
    tag = "assets",
    params(
        ("assetId" = AssetId, Path, description = "The asset."),
        Expected
    ),
    request_body = UpdateAsset,
    responses((status = 200, description = "The asset as it is now.", body = Asset))
)]
async fn update_asset(
    State(app): State<App>,
    InPath(id): InPath<AssetId>,
    Expected(expected): Expected,
    JsonBody(change): JsonBody<UpdateAsset>,
) -> Result<Tagged, Problem> {
    let patch = AssetPatch {
        tags: change.tags,
        original_name: change.original_name,
        expected,
    };
    Tagged::of(StatusCode::OK, &app.studio().update_asset(id, patch).await?)
}

/// Moves an asset into the trash: a reference, a variation, or a take that no frame shows.
#[utoipa::path(
    delete,
    path = "/api/assets/{assetId}",
    operation_id = "deleteAsset",
    tag = "assets",
    params(
        ("assetId" = AssetId, Path, description = "The asset."),
        Expected
    ),
    responses((status = 200, description = "What went.", body = Deletion))
)]
async fn delete_asset(
    State(app): State<App>,
    InPath(id): InPath<AssetId>,
    Expected(expected): Expected,
) -> Result<Tagged, Problem> {
    let deletion = app.studio().delete_asset(AsSeen { id, expected }).await?;
    Tagged::of(StatusCode::OK, &deletion)
}

/// Drops the bytes of an asset that others were made from; record, hash and lineage stay.
#[utoipa::path(
    post,
    path = "/api/assets/{assetId}/drop-bytes",
    operation_id = "dropBytes",
    tag = "assets",
    params(
        ("assetId" = AssetId, Path, description = "The asset."),
        Expected
    ),
    responses((status = 200, description = "What was dropped.", body = DroppedBytes))
)]
async fn drop_bytes(
    State(app): State<App>,
    InPath(id): InPath<AssetId>,
    Expected(expected): Expected,
) -> Result<Tagged, Problem> {
    let dropped = app.studio().drop_bytes(AsSeen { id, expected }).await?;
    Tagged::of(StatusCode::OK, &dropped)
}

/// Lists what an asset's file, and the apps it came through, say of it: it may be wrong.
#[utoipa::path(
    get,
    path = "/api/assets/{assetId}/claims",
    operation_id = "listClaims",
    tag = "assets",
    params(("assetId" = AssetId, Path, description = "The asset.")),
    responses((status = 200, description = "The claims, in order.", body = Vec<Claim>))
)]
async fn list_claims(
    State(app): State<App>,
    InPath(id): InPath<AssetId>,
    known: Known,
) -> Result<Tagged, Problem> {
    Tagged::new(&known, &app.studio().list_claims(id).await?)
}

/// Lists what people said of an asset after it was made.
#[utoipa::path(
    get,
    path = "/api/assets/{assetId}/annotations",
    operation_id = "listAnnotations",
    tag = "assets",
    params(("assetId" = AssetId, Path, description = "The asset.")),
    responses((status = 200, description = "The annotations, oldest first.", body = Vec<Annotation>))
)]
async fn list_annotations(
    State(app): State<App>,
    InPath(id): InPath<AssetId>,
    known: Known,
) -> Result<Tagged, Problem> {
    Tagged::new(&known, &app.studio().list_annotations(id).await?)
}

/// What is to be said of an asset.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct CreateAnnotation {
    /// Who says it: 1 to 255 bytes.
    author: Option<String>,
    /// What is said.
    text: String,
}

/// Says something of an asset, beside its record, which does not change.
#[utoipa::path(
    post,
    path = "/api/assets/{assetId}/annotations",
    operation_id = "annotateAsset",
    tag = "assets",
    params(
        ("assetId" = AssetId, Path, description = "The asset."),
        Key
    ),
    request_body = CreateAnnotation,
    responses((status = 201, description = "The annotation.", body = Annotation))
)]
async fn annotate_asset(
    State(app): State<App>,
    InPath(asset): InPath<AssetId>,
    key: Key,
    request: HashedJson<CreateAnnotation>,
) -> Result<Tagged, Problem> {
    let ids = vec![app.id(None)];
    let making = begin(&app, key, request.hash, ids).await?;
    let id: AnnotationId = making.ids[0];
    let new = NewAnnotation {
        id: Some(id),
        author: request.body.author,
        text: request.body.text,
    };
    let studio = app.studio();
    let make = studio.annotate_asset(asset, new);
    let found = async {
        let annotations = studio.list_annotations(asset).await?;
        let found = annotations.into_iter().find(|found| found.id == id);
        found.ok_or_else(|| pegbar::Error::NotFound {
            entity: "annotation",
            name: id.to_string(),
        })
    };
    making.answer(&app, make, found).await
}

/// Deletes an annotation.
#[utoipa::path(
    delete,
    path = "/api/annotations/{annotationId}",
    operation_id = "deleteAnnotation",
    tag = "assets",
    params(("annotationId" = AnnotationId, Path, description = "The annotation.")),
    responses((status = 200, description = "What was said.", body = Annotation))
)]
async fn delete_annotation(
    State(app): State<App>,
    InPath(id): InPath<AnnotationId>,
) -> Result<Tagged, Problem> {
    Tagged::of(StatusCode::OK, &app.studio().delete_annotation(id).await?)
}
