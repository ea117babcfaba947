//! Blobs that were damaged behind Pegbar's back.

use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use pegbar::{
    Asset, DamagedBytes, ImageSource, NewAsset, NewProject, Sha256, Studio, VerifyOptions,
    VerifyScope,
};

use crate::folder::{cats, import, project};
use crate::support::{assert_in_step, asset, files_below, png};

/// Where the store has bytes.
fn blob(studio: &Studio, bytes: &[u8]) -> PathBuf {
    let sha256 = Sha256::of(bytes).to_string();
    let blobs = studio.root().join(".pegbar/blobs");
    blobs.join(&sha256[..2]).join(sha256)
}

/// Replaces what a blob has, as a broken disk would.
fn damage(blob: &Path, bytes: &[u8]) {
    fs::remove_file(blob).unwrap();
    fs::write(blob, bytes).unwrap();
}

/// The same number of bytes, one of them another.
fn altered(bytes: &[u8]) -> Vec<u8> {
    let mut altered = bytes.to_vec();
    *altered.last_mut().unwrap() ^= 1;
    altered
}

/// An image that is too large to be read into memory at once.
fn large() -> Vec<u8> {
    let mut bytes = png(1);
    bytes.resize(9 << 20, 0);
    bytes
}

async fn damaged_count(studio: &Studio) -> u64 {
    let (scope, options) = (VerifyScope::Everything, VerifyOptions::default());
    let report = studio.verify(&scope, options, |_, _| {}).await.unwrap();
    report.damaged_count
}

both_engines! {
    async fn good_bytes_take_the_place_of_a_damaged_blob_which_is_kept(bench) {
        let studio = bench.create().await;
        let tree = studio.create_project(NewProject::new("P")).await.unwrap();
        for bytes in [png(1), large()] {
            let file = bench.folder.path().join("cat.png");
            fs::write(&file, &bytes).unwrap();
            let new = || NewAsset::new(ImageSource::File(file.clone()));
            studio.create_asset(tree.project.id, new()).await.unwrap();
            let blob = blob(&studio, &bytes);
            let wrong = [altered(&bytes), b"short".to_vec(), altered(&altered(&bytes)[1..])];
            for wrong in &wrong {
                damage(&blob, wrong);
                assert!(damaged_count(&studio).await > 0);
                let again = studio.create_asset(tree.project.id, new()).await.unwrap();
                assert_eq!(again.sha256, Some(Sha256::of(&bytes)));
                assert!(fs::read(&blob).unwrap() == bytes);
                assert!(fs::metadata(&blob).unwrap().permissions().readonly());
                assert_eq!(damaged_count(&studio).await, 0);
            }
            let folder = studio.root().join(".pegbar/damaged");
            let name = blob.file_name().unwrap().to_str().unwrap();
            for (wrong, suffix) in wrong.iter().zip(["", "~2", "~3"]) {
                assert!(&fs::read(folder.join(format!("{name}{suffix}"))).unwrap() == wrong);
            }
            // Whole bytes are left as they are.
            let before = fs::metadata(&blob).unwrap().created().ok();
            studio.create_asset(tree.project.id, new()).await.unwrap();
            assert_eq!(fs::metadata(&blob).unwrap().created().ok(), before);
        }
        assert_eq!(files_below(&studio.root().join(".pegbar/damaged")).len(), 6);
    }

    async fn a_folder_that_is_imported_again_brings_back_bytes_of_another_size(bench) {
        let studio = bench.create().await;
        let project = project(&studio).await;
        let root = cats(bench);
        import(&studio, project, &root).await;
        let blob = blob(&studio, &png(2));
        damage(&blob, b"short");
        let report = import(&studio, project, &root).await;
        assert_eq!(report.unchanged, 9);
        assert!(fs::read(&blob).unwrap() == png(2));
        assert_eq!(damaged_count(&studio).await, 0);
    }

    async fn damaged_bytes_are_not_opened(bench) {
        let studio = bench.create().await;
        let tree = studio.create_project(NewProject::new("P").reference(asset(1))).await.unwrap();
        let mut bytes = Vec::new();
        studio.open_image(&tree.references[0]).unwrap().read_to_end(&mut bytes).unwrap();
        assert!(bytes == png(1), "whole and from the beginning");
        let blob = blob(&studio, &png(1));
        damage(&blob, &altered(&png(1)));
        let error = studio.open_image(&tree.references[0]).unwrap_err();
        assert_eq!(error.code(), "damaged");
        let found = Sha256::of(&altered(&png(1)));
        let text = error.to_string();
        assert!(text.contains(blob.to_str().unwrap()), "{text}");
        assert!(text.contains(&tree.references[0].id.to_string()), "{text}");
        assert!(text.contains(&found.to_string()), "{text}");
    }

    async fn damaged_bytes_are_reported_by_sync_and_not_given_on(bench) {
        let studio = bench.create().await;
        let project = NewProject::new("P").reference(asset(1)).reference(asset(2));
        let tree = studio.create_project(project).await.unwrap();
        let [first, second] = [0, 1].map(|n| tree.references[n].clone());
        let file = |asset: &Asset| studio.assets_folder().join(asset.file_path.as_ref().unwrap());
        let blob = blob(&studio, &png(1));
        damage(&blob, &altered(&png(1)));
        // A whole file stands as it is, however old it looks.
        let touched = fs::File::options().write(true).open(file(&first)).unwrap();
        touched.set_modified(std::time::UNIX_EPOCH).unwrap();
        let report = studio.sync(|_, _| {}).await.unwrap();
        assert_eq!((report.damaged.len(), report.kept.len()), (0, 0));
        assert!(fs::read(file(&first)).unwrap() == png(1));
        fs::remove_dir_all(studio.assets_folder()).unwrap();
        for written in [1, 0] {
            let report = studio.sync(|_, _| {}).await.unwrap();
            let damaged = DamagedBytes {
                path: first.file_path.clone().unwrap(),
                asset_id: first.id,
                blob: blob.clone(),
                found: Sha256::of(&altered(&png(1))),
            };
            assert_eq!((report.damaged, report.missing.len()), (vec![damaged], 0));
            assert_eq!(report.written, written);
            let files = files_below(&studio.assets_folder());
            assert_eq!(files.len(), 1, "{files:?}");
            assert!(fs::read(file(&second)).unwrap() == png(2));
        }
        // What is added again brings both back.
        studio.create_asset(tree.project.id, asset(1)).await.unwrap();
        studio.sync(|_, _| {}).await.unwrap();
        assert_in_step(&studio, &studio.get_project_tree(tree.project.id).await.unwrap());
    }

    async fn the_last_copy_of_lost_bytes_is_kept(bench) {
        let studio = bench.create().await;
        let project = NewProject::new("P").reference(asset(1)).reference(asset(2));
        let tree = studio.create_project(project).await.unwrap();
        let [lost, cut] = [0, 1].map(|n| tree.references[n].clone());
        fs::remove_file(blob(&studio, &png(1))).unwrap();
        damage(&blob(&studio, &png(2)), b"short");
        for asset in [&lost, &cut] {
            studio.delete_asset(asset.id).await.unwrap();
        }
        assert_eq!(files_below(&studio.assets_folder()), []);
        let kept = [&lost, &cut].map(|asset| {
            let path = asset.file_path.as_ref().unwrap();
            fs::read(studio.root().join(".pegbar/kept").join(path)).unwrap()
        });
        assert!(kept == [png(1), png(2)]);
    }
}
