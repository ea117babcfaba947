//! What files and apps say of an asset, beside what Pegbar recorded.

use pegbar::{AssetFilter, Error, Json, NewClaim, NewProject, PageRequest, ProjectFilter};

use crate::support::{asset, png};

both_engines! {
    async fn claims_are_kept_in_their_order_and_leave_the_record_as_it_is(bench) {
        let studio = bench.create().await;
        let project = studio.create_project(NewProject::new("Cats")).await.unwrap().project.id;
        let fields = Json::parse(r#"{"seed":7,"referenceAssetIds":["a"]}"#).unwrap();
        let first = NewClaim::new("app").fields(fields.clone()).raw("{\"seed\": 7.0}");
        let plain = asset(1).created_at(pegbar::MillisSinceEpoch(1));
        let said = plain.clone().claim(first).claim(NewClaim::new("other"));
        let created = studio.create_assets(project, vec![said, plain]).await.unwrap();

        let claims = studio.list_claims(created[0].id).await.unwrap();
        let told: Vec<_> = claims
            .iter()
            .map(|claim| (claim.position, claim.tool.as_str(), claim.raw.as_str()))
            .collect();
        assert_eq!(told, [(0, "app", "{\"seed\": 7.0}"), (1, "other", "")]);
        assert_eq!(claims[0].fields, fields);
        assert_eq!(claims[0].asset_id, created[0].id);
        assert!(studio.list_claims(created[1].id).await.unwrap().is_empty());
        assert!(created[0].references.is_empty());
        assert_eq!(created[0].record, created[1].record, "a claim is no part of the record");

        let long = asset(2).claim(NewClaim::new("app").raw("x".repeat((1 << 20) + 1)));
        let refused = studio.create_asset(project, long).await.unwrap_err();
        assert!(matches!(&refused, Error::Invalid { field, .. } if field == "claims.raw"));
        let unknown = studio.list_claims(studio.new_id()).await.unwrap_err();
        assert_eq!(unknown.code(), "not_found");
    }

    async fn claims_go_to_the_trash_with_their_asset(bench) {
        let studio = bench.create().await;
        let project = studio.create_project(NewProject::new("Cats")).await.unwrap().project.id;
        let said = asset(1).claim(NewClaim::new("app").raw("said"));
        let said = studio.create_asset(project, said).await.unwrap();
        studio.delete_asset(said.id).await.unwrap();
        let mut raw = bench.raw().await;
        let kept = "SELECT count(*) FROM trash WHERE entity = 'asset_claim'";
        assert_eq!(raw.text(kept).await, "1");
        assert_eq!(raw.text("SELECT count(*) FROM asset_claim").await, "0");
    }

    async fn what_was_imported_is_found_by_its_old_id(bench) {
        let studio = bench.create().await;
        let cats = NewProject { source_id: Some("app-1".to_owned()), ..NewProject::new("Cats") };
        let cats = studio.create_project(cats).await.unwrap().project;
        studio.create_project(NewProject::new("Dogs")).await.unwrap();
        let old = pegbar::NewAsset::from_bytes(png(1)).source_id("asset-1");
        let old = studio.create_assets(cats.id, vec![old, asset(2)]).await.unwrap().remove(0);
        let filter = ProjectFilter { source_id: Some("app-1".to_owned()), ..Default::default() };
        let found = studio.list_projects(&filter, PageRequest::default()).await.unwrap();
        assert_eq!(found.rows.len(), 1);
        assert_eq!(found.rows[0], cats);
        let filter = AssetFilter { source_id: Some("asset-1".to_owned()), ..Default::default() };
        let found = studio.list_assets(cats.id, &filter, PageRequest::default()).await.unwrap();
        assert_eq!(found.rows, [old]);
    }
}
