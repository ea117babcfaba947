//! The database that rows move to: empty, or begun by an earlier call.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::{Begun, MARKER, moved_tables, read_begun};
use crate::blob::sync_folder;
use crate::db::sql::{Engine, Query};
use crate::db::{Database, DatabaseAddress};
use crate::disk::write_durably;
use crate::error::{Error, IoContext, Result};
use crate::id::StoreId;
use crate::rows::is_empty;
use crate::studio::{Store, Studio, store_id};
use crate::time::MillisSinceEpoch;

/// The file of a SQLite database until it takes its place.
const FILE: &str = "moving.db";

/// What SQLite keeps beside a database.
const BESIDE: [&str; 3] = ["", "-wal", "-shm"];

pub(super) struct Target {
    database: Option<Database>,
    file: PathBuf,
    address: DatabaseAddress,
    store: Store,
    /// Whether an earlier call had begun with it.
    pub(super) is_resumed: bool,
}

impl Target {
    pub(super) async fn open(studio: &Studio, address: &DatabaseAddress) -> Result<Self> {
        let private = studio.private_folder();
        let file = private.join(FILE);
        address.check(&file)?;
        let begun = read_begun(&private);
        if *address == DatabaseAddress::Sqlite && begun.is_none() {
            remove(&file)?;
        }
        let (database, _) = Database::open(address, &file).await?;
        let mut session = database.read().await?;
        let known = store_id(&mut session).await?;
        let is_resumed = known.is_some() && known == begun.as_ref().map(|begun| begun.store_id);
        let store = Store {
            id: begun.map_or_else(|| studio.new_id(), |begun| begun.store_id),
            created_at: studio.now(),
        };
        if !is_resumed {
            let mut has_rows = known.is_some();
            for schema in moved_tables() {
                has_rows |= !is_empty(&mut session, schema).await?;
            }
            if has_rows {
                return Err(Error::Conflict {
                    message: "the other database is not empty".to_owned(),
                    hint: "name an empty database; one that a studio has moved away from can be \
                           dropped and created anew"
                        .to_owned(),
                });
            }
        }
        drop(session);
        let target = Self {
            database: Some(database),
            file,
            address: address.clone(),
            store,
            is_resumed,
        };
        if !is_resumed {
            let begun = Begun {
                store_id: target.store.id,
            };
            let text = serde_json::to_string(&begun);
            let text = text.map_err(|error| Error::invalid("move", error.to_string()))?;
            write_durably(&private.join(MARKER), text.as_bytes())?;
            target.claim().await?;
        }
        Ok(target)
    }

    /// Makes it known as nobody's but this move's.
    async fn claim(&self) -> Result<()> {
        let mut session = self.database().write().await?;
        session.insert(std::slice::from_ref(&self.store)).await?;
        session.commit().await
    }

    pub(super) fn database(&self) -> &Database {
        // It is there until `close`, which takes the target.
        self.database
            .as_ref()
            .unwrap_or_else(|| unreachable!("it is closed"))
    }

    /// Removes all rows that were copied.
    pub(super) async fn empty(&mut self) -> Result<()> {
        if self.address == DatabaseAddress::Sqlite {
            self.database = None;
            remove(&self.file)?;
            let (database, _) = Database::open(&self.address, &self.file).await?;
            self.database = Some(database);
            return self.claim().await;
        }
        let names: Vec<&str> = moved_tables().map(|schema| schema.table.name).collect();
        let mut session = self.database().write().await?;
        let text = format!("TRUNCATE {}", names.join(", "));
        session.execute(&Query::new(&text), &[]).await?;
        session.commit().await
    }

    /// Ends working with it.
    pub(super) fn close(mut self) -> Result<(Engine, StoreId)> {
        let engine = self.database().engine();
        // The last connection to a SQLite file leaves one file, without a log beside it.
        self.database = None;
        if engine == Engine::Sqlite {
            let file = fs::File::open(&self.file).at("reading", &self.file)?;
            file.sync_all().at("flushing", &self.file)?;
        }
        Ok((engine, self.store.id))
    }
}

/// Puts a SQLite database in its place; what stood there keeps another name.
pub(super) fn put_in_place(private: &Path, engine: Engine, now: MillisSinceEpoch) -> Result<()> {
    if engine == Engine::Postgres {
        return Ok(());
    }
    let place = private.join("pegbar.db");
    if place.exists() {
        let time = now.to_string().replace(':', "-");
        for ending in BESIDE {
            let from = private.join(format!("pegbar.db{ending}"));
            let to = private.join(format!("pegbar-before-{time}.db{ending}"));
            match fs::rename(&from, &to) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                moved => moved.at("moving", &from)?,
            }
        }
    }
    for ending in BESIDE {
        let from = private.join(format!("{FILE}{ending}"));
        let to = private.join(format!("pegbar.db{ending}"));
        match fs::rename(&from, &to) {
            Err(error) if error.kind() == io::ErrorKind::NotFound && !ending.is_empty() => {}
            moved => moved.at("moving", &from)?,
        }
    }
    sync_folder(private)
}

fn remove(file: &Path) -> Result<()> {
    for ending in BESIDE {
        let mut name = file.as_os_str().to_owned();
        name.push(ending);
        match fs::remove_file(&name) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            removed => removed.at("removing", Path::new(&name))?,
        }
    }
    Ok(())
}
