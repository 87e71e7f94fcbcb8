//! Our server, with everything on that is on by default.

use std::{
    io,
    net::Ipv4Addr,
    sync::Arc,
    time::{Duration, Instant},
};

use axum::http::request::Parts;
use tidings_server::{Audience as To, Config, Hub, Identity, Refusal, router, serve_until};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
    sync::mpsc,
};

use super::{Audience, Command, Event, announce, parameter};
use crate::measure::Latencies;

/// Between two sends of [`pace`].
const PACE: Duration = Duration::from_micros(500);

/// Serves until its control is closed.
///
/// # Errors
/// A system call failed.
pub async fn run() -> io::Result<()> {
    let hub = Hub::<Event>::in_memory(Config::default()).await.map_err(io::Error::other)?;
    let stream = TcpListener::bind((Ipv4Addr::UNSPECIFIED, 0)).await?;
    let control = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    announce(stream.local_addr()?.port(), control.local_addr()?.port());
    let app = axum::Router::new().nest("/sse", router(&hub, authorize));
    let controlled = tokio::spawn(obey(control, hub.clone()));
    // In a task, since the thread of `main` is none of the runtime's workers.
    let served = tokio::spawn(async move {
        serve_until(stream, app, &hub, async {
            let _ = controlled.await;
        })
        .await
    });
    served.await?
}

async fn authorize(parts: Arc<Parts>) -> Result<Identity, Refusal> {
    let path = parts.uri.to_string();
    let user = parameter(&path, "user").ok_or(Refusal::Unauthorized)?;
    Ok(Identity::user(user).groups(parameter(&path, "group")))
}

async fn obey(listener: TcpListener, hub: Hub<Event>) -> io::Result<()> {
    let (mut socket, _) = listener.accept().await?;
    socket.set_nodelay(true)?;
    let (read, mut write) = TcpStream::split(&mut socket);
    let mut lines = BufReader::new(read).lines();
    let mut sent = 0;
    while let Some(line) = lines.next_line().await? {
        let command: Command = line.parse()?;
        if command.audience == Audience::Nobody {
            let (half, most) = pace(&hub, command.count).await?;
            write.write_all(format!("ok {half} {most}\n").as_bytes()).await?;
            continue;
        }
        for _ in 0..command.count {
            sent += 1;
            let audience = match &command.audience {
                Audience::All => To::everyone(),
                Audience::User(name) => To::user(name.clone()),
                Audience::Nobody => To::user("nobody"),
                Audience::Group(name) => To::group(name.clone()),
            };
            hub.send(audience, &Event::tick(sent)).await.map_err(io::Error::other)?;
        }
        write.write_all(b"ok\n").await?;
    }
    Ok(())
}

/// Sends at a steady pace, as somebody who knows nothing of the server's other work would.
async fn pace(hub: &Hub<Event>, count: u64) -> io::Result<(f64, f64)> {
    let (want, mut wanted) = mpsc::unbounded_channel();
    std::thread::spawn(move || {
        for _ in 0..count {
            std::thread::sleep(PACE);
            if want.send(Instant::now()).is_err() {
                return;
            }
        }
    });
    let mut latencies = Latencies::default();
    while let Some(at) = wanted.recv().await {
        hub.send(To::user("nobody"), &Event::tick(0)).await.map_err(io::Error::other)?;
        latencies.add(at.elapsed());
    }
    latencies.summary().ok_or_else(|| io::Error::other("nothing was sent"))
}
