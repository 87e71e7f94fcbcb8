//! The publishers: sends at a steady rate, whatever earlier ones wait for, each with a number of its own.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use protocol::EventId;
use serde::{Deserialize, Serialize};
use serde_json::json;
use tidings_client::HttpClient;
use tokio::{
    sync::{Semaphore, watch},
    task::JoinHandle,
    time::interval,
};

use crate::{
    clock::Clock,
    ledger::{Ledger, Outcome},
    population::{Audience, Named, Population},
    token::PUBLISH_KEY,
};

/// As many sends may wait for an answer at once: two seconds of them.
const WAITING_MAX: u32 = 512;

/// An answer that takes longer is none.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);

/// The name of the events of a round.
pub(crate) const NUMBERED: &str = "numbered";

/// The name of the events that say, after the storm, who stands upright again.
pub(crate) const PROBE: &str = "probe";

/// The names of the event that ends a round: one for each try, since one without an answer may come all the same.
pub(crate) const LAST: [&str; 4] = ["last", "last_again", "last_once_more", "last_of_all"];

/// Bytes beside the number, so that events have the size of small entities.
const PADDING: &str =
    "padding padding padding padding padding padding padding padding padding padding padding";

/// Sends to each server in its turn.
#[derive(Debug, Clone)]
pub(crate) struct Publisher {
    pub(crate) http: HttpClient,
    pub(crate) servers: Arc<[SocketAddr]>,
    pub(crate) population: Arc<Population>,
    pub(crate) ledger: Arc<Ledger>,
    pub(crate) clock: Clock,
}

/// Sends that go on until they are told to stop.
#[derive(Debug)]
pub(crate) struct Publishing {
    stop: watch::Sender<bool>,
    sending: JoinHandle<()>,
}

#[derive(Serialize)]
struct Draft {
    #[serde(rename = "type")]
    name: &'static str,
    data: serde_json::Value,
    audience: Named,
}

#[derive(Deserialize)]
struct Committed {
    id: EventId,
}

impl Publisher {
    /// Begins to send `rate` events a second.
    pub(crate) fn begin(&self, rate: u32, seed: u64) -> Publishing {
        let (stop, stopped) = watch::channel(false);
        let random = fastrand::Rng::with_seed(seed);
        let sending =
            tokio::spawn(self.clone().send_on(Duration::from_secs(1) / rate.max(1), random, stopped));
        Publishing { stop, sending }
    }

    /// One send, whatever comes of it; its number if it is acknowledged.
    pub(crate) async fn send(&self, name: &'static str, audience: Audience) -> Option<u64> {
        let named = self.population.named(&audience);
        let number = self.ledger.begin(audience);
        let draft = Draft { name, data: json!({ "number": number, "padding": PADDING }), audience: named };
        let outcome = self.post(number, &draft).await;
        let acknowledged = matches!(outcome, Outcome::Acknowledged { .. });
        self.ledger.settle(number, outcome);
        acknowledged.then_some(number)
    }

    async fn send_on(self, every: Duration, mut random: fastrand::Rng, mut stopped: watch::Receiver<bool>) {
        let mut ticks = interval(every);
        let places = Arc::new(Semaphore::new(WAITING_MAX as usize));
        loop {
            tokio::select! {
                // The other end gone means the same.
                _ = stopped.wait_for(|stopped| *stopped) => break,
                _ = ticks.tick() => {}
            }
            // Never closed.
            let Ok(place) = places.clone().acquire_owned().await else { break };
            let (publisher, audience) = (self.clone(), self.population.draw(&mut random));
            tokio::spawn(async move {
                publisher.send(NUMBERED, audience).await;
                drop(place);
            });
        }
        let _ = places.acquire_many(WAITING_MAX).await;
    }

    async fn post(&self, number: u64, draft: &Draft) -> Outcome {
        let Ok(body) = serde_json::to_vec(draft) else { return Outcome::NotSent };
        let turn = usize::try_from(number).unwrap_or(0) % self.servers.len();
        let request = self
            .http
            .post(format!("http://{}/publish", self.servers[turn]))
            .bearer_auth(PUBLISH_KEY)
            .timeout(ANSWER_WITHIN)
            .body(body);
        match request.send().await {
            Ok(response) if response.status().is_success() => match response.bytes().await {
                Ok(body) => match serde_json::from_slice::<Committed>(&body) {
                    Ok(Committed { id }) => Outcome::Acknowledged { id, at_ms: self.clock.ms() },
                    Err(_) => Outcome::Unknown,
                },
                Err(_) => Outcome::Unknown,
            },
            // Also what says "unavailable": the commit may be on its way.
            Ok(_) => Outcome::Unknown,
            Err(error) if error.is_connect() => Outcome::NotSent,
            Err(_) => Outcome::Unknown,
        }
    }
}

impl Publishing {
    /// Sends nothing more; returns when every answer is there or overdue.
    pub(crate) async fn end(self) {
        self.stop.send_replace(true);
        // A panic of a send is told by the runtime.
        let _ = self.sending.await;
    }
}
