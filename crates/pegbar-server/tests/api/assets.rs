//! Assets, what is said of them, and their annotations.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::support::{FRONT, PALETTE, TABBY, WALK, create_cats, etag, expect, id, problem};

both_engines! {
    async fn assets_are_found_by_each_filter(site) {
        create_cats(site).await;
        let list = format!("/api/projects/{}/assets", id(1));
        let palette = site.get(&format!("/api/assets/{}", id(PALETTE))).await;
        let sha256 = palette["sha256"].as_str().unwrap();
        let queries = [
            (String::new(), 6), ("?kind=frame".to_owned(), 3), ("?kind=reference".to_owned(), 1),
            (format!("?characterId={}", id(TABBY)), 2), (format!("?animationId={}", id(WALK)), 3),
            ("?tag=colour".to_owned(), 1), (format!("?sha256={sha256}"), 1),
            ("?sourceId=none".to_owned(), 0), ("?sourcePath=none".to_owned(), 0),
            ("?createdFrom=2100-01-01T00:00:00.000Z".to_owned(), 0),
            ("?createdBefore=2100-01-01T00:00:00.000Z&kind=character".to_owned(), 2),
        ];
        for (query, count) in queries {
            let page = site.get(&format!("{list}{query}")).await;
            assert_eq!(page["rows"].as_array().unwrap().len(), count, "{query}");
        }
        let nowhere = site.request(Method::GET, &format!("/api/projects/{}/assets", id(77)));
        problem(nowhere.send().await.unwrap(), 404, "not_found").await;
    }

    async fn pages_of_assets_stay_stable_while_others_are_added(site) {
        create_cats(site).await;
        let list = format!("/api/projects/{}/assets", id(1));
        let mut seen = Vec::new();
        let mut path = format!("{list}?limit=2");
        for number in 0.. {
            let page = site.get(&path).await;
            let rows = page["rows"].as_array().unwrap();
            seen.extend(rows.iter().map(|row| row["id"].as_str().unwrap().to_owned()));
            let Some(cursor) = page["nextCursor"].as_str() else { break };
            path = format!("{list}?limit=2&cursor={cursor}");
            // One before everything that was seen, one behind everything.
            let before = json!({ "assets": [{ "id": format!("00000000-0000-7000-8000-{number:012}"), "file": "x" }] });
            site.create(&list, &before, &[("x", 100 + number)]).await;
            if number < 2 {
                let behind = json!({ "assets": [{ "file": "x" }] });
                site.create(&list, &behind, &[("x", 200 + number)]).await;
            }
        }
        let mut once = seen.clone();
        once.sort();
        once.dedup();
        assert_eq!(once.len(), seen.len(), "none repeats");
        assert_eq!(seen.len(), 8, "those that were there, and those added behind");
    }

    async fn assets_are_created_together_or_not_at_all(site) {
        create_cats(site).await;
        let list = format!("/api/projects/{}/assets", id(1));
        let body = json!({ "assets": [
            { "id": id(80), "file": "a", "claims": [{ "tool": "my-app", "fields": { "mood": "calm" } }] },
            { "id": id(81), "file": "b", "references": [{ "assetId": id(80), "role": "pose" }] }
        ] });
        let made = site.create(&list, &body, &[("a", 60), ("b", 61)]).await;
        assert_eq!((&made[0]["id"], &made[1]["id"]), (&json!(id(80)), &json!(id(81))));
        assert_eq!(made[1]["references"][0]["role"], "pose");
        assert_eq!(made[1]["references"][0]["sha256"], made[0]["sha256"]);
        let claims = site.get(&format!("/api/assets/{}/claims", id(80))).await;
        assert_eq!((&claims[0]["tool"], &claims[0]["fields"]["mood"]), (&json!("my-app"), &json!("calm")));

        let taken = json!({ "assets": [{ "file": "a" }, { "id": id(80), "file": "b" }] });
        let taken = site.upload(Method::POST, &list, &taken, &[("a", 62), ("b", 63)]).await;
        problem(taken, 409, "conflict").await;
        let none = site.upload(Method::POST, &list, &json!({ "assets": [] }), &[]).await;
        problem(none, 422, "invalid").await;
        let page = site.get(&format!("{list}?kind=reference")).await;
        assert_eq!(page["rows"].as_array().unwrap().len(), 3, "nothing was added");
    }

    async fn of_an_asset_only_what_may_change_changes(site) {
        create_cats(site).await;
        let path = format!("/api/assets/{}", id(5));
        let tagged = site.changed(Method::PATCH, &path, &json!({ "tags": ["a", "b"] })).await;
        assert_eq!(tagged["tags"], json!(["a", "b"]));
        assert_eq!(tagged["originalName"], "from-the-side.png", "what is absent stays");
        let cleared = site.changed(Method::PATCH, &path, &json!({ "originalName": null })).await;
        assert_eq!((&cleared["originalName"], &cleared["tags"]), (&json!(null), &json!(["a", "b"])));
        for wrong in [
            json!({ "tags": null }), json!({ "generationPrompt": "x" }), json!({ "model": "x" }),
            json!({ "tags": [""] }), json!([]), json!(1),
        ] {
            let response = site.change(Method::PATCH, &path, "*").json(&wrong).send().await;
            problem(response.unwrap(), 422, "invalid").await;
        }
        for (method, body) in [(Method::PATCH, json!({ "tags": [] })), (Method::DELETE, json!(null))] {
            let other = json!({ "tags": [method.to_string()] });
            let change = (method, path.as_str(), &body);
            site.must_know_the_version(change, &path, (Method::PATCH, &path, &other)).await;
        }
        let drop = format!("{path}/drop-bytes");
        let (nothing, other) = (json!(null), json!({ "tags": ["dropped"] }));
        let change = (Method::POST, drop.as_str(), &nothing);
        site.must_know_the_version(change, &path, (Method::PATCH, &path, &other)).await;
    }

    async fn what_others_use_is_not_deleted_and_they_are_named(site) {
        create_cats(site).await;
        let path = format!("/api/assets/{}", id(PALETTE));
        let used = site.change(Method::DELETE, &path, &site.tag(&path).await).send().await.unwrap();
        let used = problem(used, 409, "in_use").await;
        assert!(used["users"].as_array().is_some_and(|users| !users.is_empty()), "{used}");
        assert_eq!(used["moreUsers"], 0);
        let dropped = site.change(Method::POST, &format!("{path}/drop-bytes"), "*").send().await;
        let dropped = expect(dropped.unwrap(), StatusCode::OK).await;
        assert!(dropped["asset"]["bytesDroppedAt"].is_string(), "{dropped}");
        let claims = site.request(Method::GET, &format!("{path}/claims")).send().await.unwrap();
        expect(claims, StatusCode::OK).await;
        let free = format!("/api/assets/{}", id(5));
        let deletion = site.change(Method::DELETE, &free, "*").send().await.unwrap();
        assert_eq!(expect(deletion, StatusCode::OK).await["assets"], 1);
    }

    async fn annotations_are_added_listed_and_deleted(site) {
        create_cats(site).await;
        let path = format!("/api/assets/{}/annotations", id(FRONT));
        let body = json!({ "author": "Ada", "text": "the tail is wrong" });
        let added = site.send(Method::POST, &path, &body).await;
        assert!(etag(&added).starts_with('"'));
        let added = expect(added, StatusCode::CREATED).await;
        assert_eq!((&added["author"], &added["assetId"]), (&json!("Ada"), &json!(id(FRONT))));
        assert_eq!(site.get(&path).await, json!([added]));
        for (wrong, status) in [(json!({ "text": " " }), 422), (json!({}), 422)] {
            problem(site.send(Method::POST, &path, &wrong).await, status, "invalid").await;
        }
        let one = format!("/api/annotations/{}", added["id"].as_str().unwrap());
        let deleted = site.request(Method::DELETE, &one).send().await.unwrap();
        assert_eq!(expect(deleted, StatusCode::OK).await, added);
        assert_eq!(site.get(&path).await, json!([]));
        problem(site.request(Method::DELETE, &one).send().await.unwrap(), 404, "not_found").await;
    }

    async fn an_answer_is_versioned_by_what_it_says(site) {
        create_cats(site).await;
        let mut tags: Vec<Value> = Vec::new();
        for path in ["", "/tree", "/counts", "/assets", "/characters"] {
            let path = format!("/api/projects/{}{path}", id(1));
            let tag = site.tag(&path).await;
            let again = site.request(Method::GET, &path).header("If-None-Match", &tag);
            let again = again.send().await.unwrap();
            assert_eq!(again.status(), StatusCode::NOT_MODIFIED, "{path}");
            assert_eq!(etag(&again), tag);
            let head = site.request(Method::HEAD, &path).send().await.unwrap();
            assert_eq!((head.status(), etag(&head)), (StatusCode::OK, tag.clone()), "{path}");
            assert_eq!(head.bytes().await.unwrap().len(), 0);
            tags.push(json!(tag));
        }
        tags.dedup();
        assert_eq!(tags.len(), 5);
    }
}
