//! Undoing: what was done last, and putting back what was there before.
//!
//! Each change says in its own row what it did as a whole ([`Action`]). Undoing it is a change,
//! too, which says which one it undid; so that the one before is the next.

mod action;
mod reverse;
mod words;

use serde::Serialize;

use crate::change::{self, ChangedEntity, Written};
use crate::db::Session;
use crate::db::value::word_enum;
use crate::delete::Deletion;
use crate::error::{Error, Result};
use crate::id::ProjectId;
use crate::project;
use crate::studio::Studio;
use crate::time::MillisSinceEpoch;
use crate::trash::{self, RestoredDeletion};

pub(crate) use action::{Action, FrameEdit, Made, Run, Size, present, runs};

word_enum! {
    /// What an action was, as a whole.
    pub enum ActionKind in "text" {
        /// It created something.
        Create = "create",
        /// It brought something back from the trash.
        Restore = "restore",
        /// It changed fields of something.
        Update = "update",
        /// It changed where frames stand, or what they show.
        Edit = "edit",
        /// It moved something into the trash.
        Delete = "delete",
        /// It did what can't be undone as a whole: an import, or a request to a model.
        Other = "other",
    }
}

/// The last action in a project that is not undone: one committed change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LastAction {
    /// The project, which may have gone itself.
    pub project_id: ProjectId,
    /// The project's name.
    pub project: String,
    /// The number of the change, as [`Studio::list_changes`] tells it.
    pub number: u64,
    /// When it was made.
    pub created_at: MillisSinceEpoch,
    /// What it was.
    pub kind: ActionKind,
    /// What it was, in words: `the move of frame 3 to 5 in the animation "Tabby/Walk"`.
    pub what: String,
    /// What it created, updated or deleted: each thing once, at most 100.
    pub entities: Vec<ChangedEntity>,
    /// Whether it changed more than `entities` names.
    pub has_more: bool,
    /// Why it can't be undone; `None` where it can.
    pub obstacle: Option<Obstacle>,
}

/// Why an action can't be undone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Obstacle {
    /// What is in the way.
    pub message: String,
    /// What to do instead.
    pub hint: String,
}

/// What undoing did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Undone {
    /// What was undone.
    pub action: LastAction,
    /// What went into the trash, where something had been created.
    pub deletion: Option<Deletion>,
    /// What came back from the trash, where something had been deleted.
    pub restored: Option<RestoredDeletion>,
}

impl LastAction {
    /// Says what it was, and which change.
    fn named(&self) -> String {
        let Self {
            what,
            created_at,
            number,
            ..
        } = self;
        format!("{what} of {created_at} (change {number})")
    }

    fn refuse(&self) -> Result<()> {
        let Some(Obstacle { message, hint }) = &self.obstacle else {
            return Ok(());
        };
        Err(Error::Conflict {
            message: format!("{} can't be undone: {message}", self.named()),
            hint: hint.clone(),
        })
    }
}

/// Locks a project, or what the trash has of it.
async fn lock(session: &mut Session, project: ProjectId) -> Result<()> {
    match project::lock(session, project).await {
        Err(Error::NotFound { .. }) => {}
        locked => return locked.map(drop),
    }
    match trash::lock_project_deletion(session, project).await {
        // Who had it locked brought the project back.
        Err(Error::NotFound { .. }) => project::lock(session, project).await.map(drop),
        locked => locked,
    }
}

/// Refuses where something else was done last by now.
async fn check_last(
    session: &mut Session,
    seen: &LastAction,
    last: Option<Written>,
) -> Result<Written> {
    let now = match last {
        Some(last) if last.number == seen.number => return Ok(last),
        // Someone else undid it.
        Some(last) if last.number < seen.number => None,
        last => last,
    };
    let message = match now {
        Some(newer) => {
            let newer = words::describe(session, seen.project_id, newer).await?;
            format!(
                "{} is not the last action any more: {} came meanwhile",
                seen.named(),
                newer.named()
            )
        }
        None => format!("{} was undone meanwhile", seen.named()),
    };
    Err(Error::Conflict {
        message,
        hint: "nothing was undone; look at what is last now: `pegbar undo --dry-run`".to_owned(),
    })
}

impl Studio {
    /// Returns the last action in a project that is not undone, whoever did it, and says whether
    /// it can be undone; with `None` the last in any project, those in the trash included.
    /// Nothing where all that is kept of a project's changes is undone.
    ///
    /// What other programs write into the database is no action of Pegbar's. Assets that several
    /// callers created at the same time may be one action ([`Studio::create_assets`]).
    ///
    /// # Errors
    /// [`Error::Database`].
    pub async fn last_action(&self, project: Option<ProjectId>) -> Result<Option<LastAction>> {
        let mut session = self.database().snapshot().await?;
        let mut last: Option<(ProjectId, Written)> = None;
        let projects = match project {
            Some(project) => vec![(project, MillisSinceEpoch(i64::MAX))],
            None => change::newest(&mut session).await?,
        };
        for (project, changed_at) in projects {
            // What is last in this one is not newer than its last change.
            if last
                .as_ref()
                .is_some_and(|(_, last)| last.created_at >= changed_at)
            {
                break;
            }
            if let Some(found) = change::last_action(&mut session, project).await? {
                let is_newer = |(_, last): &(_, Written)| found.created_at > last.created_at;
                if last.as_ref().is_none_or(is_newer) {
                    last = Some((project, found));
                }
            }
        }
        let described = match last {
            Some((project, last)) => Some(words::describe(&mut session, project, last).await?),
            None => None,
        };
        session.end().await?;
        Ok(described)
    }

    /// Undoes the last action of a project, in one transaction: what was created goes to the
    /// trash, what was deleted comes back, and what was changed is again what it was. That is a
    /// change of its own; the next to be undone is the action before.
    ///
    /// # Errors
    /// [`Error::Conflict`] where it can't be undone, where it is not the last action any more,
    /// and where what it changed was changed by another program since; [`Error::InUse`] lists who
    /// uses what would go. Nothing is changed then.
    pub async fn undo(&self, action: &LastAction) -> Result<Undone> {
        action.refuse()?;
        let mut session = self.database().write().await?;
        lock(&mut session, action.project_id).await?;
        let last = change::last_action(&mut session, action.project_id).await?;
        let last = check_last(&mut session, action, last).await?;
        let number = last.number;
        let now = words::describe(&mut session, action.project_id, last.clone()).await?;
        now.refuse()?;
        let did = words::read(last.content.did.as_deref());
        let did = did.map_err(|obstacle| Error::Conflict {
            message: obstacle.message,
            hint: obstacle.hint,
        })?;
        let reversed = reverse::reverse(self, session, action.project_id, did).await?;
        let (session, mut stale) = (reversed.session, reversed.stale);
        stale.undid(number);
        self.commit(session, stale).await?;
        Ok(Undone {
            action: now,
            deletion: reversed.deletion,
            restored: reversed.restored,
        })
    }
}
