//! The routes of a hub, to be mounted where the app likes.

use std::sync::Arc;

use axum::{
    Router,
    routing::{get, post},
};
use protocol::Contract;

use crate::{
    Authorize, Hub,
    groups::groups,
    subscribe::{Mount, alive, preflight, subscribe},
};

/// `GET /` is the stream, `POST /alive` the sign of life from behind a proxy, `POST /groups` what else to read.
///
/// # Example
/// ```
/// use axum::Router;
/// use tidings_server::{Authorize, Hub, protocol::Contract, router};
/// fn app<C: Contract>(hub: &Hub<C>, authorize: impl Authorize) -> Router {
///     Router::new().nest("/sse", router(hub, authorize))
/// }
/// ```
pub fn router<C: Contract>(hub: &Hub<C>, authorize: impl Authorize) -> Router {
    let mount = Mount { shared: hub.shared.clone(), authorize: Arc::new(authorize) };
    Router::new()
        .route("/", get(subscribe).options(preflight))
        .route("/alive", post(alive).options(preflight))
        .route("/groups", post(groups).options(preflight))
        .with_state(mount)
}
