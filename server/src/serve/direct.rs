//! An event stream on its way to its socket, with nothing of an HTTP connection between: the answer ends where the
//! connection does, so there is nothing to frame, and all that is due leaves in one write.
//!
//! It polls the body that the app answered with, whatever layers the app has put around it.

use std::{
    collections::VecDeque,
    future::Future,
    io::{self, IoSlice},
    mem::MaybeUninit,
    pin::Pin,
    task::{Context, Poll, ready},
    time::SystemTime,
};

use axum::{
    body::{Body, HttpBody},
    http::{Response, StatusCode, header},
};
use bytes::{Buf, Bytes};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::{Guarded, head::EVENT_STREAM};

/// Pieces of one write: far more than a batch of a stream has, and 1 KiB of stack.
const PIECES_MAX: usize = 64;

/// Bytes that are taken from the body before they are written: a batch of a stream.
const TAKEN_MAX: usize = 64 * 1024;

/// A reader of a stream has nothing more to say, and what it says is dropped; one that says more than this is cut.
const SAID_MAX: usize = 64 * 1024;

/// Whether an answer can be given so.
pub(crate) fn is_event_stream(response: &Response<Body>) -> bool {
    let headers = response.headers();
    let is_event_stream = headers
        .get(header::CONTENT_TYPE)
        .is_some_and(|value| value.as_bytes().starts_with(EVENT_STREAM.as_bytes()));
    let is_framed =
        [header::CONTENT_LENGTH, header::TRANSFER_ENCODING].iter().any(|name| headers.contains_key(name));
    // What has a length has an end, after which the connection can be used again.
    let has_length = response.body().size_hint().exact().is_some();
    response.status() == StatusCode::OK && is_event_stream && !is_framed && !has_length
}

/// A stream that is being written.
#[derive(Debug)]
pub(crate) struct Direct<S> {
    socket: Guarded<S>,
    body: Body,
    /// Taken from the body and not written yet.
    taken: VecDeque<Bytes>,
    taken_bytes: usize,
    has_ended: bool,
    /// Bytes that the reader has said since its request.
    said: usize,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Direct<S> {
    /// `response` is one of which [`is_event_stream`] is true.
    pub(crate) fn new(socket: Guarded<S>, response: Response<Body>) -> Self {
        let (head, body) = head(response);
        let taken_bytes = head.len();
        Self { socket, body, taken: VecDeque::from([head]), taken_bytes, has_ended: false, said: 0 }
    }

    /// Ready when the reader has left.
    fn poll_left(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let mut bytes = [MaybeUninit::uninit(); 512];
        loop {
            let mut buffer = ReadBuf::uninit(&mut bytes);
            if ready!(Pin::new(&mut self.socket).poll_read(cx, &mut buffer)).is_err() {
                return Poll::Ready(());
            }
            self.said += buffer.filled().len();
            if buffer.filled().is_empty() || self.said > SAID_MAX {
                return Poll::Ready(());
            }
        }
    }

    /// Takes what the body has; `true` when it will wake us for more.
    fn take(&mut self, cx: &mut Context<'_>) -> bool {
        while !self.has_ended && self.taken.len() < PIECES_MAX && self.taken_bytes < TAKEN_MAX {
            match Pin::new(&mut self.body).poll_frame(cx) {
                Poll::Ready(Some(Ok(frame))) => {
                    if let Ok(bytes) = frame.into_data()
                        && !bytes.is_empty()
                    {
                        self.taken_bytes += bytes.len();
                        self.taken.push_back(bytes);
                    }
                }
                Poll::Ready(Some(Err(_)) | None) => self.has_ended = true,
                Poll::Pending => return true,
            }
        }
        false
    }

    /// Writes all that was taken.
    fn poll_write(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while let Some(first) = self.taken.front() {
            let socket = Pin::new(&mut self.socket);
            let written = if self.taken.len() == 1 {
                ready!(socket.poll_write(cx, first))?
            } else {
                let mut slices = [IoSlice::new(&[]); PIECES_MAX];
                let count = slices
                    .iter_mut()
                    .zip(&self.taken)
                    .map(|(slice, bytes)| *slice = IoSlice::new(bytes))
                    .count();
                ready!(socket.poll_write_vectored(cx, &slices[..count]))?
            };
            if written == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.advance(written);
        }
        Poll::Ready(Ok(()))
    }

    fn advance(&mut self, mut written: usize) {
        self.taken_bytes = self.taken_bytes.saturating_sub(written);
        while let Some(first) = self.taken.front_mut() {
            if written < first.len() {
                return first.advance(written);
            }
            written -= first.len();
            self.taken.pop_front();
        }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Future for Direct<S> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = self.get_mut();
        if this.poll_left(cx).is_ready() {
            return Poll::Ready(());
        }
        loop {
            let is_idle = this.take(cx);
            if ready!(this.poll_write(cx)).is_err() {
                return Poll::Ready(());
            }
            if this.has_ended {
                // Whether the reader is still there to learn of the end makes no difference any more.
                let _ = ready!(Pin::new(&mut this.socket).poll_shutdown(cx));
                return Poll::Ready(());
            }
            if is_idle {
                return Poll::Pending;
            }
        }
    }
}

/// The head as bytes, and the body. The connection ends with the answer, which its head says.
fn head(response: Response<Body>) -> (Bytes, Body) {
    let (parts, body) = response.into_parts();
    let mut head = Vec::with_capacity(512);
    head.extend_from_slice(b"HTTP/1.1 200 OK\r\n");
    let mut line = |name: &[u8], value: &[u8]| {
        for part in [name, b": ", value, b"\r\n"] {
            head.extend_from_slice(part);
        }
    };
    for (name, value) in parts.headers.iter().filter(|(name, _)| **name != header::CONNECTION) {
        line(name.as_str().as_bytes(), value.as_bytes());
    }
    line(b"connection", b"close");
    if !parts.headers.contains_key(header::DATE) {
        line(b"date", httpdate::fmt_http_date(SystemTime::now()).as_bytes());
    }
    head.extend_from_slice(b"\r\n");
    (head.into(), body)
}
