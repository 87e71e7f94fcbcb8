//! A client that comes back: everything after its cursor, or a gap that says so.

use std::time::Duration;

use tidings_server::{
    Audience, Config, Hub,
    protocol::{EventId, Limits},
    router,
};

use crate::{
    doctored::Doctored,
    support::{Client, Event, Server, believe},
};

async fn say(server: &Server, texts: std::ops::RangeInclusive<u32>) {
    for n in texts {
        server.hub.send(Audience::user("coach"), &Event::said(n.to_string())).await.expect("sent");
    }
}

/// The hello and the gap of a stream that cannot continue: only the gap says where it stands.
async fn expect_gap(client: &mut Client, reason: &str, position: &EventId) {
    assert_eq!(client.status, 200);
    assert_eq!(client.expect("tidings:hello").await["resumed"], "gap");
    assert_eq!(client.last_event_id(), "", "a hello that says gap has no id");
    assert_eq!(client.expect("tidings:gap").await["reason"], reason);
    assert_eq!(client.last_event_id(), position.to_string());
}

#[tokio::test]
async fn everything_after_the_cursor_follows_in_order_then_what_is_sent() {
    let server = Server::start().await;
    say(&server, 1..=5).await;
    let epoch = server.hub.cursor().epoch().clone();
    let mut client = server.resume("coach", &epoch.at(2).to_string()).await;
    let hello = client.expect("tidings:hello").await;
    assert_eq!(client.last_event_id(), epoch.at(2).to_string(), "the client's own cursor");
    assert_eq!(
        (&hello["resumed"], &hello["replay_until"]),
        (&"replayed".into(), &epoch.at(5).to_string().into())
    );
    say(&server, 6..=6).await;
    for n in 3..=6 {
        assert_eq!(client.said().await, n.to_string());
    }
}

#[tokio::test]
async fn an_event_between_the_page_and_its_stream_is_replayed() {
    let server = Server::start().await;
    let cursor = server.hub.cursor().to_string();
    say(&server, 1..=1).await;
    let target = format!("/sse?tidings=1&last_event_id={cursor}");
    let mut client = server.get(&target, &[("x-user", "coach"), ("last-event-id", "")]).await;
    assert_eq!(client.expect("tidings:hello").await["resumed"], "replayed");
    assert_eq!(client.said().await, "1");
}

#[tokio::test]
async fn others_events_are_not_replayed() {
    let server = Server::start().await;
    let cursor = server.hub.cursor().to_string();
    say(&server, 1..=3).await;
    server.hub.send(Audience::user("other"), &Event::said("mine")).await.expect("sent");
    let mut client = server.resume("other", &cursor).await;
    client.expect("tidings:hello").await;
    assert_eq!(client.said().await, "mine");
}

#[tokio::test]
async fn garbage_for_a_cursor_is_a_gap_and_never_an_error() {
    let server = Server::start().await;
    say(&server, 1..=1).await;
    let long = "a".repeat(2_000);
    for cursor in [&b"nonsense"[..], b"e-", b"-1", b"e-18446744073709551616", &[0xff, 0xfe], long.as_bytes()]
    {
        let headers = [("x-user", &b"coach"[..]), ("last-event-id", cursor)];
        let mut client = Client::open(server.address, "GET", "/sse?tidings=1", &headers).await;
        expect_gap(&mut client, "unknown_cursor", &server.hub.cursor()).await;
    }
}

#[tokio::test]
async fn a_cursor_of_another_run_or_beyond_the_head_is_an_epoch_gap() {
    let server = Server::start().await;
    say(&server, 1..=1).await;
    let epoch = server.hub.cursor().epoch().clone();
    for cursor in ["of-another-run-7".to_owned(), epoch.at(99).to_string()] {
        let mut client = server.resume("coach", &cursor).await;
        expect_gap(&mut client, "epoch", &server.hub.cursor()).await;
        say(&server, 2..=2).await;
        assert_eq!(client.said().await, "2", "and it goes on from there");
    }
}

#[tokio::test]
async fn what_has_left_the_window_is_a_retention_gap_for_its_readers_only() {
    let config = Config { history: Limits { count: 3, ..Limits::default() }, ..Config::default() };
    let server = Server::with(config).await;
    let epoch = server.hub.cursor().epoch().clone();
    say(&server, 1..=5).await;
    let mut late = server.resume("coach", &epoch.at(1).to_string()).await;
    expect_gap(&mut late, "retention", &epoch.at(5)).await;
    let mut in_time = server.resume("coach", &epoch.at(2).to_string()).await;
    assert_eq!(in_time.expect("tidings:hello").await["resumed"], "replayed");
    assert_eq!(in_time.said().await, "3");
    let mut other = server.resume("other", &epoch.at(0).to_string()).await;
    assert_eq!(other.expect("tidings:hello").await["resumed"], "replayed", "nothing of its was lost");
}

#[tokio::test]
async fn a_live_only_event_is_for_who_was_there() {
    let server = Server::start().await;
    let cursor = server.hub.cursor().to_string();
    let mut there = server.stream("coach").await;
    there.expect("tidings:hello").await;
    server.hub.send(Audience::user("coach"), &Event::Typing { user: "x".into() }).await.expect("sent");
    say(&server, 1..=1).await;
    there.expect("typing").await;
    assert_eq!(there.said().await, "1");
    let mut away = server.resume("coach", &cursor).await;
    assert_eq!(away.expect("tidings:hello").await["resumed"], "replayed");
    assert_eq!(away.said().await, "1", "without the typing before it");
}

