//! What the folder should hold, said once more than in the library: in the words of the
//! conventions.

use std::collections::HashSet;
use std::fs;
use std::path::Path;

use pegbar::{Asset, ProjectTree, Sha256, Studio};

use crate::Result;

/// A path below `public/assets`, and the hash of the bytes there.
pub(super) type File = (String, Sha256);

/// Returns the files below a folder, with the hashes of their bytes, by their paths.
fn files_below(folder: &Path) -> Result<Vec<File>> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        let Ok(entries) = fs::read_dir(&next) else {
            continue;
        };
        for entry in entries {
            let path = entry?.path();
            if path.is_dir() && !path.is_symlink() {
                folders.push(path);
            } else {
                let below = path.strip_prefix(folder)?.to_string_lossy().into_owned();
                let bytes = fs::read(&path).map_err(|error| format!("{below}: {error}"))?;
                found.push((below, Sha256::of(&bytes)));
            }
        }
    }
    found.sort();
    Ok(found)
}

/// Adds every path that a tree's assets have, with the hashes of their bytes.
pub(super) fn add_expected(tree: &ProjectTree, files: &mut Vec<File>) -> Result<()> {
    let project = tree.project.id;
    let animations = || tree.characters.iter().flat_map(|tree| &tree.animations);
    let shown: HashSet<_> = animations()
        .flat_map(|animation| &animation.frames)
        .map(|frame| frame.asset.id)
        .collect();
    let mut add = |asset: &Asset, path: String| -> Result<()> {
        let sha256 = asset
            .sha256
            .ok_or_else(|| format!("{} has no hash", asset.id))?;
        if asset.bytes_dropped_at.is_some() {
            return Ok(());
        }
        files.push((format!("{project}/{path}.{}", extension(asset)?), sha256));
        Ok(())
    };
    for reference in &tree.references {
        add(reference, format!("references/{}", reference.id))?;
    }
    for character in &tree.characters {
        let name = character.character.segment.as_deref().ok_or("no segment")?;
        for variation in &character.variations {
            add(variation, format!("characters/{name}_{}", variation.id))?;
        }
        for animation in &character.animations {
            let folder = animation.animation.segment.as_deref().ok_or("no segment")?;
            for (index, frame) in animation.frames.iter().enumerate() {
                let path = format!("frames/{folder}/{name}_{folder}_{index}");
                add(&frame.asset, path)?;
            }
            for take in animation
                .takes
                .iter()
                .filter(|take| !shown.contains(&take.id))
            {
                add(take, format!("takes/{}", take.id))?;
            }
        }
    }
    Ok(())
}

fn extension(asset: &Asset) -> Result<&'static str> {
    Ok(match asset.mime_type.as_deref() {
        Some("image/png") => "png",
        Some("image/jpeg") => "jpg",
        Some("image/webp") => "webp",
        Some("image/gif") => "gif",
        other => return Err(format!("{} has the type {other:?}", asset.id).into()),
    })
}

/// Compares the folders with what they should hold, path by path and byte by byte, and looks
/// for what was left behind.
pub(super) fn compare(studio: &Studio, mut expected: Vec<File>) -> Result<()> {
    expected.sort();
    let found = files_below(&studio.assets_folder())?;
    let missing = expected.iter().filter(|file| !found.contains(file));
    let missing: Vec<_> = missing.map(|(path, _)| path).collect();
    let foreign = found.iter().filter(|file| !expected.contains(file));
    let foreign: Vec<_> = foreign.map(|(path, _)| path).collect();
    if !missing.is_empty() || !foreign.is_empty() {
        return Err(format!("the view: missing or other {missing:?}, too much {foreign:?}").into());
    }
    // Half of the world's disks take two such paths for one.
    let folded: HashSet<_> = expected
        .iter()
        .map(|(path, _)| path.to_lowercase())
        .collect();
    if folded.len() < expected.len() {
        return Err("two paths differ by case only".into());
    }
    let private = studio.root().join(".pegbar");
    let blobs = files_below(&private.join("blobs"))?;
    let altered = blobs
        .iter()
        .find(|(path, hash)| !path.ends_with(&hash.to_string()));
    if let Some((path, _)) = altered {
        return Err(format!("the blob {path} has other bytes").into());
    }
    for (path, sha256) in &expected {
        if !blobs.iter().any(|(_, found)| found == sha256) {
            return Err(format!("the blob of {path} is missing").into());
        }
    }
    for left in ["view-busy", "kept", "damaged"] {
        if private.join(left).exists() {
            return Err(format!("there is .pegbar/{left}").into());
        }
    }
    let tmp = files_below(&private.join("tmp"))?;
    // Recovery in this process may have written something.
    let own = format!("{}-", std::process::id());
    let is_left =
        |path: &str| !path.ends_with("lock") || !(path == "lock" || path.starts_with(&own));
    let left: Vec<_> = tmp.iter().filter(|(path, _)| is_left(path)).collect();
    if left.is_empty() {
        return Ok(());
    }
    Err(format!("left in .pegbar/tmp: {left:?}").into())
}
