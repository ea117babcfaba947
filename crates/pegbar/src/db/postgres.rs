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

use super::entity::Entity;
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
    pub(super) async fn open(url: &str) -> Result<(Self, Migrated)> {
        let mut config: tokio_postgres::Config =
            url.parse().map_err(|source| Error::Unavailable {
                // The address may hold a password: it is not repeated.
                message: "the address of the PostgreSQL database is malformed".to_owned(),
                hint: "it looks like postgres://user:password@host:5432/database".to_owned(),
                source: Some(Box::new(source)),
            })?;
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
        let database = Self { pool };
        let mut session = database.connection().await?;
        let migrated = migrate::postgres(session.object()?).await?;
        Ok((database, migrated))
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
    /// A change, with the transaction's number for the case that the commit's answer is lost.
    Write {
        transaction: String,
    },
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
                let text = "BEGIN; SELECT pg_current_xact_id()::text";
                self.state = State::Write {
                    transaction: String::new(),
                };
                let rows = self.object()?.simple_query(text).await;
                let rows = rows.map_err(refused("beginning"))?;
                let transaction = rows.iter().find_map(|message| match message {
                    tokio_postgres::SimpleQueryMessage::Row(row) => row.get(0),
                    _ => None,
                });
                let transaction = transaction.unwrap_or_default().to_owned();
                self.state = State::Write { transaction };
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

    pub(super) async fn insert<E: Entity>(&mut self, rows: &[E]) -> Result<()> {
        let statement = self
            .prepare(&sql::insert(E::TABLE, Engine::Postgres))
            .await?;
        for batch in rows.chunks(BATCH) {
            let columns: Vec<Vec<Value<'_>>> = (0..E::TABLE.columns.len())
                .map(|column| batch.iter().map(|row| row.bind(column)).collect())
                .collect();
            let parameters: Vec<&(dyn ToSql + Sync)> = columns.iter().map(|c| c as _).collect();
            let inserted = self.object()?.execute(&statement, &parameters).await;
            inserted.map_err(refused("new rows"))?;
        }
        Ok(())
    }

    pub(super) async fn commit(mut self) -> Result<()> {
        let committed = self.object()?.batch_execute("COMMIT").await;
        let state = std::mem::replace(&mut self.state, State::Idle);
        match (committed, state) {
            (Ok(()), _) => Ok(()),
            (Err(error), State::Write { transaction }) if error.code().is_none_or(is_lost) => {
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
async fn settle(pool: &Pool, transaction: &str, lost: tokio_postgres::Error) -> Result<()> {
    for _ in 0..COMMIT_LOOKUPS {
        if let Ok(object) = pool.get().await {
            let text = "SELECT pg_xact_status($1::text::xid8)";
            let status = object.query_one(text, &[&transaction]).await;
            match status
                .and_then(|row| row.try_get::<_, Option<String>>(0))
                .as_ref()
                .map(Option::as_deref)
            {
                Ok(Some("committed")) => return Ok(()),
                Ok(Some("aborted")) => return Err(refused("the commit")(lost)),
                // Still in progress, or the server is coming up again.
                _ => {}
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
