//! `probe`.

use crate::support::{JWT_SECRET, PUBLISH_KEY, Running, Server, in_seconds, parts, run, tidings, token};

#[test]
fn a_server_that_is_well_is_exit_code_0() {
    let server = Server::for_anyone();
    let probe = ["probe", &server.stream(), "--user", "probe", "--for", "1s", "--interval", "50ms"];
    let (code, out, errors) = parts(&run(&probe, b""));
    assert_eq!((code, errors.as_str()), (Some(0), ""), "{out}");
    let report: serde_json::Value = serde_json::from_str(&out).expect("JSON");
    assert_eq!((&report["ok"], &report["lost"], &report["gaps"]), (&true.into(), &0.into(), &0.into()));
    let sent = report["sent"].as_u64().expect("a count");
    assert!(sent >= 5 && report["received"] == sent, "{report}");
    assert!(report["latency_ms"]["max"].as_f64().is_some_and(|max| max > 0.0), "{report}");
}

#[test]
fn it_probes_as_a_user_with_a_token_and_a_key() {
    let server = Server::with_secrets();
    let token = token("HS256", &serde_json::json!({ "sub": "probe", "exp": in_seconds(600) }), JWT_SECRET);
    let stream = server.stream();
    let arguments =
        ["probe", &stream, "--as", "probe", "--for", "300ms", "--bearer", &token, "--key", PUBLISH_KEY];
    let (code, out, errors) = parts(&run(&arguments, b""));
    assert_eq!(code, Some(0), "{out}{errors}");
    let (code, _, errors) = parts(&run(&arguments[..arguments.len() - 2], b""));
    assert!(code == Some(2) && errors.contains("401"), "without the key: {errors}");
    let wrong = ["probe", &stream, "--as", "probe", "--bearer", "x"];
    let (code, _, errors) = parts(&run(&wrong, b""));
    assert!(code == Some(2) && errors.contains("refuses the credentials"), "{errors}");
}

#[test]
fn a_broken_threshold_is_exit_code_1_and_prometheus_is_told() {
    let server = Server::for_anyone();
    let probe = [
        "probe",
        &server.stream(),
        "--user",
        "probe",
        "--for",
        "300ms",
        "--max-latency-ms",
        "0",
        "--prometheus",
    ];
    let (code, out, errors) = parts(&run(&probe, b""));
    assert_eq!(code, Some(1), "{out}");
    assert!(errors.contains("the slowest event took"), "{errors}");
    for line in
        ["tidings_probe_success 0", "tidings_probe_lost 0", "# TYPE tidings_probe_latency_seconds summary"]
    {
        assert!(out.lines().any(|one| one == line), "{line}: {out}");
    }
}

#[test]
fn nobody_there_is_exit_code_2() {
    let probe = ["probe", "http://127.0.0.1:9/sse", "--user", "probe", "--connect-timeout", "300ms"];
    let (code, out, errors) = parts(&run(&probe, b""));
    assert_eq!((code, out.as_str()), (Some(2), ""));
    assert!(errors.contains("cannot be reached") && errors.contains("refused"), "{errors}");
}

#[test]
fn a_server_that_restarts_without_its_history_is_a_gap_and_exit_code_1() {
    let server = Server::for_anyone();
    let address = server.address.clone();
    let mut command = tidings(&["probe", &server.stream(), "--user", "probe", "--watch"]);
    command.env("NO_COLOR", "1");
    let mut probe = Running::start(command);
    while probe.json()["received"].as_u64() < Some(2) {}
    drop(server);
    let _server =
        Server::start(tidings(&["serve", "--store", "memory:", "--insecure-anyone", "--listen", &address]));
    while probe.json()["gaps"].as_u64() < Some(1) {}
    probe.signal("INT");
    let (code, errors) = probe.ends();
    assert!(code == Some(1) && errors.contains("gaps, the last one: epoch"), "{code:?}: {errors}");
}

#[test]
fn a_server_under_load_gives_everything_to_everyone() {
    let server = Server::for_anyone();
    let bench =
        ["bench", &server.stream(), "--connections", "50", "--rounds", "5", "--burst", "20", "--json"];
    let (code, out, errors) = parts(&run(&bench, b""));
    assert_eq!((code, errors.as_str()), (Some(0), ""), "{out}");
    let report: serde_json::Value = serde_json::from_str(&out).expect("JSON");
    let counts: Vec<_> = [0, 1].map(|at| report["results"][at]["count"].as_u64()).into();
    assert_eq!(counts, [Some(250), Some(1_000)], "{report}");
    let nobody = ["bench", "http://127.0.0.1:9/sse"];
    assert_eq!(parts(&run(&nobody, b"")).0, Some(2));
    let wrong = server.stream().replace("/sse", "/elsewhere");
    let (code, _, errors) = parts(&run(&["bench", &wrong], b""));
    assert!(code == Some(2) && errors.contains("404"), "{errors}");
}
