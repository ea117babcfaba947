//! Rows that do not fit, rows that belong to nothing, and a studio within the app itself.

use std::fs;

use pegbar::{DatabaseAddress, Engine, MegabananasRows, Studio, StudioOptions};
use serde_json::json;

use super::app::{App, walk};
use super::{asset, left_out, project, shown, told, tree};
use crate::support::{assert_in_step, png};

both_engines! {
    async fn values_that_do_not_fit_are_told_and_the_row_arrives(bench) {
        let Some(app) = App::new().await else { return };
        app.tabby().await;
        app.set("Project", "p1", "\"name\" = repeat('猫', 90), \"description\" = \
            repeat('x', 1048577), \"createdAt\" = 'infinity'").await;
        app.set("Character", "c1", "\"name\" = ' '").await;
        app.set("Asset", "a-front", "\"generationSettings\" = \
            (repeat('[', 70) || repeat(']', 70))::jsonb, \"userPrompt\" = 'a cat'").await;
        app.set("Asset", "a-side", "\"systemPrompt\" = repeat('y', 1048577)").await;
        app.asset("odd", "reference", "/assets/odd.png", 70).await;
        app.run(r#"ALTER TABLE "Asset" ALTER COLUMN "type" TYPE TEXT"#).await;
        app.set("Asset", "odd", "\"type\" = 'voice', \"referenceAssetIds\" = NULL, \
            \"generationSettings\" = '[1, 2]'::jsonb").await;
        let studio = bench.create().await;

        let (report, findings) = app.import(&studio).await;

        assert_eq!(left_out(&findings), []);
        assert_eq!(report.created.assets(), 3);
        let told: Vec<_> = told(&report.adjusted.first)
            .iter()
            .map(|finding| {
                let text = |name: &str| finding[name].as_str().unwrap().to_owned();
                (text("sourceId"), text("column"), text("reason"))
            })
            .collect();
        let reason = |id: &str, column: &str| {
            let found = told.iter().find(|(row, of, _)| row == id && of == column);
            found.unwrap_or_else(|| panic!("{id} {column}: {told:?}")).2.clone()
        };
        assert!(reason("p1", "name").contains("at most 255"), "{told:?}");
        assert!(reason("p1", "description").contains("not kept"), "{told:?}");
        assert!(reason("p1", "createdAt").contains("infinity"), "{told:?}");
        assert!(reason("c1", "name").contains("became \"c1\""), "{told:?}");
        assert!(reason("a-front", "generationSettings").contains("deeper than 64"), "{told:?}");
        assert!(reason("a-side", "systemPrompt").contains("not kept"), "{told:?}");
        assert!(reason("a-side", "claim").contains("longer than"), "{told:?}");
        let project = project(&studio).await;
        assert_eq!(project.name, "猫".repeat(85));
        assert_eq!(project.description, "");
        let front = asset(&studio, project.id, "a-front").await;
        assert_eq!(front.generation_settings, None);
        assert_eq!(front.generation_prompt.as_deref(), Some("a cat"));
        let raw = &studio.list_claims(front.id).await.unwrap()[0].raw;
        assert!(raw.contains(&"[".repeat(70)), "as the app has it");
        let odd = asset(&studio, project.id, "odd").await;
        assert_eq!(odd.tags, ["unplaced"]);
        assert_eq!(odd.generation_settings.unwrap().to_string(), "[1,2]", "no object, but recorded");
        let claim = &studio.list_claims(odd.id).await.unwrap()[0];
        assert_eq!(claim.fields.as_value()["referenceAssetIds"], json!([]));
        app.remove().await;
    }

    async fn rows_that_belong_to_nothing_are_listed(bench) {
        let Some(app) = App::new().await else { return };
        app.tabby().await;
        app.animation("n1", "Walk").await;
        app.run(r#"ALTER TABLE "Frame" DROP CONSTRAINT "Frame_assetId_fkey";
            ALTER TABLE "Frame" DROP CONSTRAINT "Frame_animationId_fkey";
            ALTER TABLE "Animation" DROP CONSTRAINT "Animation_characterId_fkey";
            ALTER TABLE "Asset" DROP CONSTRAINT "Asset_projectId_fkey""#).await;
        app.frame_row("n1", "f-gone", "gone", 0).await;
        app.frame_row("n-gone", "f-lost", "a-side", 0).await;
        app.animation("n2", "Jump").await;
        app.set("Animation", "n2", "\"characterId\" = 'c-gone'").await;
        app.frame("n2", "f2", 0).await;
        app.asset("lost", "reference", "/assets/lost.png", 71).await;
        app.set("Asset", "lost", "\"projectId\" = 'p-gone'").await;
        let studio = bench.create().await;
        let (report, findings) = app.import(&studio).await;
        assert_eq!(left_out(&findings), [
            ("Frame", "f-gone", "its image gone is not there"),
            ("Animation", "n2", "its character c-gone is not in its project"),
            ("Frame", "f2", "its animation n2 is left out"),
            ("Asset", "lost", "the app has no Project p-gone"),
            ("Frame", "f-lost", "the app has no Animation n-gone"),
        ]);
        // Walk has the name that the path of the frame's image tells.
        assert_eq!((report.created.assets(), report.unplaced.count), (3, 0));
        assert_eq!(tree(&studio).await.characters[0].animations[0].takes.len(), 1);
        app.remove().await;
    }

    async fn a_file_that_is_found_again_brings_its_frame_to_its_place(bench) {
        let Some(app) = App::new().await else { return };
        app.tabby().await;
        app.animation("n1", "Walk").await;
        for index in 0..3 {
            app.frame("n1", &format!("f{index}"), index).await;
        }
        let file = app.public().join(&walk(1)[1..]);
        let bytes = fs::read(&file).unwrap();
        fs::remove_file(&file).unwrap();
        let studio = bench.create().await;
        app.import(&studio).await;
        assert_eq!(shown(&tree(&studio).await, 0), ["a-f0", "a-f2"]);
        fs::write(&file, bytes).unwrap();
        let (report, findings) = app.import(&studio).await;
        assert_eq!((report.created.frames, report.created.takes), (1, 1));
        assert_eq!(findings, []);
        let tree = tree(&studio).await;
        assert_eq!(shown(&tree, 0), ["a-f0", "a-f1", "a-f2"]);
        assert_in_step(&studio, &tree);
        app.remove().await;
    }

    async fn a_studio_in_the_app_itself_tells_its_own_files_and_tables_from_the_apps(bench) {
        let Some(app) = App::new().await else { return };
        app.tabby().await;
        app.write("/assets/sprites/sprite_1.png", &png(36));
        let (url, _) = app.url.split_once('?').unwrap();
        let database = match bench.engine() {
            Engine::Sqlite => DatabaseAddress::Sqlite,
            Engine::Postgres => DatabaseAddress::Postgres(url.to_owned()),
        };
        let options = StudioOptions { database, ..StudioOptions::default() };
        let root = app.public().join("..");
        let studio = Studio::create_with(root, options).await.unwrap();
        let (first, _) = app.import(&studio).await;
        assert_eq!(first.created.assets(), 2);
        assert_in_step(&studio, &tree(&studio).await);
        let (again, findings) = app.import(&studio).await;
        assert_eq!(again.created, MegabananasRows::default());
        let skipped = json!({ "finding": "skipped", "path": "sprites/sprite_1.png" });
        assert_eq!(told(&findings), [skipped]);
        drop(studio);
        app.remove().await;
    }
}
