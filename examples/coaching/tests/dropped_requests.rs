//! A request that is dropped half-way leaves no change that nobody was told of, and no word of one that is none.

#[macro_use]
mod support;

use std::{collections::BTreeSet, time::Duration};

use serde_json::{Value, json};
use support::{On, PATIENCE, Server, Stream, User, send_and_drop};
use tokio::time::timeout;

on_both! {
    what_a_dropped_request_committed_is_sent_and_nothing_else,
}

async fn what_a_dropped_request_committed_is_sent_and_nothing_else(on: On) {
    let server = Server::on(on).await;
    let (coach, coachee) = (server.log_in("coach").await, server.log_in("coachee").await);
    let session = coach.place().await.session;
    let mut stream = coachee.stream().await;
    for number in 0..50 {
        let body = json!({ "coaching_session_id": session, "body": format!("{number}"), "status": "OnHold" });
        // At different places: before it is read, while it waits for its turn, while it writes.
        send_and_drop(&coach, "POST", "/actions", &body.to_string(), Duration::from_micros(200 * number))
            .await;
    }
    let mut sent = BTreeSet::new();
    let settled = async {
        loop {
            let marker = coach.action(&session, "marker").await;
            sent.append(&mut up_to(&mut stream, &marker["id"]).await);
            let stored = stored(&coach, &session).await;
            assert!(sent.is_subset(&stored), "nobody hears of what is not there");
            // The dropped ones may still be at work.
            if sent == stored {
                return;
            }
        }
    };
    timeout(PATIENCE, settled).await.expect("what is there is told");
}

/// The actions on hold that a stream says before another.
async fn up_to(stream: &mut Stream, marker: &Value) -> BTreeSet<String> {
    let mut said = BTreeSet::new();
    loop {
        let event = stream.event().await;
        let action = &event["data"]["action"];
        if action["id"] == *marker {
            return said;
        }
        said.extend(on_hold(action));
    }
}

async fn stored(coach: &User, session: &str) -> BTreeSet<String> {
    let listed = coach.get(&format!("/actions?coaching_session_id={session}")).await.data();
    listed.as_array().expect("a list").iter().filter_map(on_hold).collect()
}

fn on_hold(action: &Value) -> Option<String> {
    (action["status"] == "OnHold").then(|| action["id"].as_str().expect("an id").to_owned())
}
