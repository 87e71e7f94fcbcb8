//! Group commit: what the sends of this instance wait with goes into the outbox together.

use std::{sync::Arc, time::Duration};

use tokio::sync::mpsc;

use super::{
    Inner,
    failure::Failure,
    rows::{Arrays, ROWS},
    session::Session,
    tickets::Reply,
};
use crate::store::{StoreError, columns::Columns};

/// Sends that wait to be inserted; past it, `append` waits for room within its bound.
pub(super) const WAITING_MAX: usize = 1_024;

/// Rows and bytes of one insert: one commit pays for this many sends, and a send waits for no more.
const GROUP_ROWS: usize = 512;
const GROUP_BYTES: usize = 1024 * 1024;

/// Between two tries while the database is away.
const AGAIN: Duration = Duration::from_millis(50);

/// A send that waits.
#[derive(Debug)]
pub(super) struct Waiting {
    pub(super) rows: Vec<Columns>,
    pub(super) reply: Reply,
}

impl Waiting {
    fn bytes(&self) -> usize {
        self.rows.iter().map(Columns::len).sum()
    }
}

/// What a group is inserted with, however often it is tried: once.
struct Desk {
    inner: Arc<Inner>,
    session: Session,
    name: String,
    insert: String,
}

/// Inserts until the last handle is gone.
pub(super) async fn run(inner: Arc<Inner>, name: String, mut waiting: mpsc::Receiver<Waiting>) {
    let session = inner.session("sender");
    // The tickets of a sender rise: an insert whose ticket is not above the last has been made.
    let insert = inner.schema.sql(&format!(
        "WITH turn AS (
            INSERT INTO {{schema}}.senders AS kept (name, ticket, at) VALUES ($7, $6, {{schema}}.clock())
            ON CONFLICT (name) DO UPDATE SET ticket = excluded.ticket, at = excluded.at
            WHERE kept.ticket < excluded.ticket RETURNING 1
        ), lead AS MATERIALIZED (SELECT nextval('{{schema}}.outbox_order') AS batch FROM turn)
        INSERT INTO {{schema}}.outbox (batch, position, kind, channels, body, subject, granted, ticket)
        SELECT lead.batch, r.position::integer, r.kind, r.channels, r.body, r.subject, r.granted, $6
        FROM lead, {ROWS}"
    ));
    let mut desk = Desk { inner, session, name, insert };
    while let Some(first) = waiting.recv().await {
        let (mut rows, mut bytes) = (first.rows.len(), first.bytes());
        let mut group = vec![first];
        while rows < GROUP_ROWS
            && bytes < GROUP_BYTES
            && let Ok(next) = waiting.try_recv()
        {
            rows += next.rows.len();
            bytes += next.bytes();
            group.push(next);
        }
        desk.commit(group).await;
    }
    desk.session.close().await;
}

impl Desk {
    /// Commits a group, or tells everybody why not; tries for as long as anybody waits.
    async fn commit(&mut self, mut group: Vec<Waiting>) {
        loop {
            // Who waits no longer was told that nothing is known; it is better not to send for it.
            group.retain(|waiting| !waiting.reply.is_closed());
            if group.is_empty() {
                return;
            }
            let (rows, replies): (Vec<_>, Vec<_>) =
                group.into_iter().map(|Waiting { rows, reply }| (rows, reply)).unzip();
            let counts: Vec<_> = rows.iter().map(Vec::len).collect();
            let ticket = self.inner.tickets.open(counts.into_iter().zip(replies).collect());
            let Err(error) = self.insert(ticket, &rows).await else { return };
            let replies = self.inner.tickets.withdraw(ticket);
            if !error.is_retryable() {
                for (_, reply) in replies {
                    let _ = reply.send(Err(error.clone()));
                }
                return;
            }
            let again = rows.into_iter().zip(replies);
            group = again.map(|(rows, (_, reply))| Waiting { rows, reply }).collect();
            tokio::time::sleep(AGAIN).await;
        }
    }

    /// Inserts under a ticket. Once it may have been committed it is tried until that is certain, or nobody
    /// waits; an error says that nothing was.
    async fn insert(&mut self, ticket: i64, rows: &[Vec<Columns>]) -> Result<(), StoreError> {
        let mut is_unknown = false;
        loop {
            let statement = Arrays::of(rows.iter().flatten()).bind(&self.insert);
            let tried = self.session.all(statement.bind(ticket).bind(&self.name)).await;
            match tried {
                Ok(_) => {
                    self.inner.sequencer.notify_one();
                    return Ok(());
                }
                Err(Failure::Nothing(error)) if !is_unknown => return Err(error),
                Err(failure) => {
                    if !std::mem::replace(&mut is_unknown, true) {
                        tracing::warn!(
                            ?failure,
                            "the database went away during a commit, which is tried again"
                        );
                    }
                    self.inner.tickets.sweep();
                    if !self.inner.tickets.waits(ticket) {
                        return Ok(());
                    }
                    tokio::time::sleep(AGAIN).await;
                }
            }
        }
    }
}
