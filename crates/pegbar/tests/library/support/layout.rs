//! What the folder should hold, said once more than in the library: in the words of the
//! conventions.

use std::fs;
use std::path::Path;

use pegbar::{ProjectTree, Sha256, Studio};

/// Returns the files below a folder, with the hashes of their bytes, by their paths.
pub(crate) fn files_below(folder: &Path) -> Vec<(String, Sha256)> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        let Ok(entries) = fs::read_dir(&next) else {
            continue;
        };
        for entry in entries {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let below = path.strip_prefix(folder).unwrap();
                let below = below.to_str().unwrap().replace('\\', "/");
                found.push((below, Sha256::of(&fs::read(&path).unwrap())));
            }
        }
    }
    found.sort();
    found
}

/// Returns every path that a tree says its assets have, with the hashes of their bytes: what
/// the folder should hold.
pub(crate) fn files_of(tree: &ProjectTree) -> Vec<(String, Sha256)> {
    let project = tree.project.id;
    let animations = tree.characters.iter().flat_map(|tree| &tree.animations);
    let frames = animations.flat_map(|animation| &animation.frames);
    let shown: Vec<_> = frames.map(|frame| frame.asset.id).collect();
    let mut files = Vec::new();
    let has_bytes = |asset: &&pegbar::Asset| asset.bytes_dropped_at.is_none();
    for reference in tree.references.iter().filter(has_bytes) {
        let (id, extension) = (reference.id, extension(reference));
        files.push((
            format!("{project}/references/{id}.{extension}"),
            reference.sha256.unwrap(),
        ));
    }
    for character in &tree.characters {
        let name = character.character.segment.as_ref().unwrap();
        for variation in character.variations.iter().filter(has_bytes) {
            let (id, extension) = (variation.id, extension(variation));
            let path = format!("{project}/characters/{name}_{id}.{extension}");
            files.push((path, variation.sha256.unwrap()));
        }
        for animation in &character.animations {
            let folder = animation.animation.segment.as_ref().unwrap();
            for (index, frame) in animation.frames.iter().enumerate() {
                let extension = extension(&frame.asset);
                let file = format!("{name}_{folder}_{index}.{extension}");
                let path = format!("{project}/frames/{folder}/{file}");
                files.push((path, frame.asset.sha256.unwrap()));
            }
            // One that another animation shows lies there.
            let takes = animation.takes.iter().filter(has_bytes);
            for take in takes.filter(|take| !shown.contains(&take.id)) {
                let path = format!("{project}/takes/{}.{}", take.id, extension(take));
                files.push((path, take.sha256.unwrap()));
            }
        }
    }
    files.sort();
    files
}

fn extension(asset: &pegbar::Asset) -> &'static str {
    match asset.mime_type.as_deref().unwrap() {
        "image/png" => "png",
        "image/jpeg" => "jpg",
        "image/webp" => "webp",
        "image/gif" => "gif",
        other => panic!("unexpected media type {other}"),
    }
}

/// Checks that folder, rows and blobs of a project agree, path by path and byte by byte.
#[track_caller]
pub(crate) fn assert_in_step(studio: &Studio, tree: &ProjectTree) {
    let folder = studio.assets_folder().join(tree.project.id.to_string());
    let prefix = tree.project.id.to_string();
    let found: Vec<_> = files_below(&folder)
        .into_iter()
        .map(|(path, hash)| (format!("{prefix}/{path}"), hash))
        .collect();
    assert_eq!(found, files_of(tree));
    let animations = tree
        .characters
        .iter()
        .flat_map(|character| &character.animations);
    let frames = animations.flat_map(|animation| &animation.frames);
    let variations = tree
        .characters
        .iter()
        .flat_map(|character| &character.variations);
    let assets = frames
        .map(|frame| &frame.asset)
        .chain(variations)
        .chain(&tree.references);
    for asset in assets {
        if asset.bytes_dropped_at.is_some() {
            assert_eq!(asset.file_path, None, "{} has no file", asset.id);
            continue;
        }
        let path = asset.file_path.as_ref().unwrap();
        let home = found.iter().find(|(found, _)| found == path);
        assert_eq!(
            home.map(|(_, hash)| *hash),
            asset.sha256,
            "the home of {}",
            asset.id
        );
        let hash = asset.sha256.unwrap().to_string();
        let blob = studio
            .root()
            .join(".pegbar/blobs")
            .join(&hash[..2])
            .join(&hash);
        assert_eq!(Sha256::of(&fs::read(blob).unwrap()).to_string(), hash);
    }
}
