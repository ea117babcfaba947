//! The description of the API: committed, complete, and of every route.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::{env, fs};

use reqwest::{Method, StatusCode};
use serde_json::Value;

use crate::support::expect;

/// Set to write the description instead of comparing it.
const UPDATE: &str = "PEGBAR_UPDATE";

fn document() -> Value {
    serde_json::to_value(pegbar_server::openapi()).unwrap()
}

fn committed() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/openapi.json")
}

/// Every operation: its method, its path, and what is said of it.
fn operations(document: &Value) -> Vec<(String, String, Value)> {
    let mut all = Vec::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            all.push((method.to_uppercase(), path.clone(), operation.clone()));
        }
    }
    all
}

fn resolve<'a>(document: &'a Value, schema: &'a Value) -> &'a Value {
    match schema["$ref"].as_str() {
        Some(target) => document.pointer(target.trim_start_matches('#')).unwrap(),
        None => schema,
    }
}

#[test]
fn the_committed_description_is_current() {
    let text = serde_json::to_string_pretty(&document()).unwrap() + "\n";
    if env::var_os(UPDATE).is_some() {
        fs::write(committed(), text).unwrap();
        return;
    }
    let found = fs::read_to_string(committed()).unwrap_or_default();
    assert!(
        found == text,
        "docs/openapi.json is stale: {UPDATE}=1 cargo test -p pegbar-server --test api openapi"
    );
}

/// What cargo test runs on a machine without Python is skipped; `.ci/run` has one.
#[test]
fn an_independent_validator_takes_the_description() {
    let Some(python) = env::var_os("PEGBAR_TEST_PYTHON") else {
        eprintln!("skipped: PEGBAR_TEST_PYTHON is not set");
        return;
    };
    let validated = std::process::Command::new(python)
        .args(["-m", "openapi_spec_validator", "--schema", "3.1"])
        .arg(committed())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&validated.stdout).into_owned()
        + &String::from_utf8_lossy(&validated.stderr);
    assert!(validated.status.success(), "{said}");
}

#[test]
fn every_route_says_who_may_use_it_how_much_it_lets_in_and_how_it_fails() {
    let document = document();
    let mut names = BTreeSet::new();
    for (method, path, operation) in operations(&document) {
        let route = format!("{method} {path}");
        let name = operation["operationId"].as_str().expect(&route).to_owned();
        assert!(names.insert(name), "{route}: its operationId stands twice");
        let summary = operation["summary"].as_str().unwrap_or_default();
        assert!(
            summary.ends_with(['.', ':']) || summary.len() > 10,
            "{route}: {summary:?}"
        );
        let access = operation["x-access"].as_str().expect(&route);
        assert!(
            ["public", "read", "write"].contains(&access),
            "{route}: {access}"
        );
        let is_open = access == "public";
        assert_eq!(operation["security"].is_null(), is_open, "{route}");
        let lets_in = operation["x-body"].as_str().expect(&route);
        assert!(
            ["none", "json", "images"].contains(&lets_in),
            "{route}: {lets_in}"
        );
        let has_body = !operation["requestBody"].is_null();
        assert_eq!(
            has_body,
            lets_in != "none",
            "{route}: its body and its limit disagree"
        );

        let responses = operation["responses"].as_object().unwrap();
        for (status, response) in responses {
            let description = response["description"].as_str().unwrap_or_default();
            assert!(
                !description.is_empty(),
                "{route}: {status} has no description"
            );
            if status.starts_with(['4', '5']) {
                let schema = &response["content"]["application/problem+json"]["schema"]["$ref"];
                assert_eq!(schema, "#/components/schemas/Problem", "{route}: {status}");
            }
        }
        let mut expected = vec!["400", "403", "422", "429", "500", "503"];
        if !is_open {
            expected.extend(["401", "404"]);
        }
        if access == "write" {
            expected.extend(["409", "507"]);
        }
        if has_body {
            expected.extend(["408", "413", "415"]);
        }
        for status in expected {
            assert!(
                responses.contains_key(status),
                "{route}: {status} is not documented"
            );
        }
        for parameter in operation["parameters"].as_array().into_iter().flatten() {
            let description = parameter["description"].as_str().unwrap_or_default();
            assert!(!description.is_empty(), "{route}: {}", parameter["name"]);
        }
    }
}

