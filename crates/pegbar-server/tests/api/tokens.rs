//! Who may do what.

use pegbar::TokenAccess;
use pegbar_server::{Server, ServerOptions, StartError};
use reqwest::{Method, RequestBuilder, StatusCode};
use serde_json::json;

use crate::support::{Site, create_cats, expect, id, problem};

async fn guarded(site: &mut Site) {
    let options = ServerOptions {
        require_token: true,
        ..ServerOptions::new(([127, 0, 0, 1], 0).into())
    };
    site.serve(options).await;
}

fn with(request: RequestBuilder, secret: &str) -> RequestBuilder {
    request.header("Authorization", format!("Bearer {secret}"))
}

both_engines! {
    async fn without_a_token_nothing_of_the_studio_is_told(site) {
        create_cats(site).await;
        guarded(site).await;
        let document = site.get("/api/openapi.json").await;
        for (path, methods) in document["paths"].as_object().unwrap() {
            for (method, operation) in methods.as_object().unwrap() {
                if operation["x-access"] == "public" {
                    continue;
                }
                let path = path.replace("{projectId}", &id(1)).replace("{assetId}", &id(2));
                let path = path.replace("{characterId}", &id(3)).replace("{animationId}", &id(6));
                let method = Method::from_bytes(method.to_uppercase().as_bytes()).unwrap();
                let response = site.request(method, &path).send().await.unwrap();
                assert!(response.headers().contains_key("www-authenticate"), "{path}");
                problem(response, 401, "unauthorized").await;
            }
        }
        for wrong in ["Bearer", "Bearer x", "Basic eDp4", "x"] {
            let request = site.request(Method::GET, "/api/projects").header("Authorization", wrong);
            problem(request.send().await.unwrap(), 401, "unauthorized").await;
        }
    }

    async fn a_token_that_may_only_read_writes_nothing(site) {
        create_cats(site).await;
        guarded(site).await;
        let read = site.studio.create_token("reader", TokenAccess::Read).await.unwrap();
        let write = site.studio.create_token("writer", TokenAccess::Write).await.unwrap();
        let get = || site.request(Method::GET, "/api/projects");
        let post = || site.request(Method::POST, "/api/projects").json(&json!({ "name": "P" }));
        expect(with(get(), &read.secret).send().await.unwrap(), StatusCode::OK).await;
        problem(with(post(), &read.secret).send().await.unwrap(), 403, "read_only").await;
        expect(with(get(), &write.secret).send().await.unwrap(), StatusCode::OK).await;
        expect(with(post(), &write.secret).send().await.unwrap(), StatusCode::CREATED).await;

        site.studio.revoke_token(write.token.id).await.unwrap();
        problem(with(get(), &write.secret).send().await.unwrap(), 401, "unauthorized").await;
        problem(with(post(), &write.secret).send().await.unwrap(), 401, "unauthorized").await;
        let rows = expect(with(get(), &read.secret).send().await.unwrap(), StatusCode::OK).await;
        assert_eq!(rows["rows"].as_array().unwrap().len(), 2, "one from before, one from the writer");
    }

    async fn every_route_that_changes_something_needs_a_token_that_may_write(site) {
        create_cats(site).await;
        guarded(site).await;
        let read = site.studio.create_token("reader", TokenAccess::Read).await.unwrap();
        let document = site.get("/api/openapi.json").await;
        for (path, methods) in document["paths"].as_object().unwrap() {
            for (method, operation) in methods.as_object().unwrap() {
                let method = Method::from_bytes(method.to_uppercase().as_bytes()).unwrap();
                let changes = method != Method::GET && path != "/api/verify";
                assert_eq!(operation["x-access"] == "write", changes, "{method} {path}");
                if changes {
                    let path = path.replace(['{', '}'], "");
                    let request = with(site.request(method, &path), &read.secret);
                    problem(request.send().await.unwrap(), 403, "read_only").await;
                }
            }
        }
    }

    async fn keys_of_one_token_are_not_those_of_another(site) {
        guarded(site).await;
        let mut ids = Vec::new();
        for name in ["one", "two"] {
            let token = site.studio.create_token(name, TokenAccess::Write).await.unwrap();
            for _ in 0..2 {
                let request = site.request(Method::POST, "/api/projects");
                let request = request.header("Idempotency-Key", "1").json(&json!({ "name": "P" }));
                let made = with(request, &token.secret).send().await.unwrap();
                ids.push(expect(made, StatusCode::CREATED).await["project"]["id"].clone());
            }
        }
        assert_eq!((&ids[0], &ids[2]), (&ids[1], &ids[3]));
        assert_ne!(ids[0], ids[2]);
    }

    async fn beyond_loopback_a_server_needs_a_token_to_start_and_each_request_one(site) {
        let options = || ServerOptions::new(([0, 0, 0, 0], 0).into());
        let refused = Server::bind(site.studio.clone(), options()).await.unwrap_err();
        assert!(matches!(refused, StartError::NoToken(_)), "{refused}");
        let token = site.studio.create_token("all", TokenAccess::Write).await.unwrap();
        site.serve(options()).await;
        site.address = ([127, 0, 0, 1], site.address.port()).into();
        let get = || site.request(Method::GET, "/api/projects");
        problem(get().send().await.unwrap(), 401, "unauthorized").await;
        expect(with(get(), &token.secret).send().await.unwrap(), StatusCode::OK).await;
        site.studio.revoke_token(token.token.id).await.unwrap();
        let refused = Server::bind(site.studio.clone(), options()).await.unwrap_err();
        assert!(matches!(refused, StartError::NoToken(_)), "a revoked one does not count");
    }
}
