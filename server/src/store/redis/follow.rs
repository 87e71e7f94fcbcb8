//! The one ordered follower of an instance: from the stream, in order, none left out; and the keeper of the
//! connection.

use std::{sync::Arc, time::Duration};

use protocol::{Epoch, Time};
use redis::Value;
use tokio::{
    sync::watch,
    time::{sleep, timeout},
};

use super::{Inner, link::Link, opened};
use crate::{
    Secret,
    store::{
        Follower, StoreError,
        columns::{Placed, corrupt},
        course::{Course, Head},
        lineage::Lineage,
    },
};

/// Entries and bytes of one page: what of the stream is in memory twice, and keeps others from the connection.
const PAGE_ROWS: usize = 1_024;
const PAGE_BYTES: usize = 1024 * 1024;

/// Between two looks at the stream when nothing wakes: a wake-up may be lost.
const LOOK: Duration = Duration::from_secs(1);

/// Between two tries while the server is away.
const AGAIN: Duration = Duration::from_millis(100);

/// How far this instance has followed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Seen {
    pub(super) epoch: Option<Epoch>,
    pub(super) position: u64,
}

impl Seen {
    pub(super) fn epoch_text(&self) -> &str {
        self.epoch.as_ref().map_or("", Epoch::as_str)
    }
}

/// What reads the stream for this instance.
pub(super) struct Follow {
    inner: Arc<Inner>,
    course: Course,
    /// As of the last judgement.
    lineage: Lineage,
    seen: watch::Sender<Seen>,
    secret: Secret,
}

/// A page as it comes: the epoch, the sequence given last, the one removed last, and the entries.
type Page = (String, u64, u64, Vec<Value>);

/// An entry as it comes: its id, kind, channels and body.
type Row = (String, i16, String, Vec<u8>);

impl Follow {
    /// Begins where the window begins, and follows it to its end.
    pub(super) async fn load(
        inner: Arc<Inner>,
        follower: Arc<dyn Follower>,
        seen: watch::Sender<Seen>,
        secret: Secret,
    ) -> Result<Self, StoreError> {
        let lineage = lineage(&inner.link).await?;
        let mut follow = Self { course: Course::begin(&lineage, follower)?, inner, lineage, seen, secret };
        while follow.round().await? {}
        match follow.course.missing() {
            Some(sequence) => Err(StoreError::Corrupt(format!("entry {sequence} is missing"))),
            None => Ok(follow),
        }
    }

    /// Follows until the run ends.
    pub(super) async fn run(mut self) {
        let (mut is_away, mut has_missed) = (false, false);
        loop {
            let outcome = if self.inner.link.is_open() {
                self.go_on(has_missed).await.inspect(|_| has_missed = false)
            } else {
                has_missed = true;
                let seen = self.seen.borrow().clone();
                self.inner.link.join(&seen, &self.secret).await.map(|()| true)
            };
            match outcome {
                Ok(more) => {
                    if !has_missed && std::mem::take(&mut is_away) {
                        self.inner.link.say_followed(true);
                        tracing::info!("the log can be followed again");
                    }
                    if !more {
                        let _ = timeout(LOOK, self.inner.link.news()).await;
                    }
                }
                Err(error) => {
                    has_missed = true;
                    if !std::mem::replace(&mut is_away, true) {
                        self.inner.link.say_followed(false);
                        tracing::warn!(%error, "the log cannot be followed; readers keep their streams");
                    }
                    sleep(AGAIN).await;
                }
            }
        }
    }

    /// The next page; after an outage what was revoked meanwhile comes before it.
    async fn go_on(&mut self, was_away: bool) -> Result<bool, StoreError> {
        if was_away {
            self.course.foresee(opened::revocations(&self.inner.link).await?);
        }
        self.round().await
    }

