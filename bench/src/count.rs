//! What is done so often that it is counted in instructions: each path alone, without sockets, so that the count is
//! the same wherever it is taken.

use std::{hint::black_box, io};

use clap::ValueEnum;
use protocol::{
    Channel, Covered, Decoder, Delivery, EncodedEvent, Entry, Envelope, Epoch, History, Input, Limits, Meta,
    Output, Payload, Query, Read, Subscriber, Time,
    control::Control,
    subscriber::{Config, Head},
};
use tidings_server::Audience;

use crate::{
    house::{House, drain},
    subject::{Event, floor},
};

/// A path that is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Path {
    /// An event is sent, and nobody reads it.
    Send,
    /// An event is sent to everyone, and 100 streams hand it out.
    Deliver,
    /// A stream begins 100 events behind, and hands them out.
    Replay,
    /// An event becomes a block of the wire.
    Encode,
    /// A block of the wire becomes an event again.
    Decode,
    /// A stream is opened beside 1,000 of other users, and closed: rights, registry, presence.
    Open,
    /// Of 10,000 events those 10 are looked up that one of 1,000 users has not seen.
    Find,
    /// A client takes in a block: decoded, its place in the order noted, the event handed on.
    Session,
}

impl Path {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Send,
        Self::Deliver,
        Self::Replay,
        Self::Encode,
        Self::Decode,
        Self::Open,
        Self::Find,
        Self::Session,
    ];

    /// As on the command line.
    pub fn name(self) -> String {
        self.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
    }

    /// Goes it so many times.
    ///
    /// # Errors
    /// The hub refuses something.
    pub fn go(self, times: u32) -> io::Result<()> {
        match self {
            Self::Send => {
                let house = House::new(0)?;
                (0..times).try_for_each(|_| house.send(Audience::user("nobody")))
            }
            Self::Deliver => {
                let mut house = House::new(100)?;
                for _ in 0..times {
                    house.send(Audience::everyone())?;
                    (0..100).for_each(|user| {
                        black_box(house.drain(user));
                    });
                }
                Ok(())
            }
            Self::Replay => {
                let house = House::new(0)?;
                let cursor = house.cursor();
                (0..100).try_for_each(|_| house.send(Audience::everyone()))?;
                (0..times).try_for_each(|_| {
                    let mut stream = house.open(1, Some(&cursor))?;
                    black_box(drain(&mut stream));
                    Ok(())
                })
            }
            Self::Encode => {
                let (event, id) = (Event::tick(1), "abcdefghijklmnop-1".parse().map_err(io::Error::other)?);
                let channels = Channel::all().into();
                for _ in 0..times {
                    let json =
                        Envelope::write(black_box(&event), &Meta::default()).map_err(io::Error::other)?;
                    let encoded = EncodedEvent::new("tick", &json).map_err(io::Error::other)?;
                    black_box(encoded.place(&id, &channels));
                }
                Ok(())
            }
            Self::Decode => {
                let block = floor::block(1);
                let (mut decoder, mut events) = (Decoder::new(""), Vec::new());
                for _ in 0..times {
                    decoder.feed(black_box(&block), &mut events).map_err(io::Error::other)?;
                    black_box(&events);
                    events.clear();
                }
                Ok(())
            }
            Self::Open => {
                let house = House::new(1_000)?;
                (0..times).try_for_each(|_| house.open(1_000, None).map(|stream| drop(black_box(stream))))
            }
            Self::Find => find(times).map_err(io::Error::other),
            Self::Session => session(times),
        }
    }
}

fn find(times: u32) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    const USERS: u64 = 1_000;
    const EVENTS: u64 = 10_000;
    let epoch = Epoch::new("e")?;
    let mut history = History::new(epoch.clone(), Limits::default());
    let channels = (0..USERS).map(|user| Channel::user(&user.to_string())).collect::<Result<Vec<_>, _>>()?;
    for sequence in 1..=EVENTS {
        history.append(Entry {
            id: epoch.at(sequence),
            channels: channels[(sequence % USERS) as usize].clone().into(),
            at: Time::from_millis(0),
            payload: Payload::Event {
                block: bytes::Bytes::from(floor::block(sequence)).into(),
                delivery: Delivery::Durable,
            },
        })?;
    }
    for at in 0..u64::from(times) {
        let covered = [Covered::from_the_beginning(channels[(at % USERS) as usize].clone())];
        let query = Query {
            cursor: 0,
            covered: &covered,
            replay_until: 0,
            rights_at: 0,
            generation: history.generation(),
            budget: 64 * 1024,
        };
        match black_box(history.after(&query)) {
            Read::Batch(batch) if batch.frames.len() as u64 == EVENTS / USERS => {}
            other => return Err(format!("{at}: {other:?}").into()),
        }
    }
    Ok(())
}

fn session(times: u32) -> io::Result<()> {
    let now = Time::from_millis(1_000);
    let from = "abcdefghijklmnop-0".parse().map_err(io::Error::other)?;
    let mut subscriber = Subscriber::new(Config::new(Control::parse), Some(from), 1);
    subscriber.handle(Input::Connect, now);
    let attempt = std::iter::from_fn(|| subscriber.poll())
        .find_map(|output| if let Output::Open(attempt) = output { Some(attempt.number) } else { None })
        .ok_or_else(|| io::Error::other("it did not connect"))?;
    let head = Head { status: 200, content_type: Some("text/event-stream"), retry_after: None };
    subscriber.handle(Input::Head { attempt, head }, now);
    let hello = br#"{"connection_id":"c","subject":"s","resumed":"replayed","heartbeat_ms":15000,"contract":{"revision":1,"hash":"h"},"groups":"g"}"#;
    let hello = [b"id: abcdefghijklmnop-0\nevent: tidings:hello\ndata: ", &hello[..], b"\n\n"].concat();
    subscriber.handle(Input::Bytes { attempt, bytes: &hello }, now);
    while subscriber.poll().is_some() {}
    for n in 1..=u64::from(times) {
        let block = floor::block(n);
        subscriber.handle(Input::Bytes { attempt, bytes: &block }, now);
        let mut events = 0;
        while let Some(output) = subscriber.poll() {
            events += u32::from(matches!(black_box(output), Output::Event(_)));
        }
        if events != 1 {
            return Err(io::Error::other(format!("{events} events came of block {n}")));
        }
    }
    Ok(())
}