#[tokio::test]
async fn a_large_replay_leaves_nothing_out() {
    let server = Server::start().await;
    let cursor = server.hub.cursor().to_string();
    // More than one batch of 64 KiB, and a single event larger than one.
    for n in 0..400 {
        let text = format!("{n}:{}", "x".repeat(if n == 200 { 200_000 } else { 1_000 }));
        server.hub.send(Audience::user("coach"), &Event::said(text)).await.expect("sent");
    }
    let mut client = server.resume("coach", &cursor).await;
    client.expect("tidings:hello").await;
    for n in 0..400 {
        assert!(client.said().await.starts_with(&format!("{n}:")), "{n}");
    }
}

async fn ahead(covers: Option<bool>) -> Server {
    let config = Config {
        heartbeat: Duration::from_millis(30),
        cover_timeout: Duration::from_millis(50),
        ..Config::default()
    };
    let hub = Hub::start(config, Doctored { covers, ..Doctored::default() }).await.expect("it starts");
    let app = axum::Router::new().nest("/sse", router(&hub, believe));
    Server::serve(hub, app).await
}

#[tokio::test]
async fn a_client_ahead_of_this_instance_waits_and_is_sent_nothing_twice() {
    let server = ahead(Some(true)).await;
    let cursor = server.hub.cursor().epoch().at(2).to_string();
    let mut client = server.resume("coach", &cursor).await;
    assert_eq!(client.expect("tidings:hello").await["resumed"], "replayed");
    assert_eq!(client.last_event_id(), cursor);
    client.expect("tidings:heartbeat").await;
    assert_eq!(client.last_event_id(), cursor, "the client's own id");
    say(&server, 1..=3).await;
    let event = loop {
        let event = client.next().await.expect("an event");
        if event.event != "tidings:heartbeat" {
            break event;
        }
        assert_eq!(event.last_event_id.to_string(), cursor);
    };
    assert!(event.data.contains(r#""text":"3""#), "nothing at or below its cursor: {event:?}");
}

#[tokio::test]
async fn a_client_ahead_of_this_instance_is_revoked_all_the_same() {
    let server = ahead(Some(true)).await;
    let cursor = server.hub.cursor().epoch().at(9).to_string();
    let mut client = server.resume("coach", &cursor).await;
    client.expect("tidings:hello").await;
    let revoked = tidings_server::Revoked::User("coach".into());
    server.hub.revoke(revoked, "test", None).await.expect("committed");
    let goodbye = loop {
        let event = client.next().await.expect("a goodbye");
        if event.event != "tidings:heartbeat" {
            break event;
        }
    };
    assert!(goodbye.data.contains("revoked"), "{goodbye:?}");
}

#[tokio::test]
async fn a_store_that_does_not_answer_is_a_503_or_words_that_an_event_source_understands() {
    let server = ahead(None).await;
    let refused = server.resume("coach", "unknown-7").await;
    assert_eq!(refused.status, 503);
    assert!(
        refused.header("retry-after").is_some_and(|seconds| (1..=5).contains(&seconds.parse().unwrap_or(0)))
    );
    let mut native = server.get("/sse", &[("x-user", "coach"), ("last-event-id", "unknown-7")]).await;
    assert_eq!(native.status, 200);
    assert_eq!(native.expect("tidings:goodbye").await["reason"], "draining");
    native.end().await;
    assert!(String::from_utf8_lossy(&native.body).starts_with("retry: "));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_is_cut_anywhere_gets_everything_once_and_in_order() {
    const EVENTS: u32 = 400;
    let server = Server::start().await;
    let (greeted, greets) = tokio::sync::oneshot::channel();
    let mut greeted = Some(greeted);
    let sender = tokio::spawn({
        let hub = server.hub.clone();
        async move {
            greets.await.expect("a hello");
            for n in 1..=EVENTS {
                let audience = if n % 3 == 0 { Audience::group("team") } else { Audience::user("coach") };
                hub.send(audience, &Event::said(n.to_string())).await.expect("sent");
                hub.send(Audience::user("other"), &Event::said("not for it")).await.expect("sent");
                tokio::task::yield_now().await;
            }
        }
    });
    let (mut cursor, mut got, mut connections) = (String::new(), Vec::new(), 0_u64);
    let mut target = "/sse?tidings=1".to_owned();
    while got.last() != Some(&EVENTS) {
        let headers = [("x-user", "coach"), ("x-groups", "team"), ("last-event-id", &cursor)];
        let mut client = server.get(&target, &headers).await;
        let hello = client.expect("tidings:hello").await;
        target = format!("/sse?tidings=1&connection={}", hello["connection_id"].as_str().expect("an id"));
        assert_eq!(hello["resumed"], if cursor.is_empty() { "fresh" } else { "replayed" });
        connections += 1;
        greeted.take().map(|greeted| greeted.send(()));
        // Between nothing and a few blocks, ended in the middle of one where the socket's bytes end there.
        for _ in 0..(connections * 7 % 23) {
            if got.last() == Some(&EVENTS) {
                break;
            }
            got.push(client.said().await.parse().expect("a number"));
        }
        cursor = client.last_event_id();
    }
    sender.await.expect("it sent all");
    assert_eq!(got, (1..=EVENTS).collect::<Vec<_>>(), "over {connections} connections");
    assert!(connections > 10, "{connections}");
}
