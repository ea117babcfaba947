//! Moving a studio to another database, and back.

use std::path::Path;

use pegbar::{DatabaseAddress, Engine, NewProject, Studio, StudioOptions};

use crate::backup::assert_whole;
use crate::bundle::everything;
use crate::support::{Bench, Raw, asset, run_on_both};

fn options(database: &DatabaseAddress) -> StudioOptions {
    StudioOptions {
        database: database.clone(),
        ..StudioOptions::default()
    }
}

async fn open(root: &Path, database: &DatabaseAddress) -> Studio {
    Studio::open_with(root, options(database)).await.unwrap()
}

/// A studio on SQLite that is to move to the other's PostgreSQL.
fn moving(promise: impl AsyncFnOnce(&Bench, &DatabaseAddress)) {
    run_on_both(async |sqlite, postgres| promise(sqlite, &postgres.database).await);
}

#[test]
fn a_studio_moves_to_postgres_and_back_with_every_row() {
    moving(async |bench, server| {
        let studio = bench.create().await;
        let tree = everything(&studio).await;
        studio
            .create_token("app", pegbar::TokenAccess::Read)
            .await
            .unwrap();
        let changes = studio.list_changes(tree.project.id, 0, 100).await.unwrap();
        let moved = studio.migrate_to(server, |_, _| ()).await.unwrap();
        assert_eq!((moved.engine, moved.is_resumed), (Engine::Postgres, false));
        drop(studio);
        let refused = Studio::open(bench.root()).await.unwrap_err();
        assert!(refused.to_string().contains("moved"), "{refused}");
        let there = open(&bench.root(), server).await;
        assert_eq!(there.get_project_tree(tree.project.id).await.unwrap(), tree);
        assert_eq!(
            there.list_changes(tree.project.id, 0, 100).await.unwrap(),
            changes
        );
        assert_eq!(there.list_tokens().await.unwrap().len(), 1);
        assert_whole(&there).await;
        let view = there.sync(|_, _| ()).await.unwrap();
        assert_eq!((view.written, view.removed), (0, 0), "the files stayed");
        there
            .create_asset(tree.project.id, asset(4711))
            .await
            .unwrap();
        let later = there.get_project_tree(tree.project.id).await.unwrap();
        let back = there
            .migrate_to(&DatabaseAddress::Sqlite, |_, _| ())
            .await
            .unwrap();
        assert_eq!(back.engine, Engine::Sqlite);
        drop(there);
        let here = Studio::open(bench.root()).await.unwrap();
        assert_eq!(here.get_project_tree(tree.project.id).await.unwrap(), later);
        here.create_asset(tree.project.id, asset(4712))
            .await
            .unwrap();
        assert_whole(&here).await;
        assert!(
            Studio::open_with(bench.root(), options(server))
                .await
                .is_err()
        );
        // The database that it left is not empty.
        let refused = here.migrate_to(server, |_, _| ()).await.unwrap_err();
        assert_eq!(refused.to_string(), "the other database is not empty");
        here.create_asset(tree.project.id, asset(4713))
            .await
            .unwrap();
    });
}

#[test]
fn who_writes_into_the_old_database_is_refused() {
    moving(async |bench, server| {
        let studio = bench.create().await;
        let tree = everything(&studio).await;
        let other = bench.open().await;
        let id = tree.project.id;
        let writing = tokio::spawn(async move {
            for n in 0.. {
                if let Err(error) = other.create_asset(id, asset(60_000 + n)).await {
                    return (n, error);
                }
            }
            unreachable!()
        });
        tokio::time::sleep(std::time::Duration::from_millis(200)).await;
        studio.migrate_to(server, |_, _| ()).await.unwrap();
        let (written, error) = writing.await.unwrap();
        assert_eq!(error.code(), "unavailable");
        assert!(error.to_string().contains("have moved"), "{error}");
        let there = open(&bench.root(), server).await;
        let now = there.get_project_tree(id).await.unwrap();
        let more = now.references.len() - tree.references.len();
        assert_eq!(
            more,
            usize::try_from(written).unwrap(),
            "what was acknowledged moved"
        );
    });
}

#[test]
fn an_interrupted_move_leaves_the_studio_as_it_was_and_goes_on() {
    moving(async |bench, server| {
        let studio = bench.create().await;
        let tree = everything(&studio).await;
        for n in 0..3 {
            // Dropped at its first word: as if the process had gone.
            let migrating = studio.migrate_to(server, |done, _| assert!(done < 60 + n));
            let task = std::panic::AssertUnwindSafe(migrating);
            let ended = caught(task).await;
            assert!(ended.is_none(), "it was interrupted");
            studio
                .create_asset(tree.project.id, asset(70_000 + u32::try_from(n).unwrap()))
                .await
                .unwrap();
            assert!(
                Studio::open_with(bench.root(), options(server))
                    .await
                    .is_err()
            );
        }
        let now = studio.get_project_tree(tree.project.id).await.unwrap();
        let moved = studio.migrate_to(server, |_, _| ()).await.unwrap();
        assert!(moved.is_resumed);
        let there = open(&bench.root(), server).await;
        assert_eq!(there.get_project_tree(tree.project.id).await.unwrap(), now);
        assert_whole(&there).await;
    });
}

/// Runs a future; `None` if it panics.
async fn caught<T>(future: std::panic::AssertUnwindSafe<impl Future<Output = T>>) -> Option<T> {
    let mut future = Box::pin(future.0);
    std::future::poll_fn(move |context| {
        let polled = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            future.as_mut().poll(context)
        }));
        match polled {
            Ok(std::task::Poll::Ready(done)) => std::task::Poll::Ready(Some(done)),
            Ok(std::task::Poll::Pending) => std::task::Poll::Pending,
            Err(_) => std::task::Poll::Ready(None),
        }
    })
    .await
}

#[test]
fn nothing_moves_where_something_is() {
    moving(async |bench, server| {
        let studio = bench.create().await;
        everything(&studio).await;
        let refused = studio
            .migrate_to(&DatabaseAddress::Sqlite, |_, _| ())
            .await
            .unwrap_err();
        assert_eq!(refused.code(), "conflict");
        let folder = bench.folder.path().join("another");
        let another = Studio::create_with(folder, options(server)).await.unwrap();
        another
            .create_project(NewProject::new("Mine"))
            .await
            .unwrap();
        let refused = studio.migrate_to(server, |_, _| ()).await.unwrap_err();
        assert_eq!(refused.to_string(), "the other database is not empty");
        another.check_reachable().await.unwrap();
        studio
            .create_project(NewProject::new("Mine, too"))
            .await
            .unwrap();
        let DatabaseAddress::Postgres(url) = server else {
            unreachable!()
        };
        let mut raw = Raw::postgres(url).await;
        assert_eq!(raw.text("SELECT count(*) FROM project").await, "1");
        assert!(!bench.root().join(".pegbar/moving.json").exists());
    });
}
