//! For those who run the server: whether it is up, whether it can be used, what it does.

use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use http::{HeaderValue, StatusCode, header};
use utoipa_axum::routes;

use crate::api::{Access, Api, Body};
use crate::app::App;
use crate::problem::Problem;

pub(crate) fn add(api: Api) -> Api {
    api.add(Access::Public, Body::None, routes!(get_health))
        .add(Access::Public, Body::None, routes!(get_readiness))
        .add(Access::Read, Body::None, routes!(get_metrics))
}

fn text(body: impl Into<axum::body::Body>, kind: &'static str) -> Response {
    let mut response = (StatusCode::OK, body.into()).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// Says that the server is up.
#[utoipa::path(
    get,
    path = "/healthz",
    operation_id = "getHealth",
    tag = "operation",
    responses((status = 200, description = "It is up.", body = String, content_type = "text/plain"))
)]
async fn get_health() -> Response {
    text("up\n", "text/plain; charset=utf-8")
}

/// Says whether the studio can be used: its database answers, its store is there.
#[utoipa::path(
    get,
    path = "/readyz",
    operation_id = "getReadiness",
    tag = "operation",
    responses((status = 200, description = "It can.", body = String, content_type = "text/plain"))
)]
async fn get_readiness(State(app): State<App>) -> Result<Response, Problem> {
    if let Err(error) = app.studio().check_reachable().await {
        tracing::warn!(%error, "the studio can't be used");
        let detail = "the studio can't be used right now";
        let problem = Problem::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", detail);
        return Err(problem.hint("try again in a moment").retry_after(1));
    }
    Ok(text("ready\n", "text/plain; charset=utf-8"))
}

/// Returns what is counted, in the text format of Prometheus.
#[utoipa::path(
    get,
    path = "/metrics",
    operation_id = "getMetrics",
    tag = "operation",
    responses((status = 200, description = "The numbers.", body = String, content_type = "text/plain"))
)]
async fn get_metrics(State(app): State<App>) -> Response {
    text(
        app.metrics().text(),
        "text/plain; version=0.0.4; charset=utf-8",
    )
}
