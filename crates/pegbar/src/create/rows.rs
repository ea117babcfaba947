//! Writing what one call adds: one batch per table.

use std::collections::HashSet;
use std::mem::take;

use uuid::Uuid;

use super::Plan;
use crate::claim::Claim;
use crate::db::Session;
use crate::error::Result;
use crate::id::{AssetId, ProjectId};
use crate::reference::ReferenceRow;
use crate::tag::{self, AssetTag, CharacterTag, ProjectTag};

impl Plan<'_> {
    /// Inserts one batch per table, and returns the assets from elsewhere that new frames show.
    pub(super) async fn insert(
        &mut self,
        session: &mut Session,
        project_id: ProjectId,
    ) -> Result<Vec<Uuid>> {
        if let Some(project) = &self.project {
            session.insert(std::slice::from_ref(project)).await?;
            let tags: Vec<_> = tag::numbered(&project.tags)
                .map(|(position, tag)| ProjectTag {
                    project_id,
                    tag,
                    position,
                })
                .collect();
            session.insert(&tags).await?;
        }
        session.insert(&self.characters).await?;
        let tags = self.characters.iter().flat_map(|row| {
            tag::numbered(&row.tags).map(|(position, tag)| CharacterTag {
                project_id,
                tag,
                character_id: row.id,
                position,
            })
        });
        session.insert(&tags.collect::<Vec<_>>()).await?;
        session.insert(&self.animations).await?;
        session.insert(self.generation.as_slice()).await?;
        session.insert(&self.assets).await?;
        let tags = self.assets.iter().flat_map(|row| {
            tag::numbered(&row.tags).map(|(position, tag)| AssetTag {
                project_id,
                tag,
                asset_id: row.id,
                position,
            })
        });
        session.insert(&tags.collect::<Vec<_>>()).await?;
        let references = self.assets.iter().flat_map(|row| {
            (0..)
                .zip(row.references.iter())
                .map(|(position, reference)| ReferenceRow {
                    project_id,
                    asset_id: row.id,
                    position,
                    referenced_asset_id: reference.asset_id,
                    role: reference.role,
                    sha256: reference.sha256,
                })
        });
        session.insert(&references.collect::<Vec<_>>()).await?;
        let claims = self.assets.iter().zip(&mut self.origins);
        let claims = claims.flat_map(|(row, origin)| {
            let claims = (0..).zip(take(&mut origin.claims));
            claims.map(|(position, claim)| claim.into_row(project_id, row.id, position))
        });
        session.insert(&claims.collect::<Vec<Claim>>()).await?;
        session.insert(&self.frames).await?;
        let own: HashSet<AssetId> = self.assets.iter().map(|row| row.id).collect();
        let shown = self.frames.iter().map(|frame| frame.asset_id);
        Ok(shown
            .filter(|id| !own.contains(id))
            .map(|id| id.0)
            .collect())
    }
}
