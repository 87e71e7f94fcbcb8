//! A network between an instance and its server: it can be cut, turn to another server, and lose wake-ups.

use std::sync::{Arc, atomic::AtomicU64, atomic::Ordering};

use parking_lot::Mutex;
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    sync::watch,
    task::JoinHandle,
};

/// A wake-up as it comes over the wire.
const WAKE: &[u8] = b">3\r\n$8\r\nsmessage\r\n$14\r\n{tidings}:wake\r\n$0\r\n\r\n";

/// What becomes of the next wake-up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    Arrives,
    IsLost,
    ComesTwice,
}

/// Connections through it stay open, cut or not.
pub(crate) struct Proxy {
    port: u16,
    target: Arc<Mutex<String>>,
    cut: watch::Sender<bool>,
    /// Connections up to this number are held.
    held: watch::Sender<u64>,
    opened: Arc<AtomicU64>,
    fates: Arc<Fates>,
    accepts: JoinHandle<()>,
}

/// Decides over wake-ups.
struct Fates {
    of: Mutex<Box<dyn FnMut() -> Fate + Send>>,
    wakes: AtomicU64,
}

impl Proxy {
    pub(crate) async fn to(target: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let target = Arc::new(Mutex::new(target.to_owned()));
        let (cut, held) = (watch::Sender::new(false), watch::Sender::new(0));
        let opened = Arc::<AtomicU64>::default();
        let fates = Arc::new(Fates { of: Mutex::new(Box::new(|| Fate::Arrives)), wakes: AtomicU64::new(0) });
        let accepts = tokio::spawn({
            let (target, is_cut, fates) = (target.clone(), cut.subscribe(), fates.clone());
            let (is_held, opened) = (held.subscribe(), opened.clone());
            async move {
                while let Ok((client, _)) = listener.accept().await {
                    let (target, fates) = (target.lock().clone(), fates.clone());
                    let number = opened.fetch_add(1, Ordering::Relaxed) + 1;
                    let way = Way { number, is_cut: is_cut.clone(), is_held: is_held.clone() };
                    tokio::spawn(async move {
                        let Ok(server) = TcpStream::connect(target).await else { return };
                        let ((from_client, to_client), (from_server, to_server)) =
                            (client.into_split(), server.into_split());
                        // What was sent before the client left arrives all the same.
                        let answers = carry(from_server, to_client, way.clone(), Some(&fates));
                        tokio::join!(carry(from_client, to_server, way, None), answers);
                    });
                }
            }
        });
        Self { port, target, cut, held, opened, fates, accepts }
    }

    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// New connections go to another server.
    pub(crate) fn turn_to(&self, target: &str) {
        target.clone_into(&mut self.target.lock());
    }

    /// Nothing goes through any more, and nobody hears of it.
    pub(crate) fn cut(&self) {
        self.cut.send_replace(true);
    }

    /// Everything that was sent meanwhile goes through.
    pub(crate) fn heal(&self) {
        self.cut.send_replace(false);
    }

    /// Nothing goes through any more on the connections that are open; new ones are none of its business.
    pub(crate) fn hold_open(&self) {
        self.held.send_replace(self.opened.load(Ordering::Relaxed));
    }

    /// What was sent on them arrives.
    pub(crate) fn let_go(&self) {
        self.held.send_replace(0);
    }

    /// Decides over wake-ups from now on.
    pub(crate) fn decide(&self, of: impl FnMut() -> Fate + Send + 'static) {
        *self.fates.of.lock() = Box::new(of);
    }

    /// Wake-ups that were decided over.
    pub(crate) fn wakes(&self) -> u64 {
        self.fates.wakes.load(Ordering::Relaxed)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.accepts.abort();
    }
}

impl Fates {
    /// What goes on of `bytes`: all but a last piece that may be the beginning of a wake-up.
    fn pass(&self, bytes: &mut Vec<u8>) -> Vec<u8> {
        let mut on = Vec::with_capacity(bytes.len());
        while let Some(at) = bytes.windows(WAKE.len()).position(|piece| piece == WAKE) {
            on.extend(bytes.drain(..at));
            bytes.drain(..WAKE.len());
            self.wakes.fetch_add(1, Ordering::Relaxed);
            match (self.of.lock())() {
                Fate::Arrives => on.extend(WAKE),
                Fate::IsLost => {}
                Fate::ComesTwice => on.extend([WAKE, WAKE].concat()),
            }
        }
        let held = (1..WAKE.len()).rev().find(|length| bytes.ends_with(&WAKE[..*length])).unwrap_or(0);
        on.extend(bytes.drain(..bytes.len() - held));
        on
    }
}

/// What stands in the way of a connection.
#[derive(Clone)]
struct Way {
    number: u64,
    is_cut: watch::Receiver<bool>,
    is_held: watch::Receiver<u64>,
}

impl Way {
    /// Waits until nothing does. The proxy gone is an end.
    async fn is_free(&mut self) -> bool {
        self.is_cut.wait_for(|cut| !cut).await.is_ok()
            && self.is_held.wait_for(|held| *held < self.number).await.is_ok()
    }
}

async fn carry(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    mut way: Way,
    fates: Option<&Fates>,
) {
    let (mut bytes, mut held) = (vec![0; 64 * 1024], Vec::new());
    while let Ok(count @ 1..) = from.read(&mut bytes).await {
        held.extend(&bytes[..count]);
        let on = match fates {
            Some(fates) => fates.pass(&mut held),
            None => std::mem::take(&mut held),
        };
        if !way.is_free().await || to.write_all(&on).await.is_err() {
            break;
        }
    }
    let _ = to.shutdown().await;
}
