//! The conventions hold for every name, also after renames.

use std::fs;

use pegbar::{
    AnimationPatch, CharacterPatch, NewAnimation, NewCharacter, NewFrame, NewProject, ProjectTree,
};

use crate::support::{assert_in_step, asset};

const NAMES: &[(&str, &str)] = &[
    ("走る", "走る"),
    ("नमस्ते", "नमस्ते"),
    ("walk!", "walk"),
    ("walk?", "walk-2"),
    ("Walk", "Walk-3"),
    ("CON", "CON-file"),
    ("con", "con-file-2"),
    ("../../etc", "etc"),
    ("..", "untitled"),
    (".", "untitled-2"),
    ("🏃‍♀️", "untitled-3"),
    ("a/b\\c", "a-b-c"),
    ("Ünïcode", "Ünïcode"),
    ("ÜNÏCODE", "ÜNÏCODE-2"),
    ("name\u{202e}gnp", "name-gnp"),
    ("trailing. ", "trailing"),
];

fn longest() -> String {
    "long ".repeat(51)
}

fn segments(tree: &ProjectTree) -> Vec<String> {
    tree.characters
        .iter()
        .map(|c| c.character.segment.clone().unwrap())
        .collect()
}

both_engines! {
    async fn every_name_becomes_a_path_that_every_disk_can_hold(bench) {
        let studio = bench.create().await;
        let mut project = NewProject::new("Names");
        for (n, (name, _)) in (0..).zip(NAMES) {
            project = project.character(NewCharacter::new(*name).variation(asset(n)).animation(
                NewAnimation::new(*name).frame(NewFrame::new(asset(100 + n)))));
        }
        project = project.character(NewCharacter::new(longest()).variation(asset(99)));
        let tree = studio.create_project(project).await.unwrap();
        let expected: Vec<_> = NAMES.iter().map(|(_, segment)| *segment).collect();
        assert_eq!(segments(&tree)[..NAMES.len()], expected);
        let long = segments(&tree).pop().unwrap();
        assert!(long.len() <= 64 && long.starts_with("long-long"), "{long}");
        assert_in_step(&studio, &tree);
        for (character, (name, _)) in tree.characters.iter().zip(NAMES) {
            assert_eq!(character.character.name, *name);
        }
        // Folders that some disks take for one share the spelling of the first.
        let folders: Vec<_> = tree.characters.iter()
            .flat_map(|character| &character.animations)
            .map(|animation| animation.animation.segment.as_deref().unwrap())
            .collect();
        assert_eq!(folders[2..6], ["walk", "walk", "walk", "CON-file"]);
        assert_eq!(folders[6], "CON-file");
        // One by one they come out the same.
        let project = studio.create_project(NewProject::new("Again")).await.unwrap().project.id;
        for (n, (name, _)) in (0..).zip(NAMES) {
            let new = NewCharacter::new(*name).variation(asset(n));
            studio.create_character(project, new).await.unwrap();
        }
        let again = studio.get_project_tree(project).await.unwrap();
        assert_eq!(segments(&again), expected);
        assert_in_step(&studio, &again);
    }

    async fn renames_move_every_file(bench) {
        let studio = bench.create().await;
        let animation = |name: &str, n| {
            NewAnimation::new(name).frame(NewFrame::new(asset(n))).frame(NewFrame::new(asset(n + 1)))
                .take(asset(n + 2))
        };
        let tree = studio.create_project(NewProject::new("P")
            .character(NewCharacter::new("Cat").variation(asset(1)).variation(asset(2))
                .animation(animation("Walk", 10)).animation(animation("Walk", 20)))
            .character(NewCharacter::new("Dog").animation(animation("walk", 30))))
            .await.unwrap();
        assert_in_step(&studio, &tree);
        let cat = &tree.characters[0];
        let rename = |name: &str| CharacterPatch {
            name: Some(name.to_owned()), ..CharacterPatch::default() };
        for (name, segment) in [
            ("dog", "dog-2"), ("Тигр", "Тигр"), ("cat", "cat"), ("CAT", "CAT"), ("Cat", "Cat"),
        ] {
            let renamed = studio.update_character(cat.character.id, rename(name)).await.unwrap();
            assert_eq!(renamed.segment.as_deref(), Some(segment));
            let now = studio.get_project_tree(tree.project.id).await.unwrap();
            assert_in_step(&studio, &now);
        }
        let rename = |name: &str| AnimationPatch {
            name: Some(name.to_owned()), ..AnimationPatch::default() };
        let second = cat.animations[1].animation.id;
        for (name, segment) in [("run", "run"), ("walk", "walk-2"), ("WALK!", "WALK-2"), ("Walk", "Walk-2")] {
            let renamed = studio.update_animation(second, rename(name)).await.unwrap();
            assert!(renamed.segment.as_deref().unwrap().eq_ignore_ascii_case(segment));
            let now = studio.get_project_tree(tree.project.id).await.unwrap();
            assert_in_step(&studio, &now);
        }
        let first = cat.animations[0].animation.id;
        studio.update_animation(first, rename("sit")).await.unwrap();
        let renamed = studio.update_animation(second, rename("Walk")).await.unwrap();
        assert_eq!(renamed.name, "Walk");
        let now = studio.get_project_tree(tree.project.id).await.unwrap();
        assert_in_step(&studio, &now);
        assert!(studio.take_notices().is_empty());
    }

    async fn a_segment_that_another_program_wrote_leads_nowhere(bench) {
        let studio = bench.create().await;
        let walk = NewAnimation::new("Walk").frame(NewFrame::new(asset(1))).frame(NewFrame::new(asset(2)));
        let cat = NewCharacter::new("Cat").variation(asset(3)).animation(walk);
        let tree = studio.create_project(NewProject::new("P").character(cat)).await.unwrap();
        let mut raw = bench.raw().await;
        raw.run("UPDATE animation SET segment = '../../../../../out'").await.unwrap();
        raw.run("UPDATE character SET segment = '../../../../../out'").await.unwrap();
        let _ = studio.sync(|_, _| {}).await;
        let frames = &tree.characters[0].animations[0].frames;
        let _ = studio.move_frame(frames[0].frame.id, 1, None).await;
        let mut names: Vec<_> = fs::read_dir(bench.folder.path())
            .unwrap()
            .chain(fs::read_dir(bench.root()).unwrap())
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        assert_eq!(names, [".pegbar", "public", "studio"]);
        let public = fs::read_dir(bench.root().join("public")).unwrap().count();
        assert_eq!(public, 1);
    }
}
