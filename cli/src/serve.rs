//! `tidings serve`: a hub for any contract, behind HTTP.

use std::{future::Future, io, path::PathBuf, sync::Arc, sync::atomic::AtomicBool, sync::atomic::Ordering};

use axum::Router;
use clap::Args;
use serde::Serialize;
use tidings_server::{router, serve_until};
use tokio::net::TcpListener;

use crate::{
    exit::{Failure, block_on},
    output::{self, NAME, Reader, styled},
};
use settings::Settings;

mod monitoring;
mod notify;
pub(crate) mod publishing;
mod readers;
mod settings;

/// Serve a stream of JSON events {"type","data"}, whatever their names.
///
///   GET  /sse      the stream; readers show a token (see jwt_secret)
///   POST /publish  Authorization: Bearer and the publish key, and
///                  {"type","data","audience":{"users","groups","everyone"},"key"?}
///                  or an array of them, committed as a whole or not at all;
///                  answers {"id","duplicate"} once it is committed
///   GET  /healthz  200 while the process runs
///   GET  /readyz   200 while it takes streams, 503 once it stops
///   GET  /metrics  counters, for Prometheus
///
/// Each setting is, in this order: a flag; TIDINGS_ and its name in capitals in
/// the environment, as in TIDINGS_STORE; its name in the file of --config, in
/// TOML, as in store = "memory:"; its default.
///
/// Secrets are taken from the environment or from files, never from flags, which
/// every user of the machine can see:
///
///   jwt_secret   at least 32 bytes, shared with whoever signs the readers'
///                tokens: JWT, HS256, with the claims sub and exp, and perhaps
///                groups, iat, nbf and jti (the log-in). Shown as
///                Authorization: Bearer or as the cookie tidings_token
///   publish_key  at least 16 bytes, which whoever publishes shows
///
/// SIGTERM closes the listener, has every client return elsewhere, and ends the
/// process within 30 s. Under systemd, Type=notify works: READY=1 and STOPPING=1
/// are sent to NOTIFY_SOCKET.
#[derive(Debug, Args)]
#[command(
    verbatim_doc_comment,
    after_help = "Exit codes: 0 stopped by SIGTERM or ctrl-c; 1 it could not start or failed; \
                  2 a setting is wrong, and the message says where it came from.\n\n\
                  For a trial: tidings serve --store memory: --insecure-anyone"
)]
pub(crate) struct Serve {
    /// Settings in TOML. [env: TIDINGS_CONFIG]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Where to listen; port 0 takes a free one. [default: 127.0.0.1:4000]
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<String>,
    /// The path of the stream. [default: /sse]
    #[arg(long, value_name = "PATH")]
    path: Option<String>,
    /// Where events are kept: memory:, sqlite:FILE, postgres://… or redis://… (also redis+sentinel:// and redis+cluster://;
    /// rediss for TLS) [default: sqlite:tidings.sqlite]
    #[arg(long, value_name = "URL")]
    store: Option<String>,
    /// A file that holds jwt_secret.
    #[arg(long, value_name = "FILE")]
    jwt_secret_file: Option<String>,
    /// Take only tokens whose aud is this; by default, only tokens without one.
    #[arg(long, value_name = "NAME")]
    jwt_audience: Option<String>,
    /// A file that holds publish_key.
    #[arg(long, value_name = "FILE")]
    publish_key_file: Option<String>,
    /// Believe whoever a reader says it is (?user= or x-user) and, without a publish key, let anyone publish.
    #[arg(long)]
    insecure_anyone: bool,
    /// Origins whose pages may read from elsewhere, separated by commas.
    #[arg(long, value_name = "ORIGINS")]
    origins: Option<String>,
    /// Addresses of proxies whose X-Forwarded-For is believed, separated by commas.
    #[arg(long, value_name = "ADDRESSES")]
    proxies: Option<String>,
    /// Something is written to each stream at least this often. [default: 15s]
    #[arg(long, value_name = "TIME")]
    heartbeat: Option<String>,
    /// How long events are kept for who was away. [default: 10m]
    #[arg(long, value_name = "TIME")]
    keep_for: Option<String>,
    /// How many events are kept at most. [default: 100000]
    #[arg(long, value_name = "N")]
    keep_events: Option<String>,
    /// How many bytes of events are kept at most. [default: 67108864]
    #[arg(long, value_name = "N")]
    keep_bytes: Option<String>,
    /// The largest event, in bytes. [default: 1048576]
    #[arg(long, value_name = "N")]
    max_event_bytes: Option<String>,
    /// Streams per user, at all instances that share the store. [default: 16]
    #[arg(long, value_name = "N")]
    connections_per_user: Option<String>,
    /// What is logged to stderr: error, warn, info, debug, or as in tidings_server=debug. [default: info]
    #[arg(long, value_name = "FILTER")]
    log: Option<String>,
    /// Print the JSON line that says where it listens, also on a terminal.
    #[arg(long)]
    json: bool,
}

