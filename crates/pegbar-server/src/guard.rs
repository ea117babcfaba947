//! Who may do what: the host and the page that a request comes from, tokens, rates.
//!
//! A server on loopback is reached by every web page that its user opens. So a request must name
//! the server by a name of its own (a page elsewhere that had its name point here would send
//! that one), and a page that asks must be one of ours or one that was allowed.

use std::net::IpAddr;

use axum::Extension;
use axum::extract::{MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use http::uri::Authority;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use pegbar::{TokenAccess, TokenId};
use tokio::time::Instant;

use crate::api::Access;
use crate::app::{App, ServerOptions};
use crate::cors::{self, Asked};
use crate::pace::paced;
use crate::problem::Problem;
use crate::serve::Peer;

/// What the sender of a request may do.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Identity {
    may: Access,
    /// The token that was sent.
    token: Option<TokenId>,
}

impl Identity {
    /// Returns the token that was sent.
    pub(crate) fn token(&self) -> Option<TokenId> {
        self.token
    }

    /// Tells those apart who choose keys of their own.
    pub(crate) fn scope(&self) -> String {
        self.token
            .map(|token| token.to_string())
            .unwrap_or_default()
    }
}

/// Lets in what comes to the server by a name of its own, from a page that may call it, not too
/// often, and finds out who sends it.
pub(crate) async fn admit(
    State(app): State<App>,
    Extension(peer): Extension<Peer>,
    request: Request,
    next: Next,
) -> Response {
    let begun = Instant::now();
    let method = request.method().clone();
    let route = request.extensions().get::<MatchedPath>().cloned();
    let origin = Asked::by(request.headers());
    let limits = *app.limits();
    let request = request.map(|body| paced(body, limits));
    let mut response = match check_sender(&app, peer, request.headers(), request.uri()) {
        Err(problem) => problem.into_response(),
        Ok(()) => match cors::preflight(app.options(), &method, request.headers()) {
            Some(answer) => answer,
            None => identified(&app, request, next).await,
        },
    };
    protect(response.headers_mut());
    cors::expose(app.options(), origin, response.headers_mut());
    let (status, took) = (response.status(), begun.elapsed());
    app.metrics()
        .answered(&method, route.as_ref(), status, took);
    tracing::info!(
        target: "pegbar::request",
        %method,
        route = route.as_ref().map_or("none", MatchedPath::as_str),
        status = status.as_u16(),
        duration_ms = took.as_secs_f64() * 1e3,
        "answered"
    );
    response
}

async fn identified(app: &App, mut request: Request, next: Next) -> Response {
    let identity = match identify(app, request.headers()).await {
        Ok(identity) => identity,
        Err(problem) => return problem.into_response(),
    };
    request.extensions_mut().insert(identity);
    if request.method().is_safe() {
        return next.run(request).await;
    }
    let _changing = app.changing();
    next.run(request).await
}

/// Refuses what comes by another name, from a page of others, or too often.
fn check_sender(
    app: &App,
    peer: Peer,
    headers: &HeaderMap,
    uri: &http::Uri,
) -> Result<(), Problem> {
    check_host(app.options(), headers, uri)?;
    check_origin(app.options(), headers)?;
    app.check_rate(peer.0.ip())
}

async fn identify(app: &App, headers: &HeaderMap) -> Result<Identity, Problem> {
    let Some(value) = headers.get(header::AUTHORIZATION) else {
        let may = if app.is_open() {
            Access::Write
        } else {
            Access::Public
        };
        return Ok(Identity { may, token: None });
    };
    let token = value.to_str().ok();
    let token = token.and_then(|value| value.split_once(' '));
    let token = token.filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
    let token = match token {
        Some((_, token)) => app.studio().check_token(token.trim()).await?,
        None => None,
    };
    let token = token.ok_or_else(|| {
        Problem::new(
            StatusCode::UNAUTHORIZED,
            "unauthorized",
            "the token is not one of this studio's, or was revoked",
        )
        .hint("`pegbar token create` makes one; send it as `Authorization: Bearer …`")
    })?;
    Ok(Identity {
        may: match token.access {
            TokenAccess::Read => Access::Read,
            TokenAccess::Write => Access::Write,
        },
        token: Some(token.id),
    })
}

