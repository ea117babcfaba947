//! What goes from one owner to another within a project, and single tags.

use pegbar::{
    AnimationPatch, AnimationTree, AssetPatch, CharacterId, Error, NewAnimation, NewCharacter,
    NewFrame, NewProject, ProjectTree, Studio, Tagged,
};

use crate::support::{assert_in_step, asset, project_with_character};

/// Two characters, each with an animation `Walk`; the first has a take that no frame shows.
async fn two_walkers(studio: &Studio) -> ProjectTree {
    let mut project = NewProject::new("Cats");
    for (n, name) in [(0, "Tabby"), (10, "Whiskers")] {
        let walk = NewAnimation::new("Walk")
            .frame(NewFrame::new(asset(n)).prompt("contact"))
            .frame(NewFrame::new(asset(n + 1)).prompt("passing"))
            .take(asset(n + 2));
        project = project.character(NewCharacter::new(name).animation(walk));
    }
    studio.create_project(project).await.unwrap()
}

async fn assert_whole(studio: &Studio, tree: &ProjectTree) -> ProjectTree {
    let tree = studio.get_project_tree(tree.project.id).await.unwrap();
    assert_in_step(studio, &tree);
    let notices = studio.take_notices();
    assert!(notices.is_empty(), "{notices:?}");
    tree
}

fn to_character(id: CharacterId) -> AnimationPatch {
    AnimationPatch {
        character_id: Some(id),
        ..AnimationPatch::default()
    }
}

fn prompts(tree: &AnimationTree) -> Vec<&str> {
    let frames = tree.frames.iter();
    frames
        .map(|frame| frame.frame.frame_prompt.as_deref().unwrap_or_default())
        .collect()
}

