//! A server on a real socket, and what stands between it and a client.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{Router, http::request::Parts};
use serde::{Deserialize, Serialize};
use tidings_client::{Client, ClientBuilder, Item, Resync, ResyncReason};
use tidings_server::{
    Config, Hub, Identity, Refusal,
    protocol::{Contract, Delivery, NoApplicationError, Retry},
    router, serve_until,
};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, copy_bidirectional},
    net::{TcpListener, TcpStream},
    sync::{oneshot, watch},
    task::JoinHandle,
};

/// Attempts that may fail on the way to a connection.
const ERRORS_MAX: usize = 20;

/// Longer than anything takes that is going to happen.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", content = "data", rename_all = "snake_case")]
pub(crate) enum Event {
    Said { text: String },
}

impl Event {
    pub(crate) fn said(text: impl Into<String>) -> Self {
        Self::Said { text: text.into() }
    }
}

impl Contract for Event {
    const REVISION: u32 = 7;
    const HASH: &'static str = "abc";
    const NAMES: &'static [&'static str] = &["said"];
    type ApplicationError = NoApplicationError;
    const APPLICATION_ERROR: Option<&'static str> = None;

    fn name(&self) -> &'static str {
        "said"
    }

    fn delivery(&self) -> Delivery {
        Delivery::Durable
    }

    fn application_error(error: NoApplicationError) -> Self {
        match error {}
    }
}

/// Believes what the request says: `x-user`, or the only good token or cookie.
pub(crate) async fn believe(request: Arc<Parts>) -> Result<Identity, Refusal> {
    let text = |name: &str| request.headers.get(name).and_then(|value| value.to_str().ok());
    match (text("x-user"), text("authorization"), text("cookie")) {
        (Some(user), ..) => Ok(Identity::user(user).groups(["staff", "board"])),
        (_, Some("Bearer good"), _) => Ok(Identity::user("bearer")),
        (_, _, Some("session=good")) => Ok(Identity::user("cookie")),
        _ => Err(Refusal::Unauthorized),
    }
}

/// A hub behind `serve`, and the way to stop it.
pub(crate) struct Server<C = Event> {
    pub(crate) hub: Hub<C>,
    pub(crate) address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    served: JoinHandle<std::io::Result<()>>,
}

impl Server {
    pub(crate) async fn start() -> Self {
        Self::with(config(), "127.0.0.1:0").await
    }
}

impl<C: Contract> Server<C> {
    pub(crate) async fn with(config: Config, address: &str) -> Self {
        let hub = Hub::in_memory(config).await.expect("a hub over memory starts");
        let app = Router::new().nest("/sse", router(&hub, believe));
        Self::serving(hub, app, address).await
    }

