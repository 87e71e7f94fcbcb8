//! The network between clients and server: a TCP proxy that cuts, resets, swallows and crumbles what passes.

use std::{
    net::SocketAddr,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{
        TcpListener, TcpStream,
        tcp::{ReadHalf, WriteHalf},
    },
    sync::watch,
    task::AbortHandle,
};

use crate::{
    clock::Clock,
    error::{Error, Result},
    fate::{Direction, Ending, Fate},
};

/// Read at once.
const BUFFER: usize = 8 * 1024;

/// How the network is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Weather {
    /// Everything passes, and black holes have ended.
    Clear,
    /// Each connection goes on towards its fate.
    Storm,
}

/// A proxy; dropping it ends everything that passes through it.
#[derive(Debug)]
pub(crate) struct Proxy {
    address: SocketAddr,
    weather: watch::Sender<Weather>,
    counts: Arc<Counts>,
    accepting: AbortHandle,
}

/// What a proxy has done.
#[derive(Debug, Default)]
struct Counts {
    cuts: AtomicU64,
    resets: AtomicU64,
    black_holes: AtomicU64,
    crumbled: AtomicU64,
    /// When connections came, in milliseconds of the run.
    attempts_ms: Mutex<Vec<u64>>,
}

/// The same as numbers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Done {
    pub(crate) cuts: u64,
    pub(crate) resets: u64,
    pub(crate) black_holes: u64,
    pub(crate) crumbled: u64,
}

/// How the carrying of bytes came to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Over {
    /// An end has left.
    Closed,
    /// As much has passed as was to pass.
    Reached,
}

impl Proxy {
    /// One before `servers`, each in its turn; the fates of connections come from `seed`.
    pub(crate) async fn start(servers: &[SocketAddr], seed: u64, clock: Clock) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await.map_err(Error::io("a port for the proxy"))?;
        let address = listener.local_addr().map_err(Error::io("the proxy's address"))?;
        let (weather, _) = watch::channel(Weather::Clear);
        let counts = Arc::<Counts>::default();
        let accepting =
            tokio::spawn(accept(listener, servers.into(), seed, clock, weather.subscribe(), counts.clone()));
        Ok(Self { address, weather, counts, accepting: accepting.abort_handle() })
    }

    pub(crate) const fn address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) fn set(&self, weather: Weather) {
        self.weather.send_replace(weather);
    }

    pub(crate) fn done(&self) -> Done {
        let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
        let Counts { cuts, resets, black_holes, crumbled, .. } = &*self.counts;
        Done {
            cuts: read(cuts),
            resets: read(resets),
            black_holes: read(black_holes),
            crumbled: read(crumbled),
        }
    }

    /// When connections came, in milliseconds of the run.
    pub(crate) fn attempts_ms(&self) -> Vec<u64> {
        self.counts.attempts_ms.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.accepting.abort();
        self.weather.send_replace(Weather::Clear);
    }
}

impl Done {
    pub(crate) const fn since(self, before: Self) -> Self {
        Self {
            cuts: self.cuts - before.cuts,
            resets: self.resets - before.resets,
            black_holes: self.black_holes - before.black_holes,
            crumbled: self.crumbled - before.crumbled,
        }
    }
}

async fn accept(
    listener: TcpListener,
    servers: Arc<[SocketAddr]>,
    seed: u64,
    clock: Clock,
    weather: watch::Receiver<Weather>,
    counts: Arc<Counts>,
) {
    for number in 0.. {
        let client = loop {
            match listener.accept().await {
                Ok((client, _)) => break client,
                // Out of descriptors for a moment, or the client was gone before it was accepted.
                Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
            }
        };
        counts.attempts_ms.lock().unwrap_or_else(PoisonError::into_inner).push(clock.ms());
        let fate = Fate::draw(seed, number);
        let turn = usize::try_from(number).unwrap_or(0) % servers.len();
        tokio::spawn(carry(client, servers.clone(), turn, fate, weather.clone(), counts.clone()));
    }
}

async fn carry(
    mut client: TcpStream,
    servers: Arc<[SocketAddr]>,
    turn: usize,
    fate: Fate,
    mut weather: watch::Receiver<Weather>,
    counts: Arc<Counts>,
) {
    // As a load balancer does: one that does not listen is passed over.
    let mut found = None;
    for server in servers[turn..].iter().chain(&servers[..turn]) {
        if let Ok(server) = TcpStream::connect(server).await {
            found = Some(server);
            break;
        }
    }
    let Some(mut server) = found else { return };
    let _ = (client.set_nodelay(true), server.set_nodelay(true));
    if fate.piece == 1 {
        counts.crumbled.fetch_add(1, Ordering::Relaxed);
    }
    let over = {
        let (from_client, to_client) = client.split();
        let (from_server, to_server) = server.split();
        let until = |direction| if fate.direction == direction { fate.after } else { u64::MAX };
        tokio::select! {
            over = pass(from_client, to_server, until(Direction::ToServer), fate.piece, &weather) => over,
            over = pass(from_server, to_client, until(Direction::ToClient), fate.piece, &weather) => over,
        }
    };
    if over == Over::Closed {
        return;
    }
    match fate.ending {
        Ending::Natural => {}
        Ending::Cut => {
            counts.cuts.fetch_add(1, Ordering::Relaxed);
        }
        Ending::Reset => {
            counts.resets.fetch_add(1, Ordering::Relaxed);
            let _ = (client.set_zero_linger(), server.set_zero_linger());
        }
        Ending::BlackHole => {
            counts.black_holes.fetch_add(1, Ordering::Relaxed);
            // Both ends keep a connection that is open as far as anybody can tell.
            cleared(&mut weather).await;
        }
    }
}

/// Passes bytes on until `until` of them have passed in storms.
async fn pass(
    mut from: ReadHalf<'_>,
    mut to: WriteHalf<'_>,
    until: u64,
    piece: usize,
    weather: &watch::Receiver<Weather>,
) -> Over {
    let mut buffer = [0; BUFFER];
    let mut left = until;
    while left > 0 {
        let room = usize::try_from(left).unwrap_or(BUFFER).min(BUFFER);
        let Ok(read @ 1..) = from.read(&mut buffer[..room]).await else { return Over::Closed };
        let storm = *weather.borrow() == Weather::Storm;
        for piece in buffer[..read].chunks(if storm { piece } else { BUFFER }) {
            if to.write_all(piece).await.is_err() {
                return Over::Closed;
            }
        }
        if storm {
            left = left.saturating_sub(read as u64);
        }
    }
    Over::Reached
}

async fn cleared(weather: &mut watch::Receiver<Weather>) {
    // The proxy gone means the same.
    let _ = weather.wait_for(|weather| *weather == Weather::Clear).await;
}
