//! Images that come with requests.

use std::io::Cursor;

use base64::Engine as _;
use futures_util::stream;
use pegbar::Sha256;
use pegbar_server::{Limits, ServerOptions};
use reqwest::multipart::{Form, Part};
use reqwest::{Body, Method, StatusCode};
use serde_json::json;

use crate::support::{create_cats, expect, id, parts, png, problem};

fn digest(bytes: &[u8]) -> String {
    let base64 = base64::engine::general_purpose::STANDARD.encode(Sha256::of(bytes).0);
    format!("sha-256=:{base64}:")
}

/// An image that is larger than what JSON may be: noise does not pack.
fn large() -> Vec<u8> {
    let mut state = 1_u32;
    let image = image::RgbImage::from_fn(2048, 1600, |_, _| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let [_, a, b, c] = state.to_le_bytes();
        image::Rgb([a, b, c])
    });
    let mut bytes = Cursor::new(Vec::new());
    image.write_to(&mut bytes, image::ImageFormat::Png).unwrap();
    bytes.into_inner()
}

both_engines! {
    async fn an_image_is_taken_as_it_is_and_its_hash_compared(site) {
        create_cats(site).await;
        let path = format!("/api/projects/{}/images?originalName=a%20cat.png", id(1));
        let bytes = png(70);
        let send = |bytes: Vec<u8>, digest: String, kind: &'static str| {
            let request = site.request(Method::POST, &path).header("Content-Type", kind);
            request.header("Repr-Digest", digest).body(bytes).send()
        };
        let made = send(bytes.clone(), digest(&bytes), "image/png").await.unwrap();
        let made = expect(made, StatusCode::CREATED).await;
        assert_eq!(made["sha256"], Sha256::of(&bytes).to_string());
        assert_eq!((&made["originalName"], &made["kind"]), (&json!("a cat.png"), &json!("reference")));
        let count = || site.get("/api/search?kind=reference&limit=1000");
        let before = count().await;
        let other = send(bytes.clone(), digest(b"other"), "image/png").await.unwrap();
        problem(other, 422, "invalid").await;
        let broken = send(bytes.clone(), "sha-256=:x:".to_owned(), "image/png").await.unwrap();
        problem(broken, 400, "malformed").await;
        let kind = send(bytes.clone(), digest(&bytes), "text/html").await.unwrap();
        problem(kind, 415, "unsupported_media_type").await;
        let text = b"not an image".to_vec();
        let none = send(text.clone(), digest(&text), "image/png").await.unwrap();
        problem(none, 422, "not_an_image").await;
        let cut = bytes[..bytes.len() / 2].to_vec();
        let half = send(cut.clone(), digest(&cut), "image/png").await.unwrap();
        problem(half, 422, "not_an_image").await;
        assert_eq!(count().await, before, "nothing was added");
    }

    async fn an_image_larger_than_any_json_is_streamed(site) {
        create_cats(site).await;
        let bytes = large();
        assert!(bytes.len() > 8 << 20, "{}", bytes.len());
        let pieces: Vec<_> = bytes.chunks(64 << 10).map(|piece| Ok::<_, std::io::Error>(piece.to_vec())).collect();
        let path = format!("/api/projects/{}/images", id(1));
        let request = site.request(Method::POST, &path).header("Content-Type", "image/png");
        let body = Body::wrap_stream(stream::iter(pieces));
        let made = request.body(body).header("Repr-Digest", digest(&bytes)).send().await.unwrap();
        let made = expect(made, StatusCode::CREATED).await;
        assert_eq!(made["fileSize"], bytes.len());

        let form = Form::new().part("body", Part::text(json!({ "file": "x" }).to_string()));
        let form = form.part("x", Part::bytes(bytes.clone()).file_name("x.png"));
        let path = format!("/api/characters/{}/variations", id(3));
        let made = site.request(Method::POST, &path).multipart(form).send().await.unwrap();
        let made = expect(made, StatusCode::CREATED).await;
        assert_eq!(made["sha256"], Sha256::of(&bytes).to_string());
    }

    async fn more_than_the_limits_is_refused(site) {
        create_cats(site).await;
        let options = ServerOptions {
            limits: Limits { max_json: 2000, max_upload: 3000, ..Limits::default() },
            ..ServerOptions::new(([127, 0, 0, 1], 0).into())
        };
        site.serve(options).await;
        let long = json!({ "name": "x".repeat(2000) });
        problem(site.send(Method::POST, "/api/projects", &long).await, 413, "too_large").await;
        let response = site.upload(Method::POST, "/api/projects", &long, &[]).await;
        problem(response, 413, "too_large").await;
        let path = format!("/api/projects/{}/images", id(1));
        let request = site.request(Method::POST, &path).header("Content-Type", "image/png");
        problem(request.body(vec![0; 3001]).send().await.unwrap(), 413, "too_large").await;
        let form = Form::new().part("body", Part::text("{\"assets\":[{\"file\":\"x\"}]}"));
        let form = form.part("x", Part::bytes(vec![0; 3001]));
        let path = format!("/api/projects/{}/assets", id(1));
        let response = site.request(Method::POST, &path).multipart(form).send().await.unwrap();
        problem(response, 413, "too_large").await;
        let body = json!({ "assets": [{ "file": "x" }] });
        let fits = site.upload(Method::POST, &path, &body, &[("x", 71)]).await;
        expect(fits, StatusCode::CREATED).await;
    }

    async fn the_parts_of_a_body_are_what_the_json_says(site) {
        create_cats(site).await;
        let path = format!("/api/projects/{}/assets", id(1));
        let body = json!({ "assets": [{ "file": "x" }] });
        let send = |form: Form| site.request(Method::POST, &path).multipart(form).send();
        let image = |number| Part::bytes(png(number)).file_name("C:\\pictures\\cat.png");
        let json = || Part::text(body.to_string());

        let unknown = send(parts(&body, &[("x", 72), ("y", 73)])).await.unwrap();
        let unknown = problem(unknown, 422, "invalid").await;
        assert_eq!(unknown["field"], "y");
        let missing = problem(send(parts(&body, &[])).await.unwrap(), 422, "invalid").await;
        assert_eq!(missing["field"], "assets[0].file");
        let first = Form::new().part("x", image(72)).part("body", json());
        problem(send(first).await.unwrap(), 400, "malformed").await;
        let twice = Form::new().part("body", json()).part("x", image(72)).part("x", image(73));
        problem(send(twice).await.unwrap(), 422, "invalid").await;
        let bodies = Form::new().part("body", json()).part("body", json());
        problem(send(bodies).await.unwrap(), 422, "invalid").await;
        problem(send(Form::new()).await.unwrap(), 400, "malformed").await;
        let text = Form::new().part("body", json()).part("x", Part::text("no image"));
        let text = problem(send(text).await.unwrap(), 422, "not_an_image").await;
        assert_eq!(text["field"], "x");
        let cut = Form::new().part("body", Part::text("{\"assets\":["));
        problem(send(cut).await.unwrap(), 400, "malformed").await;

        let good = Form::new().part("body", json()).part("x", image(74));
        let good = expect(send(good).await.unwrap(), StatusCode::CREATED).await;
        assert_eq!(good[0]["originalName"], "cat.png", "no path of the sender's");
    }

    async fn many_images_come_in_one_request_up_to_a_limit(site) {
        create_cats(site).await;
        let path = format!("/api/projects/{}/assets", id(1));
        for (count, is_let_in) in [(1000_u32, true), (1001, false)] {
            let bytes = png(75);
            let assets: Vec<_> = (0..count).map(|n| json!({ "file": format!("f{n}") })).collect();
            let json = Part::text(json!({ "assets": assets }).to_string());
            let mut form = Form::new().part("body", json);
            for number in 0..count {
                form = form.part(format!("f{number}"), Part::bytes(bytes.clone()));
            }
            let response = site.request(Method::POST, &path).multipart(form).send().await.unwrap();
            if is_let_in {
                let made = expect(response, StatusCode::CREATED).await;
                assert_eq!(made.as_array().unwrap().len(), 1000);
            } else {
                problem(response, 422, "invalid").await;
            }
        }
    }
}
