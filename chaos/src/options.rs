//! The options of a run: one definition, read by this program and by `cargo xtask chaos`, which starts it.

use std::path::PathBuf;

/// Prove by kill -9 that nothing is lost in silence
///
/// Starts real servers (tidings serve), connects hundreds of native clients through a proxy, publishes to users,
/// groups and everyone, and meanwhile kills the server and its database with kill -9, restarts the server gracefully,
/// and cuts, resets, swallows and crumbles connections. With --cluster there are three instances on one store, of which
/// any is killed, all are restarted one after the other, and one is cut off from the store, which in other rounds stands
/// still for 30 s, or loses its files. Then it compares what each client's handler got with the list of acknowledged
/// sends: nothing may be lost without a gap said, repeated, out of order, or somebody else's; a send
/// without an answer may appear once or not at all, to all of its audience alike.
///
/// The whole of it takes about 40 minutes. Exit code: 0 when all of that held, 1 when not, and the table says where.
/// The logs of the servers and the picture are below target/chaos.
#[derive(Debug, clap::Parser)]
#[command(name = "cargo xtask chaos")]
pub(crate) struct Options {
    /// Three instances on one store, redis or postgres.
    #[arg(long)]
    pub(crate) cluster: bool,
    /// Only these stores. [default: all; with --short sqlite and postgres, and a cluster on redis]
    #[arg(long, value_name = "STORE", value_delimiter = ',', num_args = 1..)]
    pub(crate) store: Vec<StoreKind>,
    /// Rounds per store. [default: 20; with --short 2, of postgres 1]
    #[arg(long, value_name = "N")]
    pub(crate) rounds: Option<usize>,
    /// Clients of a round, of two fifths as many users.
    #[arg(long, value_name = "N", default_value_t = 500)]
    pub(crate) clients: usize,
    /// Clients of the graceful restart at the end, of the first of the stores, in which no second may see more than a
    /// tenth of them return, and nobody is said not to be online; 0 leaves it out. [default: 1000, or 0 with --short]
    #[arg(long, value_name = "N")]
    pub(crate) crowd: Option<usize>,
    /// Events per second.
    #[arg(long, value_name = "N", default_value_t = 220)]
    pub(crate) rate: u32,
    /// Draws audiences, cuts and moments; printed at the start. [default: another one each time]
    #[arg(long, value_name = "N")]
    pub(crate) seed: Option<u64>,
    /// Where the picture goes.
    #[arg(long, value_name = "FILE", default_value = "target/chaos/report.svg")]
    pub(crate) report: PathBuf,
    /// The form of the test command: at most two minutes.
    #[arg(long)]
    pub(crate) short: bool,
    /// The server's program.
    #[arg(long, value_name = "FILE", default_value = "target/debug/tidings", hide = true)]
    pub(crate) server: PathBuf,
}

/// A kind of store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum StoreKind {
    /// gone with the process: its clients are told a gap after each start
    Memory,
    /// a file
    Sqlite,
    /// a PostgreSQL server of the run's own, which is killed too
    Postgres,
    /// a Redis server of the run's own that syncs every write, which is killed too
    Redis,
}
