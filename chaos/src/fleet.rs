//! The clients: one native client per task, each with its log.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use protocol::{Closed, Contract as _, RawEvent, Retry, State};
use serde::Deserialize;
use tidings_client::{Client, Item};
use tokio::{
    sync::watch,
    task::JoinSet,
    time::{Instant, sleep},
};

use crate::{
    clock::Clock,
    error::{Error, Result},
    journal::{Entry, Journal},
    population::{Audience, Population},
    publisher::{LAST, PROBE, Publisher},
    token,
};

/// How patient the clients of a fleet are.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Temper {
    /// As they come.
    Default,
    /// Silence of this length is an outage, and delays are short, so that a round sees many reconnects.
    Hasty { silence: Duration },
}

/// Clients that run until they are told to leave.
#[derive(Debug)]
pub(crate) struct Fleet {
    clients: JoinSet<Journal>,
    size: usize,
    progress: Arc<Progress>,
    leave: watch::Sender<bool>,
}

/// How many clients have come how far, each once.
#[derive(Debug, Default)]
struct Progress {
    /// Said hello to.
    online: AtomicUsize,
    /// Got one of the events that are sent when the storm is over.
    upright: AtomicUsize,
    /// Got the round's last event, of each try.
    arrived: [AtomicUsize; LAST.len()],
}

#[derive(Deserialize)]
struct Payload {
    number: u64,
}

impl Fleet {
    /// Connects every client of `population` through `address`.
    pub(crate) async fn connect(
        population: &Population,
        address: SocketAddr,
        temper: Temper,
        clock: Clock,
    ) -> Result<Self> {
        let progress = Arc::<Progress>::default();
        let (leave, leaving) = watch::channel(false);
        let mut clients = JoinSet::new();
        for client in 0..population.clients() {
            let user = population.user_of(client);
            let token = token::sign(population.name(user), &population.groups_of(user));
            let builder =
                Client::<RawEvent>::builder(format!("http://{address}/sse")).no_proxy().bearer(&token);
            let builder = match temper {
                Temper::Default => builder,
                Temper::Hasty { silence } => {
                    builder.idle_timeout(silence).connect_timeout(silence).retry(Retry {
                        base: Duration::from_millis(500).into(),
                        cap: Duration::from_secs(2).into(),
                        healthy_after: Duration::from_secs(2).into(),
                    })
                }
            };
            let client =
                builder.connect().await.map_err(|error| Error::Server(format!("a client: {error}")))?;
            clients.spawn(follow(client, Journal::of(user), progress.clone(), leaving.clone(), clock));
        }
        Ok(Self { clients, size: population.clients(), progress, leave })
    }

    /// Waits until every client has been said hello to.
    pub(crate) async fn all_online(&self, within: Duration) -> Result {
        self.wait("being online", within, &self.progress.online).await
    }

    /// Sends to everyone until every client has got something since, then one last event, and waits until all have
    /// that. A client that comes back by a gap begins at the head: what was sent before is none of its business.
    pub(crate) async fn reach_end(&self, publisher: &Publisher, within: Duration) -> Result {
        let deadline = Instant::now() + within;
        while self.progress.upright.load(Ordering::Relaxed) < self.size {
            if Instant::now() > deadline {
                return Err(self.late("being back", within, &self.progress.upright));
            }
            publisher.send(PROBE, Audience::everyone()).await;
            sleep(Duration::from_millis(500)).await;
        }
        for (last, arrived) in LAST.into_iter().zip(&self.progress.arrived) {
            if publisher.send(last, Audience::everyone()).await.is_some() {
                return self.wait("having the last event", within, arrived).await;
            }
            sleep(Duration::from_secs(1)).await;
        }
        Err(Error::Server(format!("the last send got no answer in {} tries", LAST.len())))
    }

    /// Has all clients leave; their logs.
    pub(crate) async fn leave(mut self) -> Vec<Journal> {
        self.leave.send_replace(true);
        let mut journals = Vec::with_capacity(self.size);
        while let Some(journal) = self.clients.join_next().await {
            journals.extend(journal);
        }
        journals
    }

    async fn wait(&self, what: &str, within: Duration, count: &AtomicUsize) -> Result {
        let deadline = Instant::now() + within;
        while count.load(Ordering::Relaxed) < self.size {
            if Instant::now() > deadline {
                return Err(self.late(what, within, count));
            }
            sleep(Duration::from_millis(20)).await;
        }
        Ok(())
    }

    fn late(&self, what: &str, within: Duration, count: &AtomicUsize) -> Error {
        let what = format!("{what} of all clients ({} of {})", count.load(Ordering::Relaxed), self.size);
        Error::Late { what, seconds: within.as_secs() }
    }
}

async fn follow(
    mut client: Client<RawEvent>,
    mut journal: Journal,
    progress: Arc<Progress>,
    mut leaving: watch::Receiver<bool>,
    clock: Clock,
) -> Journal {
    let mut upright = false;
    loop {
        let item = tokio::select! {
            // The fleet gone means the same.
            _ = leaving.wait_for(|leave| *leave) => return journal,
            item = client.next() => item,
        };
        match item {
            Some(Item::Event { data, meta }) => {
                let number = serde_json::from_str(data.data()).map(|Payload { number }| number);
                match (number, meta.id) {
                    (Ok(number), Some(id)) => {
                        journal.entries.push(Entry::Event { number, id, at_ms: clock.ms() })
                    }
                    other => journal.strange.push(format!("an event that nobody sent: {other:?}")),
                }
                if data.name() == PROBE && !std::mem::replace(&mut upright, true) {
                    progress.upright.fetch_add(1, Ordering::Relaxed);
                }
                if let Some(last) = LAST.iter().position(|last| *last == data.name()) {
                    progress.arrived[last].fetch_add(1, Ordering::Relaxed);
                }
            }
            Some(Item::Gap { reason, resync }) => {
                journal.entries.push(Entry::Gap(reason));
                resync.done();
            }
            Some(Item::State(State::Online { .. })) => {
                if journal.online_ms.is_empty() {
                    progress.online.fetch_add(1, Ordering::Relaxed);
                }
                journal.online_ms.push(clock.ms());
            }
            Some(Item::State(State::Closed(Closed::Failed(error)))) => {
                journal.strange.push(format!("the client gave up: {error}"));
            }
            Some(Item::State(State::Unauthorized { reason })) => {
                journal.strange.push(format!("the client was refused: {reason}"));
            }
            Some(Item::Unknown { name, .. }) => journal.strange.push(format!("an event named {name}")),
            Some(_) => {}
            None => return journal,
        }
    }
}
