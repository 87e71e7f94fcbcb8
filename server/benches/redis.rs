//! What `Redis` costs: latency, throughput and following, on servers of its own, one for each way of keeping writes.
//!
//! Its numbers are in the documentation of `Redis`. Run with `cargo bench --bench redis`.

use std::{sync::Arc, time::Instant};

use instance::{Instance, interest, throughput, time};
use tidings_server::{
    Redis,
    store::{RedisOptions, Store as _},
};

mod instance;
#[path = "../tests/store/redis/server.rs"]
#[expect(dead_code, reason = "the tests use more of it")]
mod server;

#[tokio::main]
async fn main() {
    let every_second: &[&str] = &["--appendonly", "yes", "--appendfsync", "everysec"];
    for (what, settings) in
        [("appendfsync always", server::ALWAYS), ("appendfsync everysec", every_second), ("no file", &[])]
    {
        println!("== {what}");
        let server = server::Server::start(settings);
        let store = || Redis::new(&server.url(), RedisOptions::default()).expect("a URL");
        let first = Arc::new(Instance::open(store(), "first").await);
        let other = Instance::open(store(), "second").await;
        time("send, until it returns", 300, async || {
            let begun = Instant::now();
            first.send().await;
            begun.elapsed()
        })
        .await;
        time("send, visible on another instance", 300, async || {
            let begun = Instant::now();
            other.head.reached(first.send().await).await;
            begun.elapsed()
        })
        .await;
        throughput(&first).await;
        other.store.close().await.expect("it closes");
        first.store.close().await.expect("it closes");
        interest(store).await;
    }
}
