//! Giving a database up: it can be read, and nobody writes into it any more.

use super::moved_tables;
use crate::db::Session;
use crate::db::sql::{Engine, Query};
use crate::error::{MOVED, Result};

/// Ends the transaction that keeps others waiting, so that they are refused.
pub(super) async fn seal(mut session: Session) -> Result<()> {
    let engine = session.engine();
    for schema in moved_tables() {
        for text in triggers(schema.table.name, engine) {
            session.execute(&Query::new(&text), &[]).await?;
        }
    }
    session.commit().await
}

fn triggers(table: &str, engine: Engine) -> Vec<String> {
    match engine {
        Engine::Sqlite => ["INSERT", "UPDATE", "DELETE"]
            .map(|action| {
                let name = format!("{table}_moved_{}", action.to_lowercase());
                format!(
                    "CREATE TRIGGER IF NOT EXISTS {name} BEFORE {action} ON {table} \
                     BEGIN SELECT RAISE(ABORT, 'sealed: {MOVED}'); END"
                )
            })
            .to_vec(),
        // The function is that of the seals on records.
        Engine::Postgres => vec![
            format!("DROP TRIGGER IF EXISTS {table}_moved ON {table}"),
            format!(
                "CREATE TRIGGER {table}_moved BEFORE INSERT OR UPDATE OR DELETE ON {table} \
                 FOR EACH STATEMENT EXECUTE FUNCTION pegbar_refuse_sealed('{MOVED}')"
            ),
        ],
    }
}
