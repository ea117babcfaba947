//! Purging frees room, keeps records, and takes nothing that anyone needs.

use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use pegbar::{
    Error, ImageSource, NewAsset, NewProject, ProjectId, PurgeOptions, PurgeReport, PurgeScope,
    ReferenceRole, Studio, TombstoneFilter, VerifyScope,
};

use super::zoo;
use crate::support::{Bench, asset, files_below, png};

const NO_GRACE: PurgeOptions = PurgeOptions {
    grace_ms: 0,
    unnamed: false,
    dry_run: false,
};

async fn purge(studio: &Studio, scope: PurgeScope) -> PurgeReport {
    studio.purge(scope, NO_GRACE, |_| {}).await.unwrap()
}

fn blobs(studio: &Studio) -> usize {
    files_below(&studio.root().join(".pegbar/blobs")).len()
}

async fn is_whole(studio: &Studio) -> bool {
    let verified = studio.verify(&VerifyScope::Everything, Default::default(), |_, _| {});
    verified.await.unwrap().is_whole()
}

/// A project with two references that have the same bytes, and one of its own.
async fn doubles(studio: &Studio) -> pegbar::ProjectTree {
    let project = NewProject::new("P")
        .reference(asset(1))
        .reference(asset(1))
        .reference(asset(2));
    studio.create_project(project).await.unwrap()
}

