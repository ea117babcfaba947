//! Time: of the clock, of this process, and of the PostgreSQL server's processes.

use std::fs;
use std::time::Instant;

use rustix::time::{ClockId, clock_gettime};

/// Measures wall and CPU time; with a server on this machine, its CPU time too.
#[derive(Clone, Copy, Default)]
pub(crate) struct Meter {
    /// The process that started all others of the server.
    postmaster: Option<u32>,
}

/// What something took, in seconds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cost {
    pub(crate) wall: f64,
    pub(crate) cpu: f64,
}

impl std::ops::Div<usize> for Cost {
    type Output = Self;

    /// The share of one in many.
    fn div(self, count: usize) -> Self {
        #[expect(clippy::cast_precision_loss, reason = "a count of pages")]
        let count = count as f64;
        Self {
            wall: self.wall / count,
            cpu: self.cpu / count,
        }
    }
}

/// A beginning.
pub(crate) struct Start {
    wall: Instant,
    cpu: f64,
}

impl Meter {
    /// Finds the server that a backend belongs to, where it runs on this machine and `/proc`
    /// shows it.
    pub(crate) fn of_backend(backend: u32) -> Self {
        let own = Process::read(backend).filter(|process| process.name.contains("postgres"));
        Self {
            postmaster: own.map(|process| process.parent),
        }
    }

    pub(crate) fn sees_server(self) -> bool {
        self.postmaster.is_some()
    }

    pub(crate) fn start(self) -> Start {
        let cpu = self.cpu();
        Start {
            cpu,
            wall: Instant::now(),
        }
    }

    pub(crate) fn stop(self, start: &Start) -> Cost {
        let wall = start.wall.elapsed().as_secs_f64();
        Cost {
            wall,
            cpu: self.cpu() - start.cpu,
        }
    }

    fn cpu(self) -> f64 {
        let own = clock_gettime(ClockId::ProcessCPUTime);
        #[expect(clippy::cast_precision_loss, reason = "CPU seconds are far below 2^53")]
        let own = own.tv_sec as f64 + own.tv_nsec as f64 / 1e9;
        // Programs that were run and have ended.
        let ended = Process::read(std::process::id());
        let ended = ended.map_or(0.0, |process| process.ended_children);
        own + ended + self.postmaster.map_or(0.0, server_cpu)
    }
}

/// Adds up the server's processes: those that run, and what the ended ones took.
fn server_cpu(postmaster: u32) -> f64 {
    let ended = Process::read(postmaster).map_or(0.0, |process| process.ended_children);
    let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
    let running = processes.filter_map(|entry| {
        let id = entry.file_name().to_str()?.parse().ok()?;
        let process = Process::read(id)?;
        (process.parent == postmaster).then_some(process.running)
    });
    ended + running.sum::<f64>()
}

/// What `/proc` says of a process (proc(5)).
struct Process {
    name: String,
    parent: u32,
    /// Its own CPU time, in seconds.
    running: f64,
    /// The CPU time of its children that have ended, in seconds.
    ended_children: f64,
}

impl Process {
    fn read(id: u32) -> Option<Self> {
        // Linux shows times here in hundredths of a second on every common machine.
        const TICKS: f64 = 100.0;
        let stat = fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
        let (name, rest) = stat.rsplit_once(") ")?;
        let fields: Vec<&str> = rest.split(' ').collect();
        let seconds = |field: usize| Some(fields.get(field)?.parse::<f64>().ok()? / TICKS);
        // schedstat counts nanoseconds, where the kernel keeps it.
        let exact = fs::read_to_string(format!("/proc/{id}/schedstat")).ok();
        let exact = exact.and_then(|text| text.split(' ').next()?.parse::<f64>().ok());
        let running = match exact {
            Some(nanos) => nanos / 1e9,
            None => seconds(11)? + seconds(12)?,
        };
        Some(Self {
            name: name.to_owned(),
            parent: fields.get(1)?.parse().ok()?,
            running,
            ended_children: seconds(13)? + seconds(14)?,
        })
    }
}
