//! `pegbar asset save`.

use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use pegbar::{Asset, Studio};
use serde::Serialize;

use super::Which;
use crate::error::CommandError;
use crate::output::Output;
use crate::sheet::refused_by_system;
use crate::text::size;

/// Write the image of an asset into a file, byte for byte as it came
///
/// It is read from where nobody edits it, whatever has become of the file below public/assets.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  pegbar asset save palette.png copy.png
  pegbar asset save 3f9c1a - | display")]
pub(super) struct Save {
    #[command(flatten)]
    which: Which,
    /// The file, or - for standard output; else one in the current folder, by the name it came with
    #[arg(value_name = "FILE")]
    file: Option<PathBuf>,
    /// The same, as other commands have it
    #[arg(long, short, value_name = "FILE", conflicts_with = "file")]
    output: Option<PathBuf>,
    /// Replace the file, whatever it is
    #[arg(long)]
    force: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Saved<'a> {
    path: &'a Path,
    file_size: u64,
}

impl Save {
    pub(super) async fn run(self, studio: &Studio, output: &Output) -> Result<(), CommandError> {
        let asset = self.which.find(studio).await?;
        let mut image = studio.open_image(&asset)?;
        let path = self
            .file
            .or(self.output)
            .unwrap_or_else(|| file_name(&asset));
        if path == Path::new("-") {
            let mut bytes = Vec::new();
            image
                .read_to_end(&mut bytes)
                .map_err(|error| refused_by_system("reading", &path, &error))?;
            return output.verbatim(&bytes);
        }
        let path = if path.is_dir() {
            path.join(file_name(&asset))
        } else {
            path
        };
        let file_size = copy(&mut image, &path, self.force)?;
        if output.is_json() {
            return output.json(&Saved {
                path: &path,
                file_size,
            });
        }
        output.line(format_args!("{}  ({})", path.display(), size(file_size)))
    }
}

/// Returns the name that the file has if no other is given.
fn file_name(asset: &Asset) -> PathBuf {
    let original = asset.original_name.as_deref().map(Path::new);
    let original = original.and_then(Path::file_name);
    let home = asset
        .file_path
        .as_deref()
        .map(Path::new)
        .and_then(Path::file_name);
    let name = original.or(home).map(PathBuf::from);
    name.unwrap_or_else(|| asset.id.to_string().into())
}

/// Copies bytes into a file that is there at once, whole.
fn copy(image: &mut File, path: &Path, force: bool) -> Result<u64, CommandError> {
    if path.symlink_metadata().is_ok() && !force {
        let message = format!("{} is there already", path.display());
        let error = CommandError::refused("conflict", message);
        return Err(error.hint("name another file, or say --force to replace it"));
    }
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}.tmp", std::process::id()));
    let draft = path.with_file_name(name);
    let written = File::create(&draft).and_then(|mut file| io::copy(image, &mut file));
    let written = written.and_then(|size| fs::rename(&draft, path).map(|()| size));
    written.map_err(|error| {
        // It may not be there.
        let _ = fs::remove_file(&draft);
        refused_by_system("writing", path, &error)
    })
}
