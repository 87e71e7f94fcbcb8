//! What is done to the processes of a round, beside what the network does to its connections.

use std::fmt;

use crate::options::StoreKind;

/// One blow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// `kill -9` of a server, and a start.
    Kill,
    /// SIGTERM, the drain, and a start, of each server after the other.
    Restart,
    /// `kill -9` of the database with all its processes, and a start.
    KillDatabase,
    /// The same, and its files are gone: everybody is told of a gap.
    LoseDatabase,
    /// `kill -STOP` of the database, and `-CONT`.
    Freeze,
    /// One instance cannot reach the store.
    Partition,
}

/// The blows of a round: over a cycle of rounds each of them alone, twice, mixed, and none.
pub(crate) fn of_round(store: StoreKind, is_cluster: bool, round: usize) -> &'static [Fault] {
    use Fault::{Freeze, Kill, KillDatabase, LoseDatabase, Partition, Restart};
    const PROCESS: [&[Fault]; 5] = [&[Kill, Restart], &[Kill, Kill], &[], &[Restart], &[Kill]];
    const DATABASE: [&[Fault]; 6] = [
        &[KillDatabase, Kill],
        &[Restart],
        &[KillDatabase, KillDatabase],
        &[Kill],
        &[],
        &[Restart, KillDatabase],
    ];
    const CLUSTER: [&[Fault]; 7] = [
        &[Kill, Partition],
        &[Restart],
        &[KillDatabase, Kill],
        &[Freeze, Kill],
        &[LoseDatabase],
        &[],
        &[Partition, Restart, KillDatabase],
    ];
    match store {
        StoreKind::Redis if is_cluster => CLUSTER[round % CLUSTER.len()],
        StoreKind::Memory | StoreKind::Sqlite => PROCESS[round % PROCESS.len()],
        StoreKind::Postgres | StoreKind::Redis => DATABASE[round % DATABASE.len()],
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Kill => "kill -9",
            Self::Restart => "restart",
            Self::KillDatabase => "db kill -9",
            Self::LoseDatabase => "db lost",
            Self::Freeze => "db frozen",
            Self::Partition => "partition",
        })
    }
}