    pub(crate) async fn serving(hub: Hub<C>, app: Router, address: &str) -> Self {
        let listener = TcpListener::bind(address).await.expect("a free port");
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

    /// What SIGTERM does, until it has.
    pub(crate) async fn stop(mut self) {
        drop(self.stop.take());
        self.served.await.expect("no panic").expect("served");
    }

    pub(crate) fn url(&self) -> String {
        url(self.address)
    }

    /// Until `is_so`, which something that runs is about to make true.
    pub(crate) async fn until(&self, is_so: impl Fn(&Hub<C>) -> bool) {
        let deadline = tokio::time::Instant::now() + PATIENCE;
        while !is_so(&self.hub) {
            assert!(tokio::time::Instant::now() < deadline, "it did not become so in time");
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }
}

/// Reconnections at once.
pub(crate) fn config() -> Config {
    Config { retry: Duration::ZERO..Duration::from_millis(10), ..Config::default() }
}

pub(crate) fn url(address: SocketAddr) -> String {
    format!("http://{address}/sse")
}

/// A client of `url`, whatever proxies the machine has.
pub(crate) fn client<C: Contract>(url: String) -> ClientBuilder<C> {
    let base = Duration::from_millis(1);
    let base = base.into();
    Client::builder(url).no_proxy().retry(Retry { base, cap: base * 2, healthy_after: base })
}

/// What a reader waits for.
pub(crate) trait Reading<C> {
    async fn item(&mut self) -> Option<Item<C>>;
    /// The next item that is no state.
    async fn news(&mut self) -> Item<C>;
    /// The next gap; its reason and its guard.
    async fn gap(&mut self) -> (ResyncReason, Resync);
    /// The gap that every new client begins with, settled.
    async fn begin(&mut self);
}

impl<C: Contract + std::fmt::Debug> Reading<C> for Client<C> {
    async fn item(&mut self) -> Option<Item<C>> {
        tokio::time::timeout(PATIENCE, self.next()).await.expect("an item in time")
    }

    async fn news(&mut self) -> Item<C> {
        loop {
            match self.item().await.expect("the stream goes on") {
                Item::State(_) => {}
                item => return item,
            }
        }
    }

    async fn gap(&mut self) -> (ResyncReason, Resync) {
        let mut errors = Vec::new();
        loop {
            match self.news().await {
                Item::Gap { reason, resync } => return (reason, resync),
                Item::Error(error) if errors.len() < ERRORS_MAX => errors.push(error),
                other => panic!("no gap but {other:?} after {errors:?}"),
            }
        }
    }

    async fn begin(&mut self) {
        let (reason, resync) = self.gap().await;
        assert_eq!(reason, ResyncReason::Initial);
        resync.done();
    }
}

/// The next event's text.
pub(crate) async fn said(client: &mut Client<Event>) -> String {
    loop {
        match client.item().await {
            Some(Item::Event { data: Event::Said { text }, .. }) => return text,
            Some(Item::State(_) | Item::Error(_)) => {}
            other => panic!("no event but {other:?}"),
        }
    }
}

/// A wire to `target` that can be cut.
pub(crate) struct Wire {
    pub(crate) address: SocketAddr,
    cut: watch::Sender<u32>,
}

impl Wire {
    pub(crate) async fn to(target: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let (cut, _) = watch::channel(0);
        let cuts = cut.clone();
        tokio::spawn(async move {
            while let Ok((near, _)) = listener.accept().await {
                let mut cut = cuts.subscribe();
                tokio::spawn(async move {
                    tokio::select! {
                        () = join(near, target) => {}
                        _ = cut.changed() => {}
                    }
                });
            }
        });
        Self { address, cut }
    }

    /// Cuts every connection; new ones are let through.
    pub(crate) fn cut(&self) {
        self.cut.send_modify(|cuts| *cuts += 1);
    }
}

/// Carries bytes between `near` and `target` until one of them ends.
pub(crate) async fn join<S: AsyncRead + AsyncWrite + Unpin>(mut near: S, target: SocketAddr) {
    if let Ok(mut far) = TcpStream::connect(target).await {
        let _ = copy_bidirectional(&mut near, &mut far).await;
    }
}

/// An HTTP proxy that only connects, whatever host is named, to the port at this machine; what it was asked.
pub(crate) async fn connect_proxy() -> (SocketAddr, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("an address");
    let asked = Arc::new(Mutex::new(Vec::new()));
    let log = asked.clone();
    tokio::spawn(async move {
        while let Ok((mut near, _)) = listener.accept().await {
            let log = log.clone();
            tokio::spawn(async move {
                let mut head = Vec::new();
                while !head.ends_with(b"\r\n\r\n") {
                    let Ok(byte) = near.read_u8().await else { return };
                    head.push(byte);
                }
                let head = String::from_utf8(head).expect("ASCII");
                let port = head.split_whitespace().nth(1).and_then(|authority| authority.rsplit(':').next());
                let port = port.and_then(|port| port.parse().ok()).expect("CONNECT host:port");
                log.lock().expect("no panic").push(head);
                near.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.expect("the client reads");
                join(near, SocketAddr::from(([127, 0, 0, 1], port))).await;
            });
        }
    });
    (address, asked)
}
