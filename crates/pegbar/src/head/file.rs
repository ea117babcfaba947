//! The file of a head: lines of canonical JSON (RFC 8785), each ended by a line feed.
//!
//! 1. The statement. A signature covers exactly its bytes, without the line feed.
//! 2. The public key and the signature, in base64; both null where it is not signed.
//! 3. From here on the assets, in the order of their ids: the leaves of the tree whose root the
//!    statement names. A leaf is a line's bytes, without the line feed.

use std::fmt;
use std::io::{BufRead, Read as _, Write};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::key::{PublicKey, Signature};
use super::tree::Tree;
use super::{Head, HeadAsset, HeadProject};
use crate::error::{Error, Result};
use crate::hash::Sha256;
use crate::time::MillisSinceEpoch;

/// The format that is written and read.
const FORMAT: u64 = 1;

/// What tells that a statement is one about a head, and nothing else that the key has signed.
const KIND: &str = "pegbar head";

/// No line is longer, in bytes: a name has up to 255, each written as up to six.
const MAX_LINE: u64 = 4096;

/// What a signature covers. The fields stand in canonical order.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Statement {
    asset_count: u64,
    format: u64,
    head: Sha256,
    kind: String,
    project: HeadProject,
    time: MillisSinceEpoch,
    without_record: u64,
}

/// The second line.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Seal {
    public_key: Option<String>,
    signature: Option<String>,
}

impl Head {
    /// Returns the bytes that a signature covers: the first line, without its end.
    pub(super) fn statement(&self) -> Result<String> {
        line(&Statement {
            asset_count: self.assets.len() as u64,
            format: FORMAT,
            head: self.hash,
            kind: KIND.to_owned(),
            project: self.project.clone(),
            time: self.time,
            without_record: self.without_record,
        })
    }

    /// Writes the head as it is given away: `docs/provenance.md` describes the format.
    ///
    /// # Errors
    /// What the writer says.
    pub fn write(&self, mut to: impl Write) -> std::io::Result<()> {
        let broken = |error: Error| std::io::Error::other(error.to_string());
        let seal = Seal {
            public_key: self.seal.map(|(key, _)| key.to_string()),
            signature: self.seal.map(|(_, signature)| signature.to_string()),
        };
        writeln!(to, "{}", self.statement().map_err(broken)?)?;
        writeln!(to, "{}", line(&seal).map_err(broken)?)?;
        for asset in &self.assets {
            writeln!(to, "{}", asset.line().map_err(broken)?)?;
        }
        to.flush()
    }

    /// Reads a head that was given away, and checks all that it says of itself: that it is
    /// whole, that the listed assets give the hash that the statement names, and that the
    /// signature, if there is one, is by the key that stands beside it. Whether that key is one
    /// to trust, [`Head::check_signed_by`] tells. No studio is needed.
    ///
    /// `name` stands for the file in errors. It takes some 50 bytes of memory for each asset.
    ///
    /// # Errors
    /// [`Error::Unproven`] names the line and what is wrong with it; [`Error::Io`].
    pub fn read(from: impl BufRead, name: &str) -> Result<Self> {
        let mut lines = Lines {
            from,
            name,
            number: 0,
        };
        let first = lines.next()?;
        let first = first.ok_or_else(|| unproven(name, "the file is empty".to_owned(), NO_HEAD))?;
        let statement = lines.statement(&first)?;
        let second = lines.next()?;
        let second = second.ok_or_else(|| lines.unproven("the file ends behind it", CUT_OFF))?;
        let seal = lines.seal(&first, &second)?;
        let mut assets: Vec<HeadAsset> = Vec::new();
        let mut tree = Tree::default();
        while let Some(text) = lines.next()? {
            let asset: HeadAsset = lines.canonical(&text)?;
            match assets.last() {
                Some(last) if last.id == asset.id => {
                    let reason = format!("the asset {} stands twice", asset.id);
                    return Err(lines.unproven(reason, ALTERED));
                }
                Some(last) if last.id > asset.id => {
                    let reason = format!("the asset {} is not in the order of ids", asset.id);
                    return Err(lines.unproven(reason, ALTERED));
                }
                _ => {}
            }
            if assets.len() as u64 == statement.asset_count {
                let reason = format!("more than the {} assets stated", statement.asset_count);
                return Err(lines.unproven(reason, ALTERED));
            }
            tree.push(text.as_bytes());
            assets.push(asset);
        }
        if assets.len() as u64 != statement.asset_count {
            let (listed, stated) = (assets.len(), statement.asset_count);
            let reason = format!("{listed} assets are listed, and {stated} are stated");
            return Err(unproven(name, reason, CUT_OFF));
        }
        if tree.root() != statement.head {
            let reason = format!(
                "the listed assets give the hash {}, and {} is stated",
                tree.root(),
                statement.head
            );
            return Err(unproven(name, reason, ALTERED));
        }
        Ok(Self {
            project: statement.project,
            time: statement.time,
            without_record: statement.without_record,
            assets,
            hash: statement.head,
            seal,
        })
    }
}

