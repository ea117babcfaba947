//! Who hashes which blobs: a pass is handed out a few blobs at a time.

use uuid::Uuid;

use crate::db::Session;
use crate::db::sql::{Sql, statements};
use crate::db::value::{Row, Value};
use crate::error::Result;
use crate::hash::Sha256;
use crate::id::ScrubClaimId;
use crate::studio::Studio;
use crate::time::MillisSinceEpoch;

statements! {
    BEGIN = "INSERT INTO scrub (slot, began_at) VALUES (1, CAST($1 AS {time})) \
             ON CONFLICT (slot) DO NOTHING";
    POSITION = "SELECT position, pass FROM scrub WHERE slot = 1 {for update}";
    ABANDONED = "SELECT id, after_sha256, last_sha256 FROM scrub_claim \
                 WHERE claimed_at < CAST($1 AS {time}) ORDER BY after_sha256 LIMIT 1";
    OPEN = "SELECT id FROM scrub_claim LIMIT 1";
    NEXT_OF_ASSETS = "SELECT DISTINCT sha256 FROM asset WHERE sha256 > $1 \
                      AND bytes_dropped_at IS NULL ORDER BY sha256 LIMIT 64";
    NEXT_IN_TRASH = "SELECT DISTINCT sha256 FROM trash_blob WHERE sha256 > $1 \
                     ORDER BY sha256 LIMIT 64";
    OF_ASSETS = "SELECT DISTINCT sha256 FROM asset WHERE sha256 > $1 AND sha256 <= $2 \
                 AND bytes_dropped_at IS NULL ORDER BY sha256";
    IN_TRASH = "SELECT DISTINCT sha256 FROM trash_blob WHERE sha256 > $1 AND sha256 <= $2 \
                ORDER BY sha256";
    FOUND = "SELECT sha256 FROM scrub_finding WHERE sha256 > $1 AND sha256 <= $2";
    ADVANCE = "UPDATE scrub SET position = $1 WHERE slot = 1";
    ADD = "INSERT INTO scrub_claim (id, after_sha256, last_sha256, claimed_at) \
           VALUES ($1, $2, $3, CAST($4 AS {time}))";
    NOTE = "UPDATE scrub_claim SET after_sha256 = $2, claimed_at = CAST($3 AS {time}) \
            WHERE id = $1";
    REMOVE = "DELETE FROM scrub_claim WHERE id = $1";
    COUNT = "UPDATE scrub SET blobs = blobs + $1, bytes = bytes + $2 WHERE slot = 1";
    COMPLETE = "UPDATE scrub SET last_began_at = began_at, last_ended_at = CAST($1 AS {time}), \
                last_blobs = blobs, last_bytes = bytes, began_at = CAST($1 AS {time}), \
                blobs = 0, bytes = 0, pass = pass + 1, position = '' WHERE slot = 1";
    // What nothing names any more is nobody's loss.
    FORGET_UNNAMED = "DELETE FROM scrub_finding WHERE NOT EXISTS (SELECT 1 FROM asset a \
                      WHERE a.sha256 = scrub_finding.sha256 AND a.bytes_dropped_at IS NULL) \
                      AND NOT EXISTS (SELECT 1 FROM trash_blob t \
                      WHERE t.sha256 = scrub_finding.sha256)";
}

/// How many blobs are claimed at once: as many as the statements read.
const AT_ONCE: usize = 64;

/// How long a claim stays with a process that does not note that it is at it, in milliseconds.
const ABANDONED_AFTER_MS: i64 = 2 * 60 * 1000;

/// The blobs that this process hashes now.
pub(super) struct Claim {
    id: ScrubClaimId,
    after: String,
    last: String,
    /// Hashed since the last note.
    blobs: u64,
    bytes: u64,
}

/// What there is to do.
pub(super) enum Claimed {
    Blobs(Claim),
    /// Everything is claimed, by others who are still at it.
    NothingLeft,
    PassComplete,
}

