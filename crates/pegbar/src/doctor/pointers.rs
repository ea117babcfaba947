//! The orders of frames, and whether frames, primaries and thumbnails point at something.

use super::Ward;
use super::finding::DoctorFinding;
use crate::db::Session;
use crate::db::sql::statements;
use crate::db::value::{Row, Value};
use crate::error::Result;
use crate::id::ProjectId;

statements! {
    ORDERS = "SELECT project_id, animation_id, count(*), max(frame_index), \
              count(DISTINCT frame_index) FROM frame GROUP BY project_id, animation_id \
              HAVING max(frame_index) >= count(*) OR count(DISTINCT frame_index) < count(*) \
              ORDER BY project_id, animation_id";
    FRAMES = "SELECT f.project_id, f.id, f.animation_id, f.asset_id FROM frame f \
              LEFT JOIN asset a ON a.project_id = f.project_id AND a.id = f.asset_id \
              WHERE a.id IS NULL ORDER BY f.project_id, f.id";
    PRIMARIES = "SELECT c.project_id, c.id, c.primary_asset_id FROM character c \
                 LEFT JOIN asset a ON a.project_id = c.project_id AND a.character_id = c.id \
                 AND a.id = c.primary_asset_id \
                 WHERE c.primary_asset_id IS NOT NULL AND a.id IS NULL \
                 ORDER BY c.project_id, c.id";
    THUMBNAILS = "SELECT p.id, p.thumbnail_id FROM project p \
                  LEFT JOIN asset a ON a.project_id = p.id AND a.id = p.thumbnail_id \
                  WHERE p.thumbnail_id IS NOT NULL AND a.id IS NULL ORDER BY p.id";
    UNORDERED = "SELECT animation_id FROM frame WHERE project_id = $1 GROUP BY animation_id \
                 HAVING max(frame_index) >= count(*) OR count(DISTINCT frame_index) < count(*) \
                 LIMIT 1";
    DANGLING = "SELECT f.id FROM frame f \
                LEFT JOIN asset a ON a.project_id = f.project_id AND a.id = f.asset_id \
                WHERE f.project_id = $1 AND a.id IS NULL LIMIT 1";
}

/// Looks at all of them. Each statement sees one state, in which a change is whole.
pub(super) async fn look(ward: &Ward) -> Result<()> {
    let mut session = ward.studio.database().read().await?;
    let orders = session.query(&ORDERS, &[], read_order).await?;
    let frames = session
        .query(&FRAMES, &[], |row| {
            Ok(DoctorFinding::DanglingFrame {
                project_id: row.at(0, "frame.project_id")?,
                frame_id: row.at(1, "frame.id")?,
                animation_id: row.at(2, "frame.animation_id")?,
                asset_id: row.at(3, "frame.asset_id")?,
            })
        })
        .await?;
    let primaries = session
        .query(&PRIMARIES, &[], |row| {
            Ok(DoctorFinding::DanglingPrimary {
                project_id: row.at(0, "character.project_id")?,
                character_id: row.at(1, "character.id")?,
                asset_id: row.at(2, "character.primary_asset_id")?,
            })
        })
        .await?;
    let thumbnails = session
        .query(&THUMBNAILS, &[], |row| {
            Ok(DoctorFinding::DanglingThumbnail {
                project_id: row.at(0, "project.id")?,
                asset_id: row.at(1, "project.thumbnail_id")?,
            })
        })
        .await?;
    drop(session);
    let orders = orders.into_iter().flatten();
    for finding in orders.chain(frames).chain(primaries).chain(thumbnails) {
        ward.found(finding).await;
    }
    Ok(())
}

/// Reads what is wrong with an order: gaps, doubles or both.
fn read_order(row: &Row<'_>) -> Result<Vec<DoctorFinding>> {
    let project_id = row.at(0, "frame.project_id")?;
    let animation_id = row.at(1, "frame.animation_id")?;
    let frames: u64 = row.at(2, "the number of frames")?;
    let last_index: u64 = row.at(3, "frame.frame_index")?;
    let distinct: u64 = row.at(4, "the number of indices")?;
    let mut findings = Vec::new();
    if last_index >= distinct {
        findings.push(DoctorFinding::FrameGap {
            project_id,
            animation_id,
            frames,
            last_index,
        });
    }
    if distinct < frames {
        findings.push(DoctorFinding::FrameDouble {
            project_id,
            animation_id,
            doubles: frames - distinct,
        });
    }
    Ok(findings)
}

/// Says whether the frames of a project are such that its files can't be right: that is told of
/// the frames, not of each file.
pub(super) async fn are_broken(session: &mut Session, project: ProjectId) -> Result<bool> {
    let id = [Value::Id(project.0)];
    for sql in [&UNORDERED, &DANGLING] {
        if session.optional(sql, &id, |_| Ok(())).await?.is_some() {
            return Ok(true);
        }
    }
    Ok(false)
}
