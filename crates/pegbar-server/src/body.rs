//! What is to be created, as requests write it.

use pegbar::{
    AnimationId, AssetId, CharacterId, FrameId, FrameImage, Json, MillisSinceEpoch, NewAnimation,
    NewAsset, NewCharacter, NewClaim, NewFrame, NewProject, NewReference, ProjectId, ReferenceRole,
    Sha256,
};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::problem::Problem;
use crate::upload::Images;

/// A project to create, with everything in it.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct CreateProject {
    /// The id (a UUID); absent to have one made.
    pub(crate) id: Option<ProjectId>,
    /// The id it has in the app it comes from.
    source_id: Option<String>,
    /// The display name: 1 to 255 bytes of free text.
    name: String,
    /// What it is about.
    #[serde(default)]
    description: String,
    /// Free words, at most 64 bytes each.
    #[serde(default)]
    tags: Vec<String>,
    /// Defaults for generating in this project: an object.
    settings: Option<Json>,
    /// An asset created by the same request that stands for the project.
    thumbnail_id: Option<AssetId>,
    /// Uploaded images that belong to no character.
    #[serde(default)]
    references: Vec<CreateAsset>,
    /// The characters.
    #[serde(default)]
    characters: Vec<CreateCharacter>,
    /// When it was created; absent for now.
    created_at: Option<MillisSinceEpoch>,
}

/// A character to create, with everything in it.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct CreateCharacter {
    /// The id (a UUID); absent to have one made.
    pub(crate) id: Option<CharacterId>,
    /// The id it has in the app it comes from.
    source_id: Option<String>,
    /// The display name: 1 to 255 bytes of free text.
    name: String,
    /// What it is.
    #[serde(default)]
    description: String,
    /// Free words, at most 64 bytes each.
    #[serde(default)]
    tags: Vec<String>,
    /// What the user asked for.
    #[serde(default)]
    user_prompt: String,
    /// Settings for generating its images: an object.
    generation_settings: Option<Json>,
    /// The variations.
    #[serde(default)]
    variations: Vec<CreateAsset>,
    /// The primary one of the variations; absent for the first.
    primary_asset_id: Option<AssetId>,
    /// The animations.
    #[serde(default)]
    animations: Vec<CreateAnimation>,
    /// When it was created; absent for now.
    created_at: Option<MillisSinceEpoch>,
}

/// An animation to create, with its frames.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct CreateAnimation {
    /// The id (a UUID); absent to have one made.
    pub(crate) id: Option<AnimationId>,
    /// The id it has in the app it comes from.
    source_id: Option<String>,
    /// The display name: 1 to 255 bytes of free text.
    name: String,
    /// What happens in it.
    #[serde(default)]
    description: String,
    /// What the user asked for.
    #[serde(default)]
    user_prompt: String,
    /// The frames, in order.
    #[serde(default)]
    frames: Vec<CreateFrame>,
    /// Takes that no frame shows.
    #[serde(default)]
    takes: Vec<CreateAsset>,
    /// How long each frame is shown, in milliseconds, from 1 to a day.
    #[schema(minimum = 1, maximum = 86_400_000)]
    frame_duration_ms: Option<u32>,
    /// When it was created; absent for now.
    created_at: Option<MillisSinceEpoch>,
}

/// A frame to create: it shows a new take (`asset`) or an asset that is there (`assetId`).
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct CreateFrame {
    /// The id (a UUID); absent to have one made.
    pub(crate) id: Option<FrameId>,
    /// The id it has in the app it comes from.
    source_id: Option<String>,
    /// What this frame in particular is to show.
    frame_prompt: Option<String>,
    /// The new take that it shows.
    asset: Option<CreateAsset>,
    /// The asset that it shows, of the same project.
    asset_id: Option<AssetId>,
}

/// An image to create an asset of.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct CreateAsset {
    /// The id (a UUID); absent to have one made.
    pub(crate) id: Option<AssetId>,
    /// The part of the request that is the image: its name in `multipart/form-data`.
    file: String,
    /// The SHA-256 that the image should have; the request is refused where it has another.
    sha256: Option<Sha256>,
    /// The id it has in the app it comes from.
    source_id: Option<String>,
    /// The file name it came with; absent for the name that the part has.
    original_name: Option<String>,
    /// Free words, at most 64 bytes each.
    #[serde(default)]
    tags: Vec<String>,
    /// The prompt it was generated from.
    generation_prompt: Option<String>,
    /// The system prompt it was generated with.
    generation_system_prompt: Option<String>,
    /// The settings it was generated with: an object.
    generation_settings: Option<Json>,
    /// The model that generated it.
    model: Option<String>,
    /// What it was made from, in the order sent.
    #[serde(default)]
    references: Vec<CreateReference>,
    /// What the app it comes from says of it, which may be wrong.
    #[serde(default)]
    claims: Vec<CreateClaim>,
    /// When it was made; absent for now.
    created_at: Option<MillisSinceEpoch>,
}

/// An input that an asset was made from.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct CreateReference {
    /// The input: an asset that is there, or is created by the same request.
    asset_id: AssetId,
    /// What it was for.
    role: ReferenceRole,
}

