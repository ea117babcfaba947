//! Doing the reverse of an action, within a transaction that has locked the project: by the same
//! ways as everybody, so that view, trash and paths follow.

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use uuid::Uuid;

use super::action::{Action, Made, Size, fields, fingerprint};
use crate::change::EntityKind;
use crate::db::Session;
use crate::delete::{self, Deletion, DeletionTarget};
use crate::error::{Error, Result};
use crate::fingerprint::AsSeen;
use crate::id::{AnimationId, AssetId, CharacterId, ProjectId};
use crate::studio::Studio;
use crate::trash::{self, FormerDeletion, RestoredDeletion};
use crate::view::Stale;
use crate::{animation, asset, character, frame, project};

/// What was done, and is not committed yet.
pub(super) struct Reversed {
    pub(super) session: Session,
    pub(super) stale: Stale,
    pub(super) deletion: Option<Deletion>,
    pub(super) restored: Option<RestoredDeletion>,
}

impl Reversed {
    fn new(session: Session, stale: Stale) -> Self {
        Self {
            session,
            stale,
            deletion: None,
            restored: None,
        }
    }
}

/// Does the reverse of an action.
pub(super) async fn reverse(
    studio: &Studio,
    mut session: Session,
    project: ProjectId,
    action: Action,
) -> Result<Reversed> {
    match action {
        Action::Delete { deletion } => {
            let back = trash::bring_back(studio, session, deletion, None).await?;
            let (session, stale, restored) = back;
            Ok(Reversed {
                restored: Some(restored),
                ..Reversed::new(session, stale)
            })
        }
        Action::Create { made } => unmake(studio, session, project, made, None).await,
        Action::Restore {
            made: Some(made),
            former,
            ..
        } => unmake(studio, session, project, made, Some(former)).await,
        Action::Update {
            entity,
            id,
            before,
            after,
        } => {
            let stale = update(studio, &mut session, (entity, id), before, &after).await?;
            Ok(Reversed::new(session, stale))
        }
        Action::Edit {
            animation,
            edit,
            takes,
        } => {
            let mut stale = Stale::new(project);
            frame::put_back(&mut session, studio, animation, edit, &mut stale).await?;
            let mut deletion = None;
            if !takes.is_empty() {
                let owner = project::lock(&mut session, project).await?;
                let deleted = delete::delete_assets_in(studio, &mut session, owner, &takes, None);
                let (gone, others) = deleted.await?;
                stale.join(others);
                deletion = Some(gone);
            }
            Ok(Reversed {
                deletion,
                ..Reversed::new(session, stale)
            })
        }
        Action::MoveAcross {
            deletion,
            to,
            frame,
            shown,
        } => {
            let mut stale = Stale::new(project);
            frame::take_away(&mut session, studio, to, (frame, &shown), &mut stale).await?;
            let back = trash::bring_back(studio, session, deletion, Some(stale)).await?;
            let (session, stale, restored) = back;
            Ok(Reversed {
                restored: Some(restored),
                ..Reversed::new(session, stale)
            })
        }
        Action::Restore { made: None, .. } | Action::TooLong => Err(Error::Conflict {
            message: "the change does not say what undoes it".to_owned(),
            hint: "nothing was undone".to_owned(),
        }),
    }
}

