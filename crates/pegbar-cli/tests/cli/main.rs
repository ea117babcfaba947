//! The promises of the command line, on the real program.
#![allow(missing_docs, reason = "tests say in their names what they promise")]
#![allow(clippy::unwrap_used, reason = "a test that can't go on fails")]

#[macro_use]
mod support;

mod adopt;
mod arrival;
mod asset;
mod backup;
mod bad_input;
mod bad_place;
mod bundle;
mod changes;
mod character;
mod color;
mod config;
mod contact_sheet;
mod credentials;
mod demo;
mod diff;
mod doctor;
mod export;
mod find;
mod folder;
mod frame;
mod generation;
mod head;
mod import;
mod kept;
mod lineage;
mod listening;
mod manual;
mod megabananas;
mod methods;
mod mv;
mod open;
mod output;
mod project;
mod readme;
mod real;
mod reproduce;
mod search;
mod serve;
mod snapshot;
mod studio;
mod tag;
mod take;
mod token;
mod trash;
mod undo;
mod verify;
mod wrong_turn;
