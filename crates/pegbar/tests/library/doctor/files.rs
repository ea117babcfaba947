//! Damage to the files below `public/assets`.

use std::fs;
use std::path::Path;
use std::time::Duration;

use pegbar::{StudioOptions, ViewUpdates};

use super::{alter, examine, finds, found, frame, project, strict, view};
use crate::support::asset;

/// Gives a file another time of its last change.
fn touch(file: &Path) {
    let file = fs::File::options().write(true).open(file).unwrap();
    let before = file.metadata().unwrap().modified().unwrap();
    file.set_modified(before + Duration::from_secs(5)).unwrap();
}

both_engines! {
    async fn a_missing_file_is_found(bench) {
        let tree = project(&bench.create().await).await;
        fs::remove_file(view(bench, frame(&tree, 0))).unwrap();
        finds(bench, &[("view_file_missing", 1)]).await;
        fs::remove_dir_all(bench.root().join("public")).unwrap();
        finds(bench, &[("view_file_missing", 8)]).await;
    }

    async fn what_could_not_be_judged_is_said(bench) {
        let studio = bench.create().await;
        let tree = project(&studio).await;
        let lock = fs::File::create(bench.root().join(".pegbar/view-lock")).unwrap();
        lock.lock().unwrap();
        let hasty = pegbar::DoctorOptions { patience: Duration::ZERO, ..strict() };
        assert!(found(&studio, &hasty).await.is_empty());
        fs::remove_file(view(bench, frame(&tree, 0))).unwrap();
        assert_eq!(found(&studio, &hasty).await, [("unsettled", 1)].into());
        drop(lock);
        assert_eq!(found(&studio, &hasty).await, [("view_file_missing", 1)].into());
    }

    async fn an_edited_file_is_found(bench) {
        let tree = project(&bench.create().await).await;
        fs::write(view(bench, frame(&tree, 0)), "edited").unwrap();
        finds(bench, &[("view_file_edited", 1)]).await;
        fs::remove_file(view(bench, frame(&tree, 0))).unwrap();
        fs::create_dir(view(bench, frame(&tree, 0))).unwrap();
        finds(bench, &[("view_file_edited", 1)]).await;
    }

    async fn a_file_that_was_edited_in_place_unnoticed_is_found_by_hashing(bench) {
        let studio = bench.create().await;
        let tree = project(&studio).await;
        let place = view(bench, frame(&tree, 0));
        alter(&place);
        assert!(found(&studio, &strict()).await.is_empty());
        assert_eq!(found(&studio, &crate::doctor::deep()).await, [("view_file_edited", 1)].into());
        // Its time tells that it was touched, and hashing that it was edited.
        touch(&place);
        assert_eq!(found(&studio, &strict()).await, [("view_file_touched", 1)].into());
        assert_eq!(found(&studio, &crate::doctor::deep()).await, [("view_file_edited", 1)].into());
    }

    async fn a_file_that_was_only_copied_is_not_edited(bench) {
        let tree = project(&bench.create().await).await;
        touch(&view(bench, frame(&tree, 1)));
        finds(bench, &[("view_file_touched", 1)]).await;
    }

    async fn foreign_files_are_noted_in_the_folders_of_projects_only(bench) {
        let studio = bench.create().await;
        let tree = project(&studio).await;
        let folder = view(bench, frame(&tree, 0)).parent().unwrap().to_owned();
        fs::write(folder.join("Cat_Walk_0.psd"), "x").unwrap();
        fs::write(bench.root().join("public/assets/logo.png"), "x").unwrap();
        fs::create_dir(bench.root().join("public/assets/icons")).unwrap();
        fs::write(bench.root().join("public/assets/icons/a.png"), "x").unwrap();
        drop(studio);
        finds(bench, &[("foreign_file", 1)]).await;
        assert!(examine(&bench.open().await, &strict()).await.is_healthy());
    }

    async fn what_an_interrupted_change_left_is_found(bench) {
        let tree = project(&bench.create().await).await;
        let place = view(bench, frame(&tree, 0));
        fs::rename(&place, place.with_file_name(".pegbar-old-1-1")).unwrap();
        finds(bench, &[("view_leftover", 1), ("view_file_missing", 1)]).await;
        // The note of an interrupted run explains both.
        let path = frame(&tree, 0).file_path.as_ref().unwrap();
        fs::write(bench.root().join(".pegbar/view-busy"), format!("{path}\n")).unwrap();
        finds(bench, &[("view_interrupted", 1)]).await;
        bench.open().await;
        finds(bench, &[]).await;
    }

    async fn a_link_in_the_place_of_a_folder_is_one_finding(bench) {
        let tree = project(&bench.create().await).await;
        let folder = view(bench, frame(&tree, 0)).parent().unwrap().to_owned();
        let elsewhere = bench.root().join("elsewhere");
        fs::rename(&folder, &elsewhere).unwrap();
        std::os::unix::fs::symlink(&elsewhere, &folder).unwrap();
        finds(bench, &[("view_link", 1)]).await;
    }

    async fn a_view_on_a_disk_that_is_away_is_one_finding(bench) {
        drop(project(&bench.create().await).await);
        let folder = bench.root().join("public/assets");
        fs::rename(&folder, bench.root().join("away")).unwrap();
        std::os::unix::fs::symlink(bench.root().join("nowhere"), &folder).unwrap();
        finds(bench, &[("view_unmounted", 1)]).await;
    }

    async fn a_stale_outbox_is_found_and_explains_what_is_stale(bench) {
        let studio = bench.create().await;
        let tree = project(&studio).await;
        drop(studio);
        let deferred = StudioOptions {
            view_updates: ViewUpdates::Deferred,
            ..bench.options()
        };
        let studio = pegbar::Studio::open_with(bench.root(), deferred).await.unwrap();
        let walk = tree.characters[0].animations[0].animation.id;
        studio.append_frames(walk, vec![pegbar::NewFrame::new(asset(900))], None).await.unwrap();
        // A process that lives may have put it off.
        assert!(found(&studio, &strict()).await.is_empty());
        drop(studio);
        let studio = pegbar::Studio::open_read_only(bench.root(), bench.options()).await.unwrap();
        assert!(found(&studio, &pegbar::DoctorOptions::default()).await.is_empty());
        drop(studio);
        finds(bench, &[("outbox_stale", 1)]).await;
        bench.open().await;
        finds(bench, &[]).await;
    }

    async fn rows_and_records_of_files_that_part_are_found(bench) {
        let tree = project(&bench.create().await).await;
        let mut raw = bench.raw().await;
        let id = raw.id(frame(&tree, 0).id);
        raw.run(&format!("DELETE FROM view_file WHERE asset_id = {id}")).await.unwrap();
        // The file is there; it is not known as ours.
        let path = frame(&tree, 0).file_path.clone().unwrap();
        finds(bench, &[("view_file_unwritten", 1)]).await;
        fs::remove_file(bench.root().join("public/assets").join(&path)).unwrap();
        finds(bench, &[("view_file_unwritten", 1)]).await;
    }

    async fn a_file_that_nothing_asks_for_is_found(bench) {
        let tree = project(&bench.create().await).await;
        let mut raw = bench.raw().await;
        let id = raw.id(frame(&tree, 3).id);
        // As if the note of a change had been lost.
        raw.run(&format!("DELETE FROM frame WHERE asset_id = {id}")).await.unwrap();
        finds(bench, &[("view_file_unwanted", 1), ("view_file_unwritten", 1)]).await;
    }
}
