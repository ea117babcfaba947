//! SQLite: one writer, a few readers, write-ahead log.

use std::path::{Path, PathBuf};

use deadpool::managed;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags};
use tokio::sync::{Mutex, OwnedMutexGuard};

use super::entity::Table;
use super::migrate::{self, Migrated};
use super::sql::{self, Engine};
use super::value::{Row, Value};
use super::{LOCK_TIMEOUT, blocking};
use crate::error::{Error, Result};
use crate::planted::{self, Planted};

const READERS: usize = 4;
const CACHED_STATEMENTS: usize = 128;
/// The longest path of a database file, in bytes: SQLite's limit (`MAX_PATHNAME`), less the
/// ending of the files beside it.
const MAX_PATH_BYTES: usize = 512 - "-journal".len();

pub(crate) struct SqliteDatabase {
    writer: std::sync::Arc<Mutex<Connection>>,
    readers: managed::Pool<ReaderManager>,
}

impl SqliteDatabase {
    pub(super) fn open(file: &Path, version: u32) -> Result<(Self, Migrated)> {
        check_path(file)?;
        let mut writer =
            open_connection(file, OpenFlags::default()).map_err(|e| opening(file, e))?;
        let migrated = migrate::sqlite(&mut writer, file, version)?;
        let database = Self::with(writer, file, false)?;
        Ok((database, migrated))
    }

    /// Opens the file only to read it: nothing is written, and changes are refused.
    ///
    /// Where the file system is read-only, the engine can't make the files that readers of a
    /// write-ahead log share; without a log that is to be read, it does without.
    pub(super) fn open_read_only(file: &Path) -> Result<Self> {
        check_path(file)?;
        let open = |is_immutable| {
            let connection = open_reader(file, is_immutable)?;
            connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| {
                row.get::<_, i64>(0)
            })?;
            Ok(connection)
        };
        let (connection, is_immutable) = match open(false) {
            Err(error) if is_read_only(&error) && !has_log(file) => (open(true), true),
            opened => (opened, false),
        };
        let connection = connection.map_err(|error: rusqlite::Error| opening(file, error))?;
        migrate::check_sqlite(&connection, file)?;
        Self::with(connection, file, is_immutable)
    }

    fn with(writer: Connection, file: &Path, is_immutable: bool) -> Result<Self> {
        let manager = ReaderManager {
            file: file.to_owned(),
            is_immutable,
        };
        let readers = managed::Pool::builder(manager)
            .max_size(READERS)
            .build()
            .map_err(|e| opening(file, e))?;
        let writer = std::sync::Arc::new(Mutex::new(writer));
        Ok(Self { writer, readers })
    }

    pub(super) async fn reader(&self) -> Result<SqliteSession> {
        let reader = self
            .readers
            .get()
            .await
            .map_err(|source| Error::Unavailable {
                message: "the database file cannot be opened for reading".to_owned(),
                hint: "check that the file is there and readable".to_owned(),
                source: Some(Box::new(source)),
            })?;
        Ok(SqliteSession {
            lease: Lease::Reader(reader),
            in_transaction: false,
        })
    }

    pub(super) async fn writer(&self) -> SqliteSession {
        let writer = self.writer.clone().lock_owned().await;
        SqliteSession {
            lease: Lease::Writer(writer),
            in_transaction: false,
        }
    }
}

pub(super) fn check_path(file: &Path) -> Result<()> {
    let length = file.as_os_str().len();
    if cfg!(unix) && length > MAX_PATH_BYTES {
        return Err(Error::Unavailable {
            message: format!(
                "the path of the database would be {length} bytes long, and SQLite opens up to \
                 {MAX_PATH_BYTES}"
            ),
            hint: "choose a folder that is not so deep, or a PostgreSQL database".to_owned(),
            source: None,
        });
    }
    Ok(())
}

/// Opens read-only connections for the pool.
struct ReaderManager {
    file: PathBuf,
    /// Nobody can change the file: it lies where nothing can be written.
    is_immutable: bool,
}

impl managed::Manager for ReaderManager {
    type Type = Connection;
    type Error = rusqlite::Error;

    async fn create(&self) -> Result<Connection, rusqlite::Error> {
        open_reader(&self.file, self.is_immutable)
    }

    async fn recycle(
        &self,
        _: &mut Connection,
        _: &managed::Metrics,
    ) -> managed::RecycleResult<rusqlite::Error> {
        Ok(())
    }
}

