//! Moving a studio's rows to another database, of the same engine or the other.
//!
//! Nobody writes meanwhile: the source is locked in one transaction from the first row that is
//! read until it is given up. The target is known by an id that no folder has until every row
//! was compared; then the source is sealed, and last of all the folder takes the target's id.
//! An interruption before that leaves the source as it was, and the next call goes on.

mod copy;
mod seal;
mod target;

use std::fs;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::db::schema::{TableSchema, tables};
use crate::db::sql::Engine;
use crate::db::{Database, DatabaseAddress, Session, latest_version};
use crate::error::{Error, IoContext, Result};
use crate::hash::Sha256;
use crate::id::StoreId;
use crate::rows::count;
use crate::studio::{Folder, Studio};
use copy::Copy;
use target::Target;

/// Which database the folder is moving to.
const MARKER: &str = "moving.json";

/// A table whose rows were moved.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct MovedTable {
    /// Its name.
    pub name: String,
    /// How many rows it has, on both sides.
    pub rows: u64,
    /// The SHA-256 of its rows in the order of their key, each as a line of JSON, on both sides.
    pub sha256: Sha256,
}

/// What moving did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct MovedDatabase {
    /// The engine that has the rows now.
    pub engine: Engine,
    /// Whether an earlier call had begun.
    pub is_resumed: bool,
    /// The tables, as they were compared at the end.
    pub tables: Vec<MovedTable>,
}

/// What an interrupted call has begun.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Begun {
    store_id: StoreId,
}

/// The tables whose rows move: all but that which says whose database it is.
fn moved_tables() -> impl Iterator<Item = &'static TableSchema> {
    let all = tables(latest_version()).iter();
    all.filter(|schema| schema.table.name != "store")
}

impl Studio {
    /// Moves all rows to another database, which is empty, with their ids. Others can read
    /// meanwhile; who wants to write waits, and is refused afterwards. The images and the files
    /// below `public/assets` stay where they are. Every table is compared at the end, row by
    /// row; only then does the folder belong to the other database. This handle, and every other
    /// that is open, still has the old one, which refuses to be written to: open the studio
    /// anew, with the new address.
    ///
    /// `progress` is told how many rows are done, of how many.
    ///
    /// # Errors
    /// [`Error::Conflict`] where the database is this one, or is not empty;
    /// [`Error::Damaged`] where the rows there are not those that are here;
    /// [`Error::Unavailable`], [`Error::Io`], [`Error::Database`]. The studio is as it was then,
    /// and the same call goes on where this one ended.
    pub async fn migrate_to(
        &self,
        to: &DatabaseAddress,
        mut progress: impl FnMut(u64, u64) + Send,
    ) -> Result<MovedDatabase> {
        if self.engine() == Engine::Sqlite && *to == DatabaseAddress::Sqlite {
            return Err(Error::Conflict {
                message: "the rows are in the SQLite database of the studio already".to_owned(),
                hint: "name a PostgreSQL database to move them there".to_owned(),
            });
        }
        let private = self.private_folder();
        let _alone = crate::lock::lock_file(&private.join("moving-lock")).await?;
        let mut source = freeze(self.database()).await?;
        let mut target = Target::open(self, to).await?;
        let mut total = 0;
        for schema in moved_tables() {
            total += count(&mut source, schema, None).await?;
        }
        let mut is_resumed = target.is_resumed;
        let compared = loop {
            let mut copy = Copy {
                source: &mut source,
                target: target.database(),
                total,
                done: 0,
            };
            copy.run(&mut progress).await?;
            match copy.compare().await? {
                Ok(compared) => break compared,
                // What was copied before is no longer what is here.
                Err(_) if is_resumed => {
                    target.empty().await?;
                    is_resumed = false;
                }
                Err(table) => {
                    return Err(Error::Damaged {
                        place: format!("the table {table} of the other database"),
                        reason: "its rows are not those that were copied".to_owned(),
                        source: None,
                    });
                }
            }
        };
        let is_resumed = target.is_resumed;
        let (engine, store_id) = target.close()?;
        seal::seal(source).await?;
        target::put_in_place(&private, engine, self.now())?;
        Folder::note_move(&private, engine)?;
        Folder::give_id(&private, store_id)?;
        let marker = private.join(MARKER);
        fs::remove_file(&marker).at("removing", &marker)?;
        Ok(MovedDatabase {
            engine,
            is_resumed,
            tables: compared,
        })
    }
}

/// Begins a change that keeps all others waiting.
async fn freeze(database: &Database) -> Result<Session> {
    let mut session = database.write().await?;
    if session.engine() == Engine::Postgres {
        let names: Vec<&str> = moved_tables().map(|schema| schema.table.name).collect();
        let text = format!("LOCK TABLE {} IN EXCLUSIVE MODE", names.join(", "));
        session
            .execute(&crate::db::sql::Query::new(&text), &[])
            .await?;
    }
    Ok(session)
}

fn read_begun(private: &Path) -> Option<Begun> {
    let text = fs::read_to_string(private.join(MARKER)).ok()?;
    serde_json::from_str(&text).ok()
}
