//! Credentials that are taken away: the streams end, in order, and do not come back.

use std::{
    sync::atomic::Ordering,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use tidings_server::{Audience, Config, Revoked};

use crate::{
    gate::Gate,
    support::{Client, Event, Server},
};

async fn expect_revoked(client: &mut Client) {
    let goodbye = client.expect("tidings:goodbye").await;
    assert_eq!((&goodbye["reason"], &goodbye["reconnect_after_ms"]), (&"revoked".into(), &().into()));
    client.end().await;
}

fn unix_ms(after: Duration) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970");
    (now + after).as_millis().to_string()
}

#[tokio::test]
async fn a_revoked_user_gets_the_last_event_then_the_goodbye_and_nothing_sent_after() {
    let server = Server::start().await;
    let (mut one, mut two) = (server.stream("coach").await, server.stream("coach").await);
    let mut other = server.stream("other").await;
    for client in [&mut one, &mut two, &mut other] {
        client.expect("tidings:hello").await;
    }
    server.hub.send(Audience::everyone(), &Event::said("before")).await.expect("sent");
    let last = Event::Typing { user: "you are out".into() };
    server.hub.revoke(Revoked::User("coach".into()), "test", Some(&last)).await.expect("committed");
    server.hub.send(Audience::everyone(), &Event::said("after")).await.expect("sent");
    for client in [&mut one, &mut two] {
        assert_eq!(client.said().await, "before");
        client.expect("typing").await;
        expect_revoked(client).await;
    }
    assert_eq!((other.said().await, other.said().await), ("before".into(), "after".into()));
    server.until(|hub| hub.connections().of_user("coach").is_empty()).await;
}

#[tokio::test]
async fn one_log_in_or_one_connection_can_be_revoked_alone() {
    let server = Server::start().await;
    let with_login = async |login: &str| {
        let mut client = server.get("/sse?tidings=1", &[("x-user", "coach"), ("x-login", login)]).await;
        let hello = client.expect("tidings:hello").await;
        (client, hello["connection_id"].as_str().expect("an id").to_owned())
    };
    let (mut first, _) = with_login("a").await;
    let (mut second, _) = with_login("b").await;
    let (mut third, id) = with_login("b").await;
    server.hub.revoke(Revoked::Login("a".into()), "test", None).await.expect("committed");
    expect_revoked(&mut first).await;
    server.hub.revoke(Revoked::Connection(id.clone()), "test", None).await.expect("committed");
    expect_revoked(&mut third).await;
    server.hub.send(Audience::user("coach"), &Event::said("1")).await.expect("sent");
    assert_eq!(second.said().await, "1");
    let again = server.get("/sse?tidings=1", &[("x-user", "coach"), ("x-login", "a")]).await;
    assert_eq!(again.status, 204, "the log-in stays refused");
    let target = format!("/sse?tidings=1&connection={id}");
    assert_eq!(server.get(&target, &[("x-user", "coach"), ("x-login", "b")]).await.status, 204);
}

#[tokio::test]
async fn credentials_issued_before_a_revocation_stay_refused_and_later_ones_pass() {
    let server = Server::start().await;
    let (before, after) = (unix_ms(Duration::ZERO), unix_ms(Duration::from_secs(60)));
    let revoked = Revoked::User("coach".into());
    let get =
        async |issued: &str| server.get("/sse?tidings=1", &[("x-user", "coach"), ("x-issued", issued)]).await;
    let mut stays = get(&after).await;
    stays.expect("tidings:hello").await;
    server.hub.revoke(revoked, "test", None).await.expect("committed");
    assert_eq!(get(&before).await.status, 204);
    assert_eq!(get(&after).await.status, 200);
    server.hub.send(Audience::user("coach"), &Event::said("1")).await.expect("sent");
    assert_eq!(stays.said().await, "1", "its credentials are newer than the revocation");
}

#[tokio::test]
async fn a_revocation_is_not_replayed_to_who_logged_in_again() {
    let server = Server::start().await;
    let mut client = server.stream("coach").await;
    client.expect("tidings:hello").await;
    let cursor = client.last_event_id();
    server.hub.revoke(Revoked::User("coach".into()), "test", None).await.expect("committed");
    expect_revoked(&mut client).await;
    server.hub.send(Audience::user("coach"), &Event::said("1")).await.expect("sent");
    let mut again = server.resume("coach", &cursor).await;
    again.expect("tidings:hello").await;
    assert_eq!(again.said().await, "1");
}

/// Asks about the stream's rights before a revocation with a last event, which is committed before the answer.
async fn revoked_while_asked(gate: &Gate, server: &Server, client: &mut Client) {
    gate.shut();
    let asked = gate.asked.load(Ordering::SeqCst);
    server.hub.reauthorize("coach").await.expect("committed");
    gate.is_asked(server, asked).await;
    server.hub.send(Audience::group("team"), &Event::said("no longer its to read")).await.expect("sent");
    server.hub.reauthorize("coach").await.expect("committed");
    let last = Event::Typing { user: "you are out".into() };
    server.hub.revoke(Revoked::User("coach".into()), "test", Some(&last)).await.expect("committed");
    server.hub.send(Audience::user("coach"), &Event::said("after")).await.expect("sent");
    gate.open.add_permits(Gate::OPEN);
    client.expect("tidings:unfollowed").await;
    client.expect("typing").await;
}

#[tokio::test]
async fn a_revocation_that_is_known_before_it_is_met_still_comes_with_its_last_event() {
    let (gate, server) = Gate::server(Config::default()).await;
    let mut client = server.get("/sse?tidings=1", &[]).await;
    client.expect("tidings:hello").await;
    revoked_while_asked(&gate, &server, &mut client).await;
    expect_revoked(&mut client).await;
}

#[tokio::test]
async fn so_does_one_of_a_log_in_that_the_app_has_deleted_first() {
    let (gate, server) = Gate::server(Config::default()).await;
    let mut client = server.get("/sse?tidings=1", &[]).await;
    client.expect("tidings:hello").await;
    gate.refuse.store(true, Ordering::SeqCst);
    revoked_while_asked(&gate, &server, &mut client).await;
    expect_revoked(&mut client).await;
}

#[tokio::test]
async fn credentials_that_are_refused_without_a_revocation_end_at_once() {
    let (gate, server) = Gate::server(Config::default()).await;
    let mut client = server.get("/sse?tidings=1", &[]).await;
    client.expect("tidings:hello").await;
    gate.refuse.store(true, Ordering::SeqCst);
    server.hub.reauthorize("coach").await.expect("committed");
    server.hub.send(Audience::user("coach"), &Event::said("after")).await.expect("sent");
    assert_eq!(client.expect("tidings:goodbye").await["reason"], "expired");
    client.end().await;
}
