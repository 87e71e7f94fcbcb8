//! Every cursor that a client, a proxy or a stranger may bring: 200, and a replay that is whole or a gap that says so.

use std::path::Path;

use tidings_server::{
    Audience, Config, Hub, Sqlite,
    protocol::{Epoch, EventId, Limits},
    router,
};

use crate::support::{Client, Event, PATIENCE, Server, believe};

/// A run over the file at `path`.
async fn start(path: &Path, config: Config) -> Server {
    let hub = Hub::start(config, Sqlite::at(path)).await.expect("it starts");
    let app = axum::Router::new().nest("/sse", router(&hub, believe));
    Server::serve(hub, app).await
}

/// SIGTERM, until the file is free.
async fn stop(mut server: Server) {
    server.stop();
    let served = tokio::time::timeout(PATIENCE, server.served).await;
    served.expect("in time").expect("no panic").expect("no error");
}

async fn say(server: &Server, user: &str, text: &str) {
    server.hub.send(Audience::user(user), &Event::said(text)).await.expect("sent");
}

/// How a stream must begin.
#[derive(Debug, Clone, Copy)]
enum Begins<'a> {
    /// As that of a client that was never here.
    Fresh,
    /// With what follows the cursor.
    Replayed(&'a [&'a str]),
    Gap(&'a str),
}

/// Opens a stream of `coach` with `cursor`, in the header or in the query.
async fn open(server: &Server, cursor: &[u8], in_header: bool) -> Client {
    if in_header {
        let headers = [("x-user", &b"coach"[..]), ("last-event-id", cursor)];
        return Client::open(server.address, "GET", "/sse?tidings=1", &headers).await;
    }
    let escaped: String = cursor.iter().map(|byte| format!("%{byte:02x}")).collect();
    server.get(&format!("/sse?tidings=1&last_event_id={escaped}"), &[("x-user", "coach")]).await
}

async fn check(server: &Server, what: &str, cursor: &[u8], begins: Begins<'_>) {
    for in_header in [true, false] {
        let mut client = open(server, cursor, in_header).await;
        assert_eq!(client.status, 200, "{what}, header {in_header}");
        let hello = client.expect("tidings:hello").await;
        match begins {
            Begins::Fresh => assert_eq!(hello["resumed"], "fresh", "{what}"),
            Begins::Replayed(texts) => {
                assert_eq!(hello["resumed"], "replayed", "{what}");
                assert_eq!(client.last_event_id().as_bytes(), cursor, "{what}: its own cursor");
                for text in texts {
                    assert_eq!(client.said().await, *text, "{what}");
                }
            }
            Begins::Gap(reason) => {
                assert_eq!(hello["resumed"], "gap", "{what}");
                assert_eq!(client.last_event_id(), "", "{what}: a hello that says gap has no id");
                assert_eq!(client.expect("tidings:gap").await["reason"], reason, "{what}");
                assert_eq!(client.last_event_id(), server.hub.cursor().to_string(), "{what}");
            }
        }
        // Nothing between that and what is sent now: no replay by accident, and nothing of anybody else.
        say(server, "other", "foreign").await;
        server
            .hub
            .send(Audience::users(["coach"]), &Event::Typing { user: what.to_owned() })
            .await
            .expect("sent");
        assert_eq!(client.expect("typing").await["data"]["user"], what);
    }
}

