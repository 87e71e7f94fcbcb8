//! A graceful restart under a crowd: how many of its clients come back within one second.

use std::time::Duration;

use tokio::time::sleep;

use crate::{
    arena::Arena,
    checker::Verdict,
    company::Company,
    error::Result,
    faults::Fault,
    fleet::Temper,
    journal::Journal,
    options::StoreKind,
    timeline::{Mark, Timeline, second},
};

/// The longest delay between attempts is 30 s.
const BACK_WITHIN: Duration = Duration::from_secs(150);

/// Longer than a stream must live to count as healthy, so that the clients are as those of a server that has run.
const HEALTHY: Duration = Duration::from_secs(11);

/// Events per second meanwhile: something to lose.
const RATE: u32 = 20;

/// The largest part of the crowd that may come back within one second.
const SHARE_MAX: f64 = 0.10;

/// What a restart came to.
#[derive(Debug)]
pub(crate) struct Stampede {
    pub(crate) store: StoreKind,
    pub(crate) clients: usize,
    /// From SIGTERM to the next start, in seconds.
    pub(crate) away: f64,
    /// Clients that came back, by second since SIGTERM.
    pub(crate) back: Vec<u32>,
    /// Connections that were tried, by second since SIGTERM.
    pub(crate) attempts: Vec<u32>,
    pub(crate) verdict: Verdict,
    /// Words that a user was not online, while everybody did nothing but come back.
    pub(crate) departures: usize,
    pub(crate) troubles: Vec<String>,
}

impl Stampede {
    /// The most that came back within one second.
    pub(crate) fn largest(&self) -> u32 {
        self.back.iter().copied().max().unwrap_or(0)
    }

    pub(crate) fn is_clean(&self) -> bool {
        self.verdict.is_clean()
            && self.departures == 0
            && self.troubles.is_empty()
            && f64::from(self.largest()) <= SHARE_MAX * self.clients as f64
    }
}

/// Restarts the server under `clients` clients that behave as they come.
pub(crate) async fn restart(
    arena: &mut Arena,
    clients: usize,
    seed: u64,
    timeline: &mut Timeline,
) -> Result<Stampede> {
    let company = Company::gather(arena, clients, Temper::Default).await?;
    sleep(HEALTHY).await;
    let before = arena.departures()?;
    let publishing = company.publisher.begin(RATE, seed);
    let told = arena.clock.ms();
    timeline.mark(told, Mark::Fault(Fault::Restart));
    for server in &mut arena.servers {
        server.stop().await?;
        server.start().await?;
    }
    let away = (arena.clock.ms() - told) as f64 / 1_000.0;

    publishing.end().await;
    let remains = company.part(arena, BACK_WITHIN, arena.kind.is_durable(), timeline).await?;
    Ok(Stampede {
        store: arena.kind,
        clients,
        away,
        back: by_second(remains.journals.iter().flat_map(Journal::reconnects_ms), told),
        attempts: by_second(arena.proxy.attempts_ms().into_iter(), told),
        verdict: remains.verdict,
        departures: remains.departures - before,
        troubles: remains.troubles,
    })
}

/// How many of these moments lie in each second after `from`.
fn by_second(moments: impl Iterator<Item = u64>, from: u64) -> Vec<u32> {
    let mut seconds = Vec::new();
    for at in moments.filter_map(|at| at.checked_sub(from)).map(second) {
        if seconds.len() <= at {
            seconds.resize(at + 1, 0);
        }
        seconds[at] += 1;
    }
    seconds
}
