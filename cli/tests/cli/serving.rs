//! `serve`: start, stop, settings, and who may read.

use std::{fs, os::unix::net::UnixDatagram};

use serde_json::json;

use crate::support::{
    JWT_SECRET, PATIENCE, PUBLISH_KEY, Running, Server, in_seconds, parts, run, tidings, token,
};

#[test]
fn it_tells_systemd_when_it_is_ready_and_when_it_stops() {
    let socket_path = std::env::temp_dir().join(format!("tidings-notify-{}", std::process::id()));
    let socket = UnixDatagram::bind(&socket_path).expect("a socket");
    socket.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    let told = || {
        let mut buffer = [0; 1024];
        let read = socket.recv(&mut buffer).expect("a word in time");
        String::from_utf8_lossy(&buffer[..read]).into_owned()
    };
    let mut command =
        tidings(&["serve", "--store", "memory:", "--insecure-anyone", "--listen", "127.0.0.1:0"]);
    command.env("NOTIFY_SOCKET", &socket_path);
    let mut server = Server::start(command);
    let ready = told();
    assert!(ready.starts_with("READY=1\n") && ready.contains(&server.address), "{ready}");
    assert_eq!(server.ask("GET", "/readyz", &[], "").0, 200);

    // A reader that is connected must not keep it from stopping, and is told to come back.
    let listener = Running::start(tidings(&["listen", &server.stream(), "--user", "42"]));
    listener.until_stderr("online");
    server.run.signal("TERM");
    assert_eq!(told(), "STOPPING=1");
    assert_eq!(server.run.exit_code(), Some(0));
    fs::remove_file(socket_path).expect("it was bound");
}

