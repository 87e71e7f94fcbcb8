//! A request that is dropped half-way leaves no change that nobody was told of.

mod support;

use std::collections::BTreeSet;

use serde_json::json;
use support::{Server, send_and_drop};

#[tokio::test]
async fn what_a_dropped_request_committed_is_always_sent() {
    let server = Server::start().await;
    let (coach, coachee) = (server.log_in("coach").await, server.log_in("coachee").await);
    let session = coach.place().await.session;
    let mut stream = coachee.stream().await;
    for number in 0..50 {
        let body = json!({ "coaching_session_id": session, "body": format!("{number}"), "status": "OnHold" });
        send_and_drop(&coach, "POST", "/actions", &body.to_string()).await;
    }
    // Changes take turns, and turns are taken in order: when this one is answered, those before it are done.
    coach.action(&session, "last").await;
    let mut sent = BTreeSet::new();
    loop {
        let event = stream.event().await;
        let action = &event["data"]["action"];
        if action["body"] == "last" {
            break;
        }
        sent.insert(action["id"].as_str().expect("an id").to_owned());
    }
    let listed = coach.get(&format!("/actions?coaching_session_id={session}")).await.data();
    let stored: BTreeSet<_> = listed
        .as_array()
        .expect("a list")
        .iter()
        .filter(|action| action["status"] == "OnHold")
        .map(|action| action["id"].as_str().expect("an id").to_owned())
        .collect();
    assert_eq!(sent, stored);
}
