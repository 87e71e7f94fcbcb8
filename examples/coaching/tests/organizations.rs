//! Nothing reaches from one organization into another, not even an admin's hand.

mod support;

use serde_json::{Value, json};
use sqlx::{Connection, Row, SqliteConnection, sqlite::SqliteConnectOptions};
use support::{Server, User};

const ORGANIZATION: &str = "00000000-0000-4000-8000-00000000000a";
const COACH: &str = "00000000-0000-4000-8000-00000000000b";
const COACHEE: &str = "00000000-0000-4000-8000-00000000000c";
const RELATIONSHIP: &str = "00000000-0000-4000-8000-00000000000d";
const SESSION: &str = "00000000-0000-4000-8000-00000000000e";
const THING: &str = "00000000-0000-4000-8000-00000000000f";
const NOW: &str = "2026-01-01T00:00:00.000Z";

/// Another organization in the same database, with a pair of its own and one thing of each kind.
async fn elsewhere(server: &Server) -> SqliteConnection {
    let options = SqliteConnectOptions::new().filename(server.database());
    let mut db = SqliteConnection::connect_with(&options).await.expect("the database");
    let rows = format!(
        "INSERT INTO organizations VALUES ('{ORGANIZATION}', 'Elsewhere');
         INSERT INTO users VALUES ('{COACH}', 'A', 'B', 'a@example.org', 'coach', ''),
             ('{COACHEE}', 'C', 'D', 'c@example.org', 'coachee', '');
         INSERT INTO members VALUES ('{ORGANIZATION}', '{COACH}'), ('{ORGANIZATION}', '{COACHEE}');
         INSERT INTO coaching_relationships VALUES ('{RELATIONSHIP}', '{ORGANIZATION}', '{COACH}', '{COACHEE}', NULL);
         INSERT INTO coaching_sessions VALUES ('{SESSION}', '{RELATIONSHIP}', '{NOW}', 'secret', '{NOW}', '{NOW}');
         INSERT INTO goals (id, coaching_relationship_id, user_id, title, status, created_at, updated_at)
             VALUES ('{THING}', '{RELATIONSHIP}', '{COACH}', 'secret', 'OnHold', '{NOW}', '{NOW}');
         INSERT INTO actions (id, coaching_session_id, user_id, body, status, status_changed_at, assignee_ids,
             created_at, updated_at)
             VALUES ('{THING}', '{SESSION}', '{COACH}', 'secret', 'OnHold', '{NOW}', '[]', '{NOW}', '{NOW}');
         INSERT INTO agreements VALUES ('{THING}', '{SESSION}', '{COACH}', 'secret', '{NOW}', '{NOW}');
         INSERT INTO notes VALUES ('{THING}', '{SESSION}', '{COACH}', 'secret', '{NOW}', '{NOW}');
         INSERT INTO topics VALUES ('{THING}', '{SESSION}', '{COACH}', 'secret', NULL, 'Open', '{NOW}', '{NOW}');"
    );
    sqlx::raw_sql(&rows).execute(&mut db).await.expect("another organization");
    db
}

