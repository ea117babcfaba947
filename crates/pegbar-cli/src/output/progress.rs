//! How far long work is.

use std::io::{self, IsTerminal as _, Write as _};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

/// How long work is silent where nobody watches it on a terminal.
const INTERVAL: Duration = Duration::from_secs(5);

/// Shows how far long work is: a bar on a terminal, else a line now and then, both on stderr.
pub(crate) struct Progress(Kind);

enum Kind {
    Silent,
    Bar(ProgressBar),
    Lines(Mutex<Lines>),
}

struct Lines {
    label: String,
    done: u64,
    total: u64,
    told: Instant,
}

impl Progress {
    pub(super) fn silent() -> Self {
        Self(Kind::Silent)
    }

    pub(super) fn new(total: u64, label: &str) -> Self {
        if !io::stderr().is_terminal() {
            return Self(Kind::Lines(Mutex::new(Lines {
                label: label.to_owned(),
                done: 0,
                total,
                told: Instant::now(),
            })));
        }
        let template = "{msg} {wide_bar} {human_pos}/{human_len}";
        // The template is a constant; if it were wrong, the default is fine too.
        let style =
            ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
        let bar = ProgressBar::new(total).with_style(style);
        bar.set_message(label.to_owned());
        Self(Kind::Bar(bar))
    }

    /// Counts more as done.
    pub(crate) fn inc(&self, more: u64) {
        match &self.0 {
            Kind::Silent => {}
            Kind::Bar(bar) => bar.inc(more),
            Kind::Lines(lines) => {
                let mut lines = lines.lock().unwrap_or_else(PoisonError::into_inner);
                lines.done += more;
                lines.tell_now_and_then();
            }
        }
    }

    /// Says how much is done, of how much.
    pub(crate) fn set(&self, done: u64, total: u64) {
        match &self.0 {
            Kind::Silent => {}
            Kind::Bar(bar) => {
                bar.set_length(total);
                bar.set_position(done);
            }
            Kind::Lines(lines) => {
                let mut lines = lines.lock().unwrap_or_else(PoisonError::into_inner);
                (lines.done, lines.total) = (done, total);
                lines.tell_now_and_then();
            }
        }
    }

    /// Ends it, so that the result can be printed.
    pub(crate) fn finish(self) {
        if let Kind::Bar(bar) = &self.0 {
            bar.finish_and_clear();
        }
    }
}

impl Lines {
    fn tell_now_and_then(&mut self) {
        if self.told.elapsed() >= INTERVAL {
            self.told = Instant::now();
            // If stderr is closed, there is nobody to tell.
            let _ = writeln!(
                io::stderr(),
                "{}: {} of {}",
                self.label,
                self.done,
                self.total
            );
        }
    }
}
