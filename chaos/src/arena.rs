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
    gate::Gate,
    options::StoreKind,
    proxy::Proxy,
    server::{Server, Settings},
    store::{Database, Setup, Store},
};

/// For all connections of clients that have left to be gone from the registry.
const EMPTY_WITHIN: Duration = Duration::from_secs(60);

/// What rounds of one store are played in.
#[derive(Debug)]
pub(crate) struct Arena {
    pub(crate) kind: StoreKind,
    /// The instances.
    pub(crate) servers: Vec<Server>,
    /// The ways of each to the store, where that can be cut.
    gates: Vec<Gate>,
    outage: Duration,
    pub(crate) proxy: Proxy,
    pub(crate) http: HttpClient,
    pub(crate) clock: Clock,
    store: Store,
    /// Removed with its files at the end.
    _folder: TempDir,
}

impl Arena {
    /// A new store and as many running servers. What they say goes to files in `logs`.
    pub(crate) async fn open(
        Setup { kind, instances }: Setup,
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
        let (mut servers, mut gates) = (Vec::new(), Vec::new());
        for number in 1..=instances {
            let mut url = store.url.clone();
            if let Some(address) = store.database.as_ref().and_then(Database::address) {
                let gate = Gate::to(address).await?;
                url = format!("redis://{}", gate.address());
                gates.push(gate);
            }
            let log = logs.join(match instances {
                1 => format!("{}.log", kind.name()),
                _ => format!("{}-{number}.log", kind.name()),
            });
            let mut server = Server::new(program, url, settings, log)?;
            server.start().await?;
            servers.push(server);
        }
        let addresses: Vec<_> = servers.iter().map(Server::address).collect();
        let proxy = Proxy::start(&addresses, seed, clock).await?;
        let http = Client::<RawEvent>::builder(format!("http://{}", addresses[0])).no_proxy().http_client();
        let http = http.map_err(|error| Error::Server(format!("an HTTP client: {error}")))?;
        let outage = settings.outage;
        Ok(Self { kind, servers, gates, outage, proxy, http, clock, store, _folder: folder })
    }

    /// Does it, and has everything run again at the end.
    pub(crate) async fn strike(&mut self, fault: Fault, random: &mut fastrand::Rng) -> Result {
        match fault {
            Fault::Kill => {
                let one = random.usize(..self.servers.len());
                self.servers[one].kill().await?;
                sleep(Duration::from_millis(random.u64(..1_500))).await;
                self.servers[one].start().await
            }
            Fault::Restart => {
                for server in &mut self.servers {
                    server.stop().await?;
                    server.start().await?;
                }
                Ok(())
            }
            Fault::Freeze => {
                let Some(database) = &self.store.database else { return Ok(()) };
                database.freeze(true)?;
                sleep(self.outage).await;
                database.freeze(false)
            }
            Fault::Partition => {
                if self.gates.is_empty() {
                    return Ok(());
                }
                let gate = &self.gates[random.usize(..self.gates.len())];
                gate.cut(true);
                sleep(self.outage).await;
                gate.cut(false);
                Ok(())
            }
            Fault::KillDatabase | Fault::LoseDatabase => {
                let Some(database) = &mut self.store.database else { return Ok(()) };
                database.kill()?;
                if fault == Fault::LoseDatabase {
                    database.lose()?;
                }
                sleep(Duration::from_millis(random.u64(..2_000))).await;
                tokio::task::block_in_place(|| database.resume())
            }
        }
    }

    /// Ends the servers as they should.
    pub(crate) async fn close(&mut self) -> Result {
        for server in &mut self.servers {
            server.stop().await?;
        }
        Ok(())
    }

    /// Resident memory of all servers, in bytes.
    pub(crate) fn resident(&self) -> Result<u64> {
        self.servers.iter().map(Server::resident).sum()
    }

    /// How often it was announced that a user is not online any more, by whichever instance.
    pub(crate) fn departures(&self) -> Result<usize> {
        self.servers.iter().map(Server::departures).sum()
    }

    /// Panics that their logs tell of.
    pub(crate) fn panics(&self) -> Result<Vec<String>> {
        Ok(self.servers.iter().map(Server::panics).collect::<Result<Vec<_>>>()?.concat())
    }

    /// Waits until the servers' registries are empty; how many connections are left in it at last.
    pub(crate) async fn connections_left(&self) -> Result<u64> {
        let deadline = Instant::now() + EMPTY_WITHIN;
        loop {
            let mut left = 0;
            for server in &self.servers {
                left += server.metric(&self.http, "tidings_connections").await?;
            }
            if left == 0 || Instant::now() > deadline {
                return Ok(left);
            }
            sleep(Duration::from_millis(100)).await;
        }
    }
}
