//! Gaps, and the guard that holds events back.

use tidings_client::{Item, ResyncReason};
use tidings_server::Audience;

use crate::support::{Event, Reading, Server, client, said};

#[tokio::test]
async fn events_wait_for_the_guard_of_a_gap() {
    let server = Server::start().await;
    let mut client = client::<Event>(server.url()).header("x-user", "42").connect().await.expect("a client");
    let (_, resync) = client.gap().await;
    server.hub.send(Audience::everyone(), &Event::said("held")).await.expect("sent");
    server.until(|hub| hub.metrics().deliveries == 1).await;
    // The next item is there only once the guard is settled: whichever of the two is first ends this.
    let early = tokio::select! {
        biased;
        item = client.news() => Some(item),
        () = tokio::time::sleep(std::time::Duration::from_millis(200)) => None,
    };
    assert!(early.is_none(), "{early:?} came before the fetch was done");
    resync.done();
    assert_eq!(said(&mut client).await, "held");
}

#[tokio::test]
async fn a_guard_that_is_dropped_brings_the_gap_again() {
    let server = Server::start().await;
    let mut client = client::<Event>(server.url()).header("x-user", "42").connect().await.expect("a client");
    let (_, resync) = client.gap().await;
    server.hub.send(Audience::everyone(), &Event::said("held")).await.expect("sent");
    server.until(|hub| hub.metrics().deliveries == 1).await;
    drop(resync);
    let (mut held, mut again) = (false, false);
    while !(held && again) {
        match client.item().await {
            Some(Item::Event { .. }) => held = true,
            Some(Item::Gap { reason, resync }) => {
                assert_eq!(reason, ResyncReason::Initial);
                again = true;
                resync.done();
            }
            Some(Item::State(_)) => {}
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn a_guard_is_released_when_too_much_waits_for_it() {
    let server = Server::start().await;
    let mut client = client::<Event>(server.url()).header("x-user", "42").connect().await.expect("a client");
    let (_, mut resync) = client.gap().await;
    let batch = (0..1_001).map(|n| (Audience::everyone(), Event::said(n.to_string())));
    server.hub.send_all(batch).await.expect("sent");
    tokio::time::timeout(crate::support::PATIENCE, resync.released()).await.expect("released");
    let Item::Error(error) = client.news().await else { panic!("no error") };
    assert_eq!(error.code(), "hold_overflow");
    for n in 0..1_001 {
        assert_eq!(said(&mut client).await, n.to_string());
    }
    let (reason, resync) = client.gap().await;
    assert_eq!(reason, ResyncReason::Initial);
    resync.done();
}
