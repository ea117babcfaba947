//! Doing one thing to many items, several at a time.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;

/// How many items are worked on at once. More than there are processors: flushing a file is
/// waiting, and a file system makes one write of several flushes that wait together.
const WORKERS: usize = 8;

/// Files above this size are held in memory one at a time, in bytes.
const LARGE: u64 = 8 << 20;

static ONE_LARGE: Mutex<()> = Mutex::new(());

/// Waits until no other large file is in memory, if this one is: whoever reads a whole file
/// holds what this returns as long as its bytes.
pub(crate) fn alone_if_large(file_size: u64) -> Option<MutexGuard<'static, ()>> {
    (file_size > LARGE).then(|| ONE_LARGE.lock().unwrap_or_else(PoisonError::into_inner))
}

/// Does `work` to every item, and returns the results in the order of the items.
pub(crate) fn each<I: Sync, T: Send>(items: &[I], work: impl Fn(&I) -> T + Sync) -> Vec<T> {
    many(items, WORKERS, work)
}

/// Does `work` to every item, so many at once, and returns the results in the order of the items.
pub(crate) fn many<I: Sync, T: Send>(
    items: &[I],
    at_once: usize,
    work: impl Fn(&I) -> T + Sync,
) -> Vec<T> {
    if items.len() < 2 {
        return items.iter().map(work).collect();
    }
    let next = AtomicUsize::new(0);
    let results = Mutex::new(Vec::with_capacity(items.len()));
    let worker = || {
        loop {
            let place = next.fetch_add(1, Ordering::Relaxed);
            let Some(item) = items.get(place) else { break };
            let result = work(item);
            let mut results = results.lock().unwrap_or_else(PoisonError::into_inner);
            results.push((place, result));
        }
    };
    thread::scope(|scope| {
        for _ in 1..at_once.min(items.len()) {
            // Where the system has no room for more threads, those that are there do it.
            if thread::Builder::new().spawn_scoped(scope, worker).is_err() {
                break;
            }
        }
        worker();
    });
    let mut results = results.into_inner().unwrap_or_else(PoisonError::into_inner);
    results.sort_unstable_by_key(|(place, _)| *place);
    results.into_iter().map(|(_, result)| result).collect()
}

#[cfg(test)]
mod tests {
    #[test]
    fn results_come_in_the_order_of_the_items() {
        let items: Vec<u32> = (0..1000).collect();
        let doubled = super::each(&items, |item| item * 2);
        assert!(doubled.iter().zip(&items).all(|(two, one)| *two == one * 2));
        assert_eq!(doubled.len(), 1000);
        assert!(super::each(&[] as &[u32], |item| *item).is_empty());
    }
}
