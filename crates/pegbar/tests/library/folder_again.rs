//! Importing a folder again, while others work and after they did.

use pegbar::{FolderOptions, FolderPlan};

use crate::folder::{cats, import, project, shown, write};
use crate::support::assert_in_step;

fn meanwhile<F: Future<Output = ()>>(work: impl FnOnce() -> F + Send + 'static) {
    std::thread::spawn(move || {
        tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .build()
            .unwrap()
            .block_on(work());
    })
    .join()
    .unwrap();
}

both_engines! {
    async fn a_folder_whose_name_is_no_tag_stops_nothing(bench) {
        let studio = bench.create().await;
        let project = project(&studio).await;
        let root = bench.folder.path().join("cats");
        let long = format!("Tabby/{}/front.png", "x".repeat(70));
        write(&root, &[(long.as_str(), 1), ("Zed/walk/1.png", 2), ("Zed/walk/2.png", 3)]);
        let plan = FolderPlan::of(&root, &FolderOptions::default()).unwrap();
        let report = studio.import_folder(project, &plan, true, |_, _| {}).await.unwrap();
        assert_eq!((report.created.variations, report.created.frames), (1, 2));
        let tree = studio.get_project_tree(project).await.unwrap();
        assert!(tree.characters[0].variations[0].tags.is_empty());
    }

    async fn a_changed_file_is_shown_by_every_frame_that_showed_it(bench) {
        let studio = bench.create().await;
        let project = project(&studio).await;
        let root = cats(bench);
        import(&studio, project, &root).await;
        let tree = studio.get_project_tree(project).await.unwrap();
        let walk = &tree.characters[0].animations[0];
        let again = pegbar::NewFrame::showing(walk.frames[0].asset.id);
        studio.insert_frames(walk.animation.id, 3, vec![again], None).await.unwrap();
        write(&root, &[("Tabby/walk/frame_1.png", 99)]);
        import(&studio, project, &root).await;
        let tree = studio.get_project_tree(project).await.unwrap();
        let walk = &tree.characters[0].animations[0];
        let ids: Vec<_> = walk.frames.iter().map(|f| f.asset.sha256).collect();
        assert_eq!(ids[0], ids[3], "{ids:?}");
    }

    async fn an_image_whose_bytes_were_dropped_is_a_new_asset(bench) {
        let studio = bench.create().await;
        let project = project(&studio).await;
        let root = cats(bench);
        import(&studio, project, &root).await;
        let before = studio.get_project_tree(project).await.unwrap();
        let mood = before.references[0].id;
        let frames = &before.characters[0].animations[0].frames;
        let (frame, take) = (frames[0].frame.id, frames[0].asset.id);
        studio.remove_frame(frame, None).await.unwrap();
        for id in [mood, take] {
            studio.drop_bytes(id).await.unwrap();
        }
        let report = import(&studio, project, &root).await;
        assert_eq!((report.created.references, report.created.takes), (1, 1));
        assert_eq!((report.unchanged, report.changed.len()), (7, 0));
        let tree = studio.get_project_tree(project).await.unwrap();
        assert_eq!(tree.references.len(), 2);
        assert_eq!(tree.references[0].id, mood);
        assert!(tree.references[0].bytes_dropped_at.is_some());
        studio.open_image(&tree.references[1]).unwrap();
        let walk = &tree.characters[0].animations[0];
        assert_eq!(walk.frames.len(), frames.len() - 1, "no frame shows it by itself");
        let again = import(&studio, project, &root).await;
        assert_eq!((again.unchanged, again.created), (9, Default::default()));
        assert_in_step(&studio, &tree);
    }

    async fn a_character_that_is_made_meanwhile_is_found(bench) {
        let studio = bench.create().await;
        let project = project(&studio).await;
        let root = cats(bench);
        let other = bench.open().await;
        let plan = FolderPlan::of(&root, &FolderOptions::default()).unwrap();
        let mut other = Some(other);
        studio.import_folder(project, &plan, true, |_, _| {
            if let Some(other) = other.take() {
                meanwhile(move || async move {
                    other.create_character(project, pegbar::NewCharacter::new("Tabby")).await.unwrap();
                });
            }
        }).await.unwrap();
        let tree = studio.get_project_tree(project).await.unwrap();
        let names: Vec<_> = tree.characters.iter().map(|c| c.character.name.clone()).collect();
        assert_eq!(names.len(), 2, "{names:?}");
    }

    async fn an_image_that_came_while_another_went_is_not_added_twice(bench) {
        let studio = bench.create().await;
        let project = project(&studio).await;
        let root = cats(bench);
        import(&studio, project, &root).await;
        let tree = studio.get_project_tree(project).await.unwrap();
        let mood = tree.references[0].id;
        write(&root, &[("Tabby/walk/frame_11.png", 50)]);
        let other = bench.open().await;
        let plan = FolderPlan::of(&root, &FolderOptions::default()).unwrap();
        let mut other = Some(other);
        let theirs = root.clone();
        studio.import_folder(project, &plan, true, |_, _| {
            if let Some(other) = other.take() {
                let root = theirs.clone();
                meanwhile(move || async move {
                    import(&other, project, &root).await;
                    other.delete_asset(mood).await.unwrap();
                });
            }
        }).await.unwrap();
        let tree = studio.get_project_tree(project).await.unwrap();
        assert_eq!(tree.characters[0].animations[0].frames.len(), 4, "added twice");
    }

    async fn an_image_that_goes_meanwhile_comes_again(bench) {
        let studio = bench.create().await;
        let project = project(&studio).await;
        let root = cats(bench);
        import(&studio, project, &root).await;
        let tree = studio.get_project_tree(project).await.unwrap();
        let mood = tree.references[0].id;
        write(&root, &[("Tabby/walk/frame_11.png", 50)]);
        let other = bench.open().await;
        let plan = FolderPlan::of(&root, &FolderOptions::default()).unwrap();
        let mut other = Some(other);
        let r = studio.import_folder(project, &plan, true, |_, _| {
            if let Some(other) = other.take() {
                meanwhile(move || async move {
                    other.delete_asset(mood).await.unwrap();
                });
            }
        }).await.unwrap();
        assert_eq!(r.unchanged + r.created.takes + r.created.references + r.created.variations, 10);
    }

    async fn an_animation_that_was_deleted_comes_again_and_nobody_elses_changes(bench) {
        let studio = bench.create().await;
        let project = project(&studio).await;
        let root = cats(bench);
        import(&studio, project, &root).await;
        let tree = studio.get_project_tree(project).await.unwrap();
        let walk = &tree.characters[0].animations[0];
        // A frame is used by an animation of the user's, too; then the imported one is deleted.
        let mut mine = pegbar::NewAnimation::new("Mine");
        mine.frames.push(pegbar::NewFrame::showing(walk.frames[1].asset.id));
        studio.create_animation(tree.characters[0].character.id, mine).await.unwrap();
        studio.delete_animation(walk.animation.id).await.unwrap();
        import(&studio, project, &root).await;
        let tree = studio.get_project_tree(project).await.unwrap();
        assert_eq!(shown(&tree)["Tabby/walk"], ["frame_1.png", "frame_2.png", "frame_10.png"]);
    }

    async fn folders_of_one_name_are_told_apart(bench) {
        let studio = bench.create().await;
        let project = project(&studio).await;
        for (whose, number) in [("luna", 1), ("biscuit", 11)] {
            let root = bench.folder.path().join(whose).join("animations");
            write(&root, &[("walk/0.png", number), ("walk/1.png", number + 1)]);
            let options = FolderOptions { character: Some(whose.to_owned()), ..FolderOptions::default() };
            let plan = FolderPlan::of(&root, &options).unwrap();
            let report = studio.import_folder(project, &plan, true, |_, _| {}).await.unwrap();
            assert_eq!((report.created.characters, report.created.frames), (1, 2));
            assert!(report.changed.is_empty());
        }
        // One folder may serve two characters, if someone says so.
        let root = bench.folder.path().join("luna/animations");
        let options = FolderOptions { character: Some("twin".to_owned()), ..FolderOptions::default() };
        let plan = FolderPlan::of(&root, &options).unwrap();
        let report = studio.import_folder(project, &plan, true, |_, _| {}).await.unwrap();
        assert_eq!((report.created.characters, report.created.frames), (1, 2));
        // A folder that has moved is known by the word that was said for it.
        let said = |root: &std::path::Path| {
            let source = Some("cats".to_owned());
            FolderPlan::of(root, &FolderOptions { source, ..FolderOptions::default() }).unwrap()
        };
        let root = cats(bench);
        let first = studio.import_folder(project, &said(&root), true, |_, _| {}).await.unwrap();
        let moved = bench.folder.path().join("moved");
        std::fs::rename(&root, &moved).unwrap();
        let again = studio.import_folder(project, &said(&moved), true, |_, _| {}).await.unwrap();
        assert_eq!((again.unchanged, again.created), (9, pegbar::CreatedRows::default()));
        assert_eq!(first.created.frames, 6);
    }

    async fn bytes_that_are_gone_come_back_with_their_file(bench) {
        let studio = bench.create().await;
        let project = project(&studio).await;
        let root = cats(bench);
        import(&studio, project, &root).await;
        let tree = studio.get_project_tree(project).await.unwrap();
        let sha256 = tree.references[0].sha256.unwrap().to_string();
        let blob = bench.root().join(".pegbar/blobs").join(&sha256[..2]).join(&sha256);
        std::fs::remove_file(&blob).unwrap();
        let report = import(&studio, project, &root).await;
        assert_eq!((report.unchanged, report.created), (9, pegbar::CreatedRows::default()));
        assert_eq!(pegbar::Sha256::of(&std::fs::read(&blob).unwrap()).to_string(), sha256);
    }
}
