//! What every route shares, and the one way in which it changes anything.

use std::sync::Arc;

use tidings_bindings::{Event, Id, Timestamp};
use tidings_server::{Audience, Cause, Hub, protocol::Revoked};
use uuid::Uuid;

use crate::{
    clock::{Clock, When},
    database::{Connection, Pool},
    failure::Failure,
    log_in::LogIns,
    password::Passwords,
};

/// The database, the hub, and what belongs to them. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Platform {
    pool: Pool,
    pub(crate) hub: Hub<Event>,
    pub(crate) log_ins: LogIns,
    pub(crate) passwords: Passwords,
    /// Where a page edits shared notes.
    pub(crate) notes_port: Option<u16>,
    clock: Arc<Clock>,
}

impl Platform {
    pub(crate) fn new(pool: Pool, hub: Hub<Event>, passwords: Passwords, notes_port: Option<u16>) -> Self {
        let log_ins = LogIns::new(pool.clone());
        Self { pool, hub, log_ins, passwords, notes_port, clock: Arc::default() }
    }

    /// A connection to read with.
    pub(crate) async fn reader(&self) -> Result<Connection, Failure> {
        Ok(self.pool.connection().await?)
    }

    /// Begins a change.
    pub(crate) async fn change(&self, cause: Cause) -> Result<Change, Failure> {
        Ok(Change { db: self.pool.begin().await?, platform: self.clone(), cause })
    }
}

/// A change under way, and what people are told of it: one transaction. Dropped before [`Change::commit`], as
/// with its request, it leaves nothing behind and nobody hears of it; once committed it is told, whatever
/// becomes of the request or the process.
#[derive(Debug)]
pub(crate) struct Change {
    db: Connection,
    platform: Platform,
    cause: Cause,
}

impl Change {
    pub(crate) const fn db(&mut self) -> &mut Connection {
        &mut self.db
    }

    /// The time of this change.
    pub(crate) fn now(&self) -> Timestamp {
        self.platform.clock.now()
    }

    /// Tells `audience`, once the change is committed. Several events are told in this order.
    ///
    /// # Errors
    /// [`Failure::Untold`]: the change is to be given up.
    pub(crate) async fn tell(&mut self, audience: Audience, event: &Event) -> Result<(), Failure> {
        Ok(self.db.tell(&self.platform.hub, self.cause.clone(), audience, event).await?)
    }

    /// Ends the streams that were opened with what is revoked, once the change is committed; the last thing
    /// they say is `last_event`.
    ///
    /// # Errors
    /// As [`Change::tell`].
    pub(crate) async fn revoke(
        &mut self,
        revoked: Revoked,
        reason: &str,
        last_event: Option<&Event>,
    ) -> Result<(), Failure> {
        Ok(self.db.revoke(&self.platform.hub, revoked, reason, last_event).await?)
    }

    /// Commits. The events get their places in the order a moment later, by the hub's own hand: nobody waits
    /// for that here, since a page's cursor never covers what its data lacks either way ([`crate::cursor`]).
    pub(crate) async fn commit(self) -> Result<(), Failure> {
        Ok(self.db.commit().await?)
    }
}

/// An id that nobody has yet.
pub(crate) fn new_id() -> Id {
    Id::from_u128(Uuid::new_v4().as_u128())
}

