//! A socket that is given up when its peer stops reading.

use std::{
    fmt,
    future::Future,
    io::{self, IoSlice},
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU8, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use atomic_waker::AtomicWaker;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::Sleep,
};

use crate::metrics::Metrics;

/// A hold on a [`Guarded`] socket by those who may end it.
#[derive(Clone)]
pub(crate) struct Line(Arc<State>);

#[derive(Default)]
struct State {
    cut: AtomicBool,
    writer: AtomicWaker,
    /// Whether a write waits for the peer: [`FREE`], [`BLOCKED`] or [`STUCK`].
    blocked: AtomicU8,
}

/// No write waits.
const FREE: u8 = 0;
/// One does.
const BLOCKED: u8 = 1;
/// The same did when somebody last asked.
const STUCK: u8 = 2;

impl Line {
    /// Whether a write waits that waited already when this was asked last.
    pub(crate) fn is_stuck(&self) -> bool {
        let State { blocked, .. } = &*self.0;
        let stuck = blocked.compare_exchange(BLOCKED, STUCK, Ordering::AcqRel, Ordering::Acquire);
        stuck == Err(STUCK)
    }

    /// Makes the next write fail, and a blocked one at once.
    pub(crate) fn cut(&self) {
        self.0.cut.store(true, Ordering::Release);
        self.0.writer.wake();
    }
}

impl fmt::Debug for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Line(..)")
    }
}

/// A socket whose writes fail when they make no progress for a while.
#[derive(Debug)]
pub(crate) struct Guarded<S> {
    socket: S,
    line: Line,
    stall: Duration,
    metrics: Arc<Metrics>,
    /// Runs while a write waits for the peer.
    stalled: Option<Pin<Box<Sleep>>>,
}

impl<S> Guarded<S> {
    pub(crate) fn new(socket: S, stall: Duration, metrics: Arc<Metrics>) -> Self {
        Self { socket, line: Line(Arc::default()), stall, metrics, stalled: None }
    }

    pub(crate) fn line(&self) -> Line {
        self.line.clone()
    }

    /// Judges what a write came to.
    fn judge<T>(&mut self, cx: &mut Context<'_>, written: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if written.is_ready() {
            if self.stalled.take().is_some() {
                self.line.0.blocked.store(FREE, Ordering::Release);
            }
            return written;
        }
        if self.stalled.is_none() {
            self.line.0.blocked.store(BLOCKED, Ordering::Release);
        }
        self.line.0.writer.register(cx.waker());
        if self.line.0.cut.load(Ordering::Acquire) {
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        let stall = self.stall;
        let stalled = self.stalled.get_or_insert_with(|| Box::pin(tokio::time::sleep(stall)));
        if stalled.as_mut().poll(cx).is_ready() {
            self.metrics.stalls_cut.add(1);
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        Poll::Pending
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Guarded<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_read(cx, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Guarded<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.socket).poll_write(cx, bytes);
        self.judge(cx, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.socket).poll_write_vectored(cx, slices);
        self.judge(cx, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.socket.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_shutdown(cx)
    }
}