/// The first line on stdout, once it listens.
#[derive(Serialize)]
struct Listening {
    listening: String,
    path: String,
    store: String,
}

impl Serve {
    pub(crate) fn run(self) -> Result<(), Failure> {
        let settings = Settings::read(&self, |name| std::env::var(name).ok())?;
        tracing_subscriber::fmt()
            .with_env_filter(settings.log.as_str())
            .with_writer(io::stderr)
            .with_ansi(io::IsTerminal::is_terminal(&io::stderr()) && std::env::var_os("NO_COLOR").is_none())
            .init();
        block_on(serve(settings, Reader::of_stdout(self.json)))
    }
}

async fn serve(settings: Settings, reader: Reader) -> Result<(), Failure> {
    // Before anything is opened: a signal that comes meanwhile must not be lost.
    let signal =
        signal().map_err(|error| Failure::Failed(format!("signals cannot be waited for: {error}")))?;
    if settings.readers.believes_anyone() {
        tracing::warn!(
            "INSECURE: anyone may read as any user{}; this is for trials on your own machine",
            if settings.publish_key.is_none() { ", and publish" } else { "" }
        );
        if !settings.listen.ip().is_loopback() {
            tracing::warn!(listen = %settings.listen, "INSECURE: and other machines can reach it");
        }
    }
    let listener = TcpListener::bind(settings.listen)
        .await
        .map_err(|error| Failure::Failed(format!("{} cannot be listened to: {error}", settings.listen)))?;
    let address = listener.local_addr().map_err(|error| Failure::Failed(error.to_string()))?;
    let started = settings.store.start(settings.hub).await?;
    let hub = started.hub.clone();
    let stopping = Arc::new(AtomicBool::new(false));
    let stream = router(&hub, settings.readers);
    let app = Router::new()
        .nest(&settings.path, stream)
        .merge(publishing::router(hub.clone(), settings.publish_key, settings.max_body_bytes))
        .merge(monitoring::router(hub.clone(), stopping.clone()));
    let said =
        Listening { listening: address.to_string(), path: settings.path, store: settings.store.to_string() };
    announce(reader, &said)?;
    notify::tell(&format!("READY=1\nSTATUS=listening on {address}"));
    let stop = async {
        signal.await;
        stopping.store(true, Ordering::Relaxed);
        tracing::info!("stopping: clients are told to return elsewhere");
        notify::tell("STOPPING=1");
    };
    let served = serve_until(listener, app, &hub, stop).await;
    started.close().await;
    served.map_err(|error| Failure::Failed(format!("serving failed: {error}")))
}

fn announce(reader: Reader, said: &Listening) -> Result<(), Failure> {
    let written = match reader {
        Reader::Program => output::json_line(said),
        Reader::Person => {
            let address = styled(NAME, format!("http://{}{}", said.listening, said.path));
            output::line(&format!("listening on {address}, events in {}", said.store))
        }
    };
    match written.map_err(Failure::from) {
        // Nobody reads it; the server serves all the same.
        Err(Failure::OutputClosed) => Ok(()),
        other => other,
    }
}

/// Ready at SIGTERM or ctrl-c.
fn signal() -> io::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};
    let (mut term, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    Ok(async move {
        tokio::select! {
            _ = term.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}
