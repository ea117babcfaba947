//! Whole trees, read in one state with a constant number of queries.

use std::collections::HashMap;

use serde::Serialize;
use uuid::Uuid;

use crate::animation::{self, Animation};
use crate::asset::{self, Asset, AssetKind};
use crate::character::{self, Character};
use crate::create::Created;
use crate::db::Session;
use crate::error::Result;
use crate::frame::{self, Frame};
use crate::id::{AnimationId, AssetId, CharacterId, ProjectId};
use crate::project::{self, Project};
use crate::studio::Studio;
use crate::{reference, tag};

/// A project with everything in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct ProjectTree {
    /// The project.
    pub project: Project,
    /// Its characters, in the order of their ids.
    pub characters: Vec<CharacterTree>,
    /// Its uploaded images (kind `reference`), in the order of their ids.
    pub references: Vec<Asset>,
}

/// A character with everything in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct CharacterTree {
    /// The character.
    pub character: Character,
    /// Its variations, in the order of their ids.
    pub variations: Vec<Asset>,
    /// Its animations, in the order of their ids.
    pub animations: Vec<AnimationTree>,
}

/// An animation with its frames and takes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct AnimationTree {
    /// The animation.
    pub animation: Animation,
    /// Its frames, in order, with what they show.
    pub frames: Vec<FrameTree>,
    /// The takes made for it that none of its frames shows, in the order of their ids.
    pub takes: Vec<Asset>,
}

/// A frame with what it shows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct FrameTree {
    /// The frame.
    pub frame: Frame,
    /// The asset that it shows.
    pub asset: Asset,
}

/// The rows of a tree, before they are put together.
struct Rows {
    animations: Vec<Animation>,
    frames: Vec<Frame>,
    assets: Vec<Asset>,
}

/// The frames that show an asset.
struct Uses {
    left: u32,
    /// The animation of the first; most assets are shown once.
    first: AnimationId,
    others: Vec<AnimationId>,
    /// Where the asset lies in the list of all.
    place: Option<usize>,
}

impl Uses {
    fn is_in(&self, animation: AnimationId) -> bool {
        self.first == animation || self.others.contains(&animation)
    }

    /// Returns the asset for one more frame.
    fn next(&mut self, assets: &mut [Option<Asset>]) -> Option<Asset> {
        self.left -= 1;
        let asset = assets.get_mut(self.place?)?;
        match self.left {
            0 => asset.take(),
            _ => asset.clone(),
        }
    }
}

/// Assets in the places that a tree has for them.
#[derive(Default)]
struct Places {
    references: Vec<Asset>,
    variations: HashMap<CharacterId, Vec<Asset>>,
    animations: HashMap<CharacterId, Vec<AnimationTree>>,
}

impl Rows {
    /// Puts each row where it belongs. An asset moves to its last use; earlier ones copy it.
    fn place(self) -> Places {
        let mut uses: HashMap<AssetId, Uses> = HashMap::with_capacity(self.frames.len());
        for frame in &self.frames {
            let count = |uses: &mut Uses| {
                uses.left += 1;
                uses.others.push(frame.animation_id);
            };
            uses.entry(frame.asset_id)
                .and_modify(count)
                .or_insert(Uses {
                    left: 1,
                    first: frame.animation_id,
                    others: Vec::new(),
                    place: None,
                });
        }
        let mut takes: HashMap<AnimationId, Vec<Asset>> = HashMap::new();
        let mut places = Places::default();
        // They lie where they are until their place in the tree is known.
        let mut assets: Vec<Option<Asset>> = self.assets.into_iter().map(Some).collect();
        for (place, slot) in assets.iter_mut().enumerate() {
            let Some(asset) = slot else { continue };
            let mut uses = uses.get_mut(&asset.id);
            if let Some(uses) = &mut uses {
                uses.place = Some(place);
            }
            let list = match (asset.kind, asset.character_id, asset.animation_id) {
                (AssetKind::Character, Some(character), _) => {
                    places.variations.entry(character).or_default()
                }
                (AssetKind::Frame, _, Some(animation)) => match &uses {
                    Some(uses) if uses.is_in(animation) => continue,
                    _ => takes.entry(animation).or_default(),
                },
                _ => &mut places.references,
            };
            list.extend(match uses {
                Some(_) => slot.clone(),
                None => slot.take(),
            });
        }
        let mut frames: HashMap<AnimationId, Vec<FrameTree>> = HashMap::new();
        for frame in self.frames {
            // A foreign key keeps every frame's asset in the same project.
            if let Some(asset) = uses
                .get_mut(&frame.asset_id)
                .and_then(|uses| uses.next(&mut assets))
            {
                let list = frames.entry(frame.animation_id).or_default();
                list.push(FrameTree { frame, asset });
            }
        }
        for mut animation in self.animations {
            let frames = frames.remove(&animation.id).unwrap_or_default();
            animation.frame_count = frames.len() as u64;
            let takes = takes.remove(&animation.id).unwrap_or_default();
            let list = places.animations.entry(animation.character_id).or_default();
            list.push(AnimationTree {
                animation,
                frames,
                takes,
            });
        }
        places
    }
}

