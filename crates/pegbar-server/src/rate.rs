//! How many requests one address may send.

use std::net::{IpAddr, Ipv6Addr};
use std::num::NonZeroU32;
use std::time::Duration;

use governor::clock::{Clock as _, MonotonicClock};
use governor::middleware::NoOpMiddleware;
use governor::state::keyed::DashMapStateStore;
use governor::{Quota, RateLimiter};
use http::StatusCode;

use crate::problem::Problem;

type Buckets = RateLimiter<
    IpAddr,
    DashMapStateStore<IpAddr>,
    MonotonicClock,
    NoOpMiddleware<std::time::Instant>,
>;

/// A bucket of requests for each address, which fills up again (GCRA).
#[derive(Debug)]
pub(crate) struct Rate {
    /// `None` where everyone may send as many as they like.
    buckets: Option<Buckets>,
    clock: MonotonicClock,
}

impl Rate {
    /// Lets each address send so many within a second, at once or not; 0 for as many as it likes.
    pub(crate) fn new(per_second: u32) -> Self {
        let quota = NonZeroU32::new(per_second).map(Quota::per_second);
        let limiter = |quota| RateLimiter::new(quota, DashMapStateStore::default(), MonotonicClock);
        Self {
            buckets: quota.map(limiter),
            clock: MonotonicClock,
        }
    }

    /// Refuses an address whose bucket is empty.
    pub(crate) fn check(&self, address: IpAddr) -> Result<(), Problem> {
        let Some(buckets) = &self.buckets else {
            return Ok(());
        };
        buckets.check_key(&network(address)).map_err(|denied| {
            let wait = denied.wait_time_from(self.clock.now());
            let detail = "this address has sent too many requests";
            Problem::new(StatusCode::TOO_MANY_REQUESTS, "too_many_requests", detail)
                .hint("wait as many seconds as Retry-After says")
                .retry_after(seconds(wait))
        })
    }

    /// Forgets those whose buckets are full again.
    pub(crate) fn forget_idle(&self) {
        if let Some(buckets) = &self.buckets {
            buckets.retain_recent();
            buckets.shrink_to_fit();
        }
    }
}

/// Rounds up: who comes a moment too early is refused again.
fn seconds(wait: Duration) -> u64 {
    (wait.as_secs() + u64::from(wait.subsec_nanos() > 0)).max(1)
}

/// One client has many addresses of IPv6: those of one /64 share a bucket.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            let bits = address.to_bits() & !u128::from(u64::MAX);
            IpAddr::V6(Ipv6Addr::from_bits(bits))
        }
        address @ IpAddr::V4(_) => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_is_empty_after_its_requests_and_others_are_not() {
        let rate = Rate::new(3);
        let [one, near, other, far]: [IpAddr; 4] = [
            "2001:db8::1".parse().unwrap(),
            "2001:db8::2".parse().unwrap(),
            "192.0.2.1".parse().unwrap(),
            "2001:db8:0:1::1".parse().unwrap(),
        ];
        assert!((0..3).all(|_| rate.check(one).is_ok()));
        assert!(rate.check(one).is_err());
        assert!(rate.check(near).is_err(), "it is the same client");
        assert!(rate.check(other).is_ok());
        assert!(rate.check(far).is_ok());
        assert!((0..10_000).all(|_| Rate::new(0).check(one).is_ok()));
    }

    #[test]
    fn who_waits_as_told_is_not_refused_again() {
        for (wait, told) in [(0, 1), (1, 1), (999, 1), (1000, 1), (1001, 2)] {
            assert_eq!(seconds(Duration::from_millis(wait)), told);
        }
    }
}
