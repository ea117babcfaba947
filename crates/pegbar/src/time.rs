//! Points in time, and the clock that is asked for them.

use std::fmt;
use std::str::FromStr;
use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

/// A point in time: milliseconds since 1970-01-01T00:00:00Z (UTC).
///
/// Written as RFC 3339 with three decimals: `2026-01-01T07:02:29.000Z`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MillisSinceEpoch(pub i64);

impl fmt::Display for MillisSinceEpoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_millisecond(self.0) {
            Ok(timestamp) => write!(f, "{timestamp:.3}"),
            // Beyond the years -9999 to 9999: better the number than nothing.
            Err(_) => write!(f, "{}ms", self.0),
        }
    }
}

impl FromStr for MillisSinceEpoch {
    type Err = jiff::Error;

    /// Reads RFC 3339, with or without decimals and with any offset from UTC.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let timestamp: jiff::Timestamp = text.parse()?;
        Ok(Self(timestamp.as_millisecond()))
    }
}

impl Serialize for MillisSinceEpoch {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for MillisSinceEpoch {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// Tells the time: the only place where it comes from.
pub trait Clock: Send + Sync {
    /// Returns the time in nanoseconds since 1970-01-01T00:00:00Z.
    fn now_ns(&self) -> i64;

    /// Returns the time in milliseconds.
    fn now(&self) -> MillisSinceEpoch {
        MillisSinceEpoch(self.now_ns().div_euclid(1_000_000))
    }
}

/// The clock of the machine.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the clock")]
    fn now_ns(&self) -> i64 {
        let since = SystemTime::now().duration_since(UNIX_EPOCH);
        since.map_or(0, |d| i64::try_from(d.as_nanos()).unwrap_or(i64::MAX))
    }
}

/// A clock that stands still: for tests and for repeatable output.
#[derive(Clone, Copy, Debug)]
pub struct FixedClock(pub MillisSinceEpoch);

impl Clock for FixedClock {
    fn now_ns(&self) -> i64 {
        self.0.0.saturating_mul(1_000_000)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_in_utc_with_milliseconds() {
        let time: MillisSinceEpoch = "2026-01-01T08:02:29.5+01:00".parse().unwrap();
        assert_eq!(time.to_string(), "2026-01-01T07:02:29.500Z");
        assert_eq!(time.0, 1_767_250_949_500);
    }
}