impl Places {
    fn character(&mut self, character: Character) -> CharacterTree {
        CharacterTree {
            variations: self.variations.remove(&character.id).unwrap_or_default(),
            animations: self.animations.remove(&character.id).unwrap_or_default(),
            character,
        }
    }
}

impl ProjectTree {
    fn of(project: Project, characters: Vec<Character>, rows: Rows) -> Self {
        let mut places = rows.place();
        let characters = characters.into_iter().map(|c| places.character(c));
        Self {
            project,
            characters: characters.collect(),
            references: places.references,
        }
    }

    /// Returns the tree of a project that was just created with everything in it: reading it
    /// again would find the same. `None` where no project was.
    pub(crate) fn of_created(mut created: Created) -> Option<Self> {
        // Ids that the caller gave may stand in any order.
        created.characters.sort_by_key(|row| row.id);
        created.animations.sort_by_key(|row| row.id);
        created.assets.sort_by_key(|row| row.id);
        let rows = Rows {
            animations: created.animations,
            frames: created.frames,
            assets: created.assets,
        };
        Some(Self::of(created.project?, created.characters, rows))
    }
}

/// Returns the assets that a part of the tree needs: those that belong there, and those that
/// its frames show from elsewhere.
async fn assets_of(
    session: &mut Session,
    project: ProjectId,
    frames: &[Frame],
    mut ids: Vec<Uuid>,
) -> Result<Vec<Asset>> {
    ids.extend(frames.iter().map(|frame| frame.asset_id.0));
    ids.sort_unstable();
    ids.dedup();
    let mut assets = asset::get_many(session, project, &ids).await?;
    assets.sort_unstable_by_key(|asset| asset.id);
    asset::join(session, project, &mut assets).await?;
    Ok(assets)
}

impl Studio {
    /// Returns a project with everything in it: characters, variations, animations, frames
    /// and their assets, as they were at one moment.
    ///
    /// # Errors
    /// [`crate::Error::NotFound`].
    pub async fn get_project_tree(&self, id: ProjectId) -> Result<ProjectTree> {
        let mut session = self.database().snapshot().await?;
        let project = project::get(&mut session, id).await?;
        let mut characters = character::of_project(&mut session, id).await?;
        let mut rows = Rows {
            animations: animation::of_project(&mut session, id).await?,
            frames: frame::of_project(&mut session, id).await?,
            assets: asset::of_project(&mut session, id).await?,
        };
        let mut asset_tags = tag::of_all_assets(&mut session, id).await?;
        let mut references = reference::of_all_assets(&mut session, id).await?;
        for asset in &mut rows.assets {
            asset.tags = asset_tags.remove(&asset.id.0).unwrap_or_default();
            asset.references = references.remove(&asset.id).unwrap_or_default();
        }
        let mut character_tags = tag::of_all_characters(&mut session, id).await?;
        for character in &mut characters {
            character.tags = character_tags.remove(&character.id.0).unwrap_or_default();
        }
        session.end().await?;
        Ok(ProjectTree::of(project, characters, rows))
    }

