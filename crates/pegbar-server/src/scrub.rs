//! Hashing blobs again in the background, as long as the server runs.

use std::sync::atomic::AtomicU64;
use std::time::Duration;

use pegbar::{ScrubOptions, ScrubStatus};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::{Registry, Unit};

use crate::app::App;

/// How long it waits after a pass, and after a failure.
const PAUSE: Duration = Duration::from_mins(1);

/// How long one call hashes, before the figures are read again.
const STRETCH: Duration = Duration::from_secs(10);

/// The figures about it.
#[derive(Debug, Default)]
pub(crate) struct ScrubMetrics {
    bytes: Counter,
    position: Gauge<f64, AtomicU64>,
    last_pass: Gauge<f64, AtomicU64>,
    findings: Gauge,
}

impl ScrubMetrics {
    /// Registers them.
    pub(crate) fn register(registry: &mut Registry) -> Self {
        let metrics = Self::default();
        let help = "Bytes of blobs that this server has hashed again";
        registry.register_with_unit("scrub", help, Unit::Bytes, metrics.bytes.clone());
        let help = "How far the pass over all blobs is, from 0 to 1";
        // The library's unit is `ratios`, Prometheus's own `ratio`.
        registry.register("scrub_position_ratio", help, metrics.position.clone());
        let help = "When the last whole pass ended, since 1970; 0 for none";
        let last_pass = metrics.last_pass.clone();
        registry.register_with_unit("scrub_last_pass_timestamp", help, Unit::Seconds, last_pass);
        let help = "Blobs that were found damaged and are not mended yet";
        registry.register("scrub_findings", help, metrics.findings.clone());
        metrics
    }

    fn set(&self, status: &ScrubStatus) {
        self.position.set(status.position);
        let ended = status.last_pass.map_or(0, |pass| pass.ended_at.0);
        #[expect(
            clippy::cast_precision_loss,
            reason = "milliseconds are far below 2^53"
        )]
        self.last_pass.set(ended as f64 / 1000.0);
        self.findings
            .set(i64::try_from(status.findings).unwrap_or(i64::MAX));
    }
}

/// Scrubs, pass after pass, until it is dropped.
pub(crate) async fn forever(app: App, bytes_per_second: u64) {
    let options = ScrubOptions {
        bytes_per_second: Some(bytes_per_second),
        time_limit: Some(STRETCH),
    };
    loop {
        let metrics = &app.metrics().scrub;
        let mut told = 0;
        let scrubbed = app
            .studio()
            .scrub(options, |bytes| {
                metrics.bytes.inc_by(bytes - told);
                told = bytes;
            })
            .await;
        let is_done = match scrubbed {
            Ok(report) => {
                if report.damaged > 0 {
                    tracing::warn!(blobs = report.damaged, "damaged blobs: run `pegbar doctor`");
                }
                report.is_pass_complete || report.blobs + report.missing == 0
            }
            Err(error) => {
                tracing::warn!(%error, "blobs can't be scrubbed");
                true
            }
        };
        match app.studio().scrub_status().await {
            Ok(status) => metrics.set(&status),
            Err(error) => tracing::warn!(%error, "how far scrubbing is can't be read"),
        }
        if is_done {
            tokio::time::sleep(PAUSE).await;
        }
    }
}
