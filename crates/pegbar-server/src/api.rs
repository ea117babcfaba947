//! The routes and their description: no route is added without saying who may use it and how
//! much it lets in.

mod document;

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::Router;
use axum::extract::{DefaultBodyLimit, Request};
use axum::middleware::{Next, from_fn};
use axum::response::IntoResponse;
use http::HeaderMap;
use serde_json::json;
use utoipa::OpenApi as _;
use utoipa::openapi::extensions::ExtensionsBuilder;
use utoipa::openapi::path::{Operation, ParameterIn, PathItem, Paths};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme};
use utoipa::openapi::{ContentBuilder, OpenApi, Ref, RefOr, Response, ResponseBuilder};
use utoipa_axum::router::{OpenApiRouter, UtoipaMethodRouter};
use utoipa_axum::routes;

use crate::app::App;
use crate::problem::{PROBLEM_JSON, Problem};
use crate::routes as every;
use crate::{docs, guard};

/// Who may use a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Access {
    /// Everyone who reaches the server: it tells nothing of the studio.
    Public,
    /// Whoever may read.
    Read,
    /// Whoever may write.
    Write,
}

/// How much a route lets in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Body {
    /// No body.
    None,
    /// JSON, up to `max_json`.
    Json,
    /// Images, up to `max_upload`.
    Images,
}

#[derive(utoipa::OpenApi)]
#[openapi(
    info(
        title = "Pegbar",
        description = "The asset database for generated animation: projects, characters in \
                       variations, animations, frames, and every image with what it was made from.\n\n\
                       What can be edited has an `ETag`; a change says with `If-Match` which version \
                       it is meant for. Creating takes an `Idempotency-Key`. Errors are \
                       `application/problem+json` (RFC 9457) with a stable `code` and a `hint`.",
        license(name = "MIT OR Apache-2.0", identifier = "MIT OR Apache-2.0")
    ),
    components(schemas(Problem))
)]
struct Document;

/// The routes while they are collected.
pub(crate) struct Api(OpenApiRouter<App>);

impl Api {
    /// Adds routes to one path, with who may use them and how much they let in.
    pub(crate) fn add(self, access: Access, body: Body, routes: UtoipaMethodRouter<App>) -> Self {
        let (schemas, mut paths, methods) = routes;
        for path in paths.paths.values_mut() {
            for operation in operations(path) {
                describe(operation, access, body);
            }
        }
        let known = Arc::new(query_names(&mut paths));
        let methods = methods.layer(from_fn(move |request: Request, next: Next| {
            let checked = check_query(&known, &request);
            async move {
                match checked {
                    Ok(()) => next.run(request).await,
                    Err(problem) => problem.into_response(),
                }
            }
        }));
        let methods = methods.layer(from_fn(move |request, next| {
            guard::require(access, request, next)
        }));
        Self(self.0.routes((schemas, paths, methods)))
    }
}

fn operations(path: &mut PathItem) -> impl Iterator<Item = &mut Operation> {
    let PathItem {
        get,
        put,
        post,
        delete,
        head,
        patch,
        ..
    } = path;
    [get, put, post, delete, head, patch].into_iter().flatten()
}

/// Returns the names of what may stand behind the `?`.
fn query_names(paths: &mut Paths) -> BTreeSet<String> {
    let operations = paths.paths.values_mut().flat_map(operations);
    let parameters = operations.flat_map(|operation| operation.parameters.iter().flatten());
    parameters
        .filter(|parameter| parameter.parameter_in == ParameterIn::Query)
        .map(|parameter| parameter.name.clone())
        .collect()
}

/// Refuses what would be passed over: a filter with a slip in its name would find everything.
fn check_query(known: &BTreeSet<String>, request: &Request) -> Result<(), Problem> {
    let query = request.uri().query().unwrap_or("").as_bytes();
    let unknown = form_urlencoded::parse(query).find(|(name, _)| !known.contains(&**name));
    let Some((name, _)) = unknown else {
        return Ok(());
    };
    let reason = if known.is_empty() {
        "there is no such parameter; this takes none".to_owned()
    } else {
        let known: Vec<&str> = known.iter().map(String::as_str).collect();
        format!("there is no such parameter; it takes {}", known.join(", "))
    };
    Err(Problem::invalid(name, reason))
}

