//! One round: everybody connects, events flow, the network and the processes fail, calm returns, all is compared.

use std::{sync::Arc, time::Duration};

use tokio::time::{Instant, sleep};

use crate::{
    arena::Arena,
    checker::{Evidence, Verdict},
    error::Result,
    faults::{self, Fault},
    fleet::{Fleet, Temper},
    ledger::{Ledger, Outcome},
    options::StoreKind,
    population::Population,
    proxy::{Done, Weather},
    publisher::Publisher,
    timeline::{Mark, Timeline},
};

/// Generous in time, so that a slow machine is no failure; what must hold is strict in content.
const ONLINE_WITHIN: Duration = Duration::from_secs(90);

/// For everybody to come to the end of the log after the storm.
const GATHERED_WITHIN: Duration = Duration::from_secs(120);

/// Silence after which a client gives a connection up: two and a half heartbeats.
const SILENCE: Duration = Duration::from_millis(5_000);

/// How a round is played.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Plan {
    pub(crate) clients: usize,
    /// Events per second.
    pub(crate) rate: u32,
    pub(crate) seed: u64,
    /// The least that a storm takes.
    pub(crate) storm: Duration,
}

/// What a round came to.
#[derive(Debug)]
pub(crate) struct Round {
    pub(crate) store: StoreKind,
    pub(crate) number: usize,
    pub(crate) faults: &'static [Fault],
    pub(crate) seconds: f64,
    /// Acknowledged sends per second while senders ran.
    pub(crate) rate: f64,
    pub(crate) acknowledged: u64,
    pub(crate) unknown: u64,
    pub(crate) reconnects: u64,
    pub(crate) network: Done,
    pub(crate) verdict: Verdict,
    /// Resident memory of the server once all have left, in bytes.
    pub(crate) resident: u64,
    /// What should not have been, beside the verdict.
    pub(crate) troubles: Vec<String>,
}

impl Round {
    pub(crate) fn is_clean(&self) -> bool {
        self.verdict.is_clean() && self.troubles.is_empty()
    }
}

/// Plays round `number`.
pub(crate) async fn play(
    arena: &mut Arena,
    plan: Plan,
    number: usize,
    timeline: &mut Timeline,
) -> Result<Round> {
    let began = Instant::now();
    let mut random =
        fastrand::Rng::with_seed(plan.seed ^ (number as u64 + 1).wrapping_mul(0xA24B_AED4_963E_E407));
    let population = Arc::new(Population::of(plan.clients));
    let ledger = Arc::<Ledger>::default();
    let faults = faults::of_round(arena.kind, number);
    let mut troubles = Vec::new();
    let network = arena.proxy.done();

    arena.proxy.set(Weather::Clear);
    let temper = Temper::Hasty { silence: SILENCE };
    let fleet = Fleet::connect(&population, arena.proxy.address(), temper, arena.clock).await?;
    fleet.all_online(ONLINE_WITHIN).await?;

    timeline.mark(arena.clock.ms(), Mark::Storm);
    let publisher = Publisher {
        http: arena.http.clone(),
        server: arena.server.address(),
        population: population.clone(),
        ledger: ledger.clone(),
        clock: arena.clock,
    };
    let publishing = publisher.begin(plan.rate, random.u64(..));
    let storm = Instant::now();
    arena.proxy.set(Weather::Storm);
    for fault in faults {
        sleep(Duration::from_millis(random.u64(1_000..4_000))).await;
        timeline.mark(arena.clock.ms(), Mark::Fault(*fault));
        arena.strike(*fault, &mut random).await?;
    }
    sleep(plan.storm.saturating_sub(storm.elapsed()).max(Duration::from_secs(2))).await;
    publishing.end().await;
    let published = storm.elapsed();

    timeline.mark(arena.clock.ms(), Mark::Calm);
    arena.proxy.set(Weather::Clear);
    if let Err(late) = fleet.gather(&publisher, GATHERED_WITHIN).await {
        troubles.push(late.to_string());
    }
    let journals = fleet.leave().await;
    let left = arena.connections_left().await?;
    if left > 0 {
        troubles.push(format!("{left} connections are left in the registry"));
    }
    troubles.extend(arena.server.panics()?);

    let sends = ledger.sends();
    let evidence = Evidence {
        population: &population,
        sends: &sends,
        journals: &journals,
        durable: arena.kind.is_durable(),
    };
    let verdict = evidence.judge();
    timeline.add(&journals);
    let count = |is: fn(&Outcome) -> bool| sends.iter().filter(|send| is(&send.outcome)).count() as u64;
    let acknowledged = count(|outcome| matches!(outcome, Outcome::Acknowledged { .. }));
    Ok(Round {
        store: arena.kind,
        number,
        faults,
        seconds: began.elapsed().as_secs_f64(),
        rate: acknowledged as f64 / published.as_secs_f64(),
        acknowledged,
        unknown: count(|outcome| *outcome == Outcome::Unknown),
        reconnects: journals.iter().map(|journal| journal.online_ms.len().saturating_sub(1) as u64).sum(),
        network: arena.proxy.done().since(network),
        verdict,
        resident: arena.server.resident()?,
        troubles,
    })
}
