//! One slow, hostile or greedy client, and everybody else.

use std::{net::Ipv4Addr, time::Duration};

use tidings_server::{Audience, Config, protocol::Limits};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

use crate::support::{Event, PATIENCE, Server};

const FOREVER: Duration = Duration::from_secs(600);

async fn flood(server: &Server, user: &str, megabytes: usize) {
    for _ in 0..megabytes * 10 {
        let text = "x".repeat(100_000);
        server.hub.send(Audience::user(user), &Event::said(text)).await.expect("sent");
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_reader_that_stops_reading_is_cut_and_delays_nobody() {
    let server = Server::with(Config { write_stall: Duration::from_millis(300), ..Config::default() }).await;
    let mut stalled = server.stream("stalled").await;
    let mut other = server.stream("other").await;
    stalled.expect("tidings:hello").await;
    other.expect("tidings:hello").await;
    flood(&server, "stalled", 20).await;
    server.hub.send(Audience::everyone(), &Event::said("hi")).await.expect("sent");
    assert_eq!(other.said().await, "hi");
    server.until(|hub| hub.connections().of_user("stalled").is_empty()).await;
    assert_eq!(server.hub.metrics().stalls_cut, 1);
    assert_eq!(server.hub.connections().of_user("other").len(), 1);
}

#[tokio::test]
async fn what_a_stalled_reader_holds_is_bounded() {
    let server = Server::with(Config { write_stall: FOREVER, ..Config::default() }).await;
    let mut stalled = server.stream("stalled").await;
    stalled.expect("tidings:hello").await;
    // The reader's own kernel takes little, so that what is taken is held by the server.
    socket2::SockRef::from(&stalled.socket).set_recv_buffer_size(32 * 1024).expect("a socket option");
    flood(&server, "stalled", 40).await;
    let taken = server.hub.metrics().delivered_bytes;
    assert!(taken < 1_000_000, "{taken} of 40,000,000 bytes were taken out of the history");
}

#[tokio::test]
async fn a_blocked_reader_that_the_history_has_left_behind_is_cut() {
    let history = Limits { bytes: 500_000, ..Limits::default() };
    let server = Server::with(Config { history, write_stall: FOREVER, ..Config::default() }).await;
    let mut stalled = server.stream("stalled").await;
    stalled.expect("tidings:hello").await;
    flood(&server, "stalled", 20).await;
    server.until(|hub| hub.metrics().laggards_cut == 1).await;
    server.until(|hub| hub.connections().is_empty()).await;
}

#[tokio::test]
async fn half_a_request_header_is_not_waited_for() {
    let server =
        Server::with(Config { header_timeout: Duration::from_millis(500), ..Config::default() }).await;
    let mut socket = TcpStream::connect(server.address).await.expect("the server listens");
    socket.write_all(b"GET /sse HTTP/1.1\r\nhost: x\r\nx-slow: ").await.expect("the server reads");
    let mut rest = Vec::new();
    timeout(PATIENCE, socket.read_to_end(&mut rest)).await.expect("closed in time").expect("closed");
    // And a stream is none of its business.
    let mut client = server.stream("coach").await;
    client.expect("tidings:hello").await;
    server.hub.send(Audience::everyone(), &Event::said("hi")).await.expect("sent");
    assert_eq!(client.said().await, "hi");
}

#[tokio::test]
async fn a_user_has_so_many_connections_and_the_next_is_refused() {
    let server = Server::with(Config { connections_per_user: 2, ..Config::default() }).await;
    let (mut one, mut two) = (server.stream("coach").await, server.stream("coach").await);
    one.expect("tidings:hello").await;
    two.expect("tidings:hello").await;
    let honest = server.stream("coach").await;
    assert_eq!(honest.status, 429);
    assert!(honest.header("retry-after").is_some_and(|s| (1..=5).contains(&s.parse().unwrap_or(0))));
    let mut native = server.get("/sse", &[("x-user", "coach")]).await;
    assert_eq!(native.status, 200, "to an EventSource any other would be final");
    assert!(native.expect("tidings:goodbye").await["reconnect_after_ms"].as_u64() >= Some(1_000));
    native.end().await;
    assert!(String::from_utf8_lossy(&native.body).starts_with("retry: "));
    assert_eq!(server.stream("other").await.status, 200);
    server.hub.send(Audience::user("coach"), &Event::said("hi")).await.expect("sent");
    assert_eq!((one.said().await, two.said().await), ("hi".into(), "hi".into()), "nobody was evicted");
    drop(one);
    server.until(|hub| hub.connections().of_user("coach").len() == 1).await;
    assert_eq!(server.stream("coach").await.status, 200);
}

#[tokio::test]
async fn a_client_that_returns_replaces_its_own_predecessor_only() {
    let server = Server::with(Config { connections_per_user: 1, ..Config::default() }).await;
    let mut old = server.stream("coach").await;
    let id = old.expect("tidings:hello").await["connection_id"].as_str().expect("an id").to_owned();
    let target = format!("/sse?tidings=1&connection={id}");
    let mut thief = server.get(&target, &[("x-user", "thief")]).await;
    thief.expect("tidings:hello").await;
    server.hub.send(Audience::user("coach"), &Event::said("1")).await.expect("sent");
    assert_eq!(old.said().await, "1", "an id is bound to its user");
    let mut new = server.get(&target, &[("x-user", "coach")]).await;
    assert_eq!(new.status, 200, "within the limit of one");
    new.expect("tidings:hello").await;
    let goodbye = old.expect("tidings:goodbye").await;
    assert_eq!((&goodbye["reason"], &goodbye["reconnect_after_ms"]), (&"replaced".into(), &().into()));
    old.end().await;
    server.hub.send(Audience::user("coach"), &Event::said("2")).await.expect("sent");
    assert_eq!(new.said().await, "2");
}

#[tokio::test]
async fn an_address_has_so_many_connections_whoever_its_users_are() {
    let config =
        Config { connections_per_address: 1, proxies: vec![Ipv4Addr::LOCALHOST.into()], ..Config::default() };
    let server = Server::with(config).await;
    let from = async |user: &str, address: &str| {
        server.get("/sse?tidings=1", &[("x-user", user), ("x-forwarded-for", address)]).await
    };
    let first = from("a", "203.0.113.7").await;
    assert_eq!(first.status, 200);
    assert_eq!(from("b", "203.0.113.7").await.status, 429);
    assert_eq!(from("b", "203.0.113.8").await.status, 200);
    drop(first);
    server.until(|hub| hub.connections().of_user("a").is_empty()).await;
    assert_eq!(from("b", "203.0.113.7").await.status, 200);
}

#[tokio::test]
async fn a_page_from_elsewhere_reads_only_when_it_is_listed() {
    let config = Config { origins: vec!["https://app.example".into()], ..Config::default() };
    let server = Server::with(config).await;
    let from = async |name: &str, value: &str| {
        server.get("/sse?tidings=1", &[("x-user", "coach"), (name, value)]).await
    };
    let listed = from("origin", "https://app.example").await;
    assert_eq!((listed.status, listed.header("vary")), (200, Some("origin")));
    assert_eq!(listed.header("access-control-allow-origin"), Some("https://app.example"));
    assert_eq!(listed.header("access-control-allow-credentials"), Some("true"));
    for (name, value) in
        [("origin", "https://evil.example"), ("origin", "null"), ("sec-fetch-site", "cross-site")]
    {
        let foreign = from(name, value).await;
        assert_eq!((foreign.status, foreign.header("access-control-allow-origin")), (403, None), "{value}");
    }
    // Before authorization: who is not allowed does not learn whether there is a session.
    assert_eq!(server.get("/sse", &[("origin", "https://evil.example")]).await.status, 403);
    let preflight = [
        ("origin", "https://app.example"),
        ("access-control-request-method", "GET"),
        ("access-control-request-headers", "authorization"),
    ];
    let answer = server.request("OPTIONS", "/sse", &preflight).await;
    assert_eq!(answer.status, 204, "without credentials");
    let allowed = answer.header("access-control-allow-headers");
    assert_eq!(
        allowed,
        Some("authorization, last-event-id, tidings-connection"),
        "what it comes back with too"
    );
    let answer = server.request("OPTIONS", "/sse", &[("origin", "https://evil.example")]).await;
    assert_eq!(answer.status, 403);
}
