//! What time brings, on a clock that the test moves: the router is called without a socket.

use std::{
    pin::Pin,
    sync::Arc,
    time::{Duration, SystemTime},
};

use axum::{
    Router,
    body::{Body, HttpBody},
    http::{Request, request::Parts},
};
use bytes::Bytes;
use tidings_server::{
    Audience, Config, Hub, Identity,
    protocol::{DecodedEvent, Decoder, Limits},
    router,
};
use tokio::time::Instant;
use tower_service::Service;

use crate::support::Event;

/// A stream without a socket under it.
pub(crate) struct Stream {
    body: Body,
    decoder: Decoder,
    events: Vec<DecodedEvent>,
}

impl Stream {
    pub(crate) async fn open(app: &Router, cursor: &str) -> Self {
        Self::with_header(app, "last-event-id", cursor).await
    }

    pub(crate) async fn with_header(app: &Router, name: &str, value: &str) -> Self {
        let request = Request::get("/?tidings=1").header(name, value).body(Body::empty());
        let response = app.clone().call(request.expect("a request")).await.expect("infallible");
        assert_eq!(response.status(), 200);
        Self { body: response.into_body(), decoder: Decoder::new(""), events: Vec::new() }
    }

    /// The next bytes as they are written.
    pub(crate) async fn bytes(&mut self) -> Option<Bytes> {
        let frame = std::future::poll_fn(|cx| Pin::new(&mut self.body).poll_frame(cx)).await?;
        Some(frame.expect("a body does not fail").into_data().expect("data"))
    }

    pub(crate) async fn next(&mut self) -> Option<DecodedEvent> {
        while self.events.is_empty() {
            let bytes = self.bytes().await?;
            self.decoder.feed(&bytes, &mut self.events).expect("events within the bound");
        }
        Some(self.events.remove(0))
    }

    pub(crate) async fn expect(&mut self, name: &str) -> DecodedEvent {
        let event = self.next().await.expect("the stream goes on");
        assert_eq!(event.event, name, "{event:?}");
        event
    }
}

async fn app(config: Config) -> (Hub<Event>, Router) {
    let hub = Hub::in_memory(config).await.expect("a hub over memory starts");
    let app = router(&hub, |_: Arc<Parts>| async { Ok(Identity::user("coach")) });
    (hub, app)
}

/// No heartbeats, no checks, no end within a test's time.
pub(crate) fn quiet() -> Config {
    let never = Duration::from_secs(1_000_000);
    Config { heartbeat: never, recheck: never, lifetime: never, ..Config::default() }
}

