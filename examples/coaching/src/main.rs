//! One process on one address: REST, the event stream and the page's files.

use std::{
    io::{IsTerminal, stderr},
    net::SocketAddr,
    path::PathBuf,
    pin::pin,
    process::ExitCode,
    time::Duration,
};

use clap::Parser;
use coaching::{Cost, Database, Options, PEOPLE, Person, app};
use tidings_bindings::Event;
use tidings_server::{Config, Hub};
use tokio::{net::TcpListener, time::timeout};
use tracing_subscriber::EnvFilter;

/// A store that nobody else has is open within this; longer, and the person who waits wants to know why.
const AT_ONCE: Duration = Duration::from_secs(1);

/// The coaching platform: a coach and a coachee work on the same pages, live.
#[derive(Debug, Parser)]
#[command(name = "coaching", version)]
struct Arguments {
    /// The address to listen on.
    #[arg(long, default_value = "127.0.0.1:4000")]
    listen: SocketAddr,
    /// The folder of the page's files, as `next build` exports them; without it only REST and /sse are served.
    #[arg(long)]
    assets: Option<PathBuf>,
    /// Where people, log-ins, their work and the events are kept: the path of an SQLite file, or
    /// `postgres://user:password@host/name`. Made and seeded where there is nothing.
    #[arg(long, default_value = "coaching.sqlite")]
    database: Database,
    /// The port of the server of shared notes (`examples/collaboration`), on the same host; without it a session's
    /// notes are single ones.
    #[arg(long)]
    notes_port: Option<u16>,
    /// How often a stream says that it lives, in milliseconds; a page takes 2.5 of these without a byte for the end.
    #[arg(long, default_value_t = 15_000, value_parser = clap::value_parser!(u64).range(100..=600_000))]
    heartbeat_ms: u64,
    /// What to log: error, warn, info, debug or trace, also per module as in `info,tidings_server=debug`.
    #[arg(long, default_value = "info")]
    log: EnvFilter,
}

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    tracing_subscriber::fmt()
        .with_env_filter(arguments.log.clone())
        .with_ansi(stderr().is_terminal())
        .with_writer(stderr)
        .init();
    match run(arguments).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("coaching: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: Arguments) -> Result<(), Box<dyn std::error::Error>> {
    let heartbeat = Duration::from_millis(arguments.heartbeat_ms);
    let config = Config { heartbeat, ..Config::default() };
    let hub = start(config, &arguments.database).await?;
    let options = Options {
        database: arguments.database,
        assets: arguments.assets,
        password_cost: Cost::default(),
        notes_port: arguments.notes_port,
    };
    let router = app(&options, hub.clone()).await?;
    let listener = TcpListener::bind(arguments.listen).await?;
    greet(listener.local_addr()?);
    tidings_server::serve(listener, router, &hub).await?;
    Ok(())
}

/// Opens the store. One that another server still has is waited for, and the person who waits is told so.
async fn start(config: Config, database: &Database) -> Result<Hub<Event>, tidings_server::StartError> {
    let mut starting = pin!(database.hub(config));
    if let Ok(started) = timeout(AT_ONCE, &mut starting).await {
        return started;
    }
    eprintln!(
        "coaching: {database} is not open yet; should another server have it, this one waits for its end"
    );
    starting.await
}

/// Where it is, and who can log in.
fn greet(address: SocketAddr) {
    let host = if address.ip().is_loopback() { "localhost".into() } else { address.ip().to_string() };
    println!("Coaching is served on http://{host}:{}\n\nLog in as", address.port());
    for Person { first_name, last_name, email, password, role } in PEOPLE {
        let name = format!("{first_name} {last_name}");
        println!("  {role:<8} {name:<16} {email:<22} password: {password}");
    }
    println!("\nCtrl-C ends it.");
}
