//! What a change makes stale: parts of the view, and what those who follow the project know.

use std::collections::BTreeSet;

use uuid::Uuid;

use super::{Outbox, Scope};
use crate::change::{ChangeKind, Content, EntityKind};
use crate::db::Session;
use crate::error::Result;
use crate::id::ProjectId;
use crate::studio::Studio;
use crate::undo::Action;

/// What a change makes stale: parts of one project's view, and what those who follow the
/// project know of its things.
#[derive(Debug)]
pub(crate) struct Stale {
    project: ProjectId,
    scopes: BTreeSet<Scope>,
    content: Content,
}

impl Stale {
    pub(crate) fn new(project: ProjectId) -> Self {
        Self {
            project,
            scopes: BTreeSet::new(),
            content: Content::default(),
        }
    }

    /// Begins with one thing that changes.
    pub(crate) fn of(
        project: ProjectId,
        entity: EntityKind,
        change: ChangeKind,
        id: impl Into<Uuid>,
    ) -> Self {
        let mut stale = Self::new(project);
        stale.tell(entity, change, [id]);
        stale
    }

    pub(crate) fn add(&mut self, scope: Scope) {
        self.scopes.insert(scope);
    }

    pub(crate) fn add_all(&mut self, scopes: impl IntoIterator<Item = Scope>) {
        self.scopes.extend(scopes);
    }

    /// Tells those who follow the project what becomes of things.
    pub(crate) fn tell(
        &mut self,
        entity: EntityKind,
        change: ChangeKind,
        ids: impl IntoIterator<Item = impl Into<Uuid>>,
    ) {
        for id in ids {
            self.content.add(entity, change, id.into());
        }
    }

    /// Adds what another part of the same change makes stale.
    pub(crate) fn join(&mut self, other: Self) {
        self.scopes.extend(other.scopes);
        for it in &other.content.entities {
            self.content.add(it.entity, it.change, it.id);
        }
        self.content.has_more |= other.content.has_more;
    }

    /// Says what is done as a whole, so that it can be undone; what was said before gives way.
    pub(crate) fn did(&mut self, action: &Action) {
        self.content.did = action.to_text();
    }

    /// Says that an earlier change of the project is undone by this one.
    pub(crate) fn undid(&mut self, number: u64) {
        self.content.did = None;
        self.content.undid = Some(number);
    }

    /// Writes down what is stale, within the transaction that makes it so.
    pub(crate) async fn write(self, session: &mut Session, studio: &Studio) -> Result<()> {
        let created_at = studio.now();
        self.content
            .write(session, self.project, created_at)
            .await?;
        let outbox = self.scopes.into_iter().map(|scope| Outbox {
            id: studio.new_id(),
            project_id: self.project,
            animation_id: match scope {
                Scope::Animation(id) => Some(id),
                _ => None,
            },
            asset_id: match scope {
                Scope::Home(id) => Some(id),
                _ => None,
            },
            created_at,
        });
        session.insert(&outbox.collect::<Vec<_>>()).await
    }
}
