//! Every change reaches the coach's and the coachee's streams, in the shape that every language agreed on.

#[macro_use]
mod support;

use std::collections::BTreeSet;

use protocol::Contract;
use serde_json::{Value, json};
use support::{On, Place, Server, Stream, User};
use tidings_bindings::Event;
use tidings_server::Config;

on_both! {
    every_change_reaches_both_streams_in_the_agreed_shape,
    taking_up_a_goal_twice_is_told_once,
    actions_that_lose_their_goal_are_told_to_before_it_goes,
    a_change_too_large_to_be_told_is_refused_and_not_made,
}

const ORIGIN: &str = "tab-1";

/// A coach who acts, and what both hear of it.
struct Both {
    coach: User,
    coachee: User,
    admin: User,
    place: Place,
    streams: [Stream; 2],
    heard: BTreeSet<String>,
    requests: u32,
}

impl Both {
    async fn start(server: &Server) -> Self {
        let (coach, coachee) = (server.log_in("coach").await, server.log_in("coachee").await);
        let streams = [coach.stream().await, coachee.stream().await];
        let (admin, place) = (server.log_in("admin").await, coach.place().await);
        Self { coach, coachee, admin, place, streams, heard: BTreeSet::new(), requests: 0 }
    }

    /// Sends a request as somebody; both streams must then say `event`, with the request's ids.
    async fn hears(&mut self, who: &str, request: (&str, String, Value), event: &str) -> (Value, Value) {
        self.requests += 1;
        let correlation = format!("request-{}", self.requests);
        let headers = [("x-correlation-id", correlation.as_str()), ("x-tidings-origin", ORIGIN)];
        let user = match who {
            "coach" => &self.coach,
            "coachee" => &self.coachee,
            _ => &self.admin,
        };
        let (method, path, body) = request;
        let reply = user.send_with(method, &path, body, &headers).await;
        assert!(reply.status < 300, "{method} {path}: {reply:?}");
        let mut heard = Vec::new();
        for stream in &mut self.streams {
            let mut said = stream.event().await;
            assert_eq!(said["type"], event, "{method} {path}");
            let meta = said.as_object_mut().and_then(|said| said.remove("meta")).expect("meta");
            assert_eq!(meta["correlation_id"], correlation.as_str(), "{event}");
            assert_eq!(meta["origin"], ORIGIN, "{event}");
            has_the_agreed_shape(&said, event);
            heard.push(said);
        }
        assert_eq!(heard[0], heard[1], "both hear the same");
        self.heard.insert(event.to_owned());
        let answer = if reply.body.is_empty() { Value::Null } else { reply.data() };
        (answer, heard.remove(0)["data"].take())
    }
}

/// The value has all that the golden file of its event has, and nothing that no golden file of its kind has.
fn has_the_agreed_shape(said: &Value, event: &str) {
    let said_shape = shape(said);
    let missing: Vec<_> = golden(event).difference(&said_shape).cloned().collect();
    assert!(missing.is_empty(), "{event} lacks {missing:?}");
    let whole = &golden(event) | &golden(&event.replace("_updated", "_created"));
    let unknown: Vec<_> = said_shape.difference(&whole).collect();
    assert!(unknown.is_empty(), "{event} has {unknown:?}");
    serde_json::from_value::<Event>(said.clone()).expect("a value of the contract");
}

