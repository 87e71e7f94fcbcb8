//! Thousands of readers in one thread.

use std::{
    io::{self, Read, Write},
    net::{IpAddr, Ipv4Addr, SocketAddr, TcpStream as Blocking},
    time::{Duration, Instant},
};

use memchr::memmem::Finder;
use mio::{Events, Interest, Poll, Token, net::TcpStream};

use crate::order::{MARKER, Order};

/// Addresses of the loopback that are connected to in turn: each pair of addresses has 28,000 ports.
const LOOPBACKS: usize = 16;

/// Groups that the readers are spread over.
pub const GROUPS: usize = 100;

/// What one read takes.
const BUFFER: usize = 256 * 1024;

/// Nothing has come for this long: the server has lost something.
const SILENCE: Duration = Duration::from_secs(10);

/// What goes wrong with a swarm.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SwarmError {
    /// A reader was refused, or is not answered.
    #[error("reader {reader} got no stream: {answer}")]
    NoStream {
        /// Which.
        reader: usize,
        /// What it got instead.
        answer: String,
    },
    /// The server closed a stream.
    #[error("the stream of reader {0} was closed")]
    Closed(usize),
    /// Events are missing.
    #[error("{got} of {expected} events had come, then nothing for 10 s")]
    Silent {
        /// What came.
        got: u64,
        /// What should have.
        expected: u64,
    },
    /// Events came twice, out of order, or not at all.
    #[error("{0} events came out of order")]
    Wrong(u64),
    /// A system call failed.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// What one reader asks for.
#[derive(Debug, Clone)]
pub struct Target {
    /// Where it connects to; an address of the loopback stands for all of them.
    pub address: SocketAddr,
    /// For `Host`.
    pub host: String,
    /// Path and query; `{reader}` is its number, `{group}` that modulo 100.
    pub path: String,
    /// Further lines of the head, each with its line end; `{reader}` as in the path.
    pub headers: String,
}

struct Reader {
    socket: TcpStream,
    order: Order,
    /// Whether it is read: a slow one is not.
    reads: bool,
}

/// Readers of one server.
pub struct Swarm {
    poll: Poll,
    events: Events,
    readers: Vec<Reader>,
    finder: Finder<'static>,
    buffer: Vec<u8>,
    /// Events that have come so far, over all readers.
    pub received: u64,
    /// Events that fit in what came, by their sizes.
    pub bytes: u64,
    /// The last `id:` of the first reader.
    pub cursor: String,
}

impl std::fmt::Debug for Swarm {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Swarm").field("readers", &self.readers.len()).finish_non_exhaustive()
    }
}

impl Swarm {
    /// Opens `count` streams and waits until each has been answered.
    ///
    /// # Errors
    /// [`SwarmError`] at the first that is refused.
    pub fn open(target: &Target, count: usize) -> Result<Self, SwarmError> {
        let mut swarm = Self {
            poll: Poll::new()?,
            events: Events::with_capacity(4096),
            readers: Vec::with_capacity(count),
            finder: Finder::new(MARKER),
            buffer: vec![0; BUFFER],
            received: 0,
            bytes: 0,
            cursor: String::new(),
        };
        // Few at a time, so that no queue of the listener overflows.
        while swarm.readers.len() < count {
            let first = swarm.readers.len();
            for reader in first..count.min(first + 64) {
                let socket = connect(target, reader)?;
                swarm.readers.push(Reader { socket, order: Order::default(), reads: true });
            }
            for reader in first..swarm.readers.len() {
                swarm.greet(reader)?;
            }
        }
        Ok(swarm)
    }

