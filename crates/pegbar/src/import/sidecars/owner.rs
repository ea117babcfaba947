//! The characters and animations that assets belong to.

use super::Owner;
use super::known::{self, Found};
use super::run::Import;
use super::staged::Staged;
use crate::animation::NewAnimation;
use crate::character::NewCharacter;
use crate::create::Plan;
use crate::db::Session;
use crate::error::Result;
use crate::id::CharacterId;
use crate::import::CreatedRows;

impl Import<'_> {
    /// Finds the characters and animations of some assets, or plans to create them.
    pub(super) async fn owners(
        &mut self,
        session: &mut Session,
        plan: &mut Plan<'_>,
        staged: &[Staged],
        created: &mut CreatedRows,
    ) -> Result<()> {
        for Staged { place, .. } in staged {
            let entry = &self.plan.entries[*place];
            if let Owner::Character(character) = entry.owner {
                self.character(session, plan, character, created).await?;
            }
            let own = match entry.owner {
                Owner::Animation(animation) => Some(animation),
                _ => None,
            };
            for animation in own
                .into_iter()
                .chain(entry.frames.iter().map(|frame| frame.0))
            {
                self.animation(session, plan, animation, created).await?;
            }
        }
        Ok(())
    }

    async fn character(
        &mut self,
        session: &mut Session,
        plan: &mut Plan<'_>,
        place: usize,
        created: &mut CreatedRows,
    ) -> Result<CharacterId> {
        if let Some(id) = self.characters.get(&place) {
            return Ok(*id);
        }
        let said = &self.plan.characters[place];
        let found = known::character(session, self.project, said.id, &said.name).await?;
        let id = match found {
            Found::Same(id) | Found::ByName(id) => id,
            Found::None | Found::Taken => {
                let is_taken = found == Found::Taken;
                created.characters += 1;
                plan.character(
                    self.project,
                    NewCharacter {
                        id: (!is_taken).then_some(said.id),
                        source_id: is_taken.then(|| said.id.to_string()),
                        name: said.name.clone(),
                        description: said.description.clone(),
                        tags: said.tags.clone(),
                        user_prompt: said.user_prompt.clone(),
                        generation_settings: Some(said.generation_settings.clone()),
                        created_at: Some(said.created_at),
                        ..NewCharacter::default()
                    },
                )?
            }
        };
        if !matches!(found, Found::ByName(_)) {
            self.own_characters.insert(place);
        }
        self.characters.insert(place, id);
        Ok(id)
    }

    async fn animation(
        &mut self,
        session: &mut Session,
        plan: &mut Plan<'_>,
        place: usize,
        created: &mut CreatedRows,
    ) -> Result<()> {
        if self.animations.contains_key(&place) {
            return Ok(());
        }
        let planned = &self.plan.animations[place];
        let said = &planned.said;
        let character = self
            .character(session, plan, planned.character, created)
            .await?;
        let found = known::animation(session, self.project, character, said.id, &said.name);
        let found = found.await?;
        let id = match found {
            Found::Same(id) | Found::ByName(id) => id,
            Found::None | Found::Taken => {
                let is_taken = found == Found::Taken;
                created.animations += 1;
                plan.animation(
                    character,
                    NewAnimation {
                        id: (!is_taken).then_some(said.id),
                        source_id: is_taken.then(|| said.id.to_string()),
                        name: said.name.clone(),
                        description: said.description.clone(),
                        user_prompt: said.user_prompt.clone(),
                        frame_duration_ms: said.frame_duration_ms,
                        created_at: Some(said.created_at),
                        ..NewAnimation::default()
                    },
                )?
            }
        };
        self.animations.insert(place, id);
        Ok(())
    }
}
