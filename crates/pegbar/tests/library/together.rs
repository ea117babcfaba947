//! Several handles and processes on one folder.

use std::fs;
use std::time::Duration;

use pegbar::{
    AnimationPatch, CharacterPatch, FrameImage, ImageSource, NewAnimation, NewFrame, Studio,
};

use crate::support::{assert_in_step, asset, png, project_with_character};

both_engines! {
    async fn a_folder_that_two_create_at_once_is_one_studio(bench) {
        fs::create_dir_all(bench.root()).unwrap();
        for _ in 0..20 {
            let create = || tokio::spawn(Studio::create_with(bench.root(), bench.options()));
            let (first, second) = tokio::join!(create(), create());
            let outcomes = [first.unwrap(), second.unwrap()];
            assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1);
            for error in outcomes.into_iter().filter_map(Result::err) {
                assert_eq!(error.code(), "conflict");
            }
            bench.open().await;
            bench.raw().await.run("DELETE FROM store").await.unwrap();
            fs::remove_dir_all(bench.root().join(".pegbar")).unwrap();
        }
    }

    async fn a_studio_opens_while_others_close(bench) {
        let studio = bench.create().await;
        let open = || async {
            for n in 0..100 {
                let studio = Studio::open_with(bench.root(), bench.options()).await.unwrap();
                studio.store_image(&ImageSource::Bytes(png(n))).unwrap();
            }
        };
        std::thread::scope(|threads| {
            for _ in 0..3 {
                threads.spawn(|| {
                    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
                    runtime.unwrap().block_on(open());
                });
            }
        });
        drop(studio);
    }

    async fn a_project_that_several_look_for_at_once_is_created_once(bench) {
        let first = bench.create().await;
        let second = bench.open().await;
        for name in ["Cats", "Dogs", "Mice"] {
            let get = |studio: &Studio| {
                let studio = studio.clone();
                tokio::spawn(async move { studio.get_or_create_project(name).await.unwrap() })
            };
            let calls = [get(&first), get(&second), get(&first), get(&second)];
            let mut found = Vec::new();
            for call in calls {
                found.push(call.await.unwrap());
            }
            assert_eq!(found.iter().filter(|(_, is_new)| *is_new).count(), 1, "{name}");
            assert!(found.iter().all(|(project, _)| project.id == found[0].0.id));
        }
        let all = first.list_projects(&Default::default(), Default::default()).await.unwrap();
        assert_eq!(all.rows.len(), 3);
        let refused = first.get_or_create_project(" ").await.unwrap_err();
        assert_eq!(refused.code(), "invalid");
    }

    async fn changes_at_once_through_two_handles_all_arrive(bench) {
        let studio = bench.create().await;
        let project = project_with_character(&studio).await;
        let (id, cat) = (project.project.id, project.characters[0].character.id);
        let handles = [studio, bench.open().await];
        let tasks = (0..6_u32).map(|task| {
            let studio = handles[task as usize % 2].clone();
            tokio::spawn(async move {
                let walk = NewAnimation::new("Walk").frame(NewFrame::new(asset(task)));
                let walk = studio.create_animation(cat, walk).await.unwrap().animation.id;
                for round in 0..4_u32 {
                    let new = NewFrame::new(asset(100 + 10 * task + round));
                    let tree = studio.insert_frames(walk, 0, vec![new], None).await.unwrap();
                    let shown = tree.frames[0].asset.id;
                    let last = tree.frames.last().unwrap().frame.id;
                    let image = FrameImage::Asset(shown);
                    studio.replace_frame(last, image, None).await.unwrap();
                    let name = Some(format!("Walk {}", (task + round) % 3));
                    let patch = AnimationPatch { name, ..Default::default() };
                    studio.update_animation(walk, patch).await.unwrap();
                    let name = Some(format!("Cat {round}"));
                    let patch = CharacterPatch { name, ..Default::default() };
                    studio.update_character(cat, patch).await.unwrap();
                }
                if task % 3 == 0 {
                    studio.delete_animation(walk).await.unwrap();
                }
            })
        });
        for task in tasks.collect::<Vec<_>>() {
            task.await.unwrap();
        }
        for studio in handles {
            let notices = studio.take_notices();
            assert!(notices.is_empty(), "{notices:?}");
            let tree = studio.get_project_tree(id).await.unwrap();
            assert_eq!(tree.characters[0].animations.len(), 4);
            assert_in_step(&studio, &tree);
        }
    }

    async fn two_handles_on_one_thread_do_not_wait_for_each_other(bench) {
        let studio = bench.create().await;
        let project = project_with_character(&studio).await.project.id;
        drop(studio);
        let (root, options) = (bench.root(), bench.options());
        let (ended, end) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.unwrap().block_on(async {
                let first = Studio::open_with(&root, options.clone()).await.unwrap();
                let second = Studio::open_with(&root, options).await.unwrap();
                for n in 0..5 {
                    let (a, b) = tokio::join!(
                        first.create_asset(project, asset(n)),
                        second.create_asset(project, asset(100 + n)),
                    );
                    a.unwrap();
                    b.unwrap();
                }
            });
            ended.send(()).unwrap();
        });
        assert_eq!(end.recv_timeout(Duration::from_secs(30)), Ok(()));
    }
}