/// What a program says of an asset.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct CreateClaim {
    /// The program that says so: 1 to 255 bytes.
    tool: String,
    /// What it says, as far as it is understood: an object.
    fields: Option<Json>,
    /// The text as it was found.
    #[serde(default)]
    raw: String,
}

impl CreateProject {
    pub(crate) fn into_new(self, images: &mut Images) -> Result<NewProject, Problem> {
        Ok(NewProject {
            id: self.id,
            source_id: self.source_id,
            name: self.name,
            description: self.description,
            tags: self.tags,
            settings: self.settings,
            thumbnail_id: self.thumbnail_id,
            references: assets(self.references, "references", images)?,
            characters: each(self.characters, "characters", |character, place| {
                character.into_new(place, images)
            })?,
            created_at: self.created_at,
        })
    }
}

impl CreateCharacter {
    pub(crate) fn into_new(
        self,
        place: &str,
        images: &mut Images,
    ) -> Result<NewCharacter, Problem> {
        Ok(NewCharacter {
            id: self.id,
            source_id: self.source_id,
            name: self.name,
            description: self.description,
            tags: self.tags,
            user_prompt: self.user_prompt,
            generation_settings: self.generation_settings,
            variations: assets(self.variations, &below(place, "variations"), images)?,
            primary: self.primary_asset_id,
            animations: each(
                self.animations,
                &below(place, "animations"),
                |animation, place| animation.into_new(place, images),
            )?,
            created_at: self.created_at,
        })
    }
}

impl CreateAnimation {
    pub(crate) fn into_new(
        self,
        place: &str,
        images: &mut Images,
    ) -> Result<NewAnimation, Problem> {
        Ok(NewAnimation {
            id: self.id,
            source_id: self.source_id,
            name: self.name,
            description: self.description,
            user_prompt: self.user_prompt,
            frames: frames(self.frames, &below(place, "frames"), images)?,
            takes: assets(self.takes, &below(place, "takes"), images)?,
            frame_duration_ms: self.frame_duration_ms,
            created_at: self.created_at,
        })
    }
}

impl CreateFrame {
    fn into_new(self, place: &str, images: &mut Images) -> Result<NewFrame, Problem> {
        Ok(NewFrame {
            id: self.id,
            image: image(self.asset, self.asset_id, place, images)?,
            prompt: self.frame_prompt,
            source_id: self.source_id,
        })
    }
}

/// Returns what a frame shows: exactly one of the two must be there.
pub(crate) fn image(
    asset: Option<CreateAsset>,
    asset_id: Option<AssetId>,
    place: &str,
    images: &mut Images,
) -> Result<FrameImage, Problem> {
    match (asset, asset_id) {
        (Some(asset), None) => {
            let asset = asset.into_new(&below(place, "asset"), images)?;
            Ok(FrameImage::New(Box::new(asset)))
        }
        (None, Some(id)) => Ok(FrameImage::Asset(id)),
        _ => {
            let field = if place.is_empty() { "asset" } else { place };
            let reason = "a frame shows either a new take (asset) or an asset that is there \
                          (assetId)";
            Err(Problem::invalid(field, reason))
        }
    }
}

impl CreateAsset {
    pub(crate) fn into_new(self, place: &str, images: &mut Images) -> Result<NewAsset, Problem> {
        let asset = images.asset(place, &self.file, self.sha256)?;
        Ok(NewAsset {
            id: self.id,
            source_id: self.source_id,
            original_name: self.original_name.or(asset.original_name),
            tags: self.tags,
            prompt: self.generation_prompt,
            system_prompt: self.generation_system_prompt,
            settings: self.generation_settings,
            model: self.model,
            references: self
                .references
                .into_iter()
                .map(|reference| NewReference {
                    asset_id: reference.asset_id,
                    role: reference.role,
                })
                .collect(),
            claims: self.claims.into_iter().map(CreateClaim::into_new).collect(),
            created_at: self.created_at,
            ..NewAsset::new(asset.image)
        })
    }
}

impl CreateClaim {
    fn into_new(self) -> NewClaim {
        let claim = NewClaim::new(self.tool).raw(self.raw);
        match self.fields {
            Some(fields) => claim.fields(fields),
            None => claim,
        }
    }
}

pub(crate) fn frames(
    frames: Vec<CreateFrame>,
    place: &str,
    images: &mut Images,
) -> Result<Vec<NewFrame>, Problem> {
    each(frames, place, |frame, place| frame.into_new(place, images))
}

pub(crate) fn assets(
    assets: Vec<CreateAsset>,
    place: &str,
    images: &mut Images,
) -> Result<Vec<NewAsset>, Problem> {
    each(assets, place, |asset, place| asset.into_new(place, images))
}

/// Makes each of a list; a problem names the place: `frames[2]`.
fn each<T, N>(
    list: Vec<T>,
    place: &str,
    mut make: impl FnMut(T, &str) -> Result<N, Problem>,
) -> Result<Vec<N>, Problem> {
    let places = (0..).map(|index: u32| format!("{place}[{index}]"));
    let all = list.into_iter().zip(places);
    all.map(|(one, place)| make(one, &place)).collect()
}

fn below(place: &str, field: &str) -> String {
    match place {
        "" => field.to_owned(),
        place => format!("{place}.{field}"),
    }
}
