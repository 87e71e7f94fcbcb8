//! What is left of a client.

use std::time::Duration;

use tidings_server::{Audience, Config};

use crate::support::{Event, Reading, Server, client, config, said};

#[tokio::test]
async fn nothing_is_left_of_a_client_that_was_dropped() {
    // No heartbeat comes by and shows that nobody reads.
    let heartbeat = Duration::from_secs(3_600);
    let server = Server::<Event>::with(Config { heartbeat, ..config() }, "127.0.0.1:0").await;
    let url = server.url();
    let mut clients = Vec::new();
    for n in 0..20 {
        let user = n.to_string();
        clients.push(client::<Event>(url.clone()).header("x-user", &user).connect().await.expect("a client"));
    }
    for client in &mut clients {
        client.begin().await;
    }
    server.hub.send(Audience::everyone(), &Event::said("all are here")).await.expect("sent");
    for client in &mut clients {
        said(client).await;
    }
    assert_eq!(server.hub.connections().len(), 20);
    let mut watched = clients[0].states();
    drop(clients);
    server.until(|hub| hub.connections().is_empty()).await;
    assert!(watched.wait_for(|_| false).await.is_err(), "its task is gone");
}

#[tokio::test]
async fn a_guard_that_outlives_its_client_is_released() {
    let server = Server::start().await;
    let mut client = client::<Event>(server.url()).header("x-user", "42").connect().await.expect("a client");
    let (_, mut resync) = client.gap().await;
    drop(client);
    // Half of the time after which a hold ends by itself.
    tokio::time::timeout(Duration::from_secs(5), resync.released()).await.expect("released");
    resync.done();
}