    /// Returns a character with everything in it, as it was at one moment.
    ///
    /// # Errors
    /// [`crate::Error::NotFound`].
    pub async fn get_character_tree(&self, id: CharacterId) -> Result<CharacterTree> {
        let mut session = self.database().snapshot().await?;
        let character = character::get(&mut session, id).await?;
        let project = character.project_id;
        let animations = animation::of_character(&mut session, project, id).await?;
        let frames = frame::of_character(&mut session, project, id).await?;
        let animation_ids: Vec<Uuid> = animations.iter().map(|animation| animation.id.0).collect();
        let mut ids = crate::variation::ids(&mut session, project, id).await?;
        ids.extend(animation::take_ids(&mut session, project, &animation_ids).await?);
        let assets = assets_of(&mut session, project, &frames, ids).await?;
        session.end().await?;
        let mut places = Rows {
            animations,
            frames,
            assets,
        }
        .place();
        Ok(places.character(character))
    }

    /// Returns an animation with its frames, what they show, and its other takes, as they
    /// were at one moment.
    ///
    /// # Errors
    /// [`crate::Error::NotFound`].
    pub async fn get_animation_tree(&self, id: AnimationId) -> Result<AnimationTree> {
        let mut session = self.database().snapshot().await?;
        let animation = animation::get(&mut session, id).await?;
        let project = animation.project_id;
        let frames = frame::of_animation(&mut session, project, id).await?;
        let ids = animation::take_ids(&mut session, project, &[id.0]).await?;
        let assets = assets_of(&mut session, project, &frames, ids).await?;
        session.end().await?;
        let character = animation.character_id;
        let rows = Rows {
            animations: vec![animation],
            frames,
            assets,
        };
        let mut found = rows
            .place()
            .animations
            .remove(&character)
            .unwrap_or_default();
        found
            .pop()
            .ok_or_else(|| crate::Error::not_found("animation", id))
    }
}

#[cfg(test)]
mod tests {
    use crate::db::tests::QUERIES;
    use crate::{ImageSource, NewAnimation, NewAsset, NewCharacter, NewFrame, NewProject, Studio};

    fn project(characters: u32, animations: u32, frames: u32, image: &ImageSource) -> NewProject {
        let asset = || NewAsset::new(image.clone()).tag("t");
        let mut project = NewProject::new("P").reference(asset());
        for c in 0..characters {
            let mut character = NewCharacter::new(format!("C{c}")).variation(asset());
            for a in 0..animations {
                let mut animation = NewAnimation::new(format!("A{a}"));
                for _ in 0..frames {
                    animation = animation.frame(NewFrame::new(asset()));
                }
                character = character.animation(animation);
            }
            project = project.character(character);
        }
        project
    }

    #[tokio::test]
    async fn a_tree_takes_as_many_queries_whatever_is_in_it() {
        let folder = tempfile::tempdir().unwrap();
        let studio = Studio::create(folder.path()).await.unwrap();
        let mut png = std::io::Cursor::new(Vec::new());
        let picture = image::RgbaImage::new(2, 2);
        picture.write_to(&mut png, image::ImageFormat::Png).unwrap();
        let stored = studio
            .store_image(&ImageSource::Bytes(png.into_inner()))
            .unwrap();
        let image = ImageSource::Stored(stored);
        let mut counts = Vec::new();
        for (characters, animations, frames) in [(0, 0, 0), (1, 1, 1), (6, 4, 5)] {
            let new = project(characters, animations, frames, &image);
            let created = studio.create_project(new).await.unwrap();
            let before = QUERIES.get();
            let tree = studio.get_project_tree(created.project.id).await.unwrap();
            counts.push(QUERIES.get() - before);
            assert_eq!(tree, created);
        }
        assert_eq!(counts, [counts[0]; 3]);
        assert!(counts[0] > 3, "nothing was counted");
    }
}
