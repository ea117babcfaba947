//! Backups: what is in one comes back, whatever goes on meanwhile, into either engine.

mod damaged;
mod load;

use std::fs;
use std::path::{Path, PathBuf};

use pegbar::{
    DatabaseAddress, Engine, ProjectTree, RestoreOptions, RestoreReport, Studio, StudioOptions,
    VerifyOptions, VerifyScope,
};

use crate::support::alley::alley;
use crate::support::{Bench, assert_in_step, asset, files_below, png, run_on_both};

/// How a backup is restored into the database of a bench that has none yet.
pub(crate) fn into(database: DatabaseAddress) -> RestoreOptions {
    RestoreOptions {
        studio: StudioOptions {
            database,
            ..StudioOptions::default()
        },
        ..RestoreOptions::default()
    }
}

pub(crate) fn target(bench: &Bench) -> PathBuf {
    bench.folder.path().join("backup")
}

pub(crate) async fn restore(
    from: &Path,
    to: &Path,
    options: RestoreOptions,
) -> (Studio, RestoreReport) {
    let restored = Studio::restore_backup(from, to, options, |_, _| ()).await;
    restored.unwrap()
}

/// Everything is as it was recorded.
pub(crate) async fn assert_whole(studio: &Studio) {
    let options = VerifyOptions::default();
    let report = studio
        .verify(&VerifyScope::Everything, options, |_, _| ())
        .await
        .unwrap();
    assert!(report.is_whole(), "{report:?}");
    let projects = studio
        .list_projects(&Default::default(), Default::default())
        .await
        .unwrap();
    for project in projects.rows {
        let tree = studio.get_project_tree(project.id).await.unwrap();
        assert_in_step(studio, &tree);
    }
}

/// Empties the database of a bench, as it was before its studio was created.
pub(crate) async fn empty(bench: &Bench) {
    if bench.engine() == Engine::Postgres {
        let text = "DROP SCHEMA public CASCADE; CREATE SCHEMA public";
        bench.raw().await.run(text).await.unwrap();
    }
}

async fn tree(studio: &Studio, like: &ProjectTree) -> ProjectTree {
    studio.get_project_tree(like.project.id).await.unwrap()
}

