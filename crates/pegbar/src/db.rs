//! The thin layer over rusqlite and tokio-postgres: one text per statement, one
//! declaration per table, one transaction per change.

pub(crate) mod entity;
pub(crate) mod field;
pub(crate) mod lenient;
mod migrate;
mod postgres;
pub(crate) mod schema;
pub(crate) mod sql;
mod sqlite;
pub(crate) mod value;

use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::task::JoinHandle;

use entity::{Entity, Table};
use field::Field;
use sql::{Engine, Sql, Statement};
use value::{Row, Value};

use crate::error::{Error, Result};

pub(crate) use migrate::constraint_names;
pub use migrate::{Migrated, latest_version};

/// Every table that a declaration exists for.
pub(crate) static TABLES: &[&Table] = &[
    crate::project::Project::TABLE,
    crate::character::Character::TABLE,
    crate::animation::Animation::TABLE,
    crate::asset::Asset::TABLE,
    crate::frame::Frame::TABLE,
    crate::reference::ReferenceRow::TABLE,
    crate::tag::ProjectTag::TABLE,
    crate::tag::CharacterTag::TABLE,
    crate::tag::AssetTag::TABLE,
    crate::claim::Claim::TABLE,
    crate::annotation::Annotation::TABLE,
    crate::generation::Generation::TABLE,
    crate::token::Token::TABLE,
    crate::trash::TrashEntry::TABLE,
    crate::trash::Tombstone::TABLE,
    crate::view::ViewFile::TABLE,
    crate::view::Outbox::TABLE,
    crate::studio::Store::TABLE,
];

/// Where the rows are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum DatabaseAddress {
    /// `.pegbar/pegbar.db` in the studio's folder.
    #[default]
    Sqlite,
    /// A PostgreSQL server: `postgres://user:password@host:port/database`.
    Postgres(String),
}

impl DatabaseAddress {
    /// Refuses a file that the engine could not open because of where it is.
    pub(crate) fn check(&self, file: &Path) -> Result<()> {
        match self {
            Self::Sqlite => sqlite::check_path(file),
            Self::Postgres(_) => Ok(()),
        }
    }
}

/// An open database.
pub(crate) enum Database {
    Sqlite(sqlite::SqliteDatabase),
    Postgres(postgres::PostgresDatabase),
}

/// How long a change waits for another process's change before it gives up.
pub(crate) const LOCK_TIMEOUT: Duration = Duration::from_mins(1);

impl Database {
    /// Opens the database and brings its schema up to date.
    pub(crate) async fn open(address: &DatabaseAddress, file: &Path) -> Result<(Self, Migrated)> {
        Self::open_at(address, file, latest_version()).await
    }

    /// Opens the database and brings its schema to a version, unless it is beyond it already.
    pub(crate) async fn open_at(
        address: &DatabaseAddress,
        file: &Path,
        version: u32,
    ) -> Result<(Self, Migrated)> {
        match address {
            DatabaseAddress::Sqlite => {
                let file = PathBuf::from(file);
                let (database, migrated) = sqlite::SqliteDatabase::open(&file, version)?;
                Ok((Self::Sqlite(database), migrated))
            }
            DatabaseAddress::Postgres(url) => {
                let (database, migrated) = postgres::PostgresDatabase::open(url, version).await?;
                Ok((Self::Postgres(database), migrated))
            }
        }
    }

    /// Opens the database only to read it; one whose schema is not up to date is refused.
    pub(crate) async fn open_read_only(address: &DatabaseAddress, file: &Path) -> Result<Self> {
        Ok(match address {
            DatabaseAddress::Sqlite => Self::Sqlite(sqlite::SqliteDatabase::open_read_only(file)?),
            DatabaseAddress::Postgres(url) => {
                Self::Postgres(postgres::PostgresDatabase::open_read_only(url).await?)
            }
        })
    }

    pub(crate) fn engine(&self) -> Engine {
        match self {
            Self::Sqlite(_) => Engine::Sqlite,
            Self::Postgres(_) => Engine::Postgres,
        }
    }

