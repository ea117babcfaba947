//! Changes as they happen.

use std::time::Duration;

use pegbar::{NewProject, ProjectId, ProjectPatch, Studio};
use pegbar_server::{Limits, ServerOptions};
use reqwest::{Method, Response, StatusCode};
use serde_json::{Value, json};

use crate::support::{Site, expect, problem};

/// How long something may take on a busy machine that takes no time.
const SOON: Duration = Duration::from_secs(20);

/// A client that follows a project.
struct Follower {
    response: Response,
    text: String,
}

#[derive(Debug)]
struct Event {
    id: Option<u64>,
    kind: Option<String>,
    data: Value,
    is_comment: bool,
}

impl Follower {
    async fn start(site: &Site, path: &str, last: Option<u64>) -> Self {
        let mut request = site.request(Method::GET, path);
        if let Some(last) = last {
            request = request.header("Last-Event-ID", last);
        }
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        assert_eq!(response.headers()["cache-control"], "no-store");
        Self {
            response,
            text: String::new(),
        }
    }

    async fn of(site: &Site, project: ProjectId, last: Option<u64>) -> Self {
        let path = format!("/api/projects/{project}/events");
        let mut follower = Self::start(site, &path, last).await;
        let greeting = follower.block().await.unwrap();
        assert!(greeting.starts_with(": connected\n"), "{greeting}");
        follower
    }

    /// Returns what comes up to the next empty line; `None` at the end.
    async fn block(&mut self) -> Option<String> {
        loop {
            if let Some((block, rest)) = self.text.split_once("\n\n") {
                let (block, rest) = (block.to_owned(), rest.to_owned());
                self.text = rest;
                return Some(block);
            }
            let chunk = tokio::time::timeout(SOON, self.response.chunk()).await;
            let chunk = chunk.expect("nothing came").ok().flatten()?;
            self.text.push_str(std::str::from_utf8(&chunk).unwrap());
        }
    }

    async fn next(&mut self) -> Option<Event> {
        let block = self.block().await?;
        let field = |name: &str| {
            let lines = block.lines();
            let mut found = lines.filter_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
            found.next().map(str::to_owned)
        };
        Some(Event {
            id: field("id").map(|id| id.parse().unwrap()),
            kind: field("event"),
            data: field("data").map_or(Value::Null, |data| serde_json::from_str(&data).unwrap()),
            is_comment: block.starts_with(':'),
        })
    }

    /// Returns the number of the next event, which must be a change.
    async fn change(&mut self) -> u64 {
        let mut event = self.next().await.unwrap();
        while event.is_comment {
            event = self.next().await.unwrap();
        }
        assert_eq!(event.kind.as_deref(), Some("change"), "{event:?}");
        assert_eq!(event.data["number"], event.id.unwrap());
        event.id.unwrap()
    }
}

async fn rename(studio: &Studio, project: ProjectId, name: &str) {
    let patch = ProjectPatch {
        name: Some(name.to_owned()),
        ..ProjectPatch::default()
    };
    studio.update_project(project, patch).await.unwrap();
}

async fn project(site: &Site) -> ProjectId {
    let tree = site.studio.create_project(NewProject::new("P")).await;
    tree.unwrap().project.id
}