both_engines! {
    async fn a_backup_restores_everything_with_its_ids_and_hashes(bench) {
        let studio = bench.create().await;
        let before = alley(&studio).await;
        let gone = &before.characters[1].character;
        studio.delete_character(gone.id).await.unwrap();
        let before = tree(&studio, &before).await;
        let report = studio.back_up(target(bench), |_, _| ()).await.unwrap();
        assert_eq!(report.missing, []);
        assert_eq!(report.copied, report.snapshot.blobs);
        // The trash has the other's.
        assert!(report.snapshot.blobs > 14, "{report:?}");
        let view = files_below(&studio.assets_folder());
        drop(studio);
        empty(bench).await;
        let to = bench.folder.path().join("restored");
        let (restored, report) = restore(&target(bench), &to, into(bench.database.clone())).await;
        assert_eq!(report.missing, []);
        assert_eq!(tree(&restored, &before).await, before);
        assert_eq!(files_below(&restored.assets_folder()), view);
        assert_whole(&restored).await;
        // It is a studio like any other.
        restored.create_asset(before.project.id, asset(77)).await.unwrap();
        drop(restored);
        let options = StudioOptions { database: bench.database.clone(), ..Default::default() };
        Studio::open_with(&to, options).await.unwrap();
    }

    async fn what_only_the_folder_knows_comes_back(bench) {
        let studio = bench.create().await;
        let tree = alley(&studio).await;
        let shown = &tree.characters[0].animations[0].frames[0].asset;
        let file = studio.assets_folder().join(shown.file_path.as_ref().unwrap());
        fs::remove_file(&file).unwrap();
        fs::write(&file, "edited by hand").unwrap();
        studio.sync(|_, _| ()).await.unwrap();
        assert_eq!(studio.list_kept().unwrap().len(), 1);
        let report = studio.back_up(target(bench), |_, _| ()).await.unwrap();
        assert_eq!((report.files, report.left_out.len()), (1, 0));
        drop(studio);
        empty(bench).await;
        let to = bench.folder.path().join("restored");
        let (restored, _) = restore(&target(bench), &to, into(bench.database.clone())).await;
        let kept = restored.list_kept().unwrap();
        assert_eq!(fs::read(&kept[0].kept_as).unwrap(), b"edited by hand");
    }

    async fn an_unchanged_studio_is_backed_up_without_reading_a_blob(bench) {
        let studio = bench.create().await;
        let tree = alley(&studio).await;
        let first = studio.back_up(target(bench), |_, _| ()).await.unwrap();
        // Whoever read them now would find something else.
        let blobs = studio.root().join(".pegbar/blobs");
        for (path, _) in files_below(&blobs) {
            let path = blobs.join(path);
            let other = vec![0; fs::read(&path).unwrap().len()];
            fs::remove_file(&path).unwrap();
            fs::write(&path, other).unwrap();
        }
        let second = studio.back_up(target(bench), |_, _| ()).await.unwrap();
        assert_eq!((second.copied, &second.missing), (0, &Vec::new()));
        assert_eq!(second.snapshot.blobs, first.snapshot.blobs);
        studio.create_asset(tree.project.id, asset(4711)).await.unwrap();
        let third = studio.back_up(target(bench), |_, _| ()).await.unwrap();
        assert_eq!(third.copied, 1);
        let listed = Studio::list_backups(target(bench)).unwrap();
        assert_eq!(listed, [first, second, third].map(|report| report.snapshot));
        let checked = Studio::verify_backup(target(bench), None, |_, _| ()).unwrap();
        assert_eq!(checked.flaws, []);
        assert_eq!(checked.blobs, listed[2].blobs);
    }

    async fn an_earlier_state_is_restored_by_the_name_of_its_snapshot(bench) {
        let studio = bench.create().await;
        let before = alley(&studio).await;
        let first = studio.back_up(target(bench), |_, _| ()).await.unwrap().snapshot;
        studio.delete_project(before.project.id).await.unwrap();
        studio.back_up(target(bench), |_, _| ()).await.unwrap();
        drop(studio);
        empty(bench).await;
        let to = bench.folder.path().join("restored");
        let mut options = into(bench.database.clone());
        options.snapshot = Some("1999".into());
        let refused = Studio::restore_backup(target(bench), &to, options.clone(), |_, _| ()).await;
        let refused = refused.unwrap_err().to_string();
        assert!(refused.ends_with("has no snapshot 1999"), "{refused}");
        options.snapshot = Some(first.name.clone());
        let (restored, _) = restore(&target(bench), &to, options).await;
        assert_eq!(tree(&restored, &before).await, before);
    }

    async fn nothing_is_restored_where_something_is(bench) {
        let studio = bench.create().await;
        alley(&studio).await;
        studio.back_up(target(bench), |_, _| ()).await.unwrap();
        let place = bench.folder.path().join("place");
        fs::create_dir(&place).unwrap();
        fs::write(place.join("mine"), "mine").unwrap();
        let options = into(bench.database.clone());
        let refused = Studio::restore_backup(target(bench), &place, options.clone(), |_, _| ());
        assert_eq!(refused.await.unwrap_err().code(), "conflict");
        assert_eq!(files_below(&place).len(), 1);
        if bench.engine() == Engine::Postgres {
            let to = bench.folder.path().join("restored");
            let refused = Studio::restore_backup(target(bench), &to, options, |_, _| ()).await;
            let error = refused.unwrap_err();
            assert!(error.to_string().starts_with("the database is not empty"), "{error}");
            assert!(!to.exists());
            studio.check_reachable().await.unwrap();
        }
        for own in [".pegbar/backup", "public/assets/backup"] {
            let refused = studio.back_up(studio.root().join(own), |_, _| ()).await;
            assert_eq!(refused.unwrap_err().code(), "invalid");
        }
        let refused = studio.back_up(&place, |_, _| ()).await.unwrap_err();
        assert!(refused.to_string().ends_with("holds something else than backups"), "{refused}");
    }

    async fn a_restored_studio_is_not_taken_for_the_original(bench) {
        let studio = bench.create().await;
        alley(&studio).await;
        studio.back_up(target(bench), |_, _| ()).await.unwrap();
        let to = bench.folder.path().join("restored");
        let (restored, _) = restore(&target(bench), &to, into(DatabaseAddress::Sqlite)).await;
        let id = |root: &Path| fs::read_to_string(root.join(".pegbar/store-id")).unwrap();
        assert_ne!(id(studio.root()), id(restored.root()));
        if bench.engine() == Engine::Postgres {
            let refused = Studio::open_with(&to, bench.options()).await.unwrap_err();
            assert!(refused.to_string().starts_with("the database belongs to another"), "{refused}");
        }
    }

    async fn bytes_that_the_studio_has_lost_are_named_and_the_rest_is_saved(bench) {
        let studio = bench.create().await;
        let tree = alley(&studio).await;
        let lost = tree.references[0].sha256.unwrap();
        let place = |root: &Path, name: &str| {
            root.join(".pegbar/blobs").join(&name[..2]).join(name)
        };
        let name = lost.to_string();
        fs::remove_file(place(studio.root(), &name)).unwrap();
        let altered = tree.characters[0].variations[0].sha256.unwrap();
        let path = place(studio.root(), &altered.to_string());
        fs::remove_file(&path).unwrap();
        fs::write(&path, png(9999)).unwrap();
        let report = studio.back_up(target(bench), |_, _| ()).await.unwrap();
        assert_eq!(report.snapshot.absent, 2);
        let missing: Vec<_> = report.missing.iter().map(|blob| blob.sha256).collect();
        assert!(missing.contains(&lost) && missing.contains(&altered), "{missing:?}");
        let checked = Studio::verify_backup(target(bench), None, |_, _| ()).unwrap();
        assert_eq!(checked.flaws, [], "what was lost before is not the backup's fault");
        drop(studio);
        empty(bench).await;
        let to = bench.folder.path().join("restored");
        let (_, report) = restore(&target(bench), &to, into(bench.database.clone())).await;
        assert_eq!(report.missing.len(), 2);
    }
}