both_engines! {
    async fn a_purge_frees_what_nothing_names_and_nothing_else(bench) {
        let studio = bench.create().await;
        let tree = doubles(&studio).await;
        let [first, second, other] = [0, 1, 2].map(|n| tree.references[n].id);
        let one = studio.delete_asset(first).await.unwrap().id;
        let plan = PurgeOptions { dry_run: true, ..NO_GRACE };
        let planned = studio.purge(PurgeScope::All, plan, |_| {}).await.unwrap();
        assert_eq!((planned.deletions, planned.assets, planned.removed_blobs), (1, 1, 0));
        let report = purge(&studio, PurgeScope::Deletion(one)).await;
        assert_eq!((report.deletions, report.removed_blobs, report.waiting_blobs), (1, 0, 0));
        assert_eq!(studio.get_deletion(one).await.unwrap_err().code(), "not_found");
        assert_eq!(studio.restore(one).await.unwrap_err().code(), "not_found");
        studio.delete_asset(second).await.unwrap();
        let kept = studio.delete_asset(other).await.unwrap().id;
        for age in [3_600_000, u64::MAX] {
            let report = purge(&studio, PurgeScope::OlderThan(age)).await;
            assert_eq!((report.deletions, blobs(&studio)), (0, 2));
        }
        let all = studio.list_deletions(&Default::default(), Default::default()).await.unwrap();
        let report = purge(&studio, PurgeScope::Deletion(all.rows[0].id)).await;
        assert_eq!((report.removed_blobs, report.removed_bytes, blobs(&studio)), (1, png(1).len() as u64, 1));
        studio.restore(kept).await.unwrap();
        assert!(is_whole(&studio).await);
        assert_eq!(files_below(&studio.root().join(".pegbar/trash")), []);
    }

    async fn what_was_taken_in_and_never_named_goes_when_that_is_asked_for(bench) {
        let studio = bench.create().await;
        let tree = doubles(&studio).await;
        studio.delete_asset(tree.references[2].id).await.unwrap();
        for number in 3..6 {
            studio.store_image(&ImageSource::Bytes(png(number))).unwrap();
        }
        let nothing = PurgeScope::OlderThan(u64::MAX);
        let report = purge(&studio, nothing).await;
        assert_eq!((report.removed_blobs, report.waiting_blobs, blobs(&studio)), (0, 0, 5));
        let unnamed = PurgeOptions { unnamed: true, ..NO_GRACE };
        let plan = PurgeOptions { dry_run: true, ..unnamed };
        let planned = studio.purge(nothing, plan, |_| {}).await.unwrap();
        assert_eq!((planned.waiting_blobs, blobs(&studio)), (3, 5));
        let day = PurgeOptions { unnamed: true, ..PurgeOptions::default() };
        let report = studio.purge(nothing, day, |_| {}).await.unwrap();
        assert_eq!((report.removed_blobs, report.waiting_blobs, blobs(&studio)), (0, 3, 5));
        // What waits is named once more.
        let used = NewAsset::from_bytes(png(3));
        studio.create_asset(tree.project.id, used).await.unwrap();
        let report = studio.purge(nothing, unnamed, |_| {}).await.unwrap();
        assert_eq!((report.deletions, report.removed_blobs, report.waiting_blobs), (0, 2, 0));
        assert_eq!(report.removed_bytes, (png(4).len() + png(5).len()) as u64);
        assert_eq!(blobs(&studio), 3);
        assert!(is_whole(&studio).await);
        let all = studio.list_deletions(&Default::default(), Default::default()).await.unwrap();
        studio.restore(all.rows[0].id).await.unwrap();
        assert!(is_whole(&studio).await);
    }

    async fn nothing_is_swept_while_blobs_are_copied(bench) {
        let studio = bench.create().await;
        let tree = doubles(&studio).await;
        studio.delete_asset(tree.references[2].id).await.unwrap();
        let held = fs::File::create(studio.root().join(".pegbar/backup-lock")).unwrap();
        held.lock_shared().unwrap();
        let report = purge(&studio, PurgeScope::All).await;
        assert_eq!((report.deletions, report.removed_blobs, report.waiting_blobs), (1, 0, 1));
        assert_eq!(blobs(&studio), 2);
        drop(held);
        let report = purge(&studio, PurgeScope::All).await;
        assert_eq!((report.removed_blobs, report.waiting_blobs, blobs(&studio)), (1, 0, 1));
    }

    async fn what_was_named_or_brought_again_lately_waits(bench) {
        let studio = bench.create().await;
        let tree = doubles(&studio).await;
        studio.delete_project(tree.project.id).await.unwrap();
        let day = PurgeOptions::default();
        let report = studio.purge(PurgeScope::All, day, |_| {}).await.unwrap();
        assert_eq!((report.deletions, report.removed_blobs, report.waiting_blobs), (1, 0, 2));
        // Long ago since both, but for bytes that someone has brought again.
        let mut raw = bench.raw().await;
        let ago = match studio.engine() {
            pegbar::Engine::Sqlite => "UPDATE released_blob SET released_at = 0",
            pegbar::Engine::Postgres => "UPDATE released_blob SET released_at = to_timestamp(0)",
        };
        raw.run(ago).await.unwrap();
        for (path, _) in files_below(&studio.root().join(".pegbar/blobs")) {
            let file = fs::File::open(studio.root().join(".pegbar/blobs").join(path)).unwrap();
            file.set_modified(std::time::UNIX_EPOCH).unwrap();
        }
        studio.store_image(&ImageSource::Bytes(png(1))).unwrap();
        let report = studio.purge(PurgeScope::All, day, |_| {}).await.unwrap();
        assert_eq!((report.removed_blobs, report.waiting_blobs), (1, 1));
        assert_eq!(blobs(&studio), 1);
    }

    async fn the_record_of_what_was_purged_stays(bench) {
        let studio = bench.create().await;
        let tree = doubles(&studio).await;
        let input = &tree.references[2];
        let made = asset(3).prompt("a cat").made_from(input.id, ReferenceRole::Style);
        let made = studio.create_asset(tree.project.id, made).await.unwrap();
        let deletion = studio.delete_asset(made.id).await.unwrap().id;
        assert_eq!(studio.get_tombstone(made.id).await.unwrap_err().code(), "not_found");
        purge(&studio, PurgeScope::All).await;
        let stone = studio.get_tombstone(made.id).await.unwrap();
        assert_eq!((stone.deletion_id, stone.project.as_str()), (deletion, "P"));
        assert_eq!((stone.sha256, stone.record_hash), (made.sha256, made.record_hash));
        assert_eq!(stone.record.as_deref(), made.record.as_deref());
        let inputs = stone.inputs.as_value().as_array().unwrap().clone();
        assert_eq!(inputs.len(), 1);
        assert_eq!(inputs[0]["role"], "style");
        assert_eq!(inputs[0]["sha256"], input.sha256.unwrap().to_string());
        let filter = TombstoneFilter { record_hash: made.record_hash, ..Default::default() };
        let found = studio.list_tombstones(&filter, Default::default()).await.unwrap();
        assert_eq!(found.rows, [stone]);
    }

    async fn nothing_is_swept_where_the_store_looks_away(bench) {
        let studio = bench.create().await;
        let tree = zoo(&studio).await;
        let gone = studio.create_asset(tree.project.id, asset(90)).await.unwrap();
        studio.delete_asset(gone.id).await.unwrap();
        let (store, away) = (studio.root().join(".pegbar/blobs"), studio.root().join("away"));
        fs::rename(&store, &away).unwrap();
        fs::create_dir(&store).unwrap();
        let error = studio.purge(PurgeScope::All, NO_GRACE, |_| {}).await.unwrap_err();
        assert_eq!(error.code(), "unavailable", "{error:?}");
        let unnamed = PurgeOptions { unnamed: true, ..NO_GRACE };
        assert!(studio.purge(PurgeScope::All, unnamed, |_| {}).await.is_err());
        fs::remove_dir(&store).unwrap();
        assert!(studio.purge(PurgeScope::All, NO_GRACE, |_| {}).await.is_err());
        fs::rename(&away, &store).unwrap();
        let id = studio.root().join(".pegbar/store-id");
        fs::rename(&id, id.with_extension("away")).unwrap();
        assert!(studio.purge(PurgeScope::All, NO_GRACE, |_| {}).await.is_err());
        fs::rename(id.with_extension("away"), &id).unwrap();
        let report = purge(&studio, PurgeScope::All).await;
        assert_eq!(report.removed_blobs, 1);
    }

    async fn what_an_interrupted_sweeper_moved_aside_is_put_back_if_a_row_names_it(bench) {
        let studio = bench.create().await;
        let tree = doubles(&studio).await;
        drop(studio);
        let (store, aside) = (bench.root().join(".pegbar/blobs"), bench.root().join(".pegbar/trash"));
        fs::create_dir(&aside).unwrap();
        let name = tree.references[0].sha256.unwrap().to_string();
        let blob = store.join(&name[..2]).join(&name);
        fs::rename(&blob, aside.join(&name)).unwrap();
        fs::write(aside.join("0".repeat(64)), "nothing names this").unwrap();
        let studio = bench.open().await;
        assert!(blob.exists() && is_whole(&studio).await);
        assert_eq!(files_below(&aside), []);
    }

    async fn bytes_that_were_swept_before_their_use_are_stored_again_or_refused(bench) {
        let studio = bench.create().await;
        let project = studio.create_project(NewProject::new("P")).await.unwrap().project.id;
        let kept = studio.create_asset(project, asset(1)).await.unwrap();
        let stored = studio.store_image(&ImageSource::Bytes(png(1))).unwrap();
        studio.delete_asset(kept.id).await.unwrap();
        purge(&studio, PurgeScope::All).await;
        assert_eq!(blobs(&studio), 0);
        let from_before = NewAsset::new(ImageSource::Stored(stored));
        let error = studio.create_asset(project, from_before).await.unwrap_err();
        assert_eq!(error.code(), "conflict");
        assert!(error.hint().unwrap().contains("again"));
        studio.create_asset(project, asset(1)).await.unwrap();
        assert!(is_whole(&studio).await);
    }

    async fn nothing_is_lost_by_purges_without_grace_beside_writers(bench) {
        race(bench, 3, 25).await;
    }
}

