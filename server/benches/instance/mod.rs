//! Instances of a shared store, and what their sends take.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use tidings_server::{
    Audience, Clock, Config, Hub, Revoked, Secret,
    protocol::{Contract, Entry, Epoch, Limits, NoApplicationError, Time},
    store::{Beginning, Draft, Follower, Opening, Store},
};
use tokio::{sync::watch, time::sleep};

#[derive(serde::Serialize, serde::Deserialize)]
#[serde(tag = "type", content = "data", rename_all = "snake_case")]
pub(crate) enum Event {
    Said { text: String },
}

impl Contract for Event {
    const REVISION: u32 = 1;
    const HASH: &'static str = "";
    const NAMES: &'static [&'static str] = &["said"];
    type ApplicationError = NoApplicationError;
    const APPLICATION_ERROR: Option<&'static str> = None;

    fn name(&self) -> &'static str {
        "said"
    }

    fn application_error(error: NoApplicationError) -> Self {
        match error {}
    }
}

/// About 300 bytes on the wire.
pub(crate) fn draft() -> Draft {
    let event = Event::Said { text: "x".repeat(160) };
    Draft::event(Audience::everyone(), &event, &Default::default(), Default::default()).expect("it frames")
}

/// Knows how far it has followed.
pub(crate) struct Head(pub(crate) watch::Sender<u64>);

impl Follower for Head {
    fn foresee(&self, _: Vec<(Revoked, Time)>) {}

    fn begin(&self, beginning: Beginning) {
        self.0.send_replace(beginning.floor);
    }

    fn succeed(&self, _: Epoch) {}

    fn follow(&self, entries: Vec<Entry>) {
        if let Some(entry) = entries.last() {
            self.0.send_replace(entry.id.sequence());
        }
    }
}

impl Head {
    pub(crate) async fn reached(&self, sequence: u64) {
        self.0.subscribe().wait_for(|head| *head >= sequence).await.expect("it lives");
    }
}

/// One of those that share a log.
pub(crate) struct Instance<S> {
    pub(crate) store: S,
    pub(crate) head: Arc<Head>,
}

impl<S: Store> Instance<S> {
    pub(crate) async fn open(store: S, name: &str) -> Self {
        let head = Arc::new(Head(watch::Sender::new(0)));
        let opening = Opening {
            epoch: Epoch::new(&format!("{name}{}", std::process::id())).expect("an epoch"),
            secret: Secret::new([7; 32]),
            limits: Limits::default(),
            clock: Clock::start(),
            revocations_kept: Duration::from_secs(3_600),
            presence_lease: Duration::from_secs(45),
            leave_grace: Duration::from_secs(10),
        };
        store.open(opening, head.clone()).await.expect("it opens");
        Self { store, head }
    }

    pub(crate) async fn send(&self) -> u64 {
        self.store.append(vec![draft()], None).await.expect("sent").ids[0].sequence()
    }
}

pub(crate) fn report(what: &str, mut times: Vec<Duration>) {
    times.sort_unstable();
    let at = |share: usize| times[(times.len() - 1) * share / 100];
    println!("{what:<56} median {:>9.2?}  p90 {:>9.2?}  p99 {:>9.2?}", at(50), at(90), at(99));
}

/// Times `count` rounds, with a pause before each that no rhythm of ours fits.
pub(crate) async fn time(what: &str, count: u32, mut round: impl AsyncFnMut() -> Duration) {
    let mut times = Vec::new();
    for n in 0..count {
        sleep(Duration::from_millis(u64::from(n * 37 % 61))).await;
        times.push(round().await);
    }
    report(what, times);
}

/// Sends as fast as so many senders can.
pub(crate) async fn throughput<S: Store>(instance: &Arc<Instance<S>>) {
    for senders in [1, 16, 256] {
        let until = Instant::now() + Duration::from_secs(4);
        let tasks: Vec<_> = (0..senders)
            .map(|_| {
                let instance = instance.clone();
                tokio::spawn(async move {
                    let mut sent = 0_u32;
                    while Instant::now() < until {
                        instance.send().await;
                        sent += 1;
                    }
                    sent
                })
            })
            .collect();
        let mut sent = 0;
        for task in tasks {
            sent += task.await.expect("it ran");
        }
        println!("{senders:>3} senders: {:>6} sends/s", sent / 4);
    }
}

/// What an instance does for entries that none of its users may read: it takes them from the store into its history.
pub(crate) async fn interest<S: Store>(store: impl Fn() -> S) {
    const BATCHES: u64 = 160;
    const BATCH: usize = 500;
    let writer = Instance::open(store(), "writer").await;
    for _ in 0..BATCHES {
        writer.store.append(vec![draft(); BATCH], None).await.expect("sent");
    }
    let entries = BATCHES as f64 * BATCH as f64;
    for instances in [1_u32, 3] {
        let (begun, before) = (Instant::now(), cpu());
        let starts = (0..instances).map(|_| {
            let store = store();
            tokio::spawn(
                async move { Hub::<Event>::start(Config::default(), store).await.expect("it starts") },
            )
        });
        let starts: Vec<_> = starts.collect();
        let mut hubs = Vec::new();
        for start in starts {
            hubs.push(start.await.expect("it ran"));
        }
        let (took, cpu) = (begun.elapsed(), cpu() - before);
        println!(
            "{instances} instances take in {entries} entries each: {:.0} a second each, {:.1} us of CPU for one",
            entries / took.as_secs_f64(),
            cpu.as_secs_f64() * 1e6 / entries / f64::from(instances),
        );
        for hub in hubs {
            hub.close().await.expect("it closes");
        }
    }
}

/// CPU time of this process so far.
fn cpu() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/stat").expect("Linux");
    let after = stat.rsplit_once(')').expect("a name").1;
    let ticks =
        after.split_whitespace().skip(11).take(2).map(|ticks| ticks.parse::<u64>().expect("a number"));
    // 100 ticks a second, on every Linux there is.
    Duration::from_millis(ticks.sum::<u64>() * 10)
}
