//! Whole projects in one request.

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{FRONT, PALETTE, cats, create_cats, id, png, problem};

both_engines! {
    async fn a_whole_project_is_created_by_one_request_as_it_was_written(site) {
        let made = create_cats(site).await;
        assert_eq!(made["project"]["id"], id(1));
        assert_eq!(made["project"]["thumbnailId"], id(FRONT));
        assert_eq!(made["project"]["settings"], json!({ "model": "painter-1" }));
        assert_eq!(made["references"][0]["originalName"], "palette.png");
        let tabby = &made["characters"][0];
        assert_eq!(tabby["character"]["primaryAssetId"], id(FRONT));
        assert_eq!(tabby["variations"][1]["originalName"], "from-the-side.png");
        let walk = &tabby["animations"][0];
        assert_eq!(walk["animation"]["frameCount"], 3);
        assert_eq!(walk["animation"]["frameDurationMs"], 80);
        for place in 0..3_u32 {
            let frame = &walk["frames"][usize::try_from(place).unwrap()];
            assert_eq!(frame["frame"]["id"], id(10 + place));
            assert_eq!(frame["frame"]["frameIndex"], place);
            assert_eq!(frame["frame"]["framePrompt"], format!("step {place}"));
            let asset = &frame["asset"];
            assert_eq!(asset["generationPrompt"], format!("a cat, step {place}"));
            assert_eq!(asset["generationSettings"]["seed"], place);
            assert_eq!((&asset["width"], &asset["height"]), (&json!(8), &json!(6)));
            let before = if place == 0 { FRONT } else { 19 + place };
            assert_eq!(asset["referenceAssetIds"], json!([id(before)]));
            let path = format!("{}/frames/Walk/Tabby_Walk_{place}.png", id(1));
            assert_eq!(asset["filePath"], path);
            let file = site.studio.assets_folder().join(&path);
            assert_eq!(std::fs::read(file).unwrap(), png(4 + place));
        }
        assert_eq!(site.get(&format!("/api/projects/{}/tree", id(1))).await, made);
        let counts = site.get(&format!("/api/projects/{}/counts", id(1))).await;
        assert_eq!(counts["frames"], 3);
        assert_eq!(counts["variations"], 2);
        assert_eq!(counts["references"], 1);
        let tags = site.get(&format!("/api/projects/{}/tags", id(1))).await;
        let tags: Vec<&Value> = tags.as_array().unwrap().iter().map(|tag| &tag["tag"]).collect();
        assert_eq!(tags, ["colour", "hero", "pilot"]);
    }

    async fn of_a_project_that_is_not_acceptable_nothing_is_created(site) {
        let wrong: [(&str, Value, &str); 8] = [
            ("/name", json!(""), "name"),
            ("/characters/0/animations/0/frames/1/asset/file", json!("nowhere"),
             "characters[0].animations[0].frames[1].asset.file"),
            ("/characters/0/variations/0/sha256", json!("0".repeat(64)),
             "characters[0].variations[0].sha256"),
            ("/characters/0/animations/0/frames/1", json!({}),
             "characters[0].animations[0].frames[1]"),
            ("/characters/0/animations/0/frameDurationMs", json!(0), ""),
            ("/characters/0/primaryAssetId", json!(id(PALETTE)), ""),
            ("/references/0/generationSettings", json!([1]), ""),
            ("/characters/0/animations/0/frames/2/asset/references/0/assetId", json!(id(999)), ""),
        ];
        for (place, value, field) in wrong {
            let (mut body, images) = cats();
            if let Some(found) = body.pointer_mut(place) {
                *found = value;
            } else {
                    let (parent, name) = place.rsplit_once('/').unwrap();
                    body.pointer_mut(parent).unwrap()[name] = value;
            }
            let response = site.upload(Method::POST, "/api/projects", &body, &images).await;
            let status = response.status().as_u16();
            assert!([404, 409, 422].contains(&status), "{place}: {status}");
            let problem: Value = response.json().await.unwrap();
            assert!(problem["detail"].as_str().unwrap().len() > 5, "{place}: {problem}");
            if !field.is_empty() {
                assert_eq!(problem["field"], field, "{problem}");
            }
            let projects = site.get("/api/projects").await;
            assert_eq!(projects["rows"], json!([]), "{place}");
        }
    }

    async fn what_is_not_understood_is_refused_and_named(site) {
        create_cats(site).await;
        let project = format!("/api/projects/{}", id(1));
        let unknown = json!({ "name": "P", "colour": "red" });
        let refused = site.send(Method::POST, "/api/projects", &unknown).await;
        let refused = problem(refused, 422, "invalid").await;
        assert!(refused["detail"].as_str().unwrap().contains("colour"), "{refused}");
        let request = site.change(Method::PATCH, &project, "*").json(&json!({ "nmae": "x" }));
        let refused = problem(request.send().await.unwrap(), 422, "invalid").await;
        assert!(refused["detail"].as_str().unwrap().contains("nmae"), "{refused}");

        for (query, field) in [
            ("colour=red", "colour"), ("limit=0", "limit"), ("limit=1001", "limit"),
            ("limit=x", "limit"), ("limit=1&limit=2", "the query"), ("cursor=AQ", "cursor"),
        ] {
            let path = format!("/api/projects?{query}");
            let response = site.request(Method::GET, &path).send().await.unwrap();
            let refused = problem(response, 422, "invalid").await;
            assert_eq!(refused["field"], field, "{query}: {refused}");
        }
        let path = format!("{project}?name=x");
        let response = site.request(Method::GET, &path).send().await.unwrap();
        problem(response, 422, "invalid").await;
        let path = format!("{project}/assets?kind=picture");
        let response = site.request(Method::GET, &path).send().await.unwrap();
        let refused = problem(response, 422, "invalid").await;
        assert!(refused["detail"].as_str().unwrap().contains("reference"), "{refused}");

        let place = json!({ "name": "P", "characters": [{ "name": "C", "tags": ["a", 7] }] });
        let refused = site.send(Method::POST, "/api/projects", &place).await;
        let refused = problem(refused, 422, "invalid").await;
        assert_eq!(refused["field"], "characters[0].tags[1]");
    }

    async fn what_the_framework_refuses_is_a_problem_too(site) {
        let post = |body: &'static str, kind: &'static str| {
            site.request(Method::POST, "/api/projects").header("Content-Type", kind).body(body)
        };
        let json = "application/json";
        for broken in ["", "{", "{\"name\":\"a\"} x", "\u{feff}{}"] {
            problem(post(broken, json).send().await.unwrap(), 400, "malformed").await;
        }
        let kind = "text/plain";
        problem(post("{}", kind).send().await.unwrap(), 415, "unsupported_media_type").await;
        let kind = "application/x-www-form-urlencoded";
        problem(post("name=a", kind).send().await.unwrap(), 415, "unsupported_media_type").await;
        let kind = "multipart/form-data";
        problem(post("x", kind).send().await.unwrap(), 400, "malformed").await;
        let kind = "multipart/form-data; boundary=b";
        problem(post("no parts", kind).send().await.unwrap(), 400, "malformed").await;

        let get = |path: &'static str| site.request(Method::GET, path);
        problem(get("/api/nothing").send().await.unwrap(), 404, "not_found").await;
        problem(get("/api/projects/not-an-id").send().await.unwrap(), 404, "not_found").await;
        problem(get("/api/projects/%ff").send().await.unwrap(), 404, "not_found").await;
        let there = format!("/api/projects/{}", id(77));
        let missing = site.request(Method::GET, &there).send().await.unwrap();
        problem(missing, 404, "not_found").await;
        let put = site.request(Method::PUT, "/api/projects").send().await.unwrap();
        let allowed = put.headers().get("allow").map(|allow| allow.to_str().unwrap().to_owned());
        problem(put, 405, "method_not_allowed").await;
        let allowed = allowed.unwrap();
        assert!(allowed.contains("GET") && allowed.contains("POST"), "{allowed}");
    }
}
