//! Writing past the triggers that seal records, as someone who owns the database can.

/// Switches the triggers of PostgreSQL off or on (`DISABLE`, `ENABLE`); those that check keys
/// between rows stay.
pub(crate) fn postgres_triggers(verb: &str) -> String {
    let tables = ["asset", "asset_reference", "generation", "asset_annotation"];
    let each = tables.map(|table| format!("ALTER TABLE {table} {verb} TRIGGER USER"));
    each.join(";")
}

/// Runs statements while the database has no triggers.
pub(crate) fn tamper_sqlite(connection: &rusqlite::Connection, text: &str) -> rusqlite::Result<()> {
    let query = "SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'";
    let mut statement = connection.prepare(query)?;
    let read = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?));
    let triggers = statement.query_map([], read)?;
    let triggers: Vec<(String, String)> = triggers.collect::<rusqlite::Result<_>>()?;
    drop(statement);
    for (name, _) in &triggers {
        connection.execute_batch(&format!("DROP TRIGGER {name}"))?;
    }
    let done = connection.execute_batch(text);
    for (_, trigger) in &triggers {
        connection.execute_batch(trigger)?;
    }
    done
}
