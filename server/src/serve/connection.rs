//! One connection: its first request is looked at. If it asks for an event stream and gets one, the stream is
//! written to the socket directly; anything else is served by hyper, with the answer that there may be already.

use std::{
    convert::Infallible,
    future::Future,
    net::SocketAddr,
    pin::{Pin, pin},
    task::{Context, Poll, ready},
    time::Duration,
};

use axum::{
    Router,
    body::Body,
    extract::ConnectInfo,
    http::{Request, Response},
};
use bytes::BytesMut;
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use parking_lot::Mutex;
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite},
    sync::watch,
    time::Instant,
};
use tower_service::Service as _;

use super::{
    Guarded,
    begun::Begun,
    direct::{Direct, is_event_stream},
    head::Head,
};

/// hyper's own buffer per connection, read and write: as small as it allows without cutting off a request
/// header of usual size.
const BUFFER_BYTES: usize = 64 * 1024;

/// What the first read takes: the head of a browser's request.
const FIRST_BYTES: usize = 2 * 1024;

/// What a connection is served with.
#[derive(Debug)]
pub(crate) struct Service {
    pub(crate) router: Router,
    pub(crate) peer: SocketAddr,
    pub(crate) header_timeout: Duration,
    pub(crate) stopping: watch::Receiver<bool>,
}

/// One connection, from its first byte to its end. A stream outlives its beginning for long, and needs none of its
/// room: so the other two are in boxes.
pub(crate) enum Connection<S> {
    Begins(Pin<Box<dyn Future<Output = Beginning<S>> + Send>>),
    Streams(Direct<S>),
    IsHypers(Pin<Box<dyn Future<Output = ()> + Send>>),
}

/// How a connection has begun.
pub(crate) enum Beginning<S> {
    /// Its reader gets a stream.
    Stream(Guarded<S>, Response<Body>),
    /// It is hyper's.
    Other(Pin<Box<dyn Future<Output = ()> + Send>>),
    /// Its peer has left, or was too slow.
    Over,
}

impl<S: AsyncRead + AsyncWrite + Unpin + Send + 'static> Connection<S> {
    /// Serves a connection.
    pub(crate) fn new(socket: Guarded<S>, service: Service) -> Self {
        Self::Begins(Box::pin(begin(socket, service)))
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin + Send + 'static> Future for Connection<S> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        loop {
            *self = match &mut *self {
                Self::Streams(stream) => return Pin::new(stream).poll(cx),
                Self::IsHypers(connection) => return connection.as_mut().poll(cx),
                Self::Begins(begins) => match ready!(begins.as_mut().poll(cx)) {
                    Beginning::Stream(socket, response) => Self::Streams(Direct::new(socket, response)),
                    Beginning::Other(connection) => Self::IsHypers(connection),
                    Beginning::Over => return Poll::Ready(()),
                },
            };
        }
    }
}

async fn begin<S: AsyncRead + AsyncWrite + Unpin + Send + 'static>(
    mut socket: Guarded<S>,
    mut service: Service,
) -> Beginning<S> {
    let deadline = Instant::now() + service.header_timeout;
    let mut read = BytesMut::with_capacity(FIRST_BYTES);
    let hypers = |socket, read, answer, service| {
        Beginning::Other(Box::pin(serve_by_hyper(socket, read, answer, service)))
    };
    let mut request = loop {
        tokio::select! {
            biased;
            came = socket.read_buf(&mut read) => match came {
                Ok(0) | Err(_) => return Beginning::Over,
                Ok(_) => match Head::of(&read) {
                    Head::Partial => {}
                    Head::EventStream(request) => break *request,
                    Head::Other => return hypers(socket, read, None, service),
                }
            },
            () = tokio::time::sleep_until(deadline) => return Beginning::Over,
            // hyper knows how to end what has not begun, and lets end what has.
            () = is_stopping(&mut service.stopping) => return hypers(socket, read, None, service),
        }
    };
    extend(&mut request, service.peer, &socket);
    let asked = service.router.call(request);
    let response = tokio::select! {
        biased;
        Ok(response) = asked => response,
        // Nobody waits for the answer any more.
        () = left(&mut socket, &mut read) => return Beginning::Over,
    };
    if is_event_stream(&response) {
        Beginning::Stream(socket, response)
    } else {
        hypers(socket, read, Some(response), service)
    }
}

/// What the app learns of the connection beside the request.
fn extend<S, B>(request: &mut Request<B>, peer: SocketAddr, socket: &Guarded<S>) {
    request.extensions_mut().insert(ConnectInfo(peer));
    request.extensions_mut().insert(socket.line());
}

/// Until the peer has left. What it says meanwhile is kept, as far as hyper would.
async fn left<S: AsyncRead + AsyncWrite + Unpin>(socket: &mut Guarded<S>, read: &mut BytesMut) {
    while read.len() < BUFFER_BYTES {
        if !matches!(socket.read_buf(read).await, Ok(1..)) {
            return;
        }
    }
    std::future::pending().await
}

async fn serve_by_hyper<S: AsyncRead + AsyncWrite + Unpin>(
    socket: Guarded<S>,
    read: BytesMut,
    answer: Option<Response<Body>>,
    service: Service,
) {
    let Service { router, peer, header_timeout, mut stopping } = service;
    let line = socket.line();
    // Taken by the first request, which hyper reads once more.
    let answer = Mutex::new(answer);
    let service = service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(ConnectInfo(peer));
        request.extensions_mut().insert(line.clone());
        let answer = answer.lock().take();
        // A `Router` is always ready.
        let mut router = router.clone();
        async move {
            match answer {
                Some(answer) => Ok::<_, Infallible>(answer),
                None => router.call(request).await,
            }
        }
    });
    let mut connection = pin!(
        http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(header_timeout)
            .max_buf_size(BUFFER_BYTES)
            .serve_connection(TokioIo::new(Begun { socket, read }), service)
    );
    let served = tokio::select! {
        served = &mut connection => served,
        () = is_stopping(&mut stopping) => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = served {
        tracing::debug!(%error, "a connection ended");
    }
}

async fn is_stopping(stopping: &mut watch::Receiver<bool>) {
    // The sender gone means the same.
    let _ = stopping.wait_for(|stopping| *stopping).await;
}
