//! What a committed send costs: sends per second of so many senders who each wait for their commit, with
//! `synchronous=FULL`. `item/s` of 256 senders over that of one is what group commit gives.

use divan::{Bencher, counter::ItemsCount};
use serde::{Deserialize, Serialize};
use tempfile::TempDir;
use tidings_server::{
    Audience, Config, Hub, Sqlite,
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

#[divan::bench(args = [1, 16, 256], sample_count = 30)]
fn sqlite(bencher: Bencher<'_, '_>, senders: usize) {
    // On the disk that the code lies on: a temporary folder may be in memory, where nothing is waited for.
    let folder = TempDir::new_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder");
    let runtime = Runtime::new().expect("a runtime");
    let store = Sqlite::at(folder.path().join("bench.db"));
    let hub = runtime.block_on(Hub::start(Config::default(), store)).expect("it starts");
    let event = Event::Said { text: "x".repeat(240) };
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
