//! Projects.

use pegbar::NewProject;
use reqwest::{Method, StatusCode};
use serde_json::json;

use crate::support::{etag, expect, problem};

both_engines! {
    async fn a_page_ends_where_the_next_begins(site) {
        for number in 0..7 {
            let project = NewProject::new(format!("P{number}"));
            site.studio.create_project(project).await.unwrap();
        }
        let mut names = Vec::new();
        let mut next = String::new();
        loop {
            let page = site.get(&format!("/api/projects?limit=3{next}")).await;
            let rows = page["rows"].as_array().unwrap();
            names.extend(rows.iter().map(|row| row["name"].as_str().unwrap().to_owned()));
            let Some(cursor) = page["nextCursor"].as_str() else { break };
            next = format!("&cursor={cursor}");
        }
        assert_eq!(names, ["P0", "P1", "P2", "P3", "P4", "P5", "P6"]);
        let response = site.request(Method::GET, "/api/projects?cursor=x").send().await;
        problem(response.unwrap(), 422, "invalid").await;
    }

    async fn what_is_known_already_is_not_sent_again(site) {
        let tree = site.studio.create_project(NewProject::new("P")).await.unwrap();
        let path = format!("/api/projects/{}", tree.project.id);
        let first = site.request(Method::GET, &path).send().await.unwrap();
        let tag = etag(&first);
        let again = site.request(Method::GET, &path).header("If-None-Match", &tag);
        assert_eq!(again.send().await.unwrap().status(), StatusCode::NOT_MODIFIED);
        let change = site.request(Method::PATCH, &path).json(&json!({ "name": "Q" }));
        problem(change.send().await.unwrap(), 428, "precondition_required").await;
        let change = site.request(Method::PATCH, &path).json(&json!({ "name": "Q" }));
        let changed = change.header("If-Match", &tag).send().await.unwrap();
        let changed = expect(changed, StatusCode::OK).await;
        assert_eq!(changed["name"], "Q");
        let again = site.request(Method::GET, &path).header("If-None-Match", &tag);
        assert_eq!(again.send().await.unwrap().status(), StatusCode::OK);
    }
}
