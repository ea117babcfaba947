//! What can't be undone is said, and left as it is.

use pegbar::{
    ActionKind, CharacterPatch, NewFrame, NewGeneration, ProjectPatch, PurgeOptions, PurgeScope,
};

use super::{Place, last, shown, undo};
use crate::support::asset;

both_engines! {
    async fn what_is_too_much_to_put_back_says_so_and_nothing_older_is_undone(bench) {
        let Place { studio, tree, .. } = Place::new(bench).await;
        let project = tree.project.id;
        // The same image many times.
        let image = studio.store_image(&pegbar::ImageSource::Bytes(crate::support::png(7))).unwrap();
        let new = (0..1000).map(|_| pegbar::NewAsset::new(pegbar::ImageSource::Stored(image))).collect();
        studio.create_assets(project, new).await.unwrap();
        let before = shown(&studio, project).await;
        let action = last(&studio, project).await;
        assert_eq!((action.kind, action.number, action.has_more), (ActionKind::Other, 2, true));
        assert_eq!(action.what, "a change that created 100 assets, and more");
        let error = studio.undo(&action).await.unwrap_err();
        assert_eq!(error.code(), "conflict");
        let said = error.to_string();
        assert!(said.contains("(change 2) can't be undone: it changed more than is kept"), "{said}");
        assert!(error.hint().unwrap().contains("`pegbar asset delete`"));
        assert_eq!(shown(&studio, project).await, before);
    }

    async fn what_older_versions_did_or_newer_ones_is_not_guessed(bench) {
        let Place { studio, tree, .. } = Place::new(bench).await;
        let (project, cat) = (tree.project.id, tree.characters[0].character.id);
        let patch = CharacterPatch { description: Some("d".to_owned()), ..Default::default() };
        studio.update_character(cat, patch).await.unwrap();
        let mut raw = bench.raw().await;
        let id = raw.id(project);
        for (did, said) in [("", "it is none that says what undoes it"), (", \"did\": \"{\\\"did\\\":\\\"later\\\"}\"", "another version of Pegbar")] {
            let content = format!("{{\"entities\": [{{\"entity\": \"character\", \"id\": \"{cat}\", \"change\": \"updated\"}}], \"hasMore\": false{did}}}");
            raw.run(&format!("UPDATE change SET content = '{content}' WHERE project_id = {id} AND number = 2")).await.unwrap();
            let action = last(&studio, project).await;
            assert_eq!(action.what, "a change that updated 1 character");
            let obstacle = action.obstacle.clone().unwrap();
            assert!(obstacle.message.contains(said), "{}", obstacle.message);
            assert_eq!(studio.undo(&action).await.unwrap_err().code(), "conflict");
        }
    }

    async fn a_generation_and_a_purged_deletion_stay(bench) {
        let Place { studio, tree, .. } = Place::new(bench).await;
        let project = tree.project.id;
        let variation = tree.characters[0].variations[1].id;
        studio.delete_asset(variation).await.unwrap();
        let options = PurgeOptions { grace_ms: 0, ..PurgeOptions::default() };
        studio.purge(PurgeScope::All, options, |_| {}).await.unwrap();
        let action = last(&studio, project).await;
        assert_eq!((action.kind, action.what.as_str()), (ActionKind::Delete, "a change that deleted 1 asset"));
        assert!(action.obstacle.unwrap().message.contains("was purged"));
        let new = NewGeneration::new(pegbar::Outcome::Failed("busy".to_owned()));
        studio.record_generation(project, new).await.unwrap();
        let action = last(&studio, project).await;
        assert_eq!(action.what, "a change that created 1 generation");
        assert!(action.obstacle.is_some());
    }

    async fn what_other_programs_changed_since_is_not_overwritten(bench) {
        let Place { studio, tree, .. } = Place::new(bench).await;
        let (project, cat) = (tree.project.id, &tree.characters[0]);
        let (cat_id, walk) = (cat.character.id, &cat.animations[0]);
        let mut raw = bench.raw().await;
        // A field.
        let patch = ProjectPatch { description: Some("d".to_owned()), ..Default::default() };
        studio.update_project(project, patch).await.unwrap();
        let id = raw.id(project);
        raw.run(&format!("UPDATE project SET description = 'theirs' WHERE id = {id}")).await.unwrap();
        let error = studio.undo(&last(&studio, project).await).await.unwrap_err();
        assert_eq!(error.code(), "conflict");
        assert_eq!(studio.get_project(project).await.unwrap().description, "theirs");
        raw.run(&format!("UPDATE project SET description = 'd' WHERE id = {id}")).await.unwrap();
        undo(&studio, project).await;
        // What a frame shows.
        let frame = walk.frames[0].frame.id;
        let front = cat.variations[0].id;
        studio.replace_frame(frame, pegbar::FrameImage::Asset(front), None).await.unwrap();
        let (theirs, frame_id) = (raw.id(cat.variations[1].id), raw.id(frame));
        raw.run(&format!("UPDATE frame SET asset_id = {theirs} WHERE id = {frame_id}")).await.unwrap();
        let error = studio.undo(&last(&studio, project).await).await.unwrap_err();
        assert!(error.to_string().contains("the frames of \"Walk\" have been changed since"), "{error}");
        // What was created has something in it.
        let sit = studio.create_animation(cat_id, pegbar::NewAnimation::new("Sit").frame(NewFrame::new(asset(80)))).await.unwrap();
        let (sit, character) = (raw.id(sit.animation.id), raw.id(cat_id));
        raw.run(&format!("UPDATE animation SET character_id = {character} WHERE id = {sit}")).await.unwrap();
        let new = raw.id(studio.new_id::<pegbar::AssetId>());
        let now = match bench.engine() {
            pegbar::Engine::Sqlite => "1",
            pegbar::Engine::Postgres => "now()",
        };
        raw.run(&format!("INSERT INTO asset (id, project_id, kind, animation_id, created_at, updated_at) \
            VALUES ({new}, {id}, 'frame', {sit}, {now}, {now})")).await.unwrap();
        let error = studio.undo(&last(&studio, project).await).await.unwrap_err();
        assert!(error.to_string().contains("something else is in it by now"), "{error}");
    }
}
