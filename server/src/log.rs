//! The history behind its one short lock, fed by the store's follower, read by every stream.

use std::sync::Arc;

use bytes::Bytes;
use parking_lot::Mutex;
use protocol::{
    Covered, Entry, Epoch, EventId, GapReason, History, Limits, Located, Payload, Query, Read, Revoked, Time,
};

use crate::{
    registry::Registry,
    rights::Rights,
    standing::Standing,
    store::{Beginning, Follower},
};

/// The readers' side of the store.
#[derive(Debug)]
pub(crate) struct Log {
    history: Mutex<History>,
    registry: Arc<Registry>,
    standing: Arc<Standing>,
}

/// A notice that the asked rights do not take into account lies in the log: ask again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stale;

/// What a client brought to be continued from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Cursor {
    /// Nothing.
    None,
    /// An id; `covered` once the store has said whether it holds it, where this log could not tell.
    Id { id: EventId, covered: Option<bool> },
    /// Something that is no id.
    Garbage,
}

/// Where a stream begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Start {
    pub(crate) head: EventId,
    pub(crate) generation: u64,
    pub(crate) how: How,
}

/// How a stream continues what the client had.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum How {
    Fresh,
    Replayed(EventId),
    Gap(GapReason),
    /// The store has to be asked first.
    Unsure,
}

impl Log {
    pub(crate) fn new(
        epoch: Epoch,
        limits: Limits,
        registry: Arc<Registry>,
        standing: Arc<Standing>,
    ) -> Self {
        Self { history: Mutex::new(History::new(epoch, limits)), registry, standing }
    }

    pub(crate) fn head(&self) -> EventId {
        self.history.lock().head()
    }

    /// The head's sequence, and the log it counts in.
    pub(crate) fn stand(&self) -> (u64, u64) {
        let history = self.history.lock();
        (history.head().sequence(), history.generation())
    }

    /// A position as a cursor; none in a log that has become another one.
    pub(crate) fn id_at(&self, sequence: u64, generation: u64) -> Option<EventId> {
        let history = self.history.lock();
        (history.generation() == generation).then(|| history.id_at(sequence))
    }

    pub(crate) fn trim(&self, now: Time) {
        self.history.lock().trim(now);
    }

    /// Decides how a stream with these rights begins.
    pub(crate) fn start(&self, cursor: &Cursor, rights: &mut Rights) -> Result<Start, Stale> {
        let history = self.history.lock();
        settle(&history, rights)?;
        let how = match cursor {
            Cursor::None => How::Fresh,
            Cursor::Garbage => How::Gap(GapReason::UnknownCursor),
            Cursor::Id { id, covered } => match (history.locate(id), covered) {
                (Located::At(sequence), _) => continues(&history, rights, id, sequence),
                (Located::Lost, _) => How::Gap(GapReason::Epoch),
                (_, None) => How::Unsure,
                (_, Some(true)) => How::Replayed(id.clone()),
                (_, Some(false)) => How::Gap(GapReason::Epoch),
            },
        };
        Ok(Start { head: history.head(), generation: history.generation(), how })
    }

    /// Where a stream stands after a jump over what it can no longer be given.
    pub(crate) fn jump(&self, rights: &mut Rights) -> Result<(EventId, u64), Stale> {
        let history = self.history.lock();
        settle(&history, rights)?;
        Ok((history.head(), history.generation()))
    }

    /// What follows the query's cursor, in a vector that the reader has used up.
    pub(crate) fn read(&self, query: &Query<'_>, frames: Vec<Bytes>) -> Read {
        let history = self.history.lock();
        if query.cursor > history.head().sequence() && query.generation == history.generation() {
            // The client has seen more than this instance: a notice below its cursor still counts.
            let unseen = Query { cursor: query.rights_at, budget: 0, replay_until: u64::MAX, ..*query };
            return match history.after(&unseen) {
                Read::Batch(batch) => Read::Batch(protocol::Batch {
                    notice: batch.notice,
                    position: query.cursor,
                    ..protocol::Batch::default()
                }),
                other => other,
            };
        }
        history.after_into(query, frames)
    }
}

/// Notes that `rights` hold at the head, unless a notice of somebody else's lies between.
fn settle(history: &History, rights: &mut Rights) -> Result<(), Stale> {
    if rights.generation != history.generation() {
        return Err(Stale);
    }
    let channels: Vec<_> =
        rights.covered.iter().filter(|covered| covered.channel.group_name().is_none()).cloned().collect();
    loop {
        let query = Query {
            cursor: rights.rights_at,
            covered: &channels,
            replay_until: u64::MAX,
            rights_at: rights.rights_at,
            generation: history.generation(),
            budget: usize::MAX,
        };
        let Read::Batch(batch) = history.after(&query) else { return Err(Stale) };
        let notice_at = batch.position + 1;
        if batch.notice.is_none() {
            rights.rights_at = history.head().sequence();
            return Ok(());
        }
        if !rights.own_notices.contains(&notice_at) {
            return Err(Stale);
        }
        rights.rights_at = notice_at;
    }
}

fn continues(history: &History, rights: &Rights, id: &EventId, sequence: u64) -> How {
    if rights.covered.iter().any(|covered| covered.from > sequence) {
        return How::Gap(GapReason::Rights);
    }
    let query = Query {
        cursor: sequence,
        covered: &rights.covered,
        replay_until: u64::MAX,
        rights_at: rights.rights_at,
        generation: history.generation(),
        budget: 0,
    };
    match history.after(&query) {
        Read::Batch(_) => How::Replayed(id.clone()),
        _ => How::Gap(GapReason::Retention),
    }
}

/// Whether a blocked reader that stands there can never be given what follows.
pub(crate) fn is_lost(log: &Log, stand: crate::connection::Stand, covered: &[Covered]) -> bool {
    let query = Query {
        cursor: stand.cursor,
        covered,
        replay_until: u64::MAX,
        rights_at: u64::MAX,
        generation: stand.generation,
        budget: 0,
    };
    !matches!(log.history.lock().after(&query), Read::Batch(_))
}

impl Follower for Log {
    fn begin(&self, beginning: Beginning) {
        let mut history = self.history.lock();
        self.standing.begin();
        history.restart(beginning.epoch, beginning.floor, beginning.ended);
        drop(history);
        self.registry.wake_all();
    }

    fn foresee(&self, revocations: Vec<(Revoked, Time)>) {
        // Where in the log it is said is not known yet: behind all that was followed.
        let next = self.head().sequence() + 1;
        for (revoked, at) in revocations {
            if self.standing.foresee(&revoked, at, next) {
                self.registry.revoke(&revoked, at);
            }
        }
    }

    fn succeed(&self, epoch: Epoch) {
        self.history.lock().succeed(epoch);
    }

    fn follow(&self, entries: Vec<Entry>) {
        let mut channels = entries.iter().map(|entry| entry.channels.clone());
        // Mostly there is one, and nothing to allocate for.
        let (first, others) = (channels.next(), channels.collect::<Vec<_>>());
        {
            let mut history = self.history.lock();
            for entry in entries {
                if let Payload::Notice(notice) = &entry.payload {
                    self.standing.follow(notice, entry.id.sequence(), entry.at);
                }
                if let Err(error) = history.append(entry) {
                    tracing::error!(%error, "the store's follower is out of order: an entry was dropped");
                }
            }
        }
        for channel in first.iter().chain(&others).flatten() {
            self.registry.wake(channel);
        }
    }
}
