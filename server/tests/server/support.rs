//! A server on a real socket, and a reader that speaks bytes to it.

use std::{
    net::SocketAddr,
    sync::Arc,
    time::{Duration, SystemTime},
};

use axum::{Router, http::request::Parts};
use serde::{Deserialize, Serialize};
use tidings_server::{
    Config, Hub, Identity, Refusal,
    protocol::{Contract, DecodedEvent, Decoder, Delivery},
    router, serve_until,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::oneshot,
    task::JoinHandle,
};

/// Whether streams are asked for in the form that is written to its socket directly. This suite is compiled under
/// two names, one for each path.
const IS_DIRECT: bool = env!("CARGO_CRATE_NAME").len() == "server".len();

/// Longer than anything takes that is going to happen, and shorter than a heartbeat, which would wake what
/// nobody else has woken.
pub(crate) const PATIENCE: Duration = Duration::from_secs(12);

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", content = "data", rename_all = "snake_case")]
pub(crate) enum Event {
    Said { text: String },
    Typing { user: String },
    Failed { message: String },
}

impl Event {
    pub(crate) fn said(text: impl Into<String>) -> Self {
        Self::Said { text: text.into() }
    }
}

impl Contract for Event {
    const REVISION: u32 = 7;
    const HASH: &'static str = "abc";
    const NAMES: &'static [&'static str] = &["said", "typing", "failed"];
    type ApplicationError = String;
    const APPLICATION_ERROR: Option<&'static str> = Some("failed");

    fn name(&self) -> &'static str {
        match self {
            Self::Said { .. } => "said",
            Self::Typing { .. } => "typing",
            Self::Failed { .. } => "failed",
        }
    }

    fn delivery(&self) -> Delivery {
        match self {
            Self::Typing { .. } => Delivery::LiveOnly,
            _ => Delivery::Durable,
        }
    }

    fn application_error(message: String) -> Self {
        Self::Failed { message }
    }
}

/// Believes what the request says: `x-user`, `x-login`, `x-groups` and `x-issued` (Unix ms).
pub(crate) async fn believe(request: Arc<Parts>) -> Result<Identity, Refusal> {
    let text = |name: &str| request.headers.get(name).and_then(|value| value.to_str().ok());
    let user = match text("x-user") {
        None => return Err(Refusal::Unauthorized),
        Some("forbidden") => return Err(Refusal::Forbidden),
        Some("unavailable") => return Err(Refusal::Unavailable),
        Some(user) => user,
    };
    let time = |name: &str| {
        let millis = text(name)?.parse().ok()?;
        Some(SystemTime::UNIX_EPOCH + Duration::from_millis(millis))
    };
    let mut identity = Identity::user(user);
    if let Some(login) = text("x-login") {
        identity = identity.login(login);
    }
    if let Some(groups) = text("x-groups") {
        identity = identity.groups(groups.split(','));
    }
    if let Some(at) = time("x-issued") {
        identity = identity.issued_at(at);
    }
    Ok(identity)
}

/// A hub behind `serve`, and the way to stop it.
pub(crate) struct Server {
    pub(crate) hub: Hub<Event>,
    pub(crate) address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    pub(crate) served: JoinHandle<std::io::Result<()>>,
}

impl Server {
    pub(crate) async fn start() -> Self {
        Self::with(Config::default()).await
    }

    pub(crate) async fn with(config: Config) -> Self {
        let hub = Hub::in_memory(config).await.expect("a hub over memory starts");
        let app = Router::new().nest("/sse", router(&hub, believe));
        Self::serve(hub, app).await
    }

    pub(crate) async fn serve(hub: Hub<Event>, app: Router) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("a bound listener has an address");
        let (stop, stopped) = oneshot::channel::<()>();
        let served = tokio::spawn({
            let hub = hub.clone();
            async move {
                let stopped = async {
                    let _ = stopped.await;
                };
                serve_until(listener, app, &hub, stopped).await
            }
        });
        Self { hub, address, stop: Some(stop), served }
    }

    /// What SIGTERM does.
    pub(crate) fn stop(&mut self) {
        drop(self.stop.take());
    }

    /// A stream of `user` with nothing else in its request.
    pub(crate) async fn stream(&self, user: &str) -> Client {
        self.get("/sse?tidings=1", &[("x-user", user)]).await
    }

    /// A stream of `user` that goes on from `cursor`.
    pub(crate) async fn resume(&self, user: &str, cursor: &str) -> Client {
        self.get("/sse?tidings=1", &[("x-user", user), ("last-event-id", cursor)]).await
    }

    pub(crate) async fn get(&self, target: &str, headers: &[(&str, &str)]) -> Client {
        self.request("GET", target, headers).await
    }

    pub(crate) async fn request(&self, method: &str, target: &str, headers: &[(&str, &str)]) -> Client {
        let headers: Vec<_> = headers.iter().map(|(name, value)| (*name, value.as_bytes())).collect();
        Client::open(self.address, method, target, &headers).await
    }

    /// Until `is_so`, which something that runs is about to make true.
    pub(crate) async fn until(&self, is_so: impl Fn(&Hub<Event>) -> bool) {
        let deadline = tokio::time::Instant::now() + PATIENCE;
        while !is_so(&self.hub) {
            assert!(tokio::time::Instant::now() < deadline, "it did not become so in time");
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }
}

