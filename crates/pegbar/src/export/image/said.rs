//! What sidecars say, read for some assets at a time.

use std::collections::HashMap;

use uuid::Uuid;

use super::{ExportedImages, Job, LeftOutAsset};
use crate::animation::{self, Animation};
use crate::annotation::Annotation;
use crate::asset::{Asset, AssetKind};
use crate::blob::ImageFormat;
use crate::character::{self, Character};
use crate::claim::Claim;
use crate::db::Session;
use crate::db::sql::statements;
use crate::db::value::Value;
use crate::error::Result;
use crate::export::xmp::Splice;
use crate::frame::Frame;
use crate::generation::Generation;
use crate::hash::Sha256;
use crate::id::{AnimationId, AssetId, CharacterId, GenerationId};
use crate::project::Project;
use crate::sidecar::{
    self, AnimationSaid, AnnotationSaid, AssetSaid, CharacterSaid, ClaimSaid, CopyOf, Format,
    FrameSaid, GenerationSaid, Hex, ProjectSaid, Sidecar, Undo,
};
use crate::tag;
use crate::view::path;

statements! {
    FRAMES_SHOWING = "SELECT {frame} FROM frame WHERE project_id = $1 AND asset_id {in $2} \
                      ORDER BY animation_id, frame_index";
    CLAIMS = "SELECT {asset_claim} FROM asset_claim WHERE project_id = $1 AND asset_id {in $2} \
              ORDER BY asset_id, position";
    ANNOTATIONS = "SELECT {asset_annotation} FROM asset_annotation \
                   WHERE project_id = $1 AND asset_id {in $2} ORDER BY asset_id, id";
    GENERATIONS = "SELECT {generation} FROM generation WHERE project_id = $1 AND id {in $2}";
}

/// Where assets of a project may belong.
pub(super) struct Places<'a> {
    project: &'a Project,
    characters: HashMap<CharacterId, Character>,
    animations: HashMap<AnimationId, Animation>,
}

impl<'a> Places<'a> {
    pub(super) async fn load(session: &mut Session, project: &'a Project) -> Result<Self> {
        let mut characters = character::of_project(session, project.id).await?;
        let mut tags = tag::of_all_characters(session, project.id).await?;
        for character in &mut characters {
            character.tags = tags.remove(&character.id.0).unwrap_or_default();
        }
        let animations = animation::of_project(session, project.id).await?;
        Ok(Self {
            project,
            characters: characters.into_iter().map(|row| (row.id, row)).collect(),
            animations: animations.into_iter().map(|row| (row.id, row)).collect(),
        })
    }

    /// Returns where the sidecar of an asset goes whose bytes were dropped: where its file went,
    /// relative to the folder.
    pub(super) fn home_of_dropped(&self, asset: &Asset) -> Option<String> {
        let (project, id) = (self.project.id, asset.id);
        let format = ImageFormat::from_mime_type(asset.mime_type.as_deref()?)?;
        let path = match asset.kind {
            AssetKind::Reference => path::reference(project, id, format),
            AssetKind::Frame => path::take(project, id, format),
            AssetKind::Character => {
                let character = self.characters.get(&asset.character_id?)?;
                path::variation(project, character.segment.as_deref()?, id, format)
            }
        };
        super::within(&path, project)
    }

    /// Gives each file its sidecar.
    pub(super) async fn say(
        &self,
        session: &mut Session,
        jobs: Vec<Job>,
        report: &mut ExportedImages,
    ) -> Result<Vec<Job>> {
        let ids: Vec<Uuid> = jobs.iter().map(|job| job.asset.id.0).collect();
        let parameters = [Value::Id(self.project.id.0), Value::Ids(&ids)];
        let mut frames: HashMap<AssetId, Vec<Frame>> = HashMap::new();
        for frame in session.list::<Frame>(&FRAMES_SHOWING, &parameters).await? {
            frames.entry(frame.asset_id).or_default().push(frame);
        }
        let mut claims: HashMap<AssetId, Vec<ClaimSaid>> = HashMap::new();
        for claim in session.list::<Claim>(&CLAIMS, &parameters).await? {
            claims.entry(claim.asset_id).or_default().push(ClaimSaid {
                tool: claim.tool,
                fields: claim.fields,
                raw: claim.raw,
            });
        }
        let mut annotations: HashMap<AssetId, Vec<AnnotationSaid>> = HashMap::new();
        for annotation in session
            .list::<Annotation>(&ANNOTATIONS, &parameters)
            .await?
        {
            let said = annotations.entry(annotation.asset_id).or_default();
            said.push(AnnotationSaid {
                author: annotation.author,
                text: annotation.text,
                created_at: annotation.created_at,
            });
        }
        let ids = jobs.iter().filter_map(|job| job.asset.generation_id);
        let ids: Vec<Uuid> = ids.map(|id| id.0).collect();
        let parameters = [Value::Id(self.project.id.0), Value::Ids(&ids)];
        let generations = session
            .list::<Generation>(&GENERATIONS, &parameters)
            .await?;
        let generations: HashMap<GenerationId, Generation> =
            generations.into_iter().map(|row| (row.id, row)).collect();
        let mut said = Vec::with_capacity(jobs.len());
        for mut job in jobs {
            let id = job.asset.id;
            let frames = frames.remove(&id).unwrap_or_default();
            let claims = claims.remove(&id).unwrap_or_default();
            let annotations = annotations.remove(&id).unwrap_or_default();
            let generation = job.asset.generation_id.and_then(|id| generations.get(&id));
            match AssetSaid::of(job.asset.clone(), claims, annotations) {
                Some(asset) => {
                    let generation = generation.map(generation_said);
                    job.sidecar = Some(self.sidecar(asset, frames, generation));
                    said.push(job);
                }
                None => report.left_out.push(LeftOutAsset {
                    asset_id: id,
                    reason: super::NOT_ADOPTED.to_owned(),
                }),
            }
        }
        Ok(said)
    }

