//! The victim: this program again, doing one operation, and saying what was acknowledged.

use std::ffi::OsString;
use std::fs::File;
use std::io::{Read as _, Seek as _, Write as _};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};

use pegbar::{DatabaseAddress, Error as Refusal, Studio, StudioOptions};

use crate::attack::{self, Setting};
use crate::operation::{self, Scene, is_done_at_once};
use crate::site::Site;
use crate::trace::Victim;
use crate::{Error, Result};

/// What the victim asks for before it begins: calls count from there.
pub const MARK: &str = "/pegbar-faults-begins-here";

/// What comes last when everything was acknowledged.
pub const DONE: &str = "done";

/// Where the victim finds the address of its database.
const ADDRESS: &str = "PEGBAR_FAULTS_DATABASE";
/// And of that on the server, where its rows are or could be.
const ON_SERVER: &str = "PEGBAR_FAULTS_ON_SERVER";

/// Whether this process is a victim, which is listened to.
static SPEAKS: AtomicBool = AtomicBool::new(false);

/// Says on one line what was acknowledged, at once.
pub fn say(line: &str) {
    if !SPEAKS.load(Ordering::Relaxed) {
        return;
    }
    let mut stdout = std::io::stdout().lock();
    // Whoever does not listen any more is not told.
    let _ = stdout.write_all(format!("{line}\n").as_bytes());
    let _ = stdout.flush();
}

/// Describes a run of an operation on a studio.
#[must_use]
pub fn of(setting: &Setting, site: &Site, operation: &str, seed: u64) -> Victim {
    let mut victim = Victim::new(&setting.program, site.folder());
    let mut planted = setting.planted.clone();
    if is_done_at_once(operation) {
        // What they write is little, and the log is to be full sometimes.
        planted.push_str(",small-log");
    }
    victim.env.push(("PEGBAR_PLANTED".into(), planted.into()));
    victim.args = vec!["victim".into(), site.root().into(), operation.into()];
    victim.args.push(OsString::from(seed.to_string()));
    for (name, address) in [(ADDRESS, site.address()), (ON_SERVER, site.on_server())] {
        if let DatabaseAddress::Postgres(address) = address {
            victim.env.push((name.into(), address.into()));
        }
    }
    victim.mark = Some(PathBuf::from(MARK));
    victim
}

/// Returns where a victim's rows are.
#[must_use]
pub fn address() -> DatabaseAddress {
    named_by(ADDRESS)
}

fn named_by(variable: &str) -> DatabaseAddress {
    let server = std::env::var(variable);
    server.map_or(DatabaseAddress::Sqlite, DatabaseAddress::Postgres)
}

/// The victim itself: opens a studio and does an operation.
///
/// # Errors
/// What the library refuses.
pub async fn run(root: &Path, operation: &str, seed: u64) -> Result<()> {
    SPEAKS.store(true, Ordering::Relaxed);
    let _ = std::fs::metadata(MARK);
    let options = StudioOptions {
        database: address(),
        ..StudioOptions::default()
    };
    let studio = Studio::open_with(root, options).await?;
    let folder = root.parent().unwrap_or(root).to_owned();
    let scene = Scene {
        studio,
        folder,
        on_server: named_by(ON_SERVER),
        seed,
    };
    match operation {
        "open" => {}
        step if step.starts_with("step ") => attack::model::run(scene, &step[5..]).await?,
        "archives" => attack::archives::run(scene).await?,
        "images" => attack::images::run(scene).await?,
        "names" => attack::names::run(scene).await?,
        "race" => attack::race::run(scene).await?,
        "purge on" => attack::purge::purge_on(scene).await?,
        "write and delete" => attack::purge::write(scene).await?,
        "write on" => attack::server::run(scene).await?,
        "write on at once" => attack::server::run_at_once(scene).await?,
        _ => operation::run(operation, &scene).await?,
    }
    say(DONE);
    Ok(())
}

