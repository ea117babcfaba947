//! `pegbar man`.

use std::fs;
use std::path::{Path, PathBuf};

use clap_mangen::Man;

use crate::cli::definition;
use crate::context::Context;
use crate::error::CommandError;
use crate::sheet::refused_by_system;
use crate::text::count;

/// Write the manual: a page for each command, made from its help
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  pegbar man ~/.local/share/man/man1 && man pegbar-frame-add")]
pub(crate) struct Args {
    /// The folder; it is made if it is not there
    #[arg(value_name = "DIR")]
    folder: PathBuf,
}

pub(crate) fn run(args: &Args, context: &Context) -> Result<(), CommandError> {
    let folder = &args.folder;
    fs::create_dir_all(folder).map_err(|error| refused_by_system("creating", folder, &error))?;
    let mut pages = Vec::new();
    let mut command = definition().disable_help_subcommand(true);
    // What every command has is spread to all of them.
    command.build();
    write(&command, "pegbar", folder, &mut pages)?;
    if context.output.is_json() {
        return context.output.json(&pages);
    }
    let number = count(pages.len() as u64, "page");
    let folder = folder.display();
    context
        .output
        .line(format_args!("wrote {number} into {folder}"))
}

/// Writes the page of a command and those of the commands below it.
fn write(
    command: &clap::Command,
    name: &str,
    folder: &Path,
    pages: &mut Vec<PathBuf>,
) -> Result<(), CommandError> {
    let path = folder.join(format!("{name}.1"));
    let version = concat!("pegbar ", env!("CARGO_PKG_VERSION"));
    // By itself the page leaves out what the options take.
    let usage = command.clone().render_usage().to_string();
    let usage = usage.trim_start_matches("Usage: ").to_owned();
    let page = Man::new(
        command
            .clone()
            .display_name(name.to_owned())
            .override_usage(usage),
    )
    .title(name.to_uppercase())
    .source(version)
    .manual("Pegbar");
    let mut bytes = Vec::new();
    let written = page.render(&mut bytes).and_then(|()| {
        let text = String::from_utf8_lossy(&bytes);
        fs::write(&path, with_examples(&text))
    });
    written.map_err(|error| refused_by_system("writing", &path, &error))?;
    pages.push(path);
    for below in command
        .get_subcommands()
        .filter(|below| !below.is_hide_set())
    {
        write(
            below,
            &format!("{name}-{}", below.get_name()),
            folder,
            pages,
        )?;
    }
    Ok(())
}

/// Gives the examples their own section, line by line as they are in the help.
fn with_examples(page: &str) -> String {
    match page.split_once(".SH EXTRA\nExample:\n") {
        Some((before, examples)) => {
            let (examples, after) = match examples.split_once("\n.SH ") {
                Some((examples, after)) => (examples, format!("\n.SH {after}")),
                None => (examples.trim_end(), "\n".to_owned()),
            };
            format!("{before}.SH EXAMPLES\n.nf\n{examples}\n.fi{after}")
        }
        None => page.to_owned(),
    }
}
