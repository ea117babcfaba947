//! One client that follows a project.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::Stream;
use futures_util::stream;
use http::StatusCode;
use pegbar::{ProjectChanges, ProjectId};
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{OwnedSemaphorePermit, broadcast};
use tokio::time::Interval;

use super::feed::{Feeds, Told};
use super::has_missed;
use crate::app::App;
use crate::guard::Identity;
use crate::metrics::Counted;
use crate::problem::Problem;

/// How many changes are read at once for one who is behind.
const AT_ONCE: u32 = 100;

/// What keeps a connection alive that has no news.
const STILL_HERE: &[u8] = b": still here\n\n";

/// A client, and how far it is.
pub(super) struct Follower {
    app: App,
    project: ProjectId,
    identity: Identity,
    news: broadcast::Receiver<Arc<Told>>,
    /// The number of the last change that was sent.
    last: u64,
    /// There may be changes that it was not told.
    is_behind: bool,
    is_over: bool,
    greeting: Option<Bytes>,
    heartbeat: Interval,
    _place: OwnedSemaphorePermit,
    _counted: Counted,
}

impl Follower {
    /// Begins after the change that the client names, else with what comes next.
    pub(super) fn new(
        app: App,
        project: ProjectId,
        identity: Identity,
        wanted: Option<u64>,
        known: &ProjectChanges,
    ) -> Result<Self, Problem> {
        let place = app.feeds().place().ok_or_else(|| {
            let detail = "as many clients follow projects as this server lets";
            let status = StatusCode::SERVICE_UNAVAILABLE;
            Problem::new(status, "too_many_subscribers", detail)
                .hint("try again later, or follow with fewer")
                .retry_after(5)
        })?;
        let news = Feeds::listen(&app, project, known.last);
        let last = wanted.unwrap_or(known.last);
        // An id without data sets where a browser goes on, before anything has happened.
        let greeting = format!(": connected\nretry: 1000\nid: {last}\n\n");
        let mut heartbeat = tokio::time::interval(app.limits().heartbeat);
        heartbeat.reset();
        let counted = Counted::new(app.shared_metrics(), |metrics| &metrics.subscribers);
        Ok(Self {
            app,
            project,
            identity,
            news,
            last,
            is_behind: true,
            is_over: false,
            greeting: Some(greeting.into()),
            heartbeat,
            _place: place,
            _counted: counted,
        })
    }

    /// Returns what is sent: nothing is made before the client has taken what came before.
    pub(super) fn stream(self) -> impl Stream<Item = Result<Bytes, std::convert::Infallible>> {
        stream::unfold(self, |mut follower| async move {
            let bytes = follower.next().await?;
            Some((Ok(bytes), follower))
        })
    }

    async fn next(&mut self) -> Option<Bytes> {
        if let Some(greeting) = self.greeting.take() {
            return Some(greeting);
        }
        loop {
            if self.is_over || self.app.stopping().is_cancelled() {
                return None;
            }
            if self.is_behind {
                if let Some(text) = self.catch_up().await? {
                    return Some(text);
                }
                self.is_behind = false;
            }
            tokio::select! {
                () = self.app.stopping().cancelled() => return None,
                _ = self.heartbeat.tick() => {
                    return self.may_go_on().await.then(|| Bytes::from_static(STILL_HERE));
                }
                told = self.news.recv() => match told {
                    Ok(told) if told.number <= self.last => {}
                    Ok(told) if told.number == self.last + 1 => {
                        self.last = told.number;
                        self.is_over = told.is_end;
                        return Some(told.text.clone());
                    }
                    Ok(_) | Err(RecvError::Lagged(_)) => self.is_behind = true,
                    // The project is gone, or the server ends.
                    Err(RecvError::Closed) => {
                        self.is_over = true;
                        if let Some(text) = self.catch_up().await? {
                            return Some(text);
                        }
                    }
                },
            }
        }
    }

    /// Reads what comes after the last change that was sent; `None` inside where there is
    /// nothing, and outside where it can't be read: then the client comes back.
    async fn catch_up(&mut self) -> Option<Option<Bytes>> {
        let (project, last) = (self.project, self.last);
        let found = self.app.studio().list_changes(project, last, AT_ONCE).await;
        let found = found
            .inspect_err(|error| tracing::warn!(%error, %project, "changes can't be read"))
            .ok()?;
        if has_missed(last, &found) {
            self.last = found.last;
            let number = found.last;
            let text = format!("id: {number}\nevent: reset\ndata: {{\"number\":{number}}}\n\n");
            return Some(Some(text.into()));
        }
        let mut text = Vec::new();
        for change in &found.changes {
            let told = Told::new(change);
            text.extend_from_slice(&told.text);
            self.last = told.number;
            self.is_over = told.is_end;
        }
        Some((!text.is_empty()).then(|| text.into()))
    }

    /// Says whether the client may still read: its token may have been revoked.
    async fn may_go_on(&self) -> bool {
        let Some(token) = self.identity.token() else {
            return true;
        };
        match self.app.studio().list_tokens().await {
            Ok(tokens) => tokens
                .iter()
                .any(|known| known.id == token && known.revoked_at.is_none()),
            Err(_) => false,
        }
    }
}
