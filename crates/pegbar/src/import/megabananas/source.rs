//! The app's database: read in one state, never written.

mod address;
mod schema;

use std::collections::VecDeque;

use tokio_postgres::error::SqlState;
use tokio_postgres::{Client, IsolationLevel, NoTls, Portal, Row, Transaction};

use super::row::AppRow;
use crate::error::{Error, Result};
pub(super) use address::Address;
pub(super) use schema::Schema;

/// How many rows are read at once.
const PAGE: i32 = 500;

/// A connection to the app's database.
pub(super) struct Connection {
    client: Client,
    schema: String,
}

/// One state of the app's database.
pub(super) struct Source<'a> {
    transaction: Transaction<'a>,
    pub(super) schema: Schema,
}

/// An asset's row with the rows of sprite sheets and scenes that point at it.
#[derive(Debug)]
pub(super) struct AppAsset {
    pub(super) row: AppRow,
    pub(super) sheets: Vec<AppRow>,
    pub(super) scenes: Vec<AppRow>,
}

/// A row of a table, and the asset that belongs to it in some way.
pub(super) type WithAsset = (AppRow, Option<AppAsset>);

/// Rows as they come: a page of them is in memory.
pub(super) struct Rows<'a> {
    source: &'a Source<'a>,
    portal: Portal,
    page: VecDeque<Row>,
    is_last: bool,
}

impl Connection {
    pub(super) async fn open(address: Address) -> Result<Self> {
        let Address { config, schema } = address;
        let (client, connection) = config.connect(NoTls).await.map_err(not_connected)?;
        // It ends with the client; what goes wrong on it is told to whoever asks something.
        tokio::spawn(async move { connection.await.ok() });
        Ok(Self { client, schema })
    }

    /// Begins to read one state of the app's tables.
    pub(super) async fn source(&mut self) -> Result<Source<'_>> {
        let transaction = self.client.build_transaction();
        let transaction = transaction
            .isolation_level(IsolationLevel::RepeatableRead)
            .read_only(true)
            .start()
            .await
            .map_err(failed)?;
        // While images are taken in, this connection waits.
        let patience = "SET LOCAL idle_in_transaction_session_timeout = 0; \
                        SET LOCAL statement_timeout = 0";
        transaction.batch_execute(patience).await.map_err(failed)?;
        let schema = Schema::read(&transaction, &self.schema).await?;
        Ok(Source {
            transaction,
            schema,
        })
    }
}