    /// Begins reading: each statement sees the newest state.
    pub(crate) async fn read(&self) -> Result<Session> {
        Ok(match self {
            Self::Sqlite(database) => Session::Sqlite(database.reader().await?),
            Self::Postgres(database) => Session::Postgres(database.connection().await?),
        })
    }

    /// Begins reading one state: all statements see the same.
    pub(crate) async fn snapshot(&self) -> Result<Session> {
        let mut session = self.read().await?;
        match &mut session {
            Session::Sqlite(session) => session.begin(sqlite::Begin::Snapshot)?,
            Session::Postgres(session) => session.begin(postgres::Begin::Snapshot).await?,
        }
        Ok(session)
    }

    /// Begins a change. Nothing of it is seen or kept before [`Session::commit`]; dropping
    /// the session undoes it.
    pub(crate) async fn write(&self) -> Result<Session> {
        self.begin_to_write(sqlite::Begin::Write).await
    }

    /// Begins a change that a power cut may undo as a whole, if no change after it is kept either:
    /// with SQLite its commit is not flushed. For what whoever comes next finds out anew.
    pub(crate) async fn write_unflushed(&self) -> Result<Session> {
        self.begin_to_write(sqlite::Begin::WriteUnflushed).await
    }

    async fn begin_to_write(&self, begin: sqlite::Begin) -> Result<Session> {
        Ok(match self {
            Self::Sqlite(database) => {
                let mut session = database.writer().await;
                session.begin(begin)?;
                Session::Sqlite(session)
            }
            Self::Postgres(database) => {
                let mut session = database.connection().await?;
                session.begin(postgres::Begin::Write).await?;
                Session::Postgres(session)
            }
        })
    }
}

/// A connection in use, and the transaction on it.
pub(crate) enum Session {
    Sqlite(sqlite::SqliteSession),
    Postgres(postgres::PostgresSession),
}

impl Session {
    pub(crate) fn engine(&self) -> Engine {
        match self {
            Self::Sqlite(_) => Engine::Sqlite,
            Self::Postgres(_) => Engine::Postgres,
        }
    }

