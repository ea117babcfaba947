//! Blobs that were damaged behind Pegbar's back.

use std::fs;
use std::path::{Path, PathBuf};

use pegbar::{ImageSource, NewAsset, NewProject, Sha256, Studio, VerifyOptions, VerifyScope};

use crate::folder::{cats, import, project};
use crate::support::{files_below, png};

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
            let before = fs::metadata(&blob).unwrap().modified().unwrap();
            studio.create_asset(tree.project.id, new()).await.unwrap();
            assert_eq!(fs::metadata(&blob).unwrap().modified().unwrap(), before);
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
}
