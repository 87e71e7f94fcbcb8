//! Servers that are measured, each a process of its own: ours, the floors beneath any server, and hyper.
//!
//! A subject prints the ports of its stream and of its control on one line. The control is a TCP connection that
//! takes lines, `all COUNT`, `user NAME COUNT` and `group NAME COUNT`, and answers each with `ok` once all is sent. Ours
//! takes `pace COUNT` too, sends to nobody twice a millisecond, and answers with half and 99 of 100 of the times, in
//! microseconds, from the moment in which somebody wants to send to the commit.

pub mod floor;
pub mod hub;
pub mod hyper;

use std::{fmt, io, str::FromStr};

use serde::{Deserialize, Serialize};

/// What is sent, as the contract of our own server.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "type", content = "data", rename_all = "snake_case")]
pub enum Event {
    /// One more.
    Tick {
        /// Its number.
        n: u64,
        /// Makes a block of 300 bytes of it.
        text: String,
    },
}

/// What an event's block measures on the wire, about; that of the field's comparisons.
const BLOCK_BYTES: usize = 300;

impl Event {
    /// The `n`th.
    pub fn tick(n: u64) -> Self {
        Self::Tick { n, text: "x".repeat(BLOCK_BYTES - 150) }
    }
}

impl protocol::Contract for Event {
    const REVISION: u32 = 1;
    const HASH: &'static str = "bench";
    const NAMES: &'static [&'static str] = &["tick"];
    type ApplicationError = protocol::NoApplicationError;
    const APPLICATION_ERROR: Option<&'static str> = None;

    fn name(&self) -> &'static str {
        "tick"
    }

    fn application_error(error: protocol::NoApplicationError) -> Self {
        match error {}
    }
}

/// To whom events are sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Audience {
    /// Everybody.
    All,
    /// Whose path said `user=` this.
    User(String),
    /// Whose path said `group=` this.
    Group(String),
    /// Nobody, at a steady pace.
    Nobody,
}

/// A line of the control.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Command {
    /// To whom.
    pub audience: Audience,
    /// How many events, as fast as it goes.
    pub count: u64,
}

impl fmt::Display for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.audience {
            Audience::All => write!(f, "all")?,
            Audience::User(name) => write!(f, "user {name}")?,
            Audience::Group(name) => write!(f, "group {name}")?,
            Audience::Nobody => write!(f, "pace")?,
        }
        write!(f, " {}", self.count)
    }
}

impl FromStr for Command {
    type Err = io::Error;

    fn from_str(line: &str) -> io::Result<Self> {
        let words: Vec<_> = line.split_whitespace().collect();
        let (audience, count) = match words[..] {
            ["all", count] => (Audience::All, count),
            ["user", name, count] => (Audience::User(name.to_owned()), count),
            ["pace", count] => (Audience::Nobody, count),
            ["group", name, count] => (Audience::Group(name.to_owned()), count),
            _ => return Err(io::Error::other(format!("no command: {line:?}"))),
        };
        let count = count.parse().map_err(io::Error::other)?;
        Ok(Self { audience, count })
    }
}

/// Says where the subject is to be found.
fn announce(stream: u16, control: u16) {
    println!("{stream} {control}");
}

/// A parameter of a request's path.
fn parameter(path: &str, name: &str) -> Option<String> {
    let query = path.split_once('?')?.1;
    form_urlencoded::parse(query.as_bytes()).find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_read_as_it_is_written() {
        for line in ["all 1", "user u7 3", "group g 100", "pace 1000"] {
            assert_eq!(line.parse::<Command>().expect("a command").to_string(), line);
        }
        assert!("all".parse::<Command>().is_err());
        assert!("all x".parse::<Command>().is_err());
    }
}
