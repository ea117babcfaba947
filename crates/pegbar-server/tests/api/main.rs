//! The promises of the HTTP API, each on SQLite and on PostgreSQL.
#![allow(missing_docs, reason = "tests say in their names what they promise")]
#![allow(clippy::unwrap_used, reason = "a test that can't go on fails")]

#[macro_use]
mod support;

mod animations;
mod assets;
mod characters;
mod create;
mod events;
mod frames;
mod generations;
mod guard;
mod idempotency;
mod images;
mod openapi;
mod operation;
mod projects;
mod provenance;
mod tokens;
mod trash;
mod uploads;
mod whereabouts;
