//! Power cuts of real file systems: ext4, XFS and btrfs in image files. While victims write, the
//! image is cloned as it is, without a flush; the clone is mounted, which replays its journal.
//!
//! The images lie on an XFS of their own, whose clones are made at one instant.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use super::kill::acknowledged;
use super::{Figure, Setting, during};
use crate::mount::{Mounted, make, run};
use crate::random::Random;
use crate::site::Site;
use crate::victim::Running;
use crate::{Result, block_on, check};

/// How many cuts of each file system the short form makes.
const SHORT: usize = 4;
/// How many clones are made before the victims are killed and the clones looked at.
const CLONES: usize = 25;

const SYSTEMS: &[(&str, &[&str])] = &[
    ("ext4", &["mkfs.ext4", "-q", "-F"]),
    ("xfs", &["mkfs.xfs", "-q", "-f"]),
    ("btrfs", &["mkfs.btrfs", "-q", "-f"]),
];

/// Cuts the power of each file system while three processes write.
///
/// # Errors
/// What was broken, and on which file system.
pub fn attack(setting: &Setting) -> Result<Vec<Figure>> {
    let folder = tempfile::tempdir()?;
    let host = folder.path().join("host.img");
    let mounted = make(&host, 8192, SYSTEMS[1].1)
        .and_then(|()| Mounted::new(&host, &folder.path().join("host"), "loop"));
    let host = match mounted {
        Ok(host) => host,
        Err(error) => {
            eprintln!(
                "skipped: power cuts of real file systems need the right to mount, loop devices and xfsprogs: {error}"
            );
            return Ok(Vec::new());
        }
    };
    let mut figures = Vec::new();
    for (name, command) in SYSTEMS {
        if setting.only.as_deref().is_some_and(|only| only != *name) {
            continue;
        }
        let image = host.place.join("disk.img");
        let tried = make(&image, 512, command)
            .and_then(|()| Mounted::new(&image, &folder.path().join("disk"), "loop"));
        if let Err(error) = tried {
            eprintln!("skipped: {name} can't be mounted here: {error}");
            continue;
        }
        drop(tried);
        figures.push(during(
            || (*name).to_owned(),
            cut(setting, folder.path(), &host, name, command),
        )?);
    }
    Ok(figures)
}

fn cut(
    setting: &Setting,
    folder: &Path,
    host: &Mounted,
    name: &str,
    command: &[&str],
) -> Result<Figure> {
    let begun = Instant::now();
    let base = setting.base()?;
    let mut random = Random::new(setting.seed);
    let (mut cuts, mut kept) = (0, 0);
    let mut seed = setting.seed;
    let wanted = setting.count(SHORT);
    while cuts < wanted && !setting.is_over(cuts) {
        let image = host.place.join("disk.img");
        make(&image, 512, command)?;
        let disk = Mounted::new(&image, &folder.join("disk"), "loop")?;
        let site = base.copy_below(&disk.place)?;
        run(&mut Command::new("sync"))?;
        let mut victims = Vec::new();
        for (number, work) in (0..).zip(["write on", "write on", "write on at once"]) {
            let seed = seed * 10 + number;
            victims.push(Running::start(setting, &site, work, seed)?);
        }
        let mut clones = Vec::new();
        for number in 0..CLONES.min(wanted - cuts) {
            thread::sleep(Duration::from_millis(random.below(120) as u64));
            // What was acknowledged before the cut must survive it.
            let mut lines = Vec::new();
            for victim in &victims {
                lines.extend(acknowledged(&victim.said()?));
            }
            let clone = host.place.join(format!("cut-{number}.img"));
            run(Command::new("cp")
                .arg("--reflink=always")
                .arg(&image)
                .arg(&clone))?;
            clones.push((clone, lines));
        }
        for mut victim in victims {
            victim.kill()?;
            victim.wait()?;
        }
        let within = site.folder().strip_prefix(&disk.place)?.to_owned();
        drop(site);
        drop(disk);
        for (clone, lines) in clones {
            let left = Mounted::new(&clone, &folder.join("left"), "loop")?;
            let found = Site::at(&left.place.join(&within));
            let what = || {
                format!(
                    "cut {cuts}, seed {}, {} lines acknowledged",
                    setting.seed,
                    lines.len()
                )
            };
            during(what, block_on(check::look(&found, &lines)))?;
            cuts += 1;
            kept += lines.len();
            drop(left);
            fs::remove_file(clone)?;
        }
        seed += 1;
    }
    Ok(Figure {
        attack: format!("power cuts of {name} while three processes write"),
        engine: setting.rows.engine(),
        count: cuts,
        detail: format!("{kept} times something acknowledged was looked for and there"),
        seconds: begun.elapsed().as_secs(),
    })
}
