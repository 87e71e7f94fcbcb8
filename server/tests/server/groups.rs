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

/// Goes on where `before` stands, and asks for `groups`: how the stream resumed.
async fn go_on(server: &Server, before: &(String, String), groups: &str) -> (Client, String) {
    let (connection, cursor) = before;
    let target = format!("/sse?tidings=1&connection={connection}{groups}");
    let headers = [("x-user", "coach"), ("x-groups", "a,b"), ("last-event-id", cursor.as_str())];
    let mut client = server.get(&target, &headers).await;
    let hello = client.expect("tidings:hello").await;
    (client, hello["resumed"].as_str().expect("a word").to_owned())
}

#[tokio::test]
async fn a_client_that_asks_for_more_groups_than_before_is_told_that_it_missed_them() {
    let server = Server::start().await;
    let open = async |groups: &str| {
        let headers = [("x-user", "coach"), ("x-groups", "a,b")];
        let mut client = server.get(&format!("/sse?tidings=1{groups}"), &headers).await;
        let hello = client.expect("tidings:hello").await;
        tell(&server, "b", "missed").await;
        tell(&server, "a", "read").await;
        while client.said().await != "read" {}
        (hello["connection_id"].as_str().expect("an id").to_owned(), client.last_event_id())
    };
    let some = open("&groups=a").await;
    for (groups, resumed) in
        [("&groups=a", "replayed"), ("&groups=a,a", "replayed"), ("&groups=b,a", "gap"), ("", "gap")]
    {
        let (mut client, how) = go_on(&server, &some, groups).await;
        assert_eq!(how, resumed, "{groups}");
        if resumed == "gap" {
            assert_eq!(client.expect("tidings:gap").await["reason"], "rights");
        }
    }
    let all = open("").await;
    for groups in ["", "&groups=b"] {
        let (_client, how) = go_on(&server, &all, groups).await;
        assert_eq!(how, "replayed", "the cursor speaks for all: {groups}");
    }
    assert!(!some.0.contains("a,"), "the groups are not named");
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
    let cursor = tokio::select! {
        _ = one.said() => one.last_event_id(),
        _ = two.said() => two.last_event_id(),
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
    assert_eq!(client.expect("tidings:gap").await["reason"], "rights");
    let covered_from = client.last_event_id();
    let sent = server.hub.send(Audience::group("b"), &Event::said("after")).await.expect("sent");
    // What was said before it and after the position may come, too.
    while client.said().await != "after" {}
    assert!(
        covered_from.parse::<tidings_server::protocol::EventId>().expect("an id").is_at_or_before(&sent.id)
    );

    // Asked again, nothing is said; and what is followed no more is not read.
    assert_eq!(want(&server, "coach", &connection, r#"{"groups":["b","a"]}"#).await.0, 200);
    assert_eq!(want(&server, "coach", &connection, r#"{"groups":["a"]}"#).await.0, 200);
    let mut came = true;
    while came {
        tell(&server, "b", "unread").await;
        tell(&server, "a", "read").await;
        came = client.said().await == "unread";
        if came {
            assert_eq!(client.said().await, "read");
        }
    }
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
    let many: Vec<_> = (0..101).map(|n| n.to_string()).collect();
    for (user, id, body, status) in [
        ("coachee", &*connection, r#"{"groups":["a"]}"#.to_owned(), 404),
        ("coach", "nobody", r#"{"groups":["a"]}"#.to_owned(), 404),
        ("", &connection, r#"{"groups":["a"]}"#.to_owned(), 401),
        ("coach", &connection, "a,b".to_owned(), 400),
        ("coach", &connection, r#"{"groups":"a"}"#.to_owned(), 422),
        ("coach", &connection, r#"{"groups":["a",7]}"#.to_owned(), 422),
        ("coach", &connection, r#"{"groups":[""]}"#.to_owned(), 422),
        ("coach", &connection, serde_json::json!({ "groups": many }).to_string(), 422),
        ("coach", &connection, format!("\"{}\"", "x".repeat(70_000)), 413),
    ] {
        assert_eq!(want(&server, user, id, &body).await.0, status, "{user} {body:.40}");
    }
    tell(&server, "a", "still read").await;
    assert_eq!(client.said().await, "still read");
}
