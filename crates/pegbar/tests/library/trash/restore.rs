//! Restoring brings all of it back, whatever has happened since.

use pegbar::{
    AnimationPatch, CharacterPatch, DeletionKind, Error, FrameImage, NewAnimation, NewAnnotation,
    NewCharacter, NewFrame, NewProject, ProjectPatch, Studio,
};

use super::{newest, reopened, zoo};
use crate::support::{assert_in_step, asset};

async fn empty(studio: &Studio, bench: &crate::support::Bench) {
    let mut raw = bench.raw().await;
    for table in ["trash", "trash_blob", "deletion", "outbox"] {
        assert_eq!(
            raw.text(&format!("SELECT count(*) FROM {table}")).await,
            "0",
            "{table}"
        );
    }
    assert!(studio.take_notices().is_empty());
}

fn hint(error: &Error) -> String {
    error.hint().unwrap_or_default()
}

both_engines! {
    async fn a_project_comes_back_whole(bench) {
        let studio = bench.create().await;
        let tree = zoo(&studio).await;
        let asset = tree.characters[0].variations[0].id;
        studio.annotate_asset(asset, NewAnnotation::new("nice").author("me")).await.unwrap();
        let said = studio.list_annotations(asset).await.unwrap();
        let deletion = studio.delete_project(tree.project.id).await.unwrap();
        let restored = studio.restore(deletion.id).await.unwrap();
        assert_eq!((restored.missing.len(), restored.renamed.len(), restored.left.len()), (0, 0, 0));
        assert_eq!(reopened(bench, &tree).await, tree);
        assert_eq!(studio.list_annotations(asset).await.unwrap(), said);
        empty(&studio, bench).await;
        let scope = pegbar::VerifyScope::Everything;
        let verified = studio.verify(&scope, Default::default(), |_, _| {}).await.unwrap();
        assert!(verified.is_whole());
        // Gone again, and back again.
        let deletion = studio.delete_project(tree.project.id).await.unwrap();
        studio.restore(deletion.id).await.unwrap();
        assert_eq!(reopened(bench, &tree).await, tree);
    }

    async fn a_character_an_animation_and_assets_come_back_with_what_they_changed(bench) {
        let studio = bench.create().await;
        let tree = zoo(&studio).await;
        let cat = &tree.characters[0];
        for round in 0..3 {
            let deletion = match round {
                0 => studio.delete_animation(cat.animations[0].animation.id).await.unwrap(),
                1 => studio.delete_character(tree.characters[1].character.id).await.unwrap(),
                _ => studio.delete_asset(cat.variations[1].id).await.unwrap(),
            };
            assert_ne!(studio.get_project_tree(tree.project.id).await.unwrap(), tree);
            studio.restore(deletion.id).await.unwrap();
            let mut back = reopened(bench, &tree).await;
            back.project.updated_at = tree.project.updated_at;
            assert_eq!(back, tree, "{round}");
            empty(&studio, bench).await;
        }
    }

    async fn a_primary_variation_comes_back_unless_another_was_chosen_since(bench) {
        let studio = bench.create().await;
        let project = NewProject::new("P").character(
            NewCharacter::new("C").variation(asset(1)).variation(asset(2)).variation(asset(3)));
        let tree = studio.create_project(project).await.unwrap();
        let character = tree.characters[0].character.id;
        let [first, second, third] = [0, 1, 2].map(|n| tree.characters[0].variations[n].id);
        let primary = async || studio.get_character(character).await.unwrap().primary_asset_id;
        let deletion = studio.delete_asset(first).await.unwrap();
        assert_eq!(primary().await, Some(third));
        assert_eq!(studio.restore(deletion.id).await.unwrap().left.len(), 0);
        assert_eq!(primary().await, Some(first));
        let deletion = studio.delete_asset(first).await.unwrap();
        studio.set_primary(character, Some(second)).await.unwrap();
        let restored = studio.restore(deletion.id).await.unwrap();
        assert_eq!((primary().await, restored.left.len()), (Some(second), 1));
    }

    async fn a_thumbnail_comes_back_unless_another_was_chosen_since(bench) {
        let studio = bench.create().await;
        let tree = zoo(&studio).await;
        let walk = tree.characters[0].animations[0].animation.id;
        let deletion = studio.delete_animation(walk).await.unwrap();
        let other = Some(tree.references[0].id);
        let patch = ProjectPatch { thumbnail_id: Some(other), ..Default::default() };
        studio.update_project(tree.project.id, patch).await.unwrap();
        assert_eq!(studio.restore(deletion.id).await.unwrap().left.len(), 1);
        assert_eq!(studio.get_project(tree.project.id).await.unwrap().thumbnail_id, other);
    }

    async fn names_that_were_taken_meanwhile_get_another_ending(bench) {
        let studio = bench.create().await;
        let tree = zoo(&studio).await;
        let (cat, walk) = (&tree.characters[0].character, &tree.characters[0].animations[0].animation);
        let deletion = studio.delete_animation(walk.id).await.unwrap();
        studio.create_animation(cat.id, NewAnimation::new("walk").frame(NewFrame::new(asset(50)))).await.unwrap();
        let restored = studio.restore(deletion.id).await.unwrap();
        assert_eq!(restored.renamed.len(), 1);
        assert_eq!((restored.renamed[0].from.as_str(), restored.renamed[0].name.as_str()), ("Walk", "Walk"));
        let now = reopened(bench, &tree).await;
        let back = now.characters[0].animations.iter().find(|it| it.animation.id == walk.id).unwrap();
        assert_eq!((back.animation.name.as_str(), back.animation.segment.as_deref()), ("Walk", Some("Walk-2")));
        let path = back.frames[1].asset.file_path.as_deref().unwrap();
        assert!(path.ends_with("frames/Walk-2/Cat_Walk-2_1.png"), "{path}");
        let deletion = studio.delete_character(cat.id).await.unwrap();
        studio.create_character(tree.project.id, NewCharacter::new("CAT")).await.unwrap();
        studio.restore(deletion.id).await.unwrap();
        let now = reopened(bench, &tree).await;
        let back = now.characters.iter().find(|it| it.character.id == cat.id).unwrap();
        assert_eq!((back.character.name.as_str(), back.character.segment.as_deref()), ("Cat", Some("Cat-2")));
        assert_eq!(back.variations.len(), 2);
    }

    async fn removed_frames_come_back_to_their_places_and_others_move_on(bench) {
        let studio = bench.create().await;
        let tree = zoo(&studio).await;
        let walk = &tree.characters[0].animations[0];
        let removed = &walk.frames[0];
        studio.remove_frame(removed.frame.id, None).await.unwrap();
        let deletion = newest(&studio).await;
        assert_eq!((deletion.kind, deletion.name.as_str()), (DeletionKind::Frames, "Cat/Walk/0"));
        let new = vec![NewFrame::new(asset(60)), NewFrame::new(asset(61))];
        studio.insert_frames(walk.animation.id, 0, new, None).await.unwrap();
        studio.restore(deletion.id).await.unwrap();
        let now = reopened(bench, &tree).await;
        let frames = &now.characters[0].animations[0].frames;
        assert_eq!(frames.iter().map(|it| it.frame.frame_index).collect::<Vec<_>>(), [0, 1, 2, 3]);
        assert_eq!(frames[0].frame, removed.frame);
        assert_eq!(frames[3].frame.id, walk.frames[1].frame.id);
        assert_eq!(now.characters[0].animations[0].animation.version, walk.animation.version + 3);
        empty(&studio, bench).await;
    }

    async fn what_belongs_to_something_in_the_trash_waits_for_it(bench) {
        let studio = bench.create().await;
        let tree = zoo(&studio).await;
        let (cat, walk) = (&tree.characters[0], &tree.characters[0].animations[0]);
        studio.remove_frame(walk.frames[1].frame.id, None).await.unwrap();
        let frame = newest(&studio).await.id;
        let animation = studio.delete_animation(walk.animation.id).await.unwrap().id;
        let error = studio.restore(frame).await.unwrap_err();
        assert_eq!(error.code(), "conflict");
        assert!(hint(&error).contains(&animation.to_string()), "{error}");
        let character = studio.delete_character(cat.character.id).await.unwrap().id;
        assert!(hint(&studio.restore(animation).await.unwrap_err()).contains(&character.to_string()));
        let project = studio.delete_project(tree.project.id).await.unwrap().id;
        assert!(hint(&studio.restore(character).await.unwrap_err()).contains(&project.to_string()));
        for deletion in [project, character, animation, frame] {
            studio.restore(deletion).await.unwrap();
        }
        let mut now = reopened(bench, &tree).await;
        now.project.updated_at = tree.project.updated_at;
        let animation = &mut now.characters[0].animations[0].animation;
        (animation.version, animation.updated_at) = (walk.animation.version, walk.animation.updated_at);
        assert_eq!(now, tree);
    }

    async fn an_input_comes_back_before_what_was_made_from_it(bench) {
        let studio = bench.create().await;
        let project = studio.create_project(NewProject::new("P").reference(asset(1))).await.unwrap();
        let input = project.references[0].id;
        let made = asset(2).made_from(input, pegbar::ReferenceRole::Style);
        let made = studio.create_asset(project.project.id, made).await.unwrap();
        let second = studio.delete_asset(made.id).await.unwrap().id;
        let first = studio.delete_asset(input).await.unwrap().id;
        assert!(hint(&studio.restore(second).await.unwrap_err()).contains(&first.to_string()));
        studio.restore(first).await.unwrap();
        studio.restore(second).await.unwrap();
        assert_eq!(studio.get_asset(made.id).await.unwrap(), made);
    }

    async fn an_id_that_was_taken_meanwhile_is_refused(bench) {
        let studio = bench.create().await;
        let tree = studio.create_project(NewProject::new("P").reference(asset(1))).await.unwrap();
        let id = tree.references[0].id;
        let deletion = studio.delete_asset(id).await.unwrap().id;
        studio.create_asset(tree.project.id, asset(2).id(id)).await.unwrap();
        let error = studio.restore(deletion).await.unwrap_err();
        assert_eq!(error.code(), "conflict");
        assert!(error.to_string().contains(&id.to_string()), "{error}");
        assert_eq!(studio.get_deletion(deletion).await.unwrap().id, deletion);
    }

    async fn rows_of_an_older_schema_come_back_with_defaults(bench) {
        let studio = bench.create().await;
        let tree = zoo(&studio).await;
        let deletion = studio.delete_project(tree.project.id).await.unwrap().id;
        let mut raw = bench.raw().await;
        let drop = match studio.engine() {
            pegbar::Engine::Sqlite => "UPDATE trash SET content = \
                json_remove(content, '$.frame_duration_ms', '$.image_count', '$.source_id', '$.description')",
            pegbar::Engine::Postgres => "UPDATE trash SET content = \
                content - 'frame_duration_ms' - 'image_count' - 'source_id' - 'description'",
        };
        raw.run(drop).await.unwrap();
        studio.restore(deletion).await.unwrap();
        let now = reopened(bench, &tree).await;
        assert_eq!(now.characters[0].variations[0].image_count, None);
        assert_eq!(now.project.description, "");
        assert_eq!(now.characters[0].animations[0].frames, {
            let mut frames = tree.characters[0].animations[0].frames.clone();
            for it in &mut frames {
                it.asset.image_count = None;
            }
            frames
        });
    }

    async fn dropped_bytes_and_annotations_come_back(bench) {
        let studio = bench.create().await;
        let tree = zoo(&studio).await;
        let variation = tree.characters[0].variations[1].clone();
        let dropped = studio.drop_bytes(variation.id).await.unwrap();
        studio.restore(dropped.id).await.unwrap();
        assert_eq!(studio.get_asset(variation.id).await.unwrap(), variation);
        assert_in_step(&studio, &studio.get_project_tree(tree.project.id).await.unwrap());
        let said = studio.annotate_asset(variation.id, NewAnnotation::new("hm")).await.unwrap();
        studio.delete_annotation(said.id).await.unwrap();
        let deletion = newest(&studio).await;
        assert_eq!(deletion.kind, DeletionKind::Annotation);
        studio.restore(deletion.id).await.unwrap();
        assert_eq!(studio.list_annotations(variation.id).await.unwrap(), [said]);
        empty(&studio, bench).await;
    }

    async fn what_was_damaged_in_the_store_is_said(bench) {
        let studio = bench.create().await;
        let tree = zoo(&studio).await;
        let deletion = studio.delete_project(tree.project.id).await.unwrap().id;
        let sha256 = tree.references[0].sha256.unwrap().to_string();
        let blob = studio.root().join(".pegbar/blobs").join(&sha256[..2]).join(&sha256);
        std::fs::rename(&blob, blob.with_extension("away")).unwrap();
        let restored = studio.restore(deletion).await.unwrap();
        assert_eq!(restored.missing.len(), 1);
        assert_eq!(restored.missing[0].asset_id, tree.references[0].id);
        let _ = studio.take_notices();
        std::fs::rename(blob.with_extension("away"), &blob).unwrap();
        assert_eq!(reopened(bench, &tree).await, tree);
    }

    async fn of_several_that_restore_at_once_one_does(bench) {
        let studio = bench.create().await;
        let tree = zoo(&studio).await;
        for round in 0..5 {
            let deletion = studio.delete_project(tree.project.id).await.unwrap().id;
            let handles = [studio.clone(), bench.open().await, bench.open().await];
            let calls = handles.map(|it| tokio::spawn(async move { it.restore(deletion).await }));
            let mut done = 0;
            for call in calls {
                match call.await.unwrap() {
                    Ok(_) => done += 1,
                    Err(error) => assert_eq!(error.code(), "not_found", "{error:?}"),
                }
            }
            assert_eq!(done, 1, "{round}");
            assert_eq!(reopened(bench, &tree).await, tree);
        }
    }

    async fn those_who_follow_hear_of_what_comes_back(bench) {
        let studio = bench.create().await;
        let tree = zoo(&studio).await;
        let deletion = studio.delete_project(tree.project.id).await.unwrap().id;
        let last = studio.last_change(tree.project.id).await.unwrap();
        studio.restore(deletion).await.unwrap();
        let changes = studio.list_changes(tree.project.id, last, 10).await.unwrap().changes;
        assert_eq!((changes.len(), changes[0].number), (1, last + 1));
        let created = changes[0].entities.iter().filter(|it| it.change == pegbar::ChangeKind::Created);
        assert_eq!(created.count(), 1 + 2 + 2 + 8 + 4);
    }

    async fn other_changes_meanwhile_do_not_hinder(bench) {
        let studio = bench.create().await;
        let tree = zoo(&studio).await;
        let (cat, dog) = (&tree.characters[0], &tree.characters[1]);
        let walk = cat.animations[0].animation.id;
        let deletion = studio.delete_animation(walk).await.unwrap().id;
        let name = Some("Tiger".to_owned());
        studio.update_character(cat.character.id, CharacterPatch { name, ..Default::default() }).await.unwrap();
        let name = Some("Sprint".to_owned());
        let run = dog.animations[0].animation.id;
        studio.update_animation(run, AnimationPatch { name, ..Default::default() }).await.unwrap();
        let frame = dog.animations[0].frames[0].frame.id;
        studio.replace_frame(frame, FrameImage::New(Box::new(asset(70))), None).await.unwrap();
        studio.restore(deletion).await.unwrap();
        let now = reopened(bench, &tree).await;
        let path = now.characters[0].animations[0].frames[0].asset.file_path.clone().unwrap();
        assert!(path.ends_with("frames/Walk/Tiger_Walk_0.png"), "{path}");
    }
}