both_engines! {
    async fn an_animation_goes_to_another_character_with_its_frames_takes_and_files(bench) {
        let studio = bench.create().await;
        let tree = two_walkers(&studio).await;
        let [tabby, whiskers] = [0, 1].map(|n| tree.characters[n].character.id);
        let walk = &tree.characters[0].animations[0];
        let moved = studio.update_animation(walk.animation.id, to_character(whiskers)).await.unwrap();
        assert_eq!(moved.character_id, whiskers);
        assert_eq!(moved.name, "Walk");
        // Whiskers has a folder of that name.
        assert_eq!(moved.segment.as_deref(), Some("Walk-2"));
        assert_eq!(moved.version, walk.animation.version, "the list of frames is the same");
        assert_eq!(moved.frame_count, 2);

        let after = assert_whole(&studio, &tree).await;
        assert!(after.characters[0].animations.is_empty());
        let there = &after.characters[1].animations;
        let there = there.iter().find(|tree| tree.animation.id == moved.id).unwrap();
        let ids = |tree: &AnimationTree| -> Vec<_> {
            tree.frames.iter().map(|frame| (frame.frame.id, frame.asset.id)).collect()
        };
        assert_eq!(ids(there), ids(walk));
        assert_eq!(there.takes[0].id, walk.takes[0].id);
        assert_eq!(there.frames[0].asset.record_hash, walk.frames[0].asset.record_hash);
        let path = there.frames[1].asset.file_path.as_deref().unwrap();
        assert!(path.ends_with("/frames/Walk-2/Whiskers_Walk-2_1.png"), "{path}");

        // Deleting the old owner does not touch it, deleting the new one does.
        studio.delete_character(tabby).await.unwrap();
        assert_eq!(studio.get_animation_tree(moved.id).await.unwrap().frames.len(), 2);
        let gone = studio.delete_character(whiskers).await.unwrap();
        assert_eq!((gone.animations, gone.frames, gone.assets), (2, 4, 6));
        assert_whole(&studio, &tree).await;
    }

    async fn an_animation_moves_and_is_renamed_at_once_and_back_again(bench) {
        let studio = bench.create().await;
        let tree = two_walkers(&studio).await;
        let [tabby, whiskers] = [0, 1].map(|n| tree.characters[n].character.id);
        let walk = tree.characters[0].animations[0].animation.id;
        let patch = AnimationPatch { name: Some("Stroll".to_owned()), ..to_character(whiskers) };
        let moved = studio.update_animation(walk, patch).await.unwrap();
        assert_eq!((moved.name.as_str(), moved.segment.as_deref()), ("Stroll", Some("Stroll")));
        assert_whole(&studio, &tree).await;
        let patch = AnimationPatch { name: Some("Walk".to_owned()), ..to_character(tabby) };
        let back = studio.update_animation(walk, patch).await.unwrap();
        assert_eq!(back.segment.as_deref(), Some("Walk"));
        assert_eq!(assert_whole(&studio, &tree).await.characters[0].animations[0].frames,
            tree.characters[0].animations[0].frames);
    }

    async fn an_animation_that_keeps_its_folder_moves_its_files_nevertheless(bench) {
        let studio = bench.create().await;
        let tree = two_walkers(&studio).await;
        let luna = studio.create_character(tree.project.id, NewCharacter::new("Luna")).await.unwrap();
        let walk = tree.characters[0].animations[0].animation.id;
        let moved = studio.update_animation(walk, to_character(luna.character.id)).await.unwrap();
        assert_eq!(moved.segment.as_deref(), Some("Walk"));
        let after = assert_whole(&studio, &tree).await;
        let path = after.characters[2].animations[0].frames[0].asset.file_path.as_deref().unwrap();
        assert!(path.ends_with("/frames/Walk/Luna_Walk_0.png"), "{path}");
    }

    async fn an_animation_stays_in_its_project(bench) {
        let studio = bench.create().await;
        let tree = two_walkers(&studio).await;
        let other = project_with_character(&studio).await;
        let walk = tree.characters[0].animations[0].animation.id;
        let elsewhere = other.characters[0].character.id;
        let refused = studio.update_animation(walk, to_character(elsewhere)).await.unwrap_err();
        assert!(matches!(&refused, Error::Invalid { field, .. } if field == "characterId"), "{refused:?}");
        let refused = studio.update_animation(walk, to_character(studio.new_id())).await.unwrap_err();
        assert!(matches!(refused, Error::NotFound { entity: "character", .. }), "{refused:?}");
        assert_eq!(assert_whole(&studio, &tree).await, tree);
    }

    async fn a_frame_goes_to_another_animation_and_its_take_stays_where_it_was_made(bench) {
        let studio = bench.create().await;
        let tree = two_walkers(&studio).await;
        let [from, to] = [0, 1].map(|n| &tree.characters[n].animations[0]);
        let frame = from.frames[0].frame.id;
        let moved = studio
            .move_frame_to_animation(frame, to.animation.id, Some(1), Some(1))
            .await
            .unwrap();
        assert_eq!(prompts(&moved), ["contact", "contact", "passing"]);
        assert_eq!(moved.frames[1].asset.id, from.frames[0].asset.id);
        assert_ne!(moved.frames[1].frame.id, frame, "that one is in the trash");
        assert_eq!(moved.frames[1].asset.animation_id, Some(from.animation.id));
        assert_eq!(moved.animation.version, 2);
        let left = studio.get_animation_tree(from.animation.id).await.unwrap();
        assert_eq!(prompts(&left), ["passing"]);
        assert_eq!((left.frames[0].frame.frame_index, left.animation.version), (0, 2));
        assert_whole(&studio, &tree).await;

        let shown = [from.frames[0].asset.id, to.frames[0].asset.id];
        let frames = studio.list_frames_showing(tree.project.id, &shown).await.unwrap();
        let places: Vec<_> = frames.iter().map(|f| (f.animation_id, f.frame_index)).collect();
        assert_eq!(places, [(to.animation.id, 0), (to.animation.id, 1)]);
        let at_the_end = studio
            .move_frame_to_animation(left.frames[0].frame.id, to.animation.id, None, None)
            .await
            .unwrap();
        assert_eq!(prompts(&at_the_end), ["contact", "contact", "passing", "passing"]);
        assert_whole(&studio, &tree).await;
    }

    async fn a_frame_that_cannot_go_stays(bench) {
        let studio = bench.create().await;
        let tree = two_walkers(&studio).await;
        let other = two_walkers(&studio).await;
        let [from, to] = [0, 1].map(|n| &tree.characters[n].animations[0]);
        let frame = from.frames[0].frame.id;
        let to_its_own = studio.move_frame_to_animation(frame, from.animation.id, None, None).await;
        assert!(to_its_own.unwrap_err().to_string().contains("part of it already"));
        let foreign = other.characters[0].animations[0].animation.id;
        let to_another_project = studio.move_frame_to_animation(frame, foreign, None, None).await;
        assert!(matches!(to_another_project, Err(Error::Invalid { .. })));
        let stale = studio.move_frame_to_animation(frame, to.animation.id, None, Some(9)).await;
        assert!(matches!(stale, Err(Error::Stale { .. })));
        let beyond = studio.move_frame_to_animation(frame, to.animation.id, Some(3), None).await;
        assert!(beyond.unwrap_err().to_string().contains("beyond the end"));
        assert_eq!(assert_whole(&studio, &tree).await, tree);
    }

    async fn tags_are_added_and_removed_one_by_one_and_counted(bench) {
        let studio = bench.create().await;
        let tree = project_with_character(&studio).await;
        let (project, character) = (tree.project.id, tree.characters[0].character.id);
        let variation = tree.characters[0].variations[0].id;
        let words = |words: &[&str]| -> Vec<String> { words.iter().map(|w| (*w).to_owned()).collect() };
        for thing in [Tagged::Project(project), Tagged::Character(character), Tagged::Asset(variation)] {
            let tags = studio.change_tags(thing, &[], &words(&["game", "hero", "game"])).await.unwrap();
            assert_eq!(tags, ["game", "hero"]);
            let tags = studio.change_tags(thing, &words(&["game", "none"]), &words(&["night", "hero"])).await.unwrap();
            assert_eq!(tags, ["hero", "night"], "{thing:?}");
        }
        assert_eq!(studio.get_project(project).await.unwrap().tags, ["hero", "night"]);
        assert_eq!(studio.get_character(character).await.unwrap().tags, ["hero", "night"]);
        assert_eq!(studio.get_asset(variation).await.unwrap().tags, ["hero", "night"]);
        let patch = AssetPatch { tags: Some(words(&["night", "side"])), ..AssetPatch::default() };
        studio.update_asset(variation, patch).await.unwrap();

        let counts = studio.count_tags(project).await.unwrap();
        let counts: Vec<_> = counts.iter()
            .map(|c| (c.tag.as_str(), c.on_project, c.characters, c.assets)).collect();
        assert_eq!(counts, [("hero", true, 1, 0), ("night", true, 1, 1), ("side", false, 0, 1)]);
        let refused = studio.change_tags(Tagged::Asset(variation), &[], &words(&[" "])).await;
        assert!(matches!(refused, Err(Error::Invalid { .. })));
        let unknown = studio.change_tags(Tagged::Asset(studio.new_id()), &[], &words(&["x"])).await;
        assert!(matches!(unknown, Err(Error::NotFound { .. })));
    }

    async fn two_who_tag_at_once_lose_nothing_of_each_others(bench) {
        let studio = bench.create().await;
        let project = project_with_character(&studio).await.project.id;
        let changes = (0..20).map(|n| {
            let studio = studio.clone();
            tokio::spawn(async move {
                let thing = Tagged::Project(project);
                studio.change_tags(thing, &[], &[format!("tag {n}")]).await
            })
        });
        for change in changes.collect::<Vec<_>>() {
            change.await.unwrap().unwrap();
        }
        assert_eq!(studio.get_project(project).await.unwrap().tags.len(), 20);
    }
}
