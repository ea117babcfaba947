//! Runs a program under ptrace and does something to it at its n-th mutating system call: kills
//! it, lets the call fail, or lets it do half of its work.
//!
//! A mutating call is one that can change a file or what another program sees of it: the table in
//! `tracer/syscall.rs` lists them. They are counted from 1 over all threads and child processes of
//! the victim, from its exec on (or from a mark). Calls on descriptors 1 and 2, pipes and event
//! descriptors do not count, nor can stores to a shared memory map be seen. Victim and tracer
//! share one processor.

pub mod record;
#[cfg(all(
    target_os = "linux",
    target_env = "gnu",
    any(target_arch = "x86_64", target_arch = "aarch64")
))]
mod tracer;
#[cfg(not(all(
    target_os = "linux",
    target_env = "gnu",
    any(target_arch = "x86_64", target_arch = "aarch64")
)))]
mod tracer {
    pub(super) const SUPPORTED: bool = false;

    pub(super) fn run(_: &super::Victim, _: super::Plan) -> super::io::Result<super::Run> {
        Err(super::io::ErrorKind::Unsupported.into())
    }
}

use std::ffi::OsString;
use std::fmt;
use std::io;
use std::path::PathBuf;
use std::process::ExitStatus;
use std::time::Duration;

use record::Event;

/// The program to run and kill.
#[derive(Clone, Debug)]
pub struct Victim {
    /// A path, or a name to look up in `PATH`.
    pub program: OsString,
    /// Its arguments.
    pub args: Vec<OsString>,
    /// Set on top of the environment of the test.
    pub env: Vec<(OsString, OsString)>,
    /// The directory the program runs in.
    pub dir: PathBuf,
    /// How long a run may take before it is killed and reported as [`io::ErrorKind::TimedOut`].
    pub time_limit: Duration,
    /// Calls count once the program has asked for this path; `None` for all of them.
    pub mark: Option<PathBuf>,
    /// Counts every system call, not only those that change something.
    pub every: bool,
}

impl Victim {
    /// Describes a run of `program` in `dir` without arguments, limited to three minutes: machines may be
    /// busy.
    pub fn new(program: impl Into<OsString>, dir: impl Into<PathBuf>) -> Self {
        Self {
            program: program.into(),
            args: Vec::new(),
            env: Vec::new(),
            dir: dir.into(),
            time_limit: Duration::from_mins(3),
            mark: None,
            every: false,
        }
    }
}

/// What is done to a run. Calls are counted from 1.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Plan {
    /// Nothing.
    #[default]
    Watch,
    /// It is killed before this call.
    Kill {
        /// The call.
        at: usize,
    },
    /// This call fails with an error number, and does nothing.
    Fail {
        /// The call.
        at: usize,
        /// What is wrong: `libc::EIO`.
        errno: i32,
        /// All later mutating calls fail, too.
        onward: bool,
    },
    /// This call, if it writes, writes half of what it was to write.
    Tear {
        /// The call.
        at: usize,
        /// The program is killed then, instead of being told how much was written.
        kill: bool,
    },
    /// What it does to the files below a folder is written down.
    Record(PathBuf),
}

/// What a traced run did.
#[derive(Debug)]
pub struct Run {
    /// How it ended.
    pub outcome: Outcome,
    /// The mutating calls that were executed, in the order they were entered.
    pub calls: Vec<Call>,
    /// How many calls counted.
    pub counted: usize,
    /// The calls to which something was done.
    pub struck: Vec<Call>,
    /// What was written down of [`Plan::Record`].
    pub events: Vec<Event>,
    /// What it wrote to its standard output.
    pub stdout: String,
    /// What it wrote to its standard error.
    pub stderr: String,
}

/// How a traced run ended.
#[derive(Debug)]
pub enum Outcome {
    /// It was killed before this call had any effect (or in the middle of it, if torn).
    Killed {
        /// The call.
        call: Call,
    },
    /// It ended by itself before the call to kill it at.
    Finished {
        /// Its status.
        status: ExitStatus,
    },
}

/// A mutating system call: shown as `pwrite64(9</tmp/x/pegbar.db-wal>, _, 32, 0)`.
#[derive(Clone, Debug)]
pub struct Call {
    /// Its name.
    pub name: &'static str,
    /// Its arguments.
    pub args: String,
}

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}({})", self.name, self.args)
    }
}

/// Whether runs can be traced on this platform; says so on stderr if not.
#[must_use]
pub fn supported() -> bool {
    if !tracer::SUPPORTED {
        eprintln!("skipped: kill tests need ptrace on Linux (glibc, x86_64 or aarch64)");
    }
    tracer::SUPPORTED
}

/// Whether system calls can be made to fail on this platform.
#[must_use]
pub fn can_strike() -> bool {
    supported() && cfg!(target_arch = "x86_64")
}

/// Runs the victim and kills it before its `n`-th mutating call, counted from 1.
///
/// Calls that other threads had begun are let finish first (for at most two seconds), so the
/// effects of calls 1 to n - 1 are there and those of later ones are not. Nothing of the run is
/// alive afterwards, whether it was killed, ended by itself or left children behind.
///
/// # Errors
///
/// `NotFound` if the program cannot be executed, `TimedOut` past the time limit, `Unsupported` on
/// other platforms, or what ptrace refused.
pub fn kill_at(victim: &Victim, n: usize) -> io::Result<Run> {
    run(victim, Plan::Kill { at: n })
}

/// Runs the victim and does to it what is planned.
///
/// # Errors
///
/// Those of [`kill_at`].
pub fn run(victim: &Victim, plan: Plan) -> io::Result<Run> {
    tracer::run(victim, plan)
}
