//! The page, and what its buttons do.

use std::{net::Ipv4Addr, path::PathBuf, sync::Arc};

use axum::{
    Json, Router,
    extract::{Path, State},
    http::{StatusCode, header},
    response::{Html, IntoResponse},
    routing::{get, post},
};
use tokio::{net::TcpListener, sync::Mutex};
use tower_http::services::ServeDir;

use crate::{
    Error,
    company::{Company, Shown},
};

type Shared = Arc<Mutex<Company>>;

pub(crate) async fn run(port: u16, client: PathBuf, events: PathBuf) -> Result<(), Error> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.map_err(Error::io("a free port"))?;
    let address = listener.local_addr().map_err(Error::io("a free port"))?;
    let company: Shared = Arc::new(Mutex::new(Company::gather(port, address).await?));
    let app = Router::new()
        .route("/", get(|| async { Html(include_str!("../page/index.html")) }))
        .route("/page.js", get(|| async { text("text/javascript", include_str!("../page/page.js")) }))
        .route("/page.css", get(|| async { text("text/css", include_str!("../page/page.css")) }))
        .route("/instances", get(shown))
        .route("/instances/{name}/kill", post(kill))
        .route("/instances/{name}/start", post(start))
        .nest_service("/client", ServeDir::new(client))
        .nest_service("/events", ServeDir::new(events))
        .with_state(company);
    println!("A cluster of three is served on http://localhost:{port}\n\nCtrl-C ends it.");
    let served = axum::serve(listener, app).with_graceful_shutdown(async {
        // Without signals it ends with its terminal.
        let _ = tokio::signal::ctrl_c().await;
    });
    served.await.map_err(Error::io("the page's server"))
}

async fn shown(State(company): State<Shared>) -> Json<Vec<Shown>> {
    Json(company.lock().await.shown().await)
}

async fn kill(State(company): State<Shared>, Path(name): Path<String>) -> Result<(), (StatusCode, String)> {
    company.lock().await.kill(&name).await.map_err(failed)
}

async fn start(State(company): State<Shared>, Path(name): Path<String>) -> Result<(), (StatusCode, String)> {
    company.lock().await.start(&name).await.map_err(failed)
}

fn failed(error: Error) -> (StatusCode, String) {
    (StatusCode::INTERNAL_SERVER_ERROR, error.to_string())
}

fn text(kind: &'static str, content: &'static str) -> impl IntoResponse {
    ([(header::CONTENT_TYPE, kind)], content)
}
