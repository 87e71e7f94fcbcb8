//! What a stream says, byte for byte, and to whom.

use crate::support::{Event, Server};
use tidings_server::{Audience, AudienceError, Cause, SendError, Sent};

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

#[tokio::test]
async fn a_plain_reader_gets_the_same_stream() {
    let server = Server::start().await;
    // What `curl -N` sends, and an `EventSource` but for `accept`.
    let mut client = server.get("/sse", &[("accept", "*/*"), ("x-user", "coach")]).await;
    client.expect("tidings:hello").await;
    server.hub.send(Audience::user("coach"), &Event::said("hi")).await.expect("sent");
    assert_eq!(client.said().await, "hi");
}

#[tokio::test]
async fn a_union_is_delivered_once_per_connection() {
    let server = Server::start().await;
    let headers = [("x-user", "coach"), ("x-groups", "team")];
    let mut client = server.get("/sse?tidings=1", &headers).await;
    client.expect("tidings:hello").await;
    let everybody = Audience::user("coach") | Audience::group("team") | Audience::everyone();
    server.hub.send(everybody, &Event::said("1")).await.expect("sent");
    server.hub.send(Audience::user("coach"), &Event::said("2")).await.expect("sent");
    assert_eq!((client.said().await, client.said().await), ("1".into(), "2".into()));
}

#[tokio::test]
async fn a_batch_is_committed_whole_or_not_at_all() {
    let server = Server::start().await;
    let before = server.hub.cursor();
    let batch = [
        (Audience::user("coach"), Event::said("1")),
        (Audience::user(""), Event::said("nobody is called so")),
    ];
    assert!(matches!(server.hub.send_all(batch).await, Err(SendError::Audience(_))));
    assert_eq!(server.hub.cursor(), before, "nothing was committed");
    let batch = [(Audience::user("coach"), Event::said("1")), (Audience::user("other"), Event::said("2"))];
    let sent = server.hub.send_all(batch).await.expect("sent");
    assert_eq!(sent.iter().map(|sent| sent.id.sequence()).collect::<Vec<_>>(), [1, 2]);
}

#[tokio::test]
async fn what_cannot_be_sent_is_refused_to_the_sender() {
    let server = Server::start().await;
    let nobody = server.hub.send(Audience::users::<&str>([]), &Event::said("")).await;
    assert!(matches!(nobody, Err(SendError::Audience(AudienceError::Size(_)))), "{nobody:?}");
    let crowd = Audience::users((0..1_001).map(|n| n.to_string()));
    let crowd = server.hub.send(crowd, &Event::said("")).await;
    assert!(matches!(crowd, Err(SendError::Audience(AudienceError::Size(_)))), "{crowd:?}");
    let large = server.hub.send(Audience::everyone(), &Event::said("x".repeat(1024 * 1024))).await;
    assert!(matches!(large, Err(SendError::TooLarge { max: 1_048_576, .. })), "{large:?}");
    assert_eq!(server.hub.cursor().sequence(), 0);
}

#[tokio::test]
async fn line_ends_in_a_payload_do_not_break_the_framing() {
    let server = Server::start().await;
    let mut client = server.stream("coach").await;
    client.expect("tidings:hello").await;
    let text = "a\r\nb\rc\nd\u{0}\u{2028}data: x\n\nevent: y";
    server.hub.send(Audience::everyone(), &Event::said(text)).await.expect("sent");
    server.hub.send(Audience::everyone(), &Event::said("after")).await.expect("sent");
    assert_eq!((client.said().await, client.said().await), (text.to_owned(), "after".into()));
}

#[tokio::test]
async fn an_application_error_is_an_event_of_the_contract() {
    let server = Server::start().await;
    let mut client = server.stream("coach").await;
    client.expect("tidings:hello").await;
    server.hub.application_error(Audience::user("coach"), "conflict".into()).await.expect("sent");
    assert_eq!(client.expect("failed").await["data"]["message"], "conflict");
}

#[tokio::test]
async fn a_key_sends_once() {
    let server = Server::start().await;
    let send = |text: &'static str| {
        let hub = server.hub.clone();
        async move { hub.send_once("k", Audience::everyone(), &Event::said(text)).await }
    };
    let first = send("1").await.expect("sent");
    let again = send("1").await.expect("known");
    assert_eq!((again.id, again.duplicate), (first.id.clone(), true));
    assert!(matches!(send("2").await, Err(SendError::KeyConflict)));
    let other = server.hub.send_once("k", Audience::user("a"), &Event::said("1")).await;
    assert!(matches!(other, Err(SendError::KeyConflict)), "the audience belongs to it: {other:?}");
    assert_eq!(server.hub.cursor(), first.id);
    let long = server.hub.send_once(&"k".repeat(129), Audience::everyone(), &Event::said("1")).await;
    assert!(matches!(long, Err(SendError::Key)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn concurrent_senders_are_seen_in_one_order_by_all() {
    const SENDERS: u64 = 8;
    const EACH: u64 = 50;
    let server = Server::start().await;
    let mut clients = Vec::new();
    for user in ["a", "b", "c"] {
        let mut client = server.stream(user).await;
        client.expect("tidings:hello").await;
        clients.push(client);
    }
    let senders: Vec<_> = (0..SENDERS)
        .map(|sender| {
            let hub = server.hub.clone();
            tokio::spawn(async move {
                for n in 0..EACH {
                    hub.send(Audience::everyone(), &Event::said(format!("{sender}:{n}")))
                        .await
                        .expect("sent");
                }
            })
        })
        .collect();
    for sender in senders {
        sender.await.expect("it sent");
    }
    let mut orders = Vec::new();
    for client in &mut clients {
        let mut order = Vec::new();
        for sequence in 1..=SENDERS * EACH {
            let event = client.next().await.expect("an event");
            assert!(event.last_event_id.ends_with(&format!("-{sequence}")), "{}", event.last_event_id);
            order.push(event.data);
        }
        orders.push(order);
    }
    assert!(orders.iter().all(|order| *order == orders[0]));
}

#[tokio::test]
async fn other_methods_are_answered_as_http_says() {
    let server = Server::start().await;
    let head = server.request("HEAD", "/sse?tidings=1", &[("x-user", "coach")]).await;
    assert_eq!((head.status, head.header("content-type")), (200, Some("text/event-stream")));
    assert_eq!(server.request("HEAD", "/sse?tidings=1", &[]).await.status, 401, "as GET would be");
    for method in ["POST", "PUT", "DELETE"] {
        let refused = server.request(method, "/sse", &[("x-user", "coach")]).await;
        assert_eq!(refused.status, 405);
        assert!(refused.header("allow").is_some_and(|methods| methods.contains("get")), "{}", refused.head);
    }
    assert_eq!(server.request("GET", "/sse/alive", &[]).await.status, 405);
    assert!(server.hub.connections().is_empty());
    assert_eq!(server.hub.metrics().connections_opened, 0);
}
