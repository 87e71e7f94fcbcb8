//! What every store promises, tried on each: one file per promise, generic over the place where a store
//! keeps its log.

#[macro_use]
mod claims;
mod cursors;
mod hubs;
mod instances;
mod keys;
mod memory;
mod order;
mod outage;
mod outbox;
mod place;
#[cfg(feature = "postgres")]
mod postgres;
mod presence;
#[cfg(feature = "redis")]
mod redis;
mod retention;
mod run;
#[cfg(feature = "sqlite")]
mod sqlite;
mod standing;
