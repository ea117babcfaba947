//! The database as another program sees it.

use std::path::Path;

use uuid::Uuid;

use super::unsealed::{postgres_triggers, tamper_sqlite};

pub(crate) enum Raw {
    Sqlite(rusqlite::Connection),
    Postgres(tokio_postgres::Client),
}

impl Raw {
    pub(crate) fn sqlite(file: &Path) -> Self {
        let connection = rusqlite::Connection::open(file).unwrap();
        connection
            .execute_batch("PRAGMA foreign_keys = ON")
            .unwrap();
        Self::Sqlite(connection)
    }

    pub(crate) async fn postgres(url: &str) -> Self {
        let connected = tokio_postgres::connect(url, tokio_postgres::NoTls).await;
        let (client, connection) = connected.unwrap();
        tokio::spawn(connection);
        Self::Postgres(client)
    }

    /// Runs statements in one transaction; after a refusal nothing of it stays.
    pub(crate) async fn transaction(&mut self, statements: &[String]) -> Result<(), String> {
        let text = format!("BEGIN; {}; COMMIT", statements.join("; "));
        let done = self.run(&text).await;
        if done.is_err() {
            let _ = self.run("ROLLBACK").await;
        }
        done
    }

    pub(crate) async fn run(&mut self, text: &str) -> Result<(), String> {
        match self {
            Self::Sqlite(connection) => connection
                .execute_batch(text)
                .map_err(|error| error.to_string()),
            Self::Postgres(client) => client.batch_execute(text).await.map_err(|error| {
                error
                    .as_db_error()
                    .map_or(error.to_string(), |error| error.message().to_owned())
            }),
        }
    }

    /// Runs statements past the triggers that seal records, as someone who owns the database
    /// can; keys between rows are checked as ever.
    pub(crate) async fn tamper(&mut self, text: &str) -> Result<(), String> {
        if let Self::Sqlite(connection) = self {
            return tamper_sqlite(connection, text).map_err(|error| error.to_string());
        }
        self.run(&postgres_triggers("DISABLE")).await.unwrap();
        let done = self.run(text).await;
        self.run(&postgres_triggers("ENABLE")).await.unwrap();
        done
    }

    /// Returns the first column of the first row, as text.
    pub(crate) async fn text(&mut self, query: &str) -> String {
        match self {
            Self::Sqlite(connection) => connection
                .query_row(query, [], |row| {
                    Ok(match row.get_ref(0)? {
                        rusqlite::types::ValueRef::Integer(n) => n.to_string(),
                        value => value.as_str()?.to_owned(),
                    })
                })
                .unwrap(),
            Self::Postgres(client) => {
                let messages = client.simple_query(query).await.unwrap();
                let row = messages.iter().find_map(|message| match message {
                    tokio_postgres::SimpleQueryMessage::Row(row) => row.get(0),
                    _ => None,
                });
                row.unwrap().to_owned()
            }
        }
    }

    /// Returns how an id is written in SQL.
    pub(crate) fn id(&self, id: impl Into<Uuid>) -> String {
        let id: Uuid = id.into();
        match self {
            Self::Sqlite(_) => format!("x'{}'", id.simple()),
            Self::Postgres(_) => format!("'{id}'"),
        }
    }
}
