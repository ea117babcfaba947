//! Follows the threads of a victim from system call to system call.
//!
//! ptrace and the right to reap are tied to an OS thread, so each run has a thread of its own that
//! waits with `__WNOTHREAD`: it sees every new thread of the victim, whose id nobody knows before,
//! and never a child that another test of this process waits for.

mod events;
mod syscall;

use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::io::{self, Read, Seek, Write};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::os::unix::process::ExitStatusExt;
use std::panic;
use std::path::PathBuf;
use std::process::{Command, ExitStatus};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::libc;
use nix::sched::{CpuSet, sched_getcpu, sched_setaffinity};
use nix::sys::ptrace::{self, Options};
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;

use self::events::Recorder;
use self::syscall::Entry;
use super::{Call, Outcome, Plan, Run, Victim};

pub(super) const SUPPORTED: bool = true;

/// How long calls begun by other threads may take to finish before the kill.
const SETTLE_LIMIT: Duration = Duration::from_secs(2);
const SETTLE_POLL: Duration = Duration::from_micros(50);

/// Holds the program back until it is traced, and gives up if the test dies before that.
///
/// The shell has to say that it runs: its spawn returns shortly before its own exec event, which
/// would be taken for that of the program.
const GATE: &str = r#"echo >&0; read -r go && exec "$@" </dev/null"#;

pub(super) fn run(victim: &Victim, plan: Plan) -> io::Result<Run> {
    let (ours, theirs) = UnixStream::pair()?;
    let (mut stdout, mut stderr) = (tempfile::tempfile()?, tempfile::tempfile()?);
    let mut gate = Command::new("sh");
    gate.args(["-c", GATE, "sh"])
        .arg(&victim.program)
        .args(&victim.args)
        .envs(victim.env.iter().map(|(name, value)| (name, value)))
        .current_dir(&victim.dir)
        .stdin(OwnedFd::from(theirs))
        .stdout(stdout.try_clone()?)
        .stderr(stderr.try_clone()?);

    let (running, leader) = mpsc::channel();
    let tracer = Tracer {
        counting: false,
        mark: victim.mark.clone(),
        every: victim.every,
        recorder: Recorder::of(&plan),
        plan,
        ..Tracer::default()
    };
    let tracer = thread::spawn(move || trace(gate, ours, tracer, &running));
    let expired = leader.recv().is_ok_and(|pid| {
        let expired = leader.recv_timeout(victim.time_limit) == Err(RecvTimeoutError::Timeout);
        expired && kill(pid, Signal::SIGKILL).is_ok()
    });
    let ended = tracer
        .join()
        .unwrap_or_else(|cause| panic::resume_unwind(cause));

    let (outcome, tracer) = ended?;
    let (stdout, stderr) = (text_of(&mut stdout)?, text_of(&mut stderr)?);
    if expired {
        let last = tracer
            .calls
            .last()
            .map_or("none".to_owned(), Call::to_string);
        let limit = victim.time_limit;
        let message =
            format!("still running after {limit:?}; last mutating call: {last}; {stderr}");
        return Err(io::Error::new(io::ErrorKind::TimedOut, message));
    }
    match outcome {
        Some(outcome) => Ok(Run {
            outcome,
            calls: tracer.calls,
            counted: tracer.counted,
            struck: tracer.struck,
            events: tracer.recorder.map_or(Vec::new(), Recorder::into_events),
            stdout,
            stderr,
        }),
        None => Err(io::Error::new(io::ErrorKind::NotFound, stderr)),
    }
}

