//! Heads: one hash over the records of all assets of a project, to be given away and checked
//! later.
//!
//! Whoever can write to the database can rewrite a record, its hash, and everything that was
//! made from it. A head that somebody else keeps is what shows that.

mod compare;
mod file;
mod key;
mod tree;

use serde::{Deserialize, Serialize};

use crate::db::Session;
use crate::db::lenient::Reader;
use crate::db::sql::statements;
use crate::db::value::{Row, Value};
use crate::error::{Error, Result};
use crate::hash::Sha256;
use crate::id::{AssetId, ProjectId};
use crate::project;
use crate::studio::Studio;
use crate::time::MillisSinceEpoch;
use key::Signature;
use tree::Tree;

pub use compare::{ChangedRecord, HeadComparison};
pub use key::{PublicKey, SigningKey};

statements! {
    FIRST_PAGE = "SELECT id, record, record_hash FROM asset WHERE project_id = $1 \
                  ORDER BY id LIMIT 500";
    PAGE = "SELECT id, record, record_hash FROM asset WHERE project_id = $1 AND id > $2 \
            ORDER BY id LIMIT 500";
}

/// One hash over the records of all assets of a project, with what it was made from.
///
/// It holds together: it was exported, or read and checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    project: HeadProject,
    time: MillisSinceEpoch,
    without_record: u64,
    /// In the order of their ids, none twice.
    assets: Vec<HeadAsset>,
    hash: Sha256,
    seal: Option<(PublicKey, Signature)>,
}

/// The project of a head.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct HeadProject {
    /// Its id.
    pub id: ProjectId,
    /// Its name when the head was exported.
    pub name: String,
}

/// An asset of a head. The fields stand in canonical order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct HeadAsset {
    /// Its id.
    pub id: AssetId,
    /// The SHA-256 of its record.
    pub record_hash: Sha256,
}

impl Head {
    /// Returns the project.
    #[must_use]
    pub fn project(&self) -> &HeadProject {
        &self.project
    }

    /// Returns when it was exported, by the clock of the machine that did it.
    #[must_use]
    pub fn time(&self) -> MillisSinceEpoch {
        self.time
    }

    /// Returns the assets with a record, in the order of their ids.
    #[must_use]
    pub fn assets(&self) -> &[HeadAsset] {
        &self.assets
    }

    /// Returns how many assets had no record yet: the head says nothing of them.
    #[must_use]
    pub fn without_record(&self) -> u64 {
        self.without_record
    }

    /// Returns the hash over the records: the root of a Merkle tree (RFC 9162).
    #[must_use]
    pub fn hash(&self) -> Sha256 {
        self.hash
    }

    /// Returns the key that it is signed with; `None` where it is not signed.
    #[must_use]
    pub fn public_key(&self) -> Option<PublicKey> {
        self.seal.map(|(key, _)| key)
    }

    /// Signs it; an earlier signature goes.
    ///
    /// # Errors
    /// [`Error::Invalid`] where the statement can't be written.
    pub fn sign(&mut self, key: &SigningKey) -> Result<()> {
        let statement = self.statement()?;
        self.seal = Some((key.public_key(), key.sign(statement.as_bytes())));
        Ok(())
    }

    /// Checks that it is signed with the key that is trusted. `name` stands for the head in
    /// errors.
    ///
    /// # Errors
    /// [`Error::Unproven`] where it is not signed, or with another key.
    pub fn check_signed_by(&self, trusted: &PublicKey, name: &str) -> Result<()> {
        let (reason, hint) = match self.public_key() {
            Some(key) if key == *trusted => return Ok(()),
            Some(key) => (
                format!(
                    "it is signed by the key {}, not by {}",
                    key.id(),
                    trusted.id()
                ),
                "whoever gave it to you is not who has the key that you trust",
            ),
            None => (
                "it is not signed".to_owned(),
                "ask for one that was exported with --sign",
            ),
        };
        Err(Error::Unproven {
            name: name.to_owned(),
            reason,
            hint: hint.to_owned(),
        })
    }
}

/// What a row has of its record.
struct RecordRow {
    id: AssetId,
    record: Option<String>,
    record_hash: Option<String>,
}

/// Returns the next rows of a project, in the order of their ids.
async fn record_page(
    session: &mut Session,
    project: ProjectId,
    after: Option<AssetId>,
) -> Result<Vec<RecordRow>> {
    let read = |row: &Row<'_>| {
        let id = row.at(0, "asset.id")?;
        let mut reader = Reader::new(row);
        Ok(RecordRow {
            id,
            record: reader.get(1, "record"),
            record_hash: reader.get(2, "recordHash"),
        })
    };
    let project = Value::Id(project.0);
    match after {
        None => session.query(&FIRST_PAGE, &[project], read).await,
        Some(after) => {
            session
                .query(&PAGE, &[project, Value::Id(after.0)], read)
                .await
        }
    }
}

impl Studio {
    /// Exports the head of a project, as it is at one moment. It takes some 50 bytes of memory
    /// for each asset.
    ///
    /// # Errors
    /// [`Error::NotFound`]; [`Error::Damaged`] for a record that does not match its hash: a head
    /// of it would make it look right.
    pub async fn export_head(&self, project: ProjectId) -> Result<Head> {
        let mut session = self.database().snapshot().await?;
        let project = project::get(&mut session, project).await?;
        let mut assets = Vec::new();
        let mut tree = Tree::default();
        let mut without_record = 0;
        let mut after = None;
        loop {
            let page = record_page(&mut session, project.id, after).await?;
            let Some(last) = page.last() else { break };
            after = Some(last.id);
            for row in page {
                let record_hash = match (&row.record, &row.record_hash) {
                    (None, None) => {
                        without_record += 1;
                        continue;
                    }
                    (record, hash) => check(row.id, record.as_deref(), hash.as_deref())?,
                };
                let asset = HeadAsset {
                    id: row.id,
                    record_hash,
                };
                tree.push(asset.line()?.as_bytes());
                assets.push(asset);
            }
        }
        session.end().await?;
        Ok(Head {
            project: HeadProject {
                id: project.id,
                name: project.name,
            },
            time: self.now(),
            without_record,
            assets,
            hash: tree.root(),
            seal: None,
        })
    }
}

fn check(asset: AssetId, record: Option<&str>, record_hash: Option<&str>) -> Result<Sha256> {
    if let (Some(record), Some(recorded)) = (record, record_hash) {
        let hash = Sha256::of(record.as_bytes());
        if recorded.parse() == Ok(hash) {
            return Ok(hash);
        }
    }
    Err(Error::Damaged {
        place: format!("the record of the asset {asset}"),
        reason: "it does not match its hash; `pegbar verify` says more".to_owned(),
        source: None,
    })
}
