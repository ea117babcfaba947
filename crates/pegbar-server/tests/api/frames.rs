//! The order of frames, and what they show.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::support::{FRAMES, FRONT, TABBY, WALK, create_cats, expect, id, parts, problem};

fn order(tree: &Value) -> Vec<String> {
    let frames = tree["frames"].as_array().unwrap().iter().enumerate();
    let ids = frames.map(|(place, frame)| {
        assert_eq!(frame["frame"]["frameIndex"], place, "no gaps: {tree}");
        frame["frame"]["id"].as_str().unwrap().to_owned()
    });
    ids.collect()
}

fn ids(numbers: [u32; 3]) -> Vec<String> {
    numbers.map(id).to_vec()
}

both_engines! {
    async fn frames_are_ordered_moved_replaced_and_removed(site) {
        create_cats(site).await;
        let animation = format!("/api/animations/{}", id(WALK));
        let frame = |number: u32| format!("/api/frames/{}", id(number));
        let frames = site.get(&format!("{animation}/frames")).await;
        assert_eq!(frames.as_array().unwrap().len(), 3);
        assert_eq!(site.get(&frame(FRAMES[1])).await, frames[1]);

        let path = format!("{animation}/frames/order");
        let body = json!({ "frameIds": ids([12, 10, 11]) });
        let tree = site.changed(Method::PUT, &path, &body).await;
        assert_eq!(order(&tree), ids([12, 10, 11]));
        assert_eq!(site.get(&format!("{animation}/tree")).await, tree);
        for wrong in [json!([]), json!([id(10), id(11)]), json!([id(10), id(10), id(11)])] {
            let body = json!({ "frameIds": wrong });
            let refused = site.change(Method::PUT, &path, "*").json(&body).send().await.unwrap();
            assert!([409, 422].contains(&refused.status().as_u16()), "{wrong}");
        }

        let path = format!("{}/move", frame(12));
        let tree = site.changed(Method::POST, &path, &json!({ "to": 2 })).await;
        assert_eq!(order(&tree), ids([10, 11, 12]));
        let refused = site.change(Method::POST, &path, "*").json(&json!({})).send().await;
        problem(refused.unwrap(), 422, "invalid").await;
        let refused = site.change(Method::POST, &path, "*").json(&json!({ "to": 3 })).send().await;
        problem(refused.unwrap(), 422, "invalid").await;

        let prompt = site.changed(Method::PATCH, &frame(11), &json!({ "framePrompt": "up" })).await;
        assert_eq!(prompt["frames"][1]["frame"]["framePrompt"], "up");
        let same = site.changed(Method::PATCH, &frame(11), &json!({})).await;
        assert_eq!(same, prompt, "what is absent stays");
        let cleared = json!({ "framePrompt": null });
        let prompt = site.changed(Method::PATCH, &frame(11), &cleared).await;
        assert_eq!(prompt["frames"][1]["frame"]["framePrompt"], json!(null));

        let path = format!("{}/asset", frame(11));
        let tree = site.changed(Method::PUT, &path, &json!({ "assetId": id(FRONT) })).await;
        assert_eq!(tree["frames"][1]["asset"]["id"], id(FRONT));
        assert_eq!(tree["takes"][0]["id"], id(21), "what it showed stays a take");
        let body = json!({ "asset": { "file": "new", "generationPrompt": "better" } });
        let request = site.change(Method::PUT, &path, &site.tag(&animation).await);
        let request = request.multipart(parts(&body, &[("new", 50)]));
        let tree = expect(request.send().await.unwrap(), StatusCode::OK).await;
        assert_eq!(tree["frames"][1]["asset"]["generationPrompt"], "better");
        let both = json!({ "asset": { "file": "new" }, "assetId": id(FRONT) });
        let request = site.change(Method::PUT, &path, "*").multipart(parts(&both, &[("new", 50)]));
        problem(request.send().await.unwrap(), 422, "invalid").await;

        let removed = site.change(Method::DELETE, &frame(10), "*").send().await.unwrap();
        let removed = expect(removed, StatusCode::OK).await;
        assert_eq!(order(&removed), [id(11), id(12)]);
        let gone = site.request(Method::GET, &frame(10)).send().await.unwrap();
        problem(gone, 404, "not_found").await;
    }

    async fn frames_are_inserted_where_they_belong(site) {
        create_cats(site).await;
        let path = format!("/api/animations/{}/frames", id(WALK));
        let insert = |body: Value, images: &[(&str, u32)]| {
            let request = site.change(Method::POST, &path, "*");
            request.multipart(parts(&body, images)).send()
        };
        let frames = json!([
            { "id": id(60), "asset": { "file": "a" } }, { "id": id(61), "asset": { "file": "b" } }
        ]);
        let body = json!({ "at": 1, "frames": frames });
        let tree = expect(insert(body, &[("a", 51), ("b", 52)]).await.unwrap(), StatusCode::CREATED);
        assert_eq!(order(&tree.await), [10, 60, 61, 11, 12].map(id));
        let body = json!({ "frames": [{ "id": id(62), "assetId": id(FRONT) }] });
        let request = site.change(Method::POST, &path, "*").json(&body).send().await.unwrap();
        let tree = expect(request, StatusCode::CREATED).await;
        assert_eq!(order(&tree), [10, 60, 61, 11, 12, 62].map(id));
        for (body, code) in [
            (json!({ "frames": [] }), 422), (json!({ "at": 9, "frames": [{ "assetId": id(FRONT) }] }), 422),
            (json!({ "frames": [{ "assetId": id(99) }] }), 404),
            (json!({ "frames": [{ "id": id(62), "assetId": id(FRONT) }] }), 409),
        ] {
            let response = site.change(Method::POST, &path, "*").json(&body).send().await.unwrap();
            let status = response.status().as_u16();
            assert!(status == code || (code != 422 && [404, 409, 422].contains(&status)), "{body}: {status}");
        }
        assert_eq!(site.get(&path).await.as_array().unwrap().len(), 6, "nothing was added");
    }

    async fn a_frame_moves_into_another_animation(site) {
        create_cats(site).await;
        let create = format!("/api/characters/{}/animations", id(TABBY));
        let run = site.create(&create, &json!({ "id": id(70), "name": "Run" }), &[]).await;
        assert_eq!(run["animation"]["frameCount"], 0);
        let path = format!("/api/frames/{}/move", id(11));
        let body = json!({ "animationId": id(70) });
        let tree = site.changed(Method::POST, &path, &body).await;
        assert_eq!(order(&tree).len(), 1);
        assert_eq!(tree["frames"][0]["asset"]["id"], id(21));
        let walk = site.get(&format!("/api/animations/{}/tree", id(WALK))).await;
        assert_eq!(order(&walk), [id(10), id(12)]);
    }

    async fn every_change_of_frames_is_meant_for_one_version_of_the_animation(site) {
        create_cats(site).await;
        let animation = format!("/api/animations/{}", id(WALK));
        let frame = format!("/api/frames/{}", id(11));
        let changes = [
            (Method::PUT, format!("{animation}/frames/order"), json!({ "frameIds": ids([12, 11, 10]) })),
            (Method::POST, format!("{animation}/frames"), json!({ "frames": [{ "assetId": id(FRONT) }] })),
            (Method::PATCH, frame.clone(), json!({ "framePrompt": "x" })),
            (Method::PUT, format!("{frame}/asset"), json!({ "assetId": id(FRONT) })),
            (Method::POST, format!("{frame}/move"), json!({ "to": 0 })),
            (Method::DELETE, frame.clone(), json!(null)),
        ];
        let order = format!("{animation}/frames/order");
        let orders = [ids([11, 10, 12]), ids([10, 11, 12])];
        for (number, (method, path, body)) in changes.iter().enumerate() {
            let other = json!({ "frameIds": orders[number % 2] });
            let change = (method.clone(), path.as_str(), body);
            site.must_know_the_version(change, &animation, (Method::PUT, &order, &other)).await;
        }
    }
}
