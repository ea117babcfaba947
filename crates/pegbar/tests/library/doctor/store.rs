//! Damage to the store, to its folders and to what belongs to processes.

use std::fs;

use pegbar::{DatabaseAddress, NewProject, Studio};

use super::{alter, blob, finds, frame, project, view};
use crate::support::{Bench, asset, png};

both_engines! {
    async fn a_missing_blob_is_found(bench) {
        let tree = project(&bench.create().await).await;
        fs::remove_file(blob(bench, frame(&tree, 0))).unwrap();
        finds(bench, &[("blob_missing", 1)]).await;
    }

    async fn a_truncated_blob_is_found_without_hashing(bench) {
        let tree = project(&bench.create().await).await;
        let place = blob(bench, frame(&tree, 0));
        let bytes = fs::read(&place).unwrap();
        fs::remove_file(&place).unwrap();
        fs::write(&place, &bytes[..bytes.len() / 2]).unwrap();
        crate::doctor::set_mode(&place, 0o444);
        finds(bench, &[("blob_resized", 1)]).await;
    }

    async fn an_altered_blob_is_found_by_hashing(bench) {
        let studio = bench.create().await;
        let tree = project(&studio).await;
        let place = blob(bench, frame(&tree, 0));
        crate::doctor::set_mode(&place, 0o644);
        alter(&place);
        crate::doctor::set_mode(&place, 0o444);
        assert!(crate::doctor::found(&studio, &crate::doctor::strict()).await.is_empty());
        let found = crate::doctor::found(&studio, &crate::doctor::deep()).await;
        assert_eq!(found, [("blob_altered", 1)].into());
    }

    async fn a_writable_and_an_unreadable_blob_are_found(bench) {
        let tree = project(&bench.create().await).await;
        crate::doctor::set_mode(&blob(bench, frame(&tree, 0)), 0o644);
        finds(bench, &[("blob_writable", 1)]).await;
        crate::doctor::set_mode(&blob(bench, frame(&tree, 0)), 0o444);
        crate::doctor::set_mode(&bench.root().join(".pegbar/blobs"), 0o555);
        finds(bench, &[("folder_not_writable", 1)]).await;
        crate::doctor::set_mode(&bench.root().join(".pegbar/blobs"), 0o755);
        crate::doctor::set_mode(&blob(bench, frame(&tree, 0)), 0o044);
        let studio = bench.open().await;
        // Not thoroughly: this user may be one who can read everything, or not.
        let found = crate::doctor::found(&studio, &crate::doctor::strict()).await;
        assert_eq!(found, [("not_readable", 1)].into());
        crate::doctor::set_mode(&blob(bench, frame(&tree, 0)), 0o444);
        finds(bench, &[]).await;
    }

    async fn what_nothing_names_is_a_note_after_a_grace(bench) {
        let studio = bench.create().await;
        project(&studio).await;
        studio.store_image(&pegbar::ImageSource::Bytes(png(7000))).unwrap();
        fs::write(bench.root().join(".pegbar/blobs/readme"), "x").unwrap();
        drop(studio);
        finds(bench, &[("orphan_blob", 1), ("stray_file", 1)]).await;
        let studio = bench.open().await;
        let with_grace = crate::doctor::found(&studio, &pegbar::DoctorOptions::default()).await;
        assert_eq!(with_grace, [("stray_file", 1)].into());
        assert!(crate::doctor::examine(&studio, &crate::doctor::strict()).await.is_healthy());
    }

    async fn bytes_that_the_trash_lost_are_found(bench) {
        let studio = bench.create().await;
        let tree = project(&studio).await;
        let run = &tree.characters[0].animations[1];
        studio.delete_animation(run.animation.id).await.unwrap();
        drop(studio);
        fs::remove_file(blob(bench, &run.frames[0].asset)).unwrap();
        finds(bench, &[("trash_blob_missing", 1)]).await;
    }

    async fn an_unmounted_store_is_one_finding(bench) {
        let studio = bench.create().await;
        let tree = project(&studio).await;
        drop(studio);
        let blobs = bench.root().join(".pegbar/blobs");
        let away = bench.root().join("away");
        fs::rename(&blobs, &away).unwrap();
        finds(bench, &[("blobs_unmounted", 1)]).await;
        fs::create_dir(&blobs).unwrap();
        finds(bench, &[("blobs_unmounted", 1)]).await;
        fs::remove_dir(&blobs).unwrap();
        #[cfg(unix)]
        {
            std::os::unix::fs::symlink(bench.root().join("nowhere"), &blobs).unwrap();
            finds(bench, &[("blobs_unmounted", 1)]).await;
            fs::remove_file(&blobs).unwrap();
        }
        fs::rename(&away, &blobs).unwrap();
        finds(bench, &[]).await;
        assert!(view(bench, frame(&tree, 0)).exists());
    }

    async fn an_empty_studio_has_no_store_and_nothing_is_wrong(bench) {
        let studio = bench.create().await;
        studio.create_project(NewProject::new("P")).await.unwrap();
        drop(studio);
        finds(bench, &[]).await;
    }

    async fn a_folder_of_another_database_is_one_finding(bench) {
        let tree = project(&bench.create().await).await;
        let file = bench.root().join(".pegbar/store-id");
        let own = fs::read(&file).unwrap();
        fs::write(&file, format!("{}\n", tree.project.id)).unwrap();
        finds(bench, &[("store_id_differs", 1)]).await;
        fs::write(&file, "no id\n").unwrap();
        finds(bench, &[("store_id_differs", 1)]).await;
        fs::remove_file(&file).unwrap();
        finds(bench, &[("store_id_missing", 1)]).await;
        fs::write(&file, own).unwrap();
        finds(bench, &[]).await;
    }

    async fn what_a_dead_process_left_in_tmp_is_found(bench) {
        let studio = bench.create().await;
        project(&studio).await;
        // This process lives: its folder is no leftover.
        finds(bench, &[]).await;
        drop(studio);
        let left = bench.root().join(".pegbar/tmp/1-0");
        fs::create_dir_all(&left).unwrap();
        fs::write(left.join("lock"), "").unwrap();
        fs::write(left.join("1"), "half").unwrap();
        finds(bench, &[("tmp_leftover", 1)]).await;
        bench.open().await;
        finds(bench, &[]).await;
    }

    async fn a_schema_of_another_version_is_refused_and_left(bench) {
        drop(bench.create().await);
        let mut raw = bench.raw().await;
        raw.run("DELETE FROM pegbar_migration WHERE version >= 8").await.unwrap();
        let opened = Studio::open_read_only(bench.root(), bench.options()).await;
        assert!(opened.unwrap_err().hint().unwrap().contains("pegbar migrate"));
    }

    async fn what_is_only_looked_at_can_not_be_changed(bench) {
        let tree = project(&bench.create().await).await;
        let studio = Studio::open_read_only(bench.root(), bench.options()).await.unwrap();
        let refused = studio.create_project(NewProject::new("P")).await;
        assert!(refused.is_err());
        set_mode_of_a_blob(bench, &tree);
        assert!(studio.repair(&pegbar::RepairOptions::default(), |_| {}).await.is_err());
        assert!(!fs::metadata(blob(bench, frame(&tree, 0))).unwrap().permissions().readonly());
        assert_eq!(studio.get_project_tree(tree.project.id).await.unwrap(), tree);
    }
}

