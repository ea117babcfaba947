//! PostgreSQL: a pool of connections, and commits that are looked up when the answer is lost.

use std::pin::pin;
use std::time::Duration;

use deadpool_postgres::{
    Manager, ManagerConfig, Object, Pool, PoolError, RecyclingMethod, Runtime,
};
use futures_util::StreamExt;
use futures_util::future::try_join_all;
use tokio_postgres::error::SqlState;
use tokio_postgres::types::ToSql;
use tokio_postgres::{NoTls, Statement};

use super::entity::{Entity, Table};
use super::migrate::{self, Migrated};
use super::sql::{self, Engine};
use super::value::{Row, Value};
use crate::error::{Error, Result};
use crate::planted::{self, Planted};

const CONNECTIONS: usize = 16;
/// Rows per batch: PostgreSQL takes any number, memory on both sides does not.
const BATCH: usize = 10_000;
/// How many changes are on their way at once.
const PIPELINE: usize = 256;
const CONNECT_TIMEOUT: Duration = Duration::from_secs(15);
/// How often the outcome of a commit whose answer was lost is looked up, a second apart.
const COMMIT_LOOKUPS: u32 = 30;

pub(crate) struct PostgresDatabase {
    pool: Pool,
}

impl PostgresDatabase {
    pub(super) async fn open(url: &str, version: u32) -> Result<(Self, Migrated)> {
        let database = Self::of(parse(url)?)?;
        let mut session = database.connection().await?;
        let migrated = migrate::postgres(session.object()?, version).await?;
        Ok((database, migrated))
    }

    /// Opens the database only to read it: the server refuses changes.
    pub(super) async fn open_read_only(url: &str) -> Result<Self> {
        let mut config = parse(url)?;
        config.options("-c default_transaction_read_only=on");
        let database = Self::of(config)?;
        let mut session = database.connection().await?;
        migrate::check_postgres(session.object()?).await?;
        Ok(database)
    }

    fn of(mut config: tokio_postgres::Config) -> Result<Self> {
        config.connect_timeout(CONNECT_TIMEOUT);
        config.application_name("pegbar");
        if planted::is(Planted::CommitNotFlushed) {
            config.options("-c synchronous_commit=off");
        }
        let manager_config = ManagerConfig {
            recycling_method: RecyclingMethod::Fast,
        };
        let pool = Pool::builder(Manager::from_config(config, NoTls, manager_config))
            .max_size(CONNECTIONS)
            .runtime(Runtime::Tokio1)
            .wait_timeout(Some(super::LOCK_TIMEOUT))
            .build()
            .map_err(unreachable_server)?;
        Ok(Self { pool })
    }

    pub(super) async fn connection(&self) -> Result<PostgresSession> {
        let object = self.pool.get().await.map_err(not_connected)?;
        Ok(PostgresSession {
            object: Some(object),
            pool: self.pool.clone(),
            state: State::Idle,
        })
    }
}

fn parse(url: &str) -> Result<tokio_postgres::Config> {
    url.parse().map_err(|source| Error::Unavailable {
        // The address may hold a password: it is not repeated.
        message: "the address of the PostgreSQL database is malformed".to_owned(),
        hint: "it looks like postgres://user:password@host:5432/database".to_owned(),
        source: Some(Box::new(source)),
    })
}

/// Tells a server that refuses (no such database or user, a wrong password) from one that
/// does not answer.
fn not_connected(error: PoolError) -> Error {
    let refusal = match &error {
        PoolError::Backend(backend) => backend
            .as_db_error()
            .map(|error| error.message().to_owned()),
        _ => None,
    };
    match refusal {
        Some(message) => Error::Unavailable {
            message: format!("the PostgreSQL server refuses the connection: {message}"),
            hint: "check user, password and database in PEGBAR_DATABASE_URL".to_owned(),
            source: None,
        },
        None => unreachable_server(error),
    }
}

fn unreachable_server(source: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::Unavailable {
        message: "the PostgreSQL server does not answer".to_owned(),
        hint: "check PEGBAR_DATABASE_URL and that the server runs".to_owned(),
        source: Some(Box::new(source)),
    }
}

fn lost_server(source: tokio_postgres::Error) -> Error {
    Error::Unavailable {
        message: "the connection to the PostgreSQL server was lost".to_owned(),
        hint: "nothing was changed; run the command again when the server is back".to_owned(),
        source: Some(Box::new(source)),
    }
}