#[tokio::test]
async fn every_cursor_is_a_whole_replay_or_a_gap() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("log.sqlite");
    let first = start(&path, Config::default()).await;
    let old = first.hub.cursor().epoch().clone();
    for (user, text) in [("coach", "1"), ("other", "foreign"), ("coach", "3"), ("coach", "4")] {
        say(&first, user, text).await;
    }
    stop(first).await;

    // Room for what is there and what the checks send.
    let config = Config { history: Limits { count: 1_000, ..Limits::default() }, ..Config::default() };
    let server = start(&path, config).await;
    let new = server.hub.cursor().epoch().clone();
    let middle = server.hub.cursor().sequence();
    say(&server, "coach", "5").await;
    let stranger = Epoch::new("another-run").expect("a token");
    let text = |id: EventId| id.to_string().into_bytes();
    let after = ["3", "4", "5"];
    for (what, cursor, begins) in [
        ("nothing", Vec::new(), Begins::Fresh),
        ("the middle of an older epoch", text(old.at(1)), Begins::Replayed(&after)),
        ("somebody else's event", text(old.at(2)), Begins::Replayed(&after)),
        ("the end of an older epoch", text(old.at(4)), Begins::Replayed(&after[2..])),
        ("beyond the end of an older epoch", text(old.at(middle + 7)), Begins::Gap("epoch")),
        ("before the first event of a run", text(new.at(middle)), Begins::Replayed(&after[2..])),
        ("ahead of the log", text(new.at(1_000_000)), Begins::Gap("epoch")),
        ("the last sequence there is", text(new.at(u64::MAX)), Begins::Gap("epoch")),
        ("an unknown epoch", text(stranger.at(2)), Begins::Gap("epoch")),
        ("10 kB", vec![b'a'; 10_000], Begins::Gap("unknown_cursor")),
        ("10 kB and a sequence", [&[b'a'; 10_000][..], b"-1"].concat(), Begins::Gap("unknown_cursor")),
        ("no UTF-8", vec![0xff, 0xfe, b'-', b'1'], Begins::Gap("unknown_cursor")),
        ("a negative number", b"-1".to_vec(), Begins::Gap("unknown_cursor")),
        ("2^64", b"18446744073709551616".to_vec(), Begins::Gap("unknown_cursor")),
        (
            "the sequence 2^64",
            format!("{new}-18446744073709551616").into_bytes(),
            Begins::Gap("unknown_cursor"),
        ),
        ("a sequence with a sign", format!("{new}-+1").into_bytes(), Begins::Gap("unknown_cursor")),
        ("an epoch alone", new.to_string().into_bytes(), Begins::Gap("unknown_cursor")),
        ("what closes a query", b"'; DROP TABLE entries; --".to_vec(), Begins::Gap("unknown_cursor")),
    ] {
        check(&server, what, &cursor, begins).await;
    }
    for n in 0..1_000 {
        say(&server, "coach", &n.to_string()).await;
    }
    check(&server, "an old one", &text(old.at(1)), Begins::Gap("retention")).await;
    stop(server).await;
}

#[tokio::test]
async fn a_replay_larger_than_every_cap_is_whole() {
    // More than a batch, a page's hold and a read's pieces, and one event larger than any of them.
    const EVENTS: usize = 3_000;
    let server = Server::start().await;
    let cursor = server.hub.cursor().to_string();
    let text = |n: usize| format!("{n}:{}", "x".repeat(if n == EVENTS / 2 { 900_000 } else { n % 200 }));
    for from in (0..EVENTS).step_by(500) {
        let batch = (from..from + 500).map(|n| (Audience::user("coach"), Event::said(text(n))));
        server.hub.send_all(batch).await.expect("sent");
    }
    let mut client = server.resume("coach", &cursor).await;
    assert_eq!(client.expect("tidings:hello").await["resumed"], "replayed");
    for n in 0..EVENTS {
        assert_eq!(client.said().await, text(n));
    }
    assert_eq!(client.last_event_id(), server.hub.cursor().to_string());
}

#[tokio::test]
async fn a_client_resumes_before_the_first_new_event_after_a_restart() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("log.sqlite");
    let first = start(&path, Config::default()).await;
    say(&first, "coach", "1").await;
    let cursor = first.hub.cursor().to_string();
    stop(first).await;
    let second = start(&path, Config::default()).await;
    let mut client = second.resume("coach", &cursor).await;
    assert_eq!(client.expect("tidings:hello").await["resumed"], "replayed");
    assert_eq!(client.last_event_id(), cursor, "its own words, until there is something new");
    say(&second, "coach", "2").await;
    assert_eq!(client.said().await, "2");
    drop(client);
    stop(second).await;
}

#[tokio::test]
async fn a_client_that_never_got_an_event_resumes_from_its_hello() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("log.sqlite");
    let mut cursor: Option<String> = None;
    for run in 0..3 {
        let server = start(&path, Config::default()).await;
        let mut client = match &cursor {
            None => server.stream("coach").await,
            Some(cursor) => server.resume("coach", cursor).await,
        };
        let resumed = if run == 0 { "fresh" } else { "replayed" };
        assert_eq!(client.expect("tidings:hello").await["resumed"], resumed, "run {run}");
        cursor.get_or_insert(client.last_event_id());
        drop(client);
        say(&server, "other", "foreign").await;
        stop(server).await;
    }
    let server = start(&path, Config::default()).await;
    say(&server, "coach", "1").await;
    let mut client = server.resume("coach", &cursor.expect("three runs")).await;
    assert_eq!(client.expect("tidings:hello").await["resumed"], "replayed");
    assert_eq!(client.said().await, "1");
    drop(client);
    stop(server).await;
}
