//! The promises of the library, each on SQLite and on PostgreSQL.
#![allow(missing_docs, reason = "tests say in their names what they promise")]
#![allow(clippy::unwrap_used, reason = "a test that can't go on fails")]
#![allow(clippy::default_trait_access, reason = "the type stands in the call")]

#[macro_use]
mod support;

mod adopt;
mod annotations;
mod backup;
mod bad_input;
mod bad_input_folder;
mod bad_input_server;
mod bundle;
mod changes;
mod claims;
mod constraints;
mod create;
mod credentials;
mod damaged_blob;
mod delete;
mod diff;
mod doctor;
mod drop_bytes;
mod export_images;
mod files;
mod fingerprint;
mod folder;
mod folder_again;
mod frames;
mod gemini;
mod generation;
mod head;
mod image_files;
mod integrity;
mod interrupted;
mod limits;
mod lineage;
mod logged;
mod lost_commit;
mod megabananas;
mod metadata;
mod migration;
mod moved;
mod pages;
mod paths;
mod pixellab;
mod prov;
mod relocate;
mod reproduce;
mod requests;
mod scrub;
mod sealed;
mod search;
mod settings;
mod sidecars;
mod stale;
mod studio;
mod together;
mod tokens;
mod trash;
mod undo;
mod verify;