impl Claim {
    /// Claims the next blobs of a pass: those that somebody claimed and left, or those after the
    /// position. `pass` is the one that the caller takes part in, from the first claim on.
    pub(super) async fn next(studio: &Studio, pass: &mut Option<u64>) -> Result<Claimed> {
        let now = studio.now();
        let mut session = studio.database().write().await?;
        session.execute(&BEGIN, &[Value::Time(now)]).await?;
        let now_at = session
            .optional(&POSITION, &[], |row| {
                let position = row.at::<String>(0, "scrub.position")?;
                Ok((position, row.at::<u64>(1, "scrub.pass")?))
            })
            .await?;
        let (position, current) = now_at.unwrap_or_default();
        if *pass.get_or_insert(current) != current {
            // Another process came to its end meanwhile.
            session.commit().await?;
            return Ok(Claimed::PassComplete);
        }
        let abandoned = MillisSinceEpoch(now.0.saturating_sub(ABANDONED_AFTER_MS));
        let abandoned = session
            .optional(&ABANDONED, &[Value::Time(abandoned)], |row| {
                Ok((
                    row.at::<Uuid>(0, "scrub_claim.id")?,
                    row.at::<String>(1, "scrub_claim.after_sha256")?,
                    row.at::<String>(2, "scrub_claim.last_sha256")?,
                ))
            })
            .await?;
        let (after, last) = if let Some((id, after, last)) = abandoned {
            session.execute(&REMOVE, &[Value::Id(id)]).await?;
            (after, last)
        } else if let Some(last) = last_of_next(&mut session, &position).await? {
            session
                .execute(&ADVANCE, &[Value::from(last.as_str())])
                .await?;
            (position, last)
        } else {
            let open = session.optional(&OPEN, &[], |_| Ok(())).await?;
            if open.is_some() {
                session.commit().await?;
                return Ok(Claimed::NothingLeft);
            }
            session.execute(&COMPLETE, &[Value::Time(now)]).await?;
            session.execute(&FORGET_UNNAMED, &[]).await?;
            session.commit().await?;
            return Ok(Claimed::PassComplete);
        };
        let id: ScrubClaimId = studio.new_id();
        let parameters = [
            Value::Id(id.0),
            Value::from(after.as_str()),
            Value::from(last.as_str()),
            Value::Time(now),
        ];
        session.execute(&ADD, &parameters).await?;
        session.commit().await?;
        Ok(Claimed::Blobs(Self {
            id,
            after,
            last,
            blobs: 0,
            bytes: 0,
        }))
    }

    /// Returns the blobs that are still to be hashed, and whether something was found of each
    /// before.
    pub(super) async fn blobs(&self, studio: &Studio) -> Result<Vec<(Sha256, bool)>> {
        let mut session = studio.database().read().await?;
        let range = [
            Value::from(self.after.as_str()),
            Value::from(self.last.as_str()),
        ];
        let mut blobs = Vec::new();
        for sql in [&OF_ASSETS, &IN_TRASH] {
            blobs.extend(hashes(&mut session, sql, &range).await?);
        }
        let found = hashes(&mut session, &FOUND, &range).await?;
        blobs.sort_unstable();
        blobs.dedup();
        // What is no hash has no blob.
        let blobs = blobs.into_iter().filter_map(|text| {
            let is_found = found.contains(&text);
            text.parse().ok().map(|sha256| (sha256, is_found))
        });
        Ok(blobs.collect())
    }

    pub(super) fn count(&mut self, bytes: u64) {
        self.blobs += 1;
        self.bytes += bytes;
    }

    pub(super) fn passed(&mut self, sha256: Sha256) {
        self.after = sha256.to_string();
    }

    /// Notes how far this is; says whether it is still this process's.
    pub(super) async fn note(&mut self, studio: &Studio) -> Result<bool> {
        self.write(studio, Some(studio.now())).await
    }

    /// Leaves the rest to whoever comes next, without waiting.
    pub(super) async fn release(mut self, studio: &Studio) -> Result<()> {
        self.write(studio, Some(MillisSinceEpoch(0)))
            .await
            .map(drop)
    }

    /// Everything is hashed.
    pub(super) async fn finish(mut self, studio: &Studio) -> Result<()> {
        self.write(studio, None).await.map(drop)
    }

    async fn write(&mut self, studio: &Studio, at: Option<MillisSinceEpoch>) -> Result<bool> {
        let mut session = studio.database().write().await?;
        // In the order in which claiming takes them.
        let counted = [int(self.blobs), int(self.bytes)];
        session.execute(&COUNT, &counted).await?;
        let changed = match at {
            Some(at) => {
                let parameters = [
                    Value::Id(self.id.0),
                    Value::from(self.after.as_str()),
                    Value::Time(at),
                ];
                session.execute(&NOTE, &parameters).await?
            }
            None => session.execute(&REMOVE, &[Value::Id(self.id.0)]).await?,
        };
        // Where another has taken it over, that one counts.
        if changed > 0 {
            session.commit().await?;
            (self.blobs, self.bytes) = (0, 0);
        }
        Ok(changed > 0)
    }
}

fn int(count: u64) -> Value<'static> {
    Value::Int(i64::try_from(count).unwrap_or(i64::MAX))
}

async fn hashes(session: &mut Session, sql: &Sql, parameters: &[Value<'_>]) -> Result<Vec<String>> {
    let read = |row: &Row<'_>| row.at::<String>(0, "sha256");
    session.query(sql, parameters, read).await
}

/// Returns the last of the next blobs after a position.
async fn last_of_next(session: &mut Session, position: &str) -> Result<Option<String>> {
    let position = [Value::from(position)];
    let mut next = hashes(session, &NEXT_OF_ASSETS, &position).await?;
    next.extend(hashes(session, &NEXT_IN_TRASH, &position).await?);
    next.sort_unstable();
    next.dedup();
    next.truncate(AT_ONCE);
    Ok(next.pop())
}
