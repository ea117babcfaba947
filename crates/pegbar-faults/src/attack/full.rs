//! A file system that is really full: tmpfs of many sizes, from too small for anything to large
//! enough.

use std::path::Path;
use std::time::Instant;

use nix::mount::{MntFlags, MsFlags, mount, umount2};

use super::kill::{acknowledged, operations};
use super::{Figure, Setting, during};
use crate::victim::Running;
use crate::{Result, block_on, check, operation};

/// How many sizes the short form tries.
const SHORT: usize = 8;
/// How much room is added from one size to the next, in KiB: a page of memory.
const STEP: usize = 4;

/// Mounts a file system in memory, and unmounts it again.
pub(super) struct Mounted<'a>(&'a Path);

impl<'a> Mounted<'a> {
    /// Mounts a tmpfs of this many KiB; `None` where mounting is not possible.
    fn tmpfs(place: &'a Path, kib: usize) -> Option<Self> {
        let options = format!("size={kib}k");
        let done = mount(
            Some("pegbar-faults"),
            place,
            Some("tmpfs"),
            MsFlags::empty(),
            Some(options.as_str()),
        );
        done.is_ok().then_some(Self(place))
    }

    /// Gives it more room.
    fn grow(&self) -> Result<()> {
        let flags = MsFlags::MS_REMOUNT;
        Ok(mount(
            None::<&str>,
            self.0,
            None::<&str>,
            flags,
            Some("size=64m"),
        )?)
    }
}

impl Drop for Mounted<'_> {
    fn drop(&mut self) {
        let _ = umount2(self.0, MntFlags::MNT_DETACH);
    }
}

/// Runs every operation on a file system with less and more room left, then gives it more room
/// and looks at what is left.
///
/// # Errors
/// What was broken, and with how much room.
pub fn attack(setting: &Setting) -> Result<Vec<Figure>> {
    let begun = Instant::now();
    let folder = tempfile::tempdir()?;
    if Mounted::tmpfs(folder.path(), 64).is_none() {
        eprintln!("skipped: a full file system needs the right to mount (root, or CAP_SYS_ADMIN)");
        return Ok(Vec::new());
    }
    let sizes = setting.count(SHORT);
    let (mut runs, mut refused) = (0, 0);
    for (number, name) in operations(setting).into_iter().enumerate() {
        if operation::is_resumed(name) {
            continue;
        }
        // The short form tries every fourth.
        if setting.points.is_none() && setting.only.is_none() && number % 4 != 0 {
            continue;
        }
        let mut base = setting.base()?;
        operation::prepare(name, &mut base)?;
        let used = usize::try_from(size_of(base.folder())?)? / 1024;
        for size in 0..sizes {
            let step = if setting.points.is_some() {
                STEP
            } else {
                STEP * 8
            };
            let kib = used + size * step;
            let what = || format!("{name}, with room for {kib} KiB");
            let Some(mounted) = Mounted::tmpfs(folder.path(), 65536) else {
                return Err("mounting is not possible any more".into());
            };
            let site = base.copy_below(folder.path())?;
            let flags = MsFlags::MS_REMOUNT;
            let options = format!("size={kib}k");
            if mount(
                None::<&str>,
                folder.path(),
                None::<&str>,
                flags,
                Some(options.as_str()),
            )
            .is_err()
            {
                // Smaller than what is there.
                continue;
            }
            let ended = Running::start(setting, &site, name, 0)?.wait()?;
            mounted.grow()?;
            let lines = acknowledged(&ended.stdout);
            during(what, block_on(check::look(&site, &lines)))?;
            runs += 1;
            refused += usize::from(!ended.is_success);
        }
    }
    if refused == 0 {
        return Err("nothing was ever full".into());
    }
    Ok(vec![Figure {
        attack: format!("a really full tmpfs, of {sizes} sizes for each operation"),
        engine: setting.rows.engine(),
        count: runs,
        detail: format!("{refused} refused, {} done", runs - refused),
        seconds: begun.elapsed().as_secs(),
    }])
}

/// How many bytes the files below a folder need, in whole pages.
fn size_of(folder: &Path) -> Result<u64> {
    let mut size = 0;
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let metadata = entry.metadata()?;
        size += 4096;
        if metadata.is_dir() {
            size += size_of(&entry.path())?;
        } else {
            size += metadata.len();
        }
    }
    Ok(size)
}
