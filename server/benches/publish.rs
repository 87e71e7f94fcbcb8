//! What a send costs, down to the bytes that a connection hands to its socket.
//!
//! `one_user` is one delivery per iteration, `broadcast` a thousand: divan's `item/s` are deliveries per
//! second, and its allocations per iteration, divided by these, are allocations per delivery.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, Waker},
};

use axum::{
    body::{Body, HttpBody},
    http::{Request, request::Parts},
};
use divan::{AllocProfiler, Bencher, counter::ItemsCount};
use serde::{Deserialize, Serialize};
use tidings_server::{
    Audience, Config, Hub, Identity, Refusal,
    protocol::{Contract, NoApplicationError},
    router,
};
use tokio::runtime::Runtime;
use tower_service::Service;

#[global_allocator]
static ALLOCATOR: AllocProfiler = AllocProfiler::system();

#[derive(Serialize, Deserialize)]
#[serde(tag = "type", content = "data", rename_all = "snake_case")]
enum Event {
    Said { text: String },
}

impl Contract for Event {
    const REVISION: u32 = 1;
    const HASH: &'static str = "";
    const NAMES: &'static [&'static str] = &["said"];
    type ApplicationError = NoApplicationError;
    const APPLICATION_ERROR: Option<&'static str> = None;

    fn name(&self) -> &'static str {
        "said"
    }

    fn application_error(error: NoApplicationError) -> Self {
        match error {}
    }
}

/// A hub with one open stream for each of its users, named by their numbers.
struct House {
    runtime: Runtime,
    hub: Hub<Event>,
    streams: Vec<Body>,
    event: Event,
}

impl House {
    fn new(users: usize) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let (hub, streams) = runtime.block_on(async {
            let hub = Hub::<Event>::in_memory(Config::default()).await.expect("a hub over memory starts");
            let app = router(&hub, |parts: Arc<Parts>| async move {
                let user = parts.headers.get("x-user").and_then(|user| user.to_str().ok());
                user.map(Identity::user).ok_or(Refusal::Unauthorized)
            });
            let mut streams = Vec::new();
            for user in 0..users {
                let request =
                    Request::get("/").header("x-user", user).body(Body::empty()).expect("a request");
                streams.push(app.clone().call(request).await.expect("infallible").into_body());
            }
            (hub, streams)
        });
        // About 300 bytes on the wire.
        let mut house = Self { runtime, hub, streams, event: Event::Said { text: "x".repeat(160) } };
        for user in 0..users {
            assert_eq!(house.drain(user), 1, "hello");
        }
        house
    }

    fn send(&self, audience: Audience) {
        let sent = self.runtime.block_on(self.hub.send(audience, &self.event));
        assert!(sent.is_ok());
    }

    /// Takes what is due at the stream of a user, as a server does after a wake-up; how many blocks.
    fn drain(&mut self, user: usize) -> usize {
        let _entered = self.runtime.enter();
        let mut cx = Context::from_waker(Waker::noop());
        let mut blocks = 0;
        while let Poll::Ready(Some(Ok(_))) = Pin::new(&mut self.streams[user]).poll_frame(&mut cx) {
            blocks += 1;
        }
        blocks
    }
}

#[divan::bench]
fn one_user_among_10_000(bencher: Bencher<'_, '_>) {
    let mut house = House::new(10_000);
    bencher.counter(ItemsCount::new(1_usize)).bench_local(|| {
        house.send(Audience::user("4711"));
        assert_eq!(house.drain(4_711), 1);
    });
}

#[divan::bench]
fn broadcast_to_1_000(bencher: Bencher<'_, '_>) {
    let mut house = House::new(1_000);
    bencher.counter(ItemsCount::new(1_000_usize)).bench_local(|| {
        house.send(Audience::everyone());
        for user in 0..1_000 {
            assert_eq!(house.drain(user), 1);
        }
    });
}

fn main() {
    divan::main();
}
