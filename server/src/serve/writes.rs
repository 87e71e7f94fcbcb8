//! How many writes a stream costs, counted on a socket that is none.

use std::{
    io::{self, IoSlice},
    net::SocketAddr,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use axum::http::request::Parts;
use protocol::{Contract, DecodedEvent, Decoder, NoApplicationError};
use serde::{Deserialize, Serialize};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, DuplexStream, ReadBuf},
    sync::watch,
};

use super::{Connection, Guarded, Service};
use crate::{Audience, Config, Hub, Identity, router};

#[derive(Serialize, Deserialize)]
#[serde(tag = "type", content = "data", rename_all = "snake_case")]
enum Event {
    Said { text: String },
}

impl Contract for Event {
    const REVISION: u32 = 1;
    const HASH: &'static str = "";
    const NAMES: &'static [&'static str] = &["said"];
    type ApplicationError = NoApplicationError;
    const APPLICATION_ERROR: Option<&'static str> = None;

    fn name(&self) -> &'static str {
        "said"
    }

    fn application_error(error: NoApplicationError) -> Self {
        match error {}
    }
}

/// The server's end of a connection.
struct Counting {
    inner: DuplexStream,
    writes: Arc<AtomicUsize>,
}

impl AsyncRead for Counting {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Counting {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.writes.fetch_add(1, Ordering::SeqCst);
        Pin::new(&mut self.inner).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.writes.fetch_add(1, Ordering::SeqCst);
        Pin::new(&mut self.inner).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}

/// A reader, and the count of what it cost the server.
struct Reader {
    socket: DuplexStream,
    decoder: Decoder,
    writes: Arc<AtomicUsize>,
    _stopping: watch::Sender<bool>,
}

impl Reader {
    async fn open(hub: &Hub<Event>, path: Path, cursor: &str) -> Self {
        let (mut socket, inner) = tokio::io::duplex(1024 * 1024);
        let writes = Arc::<AtomicUsize>::default();
        let guarded =
            Guarded::new(Counting { inner, writes: writes.clone() }, Duration::from_secs(5), Arc::default());
        let (stopping, stopped) = watch::channel(false);
        let app = router(hub, |_: Arc<Parts>| async { Ok(Identity::user("coach")) });
        let peer = SocketAddr::from(([127, 0, 0, 1], 1));
        let header_timeout = Duration::from_secs(10);
        tokio::spawn(Connection::new(
            guarded,
            Service { router: app, peer, header_timeout, stopping: stopped },
        ));
        let accept = path.accept();
        let request = format!("GET / HTTP/1.1\r\nhost: x\r\n{accept}last-event-id: {cursor}\r\n\r\n");
        socket.write_all(request.as_bytes()).await.expect("the server reads");
        Self { socket, decoder: Decoder::new(""), writes, _stopping: stopping }
    }

    /// Reads until `count` app events have come; in how many writes.
    async fn read(&mut self, count: usize) -> usize {
        let mut events: Vec<DecodedEvent> = Vec::new();
        while events.iter().filter(|event| event.event == "said").count() < count {
            let mut buffer = vec![0; 1024 * 1024];
            let read = self.socket.read(&mut buffer).await.expect("it goes on");
            // Sizes of chunks are lines of their own, which mean nothing to the decoder.
            self.decoder.feed(&buffer[..read], &mut events).expect("events within the bound");
        }
        self.writes.swap(0, Ordering::SeqCst)
    }
}

async fn say(hub: &Hub<Event>, count: usize) {
    let event = |n: usize| (Audience::user("coach"), Event::Said { text: n.to_string() });
    hub.send_all((0..count).map(event)).await.expect("sent");
}

/// How a stream reaches its socket.
#[derive(Debug, Clone, Copy)]
enum Path {
    Direct,
    Hyper,
}

impl Path {
    /// Without it, a request is hyper's.
    fn accept(self) -> &'static str {
        match self {
            Self::Direct => "accept: text/event-stream\r\n",
            Self::Hyper => "",
        }
    }
}

#[tokio::test]
async fn all_that_waits_leaves_in_one_write() {
    for path in [Path::Direct, Path::Hyper] {
        all_that_waits_leaves_in_one_write_over(path).await;
    }
}

async fn all_that_waits_leaves_in_one_write_over(path: Path) {
    let hub = Hub::<Event>::in_memory(Config::default()).await.expect("a hub over memory starts");
    let cursor = hub.cursor().to_string();
    let mut reader = Reader::open(&hub, path, &cursor).await;
    for count in [1, 2, 16, 17, 65, 300] {
        say(&hub, count).await;
        // The answer's head leaves with the first.
        assert_eq!(reader.read(count).await, 1, "{count} events that were sent at once, {path:?}");
    }
    let mut again = Reader::open(&hub, path, &cursor).await;
    assert_eq!(again.read(1 + 2 + 16 + 17 + 65 + 300).await, 1, "a replay, {path:?}");
}
