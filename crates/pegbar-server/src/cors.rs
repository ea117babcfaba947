//! Pages of other origins that were allowed (`--origin`): what browsers ask before they let them
//! call, and what they let them read (the Fetch standard, section 3.2). Others are told nothing.

use axum::response::{IntoResponse as _, Response};
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};

use crate::app::ServerOptions;

/// What a page may send besides what every page may.
const SENT: &str = "Authorization, Content-Type, Idempotency-Key, If-Match, If-None-Match, \
                    If-Range, Last-Event-ID, Range, Repr-Digest";

/// What a page may read besides what every page may.
const READ: &str = "ETag, Location, Retry-After, Content-Range, Content-Disposition";

/// How long a browser remembers what it was told, in seconds.
const REMEMBERED: &str = "7200";

/// Says whether a request comes from a page that was allowed.
fn comes_from_allowed(options: &ServerOptions, headers: &HeaderMap) -> bool {
    let origin = headers.get(header::ORIGIN);
    let origin = origin.and_then(|origin| origin.to_str().ok());
    origin.is_some_and(|origin| is_allowed(options, origin))
}

/// Says whether pages of an origin may call.
pub(crate) fn is_allowed(options: &ServerOptions, origin: &str) -> bool {
    let is_same = |allowed: &String| allowed.eq_ignore_ascii_case(origin);
    options.origins.iter().any(is_same)
}

/// Answers the question whether a page may send a request; `None` for every other request.
pub(crate) fn preflight(
    options: &ServerOptions,
    method: &Method,
    headers: &HeaderMap,
) -> Option<Response> {
    let asked = headers.get(header::ACCESS_CONTROL_REQUEST_METHOD)?;
    let is_preflight = method == Method::OPTIONS && !asked.is_empty();
    if !is_preflight || !comes_from_allowed(options, headers) {
        return None;
    }
    let mut response = StatusCode::NO_CONTENT.into_response();
    let told = [
        (
            header::ACCESS_CONTROL_ALLOW_METHODS,
            "GET, HEAD, POST, PUT, PATCH, DELETE",
        ),
        (header::ACCESS_CONTROL_ALLOW_HEADERS, SENT),
        (header::ACCESS_CONTROL_MAX_AGE, REMEMBERED),
        (
            header::VARY,
            "Access-Control-Request-Method, Access-Control-Request-Headers",
        ),
    ];
    for (name, value) in told {
        let value = HeaderValue::from_static(value);
        response.headers_mut().insert(name, value);
    }
    Some(response)
}

/// The origin that a request comes from.
pub(crate) struct Asked(Option<HeaderValue>);

impl Asked {
    pub(crate) fn by(request: &HeaderMap) -> Self {
        Self(request.get(header::ORIGIN).cloned())
    }
}

/// Lets an allowed page read an answer.
pub(crate) fn expose(options: &ServerOptions, asked: Asked, response: &mut HeaderMap) {
    if options.origins.is_empty() {
        return;
    }
    // A cache must not give one origin's answer to another.
    response.append(header::VARY, HeaderValue::from_static("Origin"));
    let text = asked.0.as_ref().and_then(|origin| origin.to_str().ok());
    let is_allowed = text.is_some_and(|origin| is_allowed(options, origin));
    let Some(origin) = asked.0.filter(|_| is_allowed) else {
        return;
    };
    response.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    let read = HeaderValue::from_static(READ);
    response.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, read);
}

/// Says which pages may show an image: those of the same site, and those that were allowed. An
/// `<img>` sends no `Origin`, but a `Referer`.
pub(crate) fn resource_policy(options: &ServerOptions, request: &HeaderMap) -> HeaderValue {
    let referer = request
        .get(header::REFERER)
        .and_then(|url| url.to_str().ok());
    let from = referer.and_then(|url| {
        let after = url.find("://")? + 3;
        let end = url[after..].find('/').map_or(url.len(), |at| after + at);
        url.get(..end)
    });
    let is_from_allowed = from.is_some_and(|origin| is_allowed(options, origin));
    if is_from_allowed || comes_from_allowed(options, request) {
        HeaderValue::from_static("cross-origin")
    } else {
        HeaderValue::from_static("same-site")
    }
}
