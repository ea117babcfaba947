//! Which action is the last one.

use std::collections::BTreeMap;

use pegbar::{
    ActionKind, AnimationId, AnimationPatch, CharacterPatch, FrameImage, NewAnimation,
    NewCharacter, NewFrame, NewProject, ProjectPatch, Studio,
};

use super::{Place, last, shown, undo};
use crate::support::asset;
use crate::trash::zoo;

fn renamed(name: &str) -> CharacterPatch {
    CharacterPatch {
        name: Some(name.to_owned()),
        ..Default::default()
    }
}

/// Does something to an animation or its character, chosen by a number.
async fn anything(studio: &Studio, walk: AnimationId, number: usize) {
    let (die, n) = (number % 11, u32::try_from(number).unwrap());
    let tree = studio.get_animation_tree(walk).await.unwrap();
    let count = tree.frames.len();
    let frame = |n: usize| tree.frames[n % count].frame.id;
    let (cat, name) = (tree.animation.character_id, format!("N {}", number % 7));
    if count < 3 || die == 0 {
        let frames = vec![
            NewFrame::new(asset(n)).prompt(&name),
            NewFrame::new(asset(n + 1)),
        ];
        let at = u32::try_from(number % (count + 1)).unwrap();
        studio.insert_frames(walk, at, frames, None).await.map(drop)
    } else if die == 1 {
        studio.remove_frame(frame(number / 3), None).await.map(drop)
    } else if die < 4 {
        let to = u32::try_from(number / 5 % count).unwrap();
        studio
            .move_frame(frame(number / 7), to, None)
            .await
            .map(drop)
    } else if die < 6 {
        let mut order: Vec<_> = (0..count).map(frame).collect();
        order.rotate_left(number / 3 % count);
        order.swap(0, number / 5 % count);
        studio.set_frame_order(walk, order, None).await.map(drop)
    } else if die == 6 {
        let image = FrameImage::New(Box::new(asset(n)));
        studio
            .replace_frame(frame(number / 3), image, None)
            .await
            .map(drop)
    } else if die == 7 {
        studio
            .set_frame_prompt(frame(number / 3), Some(name), None)
            .await
            .map(drop)
    } else if die == 8 {
        studio.update_character(cat, renamed(&name)).await.map(drop)
    } else if die == 9 {
        let patch = AnimationPatch {
            name: Some(name),
            ..Default::default()
        };
        studio.update_animation(walk, patch).await.map(drop)
    } else {
        let new = NewAnimation::new(name).frame(NewFrame::showing(tree.frames[0].asset.id));
        let made = studio.create_animation(cat, new).await.unwrap();
        if number.is_multiple_of(2) {
            studio.delete_animation(made.animation.id).await.unwrap();
        }
        Ok(())
    }
    .unwrap();
}

