//! The promises of the library, each on SQLite and on PostgreSQL.
#![allow(missing_docs, reason = "tests say in their names what they promise")]

#[macro_use]
mod support;

mod constraints;
mod create;
mod delete;
mod files;
mod frames;
mod migration;
mod paths;
mod studio;
