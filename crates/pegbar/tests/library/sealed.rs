//! What is recorded does not change, whoever writes.

use pegbar::{
    Asset, AssetPatch, GenerationInput, GenerationOutput, Json, NewAnimation, NewAnnotation,
    NewFrame, NewGeneration, NewProject, OutputPlace, ReferenceRole, Studio,
};
use uuid::Uuid;

use crate::support::{Bench, Raw, asset, project_with_character};

/// An asset that a generation made of another one.
async fn made(studio: &Studio) -> Asset {
    let tree = project_with_character(studio).await;
    let front = tree.characters[0].variations[0].id;
    let new = NewGeneration::succeeded(vec![GenerationOutput::new(asset(1))])
        .prompt("a cat")
        .system_prompt("Draw.")
        .model("m")
        .settings(Json::parse(r#"{"seed":7}"#).unwrap())
        .input(GenerationInput::asset(front, ReferenceRole::Character))
        .input(GenerationInput::asset(front, ReferenceRole::Style));
    let mut recorded = studio
        .record_generation(tree.project.id, new)
        .await
        .unwrap();
    recorded.outputs.pop().unwrap()
}

/// Every row of a table, as text.
async fn rows(raw: &mut Raw, table: &str, columns: &str) -> String {
    let each = match raw {
        Raw::Sqlite(_) => format!("group_concat({columns}, '|')"),
        Raw::Postgres(_) => format!("string_agg({columns}, '|')"),
    };
    raw.text(&format!("SELECT coalesce({each}, '') FROM {table}"))
        .await
}

/// Runs a change that has to be refused as sealed.
async fn refused(raw: &mut Raw, change: &str) {
    let error = raw.run(change).await.expect_err(change);
    assert!(error.contains("sealed: "), "{change}: {error}");
}

fn time(bench: &Bench) -> &'static str {
    match bench.engine() {
        pegbar::Engine::Sqlite => "1",
        pegbar::Engine::Postgres => "'2001-01-01'",
    }
}

both_engines! {
    async fn nobody_changes_what_a_record_says(bench) {
        let studio = bench.create().await;
        let output = made(&studio).await;
        let mut raw = bench.raw().await;
        let id = raw.id(output.id);
        let before = studio.get_asset(output.id).await.unwrap();
        let other = "0".repeat(64);
        let changes = [
            format!("sha256 = '{other}'"),
            "sha256 = NULL".to_owned(),
            "generation_id = NULL".to_owned(),
            "generation_prompt = 'a dog'".to_owned(),
            "generation_prompt = NULL".to_owned(),
            "generation_system_prompt = 'Paint.'".to_owned(),
            "generation_settings = '{\"seed\":8}'".to_owned(),
            "model = 'n'".to_owned(),
            "record = '{}'".to_owned(),
            "record = NULL".to_owned(),
            format!("record_hash = '{other}'"),
            "record_hash = NULL".to_owned(),
            format!("created_at = {}", time(bench)),
            format!("record = '{{}}', record_hash = '{other}', model = 'n'"),
        ];
        for change in changes {
            refused(&mut raw, &format!("UPDATE asset SET {change} WHERE id = {id}")).await;
        }
        // A statement that changes many rows is refused as a whole.
        refused(&mut raw, "UPDATE asset SET model = 'n', original_name = 'x'").await;
        assert_eq!(studio.get_asset(output.id).await.unwrap(), before);
        // To write the same again is no change.
        raw.run("UPDATE asset SET model = model, record = record").await.unwrap();
    }

    async fn nobody_changes_what_an_asset_was_made_from(bench) {
        let studio = bench.create().await;
        let output = made(&studio).await;
        let mut raw = bench.raw().await;
        let (project, id) = (raw.id(output.project_id), raw.id(output.id));
        let before = studio.get_asset(output.id).await.unwrap();
        let another = studio.create_asset(output.project_id, asset(9)).await.unwrap();
        let (another, other) = (raw.id(another.id), "0".repeat(64));
        for change in [
            "role = 'pose'".to_owned(),
            "position = position + 5".to_owned(),
            format!("referenced_asset_id = {another}"),
            format!("asset_id = {another}"),
            format!("sha256 = '{other}'"),
            "sha256 = NULL".to_owned(),
        ] {
            refused(&mut raw, &format!("UPDATE asset_reference SET {change}")).await;
        }
        refused(&mut raw, "DELETE FROM asset_reference WHERE position = 1").await;
        refused(&mut raw, "DELETE FROM asset_reference").await;
        refused(&mut raw, &format!(
            "INSERT INTO asset_reference (project_id, asset_id, position, referenced_asset_id) \
             VALUES ({project}, {id}, 2, {another})")).await;
        assert_eq!(studio.get_asset(output.id).await.unwrap(), before);
        raw.run("UPDATE asset_reference SET role = role").await.unwrap();
    }

    async fn nobody_changes_a_generation(bench) {
        let studio = bench.create().await;
        let output = made(&studio).await;
        let generation = output.generation_id.unwrap();
        let before = studio.get_generation(generation).await.unwrap();
        let mut raw = bench.raw().await;
        for change in [
            "request = '{}'".to_owned(),
            "model = NULL".to_owned(),
            "status = 'failed'".to_owned(),
            "error = 'x'".to_owned(),
            "duration_ms = 1".to_owned(),
            "input_tokens = 1".to_owned(),
            "output_tokens = 1".to_owned(),
            "price = '1 USD'".to_owned(),
            format!("created_at = {}", time(bench)),
        ] {
            refused(&mut raw, &format!("UPDATE generation SET {change}")).await;
        }
        assert_eq!(studio.get_generation(generation).await.unwrap(), before);
    }

    async fn nobody_changes_an_annotation(bench) {
        let studio = bench.create().await;
        let output = made(&studio).await;
        studio.annotate_asset(output.id, NewAnnotation::new("too dark")).await.unwrap();
        let mut raw = bench.raw().await;
        refused(&mut raw, "UPDATE asset_annotation SET text = 'fine'").await;
        assert_eq!(rows(&mut raw, "asset_annotation", "text").await, "too dark");
    }

    async fn what_is_no_part_of_the_record_changes_as_ever(bench) {
        let studio = bench.create().await;
        let output = made(&studio).await;
        let mut raw = bench.raw().await;
        let id = raw.id(output.id);
        let now = time(bench);
        raw.run(&format!(
            "UPDATE asset SET original_name = 'a.png', file_path = 'x/y.png', source_id = 's', \
             source_path = 'p', bytes_dropped_at = {now}, updated_at = {now} WHERE id = {id}"))
            .await.unwrap();
        let patch = AssetPatch {
            expected: None,
            tags: Some(vec!["dark".to_owned()]),
            original_name: Some(Some("b.png".to_owned())),
        };
        let patched = studio.update_asset(output.id, patch).await.unwrap();
        assert_eq!((patched.record_hash, &patched.tags[0][..]), (output.record_hash, "dark"));
    }

    async fn what_another_program_left_open_is_its_own_until_it_is_adopted(bench) {
        let studio = bench.create().await;
        let project = studio.create_project(NewProject::new("P")).await.unwrap().project.id;
        let input = studio.create_asset(project, asset(1)).await.unwrap();
        let mut raw = bench.raw().await;
        let [p, a] = [project.0, Uuid::from_u128(7)].map(|id| raw.id(id));
        let input = raw.id(input.id);
        raw.run(&format!(
            "INSERT INTO asset (id, project_id, kind, file_path) \
             VALUES ({a}, {p}, 'reference', 'a.png')")).await.unwrap();
        for (set, position) in [("generation_prompt = 'x'", 0), ("model = 'm'", 1)] {
            raw.run(&format!("UPDATE asset SET {set} WHERE id = {a}")).await.unwrap();
            raw.run(&format!(
                "INSERT INTO asset_reference (project_id, asset_id, position, \
                 referenced_asset_id) VALUES ({p}, {a}, {position}, {input})")).await.unwrap();
        }
        raw.run(&format!("DELETE FROM asset_reference WHERE asset_id = {a} AND position = 1"))
            .await.unwrap();
        std::fs::write(studio.assets_folder().join("a.png"), crate::support::png(2)).unwrap();
        let report = studio.adopt(Default::default(), |_, _| {}).await.unwrap();
        assert_eq!((report.adopted, report.findings.len()), (1, 0), "{report:?}");
        let adopted = studio.get_asset(Uuid::from_u128(7).into()).await.unwrap();
        assert_eq!((adopted.model.as_deref(), adopted.references.len()), (Some("m"), 1));
        refused(&mut raw, &format!("UPDATE asset SET model = 'n' WHERE id = {a}")).await;
        refused(&mut raw, &format!("DELETE FROM asset_reference WHERE asset_id = {a}")).await;
    }

    async fn what_is_sealed_can_be_deleted_whole(bench) {
        let studio = bench.create().await;
        let alone = made(&studio).await;
        studio.annotate_asset(alone.id, NewAnnotation::new("goes with it")).await.unwrap();
        studio.delete_asset(alone.id).await.unwrap();
        let with_project = made(&studio).await;
        studio.delete_project(with_project.project_id).await.unwrap();
        let tree = project_with_character(&studio).await;
        let cat = &tree.characters[0];
        let walk = NewAnimation::new("Walk").frame(NewFrame::new(asset(5)));
        let walk = studio.create_animation(cat.character.id, walk).await.unwrap();
        let new = NewGeneration::succeeded(vec![GenerationOutput::new(asset(6))
            .place(OutputPlace::Take(walk.animation.id))])
            .input(GenerationInput::asset(cat.variations[0].id, ReferenceRole::Character));
        studio.record_generation(tree.project.id, new).await.unwrap();
        studio.delete_character(cat.character.id).await.unwrap();
        // And by another program, which deletes the rows alone.
        let mut raw = bench.raw().await;
        let other = made(&studio).await;
        let project = raw.id(other.project_id);
        raw.run(&format!("DELETE FROM project WHERE id = {project}")).await.unwrap();
        assert_eq!(raw.text("SELECT count(*) FROM asset_reference").await, "0");
        assert_eq!(raw.text("SELECT count(*) FROM asset_annotation").await, "0");
        let kept = "SELECT count(*) FROM trash WHERE entity = 'asset_annotation'";
        assert_eq!(raw.text(kept).await, "1");
    }

    async fn a_change_of_our_own_would_be_refused_by_its_name(bench) {
        let studio = bench.create().await;
        let output = made(&studio).await;
        let mut raw = bench.raw().await;
        // A trigger that refuses a change which the library does make.
        let id = raw.id(output.id);
        let trigger = match bench.engine() {
            pegbar::Engine::Sqlite => format!(
                "CREATE TRIGGER t BEFORE UPDATE ON asset WHEN OLD.id = {id} BEGIN \
                 SELECT RAISE(ABORT, 'sealed: not this one'); END"),
            pegbar::Engine::Postgres =>
                "CREATE TRIGGER t BEFORE UPDATE ON asset FOR EACH ROW \
                 EXECUTE FUNCTION pegbar_refuse_sealed('not this one')".to_owned(),
        };
        raw.run(&trigger).await.unwrap();
        let error = studio.update_asset(output.id, AssetPatch::default()).await.unwrap_err();
        assert_eq!((error.code(), error.to_string()), ("sealed", "not this one".to_owned()));
        assert!(error.hint().unwrap().contains("pegbar asset annotate"), "{error:?}");
    }
}