both_engines! {
    async fn any_row_of_actions_is_undone_step_by_step(bench) {
        let Place { studio, tree, .. } = Place::new(bench).await;
        let (project, walk) = (tree.project.id, tree.characters[0].animations[0].animation.id);
        let mut states = BTreeMap::new();
        let mut number: usize = 20_260_101;
        let mut keep = async || {
            let last = last(&studio, project).await.number;
            states.insert(last, shown(&studio, project).await);
        };
        keep().await;
        for _ in 0..40 {
            number = number.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let die = number >> 33;
            if die.is_multiple_of(5) && last(&studio, project).await.number > 1 {
                undo(&studio, project).await;
            } else {
                anything(&studio, walk, die).await;
                keep().await;
            }
        }
        let mut undone = 0;
        while last(&studio, project).await.number > 1 {
            let action = undo(&studio, project).await;
            let now = last(&studio, project).await.number;
            // What was made and deleted by one step was seen only together.
            if let Some(state) = states.get(&now) {
                assert_eq!(&shown(&studio, project).await, state, "{}", action.what);
                undone += 1;
            }
        }
        assert!(undone > 15, "{undone}");
    }

    async fn said_again_the_action_before_is_undone_until_nothing_is_left(bench) {
        let Place { studio, tree, .. } = Place::new(bench).await;
        let (project, cat) = (tree.project.id, tree.characters[0].character.id);
        let walk = &tree.characters[0].animations[0];
        let mut states = vec![shown(&studio, project).await];
        studio.update_character(cat, renamed("Lynx")).await.unwrap();
        states.push(shown(&studio, project).await);
        studio.move_frame(walk.frames[0].frame.id, 1, None).await.unwrap();
        states.push(shown(&studio, project).await);
        studio.delete_character(tree.characters[1].character.id).await.unwrap();
        states.push(shown(&studio, project).await);
        studio.update_character(cat, renamed("Puma")).await.unwrap();
        states.push(shown(&studio, project).await);
        let mut expected = states.clone();
        for count in [2, 3, 4] {
            // Undone some, done one in between: each pair is stepped over.
            for _ in 0..count - 1 {
                expected.pop();
                undo(&studio, project).await;
                assert_eq!(Some(&shown(&studio, project).await), expected.last());
            }
            if expected.len() > 1 {
                let name = format!("Lion {count}");
                studio.update_character(cat, renamed(&name)).await.unwrap();
                expected.push(shown(&studio, project).await);
            }
            if expected.len() <= 1 {
                break;
            }
        }
        while expected.len() > 1 {
            expected.pop();
            undo(&studio, project).await;
            assert_eq!(Some(&shown(&studio, project).await), expected.last());
        }
        // What is left is its creation; then nothing is.
        let action = undo(&studio, project).await;
        assert_eq!(action.what, "the creation of the project \"Zoo\"");
        assert_eq!(studio.get_project(project).await.unwrap_err().code(), "not_found");
        assert_eq!(studio.last_action(Some(project)).await.unwrap(), None);
        assert_eq!(studio.last_action(None).await.unwrap(), None);
        // It is all in the trash, and comes back from there.
        let deletion = crate::trash::newest(&studio).await;
        studio.restore(deletion.id).await.unwrap();
        assert_eq!(shown(&studio, project).await, states[0]);
        assert_eq!(last(&studio, project).await.kind, ActionKind::Restore);
    }

    async fn the_last_action_of_all_projects_is_found_also_where_the_project_went(bench) {
        let studio = bench.create().await;
        let first = zoo(&studio).await;
        let second = zoo(&studio).await;
        let name = |name: &str| ProjectPatch { name: Some(name.to_owned()), ..Default::default() };
        let before = (shown(&studio, first.project.id).await, shown(&studio, second.project.id).await);
        let pause = || tokio::time::sleep(std::time::Duration::from_millis(3));
        pause().await;
        studio.update_project(first.project.id, name("Aviary")).await.unwrap();
        pause().await;
        studio.delete_project(second.project.id).await.unwrap();
        let action = studio.last_action(None).await.unwrap().unwrap();
        assert_eq!((action.project_id, action.kind), (second.project.id, ActionKind::Delete));
        assert_eq!((action.project.as_str(), action.what.as_str()), ("Zoo", "the deletion of the project \"Zoo\""));
        pause().await;
        studio.undo(&action).await.unwrap();
        // The newest change is that undoing; the newest action is the other project's.
        let action = studio.last_action(None).await.unwrap().unwrap();
        assert_eq!(action.what, "the renaming of the project \"Zoo\" to \"Aviary\"");
        studio.undo(&action).await.unwrap();
        let after = (shown(&studio, first.project.id).await, shown(&studio, second.project.id).await);
        assert_eq!(after, before);
        let action = studio.last_action(None).await.unwrap().unwrap();
        assert_eq!((action.project_id, action.number), (second.project.id, 1));
    }

    async fn a_project_that_came_by_name_or_as_a_bundle_goes_again(bench) {
        let Place { studio, tree, .. } = Place::new(bench).await;
        let (named, is_new) = studio.get_or_create_project("Herd").await.unwrap();
        assert!(is_new);
        assert_eq!(undo(&studio, named.id).await.what, "the creation of the project \"Herd\"");
        assert_eq!(studio.get_project(named.id).await.unwrap_err().code(), "not_found");
        let file = bench.folder.path().join("zoo.pegbar");
        studio.export_bundle(tree.project.id, &file, false, |_, _| {}).await.unwrap();
        let copy = studio.import_bundle(&file, pegbar::BundleImport { as_copy: true }, |_, _| {}).await.unwrap();
        let action = undo(&studio, copy.project_id).await;
        assert_eq!(action.what, format!("the creation of the project {:?}", copy.name));
        assert_eq!(studio.get_project(copy.project_id).await.unwrap_err().code(), "not_found");
        assert_eq!(studio.get_project_tree(tree.project.id).await.unwrap(), tree);
    }

    async fn an_action_that_came_meanwhile_is_not_undone_in_its_place(bench) {
        let Place { studio, tree, .. } = Place::new(bench).await;
        let (project, cat) = (tree.project.id, tree.characters[0].character.id);
        studio.update_character(cat, renamed("Lynx")).await.unwrap();
        let seen = last(&studio, project).await;
        // Another process.
        let other = bench.open().await;
        other.create_asset(project, asset(70).original_name("late.png")).await.unwrap();
        let before = shown(&studio, project).await;
        let error = studio.undo(&seen).await.unwrap_err();
        assert_eq!(error.code(), "conflict");
        let said = error.to_string();
        assert!(said.contains("the renaming of the character \"Cat\" to \"Lynx\""), "{said}");
        assert!(said.contains("the creation of the asset \"late.png\""), "{said}");
        assert_eq!(shown(&studio, project).await, before);
        // The other takes its own back, and the first one's: that is said, too.
        undo(&other, project).await;
        studio.undo(&last(&other, project).await).await.unwrap();
        let said = other.undo(&seen).await.unwrap_err().to_string();
        assert!(said.contains("was undone meanwhile"), "{said}");
        // Deleted with all of it: then that is what came.
        studio.update_character(cat, renamed("Puma")).await.unwrap();
        let seen = last(&studio, project).await;
        other.delete_project(project).await.unwrap();
        let said = studio.undo(&seen).await.unwrap_err().to_string();
        assert!(said.contains("the deletion of the project \"Zoo\""), "{said}");
    }

    async fn two_who_undo_at_once_undo_one_action(bench) {
        let Place { studio, tree, .. } = Place::new(bench).await;
        let (project, cat) = (tree.project.id, tree.characters[0].character.id);
        studio.update_character(cat, renamed("Lynx")).await.unwrap();
        studio.update_character(cat, renamed("Puma")).await.unwrap();
        let (seen, other) = (last(&studio, project).await, bench.open().await);
        let (one, two) = tokio::join!(studio.undo(&seen), other.undo(&seen));
        assert_eq!(u8::from(one.is_ok()) + u8::from(two.is_ok()), 1, "{one:?} {two:?}");
        assert_eq!(studio.get_character(cat).await.unwrap().name, "Lynx");
    }

    async fn followers_hear_of_an_undoing_as_of_any_change_and_of_nothing_else(bench) {
        let Place { studio, tree, .. } = Place::new(bench).await;
        let project = tree.project.id;
        let empty = studio.create_project(NewProject::new("Empty")).await.unwrap().project.id;
        studio.create_character(project, NewCharacter::new("Owl")).await.unwrap();
        undo(&studio, project).await;
        let told = studio.list_changes(project, 1, 10).await.unwrap();
        assert_eq!(told.changes.len(), 2);
        let text = serde_json::to_string(&told).unwrap();
        assert!(text.contains("deleted") && !text.contains("did"), "{text}");
        assert_eq!(studio.last_change(empty).await.unwrap(), 1);
    }
}
