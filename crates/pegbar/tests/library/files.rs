//! The view is rebuilt from nothing, and what others put into it is never lost.

use std::fs;

use pegbar::{
    AssetId, FrameImage, NewAnimation, NewCharacter, NewFrame, NewProject, Notice, ProjectTree,
    Studio, StudioOptions, ViewUpdates,
};

use crate::support::{assert_in_step, asset, files_below, png};

async fn cat(studio: &Studio) -> ProjectTree {
    let mut walk = NewAnimation::new("Walk");
    for n in 0..4 {
        walk = walk.frame(NewFrame::new(asset(n)));
    }
    let cat = NewCharacter::new("Cat")
        .variation(asset(90))
        .animation(walk);
    studio
        .create_project(NewProject::new("P").reference(asset(91)).character(cat))
        .await
        .unwrap()
}

fn kept(notices: Vec<Notice>) -> Vec<pegbar::Kept> {
    notices
        .into_iter()
        .map(|notice| match notice {
            Notice::Kept(kept) => kept,
            other => panic!("{other:?}"),
        })
        .collect()
}

both_engines! {
    async fn the_view_is_rebuilt_from_nothing(bench) {
        let studio = bench.create().await;
        let tree = cat(&studio).await;
        fs::remove_dir_all(studio.assets_folder()).unwrap();
        let report = studio.sync(|_, _| {}).await.unwrap();
        assert_eq!((report.written, report.removed), (6, 0));
        assert_in_step(&studio, &tree);
        let again = studio.sync(|_, _| {}).await.unwrap();
        assert_eq!(again, pegbar::ViewReport::default());
        // Also where only one file is gone, or one has other bytes.
        let walk = studio.assets_folder().join(tree.project.id.to_string()).join("frames/Walk");
        fs::remove_file(walk.join("Cat_Walk_2.png")).unwrap();
        assert_eq!(studio.sync(|_, _| {}).await.unwrap().written, 1);
        assert_in_step(&studio, &tree);
    }

    async fn an_edited_file_is_kept_and_replaced(bench) {
        let studio = bench.create().await;
        let tree = cat(&studio).await;
        let walk = studio.assets_folder().join(tree.project.id.to_string()).join("frames/Walk");
        let edited = walk.join("Cat_Walk_1.png");
        fs::write(&edited, "touched up by hand").unwrap();
        let frames = &tree.characters[0].animations[0].frames;
        studio.move_frame(frames[3].frame.id, 0, None).await.unwrap();
        let kept = kept(studio.take_notices());
        assert_eq!(kept.len(), 1);
        assert!(kept[0].path.ends_with("frames/Walk/Cat_Walk_1.png"));
        assert_eq!(fs::read_to_string(&kept[0].kept_as).unwrap(), "touched up by hand");
        let now = studio.get_project_tree(tree.project.id).await.unwrap();
        assert_in_step(&studio, &now);
    }

    async fn a_foreign_file_is_left_or_kept_but_never_lost(bench) {
        let studio = bench.create().await;
        let tree = cat(&studio).await;
        let project = studio.assets_folder().join(tree.project.id.to_string());
        let beside = project.join("frames/Walk/notes.txt");
        fs::write(&beside, "mine").unwrap();
        let in_the_way = project.join("frames/Walk/Cat_Walk_4.png");
        fs::write(&in_the_way, "also mine").unwrap();
        let folder_in_the_way = project.join("frames/Walk/Cat_Walk_5.png");
        fs::create_dir(&folder_in_the_way).unwrap();
        fs::write(folder_in_the_way.join("x"), "deep").unwrap();
        let file_for_a_folder = project.join("takes");
        fs::write(&file_for_a_folder, "not a folder").unwrap();
        let walk = tree.characters[0].animations[0].animation.id;
        let new = vec![NewFrame::new(asset(70)), NewFrame::new(asset(71))];
        studio.append_frames(walk, new, None).await.unwrap();
        let frame = tree.characters[0].animations[0].frames[0].frame.id;
        studio.remove_frame(frame, None).await.unwrap();
        let kept = kept(studio.take_notices());
        let texts: Vec<_> = kept.iter().map(|kept| {
            if kept.kept_as.is_dir() {
                return fs::read_to_string(kept.kept_as.join("x")).unwrap();
            }
            fs::read_to_string(&kept.kept_as).unwrap()
        }).collect();
        assert_eq!(texts, ["also mine", "deep", "not a folder"]);
        assert_eq!(fs::read_to_string(&beside).unwrap(), "mine");
        fs::rename(&beside, bench.folder.path().join("notes.txt")).unwrap();
        let now = studio.get_project_tree(tree.project.id).await.unwrap();
        assert_in_step(&studio, &now);
        // Deleting the project leaves what is not ours.
        fs::write(&beside, "mine").unwrap();
        studio.delete_project(tree.project.id).await.unwrap();
        let left = files_below(&studio.assets_folder());
        assert_eq!(left.len(), 1);
        assert_eq!(fs::read_to_string(&beside).unwrap(), "mine");
    }

    async fn what_a_crash_left_undone_is_done_at_the_next_opening(bench) {
        let studio = bench.create().await;
        let tree = cat(&studio).await;
        drop(studio);
        let deferred =
            StudioOptions { view_updates: ViewUpdates::Deferred, ..bench.options() };
        let studio = Studio::open_with(bench.root(), deferred).await.unwrap();
        let frames = &tree.characters[0].animations[0].frames;
        studio.move_frame(frames[0].frame.id, 3, None).await.unwrap();
        let new = FrameImage::New(Box::new(asset(80)));
        studio.replace_frame(frames[1].frame.id, new, None).await.unwrap();
        let now = studio.get_project_tree(tree.project.id).await.unwrap();
        drop(studio);
        // A process that died on its way: a file aside, another half-written.
        let walk = bench.root().join("public/assets").join(tree.project.id.to_string());
        let walk = walk.join("frames/Walk");
        fs::rename(walk.join("Cat_Walk_0.png"), walk.join(".pegbar-old-1-1")).unwrap();
        fs::write(walk.join(".pegbar-old-1-2"), "someone's edit, moved aside").unwrap();
        fs::write(walk.join(".pegbar-new-1-3"), "half of a co").unwrap();
        let place = format!("{}/frames/Walk/Cat_Walk_0.png\n", tree.project.id);
        fs::write(bench.root().join(".pegbar/view-busy"), place).unwrap();
        let tmp = bench.root().join(".pegbar/tmp/1-0");
        fs::create_dir_all(&tmp).unwrap();
        fs::write(tmp.join("1"), "half").unwrap();
        let studio = bench.open().await;
        let kept = kept(studio.take_notices());
        assert_eq!(kept.len(), 1);
        let text = fs::read_to_string(&kept[0].kept_as).unwrap();
        assert_eq!(text, "someone's edit, moved aside");
        assert_in_step(&studio, &now);
        assert!(!tmp.exists() && !bench.root().join(".pegbar/view-busy").exists());
    }

    async fn a_missing_blob_is_reported_and_holds_up_nothing_else(bench) {
        let studio = bench.create().await;
        let tree = cat(&studio).await;
        let sha256 = tree.characters[0].variations[0].sha256.unwrap().to_string();
        let blob = studio.root().join(".pegbar/blobs").join(&sha256[..2]).join(&sha256);
        let aside = bench.folder.path().join("blob");
        fs::rename(&blob, &aside).unwrap();
        fs::remove_dir_all(studio.assets_folder()).unwrap();
        let report = studio.sync(|_, _| {}).await.unwrap();
        let front = &tree.characters[0].variations[0];
        let missing = pegbar::MissingBytes {
            path: front.file_path.clone().unwrap(),
            asset_id: front.id,
            blob: blob.clone(),
        };
        assert_eq!(report.missing, [missing]);
        assert_eq!(report.written, 5);
        assert_eq!(files_below(&studio.assets_folder()).len(), 5);
        fs::rename(&aside, &blob).unwrap();
        studio.sync(|_, _| {}).await.unwrap();
        assert_in_step(&studio, &tree);
    }

    async fn what_the_view_could_not_follow_it_follows_later(bench) {
        let studio = bench.create().await;
        let tree = cat(&studio).await;
        let blobs = studio.root().join(".pegbar/blobs");
        let aside = bench.folder.path().join("blobs");
        fs::remove_dir_all(studio.assets_folder().join(tree.project.id.to_string())).unwrap();
        fs::rename(&blobs, &aside).unwrap();
        let frames = &tree.characters[0].animations[0].frames;
        let moved = studio.move_frame(frames[0].frame.id, 3, None).await.unwrap();
        assert_eq!(moved.frames[3].frame.id, frames[0].frame.id);
        let notices = studio.take_notices();
        assert!(matches!(notices.as_slice(), [Notice::ViewStale(_)]), "{notices:?}");
        fs::rename(&aside, &blobs).unwrap();
        assert_eq!(studio.update_view().await.unwrap().written, 4);
        let walk = format!("{}/frames/Walk", tree.project.id);
        assert_eq!(files_below(&studio.assets_folder().join(walk)).len(), 4);
        studio.sync(|_, _| {}).await.unwrap();
        let now = studio.get_project_tree(tree.project.id).await.unwrap();
        assert_in_step(&studio, &now);
    }

    async fn duplicate_bytes_are_one_blob_and_several_assets(bench) {
        let studio = bench.create().await;
        let project = studio
            .create_project(NewProject::new("P").reference(asset(1)).reference(asset(1)))
            .await.unwrap();
        let ids: Vec<AssetId> = project.references.iter().map(|asset| asset.id).collect();
        assert_ne!(ids[0], ids[1]);
        assert_eq!(files_below(&studio.root().join(".pegbar/blobs")).len(), 1);
        assert_in_step(&studio, &project);
        let file = bench.folder.path().join("as a file.png");
        fs::write(&file, png(1)).unwrap();
        let new = pegbar::NewAsset::from_file(&file);
        let third = studio.create_asset(project.project.id, new).await.unwrap();
        assert_eq!(third.original_name.as_deref(), Some("as a file.png"));
        assert_eq!(third.sha256, project.references[0].sha256);
        assert_eq!(files_below(&studio.root().join(".pegbar/blobs")).len(), 1);
    }

    async fn the_format_comes_from_the_bytes_and_limits_hold(bench) {
        let studio = bench.create().await;
        let project = studio.create_project(NewProject::new("P")).await.unwrap().project.id;
        let picture = image::RgbImage::from_pixel(5, 7, image::Rgb([1, 2, 3]));
        for (format, mime, extension) in [
            (image::ImageFormat::Png, "image/png", "png"),
            (image::ImageFormat::Jpeg, "image/jpeg", "jpg"),
            (image::ImageFormat::WebP, "image/webp", "webp"),
            (image::ImageFormat::Gif, "image/gif", "gif"),
        ] {
            let file = bench.folder.path().join("misnamed.png");
            picture.save_with_format(&file, format).unwrap();
            let new = pegbar::NewAsset::from_file(&file);
            let asset = studio.create_asset(project, new).await.unwrap();
            assert_eq!(asset.mime_type.as_deref(), Some(mime));
            assert!(asset.file_path.unwrap().ends_with(&format!(".{extension}")));
            assert_eq!((asset.width, asset.height), (Some(5), Some(7)));
        }
        drop(studio);
        let mut options = bench.options();
        options.limits.max_pixels = 30;
        let studio = Studio::open_with(bench.root(), options.clone()).await.unwrap();
        let error = studio.create_asset(project, asset(1)).await.unwrap_err();
        assert!(error.to_string().contains("8 × 6 pixels"), "{error}");
        drop(studio);
        options.limits.max_file_size = 20;
        let studio = Studio::open_with(bench.root(), options).await.unwrap();
        let error = studio.create_asset(project, asset(1)).await.unwrap_err();
        assert!(error.to_string().contains("larger than 20 bytes"), "{error}");
        let svg = pegbar::NewAsset::from_bytes("<svg xmlns='http://www.w3.org/2000/svg'/>");
        let error = studio.create_asset(project, svg).await.unwrap_err();
        assert_eq!(error.code(), "not_an_image");
    }

    async fn an_image_that_another_studio_took_in_is_refused(bench) {
        let studio = bench.create().await;
        let project = cat(&studio).await.project.id;
        let elsewhere = bench.folder.path().join("elsewhere");
        let other = Studio::create(&elsewhere).await.unwrap();
        let bytes = pegbar::ImageSource::Bytes(png(77));
        let stored = other.store_image(&bytes).unwrap();
        let new = pegbar::NewAsset::new(pegbar::ImageSource::Stored(stored));
        let refused = studio.create_asset(project, new.clone()).await;
        assert_eq!(refused.unwrap_err().code(), "invalid");
        let again = bench.open().await;
        let stored = studio.store_image(&bytes).unwrap();
        let new = pegbar::NewAsset::new(pegbar::ImageSource::Stored(stored));
        again.create_asset(project, new).await.unwrap();
    }
}
