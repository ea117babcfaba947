//! What an action was, in words, and whether it can be undone.

use std::collections::BTreeMap;
use std::fmt::Display;

use serde_json::{Map, Value};
use uuid::Uuid;

use super::action::{Action, FrameEdit, Made};
use super::{ActionKind, LastAction, Obstacle};
use crate::asset::whereabouts;
use crate::change::{ChangeKind, ChangedEntity, Content, EntityKind, Written};
use crate::db::Session;
use crate::error::{Error, Result};
use crate::id::{AnimationId, AssetId, CharacterId, FrameId, ProjectId};
use crate::trash::{self, DeletionKind};
use crate::{animation, character, frame, project};

/// Reads what a change did.
pub(super) fn read(did: Option<&str>) -> Result<Action, Obstacle> {
    let by_hand = "what it created can be deleted (`pegbar asset delete`, `pegbar animation \
                   delete` …), and what it changed can be changed again";
    let Some(did) = did else {
        return Err(Obstacle {
            message: "it is none that says what undoes it, as imports, generations, repairs and \
                      what older versions did"
                .to_owned(),
            hint: by_hand.to_owned(),
        });
    };
    let action = serde_json::from_str(did).map_err(|_| Obstacle {
        message: "another version of Pegbar did it, in a way that this one does not know"
            .to_owned(),
        hint: "undo it with that version".to_owned(),
    })?;
    match action {
        Action::TooLong | Action::Restore { made: None, .. } => Err(Obstacle {
            message: "it changed more than is kept to be put back".to_owned(),
            hint: by_hand.to_owned(),
        }),
        action => Ok(action),
    }
}

/// Says what a change was.
pub(super) async fn describe(
    session: &mut Session,
    project: ProjectId,
    change: Written,
) -> Result<LastAction> {
    let Written {
        number,
        created_at,
        content,
    } = change;
    let mut words = Words {
        session,
        project,
        content: &content,
    };
    let (kind, what, obstacle) = match read(content.did.as_deref()) {
        Ok(action) => words.of_action(&action).await?,
        Err(obstacle) => (ActionKind::Other, words.of_entities(), Some(obstacle)),
    };
    let name = match project::get(session, project).await {
        Ok(project) => project.name,
        Err(Error::NotFound { .. }) => {
            let deletion = trash::project_deletion(session, project).await?;
            deletion
                .map(|deletion| deletion.project)
                .unwrap_or_default()
        }
        Err(error) => return Err(error),
    };
    let Content {
        entities, has_more, ..
    } = content;
    Ok(LastAction {
        project_id: project,
        project: name,
        number,
        created_at,
        kind,
        what,
        entities,
        has_more,
        obstacle,
    })
}

/// Finds words for one change.
struct Words<'a> {
    session: &'a mut Session,
    project: ProjectId,
    content: &'a Content,
}