#[test]
fn a_backup_of_either_engine_restores_into_the_other() {
    run_on_both(async |sqlite, postgres| {
        let studio = sqlite.create().await;
        let before = alley(&studio).await;
        studio.back_up(target(sqlite), |_, _| ()).await.unwrap();
        let (there, _) = restore(
            &target(sqlite),
            &postgres.root(),
            into(postgres.database.clone()),
        )
        .await;
        assert_eq!(
            (there.engine(), tree(&there, &before).await),
            (Engine::Postgres, before.clone())
        );
        assert_whole(&there).await;
        there.back_up(target(postgres), |_, _| ()).await.unwrap();
        let back = sqlite.folder.path().join("back");
        let (back, _) = restore(&target(postgres), &back, into(DatabaseAddress::Sqlite)).await;
        assert_eq!(
            (back.engine(), tree(&back, &before).await),
            (Engine::Sqlite, before)
        );
        assert_whole(&back).await;
        // The same lines, whichever engine they went through.
        back.back_up(target(postgres), |_, _| ()).await.unwrap();
        let manifests = Studio::list_backups(target(postgres)).unwrap();
        let tables = |name: &str| {
            let path = target(postgres)
                .join("snapshots")
                .join(name)
                .join("manifest.json");
            let text = fs::read_to_string(path).unwrap();
            let value: serde_json::Value = serde_json::from_str(&text).unwrap();
            value["manifest"]["tables"].clone()
        };
        assert_eq!(tables(&manifests[0].name), tables(&manifests[1].name));
    });
}
