//! Fingerprints: whether something is still what someone saw.

use std::fmt;
use std::str::FromStr;

use serde::Serialize;

use crate::hash::Sha256;

/// What tells two states of a thing apart: the first 128 bits of the SHA-256 of its JSON,
/// written as 32 lower-case hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Fingerprint([u8; 16]);

/// The text is not 32 hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a fingerprint: expected 32 hexadecimal digits")]
pub struct NotAFingerprint;

impl Fingerprint {
    /// Takes the fingerprint of what the library returned.
    ///
    /// # Errors
    /// [`serde_json::Error`] for what has no JSON.
    pub fn of(value: &impl Serialize) -> Result<Self, serde_json::Error> {
        Ok(Self::of_json(&serde_json::to_vec(value)?))
    }

    /// Takes the fingerprint of JSON as `serde_json` writes it.
    #[must_use]
    pub fn of_json(json: &[u8]) -> Self {
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&Sha256::of(json).0[..16]);
        Self(bytes)
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Fingerprint({self})")
    }
}

impl FromStr for Fingerprint {
    type Err = NotAFingerprint;

    fn from_str(text: &str) -> Result<Self, NotAFingerprint> {
        if text.len() != 32 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(NotAFingerprint);
        }
        let number = u128::from_str_radix(text, 16).map_err(|_| NotAFingerprint)?;
        Ok(Self(number.to_be_bytes()))
    }
}