/// Moves what was made into the trash: just that. `former` is the deletion that it came back
/// from, and goes into again.
async fn unmake(
    studio: &Studio,
    mut session: Session,
    project: ProjectId,
    made: Made,
    former: Option<FormerDeletion>,
) -> Result<Reversed> {
    let former_id = former.as_ref().map(|former| former.id);
    let owner = project::lock(&mut session, project).await?;
    let (target, size) = match made {
        Made::Project { id, size } => (DeletionTarget::Project(id), size),
        Made::Character { id, size } => (DeletionTarget::Character(id), Some(size)),
        Made::Animation { id, size } => (DeletionTarget::Animation(id), Some(size)),
        Made::Assets { ids } => {
            let deleted =
                delete::delete_assets_in(studio, &mut session, owner, &ids, former).await?;
            return Ok(deleted_in(session, deleted));
        }
        Made::Frames {
            animation,
            ids,
            takes,
        } => {
            let mut stale = Stale::new(project);
            let frames = (&ids[..], &takes[..]);
            let taken = frame::take_back(
                &mut session,
                studio,
                animation,
                frames,
                former_id,
                &mut stale,
            );
            let deletion = taken.await?.map(|id| Deletion {
                frames: ids.len() as u64,
                assets: takes.len() as u64,
                ..Deletion::empty(id)
            });
            if !takes.is_empty() {
                delete::remove_discarded(&mut session, owner, &takes, &mut stale).await?;
            }
            return Ok(Reversed {
                deletion,
                ..Reversed::new(session, stale)
            });
        }
        Made::Bytes { asset } => {
            let dropped = studio.drop_bytes_in(&mut session, AsSeen::from(asset), former_id);
            let (dropped, stale) = dropped.await?;
            return Ok(deleted_in(session, (Deletion::empty(dropped.id), stale)));
        }
        Made::Annotation { id } => {
            let deleted = studio.delete_annotation_in(&mut session, AsSeen::from(id), former_id);
            let (_, deletion, stale) = deleted.await?;
            return Ok(deleted_in(session, (Deletion::empty(deletion), stale)));
        }
    };
    let deleted = delete::delete_in(studio, &mut session, owner, target, former).await?;
    let found = Size::of(&deleted.0);
    if size.is_some_and(|size| size != found) {
        return Err(Error::Conflict {
            message: "something else is in it by now, which a program put there that does not \
                      say what it changes"
                .to_owned(),
            hint: "nothing was undone; delete it by hand if all of it shall go".to_owned(),
        });
    }
    Ok(deleted_in(session, deleted))
}

fn deleted_in(session: Session, (deletion, stale): (Deletion, Stale)) -> Reversed {
    Reversed {
        deletion: Some(deletion),
        ..Reversed::new(session, stale)
    }
}

impl Size {
    fn of(deletion: &Deletion) -> Self {
        Self {
            characters: deletion.characters,
            animations: deletion.animations,
            frames: deletion.frames,
            assets: deletion.assets,
        }
    }
}

/// Gives fields of something the values that they had, where they still are what the action
/// left.
async fn update(
    studio: &Studio,
    session: &mut Session,
    (entity, id): (EntityKind, Uuid),
    before: Map<String, Value>,
    after: &str,
) -> Result<Stale> {
    // Where it is not among what changed, it is to stay.
    let segment = before.get("segment").and_then(Value::as_str);
    let stale = match entity {
        EntityKind::Project => {
            let id = ProjectId(id);
            let found = project::get(session, id).await?;
            check(entity, &found, &before, after)?;
            let patch = patch(&before)?;
            studio.update_project_in(session, id, patch).await?.1
        }
        EntityKind::Character => {
            let id = CharacterId(id);
            let found = character::get(session, id).await?;
            check(entity, &found, &before, after)?;
            let patch = patch(&before)?;
            let segment = segment.or(found.segment.as_deref());
            let updated = studio.update_character_in(session, id, patch, segment);
            updated.await?.1
        }
        EntityKind::Animation => {
            let id = AnimationId(id);
            let found = animation::get(session, id).await?;
            check(entity, &found, &before, after)?;
            let patch = patch(&before)?;
            let segment = segment.or(found.segment.as_deref());
            let updated = studio.update_animation_in(session, id, patch, segment);
            updated.await?.1
        }
        EntityKind::Asset => {
            let id = AssetId(id);
            let found = asset::get(session, id).await?;
            check(entity, &asset::Changeable::of(&found), &before, after)?;
            let patch = patch(&before)?;
            studio.update_asset_in(session, id, patch).await?.1
        }
        EntityKind::Frame | EntityKind::Generation | EntityKind::Annotation => {
            return Err(Error::invalid("entity", format!("no {entity} is updated")));
        }
    };
    Ok(stale)
}

/// Reads the fields as they were into what changes them.
fn patch<T: DeserializeOwned>(before: &Map<String, Value>) -> Result<T> {
    // Through text: settings are read from nothing else.
    let read = serde_json::to_string(before).and_then(|text| serde_json::from_str(&text));
    read.map_err(|error| Error::Damaged {
        place: "change.content, the fields as they were".to_owned(),
        reason: error.to_string(),
        source: Some(Box::new(error)),
    })
}

/// Refuses where fields are not any more what the action made of them.
fn check<T: Serialize>(
    entity: EntityKind,
    found: &T,
    before: &Map<String, Value>,
    after: &str,
) -> Result<()> {
    let mut found = fields(found)?;
    found.retain(|name, _| before.contains_key(name));
    if fingerprint(&found)? == after {
        return Ok(());
    }
    Err(Error::Conflict {
        message: format!(
            "the {entity} has been changed since, by a program that does not say what it changes"
        ),
        hint: format!("nothing was undone; look at the {entity} and change it by hand"),
    })
}
