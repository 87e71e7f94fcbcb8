//! The server under test: `tidings serve` as a process of its own.

use std::{
    fs::File,
    io::Read as _,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process};
use tidings_client::HttpClient;
use tokio::{
    io::{AsyncBufReadExt as _, BufReader},
    process::{Child, Command},
    time::timeout,
};

use crate::{
    error::{Error, Result},
    token::{JWT_SECRET, PUBLISH_KEY},
};

/// For a start: longer than a store waits for the lock of a process that drains.
const START_WITHIN: Duration = Duration::from_secs(90);

/// For an end after SIGTERM: the drain's 30 s, and a busy machine.
const STOP_WITHIN: Duration = Duration::from_secs(60);

/// For a page of metrics on a busy machine.
const METRICS_WITHIN: Duration = Duration::from_secs(30);

/// Below the ports that the kernel gives to outgoing connections. One of those could connect to itself while nobody
/// listens there.
const PORTS: std::ops::Range<u16> = 20_000..32_000;

/// What a server is told beside where to listen and to store.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Settings {
    pub(crate) heartbeat: Duration,
    /// Events of its history at most.
    pub(crate) keep_events: u32,
    /// How long a store is frozen, or an instance cut off from it.
    pub(crate) outage: Duration,
}

/// How a server is started, and its process while it runs; dropping it kills it.
#[derive(Debug)]
pub(crate) struct Server {
    program: PathBuf,
    address: SocketAddr,
    store: String,
    settings: Settings,
    log: PathBuf,
    child: Option<Child>,
}

impl Server {
    /// One that is not started yet, on a port of its own.
    pub(crate) fn new(program: &Path, store: String, settings: Settings, log: PathBuf) -> Result<Self> {
        Ok(Self { program: program.to_owned(), address: free_port()?, store, settings, log, child: None })
    }

    pub(crate) const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Starts it, and waits until it listens.
    pub(crate) async fn start(&mut self) -> Result {
        let log = File::options().create(true).append(true).open(&self.log);
        let log = log.map_err(Error::io(self.log.display().to_string()))?;
        let mut command = Command::new(&self.program);
        command
            .args([
                "serve",
                "--json",
                "--log",
                "warn,tidings_server::presences=debug",
                "--listen",
                &self.address.to_string(),
            ])
            .args([
                "--store",
                &self.store,
                "--heartbeat",
                &format!("{}ms", self.settings.heartbeat.as_millis()),
            ])
            .args(["--keep-events", &self.settings.keep_events.to_string()])
            .env("TIDINGS_JWT_SECRET", JWT_SECRET)
            .env("TIDINGS_PUBLISH_KEY", PUBLISH_KEY)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log)
            .kill_on_drop(true);
        let mut child = command.spawn().map_err(Error::io(self.program.display().to_string()))?;
        let stdout = child.stdout.take().ok_or_else(|| Error::Server("it has no output".to_owned()))?;
        self.child = Some(child);
        let mut line = String::new();
        let mut stdout = BufReader::new(stdout);
        let read = timeout(START_WITHIN, stdout.read_line(&mut line)).await.map_err(|_| Error::Late {
            what: "the server's start".to_owned(),
            seconds: START_WITHIN.as_secs(),
        })?;
        if read.map_err(Error::io("the server's output"))? == 0 {
            return Err(Error::Server(format!(
                "the server did not start; its log is {}",
                self.log.display()
            )));
        }
        Ok(())
    }

    /// `kill -9`.
    pub(crate) async fn kill(&mut self) -> Result {
        let Some(mut child) = self.child.take() else { return Ok(()) };
        child.kill().await.map_err(Error::io("kill -9 of the server"))
    }

    /// SIGTERM, and waits until it has ended by itself.
    pub(crate) async fn stop(&mut self) -> Result {
        kill_process(self.pid()?, Signal::TERM)
            .map_err(|error| Error::io("SIGTERM to the server")(error.into()))?;
        let Some(mut child) = self.child.take() else { return Ok(()) };
        let ended = timeout(STOP_WITHIN, child.wait()).await.map_err(|_| Error::Late {
            what: "the server's end after SIGTERM".to_owned(),
            seconds: STOP_WITHIN.as_secs(),
        })?;
        let status = ended.map_err(Error::io("the server's end"))?;
        if status.success() {
            return Ok(());
        }
        Err(Error::Server(format!("the server ended with {status}; its log is {}", self.log.display())))
    }

    /// Resident memory, in bytes.
    pub(crate) fn resident(&self) -> Result<u64> {
        let path = format!("/proc/{}/status", self.pid()?.as_raw_nonzero());
        let status = std::fs::read_to_string(&path).map_err(Error::io(path))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kib =
            line.and_then(|line| line.split_whitespace().next()).and_then(|kib| kib.parse::<u64>().ok());
        kib.map(|kib| kib * 1024).ok_or_else(|| Error::Server("the system tells no VmRSS".to_owned()))
    }

    /// A line of its metrics.
    pub(crate) async fn metric(&self, http: &HttpClient, name: &str) -> Result<u64> {
        let strange = |error: String| Error::Server(format!("/metrics: {error}"));
        let request = http.get(format!("http://{}/metrics", self.address)).timeout(METRICS_WITHIN).send();
        let response = request.await.map_err(|error| strange(error.to_string()))?;
        let text = response.text().await.map_err(|error| strange(error.to_string()))?;
        let value = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')?.parse().ok());
        value.ok_or_else(|| strange(format!("there is no {name}")))
    }

    /// Panics that its log tells of.
    pub(crate) fn panics(&self) -> Result<Vec<String>> {
        Ok(self.told()?.lines().filter(|line| line.contains("panicked at")).map(str::to_owned).collect())
    }

    /// How often it has announced that a user is not online any more.
    pub(crate) fn departures(&self) -> Result<usize> {
        let is_departure =
            |line: &&str| line.contains("presence=Reconnecting") || line.contains("presence=Offline");
        Ok(self.told()?.lines().filter(is_departure).count())
    }

    /// Its log, of all its runs.
    fn told(&self) -> Result<String> {
        let mut log = Vec::new();
        if let Ok(mut file) = File::open(&self.log) {
            file.read_to_end(&mut log).map_err(Error::io(self.log.display().to_string()))?;
        }
        Ok(String::from_utf8_lossy(&log).into_owned())
    }

    fn pid(&self) -> Result<Pid> {
        let id =
            self.child.as_ref().and_then(Child::id).and_then(|id| Pid::from_raw(i32::try_from(id).ok()?));
        id.ok_or_else(|| Error::Server("the server does not run".to_owned()))
    }
}

/// A port of this machine that nobody has.
pub(crate) fn free_port() -> Result<SocketAddr> {
    let mut random = fastrand::Rng::new();
    for _ in 0..100 {
        let address = SocketAddr::from(([127, 0, 0, 1], random.u16(PORTS)));
        if std::net::TcpListener::bind(address).is_ok() {
            return Ok(address);
        }
    }
    Err(Error::Server(format!("no port in {PORTS:?} is free")))
}
