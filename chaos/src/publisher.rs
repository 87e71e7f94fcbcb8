//! Publishers: concurrent senders at a steady rate, each send with a number of its own.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use protocol::EventId;
use serde::{Deserialize, Serialize};
use serde_json::json;
use tidings_client::HttpClient;
use tokio::{
    task::JoinSet,
    time::{Instant, MissedTickBehavior, interval_at},
};

use crate::{
    clock::Clock,
    ledger::{Ledger, Outcome},
    population::{Audience, Named, Population},
    token::PUBLISH_KEY,
};

/// As many sends may wait for a commit at once.
const SENDERS: u32 = 64;

/// An answer that takes longer is none.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);

/// The name of the events of a round.
pub(crate) const NUMBERED: &str = "numbered";

/// The name of the event that ends a round.
pub(crate) const LAST: &str = "last";

/// Bytes beside the number, so that events have the size of small entities.
const PADDING: &str =
    "padding padding padding padding padding padding padding padding padding padding padding";

/// Sends to one server.
#[derive(Debug, Clone)]
pub(crate) struct Publisher {
    pub(crate) http: HttpClient,
    pub(crate) server: SocketAddr,
    pub(crate) population: Arc<Population>,
    pub(crate) ledger: Arc<Ledger>,
    pub(crate) clock: Clock,
}

/// Senders that run until they are told to stop.
#[derive(Debug)]
pub(crate) struct Publishing {
    stop: Arc<AtomicBool>,
    senders: JoinSet<()>,
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
        let stop = Arc::<AtomicBool>::default();
        let mut senders = JoinSet::new();
        let every = Duration::from_secs(1) * SENDERS / rate.max(1);
        for sender in 0..SENDERS {
            let (publisher, stop) = (self.clone(), stop.clone());
            let random =
                fastrand::Rng::with_seed(seed ^ u64::from(sender).wrapping_mul(0xD1B5_4A32_D192_ED03));
            senders.spawn(publisher.send_on(every, every * sender / SENDERS, random, stop));
        }
        Publishing { stop, senders }
    }

    /// One send, whatever comes of it; whether it is acknowledged.
    pub(crate) async fn send(&self, name: &'static str, audience: Audience) -> bool {
        let named = self.population.named(&audience);
        let number = self.ledger.begin(audience);
        let draft = Draft { name, data: json!({ "number": number, "padding": PADDING }), audience: named };
        let outcome = self.post(&draft).await;
        let acknowledged = matches!(outcome, Outcome::Acknowledged { .. });
        self.ledger.settle(number, outcome);
        acknowledged
    }

    async fn send_on(
        self,
        every: Duration,
        phase: Duration,
        mut random: fastrand::Rng,
        stop: Arc<AtomicBool>,
    ) {
        let mut ticks = interval_at(Instant::now() + phase, every);
        // A server that was away is not made to take what it did not get then.
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            if stop.load(Ordering::Relaxed) {
                return;
            }
            let audience = self.population.draw(&mut random);
            self.send(NUMBERED, audience).await;
        }
    }

    async fn post(&self, draft: &Draft) -> Outcome {
        let Ok(body) = serde_json::to_vec(draft) else { return Outcome::NotSent };
        let request = self
            .http
            .post(format!("http://{}/publish", self.server))
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
    pub(crate) async fn end(mut self) {
        self.stop.store(true, Ordering::Relaxed);
        while self.senders.join_next().await.is_some() {}
    }
}
