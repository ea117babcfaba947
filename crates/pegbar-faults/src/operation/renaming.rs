//! Other names, which are other paths.

use pegbar::{AnimationPatch, CharacterPatch, ProjectPatch};

use super::{Scene, cat, cats, walk};
use crate::Result;
use crate::victim::say;

pub(super) async fn rename_character(scene: &Scene) -> Result<()> {
    let tree = cats(&scene.studio).await?;
    let patch = CharacterPatch {
        name: Some(format!("走る {}", scene.seed)),
        ..CharacterPatch::default()
    };
    let character = scene
        .studio
        .update_character(cat(&tree)?.character.id, patch)
        .await?;
    say(&format!("named {} {}", character.id, character.name));
    Ok(())
}

pub(super) async fn rename_project(scene: &Scene) -> Result<()> {
    let project = cats(&scene.studio).await?.project.id;
    let patch = ProjectPatch {
        name: Some(format!("Lions {}", scene.seed)),
        ..ProjectPatch::default()
    };
    let project = scene.studio.update_project(project, patch).await?;
    say(&format!("project {}", project.id));
    Ok(())
}

/// Names that differ by case are other paths, and on many disks the same files.
pub(super) async fn respell_character(scene: &Scene) -> Result<()> {
    let tree = cats(&scene.studio).await?;
    let patch = CharacterPatch {
        name: Some("CAT".to_owned()),
        ..CharacterPatch::default()
    };
    let character = cat(&tree)?.character.id;
    let character = scene.studio.update_character(character, patch).await?;
    say(&format!("named {} {}", character.id, character.name));
    Ok(())
}

pub(super) async fn respell_animation(scene: &Scene) -> Result<()> {
    let patch = AnimationPatch {
        name: Some("WALK".to_owned()),
        ..AnimationPatch::default()
    };
    let animation = walk(&scene.studio).await?.animation.id;
    let animation = scene.studio.update_animation(animation, patch).await?;
    say(&format!("animation {}", animation.id));
    Ok(())
}
