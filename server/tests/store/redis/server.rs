//! A Redis server of a test's own.

use std::{
    fs::{self, File},
    os::unix::net::UnixStream,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use parking_lot::Mutex;
use redis::{Connection, ConnectionLike as _};
use tempfile::TempDir;

/// Longer than a server takes to start on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

const MISSING: &str = "no Redis server was found: run `apt-get install redis-server`, or put `redis-server` or \
    `valkey-server` (version 7 or later) into PATH";

/// Every write is on the disk before it is answered: nothing is lost by a crash.
pub(crate) const ALWAYS: &[&str] = &["--appendonly", "yes", "--appendfsync", "always"];

/// A server that ends with the test.
pub(crate) struct Server {
    folder: TempDir,
    settings: Vec<String>,
    process: Mutex<Option<Child>>,
}

impl Server {
    pub(crate) fn start(settings: &[&str]) -> Self {
        let folder = tempfile::Builder::new().prefix("tidings-redis-").tempdir().expect("a folder");
        let settings = settings.iter().map(|setting| (*setting).to_owned()).collect();
        let server = Self { folder, settings, process: Mutex::default() };
        server.resume();
        server
    }

    /// Starts it again on what it has on its disk.
    pub(crate) fn resume(&self) {
        self.run(&["--port", "0", "--save", ""]);
    }

    fn run(&self, first: &[&str]) {
        let folder = self.folder.path();
        // The server dies with the thread that starts it, should the test be killed.
        let mut run = Command::new("setpriv");
        run.args(["--pdeathsig", "KILL", "--"]).arg(find()).args(first);
        run.arg("--dir").arg(folder).arg("--unixsocket").arg(self.socket()).args(&self.settings);
        let log = File::options().create(true).append(true).open(folder.join("log")).expect("a log");
        run.stdin(Stdio::null()).stderr(Stdio::null()).stdout(log);
        *self.process.lock() = Some(run.spawn().expect("it starts"));
        let until = Instant::now() + PATIENCE;
        while !self.is_up() {
            let log = fs::read_to_string(folder.join("log")).unwrap_or_default();
            assert!(Instant::now() < until, "the server does not come up: {log}");
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Stops it as a restart does.
    pub(crate) fn stop(&self) {
        self.end("TERM");
    }

    /// Ends it as a crash does.
    pub(crate) fn kill(&self) {
        self.end("KILL");
    }

    pub(crate) fn url(&self) -> String {
        format!("redis+unix://{}", self.socket().display())
    }

    /// Listens on a port of this machine too. Answers where.
    pub(crate) fn listen(&self) -> String {
        let port = free_port();
        let mut set = redis::cmd("CONFIG");
        set.arg("SET").arg("bind").arg("127.0.0.1").arg("port").arg(port);
        set.exec(&mut self.connect()).expect("it listens");
        format!("127.0.0.1:{port}")
    }

    /// A node of a cluster that has no slots yet; its host, its port, and the one of the cluster's bus.
    pub(crate) fn of_cluster() -> (Self, [String; 3]) {
        let (port, bus) = (free_port().to_string(), free_port().to_string());
        let own =
            ["--cluster-enabled", "yes", "--bind", "127.0.0.1", "--port", &port, "--cluster-port", &bus];
        let server = Self::start(&[&own, ALWAYS].concat());
        (server, ["127.0.0.1".to_owned(), port, bus])
    }

    /// A connection of somebody else.
    pub(crate) fn connect(&self) -> Connection {
        let client = redis::Client::open(self.url()).expect("a URL");
        client.get_connection().expect("it connects")
    }

    /// Where it keeps its files.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn socket(&self) -> PathBuf {
        self.folder.path().join("socket")
    }

    fn is_up(&self) -> bool {
        UnixStream::connect(self.socket()).is_ok() && {
            let client = redis::Client::open(self.url()).expect("a URL");
            client.get_connection().is_ok_and(|mut connection| connection.check_connection())
        }
    }

    fn end(&self, signal: &str) {
        if let Some(mut process) = self.process.lock().take() {
            let killed = Command::new("kill").args(["-s", signal, &process.id().to_string()]).status();
            assert!(killed.expect("it runs").success());
            process.wait().expect("it ends");
        }
        let _ = fs::remove_file(self.socket());
    }
}

/// Who names the primary called `mine`, and another one when that is gone.
pub(crate) struct Sentinel {
    server: Server,
    address: String,
}

impl Server {
    pub(crate) fn sentinel(primary: &str) -> Sentinel {
        let (host, port) = primary.rsplit_once(':').expect("a port");
        let folder = tempfile::Builder::new().prefix("tidings-sentinel-").tempdir().expect("a folder");
        let address = format!("127.0.0.1:{}", free_port());
        let own = address.rsplit_once(':').expect("a port").1;
        let settings = format!(
            "sentinel monitor mine {host} {port} 1\nsentinel down-after-milliseconds mine 300\n\
            sentinel failover-timeout mine 2000\nport {own}\nbind 127.0.0.1\n"
        );
        let file = folder.path().join("sentinel.conf");
        fs::write(&file, settings).expect("it is written");
        let server = Self { folder, settings: Vec::new(), process: Mutex::default() };
        server.run(&[file.to_str().expect("UTF-8"), "--sentinel"]);
        Sentinel { server, address }
    }
}

impl Sentinel {
    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    /// Whether it knows whom to promote.
    pub(crate) fn knows_a_replica(&self) -> bool {
        let replicas: Vec<redis::Value> = redis::cmd("SENTINEL")
            .arg("REPLICAS")
            .arg("mine")
            .query(&mut self.server.connect())
            .expect("it says");
        let said = format!("{replicas:?}");
        !replicas.is_empty() && said.contains("master-link-status") && said.contains("\"ok\"")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}

/// The server's program.
pub(crate) fn find() -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders: Vec<_> = std::env::split_paths(&path).collect();
    let programs = ["redis-server", "valkey-server"];
    let paths = programs.iter().flat_map(|program| folders.iter().map(move |folder| folder.join(program)));
    paths.into_iter().find(|path| path.exists()).expect(MISSING)
}

/// A port that nobody has.
pub(crate) fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.local_addr().expect("an address").port()
}
