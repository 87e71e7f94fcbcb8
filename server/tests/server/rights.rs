//! Who may read what, at the moment of writing.

use std::{sync::atomic::Ordering, time::Duration};

use tidings_server::{Audience, Config, Revoked};

use crate::{
    gate::Gate,
    support::{Client, Event, Server},
};

async fn in_groups(server: &Server, groups: &str, cursor: &str) -> Client {
    let headers = [("x-user", "coach"), ("x-groups", groups), ("last-event-id", cursor)];
    server.get("/sse?tidings=1", &headers).await
}

async fn tell(server: &Server, group: &str, text: &str) {
    server.hub.send(Audience::group(group), &Event::said(text)).await.expect("sent");
}

#[tokio::test]
async fn authorize_decides_with_the_status_of_its_refusal() {
    let server = Server::start().await;
    assert_eq!(server.get("/sse?tidings=1", &[]).await.status, 401);
    assert_eq!(server.get("/sse", &[]).await.status, 401, "final is right here, for every reader");
    assert_eq!(server.stream("forbidden").await.status, 403);
    let unavailable = server.stream("unavailable").await;
    assert_eq!(unavailable.status, 503);
    assert!(unavailable.header("retry-after").is_some());
    assert!(server.hub.connections().is_empty());
}

#[tokio::test]
async fn a_group_is_read_by_its_members_from_their_grant_on() {
    let server = Server::start().await;
    let cursor = server.hub.cursor().to_string();
    tell(&server, "team", "before the grant").await;
    let mut client = in_groups(&server, "team", &cursor).await;
    assert_eq!(client.expect("tidings:hello").await["resumed"], "gap");
    assert_eq!(client.expect("tidings:gap").await["reason"], "rights", "the grant lies above the cursor");
    let position = client.last_event_id();
    tell(&server, "team", "1").await;
    tell(&server, "other", "not for it").await;
    tell(&server, "team", "2").await;
    assert_eq!((client.said().await, client.said().await), ("1".into(), "2".into()));
    let mut again = in_groups(&server, "team", &position).await;
    assert_eq!(again.expect("tidings:hello").await["resumed"], "replayed", "the grant stands");
    assert_eq!((again.said().await, again.said().await), ("1".into(), "2".into()));
}

#[tokio::test]
async fn a_group_that_was_left_and_joined_again_is_a_rights_gap() {
    let server = Server::start().await;
    let mut member = in_groups(&server, "team", "").await;
    member.expect("tidings:hello").await;
    let position = member.last_event_id();
    drop(member);
    server.until(|hub| hub.connections().is_empty()).await;
    let mut outsider = server.resume("coach", &position).await;
    assert_eq!(outsider.expect("tidings:hello").await["resumed"], "replayed");
    tell(&server, "team", "while it was out").await;
    drop(outsider);
    server.until(|hub| hub.connections().is_empty()).await;
    let mut back = in_groups(&server, "team", &position).await;
    back.expect("tidings:hello").await;
    assert_eq!(back.expect("tidings:gap").await["reason"], "rights");
    tell(&server, "team", "1").await;
    assert_eq!(back.said().await, "1", "and nothing of what was sent in between");
}

#[tokio::test]
async fn a_client_may_ask_for_some_of_its_groups_and_for_no_others() {
    let server = Server::start().await;
    let headers = [("x-user", "coach"), ("x-groups", "a,b")];
    let mut client = server.get("/sse?tidings=1&groups=b,secret", &headers).await;
    client.expect("tidings:hello").await;
    for group in ["a", "secret", "b"] {
        tell(&server, group, group).await;
    }
    assert_eq!(client.said().await, "b");
}

#[tokio::test]
async fn the_digest_of_the_groups_says_whether_they_changed_and_the_subject_who_reads() {
    let server = Server::start().await;
    let hello = async |user: &str, groups: &str| {
        let headers = [("x-user", user), ("x-groups", groups)];
        let mut client = server.get("/sse?tidings=1", &headers).await;
        let hello = client.expect("tidings:hello").await;
        (hello["groups"].clone(), hello["subject"].clone())
    };
    let (one, coach) = hello("coach", "a,b").await;
    assert_eq!(hello("coach", "b,a").await, (one.clone(), coach.clone()));
    let (two, _) = hello("coach", "a").await;
    assert_ne!(one, two);
    assert_ne!(hello("other", "a").await.1, coach);
}

