//! What comes out of a stream.

use tidings_client::{Item, State, protocol::RawEvent};
use tidings_server::{Audience, protocol::Contract};

use crate::support::{Event, Reading, Server, client, said};

#[tokio::test]
async fn an_event_arrives_typed_with_what_is_known_about_it() {
    let server = Server::start().await;
    let mut client = client::<Event>(server.url()).header("x-user", "42").connect().await.expect("a client");
    client.begin().await;
    let sent = server.hub.send(Audience::user("42"), &Event::said("hello")).await.expect("sent");
    let Item::Event { data, meta } = client.news().await else { panic!("no event") };
    assert_eq!(data, Event::said("hello"));
    assert_eq!((meta.id, meta.replayed), (Some(sent.id), false));
    assert!(meta.sent.at.is_some() && meta.received_at.as_millis() > 0);
}

#[tokio::test]
async fn states_are_items_and_can_be_watched() {
    let server = Server::start().await;
    let mut client = client::<Event>(server.url()).header("x-user", "42").connect().await.expect("a client");
    let mut states = client.states();
    let Some(Item::State(State::Connecting { .. })) = client.item().await else { panic!("not connecting") };
    states.wait_for(|state| matches!(state, State::Online { .. })).await.expect("it runs");
    assert!(matches!(client.state(), State::Online { resumed: false, .. }));
    client.begin().await;
    let _ = server.hub.send(Audience::everyone(), &Event::said("x")).await;
    assert_eq!(said(&mut client).await, "x");
}

#[tokio::test]
async fn a_name_that_the_contract_does_not_know_is_given_as_json() {
    let server = Server::<RawEvent>::with(crate::support::config(), "127.0.0.1:0").await;
    let mut client = client::<Event>(server.url()).header("x-user", "42").connect().await.expect("a client");
    client.begin().await;
    for (name, data) in
        [("later", r#"{"n":1.50}"#), ("said", r#"{"nothing":1}"#), ("said", r#"{"text":"x"}"#)]
    {
        let event = RawEvent::new(name, data).expect("JSON");
        server.hub.send(Audience::everyone(), &event).await.expect("sent");
    }
    let Item::Unknown { name, json, meta } = client.news().await else { panic!("not unknown") };
    assert!(name == "later" && json.starts_with(r#"{"type":"later","data":{"n":1.50},"meta":"#), "{json}");
    assert!(meta.sent.at.is_some());
    let Item::Error(error) = client.news().await else { panic!("no error") };
    assert_eq!(error.code(), "payload_mismatch");
    assert_eq!(said(&mut client).await, "x");
}

#[tokio::test]
async fn a_raw_contract_takes_every_name() {
    let server = Server::start().await;
    let mut client =
        client::<RawEvent>(server.url()).header("x-user", "42").connect().await.expect("a client");
    let Item::NewerContract { revision: 7 } = client.news().await else { panic!("revision 7 is newer") };
    client.begin().await;
    server.hub.send(Audience::everyone(), &Event::said("x")).await.expect("sent");
    let Item::Event { data, .. } = client.news().await else { panic!("no event") };
    assert_eq!((data.name(), data.data()), ("said", r#"{"text":"x"}"#));
}

#[tokio::test]
async fn only_the_groups_that_were_asked_for_are_read() {
    let server = Server::start().await;
    let mut client = client::<Event>(server.url())
        .header("x-user", "42")
        .groups(["staff"])
        .connect()
        .await
        .expect("a client");
    client.begin().await;
    for (group, text) in [("board", "not this"), ("staff", "this")] {
        server.hub.send(Audience::group(group), &Event::said(text)).await.expect("sent");
    }
    assert_eq!(said(&mut client).await, "this");
}
