//! Everybody at play in one arena: clients that are connected, a publisher, what both write down, and the comparison.

use std::{sync::Arc, time::Duration};

use crate::{
    arena::Arena,
    checker::{Evidence, Verdict},
    error::Result,
    fleet::{Fleet, Temper},
    journal::Journal,
    ledger::{Ledger, Send},
    population::Population,
    publisher::Publisher,
    server::Server,
    timeline::Timeline,
};

/// Generous in time, so that a slow machine is no failure; what must hold is strict in content.
const ONLINE_WITHIN: Duration = Duration::from_secs(120);

/// Clients that are online, and who publishes to them.
#[derive(Debug)]
pub(crate) struct Company {
    pub(crate) publisher: Publisher,
    fleet: Fleet,
}

/// What is left of it.
#[derive(Debug)]
pub(crate) struct Remains {
    pub(crate) sends: Vec<Send>,
    pub(crate) journals: Vec<Journal>,
    pub(crate) verdict: Verdict,
    /// As [`Arena::departures`], before anybody left on purpose.
    pub(crate) departures: usize,
    /// What should not have been, beside the verdict.
    pub(crate) troubles: Vec<String>,
}

impl Company {
    /// Connects `clients` clients, and waits until all are online: what is sent from then on is due.
    pub(crate) async fn gather(arena: &Arena, clients: usize, temper: Temper) -> Result<Self> {
        let population = Arc::new(Population::of(clients));
        let fleet = Fleet::connect(&population, arena.proxy.address(), temper, arena.clock).await?;
        fleet.all_online(ONLINE_WITHIN).await?;
        let publisher = Publisher {
            http: arena.http.clone(),
            servers: arena.servers.iter().map(Server::address).collect(),
            population,
            ledger: Arc::<Ledger>::default(),
            clock: arena.clock,
        };
        Ok(Self { publisher, fleet })
    }

    /// Waits until all have come to the end of the log, has them leave, and compares; `durable` says that no gap is
    /// excused.
    pub(crate) async fn part(
        self,
        arena: &Arena,
        within: Duration,
        durable: bool,
        timeline: &mut Timeline,
    ) -> Result<Remains> {
        let mut troubles = Vec::new();
        if let Err(late) = self.fleet.reach_end(&self.publisher, within).await {
            troubles.push(late.to_string());
        }
        let departures = arena.departures()?;
        let journals = self.fleet.leave().await;
        let left = arena.connections_left().await?;
        if left > 0 {
            troubles.push(format!("{left} connections are left in the registry"));
        }
        troubles.extend(arena.panics()?);
        timeline.add(&journals);
        let sends = self.publisher.ledger.sends();
        let evidence =
            Evidence { population: &self.publisher.population, sends: &sends, journals: &journals, durable };
        let verdict = evidence.judge();
        Ok(Remains { sends, journals, verdict, departures, troubles })
    }
}
