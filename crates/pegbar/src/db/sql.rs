//! Statements: one text for both engines. What differs between SQLite and PostgreSQL
//! stands in this file.

use std::fmt::Write as _;
use std::sync::OnceLock;

use super::entity::Table;
use super::value::{ColumnType, Value};
use crate::error::Result;
use crate::id::Id;
use crate::page::PageRequest;

/// A database engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Engine {
    /// The embedded default: one file in the studio's folder.
    Sqlite,
    /// A server, for more than one machine.
    Postgres,
}

impl Engine {
    /// Returns its name in files: `sqlite` or `postgres`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Sqlite => "sqlite",
            Self::Postgres => "postgres",
        }
    }
}

/// The text of a statement. Parameters are `$1`, `$2` …; besides them it may hold:
///
/// - `{asset}`: the columns of a table in the order of its declaration; `{asset a}` with the alias
/// - `{in $1}`: is one of the ids, or texts, of a list
/// - `{for update}`: the row is locked until the end of the transaction
/// - `{id}`, `{time}`, `{big}`: the type of ids, times and large numbers, for `CAST`
/// - `{hex id}`: the 32 hexadecimal digits of an id, in lower case
/// - `{key check}`: all of a query by which the engine tells how the keys between rows stand
pub(crate) struct Sql {
    template: &'static str,
    sqlite: OnceLock<String>,
    postgres: OnceLock<String>,
}

impl Sql {
    pub(crate) const fn new(template: &'static str) -> Self {
        Self {
            template,
            sqlite: OnceLock::new(),
            postgres: OnceLock::new(),
        }
    }
}

/// A text that an engine can prepare.
pub(crate) trait Statement: Sync {
    fn text(&self, engine: Engine) -> std::borrow::Cow<'_, str>;
}

impl Statement for Sql {
    fn text(&self, engine: Engine) -> std::borrow::Cow<'_, str> {
        let rendered = match engine {
            Engine::Sqlite => &self.sqlite,
            Engine::Postgres => &self.postgres,
        };
        rendered
            .get_or_init(|| render(self.template, engine))
            .into()
    }
}

/// A text of one engine, which asks it about itself.
pub(crate) struct Native(pub(crate) &'static str);

impl Statement for Native {
    fn text(&self, _: Engine) -> std::borrow::Cow<'_, str> {
        self.0.into()
    }
}

/// Declares statements, and the list of them that a test prepares on both engines.
macro_rules! statements {
    ($($name:ident = $text:expr;)+) => {
        $(static $name: $crate::db::sql::Sql = $crate::db::sql::Sql::new($text);)+

        #[cfg(test)]
        pub(crate) const STATEMENTS: &[&$crate::db::sql::Sql] = &[$(&$name),+];
    };
}
pub(crate) use statements;

/// A statement put together from conditions that are there or not.
#[derive(Debug)]
pub(crate) struct Query<'a> {
    template: String,
    pub(crate) parameters: Vec<Value<'a>>,
    has_condition: bool,
}

impl<'a> Query<'a> {
    /// Begins with `SELECT … FROM …`.
    pub(crate) fn new(select: &str) -> Self {
        Self {
            template: select.to_owned(),
            parameters: Vec::new(),
            has_condition: false,
        }
    }

