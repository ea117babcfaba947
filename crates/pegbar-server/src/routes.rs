//! The operations, one file for each entity.
#![expect(unused_qualifications, reason = "what the macro of `utoipa` makes")]

mod projects;

use crate::api::Api;

/// Adds every route.
pub(crate) fn add(api: Api) -> Api {
    projects::add(api)
}
