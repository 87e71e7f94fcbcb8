//! `decode` and `encode`.

use std::{io::Write, process::Stdio};

use crate::support::{Running, parts, run, tidings};

fn decode(stream: &[u8], arguments: &[&str]) -> Vec<String> {
    let arguments: Vec<_> = std::iter::once("decode").chain(arguments.iter().copied()).collect();
    let (code, out, errors) = parts(&run(&arguments, stream));
    assert_eq!((code, errors.as_str()), (Some(0), ""), "{arguments:?}");
    out.lines().map(str::to_owned).collect()
}

fn event(event: &str, data: &str, last_event_id: &str) -> String {
    serde_json::json!({ "event": event, "data": data, "last_event_id": last_event_id }).to_string()
}

fn end(last_event_id: &str, retry_ms: Option<u64>) -> String {
    let end = serde_json::json!({ "last_event_id": last_event_id, "retry_ms": retry_ms, "error": null });
    serde_json::json!({ "end": end }).to_string()
}

/// As values: the order of fields is not promised.
#[track_caller]
fn same(lines: &[String], expected: &[String], about: &str) {
    let values = |lines: &[String]| -> Vec<serde_json::Value> {
        lines.iter().map(|line| serde_json::from_str(line).expect("JSON")).collect()
    };
    assert_eq!(values(lines), values(expected), "{about}");
}

#[test]
fn a_stream_is_decoded_alike_in_any_chunks() {
    let cases: [(&[u8], &[String]); 9] = [
        (b"", &[end("", None)]),
        (b"\xEF\xBB\xBFdata: a\n\n", &[event("message", "a", ""), end("", None)]),
        (b"\xEF\xBB\xBF\xEF\xBB\xBFdata: a\n\ndata: b\n\n", &[event("message", "b", ""), end("", None)]),
        (
            b"event: x\rdata: a\r\rdata: b\r\n\r\n",
            &[event("x", "a", ""), event("message", "b", ""), end("", None)],
        ),
        (b"data: \xFF\xC3(\n\n", &[event("message", "\u{FFFD}\u{FFFD}(", ""), end("", None)]),
        (b"id: 1\nid: a\0b\ndata\n\n", &[event("message", "", "1"), end("1", None)]),
        (
            b"id: 1\ndata: a\n\nid\ndata: b\n\n",
            &[event("message", "a", "1"), event("message", "b", ""), end("", None)],
        ),
        (b"retry: 10\nretry: x\nid: 7\n\n:c\nid: 8\ndata: lost", &[end("7", Some(10))]),
        (
            b"data: {\"a\":\"\\u0000\"}\ndata:  b\n\n",
            &[event("message", "{\"a\":\"\\u0000\"}\n b", ""), end("", None)],
        ),
    ];
    for (stream, expected) in cases {
        let about = String::from_utf8_lossy(stream);
        same(&decode(stream, &[]), expected, &about);
        for chunk in ["1", "2", "3", "7"] {
            same(&decode(stream, &["--chunk", chunk]), expected, &format!("{about:?} by {chunk}"));
        }
    }
}

#[test]
fn the_last_event_id_may_be_that_of_an_earlier_connection() {
    let lines = decode(b"data: a\n\n", &["--initial-last-event-id", "e-7"]);
    same(&lines, &[event("message", "a", "e-7"), end("e-7", None)], "kept");
    same(&decode(b"id\n\n", &["--initial-last-event-id", "e-7"]), &[end("", None)], "reset by the stream");
}

#[test]
fn an_event_that_is_too_large_is_the_typed_error_at_the_end() {
    for chunk in ["1", "1000"] {
        let stream =
            b"id: 1\ndata: a\n\nid: 2\ndata: 0123456789012345678901234567890123456789\n\ndata: b\n\n";
        let lines = decode(stream, &["--max-event-bytes", "32", "--chunk", chunk]);
        same(&lines[..1], &[event("message", "a", "1")], "what came before");
        let end: serde_json::Value = serde_json::from_str(&lines[1]).expect("JSON");
        let end = &end["end"];
        assert_eq!((&end["last_event_id"], &end["error"]["code"]), (&"1".into(), &"event_too_large".into()));
        assert_eq!((end["error"]["max_bytes"].as_u64(), lines.len()), (Some(32), 2));
    }
}

