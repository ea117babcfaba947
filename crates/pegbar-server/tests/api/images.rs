//! Images over HTTP.

use std::fs;
use std::io::Cursor;
use std::time::Duration;

use pegbar::{
    Asset, ImageSource, NewAnimation, NewAsset, NewCharacter, NewFrame, NewProject, ProjectTree,
};
use pegbar_server::ServerOptions;
use reqwest::header::{HeaderMap, HeaderName};
use reqwest::{Method, Response, StatusCode};

use crate::support::{Site, expect, png, problem};

fn new(number: u32) -> NewAsset {
    NewAsset::new(ImageSource::Bytes(png(number)))
}

/// A PNG that no memory keeps: more than 256 KiB.
fn large() -> Vec<u8> {
    let mut state = 1_u32;
    let image = image::RgbImage::from_fn(512, 400, |_, _| {
        image::Rgb([0; 3].map(|_: u8| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            state.to_be_bytes()[0]
        }))
    });
    let mut bytes = Cursor::new(Vec::new());
    image.write_to(&mut bytes, image::ImageFormat::Png).unwrap();
    bytes.into_inner()
}

async fn walk(site: &Site) -> ProjectTree {
    let walk = NewAnimation::new("Walk")
        .frame_duration_ms(80)
        .frame(NewFrame::new(new(1)))
        .frame(NewFrame::new(new(2)));
    let cat = NewCharacter::new("Cat").variation(new(3)).animation(walk);
    let project = NewProject::new("P").character(cat);
    site.studio.create_project(project).await.unwrap()
}

async fn reference(site: &Site, bytes: &[u8], name: &str) -> Asset {
    let asset = NewAsset::new(ImageSource::Bytes(bytes.to_vec())).original_name(name);
    let project = NewProject::new("P").reference(asset);
    let mut tree = site.studio.create_project(project).await.unwrap();
    tree.references.remove(0)
}

async fn ask(site: &Site, path: &str, headers: &[(&str, &str)]) -> Response {
    let request = headers
        .iter()
        .fold(site.request(Method::GET, path), |request, (name, value)| {
            request.header(*name, *value)
        });
    request.send().await.unwrap()
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    let name: HeaderName = name.parse().unwrap();
    headers[name].to_str().unwrap()
}

fn blob(site: &Site, asset: &Asset) -> std::path::PathBuf {
    let name = asset.sha256.unwrap().to_string();
    let folder = site.studio.root().join(".pegbar/blobs");
    folder.join(&name[..2]).join(name)
}