/// The shape of an event's golden file; empty where there is none.
fn golden(event: &str) -> BTreeSet<String> {
    let file = format!("{}/../../bindings/fixtures/{event}.json", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(file).unwrap_or_else(|_| "{}".into());
    shape(&serde_json::from_str(&text).expect("json"))
}

/// Every path to a value, and what kind of value it is.
fn shape(value: &Value) -> BTreeSet<String> {
    fn walk(value: &Value, path: &str, found: &mut BTreeSet<String>) {
        match value {
            Value::Object(fields) => {
                for (name, value) in fields.iter().filter(|(name, _)| *name != "meta") {
                    walk(value, &format!("{path}.{name}"), found);
                }
            }
            Value::Array(values) => values.iter().for_each(|value| walk(value, &format!("{path}[]"), found)),
            Value::String(_) => drop(found.insert(format!("{path}: text"))),
            Value::Number(_) => drop(found.insert(format!("{path}: number"))),
            Value::Bool(_) => drop(found.insert(format!("{path}: bool"))),
            Value::Null => drop(found.insert(format!("{path}: null"))),
        }
    }
    let mut found = BTreeSet::new();
    walk(value, "", &mut found);
    found
}

fn path_to(kind: &str, entity: &Value) -> String {
    format!("/{kind}/{}", entity["id"].as_str().expect("an id"))
}

async fn every_change_reaches_both_streams_in_the_agreed_shape(on: On) {
    let server = Server::on(on).await;
    let mut both = Both::start(&server).await;

    goals_and_actions(&mut both).await;
    agreements_and_notes(&mut both).await;
    topics_and_titles(&mut both).await;
    what_operators_send(&mut both).await;

    // The rest has a test of its own: refusals, force_logout, presence.
    let elsewhere = ["application_error", "force_logout", "presence_changed"];
    let all: BTreeSet<_> = Event::NAMES.iter().map(ToString::to_string).collect();
    both.heard.extend(elsewhere.map(str::to_owned));
    assert_eq!(both.heard, all);
}

async fn goals_and_actions(both: &mut Both) {
    let Place { relationship, session } = both.place.clone();
    let goal = json!({
        "coaching_relationship_id": relationship, "title": "Rest", "body": "More of it", "status": "Completed",
        "created_in_session_id": session, "target_date": "2027-01-31",
    });
    let (goal, said) = both.hears("coachee", ("POST", "/goals".into(), goal), "goal_created").await;
    assert_eq!(said["goal"], goal, "the answer and the event say the same");
    let update = json!({
        "coaching_relationship_id": relationship, "title": "Rest well", "body": "Much", "status": "Completed",
        "updated_at": goal["updated_at"],
    });
    let (updated, _) = both.hears("coach", ("PUT", path_to("goals", &goal), update), "goal_updated").await;
    assert_eq!(updated["title"], "Rest well");
    assert_eq!(updated["completed_at"], goal["completed_at"], "it was reached when it was reached");
    assert_ne!(updated["updated_at"], goal["updated_at"]);

    let link = format!("/coaching_sessions/{session}{}", path_to("goals", &goal));
    both.hears("coach", ("POST", link.clone(), Value::Null), "coaching_session_goal_created").await;
    let linked = both.coachee.get(&format!("/coaching_sessions/{session}/goals")).await.data();
    assert!(linked.as_array().expect("a list").contains(&goal["id"]));

    let action = json!({
        "coaching_session_id": session, "body": "Sleep", "status": "NotStarted", "goal_id": goal["id"],
        "due_by": "2027-01-01T00:00:00+01:00",
    });
    let (action, said) = both.hears("coach", ("POST", "/actions".into(), action), "action_created").await;
    assert_eq!(said, json!({ "coaching_session_id": session, "action": action }));
    assert_eq!(action["due_by"], "2026-12-31T23:00:00.000Z");
    let update = json!({ "coaching_session_id": session, "body": "Sleep early", "status": "InProgress" });
    let (updated, _) =
        both.hears("coachee", ("PUT", path_to("actions", &action), update), "action_updated").await;
    assert_eq!(updated["goal_id"], goal["id"], "what is left out stays");
    assert_ne!(updated["status_changed_at"], action["status_changed_at"]);
    let (_, said) =
        both.hears("coach", ("DELETE", path_to("actions", &action), Value::Null), "action_deleted").await;
    assert_eq!(said, json!({ "coaching_session_id": session, "action_id": action["id"] }));

    both.hears("coach", ("DELETE", link, Value::Null), "coaching_session_goal_deleted").await;
    both.hears("coachee", ("DELETE", path_to("goals", &goal), Value::Null), "goal_deleted").await;
}

async fn agreements_and_notes(both: &mut Both) {
    let session = both.place.session.clone();
    let draft = |body: &str| json!({ "coaching_session_id": session, "body": body });
    for (kind, name) in [("agreements", "agreement"), ("notes", "note")] {
        let create = ("POST", format!("/{kind}"), draft("first"));
        let (made, said) = both.hears("coach", create, &format!("{name}_created")).await;
        assert_eq!(said[name], made);
        let change = ("PUT", path_to(kind, &made), draft("second"));
        let (changed, said) = both.hears("coachee", change, &format!("{name}_updated")).await;
        assert_eq!(said[name], changed);
        let listed = both.coach.get(&format!("/{kind}?coaching_session_id={session}")).await.data();
        assert!(listed.as_array().expect("a list").contains(&changed), "{listed}");
        if kind == "agreements" {
            let delete = ("DELETE", path_to(kind, &made), Value::Null);
            both.hears("coach", delete, "agreement_deleted").await;
        }
    }
}

async fn topics_and_titles(both: &mut Both) {
    let session = both.place.session.clone();
    let topics = format!("/coaching_sessions/{session}/topics");
    let say = json!({ "body": "Trust" });
    let (topic, said) = both.hears("coach", ("POST", topics.clone(), say), "topics_changed").await;
    assert_eq!(said, json!({ "coaching_session_id": session }));
    let at = format!("{topics}/{}", topic["id"].as_str().expect("an id"));
    both.hears("coachee", ("PUT", at.clone(), json!({ "body": "Trust and time" })), "topics_changed").await;
    let rating = json!({ "priority": "High" });
    both.hears("coachee", ("PATCH", format!("{at}/rating"), rating), "topics_changed").await;
    let status = json!({ "status": "Discussed" });
    let (changed, _) = both.hears("coach", ("PATCH", format!("{at}/status"), status), "topics_changed").await;
    assert_eq!(
        [&changed["body"], &changed["priority"], &changed["status"]],
        ["Trust and time", "High", "Discussed"]
    );
    assert!(both.coach.get(&topics).await.data().as_array().expect("a list").contains(&changed));
    both.hears("coach", ("DELETE", at, Value::Null), "topics_changed").await;

    let title = ("PATCH", format!("/coaching_sessions/{session}/title"), json!({ "title": "Onwards" }));
    both.hears("coach", title, "coaching_session_title_updated").await;
    let read = both.coachee.get(&format!("/coaching_sessions/{session}")).await.data();
    assert_eq!(read["title"], "Onwards");
}

async fn what_operators_send(both: &mut Both) {
    let session = both.place.session.clone();
    for name in ["meeting_recording_updated", "transcription_updated"] {
        let event = json!({ "event": { "type": name, "data": { "coaching_session_id": session } } });
        both.hears("admin", ("POST", "/admin/events".into(), event), name).await;
    }
    let announcement = json!({
        "event": { "type": "system_announcement", "data": { "message": "Back soon", "severity": "warning" } },
        "audience": "everyone",
    });
    both.hears("admin", ("POST", "/admin/events".into(), announcement), "system_announcement").await;
}

async fn taking_up_a_goal_twice_is_told_once(on: On) {
    let server = Server::on(on).await;
    let coach = server.log_in("coach").await;
    let Place { relationship, session } = coach.place().await;
    let draft = json!({ "coaching_relationship_id": relationship, "title": "Rest", "status": "NotStarted" });
    let mut stream = coach.stream().await;
    let goal = coach.send("POST", "/goals", draft).await.data();
    assert_eq!(stream.event().await["type"], "goal_created");
    let link = format!("/coaching_sessions/{session}{}", path_to("goals", &goal));
    for _ in 0..2 {
        assert_eq!(coach.send("POST", &link, Value::Null).await.status, 201);
    }
    coach.action(&session, "after").await;
    assert_eq!(stream.event().await["type"], "coaching_session_goal_created");
    assert_eq!(stream.event().await["type"], "action_created");
}

async fn actions_that_lose_their_goal_are_told_to_before_it_goes(on: On) {
    let server = Server::on(on).await;
    let coach = server.log_in("coach").await;
    let Place { relationship, session } = coach.place().await;
    let draft = json!({ "coaching_relationship_id": relationship, "title": "Rest", "status": "NotStarted" });
    let mut stream = coach.stream().await;
    let goal = coach.send("POST", "/goals", draft).await.data();
    let draft = |body: &str| json!({ "coaching_session_id": session, "body": body, "status": "NotStarted", "goal_id": goal["id"] });
    let before = [
        coach.send("POST", "/actions", draft("Sleep")).await.data(),
        coach.send("POST", "/actions", draft("Walk")).await.data(),
    ];
    for event in ["goal_created", "action_created", "action_created"] {
        assert_eq!(stream.event().await["type"], event);
    }
    assert_eq!(coach.send("DELETE", &path_to("goals", &goal), Value::Null).await.status, 204);
    let listed = coach.get(&format!("/actions?coaching_session_id={session}")).await.data();
    for was in before {
        let told = stream.event().await;
        let action = &told["data"]["action"];
        assert_eq!((&told["type"], &action["id"]), (&json!("action_updated"), &was["id"]));
        assert_eq!(action["goal_id"], Value::Null);
        assert_ne!(action["updated_at"], was["updated_at"], "it is another version");
        assert!(listed.as_array().expect("a list").contains(action), "{listed}");
    }
    assert_eq!(stream.event().await["type"], "goal_deleted");
}

async fn a_change_too_large_to_be_told_is_refused_and_not_made(on: On) {
    let server = Server::with(on, Config { max_event_bytes: 2_000, ..Config::default() }).await;
    let coach = server.log_in("coach").await;
    let session = coach.place().await.session;
    let notes = format!("/notes?coaching_session_id={session}");
    let before = coach.get(&notes).await.data();
    let note = json!({ "coaching_session_id": session, "body": "x".repeat(3_000) });
    let reply = coach.send("POST", "/notes", note).await;
    assert_eq!((reply.status, &reply.json()["error"]["code"]), (413, &json!("validation_failed")));
    assert!(reply.body.contains("too large to be told to others, and not saved"), "{reply:?}");
    assert_eq!(coach.get(&notes).await.data(), before);
}
