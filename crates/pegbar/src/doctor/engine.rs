//! What the engine says of its own data.

use super::Ward;
use super::finding::DoctorFinding;
use crate::db::Session;
use crate::db::sql::{Engine, Native};
use crate::db::value::Value;
use crate::error::{Error, Result};
use crate::integrity::{BrokenKey, broken_keys};

/// The file, page by page: structure, order, and that no row lacks what it must have.
static QUICK_CHECK: Native = Native("PRAGMA quick_check(100)");
/// Also whether the indices have all rows.
static FULL_CHECK: Native = Native("PRAGMA integrity_check(100)");

static INVALID_INDICES: Native = Native(
    "SELECT r.relname::text, i.relname::text FROM pg_index x \
     JOIN pg_class i ON i.oid = x.indexrelid JOIN pg_class r ON r.oid = x.indrelid \
     JOIN pg_namespace n ON n.oid = r.relnamespace WHERE n.nspname = current_schema() \
     AND NOT (x.indisvalid AND x.indisready AND x.indislive) ORDER BY 1, 2",
);
static FAILURES: Native = Native(
    "SELECT coalesce(checksum_failures, 0)::bigint FROM pg_stat_database \
     WHERE datname = current_database()",
);
static AMCHECK: Native = Native("SELECT extname::text FROM pg_extension WHERE extname = 'amcheck'");
static INDICES: Native = Native(
    "SELECT i.relname::text FROM pg_index x \
     JOIN pg_class i ON i.oid = x.indexrelid JOIN pg_class r ON r.oid = x.indrelid \
     JOIN pg_namespace n ON n.oid = r.relnamespace JOIN pg_am a ON a.oid = i.relam \
     WHERE n.nspname = current_schema() AND a.amname = 'btree' AND x.indisvalid ORDER BY 1",
);
static CHECK_INDEX: Native = Native("SELECT bt_index_check($1::text::regclass)::text");

/// Has the engine check its data, and the keys between rows.
pub(super) async fn look(ward: &Ward) -> Result<()> {
    let mut session = ward.studio.database().read().await?;
    let mut findings = match session.engine() {
        Engine::Sqlite => sqlite(&mut session, ward.options.deep).await?,
        Engine::Postgres => postgres(&mut session, ward.options.deep).await?,
    };
    for key in broken_keys(&mut session).await? {
        findings.extend(broken_key(key));
    }
    drop(session);
    for finding in findings {
        ward.found(finding).await;
    }
    Ok(())
}

/// Tells of a key, unless it is told row by row.
fn broken_key(key: BrokenKey) -> Option<DoctorFinding> {
    Some(match key {
        BrokenKey::DanglingRows {
            table,
            parent,
            rows,
        } => {
            let is_told_by_row =
                parent == "asset" && matches!(table.as_str(), "frame" | "character" | "project");
            if is_told_by_row {
                return None;
            }
            DoctorFinding::DanglingRows {
                table,
                parent,
                rows,
            }
        }
        BrokenKey::MissingConstraint { constraint } => {
            DoctorFinding::ConstraintMissing { constraint }
        }
        BrokenKey::UncheckedConstraint { table, constraint } => {
            DoctorFinding::ConstraintUnchecked { table, constraint }
        }
    })
}

async fn sqlite(session: &mut Session, deep: bool) -> Result<Vec<DoctorFinding>> {
    let check = if deep { &FULL_CHECK } else { &QUICK_CHECK };
    let said = session
        .query(check, &[], |row| row.at::<String>(0, "the engine's check"))
        .await;
    let said = match said {
        Err(Error::Damaged { reason, .. }) => vec![reason],
        said => said?,
    };
    let reasons = said.into_iter().filter(|reason| reason != "ok");
    Ok(reasons
        .map(|reason| DoctorFinding::DatabaseDamaged { reason })
        .collect())
}

async fn postgres(session: &mut Session, deep: bool) -> Result<Vec<DoctorFinding>> {
    let mut findings = session
        .query(&INVALID_INDICES, &[], |row| {
            Ok(DoctorFinding::IndexInvalid {
                table: row.at(0, "pg_class.relname")?,
                index: row.at(1, "pg_class.relname")?,
            })
        })
        .await?;
    let failures = session
        .optional(&FAILURES, &[], |row| {
            row.at::<u64>(0, "pg_stat_database.checksum_failures")
        })
        .await?;
    if let Some(failures) = failures.filter(|failures| *failures > 0) {
        findings.push(DoctorFinding::ChecksumFailures { failures });
    }
    let has_amcheck = session.optional(&AMCHECK, &[], |_| Ok(())).await?;
    if deep && has_amcheck.is_some() {
        findings.extend(check_indices(session).await?);
    }
    Ok(findings)
}

/// Checks every index by the extension `amcheck`, where this user may use it.
async fn check_indices(session: &mut Session) -> Result<Vec<DoctorFinding>> {
    let indices = session
        .query(&INDICES, &[], |row| row.at::<String>(0, "pg_class.relname"))
        .await?;
    let mut findings = Vec::new();
    for index in indices {
        let checked = session
            .query(&CHECK_INDEX, &[Value::from(index.as_str())], |_| Ok(()))
            .await;
        match checked {
            // Without the right to use it, nothing is known.
            Err(Error::Unavailable { .. }) => return Ok(findings),
            Err(Error::Database { source, .. }) => {
                let said = std::error::Error::source(&*source);
                let said = said.map_or_else(|| source.to_string(), ToString::to_string);
                let reason = format!("the index {index}: {said}");
                findings.push(DoctorFinding::DatabaseDamaged { reason });
            }
            checked => drop(checked?),
        }
    }
    Ok(findings)
}
