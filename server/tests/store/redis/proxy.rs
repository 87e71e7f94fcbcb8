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
        let cut = watch::Sender::new(false);
        let fates = Arc::new(Fates { of: Mutex::new(Box::new(|| Fate::Arrives)), wakes: AtomicU64::new(0) });
        let accepts = tokio::spawn({
            let (target, is_cut, fates) = (target.clone(), cut.subscribe(), fates.clone());
            async move {
                while let Ok((client, _)) = listener.accept().await {
                    let (target, is_cut, fates) = (target.lock().clone(), is_cut.clone(), fates.clone());
                    tokio::spawn(async move {
                        let Ok(server) = TcpStream::connect(target).await else { return };
                        let ((from_client, to_client), (from_server, to_server)) =
                            (client.into_split(), server.into_split());
                        tokio::select! {
                            () = carry(from_client, to_server, is_cut.clone(), None) => {}
                            () = carry(from_server, to_client, is_cut, Some(&fates)) => {}
                        }
                    });
                }
            }
        });
        Self { port, target, cut, fates, accepts }
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

async fn carry(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    mut is_cut: watch::Receiver<bool>,
    fates: Option<&Fates>,
) {
    let (mut bytes, mut held) = (vec![0; 64 * 1024], Vec::new());
    while let Ok(count @ 1..) = from.read(&mut bytes).await {
        held.extend(&bytes[..count]);
        let on = match fates {
            Some(fates) => fates.pass(&mut held),
            None => std::mem::take(&mut held),
        };
        if is_cut.wait_for(|cut| !cut).await.is_err() || to.write_all(&on).await.is_err() {
            break;
        }
    }
}
