//! Plans, the trash, and what is known of what was purged.

use std::fs::File;
use std::time::UNIX_EPOCH;

use pegbar::{ImageSource, NewAsset, NewProject, PurgeOptions, PurgeScope};
use reqwest::{Method, StatusCode};
use serde_json::json;

use crate::support::{expect, png, problem};

fn asset(number: u32) -> NewAsset {
    NewAsset::from_bytes(png(number))
}

both_engines! {
    async fn a_deletion_is_planned_done_listed_and_undone(site) {
        let tree = site.studio.create_project(NewProject::new("P").reference(asset(1))).await.unwrap();
        let (project, reference) = (tree.project.id, tree.references[0].id);
        let plan = site.get(&format!("/api/projects/{project}/deletion-plan")).await;
        assert_eq!((&plan["kind"], &plan["assets"]), (&json!("project"), &json!(1)));
        assert_eq!(plan["users"], json!([]));
        let plan = site.get(&format!("/api/assets/{reference}/deletion-plan")).await;
        assert_eq!(plan["name"], plan["named"][0]["name"]);
        let deletion = site.studio.delete_project(project).await.unwrap().id;
        let missing = site.request(Method::GET, &format!("/api/assets/{reference}/deletion-plan"));
        problem(missing.send().await.unwrap(), 404, "not_found").await;
        let listed = site.get(&format!("/api/trash?projectId={project}&kind=project")).await;
        assert_eq!(listed["rows"][0]["id"], json!(deletion));
        assert_eq!(site.get(&format!("/api/trash/{deletion}")).await, listed["rows"][0]);
        let restore = format!("/api/trash/{deletion}/restore");
        let restored = site.request(Method::POST, &restore).send().await.unwrap();
        let restored = expect(restored, StatusCode::OK).await;
        assert_eq!(restored["missing"], json!([]));
        assert_eq!(site.studio.get_project_tree(project).await.unwrap(), tree);
        let again = site.request(Method::POST, &restore).send().await.unwrap();
        problem(again, 404, "not_found").await;
    }

    async fn what_was_purged_is_gone_and_explained(site) {
        let tree = site.studio.create_project(NewProject::new("P").reference(asset(1))).await.unwrap();
        let reference = &tree.references[0];
        site.studio.delete_asset(reference.id).await.unwrap();
        let none = site.send(Method::POST, "/api/trash/purge", &json!({})).await;
        problem(none, 422, "invalid").await;
        let no_age = json!({ "olderThanMs": 1_u64 << 53 });
        problem(site.send(Method::POST, "/api/trash/purge", &no_age).await, 422, "invalid").await;
        let dry = json!({ "all": true, "dryRun": true });
        let dry = expect(site.send(Method::POST, "/api/trash/purge", &dry).await, StatusCode::OK).await;
        assert_eq!((&dry["deletions"], &dry["isDryRun"]), (&json!(1), &json!(true)));
        let all = json!({ "all": true });
        let done = expect(site.send(Method::POST, "/api/trash/purge", &all).await, StatusCode::OK).await;
        // The bytes have their day of grace.
        assert_eq!((&done["deletions"], &done["waitingBlobs"]), (&json!(1), &json!(1)));
        let gone = site.request(Method::GET, &format!("/api/assets/{}", reference.id));
        problem(gone.send().await.unwrap(), 410, "purged").await;
        let stone = site.get(&format!("/api/tombstones/{}", reference.id)).await;
        assert_eq!(stone["recordHash"], json!(reference.record_hash));
        let found = format!("/api/tombstones?recordHash={}", reference.record_hash.unwrap());
        assert_eq!(site.get(&found).await["rows"][0], stone);
        let no_grace = PurgeOptions { grace_ms: 0, ..PurgeOptions::default() };
        let swept = site.studio.purge(PurgeScope::All, no_grace, |_| {}).await.unwrap();
        assert_eq!(swept.removed_blobs, 1);
        // An image that was sent long ago, and that nothing has used.
        let sent = site.studio.store_image(&ImageSource::Bytes(png(2))).unwrap();
        let sha256 = sent.sha256().to_string();
        let left = site.studio.root().join(".pegbar/blobs").join(&sha256[..2]).join(&sha256);
        File::open(&left).unwrap().set_modified(UNIX_EPOCH).unwrap();
        let done = expect(site.send(Method::POST, "/api/trash/purge", &all).await, StatusCode::OK).await;
        assert_eq!(done["removedBlobs"], json!(0), "nobody asked for it");
        let unnamed = json!({ "all": true, "unnamed": true });
        let done = site.send(Method::POST, "/api/trash/purge", &unnamed).await;
        assert_eq!(expect(done, StatusCode::OK).await["removedBlobs"], json!(1));
        assert!(!left.exists());
    }
}
