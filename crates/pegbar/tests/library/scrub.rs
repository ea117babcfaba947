//! Hashing blobs again, slowly, on from where it was left.

use std::collections::BTreeSet;
use std::fs;
use std::sync::Arc;
use std::time::{Duration, Instant};

use pegbar::{
    FixedClock, MillisSinceEpoch, NewProject, ProjectTree, ScrubOptions, Studio, StudioOptions,
};

use crate::doctor::{alter, blob, found, set_mode, strict};
use crate::support::{asset, png};

/// More than one process claims at once.
async fn many(studio: &Studio) -> ProjectTree {
    let new = (0..150).fold(NewProject::new("P"), |new, number| {
        new.reference(asset(number))
    });
    studio.create_project(new).await.unwrap()
}

fn limited(time: Duration) -> ScrubOptions {
    ScrubOptions {
        bytes_per_second: Some(20_000),
        time_limit: Some(time),
    }
}

both_engines! {
    async fn a_pass_hashes_every_blob_once_and_the_next_begins_anew(bench) {
        let studio = bench.create().await;
        let tree = many(&studio).await;
        let bytes: u64 = tree.references.iter().map(|asset| asset.file_size.unwrap()).sum();
        for pass in 1..3 {
            let mut told = 0;
            let report = studio.scrub(ScrubOptions::default(), |bytes| told = bytes).await.unwrap();
            assert_eq!((report.blobs, report.bytes, told), (150, bytes, bytes));
            assert!(report.is_pass_complete && report.damaged == 0 && report.missing == 0);
            let status = studio.scrub_status().await.unwrap();
            assert_eq!((status.pass, status.position, status.blobs), (pass + 1, 0.0, 0));
            let last = status.last_pass.unwrap();
            assert_eq!((last.blobs, last.bytes), (150, bytes));
            assert!(last.began_at <= last.ended_at);
        }
    }

    async fn it_goes_on_from_where_it_was_left(bench) {
        let studio = bench.create().await;
        many(&studio).await;
        let first = studio.scrub(limited(Duration::from_millis(300)), |_| {}).await.unwrap();
        assert!(!first.is_pass_complete && first.blobs > 0 && first.blobs < 150, "{first:?}");
        let status = studio.scrub_status().await.unwrap();
        assert_eq!((status.pass, status.blobs), (1, first.blobs));
        drop(studio);
        let rest = bench.open().await.scrub(ScrubOptions::default(), |_| {}).await.unwrap();
        assert!(rest.is_pass_complete);
        assert_eq!(first.blobs + rest.blobs, 150);
    }

    async fn the_rate_is_kept(bench) {
        let studio = bench.create().await;
        let tree = many(&studio).await;
        let bytes: u64 = tree.references.iter().map(|asset| asset.file_size.unwrap()).sum();
        let options = ScrubOptions { bytes_per_second: Some(bytes), time_limit: None };
        let begun = Instant::now();
        assert!(studio.scrub(options, |_| {}).await.unwrap().is_pass_complete);
        assert!(begun.elapsed() >= Duration::from_millis(900), "{:?}", begun.elapsed());
    }

    async fn what_a_killed_process_had_claimed_goes_to_the_next_after_a_while(bench) {
        let clock = |time| StudioOptions {
            clock: Arc::new(FixedClock(MillisSinceEpoch(time))),
            ..bench.options()
        };
        many(&bench.create().await).await;
        let now = 1_800_000_000_000;
        let killed = Studio::open_with(bench.root(), clock(now)).await.unwrap();
        let task = tokio::spawn(async move {
            killed.scrub(limited(Duration::from_mins(1)), |_| {}).await.unwrap();
        });
        tokio::time::sleep(Duration::from_millis(300)).await;
        task.abort();
        assert!(task.await.is_err());
        // Nobody knows yet that it is gone: the others hash what is not claimed.
        let other = Studio::open_with(bench.root(), clock(now + 1000)).await.unwrap();
        let report = other.scrub(ScrubOptions::default(), |_| {}).await.unwrap();
        assert!(!report.is_pass_complete && report.blobs < 150, "{report:?}");
        drop(other);
        let other = Studio::open_with(bench.root(), clock(now + 10 * 60 * 1000)).await.unwrap();
        let rest = other.scrub(ScrubOptions::default(), |_| {}).await.unwrap();
        assert!(rest.is_pass_complete);
        // What the killed one did not note is hashed again.
        assert_eq!(report.blobs + rest.blobs, 150);
    }

    async fn several_share_one_pass_without_doubling(bench) {
        let studio = bench.create().await;
        many(&studio).await;
        let mut tasks = Vec::new();
        for _ in 0..3 {
            let other = bench.open().await;
            tasks.push(tokio::spawn(async move {
                let options = ScrubOptions { bytes_per_second: Some(30_000), time_limit: None };
                other.scrub(options, |_| {}).await.unwrap()
            }));
        }
        let (mut blobs, mut complete) = (0, 0);
        for task in tasks {
            let report = task.await.unwrap();
            blobs += report.blobs;
            complete += u32::from(report.is_pass_complete);
        }
        assert!(complete > 0);
        assert_eq!(blobs, 150);
        assert_eq!(studio.scrub_status().await.unwrap().last_pass.unwrap().blobs, 150);
    }

    async fn what_it_finds_is_told_without_hashing_until_it_is_mended(bench) {
        let studio = bench.create().await;
        let tree = many(&studio).await;
        let [altered, missing] = [&tree.references[3], &tree.references[7]];
        let place = blob(bench, altered);
        set_mode(&place, 0o644);
        alter(&place);
        set_mode(&place, 0o444);
        let kept = fs::read(blob(bench, missing)).unwrap();
        fs::remove_file(blob(bench, missing)).unwrap();
        assert_eq!(found(&studio, &strict()).await, [("blob_missing", 1)].into());
        let report = studio.scrub(ScrubOptions::default(), |_| {}).await.unwrap();
        assert_eq!((report.blobs, report.damaged, report.missing), (149, 1, 1));
        assert_eq!(studio.scrub_status().await.unwrap().findings, 1);
        let expected = [("blob_altered", 1), ("blob_missing", 1)].into();
        assert_eq!(found(&studio, &strict()).await, expected);
        // The right bytes, brought again: nothing is told, before the next pass as well.
        studio.create_asset(tree.project.id, asset(3)).await.unwrap();
        fs::write(blob(bench, missing), kept).unwrap();
        set_mode(&blob(bench, missing), 0o444);
        assert!(found(&studio, &strict()).await.is_empty());
        let report = studio.scrub(ScrubOptions::default(), |_| {}).await.unwrap();
        assert_eq!((report.blobs, report.damaged), (150, 0));
        assert_eq!(studio.scrub_status().await.unwrap().findings, 0);
    }

    async fn bytes_in_the_trash_are_scrubbed_and_dropped_ones_are_not(bench) {
        let studio = bench.create().await;
        let new = NewProject::new("P").reference(asset(1)).reference(asset(2)).reference(asset(3));
        let tree = studio.create_project(new).await.unwrap();
        studio.delete_asset(tree.references[0].id).await.unwrap();
        studio.store_image(&pegbar::ImageSource::Bytes(png(9))).unwrap();
        let report = studio.scrub(ScrubOptions::default(), |_| {}).await.unwrap();
        assert_eq!(report.blobs, 3);
        let hashes: BTreeSet<_> = tree.references.iter().map(|asset| asset.sha256).collect();
        assert_eq!(hashes.len(), 3);
    }
}
