//! Dropped bytes: what may be missing, and what may not be done with it.

use std::fs;

use pegbar::{Damage, DroppedUse};

use super::{blob, chain, get, only, tamper, verify};
use crate::support::asset;

both_engines! {
    async fn dropped_bytes_are_counted_and_are_no_damage(bench) {
        let studio = bench.create().await;
        let chain = chain(&studio).await;
        studio.drop_bytes(chain.pose).await.unwrap();
        let report = verify(&studio).await;
        assert_eq!((report.damaged_count, report.bytes_dropped, report.blobs), (0, 1, 4));
        fs::remove_file(blob(bench, &studio, chain.pose).await).unwrap();
        let report = verify(&studio).await;
        assert_eq!((report.damaged_count, report.bytes_dropped, report.blobs), (0, 1, 4));
        // Its record is compared all the same.
        let mut raw = bench.raw().await;
        let pose = raw.id(chain.pose.0);
        tamper(&mut raw, &format!("UPDATE asset SET model = 'x' WHERE id = {pose}")).await;
        let (asset, _) = only(&studio).await;
        assert_eq!(asset.asset_id, chain.pose);
    }

    async fn bytes_that_one_asset_dropped_are_hashed_for_the_other_that_has_them(bench) {
        let studio = bench.create().await;
        let chain = chain(&studio).await;
        let twin = studio.create_asset(chain.project, asset(2)).await.unwrap();
        studio.drop_bytes(chain.pose).await.unwrap();
        let report = verify(&studio).await;
        assert_eq!((report.damaged_count, report.bytes_dropped, report.blobs), (0, 1, 5));
        fs::write(blob(bench, &studio, twin.id).await, b"other").unwrap();
        let (asset, damage) = only(&studio).await;
        assert_eq!(asset.asset_id, twin.id, "the other one has none to be broken");
        assert!(damage.blob().is_some(), "{damage:?}");
    }

    async fn what_is_shown_primary_or_a_thumbnail_cannot_have_dropped_its_bytes(bench) {
        let studio = bench.create().await;
        let chain = chain(&studio).await;
        let mut raw = bench.raw().await;
        let (project, style) = (raw.id(chain.project.0), raw.id(chain.style.0));
        tamper(&mut raw, &format!(
            "UPDATE project SET thumbnail_id = {style} WHERE id = {project}")).await;
        for (id, used_as) in [
            (chain.second, DroppedUse::Frame),
            (chain.front, DroppedUse::Primary),
            (chain.style, DroppedUse::Thumbnail),
        ] {
            let path = get(&studio, id).await.file_path.unwrap();
            let row = raw.id(id.0);
            tamper(&mut raw, &format!(
                "UPDATE asset SET bytes_dropped_at = created_at, file_path = NULL \
                 WHERE id = {row}")).await;
            let (asset, damage) = only(&studio).await;
            assert_eq!((asset.asset_id, damage), (id, Damage::DroppedInUse { used_as }));
            // Nor has it a file.
            tamper(&mut raw, &format!(
                "UPDATE asset SET file_path = '{path}' WHERE id = {row}")).await;
            let report = verify(&studio).await;
            assert_eq!(report.damaged[0].damages, [
                Damage::DroppedInUse { used_as }, Damage::DroppedWithPath { path },
            ]);
            tamper(&mut raw, &format!(
                "UPDATE asset SET bytes_dropped_at = NULL WHERE id = {row}")).await;
            assert!(verify(&studio).await.is_whole());
        }
    }

    async fn only_its_own_uses_count_against_what_was_dropped(bench) {
        let studio = bench.create().await;
        // The same shapes elsewhere are shown, primary and a thumbnail there.
        let (chain, _other) = (chain(&studio).await, chain(&studio).await);
        let takes = studio.create_takes(
            get(&studio, chain.first).await.animation_id.unwrap(), vec![asset(9)]).await.unwrap();
        let side = studio.create_variation(
            get(&studio, chain.front).await.character_id.unwrap(), asset(10)).await.unwrap();
        for id in [takes[0].id, side.id, chain.style] {
            studio.drop_bytes(id).await.unwrap();
        }
        let report = verify(&studio).await;
        assert_eq!((report.damaged_count, report.bytes_dropped), (0, 3), "{report:#?}");
    }
}
