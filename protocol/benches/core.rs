//! What the core costs: one append, one read of a user among 10,000 channels, one event written and read.
//!
//! `cargo bench -p tidings-protocol` prints times and allocations of each.

use std::time::Duration;

use bytes::Bytes;
use divan::{AllocProfiler, Bencher, black_box, counter::BytesCount};
use protocol::{
    Channel, Covered, Decoder, Delivery, EncodedEvent, Entry, Epoch, History, Limits, Payload, Query, Time,
};

#[global_allocator]
static ALLOCATIONS: AllocProfiler = AllocProfiler::system();

const USERS: u64 = 10_000;
const ENTRIES: u64 = 100_000;

fn main() {
    divan::main();
}

fn epoch() -> Epoch {
    Epoch::new("q3vN8sX0T1cA").expect("a literal of this bench")
}

fn user(number: u64) -> Channel {
    Channel::user(&number.to_string()).expect("digits")
}

/// An event of 300 bytes, as the coaching platform's are.
fn json() -> String {
    format!(r#"{{"type":"note_created","data":{{"text":"{}"}}}}"#, "x".repeat(250))
}

fn entry(epoch: &Epoch, sequence: u64, channel: Channel, frame: &Bytes) -> Entry {
    let payload = Payload::Event { block: frame.clone().into(), delivery: Delivery::Durable };
    Entry { id: epoch.at(sequence), channels: channel.into(), at: Time::from_millis(sequence / 100), payload }
}

fn frame() -> Bytes {
    EncodedEvent::new("note_created", &json())
        .expect("frames")
        .place(&epoch().at(1), &Channel::all().into())
        .unlabelled()
}

/// A full window over all users.
fn history() -> History {
    let limits = Limits { bytes: usize::MAX, age: Duration::MAX, ..Limits::default() };
    let (epoch, frame) = (epoch(), frame());
    let users: Vec<_> = (0..USERS).map(user).collect();
    let mut history = History::new(epoch.clone(), limits);
    for (sequence, channel) in (1..=ENTRIES).zip(users.iter().cycle()) {
        history.append(entry(&epoch, sequence, channel.clone(), &frame)).expect("in order");
    }
    history
}

/// Appends to a full window, so that each lets one go.
#[divan::bench]
fn append(bencher: Bencher<'_, '_>) {
    let (mut history, epoch, frame) = (history(), epoch(), frame());
    let mut sequence = ENTRIES;
    bencher.bench_local(|| {
        sequence += 1;
        history.append(entry(&epoch, sequence, user(sequence % USERS), &frame))
    });
}

/// Reads one user's events behind a cursor: `after` a tenth of the window, or none.
#[divan::bench(args = [0, 1, 10])]
fn after_one_user_among_10_000_channels(bencher: Bencher<'_, '_>, events: u64) {
    let history = history();
    let covered = [user(7), Channel::all()].map(Covered::from_the_beginning);
    let query = Query {
        cursor: ENTRIES - events * USERS,
        covered: &covered,
        replay_until: 0,
        rights_at: ENTRIES,
        generation: 0,
        budget: 65_536,
    };
    bencher.bench(|| history.after(black_box(&query)));
}

/// Reads as one of 100 groups does that wakes with so many entries of others behind its cursor.
#[divan::bench(args = [1, 10, 100, 1_000])]
fn after_with_100_groups(bencher: Bencher<'_, '_>, behind: u64) {
    let history = history();
    let covered: Vec<_> = (USERS..USERS + 100).map(user).map(Covered::from_the_beginning).collect();
    let query = Query {
        cursor: ENTRIES - behind,
        covered: &covered,
        replay_until: 0,
        rights_at: ENTRIES,
        generation: 0,
        budget: 65_536,
    };
    bencher.bench(|| history.after(black_box(&query)));
}

/// Writes an event and gives it its id.
#[divan::bench]
fn encode(bencher: Bencher<'_, '_>) {
    let (json, id, channels) = (json(), epoch().at(1_042), Channel::all().into());
    bencher.bench(|| {
        EncodedEvent::new("note_created", black_box(&json)).map(|encoded| encoded.place(&id, &channels))
    });
}

/// Reads 200 events in chunks of a network's size.
#[divan::bench]
fn decode(bencher: Bencher<'_, '_>) {
    let stream = frame().repeat(200);
    bencher.counter(BytesCount::of_slice(&stream)).bench(|| {
        let mut decoder = Decoder::new("");
        let mut events = Vec::new();
        for chunk in stream.chunks(1_400) {
            decoder.feed(black_box(chunk), &mut events).expect("within the bound");
        }
        events
    });
}
