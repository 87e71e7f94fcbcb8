//! What comes after a cut.

use std::time::Duration;

use tidings_client::{Item, ResyncReason, State};
use tidings_server::Audience;

use crate::support::{Event, Reading, Server, Wire, client, config, said};

#[tokio::test]
async fn what_was_sent_during_a_cut_comes_once_and_in_order() {
    let server = Server::start().await;
    let wire = Wire::to(server.address).await;
    let url = crate::support::url(wire.address);
    let mut client = client::<Event>(url).header("x-user", "42").connect().await.expect("a client");
    client.begin().await;
    for round in 0..5 {
        let first = format!("{round} before");
        server.hub.send(Audience::everyone(), &Event::said(&first)).await.expect("sent");
        assert_eq!(said(&mut client).await, first);
        wire.cut();
        server.until(|hub| hub.connections().is_empty()).await;
        for n in 0..3 {
            server.hub.send(Audience::everyone(), &Event::said(format!("{round} {n}"))).await.expect("sent");
        }
        for n in 0..3 {
            assert_eq!(said(&mut client).await, format!("{round} {n}"));
        }
    }
    assert!(matches!(client.state(), State::Online { resumed: true, .. }));
}

#[tokio::test]
async fn a_server_that_restarts_without_its_history_is_a_gap_before_anything_newer() {
    let server = Server::start().await;
    let address = server.address;
    let mut client = client::<Event>(server.url()).header("x-user", "42").connect().await.expect("a client");
    client.begin().await;
    server.hub.send(Audience::everyone(), &Event::said("old")).await.expect("sent");
    assert_eq!(said(&mut client).await, "old");
    server.stop().await;
    let server = Server::<Event>::with(config(), &address.to_string()).await;
    server.until(|hub| !hub.connections().is_empty()).await;
    server.hub.send(Audience::everyone(), &Event::said("new")).await.expect("sent");
    // A store that keeps nothing does not keep the secret either by which users are told apart.
    for expected in [ResyncReason::IdentityChanged, ResyncReason::Epoch] {
        let (reason, resync) = client.gap().await;
        assert_eq!(reason, expected);
        resync.done();
    }
    assert_eq!(said(&mut client).await, "new");
}

#[tokio::test]
async fn a_server_that_is_not_there_is_a_state_and_no_end() {
    let server = Server::start().await;
    let address = server.address;
    server.stop().await;
    let url = crate::support::url(address);
    let mut client = client::<Event>(url).header("x-user", "42").connect().await.expect("a client");
    let mut refused = 0;
    while refused < 2 {
        match client.item().await {
            Some(Item::Error(error)) => {
                assert_eq!(error.code(), "connection_lost");
                assert!(error.to_string().contains("refused"), "{error}");
                refused += 1;
            }
            Some(Item::State(_)) => {}
            other => panic!("{other:?}"),
        }
    }
    let _server = Server::<Event>::with(config(), &address.to_string()).await;
    client.begin().await;
}

#[tokio::test]
async fn a_reader_may_ask_for_a_new_connection() {
    let server = Server::start().await;
    let mut client = client::<Event>(server.url()).header("x-user", "42").connect().await.expect("a client");
    client.begin().await;
    let first = server.hub.connections().of_user("42")[0].id.clone();
    client.reconnect();
    server.until(|hub| hub.connections().of_user("42").iter().any(|info| info.id != first)).await;
    server.hub.send(Audience::everyone(), &Event::said("on the new one")).await.expect("sent");
    assert_eq!(said(&mut client).await, "on the new one");
}

#[tokio::test]
async fn silence_is_an_outage_before_the_head_and_after_it() {
    use tokio::{io::AsyncWriteExt, net::TcpListener};
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let url = crate::support::url(listener.local_addr().expect("an address"));
    let mut client = client::<Event>(url)
        .connect_timeout(Duration::from_millis(100))
        .idle_timeout(Duration::from_millis(100))
        .connect()
        .await
        .expect("a client");
    let (mut mute, _) = listener.accept().await.expect("a connection");
    let Item::Error(error) = client.news().await else { panic!("no error") };
    assert_eq!(error.code(), "connect_timeout");
    // The attempt that was given up is gone.
    let mut request = Vec::new();
    tokio::io::AsyncReadExt::read_to_end(&mut mute, &mut request).await.expect("closed");
    assert!(request.starts_with(b"GET /sse?tidings=1 HTTP/1.1\r\n"), "{}", request.escape_ascii());

    let (mut silent, _) = listener.accept().await.expect("another attempt");
    let head = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n: alive\n\n";
    silent.write_all(head).await.expect("the client reads");
    let Item::Error(error) = client.news().await else { panic!("no error") };
    assert_eq!(error.code(), "idle_timeout");
}
