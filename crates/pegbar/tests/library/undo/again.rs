//! What came back from the trash by hand goes again, just as it was there before.

use pegbar::{
    CharacterPatch, DeletionKind, NewAnimation, NewAnnotation, NewCharacter, NewFrame,
    PurgeOptions, PurgeScope,
};

use super::{Place, last, shown, undo};
use crate::support::asset;
use crate::trash::newest;

both_engines! {
    async fn a_return_is_undone_and_then_the_deletion_itself(bench) {
        let place = Place::new(bench).await;
        let (studio, project) = (&place.studio, place.tree.project.id);
        let [cat, dog] = &place.tree.characters[..] else {
            panic!("a zoo has two");
        };
        let bare = shown(studio, project).await;
        let note = studio.annotate_asset(cat.variations[1].id, NewAnnotation::new("n")).await.unwrap();
        let before = shown(studio, project).await;
        for name in ["project", "character", "animation", "frames", "bytes", "annotation", "asset", "across"] {
            if name == "across" {
                let (frame, run) = (cat.animations[0].frames[1].frame.id, dog.animations[0].animation.id);
                studio.move_frame_to_animation(frame, run, Some(0), None).await.unwrap();
            } else {
                place.delete(&format!("{name} "), note.id).await;
            }
            let gone = shown(studio, project).await;
            let entry = newest(studio).await;
            studio.restore(entry.id).await.unwrap();
            let undone = studio.undo(&last(studio, project).await).await.unwrap();
            assert_eq!(undone.deletion.map(|it| it.id), Some(entry.id), "{name}");
            let again = studio.get_deletion(entry.id).await.unwrap();
            assert_eq!((again.kind, &again.name, &again.effects), (entry.kind, &entry.name, &entry.effects));
            // When bytes were dropped is told anew.
            assert!(name == "bytes" || shown(studio, project).await == gone, "{name}");
            undo(studio, project).await;
            assert_eq!(shown(studio, project).await, before, "{name}");
        }
        undo(studio, project).await;
        assert_eq!(shown(studio, project).await, bare);
    }

    async fn the_primary_variation_is_the_one_that_it_was_without_what_came_back(bench) {
        let Place { studio, tree, .. } = Place::new(bench).await;
        let project = tree.project.id;
        let owl = NewCharacter::new("Owl").variation(asset(50)).variation(asset(51)).variation(asset(52));
        let owl = studio.create_character(project, owl).await.unwrap();
        let (owl, variations) = (owl.character.id, owl.variations);
        let before = shown(&studio, project).await;
        // A newer one came meanwhile, or another was chosen.
        for is_chosen in [false, true] {
            let deletion = studio.delete_asset(variations[0].id).await.unwrap().id;
            let deleted = shown(&studio, project).await;
            let primary = studio.get_character(owl).await.unwrap().primary_asset_id;
            assert_eq!(primary, Some(variations[2].id));
            if is_chosen {
                let patch = CharacterPatch { primary_asset_id: Some(Some(variations[1].id)), ..Default::default() };
                studio.update_character(owl, patch).await.unwrap();
            } else {
                studio.create_variation(owl, asset(53)).await.unwrap();
            }
            let gone = shown(&studio, project).await;
            let restored = studio.restore(deletion).await.unwrap();
            assert_eq!(restored.left.is_empty(), !is_chosen);
            for state in [&gone, &deleted, &before] {
                undo(&studio, project).await;
                assert_eq!(&shown(&studio, project).await, state);
            }
        }
    }

    async fn a_take_that_stayed_is_again_one_of_the_animation_that_had_it(bench) {
        let Place { studio, tree, .. } = Place::new(bench).await;
        let (project, dog) = (tree.project.id, tree.characters[1].character.id);
        let sit = NewAnimation::new("Sit").frame(NewFrame::new(asset(60)));
        let sit = studio.create_animation(dog, sit).await.unwrap().animation.id;
        let hop = NewAnimation::new("Hop").frame(NewFrame::new(asset(61)));
        let hop = studio.create_animation(dog, hop).await.unwrap();
        let take = hop.frames[0].asset.id;
        let leap = NewAnimation::new("Leap").frame(NewFrame::showing(take)).frame(NewFrame::new(asset(62)));
        let leap = studio.create_animation(dog, leap).await.unwrap();
        let before = shown(&studio, project).await;
        // Nobody shows it any more, or one that comes before the other.
        for is_shown in [false, true] {
            let deletion = studio.delete_animation(hop.animation.id).await.unwrap().id;
            let deleted = shown(&studio, project).await;
            if is_shown {
                studio.insert_frames(sit, 0, vec![NewFrame::showing(take)], None).await.unwrap();
            } else {
                studio.remove_frame(leap.frames[0].frame.id, None).await.unwrap();
            }
            let gone = shown(&studio, project).await;
            let entry = studio.get_deletion(deletion).await.unwrap();
            studio.restore(deletion).await.unwrap();
            undo(&studio, project).await;
            assert_eq!(shown(&studio, project).await, gone);
            let again = studio.get_deletion(deletion).await.unwrap();
            assert_eq!((again.assets, &again.effects), (entry.assets, &entry.effects));
            for state in [&deleted, &before] {
                undo(&studio, project).await;
                assert_eq!(&shown(&studio, project).await, state);
            }
        }
    }

    async fn what_another_program_made_of_a_frame_that_was_moved_across_is_kept(bench) {
        let Place { studio, tree, .. } = Place::new(bench).await;
        let [cat, dog] = &tree.characters[..] else {
            panic!("a zoo has two");
        };
        let (project, frame) = (tree.project.id, cat.animations[0].frames[1].frame.id);
        let before = shown(&studio, project).await;
        let run = dog.animations[0].animation.id;
        let run = studio.move_frame_to_animation(frame, run, Some(0), None).await.unwrap();
        let moved = shown(&studio, project).await;
        let mut raw = bench.raw().await;
        let id = raw.id(run.frames[0].frame.id);
        let (own, theirs) = (raw.id(run.frames[0].asset.id), raw.id(cat.variations[1].id));
        for (theirs, own) in [
            ("frame_prompt = 'theirs'".to_owned(), "frame_prompt = 'b'".to_owned()),
            (format!("asset_id = {theirs}"), format!("asset_id = {own}")),
        ] {
            raw.run(&format!("UPDATE frame SET {theirs} WHERE id = {id}")).await.unwrap();
            let edited = shown(&studio, project).await;
            assert_ne!(edited, moved);
            let error = studio.undo(&last(&studio, project).await).await.unwrap_err();
            assert!(error.to_string().contains("the frames of \"Run\" have been changed since"), "{error}");
            assert_eq!(shown(&studio, project).await, edited);
            raw.run(&format!("UPDATE frame SET {own} WHERE id = {id}")).await.unwrap();
        }
        undo(&studio, project).await;
        assert_eq!(shown(&studio, project).await, before);
    }

    async fn a_move_across_whose_frame_was_purged_says_that_it_stays(bench) {
        let Place { studio, tree, .. } = Place::new(bench).await;
        let [cat, dog] = &tree.characters[..] else {
            panic!("a zoo has two");
        };
        let (frame, run) = (cat.animations[0].frames[1].frame.id, dog.animations[0].animation.id);
        studio.move_frame_to_animation(frame, run, None, None).await.unwrap();
        let options = PurgeOptions { grace_ms: 0, ..PurgeOptions::default() };
        studio.purge(PurgeScope::All, options, |_| {}).await.unwrap();
        let action = last(&studio, tree.project.id).await;
        assert_eq!(action.what, "the move of a frame to the animation \"Dog/Run\"");
        let obstacle = action.obstacle.clone().unwrap();
        assert!(obstacle.message.contains("was purged"), "{}", obstacle.message);
        assert_eq!(studio.undo(&action).await.unwrap_err().code(), "conflict");
    }

    async fn an_annotation_that_is_taken_back_is_named_in_the_trash(bench) {
        let Place { studio, tree, .. } = Place::new(bench).await;
        let (project, front) = (tree.project.id, tree.characters[0].variations[0].id);
        let note = studio.annotate_asset(front, NewAnnotation::new("nice")).await.unwrap();
        let undone = studio.undo(&last(&studio, project).await).await.unwrap();
        let deletion = undone.deletion.unwrap().id;
        assert_eq!(studio.get_deletion(deletion).await.unwrap().kind, DeletionKind::Annotation);
        studio.restore(deletion).await.unwrap();
        assert_eq!(studio.list_annotations(front).await.unwrap(), [note]);
    }
}