#[test]
fn an_event_is_seen_before_the_stream_goes_on() {
    for arguments in [&["decode"][..], &["decode", "--chunk", "1"]] {
        let mut run = Running::start(tidings(arguments));
        let mut stdin = run.stdin.take().expect("piped");
        stdin.write_all(b"data: a\n\n").expect("it reads");
        same(&[run.line()], &[event("message", "a", "")], "at once");
        drop(stdin);
        same(&[run.line()], &[end("", None)], "at the end");
        assert_eq!(run.exit_code(), Some(0));
    }
}

#[test]
fn a_line_is_framed_before_the_next_one_comes() {
    let mut run = Running::start(tidings(&["encode"]));
    let mut stdin = run.stdin.take().expect("piped");
    stdin.write_all(b"{\"data\":\"a\"}\n").expect("it reads");
    assert_eq!((run.line().as_str(), run.line().as_str()), ("data: a", ""));
    drop(stdin);
    assert_eq!(run.exit_code(), Some(0));
}

#[test]
fn an_output_that_is_closed_ends_it_without_a_word() {
    for command in ["decode", "encode"] {
        let mut child = tidings(&[command])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("it starts");
        drop(child.stdout.take());
        let mut stdin = child.stdin.take().expect("piped");
        let input = if command == "decode" { "data: a\n\n" } else { "{\"data\":\"a\"}\n" };
        // It stops reading once it cannot write.
        while stdin.write_all(input.as_bytes()).is_ok() {}
        drop(stdin);
        let (code, _, errors) = parts(&child.wait_with_output().expect("it ends"));
        assert_eq!((code, errors.as_str()), (Some(0), ""), "{command}");
    }
}

#[test]
fn what_is_encoded_decodes_to_itself() {
    let lines = concat!(
        r#"{"id":"1","event":"note","data":" a\nb: c\n","retry":2500}"#,
        "\n\n",
        r#"{"data":""}"#,
        "\n",
        r#"{"id":"","event":null,"data":"\u0000\ud83d\ude00"}"#,
    );
    let (code, wire, errors) = parts(&run(&["encode"], lines.as_bytes()));
    assert_eq!((code, errors.as_str()), (Some(0), ""));
    assert!(
        wire.starts_with("retry: 2500\nid: 1\nevent: note\ndata:  a\ndata: b: c\ndata: \n\ndata: \n\n"),
        "{wire:?}"
    );
    let expected = [
        event("note", " a\nb: c\n", "1"),
        event("message", "", "1"),
        event("message", "\0\u{1F600}", ""),
        end("", Some(2500)),
    ];
    same(&decode(wire.as_bytes(), &[]), &expected, "round trip");
}

#[test]
fn what_cannot_be_framed_is_refused_by_line_and_field() {
    for (line, named) in [
        (r#"{"id":"a\nb","data":""}"#, "line 2: id "),
        (r#"{"id":"a\u0000","data":""}"#, "line 2: id "),
        (r#"{"event":"a\rb","data":""}"#, "line 2: event "),
        (r#"{"event":"","data":""}"#, "line 2: event "),
        (r#"{"data":"a\rb"}"#, "line 2: data "),
        (r#"{"data":1}"#, "line 2: data "),
        (r#"{"event":"x"}"#, "line 2: data "),
        (r#"{"data":"","retry":1.5}"#, "line 2: retry "),
        (r#"{"data":"","name":"x"}"#, "line 2: \"name\" "),
        (r#"["data"]"#, "line 2: "),
        ("{\"data\":\"\u{1}\"}", "line 2: "),
    ] {
        let input = format!("{{\"data\":\"before\"}}\n{line}\n{{\"data\":\"after\"}}\n");
        let (code, wire, errors) = parts(&run(&["encode"], input.as_bytes()));
        assert_eq!((code, wire.as_str()), (Some(2), "data: before\n\n"), "{line}");
        assert!(errors.starts_with(&format!("error: {named}")), "{errors}");
    }
    let (code, _, errors) = parts(&run(&["encode"], b"{\"data\":\"\xFF\"}"));
    assert_eq!(code, Some(2), "{errors}");
}

#[test]
fn a_line_that_does_not_end_is_refused_in_bounded_room() {
    let line = format!("{{\"data\":\"{}", "x".repeat(16 * 1024 * 1024));
    let (code, wire, errors) = parts(&run(&["encode"], line.as_bytes()));
    assert_eq!((code, wire.as_str()), (Some(2), ""));
    assert!(errors.contains("line 1: longer than 16777216 bytes"), "{errors}");
}
