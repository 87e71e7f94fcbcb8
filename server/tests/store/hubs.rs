//! The same through a hub and a stream, as a client sees it.

use std::{pin::Pin, sync::Arc};

use axum::{
    body::{Body, HttpBody},
    http::{Request, request::Parts},
};
use tidings_server::{
    Audience, Config, Hub, Identity, SendError,
    protocol::{DecodedEvent, Decoder},
    router,
};
use tower_service::Service;

use crate::{
    place::{Durable, Place},
    run::Event,
};

async fn start<P: Place>(place: &P) -> Hub<Event> {
    Hub::start(Config::default(), place.store()).await.expect("it starts")
}

fn said(text: &str) -> Event {
    Event::Said { text: text.to_owned() }
}

async fn say(hub: &Hub<Event>, text: &str) -> String {
    hub.send(Audience::user("coach"), &said(text)).await.expect("sent").id.to_string()
}

/// The first events of a stream that goes on from `cursor`.
async fn events(hub: &Hub<Event>, cursor: &str, count: usize) -> Vec<DecodedEvent> {
    let mut app = router(hub, |_: Arc<Parts>| async { Ok(Identity::user("coach")) });
    let request = Request::get("/?tidings=1").header("last-event-id", cursor).body(Body::empty());
    let response = app.call(request.expect("a request")).await.expect("infallible");
    assert_eq!(response.status(), 200);
    let (mut body, mut decoder, mut events) = (response.into_body(), Decoder::new(""), Vec::new());
    while events.len() < count {
        let frame = std::future::poll_fn(|cx| Pin::new(&mut body).poll_frame(cx)).await;
        let bytes = frame.expect("it goes on").expect("it does not fail").into_data().expect("data");
        decoder.feed(&bytes, &mut events).expect("events within the bound");
    }
    events
}

pub(crate) async fn a_stream_goes_on_over_a_restart_of_its_hub<P: Durable>() {
    let place = P::fresh().await;
    let hub = start(&place).await;
    let cursor = say(&hub, "1").await;
    say(&hub, "2").await;
    drop(hub);
    let hub = start(&place).await;
    say(&hub, "3").await;
    let events = events(&hub, &cursor, 3).await;
    assert!(events[0].data.contains(r#""resumed":"replayed""#), "{events:?}");
    assert_eq!(events[0].last_event_id.to_string(), cursor);
    for (event, text) in events[1..].iter().zip(["2", "3"]) {
        assert!(event.data.contains(&format!(r#""text":"{text}""#)), "{events:?}");
    }
}

pub(crate) async fn a_stream_that_stood_on_what_was_lost_is_told<P: Durable>() {
    let place = P::fresh().await;
    let hub = start(&place).await;
    say(&hub, "1").await;
    let cursor = say(&hub, "2").await;
    drop(hub);
    place.lose_tail(1).await;
    let hub = start(&place).await;
    let head = say(&hub, "another 2").await;
    let events = events(&hub, &cursor, 2).await;
    assert!(events[0].data.contains(r#""resumed":"gap""#), "{events:?}");
    assert_eq!(events[1].event, "tidings:gap");
    assert!(events[1].data.contains(r#""epoch""#), "{events:?}");
    assert_eq!(events[1].last_event_id.to_string(), head);
}

pub(crate) async fn a_key_of_the_run_before_sends_once<P: Durable>() {
    let place = P::fresh().await;
    let hub = start(&place).await;
    let first = hub.send_once("k", Audience::user("coach"), &said("1")).await.expect("sent");
    drop(hub);
    let hub = start(&place).await;
    let again = hub.send_once("k", Audience::user("coach"), &said("1")).await.expect("known");
    assert_eq!((again.id, first.duplicate, again.duplicate), (first.id, false, true));
    let other = hub.send_once("k", Audience::user("coach"), &said("2")).await;
    assert!(matches!(other, Err(SendError::KeyConflict)), "{other:?}");
}