    fn sidecar(
        &self,
        asset: AssetSaid,
        frames: Vec<Frame>,
        generation: Option<GenerationSaid>,
    ) -> Sidecar {
        let shown = frames.iter().map(|frame| frame.animation_id);
        let mut animations: Vec<AnimationId> =
            asset.animation_id.into_iter().chain(shown).collect();
        animations.sort_unstable();
        animations.dedup();
        let animations = animations.iter().filter_map(|id| self.animations.get(id));
        let animations: Vec<&Animation> = animations.collect();
        let moving = animations.iter().map(|animation| animation.character_id);
        let mut characters: Vec<CharacterId> =
            asset.character_id.into_iter().chain(moving).collect();
        characters.sort_unstable();
        characters.dedup();
        let characters = characters.iter().filter_map(|id| self.characters.get(id));
        let project = self.project;
        Sidecar {
            format: Format,
            copy: None,
            generation,
            project: ProjectSaid {
                id: project.id,
                name: project.name.clone(),
                description: project.description.clone(),
                tags: project.tags.clone(),
                settings: project.settings.clone(),
                created_at: project.created_at,
                is_thumbnail: project.thumbnail_id == Some(asset.id),
            },
            characters: characters
                .map(|row| character_said(row, asset.id))
                .collect(),
            animations: animations.into_iter().map(animation_said).collect(),
            frames: frames.into_iter().map(frame_said).collect(),
            asset,
        }
    }
}

fn character_said(row: &Character, asset: AssetId) -> CharacterSaid {
    CharacterSaid {
        id: row.id,
        name: row.name.clone(),
        description: row.description.clone(),
        user_prompt: row.user_prompt.clone(),
        tags: row.tags.clone(),
        generation_settings: row.generation_settings.clone(),
        created_at: row.created_at,
        is_primary: row.primary_asset_id == Some(asset),
    }
}

fn animation_said(row: &Animation) -> AnimationSaid {
    AnimationSaid {
        id: row.id,
        character_id: row.character_id,
        name: row.name.clone(),
        description: row.description.clone(),
        user_prompt: row.user_prompt.clone(),
        frame_duration_ms: row.frame_duration_ms,
        created_at: row.created_at,
    }
}

fn generation_said(row: &Generation) -> GenerationSaid {
    GenerationSaid {
        id: row.id,
        request: row.request.clone(),
        model: row.model.clone(),
        status: row.status,
        error: row.error.clone(),
        duration_ms: row.duration_ms,
        input_tokens: row.input_tokens,
        output_tokens: row.output_tokens,
        price: row.price.clone(),
        created_at: row.created_at,
    }
}

fn frame_said(row: Frame) -> FrameSaid {
    FrameSaid {
        id: row.id,
        animation_id: row.animation_id,
        frame_index: row.frame_index,
        frame_prompt: row.frame_prompt,
    }
}

/// Says how a copy becomes its original again.
pub(super) fn copy_of(splices: &[Splice], original: &[u8], copy: &[u8]) -> CopyOf {
    CopyOf {
        sha256: Sha256::of(copy),
        undo: Splice::undoing(splices, original)
            .map(|(at, length, original)| Undo {
                at: at as u64,
                length: length as u64,
                original: Hex(original.to_vec()),
            })
            .collect(),
    }
}

/// Returns the text of a sidecar; says why, where it would not be read again.
pub(super) fn text(sidecar: &Sidecar) -> std::result::Result<String, String> {
    if let Err(fault) = sidecar.asset.check_counts() {
        return Err(format!("its sidecar: {}: {}", fault.field, fault.reason));
    }
    let text = serde_json::to_string_pretty(sidecar);
    let text = text.map_err(|error| format!("its sidecar: {error}"))? + "\n";
    if text.len() as u64 > sidecar::MAX_BYTES {
        let (is, most) = (text.len(), sidecar::MAX_BYTES);
        return Err(format!(
            "its sidecar would be {is} bytes long; at most {most} are read again"
        ));
    }
    Ok(text)
}
