//! The signature of a manifest: a `COSE_Sign1` (RFC 9052 section 4.2), whose headers say by
//! whom and when (C2PA 2.1 sections 13.2 and 10.3.2.5). It is not checked here.

use super::cbor::Cbor;
use super::der::{self, Certificate};
use crate::time::MillisSinceEpoch;

/// The numbers of COSE headers (RFC 9052 section 3.1, RFC 9360 section 2, RFC 9597 section 2)
/// and of the time in the claims of a CWT (RFC 8392 section 4).
mod header {
    pub(super) const ALGORITHM: i128 = 1;
    pub(super) const CWT_CLAIMS: i128 = 15;
    pub(super) const X5CHAIN: i128 = 33;
    pub(super) const ISSUED_AT: i128 = 6;
}

/// What a signature says of itself.
#[derive(Debug, Default)]
pub(super) struct Signature {
    pub(super) algorithm: Option<String>,
    /// The signer's own certificate, the first of the chain.
    pub(super) certificate: Option<Certificate>,
    /// The time that an authority vouches for.
    pub(super) stamped_at: Option<MillisSinceEpoch>,
    /// The time that the signer names itself.
    pub(super) issued_at: Option<MillisSinceEpoch>,
    /// What is there and can't be read.
    pub(super) problems: Vec<String>,
}

impl Signature {
    pub(super) fn read(bytes: &[u8]) -> Result<Self, String> {
        let message = Cbor::read(bytes)?;
        let Some([protected, unprotected, _payload, _signature]) = message.array() else {
            return Err("not a COSE_Sign1: an array of four is due".to_owned());
        };
        let mut found = Self::default();
        let protected = match protected.bytes() {
            None | Some([]) => Cbor::Null,
            Some(bytes) => Cbor::read(bytes).unwrap_or_else(|problem| {
                found
                    .problems
                    .push(format!("its protected header: {problem}"));
                Cbor::Null
            }),
        };
        let at = |number| protected.at(number).or_else(|| unprotected.at(number));
        found.algorithm = at(header::ALGORITHM).and_then(algorithm);
        // Before it had a number it had a name.
        let chain = at(header::X5CHAIN)
            .or_else(|| protected.get("x5chain"))
            .or_else(|| unprotected.get("x5chain"));
        found.read_chain(chain);
        let claims = at(header::CWT_CLAIMS);
        let issued_at = claims.and_then(|claims| claims.at(header::ISSUED_AT));
        found.issued_at = issued_at.and_then(seconds);
        found.read_stamp(unprotected);
        Ok(found)
    }

    fn read_chain(&mut self, chain: Option<&Cbor<'_>>) {
        let Some(chain) = chain else {
            return self.problems.push("it names no certificate".to_owned());
        };
        let leaf = chain.array().map_or(Some(chain), <[_]>::first);
        let leaf = leaf.and_then(Cbor::bytes);
        self.certificate = leaf.and_then(Certificate::read);
        if self.certificate.is_none() {
            let problem = "the signer's certificate can't be read";
            self.problems.push(problem.to_owned());
        }
    }

    fn read_stamp(&mut self, unprotected: &Cbor<'_>) {
        let header = unprotected.get("sigTst2");
        let Some(header) = header.or_else(|| unprotected.get("sigTst")) else {
            return;
        };
        let tokens = header.get("tstTokens").and_then(Cbor::array);
        let token = tokens.and_then(<[_]>::first);
        let token = token
            .and_then(|token| token.get("val"))
            .and_then(Cbor::bytes);
        self.stamped_at = token.and_then(der::stamped_at);
        if self.stamped_at.is_none() {
            let problem = "the time stamp can't be read";
            self.problems.push(problem.to_owned());
        }
    }
}

/// Names an algorithm (IANA, "COSE Algorithms").
fn algorithm(value: &Cbor<'_>) -> Option<String> {
    let name = match value.integer()? {
        -7 => "ES256",
        -8 => "EdDSA",
        -9 => "ESP256",
        -19 => "Ed25519",
        -35 => "ES384",
        -36 => "ES512",
        -37 => "PS256",
        -38 => "PS384",
        -39 => "PS512",
        other => return Some(format!("COSE {other}")),
    };
    Some(name.to_owned())
}

/// Reads a `NumericDate`: whole seconds since 1970.
fn seconds(value: &Cbor<'_>) -> Option<MillisSinceEpoch> {
    let millis = value.integer()?.checked_mul(1000)?;
    Some(MillisSinceEpoch(i64::try_from(millis).ok()?))
}
