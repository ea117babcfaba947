//! What people know assets by, tags, changes, and documents to give on.

use pegbar::Head;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::support::{FRONT, PALETTE, TABBY, WALK, create_cats, expect, id, problem};

fn names(page: &Value) -> Vec<&str> {
    let rows = page["rows"].as_array().unwrap().iter();
    rows.map(|row| row["name"].as_str().unwrap()).collect()
}

both_engines! {
    async fn assets_are_known_by_whose_they_are_and_where_they_are_shown(site) {
        create_cats(site).await;
        let path = format!("/api/projects/{}/whereabouts", id(1));
        let two = format!("{path}?assetIds={},{},{}", id(21), id(FRONT), id(77));
        let found = site.get(&two).await;
        assert_eq!(found.as_array().unwrap().len(), 2, "those that are not there are left out");
        assert_eq!((&found[0]["animation"], &found[0]["shownIn"][0]["frameIndex"]), (&json!("Walk"), &json!(1)));
        assert_eq!((&found[1]["character"], &found[1]["isPrimary"]), (&json!("Tabby"), &json!(true)));
        let many = vec![id(21); 101].join(",");
        for wrong in [String::new(), "?assetIds=x".to_owned(), format!("?assetIds={many}")] {
            let response = site.request(Method::GET, &format!("{path}{wrong}")).send().await;
            problem(response.unwrap(), 422, "invalid").await;
        }
        let frames = site.get(&format!("/api/assets/{}/showing-frames", id(21))).await;
        assert_eq!(frames, json!([site.get(&format!("/api/frames/{}", id(11))).await]));
        assert_eq!(site.get(&format!("/api/assets/{}/showing-frames", id(FRONT))).await, json!([]));
        let none = site.get(&format!("/api/assets/{}/credentials", id(PALETTE))).await;
        assert_eq!(none, json!(null));
    }

    async fn single_tags_are_added_and_removed(site) {
        create_cats(site).await;
        let body = json!({ "add": ["new", "pilot"], "remove": ["nowhere"] });
        let path = format!("/api/projects/{}/tags", id(1));
        let tags = expect(site.send(Method::POST, &path, &body).await, StatusCode::OK).await;
        assert_eq!(tags, json!(["pilot", "new"]));
        let of = [format!("/api/characters/{}", id(TABBY)), format!("/api/assets/{}", id(5))];
        for path in of {
            let (tags, site) = (format!("{path}/tags"), &*site);
            let change = async |body: Value| site.send(Method::POST, &tags, &body).await;
            let (one, two) = tokio::join!(
                change(json!({ "add": ["a"] })), change(json!({ "add": ["b"], "remove": ["hero"] }))
            );
            expect(one, StatusCode::OK).await;
            expect(two, StatusCode::OK).await;
            let found = site.get(&path).await;
            let mut all: Vec<&str> = found["tags"].as_array().unwrap().iter()
                .filter_map(Value::as_str).collect();
            all.sort_unstable();
            assert_eq!(all, ["a", "b"], "of two at once neither loses anything");
            problem(change(json!({ "add": [""] })).await, 422, "invalid").await;
            problem(change(json!({ "tags": [] })).await, 422, "invalid").await;
        }
    }

    async fn changes_are_listed_by_their_numbers(site) {
        create_cats(site).await;
        let path = format!("/api/projects/{}/changes", id(1));
        let first = site.get(&path).await;
        let last = first["last"].as_u64().unwrap();
        let animation = format!("/api/animations/{}", id(WALK));
        site.changed(Method::PATCH, &animation, &json!({ "name": "Run" })).await;
        let new = site.get(&format!("{path}?after={last}&limit=10")).await;
        assert_eq!(new["last"], last + 1);
        let entity = &new["changes"][0]["entities"][0];
        assert_eq!((&entity["entity"], &entity["change"]), (&json!("animation"), &json!("updated")));
        assert_eq!(entity["id"], id(WALK));
        for wrong in ["?limit=0", "?after=-1"] {
            let response = site.request(Method::GET, &format!("{path}{wrong}")).send().await;
            problem(response.unwrap(), 422, "invalid").await;
        }
    }

    async fn lists_go_from_the_newest_on_and_cursors_remember_it(site) {
        for name in ["A", "B", "C", "D", "E"] {
            site.create("/api/projects", &json!({ "name": name }), &[]).await;
        }
        let first = site.get("/api/projects?order=desc&limit=2").await;
        assert_eq!(names(&first), ["E", "D"]);
        site.create("/api/projects", &json!({ "name": "F" }), &[]).await;
        let cursor = first["nextCursor"].as_str().unwrap();
        let second = site.get(&format!("/api/projects?limit=2&cursor={cursor}")).await;
        assert_eq!(names(&second), ["C", "B"], "what was added meanwhile is before the first page");
        let cursor = second["nextCursor"].as_str().unwrap();
        let third = site.get(&format!("/api/projects?limit=2&order=desc&cursor={cursor}")).await;
        assert_eq!((names(&third), &third["nextCursor"]), (vec!["A"], &json!(null)));
        for wrong in [format!("order=asc&cursor={cursor}"), "order=up".to_owned()] {
            let path = format!("/api/projects?{wrong}");
            let response = site.request(Method::GET, &path).send().await.unwrap();
            problem(response, 422, "invalid").await;
        }
        let search = site.request(Method::GET, "/api/search?order=desc").send().await.unwrap();
        problem(search, 422, "invalid").await;
    }

    async fn heads_and_lineages_are_exported_whole(site) {
        create_cats(site).await;
        let path = format!("/api/projects/{}/head", id(1));
        let response = site.request(Method::GET, &path).send().await.unwrap();
        assert_eq!(response.headers()["content-type"], "application/x-ndjson");
        let text = response.text().await.unwrap();
        let head = Head::read(text.as_bytes(), "the answer").unwrap();
        assert_eq!(head.assets().len(), 6);
        assert!(site.studio.compare_head(&head).await.unwrap().holds());

        let path = format!("/api/projects/{}/prov", id(1));
        let response = site.request(Method::GET, &path).send().await.unwrap();
        assert_eq!(response.headers()["content-type"], "application/prov+json");
        let name = response.headers()["content-disposition"].to_str().unwrap().to_owned();
        assert!(name.ends_with(&format!("{}.prov.json\"", id(1))), "{name}");
        let document: Value = response.json().await.unwrap();
        assert_eq!(document["wasDerivedFrom"].as_object().unwrap().len(), 4, "{document}");
        for path in ["head", "prov", "changes", "whereabouts?assetIds=01920000-0000-7000-8000-000000000001"] {
            let path = format!("/api/projects/{}/{path}", id(77));
            let missing = site.request(Method::GET, &path).send().await.unwrap();
            problem(missing, 404, "not_found").await;
        }
    }
}