/// Writers add and delete the same few images, each with a handle of its own, while others purge
/// without grace and restore.
async fn race(bench: &Bench, writers: u32, rounds: u32) {
    let studio = bench.create().await;
    let project = studio.create_project(NewProject::new("P")).await.unwrap();
    let project: ProjectId = project.project.id;
    let is_over = Arc::new(AtomicBool::new(false));
    let (purges, refused) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
    let mut tasks = Vec::new();
    for writer in 0..writers {
        let (studio, refused) = (bench.open().await, refused.clone());
        tasks.push(tokio::spawn(async move {
            for round in 0..rounds {
                let number = (writer + round) % 2;
                let new = if round % 4 == 3 {
                    let stored = studio
                        .store_image(&ImageSource::Bytes(png(number)))
                        .unwrap();
                    tokio::task::yield_now().await;
                    NewAsset::new(ImageSource::Stored(stored))
                } else {
                    asset(number)
                };
                let made = match studio.create_asset(project, new).await {
                    Err(Error::Conflict { .. }) if round % 4 == 3 => {
                        refused.fetch_add(1, Ordering::Relaxed);
                        continue;
                    }
                    made => made.unwrap(),
                };
                // Acknowledged: the bytes are there.
                drop(studio.open_image(&made).unwrap());
                if round + 1 == rounds {
                    break;
                }
                let deleted = studio.delete_asset(made.id).await.unwrap();
                if round % 3 == 2
                    && let Ok(restored) = studio.restore(deleted.id).await
                {
                    assert_eq!(restored.missing, []);
                    drop(studio.open_image(&made).unwrap());
                    studio.delete_asset(made.id).await.unwrap();
                }
            }
            let notices = studio.take_notices();
            assert!(notices.is_empty(), "{notices:?}");
        }));
    }
    let mut sweepers = Vec::new();
    for _ in 0..2 {
        let (studio, is_over, purges) = (bench.open().await, is_over.clone(), purges.clone());
        sweepers.push(tokio::spawn(async move {
            while !is_over.load(Ordering::Relaxed) {
                let report = studio
                    .purge(PurgeScope::All, NO_GRACE, |_| {})
                    .await
                    .unwrap();
                purges.fetch_add(report.removed_blobs, Ordering::Relaxed);
            }
        }));
    }
    for task in tasks {
        task.await.unwrap();
    }
    is_over.store(true, Ordering::Relaxed);
    for sweeper in sweepers {
        sweeper.await.unwrap();
    }
    assert!(is_whole(&studio).await);
    assert!(
        purges.load(Ordering::Relaxed) > 5,
        "the race was none: {purges:?}"
    );
    studio.delete_project(project).await.unwrap();
    purge(&studio, PurgeScope::All).await;
    assert_eq!(blobs(&studio), 0);
}

/// The same, longer.
mod a_thousand_purges_beside_writers_lose_nothing {
    use super::race;

    #[test]
    #[ignore = "takes minutes: cargo test -p pegbar --test library -- --ignored a_thousand_purges"]
    fn sqlite() {
        crate::support::run_on_sqlite(async |bench| race(bench, 4, 600).await);
    }

    #[test]
    #[ignore = "takes minutes: scripts/with-postgres cargo test -p pegbar --test library -- --ignored a_thousand_purges"]
    fn postgres() {
        crate::support::run_on_postgres(async |bench| race(bench, 4, 600).await);
    }
}
