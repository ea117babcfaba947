//! What came back from the trash by hand goes again, just as it was there before.

use pegbar::{PurgeOptions, PurgeScope};

use super::{Place, last, shown, undo};

both_engines! {
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
        let options = PurgeOptions { grace_ms: 0, dry_run: false };
        studio.purge(PurgeScope::All, options, |_| {}).await.unwrap();
        let action = last(&studio, tree.project.id).await;
        assert_eq!(action.what, "the move of a frame to the animation \"Dog/Run\"");
        let obstacle = action.obstacle.clone().unwrap();
        assert!(obstacle.message.contains("was purged"), "{}", obstacle.message);
        assert_eq!(studio.undo(&action).await.unwrap_err().code(), "conflict");
    }
}
