//! One store with its server, the network before it, and what is done to them.

use std::{path::Path, time::Duration};

use protocol::RawEvent;
use tempfile::TempDir;
use tidings_client::{Client, HttpClient};
use tokio::time::{Instant, sleep};

use crate::{
    clock::Clock,
    error::{Error, Result},
    faults::Fault,
    options::StoreKind,
    proxy::Proxy,
    server::{Server, Settings},
    store::Store,
};

/// For all connections of clients that have left to be gone from the registry.
const EMPTY_WITHIN: Duration = Duration::from_secs(60);

/// What rounds of one store are played in.
#[derive(Debug)]
pub(crate) struct Arena {
    pub(crate) kind: StoreKind,
    pub(crate) server: Server,
    pub(crate) proxy: Proxy,
    pub(crate) http: HttpClient,
    pub(crate) clock: Clock,
    store: Store,
    /// Removed with its files at the end.
    _folder: TempDir,
}

impl Arena {
    /// A new store and a running server. What the server says goes to a file in `logs`.
    pub(crate) async fn open(
        kind: StoreKind,
        program: &Path,
        logs: &Path,
        settings: Settings,
        seed: u64,
        clock: Clock,
    ) -> Result<Self> {
        // Others than root must get to what is theirs.
        let folder = tempfile::Builder::new()
            .prefix("tidings-chaos-")
            .permissions(std::os::unix::fs::PermissionsExt::from_mode(0o755))
            .tempdir()
            .map_err(Error::io("a folder for the store"))?;
        let store = kind.make(folder.path())?;
        let log = logs.join(format!("{}.log", kind.name()));
        let mut server = Server::new(program, store.url.clone(), settings, log)?;
        server.start().await?;
        let proxy = Proxy::start(server.address(), seed, clock).await?;
        let http =
            Client::<RawEvent>::builder(format!("http://{}", server.address())).no_proxy().http_client();
        let http = http.map_err(|error| Error::Server(format!("an HTTP client: {error}")))?;
        Ok(Self { kind, server, proxy, http, clock, store, _folder: folder })
    }

    /// Does it, and has everything run again at the end.
    pub(crate) async fn strike(&mut self, fault: Fault, random: &mut fastrand::Rng) -> Result {
        match fault {
            Fault::Kill => {
                self.server.kill().await?;
                sleep(Duration::from_millis(random.u64(..1_500))).await;
                self.server.start().await
            }
            Fault::Restart => {
                self.server.stop().await?;
                self.server.start().await
            }
            Fault::KillDatabase => {
                let Some(database) = &mut self.store.database else { return Ok(()) };
                database.kill()?;
                sleep(Duration::from_millis(random.u64(..2_000))).await;
                tokio::task::block_in_place(|| database.resume())
            }
        }
    }

    /// Waits until the server's registry is empty; how many connections are left in it at last.
    pub(crate) async fn connections_left(&self) -> Result<u64> {
        let deadline = Instant::now() + EMPTY_WITHIN;
        loop {
            let left = self.server.metric(&self.http, "tidings_connections").await?;
            if left == 0 || Instant::now() > deadline {
                return Ok(left);
            }
            sleep(Duration::from_millis(100)).await;
        }
    }
}
