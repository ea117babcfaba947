//! Scrubbing: blobs are hashed again, slowly, one after the other, and on from where it was left.
//!
//! Where it is stands in the database, so that it goes on after an interruption, and several
//! processes share one pass: each claims the next few blobs before it hashes them. A claim that
//! nobody works on any more goes to the next who comes.

mod claim;
mod pace;

use std::fs::File;
use std::io::Read as _;
use std::time::{Duration, Instant};

use serde::Serialize;
use sha2::Digest as _;

use crate::db::blocking;
use crate::db::sql::statements;
use crate::db::value::Value;
use crate::error::Result;
use crate::hash::Sha256;
use crate::studio::Studio;
use crate::time::MillisSinceEpoch;
use crate::view::files::{Stamp, stamp};
use claim::{Claim, Claimed};
use pace::Pace;

statements! {
    STATUS = "SELECT position, pass, blobs, bytes, began_at, last_began_at, last_ended_at, \
              last_blobs, last_bytes FROM scrub";
    COUNT_FINDINGS = "SELECT count(*) FROM scrub_finding";
    FORGET_FINDING = "DELETE FROM scrub_finding WHERE sha256 = $1";
    ADD_FINDING = "INSERT INTO scrub_finding \
                   (sha256, found, reason, file_size, modified_ns, found_at) \
                   VALUES ($1, $2, $3, $4, $5, CAST($6 AS {time}))";
}
#[cfg(test)]
pub(crate) use claim::STATEMENTS as CLAIM_STATEMENTS;

/// How much is read at once, in bytes.
const CHUNK: usize = 1 << 17;

/// How often the position is written while a blob is hashed.
const BETWEEN_NOTES: Duration = Duration::from_secs(2);

/// How it is scrubbed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ScrubOptions {
    /// How many bytes are read in a second at most; `None` for as many as the disk gives.
    pub bytes_per_second: Option<u64>,
    /// How long it is scrubbed at most; `None` until the pass is complete.
    pub time_limit: Option<Duration>,
}

/// What one call of [`Studio::scrub`] did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ScrubReport {
    /// How many blobs were hashed.
    pub blobs: u64,
    /// How many bytes were hashed.
    pub bytes: u64,
    /// How many blobs had other bytes than their names say, or could not be read.
    pub damaged: u64,
    /// How many blobs are not there; [`Studio::doctor`] tells which.
    pub missing: u64,
    /// The pass came to its end; the next call begins another.
    pub is_pass_complete: bool,
}

/// A pass over all blobs that came to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ScrubPass {
    /// When it began.
    pub began_at: MillisSinceEpoch,
    /// When it ended.
    pub ended_at: MillisSinceEpoch,
    /// How many blobs were hashed.
    pub blobs: u64,
    /// How many bytes were hashed.
    pub bytes: u64,
}

/// How far scrubbing is.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ScrubStatus {
    /// The number of the pass that is on its way, from 1; 0 before the first.
    pub pass: u64,
    /// How far that pass is, from 0 to 1: blobs are taken in the order of their hashes, which
    /// are spread evenly.
    pub position: f64,
    /// How many blobs it has hashed.
    pub blobs: u64,
    /// How many bytes it has hashed.
    pub bytes: u64,
    /// When it began.
    pub began_at: Option<MillisSinceEpoch>,
    /// The last pass that came to its end.
    pub last_pass: Option<ScrubPass>,
    /// How many blobs were found damaged and are not mended yet.
    pub findings: u64,
}

/// What became of a blob.
enum Hashed {
    Is(Sha256, u64),
    Missing,
    Unreadable(String),
}

