//! What scrubbing found, told without hashing.

use super::USER;
use crate::db::sql::statements;
use crate::db::value::Value;
use crate::doctor::Ward;
use crate::doctor::finding::DoctorFinding;
use crate::error::Result;
use crate::hash::Sha256;
use crate::view::files::stamp;

statements! {
    FOUND = "SELECT sha256, found, reason, file_size, modified_ns FROM scrub_finding \
                ORDER BY sha256";
}

/// Tells what scrubbing found, unless the file was replaced since or nothing names it any more.
pub(super) async fn tell(ward: &Ward) -> Result<()> {
    if ward.options.deep {
        // It was just hashed.
        return Ok(());
    }
    for finding in find(ward).await? {
        ward.found(finding).await;
    }
    Ok(())
}

async fn find(ward: &Ward) -> Result<Vec<DoctorFinding>> {
    let mut session = ward.studio.database().read().await?;
    let found = session
        .query(&FOUND, &[], |row| {
            Ok((
                row.at::<Sha256>(0, "scrub_finding.sha256")?,
                row.at::<Option<Sha256>>(1, "scrub_finding.found")?,
                row.at::<Option<String>>(2, "scrub_finding.reason")?,
                row.at::<u64>(3, "scrub_finding.file_size")?,
                row.at::<i64>(4, "scrub_finding.modified_ns")?,
            ))
        })
        .await?;
    let mut findings = Vec::new();
    for (sha256, found, reason, file_size, modified_ns) in found {
        let blob = ward.studio.blobs().path(sha256);
        let stamp = stamp(&blob)?;
        let is_same = stamp
            .is_some_and(|stamp| stamp.file_size == file_size && stamp.modified_ns == modified_ns);
        let hash = sha256.to_string();
        let user = session
            .optional(&USER, &[Value::from(hash.as_str())], |row| {
                row.get::<Option<u64>>(2).map_or(Ok(None), Ok)
            })
            .await?;
        // Another size is told as that.
        let Some(recorded) = user.filter(|_| is_same) else {
            continue;
        };
        if recorded.is_some_and(|recorded| recorded != file_size) {
            continue;
        }
        let path = ward.place(&blob);
        findings.push(match (found, reason) {
            (Some(found), _) => DoctorFinding::BlobAltered {
                sha256,
                path,
                found,
            },
            (None, reason) => DoctorFinding::BlobUnreadable {
                sha256,
                path,
                reason: reason.unwrap_or_default(),
            },
        });
    }
    Ok(findings)
}
