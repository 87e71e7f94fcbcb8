//! A cursor speaks for the groups that were read up to it, and for no others.

use std::sync::atomic::Ordering;

use tidings_server::{Audience, Config};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use crate::{
    gate::Gate,
    support::{Client, Event, Server},
};

async fn tell(server: &Server, group: &str, text: &str) {
    server.hub.send(Audience::group(group), &Event::said(text)).await.expect("sent");
}

/// Goes on at a cursor, and asks for `groups`: how the stream resumed.
async fn go_on(server: &Server, cursor: &str, groups: &str) -> (Client, String) {
    let headers = [("x-user", "coach"), ("x-groups", "a,b"), ("last-event-id", cursor)];
    let mut client = server.get(&format!("/sse?tidings=1{groups}"), &headers).await;
    let hello = client.expect("tidings:hello").await;
    (client, hello["resumed"].as_str().expect("a word").to_owned())
}

#[tokio::test]
async fn a_client_that_asks_for_more_groups_than_its_cursor_speaks_for_is_told_which() {
    let server = Server::start().await;
    let (mut client, _) = open(&server, "a").await;
    tell(&server, "b", "missed").await;
    tell(&server, "a", "read").await;
    assert_eq!(client.said().await, "read");
    let cursor = client.last_event_id();
    tell(&server, "b", "1").await;
    tell(&server, "a", "2").await;
    for (asks, missed) in [
        ("&groups=a", ""),
        ("&groups=a&known=a", ""),
        ("&groups=b,a&known=a", "b\n"),
        ("&groups=b,a&known=", "a\nb\n"),
        ("&known=a", "b\n"),
        ("&groups=a,x&known=a", ""),
        ("", ""),
    ] {
        let (mut client, how) = go_on(&server, &cursor, asks).await;
        assert_eq!(how, "replayed", "{asks}: what it read is missing nothing");
        if !missed.is_empty() {
            let gap = client.next().await.expect("the stream goes on");
            assert_eq!((gap.event.as_str(), gap.groups.as_str()), ("tidings:gap", missed), "{asks}");
            assert_eq!(gap.data, r#"{"reason":"rights"}"#);
            assert_eq!(*gap.last_event_id, *cursor, "it is covered from there on");
        }
        let first = client.next().await.expect("the stream goes on");
        let expected = if asks.starts_with("&groups=a") { "a\n" } else { "b\n" };
        assert_eq!(first.groups, expected, "{asks}: {first:?}");
    }
}

#[tokio::test]
async fn an_event_says_for_which_of_the_readers_groups_it_came_unless_it_is_the_readers_anyway() {
    let server = Server::start().await;
    let (mut client, _) = open(&server, "a,b").await;
    for (audience, groups) in [
        (Audience::group("a"), "a\n"),
        (Audience::group("a").and(Audience::group("b")), "a\nb\n"),
        (Audience::group("secret").and(Audience::group("b")), "b\n"),
        (Audience::group("a").and(Audience::user("coach")), ""),
        (Audience::group("a").and(Audience::user("somebody")), "a\n"),
        (Audience::group("a").and(Audience::everyone()), ""),
        (Audience::user("coach"), ""),
    ] {
        server.hub.send(audience.clone(), &Event::said("x")).await.expect("sent");
        let event = client.next().await.expect("the stream goes on");
        assert_eq!((event.event.as_str(), event.groups.as_str()), ("said", groups), "{audience:?}");
    }
}

#[tokio::test]
async fn a_group_is_not_spared_for_a_tab_whose_own_answer_is_still_out() {
    let (gate, server) = Gate::server(Config::default()).await;
    let mut one = server.get("/sse?tidings=1", &[]).await;
    let mut two = server.get("/sse?tidings=1", &[]).await;
    one.expect("tidings:hello").await;
    two.expect("tidings:hello").await;
    gate.shut();
    let asked = gate.asked.load(Ordering::SeqCst);
    gate.groups.lock().clear();
    server.hub.reauthorize("coach").await.expect("committed");
    // Each is asked about while the other still reads the group.
    gate.is_asked(&server, asked + 1).await;
    server.hub.send(Audience::user("coach"), &Event::said("1")).await.expect("sent");
    gate.open.add_permits(1);
    let said = async |client: &mut Client| {
        client.expect("tidings:unfollowed").await;
        client.said().await;
        client.last_event_id()
    };
    let cursor = tokio::select! {
        cursor = said(&mut one) => cursor,
        cursor = said(&mut two) => cursor,
    };
    drop((one, two));
    server.until(|hub| hub.connections().is_empty()).await;
    gate.open.add_permits(Gate::OPEN);
    tell(&server, "team", "not theirs").await;
    gate.groups.lock().push("team");
    let mut back = server.get("/sse?tidings=1", &[("last-event-id", &cursor)]).await;
    assert_eq!(back.expect("tidings:hello").await["resumed"], "gap");
    assert_eq!(back.expect("tidings:gap").await["reason"], "rights");
}

#[tokio::test]
async fn a_stream_that_was_without_a_group_is_told_when_it_reads_it_again() {
    let (gate, server) = Gate::server(Config::default()).await;
    let mut keeps = server.get("/sse?tidings=1", &[("x-keeps-its-groups", "1")]).await;
    let mut loses = server.get("/sse?tidings=1", &[]).await;
    keeps.expect("tidings:hello").await;
    loses.expect("tidings:hello").await;
    gate.groups.lock().clear();
    server.hub.reauthorize("coach").await.expect("committed");
    server.hub.send(Audience::user("coach"), &Event::said("1")).await.expect("sent");
    loses.expect("tidings:unfollowed").await;
    assert_eq!(loses.said().await, "1");
    tell(&server, "team", "missed").await;
    server.hub.send(Audience::user("coach"), &Event::said("2")).await.expect("sent");
    assert_eq!(loses.said().await, "2");
    gate.groups.lock().push("team");
    server.hub.reauthorize("coach").await.expect("committed");
    assert_eq!(loses.expect("tidings:gap").await["reason"], "rights");
    tell(&server, "team", "3").await;
    assert_eq!(loses.said().await, "3");
}

#[tokio::test]
async fn a_group_that_is_lost_is_withdrawn_although_the_tab_that_read_it_leaves_unasked() {
    let (gate, server) = Gate::server(Config::default()).await;
    let mut reads = server.get("/sse?tidings=1", &[]).await;
    reads.expect("tidings:hello").await;
    let cursor = reads.last_event_id();
    gate.groups.lock().clear();
    // Nobody tells the hub; another tab of the user just opens, and both leave.
    server.get("/sse?tidings=1", &[]).await.expect("tidings:hello").await;
    drop(reads);
    server.until(|hub| hub.connections().is_empty()).await;
    tell(&server, "team", "while it was out").await;
    gate.groups.lock().push("team");
    let mut back = server.get("/sse?tidings=1", &[("last-event-id", &cursor)]).await;
    back.expect("tidings:hello").await;
    assert_eq!(back.expect("tidings:gap").await["reason"], "rights");
    tell(&server, "team", "1").await;
    assert_eq!(back.said().await, "1", "and nothing of what was sent in between");
}

#[tokio::test]
async fn a_tab_without_a_group_takes_nothing_from_one_whose_log_in_has_it() {
    let (gate, server) = Gate::server(Config::default()).await;
    let mut keeps = server.get("/sse?tidings=1", &[("x-keeps-its-groups", "1")]).await;
    keeps.expect("tidings:hello").await;
    gate.groups.lock().clear();
    let mut without = server.get("/sse?tidings=1", &[]).await;
    without.expect("tidings:hello").await;
    tell(&server, "team", "1").await;
    server.hub.send(Audience::user("coach"), &Event::said("2")).await.expect("sent");
    assert_eq!((keeps.said().await, keeps.said().await), ("1".into(), "2".into()), "and no gap");
    assert_eq!(without.said().await, "2");
}

/// Asks for the groups of a connection that is open: the status and the answer.
async fn want(server: &Server, user: &str, connection: &str, body: &str) -> (u16, serde_json::Value) {
    let mut socket = TcpStream::connect(server.address).await.expect("the server listens");
    let who = if user.is_empty() { String::new() } else { format!("x-user: {user}\r\nx-groups: a,b\r\n") };
    let request = format!(
        "POST /sse/groups?connection={connection} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n{who}content-length: {}\r\n\r\n{body}",
        body.len()
    );
    // A body that is too long may not be read to its end.
    let _ = socket.write_all(request.as_bytes()).await;
    let mut answer = Vec::new();
    let _ = socket.read_to_end(&mut answer).await;
    let answer = String::from_utf8_lossy(&answer);
    let (head, body) = answer.split_once("\r\n\r\n").expect("a head");
    (head[9..12].parse().expect("a status"), serde_json::from_str(body).unwrap_or_default())
}

async fn open(server: &Server, groups: &str) -> (Client, String) {
    let headers = [("x-user", "coach"), ("x-groups", "a,b")];
    let mut client = server.get(&format!("/sse?tidings=1&groups={groups}"), &headers).await;
    let hello = client.expect("tidings:hello").await;
    (client, hello["connection_id"].as_str().expect("an id").to_owned())
}

#[tokio::test]
async fn a_group_that_is_followed_is_covered_from_the_gap_that_says_so() {
    let server = Server::start().await;
    let (mut client, connection) = open(&server, "a").await;
    tell(&server, "b", "before").await;
    let answer = want(&server, "coach", &connection, r#"{"groups":["a","b"]}"#).await;
    assert_eq!(answer, (200, serde_json::json!({ "refused": [] })));
    let gap = client.next().await.expect("the stream goes on");
    assert_eq!((gap.event.as_str(), gap.groups.as_str()), ("tidings:gap", "b\n"));
    assert_eq!(gap.data, r#"{"reason":"rights"}"#);
    let covered_from = client.last_event_id();
    let sent = server.hub.send(Audience::group("b"), &Event::said("after")).await.expect("sent");
    // What was said before it and after the position may come, too.
    while client.said().await != "after" {}
    assert!(
        covered_from.parse::<tidings_server::protocol::EventId>().expect("an id").is_at_or_before(&sent.id)
    );

    // Asked again, nothing is said; and what is followed no more is not read from where that is said.
    assert_eq!(want(&server, "coach", &connection, r#"{"groups":["b","a"]}"#).await.0, 200);
    assert_eq!(want(&server, "coach", &connection, r#"{"groups":["a"]}"#).await.0, 200);
    let end = client.next().await.expect("the stream goes on");
    assert_eq!(
        (end.event.as_str(), end.groups.as_str(), end.data.as_str()),
        ("tidings:unfollowed", "b\n", "{}")
    );
    tell(&server, "b", "unread").await;
    tell(&server, "a", "read").await;
    assert_eq!(client.said().await, "read");

    // All that the user may read.
    assert_eq!(want(&server, "coach", &connection, r#"{"groups":null}"#).await.0, 200);
    let gap = client.next().await.expect("the stream goes on");
    assert_eq!((gap.event.as_str(), gap.groups.as_str()), ("tidings:gap", "b\n"));
}

#[tokio::test]
async fn every_event_of_a_followed_group_comes_once_while_it_is_followed() {
    let server = Server::start().await;
    let (mut client, connection) = open(&server, "a").await;
    let hub = server.hub.clone();
    let sending = tokio::spawn(async move {
        for n in 0..400 {
            hub.send(Audience::group("b"), &Event::said(n.to_string())).await.expect("sent");
            tokio::task::yield_now().await;
        }
    });
    want(&server, "coach", &connection, r#"{"groups":["a","b"]}"#).await;
    client.expect("tidings:gap").await;
    tell(&server, "b", "last").await;
    sending.await.expect("no panic");
    tell(&server, "b", "400").await;
    let mut seen = Vec::new();
    while seen.last() != Some(&400) {
        seen.extend(client.said().await.parse::<u32>());
    }
    assert!(seen.windows(2).all(|two| two[0] + 1 == two[1]), "{seen:?}");
}

#[tokio::test]
async fn what_may_not_be_followed_is_named_and_what_makes_no_sense_is_refused() {
    let server = Server::start().await;
    let (mut client, connection) = open(&server, "a").await;
    let answer = want(&server, "coach", &connection, r#"{"groups":["a","board"]}"#).await;
    assert_eq!(answer, (200, serde_json::json!({ "refused": ["board"] })));
    let many: Vec<_> = (0..101).map(|n| n.to_string()).chain(["a".to_owned()]).collect();
    for (user, id, body, status) in [
        ("coachee", &*connection, r#"{"groups":["a"]}"#.to_owned(), 404),
        ("coach", "nobody", r#"{"groups":["a"]}"#.to_owned(), 404),
        ("", &connection, r#"{"groups":["a"]}"#.to_owned(), 401),
        ("coach", &connection, "a,b".to_owned(), 400),
        ("coach", &connection, r#"{"groups":"a"}"#.to_owned(), 422),
        ("coach", &connection, r#"{"groups":["a",7]}"#.to_owned(), 422),
        ("coach", &connection, r#"{"groups":[""]}"#.to_owned(), 422),
        ("coach", &connection, serde_json::json!({ "groups": many }).to_string(), 200),
        ("coach", &connection, format!("\"{}\"", "x".repeat(70_000)), 413),
    ] {
        assert_eq!(want(&server, user, id, &body).await.0, status, "{user} {body:.40}");
    }
    tell(&server, "a", "still read").await;
    assert_eq!(client.said().await, "still read");
}
