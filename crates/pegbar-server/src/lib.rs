//! The HTTP API of Pegbar: every operation of the library under `/api`, images by their
//! conventional paths and by their hashes, and changes as they happen.
//!
//! [`Server`] serves a studio; [`openapi`] describes what it serves. Nothing here knows the
//! data model's rules: they are the library's.

#![allow(
    clippy::result_large_err,
    reason = "a problem is made once in a request and becomes its answer"
)]
#![allow(
    clippy::option_option,
    reason = "absent, null and a value are three things in a change"
)]

mod api;
mod app;
mod body;
mod cors;
mod docs;
mod etag;
mod events;
mod extract;
mod guard;
mod images;
mod metrics;
mod once;
mod operation;
mod pace;
mod page;
mod problem;
mod rate;
mod routes;
mod scrub;
mod serve;
mod upload;

pub use api::openapi;
pub use app::{Limits, ServerOptions};
pub use serve::{Server, StartError};