const NO_HEAD: &str = "`pegbar head export` writes one";
const CUT_OFF: &str = "get the whole file again from whoever gave it to you";
const ALTERED: &str = "it is not as it was exported: get the file again from whoever gave it to \
                       you";

impl HeadAsset {
    /// Returns the asset's line: a leaf of the tree.
    pub(super) fn line(&self) -> Result<String> {
        line(self)
    }
}

/// Writes a line. Its names stand in canonical order, and `serde_json` escapes strings as
/// RFC 8785 section 3.2.2.2 asks.
fn line<T: Serialize>(value: &T) -> Result<String> {
    serde_json::to_string(value).map_err(|error| Error::invalid("head", error.to_string()))
}

fn unproven(name: &str, reason: String, hint: &str) -> Error {
    Error::Unproven {
        name: name.to_owned(),
        reason,
        hint: hint.to_owned(),
    }
}

/// The lines of a file, with what errors say of them.
struct Lines<'a, R> {
    from: R,
    name: &'a str,
    /// The number of the line that was read last, from 1.
    number: u64,
}

impl<R: BufRead> Lines<'_, R> {
    /// Returns the next line without its end; `None` at the end of the file.
    fn next(&mut self) -> Result<Option<String>> {
        let mut bytes = Vec::new();
        let mut limited = self.from.by_ref().take(MAX_LINE);
        let read = limited.read_until(b'\n', &mut bytes);
        read.map_err(|source| Error::Io {
            action: "reading",
            path: self.name.into(),
            source,
        })?;
        if bytes.is_empty() {
            return Ok(None);
        }
        self.number += 1;
        if bytes.pop_if(|byte| *byte == b'\n').is_none() {
            let is_long = bytes.len() as u64 >= MAX_LINE;
            let (reason, hint) = if is_long {
                ("it is longer than any line of a head", NO_HEAD)
            } else {
                ("the file ends within it", CUT_OFF)
            };
            return Err(self.unproven(reason, hint));
        }
        let text = String::from_utf8(bytes);
        let text = text.map_err(|_| self.unproven("it is not UTF-8, as a head is", NO_HEAD))?;
        Ok(Some(text))
    }

    /// Refuses the line that was read last.
    fn unproven(&self, reason: impl fmt::Display, hint: &str) -> Error {
        unproven(self.name, format!("line {}: {reason}", self.number), hint)
    }

    /// Reads a line that has to be written as we write it: else its bytes prove nothing.
    fn canonical<T: Serialize + DeserializeOwned>(&self, text: &str) -> Result<T> {
        let value: T = serde_json::from_str(text)
            .map_err(|error| self.unproven(error.to_string(), ALTERED))?;
        if line(&value)? != text {
            return Err(self.unproven("it is not written in canonical form", ALTERED));
        }
        Ok(value)
    }

    fn statement(&self, text: &str) -> Result<Statement> {
        /// What every format has.
        #[derive(Deserialize)]
        struct AnyFormat {
            format: u64,
            kind: String,
        }
        let any: AnyFormat = serde_json::from_str(text)
            .map_err(|error| self.unproven(format!("it is no head: {error}"), NO_HEAD))?;
        if any.kind != KIND {
            let reason = format!("it is no head: its kind is {:?}", any.kind);
            return Err(self.unproven(reason, NO_HEAD));
        }
        if any.format != FORMAT {
            let reason = format!("its format is {}, and {FORMAT} is known", any.format);
            return Err(self.unproven(reason, "use a newer version of Pegbar"));
        }
        self.canonical(text)
    }

    fn seal(&self, statement: &str, text: &str) -> Result<Option<(PublicKey, Signature)>> {
        let seal: Seal = self.canonical(text)?;
        let (key, signature) = match (seal.public_key, seal.signature) {
            (None, None) => return Ok(None),
            (Some(key), Some(signature)) => (key, signature),
            _ => return Err(self.unproven("a key or a signature alone", ALTERED)),
        };
        let key: PublicKey = key
            .parse()
            .map_err(|reason| self.unproven(format!("publicKey: {reason}"), ALTERED))?;
        let signature: Signature = signature
            .parse()
            .map_err(|reason| self.unproven(format!("signature: {reason}"), ALTERED))?;
        if !key.has_signed(statement.as_bytes(), signature) {
            let reason = format!("the signature of line 1 is not by the key {}", key.id());
            return Err(self.unproven(reason, ALTERED));
        }
        Ok(Some((key, signature)))
    }
}