#[test]
fn a_server_that_is_killed_and_started_again_goes_on_where_it_was() {
    let folder = std::env::temp_dir().join(format!("tidings-kept-{}", std::process::id()));
    fs::create_dir_all(&folder).expect("a folder");
    let serve = |address: &str| {
        // The default store, in the folder it is started in.
        let mut command = tidings(&["serve", "--insecure-anyone", "--listen", address]);
        command.current_dir(&folder);
        Server::start(command)
    };
    let publish = |server: &Server, n: u32| {
        server.publish(&format!(r#"{{"type":"x","data":{n},"audience":{{"everyone":true}}}}"#));
    };
    let server = serve("127.0.0.1:0");
    let address = server.address.clone();
    let listener = Running::start(tidings(&["listen", &server.stream(), "--user", "42"]));
    assert_eq!(listener.json(), json!({ "gap": "initial" }));
    publish(&server, 1);
    assert_eq!(listener.json()["data"], 1);
    // Killed, not told to stop.
    drop(server);
    listener.until_stderr("reconnecting");
    let server = serve(&address);
    publish(&server, 2);
    assert_eq!(listener.json()["data"], 2, "without a gap");
    listener.until_stderr("nothing missed");
    drop(server);
    fs::remove_dir_all(folder).expect("the store was there");
}

#[test]
fn it_starts_only_with_settings_that_say_who_may_do_what() {
    for (arguments, code, message) in [
        (&["serve"][..], 2, "jwt_secret is not set"),
        (&["serve", "--insecure-anyone", "--listen", "nowhere"], 2, "--listen: \"nowhere\""),
        (&["serve", "--insecure-anyone", "--store", "redis:"], 2, "--store: \"redis:\""),
        (&["serve", "--insecure-anyone", "--config", "/does/not/exist"], 2, "/does/not/exist: "),
        (
            &[
                "serve",
                "--insecure-anyone",
                "--listen",
                "127.0.0.1:0",
                "--store",
                "postgres://a@127.0.0.1:9/x",
            ],
            1,
            "postgres://127.0.0.1:9/x: ",
        ),
        (&["serve", "--insecure-anyone", "--listen", "192.0.2.1:1"], 1, "192.0.2.1:1 cannot be listened to"),
    ] {
        let (exit, out, errors) = parts(&run(arguments, b""));
        assert_eq!((exit, out.as_str()), (Some(code), ""), "{arguments:?}: {errors}");
        assert!(errors.contains(message), "{errors}");
    }
}

#[test]
fn a_store_that_is_not_there_is_named_with_what_to_do_and_without_its_password() {
    for (store, shown) in [
        ("postgres://a:hush@127.0.0.1:1/x", "postgres://127.0.0.1:1/x: "),
        ("redis://a:hush@127.0.0.1:1", "redis://127.0.0.1:1: "),
    ] {
        let (exit, _, errors) = parts(&run(&["serve", "--insecure-anyone", "--store", store], b""));
        assert_eq!(exit, Some(1), "{errors}");
        assert!(errors.contains(shown) && errors.contains("or name another one with --store"), "{errors}");
        assert!(!errors.contains("hush"), "{errors}");
    }
}

#[test]
fn a_trial_says_aloud_that_it_is_one() {
    let server = Server::for_anyone();
    server.run.until_stderr("INSECURE");
}

#[test]
fn whoever_looks_after_it_is_told_how_it_is() {
    let server = Server::for_anyone();
    assert_eq!(server.ask("GET", "/healthz", &[], "").0, 200);
    assert_eq!(server.ask("GET", "/readyz", &[], "").0, 200);
    server.publish(r#"{"type":"x","data":1,"audience":{"everyone":true}}"#);
    let (status, head, metrics) = server.ask("GET", "/metrics", &[], "");
    assert!(status == 200 && head.contains("text/plain; version=0.0.4"), "{head}");
    for line in ["tidings_events_sent_total 1", "tidings_connections 0", "# TYPE tidings_gaps_total counter"]
    {
        assert!(metrics.lines().any(|one| one == line), "{line}: {metrics}");
    }
}

#[test]
fn only_a_token_that_is_whole_signed_and_current_reads() {
    let server = Server::with_secrets();
    let good = json!({ "sub": "42", "exp": in_seconds(600) });
    let signed = |claims| token("HS256", &claims, JWT_SECRET);
    let unsigned = {
        let token = token("none", &good, JWT_SECRET);
        token[..=token.rfind('.').expect("three parts")].to_owned()
    };
    let refused = [
        ("no exp", signed(json!({ "sub": "42" }))),
        ("no sub", signed(json!({ "exp": in_seconds(600) }))),
        ("expired", signed(json!({ "sub": "42", "exp": in_seconds(-2) }))),
        ("not yet", signed(json!({ "sub": "42", "exp": in_seconds(600), "nbf": in_seconds(300) }))),
        ("for others", signed(json!({ "sub": "42", "exp": in_seconds(600), "aud": "others" }))),
        ("nobody", signed(json!({ "sub": "", "exp": in_seconds(600) }))),
        ("a number", signed(json!({ "sub": 42, "exp": in_seconds(600) }))),
        ("another secret", token("HS256", &good, "another secret of 32 bytes......")),
        ("another algorithm", token("HS512", &good, JWT_SECRET)),
        ("no algorithm", unsigned),
        ("nonsense", "a.b.c".to_owned()),
    ];
    for (about, token) in refused {
        let (status, ..) = server.ask("HEAD", "/sse", &[&format!("authorization: Bearer {token}")], "");
        assert_eq!(status, 401, "{about}");
    }
    assert_eq!(server.ask("HEAD", "/sse?user=42", &["x-user: 42"], "").0, 401, "nobody is believed");
    let good = signed(good);
    for header in [format!("authorization: Bearer {good}"), format!("cookie: a=b; tidings_token={good}")] {
        assert_eq!(server.ask("HEAD", "/sse", &[&header], "").0, 200, "{header}");
    }
}

#[test]
fn a_token_says_which_groups_are_read_and_when_it_ends() {
    let server = Server::with_secrets();
    let claims =
        json!({ "sub": "42", "groups": ["staff"], "jti": "s", "iat": in_seconds(-1), "exp": in_seconds(3) });
    let mut command = tidings(&["listen", &server.stream()]);
    command.env("TIDINGS_BEARER", token("HS256", &claims, JWT_SECRET));
    let mut listener = Running::start(command);
    assert_eq!(listener.json(), json!({ "gap": "initial" }));
    server.publish(r#"{"type":"x","data":"board","audience":{"groups":["board"]}}"#);
    server.publish(r#"{"type":"x","data":"staff","audience":{"groups":["staff"]}}"#);
    assert_eq!(listener.json()["data"], "staff");
    // The token ends in three seconds: the stream says goodbye, and the next request is refused.
    let (code, errors) = listener.ends();
    assert!(code == Some(1) && errors.contains("refuses the credentials"), "{code:?}: {errors}");
    assert!(!PUBLISH_KEY.is_empty());
}