#[derive(PartialEq)]
enum State {
    Idle,
    Snapshot,
    /// A change.
    Write(Transaction),
}

/// What a transaction is known by, for the case that the answer to its commit is lost.
#[derive(Debug, Default, PartialEq)]
struct Transaction {
    /// Its number. A server that was killed may give it to another: the numbers of those whose
    /// commits did not reach its disk are free again.
    number: String,
    /// When the server started that gave the number.
    server_start: String,
    /// A row that it inserted: its table and id.
    witness: Option<(&'static str, uuid::Uuid)>,
}

pub(super) enum Begin {
    Snapshot,
    Write,
}

/// A connection to the server, and the transaction on it.
pub(crate) struct PostgresSession {
    /// There until the session ends.
    object: Option<Object>,
    /// Where another connection comes from, to ask what became of a commit.
    pool: Pool,
    state: State,
}

impl PostgresSession {
    pub(super) fn object(&mut self) -> Result<&mut Object> {
        self.object.as_mut().ok_or_else(|| Error::Unavailable {
            message: "the connection to PostgreSQL is closed".to_owned(),
            hint: "run the command again".to_owned(),
            source: None,
        })
    }

    async fn prepare(&mut self, text: &str) -> Result<Statement> {
        let prepared = self.object()?.prepare_cached(text).await;
        prepared.map_err(refused("a statement"))
    }

    pub(super) async fn begin(&mut self, begin: Begin) -> Result<()> {
        // The state first: a caller that goes away while the server answers leaves a connection
        // behind whose transaction may have begun.
        match begin {
            Begin::Snapshot => {
                let text = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";
                self.state = State::Snapshot;
                let answer = self.object()?.batch_execute(text).await;
                answer.map_err(refused("beginning"))?;
            }
            Begin::Write => {
                let text = "BEGIN; SELECT pg_current_xact_id()::text, \
                            pg_postmaster_start_time()::text";
                self.state = State::Write(Transaction::default());
                let rows = self.object()?.simple_query(text).await;
                let rows = rows.map_err(refused("beginning"))?;
                let row = rows.iter().find_map(|message| match message {
                    tokio_postgres::SimpleQueryMessage::Row(row) => Some(row),
                    _ => None,
                });
                let column = |place| row.and_then(|row| row.get(place)).unwrap_or_default();
                self.state = State::Write(Transaction {
                    number: column(0).to_owned(),
                    server_start: column(1).to_owned(),
                    witness: None,
                });
            }
        }
        Ok(())
    }

