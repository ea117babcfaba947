//! Runs a program under ptrace and kills it just before its n-th mutating system call.
//!
//! A mutating call is one that can change a file or what another program sees of it: the table in
//! `tracer/syscall.rs` lists them. They are counted from 1 over all threads and child processes of
//! the victim, from its exec on. Calls on descriptors 1 and 2, pipes and event descriptors do not
//! count, nor can stores to a shared memory map be seen. Victim and tracer share one processor.

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

    pub(super) fn run(_: &super::Victim, _: Option<usize>) -> super::io::Result<super::Run> {
        Err(super::io::ErrorKind::Unsupported.into())
    }
}

use std::ffi::OsString;
use std::fmt;
use std::io;
use std::path::PathBuf;
use std::process::ExitStatus;
use std::time::Duration;

/// The program to run and kill.
#[derive(Clone, Debug)]
pub(crate) struct Victim {
    /// A path, or a name to look up in `PATH`.
    pub(crate) program: OsString,
    pub(crate) args: Vec<OsString>,
    /// Set on top of the environment of the test.
    pub(crate) env: Vec<(OsString, OsString)>,
    /// The directory the program runs in.
    pub(crate) dir: PathBuf,
    /// How long a run may take before it is killed and reported as [`io::ErrorKind::TimedOut`].
    pub(crate) time_limit: Duration,
}

impl Victim {
    /// Describes a run of `program` in `dir` without arguments, limited to 30 seconds.
    pub(crate) fn new(program: impl Into<OsString>, dir: impl Into<PathBuf>) -> Self {
        Self {
            program: program.into(),
            args: Vec::new(),
            env: Vec::new(),
            dir: dir.into(),
            time_limit: Duration::from_secs(30),
        }
    }
}

/// What a traced run did.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) outcome: Outcome,
    /// The mutating calls that were executed, in the order they were entered.
    pub(crate) calls: Vec<Call>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// How a traced run ended.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// It was killed before this call had any effect.
    Killed { call: Call },
    /// It ended by itself before the call to kill it at.
    Finished { status: ExitStatus },
}

/// A mutating system call: shown as `pwrite64(9</tmp/x/pegbar.db-wal>, _, 32, 0)`.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub(crate) name: &'static str,
    pub(crate) args: String,
}

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}({})", self.name, self.args)
    }
}

/// Whether runs can be traced on this platform; says so on stderr if not.
pub(crate) fn supported() -> bool {
    if !tracer::SUPPORTED {
        eprintln!("skipped: kill tests need ptrace on Linux (glibc, x86_64 or aarch64)");
    }
    tracer::SUPPORTED
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
pub(crate) fn kill_at(victim: &Victim, n: usize) -> io::Result<Run> {
    tracer::run(victim, Some(n))
}

/// Runs the victim to its end and lists its mutating calls.
///
/// # Errors
///
/// Those of [`kill_at`].
pub(crate) fn list_calls(victim: &Victim) -> io::Result<Run> {
    tracer::run(victim, None)
}
