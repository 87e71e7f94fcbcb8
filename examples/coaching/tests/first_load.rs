//! What happens between a page's load and its stream is not lost.

#[macro_use]
mod support;

use serde_json::Value;
use sqlx::{Connection, SqliteConnection, sqlite::SqliteConnectOptions};
use support::{On, Place, Server, User};

on_both! {
    an_event_between_the_load_and_the_stream_is_replayed,
    no_cursor_covers_an_event_whose_change_the_data_lacks,
    every_get_that_feeds_a_page_carries_the_cursor_and_no_change_does,
    a_head_carries_what_its_get_would_and_a_refusal_no_place_in_the_order,
}

async fn an_event_between_the_load_and_the_stream_is_replayed(on: On) {
    let server = Server::on(on).await;
    let (coach, coachee) = (server.log_in("coach").await, server.log_in("coachee").await);
    let session = coach.place().await.session;
    let page = coachee.get(&format!("/actions?coaching_session_id={session}")).await;
    let cursor = page.header("tidings-cursor").expect("a cursor").to_owned();

    let action = coach.action(&session, "in between").await;
    assert!(!page.data().as_array().expect("a list").contains(&action));

    let mut stream = coachee.stream_from(Some(&cursor)).await;
    assert_eq!(stream.event().await["data"]["action"], action);
}

async fn no_cursor_covers_an_event_whose_change_the_data_lacks(on: On) {
    const CHANGES: usize = 60;
    let server = Server::on(on).await;
    let (coach, coachee) = (server.log_in("coach").await, server.log_in("coachee").await);
    let session = coach.place().await.session;
    let mut stream = coachee.stream().await;
    let changes = async {
        for number in 0..CHANGES {
            coach.action(&session, &format!("change {number}")).await;
        }
    };
    let loads = async {
        let (mut loads, mut seen) = (Vec::new(), 0);
        while seen < CHANGES {
            let page = coachee.get(&format!("/actions?coaching_session_id={session}")).await;
            seen = page.body.matches("\"change ").count();
            loads.push((page.header("tidings-cursor").map(sequence), page.body));
        }
        loads
    };
    let ((), loads) = tokio::join!(changes, loads);
    for _ in 0..CHANGES {
        let event = stream.event().await;
        let (id, at) = (event["data"]["action"]["id"].as_str().expect("an id"), sequence(stream.cursor()));
        for (cursor, body) in &loads {
            let is_covered = cursor.expect("a cursor") >= at;
            assert!(!is_covered || body.contains(id), "{event} is covered by {cursor:?}");
        }
    }
}

fn sequence(cursor: &str) -> u64 {
    cursor.rsplit_once('-').and_then(|(_, sequence)| sequence.parse().ok()).expect("an id")
}

#[tokio::test]
async fn data_that_is_ahead_of_its_cursor_is_told_once_more() {
    let server = Server::start().await;
    let (coach, coachee) = (server.log_in("coach").await, server.log_in("coachee").await);
    let session = coach.place().await.session;
    let options = SqliteConnectOptions::new().filename(server.database());
    let mut db = SqliteConnection::connect_with(&options).await.expect("the database");
    // While this stands, no event gets its place: what is committed waits.
    let held = "CREATE TRIGGER held BEFORE DELETE ON tidings_outbox BEGIN SELECT RAISE(ABORT, 'held'); END";
    sqlx::raw_sql(held).execute(&mut db).await.expect("held");
    let action = coach.action(&session, "ahead").await;
    let page = coachee.get(&format!("/actions?coaching_session_id={session}")).await;
    assert!(page.data().as_array().expect("a list").contains(&action));
    sqlx::raw_sql("DROP TRIGGER held").execute(&mut db).await.expect("let go");
    let mut stream = coachee.stream_from(page.header("tidings-cursor")).await;
    assert_eq!(stream.event().await["data"]["action"], action);
}

async fn every_get_that_feeds_a_page_carries_the_cursor_and_no_change_does(on: On) {
    let server = Server::on(on).await;
    let coach = server.log_in("coach").await;
    let Place { relationship, session } = coach.place().await;
    let organization = coach.get(&format!("/users/{}/organizations", coach.id)).await.data()[0]["id"].clone();
    let organization = organization.as_str().expect("an id");
    for path in [
        "/users/me".to_owned(),
        format!("/users/{}/organizations", coach.id),
        format!("/organizations/{organization}/users"),
        format!("/organizations/{organization}/coaching_relationships"),
        format!(
            "/coaching_sessions?coaching_relationship_id={relationship}&from_date=2000-01-01&to_date=2100-01-01"
        ),
        format!("/coaching_sessions/{session}"),
        format!("/coaching_sessions/{session}/topics"),
        format!("/coaching_sessions/{session}/goals"),
        format!("/actions?coaching_session_id={session}"),
        format!("/agreements?coaching_session_id={session}"),
        format!("/notes?coaching_session_id={session}"),
        format!("/goals?coaching_relationship_id={relationship}"),
        format!("/presence?coaching_relationship_id={relationship}"),
    ] {
        let reply = coach.get(&path).await;
        assert!(reply.header("tidings-cursor").is_some(), "{path}: {reply:?}");
        let data = reply.data();
        assert!(data.as_array().is_none_or(|list| !list.is_empty()), "{path} is seeded");
    }
    let reply = coach.send("DELETE", "/delete", Value::Null).await;
    assert_eq!(reply.header("tidings-cursor"), None);
}

async fn a_head_carries_what_its_get_would_and_a_refusal_no_place_in_the_order(on: On) {
    let server = Server::on(on).await;
    let coach = server.log_in("coach").await;
    let reply = coach.send("HEAD", "/users/me", Value::Null).await;
    assert_eq!((reply.status, reply.body.as_str()), (200, ""));
    assert!(reply.header("tidings-cursor").is_some(), "{reply:?}");
    let stranger = User { cookie: String::new(), ..coach.clone() };
    for (user, path, status) in [(&stranger, "/users/me", 401), (&coach, "/goals", 422)] {
        let reply = user.get(path).await;
        assert_eq!((reply.status, reply.header("tidings-cursor")), (status, None), "{path}");
    }
}
