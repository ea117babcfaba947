//! Ed25519 keys (RFC 8032) in the files that other programs use: PKCS#8 and SPKI in PEM
//! (RFC 8410).

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::error::{Error, Result};
use crate::hash::Sha256;

/// How the DER of a private key begins, up to its 32 bytes (RFC 8410, section 7): version 0.
const PRIVATE: [u8; 16] = [
    0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20,
];

/// The same with the public key behind it, version 1 (RFC 5958), as some programs write it.
const PRIVATE_WITH_PUBLIC: [u8; 16] = [
    0x30, 0x51, 0x02, 0x01, 0x01, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20,
];

/// How the DER of a public key begins, up to its 32 bytes (RFC 8410, section 4).
const PUBLIC: [u8; 12] = [
    0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00,
];

/// A key that signs. It is never printed.
pub struct SigningKey(ed25519_compact::KeyPair);

/// The public part of a key: who has it can check what was signed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct PublicKey(ed25519_compact::PublicKey);

/// A signature, of 64 bytes; written in base64.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Signature(ed25519_compact::Signature);

impl SigningKey {
    /// Makes a new key from the system's random numbers.
    ///
    /// # Errors
    /// [`Error::Unavailable`] where the system has none.
    pub fn generate() -> Result<Self> {
        let mut seed = [0; 32];
        getrandom::fill(&mut seed).map_err(|source| Error::Unavailable {
            message: "the system gives no random numbers".to_owned(),
            hint: "make the key with another program: `openssl genpkey -algorithm ed25519`"
                .to_owned(),
            source: Some(Box::new(std::io::Error::from(source))),
        })?;
        Ok(Self::of_seed(seed))
    }

    fn of_seed(seed: [u8; 32]) -> Self {
        let seed = ed25519_compact::Seed::new(seed);
        Self(ed25519_compact::KeyPair::from_seed(seed))
    }

    /// Reads a private key: PKCS#8 in PEM, not encrypted.
    ///
    /// # Errors
    /// [`Error::Invalid`] for anything else; what stands in it is not repeated.
    pub fn from_pem(text: &str) -> Result<Self> {
        let der = read_pem(text, "PRIVATE KEY")?;
        let seed = der
            .strip_prefix(&PRIVATE)
            .filter(|seed| seed.len() == 32)
            .or_else(|| der.strip_prefix(&PRIVATE_WITH_PUBLIC)?.get(..32));
        let seed = seed.and_then(|seed| <[u8; 32]>::try_from(seed).ok());
        let key = Self::of_seed(seed.ok_or_else(|| not_a_key("it is no Ed25519 key"))?);
        // Where the public key stands behind it, it has to be the one.
        match der.get(PRIVATE_WITH_PUBLIC.len() + 32..) {
            Some(rest) if !rest.is_empty() && !rest.ends_with(key.0.pk.as_ref()) => {
                Err(not_a_key("its public key belongs to another one"))
            }
            _ => Ok(key),
        }
    }

    /// Writes the private key: PKCS#8 in PEM, not encrypted.
    #[must_use]
    pub fn to_pem(&self) -> String {
        let seed = self.0.sk.seed();
        write_pem("PRIVATE KEY", &[&PRIVATE[..], &seed[..]].concat())
    }

    /// Returns the public part.
    #[must_use]
    pub fn public_key(&self) -> PublicKey {
        PublicKey(self.0.pk)
    }

    pub(super) fn sign(&self, message: &[u8]) -> Signature {
        // Without noise the signature is the one that RFC 8032 defines.
        Signature(self.0.sk.sign(message, None))
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let id = self.public_key().id();
        f.debug_tuple("SigningKey").field(&id).finish()
    }
}

impl PublicKey {
    /// Reads a public key: SPKI in PEM.
    ///
    /// # Errors
    /// [`Error::Invalid`] for anything else.
    pub fn from_pem(text: &str) -> Result<Self> {
        let der = read_pem(text, "PUBLIC KEY")?;
        let key = der.strip_prefix(&PUBLIC);
        let key = key.and_then(|key| Self::of_bytes(key).ok());
        key.ok_or_else(|| not_a_key("it is no Ed25519 key"))
    }

    /// Writes the public key: SPKI in PEM.
    #[must_use]
    pub fn to_pem(&self) -> String {
        write_pem("PUBLIC KEY", &self.der())
    }

    /// Returns what the key is called: the SHA-256 of its SPKI in DER.
    #[must_use]
    pub fn id(&self) -> Sha256 {
        Sha256::of(&self.der())
    }

    fn der(&self) -> Vec<u8> {
        [&PUBLIC[..], &self.0[..]].concat()
    }

    fn of_bytes(bytes: &[u8]) -> Result<Self, String> {
        let key = ed25519_compact::PublicKey::from_slice(bytes);
        let key = key.map_err(|_| "not the 32 bytes of a key".to_owned())?;
        Ok(Self(key))
    }

    pub(super) fn has_signed(&self, message: &[u8], signature: Signature) -> bool {
        self.0.verify(message, &signature.0).is_ok()
    }
}

impl fmt::Display for PublicKey {
    /// Writes the key's 32 bytes in base64.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&STANDARD.encode(self.0.as_ref()))
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({self})")
    }
}

impl FromStr for PublicKey {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let bytes = STANDARD.decode(text).map_err(|error| error.to_string())?;
        Self::of_bytes(&bytes)
    }
}

impl fmt::Display for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&STANDARD.encode(self.0))
    }
}

