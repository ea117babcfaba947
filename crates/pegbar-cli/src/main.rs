//! The command line of Pegbar.

mod cli;
mod color;
mod command;
mod config;
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
mod viewer;
mod wrong_turn;

fn main() -> std::process::ExitCode {
    cli::main()
}