impl Source<'_> {
    async fn rows(&self, query: &str, parameter: Option<&str>) -> Result<Rows<'_>> {
        let statement = self.transaction.prepare(query).await.map_err(failed)?;
        let bound = match &parameter {
            Some(parameter) => self.transaction.bind(&statement, &[parameter]).await,
            None => self.transaction.bind(&statement, &[]).await,
        };
        Ok(Rows {
            source: self,
            portal: bound.map_err(failed)?,
            page: VecDeque::new(),
            is_last: false,
        })
    }

    /// Counts the assets of one project, or all.
    pub(super) async fn count_assets(&self, project: Option<&str>) -> Result<u64> {
        let asset = self.schema.table("Asset");
        let query = match project {
            Some(_) => {
                let of_project = self.schema.is_first_parameter("a", "projectId");
                format!("SELECT count(*) FROM {asset} a WHERE {of_project}")
            }
            None => format!("SELECT count(*) FROM {asset} a"),
        };
        let mut rows = self.rows(&query, project).await?;
        let count: i64 = match rows.next().await? {
            Some(row) => row.try_get(0).map_err(failed)?,
            None => 0,
        };
        Ok(count.try_into().unwrap_or(0))
    }

    pub(super) async fn projects(&self) -> Result<Rows<'_>> {
        let project = self.schema.table("Project");
        let order = self.schema.order("Project", "p");
        let query = format!("SELECT row_to_json(p)::text FROM {project} p ORDER BY {order}");
        self.rows(&query, None).await
    }

    /// Returns each character of a project with each of its variations; the primary one comes
    /// first.
    pub(super) async fn characters(&self, project: &str) -> Result<Rows<'_>> {
        let schema = &self.schema;
        let (character, asset) = (schema.table("Character"), schema.table("Asset"));
        let primary = schema.column("Character", "c", "primaryAssetId");
        let of_character = schema.column("Asset", "x", "characterId");
        let mut by_primary = "NULL".to_owned();
        if schema.has("Character", "primaryAssetId") {
            by_primary = format!(
                "(SELECT p.\"id\" FROM {character} p WHERE p.\"primaryAssetId\" = x.\"id\" LIMIT 1)"
            );
        }
        let query = format!(
            "SELECT row_to_json(c)::text, {} FROM {character} c \
             LEFT JOIN (SELECT x.\"id\" AS asset, COALESCE({of_character}, {by_primary}) AS owner \
             FROM {asset} x WHERE {} AND x.\"type\"::text = 'character') o ON o.owner = c.\"id\" \
             LEFT JOIN {asset} a ON a.\"id\" = o.asset WHERE {} \
             ORDER BY {}, (a.\"id\" = {primary}) DESC NULLS LAST, {}",
            schema.asset(),
            schema.is_first_parameter("x", "projectId"),
            schema.is_first_parameter("c", "projectId"),
            schema.order("Character", "c"),
            schema.order("Asset", "a"),
        );
        self.rows(&query, Some(project)).await
    }

    /// Returns each animation of a project with each of its frames, in their order, and what
    /// those show.
    pub(super) async fn animations(&self, project: &str) -> Result<Rows<'_>> {
        let schema = &self.schema;
        let query = format!(
            "SELECT row_to_json(n)::text, {}, row_to_json(f)::text FROM {} n \
             LEFT JOIN {} f ON f.\"animationId\" = n.\"id\" \
             LEFT JOIN {} a ON a.\"id\" = f.\"assetId\" \
             WHERE {} ORDER BY {}, f.\"frameIndex\", f.\"id\"",
            schema.asset(),
            schema.table("Animation"),
            schema.table("Frame"),
            schema.table("Asset"),
            schema.is_first_parameter("n", "projectId"),
            schema.order("Animation", "n"),
        );
        self.rows(&query, Some(project)).await
    }

    /// Returns each asset of a project.
    pub(super) async fn assets(&self, project: &str) -> Result<Rows<'_>> {
        let schema = &self.schema;
        let query = format!(
            "SELECT NULL, {} FROM {} a WHERE {} ORDER BY {}",
            schema.asset(),
            schema.table("Asset"),
            schema.is_first_parameter("a", "projectId"),
            schema.order("Asset", "a"),
        );
        self.rows(&query, Some(project)).await
    }

    /// Returns each row of a project in a table that the app may not have; nothing then.
    pub(super) async fn optional(
        &self,
        table: &'static str,
        project: &str,
    ) -> Result<Option<Rows<'_>>> {
        if !self.schema.has(table, "projectId") {
            return Ok(None);
        }
        let query = format!(
            "SELECT row_to_json(t)::text FROM {} t WHERE {} ORDER BY t.\"id\"",
            self.schema.table(table),
            self.schema.is_first_parameter("t", "projectId"),
        );
        self.rows(&query, Some(project)).await.map(Some)
    }

    /// Returns the rows of a table whose owner, by one of their columns, is not there.
    pub(super) async fn orphans(
        &self,
        table: &'static str,
        column: &str,
        owner: &str,
    ) -> Result<Option<Rows<'_>>> {
        if !self.schema.has(table, column) {
            return Ok(None);
        }
        let query = format!(
            "SELECT row_to_json(t)::text FROM {} t WHERE NOT EXISTS \
             (SELECT 1 FROM {} o WHERE o.\"id\" = t.\"{column}\") ORDER BY t.\"id\"",
            self.schema.table(table),
            self.schema.table(owner),
        );
        self.rows(&query, None).await.map(Some)
    }

    /// Returns the path of every asset's file.
    pub(super) async fn paths(&self) -> Result<Rows<'_>> {
        let asset = self.schema.table("Asset");
        let query = format!("SELECT a.\"filePath\"::text FROM {asset} a");
        self.rows(&query, None).await
    }
}

