//! Servers in processes of their own, and the CPU time that each took.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use crate::Outcome;

/// A server that runs until it is dropped.
pub(crate) struct Running {
    child: Child,
    pub(crate) address: SocketAddr,
}

impl Drop for Running {
    fn drop(&mut self) {
        // Its end of the pipe closes, which is how each of them is told to stop.
        drop(self.child.stdin.take());
        let pid = rustix::process::Pid::from_child(&self.child);
        let _ = rustix::process::kill_process(pid, rustix::process::Signal::TERM);
        let _ = self.child.wait();
    }
}

impl Running {
    /// Starts a program that prints the address it listens on.
    pub(crate) fn start(command: &mut Command) -> Outcome<Self> {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let stdout = child.stdout.take().ok_or("no standard output")?;
        let mut line = String::new();
        BufReader::new(stdout).read_line(&mut line)?;
        let address = line.trim().parse();
        let address = address.map_err(|_| format!("the server said {line:?}"))?;
        Ok(Self { child, address })
    }

    /// Starts nginx on a folder of files.
    pub(crate) fn nginx(folder: &Path, files: &Path) -> Outcome<Option<Self>> {
        let found = ["/usr/sbin/nginx", "/usr/bin/nginx"];
        let Some(program) = found.into_iter().find(|path| Path::new(path).exists()) else {
            return Ok(None);
        };
        let port = std::net::TcpListener::bind("127.0.0.1:0")?
            .local_addr()?
            .port();
        let folder = folder.join("nginx");
        fs::create_dir_all(&folder)?;
        let (folder_text, files) = (folder.display(), files.display());
        let user = if rustix::process::geteuid().is_root() {
            "user root;"
        } else {
            ""
        };
        let configuration = format!(
            "{user} daemon off; worker_processes 2; pid {folder_text}/pid; error_log {folder_text}/error.log;\n\
             worker_rlimit_nofile 20000; events {{ worker_connections 10000; }}\n\
             http {{ access_log off; sendfile on; tcp_nopush on; keepalive_requests 100000000;\n\
             types {{ image/png png; }} default_type image/png; open_file_cache max=10000;\n\
             client_body_temp_path {folder_text}/a; proxy_temp_path {folder_text}/b;\n\
             fastcgi_temp_path {folder_text}/c; uwsgi_temp_path {folder_text}/d; scgi_temp_path {folder_text}/e;\n\
             server {{ listen 127.0.0.1:{port}; root {files}; }} }}\n"
        );
        let file = folder.join("nginx.conf");
        fs::write(&file, configuration)?;
        let child = Command::new(program)
            .args(["-e", "stderr", "-c"])
            .arg(&file)
            .stdin(Stdio::null())
            .spawn()?;
        let address = SocketAddr::from(([127, 0, 0, 1], port));
        let running = Self { child, address };
        for _ in 0..100 {
            if std::net::TcpStream::connect(address).is_ok() {
                return Ok(Some(running));
            }
            std::thread::sleep(std::time::Duration::from_millis(50));
        }
        Err("nginx does not answer".into())
    }

    /// Returns the CPU time of its processes so far, in seconds.
    pub(crate) fn cpu(&self) -> f64 {
        let own = self.child.id();
        own_and_children(own).into_iter().map(cpu_of).sum()
    }

    /// Returns the most memory that it had, and has now, in MiB.
    pub(crate) fn memory(&self) -> (u64, u64) {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id()));
        let status = status.unwrap_or_default();
        let field = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name));
            let kib = line.and_then(|rest| rest.split_whitespace().next()?.parse::<u64>().ok());
            kib.unwrap_or(0) / 1024
        };
        (field("VmHWM:"), field("VmRSS:"))
    }
}

fn own_and_children(parent: u32) -> Vec<u32> {
    let mut found = vec![parent];
    let children = fs::read_to_string(format!("/proc/{parent}/task/{parent}/children"));
    let children = children.unwrap_or_default();
    found.extend(
        children
            .split_whitespace()
            .filter_map(|pid| pid.parse::<u32>().ok()),
    );
    found
}

/// Returns the CPU time of a process, in seconds.
fn cpu_of(pid: u32) -> f64 {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    // The name, in parentheses, may hold anything.
    let rest = stat.rsplit(')').next().unwrap_or("");
    let ticks = rest.split_whitespace().skip(11).take(2);
    let ticks: f64 = ticks.filter_map(|ticks| ticks.parse::<f64>().ok()).sum();
    #[expect(clippy::cast_precision_loss, reason = "a hundred or so")]
    let per_second = rustix::param::clock_ticks_per_second() as f64;
    ticks / per_second
}
