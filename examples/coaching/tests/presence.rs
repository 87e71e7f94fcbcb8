//! People see those they work with come and go.

#[macro_use]
mod support;

use std::time::Duration;

use serde_json::{Value, json};
use support::{On, Server, Stream, User};
use tidings_server::Config;

on_both! {
    a_partner_who_comes_and_goes_is_seen_to,
}

async fn a_partner_who_comes_and_goes_is_seen_to(on: On) {
    let config = Config { leave_grace: Duration::from_millis(50), ..Config::default() };
    let server = Server::with(on, config).await;
    let (coach, coachee) = (server.log_in("coach").await, server.log_in("coachee").await);
    let mut of_coach = coach.stream().await;
    assert_eq!(there(&coach, &coachee).await, "offline");

    let of_coachee = coachee.stream().await;
    assert_eq!(seen(&mut of_coach).await, json!({ "user_id": coachee.id, "presence": "online" }));
    assert_eq!(there(&coach, &coachee).await, "online");
    assert_eq!(there(&coachee, &coach).await, "online");

    drop(of_coachee);
    let mut last = seen(&mut of_coach).await;
    if last["presence"] == "reconnecting" {
        last = seen(&mut of_coach).await;
    }
    assert_eq!(last, json!({ "user_id": coachee.id, "presence": "offline" }));
    assert_eq!(there(&coach, &coachee).await, "offline");
}

async fn seen(stream: &mut Stream) -> Value {
    let event = stream.any_event().await;
    assert_eq!(event["type"], "presence_changed");
    event["data"].clone()
}

async fn there(who_asks: &User, about: &User) -> Value {
    let relationship = who_asks.place().await.relationship;
    let list = who_asks.get(&format!("/presence?coaching_relationship_id={relationship}")).await.data();
    let list = list.as_array().expect("a list");
    assert_eq!(list.len(), 2);
    list.iter().find(|there| there["user_id"] == about.id.as_str()).expect("listed")["presence"].clone()
}
