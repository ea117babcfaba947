//! A whole project in one call, and what is refused.

use pegbar::{
    AnimationId, AssetId, FrameImage, Json, MillisSinceEpoch, NewAnimation, NewAsset, NewCharacter,
    NewFrame, NewProject, ProjectId, ReferenceRole, Sha256, Studio,
};

use crate::support::{assert_in_step, asset, files_below, png, project_with_character};

/// Ten characters of four variations and five animations of twelve frames.
fn large(studio: &Studio) -> NewProject {
    let mut number = 0;
    let mut next = || {
        number += 1;
        asset(number).id(studio.new_id())
    };
    let mut project = NewProject::new("Large");
    for c in 0..10 {
        let mut character = NewCharacter::new(format!("Character {c}")).tag("hero");
        let front = next();
        let front_id = front.id.unwrap();
        character = character.variation(front.tag("front"));
        for _ in 0..3 {
            let made = next().made_from(front_id, ReferenceRole::Character);
            character = character.variation(made);
        }
        for a in 0..5 {
            let mut animation = NewAnimation::new(format!("Animation {a}"));
            let mut previous: Option<AssetId> = None;
            for f in 0..12 {
                let mut take = next().prompt(format!("frame {f}"));
                take = take.made_from(front_id, ReferenceRole::Character);
                if let Some(previous) = previous {
                    take = take.made_from(previous, ReferenceRole::PreviousFrame);
                }
                previous = take.id;
                animation = animation.frame(NewFrame::new(take).prompt(format!("pose {f}")));
            }
            character = character.animation(animation);
        }
        project = project.character(character);
    }
    project
}

