//! Where a store keeps its log, and what may happen to it there.

use std::time::Duration;

use tidings_server::store::{Outbox, Store};

/// A place of its own per test, gone when dropped.
pub(crate) trait Place: Sized + Send + Sync {
    type Store: Store;

    /// An empty one.
    async fn fresh() -> Self;

    /// A store on it that is not open yet, as a new process has it.
    fn store(&self) -> Self::Store;
}

/// A place that outlives the process. Whatever changes it here is called while no run is open, or one was
/// dropped a moment ago.
pub(crate) trait Durable: Place {
    type Backup;
    type Hold;

    /// Takes the newest `entries` away, as if neither they nor what was recorded with them had reached it.
    async fn lose_tail(&self, entries: u64);

    /// What a backup tool copies.
    async fn back_up(&self) -> Self::Backup;

    /// Puts the copy in the place of what is there.
    async fn restore(&self, backup: Self::Backup);

    /// Makes all that is stored look as old as if it had lain there for so long.
    async fn age(&self, by: Duration);

    /// Stores so many keys as if they had been used just now.
    async fn fill_keys(&self, keys: u64);

    /// Entries stored; a run may be open.
    async fn entries(&self) -> u64;

    /// Rows stored of leases, connections, keys, grants and revocations; a run may be open.
    async fn others(&self) -> u64;

    /// Keeps the open run from committing, until released.
    async fn hold_commits(&self) -> Self::Hold;

    /// Lets commits happen again.
    async fn release(&self, hold: Self::Hold);
}

/// A place where the app has its own tables too.
pub(crate) trait Shared: Durable<Store: Outbox> {
    /// A connection of the app.
    async fn connect(&self) -> <Self::Store as Outbox>::Connection;

    /// Begins a transaction that will write.
    async fn begin(connection: &mut <Self::Store as Outbox>::Connection);

    /// Commits it.
    async fn commit(connection: &mut <Self::Store as Outbox>::Connection);

    /// Undoes it.
    async fn roll_back(connection: &mut <Self::Store as Outbox>::Connection);
}

/// A place that several instances share, on a server that can go away.
pub(crate) trait Many: Durable {
    /// One on a server of its own.
    async fn alone() -> Self;

    /// A store on it that waits for its server no longer than this.
    fn store_that_waits(&self, wait: Duration) -> Self::Store;

    /// The server ends as for a restart; nothing that was committed is lost.
    fn stop(&self);

    /// It is there again.
    fn resume(&self);

    /// As [`Durable::age`], while runs are open, which go on looking whose time has come.
    async fn age_under_way(&self, by: Duration);

    /// Nobody has looked whose time has come for as long as this, or longer.
    async fn forget_looks(&self, by: Duration);

    /// A question of `instance` with this number comes to the server: `user` has left. How many changes are answered.
    async fn says_again_that_left(&self, instance: &str, number: u64, user: &str) -> u64;

    /// What was given to all since nobody could look ends so much earlier.
    async fn pardon_less(&self, by: Duration);

    /// Puts the copy in the place of what is there, whoever uses it.
    async fn restore_under_way(&self, backup: Self::Backup);
}
