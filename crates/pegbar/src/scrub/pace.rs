//! Keeping to a rate.

use std::time::{Duration, Instant};

/// How far ahead one may be without waiting: shorter waits are not kept exactly.
const AHEAD: Duration = Duration::from_millis(20);

/// A rate that is kept to.
pub(super) struct Pace {
    bytes_per_second: Option<u64>,
    /// When as much will have been allowed as was read.
    due: Instant,
}

impl Pace {
    pub(super) fn new(bytes_per_second: Option<u64>) -> Self {
        Self {
            bytes_per_second: bytes_per_second.filter(|rate| *rate > 0),
            due: Instant::now(),
        }
    }

    /// Waits after so many bytes. Time in which nothing was read is not made up for.
    pub(super) async fn wait(&mut self, bytes: u64) {
        let Some(rate) = self.bytes_per_second else {
            // Others come to their turn.
            return tokio::task::yield_now().await;
        };
        let nanos = u128::from(bytes) * 1_000_000_000 / u128::from(rate);
        let now = Instant::now();
        self.due =
            self.due.max(now) + Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX));
        let ahead = self.due.duration_since(now);
        if ahead >= AHEAD {
            tokio::time::sleep(ahead).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_rate_is_kept() {
        let begun = Instant::now();
        let mut pace = Pace::new(Some(1_000_000));
        for _ in 0..20 {
            pace.wait(10_000).await;
        }
        // The last wait may be left out.
        assert!(begun.elapsed() >= Duration::from_millis(170));
        let mut none = Pace::new(None);
        none.wait(u64::MAX).await;
    }
}