    /// Runs a query and reads each row.
    pub(crate) async fn query<T: Send>(
        &mut self,
        statement: &impl Statement,
        parameters: &[Value<'_>],
        read: impl FnMut(&Row<'_>) -> Result<T> + Send,
    ) -> Result<Vec<T>> {
        #[cfg(test)]
        tests::QUERIES.with(|queries| queries.set(queries.get() + 1));
        let text = statement.text(self.engine());
        match self {
            Self::Sqlite(session) => session.query(&text, parameters, read),
            Self::Postgres(session) => session.query(&text, parameters, read).await,
        }
    }

    /// Runs a query that returns rows of one table.
    pub(crate) async fn list<E: Entity>(
        &mut self,
        statement: &impl Statement,
        parameters: &[Value<'_>],
    ) -> Result<Vec<E>> {
        self.query(statement, parameters, E::read).await
    }

    /// Runs a query that returns at most one row.
    pub(crate) async fn optional<T: Send>(
        &mut self,
        statement: &impl Statement,
        parameters: &[Value<'_>],
        read: impl FnMut(&Row<'_>) -> Result<T> + Send,
    ) -> Result<Option<T>> {
        let mut rows = self.query(statement, parameters, read).await?;
        Ok(rows.pop())
    }

    /// Runs a statement and returns how many rows it changed.
    pub(crate) async fn execute(
        &mut self,
        statement: &impl Statement,
        parameters: &[Value<'_>],
    ) -> Result<u64> {
        let text = statement.text(self.engine());
        match self {
            Self::Sqlite(session) => session.execute(&text, parameters),
            Self::Postgres(session) => session.execute(&text, parameters).await,
        }
    }

    /// Runs one statement with many sets of parameters.
    pub(crate) async fn execute_many(
        &mut self,
        statement: &Sql,
        sets: &[Vec<Value<'_>>],
    ) -> Result<()> {
        if sets.is_empty() {
            return Ok(());
        }
        let text = statement.text(self.engine());
        match self {
            Self::Sqlite(session) => session.execute_many(&text, sets),
            Self::Postgres(session) => session.execute_many(&text, sets).await,
        }
    }

    /// Inserts rows of one table as one batch.
    pub(crate) async fn insert<E: Entity>(&mut self, rows: &[E]) -> Result<()> {
        if rows.is_empty() {
            return Ok(());
        }
        match self {
            Self::Sqlite(session) => session.insert(E::TABLE, rows, E::bind),
            Self::Postgres(session) => session.insert(E::TABLE, rows, E::bind).await,
        }
    }

    /// Inserts rows of one table as one batch, whatever they mean.
    pub(crate) async fn insert_cells(&mut self, table: &Table, rows: &[Vec<Field>]) -> Result<()> {
        if rows.is_empty() {
            return Ok(());
        }
        match self {
            Self::Sqlite(session) => session.insert(table, rows, |row, column| row[column].bind()),
            Self::Postgres(session) => {
                session
                    .insert(table, rows, |row, column| row[column].bind())
                    .await
            }
        }
    }

    /// Writes all columns of a row, found by its id.
    pub(crate) async fn update<E: Entity>(&mut self, row: &E) -> Result<()> {
        let columns = E::TABLE.columns.len();
        let parameters: Vec<Value<'_>> = (0..columns).map(|column| row.bind(column)).collect();
        let text = sql::update(E::TABLE, self.engine());
        let changed = match self {
            Self::Sqlite(session) => session.execute(&text, &parameters)?,
            Self::Postgres(session) => session.execute(&text, &parameters).await?,
        };
        if changed == 0 {
            return Err(Error::Conflict {
                message: format!("the {} was deleted meanwhile", E::TABLE.name),
                hint: "look again and decide anew".to_owned(),
            });
        }
        Ok(())
    }

    /// Makes sure that no sweeper of blobs is at work from here on: said before rows name blobs.
    /// On SQLite there is one change at a time anyway.
    pub(crate) async fn name_blobs(&mut self) -> Result<()> {
        self.lock_blobs(&sql::NAME_BLOBS).await
    }

    /// Waits until nobody is about to name blobs, and keeps others from it until the end.
    pub(crate) async fn sweep_blobs(&mut self) -> Result<()> {
        self.lock_blobs(&sql::SWEEP_BLOBS).await
    }

    async fn lock_blobs(&mut self, lock: &Sql) -> Result<()> {
        match self {
            Self::Sqlite(_) => Ok(()),
            Self::Postgres(_) => self.query(lock, &[], |_| Ok(())).await.map(drop),
        }
    }

    /// Ends reading. A snapshot that is dropped instead costs PostgreSQL its connection.
    pub(crate) async fn end(self) -> Result<()> {
        self.commit().await
    }

    /// Makes the change permanent. When it returns, it stays, whatever happens.
    pub(crate) async fn commit(self) -> Result<()> {
        match self {
            Self::Sqlite(session) => session.commit(),
            Self::Postgres(session) => session.commit().await,
        }
    }
}

/// Does something with the database on a thread of its own, while the caller does something
/// else; [`joined`] waits for it.
pub(crate) fn aside<F: Future<Output: Send + 'static>>(
    work: impl FnOnce() -> F + Send + 'static,
) -> JoinHandle<F::Output> {
    let runtime = tokio::runtime::Handle::current();
    tokio::task::spawn_blocking(move || runtime.block_on(work()))
}

/// Waits for what is done aside; if that panicked, so does this.
pub(crate) async fn joined<T>(work: JoinHandle<T>) -> T {
    match work.await {
        Ok(done) => done,
        Err(failed) => std::panic::resume_unwind(failed.into_panic()),
    }
}

/// Runs something that blocks, without holding up other tasks where the runtime has more
/// than one thread.
pub(crate) fn blocking<T>(work: impl FnOnce() -> T) -> T {
    use tokio::runtime::{Handle, RuntimeFlavor};
    match Handle::try_current().map(|handle| handle.runtime_flavor()) {
        Ok(RuntimeFlavor::MultiThread) => tokio::task::block_in_place(work),
        _ => work(),
    }
}

#[cfg(test)]
pub(crate) mod tests;