/// Says in the document what holds for every operation of a kind.
fn describe(operation: &mut Operation, access: Access, body: Body) {
    let word = match access {
        Access::Public => "public",
        Access::Read => "read",
        Access::Write => "write",
    };
    let limit = match body {
        Body::None => "none",
        Body::Json => "json",
        Body::Images => "images",
    };
    let extensions = ExtensionsBuilder::new()
        .add("x-access", json!(word))
        .add("x-body", json!(limit))
        .build();
    operation
        .extensions
        .get_or_insert_default()
        .merge(extensions);
    if access != Access::Public {
        let without: SecurityRequirement = SecurityRequirement::default();
        let token = SecurityRequirement::new("token", Vec::<String>::new());
        operation.security = Some(vec![without, token]);
    }
    let mut problems = vec![
        ("400", "The request can't be understood."),
        (
            "403",
            "The host or the page that asks is not one of the server's, or the token may not.",
        ),
        ("422", "A value is not acceptable; `field` names it."),
        (
            "429",
            "Too many requests; `Retry-After` says when to try again.",
        ),
        (
            "500",
            "Something went wrong on the server; its log says what.",
        ),
        ("503", "The studio can't be used right now."),
    ];
    if access != Access::Public {
        problems.push(("401", "A token is needed, or is not valid."));
        problems.push(("404", "Nothing has this id."));
    }
    if access == Access::Write {
        problems.push(("409", "The change contradicts what is there."));
        problems.push(("507", "There is no room left on the server's disk."));
    }
    if body != Body::None {
        problems.push(("408", "The body did not come in time."));
        problems.push(("413", "The body is larger than the server lets in."));
        problems.push(("415", "The body is of another media type."));
    }
    let has_precondition = operation
        .parameters
        .iter()
        .flatten()
        .any(|parameter| parameter.name == "If-Match");
    if has_precondition {
        problems.push(("412", "It is no longer the version that `If-Match` names."));
        problems.push(("428", "`If-Match` is missing."));
    }
    for (status, description) in problems {
        let responses = &mut operation.responses.responses;
        responses
            .entry(status.to_owned())
            .or_insert_with(|| RefOr::T(problem(description)));
    }
}

fn problem(description: &str) -> Response {
    let content = ContentBuilder::new().schema(Some(Ref::from_schema_name("Problem")));
    ResponseBuilder::new()
        .description(description)
        .content(PROBLEM_JSON, content.build())
        .build()
}

fn split() -> (Router<App>, OpenApi) {
    let api = Api(OpenApiRouter::with_openapi(Document::openapi()));
    let (router, mut document) = every::add(
        api.add(Access::Public, Body::None, routes!(get_openapi))
            .add(Access::Public, Body::None, routes!(get_docs)),
    )
    .0
    .split_for_parts();
    env!("CARGO_PKG_VERSION").clone_into(&mut document.info.version);
    let scheme = HttpBuilder::new()
        .scheme(HttpAuthScheme::Bearer)
        .description(Some("A token of the studio: `pegbar token create`."))
        .build();
    let components = document.components.get_or_insert_default();
    components.add_security_scheme("token", SecurityScheme::Http(scheme));
    document::complete(&mut document);
    name_wildcards(&mut document);
    (router, document)
}

/// Writes paths as `OpenAPI` does, which has no word for the rest of a path.
fn name_wildcards(document: &mut OpenApi) {
    let paths = std::mem::take(&mut document.paths.paths);
    let named = paths
        .into_iter()
        .map(|(path, operations)| (path.replace("{*", "{"), operations));
    document.paths.paths = named.collect();
}

/// Describes the API: OpenAPI 3.1.
#[must_use]
pub fn openapi() -> OpenApi {
    split().1
}

/// Returns the routes, the description among them.
pub(crate) fn router() -> Router<App> {
    let (router, _) = split();
    router
        // Each route has its own limit.
        .layer(DefaultBodyLimit::disable())
        .fallback(nothing_here)
        .method_not_allowed_fallback(other_method)
}

/// Describes the API: this document.
#[utoipa::path(
    get,
    path = "/api/openapi.json",
    operation_id = "getOpenapi",
    tag = "server",
    responses((status = 200, description = "The description, in OpenAPI 3.1.", body = Object))
)]
async fn get_openapi(headers: HeaderMap) -> axum::response::Response {
    docs::document(&headers)
}

/// Describes the API on a page for people.
#[utoipa::path(
    get,
    path = "/api/docs",
    operation_id = "getDocs",
    tag = "server",
    responses((status = 200, description = "The page.", content_type = "text/html", body = String))
)]
async fn get_docs(headers: HeaderMap) -> axum::response::Response {
    docs::page(&headers)
}

async fn nothing_here(uri: http::Uri) -> Problem {
    let detail = format!("there is nothing at {}", uri.path());
    Problem::new(http::StatusCode::NOT_FOUND, "not_found", detail)
        .hint("/api/docs lists what there is")
}

async fn other_method(method: http::Method, uri: http::Uri) -> Problem {
    let detail = format!("{} does not take {method}", uri.path());
    Problem::new(
        http::StatusCode::METHOD_NOT_ALLOWED,
        "method_not_allowed",
        detail,
    )
}
