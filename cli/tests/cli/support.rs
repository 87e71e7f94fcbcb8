//! Runs of the binary, and a server to run it against.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    process::{Child, ChildStdin, Command, Output, Stdio},
    sync::mpsc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use hmac::{Hmac, Mac};
use sha2::Sha256;

/// Longer than anything takes that is going to happen.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) const JWT_SECRET: &str = "0123456789abcdef0123456789abcdef";
pub(crate) const PUBLISH_KEY: &str = "fedcba9876543210";

/// The binary, in an environment that says nothing about it.
pub(crate) fn tidings(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tidings"));
    command.args(arguments).env_clear().env("NO_PROXY", "*");
    command
}

/// Runs it with `input` on stdin, to its end.
pub(crate) fn run(arguments: &[&str], input: &[u8]) -> Output {
    let mut child = tidings(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it starts");
    let mut stdin = child.stdin.take().expect("piped");
    let input = input.to_owned();
    // It may end before it has read everything.
    let writer = std::thread::spawn(move || drop(stdin.write_all(&input)));
    let output = child.wait_with_output().expect("it ends");
    writer.join().expect("no panic");
    output
}

/// The parts of an output that matter: exit code, stdout, stderr.
pub(crate) fn parts(output: &Output) -> (Option<i32>, String, String) {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

/// A run that goes on, and ends with this.
pub(crate) struct Running {
    pub(crate) child: Child,
    pub(crate) stdin: Option<ChildStdin>,
    lines: mpsc::Receiver<String>,
    errors: mpsc::Receiver<String>,
}

impl Running {
    pub(crate) fn start(mut command: Command) -> Self {
        let command = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("it starts");
        let lines = lines_of(child.stdout.take().expect("piped"));
        let errors = lines_of(child.stderr.take().expect("piped"));
        Self { stdin: child.stdin.take(), child, lines, errors }
    }

    /// The next line of stdout.
    pub(crate) fn line(&self) -> String {
        self.lines.recv_timeout(PATIENCE).unwrap_or_else(|_| panic!("no line; stderr: {:?}", self.stderr()))
    }

    /// The next line of stdout, which is JSON.
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.line()).expect("JSON")
    }

    /// Until a line of stderr holds `text`.
    pub(crate) fn until_stderr(&self, text: &str) {
        while !self.errors.recv_timeout(PATIENCE).expect("a line in time").contains(text) {}
    }

    /// What stderr has said so far.
    fn stderr(&self) -> Vec<String> {
        self.errors.try_iter().collect()
    }

    /// `TERM`, or `INT` as ctrl-c sends it.
    pub(crate) fn signal(&self, name: &str) {
        let kill = format!("kill -{name} {}", self.child.id());
        assert!(Command::new("sh").args(["-c", &kill]).status().expect("a shell").success());
    }

    pub(crate) fn exit_code(&mut self) -> Option<i32> {
        self.child.wait().expect("it ends").code()
    }

    /// Its exit code, and what was left to read of stderr, to the last line.
    pub(crate) fn ends(&mut self) -> (Option<i32>, String) {
        (self.exit_code(), self.errors.iter().collect::<Vec<_>>().join("\n"))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn lines_of(stream: impl Read + Send + 'static) -> mpsc::Receiver<String> {
    let (sender, lines) = mpsc::channel();
    std::thread::spawn(move || {
        for line in BufReader::new(stream).lines().map_while(Result::ok) {
            if sender.send(line).is_err() {
                return;
            }
        }
    });
    lines
}

/// A `tidings serve` on a free port.
pub(crate) struct Server {
    pub(crate) run: Running,
    pub(crate) address: String,
}

impl Server {
    /// One that believes anyone.
    pub(crate) fn for_anyone() -> Self {
        Self::start(tidings(&["serve", "--store", "memory:", "--insecure-anyone", "--listen", "127.0.0.1:0"]))
    }

    /// One with secrets.
    pub(crate) fn with_secrets() -> Self {
        let mut command = tidings(&["serve", "--store", "memory:", "--listen", "127.0.0.1:0"]);
        command.env("TIDINGS_JWT_SECRET", JWT_SECRET).env("TIDINGS_PUBLISH_KEY", PUBLISH_KEY);
        Self::start(command)
    }

    pub(crate) fn start(command: Command) -> Self {
        let run = Running::start(command);
        let address = run.json()["listening"].as_str().expect("an address").to_owned();
        Self { run, address }
    }

    pub(crate) fn stream(&self) -> String {
        format!("http://{}/sse", self.address)
    }

    pub(crate) fn door(&self) -> String {
        format!("http://{}/publish", self.address)
    }

    /// One request; the status, the head and the body.
    pub(crate) fn ask(
        &self,
        method: &str,
        path: &str,
        headers: &[&str],
        body: &str,
    ) -> (u16, String, String) {
        let mut socket = TcpStream::connect(&self.address).expect("it listens");
        let length = body.len();
        let headers: String = headers.iter().map(|header| format!("{header}\r\n")).collect();
        let request = format!(
            "{method} {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: {length}\r\n{headers}\r\n{body}"
        );
        // A server that refuses by the head may close before it has read the body.
        let _ = socket.write_all(request.as_bytes());
        let mut answer = Vec::new();
        let _ = socket.read_to_end(&mut answer);
        let answer = String::from_utf8_lossy(&answer).into_owned();
        let (head, body) = answer.split_once("\r\n\r\n").expect("a head");
        let status = head.get(9..12).and_then(|status| status.parse().ok()).expect("a status");
        (status, head.to_owned(), body.to_owned())
    }

    pub(crate) fn publish(&self, body: &str) -> serde_json::Value {
        let key = format!("authorization: Bearer {PUBLISH_KEY}");
        let (status, _, answer) = self.ask("POST", "/publish", &[&key], body);
        assert_eq!(status, 200, "{answer}");
        serde_json::from_str(&answer).expect("JSON")
    }
}

/// Seconds from now, as a token says them.
pub(crate) fn in_seconds(seconds: i64) -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs();
    i64::try_from(now).expect("before the end of time") + seconds
}

/// A token with `claims`, signed with `secret` as HS256 says, under a header that names `algorithm`.
pub(crate) fn token(algorithm: &str, claims: &serde_json::Value, secret: &str) -> String {
    let header = serde_json::json!({ "typ": "JWT", "alg": algorithm });
    let signed =
        format!("{}.{}", base64url(header.to_string().as_bytes()), base64url(claims.to_string().as_bytes()));
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("any key");
    mac.update(signed.as_bytes());
    format!("{signed}.{}", base64url(&mac.finalize().into_bytes()))
}

fn base64url(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut text = String::new();
    for group in bytes.chunks(3) {
        let bits = group.iter().fold(0_usize, |bits, byte| bits << 8 | usize::from(*byte))
            << (8 * (3 - group.len()));
        for place in 0..=group.len() {
            text.push(char::from(DIGITS[bits >> (18 - 6 * place) & 63]));
        }
    }
    text
}
