//! Those who undo, restore and delete at once wait for each other, and each is told what is so.

use std::time::Duration;

use pegbar::Engine;

use super::{Place, last, shown};
use crate::support::Raw;

/// Waits until so many wait for a lock of PostgreSQL's.
async fn waiting(watch: &mut Raw, count: usize) {
    for _ in 0..3000 {
        let found = watch.text(
            "SELECT count(*) FROM pg_stat_activity \
             WHERE datname = current_database() AND wait_event_type = 'Lock'",
        );
        if found.await.parse::<usize>().unwrap() >= count {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("nobody waits");
}

both_engines! {
    async fn of_two_who_undo_the_deletion_of_a_project_the_second_hears_that_it_was_undone(bench) {
        let Place { studio, tree, .. } = Place::new(bench).await;
        let project = tree.project.id;
        let before = shown(&studio, project).await;
        studio.delete_project(project).await.unwrap();
        let (seen, other) = (last(&studio, project).await, bench.open().await);
        let is_postgres = bench.engine() == Engine::Postgres;
        let (mut raw, mut watch) = (bench.raw().await, bench.raw().await);
        let mut hold = async |text: &str| {
            if is_postgres {
                raw.run(text).await.unwrap();
            }
        };
        hold("BEGIN; SELECT id FROM deletion FOR UPDATE").await;
        let both_wait = async {
            if is_postgres {
                waiting(&mut watch, 2).await;
            }
            hold("ROLLBACK").await;
        };
        let (one, two, ()) = tokio::join!(studio.undo(&seen), other.undo(&seen), both_wait);
        let mut failed = [one, two].into_iter().filter_map(Result::err);
        let error = failed.next().unwrap();
        assert!(failed.next().is_none());
        assert_eq!(error.code(), "conflict");
        assert!(error.to_string().contains("was undone meanwhile"), "{error}");
        assert_eq!(shown(&studio, project).await, before);
    }

    async fn who_restores_locks_the_project_before_the_deletion_as_who_undoes(bench) {
        let Place { studio, tree, .. } = Place::new(bench).await;
        let before = shown(&studio, tree.project.id).await;
        let variation = tree.characters[0].variations[1].id;
        let deletion = studio.delete_asset(variation).await.unwrap().id;
        if bench.engine() == Engine::Postgres {
            let (mut raw, mut watch) = (bench.raw().await, bench.raw().await);
            raw.run("BEGIN; SELECT id FROM project FOR UPDATE").await.unwrap();
            let meanwhile = async {
                waiting(&mut watch, 1).await;
                let locked = raw.run("SELECT id FROM deletion FOR UPDATE NOWAIT").await;
                raw.run("ROLLBACK").await.unwrap();
                locked
            };
            let (restored, locked) = tokio::join!(studio.restore(deletion), meanwhile);
            locked.unwrap();
            restored.unwrap();
        } else {
            studio.restore(deletion).await.unwrap();
        }
        assert_eq!(shown(&studio, tree.project.id).await, before);
    }
}
