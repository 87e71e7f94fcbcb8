//! The coaching platform: a coach and a coachee work on the same pages, and each sees the other's change at once.
//!
//! An axum app like any other: log-ins, REST, a database. What makes it live is small: [`app`] mounts the router of
//! `tidings_server` at `/sse`, and every change and its events are one transaction: both people hear of it if and
//! only if it is committed, whatever becomes of the request or the process.
//!
//! | module | what it is |
//! |---|---|
//! | `routes` | the REST surface, one module per kind of thing |
//! | `guard` | around every route: who asks, and refused changes told as events |
//! | `cursor` | around every GET: where the page's stream begins |
//! | `platform` | what routes share, and `change`: a transaction that tells |
//! | `database` | SQLite or PostgreSQL, under the same SQL |
//! | `access` | who else is in a coaching session |
//! | `log_in`, `password` | cookie sessions and argon2id |
//! | `stream` | who may read `/sse` |
//! | `presence` | comings and goings as events |
//! | `seed` | what a new database begins with |

mod access;
mod answer;
mod assets;
mod clock;
mod cursor;
mod database;
mod failure;
mod guard;
mod log_in;
mod password;
mod platform;
mod presence;
mod routes;
mod seed;
mod stream;

use std::path::PathBuf;

use axum::Router;
use tidings_bindings::Event;
use tidings_server::Hub;

pub use database::Database;
pub use password::Cost;
pub use seed::{PEOPLE, Person};

/// Where the app keeps things and what a password costs.
#[derive(Debug, Clone)]
pub struct Options {
    /// Where everything is kept.
    pub database: Database,
    /// The folder of the page's files; without one only REST and the stream are served.
    pub assets: Option<PathBuf>,
    /// What hashing a password costs.
    pub password_cost: Cost,
    /// The port of the server of shared notes, on the host that the page came from; without one there are none.
    pub notes_port: Option<u16>,
}

/// Why the app does not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// The database cannot be opened or is of another make.
    #[error(
        "the database does not open: {0}; name with --database a file whose folder exists and can be written to, \
         or a PostgreSQL database that is up"
    )]
    Database(#[from] sqlx::Error),
    /// The cost of passwords is none that argon2 accepts.
    #[error("passwords cannot be hashed: {0}")]
    Passwords(argon2::password_hash::Error),
    /// The first people and their work could not be written.
    #[error("the database could not be seeded: {0}")]
    Seed(#[source] failure::Failure),
}

/// The whole app: REST, the stream at `/sse`, and the page's files. `hub` keeps its log in the same database, as
/// [`Database::hub`] makes it.
///
/// # Errors
/// [`StartError`].
pub async fn app(options: &Options, hub: Hub<Event>) -> Result<Router, StartError> {
    let pool = options.database.open().await?;
    let passwords = password::Passwords::new(options.password_cost).map_err(StartError::Passwords)?;
    let platform = platform::Platform::new(pool, hub, passwords, options.notes_port);
    seed::seed(&platform).await.map_err(StartError::Seed)?;
    platform.log_ins.forget_expired().await?;
    tokio::spawn(presence::follow(platform.clone()));

    let stream = tidings_server::router(&platform.hub, stream::authorize(platform.log_ins.clone()));
    let app = routes::routes(&platform).nest("/sse", stream);
    Ok(match &options.assets {
        Some(folder) => app.fallback_service(assets::files(folder)),
        None => app.fallback(async || failure::Failure::NotFound("route")),
    })
}