/// One response, read as it comes.
pub(crate) struct Client {
    pub(crate) socket: TcpStream,
    pub(crate) status: u16,
    pub(crate) head: String,
    /// Bytes of the body that have not been taken out of their chunks.
    raw: Vec<u8>,
    /// The body so far.
    pub(crate) body: Vec<u8>,
    decoder: Decoder,
    events: std::collections::VecDeque<DecodedEvent>,
    last_event_id: String,
    is_over: bool,
}

impl Client {
    pub(crate) async fn open(
        address: SocketAddr,
        method: &str,
        target: &str,
        headers: &[(&str, &[u8])],
    ) -> Self {
        let mut socket = TcpStream::connect(address).await.expect("the server listens");
        let mut request = format!("{method} {target} HTTP/1.1\r\nhost: {address}\r\n").into_bytes();
        if IS_DIRECT {
            request.extend_from_slice(b"accept: text/event-stream\r\n");
        }
        for (name, value) in headers {
            request.extend_from_slice(name.as_bytes());
            request.extend_from_slice(b": ");
            request.extend_from_slice(value);
            request.extend_from_slice(b"\r\n");
        }
        request.extend_from_slice(b"\r\n");
        socket.write_all(&request).await.expect("the server reads");
        let mut raw = Vec::new();
        let end = loop {
            if let Some(end) = raw.windows(4).position(|bytes| bytes == b"\r\n\r\n") {
                break end + 4;
            }
            let mut buffer = [0; 4096];
            let read = tokio::time::timeout(PATIENCE, socket.read(&mut buffer)).await;
            let read = read.expect("a response in time").expect("a response");
            assert_ne!(read, 0, "the server closed without a response");
            raw.extend_from_slice(&buffer[..read]);
        };
        let head = String::from_utf8(raw.drain(..end).collect()).expect("an ASCII head").to_lowercase();
        let status = head.get(9..12).and_then(|text| text.parse().ok()).expect("a status");
        Self {
            socket,
            status,
            head,
            raw,
            body: Vec::new(),
            decoder: Decoder::new(""),
            events: Default::default(),
            last_event_id: String::new(),
            is_over: false,
        }
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
    }

    /// The next event, control events included; `None` at the end of the stream.
    pub(crate) async fn next(&mut self) -> Option<DecodedEvent> {
        loop {
            if let Some(event) = self.events.pop_front() {
                self.last_event_id = event.last_event_id.to_string();
                return Some(event);
            }
            if !tokio::time::timeout(PATIENCE, self.read()).await.expect("an event in time") {
                return None;
            }
        }
    }

    /// The next event, which has this name; its data.
    pub(crate) async fn expect(&mut self, name: &str) -> serde_json::Value {
        let event = self.next().await.unwrap_or_else(|| panic!("the stream ended before {name}"));
        assert_eq!(event.event, name, "{event:?}");
        serde_json::from_str(&event.data).expect("JSON")
    }

    /// The text of the next event, which is `said`.
    pub(crate) async fn said(&mut self) -> String {
        let event = self.expect("said").await;
        event["data"]["text"].as_str().expect("a text").to_owned()
    }

    /// The end of the stream.
    pub(crate) async fn end(&mut self) {
        let next = self.next().await;
        assert!(next.is_none(), "{next:?}");
    }

    /// As of the last event that was taken.
    pub(crate) fn last_event_id(&self) -> String {
        self.last_event_id.clone()
    }

    /// Reads some bytes; `false` when the body is over.
    async fn read(&mut self) -> bool {
        self.dechunk();
        if !self.events.is_empty() || self.is_over {
            return !self.is_over || !self.events.is_empty();
        }
        let mut buffer = [0; 16 * 1024];
        match self.socket.read(&mut buffer).await {
            Ok(0) | Err(_) => self.is_over = true,
            Ok(read) => self.raw.extend_from_slice(&buffer[..read]),
        }
        self.dechunk();
        !self.is_over || !self.events.is_empty()
    }

    fn dechunk(&mut self) {
        if self.header("transfer-encoding") != Some("chunked") {
            let bytes = std::mem::take(&mut self.raw);
            self.take(&bytes);
            let length = self.header("content-length").and_then(|text| text.parse().ok());
            self.is_over |= length.is_some_and(|length: usize| self.body.len() >= length);
            return;
        }
        while let Some(line) = self.raw.windows(2).position(|bytes| bytes == b"\r\n") {
            let size = std::str::from_utf8(&self.raw[..line]).expect("a chunk size");
            let size = usize::from_str_radix(size, 16).expect("a chunk size");
            if self.raw.len() < line + 2 + size + 2 {
                return;
            }
            let bytes: Vec<_> = self.raw.drain(..line + 2 + size + 2).collect();
            self.take(&bytes[line + 2..line + 2 + size]);
            self.is_over |= size == 0;
        }
    }

    fn take(&mut self, bytes: &[u8]) {
        self.body.extend_from_slice(bytes);
        let mut events = Vec::new();
        self.decoder.feed(bytes, &mut events).expect("events within the bound");
        self.events.extend(events);
    }
}
