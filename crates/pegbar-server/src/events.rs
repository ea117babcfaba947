//! Changes of a project as they happen: server-sent events (the HTML standard, section 9.2).
//!
//! One task for each project that is followed asks the database for what is new, whoever changed
//! it, and tells all its followers. Nothing is kept for those who are slow: they read what they
//! missed from the database, as those do who come back.
#![expect(unused_qualifications, reason = "what the macro of `utoipa` makes")]

mod feed;
mod follow;

use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use pegbar::{Error, ProjectChange, ProjectChanges, ProjectId};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::routes;

use crate::api::{Access, Api, Body as Limit};
use crate::app::App;
use crate::extract::{InPath, Params};
use crate::guard::Identity;
use crate::problem::Problem;
use crate::routes::known_number;
pub(crate) use feed::Feeds;

pub(crate) fn add(api: Api) -> Api {
    api.add(Access::Read, Limit::None, routes!(follow_project))
}

/// From where on a project is followed.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct FollowParams {
    /// The number of the change after which to begin; `Last-Event-ID` goes before it. Absent, it
    /// begins with what happens next.
    #[param(maximum = 9_007_199_254_740_991_u64)]
    after: Option<u64>,
}

/// Follows a project: sends each change when it is committed, whichever process made it.
///
/// Each is an event `change`, whose id is the change's number and whose data is the change as
/// JSON. Who comes back with `Last-Event-ID`, as browsers do, gets all that happened meanwhile,
/// nothing twice. Where it is no longer known (the newest 10,000 changes are kept), an event
/// `reset` says to read the project anew. After the change that deletes the project the stream
/// ends; who asks again is told 204, upon which browsers stop asking.
///
/// To miss nothing, follow first, then read the project.
#[utoipa::path(
    get,
    path = "/api/projects/{projectId}/events",
    operation_id = "followProject",
    tag = "projects",
    params(
        ("projectId" = ProjectId, Path, description = "The project."),
        FollowParams,
        ("Last-Event-ID" = Option<u64>, Header, description = "The id of the last event that came.")
    ),
    responses(
        (status = 200, description = "Changes, without end.", body = ProjectChange,
            content_type = "text/event-stream"),
        (status = 204, description = "The project was deleted, and the client knows it.")
    )
)]
async fn follow_project(
    State(app): State<App>,
    InPath(project): InPath<ProjectId>,
    Params(params): Params<FollowParams>,
    axum::Extension(identity): axum::Extension<Identity>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let wanted = last_event_id(&headers)?.or(params.after);
    known_number(params.after)?;
    let known = app
        .studio()
        .list_changes(project, wanted.unwrap_or(u64::MAX), 1);
    let known = known.await?;
    let is_there = match app.studio().get_project(project).await {
        Err(Error::NotFound { .. }) => false,
        found => found.map(|_| true)?,
    };
    match wanted {
        // Who never followed it is told as everyone else.
        None if !is_there => {
            app.studio().get_project(project).await?;
        }
        Some(after) if !is_there && after >= known.last => {
            return Ok(StatusCode::NO_CONTENT.into_response());
        }
        _ => {}
    }
    let follower = follow::Follower::new(app, project, identity, wanted, &known)?;
    let mut response = Body::from_stream(follower.stream()).into_response();
    let headers = response.headers_mut();
    let kind = HeaderValue::from_static("text/event-stream");
    headers.insert(header::CONTENT_TYPE, kind);
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    // Proxies hold answers back to pack them into fewer.
    let unbuffered = HeaderName::from_static("x-accel-buffering");
    headers.insert(unbuffered, HeaderValue::from_static("no"));
    Ok(response)
}

fn last_event_id(headers: &HeaderMap) -> Result<Option<u64>, Problem> {
    let Some(value) = headers.get("last-event-id") else {
        return Ok(None);
    };
    match value.to_str().unwrap_or("x").trim() {
        "" => Ok(None),
        text => {
            let number = text.parse::<u64>().ok();
            // As far as the database counts.
            let number = number.filter(|number| *number <= i64::MAX.unsigned_abs());
            let wrong = || Problem::invalid("Last-Event-ID", "expected the id of an event");
            number.map(Some).ok_or_else(wrong)
        }
    }
}

/// Says whether changes after a number have been forgotten; or never happened, where the
/// database was set back to an older state.
fn has_missed(after: u64, known: &ProjectChanges) -> bool {
    after.saturating_add(1) < known.first_kept || after > known.last
}
