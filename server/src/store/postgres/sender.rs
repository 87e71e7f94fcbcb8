//! Group commit: what the sends of this instance wait with goes into the outbox together.

use std::{sync::Arc, time::Duration};

use tokio::sync::mpsc;

use super::{
    Inner,
    failure::Failure,
    rows::{Arrays, Columns, ROWS},
    session::Session,
    tickets::Reply,
};

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

/// Inserts until the last handle is gone.
pub(super) async fn run(inner: Arc<Inner>, mut waiting: mpsc::Receiver<Waiting>) {
    let mut session = inner.session("sender");
    let insert = inner.schema.sql(&format!(
        "WITH lead AS MATERIALIZED (SELECT nextval('{{schema}}.outbox_order') AS batch)
        INSERT INTO {{schema}}.outbox (batch, position, kind, channels, body, subject, granted, ticket)
        SELECT lead.batch, r.position::integer, r.kind, r.channels, r.body, r.subject, r.granted, $6
        FROM lead, {ROWS}"
    ));
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
        commit(&inner, &mut session, &insert, group).await;
    }
    session.close().await;
}

/// Commits a group, or tells everybody why not.
async fn commit(inner: &Inner, session: &mut Session, insert: &str, mut group: Vec<Waiting>) {
    loop {
        // Who waits no longer was told that nothing is known; it is better not to send for it.
        group.retain(|waiting| !waiting.reply.is_closed());
        if group.is_empty() {
            return;
        }
        let mut rows = Vec::with_capacity(group.len());
        let mut replies = Vec::with_capacity(group.len());
        for Waiting { rows: of_one, reply } in group {
            replies.push((of_one.len(), reply));
            rows.push(of_one);
        }
        let ticket = inner.tickets.open(replies);
        let statement = Arrays::of(rows.iter().flatten()).bind(insert).bind(ticket);
        match session.all(statement).await {
            Ok(_) => return inner.sequencer.notify_one(),
            // Should it have been committed, the follower will say so to those who still wait then.
            Err(Failure::Unknown(error)) => {
                tracing::warn!(%error, "the database went away during a commit");
                return inner.sequencer.notify_one();
            }
            Err(Failure::Nothing(error)) => {
                let replies = inner.tickets.withdraw(ticket);
                if !error.is_retryable() {
                    for (_, reply) in replies {
                        let _ = reply.send(Err(error.clone()));
                    }
                    return;
                }
                tracing::warn!(%error, "the outbox cannot be written, and is tried again");
                let again = rows.into_iter().zip(replies);
                group = again.map(|(rows, (_, reply))| Waiting { rows, reply }).collect();
                tokio::time::sleep(AGAIN).await;
            }
        }
    }
}
