//! Bringing a database's schema up to date: once, in a transaction, never backwards.

use std::collections::BTreeSet;
use std::fs::File;
use std::path::Path;
use std::sync::LazyLock;

use refinery::{Migration, Runner, Target};
use rusqlite::Connection;

use super::postgres::refused;
use super::sql::{Engine, render_migration};
use crate::error::{Error, IoContext, Result};

mod sources {
    refinery::embed_migrations!("migrations");
}

/// Returns the schema version that this build of Pegbar works with.
#[must_use]
pub fn latest_version() -> u32 {
    static LATEST: LazyLock<u32> = LazyLock::new(|| {
        let runner = sources::migrations::runner();
        let versions = runner
            .get_migrations()
            .iter()
            .map(|source| source.version().unsigned_abs());
        versions.max().unwrap_or(0)
    });
    *LATEST
}

/// Returns the text of the migrations up to a version, in order.
pub(super) fn sources_up_to(version: u32) -> Vec<String> {
    let runner = sources::migrations::runner();
    let mut known: Vec<&Migration> = runner.get_migrations().iter().collect();
    known.retain(|source| source.version().unsigned_abs() <= version);
    known.sort_by_key(|source| source.version());
    let texts = known.into_iter().map(|source| source.sql());
    texts
        .map(|text| text.unwrap_or_default().to_owned())
        .collect()
}

/// Returns the names of the constraints that the migrations give to a PostgreSQL database.
pub(crate) fn constraint_names() -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for source in sources::migrations::runner().get_migrations() {
        let text = render_migration(source.sql().unwrap_or_default(), Engine::Postgres);
        let lines = text.lines().filter(|line| !line.starts_with("--"));
        let words: Vec<&str> = lines.flat_map(str::split_whitespace).collect();
        for pair in words.windows(3) {
            let [before, word, name] = pair else { continue };
            if *word == "CONSTRAINT" && *before == "DROP" {
                names.remove(name.trim_end_matches(';'));
            } else if *word == "CONSTRAINT" {
                names.insert((*name).to_owned());
            }
        }
    }
    names
}

/// Where refinery keeps what was applied.
const HISTORY: &str = "pegbar_migration";

/// The key of the lock that two processes migrating at once wait for: any number of our own.
const LOCK_KEY: i64 = 0x0070_6567_6261_7200;

/// What migrating did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Migrated {
    /// The schema version before; 0 for an empty database.
    pub from: u32,
    /// The schema version now.
    pub to: u32,
}

fn runner(engine: Engine, version: u32) -> Result<Runner> {
    let sources = sources::migrations::runner();
    let migrations: Result<Vec<Migration>, _> = sources
        .get_migrations()
        .iter()
        .map(|source| {
            let name = format!("V{}__{}", source.version(), source.name());
            let text = render_migration(source.sql().unwrap_or_default(), engine);
            Migration::unapplied(&name, &text)
        })
        .collect();
    let mut runner = Runner::new(&migrations.map_err(failed)?).set_grouped(true);
    runner.set_migration_table_name(HISTORY);
    let version = i32::try_from(version).unwrap_or(i32::MAX);
    Ok(runner.set_target(Target::Version(version)))
}

fn failed(source: refinery::Error) -> Error {
    Error::Unavailable {
        message: "the database's schema cannot be brought up to date".to_owned(),
        hint: "nothing was changed; the cause says what stands in the way".to_owned(),
        source: Some(Box::new(source)),
    }
}

fn refuse_newer(version: u32) -> Result<u32> {
    if version <= latest_version() {
        return Ok(version);
    }
    Err(Error::Unavailable {
        message: format!(
            "the database has schema version {version}; this Pegbar knows up to {}",
            latest_version()
        ),
        hint: "use a newer Pegbar; the database was left alone".to_owned(),
        source: None,
    })
}

/// Refuses a schema that this build does not work with as it is.
fn refuse_older(version: u32) -> Result<()> {
    if refuse_newer(version)? == latest_version() {
        return Ok(());
    }
    Err(Error::Unavailable {
        message: format!(
            "the database has schema version {version}, and {} is needed to look at it",
            latest_version()
        ),
        hint: "bring it up to date first: `pegbar migrate`".to_owned(),
        source: None,
    })
}

