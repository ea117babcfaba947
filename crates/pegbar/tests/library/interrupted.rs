//! Whatever ends a change midway, the view is right after the next one.

use std::fs;
use std::future::Future;
use std::task::Poll;

use pegbar::{
    FrameImage, NewAnimation, NewCharacter, NewFrame, NewProject, Notice, ProjectTree, Studio,
    StudioOptions, ViewUpdates,
};

use crate::support::{assert_in_step, asset};

/// Runs a call and drops it when it was polled so often; `None` where it had not ended.
pub(crate) async fn dropped_after<T>(polls: usize, call: impl Future<Output = T>) -> Option<T> {
    let mut call = Box::pin(call);
    let mut left = polls;
    std::future::poll_fn(|context| {
        if left == 0 {
            return Poll::Ready(None);
        }
        left -= 1;
        call.as_mut().poll(context).map(Some)
    })
    .await
}

async fn walking(studio: &Studio, name: &str, first: u32) -> ProjectTree {
    let walk = (first..first + 2).fold(NewAnimation::new("Walk"), |walk, n| {
        walk.frame(NewFrame::new(asset(n)))
    });
    let cat = NewCharacter::new("Cat")
        .variation(asset(first + 9))
        .animation(walk);
    studio
        .create_project(NewProject::new(name).character(cat))
        .await
        .unwrap()
}

fn kept_texts(notices: &[Notice]) -> Vec<String> {
    let kept = notices.iter().filter_map(|notice| match notice {
        Notice::Kept(kept) => Some(fs::read_to_string(&kept.kept_as).unwrap()),
        _ => None,
    });
    kept.collect()
}

