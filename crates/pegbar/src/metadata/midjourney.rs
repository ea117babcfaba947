//! Midjourney: what was typed, with its options and the job's number, as a description.

use super::fields::{self, Fields};
use super::piece::Pieces;
use crate::claim::NewClaim;

const DESCRIPTIONS: &[&str] = &["Description", "ImageDescription"];
const JOB: &str = "Job ID:";
const BESIDE: &[&str] = &["Author", "Creation Time"];

pub(super) fn read(pieces: &mut Pieces) -> Option<NewClaim> {
    let name = DESCRIPTIONS.iter().copied().find(|name| {
        let text = pieces.text(name).and_then(|text| text.rsplit_once(JOB));
        text.is_some_and(|(_, job)| is_uuid(job.trim()))
    })?;
    let (typed, job) = pieces.text(name)?.rsplit_once(JOB)?;
    let mut fields = Fields::new();
    fields.set(fields::SOFTWARE, "Midjourney");
    fields.add_other("jobId", job.trim());
    let mut parts = typed.trim().split(" --");
    fields.set(fields::PROMPT, parts.next().unwrap_or_default().trim());
    for option in parts {
        let (name, value) = option.split_once(' ').unwrap_or((option, ""));
        let value = value.trim();
        match name {
            "no" => fields.set(fields::NEGATIVE_PROMPT, value),
            "seed" => fields.set(fields::SEED, value),
            "v" | "version" => fields.set(fields::MODEL, value),
            "niji" => fields.set(fields::MODEL, format!("niji {value}").trim()),
            _ => fields.add_other(name, value),
        }
    }
    if let Some(time) = pieces.text("Creation Time") {
        fields.set(fields::CREATED_AT, time.to_owned());
    }
    if let Some(author) = pieces.text("Author") {
        fields.add_other("author", author.to_owned());
    }
    let mut names = vec![name];
    names.extend(BESIDE);
    let taken = pieces.take(&names);
    Some(fields.into_claim("midjourney", pieces.place, &taken))
}

fn is_uuid(text: &str) -> bool {
    uuid::Uuid::try_parse(text).is_ok()
}
