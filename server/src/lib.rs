//! Typed events from an axum app to the people looking at its pages.
//!
//! A [`Hub`] sends; a [`router`] mounted in any axum app streams to whoever [`Authorize`] says may read;
//! [`serve`] enforces every limit.
//!
//! ```no_run
//! use std::sync::Arc;
//! use axum::{Router, http::request::Parts};
//! use tidings_server::{Config, Hub, Identity, Refusal, protocol::Contract, router, serve};
//!
//! async fn run<Event: Contract>() -> Result<(), Box<dyn std::error::Error>> {
//!     let hub = Hub::<Event>::in_memory(Config::default()).await?;
//!     let authorize = |request: Arc<Parts>| async move {
//!         let user = request.headers.get("x-user").and_then(|name| name.to_str().ok());
//!         user.map(Identity::user).ok_or(Refusal::Unauthorized)
//!     };
//!     let app = Router::new().nest("/sse", router(&hub, authorize));
//!     let listener = tokio::net::TcpListener::bind("127.0.0.1:4000").await?;
//!     Ok(serve(listener, app, &hub).await?)
//! }
//! ```
//!
//! # The parts
//!
//! | part | what it is |
//! |---|---|
//! | [`Hub`] | send, presence, revoke, drain |
//! | [`Audience`] | who an event is for |
//! | [`Cause`] | the request that caused it |
//! | [`router`], [`Authorize`] | the stream, and who may read it |
//! | [`serve`] | the server that enforces every limit of [`Config`] |
//! | [`store`], [`Memory`] | where the ordered log lives; `Sqlite`, `Postgres`, `Redis` with the features of those names |
//!
//! Under another server than [`serve`], these of [`Config`] are not enforced: `header_timeout`,
//! `write_stall`, `tcp_user_timeout`, `send_buffer`, and the drain; a warning says so once.

mod audience;
mod authorize;
mod cause;
mod caused;
mod clock;
mod config;
mod connection;
mod connections;
mod drain;
mod error;
mod foreign;
mod groups;
mod hub;
mod limits;
mod log;
mod members;
mod metrics;
mod origin;
mod presence;
mod presences;
mod random;
mod registry;
mod request;
mod rights;
mod router;
mod saving;
mod secret;
mod serve;
mod shared;
mod standing;
pub mod store;
mod stream;
mod subscribe;
mod sweep;
mod timers;
mod waiting;
mod wheel;

pub use protocol;

pub use audience::Audience;
pub use authorize::{Authorize, Identity, Refusal};
pub use cause::Cause;
pub use caused::Caused;
pub use clock::Clock;
pub use config::Config;
pub use connection::ConnectionInfo;
pub use connections::Connections;
pub use error::{AudienceError, SendError, StartError};
pub use hub::{CURSOR_HEADER, Hub, Sent};
pub use metrics::MetricsSnapshot;
pub use presence::{Presence, PresenceChange, PresenceChanges, PresenceError};
pub use protocol::Revoked;
pub use router::router;
pub use secret::Secret;
pub use serve::{serve, serve_until};
#[cfg(feature = "postgres")]
pub use store::Postgres;
#[cfg(feature = "redis")]
pub use store::Redis;
#[cfg(feature = "sqlite")]
pub use store::Sqlite;
pub use store::{Memory, Store, StoreError};

/// The README's examples, compiled.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;
