//! The check of the coaching contract in a real browser: its golden events pass, what breaks it does not.
#![cfg(target_arch = "wasm32")]

mod support;

use protocol::{Contract, Delivery};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use support::Stage;
use tidings_bindings::{ApplicationError, Event};
use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};

wasm_bindgen_test_configure!(run_in_browser);

macro_rules! golden {
    ($($name:literal)*) => {
        [$(($name, include_str!(concat!("../../bindings/fixtures/", $name, ".json")))),*]
    };
}

const GOLDEN: [(&str, &str); Event::NAMES.len()] = golden! {
    "action_created" "action_updated" "action_deleted" "agreement_created" "agreement_updated" "agreement_deleted"
    "goal_created" "goal_updated" "goal_deleted" "coaching_session_goal_created" "coaching_session_goal_deleted"
    "note_created" "note_updated" "meeting_recording_updated" "transcription_updated" "topics_changed"
    "coaching_session_title_updated" "force_logout" "system_announcement" "presence_changed" "application_error"
};

/// The coaching contract without its table of shapes: what another app's contract is until it has one.
#[derive(Debug, Serialize, Deserialize)]
#[serde(transparent)]
struct Derived(Event);

impl Contract for Derived {
    const REVISION: u32 = Event::REVISION;
    const HASH: &'static str = Event::HASH;
    const NAMES: &'static [&'static str] = Event::NAMES;
    type ApplicationError = ApplicationError;
    const APPLICATION_ERROR: Option<&'static str> = Event::APPLICATION_ERROR;

    fn name(&self) -> &str {
        self.0.name()
    }

    fn delivery(&self) -> Delivery {
        self.0.delivery()
    }

    fn application_error(error: ApplicationError) -> Self {
        Self(Event::application_error(error))
    }
}

fn one_line(json: &str) -> String {
    let value: Value = serde_json::from_str(json).expect("a fixture is JSON");
    value.to_string()
}

#[wasm_bindgen_test]
async fn every_golden_event_reaches_its_handler_as_it_is() {
    let mut stage = Stage::<Event>::online().await;
    for ((name, json), expected) in GOLDEN.iter().zip(Event::NAMES) {
        assert_eq!(name, expected, "list the fixture of every event, in the contract's order");
        stage.send(name, &one_line(json)).await;
        let log = stage.log();
        let [line] = log.as_slice() else { panic!("{name}: {log:?}") };
        let seen: Value =
            serde_json::from_str(line.strip_prefix("event ").expect("one event")).expect("JSON");
        let golden: Value = serde_json::from_str(json).expect("JSON");
        assert_eq!(seen["data"], golden["data"], "{name}");
        assert_eq!(seen["type"], golden["type"]);
    }
}

/// Everything below the payload that a field or an element names.
fn places(value: &Value, at: &str, found: &mut Vec<String>) {
    let below: Vec<(String, &Value)> = match value {
        Value::Object(fields) => fields.iter().map(|(name, value)| (name.clone(), value)).collect(),
        Value::Array(elements) => {
            elements.iter().enumerate().map(|(place, value)| (place.to_string(), value)).collect()
        }
        _ => Vec::new(),
    };
    for (name, value) in below {
        let place = format!("{at}/{name}");
        places(value, &place, found);
        found.push(place);
    }
}

/// The payload with another value at a place, or with the field gone.
fn changed(event: &Value, place: &str, to: Option<&Value>) -> Value {
    let mut event = event.clone();
    let (parent, name) = place.rsplit_once('/').expect("a place lies in something");
    match (event.pointer_mut(parent).expect("it was found there"), to) {
        (Value::Object(fields), None) => drop(fields.remove(name)),
        (Value::Object(fields), Some(to)) => drop(fields.insert(name.to_owned(), to.clone())),
        (Value::Array(elements), to) => {
            let place: usize = name.parse().expect("an array's names are numbers");
            elements[place] = to.cloned().unwrap_or_default();
        }
        _ => unreachable!("only these have something below them"),
    }
    event
}