impl Words<'_> {
    async fn of_action(
        &mut self,
        action: &Action,
    ) -> Result<(ActionKind, String, Option<Obstacle>)> {
        let (kind, what) = match action {
            Action::Delete { deletion } => {
                let Some(entry) = trash::kept(self.session, *deletion).await? else {
                    let obstacle = Obstacle {
                        message: "what it deleted was purged".to_owned(),
                        hint: "it is in a backup, if anywhere: `pegbar restore` makes another \
                               studio of one"
                            .to_owned(),
                    };
                    return Ok((ActionKind::Delete, self.of_entities(), Some(obstacle)));
                };
                (ActionKind::Delete, deleted(entry.kind, &entry.name))
            }
            Action::Create { made } => (ActionKind::Create, self.of_made(made).await?),
            Action::Restore { kind, name, .. } => {
                let what = format!("the return of {} from the trash", thing(*kind, name));
                (ActionKind::Restore, what)
            }
            Action::Update {
                entity, id, before, ..
            } => {
                let name = self.name(*entity, *id).await?;
                (ActionKind::Update, updated(*entity, &name, before))
            }
            Action::Edit {
                animation, edit, ..
            } => {
                let name = self.name(EntityKind::Animation, animation.0).await?;
                let what = self.of_edit(edit).await?;
                (ActionKind::Edit, format!("{what} in the animation {name}"))
            }
            Action::MoveAcross { deletion, to, .. } => {
                let name = self.name(EntityKind::Animation, to.0).await?;
                let what = format!("the move of a frame to the animation {name}");
                let entry = trash::kept(self.session, *deletion).await?;
                let obstacle = entry.is_none().then(|| Obstacle {
                    message: "the frame as it was before the move was purged".to_owned(),
                    hint: "move the frame back by hand: `pegbar mv`".to_owned(),
                });
                return Ok((ActionKind::Edit, what, obstacle));
            }
            Action::TooLong => (ActionKind::Other, self.of_entities()),
        };
        Ok((kind, what, None))
    }

    async fn of_made(&mut self, made: &Made) -> Result<String> {
        let (entity, id) = match made {
            Made::Project { id, .. } => (EntityKind::Project, id.0),
            Made::Character { id, .. } => (EntityKind::Character, id.0),
            Made::Animation { id, .. } => (EntityKind::Animation, id.0),
            Made::Assets { ids } if ids.len() == 1 => (EntityKind::Asset, ids[0].0),
            Made::Assets { ids } => {
                return Ok(format!("the creation of {} assets", ids.len()));
            }
            Made::Frames { animation, ids, .. } => {
                let name = self.name(EntityKind::Animation, animation.0).await?;
                let count = count(ids.len(), "frame");
                return Ok(format!(
                    "the insertion of {count} into the animation {name}"
                ));
            }
            Made::Bytes { asset } => (EntityKind::Asset, asset.0),
            Made::Annotation { .. } => return Ok("the annotation of an asset".to_owned()),
        };
        let name = self.name(entity, id).await?;
        Ok(format!("the creation of the {entity} {name}"))
    }

    async fn of_edit(&mut self, edit: &FrameEdit) -> Result<String> {
        Ok(match edit {
            FrameEdit::Move { from, to, .. } => format!("the move of frame {from} to {to}"),
            FrameEdit::Show { frame, .. } => {
                format!(
                    "the replacement of the image of frame {}",
                    self.place(*frame).await?
                )
            }
            FrameEdit::Prompt { frame, .. } => {
                format!(
                    "the change of the prompt of frame {}",
                    self.place(*frame).await?
                )
            }
            FrameEdit::Order { .. } => "the new order of the frames".to_owned(),
        })
    }

    /// Returns where a frame stands, or its id where it is not there.
    async fn place(&mut self, id: FrameId) -> Result<String> {
        let frame = or_gone(frame::get(self.session, id).await)?;
        Ok(frame.map_or_else(|| id.to_string(), |frame| frame.frame_index.to_string()))
    }

    /// Returns what people know something by, in quotes; its id where it is not there.
    async fn name(&mut self, entity: EntityKind, id: Uuid) -> Result<String> {
        let (session, project) = (&mut *self.session, self.project);
        let name = match entity {
            EntityKind::Project => {
                or_gone(project::get(session, ProjectId(id)).await)?.map(|found| found.name)
            }
            EntityKind::Character => {
                or_gone(character::get(session, CharacterId(id)).await)?.map(|found| found.name)
            }
            EntityKind::Animation => {
                let mut names = animation::names(session, project, &[id]).await?;
                names.remove(&AnimationId(id)).map(|it| it.to_string())
            }
            EntityKind::Asset => {
                let mut names = whereabouts::of_assets(session, project, &[id]).await?;
                names.remove(&AssetId(id)).map(|it| it.to_string())
            }
            EntityKind::Frame | EntityKind::Generation | EntityKind::Annotation => None,
        };
        Ok(name.map_or_else(|| id.to_string(), |name| format!("{name:?}")))
    }

    /// Says what a change did by what became of things.
    fn of_entities(&self) -> String {
        let counts = |change| counts(&self.content.entities, change);
        let parts = [
            (counts(ChangeKind::Created), "created"),
            (counts(ChangeKind::Updated), "updated"),
            (counts(ChangeKind::Deleted), "deleted"),
        ];
        let parts = parts.into_iter().filter(|(counts, _)| !counts.is_empty());
        let parts: Vec<String> = parts
            .map(|(counts, did)| format!("{did} {counts}"))
            .collect();
        let more = if self.content.has_more {
            ", and more"
        } else {
            ""
        };
        format!("a change that {}{more}", listed(&parts))
    }
}

fn or_gone<T>(found: Result<T>) -> Result<Option<T>> {
    match found {
        Err(Error::NotFound { .. }) => Ok(None),
        found => found.map(Some),
    }
}

fn counts(entities: &[ChangedEntity], change: ChangeKind) -> String {
    let mut counts: BTreeMap<EntityKind, usize> = BTreeMap::new();
    for it in entities.iter().filter(|it| it.change == change) {
        *counts.entry(it.entity).or_default() += 1;
    }
    let counts = counts
        .into_iter()
        .map(|(entity, number)| count(number, entity));
    listed(&counts.collect::<Vec<_>>())
}

fn count(number: usize, thing: impl Display) -> String {
    let ending = if number == 1 { "" } else { "s" };
    format!("{number} {thing}{ending}")
}

/// `a, b and c`.
fn listed(parts: &[String]) -> String {
    match parts {
        [] => String::new(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

fn thing(kind: DeletionKind, name: &str) -> String {
    match kind {
        DeletionKind::Bytes => format!("the bytes of {name:?}"),
        DeletionKind::Annotation => format!("the annotation of {name:?}"),
        kind => format!("the {kind} {name:?}"),
    }
}

fn deleted(kind: DeletionKind, name: &str) -> String {
    let what = match kind {
        DeletionKind::Bytes => "dropping",
        DeletionKind::Frames => "removal",
        _ => "deletion",
    };
    format!("the {what} of {}", thing(kind, name))
}

fn updated(entity: EntityKind, name: &str, before: &Map<String, Value>) -> String {
    let mut fields = before.keys().filter(|field| *field != "segment");
    let old_name = before.get("name").and_then(Value::as_str);
    match (fields.clone().count(), old_name) {
        (0, _) => format!("an update of the {entity} {name} that left everything as it was"),
        (1, Some(old)) => format!("the renaming of the {entity} {old:?} to {name}"),
        _ => {
            let fields: Vec<String> = fields.by_ref().map(|field| word(field)).collect();
            format!(
                "the change of the {} of the {entity} {name}",
                listed(&fields)
            )
        }
    }
}

/// Returns what people call a field.
fn word(field: &str) -> String {
    let word = match field {
        "thumbnailId" => "thumbnail",
        "userPrompt" => "prompt",
        "primaryAssetId" => "primary variation",
        "generationSettings" => "settings for generating",
        "characterId" => "character",
        "frameDurationMs" => "duration of frames",
        "originalName" => "file name",
        field => field,
    };
    word.to_owned()
}