    /// Follows what there is, a page at most. Says whether there may be more.
    async fn round(&mut self) -> Result<bool, StoreError> {
        let mut call = self.inner.link.call(|scripts| &scripts.page);
        call.arg(self.course.position()).arg(PAGE_ROWS).arg(PAGE_BYTES);
        let page: Option<Page> = self.inner.link.ask(&call).await?;
        let Some((epoch, sequence, removed, rows)) = page else {
            // It went away under a living server: whoever comes next begins it anew.
            self.inner.link.close();
            return Ok(true);
        };
        let head = Head { epoch: Epoch::new(&epoch).map_err(corrupt)?, sequence, removed };
        if !self.course.goes_on(&head) {
            let seen = self.seen();
            self.inner.link.compare(&seen, &self.secret).await?;
            self.lineage = lineage(&self.inner.link).await?;
            // Where the log begins again, what it said of rights is passed over.
            self.course.foresee(opened::revocations(&self.inner.link).await?);
            self.course.judge(&self.lineage)?;
            self.say();
            return Ok(true);
        }
        let rows = rows.into_iter().map(redis::from_redis_value).collect::<Result<Vec<Row>, _>>();
        let rows = rows.map_err(corrupt)?;
        let fed = self.course.feed(rows.iter().map(|row| placed(row, &self.lineage)))?;
        // Entries are appended in one step: what is missing will not come, and what cannot be read never could.
        let next = self.course.position() + 1;
        let lost = fed.unreadable.or_else(|| match rows.first() {
            None => (sequence >= next).then_some(sequence),
            Some(first) => place(first).ok().filter(|(first, _)| *first > next).map(|(first, _)| first - 1),
        });
        if let Some(sequence) = lost {
            self.lineage = lineage(&self.inner.link).await?;
            self.course.pass(&self.lineage, sequence)?;
        }
        self.say();
        Ok(lost.is_some() || fed.count > 0 && self.course.position() < sequence)
    }

    fn seen(&self) -> Seen {
        Seen { epoch: Some(self.course.epoch().clone()), position: self.course.position() }
    }

    fn say(&self) {
        let seen = self.seen();
        self.seen.send_if_modified(|said| {
            let is_new = *said != seen;
            *said = seen;
            is_new
        });
    }
}

/// What the server says about the epochs.
pub(super) async fn lineage(link: &Link) -> Result<Lineage, StoreError> {
    let answer: Option<(u64, u64, u64, Vec<String>)> =
        link.ask(&link.call(|scripts| &scripts.lineage)).await?;
    let Some((head, removed, floor, epochs)) = answer else {
        return Err(StoreError::Unavailable("the log has gone".to_owned()));
    };
    let began = epochs.iter().map(|epoch| {
        let (token, began) =
            epoch.split_once(' ').ok_or_else(|| corrupt(format!("an epoch of {epoch:?}")))?;
        Ok((Epoch::new(token).map_err(corrupt)?, began.parse::<u64>().map_err(corrupt)?))
    });
    let began = began.collect::<Result<Vec<_>, StoreError>>()?;
    let ends = began.iter().skip(1).map(|(_, began)| Some(*began)).chain([None]);
    let epochs = began.iter().map(|(epoch, _)| epoch.clone()).zip(ends).collect();
    Ok(Lineage { epochs, head, removed, floor })
}

fn place(row: &Row) -> Result<(u64, u64), StoreError> {
    let (sequence, at) = row.0.split_once('-').ok_or_else(|| corrupt(format!("an id of {:?}", row.0)))?;
    Ok((sequence.parse().map_err(corrupt)?, at.parse().map_err(corrupt)?))
}

fn placed<'a>(row: &'a Row, lineage: &Lineage) -> Result<Placed<'a>, StoreError> {
    let (sequence, at) = place(row)?;
    let (_, kind, channels, body) = row;
    Ok(Placed {
        sequence,
        epoch: lineage.epoch_of(sequence).ok_or_else(|| corrupt("a log without an epoch"))?.clone(),
        ticket: None,
        at: Time::from_millis(at),
        kind: *kind,
        channels,
        body,
    })
}
