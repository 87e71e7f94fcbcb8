//! `Postgres`: a schema of its own per test, on a server of the tests' own.

mod instances;
mod interleavings;
mod place;
mod proxy;
mod schema;
mod server;

every_store!(crate::postgres::place::Schema);
durable_store!(crate::postgres::place::Schema);
shared_store!(crate::postgres::place::Schema);
outbox_store!(crate::postgres::place::Schema);
