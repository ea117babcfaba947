//! `pegbar export prov`.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use pegbar::ProvCounts;
use serde::Serialize;

use super::What;
use crate::context::Context;
use crate::error::CommandError;
use crate::output::Output;
use crate::sheet::refused_by_system;
use crate::text::counts;

/// Write lineage as PROV-JSON, which tools for W3C PROV read
///
/// Of an asset, a character or an animation: what it is and what it was made from, back to the
/// beginning. Of a project: everything. Assets and prompts are entities, generations
/// activities, models agents; the project is a collection.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  pegbar export prov Tabby/Walk/3 --output frame.json
  pegbar export prov > project.json")]
pub(super) struct Prov {
    #[command(flatten)]
    what: What,
    /// The file; else standard output
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Replace the file, whatever it is
    #[arg(long, requires = "output")]
    force: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Exported<'a> {
    path: &'a Path,
    #[serde(flatten)]
    counts: ProvCounts,
}

impl Prov {
    pub(super) async fn run(self, context: &Context) -> Result<(), CommandError> {
        let studio = context.studio().await?;
        let output = &context.output;
        let scope = self.what.scope(&studio).await?;
        let Some(path) = &self.output else {
            let mut out = Stdout {
                output,
                failure: None,
            };
            let exported = studio.export_prov(&scope, &mut out, |_, _| {}).await;
            return match (exported, out.failure) {
                (_, Some(failure)) => Err(failure),
                (exported, None) => Ok(exported.map(drop)?),
            };
        };
        if path.symlink_metadata().is_ok() && !self.force {
            let message = format!("{} is there already", path.display());
            let error = CommandError::refused("conflict", message);
            return Err(error.hint("name another file, or say --force to replace it"));
        }
        let mut name = path.file_name().unwrap_or_default().to_owned();
        name.push(format!(".{}.tmp", std::process::id()));
        let draft = path.with_file_name(name);
        let refused = |error: io::Error| refused_by_system("writing", path, &error);
        let mut file = File::create(&draft).map_err(refused)?;
        let progress = output.progress(0, "assets, once for each kind of statement");
        let exported = studio
            .export_prov(&scope, &mut file, |done, total| progress.set(done, total))
            .await;
        progress.finish();
        let exported = exported.map_err(CommandError::from);
        let counts = exported.and_then(|counts| {
            fs::rename(&draft, path).map_err(refused)?;
            Ok(counts)
        });
        let counts = counts.inspect_err(|_| {
            // It may not be there.
            let _ = fs::remove_file(&draft);
        })?;
        if output.is_json() {
            return output.json(&Exported { path, counts });
        }
        let told = counts_of(&counts);
        output.line(format_args!("{}  ({told})", path.display()))
    }
}

fn counts_of(counts: &ProvCounts) -> String {
    self::counts(&[
        (counts.assets, "asset"),
        (counts.generations, "generation"),
        (counts.prompts, "prompt"),
        (counts.models, "model"),
        (counts.inputs, "input"),
    ])
}

/// Standard output as a writer, which remembers how it failed.
struct Stdout<'a> {
    output: &'a Output,
    failure: Option<CommandError>,
}

impl Write for Stdout<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self.output.verbatim(bytes) {
            Ok(()) => Ok(bytes.len()),
            Err(failure) => {
                self.failure = Some(failure);
                Err(io::ErrorKind::BrokenPipe.into())
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