/// Checks the schema's version and changes nothing.
pub(super) fn check_sqlite(connection: &Connection, file: &Path) -> Result<()> {
    refuse_older(sqlite_version(connection, file)?)
}

/// Checks the schema's version and changes nothing.
pub(super) async fn check_postgres(client: &tokio_postgres::Client) -> Result<()> {
    refuse_older(postgres_version(client).await?)
}

fn sqlite_version(connection: &Connection, file: &Path) -> Result<u32> {
    let known = connection.table_exists(None, HISTORY);
    let version = known.and_then(|known| {
        let text = format!("SELECT coalesce(max(version), 0) FROM {HISTORY}");
        if known {
            connection.query_row(&text, [], |row| row.get(0))
        } else {
            Ok(0)
        }
    });
    version.map_err(|source| Error::Unavailable {
        message: format!("{} is not a database that Pegbar can read", file.display()),
        hint: "check that it is the right file".to_owned(),
        source: Some(Box::new(source)),
    })
}

/// Brings a database to a version, unless it is beyond it already.
pub(super) fn sqlite(connection: &mut Connection, file: &Path, version: u32) -> Result<Migrated> {
    let current = |connection: &Connection| sqlite_version(connection, file);
    let before = refuse_newer(current(connection)?)?;
    if before >= version {
        return Ok(Migrated {
            from: before,
            to: before,
        });
    }
    // refinery reads the history and applies in two steps: this lock makes them one.
    let lock_path = file.with_extension("migrate-lock");
    let lock = File::create(&lock_path).at("creating", &lock_path)?;
    lock.lock().at("locking", &lock_path)?;
    let from = refuse_newer(current(connection)?)?;
    if from < version {
        let runner = runner(Engine::Sqlite, version)?;
        runner.run(connection).map_err(failed)?;
    }
    Ok(Migrated {
        from,
        to: from.max(version),
    })
}

/// Brings a database to a version, unless it is beyond it already.
pub(super) async fn postgres(
    client: &mut tokio_postgres::Client,
    version: u32,
) -> Result<Migrated> {
    let target = version;
    let refused = refused("migrating");
    let version = client
        .query_one("SHOW server_version_num", &[])
        .await
        .map_err(&refused)?;
    let version: String = version.get(0);
    // pg_current_xact_id came with 13.
    if version
        .parse::<u32>()
        .is_ok_and(|version| version < 130_000)
    {
        return Err(Error::Unavailable {
            message: format!("PostgreSQL {version} is too old"),
            hint: "Pegbar works with PostgreSQL 13 and later".to_owned(),
            source: None,
        });
    }
    // A newer Pegbar may be migrating at this moment: the number is read under the lock.
    client
        .execute("SELECT pg_advisory_lock($1)", &[&LOCK_KEY])
        .await
        .map_err(&refused)?;
    let migrated = migrate_locked(client, target).await;
    client
        .execute("SELECT pg_advisory_unlock($1)", &[&LOCK_KEY])
        .await
        .map_err(&refused)?;
    migrated
}

async fn migrate_locked(client: &mut tokio_postgres::Client, target: u32) -> Result<Migrated> {
    let from = refuse_newer(postgres_version(client).await?)?;
    if from < target {
        let runner = runner(Engine::Postgres, target)?;
        runner.run_async(client).await.map_err(failed)?;
    }
    Ok(Migrated {
        from,
        to: from.max(target),
    })
}

async fn postgres_version(client: &tokio_postgres::Client) -> Result<u32> {
    let refused = refused("reading the schema's version");
    let known = client
        .query_one("SELECT to_regclass($1) IS NOT NULL", &[&HISTORY])
        .await;
    let known: bool = known.map_err(&refused)?.get(0);
    if !known {
        return Ok(0);
    }
    let text = format!("SELECT coalesce(max(version), 0) FROM {HISTORY}");
    let version: i32 = client.query_one(&text, &[]).await.map_err(&refused)?.get(0);
    Ok(version.unsigned_abs())
}
