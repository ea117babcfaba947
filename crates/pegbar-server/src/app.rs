//! What every request works with.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use pegbar::{Id, Notice, Studio};
use tokio_util::sync::CancellationToken;

use crate::events::Feeds;
use crate::images::Shelf;
use crate::metrics::Metrics;
use crate::problem::Problem;
use crate::rate::Rate;

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
    /// How many bytes of blobs are hashed again in each second, in the background; `None` for
    /// none.
    pub scrub_bytes_per_second: Option<u64>,
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
    /// How long a body may take to come; larger ones get a second more for each `slowest_body`
    /// bytes that came.
    pub body_timeout: Duration,
    /// How many bytes of a body have to come within a second, once `body_timeout` has passed.
    pub slowest_body: u64,
    /// How long a client may take nothing of an answer before its connection ends.
    pub write_timeout: Duration,
    /// How many requests one address may send within a second, at once or not; 0 for as many as
    /// it likes. The addresses of an IPv6 network (/64) count as one.
    pub requests_per_second: u32,
    /// How many clients may follow projects at once.
    pub max_subscribers: usize,
    /// How often a client that follows a project hears that it still does, without news.
    pub heartbeat: Duration,
    /// How much memory small images take at most that are asked for again and again, in bytes.
    pub image_memory: u64,
    /// How long requests may take to end when the server is told to stop.
    pub shutdown_timeout: Duration,
}

impl Default for Limits {
    /// 8 MiB of JSON, 1 GiB of images, 16,384 connections, 10 s for a head, 30 s for a body and
    /// then 16 KiB in each second, 30 s without taking anything, 5,000 requests in a second,
    /// 4,096 who follow, 15 s from one sign of life to the next, 64 MiB for images, 10 s to end.
    fn default() -> Self {
        Self {
            max_json: 8 << 20,
            max_upload: 1 << 30,
            max_connections: 16_384,
            head_timeout: Duration::from_secs(10),
            body_timeout: Duration::from_secs(30),
            slowest_body: 16 << 10,
            write_timeout: Duration::from_secs(30),
            requests_per_second: 5_000,
            max_subscribers: 4_096,
            heartbeat: Duration::from_secs(15),
            image_memory: 64 << 20,
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
            scrub_bytes_per_second: None,
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
    rate: Rate,
    shelf: Shelf,
    feeds: Feeds,
    metrics: Arc<Metrics>,
    stopping: CancellationToken,
    /// Counts what may have changed through this server.
    epoch: AtomicU64,
}

/// What may change something as long as it is there, however it ends.
pub(crate) struct Changing(App);

impl Drop for Changing {
    fn drop(&mut self) {
        self.0.inner.epoch.fetch_add(1, Ordering::SeqCst);
        self.0.feeds().wake();
        for notice in self.0.studio().take_notices() {
            match notice {
                Notice::Kept(kept) => {
                    tracing::warn!(path = %kept.path, "a file that was not Pegbar's was moved aside");
                }
                Notice::ViewStale(error) => {
                    tracing::warn!(%error, "the files below public/assets do not follow yet");
                }
                Notice::LogLeft(error) => {
                    tracing::warn!(%error, "images that were taken in before a power cut could not be put in their places");
                }
                other => tracing::warn!(?other, "something to know"),
            }
        }
    }
}

impl App {
    pub(crate) fn new(studio: Studio, options: ServerOptions) -> Self {
        Self {
            inner: Arc::new(Inner {
                rate: Rate::new(options.limits.requests_per_second),
                shelf: Shelf::new(options.limits.image_memory),
                feeds: Feeds::new(options.limits.max_subscribers),
                metrics: Arc::new(Metrics::new()),
                stopping: CancellationToken::new(),
                epoch: AtomicU64::new(0),
                studio,
                options,
            }),
        }
    }

    /// Refuses an address that sends too many requests.
    pub(crate) fn check_rate(&self, address: IpAddr) -> Result<(), Problem> {
        self.inner.rate.check(address)
    }

    /// Begins something that may change the studio.
    pub(crate) fn changing(&self) -> Changing {
        Changing(self.clone())
    }

    /// Returns a number that is greater after whatever may have changed the studio through this
    /// server.
    pub(crate) fn epoch(&self) -> u64 {
        self.inner.epoch.load(Ordering::SeqCst)
    }

    /// Says whether everyone who reaches the server may read and write, without a token.
    pub(crate) fn is_open(&self) -> bool {
        let options = self.options();
        options.address.ip().is_loopback() && !options.require_token
    }

    pub(crate) fn rate(&self) -> &Rate {
        &self.inner.rate
    }

    pub(crate) fn shelf(&self) -> &Shelf {
        &self.inner.shelf
    }

    pub(crate) fn feeds(&self) -> &Feeds {
        &self.inner.feeds
    }

    /// Returns how fast blobs are hashed again, if they are.
    pub(crate) fn scrub_rate(&self) -> Option<u64> {
        self.options().scrub_bytes_per_second
    }

    pub(crate) fn metrics(&self) -> &Metrics {
        &self.inner.metrics
    }

    pub(crate) fn shared_metrics(&self) -> Arc<Metrics> {
        self.inner.metrics.clone()
    }

    /// Tells what has no end of its own when the server is to end.
    pub(crate) fn stopping(&self) -> &CancellationToken {
        &self.inner.stopping
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
