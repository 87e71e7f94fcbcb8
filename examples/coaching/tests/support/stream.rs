//! A raw event stream, as `curl -N` would read it.

use std::{collections::VecDeque, net::SocketAddr};

use protocol::{DecodedEvent, Decoder};
use serde_json::Value;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

use super::{
    PATIENCE,
    http::{read_head, request},
};

/// An open stream.
pub(crate) struct Stream {
    pub(crate) status: u16,
    socket: TcpStream,
    /// Bytes of a chunk that is not complete.
    chunked: Vec<u8>,
    decoder: Decoder,
    /// Of the event that was read last.
    cursor: String,
    events: VecDeque<DecodedEvent>,
    /// The last chunk was there.
    ended: bool,
}

impl Stream {
    pub(crate) async fn open(address: SocketAddr, headers: &[(&str, &str)]) -> Self {
        let mut socket = TcpStream::connect(address).await.expect("connects");
        let mut all = vec![("accept", "text/event-stream")];
        all.extend_from_slice(headers);
        socket.write_all(request("GET", "/sse", &all, "").as_bytes()).await.expect("sent");
        let mut bytes = Vec::new();
        let end = loop {
            if let Some(end) = find(&bytes, b"\r\n\r\n") {
                break end;
            }
            let read = timeout(PATIENCE, socket.read_buf(&mut bytes)).await.expect("in time").expect("read");
            assert_ne!(read, 0, "ended within the head");
        };
        let head = std::str::from_utf8(&bytes[..end]).expect("text");
        let (status, _) = read_head(head);
        let chunked = bytes.split_off(end + 4);
        Self {
            status,
            socket,
            chunked,
            decoder: Decoder::new(""),
            cursor: String::new(),
            events: VecDeque::new(),
            ended: false,
        }
    }

    /// The next event of any kind but heartbeats, in time; none at the end of the stream.
    pub(crate) async fn next(&mut self) -> Option<DecodedEvent> {
        let event = async {
            loop {
                match self.read_event().await {
                    Some(event) if event.event == "tidings:heartbeat" => {}
                    other => return other,
                }
            }
        };
        timeout(PATIENCE, event).await.expect("an event in time")
    }

    async fn read_event(&mut self) -> Option<DecodedEvent> {
        loop {
            if let Some(event) = self.events.pop_front() {
                self.cursor = event.last_event_id.to_string();
                return Some(event);
            }
            if !self.take_chunks() && (self.ended || !self.read().await) {
                return None;
            }
        }
    }

    /// The id of what was read last, with which a client comes back.
    pub(crate) fn cursor(&self) -> &str {
        &self.cursor
    }

    /// The data of the hello that comes next.
    pub(crate) async fn hello(&mut self) -> Value {
        let event = self.next().await.expect("a hello");
        assert_eq!(event.event, "tidings:hello");
        serde_json::from_str(&event.data).expect("json")
    }

    /// The next event of the app but for comings and goings.
    pub(crate) async fn event(&mut self) -> Value {
        loop {
            let event = self.any_event().await;
            if event["type"] != "presence_changed" {
                return event;
            }
        }
    }

    /// The next event of the app.
    pub(crate) async fn any_event(&mut self) -> Value {
        let event = self.next().await.expect("an event before the end");
        assert!(!event.event.starts_with("tidings:"), "{event:?}");
        let json: Value = serde_json::from_str(&event.data).expect("json");
        assert_eq!(json["type"], event.event.as_str());
        json
    }

    /// The data of the goodbye that comes next, and that nothing follows it.
    pub(crate) async fn goodbye(&mut self) -> Value {
        let event = self.next().await.expect("a goodbye");
        assert_eq!(event.event, "tidings:goodbye", "{event:?}");
        assert_eq!(self.next().await, None, "the stream ends");
        serde_json::from_str(&event.data).expect("json")
    }

    async fn read(&mut self) -> bool {
        self.socket.read_buf(&mut self.chunked).await.is_ok_and(|read| read > 0)
    }

    /// Moves whole chunks to the decoder.
    fn take_chunks(&mut self) -> bool {
        let mut events = Vec::new();
        while let Some(line) = find(&self.chunked, b"\r\n") {
            let size = std::str::from_utf8(&self.chunked[..line]).expect("a size");
            let size = usize::from_str_radix(size, 16).expect("a size");
            let (from, to) = (line + 2, line + 2 + size);
            if self.chunked.len() < to + 2 {
                break;
            }
            self.decoder.feed(&self.chunked[from..to], &mut events).expect("an event stream");
            self.chunked.drain(..to + 2);
            self.ended |= size == 0;
        }
        self.events.extend(events);
        !self.events.is_empty()
    }
}

fn find(bytes: &[u8], what: &[u8]) -> Option<usize> {
    bytes.windows(what.len()).position(|window| window == what)
}
