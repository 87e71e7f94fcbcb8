//! What a stream says, byte for byte, and to whom.

mod support;

use support::{Event, Server};
use tidings_server::{Audience, Cause, Sent};

#[tokio::test]
async fn an_event_reaches_its_user_and_nobody_else() {
    let server = Server::start().await;
    let (mut coach, mut other) = (server.stream("coach").await, server.stream("other").await);
    coach.expect("tidings:hello").await;
    other.expect("tidings:hello").await;
    server.hub.send(Audience::user("coach"), &Event::said("1")).await.expect("sent");
    server.hub.send(Audience::everyone(), &Event::said("2")).await.expect("sent");
    assert_eq!((coach.said().await, coach.said().await), ("1".into(), "2".into()));
    assert_eq!(other.said().await, "2", "the first was not for it");
}

#[tokio::test]
async fn the_wire_is_what_the_design_says() {
    let server = Server::start().await;
    let mut client = server.stream("coach").await;
    assert_eq!(client.status, 200);
    for (name, value) in [
        ("content-type", "text/event-stream"),
        ("cache-control", "no-store, no-transform"),
        ("x-accel-buffering", "no"),
        ("vary", "origin"),
    ] {
        assert_eq!(client.header(name), Some(value), "{name}");
    }
    let hello = client.expect("tidings:hello").await;
    let epoch = server.hub.cursor().epoch().to_string();
    assert_eq!(client.last_event_id(), format!("{epoch}-0"));
    assert_eq!(hello["resumed"], "fresh");
    assert!(hello.get("replay_until").is_none());
    assert_eq!(hello["heartbeat_ms"], 15_000);
    assert_eq!(hello["contract"], serde_json::json!({"revision": 7, "hash": "abc"}));
    assert_eq!(hello["connection_id"].as_str().map(str::len), Some(32));
    assert_eq!(hello["subject"].as_str().map(str::len), Some(32));
    let text = String::from_utf8(client.body.clone()).expect("UTF-8");
    let retry: u64 = text
        .strip_prefix("retry: ")
        .and_then(|rest| rest.lines().next())
        .and_then(|ms| ms.parse().ok())
        .expect("a retry line first");
    assert!((1_000..=5_000).contains(&retry), "{retry}");
    let before = client.body.len();
    let cause = Cause { origin: Some("o-1".into()), correlation_id: Some("c-1".into()), traceparent: None };
    let Sent { id, duplicate } =
        server.hub.caused_by(cause).send(Audience::user("coach"), &Event::said("hi")).await.expect("sent");
    assert!(!duplicate);
    let event = client.expect("said").await;
    let block = String::from_utf8(client.body[before..].to_vec()).expect("UTF-8");
    assert!(
        block.starts_with(&format!(
            "id: {id}\nevent: said\ndata: {{\"type\":\"said\",\"data\":{{\"text\":\"hi\"}},\"meta\":{{"
        )),
        "{block}"
    );
    assert_eq!((&event["meta"]["origin"], &event["meta"]["correlation_id"]), (&"o-1".into(), &"c-1".into()));
    assert!(event["meta"]["at"].as_str().is_some_and(|at| at.ends_with('Z')), "{event}");
}
