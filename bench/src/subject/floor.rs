//! The floor: a bare loop over epoll that sends bytes which were encoded before, and nothing else. No server can
//! do the same work through the same kernel for less.
//!
//! What waits for a reader leaves in one `writev`; where one event waits, that is one `write`, so in lock step this
//! is the floor of one write per delivery, and in bursts the floor that coalesces.

use std::{
    collections::{HashMap, VecDeque},
    io::{self, IoSlice, Read, Write},
    rc::Rc,
};

use mio::{
    Events, Interest, Poll, Token,
    net::{TcpListener, TcpStream},
};

use super::{Audience, Command, Event, announce, parameter};

const LISTENER: Token = Token(usize::MAX - 1);
const CONTROL_LISTENER: Token = Token(usize::MAX - 2);
const CONTROL: Token = Token(usize::MAX - 3);

/// Blocks of one `writev`, near what the kernel takes.
const SLICES_MAX: usize = 512;

const HEAD: &[u8] =
    b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n: hello\n\n";

struct Reader {
    socket: TcpStream,
    /// What of its request has come; empty once it was answered.
    request: Vec<u8>,
    answered: bool,
    /// Blocks that wait for it.
    waiting: VecDeque<Rc<[u8]>>,
    /// How much of the first has been written.
    offset: usize,
}

/// All of it.
struct Floor {
    poll: Poll,
    readers: Vec<Option<Reader>>,
    free: Vec<usize>,
    of_user: HashMap<String, Vec<usize>>,
    of_group: HashMap<String, Vec<usize>>,
    sent: u64,
}

/// Serves until its control is closed.
///
/// # Errors
/// A system call failed.
pub fn run() -> io::Result<()> {
    let any = "0.0.0.0:0".parse().map_err(io::Error::other)?;
    let (mut listener, mut control) = (listen(any)?, listen(any)?);
    let poll = Poll::new()?;
    poll.registry().register(&mut listener, LISTENER, Interest::READABLE)?;
    poll.registry().register(&mut control, CONTROL_LISTENER, Interest::READABLE)?;
    announce(listener.local_addr()?.port(), control.local_addr()?.port());
    let mut floor = Floor {
        poll,
        readers: Vec::new(),
        free: Vec::new(),
        of_user: HashMap::new(),
        of_group: HashMap::new(),
        sent: 0,
    };
    let mut events = Events::with_capacity(1024);
    let mut commander: Option<TcpStream> = None;
    loop {
        floor.poll.poll(&mut events, None)?;
        for event in &events {
            match event.token() {
                LISTENER => floor.accept(&listener)?,
                CONTROL_LISTENER => {
                    let (mut socket, _) = control.accept()?;
                    socket.set_nodelay(true)?;
                    floor.poll.registry().register(&mut socket, CONTROL, Interest::READABLE)?;
                    commander = Some(socket);
                }
                CONTROL => {
                    let Some(socket) = &mut commander else { continue };
                    if !floor.obey(socket)? {
                        return Ok(());
                    }
                }
                Token(at) => floor.ready(at)?,
            }
        }
    }
}

fn listen(address: std::net::SocketAddr) -> io::Result<TcpListener> {
    let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None)?;
    socket.bind(&address.into())?;
    socket.listen(4096)?;
    socket.set_nonblocking(true)?;
    Ok(TcpListener::from_std(socket.into()))
}

