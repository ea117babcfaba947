//! Hostile bundles, backups and sidecars: made from good ones, taken in by a process with little
//! memory.

mod tar;

use std::fs;
use std::path::Path;
use std::time::Instant;

use nix::sys::resource::{Resource, setrlimit};
use pegbar::{BundleImport, Error, RestoreOptions, SidecarTarget, Studio};

use super::images::{MEMORY, mutate, peak_kib};
use super::kill::acknowledged;
use super::{Figure, Setting};
use crate::check::beside::PACKED;
use crate::operation::{self, Scene, WOLVES};
use crate::random::Random;
use crate::site::copy_folder;
use crate::victim::{self, Running};
use crate::{Result, block_on, check};

/// How many archives the short form makes.
const SHORT: usize = 120;
/// How many of them one process is given.
const BATCH: u64 = 60;
/// What the names of files begin with that no archive may write.
pub(super) const ESCAPED: &str = "escaped";

/// Gives mutated bundles, backups and folders of sidecars to the library.
///
/// # Errors
/// A panic, more memory than there is, a file outside, something half-written, an error that is
/// none of a bad archive's, or a studio that is not whole afterwards.
pub fn attack(setting: &Setting) -> Result<Vec<Figure>> {
    let begun = Instant::now();
    let mut base = setting.base()?;
    operation::prepare("import bundle", &mut base)?;
    let packed = base.folder().join(PACKED);
    base.with(async |studio| {
        studio.back_up_archive(packed, |_, _| {}).await?;
        Ok(())
    })?;
    let (mut archives, mut taken, mut peak) = (0, 0, 0);
    let mut seed = setting.seed;
    while archives < setting.count(SHORT) && !setting.is_over(archives) {
        let site = base.copy()?;
        let ended = Running::start(setting, &site, "archives", seed)?.wait()?;
        if !ended.is_success || ended.stderr.contains("panicked") {
            return Err(format!("batch {seed}: {}", ended.stderr).into());
        }
        block_on(check::look(&site, &[])).map_err(|error| format!("batch {seed}: {error}"))?;
        for folder in [site.folder(), &std::env::temp_dir(), Path::new("/")] {
            nothing_escaped(folder)?;
        }
        let lines = acknowledged(&ended.stdout);
        let number = |what: &str| -> usize {
            let mut found = lines.iter().filter_map(|line| line.strip_prefix(what));
            found.next().and_then(|text| text.parse().ok()).unwrap_or(0)
        };
        archives += number("archives ");
        taken += number("taken ");
        peak = peak.max(number("peak "));
        seed += 1;
    }
    Ok(vec![Figure {
        attack: "hostile bundles, backups and folders of sidecars".to_owned(),
        engine: setting.rows.engine(),
        count: archives,
        detail: format!(
            "{taken} taken in, the rest refused; no panic, nothing outside, nothing half-written; \
             at most {} MiB of memory (limit {} MiB)",
            peak >> 10,
            MEMORY >> 20
        ),
        seconds: begun.elapsed().as_secs(),
    }])
}

fn nothing_escaped(folder: &Path) -> Result<()> {
    for entry in fs::read_dir(folder)? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        if name.starts_with(ESCAPED) {
            return Err(format!("{name} was written into {}", folder.display()).into());
        }
    }
    Ok(())
}

/// What a process does: a batch of archives.
///
/// # Errors
/// What the library refuses for another reason than the archive.
pub async fn run(scene: Scene) -> Result<()> {
    setrlimit(Resource::RLIMIT_AS, MEMORY, MEMORY)?;
    let mut random = Random::new(scene.seed);
    let folder = scene.folder.join("hostile");
    fs::create_dir_all(&folder)?;
    let bundle = fs::read(scene.folder.join(WOLVES))?;
    let backup = fs::read(scene.folder.join(PACKED))?;
    let mut taken = 0;
    for number in 0..BATCH {
        let what = |error| format!("archive {number} of batch {}: {error}", scene.seed);
        let done = match number % 3 {
            0 => {
                let file = folder.join("wolves.bundle");
                fs::write(&file, tar::mutated(&bundle, &mut random))?;
                import(&scene, &file, random.one_in(2)).await
            }
            1 => {
                let file = folder.join("backup.tar");
                fs::write(&file, tar::mutated(&backup, &mut random))?;
                restore(&file, &folder.join(format!("restored-{number}"))).await
            }
            _ => {
                let sidecars = folder.join(format!("sidecars-{number}"));
                copy_folder(&scene.folder.join("wolves"), &sidecars)?;
                spoil(&sidecars, &mut random)?;
                take_in(&scene, &sidecars, number).await
            }
        };
        taken += u64::from(done.map_err(what)?);
    }
    victim::say(&format!("archives {BATCH}"));
    victim::say(&format!("taken {taken}"));
    victim::say(&format!("peak {}", peak_kib()));
    Ok(())
}

async fn import(scene: &Scene, file: &Path, as_copy: bool) -> Result<bool> {
    let options = BundleImport { as_copy };
    is_taken(scene.studio.import_bundle(file, options, |_, _| {}).await)
}

/// What is restored is whole; what is not restored does not look like a studio.
async fn restore(file: &Path, to: &Path) -> Result<bool> {
    let options = RestoreOptions::default();
    match Studio::restore_backup(file, to, options, |_, _| {}).await {
        Ok((studio, _)) => {
            drop(studio);
            check::holds(&Studio::open(to).await?).await?;
            Ok(true)
        }
        refused => {
            if Studio::open(to).await.is_ok() {
                return Err("it was refused, and is a studio".into());
            }
            is_taken(refused.map(drop))
        }
    }
}

async fn take_in(scene: &Scene, folder: &Path, number: u64) -> Result<bool> {
    let plan = match scene.studio.plan_sidecars(folder, |_, _| {}) {
        Ok(plan) => plan,
        Err(error) => return is_taken::<()>(Err(error)),
    };
    let target = SidecarTarget::New(format!("Wolves {number}"));
    let taken = scene.studio.import_sidecars(&plan, &target, |_, _| {});
    is_taken(taken.await)
}

fn is_taken<T>(done: pegbar::Result<T>) -> Result<bool> {
    match done {
        Ok(_) => Ok(true),
        Err(
            Error::Damaged { .. }
            | Error::Unavailable { .. }
            | Error::NotAnImage { .. }
            | Error::Invalid { .. }
            | Error::Conflict { .. },
        ) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// Mutates some of the files in a folder, and what they are called.
fn spoil(folder: &Path, random: &mut Random) -> Result<()> {
    let mut left = vec![folder.to_owned()];
    while let Some(next) = left.pop() {
        for entry in fs::read_dir(next)? {
            let path = entry?.path();
            if path.is_dir() {
                left.push(path);
            } else if random.one_in(3) {
                let mut bytes = fs::read(&path)?;
                let others = [bytes.clone()];
                if random.one_in(2) {
                    tar::spoil_text(&mut bytes, random);
                } else {
                    bytes = mutate::one_of(&others, random);
                }
                fs::write(&path, bytes)?;
            } else if random.one_in(12) {
                fs::rename(&path, path.with_extension("other"))?;
            }
        }
    }
    Ok(())
}
