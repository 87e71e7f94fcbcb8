//! One round: everybody connects, events flow, the network and the processes fail, calm returns, all is compared.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::{
    arena::Arena,
    checker::Verdict,
    company::{Company, Remains},
    error::Result,
    faults::{self, Fault},
    fleet::Temper,
    ledger::Outcome,
    options::StoreKind,
    proxy::{Done, Weather},
    timeline::{Mark, Timeline},
};

/// For everybody to come to the end of the log after the storm.
const ENDED_WITHIN: Duration = Duration::from_secs(120);

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
    pub(crate) instances: usize,
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
    /// Resident memory of the servers once all have left, in bytes.
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
    let faults = faults::of_round(arena.kind, arena.servers.len() > 1, number);
    let network = arena.proxy.done();

    arena.proxy.set(Weather::Clear);
    let company = Company::gather(arena, plan.clients, Temper::Hasty { silence: SILENCE }).await?;

    timeline.mark(arena.clock.ms(), Mark::Storm);
    let publishing = company.publisher.begin(plan.rate, random.u64(..));
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
    let durable = arena.kind.is_durable() && !faults.contains(&Fault::LoseDatabase);
    let Remains { sends, journals, verdict, troubles, departures: _ } =
        company.part(arena, ENDED_WITHIN, durable, timeline).await?;

    let count = |is: fn(&Outcome) -> bool| sends.iter().filter(|send| is(&send.outcome)).count() as u64;
    let acknowledged = count(|outcome| matches!(outcome, Outcome::Acknowledged { .. }));
    Ok(Round {
        store: arena.kind,
        instances: arena.servers.len(),
        number,
        faults,
        seconds: began.elapsed().as_secs_f64(),
        rate: acknowledged as f64 / published.as_secs_f64(),
        acknowledged,
        unknown: count(|outcome| *outcome == Outcome::Unknown),
        reconnects: journals.iter().map(|journal| journal.reconnects_ms().count() as u64).sum(),
        network: arena.proxy.done().since(network),
        verdict,
        resident: arena.resident()?,
        troubles,
    })
}
