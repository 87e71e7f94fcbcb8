//! `Redis`: a server per test, which the test starts, stops and robs itself.

mod place;
mod server;

every_store!(crate::redis::place::Keys);
durable_store!(crate::redis::place::Keys);
shared_store!(crate::redis::place::Keys);