both_engines! {
    async fn a_whole_project_is_created_in_one_call(bench) {
        let studio = bench.create().await;
        let tree = studio.create_project(large(&studio)).await.unwrap();
        assert_eq!(tree.characters.len(), 10);
        for (c, character) in tree.characters.iter().enumerate() {
            assert_eq!(character.character.name, format!("Character {c}"));
            assert_eq!(character.character.tags, ["hero"]);
            assert_eq!(character.variations.len(), 4);
            assert_eq!(character.character.primary_asset_id, Some(character.variations[0].id));
            assert_eq!(character.variations[0].tags, ["front"]);
            assert_eq!(character.animations.len(), 5);
            for animation in &character.animations {
                assert_eq!(animation.animation.frame_count, 12);
                assert_eq!(animation.takes, []);
                for (f, frame) in animation.frames.iter().enumerate() {
                    assert_eq!(frame.frame.frame_index as usize, f);
                    assert_eq!(frame.frame.frame_prompt, Some(format!("pose {f}")));
                    assert_eq!(frame.asset.generation_prompt, Some(format!("frame {f}")));
                    assert_eq!(frame.asset.references.len(), if f == 0 { 1 } else { 2 });
                    assert_eq!(frame.asset.project_id, tree.project.id);
                }
            }
        }
        assert_in_step(&studio, &tree);
        let one = &tree.characters[3];
        assert_eq!(studio.get_character_tree(one.character.id).await.unwrap(), *one);
        let animation = &one.animations[2];
        let read = studio.get_animation_tree(animation.animation.id).await.unwrap();
        assert_eq!(read, *animation);
        assert!(studio.take_notices().is_empty());
    }

    async fn ids_are_the_callers_and_types_are_typed(bench) {
        #[derive(serde::Deserialize)]
        struct Settings {
            steps: u32,
        }
        let studio = bench.create().await;
        let (project, front): (ProjectId, AssetId) = (studio.new_id(), studio.new_id());
        let settings = Json::from_typed(&serde_json::json!({ "steps": 20 })).unwrap();
        let made = asset(1).id(front).prompt("p").system_prompt("s").model("m").settings(settings);
        let created = studio
            .create_project(
                NewProject::new("P").id(project).reference(made.original_name("in.png")),
            )
            .await
            .unwrap();
        assert_eq!(created.project.id, project);
        let asset = &created.references[0];
        assert_eq!(asset.id, front);
        let settings: Settings = asset.generation_settings.as_ref().unwrap().to_typed().unwrap();
        assert_eq!(settings.steps, 20);
        assert_eq!((asset.width, asset.height), (Some(8), Some(6)));
        assert_eq!(asset.file_size, Some(png(1).len() as u64));
        assert_eq!(asset.original_name.as_deref(), Some("in.png"));
    }

    async fn the_record_says_what_went_in(bench) {
        let studio = bench.create().await;
        let (input, output): (AssetId, AssetId) = (studio.new_id(), studio.new_id());
        let time = MillisSinceEpoch(1_767_250_949_000);
        // The output stands before its input: the order of creation does not matter.
        let project = NewProject::new("P")
            .reference(
                asset(2).id(output).prompt("two").created_at(time)
                    .made_from(input, ReferenceRole::Style),
            )
            .reference(asset(1).id(input).created_at(time));
        let tree = studio.create_project(project).await.unwrap();
        let by_id = |id| tree.references.iter().find(|asset| asset.id == id).unwrap();
        let (input, output) = (by_id(input), by_id(output));
        let input_record = format!(
            r#"{{"format":1,"inputs":[],"model":null,"prompt":null,"settings":null,"sha256":"{}","systemPrompt":null,"time":"2026-01-01T07:02:29.000Z"}}"#,
            Sha256::of(&png(1)));
        assert_eq!(input.record.as_ref(), Some(&input_record));
        assert_eq!(input.record_hash, Some(Sha256::of(input_record.as_bytes())));
        let record = output.record.as_ref().unwrap();
        assert!(record.contains(&format!(
            r#""inputs":[{{"recordHash":"{}","role":"style","sha256":"{}"}}]"#,
            Sha256::of(input_record.as_bytes()), Sha256::of(&png(1)))), "{record}");
        assert_eq!(output.references[0].sha256, Some(Sha256::of(&png(1))));
        let json = serde_json::to_value(output).unwrap();
        assert_eq!(json["referenceAssetIds"], serde_json::json!([input.id]));
        assert_eq!(json["references"][0]["role"], "style");
    }

    async fn nothing_is_created_when_something_is_refused(bench) {
        let studio = bench.create().await;
        let cat = project_with_character(&studio).await;
        let before = files_below(&studio.assets_folder());
        let id: AssetId = studio.new_id();
        let elsewhere: AssetId = studio.new_id();
        let refusals: Vec<(&str, NewProject)> = vec![
            ("not an image", NewProject::new("P").reference(NewAsset::from_bytes("hello"))),
            ("empty", NewProject::new("P").reference(NewAsset::from_bytes(""))),
            ("itself", NewProject::new("P").reference(
                asset(1).id(id).made_from(id, ReferenceRole::Other))),
            ("no asset", NewProject::new("P").reference(
                asset(1).made_from(elsewhere, ReferenceRole::Other))),
            ("of another project", NewProject::new("P").reference(asset(1).made_from(
                cat.characters[0].variations[0].id, ReferenceRole::Other))),
            ("primary", NewProject::new("P").character(
                NewCharacter::new("C").variation(asset(1)).primary(elsewhere))),
            ("thumbnail", NewProject::new("P").thumbnail(elsewhere)),
            ("a taken id", NewProject::new("P").id(cat.project.id)),
            ("one id twice", NewProject::new("P").reference(asset(1).id(id))
                .reference(asset(2).id(id))),
            ("a name of 300 bytes", NewProject::new("x".repeat(300))),
            ("a long tag", NewProject::new("P").tag("x".repeat(65))),
            ("a missing file", NewProject::new("P").reference(NewAsset::from_file("/no/such"))),
            ("a folder", NewProject::new("P").reference(NewAsset::from_file(bench.root()))),
        ];
        for (what, project) in refusals {
            let refused = studio.create_project(project).await;
            assert!(refused.is_err(), "{what} was accepted");
        }
        let projects = studio.list_projects(&Default::default(), Default::default()).await.unwrap();
        assert_eq!(projects.rows.len(), 1);
        assert_eq!(files_below(&studio.assets_folder()), before);
        let gone: AnimationId = studio.new_id();
        let frame = NewFrame { id: None, image: FrameImage::Asset(id), ..NewFrame::showing(id) };
        let error = studio.append_frames(gone, vec![frame], None).await.unwrap_err();
        assert_eq!(error.code(), "not_found");
    }

    async fn many_assets_are_created_in_their_order(bench) {
        let studio = bench.create().await;
        let project = studio.create_project(NewProject::new("P")).await.unwrap().project.id;
        let stored = studio.store_image(&pegbar::ImageSource::Bytes(png(1))).unwrap();
        let new = |_| NewAsset::new(pegbar::ImageSource::Stored(stored));
        let created = studio.create_assets(project, (0..12_000).map(new).collect()).await.unwrap();
        assert_eq!(created.len(), 12_000);
        assert!(created.is_sorted_by_key(|asset| asset.id));
        let tree = studio.get_project_tree(project).await.unwrap();
        assert_eq!(tree.references, created);
    }

    async fn the_first_variation_is_primary_and_deleting_it_promotes(bench) {
        let studio = bench.create().await;
        let project = studio.create_project(NewProject::new("P")).await.unwrap().project.id;
        let cat = studio.create_character(project, NewCharacter::new("Cat")).await.unwrap();
        assert_eq!(cat.character.primary_asset_id, None);
        let id = cat.character.id;
        let first = studio.create_variation(id, asset(1)).await.unwrap();
        let second = studio.create_variation(id, asset(2)).await.unwrap();
        let third = studio.create_variation(id, asset(3)).await.unwrap();
        let primary = async || studio.get_character(id).await.unwrap().primary_asset_id;
        assert_eq!(primary().await, Some(first.id));
        studio.delete_asset(first.id).await.unwrap();
        assert_eq!(primary().await, Some(third.id));
        studio.delete_asset(second.id).await.unwrap();
        assert_eq!(primary().await, Some(third.id));
        studio.delete_asset(third.id).await.unwrap();
        assert_eq!(primary().await, None);
        let page = studio.list_variations(id, Default::default()).await.unwrap();
        assert_eq!(page.rows, []);
    }
}
