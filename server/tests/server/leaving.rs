//! A client that goes leaves nothing behind.

use crate::support::{Event, Server};
use tidings_server::Audience;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_connects_and_disconnects_leave_the_registry_empty() {
    let server = Server::start().await;
    for round in 0..10 {
        let mut clients = Vec::new();
        for n in 0..100 {
            let user = format!("user-{}", n % 50);
            let groups = format!("g{},g{round}", n % 7);
            let headers = [("x-user", user.as_str()), ("x-groups", groups.as_str())];
            let mut client = server.get("/sse?tidings=1", &headers).await;
            client.expect("tidings:hello").await;
            clients.push(client);
        }
        // Those of the round before may still be going.
        server.until(|hub| hub.connections().len() == 100).await;
    }
    server.until(|hub| hub.connections().is_empty()).await;
    let metrics = server.hub.metrics();
    assert_eq!((metrics.connections_opened, metrics.connections_closed), (1_000, 1_000));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tab_that_reloads_while_the_last_one_leaves_is_never_silent() {
    let server = Server::start().await;
    let mut old = server.stream("coach").await;
    old.expect("tidings:hello").await;
    for n in 0..200 {
        let (address, text) = (server.address, n.to_string());
        let opening = tokio::spawn(async move {
            crate::support::Client::open(address, "GET", "/sse?tidings=1", &[("x-user", b"coach")]).await
        });
        drop(old);
        let mut new = opening.await.expect("a response");
        new.expect("tidings:hello").await;
        server.hub.send(Audience::user("coach"), &Event::said(text.as_str())).await.expect("sent");
        assert_eq!(new.said().await, text);
        old = new;
    }
}

#[tokio::test]
async fn connections_are_found_by_user_and_by_id() {
    let server = Server::start().await;
    let mut client = server.get("/sse?tidings=1", &[("x-user", "coach"), ("x-login", "l")]).await;
    let id = client.expect("tidings:hello").await["connection_id"].as_str().expect("an id").to_owned();
    let mut other = server.stream("other").await;
    other.expect("tidings:hello").await;
    let connections = server.hub.connections();
    let found = connections.get(&id).expect("it is open");
    assert_eq!((found.user.as_str(), found.login.as_deref()), ("coach", Some("l")));
    assert_eq!(connections.of_user("coach"), [found]);
    assert_eq!((connections.len(), connections.iter().count()), (2, 2));
    let mut users = connections.users();
    users.sort();
    assert_eq!(users, ["coach", "other"]);
    assert!(connections.get("nobody").is_none());
    let alive = server.request("POST", &format!("/sse/alive?connection={id}"), &[]).await;
    assert_eq!(alive.status, 204);
}
