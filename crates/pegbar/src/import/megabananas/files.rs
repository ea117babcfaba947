//! The app's files: its folder `public`, or `assets` in it. The paths in its rows are hostile.

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};

use super::super::folder::{ExportFolder, ExportPath};
use crate::error::{IoContext, Result};
use crate::hash::Sha256;

/// What the paths in the app's rows begin with.
const ASSETS: &str = "assets";

/// Where the app keeps its files.
#[derive(Debug)]
pub(super) struct AppFolder {
    folder: ExportFolder,
    /// The folder itself, without symbolic links.
    root: PathBuf,
    /// The folder is `assets` itself, not the one it is in.
    is_assets: bool,
}

impl AppFolder {
    /// Opens the app's folder, `public`, or `public/assets`: whichever was named.
    pub(super) fn open(folder: &Path) -> Result<Self> {
        let in_app = folder.join("public");
        let folder = if in_app.join(ASSETS).is_dir() {
            &in_app
        } else {
            folder
        };
        Ok(Self {
            is_assets: !folder.join(ASSETS).is_dir(),
            root: fs::canonicalize(folder).at("opening", folder)?,
            folder: ExportFolder::open(folder)?,
        })
    }

    /// Returns the folder `assets`.
    pub(super) fn assets(&self) -> PathBuf {
        if self.is_assets {
            self.root.clone()
        } else {
            self.root.join(ASSETS)
        }
    }

    /// Returns where the file of a row is; why there is none, otherwise.
    pub(super) fn file(&self, path: &str) -> Result<PathBuf, String> {
        let path = parse(path)?;
        if !self.is_assets {
            return self.folder.file(&path);
        }
        let inner = path.as_str().strip_prefix(ASSETS);
        match inner.and_then(|inner| inner.strip_prefix('/')) {
            Some(inner) => self.folder.file(&ExportPath::parse(inner)?),
            None => Err(format!("the path {:?} is not below /assets", path.as_str())),
        }
    }

    /// Calls back with each file, relative to `assets`, until it is refused. Links to folders
    /// are not followed.
    pub(super) fn each_file(&self, mut each: impl FnMut(String)) -> Result<()> {
        let assets = self.assets();
        let mut folders = vec![PathBuf::new()];
        while let Some(folder) = folders.pop() {
            let place = assets.join(&folder);
            let mut entries = Vec::new();
            for entry in fs::read_dir(&place).at("reading", &place)? {
                let entry = entry.at("reading", &place)?;
                let kind = entry.file_type().at("reading", &entry.path())?;
                entries.push((folder.join(entry.file_name()), kind.is_dir()));
            }
            entries.sort_unstable();
            for (path, _) in entries.iter().filter(|(_, is_folder)| !is_folder) {
                each(slashed(path));
            }
            let inner = entries.into_iter().filter(|(_, is_folder)| *is_folder);
            folders.extend(inner.rev().map(|(path, _)| path));
        }
        Ok(())
    }
}

/// Takes a path of a row, below the app's `public`: `/assets/…`.
fn parse(path: &str) -> Result<ExportPath, String> {
    ExportPath::parse(path.trim_start_matches('/'))
}

/// Returns a path of a row relative to `assets`, in one spelling.
pub(super) fn below_assets(path: &str) -> Option<String> {
    let path = parse(path).ok()?;
    let inner = path.as_str().strip_prefix(ASSETS)?.strip_prefix('/')?;
    Some(inner.to_owned())
}

/// Returns the name of the file that a path of a row leads to.
pub(super) fn name(path: &str) -> Option<String> {
    Some(parse(path).ok()?.name().to_owned())
}

fn slashed(path: &Path) -> String {
    let parts: Vec<_> = path.iter().map(|part| part.to_string_lossy()).collect();
    parts.join("/")
}

/// Makes of a name what the app makes of it in paths.
fn slug(name: &str) -> String {
    let mut slug = String::new();
    for c in name.to_lowercase().chars() {
        if c.is_ascii_alphanumeric() {
            slug.push(c);
        } else if !slug.ends_with('-') {
            slug.push('-');
        }
    }
    slug.trim_matches('-').to_owned()
}

/// Returns how the paths begin that the app gives the frames of an animation.
pub(super) fn frames_by_name(project: &str, character: &str, animation: &str) -> Option<String> {
    let (character, animation) = (slug(character), slug(animation));
    below_assets(&format!(
        "/assets/{project}/frames/{animation}/{character}_{animation}"
    ))
}

/// Returns how the path of a frame begins: without its index, its time and the extension.
pub(super) fn frames_by_path(path: &str) -> Option<String> {
    let path = below_assets(path)?;
    let (stem, extension) = path.rsplit_once('.')?;
    let (rest, time) = stem.rsplit_once('_')?;
    let (prefix, index) = rest.rsplit_once('_')?;
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let is_frame = is_number(time) && is_number(index) && !extension.contains('/');
    is_frame.then(|| prefix.to_owned())
}

/// A set of texts that keeps 16 bytes of each: the first half of their SHA-256.
#[derive(Debug, Default)]
pub(super) struct Fingerprints(HashSet<[u8; 16]>);

impl Fingerprints {
    /// Adds a text; says whether it was not there yet.
    pub(super) fn add(&mut self, text: &str) -> bool {
        self.0.insert(fingerprint(text))
    }

    pub(super) fn has(&self, text: &str) -> bool {
        self.0.contains(&fingerprint(text))
    }
}

fn fingerprint(text: &str) -> [u8; 16] {
    let Sha256(hash) = Sha256::of(text.as_bytes());
    let mut half = [0; 16];
    half.copy_from_slice(&hash[..16]);
    half
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_is_known_by_its_path_whatever_the_names_are_made_of() {
        let by_name = |character, animation| frames_by_name("p1", character, animation).unwrap();
        let by_path = |path| frames_by_path(path);
        let walk = by_name("Alley Cat", "Walk / run!");
        assert_eq!(walk, "p1/frames/walk-run/alley-cat_walk-run");
        let path = "/assets/p1/frames/walk-run/alley-cat_walk-run_10_1767250950182.png";
        assert_eq!(by_path(path), Some(walk));
        // Nothing of a name may be left.
        let empty = by_name("猫", "走る");
        assert_eq!(
            by_path("/assets/p1/frames//__0_1767250950182.png"),
            Some(empty)
        );
        for path in [
            "/assets/characters/char_1767250950182.png",
            "/assets/a_b_c.png",
            "../a_1_2.png",
        ] {
            assert_eq!(by_path(path), None, "{path}");
        }
    }

    #[test]
    fn both_spellings_of_the_folder_lead_to_the_same_files() {
        let app = tempfile::tempdir().unwrap();
        let file = app.path().join("public/assets/characters/a.png");
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(&file, "a").unwrap();
        let file = file.canonicalize().unwrap();
        for folder in ["", "public", "public/assets"] {
            let folder = AppFolder::open(&app.path().join(folder)).unwrap();
            assert_eq!(folder.file("/assets/characters/a.png"), Ok(file.clone()));
            assert_eq!(folder.file("assets//characters/./a.png"), Ok(file.clone()));
            for hostile in [
                "/assets/../../a",
                "/assets/characters/../characters/a.png",
                "",
                "/",
            ] {
                assert!(folder.file(hostile).is_err(), "{hostile:?}");
            }
            let mut files = Vec::new();
            folder.each_file(|file| files.push(file)).unwrap();
            assert_eq!(files, ["characters/a.png"]);
        }
    }
}