both_engines! {
    async fn a_path_shows_what_the_rows_say_whatever_stands_in_the_folder(site) {
        let tree = walk(site).await;
        let animation = &tree.characters[0].animations[0];
        let paths: Vec<_> = animation.frames.iter()
            .map(|frame| format!("/assets/{}", frame.asset.file_path.as_deref().unwrap())).collect();
        fs::write(site.studio.assets_folder().join(&paths[0]["/assets/".len()..]), "other").unwrap();
        for (path, number) in paths.iter().zip([1, 2]) {
            let response = ask(site, path, &[]).await;
            assert_eq!(response.status(), StatusCode::OK);
            let headers = response.headers().clone();
            assert_eq!(text(&headers, "content-type"), "image/png");
            assert_eq!(text(&headers, "cache-control"), "no-cache");
            assert_eq!(text(&headers, "x-content-type-options"), "nosniff");
            assert_eq!(text(&headers, "content-security-policy"), "default-src 'none'; sandbox");
            assert_eq!(text(&headers, "cross-origin-resource-policy"), "same-site");
            assert_eq!(response.bytes().await.unwrap(), png(number));
        }
        site.studio.move_frame(animation.frames[0].frame.id, 1, None).await.unwrap();
        for (path, number) in paths.iter().zip([2, 1]) {
            assert_eq!(ask(site, path, &[]).await.bytes().await.unwrap(), png(number));
        }
        site.studio.remove_frame(animation.frames[0].frame.id, None).await.unwrap();
        problem(ask(site, &paths[1], &[]).await, 404, "not_found").await;
        for path in ["/assets/", "/assets/x", "/assets/../.pegbar/store-id", "/assets/%2e%2e%2fx",
            "/assets/.pegbar%00"] {
            assert_eq!(ask(site, path, &[]).await.status(), StatusCode::NOT_FOUND, "{path}");
        }
    }

    async fn a_hash_shows_what_a_row_names_and_may_be_kept_for_a_year(site) {
        let asset = reference(site, &png(1), "a.png").await;
        let path = format!("/blobs/{}", asset.sha256.unwrap());
        for _ in 0..2 {
            let response = ask(site, &path, &[]).await;
            let headers = response.headers().clone();
            assert_eq!(text(&headers, "cache-control"), "public, max-age=31536000, immutable");
            assert_eq!(text(&headers, "etag"), format!("\"{}\"", asset.sha256.unwrap()));
            assert_eq!(response.bytes().await.unwrap(), png(1));
        }
        let head = site.request(Method::HEAD, &path).send().await.unwrap();
        assert_eq!(head.status(), StatusCode::OK);
        assert_eq!(text(head.headers(), "content-length"), png(1).len().to_string());
        assert_eq!(head.bytes().await.unwrap().len(), 0);
        // What was dropped through the server is refused at once, also from memory.
        let dropped = site.request(Method::POST, &format!("/api/assets/{}/drop-bytes", asset.id))
            .header("If-Match", "*").send().await.unwrap();
        expect(dropped, StatusCode::OK).await;
        problem(ask(site, &path, &[]).await, 404, "not_found").await;
        problem(ask(site, &format!("/api/assets/{}/image", asset.id), &[]).await, 410, "bytes_dropped").await;
        problem(ask(site, "/blobs/x", &[]).await, 404, "not_found").await;
        let unknown = "0".repeat(64);
        problem(ask(site, &format!("/blobs/{unknown}"), &[]).await, 404, "not_found").await;
    }

    async fn what_another_process_dropped_is_refused_within_a_second(site) {
        let asset = reference(site, &png(1), "a.png").await;
        let path = format!("/blobs/{}", asset.sha256.unwrap());
        assert_eq!(ask(site, &path, &[]).await.status(), StatusCode::OK);
        let other = site.open().await;
        other.drop_bytes(asset.id).await.unwrap();
        tokio::time::sleep(Duration::from_millis(1100)).await;
        problem(ask(site, &path, &[]).await, 404, "not_found").await;
    }

    async fn a_part_is_sent_of_small_and_large_images(site) {
        let (small, large) = (png(1), large());
        assert!(large.len() > 300_000, "{}", large.len());
        for bytes in [&small, &large] {
            let asset = reference(site, bytes, "a.png").await;
            let size = bytes.len();
            let tag = format!("\"{}\"", asset.sha256.unwrap());
            for path in [format!("/blobs/{}", asset.sha256.unwrap()),
                format!("/assets/{}", asset.file_path.as_deref().unwrap()),
                format!("/api/assets/{}/image", asset.id)] {
                let whole = ask(site, &path, &[]).await;
                assert_eq!(text(whole.headers(), "accept-ranges"), "bytes");
                assert_eq!(text(whole.headers(), "content-length"), size.to_string());
                assert!(whole.bytes().await.unwrap() == *bytes, "{path}");
                let range = format!("bytes=10-{}", size - 5);
                let part = ask(site, &path, &[("Range", &range), ("If-Range", &tag)]).await;
                assert_eq!(part.status(), StatusCode::PARTIAL_CONTENT);
                let expected = format!("bytes 10-{}/{size}", size - 5);
                assert_eq!(text(part.headers(), "content-range"), expected);
                assert_eq!(text(part.headers(), "content-type"), "image/png");
                assert!(part.bytes().await.unwrap() == bytes[10..size - 4], "{path}");
                let other = ask(site, &path, &[("Range", "bytes=0-0"), ("If-Range", "\"x\"")]).await;
                assert_eq!(other.status(), StatusCode::OK);
                let beyond = ask(site, &path, &[("Range", &format!("bytes={size}-"))]).await;
                assert_eq!(text(beyond.headers(), "content-range"), format!("bytes */{size}"));
                problem(beyond, 416, "range_not_satisfiable").await;
                let known = ask(site, &path, &[("If-None-Match", &tag), ("Range", "bytes=0-0")]).await;
                assert_eq!(known.status(), StatusCode::NOT_MODIFIED);
                assert_eq!(text(known.headers(), "etag"), tag);
                assert_eq!(known.bytes().await.unwrap().len(), 0);
            }
        }
    }

    async fn damaged_bytes_are_never_sent(site) {
        for bytes in [png(1), large()] {
            let asset = reference(site, &bytes, "a.png").await;
            let path = format!("/blobs/{}", asset.sha256.unwrap());
            let file = blob(site, &asset);
            let mut damaged = bytes.clone();
            damaged[100 - 40] ^= 1;
            fs::write(&file, &damaged).unwrap();
            let found = problem(ask(site, &path, &[]).await, 500, "damaged").await;
            assert!(!found.to_string().contains(".pegbar"), "{found}");
            fs::write(&file, &bytes[..50]).unwrap();
            problem(ask(site, &path, &[]).await, 500, "damaged").await;
            problem(ask(site, &path, &[("Range", "bytes=0-1")]).await, 500, "damaged").await;
            fs::write(&file, &bytes).unwrap();
            assert!(ask(site, &path, &[]).await.bytes().await.unwrap() == bytes);
        }
        // Found to be whole once, and changed since.
        let asset = reference(site, &large(), "b.png").await;
        let mut damaged = large();
        damaged[1000] ^= 1;
        tokio::time::sleep(Duration::from_millis(20)).await;
        fs::write(blob(site, &asset), &damaged).unwrap();
        let path = format!("/blobs/{}", asset.sha256.unwrap());
        problem(ask(site, &path, &[]).await, 500, "damaged").await;
    }

    async fn an_asset_is_saved_under_the_name_it_came_with(site) {
        let asset = reference(site, &png(1), "Lauf \"1\".png").await;
        let image = ask(site, &format!("/api/assets/{}/image", asset.id), &[]).await;
        assert_eq!(text(image.headers(), "content-disposition"),
            "inline; filename=\"Lauf _1_.png\"; filename*=UTF-8''Lauf%20%221%22.png");
        assert_eq!(text(image.headers(), "cache-control"), "no-cache");
    }

    async fn an_image_of_a_server_with_tokens_is_kept_by_browsers_alone(site) {
        let asset = reference(site, &png(1), "a.png").await;
        let token = site.studio.create_token("t", pegbar::TokenAccess::Read).await.unwrap();
        let options = ServerOptions {
            require_token: true,
            origins: vec!["https://studio.example".to_owned()],
            ..ServerOptions::new(([127, 0, 0, 1], 0).into())
        };
        site.serve(options).await;
        let path = format!("/blobs/{}", asset.sha256.unwrap());
        problem(ask(site, &path, &[]).await, 401, "unauthorized").await;
        let bearer = format!("Bearer {}", token.secret);
        let own = [("Authorization", bearer.as_str())];
        let image = ask(site, &path, &own).await;
        assert_eq!(text(image.headers(), "cache-control"), "private, max-age=31536000, immutable");
        assert_eq!(text(image.headers(), "cross-origin-resource-policy"), "same-site");
        for (referer, policy) in [
            ("https://studio.example/x/y", "cross-origin"), ("https://studio.example", "cross-origin"),
            ("https://studio.example.evil/", "same-site"), ("https://evil/?https://studio.example/", "same-site"),
        ] {
            let image = ask(site, &path, &[own[0], ("Referer", referer)]).await;
            let found = text(image.headers(), "cross-origin-resource-policy");
            assert_eq!(found, policy, "{referer}");
        }
    }

    async fn a_player_reads_one_consistent_order(site) {
        let tree = walk(site).await;
        let animation = &tree.characters[0].animations[0];
        let path = format!("/api/animations/{}/manifest", animation.animation.id);
        let response = ask(site, &path, &[]).await;
        let tag = crate::support::etag(&response);
        let manifest = expect(response, StatusCode::OK).await;
        assert_eq!(manifest["animationId"], animation.animation.id.to_string());
        assert_eq!((&manifest["version"], &manifest["frameDurationMs"]), (&1.into(), &80.into()));
        for (index, frame) in animation.frames.iter().enumerate() {
            let shown = &manifest["frames"][index];
            let sha256 = frame.asset.sha256.unwrap().to_string();
            assert_eq!(*shown, serde_json::json!({
                "frameIndex": index, "frameId": frame.frame.id, "assetId": frame.asset.id,
                "sha256": sha256, "url": format!("/blobs/{sha256}"), "mimeType": "image/png",
                "fileSize": frame.asset.file_size, "width": 8, "height": 6,
            }));
            let bytes = ask(site, shown["url"].as_str().unwrap(), &[]).await.bytes().await.unwrap();
            assert_eq!(bytes, png(u32::try_from(index).unwrap() + 1));
        }
        let known = ask(site, &path, &[("If-None-Match", &tag)]).await;
        assert_eq!(known.status(), StatusCode::NOT_MODIFIED);
        site.studio.move_frame(animation.frames[0].frame.id, 1, None).await.unwrap();
        let changed = ask(site, &path, &[("If-None-Match", &tag)]).await;
        let changed = expect(changed, StatusCode::OK).await;
        assert_eq!(changed["version"], 2);
        assert_eq!(changed["frames"][0]["frameId"], animation.frames[1].frame.id.to_string());
        let unknown = format!("/api/animations/{}/manifest", tree.project.id);
        problem(ask(site, &unknown, &[]).await, 404, "not_found").await;
    }
}
