//! One golden fixture per event, as it looks on the wire; the browser's tests read the same files.

use std::{collections::BTreeSet, fs, path::PathBuf};

use protocol::{Contract, Delivery};
use serde_json::{Value, json};
use tidings_bindings::{About, ApplicationError, ErrorCode, Event, Id, Subject, Topic};

fn fixtures() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fixtures")
}

fn fixture(name: &str) -> Value {
    let text = fs::read_to_string(fixtures().join(name).with_extension("json"))
        .unwrap_or_else(|error| panic!("{name}: write one such event to fixtures/{name}.json ({error})"));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("fixtures/{name}.json: {error}"))
}

fn read(value: &Value) -> Result<Event, serde_json::Error> {
    serde_json::from_str(&value.to_string())
}

/// A fixture with one place of it set to `value`, or removed.
fn altered(name: &str, place: &str, value: Option<Value>) -> Value {
    let mut altered = fixture(name);
    let (parent, key) = place.rsplit_once('/').expect("a place begins with a slash");
    let parent =
        altered.pointer_mut(parent).and_then(Value::as_object_mut).expect("the place is in an object");
    match value {
        Some(value) => parent.insert(key.to_owned(), value),
        None => parent.remove(key),
    };
    altered
}

#[test]
fn every_event_is_read_and_written_as_its_fixture() {
    for name in Event::NAMES {
        let fixture = fixture(name);
        assert_eq!(fixture["type"], *name);
        assert!(fixture["data"].is_object(), "{name}: an event without a payload cannot grow one later");
        let event = read(&fixture).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(event.name(), *name);
        assert_eq!(serde_json::to_value(&event).expect("an event is JSON"), fixture, "{name}");
    }
}

#[test]
fn every_fixture_is_of_an_event() {
    let files = fs::read_dir(fixtures()).expect("fixtures exist").map(|entry| {
        let name = entry.expect("a folder can be listed").file_name().into_string().expect("names are text");
        name.trim_end_matches(".json").to_owned()
    });
    let names = Event::NAMES.iter().copied().chain(["index"]).map(str::to_owned);
    assert_eq!(files.collect::<BTreeSet<_>>(), names.collect::<BTreeSet<_>>());
}

#[test]
fn only_a_forced_logout_and_presence_are_live_only() {
    let live: Vec<_> = Event::NAMES
        .iter()
        .filter(|name| read(&fixture(name)).expect("a fixture").delivery() == Delivery::LiveOnly)
        .collect();
    assert_eq!(live, [&"force_logout", &"presence_changed"]);
}

#[test]
fn the_application_error_is_the_event_the_contract_names() {
    let error = ApplicationError {
        code: ErrorCode::SaveFailed,
        message: "not saved".to_owned(),
        about: Some(About { kind: Subject::CoachingSession, id: Id::from_u128(7) }),
        correlation_id: Some("c-1".to_owned()),
        retryable: true,
    };
    let event = Event::application_error(error.clone());
    assert_eq!(Some(event.name()), Event::APPLICATION_ERROR);
    assert!(Event::NAMES.contains(&event.name()));
    assert_eq!(event, Event::ApplicationError(error));
}

#[test]
fn an_event_is_read_whatever_surrounds_it() {
    let event = read(&fixture("action_deleted")).expect("a fixture");
    let data = &fixture("action_deleted")["data"];
    for text in [
        format!(r#"{{"data":{data},"type":"action_deleted"}}"#),
        format!(
            r#"{{"type":"action_deleted","data":{data},"meta":{{"at":"2026-11-23T10:15:00Z","own":[1]}}}}"#
        ),
        format!(r#"{{"meta":null,"data":{data},"type":"action_deleted"}}"#),
    ] {
        assert_eq!(serde_json::from_str::<Event>(&text).expect(&text), event);
    }
    let newer = altered("action_deleted", "/data/a_later_field", Some(json!(1)));
    assert_eq!(read(&newer).expect("a later field is no other shape"), event);
}

#[test]
fn an_optional_field_may_be_absent_or_null() {
    let absent = altered("action_created", "/data/action/goal_id", None);
    let null = altered("action_created", "/data/action/goal_id", Some(Value::Null));
    assert_eq!(read(&absent).expect("absent"), read(&null).expect("null"));
}

#[test]
fn a_value_of_another_shape_is_refused() {
    let cases = [
        ("action_created", "/type", Some(json!("action_invented"))),
        ("action_created", "/type", None),
        ("action_created", "/data", None),
        ("action_created", "/data", Some(Value::Null)),
        ("action_created", "/data/action", None),
        ("action_created", "/data/action/id", Some(json!(42))),
        ("action_created", "/data/action/id", Some(json!("not a uuid"))),
        ("action_created", "/data/action/status", Some(json!("not_started"))),
        ("action_created", "/data/action/due_by", Some(json!("tomorrow"))),
        ("action_created", "/data/action/created_at", Some(json!({ "seconds": 1 }))),
        ("action_created", "/data/action/created_at", Some(json!(1_795_774_500))),
        ("action_created", "/data/action/assignee_ids", None),
        ("action_created", "/data/action/assignee_ids", Some(json!([null]))),
        ("goal_created", "/data/goal/target_date", Some(json!("2027-02-28T00:00:00Z"))),
        ("application_error", "/data/about", None),
        ("application_error", "/data/correlation_id", None),
        ("application_error", "/data/retryable", Some(json!("false"))),
        ("presence_changed", "/data/presence", Some(json!("away"))),
    ];
    for (name, place, value) in cases {
        let altered = altered(name, place, value);
        assert!(read(&altered).is_err(), "{altered}");
    }
}

#[test]
fn a_topic_always_says_its_priority() {
    let mut topic = json!({
        "id": "0192f8a0-7c3e-7008-8000-000000000001",
        "coaching_session_id": "0192f8a0-7c3e-7001-8000-000000000001",
        "user_id": "0192f8a0-7c3e-7003-8000-000000000002",
        "body": "How to say no",
        "priority": null,
        "status": "Open",
        "created_at": "2026-11-23T10:15:00Z",
        "updated_at": "2026-11-23T10:15:00Z",
    });
    let read: Topic = serde_json::from_value(topic.clone()).expect("a topic");
    assert_eq!(serde_json::to_value(&read).expect("a topic is JSON"), topic);
    topic["priority"] = json!("High");
    assert!(serde_json::from_value::<Topic>(topic.clone()).is_ok());
    topic.as_object_mut().expect("an object").remove("priority");
    assert!(serde_json::from_value::<Topic>(topic).is_err());
}
