//! The order of frames: always one transaction, checked against a version, without gaps.

use pegbar::{
    AnimationTree, AssetId, FrameId, FrameImage, NewAnimation, NewFrame, ReferenceRole, Studio,
};

use crate::support::{assert_in_step, asset, project_with_character};

async fn walk(studio: &Studio, frames: u32) -> AnimationTree {
    let tree = project_with_character(studio).await;
    let mut walk = NewAnimation::new("Walk");
    for n in 0..frames {
        walk = walk.frame(NewFrame::new(asset(n)).prompt(format!("pose {n}")));
    }
    studio
        .create_animation(tree.characters[0].character.id, walk)
        .await
        .unwrap()
}

fn frames(tree: &AnimationTree) -> Vec<FrameId> {
    tree.frames.iter().map(|frame| frame.frame.id).collect()
}

/// Checks the rows of the list and everything that hangs on it.
async fn assert_whole(studio: &Studio, tree: &AnimationTree) {
    for (index, frame) in tree.frames.iter().enumerate() {
        assert_eq!(frame.frame.frame_index as usize, index);
    }
    assert_eq!(tree.animation.frame_count, tree.frames.len() as u64);
    let project = studio
        .get_project_tree(tree.animation.project_id)
        .await
        .unwrap();
    assert_in_step(studio, &project);
    let notices = studio.take_notices();
    assert!(notices.is_empty(), "{notices:?}");
}

both_engines! {
    async fn frames_keep_their_ids_and_have_no_gaps_whatever_happens(bench) {
        let studio = bench.create().await;
        let tree = walk(&studio, 5).await;
        let id = tree.animation.id;
        let before = frames(&tree);
        let moved = studio.move_frame(before[4], 0, Some(1)).await.unwrap();
        let expected = [before[4], before[0], before[1], before[2], before[3]];
        assert_eq!(frames(&moved), expected);
        assert_eq!(moved.animation.version, 2);
        assert_whole(&studio, &moved).await;

        let inserted =
            studio.insert_frames(id, 2, vec![NewFrame::new(asset(50))], None).await.unwrap();
        assert_eq!(inserted.frames[2].asset.sha256, Some(pegbar::Sha256::of(&crate::support::png(50))));
        assert_eq!(frames(&inserted)[3..], expected[2..]);
        assert_whole(&studio, &inserted).await;

        let removed = studio.remove_frame(before[4], None).await.unwrap();
        assert_eq!(removed.frames.len(), 5);
        // Its image stays a take of the animation.
        assert_eq!(removed.takes.len(), 1);
        assert_eq!(removed.takes[0].id, moved.frames[0].asset.id);
        assert!(removed.takes[0].file_path.as_ref().unwrap().contains("/takes/"));
        assert_whole(&studio, &removed).await;

        let mut order = frames(&removed);
        order.reverse();
        let ordered = studio.set_frame_order(id, order.clone(), None).await.unwrap();
        assert_eq!(frames(&ordered), order);
        assert_whole(&studio, &ordered).await;

        let appended =
            studio.append_frames(id, vec![NewFrame::showing(removed.takes[0].id)], None).await;
        let appended = appended.unwrap();
        assert_eq!(appended.takes, []);
        assert_eq!(appended.frames[5].asset.id, removed.takes[0].id);
        assert_whole(&studio, &appended).await;
    }

    async fn a_replaced_image_stays_a_take_and_can_come_back(bench) {
        let studio = bench.create().await;
        let tree = walk(&studio, 3).await;
        let (frame, old) = (tree.frames[1].frame.id, tree.frames[1].asset.clone());
        let new = asset(60).made_from(old.id, ReferenceRole::Pose).prompt("again");
        let replaced =
            studio.replace_frame(frame, FrameImage::New(Box::new(new)), Some(1)).await.unwrap();
        assert_eq!(frames(&replaced), frames(&tree));
        assert_eq!(replaced.frames[1].asset.reference_asset_ids(), [old.id]);
        assert_eq!(replaced.frames[1].frame.frame_prompt.as_deref(), Some("pose 1"));
        assert_eq!(replaced.takes[0].id, old.id);
        assert_whole(&studio, &replaced).await;
        let back = studio.replace_frame(frame, FrameImage::Asset(old.id), None).await.unwrap();
        assert_eq!(back.frames[1].asset, old);
        assert_eq!(back.takes[0].id, replaced.frames[1].asset.id);
        assert_eq!(back.animation.version, 3);
        assert_whole(&studio, &back).await;
        let prompt = Some("jump".to_owned());
        let told = studio.set_frame_prompt(frame, prompt.clone(), Some(3)).await.unwrap();
        assert_eq!(told.frames[1].frame.frame_prompt, prompt);
    }

    async fn a_change_decided_on_an_older_list_is_refused(bench) {
        let studio = bench.create().await;
        let tree = walk(&studio, 3).await;
        let ids = frames(&tree);
        studio.move_frame(ids[0], 2, Some(1)).await.unwrap();
        let error = studio.remove_frame(ids[0], Some(1)).await.unwrap_err();
        assert_eq!(error.code(), "stale");
        assert!(error.to_string().contains("version 1 was expected, 2 is there"), "{error}");
        let order = vec![ids[0], ids[1]];
        let error = studio.set_frame_order(tree.animation.id, order, Some(2)).await.unwrap_err();
        assert_eq!(error.code(), "invalid");
        let foreign: AssetId = studio.new_id();
        let error = studio.replace_frame(ids[0], FrameImage::Asset(foreign), None).await;
        assert_eq!(error.unwrap_err().code(), "invalid");
        let now = studio.get_animation_tree(tree.animation.id).await.unwrap();
        assert_eq!(frames(&now), [ids[1], ids[2], ids[0]]);
        assert_whole(&studio, &now).await;
    }

    async fn writers_that_race_lose_nothing(bench) {
        let studio = bench.create().await;
        let tree = walk(&studio, 1).await;
        let id = tree.animation.id;
        let other = bench.open().await;
        let writers = (0..8_u32).map(|n| {
            let studio = if n % 2 == 0 { studio.clone() } else { other.clone() };
            tokio::spawn(async move {
                for k in 0..4 {
                    let frame = NewFrame::new(asset(1000 + n * 10 + k));
                    studio.insert_frames(id, 0, vec![frame], None).await.unwrap();
                }
            })
        });
        for writer in writers.collect::<Vec<_>>() {
            writer.await.unwrap();
        }
        drop(other);
        let tree = studio.get_animation_tree(id).await.unwrap();
        assert_eq!(tree.frames.len(), 33);
        assert_eq!(tree.animation.version, 33);
        assert_whole(&studio, &tree).await;
    }

    async fn one_asset_may_be_shown_many_times(bench) {
        let studio = bench.create().await;
        let tree = walk(&studio, 2).await;
        let take = tree.frames[0].asset.id;
        let showing = || NewFrame::showing(take);
        let id = tree.animation.id;
        let shown = studio.append_frames(id, vec![showing(), showing()], None).await.unwrap();
        let assets: Vec<_> = shown.frames.iter().map(|frame| frame.asset.id).collect();
        assert_eq!(assets, [take, tree.frames[1].asset.id, take, take]);
        assert_whole(&studio, &shown).await;
        // Its home is the lowest place.
        let left = studio.remove_frame(shown.frames[0].frame.id, None).await.unwrap();
        assert!(left.frames[1].asset.file_path.as_ref().unwrap().ends_with("_1.png"));
        assert_eq!(left.takes, []);
        assert_whole(&studio, &left).await;
    }
}
