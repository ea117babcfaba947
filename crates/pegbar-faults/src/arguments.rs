//! The arguments, and which attack each is.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::{Args, Parser, Subcommand};
use pegbar_faults::attack::{self, Figure, HEADS, Setting};
use pegbar_faults::site::Where;
use pegbar_faults::{Result, block_on, block_on_threads, operation, victim};

/// Attacks Pegbar and prints what came of it, as a table. Stops at the first thing that breaks.
#[derive(Parser)]
#[command(arg_required_else_help = true, args_conflicts_with_subcommands = true)]
struct Arguments {
    /// Makes every attack in its short form: some minutes.
    #[arg(long)]
    short: bool,
    #[command(subcommand)]
    attack: Option<Attack>,
}

#[derive(Subcommand)]
enum Attack {
    /// SIGKILL at the system calls of every operation.
    Kill(Force),
    /// Torn writes, ENOSPC and EIO at every mutating call.
    Io(Force),
    /// Power cuts on a disk that keeps only what was flushed.
    Power(Force),
    /// Processes racing on one animation, some of them killed.
    Race(Force),
    /// Purges without grace against processes that write.
    Purge(Force),
    /// PostgreSQL itself killed and started again.
    Server(Force),
    /// A state machine beside a model in memory, crashes among its changes.
    Model(Force),
    /// Hostile images and metadata through every way in.
    Images(Force),
    /// Hostile bundles, backups and sidecars.
    Archives(Force),
    /// Hostile names and paths, folders exchanged for links meanwhile.
    Names(Force),
    /// A really full file system in memory (needs the right to mount).
    Full(Force),
    /// Power cuts of ext4, XFS and btrfs in image files (needs the right to mount).
    Mounted(Force),
    /// The same kills on systems that lack something (needs the feature `planted`).
    Fallback(Force),
    /// Files of the view that somebody edits, while operations are killed.
    Foreign(Force),
    /// Plants defects one by one, and shows that the attacks find each.
    Planted(Force),
    /// Does one operation on a studio: what is attacked.
    #[command(hide = true)]
    Victim {
        root: PathBuf,
        operation: String,
        seed: u64,
    },
}

#[derive(Args)]
struct Force {
    /// At least so many points, rounds or cases; without it, a few.
    #[arg(long)]
    points: Option<usize>,
    /// On the PostgreSQL server in `PEGBAR_TEST_POSTGRES` instead of SQLite.
    #[arg(long)]
    postgres: bool,
    /// At every system call, not only at those that change something.
    #[arg(long)]
    every: bool,
    /// Exchanges folders for links while the victim works, not only before.
    #[arg(long)]
    meanwhile: bool,
    /// Only this operation.
    #[arg(long)]
    only: Option<String>,
    /// Stops after so many seconds, even if fewer were made.
    #[arg(long)]
    seconds: Option<u64>,
    /// Where the numbers begin.
    #[arg(long, default_value_t = 0)]
    seed: u64,
}

impl Force {
    fn setting(self) -> Result<Setting> {
        let rows = if self.postgres {
            Where::Postgres(
                std::env::var("PEGBAR_TEST_POSTGRES")
                    .map_err(|_| "set PEGBAR_TEST_POSTGRES, or use scripts/with-postgres")?,
            )
        } else {
            Where::Sqlite
        };
        Ok(Setting {
            rows,
            points: self.points,
            every: self.every,
            meanwhile: self.meanwhile,
            only: self.only,
            seed: self.seed,
            until: self
                .seconds
                .map(|seconds| Instant::now() + Duration::from_secs(seconds)),
            ..Setting::short(std::env::current_exe()?)
        })
    }
}

pub(crate) fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match run(arguments) {
        Ok(figures) if figures.is_empty() => ExitCode::SUCCESS,
        Ok(figures) => {
            println!("{HEADS}");
            for figure in figures {
                println!("{}", figure.row());
            }
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: Arguments) -> Result<Vec<Figure>> {
    let Some(attack) = arguments.attack else {
        return short();
    };
    match attack {
        Attack::Kill(force) => attack::kill::attack(&force.setting()?),
        Attack::Io(force) => attack::io::attack(&force.setting()?),
        Attack::Power(force) => attack::power::attack(&force.setting()?),
        Attack::Race(force) => attack::race::attack(&force.setting()?),
        Attack::Purge(force) => attack::purge::attack(&force.setting()?),
        Attack::Server(force) => attack::server::attack(&force.setting()?),
        Attack::Model(force) => attack::model::attack(&force.setting()?),
        Attack::Images(force) => attack::images::attack(&force.setting()?),
        Attack::Archives(force) => attack::archives::attack(&force.setting()?),
        Attack::Names(force) => attack::names::attack(&force.setting()?),
        Attack::Full(force) => attack::full::attack(&force.setting()?),
        Attack::Mounted(force) => attack::mounted::attack(&force.setting()?),
        Attack::Fallback(force) => attack::fallback::attack(&force.setting()?),
        Attack::Foreign(force) => attack::foreign::attack(&force.setting()?),
        Attack::Planted(force) => attack::planted::attack(&force.setting()?),
        Attack::Victim {
            root,
            operation,
            seed,
        } => {
            let work = victim::run(&root, &operation, seed);
            if operation::is_done_at_once(&operation) {
                block_on_threads(work)?;
            } else {
                block_on(work)?;
            }
            Ok(Vec::new())
        }
    }
}

fn short() -> Result<Vec<Figure>> {
    let setting = Setting::short(std::env::current_exe()?);
    let mut figures = attack::kill::attack(&setting)?;
    figures.extend(attack::io::attack(&setting)?);
    figures.extend(attack::power::attack(&setting)?);
    figures.extend(attack::race::attack(&setting)?);
    figures.extend(attack::purge::attack(&setting)?);
    figures.extend(attack::server::attack(&setting)?);
    figures.extend(attack::model::attack(&setting)?);
    figures.extend(attack::full::attack(&setting)?);
    figures.extend(attack::mounted::attack(&setting)?);
    figures.extend(attack::fallback::attack(&setting)?);
    figures.extend(attack::foreign::attack(&setting)?);
    figures.extend(attack::images::attack(&setting)?);
    figures.extend(attack::archives::attack(&setting)?);
    figures.extend(attack::names::attack(&setting)?);
    figures.extend(attack::names::attack_meanwhile(&setting)?);
    Ok(figures)
}
