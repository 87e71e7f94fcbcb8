//! Three instances on one Redis, a load balancer before them, and a page on which each can be killed.
//!
//! | file | what |
//! |---|---|
//! | `instance.rs` | one instance: the stream, and something to read on it |
//! | `process.rs` | programs that end with this one |
//! | `company.rs` | all of them together: Redis, the instances, HAProxy |
//! | `control.rs` | the page, and what its buttons do |

use std::{net::SocketAddr, path::PathBuf, process::ExitCode};

use clap::{Parser, Subcommand};

mod company;
mod control;
mod instance;
mod process;

/// Three instances of a server on one Redis, behind HAProxy, and a page on which each of them can be killed.
#[derive(Debug, Parser)]
#[command(name = "cluster", version, args_conflicts_with_subcommands = true)]
struct Arguments {
    #[command(subcommand)]
    role: Option<Role>,
    /// The port of http://localhost:<port>.
    #[arg(long, default_value_t = 4000)]
    port: u16,
    /// The built npm package `@tidings/client`.
    #[arg(long, default_value = "client-wasm/pkg")]
    client: PathBuf,
    /// The built npm package `@tidings/coaching-events`.
    #[arg(long, default_value = "bindings/wasm/pkg")]
    events: PathBuf,
}

#[derive(Debug, Subcommand)]
enum Role {
    /// One instance; the cluster starts three of these.
    Instance {
        /// What it is called on the page.
        #[arg(long)]
        name: String,
        /// The address to listen on.
        #[arg(long)]
        listen: SocketAddr,
        /// Where the log is, as in redis://localhost.
        #[arg(long)]
        store: String,
    },
}

/// What ends this program.
#[derive(Debug, thiserror::Error)]
enum Error {
    #[error("{0}: {1}")]
    Io(String, std::io::Error),
    #[error(transparent)]
    Start(#[from] tidings_server::StartError),
    #[error(transparent)]
    Store(#[from] tidings_server::StoreError),
    #[error("{0} does not listen; read its output above")]
    Silent(&'static str),
}

impl Error {
    fn io(what: impl Into<String>) -> impl FnOnce(std::io::Error) -> Self {
        move |error| Self::Io(what.into(), error)
    }
}

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let outcome = match arguments.role {
        Some(Role::Instance { name, listen, store }) => instance::run(name, listen, &store).await,
        None => control::run(arguments.port, arguments.client, arguments.events).await,
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("cluster: {error}");
            ExitCode::FAILURE
        }
    }
}
