//! Damage to the rows.

use pegbar::{Engine, NewProject};

use super::{finds, frame, project};
use crate::support::asset;

both_engines! {
    async fn a_gap_and_a_double_are_found(bench) {
        let tree = project(&bench.create().await).await;
        let mut raw = bench.raw().await;
        let id = raw.id(tree.characters[0].animations[0].animation.id);
        raw.run(&format!("UPDATE frame SET frame_index = 9 WHERE frame_index = 3 AND animation_id = {id}"))
            .await
            .unwrap();
        finds(bench, &[("frame_gap", 1)]).await;
        raw.run("DROP INDEX frame_index_key").await.unwrap();
        raw.run(&format!("UPDATE frame SET frame_index = 2 WHERE frame_index = 9 AND animation_id = {id}"))
            .await
            .unwrap();
        finds(bench, &[("frame_double", 1)]).await;
        raw.run(&format!("UPDATE frame SET frame_index = 5 WHERE frame_index = 2 AND animation_id = {id}"))
            .await
            .unwrap();
        finds(bench, &[("frame_double", 1), ("frame_gap", 1)]).await;
    }

    async fn what_points_nowhere_is_found(bench) {
        let tree = project(&bench.create().await).await;
        let mut raw = bench.raw().await;
        let nothing = raw.id(tree.project.id);
        for (statement, code) in [
            ("UPDATE frame SET asset_id = X WHERE frame_index = 3", "dangling_frame"),
            ("UPDATE character SET primary_asset_id = X", "dangling_primary"),
            ("UPDATE project SET thumbnail_id = X", "dangling_thumbnail"),
        ] {
            let undo = bench_undo(&tree, &raw, code);
            unchecked(&mut raw, bench.engine(), &statement.replace('X', &nothing)).await;
            finds(bench, &[(code, 1)]).await;
            unchecked(&mut raw, bench.engine(), &undo).await;
            finds(bench, &[]).await;
        }
    }

    async fn a_broken_record_is_found(bench) {
        let tree = project(&bench.create().await).await;
        let mut raw = bench.raw().await;
        let id = raw.id(frame(&tree, 0).id);
        let wrong = "0".repeat(64);
        raw.tamper(&format!("UPDATE asset SET record_hash = '{wrong}' WHERE id = {id}")).await.unwrap();
        finds(bench, &[("record_broken", 1)]).await;
    }

    async fn a_rewritten_row_is_found_thoroughly(bench) {
        let studio = bench.create().await;
        let tree = project(&studio).await;
        let mut raw = bench.raw().await;
        let id = raw.id(frame(&tree, 0).id);
        raw.tamper(&format!("UPDATE asset SET generation_prompt = 'else' WHERE id = {id}")).await.unwrap();
        assert!(crate::doctor::found(&studio, &crate::doctor::strict()).await.is_empty());
        assert_eq!(crate::doctor::found(&studio, &crate::doctor::deep()).await, [("record_broken", 1)].into());
    }

    async fn an_input_without_hash_is_found(bench) {
        let tree = project(&bench.create().await).await;
        let mut raw = bench.raw().await;
        let id = raw.id(frame(&tree, 0).id);
        raw.tamper(&format!("UPDATE asset_reference SET sha256 = NULL WHERE asset_id = {id}")).await.unwrap();
        finds(bench, &[("input_unhashed", 1)]).await;
    }

    async fn a_row_of_another_program_is_found(bench) {
        let studio = bench.create().await;
        let tree = project(&studio).await;
        let mut raw = bench.raw().await;
        let (id, project) = (raw.id(tree.characters[0].character.id), raw.id(tree.project.id));
        raw.run(&format!(
            "INSERT INTO asset (id, project_id, kind, file_path) VALUES ({id}, {project}, 'reference', '{}/mine.png')",
            tree.project.id
        )).await.unwrap();
        let folder = bench.root().join("public/assets").join(tree.project.id.to_string());
        std::fs::write(folder.join("mine.png"), "x").unwrap();
        drop(studio);
        finds(bench, &[("not_adopted", 1)]).await;
    }

    async fn keys_that_do_not_hold_are_found(bench) {
        let studio = bench.create().await;
        let new = NewProject::new("P").reference(asset(1)).reference(
            asset(2),
        );
        let tree = studio.create_project(new).await.unwrap();
        drop(studio);
        let mut raw = bench.raw().await;
        if bench.engine() == Engine::Sqlite {
            raw.tamper("PRAGMA foreign_keys = OFF; UPDATE asset SET generation_id = project_id").await.unwrap();
            finds(bench, &[("dangling_rows", 1)]).await;
            return;
        }
        raw.run("ALTER TABLE frame DROP CONSTRAINT frame_asset_fkey").await.unwrap();
        raw.run("ALTER TABLE asset_tag DISABLE TRIGGER ALL").await.unwrap();
        finds(bench, &[("constraint_missing", 1), ("constraint_unchecked", 1)]).await;
        raw.run("UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'asset_kind_idx'::regclass").await.unwrap();
        finds(bench, &[("constraint_missing", 1), ("constraint_unchecked", 1), ("index_invalid", 1)]).await;
        drop(tree);
    }
}

/// Runs a statement as a program without foreign keys would.
async fn unchecked(raw: &mut crate::support::Raw, engine: Engine, statement: &str) {
    let [off, on] = match engine {
        Engine::Sqlite => ["PRAGMA foreign_keys = OFF", "PRAGMA foreign_keys = ON"],
        Engine::Postgres => [
            "SET session_replication_role = replica",
            "SET session_replication_role = origin",
        ],
    };
    raw.run(off).await.unwrap();
    raw.run(statement).await.unwrap();
    raw.run(on).await.unwrap();
}

fn bench_undo(tree: &pegbar::ProjectTree, raw: &crate::support::Raw, code: &str) -> String {
    let front = raw.id(tree.characters[0].character.primary_asset_id.unwrap());
    let last = raw.id(frame(tree, 3).id);
    match code {
        "dangling_frame" => format!("UPDATE frame SET asset_id = {last} WHERE frame_index = 3"),
        "dangling_primary" => format!("UPDATE character SET primary_asset_id = {front}"),
        _ => format!("UPDATE project SET thumbnail_id = {front}"),
    }
}
