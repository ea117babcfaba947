//! Looking while others write.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use pegbar::{NewAnimation, NewCharacter, NewFrame, NewProject, Studio};

use super::{examine, project, strict};
use crate::support::asset;

both_engines! {
    async fn a_busy_studio_has_no_findings(bench) {
        let studio = bench.create().await;
        project(&studio).await;
        let is_over = Arc::new(AtomicBool::new(false));
        let mut writers = Vec::new();
        for writer in 0..2_u32 {
            let (other, is_over) = (bench.open().await, is_over.clone());
            writers.push(tokio::spawn(async move {
                let mut round = 0;
                while !is_over.load(Ordering::Relaxed) {
                    write(&other, writer * 1_000_000 + round * 100).await;
                    round += 1;
                }
                round
            }));
        }
        let reader = Studio::open_read_only(bench.root(), bench.options()).await.unwrap();
        for round in 0..12 {
            let options = pegbar::DoctorOptions { deep: round % 3 == 2, ..strict() };
            let report = examine(&reader, &options).await;
            // Whoever adds an image writes its bytes first: that is what the grace is for.
            let others = report.findings.iter().filter(|found| found.code() != "orphan_blob");
            assert_eq!(others.collect::<Vec<_>>(), Vec::<&pegbar::DoctorFinding>::new());
        }
        is_over.store(true, Ordering::Relaxed);
        for writer in writers {
            assert!(writer.await.unwrap() > 0);
        }
        assert_eq!(crate::doctor::found(&studio, &strict()).await, [].into());
    }
}

/// Creates, reorders, replaces and deletes.
async fn write(studio: &Studio, number: u32) {
    let walk = (0..3).fold(NewAnimation::new("Walk"), |walk, n| {
        walk.frame(NewFrame::new(asset(number + n)))
    });
    let cat = NewCharacter::new("Cat")
        .variation(asset(number + 10))
        .animation(walk);
    let tree = studio
        .create_project(NewProject::new("P").character(cat))
        .await
        .unwrap();
    let walk = &tree.characters[0].animations[0];
    let mut order: Vec<_> = walk.frames.iter().map(|frame| frame.frame.id).collect();
    order.reverse();
    studio
        .set_frame_order(walk.animation.id, order.clone(), None)
        .await
        .unwrap();
    studio.remove_frame(order[0], None).await.unwrap();
    if number.is_multiple_of(200) {
        studio.delete_project(tree.project.id).await.unwrap();
    }
}
