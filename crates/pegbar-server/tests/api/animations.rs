//! Animations and their takes.

use reqwest::{Method, StatusCode};
use serde_json::json;

use crate::support::{TABBY, WALK, create_cats, expect, id, problem};

both_engines! {
    async fn animations_are_listed_created_changed_and_deleted(site) {
        create_cats(site).await;
        let create = format!("/api/characters/{}/animations", id(TABBY));
        let body = json!({
            "name": "Sit", "userPrompt": "sits down",
            "frames": [{ "asset": { "file": "s0" } }, { "assetId": id(20) }],
            "takes": [{ "file": "t" }]
        });
        let sit = site.create(&create, &body, &[("s0", 40), ("t", 41)]).await;
        assert_eq!(sit["animation"]["frameCount"], 2);
        assert_eq!(sit["frames"][1]["asset"]["id"], id(20), "it shows what is there");
        assert_eq!(sit["takes"].as_array().unwrap().len(), 1);
        let path = format!("/api/animations/{}", sit["animation"]["id"].as_str().unwrap());
        assert_eq!(site.get(&path).await, sit["animation"]);
        assert_eq!(site.get(&format!("{path}/tree")).await, sit);
        let list = format!("/api/projects/{}/animations", id(1));
        let of_tabby = format!("?characterId={}", id(TABBY));
        for (query, count) in [("", 2), (of_tabby.as_str(), 2), ("?name=Sit", 1), ("?sourceId=x", 0)] {
            let page = site.get(&format!("{list}{query}")).await;
            assert_eq!(page["rows"].as_array().unwrap().len(), count, "{query}");
        }

        let timed = site.changed(Method::PATCH, &path, &json!({ "frameDurationMs": 100 })).await;
        assert_eq!(timed["frameDurationMs"], 100);
        let same = site.changed(Method::PATCH, &path, &json!({ "name": "Sit down" })).await;
        assert_eq!(same["frameDurationMs"], 100, "what is absent stays");
        let cleared = site.changed(Method::PATCH, &path, &json!({ "frameDurationMs": null })).await;
        assert_eq!(cleared["frameDurationMs"], json!(null));
        for wrong in [json!({ "frameDurationMs": 0 }), json!({ "name": "" }), json!({ "name": null })] {
            let response = site.change(Method::PATCH, &path, "*").json(&wrong).send().await;
            let response = response.unwrap();
            // A name that is null is told apart from one that is absent.
            problem(response, 422, "invalid").await;
        }
        let deletion = site.change(Method::DELETE, &path, "*").send().await.unwrap();
        let deletion = expect(deletion, StatusCode::OK).await;
        assert_eq!((&deletion["animations"], &deletion["frames"]), (&json!(1), &json!(2)));
    }

    async fn takes_are_listed_and_added(site) {
        create_cats(site).await;
        let path = format!("/api/animations/{}/takes", id(WALK));
        let body = json!({ "file": "t", "generationPrompt": "again" });
        let take = site.create(&path, &body, &[("t", 42)]).await;
        assert_eq!((&take["kind"], &take["animationId"]), (&json!("frame"), &json!(id(WALK))));
        let page = site.get(&format!("{path}?limit=3")).await;
        let rest = format!("{path}?limit=3&cursor={}", page["nextCursor"].as_str().unwrap());
        let rest = site.get(&rest).await;
        assert_eq!(rest["rows"], json!([take]));
        assert_eq!(rest["nextCursor"], json!(null));
    }

    async fn an_animation_is_changed_only_as_it_was_seen(site) {
        create_cats(site).await;
        let path = format!("/api/animations/{}", id(WALK));
        for (method, body) in [(Method::PATCH, json!({ "name": "X" })), (Method::DELETE, json!(null))] {
            let other = json!({ "description": method.to_string() });
            let change = (method, path.as_str(), &body);
            site.must_know_the_version(change, &path, (Method::PATCH, &path, &other)).await;
        }
    }
}
