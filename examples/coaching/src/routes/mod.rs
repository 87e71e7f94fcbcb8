//! The REST surface, one module per kind of thing.

pub(crate) mod actions;
mod admin;
pub(crate) mod agreements;
pub(crate) mod goals;
mod log_in;
pub(crate) mod notes;
mod organizations;
mod presence;
pub(crate) mod session_goals;
pub(crate) mod sessions;
pub(crate) mod topics;

use axum::{Router, extract::DefaultBodyLimit, middleware::from_fn_with_state};
use serde::Deserialize;
use tidings_bindings::Id;

use crate::{cursor::carry_cursor, failure::Failure, guard::guard, platform::Platform};

/// The longest note with every byte escaped as JSON does at worst, in six, and room for the rest of the request.
pub(crate) const REQUEST_BYTES_MAX: usize = 640 * 1024;

/// Everything but the event stream and the page's files.
pub(crate) fn routes(platform: &Platform) -> Router {
    Router::new()
        .merge(actions::routes())
        .merge(admin::routes())
        .merge(agreements::routes())
        .merge(goals::routes())
        .merge(notes::routes())
        .merge(organizations::routes())
        .merge(presence::routes())
        .merge(session_goals::routes())
        .merge(sessions::routes())
        .merge(topics::routes())
        .merge(log_in::guarded())
        .method_not_allowed_fallback(async || Failure::MethodNotAllowed)
        .route_layer(from_fn_with_state(platform.clone(), guard))
        .route_layer(from_fn_with_state(platform.clone(), carry_cursor))
        .merge(log_in::open().method_not_allowed_fallback(async || Failure::MethodNotAllowed))
        .layer(platform.log_ins.layer())
        .layer(DefaultBodyLimit::max(REQUEST_BYTES_MAX))
        .with_state(platform.clone())
}

/// `?coaching_session_id=`
#[derive(Debug, Deserialize)]
struct OfSession {
    coaching_session_id: Id,
}

/// `?coaching_relationship_id=`
#[derive(Debug, Deserialize)]
struct OfRelationship {
    coaching_relationship_id: Id,
}