impl Studio {
    /// Hashes the blobs that rows or the trash name, at a set rate, on from where the last call
    /// was left, whoever made it. It ends with the pass, or at the time limit. What it finds is
    /// told by [`Studio::doctor`] until the blob is replaced or is right again.
    ///
    /// It can be dropped at any time: at most the blobs since the last note, two seconds
    /// before, are hashed again. Several processes may do it at once; none hashes what
    /// another does. `progress` is called after each blob with how many bytes this call has
    /// hashed.
    ///
    /// # Errors
    /// [`crate::Error::Unavailable`] where the store is away or the database fails. Damage is no
    /// error.
    pub async fn scrub(
        &self,
        options: ScrubOptions,
        mut progress: impl FnMut(u64) + Send,
    ) -> Result<ScrubReport> {
        self.blobs().check_not_away()?;
        let mut run = Run {
            studio: self,
            pace: Pace::new(options.bytes_per_second),
            ends: options.time_limit.map(|limit| Instant::now() + limit),
            report: ScrubReport::default(),
        };
        let mut pass = None;
        loop {
            if run.is_over() {
                return Ok(run.report);
            }
            match Claim::next(self, &mut pass).await? {
                Claimed::Blobs(claim) => run.scrub(claim, &mut progress).await?,
                // Others still hash theirs.
                Claimed::NothingLeft => return Ok(run.report),
                Claimed::PassComplete => {
                    run.report.is_pass_complete = true;
                    return Ok(run.report);
                }
            }
        }
    }

    /// Returns how far scrubbing is, and what the last pass did.
    ///
    /// # Errors
    /// [`crate::Error::Unavailable`], [`crate::Error::Database`].
    pub async fn scrub_status(&self) -> Result<ScrubStatus> {
        let mut session = self.database().read().await?;
        let status = session
            .optional(&STATUS, &[], |row| {
                let position: String = row.at(0, "scrub.position")?;
                let last_pass = match (
                    row.at::<Option<MillisSinceEpoch>>(5, "scrub.last_began_at")?,
                    row.at::<Option<MillisSinceEpoch>>(6, "scrub.last_ended_at")?,
                ) {
                    (Some(began_at), Some(ended_at)) => Some(ScrubPass {
                        began_at,
                        ended_at,
                        blobs: row.at::<Option<u64>>(7, "scrub.last_blobs")?.unwrap_or(0),
                        bytes: row.at::<Option<u64>>(8, "scrub.last_bytes")?.unwrap_or(0),
                    }),
                    _ => None,
                };
                Ok(ScrubStatus {
                    position: fraction(&position),
                    pass: row.at(1, "scrub.pass")?,
                    blobs: row.at(2, "scrub.blobs")?,
                    bytes: row.at(3, "scrub.bytes")?,
                    began_at: Some(row.at(4, "scrub.began_at")?),
                    last_pass,
                    findings: 0,
                })
            })
            .await?;
        let findings = session
            .optional(&COUNT_FINDINGS, &[], |row| row.at::<u64>(0, "count"))
            .await?;
        Ok(ScrubStatus {
            findings: findings.unwrap_or(0),
            ..status.unwrap_or_default()
        })
    }
}

/// Returns where a hash lies among all hashes, from 0 to 1.
fn fraction(hash: &str) -> f64 {
    let digits = hash.get(..8).unwrap_or("0");
    let place = u32::from_str_radix(digits, 16).unwrap_or(0);
    f64::from(place) / (f64::from(u32::MAX) + 1.0)
}

/// One call.
struct Run<'a> {
    studio: &'a Studio,
    pace: Pace,
    ends: Option<Instant>,
    report: ScrubReport,
}

