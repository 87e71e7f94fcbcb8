//! A reader that does not read.

use std::time::Duration;

use tidings_server::{Audience, Config};

use crate::support::{Event, Reading, Server, client, config, said};

const EVENTS: usize = 1_500;
const EVENT_BYTES: usize = 20_000;

#[tokio::test]
async fn a_reader_that_stops_makes_the_client_stop_and_loses_nothing() {
    let config = Config { write_stall: Duration::from_millis(300), ..config() };
    let server = Server::<Event>::with(config, "127.0.0.1:0").await;
    let mut client =
        client::<Event>(server.url()).header("x-user", "42").buffer(4).connect().await.expect("a client");
    client.begin().await;
    for n in 0..EVENTS {
        let text = format!("{n} {}", "x".repeat(EVENT_BYTES));
        server.hub.send(Audience::everyone(), &Event::said(text)).await.expect("sent");
    }
    // The server is the witness: nobody reads what it writes.
    server.until(|hub| hub.metrics().stalls_cut > 0).await;
    let taken = server.hub.metrics().delivered_bytes;
    assert!(taken < (EVENTS * EVENT_BYTES / 2) as u64, "{taken} bytes went into the client's buffers");
    for n in 0..EVENTS {
        let text = said(&mut client).await;
        assert!(text.starts_with(&format!("{n} ")), "{} instead of {n}", &text[..8]);
    }
}
