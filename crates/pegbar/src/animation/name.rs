//! What people know animations by: their names, and their characters'.

use std::collections::HashMap;

use uuid::Uuid;

use crate::db::Session;
use crate::db::sql::statements;
use crate::db::value::Value;
use crate::error::Result;
use crate::id::{AnimationId, CharacterId, ProjectId};

statements! {
    NAMES = "SELECT n.id, n.name, c.id, c.name FROM animation n JOIN character c \
             ON c.project_id = n.project_id AND c.id = n.character_id \
             WHERE n.project_id = $1 AND n.id {in $2}";
}

/// Names of an animation and its character.
pub(crate) struct Named {
    pub(crate) animation: String,
    pub(crate) character_id: CharacterId,
    pub(crate) character: String,
}

impl std::fmt::Display for Named {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.character, self.animation)
    }
}

/// Returns the names of animations.
pub(crate) async fn names(
    session: &mut Session,
    project: ProjectId,
    animations: &[Uuid],
) -> Result<HashMap<AnimationId, Named>> {
    let parameters = [Value::Id(project.0), Value::Ids(animations)];
    let names = session
        .query(&NAMES, &parameters, |row| {
            let named = Named {
                animation: row.at(1, "animation.name")?,
                character_id: row.at(2, "character.id")?,
                character: row.at(3, "character.name")?,
            };
            Ok((row.at::<AnimationId>(0, "animation.id")?, named))
        })
        .await?;
    Ok(names.into_iter().collect())
}
