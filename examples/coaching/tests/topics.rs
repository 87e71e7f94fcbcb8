//! A change of a topic that is based on what is gone is refused, whichever part of it changes.

#[macro_use]
mod support;

use serde_json::{Value, json};
use support::{On, Server};

on_both! {
    a_stale_word_rating_or_status_of_a_topic_is_409,
}

async fn a_stale_word_rating_or_status_of_a_topic_is_409(on: On) {
    let server = Server::on(on).await;
    let coachee = server.log_in("coachee").await;
    let topics = format!("/coaching_sessions/{}/topics", coachee.place().await.session);
    let first = coachee.send("POST", &topics, json!({ "body": "Trust" })).await.data();
    let at = format!("{topics}/{}", first["id"].as_str().expect("an id"));
    let mut current = coachee.send("PUT", &at, json!({ "body": "Trust and time" })).await.data();
    for (method, path, body) in [
        ("PUT", at.clone(), json!({ "body": "x" })),
        ("PATCH", format!("{at}/rating"), json!({ "priority": "High" })),
        ("PATCH", format!("{at}/status"), json!({ "status": "Discussed" })),
    ] {
        for (based_on, status) in [(&first, 409), (&current.clone(), 200), (&Value::Null, 200)] {
            let mut body = body.clone();
            body["updated_at"] = based_on["updated_at"].clone();
            let reply = coachee.send(method, &path, body).await;
            assert_eq!(reply.status, status, "{method} {path}: {reply:?}");
            match status {
                409 => assert_eq!(reply.json()["error"]["current"], current, "{path}"),
                _ => current = reply.data(),
            }
        }
    }
}
