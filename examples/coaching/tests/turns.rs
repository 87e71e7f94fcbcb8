//! Changes of one thing take turns: each is based on what the one before has committed, and told in that order.

#[macro_use]
mod support;

use serde_json::{Value, json};
use support::{On, Server, User};

on_both! {
    of_changes_that_are_based_on_the_same_one_is_made,
    changes_of_one_thing_are_told_in_the_order_of_their_commits,
}

/// At once, half of them each; the statuses of the answers.
async fn all_at_once(users: [&User; 2], path: &str, bodies: [Vec<Value>; 2]) -> Vec<u16> {
    let mut sends = tokio::task::JoinSet::new();
    for (user, bodies) in users.into_iter().zip(bodies) {
        for body in bodies {
            let (user, path) = (user.clone(), path.to_owned());
            sends.spawn(async move { user.send("PUT", &path, body).await.status });
        }
    }
    sends.join_all().await
}

async fn of_changes_that_are_based_on_the_same_one_is_made(on: On) {
    let server = Server::on(on).await;
    let (coach, coachee) = (server.log_in("coach").await, server.log_in("coachee").await);
    let session = coach.place().await.session;
    for round in 0..5 {
        let action = coach.action(&session, "first").await;
        let path = format!("/actions/{}", action["id"].as_str().expect("an id"));
        let bodies = ["coach", "coachee"].map(|who| {
            let body = |number| {
                json!({
                    "coaching_session_id": session, "body": format!("{who} {number}"), "status": "OnHold",
                    "updated_at": action["updated_at"],
                })
            };
            (0..4).map(body).collect()
        });
        let mut statuses = all_at_once([&coach, &coachee], &path, bodies).await;
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 409, 409, 409, 409, 409, 409, 409], "round {round}");
    }
}

async fn changes_of_one_thing_are_told_in_the_order_of_their_commits(on: On) {
    let server = Server::on(on).await;
    let (coach, coachee) = (server.log_in("coach").await, server.log_in("coachee").await);
    let session = coach.place().await.session;
    let mut stream = coach.stream().await;
    let action = coach.action(&session, "first").await;
    let path = format!("/actions/{}", action["id"].as_str().expect("an id"));
    let bodies = ["coach", "coachee"].map(|who| {
        let body = |number| {
            json!({ "coaching_session_id": session, "body": format!("{who} {number}"), "status": "OnHold" })
        };
        (0..20).map(body).collect()
    });
    let statuses = all_at_once([&coach, &coachee], &path, bodies).await;
    assert_eq!(statuses, [200; 40]);
    let stored = coach.get(&format!("/actions?coaching_session_id={session}")).await.data();
    let mut told = Vec::new();
    for _ in 0..=40 {
        told.push(stream.event().await["data"]["action"].clone());
    }
    let versions: Vec<_> = told.iter().map(|action| action["updated_at"].as_str().expect("a time")).collect();
    assert!(versions.is_sorted(), "{versions:?}");
    assert!(stored.as_array().expect("a list").contains(&told[40]), "the last that is told is what is there");
}
