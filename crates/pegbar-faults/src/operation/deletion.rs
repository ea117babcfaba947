//! What goes, what comes back from the trash, and what leaves it for good.

use pegbar::{
    AsSeen, AssetFilter, PageRequest, PurgeOptions, PurgeScope, Studio, TrashEntry, TrashFilter,
};

use super::{Scene, cat, cats, walk};
use crate::Result;
use crate::site::Base;
use crate::victim::say;

pub(super) async fn drop_bytes(scene: &Scene) -> Result<()> {
    let project = cats(&scene.studio).await?.project.id;
    let all = AssetFilter::default();
    let page = scene
        .studio
        .list_assets(project, &all, PageRequest::default())
        .await?;
    let side = page
        .rows
        .iter()
        .find(|asset| asset.original_name.as_deref() == Some("side.png"));
    let dropped = scene
        .studio
        .drop_bytes(side.ok_or("no side view")?.id)
        .await?;
    say(&format!("asset {}", dropped.asset.id));
    Ok(())
}

pub(super) async fn delete_asset(scene: &Scene) -> Result<()> {
    let tree = cats(&scene.studio).await?;
    let asset = tree.references.first().ok_or("no reference")?.id;
    scene.studio.delete_asset(asset).await?;
    say(&format!("gone asset {asset}"));
    Ok(())
}

pub(super) async fn delete_animation(scene: &Scene) -> Result<()> {
    let walk = walk(&scene.studio).await?.animation.id;
    scene.studio.delete_animation(walk).await?;
    say(&format!("gone animation {walk}"));
    Ok(())
}

pub(super) async fn delete_character(scene: &Scene) -> Result<()> {
    let tree = cats(&scene.studio).await?;
    let cat = cat(&tree)?.character.id;
    scene.studio.delete_character(cat).await?;
    say(&format!("gone character {cat}"));
    Ok(())
}

pub(super) async fn delete_project(scene: &Scene) -> Result<()> {
    let project = cats(&scene.studio).await?.project.id;
    scene.studio.delete_project(AsSeen::from(project)).await?;
    say(&format!("gone project {project}"));
    Ok(())
}

/// Deletes something in a base, as the operation of that name does.
pub(super) fn delete(base: &Base, what: &str) -> Result<()> {
    Scene::in_base(base, async |scene| match what {
        "bytes" => drop_bytes(scene).await,
        "frame" => super::remove_frame(scene).await,
        "asset" => delete_asset(scene).await,
        "animation" => delete_animation(scene).await,
        "character" => delete_character(scene).await,
        _ => delete_project(scene).await,
    })
}

/// What was deleted last: what an undo brings back.
async fn last_deletion(studio: &Studio) -> Result<TrashEntry> {
    let newest = PageRequest::default().descending().limit(1);
    let all = TrashFilter::default();
    let found = studio.list_deletions(&all, newest).await?;
    let mut rows = found.rows;
    Ok(rows.pop().ok_or("the trash is empty")?)
}

pub(super) async fn restore(scene: &Scene) -> Result<()> {
    let entry = last_deletion(&scene.studio).await?;
    let restored = scene.studio.restore(entry.id).await?;
    if !restored.missing.is_empty() {
        return Err(format!("bytes did not come back: {:?}", restored.missing).into());
    }
    say(&format!("restored {}", entry.id));
    Ok(())
}

/// Without grace: the blobs go at once.
pub(super) async fn purge(scene: &Scene) -> Result<()> {
    let options = PurgeOptions {
        grace_ms: 0,
        unnamed: false,
        dry_run: false,
    };
    scene.studio.purge(PurgeScope::All, options, |_| {}).await?;
    say("purged");
    Ok(())
}
