//! Asking what was made from what.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::support::{FRONT, PALETTE, TABBY, WALK, create_cats, expect, id, problem};

fn ids(rows: &Value, pointer: &str) -> Vec<String> {
    let rows = rows.as_array().unwrap().iter();
    rows.map(|row| row.pointer(pointer).unwrap().as_str().unwrap().to_owned())
        .collect()
}

both_engines! {
    async fn lineage_goes_both_ways_as_far_as_is_asked(site) {
        create_cats(site).await;
        let path = |number: u32, query: &str| format!("/api/assets/{}/lineage{query}", id(number));
        let all = site.get(&path(22, "")).await;
        let mut found = ids(&all["nodes"], "/id");
        found.sort();
        assert_eq!(found, [PALETTE, FRONT, 20, 21, 22].map(id));
        assert_eq!(all["edges"].as_array().unwrap().len(), 4);
        let one = site.get(&path(22, "?maxDepth=1")).await;
        assert_eq!(one["nodes"].as_array().unwrap().len(), 2);
        let roles = site.get(&path(22, "?roles=previous_frame")).await;
        assert_eq!(roles["nodes"].as_array().unwrap().len(), 3);
        let down = site.get(&path(PALETTE, "?direction=descendants")).await;
        assert_eq!(down["nodes"].as_array().unwrap().len(), 5);
        for wrong in ["?direction=up", "?roles=mother", "?maxDepth=-1", "?limit=0"] {
            let response = site.request(Method::GET, &path(22, wrong)).send().await.unwrap();
            problem(response, 422, "invalid").await;
        }
        let missing = site.request(Method::GET, &path(77, "")).send().await.unwrap();
        problem(missing, 404, "not_found").await;
    }

    async fn frames_made_from_a_design_are_found_and_those_that_are_stale(site) {
        create_cats(site).await;
        let from = site.get(&format!("/api/assets/{}/frames", id(PALETTE))).await;
        assert_eq!(from[0]["animationId"], id(WALK));
        assert_eq!(from[0]["frames"].as_array().unwrap().len(), 3);
        let stale = format!("/api/projects/{}/stale-frames", id(1));
        assert_eq!(site.get(&stale).await, json!([]));
        let other = json!({ "primaryAssetId": id(5) });
        site.changed(Method::PATCH, &format!("/api/characters/{}", id(TABBY)), &other).await;
        let found = site.get(&stale).await;
        assert_eq!(found[0]["frames"].as_array().unwrap().len(), 1, "{found}");
        let all = site.get(&format!("{stale}?transitive=true&animationId={}", id(WALK))).await;
        assert_eq!(all[0]["frames"].as_array().unwrap().len(), 3, "{all}");
        let both = format!("{stale}?animationId={}&characterId={}", id(WALK), id(TABBY));
        let both = site.request(Method::GET, &both).send().await.unwrap();
        problem(both, 422, "invalid").await;
    }

    async fn a_request_is_told_again_without_where_the_studio_lies(site) {
        create_cats(site).await;
        let again = site.get(&format!("/api/assets/{}/reproduction", id(21))).await;
        assert_eq!(again["request"]["prompt"], "a cat, step 1");
        assert_eq!(again["request"]["inputs"][0]["assetId"], id(20));
        let root = site.studio.root().to_str().unwrap().to_owned();
        assert!(!again.to_string().contains(&root), "{again}");
    }

    async fn what_sets_two_apart_is_told(site) {
        create_cats(site).await;
        let path = format!("/api/diff/assets?before={}&after={}", id(20), id(21));
        let diff = site.get(&path).await;
        assert_eq!(diff["settings"][0]["path"], "/seed");
        assert_eq!((&diff["settings"][0]["before"], &diff["settings"][0]["after"]), (&json!(0), &json!(1)));
        assert!(!diff["prompt"]["spans"].as_array().unwrap().is_empty(), "{diff}");
        let create = format!("/api/characters/{}/animations", id(TABBY));
        let body = json!({ "id": id(60), "name": "Walk 2", "frames": [{ "assetId": id(20) }] });
        site.create(&create, &body, &[]).await;
        let path = format!("/api/diff/animations?before={}&after={}", id(WALK), id(60));
        let diff = site.get(&path).await;
        assert_eq!(diff["name"]["after"], "Walk 2");
        assert_eq!((&diff["frameCount"]["before"], &diff["frameCount"]["after"]), (&json!(3), &json!(1)));
        let response = site.request(Method::GET, "/api/diff/assets?before=x").send().await.unwrap();
        problem(response, 422, "invalid").await;
    }

    async fn assets_are_searched_by_what_made_them(site) {
        create_cats(site).await;
        let from = format!("madeFrom={}", id(FRONT));
        let deep = format!("madeFrom={}&deep=true", id(FRONT));
        let within = format!("text=cat&projectId={}", id(1));
        for (query, count) in [
            ("text=cat", 4), ("text=cat%20front", 1), ("text=dog", 0), ("model=painter-1", 3),
            ("model=painter-*", 3), ("setting=seed%3D1", 1), ("unused=true&kind=character", 1),
            (&from, 1), (&deep, 3), (&within, 4), ("text=cat&kind=character", 1),
        ] {
            let page = site.get(&format!("/api/search?{query}")).await;
            assert_eq!(page["rows"].as_array().unwrap().len(), count, "{query}: {page}");
        }
        let page = site.get("/api/search?text=cat&limit=3").await;
        let next = page["nextCursor"].as_str().unwrap();
        let rest = site.get(&format!("/api/search?text=cat&limit=3&cursor={next}")).await;
        assert_eq!(rest["rows"].as_array().unwrap().len(), 1);
        for wrong in ["setting=seed", "madeFrom=x", "deep=maybe", "query=cat"] {
            let path = format!("/api/search?{wrong}");
            let response = site.request(Method::GET, &path).send().await.unwrap();
            problem(response, 422, "invalid").await;
        }
    }

    async fn verifying_finds_what_was_changed_on_the_disk(site) {
        create_cats(site).await;
        let whole = site.send(Method::POST, "/api/verify", &json!({})).await;
        let whole = expect(whole, StatusCode::OK).await;
        assert_eq!((&whole["assets"], &whole["damagedCount"]), (&json!(6), &json!(0)));
        let sha256 = site.get(&format!("/api/assets/{}", id(20))).await;
        let sha256 = sha256["sha256"].as_str().unwrap();
        let blob = site.studio.root().join(".pegbar/blobs").join(&sha256[..2]).join(sha256);
        let mut bytes = std::fs::read(&blob).unwrap();
        let last = bytes.len() - 1;
        bytes[last] ^= 1;
        std::fs::remove_file(&blob).unwrap();
        std::fs::write(&blob, bytes).unwrap();
        let body = json!({ "assetIds": [id(20)] });
        let found = expect(site.send(Method::POST, "/api/verify", &body).await, StatusCode::OK).await;
        assert_eq!(found["damagedCount"], 1, "{found}");
        let root = site.studio.root().to_str().unwrap().to_owned();
        assert!(!found.to_string().contains(&root), "{found}");
        let body = json!({ "projectId": id(1), "recordsOnly": true });
        let records = expect(site.send(Method::POST, "/api/verify", &body).await, StatusCode::OK).await;
        assert_eq!((&records["isRecordsOnly"], &records["damagedCount"]), (&json!(true), &json!(0)));
        let both = json!({ "assetIds": [id(20)], "projectId": id(1) });
        problem(site.send(Method::POST, "/api/verify", &both).await, 422, "invalid").await;
        let missing = json!({ "projectId": id(77) });
        problem(site.send(Method::POST, "/api/verify", &missing).await, 404, "not_found").await;
    }
}
