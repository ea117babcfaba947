//! What files and apps say of an asset: `pegbar asset read-claims`, and how it is shown.

use pegbar::{Claim, Studio};
use serde_json::Value;

use super::credentials;
use crate::error::CommandError;
use crate::find::InProject;
use crate::output::Output;
use crate::text::{count, one_line};

/// Read what the files of assets say of themselves, for those taken in by an earlier version
///
/// Generators write into their files what they made them from. Pegbar reads that when a file
/// comes in; this reads the files again and adds the claims that are not there yet. Nothing
/// else changes, and repeating it adds nothing.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  pegbar asset read-claims")]
pub(super) struct ReadClaims {
    #[command(flatten)]
    within: InProject,
}

impl ReadClaims {
    pub(super) async fn run(self, studio: &Studio, output: &Output) -> Result<(), CommandError> {
        let project = self.within.one(studio).await?;
        let progress = output.progress(0, "assets");
        let read = studio
            .read_claims(project.id, |done, total| progress.set(done, total))
            .await;
        progress.finish();
        let read = read?;
        if output.is_json() {
            return output.json(&read);
        }
        let added = match read.added {
            0 => "no new claim".to_owned(),
            added => count(added, "new claim"),
        };
        let assets = count(read.assets, "asset");
        let speaking = read.speaking;
        output.line(format_args!(
            "read {assets}, of which {speaking} say something of themselves: {added}"
        ))
    }
}

/// How many lines of a claim are shown, and how many characters of each.
const MAX_LINES: usize = 40;
const MAX_CHARACTERS: usize = 400;

/// How deep objects are shown member by member.
const MAX_DEPTH: usize = 4;

/// The fields that come first, whoever claims them.
const FIRST: &[&str] = &[
    "prompt",
    "negativePrompt",
    "model",
    "modelHash",
    "seed",
    "steps",
    "sampler",
    "cfgScale",
    "width",
    "height",
    "software",
    "createdAt",
];

/// Prints claims, set apart from what Pegbar recorded.
pub(super) fn print(claims: &[Claim], output: &Output) -> Result<(), CommandError> {
    if claims.is_empty() {
        return Ok(());
    }
    output.line("claims (what the file or its app says, not recorded by Pegbar)")?;
    let mut is_cut = false;
    for claim in claims {
        if let Some(said) = claim.credentials() {
            let title = format!("  {}  {}", claim.position, credentials::TITLE);
            output.fields(&title, &credentials::claimed(&said))?;
            continue;
        }
        let mut lines = Lines::default();
        lines.add_all(claim.fields.as_value());
        is_cut |= lines.is_cut;
        let title = format!("  {}  {}", claim.position, claim.tool);
        let fields: Vec<(&str, String)> = lines
            .lines
            .iter()
            .map(|(name, value)| (name.as_str(), value.clone()))
            .collect();
        output.fields(&title, &fields)?;
    }
    if is_cut {
        output.note("long claims are cut: --json has all of them, and the text as it was found");
    }
    Ok(())
}

/// The fields of a claim as lines, the members of objects by names like `other.steps`.
#[derive(Default)]
struct Lines {
    lines: Vec<(String, String)>,
    is_cut: bool,
}

impl Lines {
    fn add_all(&mut self, fields: &Value) {
        let Value::Object(members) = fields else {
            return self.add("", fields, 0);
        };
        for name in FIRST {
            if let Some(value) = members.get(*name) {
                self.add(name, value, 1);
            }
        }
        for (name, value) in members {
            if !FIRST.contains(&name.as_str()) {
                self.add(name, value, 1);
            }
        }
    }

    fn add(&mut self, name: &str, value: &Value, depth: usize) {
        match value {
            Value::Object(members) if depth < MAX_DEPTH => {
                for (inner, value) in members {
                    self.add(&format!("{name}.{inner}"), value, depth + 1);
                }
            }
            Value::Array(values) if depth < MAX_DEPTH && values.iter().any(Value::is_object) => {
                for (place, value) in values.iter().enumerate() {
                    self.add(&format!("{name}.{place}"), value, depth + 1);
                }
            }
            Value::String(text) => self.push(name, text),
            Value::Array(values) if values.iter().all(Value::is_string) => {
                let texts: Vec<&str> = values.iter().filter_map(Value::as_str).collect();
                self.push(name, &texts.join(", "));
            }
            value => self.push(name, &value.to_string()),
        }
    }

    fn push(&mut self, name: &str, text: &str) {
        if self.lines.len() >= MAX_LINES {
            self.is_cut = true;
            return;
        }
        self.is_cut |= text.chars().count() > MAX_CHARACTERS;
        let text = one_line(text, MAX_CHARACTERS);
        self.lines.push((format!("   {name}"), text));
    }
}
