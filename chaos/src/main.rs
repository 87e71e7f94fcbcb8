//! The proof by kill -9: real servers, hundreds of native clients, a network and processes that fail, and a checker
//! that compares what each client's handler got with what it should have got.
//!
//! | file | what |
//! |---|---|
//! | `population.rs` | who is there, and who an event is for |
//! | `server.rs`, `postgres.rs`, `store.rs` | the processes |
//! | `proxy.rs`, `fate.rs`, `faults.rs` | what fails |
//! | `publisher.rs`, `ledger.rs` | what was sent, and what the server said to it |
//! | `fleet.rs`, `journal.rs` | the clients, and what their handlers got |
//! | `checker.rs` | the comparison |
//! | `arena.rs`, `round.rs`, `stampede.rs` | a store with all that; what is played in it |
//! | `timeline.rs`, `report.rs`, `picture.rs` | what is told of it |

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
    time::Duration,
};

use clap::Parser;

mod arena;
mod checker;
mod clock;
mod error;
mod fate;
mod faults;
mod fleet;
mod journal;
mod ledger;
mod limit;
mod picture;
mod population;
mod postgres;
mod proxy;
mod publisher;
mod report;
mod round;
mod server;
mod stampede;
mod store;
mod timeline;
mod token;

use arena::{Arena, HEARTBEAT};
use clock::Clock;
use error::{Error, Result};
use round::Plan;
use store::StoreKind;
use timeline::{Mark, Timeline};

/// What may be added to the server's memory after its first round: the history, which is bounded by 64 MiB and grows
/// until ten minutes have passed, and what the allocator keeps of the peak of a storm instead of giving it back.
const GROWTH_MAX: u64 = 96 * 1024 * 1024;

/// Prove by kill -9 that nothing is lost in silence.
///
/// Starts real servers (`tidings serve`), connects hundreds of native clients through a proxy, publishes to users,
/// groups and everyone, and meanwhile kills the server and its database with kill -9, restarts it gracefully, and cuts,
/// resets, swallows and crumbles its connections. Then it compares what each client's handler got with the list of
/// acknowledged sends: nothing may be lost without a gap said, repeated, out of order, or for somebody else; a send
/// without an answer may appear once or not at all, to all of its audience alike.
///
/// Ends with 0 when all of that held, with 1 when not; the table says where, and --seed repeats a run's draws. The logs
/// of the servers and the picture are in target/chaos.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask chaos", bin_name = "cargo xtask chaos", verbatim_doc_comment)]
struct Options {
    /// Only these stores; by default all three, or sqlite and postgres with --short.
    #[arg(long, value_name = "STORE", value_delimiter = ',', num_args = 1..)]
    store: Vec<StoreKind>,
    /// Rounds per store. [default: 20, or 2 with --short]
    #[arg(long, value_name = "N")]
    rounds: Option<usize>,
    /// Clients of a round, two fifths as many users.
    #[arg(long, value_name = "N", default_value_t = 500)]
    clients: usize,
    /// Clients of the graceful restart in which no second may see more than a tenth of them return; 0 leaves it out.
    /// [default: 1000, or 0 with --short]
    #[arg(long, value_name = "N")]
    crowd: Option<usize>,
    /// Events per second.
    #[arg(long, value_name = "N", default_value_t = 220)]
    rate: u32,
    /// Draws audiences, cuts and moments; printed at the start. [default: another one each time]
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// Where the picture goes.
    #[arg(long, value_name = "FILE", default_value = "target/chaos/report.svg")]
    report: PathBuf,
    /// The form of the test command: at most two minutes.
    #[arg(long)]
    short: bool,
    /// The server's program.
    #[arg(long, value_name = "FILE", default_value = "target/debug/tidings", hide = true)]
    server: PathBuf,
}

fn main() -> ExitCode {
    let options = Options::parse();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let outcome = runtime.map_err(Error::io("a runtime")).and_then(|runtime| {
        runtime.block_on(async {
            tokio::select! {
                outcome = options.run() => outcome,
                // What was started ends with the future that is dropped here.
                _ = tokio::signal::ctrl_c() => Err(Error::Server("interrupted".to_owned())),
            }
        })
    });
    match outcome {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

impl Options {
    /// Whether everything held.
    async fn run(&self) -> Result<bool> {
        let crowd = self.crowd.unwrap_or(if self.short { 0 } else { 1_000 });
        limit::raise(self.clients.max(crowd))?;
        let logs = self.report.parent().unwrap_or(Path::new("."));
        std::fs::create_dir_all(logs).map_err(Error::io(logs.display().to_string()))?;
        let seed = self.seed.unwrap_or_else(|| fastrand::u64(..));
        println!("seed {seed}: {} clients, {} events per second", self.clients, self.rate);
        let clock = Clock::start();
        let mut timeline = Timeline::default();
        let mut clean = true;
        println!("{}", report::heading());
        for kind in self.stores() {
            clean &= self.rounds(kind, seed, logs, clock, &mut timeline).await?;
        }
        if crowd > 0 {
            clean &= self.crowd(crowd, seed, logs, clock, &mut timeline).await?;
        }
        let title = format!("{} clients, {} events per second, seed {seed}", self.clients, self.rate);
        let picture = picture::draw(&timeline, &title);
        std::fs::write(&self.report, picture).map_err(Error::io(self.report.display().to_string()))?;
        println!("picture: {}", self.report.display());
        Ok(clean)
    }

    fn stores(&self) -> Vec<StoreKind> {
        match (self.store.as_slice(), self.short) {
            ([], true) => vec![StoreKind::Sqlite, StoreKind::Postgres],
            ([], false) => vec![StoreKind::Memory, StoreKind::Sqlite, StoreKind::Postgres],
            (stores, _) => stores.to_vec(),
        }
    }

    async fn rounds(
        &self,
        kind: StoreKind,
        seed: u64,
        logs: &Path,
        clock: Clock,
        timeline: &mut Timeline,
    ) -> Result<bool> {
        let storm = Duration::from_secs(if self.short { 8 } else { 15 });
        let plan = Plan { clients: self.clients, rate: self.rate, seed, storm };
        timeline.mark(clock.ms(), Mark::Store(kind));
        let mut arena = Arena::open(kind, &self.server, logs, HEARTBEAT, seed, clock).await?;
        let mut baseline = None;
        let mut clean = true;
        for number in 0..self.rounds.unwrap_or(if self.short { 2 } else { 20 }) {
            let mut round = round::play(&mut arena, plan, number, timeline).await?;
            let baseline = *baseline.get_or_insert(round.resident);
            if round.resident > baseline + GROWTH_MAX {
                round.troubles.push(format!("the server's memory has grown by more than {GROWTH_MAX} bytes"));
            }
            clean &= round.is_clean();
            println!("{}", report::line(&round));
        }
        arena.server.stop().await?;
        Ok(clean)
    }

    async fn crowd(
        &self,
        clients: usize,
        seed: u64,
        logs: &Path,
        clock: Clock,
        timeline: &mut Timeline,
    ) -> Result<bool> {
        timeline.mark(clock.ms(), Mark::Store(StoreKind::Sqlite));
        let heartbeat = Duration::from_secs(15);
        let mut arena = Arena::open(StoreKind::Sqlite, &self.server, logs, heartbeat, seed, clock).await?;
        let stampede = stampede::restart(&mut arena, clients, seed, timeline).await?;
        println!("{}", report::stampede(&stampede));
        arena.server.stop().await?;
        Ok(stampede.is_clean())
    }
}