/// Refuses a change that is based on another version than `current`. No version stated: last writer wins.
pub(crate) fn based_on<T: serde::Serialize>(
    stated: Option<&When>,
    updated_at: &Timestamp,
    current: &T,
) -> Result<(), Failure> {
    match stated {
        Some(When(stated)) if stated != updated_at => Err(Failure::Conflict {
            message: "someone else changed this in the meantime",
            current: serde_json::to_value(current).unwrap_or_default(),
        }),
        _ => Ok(()),
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use std::{future::poll_fn, pin::pin, task::Poll};

    use tidings_bindings::Severity;
    use tidings_server::Config;

    use super::*;
    use crate::{
        database::{Database, query},
        password::Cost,
    };

    pub(crate) async fn platform(folder: &tempfile::TempDir) -> Platform {
        let database = Database::file(folder.path().join("coaching.sqlite"));
        let hub = database.hub(Config::default()).await.expect("a hub");
        let pool = database.open().await.expect("a database");
        let passwords = Passwords::new(Cost { memory_kib: 64, passes: 1 }).expect("valid parameters");
        Platform::new(pool, hub, passwords, None)
    }

    fn announcement() -> Event {
        Event::SystemAnnouncement { message: "Hi".into(), severity: Severity::Info }
    }

    async fn insert(change: &mut Change, organization: &str) {
        query("INSERT INTO organizations (id, name) VALUES ($1, $2)")
            .bind(organization)
            .bind(organization)
            .execute(change.db())
            .await
            .expect("inserted");
    }

    /// How many organizations there are, and how many events have been sent, this question's own left out.
    async fn state(platform: &Platform) -> (usize, u64) {
        let rows = query("SELECT * FROM organizations")
            .fetch_all(&mut platform.reader().await.expect("a reader"))
            .await
            .expect("rows");
        let sent = platform.hub.send(Audience::everyone(), &announcement()).await.expect("sent");
        (rows.len(), sent.id.sequence() - 1)
    }

    #[tokio::test]
    async fn a_committed_change_is_told_event_by_event() {
        let folder = tempfile::TempDir::new().expect("a folder");
        let platform = platform(&folder).await;
        let mut change = platform.change(Cause::default()).await.expect("begun");
        insert(&mut change, "a").await;
        for _ in 0..2 {
            change.tell(Audience::everyone(), &announcement()).await.expect("enqueued");
        }
        change.commit().await.expect("committed");
        assert_eq!(state(&platform).await, (1, 2));
    }

    #[tokio::test]
    async fn a_change_that_is_given_up_leaves_nothing_and_says_nothing() {
        let folder = tempfile::TempDir::new().expect("a folder");
        let platform = platform(&folder).await;
        let mut change = platform.change(Cause::default()).await.expect("begun");
        insert(&mut change, "a").await;
        change.tell(Audience::everyone(), &announcement()).await.expect("enqueued");
        let revoked = Revoked::User("somebody".into());
        change.revoke(revoked, "logged out", None).await.expect("enqueued");
        drop(change);
        assert_eq!(state(&platform).await, (0, 0));
    }

    #[tokio::test]
    async fn a_change_that_is_dropped_at_any_point_lets_the_next_one_begin() {
        let folder = tempfile::TempDir::new().expect("a folder");
        let platform = platform(&folder).await;
        for polls in 0..40 {
            let made = async {
                let mut change = platform.change(Cause::default()).await.expect("begun");
                insert(&mut change, &format!("{polls}")).await;
                change.tell(Audience::everyone(), &announcement()).await.expect("enqueued");
                change.commit().await.expect("committed");
            };
            up_to(polls, made).await;
            let change = platform.change(Cause::default()).await;
            assert!(change.is_ok(), "dropped after {polls} polls: {change:?}");
        }
        let (organizations, events) = state(&platform).await;
        assert_eq!(organizations as u64, events, "each or neither");
        assert_ne!(events, 0, "some got through");
    }

    /// Polls a future so many times at most, then drops it.
    async fn up_to(polls: usize, future: impl Future) {
        let (mut future, mut left) = (pin!(future), polls);
        poll_fn(|context| {
            if left == 0 {
                return Poll::Ready(());
            }
            left -= 1;
            let polled = future.as_mut().poll(context).map(drop);
            // Dropped where it stands, not when it would go on.
            if left == 0 { Poll::Ready(()) } else { polled }
        })
        .await;
    }

    #[tokio::test]
    async fn what_cannot_be_told_is_no_event_and_says_why() {
        let folder = tempfile::TempDir::new().expect("a folder");
        let platform = platform(&folder).await;
        let mut change = platform.change(Cause::default()).await.expect("begun");
        insert(&mut change, "a").await;
        let message = "x".repeat(2 * 1024 * 1024);
        let event = Event::SystemAnnouncement { message, severity: Severity::Info };
        let failure = change.tell(Audience::everyone(), &event).await.expect_err("too large");
        assert!(
            failure.to_string().starts_with("too large to be told to others, and not saved"),
            "{failure}"
        );
        drop(change);
        assert_eq!(state(&platform).await, (0, 0));
    }
}