#[tokio::test]
async fn nothing_is_written_beyond_a_reauthorization_until_authorize_has_answered() {
    let (gate, server) = Gate::server(Config::default()).await;
    let mut client = server.get("/sse?tidings=1", &[]).await;
    client.expect("tidings:hello").await;
    gate.shut();
    let asked = gate.asked.load(Ordering::SeqCst);
    tell(&server, "team", "1").await;
    server.hub.reauthorize("coach").await.expect("committed");
    tell(&server, "team", "2").await;
    server.hub.send(Audience::user("coach"), &Event::said("3")).await.expect("sent");
    assert_eq!(client.said().await, "1");
    gate.is_asked(&server, asked).await;
    // The stream reads nothing while it waits; the membership ends before the answer.
    gate.groups.lock().clear();
    gate.open.add_permits(Gate::OPEN);
    client.expect("tidings:unfollowed").await;
    assert_eq!(client.said().await, "3", "2 is no longer its to read");
}

#[tokio::test]
async fn a_group_gained_while_connected_is_told_as_a_gap_and_then_read() {
    let (gate, server) = Gate::server(Config::default()).await;
    let mut client = server.get("/sse?tidings=1", &[]).await;
    client.expect("tidings:hello").await;
    gate.groups.lock().push("second");
    server.hub.reauthorize("coach").await.expect("committed");
    assert_eq!(client.expect("tidings:gap").await["reason"], "rights");
    tell(&server, "second", "1").await;
    assert_eq!(client.said().await, "1");
}

#[tokio::test]
async fn a_notice_between_question_and_hello_has_authorize_asked_again() {
    let (gate, server) = Gate::server(Config::default()).await;
    gate.shut();
    let address = server.address;
    let opening = tokio::spawn(async move { Client::open(address, "GET", "/sse?tidings=1", &[]).await });
    gate.is_asked(&server, 0).await;
    server.hub.reauthorize("coach").await.expect("committed");
    gate.open.add_permits(1);
    gate.is_asked(&server, 1).await;
    gate.refuse.store(true, Ordering::SeqCst);
    gate.open.add_permits(Gate::OPEN);
    assert_eq!(opening.await.expect("a response").status, 401, "what the second answer says");
}

#[tokio::test]
async fn a_revocation_that_comes_while_the_rights_are_asked_for_ends_the_stream() {
    let (_gate, server) = Gate::server(Config::default()).await;
    let mut client = server.get("/sse?tidings=1", &[]).await;
    client.expect("tidings:hello").await;
    // The stream meets the first when both are committed, so the question is newer than either.
    server.hub.reauthorize("coach").await.expect("committed");
    server.hub.revoke(Revoked::User("coach".into()), "test", None).await.expect("committed");
    client.expect("tidings:unfollowed").await;
    assert_eq!(client.expect("tidings:goodbye").await["reason"], "revoked");
    client.end().await;
    let mut again = server.get("/sse?tidings=1", &[]).await;
    again.expect("tidings:hello").await;
    server.hub.send(Audience::user("coach"), &Event::said("1")).await.expect("sent");
    assert_eq!(again.said().await, "1", "Authorize alone decides about credentials without an issue time");
}

#[tokio::test]
async fn rights_that_were_taken_in_silence_end_at_the_next_check() {
    let config = Config { recheck: Duration::from_millis(50), ..Config::default() };
    let (gate, server) = Gate::server(config).await;
    let mut client = server.get("/sse?tidings=1", &[]).await;
    client.expect("tidings:hello").await;
    gate.refuse.store(true, Ordering::SeqCst);
    let goodbye = client.expect("tidings:goodbye").await;
    assert_eq!((&goodbye["reason"], &goodbye["reconnect_after_ms"]), (&"expired".into(), &0.into()));
    client.end().await;
}

#[tokio::test]
async fn a_routine_check_that_takes_long_delays_no_event() {
    let config = Config {
        recheck: Duration::from_millis(50),
        authorize_timeout: Duration::from_secs(600),
        ..Config::default()
    };
    let (gate, server) = Gate::server(config).await;
    let mut client = server.get("/sse?tidings=1", &[]).await;
    client.expect("tidings:hello").await;
    gate.shut();
    gate.is_asked(&server, gate.asked.load(Ordering::SeqCst)).await;
    tell(&server, "team", "1").await;
    assert_eq!(client.said().await, "1");
}

#[tokio::test]
async fn an_answer_that_cannot_be_one_is_the_servers_error() {
    let server = Server::start().await;
    let many: Vec<_> = (0..101).map(|n| n.to_string()).collect();
    let headers = [("x-user", "coach"), ("x-groups", &many.join(","))];
    assert_eq!(server.get("/sse?tidings=1", &headers).await.status, 500);
    let most: Vec<_> = (0..100).map(|n| n.to_string()).collect();
    let headers = [("x-user", "coach"), ("x-groups", &most.join(","))];
    assert_eq!(server.get("/sse?tidings=1", &headers).await.status, 200);
    assert_eq!(server.get("/sse?tidings=1", &[("x-user", "")]).await.status, 500);
}