    /// Adds a condition; each `?` in it takes the next of the values.
    pub(crate) fn filter<const N: usize>(&mut self, condition: &str, values: [Value<'a>; N]) {
        let word = if self.has_condition {
            " AND "
        } else {
            " WHERE "
        };
        self.has_condition = true;
        self.template.push_str(word);
        self.push(condition, values);
    }

    /// Adds text; each `?` in it takes the next of the values.
    pub(crate) fn push<const N: usize>(&mut self, text: &str, values: [Value<'a>; N]) {
        let mut values = values.into_iter();
        for (index, part) in text.split('?').enumerate() {
            if index > 0 {
                self.parameters.extend(values.next());
                // Writing to a String cannot fail.
                let _ = write!(self.template, "${}", self.parameters.len());
            }
            self.template.push_str(part);
        }
    }
}

/// How many rows lists commonly read: the usual page sizes, and the one row beyond.
const COMMON_ROWS: [i64; 8] = [2, 11, 21, 51, 101, 201, 501, 1001];

impl Query<'_> {
    /// Ends with a page of rows in the order of their ids.
    pub(crate) fn page<T: Id>(&mut self, column: &str, page: PageRequest<T>) -> Result<()> {
        let rows = page.rows_to_read()?;
        let (beyond, order) = if page.is_descending {
            ("<", " DESC")
        } else {
            (">", "")
        };
        if let Some(after) = page.after {
            let is_beyond = format!("{column} {beyond} ?");
            self.filter(&is_beyond, [Value::Id(after.uuid())]);
        }
        self.order(&format!("{column}{order}"), rows);
        Ok(())
    }

    /// Ends with the order and the number of rows.
    ///
    /// A number that stands in the text lets PostgreSQL keep its plan: for a parameter it
    /// assumes a tenth of the table, finds that plan dear and plans anew at every execution.
    /// Only common numbers do, so that there are few texts to keep prepared.
    pub(crate) fn order(&mut self, columns: &str, rows: i64) {
        if COMMON_ROWS.contains(&rows) {
            self.push(&format!(" ORDER BY {columns} LIMIT {rows}"), []);
        } else {
            let end = format!(" ORDER BY {columns} LIMIT ?");
            self.push(&end, [Value::Int(rows)]);
        }
    }
}

impl Statement for Query<'_> {
    fn text(&self, engine: Engine) -> std::borrow::Cow<'_, str> {
        render(&self.template, engine).into()
    }
}

/// The text that inserts one row (SQLite) or a batch of columns (PostgreSQL).
pub(crate) fn insert(table: &Table, engine: Engine) -> String {
    let columns = column_list(table, "");
    let name = table.name;
    let mut text = format!("INSERT INTO {name} ({columns}) ");
    text.push_str(match engine {
        Engine::Sqlite => "VALUES (",
        Engine::Postgres => "SELECT * FROM UNNEST (",
    });
    for (index, (_, column)) in table.columns.iter().enumerate() {
        let separator = if index > 0 { ", " } else { "" };
        let number = index + 1;
        let _ = match engine {
            Engine::Sqlite => write!(text, "{separator}?{number}"),
            Engine::Postgres => write!(text, "{separator}${number}::{}[]", postgres_type(*column)),
        };
    }
    text.push(')');
    text
}

/// The text that writes all columns of one row, found by its `id`.
pub(crate) fn update(table: &Table, engine: Engine) -> String {
    let mut text = format!("UPDATE {} SET ", table.name);
    for (index, (column, _)) in table.columns.iter().enumerate() {
        let separator = if index > 0 { ", " } else { "" };
        let _ = write!(text, "{separator}{column} = ${}", index + 1);
    }
    text.push_str(" WHERE id = $1");
    render(&text, engine)
}

/// The expression that writes a row as JSON: spelled the same by both engines, ids and
/// enums as text, times in milliseconds since 1970.
pub(crate) fn row_as_json(table: &Table, alias: &str, engine: Engine) -> String {
    let mut text = match engine {
        Engine::Sqlite => "json_object(".to_owned(),
        Engine::Postgres => "jsonb_build_object(".to_owned(),
    };
    for (index, (column, kind)) in table.columns.iter().enumerate() {
        let separator = if index > 0 { ", " } else { "" };
        let _ = write!(text, "{separator}'{column}', ");
        let _ = match (kind, engine) {
            (ColumnType::Id, _) => {
                let id = id_as_text(&format!("{alias}.{column}"), engine);
                // SQLite writes no digits for NULL.
                write!(text, "nullif({id}, '')")
            }
            (ColumnType::Json, Engine::Sqlite) => write!(text, "json({alias}.{column})"),
            (ColumnType::Time, Engine::Postgres) => {
                write!(
                    text,
                    "(extract(epoch from {alias}.{column}) * 1000)::bigint"
                )
            }
            _ => write!(text, "{alias}.{column}"),
        };
    }
    text.push(')');
    text
}

