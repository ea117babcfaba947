//! The export of a real generator, taken in.

mod hostile;

use std::fs;
use std::path::{Path, PathBuf};
use std::task::Poll;

use pegbar::{AssetKind, ImportReport, NewProject, ProjectId, ProjectTree, Sha256, Studio};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::{assert_in_step, png, shared_inputs};

const TABBY: &str = "344dfb7c-d46a-400f-8b35-275c143876e3";

fn tabby() -> Option<PathBuf> {
    Some(shared_inputs()?.join("pixellab-tabby"))
}

/// A small export, as hostile as its metadata.
struct Export(TempDir);

impl Export {
    fn new() -> Self {
        let export = Self(tempfile::tempdir().unwrap());
        export.image("rotations/south.png", 1);
        export.image("rotations/east.png", 2);
        for frame in 0..3 {
            export.image(&format!("animations/walk/east/frame_{frame}.png"), frame);
        }
        export.metadata(&metadata(&["frame_0", "frame_1", "frame_2"]));
        export
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn image(&self, path: &str, number: u32) {
        self.write(path, &png(number));
    }

    fn write(&self, path: &str, bytes: &[u8]) {
        let file = self.path().join(path);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, bytes).unwrap();
    }

    fn metadata(&self, metadata: &Value) {
        self.write("metadata.json", metadata.to_string().as_bytes());
    }
}

fn metadata(walk: &[&str]) -> Value {
    let walk: Vec<String> = walk
        .iter()
        .map(|frame| format!("animations/walk/east/{frame}.png"))
        .collect();
    json!({
        "character": { "id": "cat-1", "name": "Cat", "prompt": "a cat", "view": "side" },
        "frames": {
            "rotations": { "east": "rotations/east.png", "south": "rotations/south.png" },
            "animations": { "walk": { "east": walk } },
        },
    })
}

async fn project(studio: &Studio, name: &str) -> ProjectId {
    let tree = studio.create_project(NewProject::new(name)).await.unwrap();
    tree.project.id
}

async fn import(studio: &Studio, project: ProjectId, folder: &Path) -> ImportReport {
    let report = studio.import_pixellab(project, folder, |_, _| {}).await;
    report.unwrap()
}

/// Where each image of a project came from, in the order in which it is shown, and its bytes.
fn outline(tree: &ProjectTree) -> Vec<(String, Vec<(String, Sha256)>)> {
    let mut outline = Vec::new();
    for character in &tree.characters {
        let image =
            |asset: &pegbar::Asset| (asset.source_path.clone().unwrap(), asset.sha256.unwrap());
        let variations = character.variations.iter().map(image).collect();
        outline.push((character.character.name.clone(), variations));
        for animation in &character.animations {
            let frames = animation.frames.iter().map(|frame| image(&frame.asset));
            outline.push((animation.animation.name.clone(), frames.collect()));
        }
    }
    outline
}

fn walk(tree: &ProjectTree) -> Vec<&str> {
    let frames = tree.characters[0].animations[0].frames.iter();
    frames
        .map(|frame| frame.asset.original_name.as_deref().unwrap())
        .collect()
}

