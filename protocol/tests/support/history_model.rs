//! A history beside a plain list of all that was ever appended, under one script of operations.
//!
//! The list answers by looking at every entry; whatever [`History`] answers must be explained by it. Scripts
//! are bytes, so that property tests and the fuzz target run the same ones.

use std::{ops::Range, time::Duration};

use bytes::Bytes;
use protocol::{
    Batch, Channel, ChannelSet, Covered, Delivery, Entry, Epoch, EventId, History, Limits, Located, Notice,
    Payload, Query, Read, Time,
};

/// Runs a script to its last byte; panics where the history cannot be explained.
pub(crate) fn run(script: &[u8]) {
    let mut script = Script(script);
    if let Some(mut run) = Run::start(&mut script) {
        while run.step(&mut script).is_some() {}
    }
}

/// What is left of a script; `None` ends it.
struct Script<'a>(&'a [u8]);

impl Script<'_> {
    fn byte(&mut self) -> Option<u64> {
        let (&first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(first.into())
    }

    fn below(&mut self, end: u64) -> Option<u64> {
        Some(self.byte()? % end.max(1))
    }
}

/// An entry as the list keeps it, for ever.
struct Listed {
    sequence: u64,
    at: Time,
    bytes: usize,
    channels: ChannelSet,
    payload: Payload,
}

impl Listed {
    fn is_durable(&self) -> bool {
        matches!(self.payload, Payload::Event { delivery: Delivery::Durable, .. })
    }

    fn notice(&self) -> Option<&Notice> {
        match &self.payload {
            Payload::Notice(notice) => Some(notice),
            _ => None,
        }
    }

    /// The frame, if it is one for this query.
    fn frame(&self, query: &Query<'_>) -> Option<&Bytes> {
        match &self.payload {
            Payload::Event { delivery: Delivery::LiveOnly, .. } if self.sequence <= query.replay_until => {
                None
            }
            Payload::Event { block, .. } => Some(block.whole()),
            _ => None,
        }
    }

    fn is_visible(&self, query: &Query<'_>) -> bool {
        let after = |covered: &Covered| self.sequence > query.cursor.max(covered.from);
        query.covered.iter().any(|covered| after(covered) && self.channels.contains(&covered.channel))
    }
}

struct Run {
    history: History,
    /// The same entries under no bounds: says what each entry counts as.
    unbounded: History,
    limits: Limits,
    now: Time,
    /// All entries since the last restart, and how many of the oldest the history has let go.
    listed: Vec<Listed>,
    removed: usize,
    /// Everything at or below was gone when the history began.
    base: u64,
    /// Notices at or below may have been gone when the history began.
    notice_base: u64,
    head: u64,
    epochs: u64,
    ended: Vec<(Epoch, u64)>,
}

const NO_LIMITS: Limits = Limits { count: usize::MAX, bytes: usize::MAX, age: Duration::MAX };

fn epoch(number: u64) -> Epoch {
    Epoch::new(&format!("e{number}")).expect("a letter and digits")
}

/// Six channels, of every kind that carries events.
fn channel(number: u64) -> Channel {
    let named = match number % 6 {
        0 => return Channel::all(),
        n @ 1..=3 => Channel::user(&format!("u{n}")),
        n => Channel::group(&format!("g{n}")),
    };
    named.expect("a letter and a digit")
}

impl Run {
    /// As a store's window is loaded: a floor, older epochs' entries, then the epoch of this run.
    fn start(script: &mut Script<'_>) -> Option<Self> {
        let limits = Limits {
            count: [1, 3, 10, 100_000][script.below(4)? as usize],
            bytes: [900, 2_500, 8_000, 1 << 26][script.below(4)? as usize],
            age: Duration::from_millis([5, 50, 600_000][script.below(3)? as usize]),
        };
        let floor = script.below(40)?;
        let (loaded, lost_tail) = (script.below(8)?, script.below(3)?);
        let ended = vec![(epoch(0), floor + loaded + lost_tail)];
        let resume = |limits| History::resume(epoch(1), floor, ended.clone(), limits);
        let mut run = Self {
            history: resume(limits),
            unbounded: resume(NO_LIMITS),
            limits,
            now: Time::from_millis(1_000),
            listed: Vec::new(),
            removed: 0,
            base: floor,
            notice_base: 0,
            head: floor,
            epochs: 2,
            ended,
        };
        for _ in 0..loaded {
            run.append(&epoch(0), script)?;
        }
        run.advance(floor + loaded + lost_tail);
        Some(run)
    }

