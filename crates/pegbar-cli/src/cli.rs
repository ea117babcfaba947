//! From arguments to an exit code.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use clap::error::{ContextKind, ContextValue};
use clap::{ArgMatches, CommandFactory, FromArgMatches, Parser};

use crate::color::{self, ColorWhen};
use crate::command::Command;
use crate::config::{Key, Setting, Settings};
use crate::context::{Context, studio_folder};
use crate::error::CommandError;
use crate::output::Output;
use crate::wrong_turn;

/// The asset database for generated animation.
#[derive(Debug, Parser)]
#[command(name = "pegbar", version, max_term_width = 100, after_help = EXAMPLE)]
#[command(styles = color::HELP)]
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
PEGBAR_DATABASE_URL (postgres://...) puts the rows into PostgreSQL, and
`pegbar config` shows what else can be set. A command can be interrupted at
any time: what it has not finished, the next one does.";

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
    /// When to use colours: auto (on a terminal), always or never
    #[arg(long, global = true, value_name = "WHEN", hide_possible_values = true)]
    pub(crate) color: Option<ColorWhen>,
}

/// The whole command line, as help, completions and man pages are made from it.
pub(crate) fn definition() -> clap::Command {
    Cli::command()
}

/// Runs the program.
pub(crate) fn main() -> ExitCode {
    let settings = Settings::load();
    let known = settings.as_ref().cloned().unwrap_or_default();
    let color = ColorWhen::of(std::env::args_os(), &known);
    let parsed = parse(definition().color(color.for_help()));
    let (mut cli, matches) = match parsed {
        Ok(parsed) => parsed,
        Err(refusal) => return refuse_arguments(refusal, color),
    };
    let output = Arc::new(Output::new(cli.global.json, color.colors()));
    let folder = cli.global.studio.clone();
    let folder = folder.filter(|folder| !folder.as_os_str().is_empty());
    let result = crate::error::catching_faults(|| {
        let settings = match settings {
            // A file that is wrong has to be found.
            Err(_) if cli.command.needs_no_settings() => Settings::default(),
            settings => with_options(settings?, &cli.global, &matches),
        };
        let project = if cli.command.needs_no_settings() {
            None
        } else {
            project(&settings, folder.as_deref())?
        };
        if let Some(project) = &project {
            (cli, _) = parse(with_project(definition(), &project.value))
                .map_err(|refusal| CommandError::fault("reading the arguments again", &refusal))?;
        }
        let context = Context::new(settings, folder, output.clone());
        let result = run(cli.command, &context);
        result.map_err(|error| match project {
            Some(project) => error.of_setting(&project),
            None => error,
        })
    });
    let result = match result {
        Ok(()) => output.finish(),
        Err(told @ (CommandError::Differs | CommandError::Unchecked)) => {
            output.finish().and(Err(told))
        }
        failed => failed,
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            output.error(&error);
            ExitCode::from(error.exit_code())
        }
    }
}

fn parse(mut command: clap::Command) -> Result<(Cli, ArgMatches), clap::Error> {
    let matches = command.try_get_matches_from_mut(std::env::args_os())?;
    let cli = Cli::from_arg_matches(&matches).map_err(|error| error.format(&mut command))?;
    Ok((cli, matches))
}

/// Adds what the options of every command say.
fn with_options(mut settings: Settings, options: &GlobalOptions, matches: &ArgMatches) -> Settings {
    let is_option = |id| matches.value_source(id) == Some(clap::parser::ValueSource::CommandLine);
    if let Some(folder) = &options.studio
        && is_option("studio")
    {
        settings.set_option(Key::Studio, "--studio", folder.display().to_string());
    }
    if let Some(when) = options.color
        && let Some(value) = clap::ValueEnum::to_possible_value(&when)
    {
        settings.set_option(Key::Color, "--color", value.get_name().to_owned());
    }
    settings
}

/// Returns the project that is set.
fn project(settings: &Settings, folder: Option<&Path>) -> Result<Option<Setting>, CommandError> {
    match studio_folder(folder, settings)? {
        Some(folder) => settings.of_studio(&folder)?.get(Key::Project),
        None => settings.get(Key::Project),
    }
}

/// Makes a project the one that is meant wherever none is named.
fn with_project(command: clap::Command, project: &str) -> clap::Command {
    let variable = std::ffi::OsStr::new(Key::Project.variable());
    let command = command.mut_args(|arg| {
        if arg.get_env() == Some(variable) {
            arg.default_value(project.to_owned())
        } else {
            arg
        }
    });
    command.mut_subcommands(|command| with_project(command, project))
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
fn refuse_arguments(mut refusal: clap::Error, color: ColorWhen) -> ExitCode {
    let wants_json = std::env::args_os().any(|argument| argument == "--json");
    let arguments = std::env::args_os().map(|word| word.to_string_lossy().into_owned());
    if let Some(tip) = wrong_turn::tip(&refusal, &arguments.collect::<Vec<_>>()) {
        // Names that are merely spelled alike would only distract.
        refusal.remove(ContextKind::SuggestedSubcommand);
        refusal.remove(ContextKind::SuggestedArg);
        refusal.insert(
            ContextKind::Suggested,
            ContextValue::StyledStrs(vec![tip.into()]),
        );
    }
    if refusal.use_stderr() && wants_json {
        let text = refusal.to_string();
        let mut error = CommandError::usage(first_paragraph(&text));
        if let Some(tip) = text
            .lines()
            .find_map(|line| line.trim().strip_prefix("tip: "))
        {
            error = error.hint(tip);
        }
        Output::new(true, color.colors()).error(&error);
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
