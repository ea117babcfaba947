//! Who asks the database for all that follow a project.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use pegbar::{ChangeKind, EntityKind, MAX_PAGE_SIZE, ProjectChange, ProjectId};
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore, broadcast};
use tokio::time::Instant;

use crate::app::App;
use crate::metrics::Counted;

/// How often the database is asked what other processes did.
const POLLED_EVERY: Duration = Duration::from_millis(250);

/// How soon it is asked again, however much happens here.
const POLLED_AT_MOST: Duration = Duration::from_millis(5);

/// How many changes may be told before a follower takes the first.
const AHEAD: usize = 512;

/// A change as it is sent.
#[derive(Debug)]
pub(super) struct Told {
    pub(super) number: u64,
    pub(super) text: Bytes,
    /// The project is gone: nothing comes after it.
    pub(super) is_end: bool,
}

impl Told {
    pub(super) fn new(change: &ProjectChange) -> Self {
        let number = change.number;
        // What is written has no line break, and can always be written.
        let json = serde_json::to_string(change).unwrap_or_default();
        let is_end = change.entities.iter().any(|entity| {
            entity.entity == EntityKind::Project && entity.change == ChangeKind::Deleted
        });
        Self {
            number,
            text: format!("id: {number}\nevent: change\ndata: {json}\n\n").into(),
            is_end,
        }
    }
}

/// The projects that are followed.
#[derive(Debug)]
pub(crate) struct Feeds {
    live: Mutex<HashMap<ProjectId, broadcast::Sender<Arc<Told>>>>,
    places: Arc<Semaphore>,
    changed: Notify,
}

impl Feeds {
    /// Makes room for so many followers.
    pub(crate) fn new(places: usize) -> Self {
        Self {
            live: Mutex::default(),
            places: Arc::new(Semaphore::new(places)),
            changed: Notify::new(),
        }
    }

    /// Says that something was changed in this process: nobody waits to be told.
    pub(crate) fn wake(&self) {
        self.changed.notify_waiters();
    }

    /// Takes the place of a follower; `None` where there is none left.
    pub(super) fn place(&self) -> Option<OwnedSemaphorePermit> {
        self.places.clone().try_acquire_owned().ok()
    }

    /// Begins to listen: to whatever follows the change `seen` where nobody else follows the
    /// project, else to whatever follows from now on.
    pub(super) fn listen(
        app: &App,
        project: ProjectId,
        seen: u64,
    ) -> broadcast::Receiver<Arc<Told>> {
        match app.feeds().lock().entry(project) {
            Entry::Occupied(feed) => feed.get().subscribe(),
            Entry::Vacant(place) => {
                let (sender, receiver) = broadcast::channel(AHEAD);
                place.insert(sender.clone());
                tokio::spawn(tell(app.clone(), project, sender, seen));
                receiver
            }
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<ProjectId, broadcast::Sender<Arc<Told>>>> {
        self.live.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends a feed that nobody listens to.
    fn end_if_alone(&self, project: ProjectId, sender: &broadcast::Sender<Arc<Told>>) -> bool {
        let mut feeds = self.lock();
        let is_alone = sender.receiver_count() == 0;
        if is_alone {
            feeds.remove(&project);
        }
        is_alone
    }
}

/// Tells those who listen of each change, until nobody does.
async fn tell(app: App, project: ProjectId, sender: broadcast::Sender<Arc<Told>>, mut last: u64) {
    let _counted = Counted::new(app.shared_metrics(), |metrics| &metrics.followed);
    let feeds = app.feeds();
    loop {
        let asked_at = Instant::now();
        let mut woken = std::pin::pin!(feeds.changed.notified());
        // What is changed while the database is asked wakes, too.
        woken.as_mut().enable();
        let is_more = match app
            .studio()
            .list_changes(project, last, MAX_PAGE_SIZE)
            .await
        {
            Ok(found) => {
                for change in &found.changes {
                    let told = Told::new(change);
                    last = told.number;
                    let is_end = told.is_end;
                    // Nobody may be there to hear it.
                    let _ = sender.send(Arc::new(told));
                    if is_end {
                        feeds.lock().remove(&project);
                        return;
                    }
                }
                found.last > last && !found.changes.is_empty()
            }
            Err(error) => {
                tracing::warn!(%error, %project, "changes can't be read");
                false
            }
        };
        if feeds.end_if_alone(project, &sender) {
            return;
        }
        if is_more {
            continue;
        }
        tokio::select! {
            () = app.stopping().cancelled() => {
                feeds.lock().remove(&project);
                return;
            }
            () = tokio::time::sleep(POLLED_EVERY) => {}
            () = woken => tokio::time::sleep_until(asked_at + POLLED_AT_MOST).await,
        }
    }
}