impl Floor {
    fn accept(&mut self, listener: &TcpListener) -> io::Result<()> {
        loop {
            let mut socket = match listener.accept() {
                Ok((socket, _)) => socket,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error),
            };
            socket.set_nodelay(true)?;
            let at = self.free.pop().unwrap_or_else(|| {
                self.readers.push(None);
                self.readers.len() - 1
            });
            let both = Interest::READABLE | Interest::WRITABLE;
            self.poll.registry().register(&mut socket, Token(at), both)?;
            let reader =
                Reader { socket, request: Vec::new(), answered: false, waiting: VecDeque::new(), offset: 0 };
            self.readers[at] = Some(reader);
        }
    }

    fn ready(&mut self, at: usize) -> io::Result<()> {
        let Some(reader) = self.readers.get_mut(at).and_then(Option::as_mut) else { return Ok(()) };
        let mut buffer = [0; 4096];
        match reader.socket.read(&mut buffer) {
            Ok(0) => return self.close(at),
            Ok(read) if !reader.answered => {
                reader.request.extend_from_slice(&buffer[..read]);
                if reader.request.ends_with(b"\r\n\r\n") {
                    reader.socket.write_all(HEAD)?;
                    reader.answered = true;
                    let request = String::from_utf8_lossy(&std::mem::take(&mut reader.request)).into_owned();
                    let path = request.split(' ').nth(1).unwrap_or_default();
                    for (of, name) in [(&mut self.of_user, "user"), (&mut self.of_group, "group")] {
                        if let Some(value) = parameter(path, name) {
                            of.entry(value).or_default().push(at);
                        }
                    }
                }
            }
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(_) => return self.close(at),
        }
        self.flush(at)
    }

    fn close(&mut self, at: usize) -> io::Result<()> {
        if let Some(mut reader) = self.readers[at].take() {
            self.poll.registry().deregister(&mut reader.socket)?;
            for of in [&mut self.of_user, &mut self.of_group] {
                of.values_mut().for_each(|readers| readers.retain(|reader| *reader != at));
            }
            self.free.push(at);
        }
        Ok(())
    }

    /// `false`: the commander has gone.
    fn obey(&mut self, socket: &mut TcpStream) -> io::Result<bool> {
        let mut buffer = [0; 4096];
        loop {
            match socket.read(&mut buffer) {
                Ok(0) => return Ok(false),
                Ok(read) => {
                    for line in String::from_utf8_lossy(&buffer[..read]).lines() {
                        self.send(&line.parse()?)?;
                        socket.write_all(b"ok\n")?;
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(true),
                Err(error) => return Err(error),
            }
        }
    }

    fn send(&mut self, command: &Command) -> io::Result<()> {
        let mut blocks = VecDeque::new();
        for _ in 0..command.count {
            self.sent += 1;
            blocks.push_back(Rc::from(block(self.sent)));
        }
        let readers = match &command.audience {
            Audience::All => (0..self.readers.len()).collect(),
            Audience::User(name) => self.of_user.get(name).cloned().unwrap_or_default(),
            Audience::Group(name) => self.of_group.get(name).cloned().unwrap_or_default(),
            Audience::Nobody => Vec::new(),
        };
        for at in readers {
            if let Some(reader) = &mut self.readers[at] {
                reader.waiting.extend(blocks.iter().cloned());
            }
            self.flush(at)?;
        }
        Ok(())
    }

    fn flush(&mut self, at: usize) -> io::Result<()> {
        let Some(reader) = &mut self.readers[at] else { return Ok(()) };
        while !reader.waiting.is_empty() {
            let written = if reader.waiting.len() == 1 {
                reader.socket.write(&reader.waiting[0][reader.offset..])
            } else {
                let mut offset = reader.offset;
                let slices: Vec<_> = (reader.waiting.iter().take(SLICES_MAX))
                    .map(|block| IoSlice::new(&block[std::mem::take(&mut offset)..]))
                    .collect();
                reader.socket.write_vectored(&slices)
            };
            let mut written = match written {
                Ok(written) => written,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(_) => return self.close(at),
            };
            let mut done = 0;
            for block in &reader.waiting {
                let left = block.len() - reader.offset;
                if written < left {
                    reader.offset += written;
                    break;
                }
                written -= left;
                reader.offset = 0;
                done += 1;
            }
            reader.waiting.drain(..done);
        }
        Ok(())
    }
}

/// An event's block, as ours are.
pub(crate) fn block(n: u64) -> Vec<u8> {
    let data = serde_json::to_string(&Event::tick(n)).unwrap_or_default();
    let data = data.trim_end_matches('}');
    format!("id: abcdefghijklmnop-{n}\nevent: tick\ndata: {data}}},\"meta\":{{\"at\":\"2026-01-01T00:00:00.000Z\"}}}}\n\n")
        .into_bytes()
}