impl Rows<'_> {
    async fn next(&mut self) -> Result<Option<Row>> {
        if self.page.is_empty() && !self.is_last {
            let transaction = &self.source.transaction;
            let page = transaction.query_portal(&self.portal, PAGE).await;
            self.page = page.map_err(failed)?.into();
            self.is_last = i32::try_from(self.page.len()).is_ok_and(|rows| rows < PAGE);
        }
        Ok(self.page.pop_front())
    }

    /// Returns the text in the first column of the next row.
    pub(super) async fn next_text(&mut self) -> Result<Option<Option<String>>> {
        let Some(row) = self.next().await? else {
            return Ok(None);
        };
        row.try_get(0).map(Some).map_err(failed)
    }

    /// Returns the next row of a table.
    pub(super) async fn next_row(&mut self, table: &'static str) -> Result<Option<AppRow>> {
        match self.next_text().await? {
            Some(text) => AppRow::parse(table, text.unwrap_or_default()).map(Some),
            None => Ok(None),
        }
    }

    /// Returns the next row of a table with its asset.
    pub(super) async fn next_with_asset(
        &mut self,
        table: &'static str,
    ) -> Result<Option<WithAsset>> {
        let Some(row) = self.next().await? else {
            return Ok(None);
        };
        let owner: String = row.try_get(0).map_err(failed)?;
        Ok(Some((AppRow::parse(table, owner)?, asset(&row)?)))
    }

    /// Returns the next asset.
    pub(super) async fn next_asset(&mut self) -> Result<Option<AppAsset>> {
        match self.next().await? {
            Some(row) => asset(&row),
            None => Ok(None),
        }
    }

    /// Returns the next animation with one of its frames and what that shows.
    pub(super) async fn next_frame(
        &mut self,
    ) -> Result<Option<(AppRow, Option<AppRow>, Option<AppAsset>)>> {
        let Some(row) = self.next().await? else {
            return Ok(None);
        };
        let animation: String = row.try_get(0).map_err(failed)?;
        let frame: Option<String> = row.try_get(4).map_err(failed)?;
        let frame = frame.map(|frame| AppRow::parse("Frame", frame)).transpose();
        Ok(Some((
            AppRow::parse("Animation", animation)?,
            frame?,
            asset(&row)?,
        )))
    }
}

/// Reads an asset from the three columns that [`Schema::asset`] names, behind the first.
fn asset(row: &Row) -> Result<Option<AppAsset>> {
    let [text, sheets, scenes]: [Option<String>; 3] = [
        row.try_get(1).map_err(failed)?,
        row.try_get(2).map_err(failed)?,
        row.try_get(3).map_err(failed)?,
    ];
    let Some(text) = text else {
        return Ok(None);
    };
    Ok(Some(AppAsset {
        row: AppRow::parse("Asset", text)?,
        sheets: AppRow::parse_all("SpriteSheet", sheets)?,
        scenes: AppRow::parse_all("Scene", scenes)?,
    }))
}

const HINT: &str = "check the address (DATABASE_URL) of the app's database";

fn not_connected(error: tokio_postgres::Error) -> Error {
    match error.as_db_error() {
        Some(refusal) => Error::Unavailable {
            message: format!(
                "the server of the app's database refuses the connection: {}",
                refusal.message()
            ),
            hint: HINT.to_owned(),
            source: None,
        },
        None => Error::Unavailable {
            message: "the server of the app's database does not answer".to_owned(),
            hint: format!("{HINT}, and that its server runs; connections are not encrypted yet"),
            source: Some(Box::new(error)),
        },
    }
}

fn failed(error: tokio_postgres::Error) -> Error {
    let message = match error.as_db_error() {
        Some(refusal) if *refusal.code() == SqlState::INSUFFICIENT_PRIVILEGE => format!(
            "the user may not read the app's database: {}",
            refusal.message()
        ),
        Some(refusal) => format!(
            "the app's database refuses to be read: {}",
            refusal.message()
        ),
        None => "reading the app's database failed".to_owned(),
    };
    Error::Unavailable {
        message,
        hint: "what was imported stays; run the import again to go on".to_owned(),
        source: Some(Box::new(error)),
    }
}