fn open_reader(file: &Path, is_immutable: bool) -> Result<Connection, rusqlite::Error> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    if !is_immutable {
        return open_connection(file, flags);
    }
    // https://www.sqlite.org/uri.html: what means something in an address is escaped.
    let mut address = "file:".to_owned();
    for byte in file.as_os_str().as_encoded_bytes() {
        match byte {
            b'/' | b'.' | b'-' | b'_' | b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' => {
                address.push(char::from(*byte));
            }
            // Writing to a String cannot fail.
            _ => drop(std::fmt::Write::write_fmt(
                &mut address,
                format_args!("%{byte:02X}"),
            )),
        }
    }
    address.push_str("?immutable=1");
    open_connection(Path::new(&address), flags | OpenFlags::SQLITE_OPEN_URI)
}

/// Says whether an error may come from a file system that is read-only.
fn is_read_only(error: &rusqlite::Error) -> bool {
    let code = error.sqlite_error_code();
    matches!(code, Some(ErrorCode::CannotOpen | ErrorCode::ReadOnly))
}

/// Says whether there is a write-ahead log that has to be read, too.
fn has_log(file: &Path) -> bool {
    let mut log = file.as_os_str().to_owned();
    log.push("-wal");
    std::fs::metadata(log).is_ok_and(|log| log.len() > 0)
}

fn open_connection(file: &Path, flags: OpenFlags) -> Result<Connection, rusqlite::Error> {
    let connection = Connection::open_with_flags(file, flags)?;
    connection.busy_timeout(LOCK_TIMEOUT)?;
    connection.set_prepared_statement_cache_capacity(CACHED_STATEMENTS);
    // Without it, a statement is planned anew whenever other parameters might let it use a
    // partial index: each time it is used.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    if flags.contains(OpenFlags::SQLITE_OPEN_READ_WRITE) {
        connection.execute_batch("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;")?;
    }
    connection.execute_batch(
        "PRAGMA foreign_keys = ON; PRAGMA trusted_schema = OFF; PRAGMA temp_store = MEMORY;
         PRAGMA cache_size = -16384;",
    )?;
    rusqlite::vtab::array::load_module(&connection)?;
    // A build without foreign keys ignores the pragma silently.
    let enforced: bool = connection.pragma_query_value(None, "foreign_keys", |row| row.get(0))?;
    if enforced {
        Ok(connection)
    } else {
        Err(rusqlite::Error::InvalidQuery)
    }
}

fn opening(file: &Path, source: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::Unavailable {
        message: format!("the database {} cannot be opened", file.display()),
        hint: "check that the file is a Pegbar database, readable and writable".to_owned(),
        source: Some(Box::new(source)),
    }
}

enum Lease {
    Reader(managed::Object<ReaderManager>),
    Writer(OwnedMutexGuard<Connection>),
}

/// A connection to the file, and the transaction on it.
pub(crate) struct SqliteSession {
    lease: Lease,
    in_transaction: bool,
}

/// Takes the writer's lock now: a transaction that began by reading could fail later. FULL: the
/// commit survives a power cut, not only a crash of ours.
const FLUSHED: &str = "PRAGMA synchronous = FULL; BEGIN IMMEDIATE";
const UNFLUSHED: &str = "PRAGMA synchronous = NORMAL; BEGIN IMMEDIATE";

#[derive(Clone, Copy)]
pub(super) enum Begin {
    Snapshot,
    Write,
    /// Its commit is not flushed: it comes onto the disk with the next that is.
    WriteUnflushed,
}

impl SqliteSession {
    pub(super) fn connection(&self) -> &Connection {
        match &self.lease {
            Lease::Reader(connection) => connection,
            Lease::Writer(connection) => connection,
        }
    }

    pub(super) fn begin(&mut self, begin: Begin) -> Result<()> {
        let text = match begin {
            Begin::Snapshot => "BEGIN",
            Begin::Write if planted::is(Planted::CommitNotFlushed) => UNFLUSHED,
            Begin::Write => FLUSHED,
            Begin::WriteUnflushed => UNFLUSHED,
        };
        blocking(|| self.connection().execute_batch(text)).map_err(refused("beginning"))?;
        self.in_transaction = true;
        Ok(())
    }

