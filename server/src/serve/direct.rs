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

/// Pieces of one write: a stream hands out eight at most, an app's own body as it likes; 1 KiB of stack.
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
    /// The first piece, until it is taken.
    head: Option<Bytes>,
    /// Taken and not written yet; allocated only while the reader is behind.
    taken: VecDeque<Bytes>,
    has_ended: bool,
    /// Bytes that the reader has said since its request.
    said: usize,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Direct<S> {
    /// `response` is one of which [`is_event_stream`] is true.
    pub(crate) fn new(socket: Guarded<S>, response: Response<Body>) -> Self {
        let (head, body) = head(response);
        Self { socket, body, head: Some(head), taken: VecDeque::new(), has_ended: false, said: 0 }
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

    /// The next piece; pending when there is none yet, and the body wakes us for it.
    fn poll_piece(&mut self, cx: &mut Context<'_>) -> Poll<Option<Bytes>> {
        if self.head.is_some() {
            return Poll::Ready(self.head.take());
        }
        while !self.has_ended {
            match ready!(Pin::new(&mut self.body).poll_frame(cx)) {
                Some(Ok(frame)) => {
                    if let Ok(bytes) = frame.into_data()
                        && !bytes.is_empty()
                    {
                        return Poll::Ready(Some(bytes));
                    }
                }
                Some(Err(_)) | None => self.has_ended = true,
            }
        }
        Poll::Ready(None)
    }

    /// Writes the only piece that there is; what the socket does not take waits.
    fn poll_write_one(&mut self, cx: &mut Context<'_>, mut piece: Bytes) -> Poll<io::Result<()>> {
        while !piece.is_empty() {
            match Pin::new(&mut self.socket).poll_write(cx, &piece) {
                Poll::Ready(Ok(0)) => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                Poll::Ready(Ok(written)) => piece.advance(written),
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                Poll::Pending => {
                    self.taken.push_back(piece);
                    return Poll::Pending;
                }
            }
        }
        Poll::Ready(Ok(()))
    }

    /// Writes all that was taken.
    fn poll_write(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.taken.is_empty() {
            let mut slices = [IoSlice::new(&[]); PIECES_MAX];
            let filled = slices.iter_mut().zip(&self.taken);
            let count = filled.map(|(slice, bytes)| *slice = IoSlice::new(bytes)).count();
            let written = ready!(Pin::new(&mut self.socket).poll_write_vectored(cx, &slices[..count]))?;
            if written == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.advance(written);
        }
        if self.taken.capacity() > 0 {
            self.taken = VecDeque::new();
        }
        Poll::Ready(Ok(()))
    }

    fn advance(&mut self, mut written: usize) {
        while let Some(first) = self.taken.front_mut() {
            if written < first.len() {
                return first.advance(written);
            }
            written -= first.len();
            self.taken.pop_front();
        }
    }

    /// Takes what the body has and writes it, until there is no more for now.
    fn poll_through(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        loop {
            ready!(self.poll_write(cx))?;
            let Some(first) = ready!(self.poll_piece(cx)) else { return Poll::Ready(Ok(())) };
            let mut bytes = first.len();
            let mut next = self.poll_piece(cx);
            let Poll::Ready(Some(second)) = next else {
                // Mostly there is one piece, and no list is needed.
                ready!(self.poll_write_one(cx, first))?;
                match next {
                    Poll::Pending => return Poll::Pending,
                    Poll::Ready(_) => continue,
                }
            };
            next = Poll::Ready(Some(second));
            self.taken.push_back(first);
            while let Poll::Ready(Some(piece)) = next {
                bytes += piece.len();
                self.taken.push_back(piece);
                if self.taken.len() == PIECES_MAX || bytes >= TAKEN_MAX {
                    next = Poll::Ready(None);
                    break;
                }
                next = self.poll_piece(cx);
            }
            ready!(self.poll_write(cx))?;
            if next.is_pending() {
                return Poll::Pending;
            }
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
        if ready!(this.poll_through(cx)).is_err() {
            return Poll::Ready(());
        }
        // Whether the reader is still there to learn of the end makes no difference any more.
        let _ = ready!(Pin::new(&mut this.socket).poll_shutdown(cx));
        Poll::Ready(())
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
