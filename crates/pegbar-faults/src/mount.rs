//! File systems in image files, which need the right to mount.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use crate::Result;

/// Makes a file system in a sparse file.
pub(crate) fn make(image: &Path, mebibytes: u64, command: &[&str]) -> Result<()> {
    fs::File::create(image)?.set_len(mebibytes << 20)?;
    run(Command::new(command[0]).args(&command[1..]).arg(image)).map(drop)
}

/// Runs a command; returns what it wrote.
pub(crate) fn run(command: &mut Command) -> Result<String> {
    let done = command
        .output()
        .map_err(|error| format!("{command:?}: {error}"))?;
    if done.status.success() {
        return Ok(String::from_utf8_lossy(&done.stdout).trim().to_owned());
    }
    let text = String::from_utf8_lossy(&done.stderr);
    Err(format!("{command:?}: {}", text.trim()).into())
}

/// A file system in an image file, mounted; unmounted with the value.
pub(crate) struct Mounted {
    pub(crate) place: PathBuf,
}

impl Mounted {
    pub(crate) fn new(image: &Path, place: &Path, options: &str) -> Result<Self> {
        fs::create_dir_all(place)?;
        run(Command::new("mount")
            .args(["-o", options])
            .arg(image)
            .arg(place))?;
        Ok(Self {
            place: place.to_owned(),
        })
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        let _ = run(Command::new("umount").arg(&self.place));
    }
}

/// An exFAT, mounted by the kernel or else by exfat-fuse: it ignores case, and has no rights of
/// files, no links and no blocks that can be shared.
pub(crate) struct ExFat {
    mounted: Option<Mounted>,
    device: String,
    folder: TempDir,
}

impl ExFat {
    /// Makes one and mounts it.
    pub(crate) fn new() -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let image = folder.path().join("exfat.img");
        make(&image, 1024, &["mkfs.exfat"])?;
        let device = run(Command::new("losetup")
            .args(["--find", "--show"])
            .arg(&image))?;
        let mut exfat = Self {
            mounted: None,
            device,
            folder,
        };
        let place = exfat.folder.path().join("exfat");
        exfat.mounted = Some(match Mounted::new(Path::new(&exfat.device), &place, "rw") {
            Ok(mounted) => mounted,
            Err(refused) => {
                let mut fuse = Command::new("mount.exfat-fuse");
                run(fuse.arg(&exfat.device).arg(&place))
                    .map_err(|error| format!("{refused}; {error}"))?;
                Mounted { place }
            }
        });
        Ok(exfat)
    }

    pub(crate) fn place(&self) -> PathBuf {
        self.folder.path().join("exfat")
    }
}

impl Drop for ExFat {
    fn drop(&mut self) {
        drop(self.mounted.take());
        let _ = run(Command::new("losetup").args(["--detach", &self.device]));
    }
}