fn text_of(file: &mut File) -> io::Result<String> {
    let mut bytes = Vec::new();
    file.rewind()?;
    file.read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// Returns how the run ended, or `None` if the program could not be executed.
///
/// Sends the id of the process; the caller takes the drop of the sender for its end.
fn trace(
    mut gate: Command,
    mut line: UnixStream,
    mut tracer: Tracer,
    running: &Sender<Pid>,
) -> io::Result<(Option<Outcome>, Tracer)> {
    share_cpu();
    let leader = Pid::from_raw(gate.spawn()?.id().cast_signed());
    // It has the other end of the line, which must close with the shell.
    drop(gate);
    tracer.threads.0.insert(leader);
    running.send(leader).map_err(io::Error::other)?;
    line.read_exact(&mut [0])?;
    let options = Options::PTRACE_O_EXITKILL
        | Options::PTRACE_O_TRACESYSGOOD
        | Options::PTRACE_O_TRACECLONE
        | Options::PTRACE_O_TRACEFORK
        | Options::PTRACE_O_TRACEVFORK
        | Options::PTRACE_O_TRACEEXEC;
    ptrace::seize(leader, options)?;
    line.write_all(b"go\n")?;

    let status = tracer.follow(leader)?;
    let outcome = match (&tracer.fatal, status) {
        (Some((call, _)), _) => Some(Outcome::Killed { call: call.clone() }),
        (None, Some(status)) if tracer.running => Some(Outcome::Finished { status }),
        _ => None,
    };
    tracer.threads.end();
    Ok((outcome, tracer))
}

/// Keeps this thread and the victim on one processor, which makes each stop three times cheaper.
fn share_cpu() {
    let mut cpus = CpuSet::new();
    let here = sched_getcpu().and_then(|cpu| cpus.set(cpu));
    // Where the system refuses, runs are only slower.
    let _ = here.and_then(|()| sched_setaffinity(Pid::from_raw(0), &cpus));
}

/// What is to happen at the end of a call.
#[derive(Debug)]
enum AtEnd {
    /// It was none, and fails with this.
    Fail(i32),
    /// It wrote half; the program is killed.
    Kill(Call),
    /// What it did is written down.
    Record(Entry),
}

/// The traced threads that have not ended. Each shows itself by a stop of its own.
#[derive(Default)]
struct Threads(HashSet<Pid>);

#[derive(Default)]
struct Tracer {
    plan: Plan,
    /// Where counting begins.
    mark: Option<PathBuf>,
    /// Every call counts.
    every: bool,
    recorder: Option<Recorder>,
    /// The program is past the gate.
    running: bool,
    /// Its calls count.
    counting: bool,
    threads: Threads,
    /// The threads inside a mutating call.
    in_call: HashSet<Pid>,
    /// What is to happen at the end of the call that a thread is in.
    at_end: HashMap<Pid, AtEnd>,
    counted: usize,
    calls: Vec<Call>,
    struck: Vec<Call>,
    /// The call to kill at and when it was reached; no further mutating call is let in.
    fatal: Option<(Call, Instant)>,
}

impl Tracer {
    /// Handles stops until the leader has ended or the time for the kill has come (`None`).
    fn follow(&mut self, leader: Pid) -> io::Result<Option<ExitStatus>> {
        loop {
            let status = match &self.fatal {
                Some((_, since)) if self.in_call.is_empty() || since.elapsed() > SETTLE_LIMIT => {
                    return Ok(None);
                }
                Some(_) => wait(WaitPidFlag::WNOHANG)?,
                None => wait(WaitPidFlag::empty())?,
            };
            let ended = match status {
                WaitStatus::Exited(pid, code) => (pid, ExitStatus::from_raw(code << 8)),
                WaitStatus::Signaled(pid, signal, _) => (pid, ExitStatus::from_raw(signal as i32)),
                WaitStatus::StillAlive => {
                    thread::sleep(SETTLE_POLL);
                    continue;
                }
                stopped => {
                    self.handle_stop(leader, stopped)?;
                    continue;
                }
            };
            self.forget(ended.0);
            if ended.0 == leader {
                return Ok(Some(ended.1));
            }
        }
    }

    fn handle_stop(&mut self, leader: Pid, stop: WaitStatus) -> nix::Result<()> {
        let Some(thread) = stop.pid() else {
            return Ok(());
        };
        self.threads.0.insert(thread);
        let handled = match stop {
            WaitStatus::PtraceSyscall(_) => self.handle_syscall(thread),
            WaitStatus::PtraceEvent(_, _, event) => self.handle_event(thread, leader, event),
            WaitStatus::Stopped(_, signal) => ptrace::syscall(thread, signal),
            _ => Ok(()),
        };
        match handled {
            // It is being killed, by itself or by another thread; its end is reported later.
            Err(Errno::ESRCH) => Ok(()),
            handled => handled,
        }
    }

    fn handle_syscall(&mut self, thread: Pid) -> nix::Result<()> {
        let entering = ptrace::syscall_info(thread)?.op == libc::PTRACE_SYSCALL_INFO_ENTRY;
        if !entering {
            self.in_call.remove(&thread);
            if let Some(at_end) = self.at_end.remove(&thread)
                && self.end_call(thread, at_end)?.is_none()
            {
                return Ok(());
            }
        } else if self.running && self.enter_call(thread)?.is_none() {
            return Ok(());
        }
        ptrace::syscall(thread, None)
    }

    /// Handles the entry of a call; `None` where the thread is to stay there.
    fn enter_call(&mut self, thread: Pid) -> nix::Result<Option<()>> {
        let entry = Entry::read(thread)?;
        if !self.counting {
            let is_mark = self
                .mark
                .as_deref()
                .is_some_and(|mark| entry.asks_for(mark));
            self.counting = is_mark;
            return Ok(Some(()));
        }
        if self.recorder.is_some() && Recorder::wants(&entry) {
            self.at_end.insert(thread, AtEnd::Record(entry.clone()));
        }
        let mutating = syscall::mutating_call(&entry);
        let is_mutating = mutating.is_some();
        let call = match mutating {
            Some(call) => call,
            None if self.every => syscall::any_call(&entry),
            None => return Ok(Some(())),
        };
        if self.fatal.is_some() {
            return Ok(None);
        }
        self.counted += 1;
        match self.plan {
            Plan::Kill { at } if at == self.counted => {
                self.struck.push(call.clone());
                self.fatal = Some((call, Instant::now()));
                return Ok(None);
            }
            Plan::Fail { at, errno, onward }
                if at == self.counted || (onward && at < self.counted) =>
            {
                syscall::skip(thread)?;
                self.at_end.insert(thread, AtEnd::Fail(errno));
                self.struck.push(call.clone());
            }
            Plan::Tear { at, kill } if at == self.counted => {
                self.tear(&entry, &call, kill)?;
            }
            _ => {}
        }
        if is_mutating {
            self.calls.push(call);
            self.in_call.insert(thread);
        }
        Ok(Some(()))
    }

    /// Lets a call that writes write half, if it is one that writes two bytes or more.
    fn tear(&mut self, entry: &Entry, call: &Call, kill: bool) -> nix::Result<()> {
        let Some(argument) = syscall::length_argument(entry.number) else {
            return Ok(());
        };
        let length = entry.args[argument];
        // Copying asks for more than there is.
        let half = length.min(128) / 2;
        let half = if argument == 2 { length / 2 } else { half };
        if half == 0 {
            return Ok(());
        }
        syscall::set_length(entry.thread, argument, half)?;
        self.struck.push(call.clone());
        if kill {
            self.at_end.insert(entry.thread, AtEnd::Kill(call.clone()));
        }
        Ok(())
    }

    /// Handles the end of a call; `None` where the thread is to stay there.
    fn end_call(&mut self, thread: Pid, at_end: AtEnd) -> nix::Result<Option<()>> {
        match at_end {
            AtEnd::Fail(errno) => syscall::set_result(thread, -i64::from(errno))?,
            AtEnd::Kill(call) => {
                self.fatal = Some((call, Instant::now()));
                return Ok(None);
            }
            AtEnd::Record(entry) => {
                let result = syscall::result(thread)?;
                if let Some(recorder) = &mut self.recorder {
                    recorder.note(&entry, result);
                }
            }
        }
        Ok(Some(()))
    }

    fn handle_event(&mut self, thread: Pid, leader: Pid, event: i32) -> nix::Result<()> {
        if event == libc::PTRACE_EVENT_EXEC {
            // A thread that executes a program takes over the id of its leader.
            let former = ptrace::getevent(thread)?;
            self.forget(i32::try_from(former).map_or(thread, Pid::from_raw));
            self.threads.0.insert(thread);
            self.running |= thread == leader;
            self.counting |= thread == leader && self.mark.is_none();
        }
        ptrace::syscall(thread, None)
    }

    fn forget(&mut self, thread: Pid) {
        self.threads.0.remove(&thread);
        self.in_call.remove(&thread);
    }
}

impl Drop for Threads {
    fn drop(&mut self) {
        self.end();
    }
}

impl Threads {
    /// Kills and reaps all that is left, on every way out.
    fn end(&mut self) {
        for thread in &self.0 {
            let _ = kill(*thread, Signal::SIGKILL);
        }
        loop {
            match wait(WaitPidFlag::empty()) {
                Err(Errno::ECHILD) => break,
                Ok(WaitStatus::Exited(..) | WaitStatus::Signaled(..)) | Err(_) => {}
                // A child that had not yet shown itself.
                Ok(stop) => drop(stop.pid().map(|pid| kill(pid, Signal::SIGKILL))),
            }
        }
    }
}

/// Waits for a thread traced by the current one.
fn wait(flags: WaitPidFlag) -> nix::Result<WaitStatus> {
    let own = WaitPidFlag::__WALL | WaitPidFlag::__WNOTHREAD;
    loop {
        match waitpid(None, Some(flags | own)) {
            Err(Errno::EINTR) => {}
            status => return status,
        }
    }
}