fn set_mode_of_a_blob(bench: &Bench, tree: &pegbar::ProjectTree) {
    crate::doctor::set_mode(&blob(bench, frame(tree, 0)), 0o644);
}

/// What the engine says of a file of which a page was overwritten.
#[test]
fn a_damaged_database_file_is_found() {
    crate::support::run_on_sqlite(async |bench: &Bench| {
        let studio = bench.create().await;
        let mut new = NewProject::new("P");
        for number in 0..200 {
            new = new.reference(asset(number));
        }
        studio.create_project(new).await.unwrap();
        drop(studio);
        let DatabaseAddress::Sqlite = bench.database else {
            unreachable!()
        };
        let file = bench.root().join(".pegbar/pegbar.db");
        let root: i64 = {
            let raw = rusqlite::Connection::open(&file).unwrap();
            raw.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)")
                .unwrap();
            let text = "SELECT rootpage FROM sqlite_schema WHERE name = 'asset_source_path_idx'";
            raw.query_row(text, [], |row| row.get(0)).unwrap()
        };
        let mut bytes = fs::read(&file).unwrap();
        let root = usize::try_from(root).unwrap();
        let page = &mut bytes[(root - 1) * 4096..root * 4096];
        page[8..].fill(0x5a);
        fs::write(&file, bytes).unwrap();
        let studio = Studio::open_read_only(bench.root(), bench.options())
            .await
            .unwrap();
        let found = crate::doctor::found(&studio, &crate::doctor::strict()).await;
        assert_eq!(
            found.keys().copied().collect::<Vec<_>>(),
            ["database_damaged"]
        );
    });
}
