//! Importing again: what is new arrives, what changed is told, nothing comes twice.

use std::fs;
use std::task::Poll;

use pegbar::{FrameImage, MegabananasOptions, MegabananasRows, Studio, StudioOptions, ViewUpdates};
use serde_json::json;

use super::app::{App, walk};
use super::{asset, project, shown, told, tree};
use crate::support::{assert_in_step, png};

/// Tabby, with a walk of three frames, a reference and a take that no frame shows.
async fn walking() -> Option<App> {
    let app = App::new().await?;
    app.tabby().await;
    app.animation("n1", "Walk").await;
    for index in 0..3 {
        app.frame("n1", &format!("f{index}"), index).await;
    }
    app.asset("ref", "reference", "/assets/p1/references/ref_33.png", 33)
        .await;
    app.asset("earlier", "frame", &walk(9), 34).await;
    Some(app)
}

both_engines! {
    async fn importing_again_adds_nothing_and_tells_nothing(bench) {
        let Some(app) = walking().await else { return };
        let studio = bench.create().await;
        let (first, _) = app.import(&studio).await;
        assert_eq!(first.created.assets(), 7);
        let before = tree(&studio).await;
        let (again, findings) = app.import(&studio).await;
        assert_eq!(again.created, MegabananasRows::default());
        assert_eq!((again.known, again.projects.first[0].is_new), (7, false));
        assert_eq!(findings, []);
        assert_eq!(tree(&studio).await, before);
        app.remove().await;
    }

    async fn new_rows_arrive_later_in_their_places(bench) {
        let Some(app) = walking().await else { return };
        let studio = bench.create().await;
        app.import(&studio).await;
        app.run(r#"UPDATE "Frame" SET "frameIndex" = 10 WHERE "id" = 'f2'"#).await;
        app.frame("n1", "f8", 8).await;
        app.frame("n1", "f12", 12).await;
        app.set("Asset", "a-f12", "\"generationSettings\" = '[1,2]'").await;
        // A take that a frame shows by now.
        app.frame_row("n1", "f13", "earlier", 13).await;
        app.asset("a-back", "character", "/assets/characters/char_60.png", 60).await;
        app.set("Asset", "a-back", "\"characterId\" = 'c1'").await;
        app.animation("n2", "Jump").await;
        let (report, _) = app.import(&studio).await;
        let created = json!({ "projects": 0, "characters": 0, "variations": 1, "animations": 1,
            "frames": 3, "takes": 2, "references": 0 });
        assert_eq!(serde_json::to_value(report.created).unwrap(), created);
        let tree = tree(&studio).await;
        assert_in_step(&studio, &tree);
        assert_eq!(shown(&tree, 0), ["a-f0", "a-f1", "a-f8", "a-f2", "a-f12", "earlier"]);
        assert_eq!(tree.characters[0].variations.len(), 3);
        let odd = asset(&studio, tree.project.id, "a-f12").await.generation_settings;
        assert_eq!(odd.unwrap().to_string(), "[1,2]", "no object, but recorded");
        let (again, _) = app.import(&studio).await;
        assert_eq!(again.created, MegabananasRows::default());
        app.remove().await;
    }

    async fn what_changed_in_the_app_is_told_and_not_overwritten(bench) {
        let Some(app) = walking().await else { return };
        let studio = bench.create().await;
        app.import(&studio).await;
        let before = tree(&studio).await;
        app.set("Project", "p1", "\"name\" = 'Roof cats', \"updatedAt\" = now() + interval '1 day'")
            .await;
        app.set("Character", "c1", "\"primaryAssetId\" = 'a-side'").await;
        app.set("Animation", "n1", "\"description\" = 'fast', \"frameCount\" = 9").await;
        app.set("Asset", "a-f1", "\"userPrompt\" = 'other'").await;
        app.set("Frame", "f2", "\"frameIndex\" = 7").await;
        app.write("/assets/p1/references/ref_33.png", &png(77));
        fs::remove_file(app.public().join("assets/characters/char_1.png")).unwrap();
        let (report, findings) = app.import(&studio).await;
        assert_eq!(report.created, MegabananasRows::default());
        let row = |table: &str, id: &str, column: &str| json!({ "finding": "changedRow",
            "table": table, "sourceId": id, "columns": [column] });
        let reference = asset(&studio, before.project.id, "ref").await;
        assert_eq!(told(&findings), [
            row("Project", "p1", "name"),
            row("Character", "c1", "primaryAssetId"),
            row("Animation", "n1", "description"),
            row("Asset", "a-f1", "userPrompt"),
            row("Frame", "f2", "frameIndex"),
            json!({ "finding": "changedFile", "assetId": reference.id, "sourceId": "ref",
                "path": "/assets/p1/references/ref_33.png",
                "recorded": reference.sha256, "found": pegbar::Sha256::of(&png(77)) }),
        ]);
        assert_eq!(report.changed.first, findings);
        assert_eq!(tree(&studio).await, before);
        app.remove().await;
    }

    async fn what_the_user_changed_stays_so(bench) {
        let Some(app) = walking().await else { return };
        let studio = bench.create().await;
        app.import(&studio).await;
        let before = tree(&studio).await;
        let frames = &before.characters[0].animations[0].frames;
        let [f0, f1, f2] = [0, 1, 2].map(|place| frames[place].frame.id);
        studio.move_frame(f2, 0, None).await.unwrap();
        studio.remove_frame(f1, None).await.unwrap();
        let other = FrameImage::New(Box::new(crate::support::asset(88)));
        studio.replace_frame(f0, other, None).await.unwrap();
        let renamed = pegbar::CharacterPatch { name: Some("Tom".to_owned()), ..Default::default() };
        studio.update_character(before.characters[0].character.id, renamed).await.unwrap();
        let mine = tree(&studio).await;
        let (report, findings) = app.import(&studio).await;
        assert_eq!((report.created, findings), (MegabananasRows::default(), vec![]));
        assert_eq!(tree(&studio).await, mine);
        app.remove().await;
    }

    async fn an_interrupted_import_goes_on_where_it_stopped(bench) {
        let Some(app) = walking().await else { return };
        let studio = bench.create().await;
        let options = MegabananasOptions::default();
        let mut interruptions = 0;
        for polls in (1..).map(|n| n * n) {
            let import = studio.import_megabananas(&app.url, app.public(), &options, |_| {});
            let mut import = Box::pin(import);
            let mut left = polls;
            let ended = std::future::poll_fn(|context| {
                if left == 0 {
                    return Poll::Ready(None);
                }
                left -= 1;
                import.as_mut().poll(context).map(Some)
            })
            .await;
            if let Some(ended) = ended {
                ended.unwrap();
                break;
            }
            interruptions += 1;
        }
        assert!(interruptions > 3, "only {interruptions}");
        let tree = tree(&studio).await;
        assert_eq!(shown(&tree, 0), ["a-f0", "a-f1", "a-f2"]);
        assert_eq!(tree.characters[0].variations.len(), 2);
        for source_id in ["ref", "earlier", "a-front", "a-f2"] {
            asset(&studio, tree.project.id, source_id).await;
        }
        studio.update_view().await.unwrap();
        assert_in_step(&studio, &tree);
        app.remove().await;
    }

    async fn imports_at_once_bring_everything_once(bench) {
        let Some(app) = walking().await else { return };
        let studio = bench.create().await;
        let other = bench.open().await;
        let (first, second, third) =
            tokio::join!(app.import(&studio), app.import(&other), app.import(&studio));
        let tree = tree(&studio).await;
        assert_eq!(shown(&tree, 0), ["a-f0", "a-f1", "a-f2"]);
        let created = [first.0.created, second.0.created, third.0.created];
        assert_eq!(created.iter().map(MegabananasRows::assets).sum::<u64>(), 7);
        assert_eq!(created.iter().map(|rows| rows.frames).sum::<u64>(), 3);
        assert_eq!(created.iter().map(|rows| rows.projects).sum::<u64>(), 1);
        studio.update_view().await.unwrap();
        assert_in_step(&studio, &tree);
        app.remove().await;
    }

    async fn long_lists_arrive_in_parts_and_in_order(bench) {
        let Some(app) = App::new().await else { return };
        app.tabby().await;
        app.animation("n1", "Walk").await;
        // Three paths, so that there are few bytes to take in.
        for n in 0..3 {
            app.write(&format!("/assets/{n}.png"), &png(n));
        }
        app.run(r#"INSERT INTO "Asset" ("id", "projectId", "type", "filePath")
                SELECT 'a' || n, 'p1', 'frame', '/assets/' || n % 3 || '.png'
                FROM generate_series(1, 1203) n;
            INSERT INTO "Frame" ("id", "animationId", "assetId", "frameIndex")
                SELECT 'f' || n, 'n1', 'a' || n, 2 * n FROM generate_series(1, 1203) n;
            INSERT INTO "Asset" ("id", "projectId", "type", "filePath", "characterId")
                SELECT 'v' || n, 'p1', 'character', '/assets/0.png', 'c1'
                FROM generate_series(1, 501) n;
            INSERT INTO "Asset" ("id", "projectId", "type", "filePath")
                SELECT 'r' || n, 'p1', 'reference', '/assets/1.png'
                FROM generate_series(1, 502) n"#).await;
        drop(bench.create().await);
        let deferred = StudioOptions { view_updates: ViewUpdates::Deferred, ..bench.options() };
        let studio = Studio::open_with(bench.root(), deferred).await.unwrap();
        let (report, findings) = app.import(&studio).await;
        assert_eq!(report.created.assets(), 2 + 1203 + 501 + 502);
        assert_eq!((report.renumbered.count, report.renumbered.first.len()), (1203, 100));
        assert_eq!(findings.len(), 1203, "every finding was told");
        let tree = tree(&studio).await;
        let expected: Vec<String> = (1..=1203).map(|n| format!("a{n}")).collect();
        assert_eq!(shown(&tree, 0), expected);
        assert_eq!(tree.characters[0].variations.len(), 503);
        let project = project(&studio).await.id;
        let counts = studio.count_project(project).await.unwrap();
        assert_eq!((counts.takes, counts.variations, counts.references), (1203, 503, 502));
        app.remove().await;
    }
}
