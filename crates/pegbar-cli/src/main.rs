//! The command line of Pegbar.

mod cli;
mod command;
mod context;
mod demo;
mod error;
mod find;
mod list;
mod natural;
mod options;
mod output;
mod sheet;
mod text;

fn main() -> std::process::ExitCode {
    cli::main()
}
