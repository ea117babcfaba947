//! What every request works with.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use pegbar::{Id, Studio};

use crate::problem::Problem;

/// How a studio is served.
#[derive(Clone, Debug)]
pub struct ServerOptions {
    /// The address to listen on. Beyond loopback every request needs a token.
    pub address: SocketAddr,
    /// Further names that the server is reached by, as a `Host` header has them, without the
    /// port: `studio.local`. On loopback, `localhost` and the addresses are known.
    pub hosts: Vec<String>,
    /// Web pages that may call the server from a browser, as an `Origin` header has them:
    /// `http://localhost:3000`. Pages that the server itself serves may.
    pub origins: Vec<String>,
    /// On loopback too, every request needs a token.
    pub require_token: bool,
    /// How much is let in.
    pub limits: Limits,
}

/// How much is let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The largest JSON body, in bytes.
    pub max_json: usize,
    /// The largest body with images, in bytes; each image is also held to the studio's limits.
    pub max_upload: u64,
    /// How many connections are open at once; more wait.
    pub max_connections: usize,
    /// How long a client may take to send the head of a request.
    pub head_timeout: Duration,
    /// How many requests one address may send within a second, on average.
    pub requests_per_second: u32,
    /// How long requests may take to end when the server is told to stop.
    pub shutdown_timeout: Duration,
}

impl Default for Limits {
    /// 8 MiB of JSON, 1 GiB of images, 16,384 connections, 10 s for a head, 5,000 requests in a
    /// second, 10 s to end.
    fn default() -> Self {
        Self {
            max_json: 8 << 20,
            max_upload: 1 << 30,
            max_connections: 16_384,
            head_timeout: Duration::from_secs(10),
            requests_per_second: 5_000,
            shutdown_timeout: Duration::from_secs(10),
        }
    }
}

impl ServerOptions {
    /// Begins with what is safe: only the given address, no other names, no other pages.
    #[must_use]
    pub fn new(address: SocketAddr) -> Self {
        Self {
            address,
            hosts: Vec::new(),
            origins: Vec::new(),
            require_token: false,
            limits: Limits::default(),
        }
    }
}

impl std::fmt::Debug for App {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("App")
            .field("options", self.options())
            .finish_non_exhaustive()
    }
}

/// What every request works with. Cheap to clone.
#[derive(Clone)]
pub(crate) struct App {
    inner: Arc<Inner>,
}

struct Inner {
    studio: Studio,
    options: ServerOptions,
}

impl App {
    pub(crate) fn new(studio: Studio, options: ServerOptions) -> Self {
        Self {
            inner: Arc::new(Inner { studio, options }),
        }
    }

    /// Refuses an address that sends too many requests.
    #[expect(
        clippy::unused_self,
        clippy::unnecessary_wraps,
        reason = "filled in with the limits"
    )]
    pub(crate) fn check_rate(&self, _: IpAddr) -> Result<(), Problem> {
        Ok(())
    }

    /// Says whether the studio has a token that is not revoked.
    pub(crate) async fn has_token(&self) -> pegbar::Result<bool> {
        let tokens = self.studio().list_tokens().await?;
        Ok(tokens.iter().any(|token| token.revoked_at.is_none()))
    }

    /// Returns the id that a request names, or a new one.
    pub(crate) fn id<I: Id>(&self, given: Option<I>) -> I {
        given.unwrap_or_else(|| self.studio().new_id())
    }

    pub(crate) fn studio(&self) -> &Studio {
        &self.inner.studio
    }

    pub(crate) fn options(&self) -> &ServerOptions {
        &self.inner.options
    }

    pub(crate) fn limits(&self) -> &Limits {
        &self.inner.options.limits
    }
}