    fn step(&mut self, script: &mut Script<'_>) -> Option<()> {
        match script.below(16)? {
            0..=6 => {
                let epoch = self.history.epoch().clone();
                self.append(&epoch, script)?;
            }
            7 => {
                self.now = self.now + Duration::from_millis(script.below(60)?);
                self.history.trim(self.now);
                self.check_bounds();
            }
            8 => self.now = self.now - Duration::from_millis(script.below(60)?),
            9 => {
                let ahead = script.below(4)?;
                self.advance(self.head + ahead);
            }
            10 => {
                self.ended.push((self.history.epoch().clone(), self.head));
                self.history.succeed(epoch(self.epochs));
                self.epochs += 1;
            }
            11 => self.restart(script)?,
            12 => self.locate(script)?,
            _ => self.ask(script)?,
        }
        assert_eq!(self.history.head(), self.history.epoch().at(self.head));
        Some(())
    }

    fn append(&mut self, epoch: &Epoch, script: &mut Script<'_>) -> Option<()> {
        let (mask, kind, size) = (script.byte()?, script.byte()?, script.byte()?);
        self.now = self.now + Duration::from_millis(kind / 64);
        let sequence = self.head + 1 + u64::from(size % 16 == 0);
        let mut members: Vec<_> = (0..6).filter(|n| mask & (1 << n) != 0).map(channel).collect();
        if members.is_empty() {
            members.push(channel(mask >> 6));
        }
        let channels = ChannelSet::new(members).expect("one to six");
        let frame = || Bytes::from(format!("{sequence:0>width$}", width = size as usize + 1));
        let payload = match kind % 16 {
            0..=9 => Payload::Event { block: frame().into(), delivery: Delivery::Durable },
            10..=12 => Payload::Event { block: frame().into(), delivery: Delivery::LiveOnly },
            13..=14 => Payload::Notice(Notice::Reauthorize { user: sequence.to_string() }),
            _ => Payload::Past,
        };
        let entry = Entry { id: epoch.at(sequence), channels, at: self.now, payload };
        let before = self.unbounded.bytes();
        self.unbounded.append(entry.clone()).expect("follows the head");
        self.history.append(entry.clone()).expect("follows the head");
        assert!(self.history.append(entry.clone()).is_err(), "no entry comes twice");
        let bytes = self.unbounded.bytes() - before;
        let Entry { channels, at, payload, .. } = entry;
        self.listed.push(Listed { sequence, at, bytes, channels, payload });
        self.head = sequence;
        self.check_bounds();
        Some(())
    }

    fn advance(&mut self, head: u64) {
        self.history.advance(head);
        self.unbounded.advance(head);
        self.head = self.head.max(head);
    }

    fn restart(&mut self, script: &mut Script<'_>) -> Option<()> {
        let head = script.below(100)?;
        let known = script.below(self.ended.len() as u64 + 1)? as usize;
        self.ended.truncate(known);
        let generation = self.history.generation();
        let next = epoch(self.epochs);
        self.history.restart(next.clone(), head, self.ended.clone());
        self.unbounded = History::resume(next, head, self.ended.clone(), NO_LIMITS);
        assert!(self.history.generation() > generation && self.history.is_empty());
        (self.base, self.notice_base, self.head) = (head, head, head);
        self.listed.clear();
        self.removed = 0;
        self.epochs += 1;
        Some(())
    }

    /// The window holds what its bounds allow, and lets nothing go before one of them says so.
    fn check_bounds(&mut self) {
        let Limits { count, bytes, age } = self.limits;
        let removed = self.listed.len() - self.history.len();
        assert!(removed >= self.removed, "what is gone stays gone");
        let kept = &self.listed[removed..];
        let held: usize = kept.iter().map(|entry| entry.bytes).sum();
        assert_eq!(self.history.bytes(), held);
        assert!(kept.len() <= count && held <= bytes, "{} entries, {held} bytes", kept.len());
        assert!(kept.first().is_none_or(|oldest| self.now.since(oldest.at) <= age));
        if removed > self.removed {
            let last = &self.listed[removed - 1];
            let needed = kept.len() == count || held + last.bytes > bytes || self.now.since(last.at) > age;
            assert!(needed, "{} was let go without need", last.sequence);
        }
        self.removed = removed;
    }

    fn locate(&self, script: &mut Script<'_>) -> Option<()> {
        let number = script.below(self.epochs + 1)?;
        let sequence = script.below(self.head + 3)?;
        let cursor: EventId = epoch(number).at(sequence);
        let end = self.ended.iter().find(|(epoch, _)| epoch == cursor.epoch()).map(|(_, end)| *end);
        let expected = match end {
            _ if cursor.epoch() == self.history.epoch() && sequence <= self.head => Located::At(sequence),
            _ if cursor.epoch() == self.history.epoch() => Located::Ahead,
            Some(end) if sequence <= end => Located::At(sequence),
            Some(_) => Located::Lost,
            None => Located::UnknownEpoch,
        };
        assert_eq!(self.history.locate(&cursor), expected, "{cursor}");
        Some(())
    }

