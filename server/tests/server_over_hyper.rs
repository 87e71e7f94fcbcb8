//! The suite of `server` once more, with each stream as a body that hyper polls.

#[path = "server/main.rs"]
mod suite;

use suite::{doctored, gate, support, time};