fn id_as_text(column: &str, engine: Engine) -> String {
    match engine {
        Engine::Sqlite => format!("lower(hex({column}))"),
        Engine::Postgres => format!("replace({column}::text, '-', '')"),
    }
}

fn postgres_type(column: ColumnType) -> &'static str {
    match column {
        ColumnType::Id => "uuid",
        ColumnType::Text => "text",
        ColumnType::Int => "integer",
        ColumnType::Big => "bigint",
        ColumnType::Time => "timestamptz",
        ColumnType::Json => "jsonb",
        ColumnType::Enum(name) => name,
    }
}

pub(crate) fn column_list(table: &Table, alias: &str) -> String {
    let mut list = String::new();
    for (index, (column, _)) in table.columns.iter().enumerate() {
        let separator = if index > 0 { ", " } else { "" };
        let dot = if alias.is_empty() { "" } else { "." };
        let _ = write!(list, "{separator}{alias}{dot}{column}");
    }
    list
}

/// Locks of PostgreSQL until the end of the transaction: whoever names blobs holds it together
/// with others, who removes blobs alone. The number means nothing.
pub(crate) static NAME_BLOBS: Sql = Sql::new("SELECT pg_advisory_xact_lock_shared(736245102)");
pub(crate) static SWEEP_BLOBS: Sql = Sql::new("SELECT pg_advisory_xact_lock(736245102)");

/// Every table with rows that point at nothing: the table, what they should point at, and how
/// many they are.
const SQLITE_KEY_CHECK: &str = "SELECT \"table\", parent, count(*) FROM pragma_foreign_key_check \
                                GROUP BY 1, 2 ORDER BY 1, 2";

/// Every constraint of our schema: its table, its name, and 0 where the server enforces it.
const POSTGRES_KEY_CHECK: &str = "SELECT r.relname::text, c.conname::text, \
    CASE WHEN c.convalidated AND NOT EXISTS (SELECT 1 FROM pg_trigger t \
    WHERE t.tgconstraint = c.oid AND t.tgenabled <> 'O') THEN 0::bigint ELSE 1::bigint END \
    FROM pg_constraint c JOIN pg_class r ON r.oid = c.conrelid \
    JOIN pg_namespace n ON n.oid = c.connamespace \
    WHERE n.nspname = current_schema() ORDER BY 2";

/// Replaces `{…}`, and on SQLite `$n` by `?n`: there `$n` would be a name, numbered by
/// its first appearance.
pub(crate) fn render(template: &str, engine: Engine) -> String {
    let mut text = String::with_capacity(template.len() + 256);
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('{') {
        text.push_str(before);
        // An unclosed brace reaches the engine, which refuses it in the test of all statements.
        let (word, after) = after.split_once('}').unwrap_or((after, ""));
        match (word.split_once(' ').unwrap_or((word, "")), engine) {
            (("in", list), Engine::Sqlite) => drop(write!(text, "IN rarray({list})")),
            (("in", list), Engine::Postgres) => drop(write!(text, "= ANY({list})")),
            (("hex", column), _) => text.push_str(&id_as_text(column, engine)),
            (("big", ""), Engine::Postgres) => text.push_str("bigint"),
            (("id", ""), Engine::Sqlite) => text.push_str("BLOB"),
            (("id", ""), Engine::Postgres) => text.push_str("uuid"),
            (("time" | "big", ""), Engine::Sqlite) => text.push_str("INTEGER"),
            (("time", ""), Engine::Postgres) => text.push_str("timestamptz"),
            (("key", "check"), Engine::Sqlite) => text.push_str(SQLITE_KEY_CHECK),
            (("key", "check"), Engine::Postgres) => text.push_str(POSTGRES_KEY_CHECK),
            (("for", "update"), Engine::Sqlite) => {}
            (("for", "update"), Engine::Postgres) => text.push_str("FOR NO KEY UPDATE"),
            ((name, alias), _) => match super::TABLES.iter().find(|table| table.name == name) {
                Some(table) => text.push_str(&column_list(table, alias)),
                None => drop(write!(text, "{{{word}}}")),
            },
        }
        rest = after;
    }
    text.push_str(rest);
    match engine {
        Engine::Sqlite => text.replace('$', "?"),
        Engine::Postgres => text,
    }
}