#[test]
fn every_field_of_every_schema_says_what_it_is() {
    fn walk(document: &Value, place: &str, schema: &Value, missing: &mut Vec<String>) {
        for (name, field) in schema["properties"].as_object().into_iter().flatten() {
            let place = format!("{place}.{name}");
            let alternatives = ["oneOf", "anyOf", "allOf"].into_iter();
            let parts = alternatives.flat_map(|kind| field[kind].as_array().into_iter().flatten());
            let is_described = std::iter::once(field)
                .chain(parts)
                .any(|part| resolve(document, part)["description"].is_string());
            // What tells the alternatives apart: each of them is described.
            let is_described =
                is_described || field["enum"].as_array().is_some_and(|e| e.len() == 1);
            if !is_described {
                missing.push(place.clone());
            }
            walk(document, &place, field, missing);
        }
        for kind in ["oneOf", "anyOf", "allOf"] {
            for part in schema[kind].as_array().into_iter().flatten() {
                walk(document, place, part, missing);
            }
        }
    }
    let document = document();
    let mut missing = Vec::new();
    for (name, schema) in document["components"]["schemas"].as_object().unwrap() {
        walk(&document, name, schema, &mut missing);
    }
    assert!(missing.is_empty(), "without description: {missing:#?}");
}

#[test]
fn what_is_written_has_all_fields_and_what_is_read_may_lack_some() {
    let document = document();
    let schema = |name: &str| document["components"]["schemas"][name].clone();
    let required = |name: &str| -> BTreeSet<String> {
        let schema = schema(name);
        let names = schema["required"].as_array().unwrap();
        names
            .iter()
            .map(|name| name.as_str().unwrap().to_owned())
            .collect()
    };
    let fields = |name: &str| -> BTreeSet<String> {
        let schema = schema(name);
        schema["properties"]
            .as_object()
            .unwrap()
            .keys()
            .cloned()
            .collect()
    };
    for written in [
        "Project",
        "Animation",
        "Frame",
        "Generation",
        "Problem",
        "PageOf_Project",
    ] {
        assert_eq!(required(written), fields(written), "{written}");
    }
    let nullable = &schema("Project")["properties"]["sourceId"]["type"];
    assert_eq!(nullable, &serde_json::json!(["string", "null"]));
    // The parts of an asset: what it was made from, and its row.
    for part in schema("Asset")["allOf"].as_array().unwrap() {
        let part = resolve(&document, part);
        let names = part["properties"].as_object().unwrap().len();
        assert_eq!(part["required"].as_array().unwrap().len(), names, "{part}");
    }
    assert_eq!(
        required("CreateProject"),
        BTreeSet::from(["name".to_owned()])
    );
    assert!(schema("UpdateProject")["required"].is_null());
    let text = serde_json::to_string(&document["components"]).unwrap();
    assert!(text.contains("\"claimedBy\"") && !text.contains("\"claimed_by\""));
    // A value that is null is told from one that is not there.
    assert_eq!(
        required("SettingChange"),
        BTreeSet::from(["path".to_owned()])
    );
    let roles = &schema("ReferenceRole")["enum"];
    assert_eq!(roles[1], "previous_frame");
    let before = &schema("Change_AssetKind")["properties"]["before"]["oneOf"];
    assert_eq!(before[0]["type"], "null");
    assert_eq!(before[1]["$ref"], "#/components/schemas/AssetKind");
    let page = &schema("PageOf_Project")["properties"]["rows"]["items"]["$ref"];
    assert_eq!(page, "#/components/schemas/Project");
}

