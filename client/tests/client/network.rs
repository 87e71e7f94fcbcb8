//! A network that swallows every packet from one moment on, as lost wifi does: between client and server, and
//! between client and nginx.

use std::{
    fs::File,
    net::{Ipv4Addr, SocketAddr},
    os::fd::AsFd,
    process::{Child, Command, Stdio},
    sync::atomic::{AtomicU32, Ordering},
    thread,
    time::Duration,
};

use axum::Router;
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};
use tempfile::TempDir;
use tidings_server::{Config, Hub, Presence, PresenceChange, PresenceChanges, router};
use tokio::{
    net::TcpListener,
    sync::mpsc,
    time::{Instant, timeout},
};

use crate::support::{Event, PATIENCE, Reading, Server, believe, client, url};

/// A network namespace behind a pair of virtual devices, gone with this.
struct Namespace {
    name: String,
    /// The device on this side.
    device: String,
    /// The addresses on this side, and inside.
    here: Ipv4Addr,
    there: Ipv4Addr,
}

impl Namespace {
    fn new() -> Self {
        static MADE: AtomicU32 = AtomicU32::new(0);
        let id = std::process::id() * 4 + MADE.fetch_add(1, Ordering::Relaxed);
        let (block, place) = ((id / 64 % 256) as u8, (id % 64 * 4) as u8);
        let namespace = Self {
            name: format!("tidings-{id}"),
            device: format!("td{id}"),
            here: Ipv4Addr::new(10, 213, block, place + 1),
            there: Ipv4Addr::new(10, 213, block, place + 2),
        };
        let Self { name, device, here, there } = &namespace;
        ip(&format!("netns add {name}"));
        ip(&format!("link add {device} type veth peer name {device}p netns {name}"));
        ip(&format!("addr add {here}/30 dev {device}"));
        ip(&format!("link set {device} up"));
        ip(&format!("-n {name} addr add {there}/30 dev {device}p"));
        ip(&format!("-n {name} link set {device}p up"));
        namespace
    }

    /// From now on what arrives inside is nobody's, and nothing leaves.
    fn swallow(&self) {
        ip(&format!("-n {} addr del {}/30 dev {}p", self.name, self.there, self.device));
    }

    /// Runs a client of `url` inside, on a thread of its own. Ready when it is online.
    async fn client(&self, url: String) {
        let file = File::open(format!("/var/run/netns/{}", self.name)).expect("the namespace");
        let (online, mut is_online) = mpsc::channel(1);
        thread::spawn(move || {
            move_into_link_name_space(file.as_fd(), Some(LinkNameSpaceType::Network)).expect("root may");
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.expect("a runtime").block_on(async move {
                let mut client = client::<Event>(url).header("x-user", "42").connect().await.expect("one");
                client.begin().await;
                online.send(()).await.expect("the test goes on");
                while client.next().await.is_some() {}
            });
        });
        timeout(PATIENCE, is_online.recv()).await.expect("online in time").expect("online");
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        // The devices go with it.
        let _ = Command::new("ip").args(["netns", "del", &self.name]).status();
        let _ = Command::new("ip").args(["link", "del", &self.device]).stderr(Stdio::null()).status();
    }
}

fn ip(arguments: &str) {
    let output = Command::new("ip").args(arguments.split(' ')).output();
    let output = output.expect("the program `ip`: apt-get install iproute2");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "ip {arguments} (as root): {said}");
}

/// nginx in front of `server`, configured as its documentation says for event streams.
struct Nginx {
    address: SocketAddr,
    process: Child,
    _folder: TempDir,
}

