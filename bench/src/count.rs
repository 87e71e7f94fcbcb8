//! What is done so often that it is counted in instructions: each path alone, without sockets, so that the count is
//! the same wherever it is taken.

use std::{hint::black_box, io};

use clap::ValueEnum;
use protocol::{Decoder, EncodedEvent, Envelope, Meta};
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
}

impl Path {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Send, Self::Deliver, Self::Replay, Self::Encode, Self::Decode];

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
                for _ in 0..times {
                    let json =
                        Envelope::write(black_box(&event), &Meta::default()).map_err(io::Error::other)?;
                    let encoded = EncodedEvent::new("tick", &json).map_err(io::Error::other)?;
                    black_box(encoded.place(&id));
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
        }
    }
}
