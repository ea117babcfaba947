//! Moving a studio to the other engine.

use pegbar::{DatabaseAddress, Engine};

use super::Scene;
use crate::Result;
use crate::victim::say;

pub(super) async fn move_to_file(scene: &Scene) -> Result<()> {
    move_to(scene, Engine::Sqlite, &DatabaseAddress::Sqlite).await
}

pub(super) async fn move_to_server(scene: &Scene) -> Result<()> {
    move_to(scene, Engine::Postgres, &scene.on_server).await
}

/// Moves, unless it has moved.
async fn move_to(scene: &Scene, engine: Engine, to: &DatabaseAddress) -> Result<()> {
    if scene.studio.engine() != engine {
        scene.studio.migrate_to(to, |_, _| ()).await?;
    }
    say("moved");
    Ok(())
}
