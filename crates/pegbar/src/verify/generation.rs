//! Generations beside the records of what came out of them. A record has a hash, and the row of
//! a generation has none: what stands in both has to be the same.

use std::collections::HashMap;

use uuid::Uuid;

use super::damage::Damage;
use super::excerpt::excerpts;
use super::row::{AssetRow, Rows, stored_json};
use crate::db::Session;
use crate::db::lenient::Reader;
use crate::db::sql::statements;
use crate::db::value::{Row, Value};
use crate::error::Result;
use crate::generation::{Conflict, Contradiction, Said};
use crate::id::{GenerationId, ProjectId};
use crate::record::Recorded;
use crate::time::MillisSinceEpoch;

/// The columns of a [`GenerationRow`]; the request as text, since it may be no JSON.
macro_rules! generation_rows {
    ($($rest:literal),+) => {
        concat!(
            "SELECT id, project_id, CAST(request AS text), model, CAST(status AS text), error, \
             created_at FROM generation WHERE ",
            $($rest),+
        )
    };
}

/// Generations whose outputs are gone, or that never had any.
macro_rules! without_output {
    ($after:literal) => {
        generation_rows!(
            "project_id = $1 ",
            $after,
            "AND NOT EXISTS (SELECT 1 FROM asset a WHERE a.project_id = generation.project_id \
             AND a.generation_id = generation.id) ORDER BY id LIMIT 500"
        )
    };
}

statements! {
    OF_ASSETS = generation_rows!("id {in $1}");
    FIRST_WITHOUT_OUTPUT = without_output!("");
    WITHOUT_OUTPUT = without_output!("AND id > $2 ");
}

/// A field that can't be read, and why.
type Unreadable = (&'static str, String);

/// Returns everything in which the generation of an asset contradicts it.
pub(super) fn compare(asset: &AssetRow, rows: &Rows) -> Vec<Damage> {
    let Some(generation) = asset.generation else {
        return Vec::new();
    };
    let Some(row) = rows.generations.get(&generation) else {
        return vec![Damage::GenerationMissing { generation }];
    };
    if row.project != rows.project {
        return vec![Damage::GenerationElsewhere {
            generation,
            project: row.project,
        }];
    }
    // A record that can't be read is damage of its own.
    let record = asset.record.as_deref().map(Recorded::read);
    row.damages_with(record.and_then(std::result::Result::ok).as_ref())
}

/// What a row says of a generation: the fields that can be read, or the first that can't, and
/// why.
#[derive(Debug)]
pub(super) struct GenerationRow {
    pub(super) id: GenerationId,
    pub(super) project: ProjectId,
    pub(super) said: Result<Said, Unreadable>,
}

impl GenerationRow {
    /// Returns in what it contradicts an asset that came from it.
    fn damages_with(&self, record: Option<&Recorded>) -> Vec<Damage> {
        self.damages(|said| said.contradictions_with_output(record))
    }

    /// Returns in what it contradicts itself, where nothing came from it.
    pub(super) fn damages_alone(&self) -> Vec<Damage> {
        self.damages(Said::contradictions)
    }

    fn damages(&self, contradictions: impl FnOnce(&Said) -> Vec<Contradiction>) -> Vec<Damage> {
        let generation = self.id;
        match &self.said {
            Err((field, reason)) => vec![Damage::GenerationUnreadable {
                generation,
                field: format!("generation.{field}"),
                reason: reason.clone(),
            }],
            Ok(said) => contradictions(said)
                .into_iter()
                .map(|Contradiction { field, conflict }| match conflict {
                    Conflict::Itself(rule) => Damage::GenerationContradiction {
                        generation,
                        field,
                        rule,
                    },
                    Conflict::Record { recorded, found } => {
                        let (recorded, found) = excerpts(recorded.as_deref(), found.as_deref());
                        Damage::GenerationDiffers {
                            generation,
                            field,
                            recorded,
                            found,
                        }
                    }
                })
                .collect(),
        }
    }

    fn read(row: &Row<'_>) -> Result<Self> {
        let mut reader = Reader::new(row);
        let request = reader.get::<String>(2, "request");
        let model = reader.get(3, "model");
        let status = reader.get::<String>(4, "status");
        let error = reader.get(5, "error");
        let created_at = reader.get(6, "createdAt");
        let said = match reader.into_unreadable() {
            Some(unreadable) => Err(unreadable),
            None => said(request, model, status, error, created_at),
        };
        Ok(Self {
            id: row.at(0, "generation.id")?,
            project: row.at(1, "generation.project_id")?,
            said,
        })
    }

    /// Reads those of the generations that are there, whosever they are.
    pub(super) async fn of(
        session: &mut Session,
        ids: impl Iterator<Item = GenerationId>,
    ) -> Result<HashMap<GenerationId, Self>> {
        let mut ids: Vec<Uuid> = ids.map(|id| id.0).collect();
        ids.sort_unstable();
        ids.dedup();
        if ids.is_empty() {
            return Ok(HashMap::new());
        }
        let found = session
            .query(&OF_ASSETS, &[Value::Ids(&ids)], Self::read)
            .await?;
        Ok(found.into_iter().map(|row| (row.id, row)).collect())
    }

    /// Reads the next generations of a project that have no outputs, in the order of their ids.
    pub(super) async fn without_output(
        session: &mut Session,
        project: ProjectId,
        after: Option<GenerationId>,
    ) -> Result<Vec<Self>> {
        let project = Value::Id(project.0);
        match after {
            Some(after) => {
                let parameters = [project, Value::Id(after.0)];
                session
                    .query(&WITHOUT_OUTPUT, &parameters, Self::read)
                    .await
            }
            None => {
                session
                    .query(&FIRST_WITHOUT_OUTPUT, &[project], Self::read)
                    .await
            }
        }
    }
}

fn said(
    request: Option<String>,
    model: Option<String>,
    status: Option<String>,
    error: Option<String>,
    created_at: Option<MillisSinceEpoch>,
) -> Result<Said, Unreadable> {
    let empty = |field| (field, "it is empty".to_owned());
    let request = request.ok_or_else(|| empty("request"))?;
    let request = stored_json(&request).map_err(|reason| ("request", reason))?;
    let status = status.ok_or_else(|| empty("status"))?;
    Ok(Said {
        sent: request.to_typed().ok(),
        model,
        status: status.parse().map_err(|reason| ("status", reason))?,
        error,
        created_at: created_at.ok_or_else(|| empty("createdAt"))?,
    })
}
