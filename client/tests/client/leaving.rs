//! What is left of a client.

use crate::support::{Event, Reading, Server, client};

#[tokio::test]
async fn nothing_is_left_of_a_client_that_was_dropped() {
    let server = Server::start().await;
    let url = server.url();
    let mut clients = Vec::new();
    for n in 0..20 {
        let user = n.to_string();
        clients.push(client::<Event>(url.clone()).header("x-user", &user).connect().await.expect("a client"));
    }
    for client in &mut clients {
        client.begin().await;
    }
    assert_eq!(server.hub.connections().len(), 20);
    let (watched, guard) = (clients[0].states(), clients[1].reconnect());
    let () = guard;
    drop(clients);
    server.until(|hub| hub.connections().is_empty()).await;
    let mut watched = watched;
    assert!(watched.wait_for(|_| false).await.is_err(), "its task is gone");
}

#[tokio::test]
async fn a_guard_that_outlives_its_client_is_released() {
    let server = Server::start().await;
    let mut client = client::<Event>(server.url()).header("x-user", "42").connect().await.expect("a client");
    let (_, mut resync) = client.gap().await;
    drop(client);
    tokio::time::timeout(crate::support::PATIENCE, resync.released()).await.expect("released");
    resync.done();
}
