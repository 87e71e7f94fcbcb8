//! Positions that outlive a client.

use std::{
    io,
    sync::{Arc, Mutex},
};

use tidings_client::{Client, CursorFile, CursorStore, Error, EventId, Item, State};
use tidings_server::{Audience, Config};

use crate::support::{Event, PATIENCE, Reading, Server, client, config, said};

#[derive(Clone, Default)]
struct Kept {
    saved: Arc<Mutex<Vec<EventId>>>,
    broken: bool,
}

impl CursorStore for Kept {
    async fn load(&self) -> io::Result<Option<EventId>> {
        Ok(self.saved.lock().expect("no panic").last().cloned())
    }

    async fn save(&self, cursor: &EventId) -> io::Result<()> {
        if self.broken {
            return Err(io::Error::other("disk full"));
        }
        self.saved.lock().expect("no panic").push(cursor.clone());
        Ok(())
    }
}

async fn connect(server: &Server, store: impl CursorStore) -> Client<Event> {
    client::<Event>(server.url())
        .header("x-user", "42")
        .cursor_store(store)
        .connect()
        .await
        .expect("a client")
}

async fn send(server: &Server, texts: &[&str]) {
    for text in texts {
        server.hub.send(Audience::everyone(), &Event::said(*text)).await.expect("sent");
    }
}

#[tokio::test]
async fn what_was_being_handled_at_a_crash_comes_again_and_nothing_else() {
    let server = Server::start().await;
    let kept = Kept::default();
    let mut before = connect(&server, kept.clone()).await;
    before.begin().await;
    send(&server, &["1", "2", "3"]).await;
    assert_eq!([said(&mut before).await, said(&mut before).await], ["1", "2"]);
    drop(before);

    let mut after = connect(&server, kept).await;
    assert_eq!([said(&mut after).await, said(&mut after).await], ["2", "3"]);
    assert!(matches!(after.state(), State::Online { resumed: true, .. }));
}

#[tokio::test]
async fn a_client_that_is_closed_has_handled_what_it_was_given() {
    let server = Server::start().await;
    let file = std::env::temp_dir().join(format!("tidings-cursor-{}", std::process::id()));
    let mut before = connect(&server, CursorFile::new(&file)).await;
    before.begin().await;
    send(&server, &["1", "2", "3"]).await;
    assert_eq!([said(&mut before).await, said(&mut before).await], ["1", "2"]);
    before.close().await.expect("saved");

    let mut after = connect(&server, CursorFile::new(&file)).await;
    assert_eq!(said(&mut after).await, "3");
    after.close().await.expect("saved");
    std::fs::remove_file(file).expect("it was written");
}

#[tokio::test]
async fn nothing_is_kept_between_a_gap_and_its_fetch() {
    let server = Server::start().await;
    let kept = Kept::default();
    let mut client = connect(&server, kept.clone()).await;
    let (_, resync) = client.gap().await;
    send(&server, &["1", "2"]).await;
    server.until(|hub| hub.metrics().deliveries == 2).await;
    resync.failed();
    assert_eq!([said(&mut client).await, said(&mut client).await], ["1", "2"]);
    let (_, resync) = client.gap().await;
    assert_eq!(*kept.saved.lock().expect("no panic"), [], "a crash here must meet the gap again");
    resync.done();
    send(&server, &["3", "4"]).await;
    assert_eq!([said(&mut client).await, said(&mut client).await], ["3", "4"]);
    assert!(!kept.saved.lock().expect("no panic").is_empty());
}

#[tokio::test]
async fn the_position_moves_while_nothing_is_for_this_reader() {
    let heartbeat = std::time::Duration::from_millis(20);
    let server = Server::<Event>::with(Config { heartbeat, ..config() }, "127.0.0.1:0").await;
    let kept = Kept::default();
    let mut client = connect(&server, kept.clone()).await;
    client.begin().await;
    let sent = server.hub.send(Audience::user("another"), &Event::said("not for 42")).await.expect("sent");
    let moved = async {
        loop {
            tokio::select! {
                item = client.next() => assert!(matches!(item, Some(Item::State(_))), "{item:?}"),
                () = tokio::time::sleep(heartbeat) => {}
            }
            if kept.saved.lock().expect("no panic").last() == Some(&sent.id) {
                return;
            }
        }
    };
    tokio::time::timeout(PATIENCE, moved).await.expect("a heartbeat brings the position");
}

#[tokio::test]
async fn a_position_that_cannot_be_saved_is_said_and_the_stream_goes_on() {
    let server = Server::start().await;
    let mut client = connect(&server, Kept { broken: true, ..Kept::default() }).await;
    client.begin().await;
    send(&server, &["1", "2"]).await;
    let (mut texts, mut errors) = (Vec::new(), 0);
    while texts.len() < 2 || errors < 2 {
        match client.item().await {
            Some(Item::Event { data: Event::Said { text }, .. }) => {
                texts.push(text);
                if texts.len() == 2 {
                    // Asks for more, so that the second is saved too.
                    send(&server, &["3"]).await;
                }
            }
            Some(Item::Error(Error::Cursor(error))) => {
                assert_eq!(error.to_string(), "disk full");
                errors += 1;
            }
            Some(Item::State(_)) => {}
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(texts[..2], ["1", "2"]);
}

#[tokio::test]
async fn a_position_that_cannot_be_read_starts_nothing() {
    let server = Server::start().await;
    let file = std::env::temp_dir().join(format!("tidings-cursor-bad-{}", std::process::id()));
    std::fs::write(&file, "no event id\n").expect("a file");
    let builder = client::<Event>(server.url()).cursor_store(CursorFile::new(&file));
    let error = builder.connect().await.expect_err("refused");
    assert!(error.to_string().contains("position"), "{error}");
    std::fs::remove_file(file).expect("it was written");
}
