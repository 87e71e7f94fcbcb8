//! The proof by kill -9: real servers, hundreds of native clients, a network and processes that fail, and a checker
//! that compares what each client's handler got with what it should have got.
//!
//! | file | what |
//! |---|---|
//! | `population.rs` | who is there, and who an event is for |
//! | `server.rs`, `postgres.rs`, `redis.rs`, `store.rs` | the processes |
//! | `proxy.rs`, `gate.rs`, `fate.rs`, `faults.rs` | what fails |
//! | `publisher.rs`, `ledger.rs` | what was sent, and what the server said to it |
//! | `fleet.rs`, `journal.rs` | the clients, and what their handlers got |
//! | `checker.rs` | the comparison |
//! | `options.rs`, `limit.rs` | what is asked for, and room for it |
//! | `arena.rs`, `company.rs` | a store with its server and its network; clients and publisher |
//! | `round.rs`, `stampede.rs` | what is played |
//! | `timeline.rs`, `report.rs`, `picture.rs` | what is told of it |

use std::{path::Path, process::ExitCode, time::Duration};

use clap::Parser as _;
use tokio::signal::unix::{SignalKind, signal};

mod arena;
mod checker;
mod clock;
mod company;
mod error;
mod fate;
mod faults;
mod fleet;
mod gate;
mod journal;
mod ledger;
mod limit;
mod options;
mod picture;
mod population;
mod postgres;
mod proxy;
mod publisher;
mod redis;
mod report;
mod round;
mod server;
mod stampede;
mod store;
mod timeline;
mod token;

use arena::Arena;
use clock::Clock;
use error::{Error, Result};
use options::{Options, StoreKind};
use round::Plan;
use server::Settings;
use store::Setup;
use timeline::{Mark, Timeline};

/// What may be added to the server's memory after its first round: a history that fills up, and what the allocator keeps
/// of the peaks of storms instead of giving it back. A process sees some thousands of connections between two kills: a
/// buffer left behind by each would go beyond it.
const GROWTH_MAX: u64 = 32 * 1024 * 1024;

/// Events kept, in seconds of the rate: longer than a storm with two drains in it, so that nothing explains a gap, and
/// soon full, so that the server's memory can be compared from then on.
const KEPT_SECONDS: u32 = 60;

/// Instances that share a store.
const CLUSTER: usize = 3;

/// A sign of life every two seconds: silence is noticed within a round.
const HEARTBEAT: Duration = Duration::from_secs(2);

fn main() -> ExitCode {
    let options = Options::parse();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let outcome = runtime.map_err(Error::io("a runtime")).and_then(|runtime| {
        runtime.block_on(async {
            tokio::select! {
                outcome = options.run() => outcome,
                // What was started ends with the future that is dropped here.
                interrupted = interrupted() => Err(interrupted),
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

/// Ready at ctrl-c or SIGTERM.
async fn interrupted() -> Error {
    match signal(SignalKind::terminate()) {
        Ok(mut terminate) => tokio::select! {
            _ = tokio::signal::ctrl_c() => {}
            _ = terminate.recv() => {}
        },
        Err(error) => return Error::io("signals")(error),
    }
    Error::Server("interrupted".to_owned())
}

impl Options {
    /// Whether everything held.
    async fn run(&self) -> Result<bool> {
        if let (true, Some(local)) = (self.cluster, self.store.iter().find(|store| !store.is_shared())) {
            let local = local.name();
            return Err(Error::Server(format!(
                "{local} is no store that instances share: try redis or postgres"
            )));
        }
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
        for setup in self.arenas() {
            clean &= self.rounds(setup, seed, logs, clock, &mut timeline).await?;
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

    /// Which stores, and how many instances on each.
    fn arenas(&self) -> Vec<Setup> {
        use StoreKind::{Memory, Postgres, Redis, Sqlite};
        let instances = if self.cluster { CLUSTER } else { 1 };
        match (self.store.as_slice(), self.cluster, self.short) {
            ([], false, true) => vec![Sqlite.under(1), Postgres.under(1), Redis.under(CLUSTER)],
            ([], false, false) => [Memory, Sqlite, Postgres, Redis].map(|kind| kind.under(1)).to_vec(),
            ([], true, _) => [Redis, Postgres].map(|kind| kind.under(instances)).to_vec(),
            (stores, ..) => stores.iter().map(|kind| kind.under(instances)).collect(),
        }
    }

    fn rounds_of(&self, kind: StoreKind) -> usize {
        match (self.short, kind) {
            (false, _) => 20,
            // Its first one has the worst of it.
            (true, StoreKind::Postgres | StoreKind::Redis) => 1,
            (true, _) => 2,
        }
    }

    async fn rounds(
        &self,
        setup: Setup,
        seed: u64,
        logs: &Path,
        clock: Clock,
        timeline: &mut Timeline,
    ) -> Result<bool> {
        let storm = Duration::from_secs(if self.short { 8 } else { 15 });
        let plan = Plan { clients: self.clients, rate: self.rate, seed, storm };
        timeline.mark(clock.ms(), Mark::Store(setup.kind));
        let keep_events = self.rate.saturating_mul(KEPT_SECONDS);
        let outage = Duration::from_secs(if self.short { 4 } else { 30 });
        let settings = Settings { heartbeat: HEARTBEAT, keep_events, outage };
        let mut arena = Arena::open(setup, &self.server, logs, settings, seed, clock).await?;
        let mut baseline = None;
        let mut clean = true;
        for number in 0..self.rounds.unwrap_or_else(|| self.rounds_of(setup.kind)) {
            let mut round = round::play(&mut arena, plan, number, timeline).await?;
            let baseline = *baseline.get_or_insert(round.resident);
            if round.resident > baseline + GROWTH_MAX {
                round.troubles.push(format!("the server's memory has grown by more than {GROWTH_MAX} bytes"));
            }
            clean &= round.is_clean();
            println!("{}", report::line(&round));
        }
        arena.close().await?;
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
        let (usual, instances) =
            if self.cluster { (StoreKind::Redis, CLUSTER) } else { (StoreKind::Sqlite, 1) };
        let setup = self.store.first().copied().unwrap_or(usual).under(instances);
        timeline.mark(clock.ms(), Mark::Store(setup.kind));
        let (heartbeat, outage) = (Duration::from_secs(15), Duration::ZERO);
        let settings = Settings { heartbeat, keep_events: 100_000, outage };
        let mut arena = Arena::open(setup, &self.server, logs, settings, seed, clock).await?;
        let stampede = stampede::restart(&mut arena, clients, seed, timeline).await?;
        println!("{}", report::stampede(&stampede));
        arena.close().await?;
        Ok(stampede.is_clean())
    }
}