/// Waits until a number of the server's is what it should be.
async fn until(site: &Site, line: &str) {
    for _ in 0..200 {
        let text = site.request(Method::GET, "/metrics").send().await.unwrap();
        let text = text.text().await.unwrap();
        if text.lines().any(|found| found == line) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("never: {line}");
}

both_engines! {
    async fn a_change_by_another_process_arrives_with_what_it_did(site) {
        let id = project(site).await;
        let mut follower = Follower::of(site, id, None).await;
        let other = site.open().await;
        rename(&other, id, "Q").await;
        let event = follower.next().await.unwrap();
        assert_eq!((event.id, event.kind.as_deref()), (Some(2), Some("change")));
        assert_eq!(event.data["entities"],
            json!([{ "entity": "project", "id": id, "change": "updated" }]));
        assert_eq!(event.data["hasMore"], false);
    }

    async fn a_change_through_the_server_is_told_at_once(site) {
        let id = project(site).await;
        let mut follower = Follower::of(site, id, None).await;
        let mut fastest = SOON;
        for number in 2..12 {
            let begun = tokio::time::Instant::now();
            let change = site.request(Method::PATCH, &format!("/api/projects/{id}"))
                .header("If-Match", "*").json(&json!({ "name": format!("P{number}") }));
            expect(change.send().await.unwrap(), StatusCode::OK).await;
            assert_eq!(follower.change().await, number);
            fastest = fastest.min(begun.elapsed());
        }
        // Asking every quarter of a second alone would be as quick once in many runs.
        assert!(fastest < Duration::from_millis(100), "{fastest:?}");
    }

    async fn who_comes_back_after_a_restart_misses_nothing_and_hears_nothing_twice(site) {
        let id = project(site).await;
        let mut follower = Follower::of(site, id, Some(0)).await;
        assert_eq!(follower.change().await, 1);
        rename(&site.studio, id, "A").await;
        rename(&site.studio, id, "B").await;
        assert_eq!((follower.change().await, follower.change().await), (2, 3));
        site.stop().await;
        assert!(follower.next().await.is_none(), "the stream ends with the server");
        for name in ["C", "D", "E"] {
            rename(&site.studio, id, name).await;
        }
        site.restart().await;
        let mut follower = Follower::of(site, id, Some(3)).await;
        let mut heard = vec![follower.change().await, follower.change().await];
        let other = site.open().await;
        for number in 7..=20 {
            rename(&other, id, &format!("{number}")).await;
        }
        while heard.last() < Some(&20) {
            heard.push(follower.change().await);
        }
        assert_eq!(heard, (4..=20).collect::<Vec<_>>());
    }

    async fn many_who_join_while_changes_happen_hear_each_once(site) {
        let id = project(site).await;
        let studio = site.studio.clone();
        let changing = tokio::spawn(async move {
            for number in 2..=60 {
                rename(&studio, id, &format!("{number}")).await;
            }
        });
        let mut followers = Vec::new();
        for _ in 0..8 {
            followers.push(Follower::of(site, id, Some(0)).await);
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        changing.await.unwrap();
        for mut follower in followers {
            for number in 1..=60 {
                assert_eq!(follower.change().await, number);
            }
        }
    }

    async fn one_asks_the_database_for_all_who_follow_a_project(site) {
        // Whoever goes without a word is noticed at the next sign of life.
        let limits = Limits { heartbeat: Duration::from_millis(200), ..Limits::default() };
        site.serve(ServerOptions { limits, ..ServerOptions::new(([127, 0, 0, 1], 0).into()) }).await;
        let (first, second) = (project(site).await, project(site).await);
        let mut one = Follower::of(site, first, None).await;
        let mut two = Follower::of(site, first, None).await;
        until(site, "pegbar_event_subscribers 2").await;
        until(site, "pegbar_followed_projects 1").await;
        let three = Follower::of(site, second, None).await;
        until(site, "pegbar_followed_projects 2").await;
        rename(&site.studio, first, "Q").await;
        assert_eq!((one.change().await, two.change().await), (2, 2));
        drop((one, three));
        until(site, "pegbar_event_subscribers 1").await;
        until(site, "pegbar_followed_projects 1").await;
        drop(two);
        until(site, "pegbar_event_subscribers 0").await;
        until(site, "pegbar_followed_projects 0").await;
    }

    async fn who_missed_what_is_forgotten_is_told_to_read_anew(site) {
        let id = project(site).await;
        for name in ["A", "B", "C"] {
            rename(&site.studio, id, name).await;
        }
        site.forget_changes(3).await;
        let mut follower = Follower::of(site, id, Some(1)).await;
        let reset = follower.next().await.unwrap();
        assert_eq!((reset.kind.as_deref(), reset.id), (Some("reset"), Some(4)));
        assert_eq!(reset.data, json!({ "number": 4 }));
        rename(&site.studio, id, "D").await;
        assert_eq!(follower.change().await, 5);
        // The last that is kept follows the one it saw: nothing is missing.
        let mut follower = Follower::of(site, id, Some(3)).await;
        assert_eq!(follower.change().await, 4);
        // A number that never was: the database was set back.
        let mut follower = Follower::of(site, id, Some(99)).await;
        let reset = follower.next().await.unwrap();
        assert_eq!((reset.kind.as_deref(), reset.id), (Some("reset"), Some(5)));
        rename(&site.studio, id, "E").await;
        assert_eq!(follower.change().await, 6);
    }

    async fn a_stream_ends_with_its_project(site) {
        let id = project(site).await;
        let mut follower = Follower::of(site, id, None).await;
        site.studio.delete_project(id).await.unwrap();
        let event = follower.next().await.unwrap();
        assert_eq!(event.data["entities"][0]["change"], "deleted");
        let last = event.id.unwrap();
        assert!(follower.next().await.is_none());
        until(site, "pegbar_followed_projects 0").await;
        // Who was away hears it, and comes again no more.
        let mut follower = Follower::of(site, id, Some(last - 1)).await;
        assert_eq!(follower.change().await, last);
        assert!(follower.next().await.is_none());
        let path = format!("/api/projects/{id}/events");
        let again = site.request(Method::GET, &path).header("Last-Event-ID", last);
        assert_eq!(again.send().await.unwrap().status(), StatusCode::NO_CONTENT);
        let new = site.request(Method::GET, &path).send().await.unwrap();
        problem(new, 404, "not_found").await;
        let path = format!("/api/projects/{}/events", uuid::Uuid::nil());
        problem(site.request(Method::GET, &path).send().await.unwrap(), 404, "not_found").await;
    }

    async fn a_browser_knows_from_where_to_go_on_before_anything_has_happened(site) {
        let id = project(site).await;
        rename(&site.studio, id, "Q").await;
        let path = format!("/api/projects/{id}/events");
        let mut follower = Follower::start(site, &path, None).await;
        let greeting = follower.next().await.unwrap();
        assert_eq!((greeting.id, greeting.data), (Some(2), Value::Null));
        let mut follower = Follower::start(site, &format!("{path}?after=1"), None).await;
        assert_eq!(follower.next().await.unwrap().id, Some(1));
        assert_eq!(follower.change().await, 2);
        let mut follower = Follower::start(site, &format!("{path}?after=0"), Some(1)).await;
        assert_eq!(follower.next().await.unwrap().id, Some(1));
        assert_eq!(follower.change().await, 2);
        let wrong = site.request(Method::GET, &path).header("Last-Event-ID", "x").send().await;
        problem(wrong.unwrap(), 422, "invalid").await;
    }

    async fn no_more_follow_than_there_is_room_for_and_those_hear_signs_of_life(site) {
        let id = project(site).await;
        let limits = Limits {
            max_subscribers: 1,
            heartbeat: Duration::from_millis(50),
            ..Limits::default()
        };
        site.serve(ServerOptions { limits, ..ServerOptions::new(([127, 0, 0, 1], 0).into()) }).await;
        let mut follower = Follower::of(site, id, None).await;
        let path = format!("/api/projects/{id}/events");
        let second = site.request(Method::GET, &path).send().await.unwrap();
        assert_eq!(second.headers()["retry-after"], "5");
        problem(second, 503, "too_many_subscribers").await;
        for _ in 0..3 {
            let beat = follower.next().await.unwrap();
            assert!(beat.is_comment && beat.id.is_none(), "{beat:?}");
        }
        drop(follower);
        until(site, "pegbar_event_subscribers 0").await;
        Follower::of(site, id, None).await;
    }

    async fn a_revoked_token_follows_no_longer(site) {
        let id = project(site).await;
        let token = site.studio.create_token("t", pegbar::TokenAccess::Read).await.unwrap();
        let limits = Limits { heartbeat: Duration::from_millis(50), ..Limits::default() };
        let options = ServerOptions { require_token: true, limits,
            ..ServerOptions::new(([127, 0, 0, 1], 0).into()) };
        site.serve(options).await;
        let request = site.request(Method::GET, &format!("/api/projects/{id}/events"));
        let response = request.bearer_auth(&token.secret).send().await.unwrap();
        let mut follower = Follower { response, text: String::new() };
        follower.next().await.unwrap();
        assert!(follower.next().await.unwrap().is_comment);
        site.studio.revoke_token(token.token.id).await.unwrap();
        while let Some(beat) = follower.next().await {
            assert!(beat.is_comment);
        }
    }
}
