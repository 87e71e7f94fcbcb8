//! A server as far as the protocol goes: one history, its store, and connections that are cursors.

use std::time::Duration;

use protocol::{
    Channel, Covered, Delivery, EncodedEvent, Entry, Epoch, EventId, GapReason, History, Limits, Located,
    Names, Payload, Query, Read, Time,
    control::{
        ContractVersion, GAP, GOODBYE, Gap, Goodbye, GoodbyeReason, HEARTBEAT, HELLO, Heartbeat, Hello,
        Resumed, UNFOLLOWED, Unfollowed,
    },
    encode_control, encode_control_for,
};

use super::wire::{Fate, Wire};

pub const HEARTBEAT_EVERY: Duration = Duration::from_secs(15);

/// What a restart leaves of the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Restart {
    /// Every committed entry.
    Whole,
    /// All but the last few, which were therefore never acknowledged, whoever has seen them.
    WithoutTail(u64),
    /// Nothing: a memory store.
    Empty,
}

#[derive(Debug)]
pub struct Server {
    /// `None` while the process is down.
    history: Option<History>,
    log: Vec<Entry>,
    ended: Vec<(Epoch, u64)>,
    limits: Limits,
    next: u64,
    runs: u64,
    /// A new store has a new secret, so the same user is another subject.
    stores: u64,
    epoch: Epoch,
    connections: Vec<Connection>,
    pub accepted: u64,
}

#[derive(Debug)]
struct Connection {
    attempt: u64,
    cursor: u64,
    replay_until: u64,
    sent: u64,
    last_write: Time,
    groups: Vec<String>,
}

fn epoch_of_run(run: u64) -> Epoch {
    Epoch::new(&format!("run{run}")).expect("letters and digits")
}

pub fn channel(name: &str) -> Channel {
    Channel::user(name).expect("a literal of the tests")
}

/// The groups that the user may read.
pub const GROUPS: [&str; 3] = ["g0", "g1", "g2"];

fn covered(groups: &[String]) -> Vec<Covered> {
    let groups = groups.iter().map(|name| Channel::group(name).expect("a short name"));
    [channel("me"), Channel::all()].into_iter().chain(groups).map(Covered::from_the_beginning).collect()
}

/// Those among the user's groups.
fn allowed(names: &Names) -> Vec<String> {
    let named =
        |group: &&&str| names.as_text().is_empty() || names.as_text().lines().any(|name| name == **group);
    GROUPS.iter().filter(named).map(|group| (*group).to_owned()).collect()
}

fn without(groups: &[String], others: &[String]) -> Vec<String> {
    groups.iter().filter(|group| !others.contains(group)).cloned().collect()
}

impl Server {
    pub fn new(limits: Limits) -> Self {
        let epoch = epoch_of_run(0);
        let history = Some(History::new(epoch.clone(), limits));
        Self {
            history,
            log: Vec::new(),
            ended: Vec::new(),
            limits,
            next: 1,
            runs: 0,
            stores: 0,
            epoch,
            connections: Vec::new(),
            accepted: 0,
        }
    }

    pub fn is_up(&self) -> bool {
        self.history.is_some()
    }

    /// Commits an event; `None` while the process is down.
    pub fn send(&mut self, to: Channel, delivery: Delivery, json: &str, now: Time) -> Option<EventId> {
        let history = self.history.as_mut()?;
        let id = self.epoch.at(self.next);
        let channels = to.into();
        let block = EncodedEvent::new("changed", json).expect("frames").place(&id, &channels);
        let payload = Payload::Event { block, delivery };
        let entry = Entry { id: id.clone(), channels, at: now, payload };
        self.next += 1;
        self.log.push(entry.clone());
        history.append(entry).expect("in order");
        Some(id)
    }

    /// Whether the store still has what was committed at `id`.
    pub fn has(&self, id: &EventId) -> bool {
        self.log.iter().any(|entry| entry.id == *id)
    }

    pub fn crash(&mut self) {
        self.history = None;
        self.connections.clear();
    }

    pub fn restart(&mut self, how: Restart, now: Time) {
        self.crash();
        self.runs += 1;
        let before = std::mem::replace(&mut self.epoch, epoch_of_run(self.runs));
        match how {
            Restart::Whole => {}
            Restart::WithoutTail(lost) => {
                let keep = self.log.len().saturating_sub(lost as usize);
                self.log.truncate(keep);
            }
            Restart::Empty => {
                self.stores += 1;
                self.log.clear();
                self.ended.clear();
            }
        }
        let end = self.log.last().map_or(0, |entry| entry.id.sequence());
        if how != Restart::Empty {
            // What was lost of older runs is lost with them.
            for (_, ended_at) in &mut self.ended {
                *ended_at = (*ended_at).min(end);
            }
            self.ended.push((before, end));
        }
        self.next = end + 1;
        let mut history = History::resume(self.epoch.clone(), 0, self.ended.clone(), self.limits);
        for entry in &self.log {
            let mut entry = entry.clone();
            if matches!(entry.payload, Payload::Event { delivery: Delivery::LiveOnly, .. }) {
                entry.payload = Payload::Past;
            }
            history.append(entry).expect("in order");
        }
        history.advance(end);
        history.trim(now);
        self.history = Some(history);
    }

    /// Answers an attempt on `wire`: hello, and the gap if there is one.
    pub fn accept(&mut self, wire: &mut Wire, cursor: Option<&EventId>, now: Time) {
        self.accept_for(wire, cursor, [&Names::default(); 2], now);
    }