both_engines! {
    async fn a_call_dropped_at_any_point_leaves_nothing_stale(bench) {
        let studio = bench.create().await;
        let tree = walking(&studio, "P", 0).await;
        let walk = tree.characters[0].animations[0].animation.id;
        for polls in 1.. {
            let new = vec![NewFrame::new(asset(100 + polls))];
            let ended = dropped_after(polls as usize, studio.append_frames(walk, new, None)).await;
            let renamed = pegbar::AnimationPatch {
                name: Some(format!("Run {polls}")),
                ..Default::default()
            };
            studio.update_animation(walk, renamed).await.unwrap();
            let now = studio.get_project_tree(tree.project.id).await.unwrap();
            assert_in_step(&studio, &now);
            if ended.is_some() {
                break;
            }
        }
    }

    async fn an_edit_that_was_moved_aside_is_found_whichever_project_comes_first(bench) {
        let studio = bench.create().await;
        let first = walking(&studio, "1", 0).await;
        let second = walking(&studio, "2", 20).await;
        drop(studio);
        let deferred = StudioOptions { view_updates: ViewUpdates::Deferred, ..bench.options() };
        let studio = Studio::open_with(bench.root(), deferred).await.unwrap();
        for tree in [&first, &second] {
            let frames = &tree.characters[0].animations[0].frames;
            studio.move_frame(frames[0].frame.id, 1, None).await.unwrap();
        }
        drop(studio);
        // A process that died while it worked on the second project.
        let project = second.project.id;
        let walk = bench.root().join(format!("public/assets/{project}/frames/Walk"));
        fs::write(walk.join(".pegbar-old-1-2"), "someone's edit").unwrap();
        let place = format!("{project}/frames/Walk/Cat_Walk_0.png\n");
        fs::write(bench.root().join(".pegbar/view-busy"), place).unwrap();
        let studio = bench.open().await;
        assert_eq!(kept_texts(&studio.take_notices()), ["someone's edit"]);
        for tree in [&first, &second] {
            let now = studio.get_project_tree(tree.project.id).await.unwrap();
            assert_in_step(&studio, &now);
        }
    }

    async fn a_file_that_was_on_its_way_stands_in_its_place_again(bench) {
        let studio = bench.create().await;
        let tree = walking(&studio, "P", 0).await;
        drop(studio);
        let walk = bench.root().join(format!("public/assets/{}/frames/Walk", tree.project.id));
        fs::rename(walk.join("Cat_Walk_0.png"), walk.join(".pegbar-old-1-1")).unwrap();
        let place = format!("{}/frames/Walk/Cat_Walk_0.png\n", tree.project.id);
        fs::write(bench.root().join(".pegbar/view-busy"), place).unwrap();
        assert_in_step(&bench.open().await, &tree);
    }

    async fn files_on_their_way_that_look_the_same_are_told_apart(bench) {
        let studio = bench.create().await;
        let tree = walking(&studio, "P", 0).await;
        drop(studio);
        let places = [0, 1].map(|n| format!("{}/frames/Walk/Cat_Walk_{n}.png", tree.project.id));
        let files = places.each_ref().map(|place| bench.root().join("public/assets").join(place));
        let bytes = files.each_ref().map(|file| fs::read(file).unwrap());
        assert_eq!(bytes[0].len(), bytes[1].len());
        // As if both had been written within one tick of the clock, and then exchanged.
        let written_at = std::time::UNIX_EPOCH + std::time::Duration::from_secs(1_700_000_000);
        for (file, bytes) in files.iter().zip(bytes.iter().rev()) {
            fs::write(file, bytes).unwrap();
            fs::File::options().write(true).open(file).unwrap().set_modified(written_at).unwrap();
        }
        let same = "UPDATE view_file SET modified_ns = 1700000000000000000";
        bench.raw().await.run(same).await.unwrap();
        fs::write(bench.root().join(".pegbar/view-busy"), places.map(|place| place + "\n").concat()).unwrap();
        let studio = bench.open().await;
        assert_in_step(&studio, &tree);
        assert_eq!(studio.take_notices().len(), 0);
    }

    async fn what_was_added_when_the_power_went_is_known_by_the_outbox(bench) {
        let studio = bench.create().await;
        let tree = walking(&studio, "P", 0).await;
        drop(studio);
        let deferred = StudioOptions { view_updates: ViewUpdates::Deferred, ..bench.options() };
        let studio = Studio::open_with(bench.root(), deferred).await.unwrap();
        let new = vec![NewFrame::new(asset(50)), NewFrame::new(asset(51))];
        let walk = tree.characters[0].animations[0].animation.id;
        let now = studio.append_frames(walk, new, None).await.unwrap();
        // One is in its place, the other was being written, and no note of them was kept.
        let placed = &now.frames[2].asset;
        let sha256 = placed.sha256.unwrap().to_string();
        let blob = bench.root().join(".pegbar/blobs").join(&sha256[..2]).join(&sha256);
        let place = studio.assets_folder().join(placed.file_path.as_deref().unwrap());
        fs::copy(blob, &place).unwrap();
        fs::write(place.with_file_name(".pegbar-new-1-2"), "half a fil").unwrap();
        let kept = place.with_file_name(".pegbar-old-1-3");
        fs::write(kept, "someone's edit").unwrap();
        drop(studio);
        let studio = bench.open().await;
        assert_eq!(kept_texts(&studio.take_notices()), ["someone's edit"]);
        assert_in_step(&studio, &studio.get_project_tree(tree.project.id).await.unwrap());
    }

    async fn a_project_whose_bytes_are_missing_holds_up_no_other(bench) {
        let studio = bench.create().await;
        let first = walking(&studio, "1", 0).await;
        let second = walking(&studio, "2", 20).await;
        let sha256 = first.characters[0].animations[0].frames[0].asset.sha256.unwrap().to_string();
        let blob = studio.root().join(".pegbar/blobs").join(&sha256[..2]).join(&sha256);
        fs::remove_file(&blob).unwrap();
        fs::remove_dir_all(studio.assets_folder()).unwrap();
        assert_eq!(studio.sync(|_, _| {}).await.unwrap().missing.len(), 1);
        assert_in_step(&studio, &second);
        let walk = first.characters[0].animations[0].animation.id;
        studio.append_frames(walk, vec![NewFrame::new(asset(50))], None).await.unwrap();
        let frames = &second.characters[0].animations[0].frames;
        studio.move_frame(frames[0].frame.id, 1, None).await.unwrap();
        let now = studio.get_project_tree(second.project.id).await.unwrap();
        assert_in_step(&studio, &now);
    }

    #[cfg_attr(not(unix), ignore = "makes a symbolic link")]
    async fn a_place_that_leads_in_circles_holds_up_no_other(bench) {
        let studio = bench.create().await;
        let tree = walking(&studio, "P", 0).await;
        let takes = studio.assets_folder().join(format!("{}/takes", tree.project.id));
        #[cfg(unix)]
        std::os::unix::fs::symlink("takes", &takes).unwrap();
        let frames = &tree.characters[0].animations[0].frames;
        studio.remove_frame(frames[0].frame.id, None).await.unwrap();
        let now = studio.get_project_tree(tree.project.id).await.unwrap();
        assert_in_step(&studio, &now);
    }

    async fn a_file_is_kept_where_another_kept_one_has_the_name_of_its_folder(bench) {
        let studio = bench.create().await;
        let tree = walking(&studio, "P", 0).await;
        let project = tree.project.id;
        let takes = studio.assets_folder().join(format!("{project}/takes"));
        fs::write(&takes, "not a folder").unwrap();
        let frames = &tree.characters[0].animations[0].frames;
        studio.remove_frame(frames[0].frame.id, None).await.unwrap();
        let take = &frames[0].asset;
        fs::write(takes.join(format!("{}.png", take.id)), "retouched").unwrap();
        let shown = FrameImage::Asset(take.id);
        studio.replace_frame(frames[1].frame.id, shown, None).await.unwrap();
        assert_eq!(kept_texts(&studio.take_notices()), ["not a folder", "retouched"]);
        let now = studio.get_project_tree(project).await.unwrap();
        assert_in_step(&studio, &now);
    }
}