/// Renders a migration: types, and what is for one engine only, which is a line that begins
/// with `--sqlite ` or `--postgres `, or all lines from `--begin sqlite` to `--end sqlite`.
pub(crate) fn render_migration(source: &str, engine: Engine) -> String {
    let (own, other, begin, end) = match engine {
        Engine::Sqlite => (
            "--sqlite ",
            "--postgres ",
            "--begin postgres",
            "--end postgres",
        ),
        Engine::Postgres => ("--postgres ", "--sqlite ", "--begin sqlite", "--end sqlite"),
    };
    let replacements: &[(&str, &str)] = match engine {
        Engine::Sqlite => &[
            ("{id}", "BLOB"),
            ("{time}", "INTEGER"),
            ("{json}", "TEXT"),
            ("{text}", "TEXT"),
            ("{int}", "INTEGER"),
            ("{big}", "INTEGER"),
            ("{now}", "(CAST(unixepoch('subsec') * 1000 AS INTEGER))"),
            ("{strict}", " STRICT"),
            ("{strict_without_rowid}", " STRICT, WITHOUT ROWID"),
            ("{asset_kind}", "TEXT"),
            ("{reference_role}", "TEXT"),
            ("{generation_status}", "TEXT"),
        ],
        Engine::Postgres => &[
            ("{id}", "uuid"),
            ("{time}", "timestamptz(3)"),
            ("{json}", "jsonb"),
            ("{text}", "text COLLATE \"C\""),
            ("{int}", "integer"),
            ("{big}", "bigint"),
            ("{now}", "CURRENT_TIMESTAMP"),
            ("{strict}", ""),
            ("{strict_without_rowid}", ""),
            ("{asset_kind}", "asset_kind"),
            ("{reference_role}", "reference_role"),
            ("{generation_status}", "generation_status"),
        ],
    };
    let mut text = String::with_capacity(source.len());
    let mut is_skipped = false;
    for line in source.lines().filter(|line| !line.starts_with(other)) {
        is_skipped = line == begin || (is_skipped && line != end);
        if !is_skipped {
            text.push_str(line.strip_prefix(own).unwrap_or(line));
            text.push('\n');
        }
    }
    for (placeholder, type_name) in replacements {
        text = text.replace(placeholder, type_name);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_parameter_is_the_second_on_both_engines() {
        let text = "SELECT $2, $1 WHERE id {in $3} {for update}";
        assert_eq!(
            render(text, Engine::Sqlite),
            "SELECT ?2, ?1 WHERE id IN rarray(?3) "
        );
        assert_eq!(
            render(text, Engine::Postgres),
            "SELECT $2, $1 WHERE id = ANY($3) FOR NO KEY UPDATE"
        );
    }

    #[test]
    fn a_migration_holds_for_each_engine_what_is_marked_for_it() {
        let source = "a {id}\n--sqlite b\n--postgres c\n--begin sqlite\nd\ne\n--end sqlite\n\
                      --begin postgres\nf\n--end postgres\ng";
        let lines = |engine| -> Vec<String> {
            let text = render_migration(source, engine);
            let lines = text.lines().filter(|line| !line.starts_with("--"));
            lines.map(str::to_owned).collect()
        };
        assert_eq!(lines(Engine::Sqlite), ["a BLOB", "b", "d", "e", "g"]);
        assert_eq!(lines(Engine::Postgres), ["a uuid", "c", "f", "g"]);
    }

    #[test]
    fn a_query_numbers_its_values() {
        let mut query = Query::new("SELECT 1 FROM asset");
        query.filter("kind = ?", [Value::from("frame")]);
        query.filter("(created_at, id) > (?, ?)", [Value::Int(1), Value::Int(2)]);
        query.push(" LIMIT ?", [Value::Int(50)]);
        assert_eq!(
            query.text(Engine::Postgres),
            "SELECT 1 FROM asset WHERE kind = $1 AND (created_at, id) > ($2, $3) LIMIT $4"
        );
        assert_eq!(query.parameters.len(), 4);
    }
}