impl fmt::Debug for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Signature({self})")
    }
}

impl FromStr for Signature {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let bytes = STANDARD.decode(text).map_err(|error| error.to_string())?;
        let signature = ed25519_compact::Signature::from_slice(&bytes);
        let signature = signature.map_err(|_| "not the 64 bytes of a signature".to_owned())?;
        Ok(Self(signature))
    }
}

fn not_a_key(reason: &str) -> Error {
    Error::invalid("key", reason)
}

/// Returns what stands between the lines of a PEM file (RFC 7468).
fn read_pem(text: &str, label: &str) -> Result<Vec<u8>> {
    let (begin, end) = (
        format!("-----BEGIN {label}-----"),
        format!("-----END {label}-----"),
    );
    let body = text
        .split_once(&begin)
        .and_then(|(_, behind)| Some(behind.split_once(&end)?.0));
    let Some(body) = body else {
        let reason = if text.contains("BEGIN ENCRYPTED PRIVATE KEY") {
            "it is encrypted: decrypt it first, as with `openssl pkey -in KEY -out PLAIN`"
        } else if label == "PRIVATE KEY" && text.contains("BEGIN PUBLIC KEY") {
            "it is a public key: signing takes the private one"
        } else if label == "PUBLIC KEY" && text.contains("BEGIN PRIVATE KEY") {
            "it is a private key: checking takes the public one, and the private one stays home"
        } else {
            "it is no key in PEM (-----BEGIN … KEY-----)"
        };
        return Err(not_a_key(reason));
    };
    let digits: String = body.split_ascii_whitespace().collect();
    let der = STANDARD.decode(digits);
    der.map_err(|_| not_a_key("what stands between its lines is no base64"))
}

fn write_pem(label: &str, der: &[u8]) -> String {
    // A key in base64 is no longer than the 64 characters that a line has.
    let body = STANDARD.encode(der);
    format!("-----BEGIN {label}-----\n{body}\n-----END {label}-----\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The key of RFC 8410, section 10.3, and its public part, section 10.1.
    const KEY: &str = "-----BEGIN PRIVATE KEY-----\n\
        MC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC\n\
        -----END PRIVATE KEY-----\n";
    const PUBLIC_KEY: &str = "-----BEGIN PUBLIC KEY-----\n\
        MCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=\n\
        -----END PUBLIC KEY-----\n";

    #[test]
    fn the_keys_of_the_rfc_are_read_and_written() {
        let key = SigningKey::from_pem(KEY).unwrap();
        assert_eq!(key.to_pem(), KEY);
        assert_eq!(key.public_key().to_pem(), PUBLIC_KEY);
        assert_eq!(PublicKey::from_pem(PUBLIC_KEY).unwrap(), key.public_key());
        assert!(!format!("{key:?}").contains("1O5y"));
        let id = key.public_key().id().to_string();
        assert_eq!(format!("{key:?}"), format!("SigningKey(Sha256({id}))"));
    }

    #[test]
    fn a_signature_is_the_one_that_the_rfc_gives() {
        // RFC 8032, section 7.1, test 2.
        let seed: [u8; 32] = [
            0x4c, 0xcd, 0x08, 0x9b, 0x28, 0xff, 0x96, 0xda, 0x9d, 0xb6, 0xc3, 0x46, 0xec, 0x11,
            0x4e, 0x0f, 0x5b, 0x8a, 0x31, 0x9f, 0x35, 0xab, 0xa6, 0x24, 0xda, 0x8c, 0xf6, 0xed,
            0x4f, 0xb8, 0xa6, 0xfb,
        ];
        let key = SigningKey::of_seed(seed);
        let signature = key.sign(&[0x72]);
        let halves = signature.0.as_chunks::<32>().0;
        let digits: String = halves
            .iter()
            .map(|half| Sha256(*half).to_string())
            .collect();
        assert_eq!(
            digits,
            "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da\
             085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
        );
        let public = key.public_key();
        assert!(public.has_signed(&[0x72], signature));
        assert!(!public.has_signed(&[0x73], signature));
        assert_eq!(signature.to_string().parse(), Ok(signature));
        assert_eq!(public.to_string().parse(), Ok(public));
    }

    #[test]
    fn what_is_no_key_is_refused_and_not_repeated() {
        let refused = |text: &str| SigningKey::from_pem(text).unwrap_err().to_string();
        assert!(refused(PUBLIC_KEY).contains("it is a public key"));
        assert!(refused("MC4CAQAwBQYDK2Vw").ends_with("no key in PEM (-----BEGIN … KEY-----)"));
        assert!(refused(&KEY.replace("MC4C", "MC4!")).contains("no base64"));
        assert!(refused(&KEY.replace("MC4C", "AAAA")).contains("no Ed25519 key"));
        assert!(refused(&KEY.replace("PRIVATE", "ENCRYPTED PRIVATE")).contains("encrypted"));
        let refused = PublicKey::from_pem(KEY).unwrap_err().to_string();
        assert!(refused.contains("the private one stays home"), "{refused}");
        assert!(PublicKey::from_pem(&PUBLIC_KEY.replace('=', "")).is_err());
    }

    #[test]
    fn two_new_keys_are_two() {
        let (one, two) = (
            SigningKey::generate().unwrap(),
            SigningKey::generate().unwrap(),
        );
        assert_ne!(one.public_key(), two.public_key());
        let again = SigningKey::from_pem(&one.to_pem()).unwrap();
        assert_eq!(again.public_key(), one.public_key());
    }
}
