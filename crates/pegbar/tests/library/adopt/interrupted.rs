//! Whatever ends an adoption midway, the next one goes on: every row gets its own image.

use std::sync::atomic::{AtomicU32, Ordering};

use pegbar::{AdoptOptions, AssetId, Sha256};

use super::foreign::{Foreign, Owner};
use crate::interrupted::dropped_after;
use crate::support::{Bench, assert_in_step, files_below, png};

/// An animation whose files lie at each other's conventional paths, as after a change of the
/// order that an app made; a few more lie elsewhere.
async fn shuffled(foreign: &mut Foreign<'_>, count: u32) -> Vec<(AssetId, u32)> {
    let cat = foreign.character("Cat").await;
    let walk = foreign.animation(cat, "Walk").await;
    let mut statements = Vec::new();
    let mut assets = Vec::new();
    let (project, animation) = (foreign.sql(foreign.project), foreign.sql(walk));
    for number in 0..count {
        let id: AssetId = foreign.studio.new_id();
        let other = (number + 1) % count;
        let path = if number % 10 == 3 {
            format!("uploads/{number}.png")
        } else {
            format!("{}/frames/Walk/Cat_Walk_{other}.png", foreign.project)
        };
        foreign.file(&path, &png(number));
        let owner = Owner::Animation(walk);
        statements.push(foreign.asset_statement(id, owner, Some(&path)));
        let frame: pegbar::FrameId = foreign.studio.new_id();
        let (frame, asset) = (foreign.sql(frame), foreign.sql(id));
        statements.push(format!(
            "INSERT INTO frame (id, project_id, animation_id, asset_id, frame_index) \
             VALUES ({frame}, {project}, {animation}, {asset}, {number})"
        ));
        assets.push((id, number));
    }
    foreign.raw.transaction(&statements).await.unwrap();
    assets
}

/// Opens the studio anew, adopts to the end, and checks that every row has its own image and
/// nothing was left behind or taken for someone else's.
async fn assert_goes_on(bench: &Bench, foreign: &Foreign<'_>, assets: &[(AssetId, u32)]) {
    let studio = bench.open().await;
    let report = studio
        .adopt(AdoptOptions::default(), |_, _| {})
        .await
        .unwrap();
    assert_eq!((report.left, report.open().count()), (0, 0), "{report:?}");
    let tree = studio.get_project_tree(foreign.project).await.unwrap();
    assert_in_step(&studio, &tree);
    let frames = &tree.characters[0].animations[0].frames;
    for (frame, (id, number)) in frames.iter().zip(assets) {
        assert_eq!((frame.asset.id, frame.frame.frame_index), (*id, *number));
        assert_eq!(
            frame.asset.sha256,
            Some(Sha256::of(&png(*number))),
            "{number}"
        );
        assert!(frame.asset.record.is_some());
    }
    assert_eq!(files_below(&studio.assets_folder()).len(), assets.len());
    assert_eq!(report.foreign.count, 0, "{report:?}");
    assert!(!studio.root().join(".pegbar/kept").exists());
    assert!(!studio.root().join(".pegbar/adopting").exists());
}

both_engines! {
    async fn an_adoption_that_is_dropped_at_any_point_goes_on(bench) {
        let mut foreign = Foreign::new(bench).await;
        let assets = shuffled(&mut foreign, 12).await;
        for polls in 1.. {
            let call = foreign.studio.adopt(AdoptOptions::default(), |_, _| {});
            if dropped_after(polls, call).await.is_some() {
                break;
            }
        }
        assert_goes_on(bench, &foreign, &assets).await;
    }

    async fn an_adoption_that_ends_between_batches_goes_on(bench) {
        let mut foreign = Foreign::new(bench).await;
        let assets = shuffled(&mut foreign, 530).await;
        let mut interruptions = 0;
        for calls in 1.. {
            // The view follows at each opening: it gives the files' places to those that are
            // adopted.
            let studio = bench.open().await;
            let seen = AtomicU32::new(0);
            let run = tokio::spawn(async move {
                let progress = move |_, _| {
                    let call = seen.fetch_add(1, Ordering::Relaxed) + 1;
                    assert!(call != calls, "interrupted on purpose");
                };
                studio.adopt(AdoptOptions::default(), progress).await
            });
            match run.await {
                Ok(done) => {
                    done.unwrap();
                    break;
                }
                Err(_) => interruptions += 1,
            }
        }
        assert!(interruptions >= 5, "only {interruptions}");
        assert_goes_on(bench, &foreign, &assets).await;
    }

    async fn an_old_file_that_was_on_its_way_out_goes_later(bench) {
        let mut foreign = Foreign::new(bench).await;
        let gone = foreign.image(Owner::Project, "uploads/gone.png", 1).await;
        let edited = foreign.image(Owner::Project, "uploads/edited.png", 2).await;
        let journal = foreign.studio.root().join(".pegbar/adopting");
        // A run that ended after the rows and before the files: its journal is still there.
        let line = |id: AssetId, name: &str, number| {
            format!(
                "{{\"projectId\":\"{}\",\"assetId\":\"{id}\",\"named\":\"uploads/{name}.png\",\
                 \"place\":\"uploads/{name}.png\",\"sha256\":\"{}\"}}\n",
                foreign.project, Sha256::of(&png(number)),
            )
        };
        let lines = line(gone, "gone", 1) + &line(edited, "edited", 2);
        foreign.adopt().await;
        foreign.file(&format!("uploads/.pegbar-old-{}", gone.0.simple()), &png(1));
        foreign.file("uploads/edited.png", &png(3));
        std::fs::write(&journal, lines).unwrap();
        let report = foreign.adopt().await;
        assert_eq!(report.removed, 1, "{report:?}");
        let stays: Vec<_> = report.findings.iter().map(|finding| finding.id).collect();
        assert_eq!(stays, [edited.0]);
        let left: Vec<_> = files_below(&foreign.place("uploads"));
        assert_eq!(left, [("edited.png".to_owned(), Sha256::of(&png(3)))]);
    }
}
