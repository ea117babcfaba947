//! Backups while others write.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use pegbar::{
    AssetId, DatabaseAddress, FrameImage, NewAnimation, NewFrame, NewProject, Sha256, Studio,
};

use super::{assert_whole, into, restore, target};
use crate::support::asset;

const ROUNDS: u32 = 4;

/// What was acknowledged: assets that are there to stay, with their bytes.
type Acknowledged = Arc<Mutex<BTreeMap<AssetId, Sha256>>>;

/// Creates, replaces, drops and deletes until it is told to stop.
async fn write(studio: Studio, number: u32, known: Acknowledged, stop: Arc<AtomicBool>) {
    let project = studio
        .create_project(NewProject::new(format!("P{number}")))
        .await
        .unwrap();
    let id = project.project.id;
    let cat = studio.create_character(
        id,
        pegbar::NewCharacter::new("Cat").variation(asset(number)),
    );
    let cat = cat.await.unwrap().character.id;
    let walk = NewAnimation::new("Walk").frame(NewFrame::new(asset(number + 1)));
    let walk = studio.create_animation(cat, walk).await.unwrap();
    let mut done = 0_u32;
    let frame = walk.frames[0].frame.id;
    while !stop.load(Ordering::SeqCst) {
        let n = number + 10 + done * 4;
        let kept = studio.create_asset(id, asset(n)).await.unwrap();
        known.lock().unwrap().insert(kept.id, kept.sha256.unwrap());
        let better = FrameImage::New(Box::new(asset(n + 1)));
        studio.replace_frame(frame, better, None).await.unwrap();
        let dropped = studio.create_asset(id, asset(n + 2)).await.unwrap();
        studio.drop_bytes(dropped.id).await.unwrap();
        let deleted = studio.create_asset(id, asset(n + 3)).await.unwrap();
        studio.delete_asset(deleted.id).await.unwrap();
        done += 1;
    }
}

both_engines! {
    async fn a_backup_under_full_load_restores_to_what_was_acknowledged(bench) {
        let studio = bench.create().await;
        let known = Acknowledged::default();
        let stop = Arc::new(AtomicBool::new(false));
        let mut writers = Vec::new();
        for number in 0..3 {
            // A handle of its own, as another process has.
            let own = bench.open().await;
            writers.push(tokio::spawn(write(own, number * 1_000_000, known.clone(), stop.clone())));
        }
        let mut taken = Vec::new();
        for round in 1..=ROUNDS {
            // However slow the machine is, each backup has some writes before it.
            while known.lock().unwrap().len() < 2 * round as usize {
                assert!(writers.iter().any(|writer| !writer.is_finished()), "they write");
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
            let before = known.lock().unwrap().clone();
            let report = studio.back_up(target(bench), |_, _| ()).await.unwrap();
            assert_eq!(report.missing, []);
            taken.push((report.snapshot.name, before));
        }
        stop.store(true, Ordering::SeqCst);
        for writer in writers {
            writer.await.unwrap();
        }
        let checked = Studio::verify_backup(target(bench), None, |_, _| ()).unwrap();
        assert_eq!((checked.flaws, checked.snapshots.len()), (Vec::new(), ROUNDS as usize));
        for (name, before) in taken {
            let to = bench.folder.path().join(&name);
            let mut options = into(DatabaseAddress::Sqlite);
            options.snapshot = Some(name);
            let (restored, _) = restore(&target(bench), &to, options).await;
            assert_whole(&restored).await;
            for (id, sha256) in before {
                let there = restored.get_asset(id).await.unwrap();
                assert_eq!(there.sha256, Some(sha256));
            }
        }
    }
}
