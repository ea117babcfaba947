//! Who still uses what is to go, and how a refusal says it.

use uuid::Uuid;

use crate::animation;
use crate::asset::whereabouts;
use crate::character::Character;
use crate::db::Session;
use crate::error::{Error, Result, User};
use crate::frame::Frame;
use crate::id::AssetId;
use crate::project::Project;

/// How many users a refusal lists.
const MAX_LISTED_USERS: usize = 100;

/// One use of what is to go.
#[derive(Clone)]
pub(super) enum Use {
    /// A frame shows it.
    Shows(Frame),
    /// An asset was made from it.
    MadeFrom(AssetId),
    /// It is the primary variation of a character.
    Primary(Character),
    /// It is its project's thumbnail.
    Thumbnail,
}

/// The uses of what is to go: those that a refusal lists, and how many there are.
#[derive(Clone, Default)]
pub(super) struct Uses {
    listed: Vec<Use>,
    count: usize,
}

impl Uses {
    pub(super) fn add(&mut self, used: Use) {
        self.count += 1;
        if self.listed.len() < MAX_LISTED_USERS {
            self.listed.push(used);
        }
    }

    /// Returns the ids of those that are listed.
    pub(super) fn ids(&self) -> Vec<Uuid> {
        let ids = self.listed.iter().map(|used| match used {
            Use::Shows(frame) => frame.id.0,
            Use::MadeFrom(asset) => asset.0,
            Use::Primary(character) => character.id.0,
            Use::Thumbnail => Uuid::nil(),
        });
        ids.collect()
    }

    /// Refuses, where there are any, with what people know the users by.
    pub(super) async fn refuse(
        self,
        session: &mut Session,
        project: &Project,
        entity: &'static str,
        id: Uuid,
    ) -> Result<()> {
        if self.count == 0 {
            return Ok(());
        }
        let (users, more) = self.into_named(session, project).await?;
        Err(Error::InUse {
            entity,
            id: id.to_string(),
            more,
            users,
        })
    }

    /// Returns what people know the users by, and how many more there are.
    pub(super) async fn into_named(
        self,
        session: &mut Session,
        project: &Project,
    ) -> Result<(Vec<User>, u64)> {
        let (mut animations, mut assets) = (Vec::new(), Vec::new());
        for used in &self.listed {
            match used {
                Use::Shows(frame) => animations.push(frame.animation_id.0),
                Use::MadeFrom(asset) => assets.push(asset.0),
                Use::Primary(_) | Use::Thumbnail => {}
            }
        }
        let animations = animation::names(session, project.id, &animations).await?;
        let assets = whereabouts::of_assets(session, project.id, &assets).await?;
        let users = self.listed.into_iter().map(|used| match used {
            Use::Shows(frame) => {
                let animation = animations.get(&frame.animation_id);
                let name = animation.map(|it| format!("{it}/{}", frame.frame_index));
                user("frame", frame.id, name, "shows it")
            }
            Use::MadeFrom(asset) => {
                let name = assets.get(&asset).map(ToString::to_string);
                user("asset", asset, name, "was made from it")
            }
            Use::Primary(character) => {
                let how = "has it as its primary variation";
                user("character", character.id, Some(character.name), how)
            }
            Use::Thumbnail => {
                let name = Some(project.name.clone());
                user("project", project.id, name, "has it as its thumbnail")
            }
        });
        let users: Vec<User> = users.collect();
        let more = (self.count - users.len()) as u64;
        Ok((users, more))
    }
}

fn user(
    entity: &'static str,
    id: impl std::fmt::Display,
    name: Option<String>,
    how: &'static str,
) -> User {
    User {
        entity,
        id: id.to_string(),
        name: name.unwrap_or_default(),
        how,
    }
}
