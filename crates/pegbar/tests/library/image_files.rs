//! Images as a server finds them: by path, by hash, by asset; and the order that players read.

use std::fs;
use std::io::Read as _;
use std::path::Path;

use pegbar::{
    AnimationPatch, CharacterPatch, Error, NewAnimation, NewCharacter, NewFrame, NewProject,
    Sha256, Studio,
};

use crate::support::asset;

/// The paths below `public/assets`, with what lies there.
fn files_below(folder: &Path, root: &Path, found: &mut Vec<(String, Vec<u8>)>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files_below(&path, root, found);
            continue;
        }
        let name = path.strip_prefix(root).unwrap().to_str().unwrap();
        found.push((name.to_owned(), fs::read(&path).unwrap()));
    }
}

fn files(studio: &Studio) -> Vec<(String, Vec<u8>)> {
    let mut found = Vec::new();
    let root = studio.assets_folder();
    files_below(&root, &root, &mut found);
    found.sort();
    found
}

/// Asserts that the rows find just what the view holds; returns its paths.
async fn assert_found_as_they_lie(studio: &Studio) -> Vec<String> {
    let files = files(studio);
    for (path, bytes) in &files {
        let image = studio.image_at_path(path).await.unwrap();
        assert_eq!(image.sha256, Sha256::of(bytes), "{path}");
        assert_eq!(image.file_size, bytes.len() as u64, "{path}");
        let mut read = Vec::new();
        let mut file = studio.open_image_file(&image).unwrap();
        file.read_to_end(&mut read).unwrap();
        assert!(read == *bytes, "{path}");
        let again = studio.image_of_asset(image.asset_id).await.unwrap();
        assert_eq!(again, image, "{path}");
    }
    files.into_iter().map(|(path, _)| path).collect()
}

