//! Deleting moves into the trash, and what is used stays.

use pegbar::{Error, NewAnimation, NewCharacter, NewFrame, NewProject, ReferenceRole};

use crate::support::{assert_in_step, asset, files_below};

both_engines! {
    async fn a_deleted_project_is_in_the_trash_whole(bench) {
        let studio = bench.create().await;
        let (front, take) = (studio.new_id(), studio.new_id());
        let project = NewProject::new("P").tag("t").thumbnail(take).character(
            NewCharacter::new("C").tag("u")
                .variation(asset(1).id(front).tag("v").prompt("front"))
                .animation(NewAnimation::new("A").frame(NewFrame::new(
                    asset(2).id(take).made_from(front, ReferenceRole::Character)).prompt("f"))));
        let tree = studio.create_project(project).await.unwrap();
        let deletion = studio.delete_project(tree.project.id).await.unwrap();
        assert_eq!(
            (deletion.characters, deletion.animations, deletion.frames, deletion.assets),
            (1, 1, 1, 2));
        let error = studio.get_project(tree.project.id).await.unwrap_err();
        assert_eq!(error.code(), "not_found");
        assert_eq!(files_below(&studio.assets_folder()), []);
        let mut raw = bench.raw().await;
        for (entity, count) in [
            ("project", "1"), ("project_tag", "1"), ("character", "1"), ("character_tag", "1"),
            ("animation", "1"), ("frame", "1"), ("asset", "2"), ("asset_tag", "1"),
            ("asset_reference", "1"),
        ] {
            let query = format!("SELECT count(*) FROM trash WHERE entity = '{entity}'");
            assert_eq!(raw.text(&query).await, count, "{entity}");
        }
        assert_eq!(raw.text("SELECT count(*) FROM trash_blob").await, "2");
        assert_eq!(raw.text("SELECT count(*) FROM outbox").await, "0");
        assert_eq!(raw.text("SELECT count(*) FROM view_file").await, "0");
        let json = raw.text("SELECT content FROM trash WHERE entity = 'frame'").await;
        let row: serde_json::Value = serde_json::from_str(&json).unwrap();
        let frame = &tree.characters[0].animations[0].frames[0].frame;
        assert_eq!(row, serde_json::json!({
            "id": frame.id.0.simple().to_string(),
            "project_id": frame.project_id.0.simple().to_string(),
            "animation_id": frame.animation_id.0.simple().to_string(),
            "asset_id": frame.asset_id.0.simple().to_string(),
            "frame_index": 0, "frame_prompt": "f", "created_at": frame.created_at.0,
            "source_id": null,
        }));
    }

    async fn a_character_goes_with_everything_and_a_thumbnail_is_cleared(bench) {
        let studio = bench.create().await;
        let take = studio.new_id();
        let project = NewProject::new("P").thumbnail(take)
            .character(NewCharacter::new("C").variation(asset(1)).animation(
                NewAnimation::new("A").frame(NewFrame::new(asset(2).id(take)))
                    .take(asset(3))))
            .character(NewCharacter::new("D").variation(asset(1)));
        let tree = studio.create_project(project).await.unwrap();
        let character = tree.characters[0].character.id;
        let deletion = studio.delete_character(character).await.unwrap();
        assert_eq!((deletion.frames, deletion.assets), (1, 3));
        let left = studio.get_project_tree(tree.project.id).await.unwrap();
        assert_eq!(left.characters.len(), 1);
        assert_eq!(left.project.thumbnail_id, None);
        assert_in_step(&studio, &left);
    }

    async fn a_take_that_another_animation_shows_stays_as_its_take(bench) {
        let studio = bench.create().await;
        let (shared, own) = (studio.new_id(), studio.new_id());
        let project = NewProject::new("P")
            .character(NewCharacter::new("C").animation(NewAnimation::new("A")
                .frame(NewFrame::new(asset(1).id(shared)))
                .frame(NewFrame::new(asset(2).id(own)))))
            .character(NewCharacter::new("D").animation(NewAnimation::new("B")
                .frame(NewFrame::showing(shared))));
        let tree = studio.create_project(project).await.unwrap();
        assert_in_step(&studio, &tree);
        let [a, b] = [0, 1].map(|c| tree.characters[c].animations[0].animation.id);
        let path = tree.characters[1].animations[0].frames[0].asset.file_path.clone().unwrap();
        assert!(path.ends_with("frames/A/C_A_0.png"), "{path}");
        studio.delete_animation(a).await.unwrap();
        let left = studio.get_project_tree(tree.project.id).await.unwrap();
        let kept = &left.characters[1].animations[0].frames[0].asset;
        assert_eq!((kept.id, kept.animation_id), (shared, Some(b)));
        assert!(kept.file_path.as_ref().unwrap().ends_with("frames/B/D_B_0.png"));
        assert_eq!(studio.get_asset(own).await.unwrap_err().code(), "not_found");
        assert_in_step(&studio, &left);
    }

    async fn what_is_used_is_refused_with_its_users(bench) {
        let studio = bench.create().await;
        let (reference, front, take) = (studio.new_id(), studio.new_id(), studio.new_id());
        let project = NewProject::new("P").thumbnail(reference)
            .reference(asset(1).id(reference))
            .character(NewCharacter::new("C")
                .variation(asset(2).id(front).made_from(reference, ReferenceRole::Style))
                .animation(NewAnimation::new("A").frame(NewFrame::new(asset(3).id(take)))))
            .character(NewCharacter::new("D")
                .variation(asset(4).made_from(front, ReferenceRole::Character))
                .variation(asset(5).made_from(take, ReferenceRole::Pose)));
        let tree = studio.create_project(project).await.unwrap();
        let users = |error: Error| match error {
            Error::InUse { users, .. } => {
                let how = users.iter().map(|user| format!("{} {}", user.entity, user.how));
                how.collect::<Vec<_>>()
            }
            other => panic!("{other}"),
        };
        let error = studio.delete_asset(reference).await.unwrap_err();
        assert!(error.hint().is_some());
        assert_eq!(users(error), ["asset was made from it", "project has it as its thumbnail"]);
        let error = studio.delete_asset(take).await.unwrap_err();
        assert_eq!(users(error), ["frame shows it", "asset was made from it"]);
        let character = &tree.characters[0];
        let error = studio.delete_character(character.character.id).await.unwrap_err();
        assert_eq!(users(error), ["asset was made from it", "asset was made from it"]);
        let error = studio.delete_animation(character.animations[0].animation.id).await;
        assert_eq!(users(error.unwrap_err()), ["asset was made from it"]);
        let now = studio.get_project_tree(tree.project.id).await.unwrap();
        assert_eq!(now, tree);
        assert_in_step(&studio, &now);
    }

    async fn deleted_bytes_stay_in_the_store(bench) {
        let studio = bench.create().await;
        let project = studio.create_project(NewProject::new("P").reference(asset(1))).await.unwrap();
        let blobs = studio.root().join(".pegbar/blobs");
        let before = files_below(&blobs);
        studio.delete_asset(project.references[0].id).await.unwrap();
        assert_eq!(files_below(&blobs), before);
        assert_eq!(files_below(&studio.assets_folder()), []);
        // The same bytes come again as another asset.
        let again = studio.create_asset(project.project.id, asset(1)).await.unwrap();
        assert_eq!(again.sha256, project.references[0].sha256);
        assert_eq!(files_below(&blobs), before);
    }
}