    pub(super) async fn query<T>(
        &mut self,
        text: &str,
        parameters: &[Value<'_>],
        mut read: impl FnMut(&Row<'_>) -> Result<T>,
    ) -> Result<Vec<T>> {
        let statement = self.prepare(text).await?;
        let parameters = parameters.iter().map(|p| p as &(dyn ToSql + Sync));
        let rows = self.object()?.query_raw(&statement, parameters).await;
        // Row by row: a hundred thousand of them at once cost more to keep than to read.
        let mut rows = pin!(rows.map_err(refused("a query"))?);
        let mut found = Vec::new();
        while let Some(row) = rows.next().await {
            let row = row.map_err(refused("a query"))?;
            found.push(read(&Row::Postgres(&row))?);
        }
        Ok(found)
    }

    pub(super) async fn execute(&mut self, text: &str, parameters: &[Value<'_>]) -> Result<u64> {
        let statement = self.prepare(text).await?;
        let parameters: Vec<&(dyn ToSql + Sync)> = parameters.iter().map(|p| p as _).collect();
        let changed = self.object()?.execute(&statement, &parameters).await;
        changed.map_err(refused("a change"))
    }

    pub(super) async fn execute_many(&mut self, text: &str, sets: &[Vec<Value<'_>>]) -> Result<()> {
        let statement = self.prepare(text).await?;
        let client = self.object()?;
        for batch in sets.chunks(PIPELINE) {
            // Sent one behind the other without waiting for the answers.
            let changes = batch.iter().map(async |parameters| {
                let parameters: Vec<&(dyn ToSql + Sync)> =
                    parameters.iter().map(|p| p as _).collect();
                client.execute(&statement, &parameters).await
            });
            try_join_all(changes).await.map_err(refused("a change"))?;
        }
        Ok(())
    }

    pub(super) async fn insert<'r, R: Sync>(
        &mut self,
        table: &Table,
        rows: &'r [R],
        bind: impl Fn(&'r R, usize) -> Value<'r> + Send + Sync,
    ) -> Result<()> {
        let statement = self.prepare(&sql::insert(table, Engine::Postgres)).await?;
        for batch in rows.chunks(BATCH) {
            let columns: Vec<Vec<Value<'_>>> = (0..table.columns.len())
                .map(|column| batch.iter().map(|row| bind(row, column)).collect())
                .collect();
            let parameters: Vec<&(dyn ToSql + Sync)> = columns.iter().map(|c| c as _).collect();
            let inserted = self.object()?.execute(&statement, &parameters).await;
            inserted.map_err(refused("new rows"))?;
        }
        self.remember(table, rows.first().map(|row| bind(row, 0)));
        Ok(())
    }

    /// Remembers a row that tells later whether the transaction was kept. What is stale of the
    /// view does not: whoever comes next removes those rows.
    fn remember(&mut self, table: &Table, first_column: Option<Value<'_>>) {
        if let (State::Write(transaction), Some(Value::Id(id))) = (&mut self.state, first_column)
            && table.name != crate::view::Outbox::TABLE.name
            && table.columns[0].0 == "id"
        {
            transaction.witness.get_or_insert((table.name, id));
        }
    }

    pub(super) async fn commit(mut self) -> Result<()> {
        let committed = self.object()?.batch_execute("COMMIT").await;
        let state = std::mem::replace(&mut self.state, State::Idle);
        match (committed, state) {
            (Ok(()), _) => Ok(()),
            (Err(error), State::Write(transaction)) if error.code().is_none_or(is_lost) => {
                let pool = self.pool.clone();
                drop(self);
                settle(&pool, &transaction, error).await
            }
            (Err(error), _) => Err(refused("the commit")(error)),
        }
    }
}

/// Says whether the connection broke, however it was noticed.
fn is_cut(error: &tokio_postgres::Error) -> bool {
    let cause = std::error::Error::source(error);
    error.is_closed() || cause.is_some_and(<dyn std::error::Error>::is::<std::io::Error>)
}

/// Says whether the server ended the connection, which leaves open what became of a commit.
fn is_lost(code: &SqlState) -> bool {
    code.code().starts_with("57P") || code.code().starts_with("08")
}

/// Asks the server what became of a transaction whose answer was lost.
async fn settle(pool: &Pool, transaction: &Transaction, lost: tokio_postgres::Error) -> Result<()> {
    for _ in 0..COMMIT_LOOKUPS {
        if let Ok(object) = pool.get().await {
            match look_up(&object, transaction).await {
                Ok(Some(true)) => return Ok(()),
                Ok(Some(false)) => return Err(refused("the commit")(lost)),
                Ok(None) => break,
                // Still in progress, or the server is coming up again.
                Err(_) => {}
            }
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    Err(Error::Unavailable {
        message: "the connection to PostgreSQL was lost while the change was committed, and it \
                  cannot be learned whether it was kept"
            .to_owned(),
        hint: "look at what is there when the server answers again".to_owned(),
        source: Some(Box::new(lost)),
    })
}

/// Looks a transaction up; `None` where it can't be learned what became of it, and an error
/// where it may be later.
async fn look_up(object: &Object, transaction: &Transaction) -> Result<Option<bool>> {
    let failed = refused("a query");
    let text = "SELECT pg_xact_status($1::text::xid8), pg_postmaster_start_time()::text";
    let row = object.query_one(text, &[&transaction.number]).await;
    let row = row.map_err(&failed)?;
    let status: Option<String> = row.try_get(0).map_err(&failed)?;
    let server_start: String = row.try_get(1).map_err(&failed)?;
    match (status.as_deref(), transaction.witness) {
        (Some("aborted"), _) => Ok(Some(false)),
        // The number alone may be that of another, if the server was killed meanwhile.
        (Some("committed"), Some((table, id))) => {
            let text = format!("SELECT FROM {table} WHERE id = $1");
            let found = object.query_opt(&text, &[&id]).await.map_err(&failed)?;
            Ok(found.map(|_| true))
        }
        (Some("committed"), None) => Ok((server_start == transaction.server_start).then_some(true)),
        _ => Err(Error::Unavailable {
            message: "the outcome of a change is not known yet".to_owned(),
            hint: "ask again".to_owned(),
            source: None,
        }),
    }
}

impl Drop for PostgresSession {
    fn drop(&mut self) {
        if self.state == State::Idle {
            return;
        }
        // An open transaction ends with its connection: the pool must not hand it out again.
        if let Some(object) = self.object.take() {
            drop(Object::take(object));
        }
    }
}

/// Turns PostgreSQL's refusals into what a caller can react to.
pub(super) fn refused(action: &'static str) -> impl Fn(tokio_postgres::Error) -> Error {
    move |error| {
        let Some(database_error) = error.as_db_error() else {
            return if is_cut(&error) {
                lost_server(error)
            } else {
                Error::Database {
                    action,
                    source: Box::new(error),
                }
            };
        };
        let state = database_error.code();
        if let Some(sealed) = Error::sealed(database_error.message()) {
            return sealed;
        }
        if state.code().starts_with("23") {
            return Error::Conflict {
                message: format!(
                    "the database refused {action}: {}",
                    database_error.message()
                ),
                hint: "something else still points at it, or has the same place".to_owned(),
            };
        }
        let (message, hint) = if *state == SqlState::DISK_FULL {
            (
                "the server's disk is full",
                "free some room there; nothing is half-written",
            )
        } else if *state == SqlState::INSUFFICIENT_PRIVILEGE {
            (
                "the database user may not do this",
                "grant it the rights on Pegbar's tables",
            )
        } else if *state == SqlState::LOCK_NOT_AVAILABLE {
            (
                "another program is changing this project",
                "wait for it to finish, then run the command again",
            )
        } else if *state == SqlState::T_R_DEADLOCK_DETECTED {
            (
                "another program is changing the same rows",
                "run the command again",
            )
        } else if is_lost(state) {
            (
                "the PostgreSQL server ended the connection",
                "run the command again when it is back",
            )
        } else {
            return Error::Database {
                action,
                source: Box::new(error),
            };
        };
        Error::Unavailable {
            message: message.to_owned(),
            hint: hint.to_owned(),
            source: Some(Box::new(error)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_number_that_belongs_to_another_transaction_now_acknowledges_nothing() {
        // The integration tests say when there is no server.
        let Ok(server) = std::env::var("PEGBAR_TEST_POSTGRES") else {
            return;
        };
        let table: &'static str = format!("pegbar_witness_{}", std::process::id()).leak();
        let config = server.parse().unwrap();
        let manager = Manager::from_config(config, NoTls, ManagerConfig::default());
        let pool = Pool::builder(manager).build().unwrap();
        let object = pool.get().await.unwrap();
        let (ours, lost) = (uuid::Uuid::from_u128(1), uuid::Uuid::from_u128(2));
        let create = format!("CREATE TABLE {table} (id uuid PRIMARY KEY)");
        object.batch_execute(&create).await.unwrap();
        let transaction = async |end: &str| {
            let number = "SELECT pg_current_xact_id()::text, pg_postmaster_start_time()::text";
            object.batch_execute("BEGIN").await.unwrap();
            let row = object.query_one(number, &[]).await.unwrap();
            let insert = format!("INSERT INTO {table} VALUES ($1)");
            object.execute(&insert, &[&ours]).await.unwrap();
            object.batch_execute(end).await.unwrap();
            (row.get::<_, String>(0), row.get::<_, String>(1))
        };
        let aborted = transaction("ROLLBACK").await;
        let committed = transaction("COMMIT").await;
        let look = async |(number, start): &(String, String), id: Option<uuid::Uuid>| {
            let transaction = Transaction {
                number: number.clone(),
                server_start: start.clone(),
                witness: id.map(|id| (table, id)),
            };
            look_up(&object, &transaction).await.unwrap()
        };
        assert_eq!(look(&committed, Some(ours)).await, Some(true));
        assert_eq!(look(&committed, None).await, Some(true));
        assert_eq!(look(&aborted, Some(ours)).await, Some(false));
        // As after a crash, when the number was given to another.
        assert_eq!(look(&committed, Some(lost)).await, None);
        let earlier = (committed.0, "before the crash".to_owned());
        assert_eq!(look(&earlier, None).await, None);
        let drop = format!("DROP TABLE {table}");
        object.batch_execute(&drop).await.unwrap();
    }
}