impl Nginx {
    async fn before(server: SocketAddr, here: Ipv4Addr) -> Self {
        let folder = TempDir::new().expect("a folder");
        let address = {
            let listener = TcpListener::bind((here, 0)).await.expect("a free port");
            listener.local_addr().expect("bound")
        };
        let path = folder.path().display();
        let config = format!(
            "daemon off; master_process off; pid {path}/pid; error_log {path}/error;
             events {{}}
             http {{
               access_log off; client_body_temp_path {path}/body; proxy_temp_path {path}/proxy;
               fastcgi_temp_path {path}/f; uwsgi_temp_path {path}/u; scgi_temp_path {path}/s;
               server {{
                 listen {address};
                 location / {{
                   proxy_pass http://{server}; proxy_http_version 1.1; proxy_set_header Connection '';
                   proxy_set_header X-Forwarded-For $remote_addr; proxy_read_timeout 1h;
                 }}
               }}
             }}"
        );
        std::fs::write(folder.path().join("conf"), config).expect("written");
        let process = Command::new("nginx").args(["-c", "conf", "-p"]).arg(folder.path()).spawn();
        let nginx = Self {
            address,
            process: process.expect("the program `nginx`: apt-get install nginx-light"),
            _folder: folder,
        };
        let deadline = Instant::now() + PATIENCE;
        while tokio::net::TcpStream::connect(address).await.is_err() {
            assert!(Instant::now() < deadline, "nginx does not listen");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        nginx
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The defaults' order of magnitudes in seconds. Worst cases until it is noticed: a heartbeat, the kernel's
/// timeout and the hush of half the grace, 6.5 s; behind nginx the lease less the grace, a sweep and the hush,
/// 7.5 s.
fn quick() -> Config {
    Config {
        heartbeat: Duration::from_secs(2),
        tcp_user_timeout: Duration::from_secs(3),
        presence_lease: Duration::from_secs(8),
        alive_every: Some(Duration::from_millis(2_500)),
        leave_grace: Duration::from_secs(3),
        ..Config::default()
    }
}

async fn served(address: Ipv4Addr) -> Server {
    let hub = Hub::in_memory(quick()).await.expect("a hub over memory starts");
    let app = Router::new().nest("/sse", router(&hub, believe));
    Server::serving(hub, app, &format!("{address}:0")).await
}

async fn next(changes: &mut PresenceChanges) -> Presence {
    let change = timeout(PATIENCE, changes.recv()).await.expect("a change in time").expect("a change");
    let PresenceChange { user, presence } = change;
    assert_eq!(user, "42");
    presence
}

/// Swallows every packet and sees that it is noticed within the lease.
async fn is_noticed(server: &Server, namespace: &Namespace, mut changes: PresenceChanges) {
    assert_eq!(next(&mut changes).await, Presence::Online);
    // Longer than a lease, in which nothing may change.
    let calm = timeout(quick().presence_lease * 3 / 2, changes.recv()).await;
    assert!(calm.is_err(), "nothing was lost: {calm:?}");
    let lost = Instant::now();
    namespace.swallow();
    assert_eq!(next(&mut changes).await, Presence::Reconnecting);
    let noticed = lost.elapsed();
    println!("noticed after {noticed:?} of a lease of {:?}", quick().presence_lease);
    assert!(noticed <= quick().presence_lease, "noticed after {noticed:?}");
    assert_eq!(next(&mut changes).await, Presence::Offline);
    assert_eq!(server.hub.presence("42").await.expect("an answer"), Presence::Offline);
}

#[tokio::test]
async fn lost_wifi_is_noticed_within_the_lease() {
    let namespace = Namespace::new();
    let server = served(namespace.here).await;
    let changes = server.hub.presence_changes();
    namespace.client(url(server.address)).await;
    is_noticed(&server, &namespace, changes).await;
    assert!(server.hub.connections().is_empty(), "the kernel gave it up");
}

#[tokio::test]
async fn lost_wifi_is_noticed_within_the_lease_behind_nginx_which_notices_nothing() {
    let namespace = Namespace::new();
    let server = served(Ipv4Addr::LOCALHOST).await;
    let nginx = Nginx::before(server.address, namespace.here).await;
    let changes = server.hub.presence_changes();
    namespace.client(url(nginx.address)).await;
    is_noticed(&server, &namespace, changes).await;
    assert_eq!(server.hub.connections().len(), 1, "it still takes what is written");
}