#[test]
fn a_body_in_parts_is_json_and_then_images() {
    let mut found = 0;
    for (method, path, operation) in operations(&document()) {
        let parts = &operation["requestBody"]["content"]["multipart/form-data"];
        if parts.is_null() {
            continue;
        }
        found += 1;
        let route = format!("{method} {path}");
        assert_eq!(
            parts["encoding"]["body"]["contentType"], "application/json",
            "{route}"
        );
        assert_eq!(
            parts["schema"]["required"],
            serde_json::json!(["body"]),
            "{route}"
        );
        let body = &parts["schema"]["properties"]["body"]["$ref"];
        assert!(body.is_string(), "{route}");
        let image = &parts["schema"]["additionalProperties"];
        assert_eq!(image["format"], "binary", "{route}");
    }
    assert!(found >= 8, "{found}");
}

#[test]
fn what_can_be_read_has_a_version_and_what_is_created_a_key() {
    for (method, path, operation) in operations(&document()) {
        let route = format!("{method} {path}");
        let has = |name: &str| {
            let parameters = operation["parameters"].as_array().into_iter().flatten();
            parameters
                .into_iter()
                .any(|parameter| parameter["name"] == name)
        };
        let responses = operation["responses"].as_object().unwrap();
        for (status, response) in responses {
            if status.starts_with('2') && response["content"]["application/json"].is_object() {
                assert!(response["headers"]["ETag"].is_object(), "{route}: {status}");
                assert_eq!(method == "GET", has("If-None-Match"), "{route}");
                assert_eq!(method == "GET", responses.contains_key("304"), "{route}");
            }
        }
        assert_eq!(has("If-Match"), responses.contains_key("428"), "{route}");
        assert_eq!(has("If-Match"), responses.contains_key("412"), "{route}");
        if responses.contains_key("201") {
            assert!(has("Idempotency-Key"), "{route} creates");
        }
        if ["PATCH", "PUT"].contains(&method.as_str()) {
            assert!(has("If-Match"), "{route} changes");
        }
    }
}

/// Routes can't be listed by the router; so none may come to it but by `Api::add`.
#[test]
fn no_route_is_added_past_the_description() {
    fn scan(folder: &Path, found: &mut Vec<String>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                scan(&path, found);
                continue;
            }
            let text = fs::read_to_string(&path).unwrap();
            for call in [".route(", ".nest(", ".route_service(", ".nest_service("] {
                if text.contains(call) {
                    found.push(format!("{}: {call}", path.display()));
                }
            }
        }
    }
    let mut found = Vec::new();
    scan(
        &Path::new(env!("CARGO_MANIFEST_DIR")).join("src"),
        &mut found,
    );
    assert!(found.is_empty(), "{found:#?}");
}

both_engines! {
    async fn every_path_of_the_description_is_served_and_the_description_itself(site) {
        let served = site.get("/api/openapi.json").await;
        assert_eq!(served, document());
        for (method, path, _) in operations(&served) {
            let mut filled = path.clone();
            while let Some(start) = filled.find('{') {
                let end = filled.find('}').unwrap();
                filled.replace_range(start..=end, "01920000-0000-7000-8000-000000000000");
            }
            let method = Method::from_bytes(method.as_bytes()).unwrap();
            let response = site.request(method.clone(), &filled).send().await.unwrap();
            let status = response.status();
            let text = response.text().await.unwrap();
            assert_ne!(status, StatusCode::METHOD_NOT_ALLOWED, "{method} {path}: {text}");
            assert!(!text.contains("there is nothing at"), "{method} {path}: {text}");
            assert!(!status.is_server_error(), "{method} {path}: {text}");
        }
        let response = site.request(Method::GET, "/api/openapi.json").send().await.unwrap();
        expect(response, StatusCode::OK).await;
    }
}
