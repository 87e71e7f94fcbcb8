//! One instance: the stream, and twice a second something to read on it.

use std::{
    net::SocketAddr,
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use axum::{
    Json, Router,
    http::{HeaderValue, StatusCode, request::Parts},
    middleware::map_response,
    response::Response,
    routing::get,
};
use serde_json::json;
use tidings_bindings::Event;
use tidings_server::{Audience, Config, Hub, Identity, Redis, Refusal, store::RedisOptions};
use tokio::net::TcpListener;

use crate::Error;

/// Which instance has answered: what a page shows of it.
const INSTANCE_HEADER: &str = "x-tidings-instance";

const EVERY: Duration = Duration::from_millis(500);

pub(crate) async fn run(name: String, listen: SocketAddr, store: &str) -> Result<(), Error> {
    // Three tabs need not be spread over five seconds, and nobody likes to wait for a demonstration.
    let retry = Duration::from_millis(300)..Duration::from_millis(900);
    let config = Config { heartbeat: Duration::from_secs(2), retry, ..Config::default() };
    let hub: Hub<Event> = Hub::start(config, Redis::new(store, RedisOptions::default())?).await?;
    let listener = TcpListener::bind(listen).await.map_err(Error::io(listen.to_string()))?;
    let shown = HeaderValue::from_str(&name).unwrap_or(HeaderValue::from_static("?"));
    let (ready, status) = (hub.clone(), hub.clone());
    let app = Router::new()
        .nest("/sse", tidings_server::router(&hub, visitor))
        .route("/readyz", get(move || async move { readiness(&ready) }))
        .route("/status", get(move || async move { Json(json!({ "streams": status.connections().len() })) }))
        .layer(map_response(move |mut response: Response| {
            response.headers_mut().insert(INSTANCE_HEADER, shown.clone());
            std::future::ready(response)
        }));
    tokio::spawn(tick(hub.clone(), name));
    tidings_server::serve(listener, app, &hub).await.map_err(Error::io("the server"))
}

/// Whoever comes: a tab says which one it is, and is told what everyone is told.
async fn visitor(parts: Arc<Parts>) -> Result<Identity, Refusal> {
    let query = parts.uri.query().unwrap_or_default();
    let tab = query.split('&').find_map(|pair| pair.strip_prefix("tab=")).filter(|tab| tab.len() <= 64);
    tab.map(Identity::user).ok_or(Refusal::Unauthorized)
}

fn readiness(hub: &Hub<Event>) -> StatusCode {
    if hub.reaches_store() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE }
}

/// Counts aloud: who reads every number has missed nothing.
async fn tick(hub: Hub<Event>, name: String) {
    let mut ticks = tokio::time::interval(EVERY);
    let run = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis();
    let mut number = 1_u32;
    loop {
        ticks.tick().await;
        let said = json!({ "type": "action_created", "data": {
            "coaching_session_id": SESSION,
            "action": {
                "id": SESSION,
                "coaching_session_id": SESSION,
                "user_id": SESSION,
                "body": format!("{name} {run} {number}"),
                "status": "NotStarted",
                "status_changed_at": THEN,
                "created_at": THEN,
                "updated_at": THEN,
                "assignee_ids": [],
            },
        } });
        let event = match serde_json::from_value::<Event>(said) {
            Ok(event) => event,
            Err(error) => return eprintln!("instance {name} has nothing to say: {error}"),
        };
        // With a key, it is safe to say again what may have been said.
        let key = format!("{name} {run} {number}");
        while hub.send_once(&key, Audience::everyone(), &event).await.is_err_and(|error| error.is_retryable())
        {
        }
        number += 1;
    }
}

const SESSION: &str = "0192f8a0-7c3e-7001-8000-000000000001";
const THEN: &str = "2026-01-01T00:00:00.000Z";
