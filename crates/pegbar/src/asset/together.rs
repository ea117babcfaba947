//! Callers that add assets at the same time share what is slow: flushing files, and the commit.
//!
//! Whoever comes first writes its own at once. Those who come meanwhile wait, and are then written
//! together: their files flushed side by side, their rows in one transaction. Nobody is told that
//! something is kept before it is durable, and what one can't add does not keep others from it.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

use super::new::name_of_file;
use super::{Asset, ImageSource, NewAsset};
use crate::create::Plan;
use crate::db::blocking;
use crate::error::{Error, Result};
use crate::id::ProjectId;
use crate::studio::Studio;

/// How many assets are written together at most.
const MOST: usize = 256;

/// How long those who were written together are waited for, whether they come again.
const LONGEST_WAIT: Duration = Duration::from_millis(1);

/// Those who wait, by project; a project is named while someone writes there.
#[derive(Default)]
pub(crate) struct Together {
    waiting: Mutex<HashMap<ProjectId, Vec<Waiting>>>,
}

/// A caller that waits.
struct Waiting {
    new: Vec<NewAsset>,
    answer: oneshot::Sender<Result<Vec<Asset>>>,
}

impl Together {
    fn lock(&self) -> MutexGuard<'_, HashMap<ProjectId, Vec<Waiting>>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many wait.
    fn count(&self, project: ProjectId) -> usize {
        self.lock().get(&project).map_or(0, Vec::len)
    }

    /// Returns those who are next, in the order in which they came. Where nobody waits, nobody
    /// writes any more.
    fn next(&self, project: ProjectId) -> Vec<Waiting> {
        let mut all = self.lock();
        let Some(waiting) = all.get_mut(&project) else {
            return Vec::new();
        };
        if waiting.is_empty() {
            all.remove(&project);
            return Vec::new();
        }
        let mut assets = 0;
        let fits = |one: &&Waiting| {
            assets += one.new.len();
            assets <= MOST
        };
        let count = waiting.iter().take_while(fits).count().max(1);
        waiting.drain(..count).collect()
    }
}

/// The right to write in a project before those who wait. When it ends, however it ends, they
/// are written.
struct Turn {
    studio: Studio,
    project: ProjectId,
    is_over: bool,
}

impl Turn {
    fn new(studio: &Studio, project: ProjectId) -> Self {
        Self {
            studio: studio.clone(),
            project,
            is_over: false,
        }
    }

    /// Writes for others until nobody waits.
    async fn write(mut self, mut next: Vec<Waiting>) {
        while !next.is_empty() {
            let count = next.len();
            self.studio.create_together(self.project, next).await;
            self.wait_for(count).await;
            next = self.studio.together().next(self.project);
        }
        self.is_over = true;
    }

    /// Gives those who were answered just now the time to come again: one who was faster than
    /// all others would be written alone, and they would wait for that.
    async fn wait_for(&self, count: usize) {
        let begun = Instant::now();
        while count > 1
            && self.studio.together().count(self.project) < count
            && begun.elapsed() < LONGEST_WAIT
        {
            tokio::task::yield_now().await;
        }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        if self.is_over {
            return;
        }
        let Ok(runtime) = tokio::runtime::Handle::try_current() else {
            // Without a runtime nobody waits any more.
            self.studio.together().lock().remove(&self.project);
            return;
        };
        let next = self.studio.together().next(self.project);
        if !next.is_empty() {
            runtime.spawn(Self::new(&self.studio, self.project).write(next));
        }
    }
}

impl Waiting {
    /// Answers; whether the caller still waits does not matter.
    fn answer(self, with: Result<Vec<Asset>>) {
        let _ = self.answer.send(with);
    }
}

impl Studio {
    /// Creates the assets of one caller, with those of others who come at the same time.
    pub(super) async fn create_beside_others(
        &self,
        project: ProjectId,
        new: Vec<NewAsset>,
    ) -> Result<Vec<Asset>> {
        if new.len() > MOST {
            return self.create_alone(project, new).await;
        }
        let (answer, answered) = oneshot::channel();
        // Those who write there already, or nobody.
        let mine = match self.together().lock().entry(project) {
            Entry::Occupied(mut others) => {
                others.get_mut().push(Waiting { new, answer });
                None
            }
            Entry::Vacant(nobody) => {
                nobody.insert(Vec::new());
                Some(new)
            }
        };
        if let Some(mut mine) = mine {
            let _turn = Turn::new(self, project);
            if self.blobs().is_logging() {
                blocking(|| self.take_in(mine.iter_mut().collect()));
            }
            return self.create_alone(project, mine).await;
        }
        answered.await.unwrap_or_else(|_| {
            Err(Error::Unavailable {
                message: "the program ended while the images waited to be taken in".to_owned(),
                hint: "look whether the assets are there, and add them again if not".to_owned(),
                source: None,
            })
        })
    }

    async fn create_alone(&self, project: ProjectId, new: Vec<NewAsset>) -> Result<Vec<Asset>> {
        let mut plan = Plan::new(self);
        plan.references(project, new)?;
        Ok(plan.commit().await?.assets)
    }

    /// Creates the assets of several callers in one transaction, and of those that this can't be
    /// done with, one after the other: an error is for who caused it.
    async fn create_together(&self, project: ProjectId, mut all: Vec<Waiting>) {
        if all.len() > 1 {
            blocking(|| self.take_in(all.iter_mut().flat_map(|one| &mut one.new).collect()));
            let new = all.iter().flat_map(|one| one.new.iter().cloned());
            if let Ok(created) = self.create_alone(project, new.collect()).await {
                let mut created = created.into_iter();
                for one in all {
                    let own = created.by_ref().take(one.new.len()).collect();
                    one.answer(Ok(own));
                }
                return;
            }
        }
        for mut one in all {
            let new = std::mem::take(&mut one.new);
            let created = self.create_alone(project, new).await;
            one.answer(created);
        }
    }

    /// Takes images in, many at once. Those that can't be taken in stay as they are.
    fn take_in(&self, mut all: Vec<&mut NewAsset>) {
        let blobs = self.blobs().batch();
        let images: Vec<&ImageSource> = all.iter().map(|new| &new.image).collect();
        let stored = blobs.store_many(&images);
        if blobs.finish().is_err() {
            return;
        }
        for (new, stored) in all.iter_mut().zip(stored) {
            if let Ok(stored) = stored {
                new.original_name = new
                    .original_name
                    .take()
                    .or_else(|| name_of_file(&new.image));
                new.image = ImageSource::Stored(stored);
            }
        }
    }
}