#[tokio::test]
async fn what_belongs_to_another_organization_is_neither_shown_nor_changed() {
    let server = Server::start().await;
    let (coach, admin) = (server.log_in("coach").await, server.log_in("admin").await);
    let own = coach.place().await.session;
    elsewhere(&server).await;
    let draft = json!({
        "coaching_session_id": SESSION, "coaching_relationship_id": RELATIONSHIP, "title": "x", "body": "x",
        "status": "OnHold", "date": "2030-01-01", "priority": "High", "updated_at": "2020-01-01",
        "coach_id": COACH, "coachee_id": COACHEE,
    });
    for user in [&coach, &admin] {
        for (method, path) in [
            ("GET", format!("/users/{COACH}/organizations")),
            ("GET", format!("/organizations/{ORGANIZATION}/users")),
            ("GET", format!("/organizations/{ORGANIZATION}/coaching_relationships")),
            ("POST", format!("/organizations/{ORGANIZATION}/coaching_relationships")),
            ("GET", format!("/coaching_sessions?coaching_relationship_id={RELATIONSHIP}")),
            ("POST", "/coaching_sessions".into()),
            ("GET", format!("/coaching_sessions/{SESSION}")),
            ("PATCH", format!("/coaching_sessions/{SESSION}/title")),
            ("GET", format!("/actions?coaching_session_id={SESSION}")),
            ("POST", "/actions".into()),
            ("PUT", format!("/actions/{THING}")),
            ("DELETE", format!("/actions/{THING}")),
            ("GET", format!("/agreements?coaching_session_id={SESSION}")),
            ("POST", "/agreements".into()),
            ("PUT", format!("/agreements/{THING}")),
            ("DELETE", format!("/agreements/{THING}")),
            ("GET", format!("/notes?coaching_session_id={SESSION}")),
            ("POST", "/notes".into()),
            ("PUT", format!("/notes/{THING}")),
            ("GET", format!("/goals?coaching_relationship_id={RELATIONSHIP}")),
            ("POST", "/goals".into()),
            ("PUT", format!("/goals/{THING}")),
            ("DELETE", format!("/goals/{THING}")),
            ("GET", format!("/coaching_sessions/{SESSION}/goals")),
            ("POST", format!("/coaching_sessions/{SESSION}/goals/{THING}")),
            ("POST", format!("/coaching_sessions/{own}/goals/{THING}")),
            ("GET", format!("/coaching_sessions/{SESSION}/topics")),
            ("POST", format!("/coaching_sessions/{SESSION}/topics")),
            ("PUT", format!("/coaching_sessions/{SESSION}/topics/{THING}")),
            ("DELETE", format!("/coaching_sessions/{SESSION}/topics/{THING}")),
            ("PATCH", format!("/coaching_sessions/{SESSION}/topics/{THING}/rating")),
            ("PATCH", format!("/coaching_sessions/{SESSION}/topics/{THING}/status")),
            ("GET", format!("/presence?coaching_relationship_id={RELATIONSHIP}")),
            ("POST", format!("/admin/force_logout/{COACH}")),
        ] {
            let mut body = if method == "GET" { Value::Null } else { draft.clone() };
            if path.ends_with("/status") {
                body["status"] = json!("Open");
            }
            let reply = user.send(method, &path, body).await;
            assert_eq!(reply.status, 403, "{method} {path}: {reply:?}");
            assert!(!reply.body.contains("secret"), "{method} {path}: {reply:?}");
        }
    }
}

#[tokio::test]
async fn an_admin_ends_no_relationship_of_another_organization() {
    let server = Server::start().await;
    let admin = server.log_in("admin").await;
    let mut db = elsewhere(&server).await;
    let path = format!("/admin/coaching_relationships/{RELATIONSHIP}");
    assert_eq!(admin.send("DELETE", &path, Value::Null).await.status, 403);
    let row = sqlx::query("SELECT ended_at FROM coaching_relationships WHERE id = ?")
        .bind(RELATIONSHIP)
        .fetch_one(&mut db)
        .await
        .expect("the relationship");
    assert_eq!(row.get::<Option<String>, _>("ended_at"), None, "it goes on");
}

#[tokio::test]
async fn an_admin_addresses_nobody_of_another_organization_but_with_everyone() {
    let server = Server::start().await;
    let (coach, admin) = (server.log_in("coach").await, server.log_in("admin").await);
    elsewhere(&server).await;
    let recording =
        json!({ "type": "meeting_recording_updated", "data": { "coaching_session_id": SESSION } });
    let word = json!({ "type": "system_announcement", "data": { "message": "Hi", "severity": "info" } });
    for (event, audience, status) in [
        (&recording, Value::Null, 403),
        (&word, json!({ "coaching_session": SESSION }), 403),
        (&word, json!({ "coaching_relationship": RELATIONSHIP }), 403),
        (&word, json!({ "user": COACH }), 403),
        (&word, json!({ "users": [coach.id, COACH] }), 403),
        (&word, json!({ "users": [coach.id, admin.id] }), 200),
        (&word, json!({ "user": coach.id }), 200),
        (&word, json!("everyone"), 200),
    ] {
        assert_eq!(publish(&admin, event, &audience).await.0, status, "{audience}");
    }
}

#[tokio::test]
async fn an_audience_of_nobody_or_of_too_many_is_named_as_the_fault() {
    let server = Server::start().await;
    let admin = server.log_in("admin").await;
    let word = json!({ "type": "system_announcement", "data": { "message": "Hi", "severity": "info" } });
    let many: Vec<_> = (0..1_001).map(|n| format!("00000000-0000-4000-8000-{n:012}")).collect();
    for users in [Vec::new(), many] {
        let (status, body) = publish(&admin, &word, &json!({ "users": users })).await;
        assert_eq!((status, &body["error"]["field"]), (422, &json!("audience")), "{body}");
    }
}

async fn publish(admin: &User, event: &Value, audience: &Value) -> (u16, Value) {
    let reply = admin.send("POST", "/admin/events", json!({ "event": event, "audience": audience })).await;
    (reply.status, reply.json())
}