    /// The same, for the groups that are asked for and those that the cursor speaks for.
    pub fn accept_for(
        &mut self,
        wire: &mut Wire,
        cursor: Option<&EventId>,
        [asked, known]: [&Names; 2],
        now: Time,
    ) {
        let groups = allowed(asked);
        let Some(history) = &self.history else { return };
        self.accepted += 1;
        let head = history.head().sequence();
        let (place, gap) = match cursor {
            None => (head, None),
            Some(cursor) => match history.locate(cursor) {
                Located::At(place) => {
                    let query = query(place, head, history.generation());
                    match history.after(&query(&covered(&groups))) {
                        Read::Batch(_) => (place, None),
                        _ => (head, Some(GapReason::Retention)),
                    }
                }
                Located::Ahead | Located::Lost | Located::UnknownEpoch => (head, Some(GapReason::Epoch)),
            },
        };
        let resumed = match (cursor, gap) {
            (None, _) => Resumed::Fresh,
            (_, Some(_)) => Resumed::Gap,
            _ => Resumed::Replayed,
        };
        let hello = Hello {
            connection_id: format!("c{}", self.accepted),
            subject: format!("me of store {}", self.stores),
            resumed,
            replay_until: (resumed == Resumed::Replayed).then(|| history.head().to_string()),
            heartbeat_ms: HEARTBEAT_EVERY.as_millis() as u32,
            alive_ms: None,
            contract: ContractVersion { revision: 1, hash: String::new() },
            groups: String::new(),
        };
        let id = match resumed {
            Resumed::Fresh => Some(history.head()),
            Resumed::Replayed => cursor.cloned(),
            Resumed::Gap => None,
        };
        wire.write(&encode_control(id.as_ref(), HELLO, &hello, Some(2_000)));
        let gained = without(&groups, &allowed(known));
        if let Some(reason) = gap {
            wire.write(&encode_control(Some(&history.head()), GAP, &Gap { reason }, None));
        } else if resumed == Resumed::Replayed && !gained.is_empty() {
            wire.write(&encode_control_for(&gained, cursor, GAP, &Gap { reason: GapReason::Rights }, None));
        }
        let attempt = wire.attempt;
        self.connections.push(Connection {
            attempt,
            cursor: place,
            replay_until: head,
            sent: 0,
            last_write: now,
            groups,
        });
    }

    /// Has a stream read other groups; whether there is one.
    pub fn follow(&mut self, wire: &mut Wire, asked: &Names) -> bool {
        let Some(history) = &self.history else { return false };
        let mut all = self.connections.iter_mut();
        let Some(connection) = all.find(|connection| connection.attempt == wire.attempt) else {
            return false;
        };
        let groups = allowed(asked);
        let (gained, lost) = (without(&groups, &connection.groups), without(&connection.groups, &groups));
        let id = history.id_at(connection.cursor);
        if !gained.is_empty() {
            let gap = Gap { reason: GapReason::Rights };
            wire.write(&encode_control_for(&gained, Some(&id), GAP, &gap, None));
        }
        if !lost.is_empty() {
            wire.write(&encode_control_for(&lost, Some(&id), UNFOLLOWED, &Unfollowed {}, None));
        }
        connection.groups = groups;
        true
    }

    /// Lets every connection write what is due, at most `budget` bytes of events each.
    pub fn write(&mut self, wires: &mut [Wire], budget: usize, now: Time) {
        let Some(history) = &self.history else { return };
        for connection in &mut self.connections {
            // Nobody may read any more: then it goes into the void, as a half-open connection's bytes do.
            let mut void = Wire::new(connection.attempt, 200, Fate::Whole);
            let wire = wires.iter_mut().find(|wire| wire.attempt == connection.attempt).unwrap_or(&mut void);
            let query = query(connection.cursor, connection.replay_until, history.generation());
            match history.after(&protocol::Query { budget, ..query(&covered(&connection.groups)) }) {
                Read::Batch(batch) => {
                    for frame in &batch.frames {
                        wire.write(frame);
                        connection.last_write = now;
                    }
                    connection.sent += batch.frames.len() as u64;
                    connection.cursor = batch.position;
                }
                _ => {
                    let gap = Gap { reason: GapReason::Overflow };
                    wire.write(&encode_control(Some(&history.head()), GAP, &gap, None));
                    connection.cursor = history.head().sequence();
                }
            }
            if now.since(connection.last_write) >= HEARTBEAT_EVERY {
                let heartbeat = Heartbeat { sent: connection.sent };
                let id = history.id_at(connection.cursor);
                wire.write(&encode_control(Some(&id), HEARTBEAT, &heartbeat, None));
                connection.last_write = now;
            }
        }
    }

    /// Ends every connection politely.
    pub fn say_goodbye(&mut self, wires: &mut [Wire], reason: GoodbyeReason) {
        for connection in self.connections.drain(..) {
            if let Some(wire) = wires.iter_mut().find(|wire| wire.attempt == connection.attempt) {
                let goodbye = Goodbye { reason, reconnect_after_ms: Some(100) };
                wire.write(&encode_control(None, GOODBYE, &goodbye, Some(100)));
                wire.ended = true;
            }
        }
    }

    /// What each stream reads.
    pub fn groups(&self) -> Vec<&[String]> {
        self.connections.iter().map(|connection| &*connection.groups).collect()
    }

    pub fn next_write(&self) -> Option<Time> {
        self.connections.iter().map(|connection| connection.last_write + HEARTBEAT_EVERY).min()
    }

    pub fn forget(&mut self, attempt: u64) {
        self.connections.retain(|connection| connection.attempt != attempt);
    }
}

fn query(cursor: u64, replay_until: u64, generation: u64) -> impl for<'a> Fn(&'a [Covered]) -> Query<'a> {
    move |covered| Query { cursor, covered, replay_until, rights_at: u64::MAX, generation, budget: 64 * 1024 }
}
