//! The files that were moved aside because they were not what Pegbar wrote.

use std::fs;
use std::path::Path;

use super::Kept;
use super::files::is_absent;
use crate::error::{IoContext, Result};
use crate::studio::Studio;

/// The folder of kept files, below the private one.
const FOLDER: &str = "kept";

impl Studio {
    /// Lists the files that were moved aside because they were not what Pegbar wrote, in the
    /// order of the paths they had. Pegbar never removes one.
    ///
    /// # Errors
    /// [`crate::Error::Io`].
    pub fn list_kept(&self) -> Result<Vec<Kept>> {
        let folder = self.view().private.join(FOLDER);
        let mut kept = Vec::new();
        let mut folders = vec![folder.clone()];
        while let Some(below) = folders.pop() {
            let entries = match fs::read_dir(&below) {
                Err(error) if is_absent(&error) => continue,
                entries => entries.at("reading", &below)?,
            };
            for entry in entries {
                let entry = entry.at("reading", &below)?;
                if entry.file_type().at("reading", &entry.path())?.is_dir() {
                    folders.push(entry.path());
                } else {
                    kept.push(Kept {
                        path: path_before(&folder, &entry.path()),
                        kept_as: entry.path(),
                    });
                }
            }
        }
        kept.sort_by(|a, b| (&a.path, &a.kept_as).cmp(&(&b.path, &b.kept_as)));
        Ok(kept)
    }
}

/// Returns the path that a kept file had: without the numbers that tell it from others which
/// had the same (`~2/…` before it, `…~2` behind it).
fn path_before(folder: &Path, kept: &Path) -> String {
    let below = kept.strip_prefix(folder).unwrap_or(kept);
    let mut parts: Vec<String> = below
        .components()
        .map(|part| part.as_os_str().to_string_lossy().into_owned())
        .collect();
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if parts.len() > 1 && parts[0].strip_prefix('~').is_some_and(is_number) {
        parts.remove(0);
    }
    if let Some(name) = parts.last_mut()
        && let Some((before, number)) = name.rsplit_once('~')
        && is_number(number)
        && !before.is_empty()
    {
        name.truncate(before.len());
    }
    // Paths of the view are written with `/` on every system.
    parts.join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kept_file_is_known_by_the_path_it_had() {
        let folder = Path::new("kept");
        let before = |kept: &str| path_before(folder, &folder.join(kept));
        assert_eq!(before("p/frames/Walk/a_0.png"), "p/frames/Walk/a_0.png");
        assert_eq!(before("p/frames/Walk/a_0.png~2"), "p/frames/Walk/a_0.png");
        assert_eq!(before("~3/p/frames/Walk"), "p/frames/Walk");
        assert_eq!(before("p/~tmp"), "p/~tmp");
    }
}
