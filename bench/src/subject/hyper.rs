//! hyper alone: a body of shared bytes in an accept loop of its own, and its hello-world, for what a connection
//! costs.

use std::{
    convert::Infallible,
    io,
    net::Ipv4Addr,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll},
};

use bytes::Bytes;
use http_body::Frame;
use hyper::{Request, Response, body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
    sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel},
};

use super::{Audience, Command, announce, floor, parameter};

/// A reader: what its path said, and its queue.
struct Reader {
    path: String,
    queue: UnboundedSender<Bytes>,
}

type Readers = Arc<Mutex<Vec<Reader>>>;

enum Body {
    /// The hello-world.
    Once(Option<Bytes>),
    Stream(UnboundedReceiver<Bytes>),
}

impl http_body::Body for Body {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        match &mut *self {
            Self::Once(bytes) => Poll::Ready(bytes.take().map(|bytes| Ok(Frame::data(bytes)))),
            Self::Stream(queue) => queue.poll_recv(cx).map(|bytes| bytes.map(|bytes| Ok(Frame::data(bytes)))),
        }
    }
}

/// Serves until its control is closed.
///
/// # Errors
/// A system call failed.
pub async fn run() -> io::Result<()> {
    let stream = TcpListener::bind((Ipv4Addr::UNSPECIFIED, 0)).await?;
    let control = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    announce(stream.local_addr()?.port(), control.local_addr()?.port());
    let readers = Readers::default();
    tokio::spawn(accept(stream, readers.clone()));
    tokio::spawn(obey(control, readers)).await?
}

async fn accept(listener: TcpListener, readers: Readers) -> io::Result<()> {
    loop {
        let (socket, _) = listener.accept().await?;
        socket.set_nodelay(true)?;
        let readers = readers.clone();
        tokio::spawn(async move {
            let service = service_fn(move |request| std::future::ready(answer(&request, &readers)));
            // How a connection ends is its client's business.
            let _ = http1::Builder::new().serve_connection(TokioIo::new(socket), service).await;
        });
    }
}

fn answer(request: &Request<Incoming>, readers: &Readers) -> Result<Response<Body>, Infallible> {
    if request.uri().path() == "/hello" {
        return Ok(Response::new(Body::Once(Some(Bytes::from_static(b"hello, world\n")))));
    }
    let (queue, body) = unbounded_channel();
    let mut readers = readers.lock().unwrap_or_else(PoisonError::into_inner);
    readers.retain(|reader| !reader.queue.is_closed());
    readers.push(Reader { path: request.uri().to_string(), queue });
    let mut response = Response::new(Body::Stream(body));
    let event_stream = hyper::header::HeaderValue::from_static("text/event-stream");
    response.headers_mut().insert(hyper::header::CONTENT_TYPE, event_stream);
    Ok(response)
}

async fn obey(listener: TcpListener, readers: Readers) -> io::Result<()> {
    let (mut socket, _) = listener.accept().await?;
    socket.set_nodelay(true)?;
    let (read, mut write) = TcpStream::split(&mut socket);
    let mut lines = BufReader::new(read).lines();
    let mut sent = 0;
    while let Some(line) = lines.next_line().await? {
        let command: Command = line.parse()?;
        for _ in 0..command.count {
            sent += 1;
            let block = Bytes::from(floor::block(sent));
            for reader in readers.lock().unwrap_or_else(PoisonError::into_inner).iter() {
                let is_of = |name: &str, value: &str| parameter(&reader.path, name).as_deref() == Some(value);
                let reads = match &command.audience {
                    Audience::All => true,
                    Audience::User(name) => is_of("user", name),
                    Audience::Group(name) => is_of("group", name),
                    Audience::Nobody => false,
                };
                if reads {
                    // A reader that has gone is forgotten when the next comes.
                    let _ = reader.queue.send(block.clone());
                }
            }
        }
        write.write_all(b"ok\n").await?;
    }
    Ok(())
}