    pub(super) fn query<T>(
        &mut self,
        text: &str,
        parameters: &[Value<'_>],
        mut read: impl FnMut(&Row<'_>) -> Result<T>,
    ) -> Result<Vec<T>> {
        let mut statement = self
            .connection()
            .prepare_cached(text)
            .map_err(refused("a query"))?;
        let parameters = rusqlite::params_from_iter(parameters);
        let mut rows = statement.query(parameters).map_err(refused("a query"))?;
        let mut found = Vec::new();
        while let Some(row) = rows.next().map_err(refused("reading"))? {
            found.push(read(&Row::Sqlite(row))?);
        }
        Ok(found)
    }

    pub(super) fn execute(&mut self, text: &str, parameters: &[Value<'_>]) -> Result<u64> {
        let mut statement = self
            .connection()
            .prepare_cached(text)
            .map_err(refused("a change"))?;
        let changed = statement.execute(rusqlite::params_from_iter(parameters));
        Ok(changed.map_err(refused("a change"))? as u64)
    }

    pub(super) fn execute_many(&mut self, text: &str, sets: &[Vec<Value<'_>>]) -> Result<()> {
        let mut statement = self
            .connection()
            .prepare_cached(text)
            .map_err(refused("a change"))?;
        for parameters in sets {
            let changed = statement.execute(rusqlite::params_from_iter(parameters));
            changed.map_err(refused("a change"))?;
        }
        Ok(())
    }

    pub(super) fn insert<'r, R>(
        &mut self,
        table: &Table,
        rows: &'r [R],
        bind: impl Fn(&'r R, usize) -> Value<'r>,
    ) -> Result<()> {
        let text = sql::insert(table, Engine::Sqlite);
        let mut statement = self
            .connection()
            .prepare_cached(&text)
            .map_err(refused("a new row"))?;
        for row in rows {
            for column in 0..table.columns.len() {
                statement
                    .raw_bind_parameter(column + 1, bind(row, column))
                    .map_err(refused("a new row"))?;
            }
            statement.raw_execute().map_err(refused("a new row"))?;
        }
        Ok(())
    }

    pub(super) fn commit(mut self) -> Result<()> {
        blocking(|| self.connection().execute_batch("COMMIT")).map_err(refused("the commit"))?;
        self.in_transaction = false;
        Ok(())
    }
}

impl Drop for SqliteSession {
    fn drop(&mut self) {
        if self.in_transaction && !self.connection().is_autocommit() {
            // If even that fails, the connection's next BEGIN says so.
            let _ = self.connection().execute_batch("ROLLBACK");
        }
    }
}

/// Turns SQLite's refusals into what a caller can react to.
fn refused(action: &'static str) -> impl Fn(rusqlite::Error) -> Error {
    move |error| {
        let unavailable = |message: &str, hint: &str, source| Error::Unavailable {
            message: message.to_owned(),
            hint: hint.to_owned(),
            source: Some(Box::new(source)),
        };
        if let Some(sealed) = sealed(&error) {
            return sealed;
        }
        match error.sqlite_error_code() {
            Some(ErrorCode::ConstraintViolation) => Error::Conflict {
                message: format!("the database refused {action}: {error}"),
                hint: "something else still points at it, or has the same place".to_owned(),
            },
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => unavailable(
                "another process is changing this studio",
                "wait for it to finish, then run the command again",
                error,
            ),
            Some(ErrorCode::DiskFull) => unavailable(
                "the disk is full",
                "free some room and run the command again; nothing is half-written",
                error,
            ),
            Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => unavailable(
                "the database is read-only",
                "check who owns .pegbar and whether it is mounted read-only",
                error,
            ),
            Some(ErrorCode::SystemIoFailure | ErrorCode::CannotOpen) => unavailable(
                "the database file cannot be read or written",
                "check that its disk is there, has room and works",
                error,
            ),
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => Error::Damaged {
                place: "the database file".to_owned(),
                reason: error.to_string(),
                source: Some(Box::new(error)),
            },
            _ => Error::Database {
                action,
                source: Box::new(error),
            },
        }
    }
}

/// Recognizes that one of our triggers refused to change what is recorded.
fn sealed(error: &rusqlite::Error) -> Option<Error> {
    match error {
        rusqlite::Error::SqliteFailure(failure, Some(message))
            if failure.extended_code == rusqlite::ffi::SQLITE_CONSTRAINT_TRIGGER =>
        {
            Error::sealed(message)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use rusqlite::StatementStatus;

    use super::*;

    #[test]
    fn a_statement_is_planned_once_for_all_parameters() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("plans.db");
        let connection = open_connection(&file, OpenFlags::default()).unwrap();
        let schema = "CREATE TABLE asset (project TEXT, id TEXT, kind TEXT, PRIMARY KEY (project, id)); \
                      CREATE INDEX frames ON asset (project) WHERE kind = 'frame';";
        connection.execute_batch(schema).unwrap();
        let text = "SELECT id FROM asset WHERE project = $1 AND kind = $2 ORDER BY id";
        let mut statement = connection.prepare(text).unwrap();
        for number in 0..10 {
            let name = number.to_string();
            let mut rows = statement.query([&name, &name]).unwrap();
            assert!(rows.next().unwrap().is_none());
        }
        assert_eq!(statement.get_status(StatementStatus::RePrepare), 0);
    }
}