/// Checks that what a line acknowledges is so.
///
/// # Errors
/// Where it is not.
pub async fn is_kept(studio: &Studio, line: &str) -> Result<()> {
    let lost = |error: Refusal| -> Error { format!("{line:?} was acknowledged: {error}").into() };
    let words: Vec<&str> = line.splitn(3, ' ').collect();
    match words.as_slice() {
        ["project", id] => drop(studio.get_project(id.parse()?).await.map_err(lost)?),
        ["character", id] => drop(studio.get_character(id.parse()?).await.map_err(lost)?),
        ["animation", id] => drop(studio.get_animation(id.parse()?).await.map_err(lost)?),
        ["asset", id] => drop(studio.get_asset(id.parse()?).await.map_err(lost)?),
        ["version", id, version] => {
            let found = studio.get_animation(id.parse()?).await.map_err(lost)?;
            if found.version < version.parse()? {
                return Err(
                    format!("{line:?} was acknowledged, {} is there", found.version).into(),
                );
            }
        }
        ["named", id, name] => {
            let found = studio.get_character(id.parse()?).await.map_err(lost)?;
            if found.name != *name {
                return Err(format!("{line:?} was acknowledged, {:?} is there", found.name).into());
            }
        }
        ["gone", kind, id] => {
            let is_gone = match *kind {
                "project" => is_absent(&studio.get_project(id.parse()?).await),
                "character" => is_absent(&studio.get_character(id.parse()?).await),
                "animation" => is_absent(&studio.get_animation(id.parse()?).await),
                _ => is_absent(&studio.get_asset(id.parse()?).await),
            };
            if !is_gone {
                return Err(format!("{line:?} was acknowledged, and it is there").into());
            }
        }
        _ => {}
    }
    Ok(())
}

fn is_absent<T>(found: &pegbar::Result<T>) -> bool {
    matches!(found, Err(Refusal::NotFound { .. }))
}

/// A victim that is not traced.
pub struct Running {
    process: Child,
    stdout: File,
    stderr: File,
}

/// How a victim ended.
pub struct Ended {
    /// It ended by itself, and without an error.
    pub is_success: bool,
    /// What it said.
    pub stdout: String,
    /// What it complained of.
    pub stderr: String,
}

impl Running {
    /// Starts an operation on a studio.
    ///
    /// # Errors
    /// What the system refuses.
    pub fn start(setting: &Setting, site: &Site, operation: &str, seed: u64) -> Result<Self> {
        let victim = of(setting, site, operation, seed);
        let (stdout, stderr) = (tempfile::tempfile()?, tempfile::tempfile()?);
        let process = Command::new(&victim.program)
            .args(&victim.args)
            .envs(victim.env)
            .current_dir(&victim.dir)
            .stdin(Stdio::null())
            .stdout(stdout.try_clone()?)
            .stderr(stderr.try_clone()?)
            .spawn()?;
        Ok(Self {
            process,
            stdout,
            stderr,
        })
    }

    /// Says whether it has not ended yet.
    ///
    /// # Errors
    /// What the system refuses.
    pub fn is_running(&mut self) -> Result<bool> {
        Ok(self.process.try_wait()?.is_none())
    }

    /// Returns what it has said until now.
    ///
    /// # Errors
    /// What the system refuses.
    pub fn said(&self) -> Result<String> {
        let length = usize::try_from(self.stdout.metadata()?.len())?;
        let mut bytes = vec![0; length];
        self.stdout.read_exact_at(&mut bytes, 0)?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    /// Kills it.
    ///
    /// # Errors
    /// What the system refuses.
    pub fn kill(&mut self) -> Result<()> {
        Ok(self.process.kill()?)
    }

    /// Waits until it has ended.
    ///
    /// # Errors
    /// What the system refuses.
    pub fn wait(mut self) -> Result<Ended> {
        let status = self.process.wait()?;
        let text = |file: &mut File| -> Result<String> {
            let mut bytes = Vec::new();
            file.rewind()?;
            file.read_to_end(&mut bytes)?;
            Ok(String::from_utf8_lossy(&bytes).into_owned())
        };
        Ok(Ended {
            is_success: status.success(),
            stdout: text(&mut self.stdout)?,
            stderr: text(&mut self.stderr)?,
        })
    }
}

/// Whoever goes wrong with it leaves it to nobody.
impl Drop for Running {
    fn drop(&mut self) {
        if matches!(self.process.try_wait(), Ok(None)) {
            let _ = self.process.kill();
            let _ = self.process.wait();
        }
    }
}
