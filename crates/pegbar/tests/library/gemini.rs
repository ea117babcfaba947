//! Images that a real generator returned: JPEGs called `.png`, with signed manifests.

use std::fs;
use std::path::PathBuf;

use pegbar::{NewAsset, NewProject};

use crate::support::{assert_in_step, shared_inputs};

both_engines! {
    async fn real_jpegs_called_png_keep_their_bytes_and_get_their_own_extension(bench) {
        let Some(folder) = shared_inputs().map(|inputs| inputs.join("gemini")) else { return };
        let studio = bench.create().await;
        let tree = studio.create_project(NewProject::new("Cats")).await.unwrap();
        let project = tree.project.id;
        let mut files: Vec<PathBuf> = fs::read_dir(&folder)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .collect();
        files.sort();
        assert_eq!(files.len(), 2);
        let new = files.iter().map(NewAsset::from_file).collect();
        let assets = studio.create_assets(project, new).await.unwrap();
        for (asset, file) in assets.iter().zip(&files) {
            let bytes = fs::read(file).unwrap();
            let name = file.file_name().unwrap().to_str();
            assert_eq!(file.extension().unwrap(), "png");
            assert_eq!(asset.original_name.as_deref(), name);
            assert_eq!(asset.mime_type.as_deref(), Some("image/jpeg"));
            assert_eq!(asset.file_size, Some(bytes.len() as u64));
            let path = format!("{project}/references/{}.jpg", asset.id);
            assert_eq!(asset.file_path.as_ref(), Some(&path));
            assert!(fs::read(studio.assets_folder().join(path)).unwrap() == bytes);
        }
        let sizes: Vec<_> = assets.iter().map(|asset| (asset.width, asset.height)).collect();
        assert_eq!(sizes, [(Some(1024), Some(1024)), (Some(2048), Some(2048))]);
        assert_in_step(&studio, &studio.get_project_tree(project).await.unwrap());
    }
}
