//! `pegbar asset credentials`.

mod claimed;
#[cfg(feature = "c2pa")]
mod verdict;

use std::path::PathBuf;

use pegbar::{C2paCredentials, Studio};

use super::Which;
use crate::error::CommandError;
use crate::output::Output;
pub(super) use claimed::claimed;

/// Show what the Content Credentials (C2PA) in an asset's file say, and check them
///
/// What a file says of itself is a claim, which anybody can write. A check says, each for
/// itself, whether the bytes are those that were signed, whether the signature belongs to them,
/// when the certificate is valid, and whether it goes back to an authority that you trust.
/// Nothing is asked of the network.
///
/// Checking is left out of the usual build, since it makes it much larger: it shows what the
/// file says, and ends with the exit code 1, since nothing was checked.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  pegbar asset credentials tabby.png
  pegbar asset credentials tabby.png --trust-anchors authorities.pem")]
pub(super) struct Credentials {
    #[command(flatten)]
    which: Which,
    /// The certificates of the authorities that you trust, in PEM
    #[arg(long, value_name = "FILE")]
    trust_anchors: Option<PathBuf>,
}

/// What stands above what credentials say.
pub(super) const TITLE: &str = "Content Credentials (claimed by the file, not checked by Pegbar)";

const NONE: &str = "it carries no Content Credentials";

/// Prints what the credentials in a file say, before it is said what a check finds.
fn print_claimed(output: &Output, said: &C2paCredentials) -> Result<(), CommandError> {
    output.fields("Content Credentials (claimed by the file)", &claimed(said))
}

/// Ends a command that has printed what there is: credentials that were not checked show in the
/// exit code.
fn told(claimed: Option<&C2paCredentials>, is_checked: bool) -> Result<(), CommandError> {
    match claimed {
        Some(_) if !is_checked => Err(CommandError::Unchecked),
        _ => Ok(()),
    }
}

/// A report as programs read it.
#[cfg(feature = "c2pa")]
#[derive(serde::Serialize)]
struct Checked<'a> {
    /// The credentials were checked, whatever was found.
    checked: bool,
    #[serde(flatten)]
    report: &'a pegbar::CredentialsReport,
}

#[cfg(not(feature = "c2pa"))]
impl Credentials {
    pub(super) async fn run(self, studio: &Studio, output: &Output) -> Result<(), CommandError> {
        const HOW: &str =
            "a build with `cargo install --path crates/pegbar-cli --features c2pa` has it";
        if self.trust_anchors.is_some() {
            let error = CommandError::refused(
                "unavailable",
                "this build of pegbar leaves out the check of Content Credentials",
            );
            return Err(error.hint(HOW));
        }
        let asset = self.which.find(studio).await?;
        let said = studio.read_credentials(asset.id).await?;
        if output.is_json() {
            let problem = said
                .as_ref()
                .map(|_| "not checked: this build leaves that out");
            output.json(&serde_json::json!({
                "claimed": said, "checked": false, "verdict": null, "problem": problem,
            }))?;
            return told(said.as_ref(), false);
        }
        let Some(said) = said else {
            return output.line(NONE);
        };
        print_claimed(output, &said)?;
        output.line("not checked: this build leaves that out")?;
        output.line(format_args!("  {HOW}"))?;
        Err(CommandError::Unchecked)
    }
}

#[cfg(feature = "c2pa")]
impl Credentials {
    pub(super) async fn run(self, studio: &Studio, output: &Output) -> Result<(), CommandError> {
        let anchors = self.trust_anchors.as_deref();
        let anchors = anchors.map(|path| {
            let read = std::fs::read_to_string(path);
            read.map_err(|error| crate::sheet::refused_by_system("reading", path, &error))
        });
        let anchors = anchors.transpose()?;
        let asset = self.which.find(studio).await?;
        let report = studio
            .validate_credentials(asset.id, anchors.as_deref())
            .await?;
        let is_checked = report.verdict.is_some();
        if output.is_json() {
            output.json(&Checked {
                checked: is_checked,
                report: &report,
            })?;
            return told(report.claimed.as_ref(), is_checked);
        }
        let Some(said) = &report.claimed else {
            return output.line(NONE);
        };
        print_claimed(output, said)?;
        if let Some(found) = &report.verdict {
            verdict::print(output, found)?;
        }
        if let Some(problem) = &report.problem {
            output.line(format_args!("could not be checked: {problem}"))?;
        }
        told(report.claimed.as_ref(), is_checked)
    }
}
