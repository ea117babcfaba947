//! From arguments to an exit code.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;

use crate::command::Command;
use crate::context::Context;
use crate::error::CommandError;
use crate::output::Output;

/// The asset database for generated animation.
#[derive(Debug, Parser)]
#[command(name = "pegbar", version, max_term_width = 100, after_help = EXAMPLE)]
struct Cli {
    #[command(flatten)]
    global: GlobalOptions,
    #[command(subcommand)]
    command: Command,
}

const EXAMPLE: &str = "\
Example:
  pegbar init my-studio && cd my-studio
  pegbar project create 'Alley cats'
  pegbar character create Tabby
  pegbar variation add Tabby front.png side.png --prompt 'a small orange cat'
  pegbar animation create Tabby Walk
  pegbar frame add Tabby/Walk walk_0.png walk_1.png
  pegbar tree

A thing is meant by its name, its id, or the end of its id. An address in
PEGBAR_DATABASE_URL (postgres://...) puts the rows into PostgreSQL. A command
can be interrupted at any time: what it has not finished, the next one does.";

/// The options that every command has.
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "Options of every command")]
pub(crate) struct GlobalOptions {
    /// The studio's folder; else the nearest one above the current folder
    #[arg(
        long,
        global = true,
        value_name = "DIR",
        env = "PEGBAR_STUDIO",
        hide_env = true
    )]
    pub(crate) studio: Option<PathBuf>,
    /// Print JSON, for programs: results on stdout, errors and warnings on stderr
    #[arg(long, global = true)]
    pub(crate) json: bool,
}

/// Runs the program.
pub(crate) fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(refusal) => return refuse_arguments(&refusal),
    };
    let output = Output::new(cli.global.json);
    let context = Context::new(&cli.global, output);
    let result = crate::error::catching_faults(|| run(cli.command, &context));
    let result = result.and_then(|()| context.output.finish());
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            context.output.error(&error);
            ExitCode::from(error.exit_code())
        }
    }
}

fn run(command: Command, context: &Context) -> Result<(), CommandError> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(|error| CommandError::fault("starting", &error))?;
    runtime.block_on(async {
        let result = command.run(context).await;
        context.report_notices();
        result
    })
}

/// Prints help, the version, or what is wrong with the arguments.
fn refuse_arguments(refusal: &clap::Error) -> ExitCode {
    let wants_json = std::env::args_os().any(|argument| argument == "--json");
    if refusal.use_stderr() && wants_json {
        let error = CommandError::usage(first_paragraph(&refusal.to_string()));
        Output::new(true).error(&error);
        return ExitCode::from(error.exit_code());
    }
    // Where nobody reads any more, there is nobody to tell.
    let _ = refusal.print();
    ExitCode::from(u8::try_from(refusal.exit_code()).unwrap_or(2))
}

fn first_paragraph(text: &str) -> String {
    let text = text.strip_prefix("error: ").unwrap_or(text);
    let lines = text.lines().take_while(|line| !line.is_empty());
    lines.map(str::trim).collect::<Vec<_>>().join(" ")
}
