//! An event is serialised once and held once, however many read it, and nobody sleeps through it.

use std::{
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use axum::{
    body::{Body, Bytes, HttpBody},
    http::{Request, request::Parts},
};
use serde::{Deserialize, Serialize, Serializer};
use tidings_server::{
    Audience, Config, Hub, Identity,
    protocol::{Contract, NoApplicationError},
    router,
};
use tower_service::Service;

use crate::support::PATIENCE;

/// Enough for a reader that is not woken to be noticed.
const ROUNDS: usize = 10_000;

static SERIALISED: AtomicUsize = AtomicUsize::new(0);

#[derive(Serialize, Deserialize)]
#[serde(tag = "type", content = "data", rename_all = "snake_case")]
enum Counted {
    Said {
        #[serde(serialize_with = "count")]
        text: String,
    },
}

fn count<S: Serializer>(text: &str, serializer: S) -> Result<S::Ok, S::Error> {
    SERIALISED.fetch_add(1, Ordering::SeqCst);
    serializer.serialize_str(text)
}

impl Contract for Counted {
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

async fn block(stream: &mut Body) -> Bytes {
    let frame = std::future::poll_fn(|cx| Pin::new(&mut *stream).poll_frame(cx)).await;
    frame.expect("the stream goes on").expect("a body does not fail").into_data().expect("data")
}

#[tokio::test]
async fn every_connection_sends_the_same_bytes() {
    let hub = Hub::<Counted>::in_memory(Config::default()).await.expect("a hub over memory starts");
    let app = router(&hub, |_: Arc<Parts>| async { Ok(Identity::user("coach")) });
    let mut streams = Vec::new();
    for _ in 0..3 {
        let request = Request::get("/").body(Body::empty()).expect("a request");
        let mut stream = app.clone().call(request).await.expect("infallible").into_body();
        block(&mut stream).await;
        streams.push(stream);
    }
    let event = Counted::Said { text: "hi".into() };
    hub.send(Audience::user("coach") | Audience::everyone(), &event).await.expect("sent");
    let mut places = Vec::new();
    for stream in &mut streams {
        places.push(block(stream).await.as_ptr());
    }
    assert!(places.iter().all(|place| *place == places[0]), "one copy: {places:?}");
    assert_eq!(SERIALISED.load(Ordering::SeqCst), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_event_wakes_a_reader_that_has_just_looked() {
    let hub = Hub::<Counted>::in_memory(Config::default()).await.expect("a hub over memory starts");
    let app = router(&hub, |_: Arc<Parts>| async { Ok(Identity::user("reader")) });
    let request = Request::get("/").body(Body::empty()).expect("a request");
    let mut stream = app.clone().call(request).await.expect("infallible").into_body();
    block(&mut stream).await;
    // Each event is sent the moment the one before was read, while its reader looks for more.
    let read = Arc::new(AtomicUsize::new(0));
    let sender = tokio::spawn({
        let (hub, read) = (hub.clone(), read.clone());
        async move {
            for n in 0..ROUNDS {
                while read.load(Ordering::Acquire) < n {
                    std::hint::spin_loop();
                }
                let event = Counted::Said { text: String::new() };
                hub.send(Audience::user("reader"), &event).await.expect("sent");
            }
        }
    });
    for n in 1..=ROUNDS {
        tokio::time::timeout(PATIENCE, block(&mut stream)).await.expect("it was woken");
        read.store(n, Ordering::Release);
        // Later by a little each time, so that the two meet at every place of the look.
        for _ in 0..n % 256 {
            std::hint::spin_loop();
        }
    }
    sender.await.expect("it sent all");
}
