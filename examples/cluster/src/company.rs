//! Redis, three instances on it, and HAProxy before them.

use std::{fmt::Write as _, fs, net::SocketAddr, time::Duration};

use serde::Serialize;
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    process::Child,
    time::timeout,
};

use crate::{
    Error,
    process::{free_address, listens, start},
};

const NAMES: [&str; 3] = ["one", "two", "three"];

/// For an instance to say how it is.
const ANSWERS_WITHIN: Duration = Duration::from_millis(500);

/// All of it; dropping it ends it.
#[derive(Debug)]
pub(crate) struct Company {
    instances: Vec<Instance>,
    store: String,
    _redis: Child,
    _balancer: Child,
    _folder: TempDir,
}

#[derive(Debug)]
struct Instance {
    name: &'static str,
    address: SocketAddr,
    process: Option<Child>,
}

/// What the page shows of an instance.
#[derive(Debug, Serialize)]
pub(crate) struct Shown {
    name: &'static str,
    runs: bool,
    /// Streams that it has; absent while it does not answer.
    streams: Option<u64>,
}

impl Company {
    /// Starts everything: streams go to the instances, all else to `control`.
    pub(crate) async fn gather(port: u16, control: SocketAddr) -> Result<Self, Error> {
        let folder = tempfile::tempdir().map_err(Error::io("a folder"))?;
        let path = folder.path().display().to_string();
        let redis = free_address()?;
        let redis_port = redis.port().to_string();
        let kept = ["--save", "", "--appendonly", "yes", "--appendfsync", "always", "--dir", &path];
        let own = ["--bind", "127.0.0.1", "--port", &redis_port];
        let redis_process = start("redis-server", &[&own[..], &kept[..]].concat())?;
        listens("redis-server", redis).await?;
        let mut instances = Vec::new();
        for name in NAMES {
            instances.push(Instance { name, address: free_address()?, process: None });
        }
        let file = folder.path().join("haproxy.cfg");
        fs::write(&file, configuration(port, control, &instances)).map_err(Error::io("haproxy.cfg"))?;
        let balancer = start("haproxy", &["-f", &file.display().to_string()])?;
        let store = format!("redis://{redis}");
        let mut company =
            Self { instances, store, _redis: redis_process, _balancer: balancer, _folder: folder };
        for name in NAMES {
            company.start(name).await?;
        }
        listens("haproxy", ([127, 0, 0, 1], port).into()).await?;
        Ok(company)
    }

    /// Starts an instance, unless it runs.
    pub(crate) async fn start(&mut self, name: &str) -> Result<(), Error> {
        let store = self.store.clone();
        let Some(instance) = self.find(name) else { return Ok(()) };
        if instance.runs() {
            return Ok(());
        }
        let own = std::env::current_exe().map_err(Error::io("this program"))?;
        let (own, listen) = (own.display().to_string(), instance.address.to_string());
        let arguments = ["instance", "--name", instance.name, "--listen", &listen, "--store", &store];
        instance.process = Some(start(&own, &arguments)?);
        listens("an instance", instance.address).await
    }

    /// `kill -9`.
    pub(crate) async fn kill(&mut self, name: &str) -> Result<(), Error> {
        match self.find(name).and_then(|instance| instance.process.take()) {
            Some(mut process) => process.kill().await.map_err(Error::io("kill -9")),
            None => Ok(()),
        }
    }

    /// How each of them is.
    pub(crate) async fn shown(&mut self) -> Vec<Shown> {
        let mut all = Vec::new();
        for instance in &mut self.instances {
            let runs = instance.runs();
            let streams = if runs { streams(instance.address).await } else { None };
            all.push(Shown { name: instance.name, runs, streams });
        }
        all
    }

    fn find(&mut self, name: &str) -> Option<&mut Instance> {
        self.instances.iter_mut().find(|instance| instance.name == name)
    }
}

impl Instance {
    /// Somebody else may have killed it.
    fn runs(&mut self) -> bool {
        self.process.as_mut().is_some_and(|process| matches!(process.try_wait(), Ok(None)))
    }
}

async fn streams(address: SocketAddr) -> Option<u64> {
    let asked = timeout(ANSWERS_WITHIN, async {
        let mut socket = TcpStream::connect(address).await.ok()?;
        socket.write_all(b"GET /status HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await.ok()?;
        let mut answer = String::new();
        socket.read_to_string(&mut answer).await.ok()?;
        let (_, body) = answer.split_once("\r\n\r\n")?;
        serde_json::from_str::<serde_json::Value>(body).ok()?["streams"].as_u64()
    });
    asked.await.ok().flatten()
}

/// As `docs/proxies/haproxy.cfg`, with an instance that is not ready left out within a second.
fn configuration(port: u16, control: SocketAddr, instances: &[Instance]) -> String {
    let mut text = format!(
        "defaults\n  mode http\n  option http-no-delay\n  option redispatch\n  retries 3\n  timeout connect 1s\n\
        \x20 timeout http-request 10s\n  timeout client 60s\n  timeout server 60s\n\
        frontend web\n  bind 127.0.0.1:{port}\n  use_backend streams if {{ path_beg /sse }}\n  default_backend page\n\
        backend page\n  server control {control}\n\
        backend streams\n  balance leastconn\n  option httpchk GET /readyz\n"
    );
    for Instance { name, address, .. } in instances {
        // Writing to a text cannot fail.
        let _ = writeln!(text, "  server {name} {address} check inter 500ms fall 1 rise 1");
    }
    text
}
