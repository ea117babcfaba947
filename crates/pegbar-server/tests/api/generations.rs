//! Requests to models.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::support::{FRONT, PALETTE, TABBY, WALK, create_cats, expect, id, png, problem};

both_engines! {
    async fn a_generation_is_recorded_with_what_was_sent_and_what_came_of_it(site) {
        create_cats(site).await;
        let path = format!("/api/projects/{}/generations", id(1));
        let body = json!({
            "id": id(90), "prompt": "walk on", "systemPrompt": "draw", "model": "painter-2",
            "settings": { "seed": 7 }, "durationMs": 1200, "inputTokens": 10, "outputTokens": 20,
            "price": "0.039 USD", "createdAt": "2026-01-01T07:02:29.000Z",
            "inputs": [{ "role": "character", "assetId": id(FRONT) }, { "role": "pose", "file": "pose" }],
            "outputs": [
                { "asset": { "id": id(91), "file": "o1" }, "animationId": id(WALK), "frameIndex": 1,
                  "framePrompt": "on" },
                { "asset": { "id": id(92), "file": "o2" }, "animationId": id(WALK) },
                { "asset": { "id": id(93), "file": "o3" }, "characterId": id(TABBY) },
                { "asset": { "id": id(94), "file": "o4" }, "replacesFrameId": id(12) },
                { "asset": { "id": id(95), "file": "o5" } }
            ]
        });
        let images = [("pose", 90), ("o1", 91), ("o2", 92), ("o3", 93), ("o4", 94), ("o5", 95)];
        let recorded = site.create(&path, &body, &images).await;
        let generation = &recorded["generation"];
        assert_eq!((&generation["status"], &generation["price"]), (&json!("succeeded"), &json!("0.039 USD")));
        assert_eq!(recorded["newReferences"].as_array().unwrap().len(), 1, "the pose is kept");
        let outputs = recorded["outputs"].as_array().unwrap();
        assert_eq!(outputs.len(), 5);
        for output in outputs {
            assert_eq!(output["generationPrompt"], "walk on");
            assert_eq!(output["generationId"], id(90));
            assert_eq!(output["references"].as_array().unwrap().len(), 2);
            assert_eq!(output["createdAt"], "2026-01-01T07:02:29.000Z");
        }
        let walk = site.get(&format!("/api/animations/{}/tree", id(WALK))).await;
        let shown: Vec<&Value> = walk["frames"].as_array().unwrap().iter()
            .map(|frame| &frame["asset"]["id"]).collect();
        assert_eq!(shown, [&json!(id(20)), &json!(id(91)), &json!(id(21)), &json!(id(94))]);
        assert_eq!(walk["frames"][1]["frame"]["framePrompt"], "on");
        assert_eq!(site.get(&format!("/api/generations/{}", id(90))).await, *generation);
        let sent = pegbar::Sha256::of(&png(90)).to_string();
        assert_eq!(outputs[0]["references"][1]["sha256"], sent);
    }

    async fn a_generation_that_failed_is_recorded_too_and_both_are_found(site) {
        create_cats(site).await;
        let path = format!("/api/projects/{}/generations", id(1));
        let body = json!({ "prompt": "x", "model": "painter-2", "error": "refused by the filter" });
        let failed = site.send(Method::POST, &path, &body).await;
        let failed = expect(failed, StatusCode::CREATED).await;
        assert_eq!(failed["generation"]["error"], "refused by the filter");
        let body = json!({ "id": id(90), "model": "painter-1", "outputs": [{ "asset": { "id": id(91), "file": "o" } }] });
        site.create(&path, &body, &[("o", 91)]).await;
        let of_output = format!("?outputAssetId={}", id(91));
        for (query, count) in [
            ("", 2), ("?status=failed", 1), ("?model=painter-1", 1), (of_output.as_str(), 1),
            ("?createdBefore=2000-01-01T00:00:00.000Z", 0), ("?status=failed&model=painter-1", 0),
        ] {
            let page = site.get(&format!("{path}{query}")).await;
            assert_eq!(page["rows"].as_array().unwrap().len(), count, "{query}");
        }
    }

    async fn what_contradicts_itself_is_not_recorded(site) {
        create_cats(site).await;
        let path = format!("/api/projects/{}/generations", id(1));
        let output = |place: Value| {
            let mut output = json!({ "asset": { "file": "o" } });
            output.as_object_mut().unwrap().extend(place.as_object().unwrap().clone());
            json!({ "outputs": [output] })
        };
        let wrong = [
            json!({}), json!({ "outputs": [], "error": "x" }), json!({ "error": "" }),
            output(json!({ "characterId": id(TABBY), "animationId": id(WALK) })),
            output(json!({ "frameIndex": 0 })),
            output(json!({ "animationId": id(WALK), "frameIndex": -2 })),
            output(json!({ "animationId": id(WALK), "framePrompt": "x" })),
            json!({ "error": "x", "inputs": [{ "role": "pose" }] }),
            json!({ "error": "x", "inputs": [{ "role": "pose", "file": "o", "assetId": id(PALETTE) }] }),
            json!({ "error": "x", "price": "1 Dollar" }),
        ];
        for body in wrong {
            let images: &[(&str, u32)] = if body.to_string().contains("\"o\"") {
                &[("o", 91)]
            } else {
                &[]
            };
            let response = site.upload(Method::POST, &path, &body, images).await;
            problem(response, 422, "invalid").await;
        }
        let page = site.get(&path).await;
        assert_eq!(page["rows"], json!([]));
    }
}