    fn ask(&self, script: &mut Script<'_>) -> Option<()> {
        let position = |script: &mut Script<'_>, or: u64| match script.below(4)? {
            0 => script.below(self.head + 3),
            _ => Some(or),
        };
        let cursor = self.head.saturating_sub(script.below(30)?);
        let cursor = position(script, cursor)?;
        let mut covered = Vec::new();
        for _ in 0..script.below(5)? {
            let channel = channel(script.byte()?);
            covered.push(Covered { channel, from: position(script, 0)? });
        }
        let query = Query {
            cursor,
            covered: &covered,
            replay_until: position(script, 0)?,
            rights_at: position(script, self.head)?,
            generation: self.history.generation()
                - u64::from(script.byte()? == 0).min(self.history.generation()),
            budget: [0, 100, 500, 65_536][script.below(4)? as usize],
        };
        let read = self.history.after(&query);
        self.explain(&query, &read);
        self.same_in_steps(&query, &read);
        Some(())
    }

    /// The answer is the one the whole list gives.
    fn explain(&self, query: &Query<'_>, read: &Read) {
        let gone = &self.listed[..self.removed];
        let expected = if query.generation != self.history.generation() {
            Some(Read::Restarted)
        } else if query.rights_at < self.notice_base
            || gone.iter().any(|entry| entry.notice().is_some() && entry.sequence > query.rights_at)
        {
            Some(Read::RightsUnknown)
        } else if query.covered.iter().any(|covered| query.cursor.max(covered.from) < self.base)
            || gone.iter().any(|entry| entry.is_durable() && entry.is_visible(query))
        {
            Some(Read::BelowFloor)
        } else {
            None
        };
        match (expected, read) {
            (None, Read::Batch(batch)) => self.explain_batch(query, batch),
            (expected, read) => assert_eq!(Some(read), expected.as_ref(), "{query:?}"),
        }
    }

    /// Its position says: everything visible up to here is in it, and nothing else is.
    fn explain_batch(&self, query: &Query<'_>, batch: &Batch) {
        let kept = &self.listed[self.removed..];
        let behind = |Range { start, end }: Range<u64>| {
            kept.iter().filter(move |entry| (start + 1..=end).contains(&entry.sequence))
        };
        let visible = || behind(query.cursor..batch.position).filter(|entry| entry.is_visible(query));
        let frames: Vec<_> = visible().filter_map(|entry| entry.frame(query)).cloned().collect();
        assert_eq!(batch.frames, frames, "{query:?}");
        assert_eq!(batch.bytes, frames.iter().map(Bytes::len).sum::<usize>());
        assert!(batch.bytes <= query.budget || batch.frames.len() == 1, "{query:?}");
        assert!(batch.position >= query.cursor, "a reader never goes back");
        assert!(
            visible().all(|entry| entry.notice().is_none() || entry.sequence <= query.rights_at),
            "nothing is written beyond a notice"
        );
        let next = kept.iter().find(|entry| entry.sequence == batch.position + 1 && entry.is_visible(query));
        let next_frame = next.and_then(|entry| entry.frame(query));
        if batch.notice.is_some() {
            assert_eq!(batch.notice.as_ref(), next.and_then(Listed::notice));
            assert!(batch.position >= query.rights_at && !batch.more);
        } else if batch.more {
            let length = next_frame.expect("more means a frame right behind").len();
            assert!(!frames.is_empty() && batch.bytes + length > query.budget);
        } else {
            assert_eq!(batch.position, self.head.max(query.cursor));
        }
    }

    /// Many small answers are one large one.
    fn same_in_steps(&self, query: &Query<'_>, read: &Read) {
        let Read::Batch(_) = read else { return };
        let ask = |query: &Query<'_>| match self.history.after(query) {
            Read::Batch(batch) => batch,
            other => panic!("{other:?} behind a position that was given: {query:?}"),
        };
        let large = ask(&Query { budget: usize::MAX, ..*query });
        let mut frames = Vec::new();
        let mut step = *query;
        let last = loop {
            let batch = ask(&step);
            frames.extend(batch.frames);
            assert!(batch.position > step.cursor || !batch.more, "a step goes on");
            step.cursor = batch.position;
            if !batch.more {
                break batch.notice;
            }
        };
        assert_eq!((frames, step.cursor, last), (large.frames, large.position, large.notice));
    }
}