both_engines! {
    async fn a_real_export_is_taken_in_whole(bench) {
        let Some(folder) = tabby() else { return };
        let studio = bench.create().await;
        let project = project(&studio, "Cats").await;
        let mut steps = Vec::new();

        let report = studio
            .import_pixellab(project, &folder, |done, count| steps.push((done, count)))
            .await
            .unwrap();

        assert_eq!(
            serde_json::to_value(&report).unwrap(),
            json!({
                "characterId": report.character_id,
                "created": { "characters": 1, "variations": 8, "animations": 58, "frames": 446 },
                "unchanged": 0,
                "changed": { "count": 0, "first": [] },
                "skipped": { "count": 1, "first": ["LICENSE"] },
            })
        );
        assert_eq!((steps[0], steps.len()), ((0, 454), 60));
        assert_eq!(steps.last(), Some(&(454, 454)));
        assert!(steps.is_sorted());

        let tree = studio.get_project_tree(project).await.unwrap();
        assert!(tree.references.is_empty());
        let [tabby] = tree.characters.as_slice() else { panic!("one character") };
        let character = &tabby.character;
        assert_eq!(character.name, "tabby");
        assert_eq!(character.user_prompt, "tabby");
        assert_eq!(character.source_id.as_deref(), Some(TABBY));
        assert_eq!(character.created_at.to_string(), "2026-04-09T00:00:00.000Z");
        assert_eq!(
            *character.generation_settings.as_value(),
            json!({
                "size": { "width": 80, "height": 80 },
                "template_id": "catset",
                "directions": 8,
                "view": "side",
            })
        );

        // Every image has the bytes of the file that the export names, and records nothing.
        let text = fs::read_to_string(folder.join("metadata.json")).unwrap();
        let exported: Value = serde_json::from_str(&text).unwrap();
        let frames = &exported["frames"];
        let check = |asset: &pegbar::Asset, path: &str| {
            assert_eq!(asset.source_path, Some(format!("{TABBY}/{path}")));
            let file = folder.join(path);
            assert_eq!(asset.sha256, Some(Sha256::of(&fs::read(&file).unwrap())));
            assert_eq!(asset.original_name.as_deref(), file.file_name().unwrap().to_str());
            assert_eq!(asset.mime_type.as_deref(), Some("image/png"));
            assert_eq!((asset.width, asset.height), (Some(80), Some(80)));
            assert_eq!(asset.generation_prompt, None);
            assert_eq!(asset.generation_settings, None);
            assert_eq!(asset.model, None);
            assert!(asset.references.is_empty());
        };
        assert_eq!(tabby.variations.len(), 8);
        for variation in &tabby.variations {
            let [direction] = variation.tags.as_slice() else { panic!("one tag") };
            check(variation, frames["rotations"][direction].as_str().unwrap());
            let is_primary = character.primary_asset_id == Some(variation.id);
            assert_eq!(is_primary, direction == "south");
        }
        assert_eq!(tabby.animations.len(), 58);
        assert_eq!(tabby.animations[0].animation.name, "running-8-frames east");
        let mut count = 0;
        for animation in &tabby.animations {
            let source_id = animation.animation.source_id.as_deref().unwrap();
            let (name, direction) = source_id.split_once('/').unwrap();
            assert_eq!(animation.animation.name, format!("{name} {direction}"));
            assert!(animation.takes.is_empty());
            let paths = frames["animations"][name][direction].as_array().unwrap();
            assert_eq!(animation.frames.len(), paths.len());
            for (frame, path) in animation.frames.iter().zip(paths) {
                check(&frame.asset, path.as_str().unwrap());
                count += 1;
            }
        }
        assert_eq!(count, 446);
        // What the export says of the character, each of them claims.
        let frames = tabby.animations.iter().flat_map(|animation| &animation.frames);
        for asset in frames.map(|frame| &frame.asset).chain(&tabby.variations) {
            let claims = studio.list_claims(asset.id).await.unwrap();
            assert_eq!((claims.len(), claims[0].tool.as_str()), (1, "pixellab"));
            let fields = json!({
                "prompt": "tabby", "width": 80, "height": 80,
                "createdAt": "2026-04-09T00:00:00Z", "foundIn": "metadata.json",
                "other": {
                    "id": TABBY, "name": "tabby", "template_id": "catset", "directions": 8,
                    "view": "side",
                },
            });
            assert_eq!(*claims[0].fields.as_value(), fields);
            assert!(claims[0].raw.starts_with('{') && text.contains(&claims[0].raw), "as found");
        }
        assert_in_step(&studio, &tree);
        assert!(studio.take_notices().is_empty());
    }

    async fn importing_again_adds_nothing(bench) {
        let Some(folder) = tabby() else { return };
        let studio = bench.create().await;
        let project = project(&studio, "Cats").await;
        let first = import(&studio, project, &folder).await;
        let before = studio.get_project_tree(project).await.unwrap();
        let second = import(&studio, project, &folder).await;
        assert_eq!(second.character_id, first.character_id);
        assert_eq!(second.created, pegbar::ImportedRows::default());
        assert_eq!((second.unchanged, second.changed.count), (454, 0));
        assert_eq!(studio.get_project_tree(project).await.unwrap(), before);
    }

    async fn an_interrupted_import_goes_on_where_it_stopped(bench) {
        let Some(folder) = tabby() else { return };
        let studio = bench.create().await;
        let whole = project(&studio, "whole").await;
        import(&studio, whole, &folder).await;
        let whole = studio.get_project_tree(whole).await.unwrap();
        let parts = project(&studio, "parts").await;
        for stop in [0, 8, 9, 200] {
            let (studio, folder) = (studio.clone(), folder.clone());
            let stopped = tokio::spawn(async move {
                let progress = |done, count| {
                    if (stop..count).contains(&done) {
                        // A panic that prints nothing.
                        std::panic::resume_unwind(Box::new("stop here"));
                    }
                };
                studio.import_pixellab(parts, &folder, progress).await
            });
            assert!(stopped.await.unwrap_err().is_panic());
        }
        let half = studio.get_project_tree(parts).await.unwrap();
        assert!((1..58).contains(&half.characters[0].animations.len()));
        assert_in_step(&studio, &half);
        let report = import(&studio, parts, &folder).await;
        assert_eq!(report.created.characters, 0);
        assert!(report.created.frames > 0 && report.unchanged > 200);
        let parts = studio.get_project_tree(parts).await.unwrap();
        assert_eq!(outline(&parts), outline(&whole));
        assert_in_step(&studio, &parts);
    }

    async fn an_import_that_is_dropped_anywhere_can_be_finished(bench) {
        let export = Export::new();
        let studio = bench.create().await;
        let whole = project(&studio, "whole").await;
        import(&studio, whole, export.path()).await;
        let whole = studio.get_project_tree(whole).await.unwrap();
        for polls in (1..).step_by(7) {
            let project = project(&studio, "parts").await;
            let mut left = polls;
            let mut importing = Box::pin(studio.import_pixellab(project, export.path(), |_, _| {}));
            let finished = std::future::poll_fn(|context| {
                left -= 1;
                match importing.as_mut().poll(context) {
                    Poll::Ready(report) => Poll::Ready(Some(report)),
                    Poll::Pending if left == 0 => Poll::Ready(None),
                    Poll::Pending => Poll::Pending,
                }
            });
            let finished = finished.await;
            drop(importing);
            import(&studio, project, export.path()).await;
            // Dropped between its commit and the files, a change leaves them to the next one.
            studio.update_view().await.unwrap();
            let tree = studio.get_project_tree(project).await.unwrap();
            assert_eq!(outline(&tree), outline(&whole));
            assert_in_step(&studio, &tree);
            if let Some(report) = finished {
                report.unwrap();
                break;
            }
        }
        assert!(studio.take_notices().is_empty());
    }

    async fn a_second_project_gets_a_second_character(bench) {
        let export = Export::new();
        let studio = bench.create().await;
        let (one, two) = (project(&studio, "one").await, project(&studio, "two").await);
        let first = import(&studio, one, export.path()).await;
        let second = import(&studio, two, export.path()).await;
        assert_ne!(first.character_id, second.character_id);
        assert_eq!(first.created, second.created);
        let (one, two) = (
            studio.get_project_tree(one).await.unwrap(),
            studio.get_project_tree(two).await.unwrap(),
        );
        assert_eq!(outline(&one), outline(&two));
        assert_eq!(one.characters[0].character.source_id.as_deref(), Some("cat-1"));
        assert_in_step(&studio, &one);
        assert_in_step(&studio, &two);
    }

    async fn two_imports_at_once_make_one_character(bench) {
        let export = Export::new();
        let studio = bench.create().await;
        let project = project(&studio, "Cats").await;
        let run = || {
            let (studio, folder) = (studio.clone(), export.path().to_owned());
            tokio::spawn(async move { studio.import_pixellab(project, folder, |_, _| {}).await })
        };
        let mut names = vec!["frame_0".to_owned(), "frame_1".to_owned(), "frame_2".to_owned()];
        for round in 3..9 {
            let runs: Vec<_> = (0..4).map(|_| run()).collect();
            for run in runs {
                run.await.unwrap().unwrap();
            }
            let tree = studio.get_project_tree(project).await.unwrap();
            assert_eq!((tree.characters.len(), tree.characters[0].variations.len()), (1, 2));
            assert_eq!(tree.characters[0].animations.len(), 1);
            let expected: Vec<String> = names.iter().map(|name| format!("{name}.png")).collect();
            assert_eq!(walk(&tree), expected);
            // A newer export has another frame.
            let name = format!("frame_{round}");
            export.image(&format!("animations/walk/east/{name}.png"), round);
            names.push(name);
            export.metadata(&metadata(&names.iter().map(String::as_str).collect::<Vec<_>>()));
        }
    }

    async fn a_newer_export_adds_what_is_new_and_keeps_what_the_user_did(bench) {
        let export = Export::new();
        let studio = bench.create().await;
        let project = project(&studio, "Cats").await;
        import(&studio, project, export.path()).await;
        let tree = studio.get_project_tree(project).await.unwrap();
        // The user renames, and takes the first frame out.
        let character = &tree.characters[0];
        let patch = pegbar::CharacterPatch { name: Some("Tom".into()), ..Default::default() };
        studio.update_character(character.character.id, patch).await.unwrap();
        let removed = character.animations[0].frames[0].frame.id;
        studio.remove_frame(removed, None).await.unwrap();

        for (name, number) in [("frame_1b", 20), ("frame_3", 21), ("frame_4", 22)] {
            export.image(&format!("animations/walk/east/{name}.png"), number);
        }
        export.image("animations/sit/south/0.png", 23);
        export.image("rotations/north.png", 24);
        let mut newer = metadata(&["frame_0", "frame_1", "frame_1b", "frame_2", "frame_3", "frame_4"]);
        newer["frames"]["rotations"]["north"] = json!("./rotations/north.png");
        newer["frames"]["animations"]["sit"] = json!({ "south": ["animations/sit/south/0.png"] });
        export.metadata(&newer);
        let report = import(&studio, project, export.path()).await;
        assert_eq!(
            serde_json::to_value(report.created).unwrap(),
            json!({ "characters": 0, "variations": 1, "animations": 1, "frames": 4 })
        );
        assert_eq!(report.unchanged, 5);
        let tree = studio.get_project_tree(project).await.unwrap();
        let character = &tree.characters[0];
        assert_eq!(character.character.name, "Tom");
        assert_eq!(character.variations[2].tags, ["north"]);
        assert_ne!(character.character.primary_asset_id, Some(character.variations[2].id));
        assert_eq!(
            walk(&tree),
            ["frame_1.png", "frame_1b.png", "frame_2.png", "frame_3.png", "frame_4.png"]
        );
        assert_in_step(&studio, &tree);
        let again = import(&studio, project, export.path()).await;
        assert_eq!((again.created, again.unchanged), (pegbar::ImportedRows::default(), 10));
    }

    async fn a_changed_file_is_reported_and_left_alone(bench) {
        let export = Export::new();
        let studio = bench.create().await;
        let project = project(&studio, "Cats").await;
        import(&studio, project, export.path()).await;
        let before = studio.get_project_tree(project).await.unwrap();
        let path = "animations/walk/east/frame_1.png";
        export.image(path, 77);
        let report = import(&studio, project, export.path()).await;
        assert_eq!((report.unchanged, report.changed.count), (4, 1));
        let [changed] = report.changed.first.as_slice() else { panic!("one file") };
        let frame = &before.characters[0].animations[0].frames[1].asset;
        assert_eq!((changed.path.as_str(), changed.asset_id), (path, frame.id));
        assert_eq!((changed.recorded, changed.found), (Sha256::of(&png(1)), Sha256::of(&png(77))));
        assert_eq!(studio.get_project_tree(project).await.unwrap(), before);
    }

    async fn a_file_that_is_shown_twice_is_one_asset(bench) {
        let export = Export::new();
        let mut twice = metadata(&["frame_0", "frame_1", "frame_0"]);
        twice["frames"]["animations"]["hold"] = json!({
            "east": ["animations/walk/east/frame_1.png", "rotations/east.png"],
        });
        twice["frames"]["rotations"]["west"] = json!("rotations/east.png");
        export.metadata(&twice);
        let studio = bench.create().await;
        let project = project(&studio, "Cats").await;
        let report = import(&studio, project, export.path()).await;
        assert_eq!((report.created.variations, report.created.frames), (2, 5));
        assert_eq!(report.skipped.first, ["animations/walk/east/frame_2.png"]);
        let tree = studio.get_project_tree(project).await.unwrap();
        let animations = &tree.characters[0].animations;
        // serde_json's objects come sorted: "hold" is first in the file.
        assert_eq!(animations[0].frames[0].asset.id, animations[1].frames[1].asset.id);
        assert_eq!(animations[0].frames[1].asset.kind, AssetKind::Character);
        assert_eq!(animations[1].frames[0].asset.id, animations[1].frames[2].asset.id);
        let again = import(&studio, project, export.path()).await;
        assert_eq!((again.created, again.unchanged), (pegbar::ImportedRows::default(), 4));
    }
}
