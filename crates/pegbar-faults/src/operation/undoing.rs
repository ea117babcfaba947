//! Undoing what was done last.

use super::{Scene, cats, reorder_frames, replace_frame, say_version, walk};
use crate::Result;
use crate::site::Base;
use crate::victim::say;

/// Does something in a base that is to be undone.
pub(super) fn lay_out(name: &str, base: &Base) -> Result<()> {
    Scene::in_base(base, async |scene| {
        match name {
            "undo reorder" => reorder_frames(scene).await,
            // The new image goes to the trash again.
            _ => replace_frame(scene).await,
        }
    })
}

pub(super) async fn undo(scene: &Scene) -> Result<()> {
    let project = cats(&scene.studio).await?.project.id;
    let action = scene.studio.last_action(Some(project)).await?;
    let action = action.ok_or("nothing was done")?;
    let undone = scene.studio.undo(&action).await?;
    if let Some(deletion) = undone.deletion {
        say(&format!("deletion {}", deletion.id));
    }
    say_version(&walk(&scene.studio).await?);
    Ok(())
}
