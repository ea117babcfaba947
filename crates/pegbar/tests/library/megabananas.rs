//! An app's PostgreSQL database and its folder, taken in.

mod again;
mod app;
mod odd;

use std::fs;

use pegbar::{
    AnimationFilter, AssetFilter, AssetKind, CharacterFilter, Frame, MegabananasFinding,
    MegabananasOptions, PageRequest, Project, ProjectFilter, ProjectId, ProjectTree, Studio,
};
use serde_json::{Value, json};

use crate::support::{assert_in_step, png, shared_inputs};
use app::{App, walk};

/// The project that came from the app's `p1`.
async fn project(studio: &Studio) -> Project {
    let filter = ProjectFilter {
        source_id: Some("p1".to_owned()),
        ..ProjectFilter::default()
    };
    let found = studio.list_projects(&filter, PageRequest::default()).await;
    let mut found = found.unwrap().rows;
    assert_eq!(found.len(), 1);
    found.remove(0)
}

async fn tree(studio: &Studio) -> ProjectTree {
    let id = project(studio).await.id;
    studio.get_project_tree(id).await.unwrap()
}

/// An asset by its id in the app.
async fn asset(studio: &Studio, project: ProjectId, source_id: &str) -> pegbar::Asset {
    let filter = AssetFilter {
        source_id: Some(source_id.to_owned()),
        ..AssetFilter::default()
    };
    let page = PageRequest::default();
    let mut found = studio
        .list_assets(project, &filter, page)
        .await
        .unwrap()
        .rows;
    assert_eq!(found.len(), 1, "{source_id}");
    found.remove(0)
}

/// The ids in the app of what an animation shows.
fn shown(tree: &ProjectTree, animation: usize) -> Vec<&str> {
    let frames = &tree.characters[0].animations[animation].frames;
    let ids = frames.iter().map(|frame| frame.asset.source_id.as_deref());
    ids.map(Option::unwrap).collect()
}

/// The ids in the app of an animation's frames.
fn frame_ids(frames: &[Frame]) -> Vec<&str> {
    let ids = frames.iter().map(|frame| frame.source_id.as_deref());
    ids.map(Option::unwrap).collect()
}

/// Findings as JSON, without the rows.
fn told(findings: &[MegabananasFinding]) -> Vec<Value> {
    let told = findings.iter().map(|finding| {
        let mut value = serde_json::to_value(finding).unwrap();
        value.as_object_mut().unwrap().remove("row");
        value
    });
    told.collect()
}

/// Which rows were left out, and why.
fn left_out(findings: &[MegabananasFinding]) -> Vec<(&str, &str, &str)> {
    let rows = findings.iter().filter_map(|finding| match finding {
        MegabananasFinding::LeftOut {
            table,
            source_id,
            reason,
            row,
        } => {
            assert_eq!(row["id"], **source_id, "the whole row is told");
            Some((table.as_str(), source_id.as_str(), reason.as_str()))
        }
        _ => None,
    });
    rows.collect()
}

