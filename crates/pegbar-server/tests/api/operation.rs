//! What those need who run the server, and how it keeps itself from being run over.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use pegbar::{ImageSource, NewAsset, NewProject, Sha256, TokenAccess};
use pegbar_server::{Limits, ServerOptions};
use reqwest::{Method, StatusCode};
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::support::{Site, expect, png, problem};

fn with(limits: Limits) -> ServerOptions {
    ServerOptions {
        limits,
        ..ServerOptions::new(([127, 0, 0, 1], 0).into())
    }
}

async fn text(site: &Site, path: &str) -> String {
    let response = site.request(Method::GET, path).send().await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    response.text().await.unwrap()
}

both_engines! {
    async fn whether_it_is_up_and_ready_is_told_to_everyone_and_what_it_does_is_not(site) {
        let token = site.studio.create_token("t", TokenAccess::Read).await.unwrap();
        let asset = NewAsset::new(ImageSource::Bytes(png(1)));
        site.studio.create_project(NewProject::new("P").reference(asset)).await.unwrap();
        let options = ServerOptions { require_token: true, ..with(Limits::default()) };
        site.serve(options).await;
        assert_eq!(text(site, "/healthz").await, "up\n");
        assert_eq!(text(site, "/readyz").await, "ready\n");
        let metrics = site.request(Method::GET, "/metrics").send().await.unwrap();
        problem(metrics, 401, "unauthorized").await;
        let metrics = site.request(Method::GET, "/metrics").bearer_auth(token.secret).send().await;
        assert_eq!(metrics.unwrap().status(), StatusCode::OK);
        let blobs = site.studio.root().join(".pegbar/blobs");
        std::fs::rename(&blobs, site.studio.root().join("away")).unwrap();
        let ready = site.request(Method::GET, "/readyz").send().await.unwrap();
        assert_eq!(ready.headers()["retry-after"], "1");
        problem(ready, 503, "unavailable").await;
        assert_eq!(text(site, "/healthz").await, "up\n");
        std::fs::rename(site.studio.root().join("away"), &blobs).unwrap();
        assert_eq!(text(site, "/readyz").await, "ready\n");
    }

    async fn blobs_are_scrubbed_in_the_background_and_the_figures_say_so(site) {
        let image = NewAsset::from_bytes(png(1));
        let new = NewProject::new("P").reference(image).reference(NewAsset::from_bytes(png(2)));
        let tree = site.studio.create_project(new).await.unwrap();
        let sha256 = tree.references[0].sha256.unwrap().to_string();
        let blob = site.studio.root().join(".pegbar/blobs").join(&sha256[..2]).join(&sha256);
        std::fs::remove_file(&blob).unwrap();
        std::fs::write(&blob, "other bytes").unwrap();
        let metrics = text(site, "/metrics").await;
        assert!(metrics.contains("pegbar_scrub_bytes_total 0\n"), "nobody asked: {metrics}");
        let options = ServerOptions {
            scrub_bytes_per_second: Some(1_000_000),
            ..ServerOptions::new(([127, 0, 0, 1], 0).into())
        };
        site.serve(options).await;
        let bytes = 11 + tree.references[1].file_size.unwrap();
        let mut metrics = String::new();
        for _ in 0..200 {
            metrics = text(site, "/metrics").await;
            if metrics.contains("pegbar_scrub_findings 1\n") {
                break;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        for line in [
            format!("pegbar_scrub_bytes_total {bytes}"),
            "pegbar_scrub_findings 1".to_owned(),
            "pegbar_scrub_position_ratio 0.0".to_owned(),
        ] {
            assert!(metrics.lines().any(|found| found == line), "{line}\n{metrics}");
        }
        let ended = metrics.lines().find(|line| line.starts_with("pegbar_scrub_last_pass_timestamp_seconds "));
        assert!(ended.unwrap().rsplit(' ').next().unwrap().parse::<f64>().unwrap() > 1e9, "{metrics}");
    }

    async fn requests_are_counted_by_route_and_no_label_names_an_id(site) {
        let tree = site.studio.create_project(NewProject::new("P")).await.unwrap();
        let id = tree.project.id;
        for _ in 0..3 {
            site.get(&format!("/api/projects/{id}")).await;
        }
        let created = site.send(Method::POST, "/api/projects", &json!({ "name": "Q" })).await;
        expect(created, StatusCode::CREATED).await;
        problem(site.request(Method::GET, "/secret/path").send().await.unwrap(), 404, "not_found").await;
        let odd = Method::from_bytes(b"SPAM").unwrap();
        problem(site.request(odd, "/api/projects").send().await.unwrap(), 405, "method_not_allowed").await;
        let metrics = text(site, "/metrics").await;
        for line in [
            r#"pegbar_http_requests_total{method="GET",route="/api/projects/{projectId}",status="2xx"} 3"#,
            r#"pegbar_http_requests_total{method="POST",route="/api/projects",status="2xx"} 1"#,
            r#"pegbar_http_requests_total{method="GET",route="none",status="4xx"} 1"#,
            r#"pegbar_http_requests_total{method="other",route="/api/projects",status="4xx"} 1"#,
            r#"pegbar_http_request_duration_seconds_count{route="/api/projects/{projectId}"} 3"#,
            "pegbar_event_subscribers 0",
        ] {
            assert!(metrics.lines().any(|found| found == line), "{line}\n{metrics}");
        }
        let number = |name: &str| -> f64 {
            let line = metrics.lines().find(|line| line.starts_with(name)).unwrap();
            line.rsplit(' ').next().unwrap().parse().unwrap()
        };
        assert!(number("pegbar_open_connections") >= 1.0, "{metrics}");
        assert!(number("pegbar_received_bytes_total") > 300.0, "{metrics}");
        assert!(number("pegbar_sent_bytes_total") > 1000.0, "{metrics}");
        assert!(number("pegbar_uptime_seconds") > 0.0, "{metrics}");
        assert!(!metrics.contains(&id.to_string()) && !metrics.contains("secret"), "{metrics}");
    }

    async fn an_address_that_sends_too_much_is_told_when_to_come_again(site) {
        site.serve(with(Limits { requests_per_second: 5, ..Limits::default() })).await;
        let mut refused = None;
        for _ in 0..50 {
            let response = site.request(Method::GET, "/api/projects").send().await.unwrap();
            if response.status() != StatusCode::OK {
                refused = Some(response);
                break;
            }
        }
        let refused = refused.expect("nothing was refused");
        assert_eq!(refused.headers()["retry-after"], "1");
        problem(refused, 429, "too_many_requests").await;
        tokio::time::sleep(Duration::from_secs(1)).await;
        site.get("/api/projects").await;
    }

    async fn a_body_that_trickles_is_given_up(site) {
        let limits = Limits { body_timeout: Duration::from_millis(300), ..Limits::default() };
        site.serve(with(limits)).await;
        let boundary = "multipart/form-data; boundary=b";
        for (path, kind) in [("/api/projects", "application/json"), ("/api/projects", boundary)] {
            let mut stream = TcpStream::connect(site.address).await.unwrap();
            let head = format!("POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: {kind}\r\n\
                Content-Length: 10000\r\n\r\n");
            stream.write_all(head.as_bytes()).await.unwrap();
            let (mut from, mut to) = stream.into_split();
            let trickle = tokio::spawn(async move {
                while to.write_all(b" ").await.is_ok() {
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
            });
            let mut answer = Vec::new();
            let read = tokio::time::timeout(Duration::from_secs(10), from.read_to_end(&mut answer));
            let _ = read.await.expect("the server waits for ever");
            trickle.abort();
            let answer = String::from_utf8_lossy(&answer);
            assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
            assert!(answer.contains("\"code\":\"request_timeout\""), "{answer}");
        }
        site.get("/api/projects").await;
    }

    async fn who_sends_on_after_a_refusal_still_gets_the_answer(site) {
        // Much more than the buffers of the system hold.
        let body = vec![b' '; 24 << 20];
        let cases = [("evil.example", "application/json", 403), ("localhost", "text/plain", 415),
            ("localhost", "application/json", 413)];
        for (host, kind, status) in cases {
            let mut stream = TcpStream::connect(site.address).await.unwrap();
            let head = format!("POST /api/projects HTTP/1.1\r\nHost: {host}\r\n\
                Content-Type: {kind}\r\nContent-Length: {}\r\n\r\n", body.len());
            stream.write_all(head.as_bytes()).await.unwrap();
            // As clients do that look for an answer only when they have said all.
            stream.write_all(&body).await.expect("the connection was closed while sending");
            // The connection is a good one.
            stream.write_all(b"GET /api/projects HTTP/1.1\r\nHost: localhost\r\n\
                Connection: close\r\n\r\n").await.unwrap();
            let mut answer = Vec::new();
            stream.read_to_end(&mut answer).await.unwrap();
            let answer = String::from_utf8_lossy(&answer);
            assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{answer}");
            assert!(answer.contains("HTTP/1.1 200 "), "{answer}");
        }
    }

    async fn who_takes_nothing_of_an_answer_is_cut_off(site) {
        let limits = Limits { write_timeout: Duration::from_millis(200), ..Limits::default() };
        site.serve(with(limits)).await;
        let stream = TcpStream::connect(site.address).await.unwrap();
        let ask = b"GET /api/openapi.json HTTP/1.1\r\nHost: localhost\r\n\r\n";
        // More answers than the buffers of the system hold.
        let (_from, mut to) = stream.into_split();
        let asking = async {
            loop {
                if to.write_all(ask).await.is_err() {
                    return;
                }
            }
        };
        tokio::time::timeout(Duration::from_secs(20), asking).await.expect("never cut off");
        site.get("/api/projects").await;
    }

    async fn the_page_of_the_api_loads_nothing_and_runs_nothing(site) {
        let page = site.request(Method::GET, "/api/docs").send().await.unwrap();
        assert_eq!(page.headers()["content-type"], "text/html; charset=utf-8");
        let policy = page.headers()["content-security-policy"].to_str().unwrap().to_owned();
        assert!(policy.starts_with("default-src 'none'; style-src 'sha256-"), "{policy}");
        assert!(!policy.contains("unsafe") && !policy.contains("script"), "{policy}");
        let tag = crate::support::etag(&page);
        let page = page.text().await.unwrap();
        // The browser allows just this text as a style.
        let style = page.split("<style>").nth(1).unwrap().split("</style>").next().unwrap();
        let hash = STANDARD.encode(Sha256::of(style.as_bytes()).0);
        assert!(policy.contains(&format!("'sha256-{hash}'")), "{policy}");
        for code in ["not_found", "stale", "in_use"] {
            assert!(page.contains(&format!("<tr id=\"{code}\">")), "{code}");
        }
        let known = site.request(Method::GET, "/api/docs").header("If-None-Match", tag);
        assert_eq!(known.send().await.unwrap().status(), StatusCode::NOT_MODIFIED);
        let document = site.get("/api/openapi.json").await;
        assert!(document["paths"]["/assets/{path}"]["get"].is_object());
    }

    async fn an_allowed_page_may_call_and_others_are_told_nothing(site) {
        let page = "https://studio.example";
        let options = ServerOptions { origins: vec![page.to_owned()], ..with(Limits::default()) };
        site.serve(options).await;
        let preflight = |origin: &'static str| site.request(Method::OPTIONS, "/api/projects")
            .header("Origin", origin).header("Access-Control-Request-Method", "POST")
            .header("Access-Control-Request-Headers", "content-type, if-match");
        let answer = preflight("https://studio.example").send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::NO_CONTENT);
        assert_eq!(answer.headers()["access-control-allow-origin"], page);
        let methods = answer.headers()["access-control-allow-methods"].to_str().unwrap();
        assert!(methods.contains("PATCH") && methods.contains("DELETE"), "{methods}");
        let sent = answer.headers()["access-control-allow-headers"].to_str().unwrap().to_lowercase();
        for name in ["content-type", "if-match", "idempotency-key", "authorization", "last-event-id"] {
            assert!(sent.contains(name), "{name} in {sent}");
        }
        let refused = preflight("https://evil.example").send().await.unwrap();
        assert!(refused.headers().keys().all(|name| !name.as_str().starts_with("access-control")));
        problem(refused, 403, "wrong_origin").await;
        for path in ["/api/projects", "/nowhere"] {
            let request = site.request(Method::GET, path).header("Origin", page);
            let answer = request.send().await.unwrap();
            assert_eq!(answer.headers()["access-control-allow-origin"], page, "{path}");
            let read = answer.headers()["access-control-expose-headers"].to_str().unwrap();
            assert!(["ETag", "Location", "Retry-After"].iter().all(|name| read.contains(name)));
            let vary: Vec<_> = answer.headers().get_all("vary").iter().collect();
            assert!(vary.iter().any(|name| *name == "Origin"), "{vary:?}");
        }
        let own = site.request(Method::GET, "/api/projects").send().await.unwrap();
        assert!(!own.headers().contains_key("access-control-allow-origin"));
        expect(own, StatusCode::OK).await;
    }
}