#[tokio::test(start_paused = true)]
async fn a_heartbeat_comes_every_15_s_and_counts_what_was_sent() {
    let (hub, app) = app(Config { heartbeat: Duration::from_secs(15), ..quiet() }).await;
    let mut stream = Stream::open(&app, "").await;
    stream.expect("tidings:hello").await;
    let begun = Instant::now();
    let first = stream.expect("tidings:heartbeat").await;
    assert_eq!((begun.elapsed().as_secs(), first.data.as_str()), (15, r#"{"sent":0}"#));
    hub.send(Audience::user("coach"), &Event::said("1")).await.expect("sent");
    hub.send(Audience::user("other"), &Event::said("2")).await.expect("sent");
    stream.expect("said").await;
    let second = stream.expect("tidings:heartbeat").await;
    assert_eq!((begun.elapsed().as_secs(), second.data.as_str()), (30, r#"{"sent":1}"#));
    assert_eq!(
        second.last_event_id.to_string(),
        hub.cursor().to_string(),
        "a quiet reader moves on with the head"
    );
}

#[tokio::test(start_paused = true)]
async fn a_connection_lives_8_to_10_minutes_and_resumes() {
    let (hub, app) = app(Config { lifetime: Duration::from_secs(600), ..quiet() }).await;
    let mut lives = Vec::new();
    for _ in 0..20 {
        let mut stream = Stream::open(&app, "").await;
        stream.expect("tidings:hello").await;
        let begun = Instant::now();
        let goodbye = stream.expect("tidings:goodbye").await;
        assert_eq!(goodbye.data, r#"{"reason":"lifetime","reconnect_after_ms":0}"#);
        assert!(stream.next().await.is_none());
        lives.push(begun.elapsed());
        let mut again = Stream::open(&app, stream.decoder.last_event_id()).await;
        assert!(again.expect("tidings:hello").await.data.contains(r#""resumed":"replayed""#));
    }
    let (shortest, longest) = (lives.iter().min().expect("20"), lives.iter().max().expect("20"));
    assert!(*shortest >= Duration::from_secs(480) && *longest <= Duration::from_secs(601), "{lives:?}");
    assert!(*longest - *shortest > Duration::from_secs(20), "they are spread: {lives:?}");
    drop(hub);
}

#[tokio::test(start_paused = true)]
async fn a_stream_ends_when_its_credentials_do() {
    let hub = Hub::<Event>::in_memory(quiet()).await.expect("a hub over memory starts");
    let expires_at = SystemTime::now() + Duration::from_secs(3_600);
    let authorize = move |_: Arc<Parts>| async move { Ok(Identity::user("coach").expires_at(expires_at)) };
    let app = router(&hub, authorize);
    let mut stream = Stream::open(&app, "").await;
    stream.expect("tidings:hello").await;
    let begun = Instant::now();
    let goodbye = stream.expect("tidings:goodbye").await;
    assert_eq!(goodbye.data, r#"{"reason":"expired","reconnect_after_ms":0}"#);
    assert_eq!(begun.elapsed().as_secs().div_ceil(10), 360);
    assert!(stream.next().await.is_none());
    // The moved clock began a little before the one that the expiry was read from.
    tokio::time::advance(Duration::from_secs(1)).await;
    let again = Request::get("/?tidings=1").body(Body::empty()).expect("a request");
    assert_eq!(app.clone().call(again).await.expect("infallible").status(), 401);
}

#[tokio::test(start_paused = true)]
async fn what_is_older_than_the_window_is_gone_without_another_send() {
    let history = Limits { age: Duration::from_secs(600), ..Limits::default() };
    let (hub, app) = app(Config { history, ..quiet() }).await;
    let cursor = hub.cursor().to_string();
    hub.send(Audience::user("coach"), &Event::said("1")).await.expect("sent");
    tokio::time::advance(Duration::from_secs(590)).await;
    let mut stream = Stream::open(&app, &cursor).await;
    stream.expect("tidings:hello").await;
    stream.expect("said").await;
    drop(stream);
    tokio::time::sleep(Duration::from_secs(15)).await;
    let mut stream = Stream::open(&app, &cursor).await;
    stream.expect("tidings:hello").await;
    assert_eq!(stream.expect("tidings:gap").await.data, r#"{"reason":"retention"}"#);
}

#[tokio::test(start_paused = true)]
async fn a_reader_that_was_too_slow_is_told_in_the_stream() {
    let history = Limits { count: 5, ..Limits::default() };
    let (hub, app) = app(Config { history, batch_bytes: 1, ..quiet() }).await;
    let mut stream = Stream::open(&app, "").await;
    stream.expect("tidings:hello").await;
    for n in 1..=20 {
        hub.send(Audience::user("coach"), &Event::said(n.to_string())).await.expect("sent");
    }
    let gap = stream.expect("tidings:gap").await;
    assert_eq!(
        (gap.data.as_str(), gap.last_event_id.to_string()),
        (r#"{"reason":"overflow"}"#, hub.cursor().to_string())
    );
    hub.send(Audience::user("coach"), &Event::said("21")).await.expect("sent");
    assert!(stream.expect("said").await.data.contains("21"));
}

#[tokio::test(start_paused = true)]
async fn retry_is_drawn_between_1_and_5_s_per_client() {
    let (_hub, app) = app(quiet()).await;
    let mut drawn = Vec::new();
    for _ in 0..16 {
        let mut stream = Stream::open(&app, "").await;
        stream.expect("tidings:hello").await;
        drawn.push(stream.decoder.retry_ms().expect("a retry"));
    }
    assert!(drawn.iter().all(|ms| (1_000..=5_000).contains(ms)), "{drawn:?}");
    drawn.sort_unstable();
    drawn.dedup();
    assert!(drawn.len() > 8, "they are spread: {drawn:?}");
}

#[tokio::test(start_paused = true)]
async fn a_client_that_two_servers_without_a_common_store_answer_in_turn_is_counted_and_told_each_time() {
    let (one, two) = (app(quiet()).await, app(quiet()).await);
    let mut cursor = one.0.cursor().to_string();
    for turn in 0..6 {
        let (here, app) = if turn % 2 == 0 { &two } else { &one };
        let mut stream = Stream::open(app, &cursor).await;
        let hello = stream.expect("tidings:hello").await;
        assert!(hello.data.contains(r#""resumed":"gap""#), "{hello:?}");
        assert_eq!(stream.expect("tidings:gap").await.data, r#"{"reason":"epoch"}"#);
        cursor = here.cursor().to_string();
    }
    assert_eq!((one.0.metrics().foreign_cursors, two.0.metrics().foreign_cursors), (3, 3));
    Stream::open(&one.1, &one.0.cursor().epoch().at(7).to_string()).await;
    assert_eq!(one.0.metrics().foreign_cursors, 3, "ahead of its own log is another matter");
}
