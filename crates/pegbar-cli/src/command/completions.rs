//! `pegbar completions`.

use clap_complete::Shell;

use crate::cli::definition;
use crate::context::Context;
use crate::error::CommandError;

/// Print what a shell needs to complete commands and options
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  bash        pegbar completions bash > ~/.local/share/bash-completion/completions/pegbar
  zsh         pegbar completions zsh > ~/.zfunc/_pegbar     (with ~/.zfunc in fpath)
  fish        pegbar completions fish > ~/.config/fish/completions/pegbar.fish
  elvish      pegbar completions elvish >> ~/.config/elvish/rc.elv
  PowerShell  pegbar completions powershell >> $PROFILE")]
pub(crate) struct Args {
    /// The shell
    shell: Shell,
}

pub(crate) fn run(args: &Args, context: &Context) -> Result<(), CommandError> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut definition(), "pegbar", &mut script);
    if context.output.is_json() {
        return context.output.json(&String::from_utf8_lossy(&script));
    }
    context.output.verbatim(&script)
}
