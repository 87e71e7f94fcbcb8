//! The proxies that `docs/proxies` configures, and one that buffers.

use std::{
    fs,
    net::{TcpListener, TcpStream},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use crate::support::{PATIENCE, Server, parts, run};

/// A proxy before a server; it ends with the test.
struct Proxy {
    child: Child,
    port: u16,
    _folder: tempfile::TempDir,
}

impl Proxy {
    /// Runs `program` with a configuration whose ports are the server's and one that is free.
    fn start(program: &[&str], configuration: &str, server: &Server) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = listener.local_addr().expect("it is bound").port();
        drop(listener);
        let upstream = server.stream();
        let upstream = upstream.trim_start_matches("http://").trim_end_matches("/sse");
        let configuration = configuration
            .replace("127.0.0.1:4000", upstream)
            .replace("listen 8080", &format!("listen 127.0.0.1:{port}"))
            .replace("bind :8080", &format!("bind 127.0.0.1:{port}"))
            .replace(":8080 {", &format!("http://127.0.0.1:{port} {{"));
        assert!(configuration.contains(&port.to_string()) && configuration.contains(upstream));
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("configuration");
        fs::write(&file, configuration).expect("it is written");
        let file = file.to_str().expect("UTF-8");
        let child = Command::new(program[0])
            .args(program[1..].iter().map(|argument| argument.replace("{file}", file)))
            .current_dir(&folder)
            .env("HOME", folder.path())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap_or_else(|error| panic!("{} does not start: {error}", program[0]));
        let proxy = Self { child, port, _folder: folder };
        let deadline = Instant::now() + PATIENCE;
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(Instant::now() < deadline, "{} does not listen", program[0]);
            thread::sleep(Duration::from_millis(20));
        }
        proxy
    }

    fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

const NGINX: &[&str] = &[
    "nginx",
    "-e",
    "stderr",
    "-g",
    "daemon off; pid nginx.pid; master_process off;",
    "-c",
    "{file}",
    "-p",
    ".",
];

#[test]
fn each_passes_events_on_as_they_come() {
    let configured: [(&[&str], &str); 3] = [
        (NGINX, include_str!("../../../docs/proxies/nginx.conf")),
        (&["haproxy", "-f", "{file}"], include_str!("../../../docs/proxies/haproxy.cfg")),
        (
            &["caddy", "run", "--adapter", "caddyfile", "--config", "{file}"],
            include_str!("../../../docs/proxies/Caddyfile"),
        ),
    ];
    for (program, configuration) in configured {
        let server = Server::for_anyone();
        let proxy = Proxy::start(program, configuration, &server);
        let stream = proxy.url("/sse");
        let probe = ["probe", &stream, "--user", "probe", "--for", "1s", "--interval", "50ms"];
        let (code, out, errors) = parts(&run(&probe, b""));
        assert_eq!((code, errors.as_str()), (Some(0), ""), "{}: {out}", program[0]);
        let report: serde_json::Value = serde_json::from_str(&out).expect("JSON");
        assert!(report["received"].as_u64() >= Some(5) && report["received"] == report["sent"], "{out}");
        // A buffer would hold each back for as long as it takes to fill it.
        assert!(report["latency_ms"]["max"].as_f64() < Some(1_000.0), "{}: {out}", program[0]);
        let bench = ["bench", &stream, "--connections", "200", "--rounds", "5", "--burst", "50", "--json"];
        let (code, out, errors) = parts(&run(&bench, b""));
        assert_eq!((code, errors.as_str()), (Some(0), ""), "{}: {out}", program[0]);
    }
}

#[test]
fn one_that_holds_the_stream_back_is_found_out() {
    let server = Server::for_anyone();
    let configuration = include_str!("../../../docs/proxies/nginx.conf")
        .replace("proxy_buffering off;", "proxy_buffering on; proxy_ignore_headers X-Accel-Buffering;");
    let proxy = Proxy::start(NGINX, &configuration, &server);
    let stream = proxy.url("/sse");
    let probe = ["probe", &stream, "--user", "probe", "--connect-timeout", "2s"];
    let (code, out, errors) = parts(&run(&probe, b""));
    assert_eq!(code, Some(2), "{out}");
    assert!(errors.contains("something in between holds it back"), "{errors}");
}