both_engines! {
    async fn a_path_finds_what_the_view_has_there_and_no_other_path_finds_anything(bench) {
        let studio = bench.create().await;
        let walk = |n: u32| NewAnimation::new("Walk").frame(NewFrame::new(asset(n)))
            .frame(NewFrame::new(asset(n + 1))).frame(NewFrame::new(asset(n + 2)))
            .take(asset(n + 3));
        let tree = studio.create_project(NewProject::new("P").reference(asset(1))
            .character(NewCharacter::new("Cät").variation(asset(2)).animation(walk(10)))
            .character(NewCharacter::new("cät").variation(asset(3)).animation(walk(20))
                .animation(walk(30))))
            .await.unwrap();
        // Rows of another project have the same names.
        studio.create_project(NewProject::new("Q")
            .character(NewCharacter::new("Cät").animation(walk(40)))).await.unwrap();
        let before = assert_found_as_they_lie(&studio).await;
        assert_eq!(before.len(), 3 + 3 * 4 + 4);
        let animation = &tree.characters[0].animations[0];
        let frame = animation.frames[0].frame.id;
        studio.move_frame(frame, 2, None).await.unwrap();
        let moved = assert_found_as_they_lie(&studio).await;
        assert_eq!(moved, before);
        studio.remove_frame(frame, None).await.unwrap();
        let rename = CharacterPatch { name: Some("Dog".to_owned()), ..CharacterPatch::default() };
        studio.update_character(tree.characters[0].character.id, rename).await.unwrap();
        let rename = AnimationPatch { name: Some("Run".to_owned()), ..AnimationPatch::default() };
        let second = tree.characters[1].animations[0].animation.id;
        studio.update_animation(second, rename).await.unwrap();
        let after = assert_found_as_they_lie(&studio).await;
        let gone: Vec<_> = before.iter().filter(|path| !after.contains(path)).collect();
        assert_eq!(gone.len(), 7, "{gone:?}");
        for path in gone {
            let found = studio.image_at_path(path).await;
            assert!(matches!(found, Err(Error::NotFound { .. })), "{path}: {found:?}");
        }
        for path in &after {
            let wrong = [path.to_uppercase(), path.replace(".png", ".jpg"), format!("/{path}"),
                path.replace("_0.", "_00."), path.replace("_0.", "_+0.")];
            for wrong in wrong.iter().filter(|wrong| *wrong != path) {
                let found = studio.image_at_path(wrong).await;
                assert!(matches!(found, Err(Error::NotFound { .. })), "{wrong}: {found:?}");
            }
        }
    }

    async fn what_was_dropped_or_deleted_is_not_found(bench) {
        let studio = bench.create().await;
        let project = NewProject::new("P").reference(asset(1)).reference(asset(2));
        let tree = studio.create_project(project).await.unwrap();
        let [first, second] = &tree.references[..] else { panic!() };
        let sha256 = first.sha256.unwrap();
        assert_eq!(studio.image_with_hash(sha256).await.unwrap().asset_id, first.id);
        let same = studio.create_asset(tree.project.id, asset(1)).await.unwrap();
        studio.drop_bytes(first.id).await.unwrap();
        let path = first.file_path.as_deref().unwrap();
        assert!(matches!(studio.image_at_path(path).await, Err(Error::NotFound { .. })));
        assert!(matches!(studio.image_of_asset(first.id).await, Err(Error::Dropped { .. })));
        // Another asset has the same bytes, until it goes too.
        assert_eq!(studio.image_with_hash(sha256).await.unwrap().asset_id, same.id);
        studio.delete_asset(same.id).await.unwrap();
        assert!(matches!(studio.image_with_hash(sha256).await, Err(Error::NotFound { .. })));
        studio.delete_asset(second.id).await.unwrap();
        let path = second.file_path.as_deref().unwrap();
        assert!(matches!(studio.image_at_path(path).await, Err(Error::NotFound { .. })));
    }

    async fn bytes_of_another_length_are_refused_without_hashing_and_others_with_it(bench) {
        let studio = bench.create().await;
        assert!(studio.check_reachable().await.is_ok());
        let tree = studio.create_project(NewProject::new("P").reference(asset(1))).await.unwrap();
        let image = studio.image_of_asset(tree.references[0].id).await.unwrap();
        let name = image.sha256.to_string();
        let blob = bench.root().join(".pegbar/blobs").join(&name[..2]).join(&name);
        let good = fs::read(&blob).unwrap();
        let mut bad = good.clone();
        *bad.last_mut().unwrap() ^= 1;
        fs::write(&blob, &bad).unwrap();
        assert!(studio.open_image_file_unhashed(&image).is_ok());
        assert!(matches!(studio.open_image_file(&image), Err(Error::Damaged { .. })));
        bad.pop();
        fs::write(&blob, &bad).unwrap();
        let opened = studio.open_image_file_unhashed(&image);
        assert!(matches!(opened, Err(Error::Damaged { .. })));
        fs::remove_file(&blob).unwrap();
        let opened = studio.open_image_file_unhashed(&image);
        assert!(matches!(opened, Err(Error::Damaged { .. })));
        assert!(studio.check_reachable().await.is_ok());
        fs::rename(bench.root().join(".pegbar/blobs"), bench.root().join("away")).unwrap();
        assert!(studio.check_reachable().await.is_err());
    }

    async fn a_manifest_has_the_frames_in_order_with_what_they_show(bench) {
        let studio = bench.create().await;
        let walk = NewAnimation::new("Walk").frame_duration_ms(80)
            .frame(NewFrame::new(asset(1))).frame(NewFrame::new(asset(2)))
            .frame(NewFrame::new(asset(3))).take(asset(4));
        let character = NewCharacter::new("Cat").animation(walk);
        let tree = studio.create_project(NewProject::new("P").character(character)).await.unwrap();
        let tree = &tree.characters[0].animations[0];
        studio.move_frame(tree.frames[0].frame.id, 2, None).await.unwrap();
        let manifest = studio.get_manifest(tree.animation.id).await.unwrap();
        assert_eq!((manifest.animation.version, manifest.animation.frame_count), (2, 3));
        assert_eq!(manifest.animation.frame_duration_ms, Some(80));
        for (shown, place) in manifest.frames.iter().zip([1, 2, 0]) {
            let expected = &tree.frames[place];
            assert_eq!(shown.frame_id, expected.frame.id);
            assert_eq!(shown.asset_id, expected.asset.id);
            assert_eq!((shown.sha256, shown.file_size), (expected.asset.sha256, expected.asset.file_size));
            assert_eq!((shown.width, shown.height), (expected.asset.width, expected.asset.height));
            assert_eq!(shown.mime_type.as_deref(), Some("image/png"));
        }
        let indexes: Vec<_> = manifest.frames.iter().map(|frame| frame.frame_index).collect();
        assert_eq!(indexes, [0, 1, 2]);
    }
}
