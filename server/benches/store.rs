//! What a committed send and a start cost on a disk, with `synchronous=FULL`.
//!
//! `sends` is sends per second of so many senders who each wait for their commit: `item/s` of 256 senders
//! over that of one is what group commit gives. `start` checks, reads and feeds a full window.

use divan::{Bencher, counter::ItemsCount};
use serde::{Deserialize, Serialize};
use tempfile::TempDir;
use tidings_server::{
    Audience, Config, Hub, Sqlite, Store,
    protocol::{Contract, NoApplicationError},
};
use tokio::runtime::Runtime;

/// Sends of each sender per iteration.
const EACH: usize = 8;

#[derive(Clone, Serialize, Deserialize)]
#[serde(tag = "type", content = "data", rename_all = "snake_case")]
enum Event {
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

fn main() {
    divan::main();
}

/// On the disk that the code lies on: a temporary folder may be in memory, where nothing is waited for.
fn folder() -> TempDir {
    TempDir::new_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder")
}

fn event() -> Event {
    Event::Said { text: "x".repeat(240) }
}

async fn start(folder: &TempDir) -> (Hub<Event>, Sqlite) {
    let store = Sqlite::at(folder.path().join("bench.db"));
    (Hub::start(Config::default(), store.clone()).await.expect("it starts"), store)
}

#[divan::bench(sample_count = 10)]
fn start_with_100_000_events(bencher: Bencher<'_, '_>) {
    let (folder, runtime) = (folder(), Runtime::new().expect("a runtime"));
    runtime.block_on(async {
        let (hub, store) = start(&folder).await;
        for _ in 0..100 {
            let batch = (0..1_000).map(|_| (Audience::user("coach"), event()));
            hub.send_all(batch).await.expect("committed");
        }
        store.close().await.expect("it closes");
    });
    bencher.bench(|| {
        runtime.block_on(async {
            let (hub, store) = start(&folder).await;
            store.close().await.expect("it closes");
            hub
        })
    });
}

#[divan::bench(args = [1, 16, 256], sample_count = 30)]
fn sends(bencher: Bencher<'_, '_>, senders: usize) {
    let (folder, runtime, event) = (folder(), Runtime::new().expect("a runtime"), event());
    let (hub, _) = runtime.block_on(start(&folder));
    bencher.counter(ItemsCount::new(senders * EACH)).bench(|| {
        runtime.block_on(async {
            let sending: Vec<_> =
                (0..senders).map(|_| tokio::spawn(send(hub.clone(), event.clone()))).collect();
            for sender in sending {
                sender.await.expect("it ran");
            }
        });
    });
}

async fn send(hub: Hub<Event>, event: Event) {
    for _ in 0..EACH {
        hub.send(Audience::user("coach"), &event).await.expect("committed");
    }
}
