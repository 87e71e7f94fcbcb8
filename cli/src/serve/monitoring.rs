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
    let asked = hub.clone();
    let ready = move || async move { readiness(stopping.load(Ordering::Relaxed), asked.reaches_store()) };
    Router::new()
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/readyz", get(ready))
        .route("/metrics", get(move || async move { metrics(&hub) }))
}

const fn readiness(stopping: bool, reaches_store: bool) -> (StatusCode, &'static str) {
    match (stopping, reaches_store) {
        (true, _) => (StatusCode::SERVICE_UNAVAILABLE, "stopping\n"),
        (false, false) => (StatusCode::SERVICE_UNAVAILABLE, "the store cannot be reached\n"),
        (false, true) => (StatusCode::OK, "ready\n"),
    }
}

/// Prometheus' text format, version 0.0.4.
fn metrics(hub: &Hub<RawEvent>) -> impl IntoResponse + use<> {
    let mut text = String::new();
    for (name, value) in hub.metrics().iter() {
        // Writing to a text cannot fail.
        let _ = writeln!(text, "# TYPE tidings_{name}_total counter\ntidings_{name}_total {value}");
    }
    let (open, reached) = (hub.connections().len(), usize::from(hub.reaches_store()));
    let members = hub.members().iter().filter(|member| member.is_alive()).count();
    let gauges = [("connections", open), ("store_reached", reached), ("members", members)];
    for (name, value) in gauges {
        let _ = writeln!(text, "# TYPE tidings_{name} gauge\ntidings_{name} {value}");
    }
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text)
}
