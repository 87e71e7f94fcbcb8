//! A server of a log that goes away and comes back, and one that comes back with another.

use std::{
    pin::Pin,
    sync::Arc,
    time::{Duration, Instant},
};

use axum::{
    body::{Body, HttpBody},
    http::{Request, request::Parts},
};
use tidings_server::{
    Audience, Config, Hub, Identity, SendError,
    protocol::{DecodedEvent, Decoder},
    router,
};
use tower_service::Service as _;

use crate::{
    place::Many,
    run::{Event, PATIENCE, Run, eventually, said},
};

/// How long the server is away: 30 s in the long form.
fn outage() -> Duration {
    Duration::from_secs(if std::env::var_os("TIDINGS_LONG").is_some() { 30 } else { 2 })
}

/// An open stream.
pub(crate) struct Stream {
    body: Body,
    decoder: Decoder,
    events: Vec<DecodedEvent>,
}

impl Stream {
    pub(crate) async fn open(hub: &Hub<Event>) -> Self {
        Self::open_at(hub, "").await
    }

    /// The stream of a client that comes with a cursor.
    pub(crate) async fn open_at(hub: &Hub<Event>, cursor: &str) -> Self {
        let mut app = router(hub, |_: Arc<Parts>| async { Ok(Identity::user("coach")) });
        let request = Request::get("/?tidings=1").header("last-event-id", cursor).body(Body::empty());
        let request = request.expect("a request");
        let response = app.call(request).await.expect("infallible");
        assert_eq!(response.status(), 200);
        Self { body: response.into_body(), decoder: Decoder::new(""), events: Vec::new() }
    }

    /// The next that is no heartbeat.
    pub(crate) async fn next(&mut self) -> DecodedEvent {
        loop {
            while self.events.is_empty() {
                let frame = std::future::poll_fn(|cx| Pin::new(&mut self.body).poll_frame(cx));
                let frame = tokio::time::timeout(PATIENCE, frame).await.expect("in time");
                let bytes = frame.expect("it goes on").expect("it does not fail").into_data().expect("data");
                self.decoder.feed(&bytes, &mut self.events).expect("events within the bound");
            }
            let event = self.events.remove(0);
            if event.event != "tidings:heartbeat" {
                return event;
            }
        }
    }
}

pub(crate) async fn say(hub: &Hub<Event>, text: &str) -> Result<tidings_server::Sent, SendError> {
    hub.send(Audience::user("coach"), &Event::Said { text: text.to_owned() }).await
}

async fn start<P: Many>(place: &P, wait: Duration) -> Hub<Event> {
    Hub::start(Config::default(), place.store_that_waits(wait)).await.expect("it starts")
}

pub(crate) async fn streams_outlive_an_outage_and_miss_nothing<P: Many>() {
    let place = P::alone().await;
    let hubs =
        [start(&place, Duration::from_millis(500)).await, start(&place, Duration::from_millis(500)).await];
    let mut streams = [Stream::open(&hubs[0]).await, Stream::open(&hubs[1]).await];
    for stream in &mut streams {
        assert_eq!(stream.next().await.event, "tidings:hello");
    }
    say(&hubs[0], "before").await.expect("sent");
    place.stop();
    let ended = Instant::now() + outage();
    let mut failed = 0;
    while Instant::now() < ended {
        let asked = Instant::now();
        let error = say(&hubs[failed % 2], "lost or not").await.expect_err("there is no server");
        assert!(error.is_retryable(), "{error:?}");
        assert!(asked.elapsed() < Duration::from_secs(2), "it waited for {:?}", asked.elapsed());
        failed += 1;
    }
    assert!(failed > 1);
    // One that waits when the server comes back is sent.
    let patient = start_sending_until_sent(&hubs[1], "patient");
    place.resume();
    patient.await.expect("it was sent");
    say(&hubs[0], "after").await.expect("sent");
    for stream in &mut streams {
        let mut texts = Vec::new();
        while texts.last().is_none_or(|text: &String| !text.contains("after")) {
            let event = stream.next().await;
            assert_eq!(event.event, "said", "no gap, no end: {event:?}");
            texts.push(event.data);
        }
        let of = |part: &str| texts.iter().filter(|text| text.contains(part)).count();
        assert_eq!((of("\"before\""), of("\"patient\""), of("\"after\"")), (1, 1, 1), "{texts:?}");
    }
}

fn start_sending_until_sent(hub: &Hub<Event>, text: &'static str) -> tokio::task::JoinHandle<()> {
    let hub = hub.clone();
    tokio::spawn(async move {
        let event = Event::Said { text: text.to_owned() };
        // With a key, since of one that failed nobody knows.
        while hub.send_once(text, Audience::user("coach"), &event).await.is_err() {}
    })
}

pub(crate) async fn a_send_that_waits_longer_than_a_restart_succeeds<P: Many>() {
    let place = P::alone().await;
    let hub = start(&place, Duration::from_secs(20)).await;
    say(&hub, "1").await.expect("sent");
    place.stop();
    let sending = tokio::spawn({
        let hub = hub.clone();
        async move { say(&hub, "2").await }
    });
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert!(!sending.is_finished());
    place.resume();
    let sent = sending.await.expect("it ran").expect("sent");
    assert_eq!(sent.id.sequence(), 2);
}

pub(crate) async fn a_log_restored_under_a_running_instance_is_a_gap_and_goes_on<P: Many>() {
    let place = P::alone().await;
    let first = Run::open(&place).await;
    first.count_to(3).await;
    first.close().await;
    let backup = place.back_up().await;
    let run = Run::open(&place).await;
    let lost = [run.say("4").await, run.say("5").await];
    // The log goes away and comes back under its feet.
    place.restore_under_way(backup).await;
    eventually("it begins again", async || run.watcher.seen.lock().beginnings.len() == 2).await;
    eventually("it sends again", async || run.append(vec![said("new 4")], None).await.is_ok()).await;
    let seen = run.watcher.seen.lock();
    assert_eq!(seen.beginnings[1].floor, 3, "what was followed beyond is not in it");
    let new = seen.ids();
    assert!(!new.iter().any(|id| lost.contains(id)), "no id twice: {new:?}");
    assert_eq!((new[0].sequence(), seen.texts()[0].as_str()), (4, "new 4"));
}
