//! `serve` over a Redis server, behind TLS.

use std::{
    fs,
    net::{TcpListener, TcpStream},
    path::Path,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use crate::support::{PATIENCE, Server, parts, tidings};

/// A server with a certificate of an authority that nobody knows; it ends with the test.
struct Redis {
    child: Option<Child>,
    port: u16,
    folder: tempfile::TempDir,
}

impl Redis {
    fn start() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        certify(folder.path());
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = listener.local_addr().expect("it is bound").port();
        drop(listener);
        let mut redis = Self { child: None, port, folder };
        redis.resume();
        redis
    }

    fn resume(&mut self) {
        let mut run = Command::new("redis-server");
        run.args(["--port", "0", "--bind", "127.0.0.1", "--tls-port", &self.port.to_string()]);
        run.args([
            "--tls-cert-file",
            "leaf.pem",
            "--tls-key-file",
            "leaf.key",
            "--tls-ca-cert-file",
            "ca.pem",
        ]);
        run.args(["--tls-auth-clients", "no", "--requirepass", "s3cret", "--save", ""]);
        run.args(["--appendonly", "yes", "--appendfsync", "always"]);
        run.current_dir(&self.folder).stdin(Stdio::null()).stdout(Stdio::null());
        self.child = Some(run.spawn().expect("Debian's redis-server brings it"));
        let deadline = Instant::now() + PATIENCE;
        while TcpStream::connect(("127.0.0.1", self.port)).is_err() {
            assert!(Instant::now() < deadline, "it does not listen");
            thread::sleep(Duration::from_millis(20));
        }
    }

    fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().expect("it runs");
            child.wait().expect("it ends");
        }
    }

    fn serve(&self) -> Command {
        let url = format!("rediss://:s3cret@localhost:{}", self.port);
        let mut command = tidings(&["serve", "--insecure-anyone", "--listen", "127.0.0.1:0"]);
        command.env("TIDINGS_STORE", url);
        command
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        self.kill();
    }
}

/// An authority, and a certificate of its own for `localhost`.
fn certify(folder: &Path) {
    fs::write(folder.join("san"), "subjectAltName=DNS:localhost\n").expect("it is written");
    let ca = "req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=authority -keyout ca.key -out ca.pem";
    let request = "req -newkey rsa:2048 -nodes -subj /CN=localhost -keyout leaf.key -out leaf.csr";
    let sign =
        "x509 -req -days 2 -in leaf.csr -CA ca.pem -CAkey ca.key -CAcreateserial -extfile san -out leaf.pem";
    for arguments in [ca, request, sign] {
        let made = Command::new("openssl").args(arguments.split(' ')).current_dir(folder).output();
        let made = made.expect("openssl runs");
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    }
}

fn eventually(what: &str, happened: impl Fn() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !happened() {
        assert!(Instant::now() < deadline, "never happened: {what}");
        thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn it_says_whether_it_reaches_its_store() {
    let mut redis = Redis::start();
    let mut command = redis.serve();
    command.env("SSL_CERT_FILE", redis.folder.path().join("ca.pem"));
    let server = Server::start(command);
    let ready = || server.ask("GET", "/readyz", &[], "");
    let reached = |value: u8| {
        let (.., metrics) = server.ask("GET", "/metrics", &[], "");
        metrics.lines().any(|line| line == format!("tidings_store_reached {value}"))
    };
    assert_eq!(ready().0, 200);
    let first = server.publish(r#"{"type":"x","data":1,"audience":{"everyone":true}}"#);
    redis.kill();
    eventually("it is not ready", || ready().0 == 503);
    assert!(ready().2.contains("the store cannot be reached") && reached(0));
    redis.resume();
    eventually("it is ready", || ready().0 == 200 && reached(1));
    let second = server.publish(r#"{"type":"x","data":2,"audience":{"everyone":true}}"#);
    let sequence = |sent: &serde_json::Value| {
        let id = sent["id"].as_str().expect("an id").to_owned();
        id.rsplit_once('-').expect("a sequence").1.parse::<u64>().expect("a number")
    };
    assert_eq!(sequence(&second), sequence(&first) + 1);
}

#[test]
fn an_authority_that_nobody_knows_is_refused() {
    let redis = Redis::start();
    let output = redis.serve().output().expect("it runs");
    let (code, _, said) = parts(&output);
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("certificate") && !said.contains("s3cret"), "{said}");
}
