//! What is counted, for Prometheus. No label holds an id or a path: there are as many series as
//! there are routes.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use axum::extract::MatchedPath;
use http::{Method, StatusCode};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::prometheus_text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};
use tokio::time::Instant;

use crate::scrub::ScrubMetrics;

/// Until how many seconds a request belongs to a bucket.
const BUCKETS: [f64; 13] = [
    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0,
];

/// The route of a request that has none.
const NO_ROUTE: &str = "none";

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Request {
    method: &'static str,
    route: String,
    status: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Route {
    route: String,
}

/// What is counted.
#[derive(Debug)]
pub(crate) struct Metrics {
    registry: Registry,
    begun: Instant,
    requests: Family<Request, Counter>,
    durations: Family<Route, Histogram, fn() -> Histogram>,
    traffic: Traffic,
    /// Connections that are open.
    pub(crate) connections: Gauge,
    /// Clients that follow a project.
    pub(crate) subscribers: Gauge,
    /// Projects that are followed, each by one who asks the database.
    pub(crate) followed: Gauge,
    uptime: Gauge<f64, AtomicU64>,
    /// Blobs that are hashed again in the background.
    pub(crate) scrub: ScrubMetrics,
}

/// The bytes that go through connections.
#[derive(Clone, Debug, Default)]
pub(crate) struct Traffic {
    received: Counter,
    sent: Counter,
}

impl Traffic {
    pub(crate) fn received(&self, count: usize) {
        self.received.inc_by(count as u64);
    }

    pub(crate) fn sent(&self, count: usize) {
        self.sent.inc_by(count as u64);
    }
}

impl Metrics {
    pub(crate) fn new() -> Self {
        let mut registry = Registry::with_prefix("pegbar");
        let requests = Family::<Request, Counter>::default();
        registry.register(
            "http_requests",
            "Requests that were answered",
            requests.clone(),
        );
        let histogram: fn() -> Histogram = || Histogram::new(BUCKETS);
        let durations =
            Family::<Route, Histogram, fn() -> Histogram>::new_with_constructor(histogram);
        registry.register_with_unit(
            "http_request_duration",
            "How long it took until an answer began",
            Unit::Seconds,
            durations.clone(),
        );
        let traffic = Traffic::default();
        let (received, sent) = (traffic.received.clone(), traffic.sent.clone());
        registry.register_with_unit("received", "Bytes that came in", Unit::Bytes, received);
        registry.register_with_unit("sent", "Bytes that went out", Unit::Bytes, sent);
        let mut gauge = |name: &str, help: &str| {
            let gauge = Gauge::default();
            registry.register(name, help, gauge.clone());
            gauge
        };
        let connections = gauge("open_connections", "Connections that are open");
        let subscribers = gauge("event_subscribers", "Clients that follow a project");
        let followed = gauge("followed_projects", "Projects that clients follow");
        let scrub = ScrubMetrics::register(&mut registry);
        let uptime = Gauge::default();
        let help = "Time since the server started";
        registry.register_with_unit("uptime", help, Unit::Seconds, uptime.clone());
        Self {
            registry,
            begun: Instant::now(),
            requests,
            durations,
            traffic,
            connections,
            subscribers,
            followed,
            uptime,
            scrub,
        }
    }

    pub(crate) fn traffic(&self) -> Traffic {
        self.traffic.clone()
    }

    /// Counts a request that was answered.
    pub(crate) fn answered(
        &self,
        method: &Method,
        route: Option<&MatchedPath>,
        status: StatusCode,
        took: Duration,
    ) {
        let route = route.map_or(NO_ROUTE, MatchedPath::as_str);
        let request = Request {
            method: known(method),
            route: route.to_owned(),
            status: class(status),
        };
        self.requests.get_or_create(&request).inc();
        let route = Route {
            route: request.route,
        };
        self.durations
            .get_or_create(&route)
            .observe(took.as_secs_f64());
    }

    /// Writes everything as Prometheus reads it (text format 0.0.4).
    pub(crate) fn text(&self) -> String {
        self.uptime.set(self.begun.elapsed().as_secs_f64());
        let mut text = String::new();
        // Writing to a String cannot fail.
        let _ = encode(&mut text, &self.registry);
        text
    }
}

/// A client may send any word as its method.
fn known(method: &Method) -> &'static str {
    match method.as_str() {
        "GET" => "GET",
        "HEAD" => "HEAD",
        "POST" => "POST",
        "PUT" => "PUT",
        "PATCH" => "PATCH",
        "DELETE" => "DELETE",
        "OPTIONS" => "OPTIONS",
        _ => "other",
    }
}

fn class(status: StatusCode) -> &'static str {
    match status.as_u16() {
        ..200 => "1xx",
        200..300 => "2xx",
        300..400 => "3xx",
        400..500 => "4xx",
        _ => "5xx",
    }
}

/// Something that is counted as long as it is there.
#[derive(Debug)]
pub(crate) struct Counted {
    metrics: Arc<Metrics>,
    gauge: fn(&Metrics) -> &Gauge,
}

impl Counted {
    pub(crate) fn new(metrics: Arc<Metrics>, gauge: fn(&Metrics) -> &Gauge) -> Self {
        gauge(&metrics).inc();
        Self { metrics, gauge }
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        (self.gauge)(&self.metrics).dec();
    }
}