both_engines! {
    async fn characters_animations_and_frames_arrive_with_their_prompts_and_old_ids(bench) {
        let Some(app) = App::new().await else { return };
        app.tabby().await;
        app.set("Project", "p1", "\"artStyle\" = 'pixel-art', \"theme\" = 'fantasy', \
            \"colorPalette\" = '{#ffffff,#000000}', \"styleNotes\" = 'soft light', \
            \"thumbnailId\" = 'a-f0', \"description\" = 'cats'").await;
        app.set("Character", "c1", "\"primaryAssetId\" = 'a-side'").await;
        app.set("Asset", "a-front", "\"systemPrompt\" = 'pixel art', \"userPrompt\" = 'a cat', \
            \"referenceAssetIds\" = '{a-side,gone}', \"generationSettings\" = \
            '{\"aspectRatio\": \"1:1\", \"seed\": 9007199254740993}'").await;
        app.animation("n1", "Walk").await;
        app.set("Animation", "n1", "\"generationSettings\" = '{\"anglePreset\": \"front\"}', \
            \"description\" = 'slowly'").await;
        app.frame("n1", "f0", 0).await;
        app.frame("n1", "f1", 1).await;
        app.set("Asset", "a-f1", "\"referenceAssetIds\" = '{a-front}', \
            \"userPrompt\" = 'lift the paw', \"systemPrompt\" = 'frame 2 of 2'").await;
        let studio = bench.create().await;

        let (report, findings) = app.import(&studio).await;

        assert_eq!(findings, [], "there is nothing to tell");
        assert_eq!(
            serde_json::to_value(report.created).unwrap(),
            json!({ "projects": 1, "characters": 1, "variations": 2, "animations": 1, "frames": 2,
                "takes": 2, "references": 0 })
        );
        let tree = tree(&studio).await;
        assert_in_step(&studio, &tree);
        let project = &tree.project;
        assert_eq!((project.name.as_str(), project.description.as_str()), ("Alley cats", "cats"));
        assert_eq!(project.created_at.to_string(), "2025-12-31T12:00:00.500Z");
        let mut settings = project.settings.as_value().clone();
        assert_eq!(settings["megabananas"]["thumbnailId"], "a-f0");
        settings.as_object_mut().unwrap().remove("megabananas");
        assert_eq!(settings, json!({ "artStyle": "pixel-art", "theme": "fantasy",
            "colorPalette": ["#ffffff", "#000000"], "styleNotes": "soft light" }));

        let tabby = &tree.characters[0];
        assert_eq!(tabby.character.source_id.as_deref(), Some("c1"));
        assert_eq!(tabby.character.user_prompt, "a cat");
        let front = asset(&studio, project.id, "a-front").await;
        let side = asset(&studio, project.id, "a-side").await;
        assert_eq!(tabby.character.primary_asset_id, Some(side.id));
        assert_eq!((front.kind, front.character_id), (AssetKind::Character, Some(tabby.character.id)));
        assert_eq!(front.generation_prompt.as_deref(), Some("a cat"));
        assert_eq!(front.generation_system_prompt.as_deref(), Some("pixel art"));
        let settings = front.generation_settings.as_ref().unwrap().to_string();
        assert_eq!(settings, r#"{"aspectRatio":"1:1","seed":"9007199254740993"}"#);
        assert_eq!(front.original_name.as_deref(), Some("char_1.png"));
        assert_eq!(front.source_path.as_deref(), Some("/assets/characters/char_1.png"));
        assert_eq!(front.created_at.to_string(), "2026-01-01T00:00:01.000Z");
        let bytes = fs::read(studio.assets_folder().join(front.file_path.as_ref().unwrap()));
        assert_eq!(bytes.unwrap(), png(1));

        let walk = &tabby.animations[0];
        assert_eq!(walk.animation.source_id.as_deref(), Some("n1"));
        assert_eq!(walk.animation.description, "slowly");
        assert_eq!(shown(&tree, 0), ["a-f0", "a-f1"]);
        assert_eq!(frame_ids(&studio.list_frames(walk.animation.id).await.unwrap()), ["f0", "f1"]);
        assert_eq!(walk.frames[1].frame.frame_prompt.as_deref(), Some("lift the paw"));
        assert_eq!(project.thumbnail_id, Some(walk.frames[0].asset.id));
        let f1 = studio.find_frames_by_source_id(project.id, "f1", 9).await.unwrap();
        assert_eq!(f1, [walk.frames[1].frame.clone()]);
        let by_old = CharacterFilter { source_id: Some("c1".to_owned()), ..Default::default() };
        let found = studio.list_characters(project.id, &by_old, PageRequest::default()).await;
        assert_eq!(found.unwrap().rows[0].id, tabby.character.id);
        let by_old = AnimationFilter { source_id: Some("n1".to_owned()), ..Default::default() };
        let found = studio.list_animations(project.id, &by_old, PageRequest::default()).await;
        assert_eq!(found.unwrap().rows[0].id, walk.animation.id);

        // What the app recorded as sent may not have been: it is a claim, and no reference.
        let take = &walk.frames[1].asset;
        assert!(take.references.is_empty() && front.references.is_empty());
        let claims = studio.list_claims(take.id).await.unwrap();
        assert_eq!(claims.len(), 1);
        assert_eq!(claims[0].tool, "megabananas");
        let fields = claims[0].fields.as_value();
        assert_eq!(fields["referenceAssetIds"], json!(["a-front"]));
        assert_eq!(fields["frame"]["frameIndex"], 1);
        assert_eq!(fields["animation"]["generationSettings"], json!({ "anglePreset": "front" }));
        let raw: Value = serde_json::from_str(&claims[0].raw).unwrap();
        assert_eq!(raw["asset"]["systemPrompt"], "frame 2 of 2");
        let claims = studio.list_claims(front.id).await.unwrap();
        assert_eq!(claims[0].fields.as_value()["referenceAssetIds"], json!(["a-side", "gone"]));
        assert!(claims[0].raw.contains("9007199254740993"), "as the app has it");
        app.remove().await;
    }

    async fn gaps_are_closed_and_what_can_not_arrive_is_listed_with_the_reason(bench) {
        let Some(app) = App::new().await else { return };
        app.tabby().await;
        app.animation("n1", "Walk").await;
        for (id, index) in [("f0", 0), ("f2", 2), ("f3", 3), ("f5", 5)] {
            app.frame("n1", id, index).await;
        }
        fs::remove_file(app.public().join(&walk(3)[1..])).unwrap();
        fs::write(app.public().join("../secret.png"), png(9)).unwrap();
        #[cfg(unix)]
        std::os::unix::fs::symlink("../../../secret.png", app.public().join("assets/characters/link.png"))
            .unwrap();
        app.asset_row("up", "reference", "/assets/../../secret.png", 20).await;
        app.asset_row("link", "reference", "/assets/characters/link.png", 21).await;
        app.write("/assets/text.png", b"no image");
        app.asset_row("text", "reference", "/assets/text.png", 22).await;
        let studio = bench.create().await;

        let (report, findings) = app.import(&studio).await;

        let tree = tree(&studio).await;
        assert_in_step(&studio, &tree);
        assert_eq!(shown(&tree, 0), ["a-f0", "a-f2", "a-f5"]);
        let walk_id = tree.characters[0].animations[0].animation.id;
        let renumbered = |source_id: &str, from: u32, to: u32| json!({ "finding": "renumbered",
            "animationId": walk_id, "sourceId": source_id, "from": from, "to": to });
        assert_eq!(told(&report.renumbered.first), [renumbered("f2", 2, 1), renumbered("f5", 5, 2)]);
        let out = left_out(&findings);
        let why = |id: &str| out.iter().find(|(_, row, _)| *row == id).unwrap().2;
        assert!(why("a-f3").contains("is not there"), "{out:?}");
        assert_eq!(why("f3"), "its image a-f3 is left out");
        assert!(why("up").contains("leads out of the folder"), "{out:?}");
        if cfg!(unix) {
            assert!(why("link").contains("leads out of the folder"), "{out:?}");
        }
        assert!(why("text").contains("not an image"), "{out:?}");
        assert_eq!(out.len(), 5, "{out:?}");
        assert_eq!(report.left_out.count, 5);
        let all = 2 + 4 + 3;
        assert_eq!(report.created.assets() + 4, all, "every asset arrived or is listed");
        app.remove().await;
    }

    async fn what_belongs_to_no_frame_is_a_take_a_reference_or_unplaced(bench) {
        let Some(app) = App::new().await else { return };
        app.tabby().await;
        app.animation("n1", "Walk").await;
        app.frame("n1", "f0", 0).await;
        app.asset("earlier", "frame", "/assets/p1/frames/walk/tabby-cat_walk_7_1767250950182.png", 30)
            .await;
        app.asset("stray", "frame", "/assets/p1/frames/run/tabby-cat_run_7_1767250950182.png", 31)
            .await;
        app.asset("orphan", "character", "/assets/characters/char_32.png", 32).await;
        app.asset("ref", "reference", "/assets/p1/references/ref_33.png", 33).await;
        app.asset("sheet", "spritesheet", "/assets/p1/spritesheets/walk_34.png", 34).await;
        app.asset("night", "scene", "/assets/p1/scenes/night_35.png", 35).await;
        app.run(r#"INSERT INTO "SpriteSheet" ("id", "projectId", "characterId", "name",
                "updatedAt", "assetId", "generationSettings")
                VALUES ('s1', 'p1', 'c1', 'Walk sheet', now(), 'sheet', '{"cols": 8}');
            INSERT INTO "Scene" ("id", "projectId", "name", "updatedAt", "mood")
                VALUES ('sc1', 'p1', 'Night', now(), 'calm'), ('sc2', 'p1', 'Day', now(), NULL)"#)
            .await;
        app.set("Asset", "night", "\"sceneId\" = 'sc1'").await;
        app.write("/assets/sprites/sprite_1.png", &png(36));
        let studio = bench.create().await;

        let (report, findings) = app.import(&studio).await;

        let tree = tree(&studio).await;
        assert_in_step(&studio, &tree);
        let id = tree.project.id;
        let walk = &tree.characters[0].animations[0];
        let earlier = asset(&studio, id, "earlier").await;
        assert_eq!((earlier.kind, earlier.animation_id), (AssetKind::Frame, Some(walk.animation.id)));
        assert_eq!(walk.takes, [earlier]);
        for (source_id, tags) in [("ref", &[][..]), ("sheet", &["spritesheet"]), ("night", &["scene"]),
            ("stray", &["unplaced"]), ("orphan", &["unplaced"])] {
            let found = asset(&studio, id, source_id).await;
            assert_eq!(found.kind, AssetKind::Reference, "{source_id}");
            assert_eq!(found.tags, tags, "{source_id}");
        }
        let sheet = asset(&studio, id, "sheet").await;
        let claim = &studio.list_claims(sheet.id).await.unwrap()[0];
        assert_eq!(claim.fields.as_value()["spriteSheets"][0]["generationSettings"]["cols"], 8);
        let night = asset(&studio, id, "night").await;
        let claim = &studio.list_claims(night.id).await.unwrap()[0];
        assert_eq!(claim.fields.as_value()["scenes"][0]["mood"], "calm");
        let stray = asset(&studio, id, "stray").await.id;
        let orphan = asset(&studio, id, "orphan").await.id;
        assert_eq!(told(&report.unplaced.first), [
            json!({ "finding": "unplaced", "sourceId": "stray", "assetId": stray,
                "reason": "no frame shows it, and no animation has its name" }),
            json!({ "finding": "unplaced", "sourceId": "orphan", "assetId": orphan,
                "reason": "the app names no character that it is of" }),
        ]);
        let reason = "no image of it arrived, and without one it has no place here";
        assert_eq!(left_out(&findings), [("Scene", "sc2", reason)]);
        let skipped = json!({ "finding": "skipped", "path": "sprites/sprite_1.png" });
        assert_eq!(told(&report.skipped.first), [skipped]);
        app.remove().await;
    }

    async fn real_jpegs_called_png_are_jpegs(bench) {
        let Some(folder) = shared_inputs().map(|inputs| inputs.join("gemini")) else { return };
        let Some(app) = App::new().await else { return };
        app.tabby().await;
        let bytes = fs::read(folder.join("char_1767250950182.png")).unwrap();
        app.write("/assets/characters/char_1.png", &bytes);
        let sheet = fs::read(folder.join("sprite_1767251343859.png")).unwrap();
        app.asset("sheet", "spritesheet", "/assets/p1/spritesheets/walk_34.png", 34).await;
        app.write("/assets/p1/spritesheets/walk_34.png", &sheet);
        let studio = bench.create().await;
        app.import(&studio).await;
        let tree = tree(&studio).await;
        for (source_id, bytes) in [("a-front", bytes), ("sheet", sheet)] {
            let found = asset(&studio, tree.project.id, source_id).await;
            assert_eq!(found.mime_type.as_deref(), Some("image/jpeg"));
            let ends = |name: Option<&str>| name.unwrap().rsplit_once('.').unwrap().1.to_owned();
            assert_eq!(ends(found.original_name.as_deref()), "png");
            assert_eq!(ends(found.file_path.as_deref()), "jpg");
            let path = found.file_path.unwrap();
            assert!(fs::read(studio.assets_folder().join(path)).unwrap() == bytes);
        }
        assert_in_step(&studio, &tree);
        app.remove().await;
    }

    async fn ids_that_are_uuids_stay_unless_they_are_taken(bench) {
        let Some(app) = App::new().await else { return };
        app.tabby().await;
        let [taken, free] = ["0192a0f0-7d3c-7a51-8f10-000000000001", "0192a0f0-7d3c-4a51-8f10-000000000002"];
        for (second, id) in [(40, taken), (41, free)] {
            app.asset(id, "reference", &format!("/assets/p1/references/ref_{second}.png"), second)
                .await;
        }
        let studio = bench.create().await;
        let other = pegbar::NewAsset::from_bytes(png(50)).id(taken.parse().unwrap());
        studio.create_project(pegbar::NewProject::new("Mine").reference(other)).await.unwrap();
        app.import(&studio).await;
        let project = project(&studio).await.id;
        assert_ne!(asset(&studio, project, taken).await.id.to_string(), taken);
        assert_eq!(asset(&studio, project, free).await.id.to_string(), free);
        app.remove().await;
    }

    async fn an_older_and_a_newer_app_are_understood(bench) {
        let Some(app) = App::new().await else { return };
        app.run(r#"DROP TABLE "SpriteSheet"; ALTER TABLE "Asset" DROP COLUMN "sceneId";
            DROP TABLE "Scene"; ALTER TABLE "Animation" DROP COLUMN "generationSettings";
            ALTER TABLE "Character" DROP COLUMN "primaryAssetId";
            ALTER TABLE "Asset" ADD COLUMN "rating" INTEGER;
            ALTER TABLE "Project" ADD COLUMN "client" TEXT;
            CREATE TABLE "Voice" ("id" TEXT);
            CREATE TABLE "_prisma_migrations" ("id" TEXT)"#).await;
        app.tabby().await;
        app.set("Asset", "a-front", "\"rating\" = 5").await;
        app.set("Project", "p1", "\"client\" = 'Roof Ltd'").await;
        let studio = bench.create().await;
        let (report, _) = app.import(&studio).await;
        assert_eq!(told(&report.unknown.first), [
            json!({ "finding": "unknown", "table": "Asset", "column": "rating",
                "reason": "kept in the claims of the images" }),
            json!({ "finding": "unknown", "table": "Project", "column": "client",
                "reason": "kept in the settings, under `megabananas`" }),
            json!({ "finding": "unknown", "table": "Voice", "column": null,
                "reason": "not imported" }),
        ]);
        let project = project(&studio).await;
        assert_eq!(project.settings.as_value()["megabananas"]["client"], "Roof Ltd");
        let front = asset(&studio, project.id, "a-front").await;
        let claim = &studio.list_claims(front.id).await.unwrap()[0];
        let raw: Value = serde_json::from_str(&claim.raw).unwrap();
        assert_eq!(raw["asset"]["rating"], 5);
        app.remove().await;
    }

    async fn one_project_can_be_chosen_by_id_or_name(bench) {
        let Some(app) = App::new().await else { return };
        app.tabby().await;
        app.run(r#"INSERT INTO "Project" ("id", "name", "updatedAt") VALUES
            ('p2', 'Roof cats', now()), ('p3', 'Twins', now()), ('p4', 'Twins', now())"#).await;
        let studio = bench.create().await;
        let import = async |wanted: &str| {
            let options = MegabananasOptions { project: Some(wanted.to_owned()) };
            let done = studio.import_megabananas(&app.url, app.public(), &options, |_| {}).await;
            done.map(|report| report.projects.first[0].source_id.clone())
        };
        assert_eq!(import("Roof cats").await.unwrap(), "p2");
        assert_eq!(import("p4").await.unwrap(), "p4");
        let unknown = import("Dogs").await.unwrap_err().to_string();
        assert!(unknown.contains("Alley cats (p1)"), "{unknown}");
        let several = import("Twins").await.unwrap_err().to_string();
        assert!(several.contains("p3") && several.contains("p4"), "{several}");
        let all = studio.list_projects(&ProjectFilter::default(), PageRequest::default()).await;
        assert_eq!(all.unwrap().rows.len(), 2);
        app.remove().await;
    }

    async fn another_database_or_folder_is_refused_before_anything_is_created(bench) {
        let Some(app) = App::empty().await else { return };
        let studio = bench.create().await;
        let refused = app.try_import(&studio).await.unwrap_err();
        assert_eq!(refused.code(), "unavailable");
        let said = refused.to_string();
        for table in ["Project", "Asset", "Character", "Animation", "Frame"] {
            assert!(said.contains(&format!("the table \"{table}\"")), "{said}");
        }
        app.remove().await;

        let app = App::new().await.unwrap();
        app.run(r#"ALTER TABLE "Asset" DROP COLUMN "filePath""#).await;
        let refused = app.try_import(&studio).await.unwrap_err().to_string();
        assert!(refused.contains("the column \"Asset\".\"filePath\""), "{refused}");
        app.remove().await;

        let app = App::new().await.unwrap();
        app.tabby().await;
        let elsewhere = tempfile::tempdir().unwrap();
        let options = MegabananasOptions::default();
        let refused = studio.import_megabananas(&app.url, elsewhere.path(), &options, |_| {}).await;
        let refused = refused.unwrap_err();
        assert!(refused.to_string().contains("has none of the files"), "{refused}");
        let nowhere = app.url.replace("pegbar@", "pegbar:hunter2@");
        let nowhere = nowhere.replace(&format!("/{}", nowhere.rsplit_once('/').unwrap().1), "/nowhere");
        for url in [nowhere.as_str(), "postgres://me:hunter2@127.0.0.1:1/app", "hunter2"] {
            let refused = studio.import_megabananas(url, app.public(), &options, |_| {}).await;
            let refused = refused.unwrap_err();
            assert_eq!(refused.code(), "unavailable");
            let said = format!("{refused} {refused:?} {:?}", refused.hint());
            assert!(!said.contains("hunter2"), "{said}");
        }
        let all = studio.list_projects(&ProjectFilter::default(), PageRequest::default()).await;
        assert_eq!(all.unwrap().rows, []);
        app.remove().await;
    }
}
