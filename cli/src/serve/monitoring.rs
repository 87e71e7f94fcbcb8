//! `/healthz`, `/readyz` and `/metrics`: for whoever looks after the server.

use std::{
    fmt::Write,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use axum::{
    Router,
    http::{StatusCode, header},
    response::IntoResponse,
    routing::get,
};
use protocol::RawEvent;
use tidings_server::Hub;

/// The three routes; `stopping` turns readiness off.
pub(crate) fn router(hub: Hub<RawEvent>, stopping: Arc<AtomicBool>) -> Router {
    Router::new()
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/readyz", get(move || async move { readiness(stopping.load(Ordering::Relaxed)) }))
        .route("/metrics", get(move || async move { metrics(&hub) }))
}

const fn readiness(stopping: bool) -> (StatusCode, &'static str) {
    if stopping { (StatusCode::SERVICE_UNAVAILABLE, "stopping\n") } else { (StatusCode::OK, "ready\n") }
}

/// Prometheus' text format, version 0.0.4.
fn metrics(hub: &Hub<RawEvent>) -> impl IntoResponse + use<> {
    let mut text = String::new();
    for (name, value) in hub.metrics().iter() {
        // Writing to a text cannot fail.
        let _ = writeln!(text, "# TYPE tidings_{name}_total counter\ntidings_{name}_total {value}");
    }
    let open = hub.connections().len();
    let _ = writeln!(text, "# TYPE tidings_connections gauge\ntidings_connections {open}");
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text)
}
