//! `listen`.

use serde_json::json;

use crate::support::{Running, Server, parts, run, tidings};

#[test]
fn events_are_json_lines_where_no_person_looks() {
    let server = Server::for_anyone();
    let listener = Running::start(tidings(&["listen", &server.stream(), "--user", "42"]));
    assert_eq!(listener.json(), json!({ "gap": "initial" }));
    let sent =
        server.publish(r#"{"type":"order_shipped","data":{"b":1.50,"a":[]},"audience":{"users":["42"]}}"#);
    let line = listener.line();
    assert!(
        line.starts_with(r#"{"event":"order_shipped","data":{"b":1.50,"a":[]},"id":"#),
        "to the letter: {line}"
    );
    let event: serde_json::Value = serde_json::from_str(&line).expect("JSON");
    assert_eq!((&event["id"], &event["replayed"]), (&sent["id"], &false.into()));
    assert!(event["at"].is_string() && !line.contains('\u{1b}'));
}

#[test]
fn it_goes_on_after_an_id() {
    let server = Server::for_anyone();
    let sent = server.publish(r#"{"type":"x","data":1,"audience":{"everyone":true}}"#);
    server.publish(r#"{"type":"x","data":2,"audience":{"everyone":true}}"#);
    let id = sent["id"].as_str().expect("an id");
    let listener = Running::start(tidings(&["listen", &server.stream(), "--user", "42", "--since", id]));
    let event = listener.json();
    assert_eq!((&event["data"], &event["replayed"]), (&json!(2), &json!(true)));
    let stranger =
        Running::start(tidings(&["listen", &server.stream(), "--user", "42", "--since", "other-1"]));
    assert_eq!(stranger.json(), json!({ "gap": "epoch" }));
}

#[test]
fn it_keeps_its_place_in_a_file() {
    let server = Server::for_anyone();
    let file = std::env::temp_dir().join(format!("tidings-listen-{}", std::process::id()));
    let name = file.to_string_lossy().into_owned();
    let listen =
        || Running::start(tidings(&["listen", &server.stream(), "--user", "42", "--cursor-file", &name]));
    let publish =
        |n: u32| server.publish(&format!(r#"{{"type":"x","data":{n},"audience":{{"everyone":true}}}}"#));
    let first = listen();
    assert_eq!(first.json(), json!({ "gap": "initial" }));
    publish(1);
    publish(2);
    assert_eq!((&first.json()["data"], &first.json()["data"]), (&json!(1), &json!(2)));
    // Asking for a third has said that two are handled; that is written before this line is.
    publish(3);
    assert_eq!(first.json()["data"], 3);
    drop(first);
    publish(4);
    let second = listen();
    let again = second.json();
    let next = if again["data"] == 3 { second.json() } else { again };
    assert_eq!((&next["data"], &next["replayed"]), (&json!(4), &json!(true)));
    std::fs::remove_file(file).expect("it was written");
}

#[test]
fn refused_credentials_end_it_with_exit_code_1() {
    let server = Server::with_secrets();
    let (code, out, errors) = parts(&run(&["listen", &server.stream(), "--bearer", "nonsense"], b""));
    assert_eq!((code, out.as_str()), (Some(1), ""));
    assert!(errors.contains("refuses the credentials"), "{errors}");
    let (code, _, errors) = parts(&run(&["listen", "nowhere"], b""));
    assert!(code == Some(2) && errors.contains("no http or https URL"), "{errors}");
}

#[test]
fn it_comes_back_when_the_server_does() {
    let server = Server::for_anyone();
    let address = server.address.clone();
    let listener = Running::start(tidings(&["listen", &server.stream(), "--user", "42"]));
    assert_eq!(listener.json(), json!({ "gap": "initial" }));
    drop(server);
    listener.until_stderr("reconnecting");
    let serve = tidings(&["serve", "--store", "memory:", "--insecure-anyone", "--listen", &address]);
    let server = Server::start(serve);
    // The new run has another secret and other epochs; both are said before anything newer.
    listener.until_stderr("online");
    server.publish(r#"{"type":"x","data":"new","audience":{"everyone":true}}"#);
    let mut lines = std::iter::repeat_with(|| listener.json());
    assert!(lines.by_ref().take_while(|line| line["gap"].is_string()).count() > 0);
}

#[test]
fn a_proxy_of_the_environment_is_gone_through_unless_it_says_no() {
    // A server of ours reads a whole address as its target, as a proxy would.
    let server = Server::for_anyone();
    let listen = |no_proxy: &str| {
        let mut command = tidings(&["listen", "http://stream.invalid/sse", "--user", "42"]);
        command.env("HTTP_PROXY", format!("http://{}", server.address)).env("NO_PROXY", no_proxy);
        Running::start(command)
    };
    assert_eq!(listen("elsewhere.invalid").json(), json!({ "gap": "initial" }));
    listen("stream.invalid").until_stderr("connection_lost");
}