#[wasm_bindgen_test]
async fn the_shapes_take_and_refuse_what_serde_json_does() {
    takes_and_refuses_what_serde_json_does::<Event>().await;
}

#[wasm_bindgen_test]
async fn a_contract_without_shapes_takes_and_refuses_what_serde_json_does() {
    takes_and_refuses_what_serde_json_does::<Derived>().await;
}

async fn takes_and_refuses_what_serde_json_does<C: Contract>() {
    let others =
        [None, Some("null"), Some("7"), Some("-7.5"), Some("true"), Some("\"x\""), Some("{}"), Some("[]")];
    let others = others.map(|json| json.map(|json| serde_json::from_str::<Value>(json).expect("JSON")));
    let mut stage = Stage::<C>::online().await;
    let (mut taken, mut refused) = (0, 0);
    for (name, json) in GOLDEN {
        let golden: Value = serde_json::from_str(json).expect("JSON");
        let mut found = vec!["/data".to_owned()];
        places(&golden["data"], "/data", &mut found);
        for (place, other) in found.iter().flat_map(|place| others.iter().map(move |other| (place, other))) {
            let event = changed(&golden, place, other.as_ref());
            let fits = serde_json::from_value::<Event>(event.clone()).is_ok();
            stage.send(name, &event.to_string()).await;
            let log = stage.log();
            let [line] = log.as_slice() else { panic!("{event}: {log:?}") };
            assert_eq!(line.starts_with("event "), fits, "{event}: {line}");
            *(if fits { &mut taken } else { &mut refused }) += 1;
        }
    }
    assert!(taken > 30 && refused > 900, "{taken} taken, {refused} refused: not much of a comparison");
}

#[wasm_bindgen_test]
async fn what_breaks_the_contract_is_reported_with_the_place() {
    let mut stage = Stage::<Event>::online().await;
    let (name, json) = GOLDEN[0];
    let golden: Value = serde_json::from_str(json).expect("JSON");
    for (place, other, expected) in [
        ("/data/action", None, "missing field action"),
        ("/data/action/status", None, "action: missing field status"),
        ("/data/action/assignee_ids/1", Some("7"), "action: assignee_ids: expected"),
        ("/data/action/status", Some("\"Eaten\""), "action: status: expected a word"),
    ] {
        let other = other.map(|json| serde_json::from_str(json).expect("JSON"));
        stage.send(name, &changed(&golden, place, other.as_ref()).to_string()).await;
        let log = stage.log();
        assert!(matches!(log.as_slice(), [line] if line.contains(expected)), "{place}: {log:?}");
    }
}

#[wasm_bindgen_test]
async fn spellings_that_serde_json_takes_and_typescript_does_not_are_refused() {
    let mut stage = Stage::<Event>::online().await;
    let golden: Value = serde_json::from_str(GOLDEN[0].1).expect("JSON");
    let id = &golden["data"]["coaching_session_id"];
    let fields = Value::Array(vec![id.clone(), id.clone()]);
    let deleted: Value = serde_json::from_str(GOLDEN[2].1).expect("JSON");
    let word = serde_json::from_str(r#"{"NotStarted":null}"#).expect("JSON");
    for (name, event) in [
        ("action_created", changed(&golden, "/data/action/status", Some(&word))),
        ("application_error", about_as_array(id)),
        ("action_deleted", changed(&deleted, "/data", Some(&fields))),
    ] {
        stage.send(name, &event.to_string()).await;
        let log = stage.log();
        assert!(matches!(log.as_slice(), [line] if line.contains("expected")), "{event}: {log:?}");
    }
}

fn about_as_array(id: &Value) -> Value {
    let (_, json) = GOLDEN[GOLDEN.len() - 1];
    let golden: Value = serde_json::from_str(json).expect("JSON");
    let about = Value::Array(vec!["goal".into(), id.clone()]);
    changed(&golden, "/data/about", Some(&about))
}
