//! Schemas: from nothing, once, never backwards.

use pegbar::{Engine, Studio, latest_version};

use crate::support::project_with_character;

both_engines! {
    async fn an_empty_database_is_brought_up_to_date_once(bench) {
        let studio = bench.create().await;
        assert_eq!((studio.migrated().from, studio.migrated().to), (0, latest_version()));
        drop(studio);
        let studio = bench.open().await;
        assert_eq!((studio.migrated().from, studio.migrated().to), (latest_version(), latest_version()));
        let mut raw = bench.raw().await;
        let newest = raw.text("SELECT max(version) FROM pegbar_migration").await;
        assert_eq!(newest, latest_version().to_string());
    }

    async fn an_older_database_keeps_its_rows(bench) {
        let studio = bench.create().await;
        let tree = project_with_character(&studio).await;
        let walk = pegbar::NewAnimation::new("Walk").frame(pegbar::NewFrame::new(crate::support::asset(1)));
        studio.create_animation(tree.characters[0].character.id, walk).await.unwrap();
        let mut tree = studio.get_project_tree(tree.project.id).await.unwrap();
        drop(studio);
        // What V3 asks about, nobody has counted.
        let cat = &mut tree.characters[0];
        cat.variations[0].image_count = None;
        cat.animations[0].frames[0].asset.image_count = None;
        let mut raw = bench.raw().await;
        let triggers = ["asset_sealed ON asset", "asset_reference_sealed_update ON asset_reference",
            "asset_reference_sealed_delete ON asset_reference",
            "asset_reference_sealed_insert ON asset_reference", "generation_sealed ON generation"];
        for trigger in triggers {
            let named = match bench.engine() {
                Engine::Sqlite => trigger.split_once(' ').unwrap().0,
                Engine::Postgres => trigger,
            };
            raw.run(&format!("DROP TRIGGER {named}")).await.unwrap();
        }
        let tables = ["asset_annotation", "change", "token", "idempotent_request", "deletion",
            "tombstone", "released_blob", "scrub", "scrub_claim", "scrub_finding"];
        for table in tables {
            raw.run(&format!("DROP TABLE {table}")).await.unwrap();
        }
        if bench.engine() == Engine::Postgres {
            let functions = "DROP FUNCTION pegbar_refuse_sealed, pegbar_refuse_sealed_reference";
            raw.run(functions).await.unwrap();
        }
        let since = [
            "DROP INDEX generation_model_idx",
            "DROP INDEX generation_status_idx",
            "ALTER TABLE animation DROP COLUMN frame_duration_ms",
            "DROP INDEX project_source_id_idx",
            "DROP INDEX frame_source_id_idx",
            "ALTER TABLE frame DROP COLUMN source_id",
            "ALTER TABLE asset DROP COLUMN image_count",
            "DROP INDEX asset_model_idx",
            "DROP INDEX asset_claim_tool_idx",
            "DROP INDEX view_file_sha256_idx",
        ];
        for undone in since {
            raw.run(undone).await.unwrap();
        }
        raw.run("DELETE FROM pegbar_migration WHERE version > 1").await.unwrap();
        let studio = bench.open().await;
        assert_eq!((studio.migrated().from, studio.migrated().to), (1, latest_version()));
        assert_eq!(studio.get_project_tree(tree.project.id).await.unwrap(), tree);
    }

    async fn two_that_start_together_migrate_once(bench) {
        // Eight folders that all want the same database: one gets it, whoever is first.
        let attempts = (0..8).map(|n| {
            let folder = bench.folder.path().join(format!("attempt-{n}"));
            std::fs::create_dir_all(folder.join(".pegbar")).unwrap();
            if bench.engine() == Engine::Sqlite {
                let shared = bench.folder.path().join("shared.db");
                for suffix in ["", "-wal", "-shm", ".migrate-lock"] {
                    let name = |file: &std::path::Path| {
                        if suffix == ".migrate-lock" {
                            return file.with_extension("migrate-lock");
                        }
                        let mut name = file.as_os_str().to_owned();
                        name.push(suffix);
                        name.into()
                    };
                    let own: std::path::PathBuf = name(&folder.join(".pegbar/pegbar.db"));
                    #[cfg(unix)]
                    std::os::unix::fs::symlink(name(&shared), own).unwrap();
                }
            }
            let options = bench.options();
            tokio::spawn(async move { Studio::create_with(folder, options).await.map(drop) })
        });
        let mut created = 0;
        for attempt in attempts.collect::<Vec<_>>() {
            match attempt.await.unwrap() {
                Ok(()) => created += 1,
                Err(error) => assert_eq!(error.code(), "conflict", "{error:?}"),
            }
        }
        assert_eq!(created, 1);
    }

    async fn a_newer_database_is_refused_and_left_alone(bench) {
        let studio = bench.create().await;
        project_with_character(&studio).await;
        drop(studio);
        let mut raw = bench.raw().await;
        raw.run("INSERT INTO pegbar_migration (version, name, applied_on, checksum) \
                 VALUES (99, 'future', '2030-01-01T00:00:00Z', '1')").await.unwrap();
        let error = Studio::open_with(bench.root(), bench.options()).await.unwrap_err();
        assert_eq!(error.code(), "unavailable");
        assert!(error.to_string().contains("schema version 99"), "{error}");
        assert!(error.hint().unwrap().contains("newer Pegbar"));
        assert_eq!(raw.text("SELECT count(*) FROM asset").await, "1");
        raw.run("DELETE FROM pegbar_migration WHERE version = 99").await.unwrap();
        bench.open().await;
    }
}

#[test]
fn a_file_that_is_no_database_is_refused_and_left_alone() {
    crate::support::run_on_sqlite(async |bench| {
        drop(bench.create().await);
        let file = bench.root().join(".pegbar/pegbar.db");
        for suffix in ["-wal", "-shm"] {
            let _ = std::fs::remove_file(bench.root().join(format!(".pegbar/pegbar.db{suffix}")));
        }
        std::fs::write(&file, "my shopping list ".repeat(100)).unwrap();
        let error = Studio::open(bench.root()).await.unwrap_err();
        assert_eq!(error.code(), "unavailable", "{error:?}");
        assert!(
            std::fs::read_to_string(&file)
                .unwrap()
                .starts_with("my shopping list")
        );
    });
}
