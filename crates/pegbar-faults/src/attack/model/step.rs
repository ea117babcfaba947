//! A change in words, done with the library.

use pegbar::{
    AnimationTree, CharacterPatch, CharacterTree, FrameImage, NewAnimation, NewAsset, NewCharacter,
    NewFrame, PageRequest, ProjectFilter, ProjectTree, Sha256, Studio,
};

use crate::Result;
use crate::site::png;

/// The project that the model is of.
pub(super) async fn dogs(studio: &Studio) -> Result<ProjectTree> {
    let filter = ProjectFilter::default();
    let page = studio
        .list_projects(&filter, PageRequest::default())
        .await?;
    let dogs = page.rows.iter().find(|project| project.name == "Dogs");
    Ok(studio
        .get_project_tree(dogs.ok_or("the dogs are gone")?.id)
        .await?)
}

fn asset(word: &str, next: u64) -> Result<NewAsset> {
    Ok(NewAsset::from_bytes(png(word.parse::<u64>()? + next)))
}

/// Does a change.
pub(super) async fn apply(studio: &Studio, step: &str) -> Result<()> {
    let tree = dogs(studio).await?;
    let words: Vec<&str> = step.split(' ').collect();
    if let ["character", name, image] = words.as_slice() {
        let new = NewCharacter::new(*name).variation(asset(image, 0)?);
        studio.create_character(tree.project.id, new).await?;
        return Ok(());
    }
    let mut characters = tree.characters.into_iter();
    let character = characters.find(|tree| tree.character.name == words[1]);
    let character = character.ok_or("no such character")?;
    let id = character.character.id;
    match words.as_slice() {
        ["rename", _, name] => {
            let patch = CharacterPatch {
                name: Some((*name).to_owned()),
                ..CharacterPatch::default()
            };
            studio.update_character(id, patch).await?;
        }
        ["delete-character", _] => drop(studio.delete_character(id).await?),
        ["sync", _] => drop(studio.sync(|_, _| {}).await?),
        ["variation", _, image] => drop(studio.create_variation(id, asset(image, 0)?).await?),
        ["animation", _, name, image] => {
            let mut new = NewAnimation::new(*name);
            for next in 0..3 {
                new = new.frame(NewFrame::new(asset(image, next)?));
            }
            studio.create_animation(id, new).await?;
        }
        words => edit(studio, &character, words).await?,
    }
    Ok(())
}

/// Does a change of an animation's frames.
async fn edit(studio: &Studio, character: &CharacterTree, words: &[&str]) -> Result<()> {
    let mut animations = character.animations.iter();
    let tree = animations.find(|tree| tree.animation.name == words[2]);
    let tree = tree.ok_or("no such animation")?;
    let (id, seen) = (tree.animation.id, Some(tree.animation.version));
    let frame = |word: &str| -> Result<_> { Ok(tree.frames[word.parse::<usize>()?].frame.id) };
    match words {
        ["delete-animation", ..] => drop(studio.delete_animation(id).await?),
        ["insert", _, _, at, image] => {
            let frames = vec![
                NewFrame::new(asset(image, 0)?),
                NewFrame::new(asset(image, 1)?),
            ];
            studio.insert_frames(id, at.parse()?, frames, seen).await?;
        }
        ["move", _, _, from, to] => {
            studio.move_frame(frame(from)?, to.parse()?, seen).await?;
        }
        ["replace", _, _, at, image] => {
            let image = FrameImage::New(Box::new(asset(image, 0)?));
            studio.replace_frame(frame(at)?, image, seen).await?;
        }
        ["show", _, _, at, take] => {
            let image = FrameImage::Asset(find(tree, take.parse()?)?);
            studio.replace_frame(frame(at)?, image, seen).await?;
        }
        ["remove", _, _, at] => drop(studio.remove_frame(frame(at)?, seen).await?),
        ["prompt", _, _, at, text] => {
            let prompt = Some((*text).to_owned());
            studio.set_frame_prompt(frame(at)?, prompt, seen).await?;
        }
        ["order", _, _, places] => {
            let mut order: Vec<_> = tree.frames.iter().map(|frame| frame.frame.id).collect();
            order.rotate_left(places.parse()?);
            studio.set_frame_order(id, order, seen).await?;
        }
        other => return Err(format!("no change is called {other:?}").into()),
    }
    Ok(())
}

fn find(tree: &AnimationTree, sha256: Sha256) -> Result<pegbar::AssetId> {
    let shown = tree.frames.iter().map(|frame| &frame.asset);
    let mut all = tree.takes.iter().chain(shown);
    let found = all.find(|asset| asset.sha256 == Some(sha256));
    Ok(found.ok_or("no such take")?.id)
}
