//! Characters and their variations.

use reqwest::{Method, StatusCode};
use serde_json::json;

use crate::support::{FRONT, PALETTE, TABBY, create_cats, expect, id, problem};

both_engines! {
    async fn characters_are_listed_created_changed_and_deleted(site) {
        create_cats(site).await;
        let list = format!("/api/projects/{}/characters", id(1));
        let body = json!({
            "name": "Tom", "tags": ["villain"],
            "variations": [{ "file": "tom", "generationPrompt": "a black cat" }]
        });
        let tom = site.create(&list, &body, &[("tom", 30)]).await;
        let primary = &tom["character"]["primaryAssetId"];
        assert_eq!(primary, &tom["variations"][0]["id"], "the first one becomes primary");
        let path = format!("/api/characters/{}", tom["character"]["id"].as_str().unwrap());
        assert_eq!(site.get(&path).await, tom["character"]);
        assert_eq!(site.get(&format!("{path}/tree")).await, tom);
        for (query, count) in [("", 2), ("?name=Tom", 1), ("?tag=hero", 1), ("?sourceId=x", 0)] {
            let page = site.get(&format!("{list}{query}")).await;
            assert_eq!(page["rows"].as_array().unwrap().len(), count, "{query}");
        }

        let nothing = site.changed(Method::PATCH, &path, &json!({})).await;
        assert_eq!(nothing["primaryAssetId"], *primary, "what is absent stays");
        assert_eq!(nothing["tags"], json!(["villain"]));
        let cleared = json!({ "primaryAssetId": null, "tags": [], "name": "Thomas" });
        let cleared = site.changed(Method::PATCH, &path, &cleared).await;
        assert_eq!(cleared["primaryAssetId"], json!(null));
        assert_eq!((&cleared["tags"], &cleared["name"]), (&json!([]), &json!("Thomas")));

        let deletion = site.change(Method::DELETE, &path, &site.tag(&path).await);
        let deletion = expect(deletion.send().await.unwrap(), StatusCode::OK).await;
        assert_eq!((&deletion["characters"], &deletion["assets"]), (&json!(1), &json!(1)));
        let gone = site.request(Method::GET, &path).send().await.unwrap();
        problem(gone, 404, "not_found").await;
    }

    async fn variations_are_listed_and_added(site) {
        create_cats(site).await;
        let path = format!("/api/characters/{}/variations", id(TABBY));
        let body = json!({ "file": "back", "tags": ["back"], "model": "painter-2" });
        let back = site.create(&path, &body, &[("back", 31)]).await;
        assert_eq!(back["kind"], "character");
        assert_eq!(back["characterId"], id(TABBY));
        let rows = site.get(&path).await;
        assert_eq!(rows["rows"].as_array().unwrap().len(), 3);
        let character = site.get(&format!("/api/characters/{}", id(TABBY))).await;
        assert_eq!(character["primaryAssetId"], id(FRONT), "a further one does not");
        let foreign = json!({ "primaryAssetId": id(PALETTE) });
        let path = format!("/api/characters/{}", id(TABBY));
        let foreign = site.change(Method::PATCH, &path, "*").json(&foreign).send().await.unwrap();
        assert!([409, 422].contains(&foreign.status().as_u16()), "{}", foreign.status());
        let missing = format!("/api/characters/{}/variations", id(77));
        let missing = site.upload(Method::POST, &missing, &body, &[("back", 31)]).await;
        problem(missing, 404, "not_found").await;
    }

    async fn a_character_is_changed_only_as_it_was_seen(site) {
        create_cats(site).await;
        let path = format!("/api/characters/{}", id(TABBY));
        let other = |text: &str| json!({ "description": text });
        for (method, body) in [(Method::PATCH, json!({ "name": "X" })), (Method::DELETE, json!(null))] {
            let text = method.to_string();
            let other = other(&text);
            let change = (method, path.as_str(), &body);
            site.must_know_the_version(change, &path, (Method::PATCH, &path, &other)).await;
        }
    }

    async fn of_two_changes_of_the_same_version_one_wins(site) {
        create_cats(site).await;
        let paths = [
            format!("/api/projects/{}", id(1)), format!("/api/characters/{}", id(TABBY)),
            format!("/api/animations/{}", id(6)),
        ];
        for path in &paths {
            for round in 0..5 {
                let tag = site.tag(path).await;
                let change = |who: &str| {
                    let body = json!({ "description": format!("{who} {round}") });
                    site.change(Method::PATCH, path, &tag).json(&body).send()
                };
                let (one, two) = tokio::join!(change("one"), change("two"));
                let (one, two) = (one.unwrap(), two.unwrap());
                let won = if one.status() == StatusCode::OK { "one" } else { "two" };
                let (winner, loser) = if won == "one" { (one, two) } else { (two, one) };
                let winner = expect(winner, StatusCode::OK).await;
                problem(loser, 412, "stale").await;
                assert_eq!(winner["description"], format!("{won} {round}"));
                assert_eq!(site.get(path).await, winner);
            }
        }
    }
}
