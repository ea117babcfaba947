//! What is asked for twice is made once.

use pegbar::{BegunRequest, NewProject, ProjectId, Sha256};
use reqwest::{Method, Response, StatusCode};
use serde_json::{Value, json};
use sha2::Digest as _;

use crate::support::{FRONT, Site, WALK, cats, create_cats, etag, expect, id, parts, problem};

async fn create(site: &Site, path: &str, key: &str, body: &Value) -> Response {
    let request = site
        .request(Method::POST, path)
        .header("Idempotency-Key", key);
    request.json(body).send().await.unwrap()
}

async fn count(site: &Site, path: &str) -> usize {
    let page = site.get(path).await;
    page["rows"].as_array().unwrap().len()
}

both_engines! {
    async fn the_same_key_gives_the_same_answer_also_after_a_restart(site) {
        let body = json!({ "name": "Once" });
        let first = create(site, "/api/projects", "\"key-1\"", &body).await;
        let tag = etag(&first);
        let first = expect(first, StatusCode::CREATED).await;
        for round in 0..3 {
            if round == 1 {
                site.restart().await;
            }
            // The bare text is the same key.
            let again = create(site, "/api/projects", "key-1", &body).await;
            assert_eq!(etag(&again), tag);
            assert_eq!(expect(again, StatusCode::CREATED).await, first);
        }
        assert_eq!(count(site, "/api/projects").await, 1);
        let path = format!("/api/projects/{}", first["project"]["id"].as_str().unwrap());
        site.changed(Method::PATCH, &path, &json!({ "name": "Changed" })).await;
        let again = create(site, "/api/projects", "key-1", &body).await;
        assert_eq!(expect(again, StatusCode::CREATED).await, first, "the answer of then");
        let other = create(site, "/api/projects", "key-2", &body).await;
        expect(other, StatusCode::CREATED).await;
        assert_eq!(count(site, "/api/projects").await, 2);
    }

    async fn another_request_with_the_same_key_is_refused(site) {
        create_cats(site).await;
        let body = json!({ "name": "Once" });
        expect(create(site, "/api/projects", "key", &body).await, StatusCode::CREATED).await;
        let other = create(site, "/api/projects", "key", &json!({ "name": "Twice" })).await;
        problem(other, 409, "conflict").await;
        let path = format!("/api/projects/{}/characters", id(1));
        problem(create(site, &path, "key", &body).await, 409, "conflict").await;
        for wrong in ["", " ", "\"\"", &"x".repeat(256)] {
            problem(create(site, "/api/projects", wrong, &body).await, 422, "invalid").await;
        }
    }

    async fn images_count_as_part_of_the_request(site) {
        let (body, images) = cats();
        let send = |images: Vec<(&'static str, u32)>| {
            let request = site.request(Method::POST, "/api/projects");
            request.header("Idempotency-Key", "k").multipart(parts(&body, &images)).send()
        };
        let first = expect(send(images.to_vec()).await.unwrap(), StatusCode::CREATED).await;
        // Another boundary, the same parts.
        let again = expect(send(images.to_vec()).await.unwrap(), StatusCode::CREATED).await;
        assert_eq!(first, again);
        let mut other = images.to_vec();
        other[3].1 = 99;
        problem(send(other).await.unwrap(), 409, "conflict").await;
    }

    async fn a_request_that_was_refused_may_be_sent_again(site) {
        let taken = json!({ "id": id(1), "name": "A" });
        create_cats(site).await;
        for _ in 0..2 {
            // What has the id is not what this request made.
            let refused = create(site, "/api/projects", "key", &taken).await;
            problem(refused, 409, "conflict").await;
        }
        let path = format!("/api/projects/{}", id(1));
        let gone = site.change(Method::DELETE, &path, "*").send().await.unwrap();
        expect(gone, StatusCode::OK).await;
        expect(create(site, "/api/projects", "key", &taken).await, StatusCode::CREATED).await;
    }

    async fn of_several_at_once_one_creates_and_all_are_answered_alike(site) {
        for round in 0..5 {
            let (key, body) = (format!("key-{round}"), json!({ "name": format!("P{round}") }));
            let send = || create(site, "/api/projects", &key, &body);
            let (a, b, c, d) = tokio::join!(send(), send(), send(), send());
            let mut ids = Vec::new();
            for answer in [a, b, c, d] {
                let answer = expect(answer, StatusCode::CREATED).await;
                ids.push(answer["project"]["id"].clone());
            }
            ids.dedup();
            assert_eq!(ids.len(), 1, "{ids:?}");
        }
        assert_eq!(count(site, "/api/projects").await, 5);
    }

    async fn what_was_interrupted_before_its_commit_is_made_with_the_ids_reserved_then(site) {
        let body = json!({ "name": "Late" });
        let reserved = site.studio.new_id::<ProjectId>();
        begin(site, "/api/projects", &body, reserved).await;
        let made = create(site, "/api/projects", "key", &body).await;
        let made = expect(made, StatusCode::CREATED).await;
        assert_eq!(made["project"]["id"], reserved.to_string());
        assert_eq!(count(site, "/api/projects").await, 1);
    }

    async fn what_was_interrupted_between_commit_and_answer_is_found_again(site) {
        let body = json!({ "name": "Late" });
        let reserved = site.studio.new_id::<ProjectId>();
        begin(site, "/api/projects", &body, reserved).await;
        let there = site.studio.create_project(NewProject::new("Late").id(reserved)).await.unwrap();
        for _ in 0..2 {
            let found = create(site, "/api/projects", "key", &body).await;
            let found = expect(found, StatusCode::CREATED).await;
            assert_eq!(found, serde_json::to_value(&there).unwrap());
        }
        assert_eq!(count(site, "/api/projects").await, 1);
    }

    async fn everything_that_creates_takes_a_key(site) {
        create_cats(site).await;
        let asset = json!({ "file": "x" });
        let project = |path: &str| format!("/api/projects/{}/{path}", id(1));
        let walk = |path: &str| format!("/api/animations/{}/{path}", id(WALK));
        let tabby = |path: &str| format!("/api/characters/{}/{path}", id(3));
        let requests = [
            (project("characters"), json!({ "name": "C", "variations": [asset] })),
            (project("assets"), json!({ "assets": [asset] })),
            (project("generations"), json!({ "outputs": [{ "asset": asset }] })),
            (tabby("variations"), asset.clone()),
            (tabby("animations"), json!({ "name": "N", "takes": [asset] })),
            (walk("takes"), asset.clone()),
            (walk("frames"), json!({ "frames": [{ "asset": asset }] })),
        ];
        for (number, (path, body)) in requests.iter().enumerate() {
            let tag = site.tag(&format!("/api/animations/{}", id(WALK))).await;
            let send = || {
                let request = site.change(Method::POST, path, &tag);
                let request = request.header("Idempotency-Key", format!("k{number}"));
                request.multipart(parts(body, &[("x", 80)])).send()
            };
            let before = site.get(&format!("/api/projects/{}/counts", id(1))).await;
            let first = expect(send().await.unwrap(), StatusCode::CREATED).await;
            let between = site.get(&format!("/api/projects/{}/counts", id(1))).await;
            assert_ne!(before, between, "{path}");
            let again = expect(send().await.unwrap(), StatusCode::CREATED).await;
            assert_eq!(first, again, "{path}");
            let after = site.get(&format!("/api/projects/{}/counts", id(1))).await;
            assert_eq!(between, after, "{path}");
        }
        let path = format!("/api/assets/{}/annotations", id(FRONT));
        let body = json!({ "text": "once" });
        let first = expect(create(site, &path, "k", &body).await, StatusCode::CREATED).await;
        let again = expect(create(site, &path, "k", &body).await, StatusCode::CREATED).await;
        assert_eq!(first, again);
        assert_eq!(site.get(&path).await, json!([first]));
    }
}

/// Leaves a request as one that was interrupted: begun, with an id reserved, and not answered.
async fn begin(site: &Site, path: &str, body: &Value, reserved: ProjectId) {
    let body = Sha256::of(body.to_string().as_bytes());
    let mut hasher = sha2::Sha256::new();
    hasher.update(body.0);
    hasher.update(path.as_bytes());
    let hash = Sha256(hasher.finalize().into());
    let begun = site.studio.begin_request("", "key", hash, vec![reserved.0]);
    assert_eq!(begun.await.unwrap(), BegunRequest::New);
}