impl Run<'_> {
    fn is_over(&self) -> bool {
        self.ends.is_some_and(|ends| Instant::now() >= ends)
    }

    /// Hashes what was claimed; at the end of the time, the rest is left to whoever comes next.
    async fn scrub(
        &mut self,
        mut claim: Claim,
        progress: &mut (impl FnMut(u64) + Send),
    ) -> Result<()> {
        let mut noted = Instant::now();
        let blobs = claim.blobs(self.studio).await?;
        for (sha256, is_found) in blobs {
            if self.is_over() {
                return claim.release(self.studio).await;
            }
            let place = self.studio.blobs().path(sha256);
            let before = stamp(&place)?;
            let Some(hashed) = self.hash(&place, &mut claim, &mut noted).await? else {
                // The claim is another's now.
                return Ok(());
            };
            match hashed {
                Hashed::Is(found, bytes) => {
                    self.report.blobs += 1;
                    self.report.bytes += bytes;
                    claim.count(bytes);
                    if found == sha256 {
                        if is_found {
                            self.forget(sha256).await?;
                        }
                    } else if let Some(stamp) = unchanged(&place, before)? {
                        self.report.damaged += 1;
                        self.note(sha256, stamp, Some(found), None).await?;
                    }
                }
                Hashed::Missing => {
                    self.report.missing += 1;
                    if is_found {
                        self.forget(sha256).await?;
                    }
                }
                Hashed::Unreadable(reason) => {
                    if let Some(stamp) = unchanged(&place, before)? {
                        self.report.damaged += 1;
                        self.note(sha256, stamp, None, Some(reason)).await?;
                    }
                }
            }
            claim.passed(sha256);
            progress(self.report.bytes);
            if noted.elapsed() >= BETWEEN_NOTES {
                noted = Instant::now();
                if !claim.note(self.studio).await? {
                    return Ok(());
                }
            }
        }
        claim.finish(self.studio).await
    }

    /// Hashes a file at the set rate, noting now and then that it is being worked on; `None`
    /// where another has taken the claim over.
    async fn hash(
        &mut self,
        place: &std::path::Path,
        claim: &mut Claim,
        noted: &mut Instant,
    ) -> Result<Option<Hashed>> {
        let mut file = match File::open(place) {
            Ok(file) => file,
            Err(error) if crate::view::files::is_absent(&error) => {
                return Ok(Some(Hashed::Missing));
            }
            Err(error) => return Ok(Some(Hashed::Unreadable(error.to_string()))),
        };
        let mut hasher = sha2::Sha256::new();
        let mut chunk = vec![0; CHUNK];
        let mut bytes = 0;
        loop {
            let read = blocking(|| {
                let read = file.read(&mut chunk)?;
                hasher.update(&chunk[..read]);
                Ok::<usize, std::io::Error>(read)
            });
            match read {
                Ok(0) => {
                    let found = Sha256(hasher.finalize().into());
                    return Ok(Some(Hashed::Is(found, bytes)));
                }
                Ok(read) => {
                    bytes += read as u64;
                    self.pace.wait(read as u64).await;
                }
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(error) => return Ok(Some(Hashed::Unreadable(error.to_string()))),
            }
            if noted.elapsed() >= BETWEEN_NOTES {
                *noted = Instant::now();
                if !claim.note(self.studio).await? {
                    return Ok(None);
                }
            }
        }
    }

    async fn forget(&self, sha256: Sha256) -> Result<()> {
        let mut session = self.studio.database().write().await?;
        let hash = sha256.to_string();
        session
            .execute(&FORGET_FINDING, &[Value::from(hash.as_str())])
            .await?;
        session.commit().await
    }

    async fn note(
        &self,
        sha256: Sha256,
        stamp: Stamp,
        found: Option<Sha256>,
        reason: Option<String>,
    ) -> Result<()> {
        let hash = sha256.to_string();
        let text = |text: Option<String>| text.map_or(Value::Null, |text| Value::Text(text.into()));
        let file_size = i64::try_from(stamp.file_size).unwrap_or(i64::MAX);
        let mut session = self.studio.database().write().await?;
        session
            .execute(&FORGET_FINDING, &[Value::from(hash.as_str())])
            .await?;
        let parameters = [
            Value::from(hash.as_str()),
            text(found.map(|found| found.to_string())),
            text(reason),
            Value::Int(file_size),
            Value::Int(stamp.modified_ns),
            Value::Time(self.studio.now()),
        ];
        session.execute(&ADD_FINDING, &parameters).await?;
        session.commit().await
    }
}

/// Returns how a file looks, unless it was replaced while it was read.
fn unchanged(place: &std::path::Path, before: Option<Stamp>) -> Result<Option<Stamp>> {
    let now = stamp(place)?;
    Ok(now.filter(|_| now == before))
}
