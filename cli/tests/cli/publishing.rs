//! `POST /publish`, and the command that uses it.

use serde_json::{Value, json};

use crate::support::{PUBLISH_KEY, Server, parts, run};

#[test]
fn what_is_refused_is_said_in_json_by_its_reason() {
    let server = Server::with_secrets();
    let key = format!("authorization: Bearer {PUBLISH_KEY}");
    let audience = r#""audience":{"everyone":true}"#;
    let large = format!(r#"{{"type":"x","data":"{}",{audience}}}"#, "x".repeat(1024 * 1024));
    let huge = "x".repeat(9 * 1024 * 1024);
    let event = |rest: &str| format!(r#"{{"type":"x","data":1,{rest}}}"#);
    for (body, status, code) in [
        ("nonsense".to_owned(), 400, "invalid_json"),
        (event(r#""audience":{},"more":1"#), 400, "invalid_json"),
        (r#"{"data":1,"audience":{"everyone":true}}"#.to_owned(), 400, "invalid_json"),
        (event(r#""audience":{}"#), 400, "invalid_audience"),
        (event(r#""audience":{"users":[""]}"#), 400, "invalid_audience"),
        (format!(r#"{{"type":"tidings:hello","data":1,{audience}}}"#), 400, "invalid_event"),
        (format!(r#"{{"type":"a\nb","data":1,{audience}}}"#), 400, "invalid_event"),
        (format!(r#"{{"type":"","data":1,{audience}}}"#), 400, "invalid_event"),
        (event(&format!(r#"{audience},"key":"""#)), 400, "invalid_key"),
        (format!("[{}]", event(&format!(r#"{audience},"key":"k""#))), 400, "invalid_key"),
        (large, 413, "too_large"),
        (huge, 413, "too_large"),
    ] {
        let (answered, head, answer) = server.ask("POST", "/publish", &[&key], &body);
        let about = &body[..body.len().min(80)];
        assert_eq!(answered, status, "{about}: {answer}");
        assert!(head.contains("application/json"), "{head}");
        let answer: Value = serde_json::from_str(&answer).expect("JSON");
        assert_eq!(answer["error"]["code"], code, "{about}: {answer}");
        assert!(answer["error"]["message"].as_str().is_some_and(|message| !message.is_empty()));
    }
    for headers in [&[][..], &["authorization: Bearer nonsense"], &["authorization: Basic eDp5"]] {
        let (status, _, answer) = server.ask("POST", "/publish", headers, &event(audience));
        assert_eq!((status, answer.contains("unauthorized")), (401, true), "{headers:?}");
    }
}

#[test]
fn an_event_under_a_key_is_sent_once() {
    let server = Server::with_secrets();
    let first = server.publish(r#"{"type":"x","data":{"a":1},"audience":{"users":["42"]},"key":"k"}"#);
    let again = server.publish(r#"{"type":"x","data":{ "a" : 1 },"audience":{"users":["42"]},"key":"k"}"#);
    assert_eq!(
        (&first["duplicate"], &again["duplicate"], &first["id"]),
        (&false.into(), &true.into(), &again["id"])
    );
    let key = format!("authorization: Bearer {PUBLISH_KEY}");
    let other = r#"{"type":"x","data":{"a":2},"audience":{"users":["42"]},"key":"k"}"#;
    let (status, _, answer) = server.ask("POST", "/publish", &[&key], other);
    assert_eq!((status, answer.contains("key_conflict")), (409, true), "{answer}");
}

#[test]
fn a_batch_is_committed_as_a_whole_or_not_at_all() {
    let server = Server::with_secrets();
    let sequence = |answer: &Value| -> u64 {
        let id = answer["id"].as_str().expect("an id");
        id.rsplit('-').next().and_then(|sequence| sequence.parse().ok()).expect("a sequence")
    };
    let both = server.publish(
        r#"[{"type":"a","data":1,"audience":{"everyone":true}},{"type":"b","data":2,"audience":{"groups":["g"]}}]"#,
    );
    assert_eq!((sequence(&both[0]), sequence(&both[1])), (1, 2));
    let key = format!("authorization: Bearer {PUBLISH_KEY}");
    let broken = r#"[{"type":"a","data":1,"audience":{"everyone":true}},{"type":"","data":2,"audience":{"everyone":true}}]"#;
    assert_eq!(server.ask("POST", "/publish", &[&key], broken).0, 400);
    assert_eq!(sequence(&server.publish(r#"{"type":"c","data":3,"audience":{"everyone":true}}"#)), 3);
    assert_eq!(server.publish("[]"), json!([]));
}

#[test]
fn the_command_says_what_came_of_it() {
    let server = Server::with_secrets();
    let door = server.door();
    let publish = |more: &[&str], input: &str| {
        let arguments: Vec<_> =
            ["publish", &door, "--key", PUBLISH_KEY].into_iter().chain(more.iter().copied()).collect();
        parts(&run(&arguments, input.as_bytes()))
    };
    let (code, out, errors) = publish(&["--user", "42", "--once", "k", "x", "-"], r#"{"a":1}"#);
    assert_eq!((code, errors.as_str()), (Some(0), ""));
    let sent: Value = serde_json::from_str(&out).expect("JSON");
    assert_eq!(sent["duplicate"], false);
    let (code, out, _) = publish(&["--user", "42", "--once", "k", "x", r#"{"a":1}"#], "");
    assert_eq!((code, out.contains(r#""duplicate":true"#)), (Some(0), true));
    for (more, code, message) in [
        (&["--everyone", "tidings:x"][..], 1, "reserved"),
        (&["--user", "42", "--once", "k", "x", "{}"], 1, "409"),
        (&["x"], 2, "for whom?"),
        (&["--everyone", "x", "{"], 2, "no JSON"),
    ] {
        let (exit, out, errors) = publish(more, "");
        assert_eq!((exit, out.as_str()), (Some(code), ""), "{more:?}: {errors}");
        assert!(errors.contains(message), "{errors}");
    }
    let nobody = ["publish", "http://127.0.0.1:9/publish", "--everyone", "x"];
    let (code, _, errors) = parts(&run(&nobody, b""));
    assert!(code == Some(2) && errors.contains("nobody answered"), "{errors}");
}