/// Refuses what comes by another name than the server's own.
fn check_host(
    options: &ServerOptions,
    headers: &HeaderMap,
    uri: &http::Uri,
) -> Result<(), Problem> {
    let named = headers
        .get(header::HOST)
        .and_then(|host| host.to_str().ok());
    let named = named.and_then(|host| host.parse::<Authority>().ok());
    let named = uri.authority().cloned().or(named);
    let is_ours = named.is_some_and(|named| is_own_host(options, named.host()));
    if is_ours {
        return Ok(());
    }
    let detail = "the request names another host than this server";
    Err(
        Problem::new(StatusCode::FORBIDDEN, "wrong_host", detail).hint(
            "use the address that the server printed, or start it with `--host NAME` for a name of \
         your own",
        ),
    )
}

fn is_own_host(options: &ServerOptions, host: &str) -> bool {
    if options
        .hosts
        .iter()
        .any(|own| own.eq_ignore_ascii_case(host))
    {
        return true;
    }
    let address = host.trim_start_matches('[').trim_end_matches(']');
    let address = address.parse::<IpAddr>().ok();
    if options.address.ip().is_loopback() {
        return host.eq_ignore_ascii_case("localhost")
            || address.is_some_and(|address| address.is_loopback());
    }
    // Beyond loopback nothing is done without a token, and an address is no name that could be
    // made to point here.
    address.is_some() || options.hosts.is_empty()
}

/// Refuses pages that are not the server's own and were not allowed.
fn check_origin(options: &ServerOptions, headers: &HeaderMap) -> Result<(), Problem> {
    let Some(origin) = headers.get(header::ORIGIN) else {
        return Ok(());
    };
    let origin = origin.to_str().unwrap_or("null");
    let host = headers
        .get(header::HOST)
        .and_then(|host| host.to_str().ok());
    let is_own = origin
        .strip_prefix("http://")
        .or_else(|| origin.strip_prefix("https://"))
        .is_some_and(|authority| host.is_some_and(|host| host.eq_ignore_ascii_case(authority)));
    if is_own || cors::is_allowed(options, origin) {
        return Ok(());
    }
    let detail = format!("pages of {origin} may not call this server");
    Err(Problem::new(StatusCode::FORBIDDEN, "wrong_origin", detail)
        .hint("start it with `--origin` and that address, if it is a page of yours"))
}

/// Lets a request through to a route if its sender may use it.
pub(crate) async fn require(access: Access, request: Request, next: Next) -> Response {
    let identity = request.extensions().get::<Identity>();
    let may = identity.map_or(Access::Public, |identity| identity.may);
    if may >= access {
        return next.run(request).await;
    }
    let problem = if may == Access::Public {
        let detail = "this server answers only with a token";
        Problem::new(StatusCode::UNAUTHORIZED, "unauthorized", detail)
            .hint("`pegbar token create` makes one; send it as `Authorization: Bearer …`")
    } else {
        let detail = "the token may only read";
        Problem::new(StatusCode::FORBIDDEN, "read_only", detail)
    };
    problem.into_response()
}

/// What every answer says to browsers, unless its route says more.
fn protect(headers: &mut HeaderMap) {
    let all = [
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (
            header::CONTENT_SECURITY_POLICY,
            "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
        ),
        (header::REFERRER_POLICY, "no-referrer"),
        (
            HeaderName::from_static("cross-origin-resource-policy"),
            "same-origin",
        ),
    ];
    for (name, value) in all {
        headers
            .entry(name)
            .or_insert(HeaderValue::from_static(value));
    }
}
