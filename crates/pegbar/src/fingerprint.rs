//! Fingerprints: by which a change says what it was decided on, so that no one's work is
//! overwritten unseen.

use std::fmt;
use std::str::FromStr;

use serde::Serialize;

use crate::error::{Error, Result};
use crate::hash::Sha256;
use crate::id::Id;

/// The fingerprint of something as it was read: the first 128 bits of the SHA-256 of its JSON as
/// `serde_json` writes it, written as 32 lower-case hexadecimal digits. Every field counts, those
/// that are derived too.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Fingerprint([u8; 16]);

/// The text is not a fingerprint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a fingerprint: expected 32 hexadecimal digits")]
pub struct NotAFingerprint;

impl Fingerprint {
    /// Takes the fingerprint of something that a method of [`crate::Studio`] returned.
    ///
    /// # Errors
    /// [`Error::Invalid`] for what can't be written as JSON, which nothing of Pegbar's is.
    pub fn of<T: Serialize>(thing: &T) -> Result<Self> {
        let json = serde_json::to_vec(thing)
            .map_err(|error| Error::invalid("fingerprint", error.to_string()))?;
        Ok(Self::of_json(&json))
    }

    /// Takes the fingerprint of JSON that `serde_json` wrote.
    #[must_use]
    pub fn of_json(json: &[u8]) -> Self {
        let mut first = [0; 16];
        first.copy_from_slice(&Sha256::of(json).0[..16]);
        Self(first)
    }

    /// Refuses a change that was decided on something which is no longer there. To be asked
    /// once nobody else can change it.
    ///
    /// # Errors
    /// [`Error::Stale`] where `found` is something else.
    pub fn check<T: Serialize>(
        expected: Option<Self>,
        entity: &'static str,
        found: &T,
    ) -> Result<()> {
        let Some(expected) = expected else {
            return Ok(());
        };
        let found = Self::of(found)?;
        if found == expected {
            return Ok(());
        }
        Err(Error::Stale {
            message: format!(
                "the {entity} has changed meanwhile: {expected} was expected, {found} is there"
            ),
            hint: format!("read the {entity} again and decide anew; nothing was changed"),
        })
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", u128::from_be_bytes(self.0))
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Fingerprint({self})")
    }
}

impl FromStr for Fingerprint {
    type Err = NotAFingerprint;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        // The number's own reader would take a sign, too.
        if text.len() != 32 || !text.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            return Err(NotAFingerprint);
        }
        let bits = u128::from_str_radix(text, 16).map_err(|_| NotAFingerprint)?;
        Ok(Self(bits.to_be_bytes()))
    }
}

/// Something by its id, and what it is believed to be. An id alone stands for whatever it is
/// now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AsSeen<T> {
    /// Which one.
    pub id: T,
    /// What it has to be still, as its `get_…` returned it; `None` for whatever it is.
    pub expected: Option<Fingerprint>,
}

impl<T: Id> AsSeen<T> {
    /// Names something, and what it has to be still.
    pub fn new(id: T, expected: Option<Fingerprint>) -> Self {
        Self { id, expected }
    }
}

impl<T: Id> From<T> for AsSeen<T> {
    fn from(id: T) -> Self {
        Self { id, expected: None }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_fingerprint_is_half_of_a_sha_256_and_read_as_it_is_written() {
        // printf '{"a":1,"b":"x"}' | sha256sum
        let text = "ecf9e98ec0641e23113ff3ce8bdc78d0";
        let found = Fingerprint::of(&json!({ "b": "x", "a": 1 })).unwrap();
        assert_eq!(found.to_string(), text);
        assert_eq!(text.parse(), Ok(found));
        assert_eq!(text.to_uppercase().parse(), Ok(found));
        for refused in [
            "",
            &text[1..],
            &format!("{text}0"),
            &format!("+{}", &text[1..]),
        ] {
            assert_eq!(
                refused.parse::<Fingerprint>(),
                Err(NotAFingerprint),
                "{refused}"
            );
        }
    }
}
