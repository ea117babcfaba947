//! The operations, one file for each entity.
#![expect(unused_qualifications, reason = "what the macro of `utoipa` makes")]

mod animations;
mod assets;
mod characters;
mod exports;
mod frames;
mod generations;
mod projects;
mod provenance;
mod tags;
mod trash;
mod whereabouts;

pub(crate) use whereabouts::known_number;

use crate::api::Api;
use crate::{events, images, operation};

/// Adds every route.
pub(crate) fn add(api: Api) -> Api {
    let api = projects::add(api);
    let api = characters::add(api);
    let api = animations::add(api);
    let api = frames::add(api);
    let api = assets::add(api);
    let api = generations::add(api);
    let api = provenance::add(api);
    let api = exports::add(api);
    let api = tags::add(api);
    let api = whereabouts::add(api);
    let api = trash::add(api);
    let api = images::add(api);
    let api = events::add(api);
    operation::add(api)
}
