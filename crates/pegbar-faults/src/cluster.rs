//! A PostgreSQL server of our own, to be killed.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::chown;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, User, geteuid};
use tempfile::TempDir;

use crate::site;
use crate::{Result, block_on};

/// How long the server may take to come up, and its processes to go.
const PATIENCE: Duration = Duration::from_mins(1);

/// A running server with a folder of its own, on a free port of the loopback address.
pub struct Cluster {
    folder: TempDir,
    binaries: PathBuf,
    port: u16,
    server: Option<Child>,
}

impl Cluster {
    /// Makes a cluster and starts it; `None` where there are no server binaries.
    ///
    /// # Errors
    /// What the system or the server refuses.
    pub fn start() -> Result<Option<Self>> {
        let Some(binaries) = binaries() else {
            return Ok(None);
        };
        let folder = tempfile::Builder::new()
            .prefix("pegbar-postgres.")
            .tempdir()?;
        if let Some(user) = other_user()? {
            chown(
                folder.path(),
                Some(user.uid.as_raw()),
                Some(user.gid.as_raw()),
            )?;
        }
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let mut cluster = Self {
            folder,
            binaries,
            port,
            server: None,
        };
        let made = cluster
            .command("initdb")?
            .arg("-D")
            .arg(cluster.files())
            .args([
                "-U",
                "pegbar",
                "-A",
                "trust",
                "-E",
                "UTF8",
                "--locale=C",
                "--no-sync",
            ])
            .output()?;
        if !made.status.success() {
            return Err(format!("initdb: {}", String::from_utf8_lossy(&made.stderr)).into());
        }
        cluster.restart()?;
        Ok(Some(cluster))
    }

    fn files(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// Returns the address of a database that is there.
    #[must_use]
    pub fn address(&self) -> String {
        format!("postgres://pegbar@127.0.0.1:{}/postgres", self.port)
    }

    /// A command of the server's, as a user that it accepts: not root.
    fn command(&self, name: &str) -> Result<Command> {
        let program = self.binaries.join(name);
        let mut command = match other_user()? {
            None => Command::new(program),
            Some(user) => {
                let mut command = Command::new("setpriv");
                command
                    .arg(format!("--reuid={}", user.uid))
                    .arg(format!("--regid={}", user.gid))
                    .arg("--clear-groups")
                    .arg(program);
                command
            }
        };
        command.current_dir(self.folder.path());
        Ok(command)
    }

    /// Starts the server and waits until it answers.
    ///
    /// # Errors
    /// Where it does not.
    pub fn restart(&mut self) -> Result<()> {
        let begun = Instant::now();
        let address = self.address();
        let log = fs::File::create(self.folder.path().join("log"))?;
        while begun.elapsed() < PATIENCE {
            let server = self
                .command("postgres")?
                .arg("-D")
                .arg(self.files())
                .args(["-p", &self.port.to_string()])
                // The machine goes on: what the server wrote is there without a flush.
                .args(["-c", "listen_addresses=127.0.0.1", "-c", "fsync=off"])
                .args([
                    "-c",
                    "unix_socket_directories=",
                    "-c",
                    "dynamic_shared_memory_type=mmap",
                ])
                .stdout(Stdio::null())
                .stderr(log.try_clone()?)
                .spawn()?;
            let server = self.server.insert(server);
            while begun.elapsed() < PATIENCE && server.try_wait()?.is_none() {
                if block_on(site::run_in(&address, "SELECT 1")).is_ok() {
                    return Ok(());
                }
                thread::sleep(Duration::from_millis(20));
            }
            // Processes of the one before may still hold its memory.
            thread::sleep(Duration::from_millis(100));
        }
        let log = fs::read_to_string(self.folder.path().join("log"))?;
        Err(format!("the PostgreSQL server does not start: {log}").into())
    }

    /// Kills the server with all its processes.
    ///
    /// # Errors
    /// What the system refuses.
    pub fn kill(&mut self) -> Result<()> {
        let Some(mut server) = self.server.take() else {
            return Ok(());
        };
        let children = children_of(server.id());
        server.kill()?;
        for child in &children {
            // It may have gone by itself.
            let _ = kill(*child, Signal::SIGKILL);
        }
        server.wait()?;
        let begun = Instant::now();
        let is_there = |child: &Pid| Path::new(&format!("/proc/{child}")).exists();
        while children.iter().any(is_there) && begun.elapsed() < PATIENCE {
            thread::sleep(Duration::from_millis(5));
        }
        Ok(())
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        let _ = self.kill();
    }
}

fn children_of(process: u32) -> Vec<Pid> {
    let list = fs::read_to_string(format!("/proc/{process}/task/{process}/children"));
    let list = list.unwrap_or_default();
    let children = list.split_whitespace().filter_map(|id| id.parse().ok());
    children.map(Pid::from_raw).collect()
}

/// Whom the server runs as where we are root, which it refuses.
fn other_user() -> Result<Option<User>> {
    if !geteuid().is_root() {
        return Ok(None);
    }
    let user = match User::from_name("postgres")? {
        Some(user) => Some(user),
        None => User::from_name("nobody")?,
    };
    Ok(Some(user.ok_or("neither a user postgres nor nobody")?))
}

fn binaries() -> Option<PathBuf> {
    let set = std::env::var_os("PG_BIN").map(PathBuf::from);
    let installed = fs::read_dir("/usr/lib/postgresql").into_iter().flatten();
    let mut installed: Vec<_> = installed
        .flatten()
        .map(|entry| entry.path().join("bin"))
        .collect();
    installed.sort();
    let mut all = set.into_iter().chain(installed.into_iter().rev());
    all.find(|folder| folder.join("initdb").exists() && folder.join("postgres").exists())
}