    /// Reads the answer's head, then leaves the socket to the poll.
    fn greet(&mut self, reader: usize) -> Result<(), SwarmError> {
        let Self { poll, readers, buffer, finder, received, cursor, .. } = self;
        let (Reader { socket, order, .. }, mut filled) = (&mut readers[reader], 0);
        let deadline = Instant::now() + SILENCE;
        loop {
            match socket.read(&mut buffer[filled..]) {
                Ok(0) => return Err(no_stream(reader, &buffer[..filled])),
                Ok(read) => filled += read,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    if Instant::now() > deadline {
                        return Err(no_stream(reader, &buffer[..filled]));
                    }
                    std::thread::yield_now();
                    continue;
                }
                Err(error) => return Err(error.into()),
            }
            let head = buffer[..filled].windows(4).position(|window| window == b"\r\n\r\n");
            let Some(head) = head.map(|at| at + 4) else { continue };
            if !buffer.starts_with(b"HTTP/1.1 200") {
                return Err(no_stream(reader, &buffer[..filled]));
            }
            *received += order.read(&buffer[head..filled], finder);
            if reader == 0 {
                note_cursor(cursor, &buffer[head..filled]);
            }
            break;
        }
        poll.registry().register(socket, Token(reader), Interest::READABLE)?;
        Ok(())
    }

    /// Reads until `expected` events have come in all.
    ///
    /// # Errors
    /// [`SwarmError`] when streams end or nothing comes any more.
    pub fn read_until(&mut self, expected: u64) -> Result<(), SwarmError> {
        while self.received < expected {
            if !self.read(SILENCE)? {
                return Err(SwarmError::Silent { got: self.received, expected });
            }
        }
        Ok(())
    }

    /// Waits for anything to come, and reads it; `false` when nothing came.
    ///
    /// It never sleeps: a write to a reader that sleeps wakes it, which costs the writer as much as half a delivery,
    /// and the more often the slower it is. Readers elsewhere cost a server no wake-up.
    ///
    /// # Errors
    /// [`SwarmError`] when streams end.
    pub fn read(&mut self, within: Duration) -> Result<bool, SwarmError> {
        let deadline = Instant::now() + within;
        loop {
            self.poll.poll(&mut self.events, Some(Duration::ZERO))?;
            if !self.events.is_empty() || Instant::now() > deadline {
                break;
            }
            std::hint::spin_loop();
        }
        for event in &self.events {
            let Token(at) = event.token();
            let reader = &mut self.readers[at];
            if !reader.reads {
                continue;
            }
            loop {
                match reader.socket.read(&mut self.buffer) {
                    Ok(0) => return Err(SwarmError::Closed(at)),
                    Ok(read) => {
                        self.bytes += read as u64;
                        self.received += reader.order.read(&self.buffer[..read], &self.finder);
                        if at == 0 {
                            note_cursor(&mut self.cursor, &self.buffer[..read]);
                        }
                        // Less than was asked for: there is no more, and the next edge will say so.
                        if read < BUFFER {
                            break;
                        }
                    }
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                    Err(error) => return Err(error.into()),
                }
            }
        }
        Ok(!self.events.is_empty())
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.readers.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.readers.is_empty()
    }

    /// Events that came out of order, over all readers.
    pub fn wrong(&self) -> u64 {
        self.readers.iter().map(|reader| reader.order.wrong).sum()
    }

    /// Lets numbers begin anew: what follows is not for all.
    pub fn skip(&mut self) {
        self.readers.iter_mut().for_each(|reader| reader.order.skip());
    }

    /// The same for one.
    pub fn skip_one(&mut self, reader: usize) {
        self.readers[reader].order.skip();
    }

    /// Does not read the first `count` any more.
    pub fn stall(&mut self, count: usize) {
        self.readers.iter_mut().take(count).for_each(|reader| reader.reads = false);
    }
}

fn note_cursor(cursor: &mut String, bytes: &[u8]) {
    if let Some(at) = memchr::memmem::rfind(bytes, b"id: ") {
        let id: Vec<u8> = bytes[at + 4..].iter().copied().take_while(|byte| *byte != b'\n').collect();
        *cursor = String::from_utf8_lossy(&id).into_owned();
    }
}

fn no_stream(reader: usize, answer: &[u8]) -> SwarmError {
    let answer = String::from_utf8_lossy(answer);
    let answer = answer.lines().next().unwrap_or("nothing").to_owned();
    SwarmError::NoStream { reader, answer }
}

/// A socket that has asked.
fn connect(target: &Target, reader: usize) -> io::Result<TcpStream> {
    let mut address = target.address;
    if address.ip() == IpAddr::V4(Ipv4Addr::LOCALHOST) {
        let last = u8::try_from(1 + reader % LOOPBACKS).unwrap_or(1);
        address.set_ip(Ipv4Addr::new(127, 0, 0, last).into());
    }
    // A server that listens on one address only has the ports of one pair.
    let mut socket = Blocking::connect(address).or_else(|_| Blocking::connect(target.address))?;
    socket.set_nodelay(true)?;
    let path = target.path.replace("{reader}", &reader.to_string());
    let path = path.replace("{group}", &(reader % GROUPS).to_string());
    let (host, headers) = (&target.host, target.headers.replace("{reader}", &reader.to_string()));
    let request = format!("GET {path} HTTP/1.1\r\nhost: {host}\r\n{headers}\r\n");
    socket.write_all(request.as_bytes())?;
    socket.set_nonblocking(true)?;
    Ok(TcpStream::from_std(socket))
}
