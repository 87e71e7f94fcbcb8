//! `Redis`: a server per test, which the test starts, stops and robs itself.

mod addresses;
mod cuts;
mod losses;
mod place;
mod proxy;
mod server;
mod wakes;

every_store!(crate::redis::place::Keys);
durable_store!(crate::redis::place::Keys);
shared_store!(crate::redis::place::Keys);
