//! The way to serve that enforces every limit: header timeout, write stall, kernel buffers, drain.

use std::{
    future::Future,
    io,
    pin::{Pin, pin},
    time::Duration,
};

use axum::Router;
use protocol::Contract;
use tokio::{
    net::{TcpListener, TcpStream},
    sync::watch,
    task::JoinSet,
};

use crate::{Config, Hub};
use connection::{Connection, Service};
pub(crate) use line::{Guarded, Line};

mod begun;
mod connection;
mod direct;
mod head;
mod line;
#[cfg(test)]
mod writes;

/// What is left of a drain's time for the store to finish.
const CLOSE_WITHIN: Duration = Duration::from_secs(2);

/// After an accept failed for want of file descriptors or memory.
const ACCEPT_AGAIN: Duration = Duration::from_millis(100);

/// Serves `router` on `listener` with every limit of the hub's [`Config`], until SIGTERM or ctrl-c: then the
/// listener is closed, the streams of `hub` say goodbye, the hub is closed, and this returns within
/// [`Config::drain_deadline`], whatever is still open.
///
/// # Errors
/// When the listener or the signal handlers cannot be set up.
pub async fn serve<C: Contract>(listener: TcpListener, router: Router, hub: &Hub<C>) -> io::Result<()> {
    let stop = signal()?;
    serve_until(listener, router, hub, stop).await
}

/// The same, until `stop` is ready.
///
/// # Errors
/// As [`serve`].
pub async fn serve_until<C: Contract>(
    listener: TcpListener,
    router: Router,
    hub: &Hub<C>,
    stop: impl Future<Output = ()>,
) -> io::Result<()> {
    let shared = &hub.shared;
    let (stopping, _) = watch::channel(false);
    let mut connections = JoinSet::new();
    let mut stop = pin!(stop);
    loop {
        tokio::select! {
            () = &mut stop => break,
            Some(_) = connections.join_next() => {}
            accepted = listener.accept() => match accepted {
                Ok((socket, peer)) => {
                    if let Err(error) = prepare(&socket, &shared.config) {
                        tracing::debug!(%error, "a connection was gone before it was served");
                        continue;
                    }
                    let guarded = Guarded::new(socket, shared.config.write_stall, shared.metrics.clone());
                    let service = Service {
                        router: router.clone(),
                        peer,
                        header_timeout: shared.config.header_timeout,
                        stopping: stopping.subscribe(),
                    };
                    connections.spawn(Connection::new(guarded, service));
                }
                Err(error) => {
                    tracing::warn!(%error, "accepting a connection failed");
                    tokio::time::sleep(ACCEPT_AGAIN).await;
                }
            },
        }
    }
    drop(listener);
    drop(router);
    stopping.send_replace(true);
    let deadline = tokio::time::Instant::now() + shared.config.drain_deadline;
    let drained = async {
        hub.drain().await;
        while connections.join_next().await.is_some() {}
    };
    let close_within = CLOSE_WITHIN.min(shared.config.drain_deadline / 4);
    if tokio::time::timeout_at(deadline - close_within, drained).await.is_err() {
        tracing::warn!(left = connections.len(), "connections were still open at the end of the drain");
        connections.shutdown().await;
    }
    match tokio::time::timeout_at(deadline, hub.close()).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::warn!(%error, "the store did not close"),
        Err(_) => tracing::warn!("the store was not closed before the end of the drain"),
    }
    Ok(())
}

fn prepare(socket: &TcpStream, config: &Config) -> io::Result<()> {
    socket.set_nodelay(true)?;
    // On the connection itself: one that was made before its listener was told would not inherit it.
    socket2::SockRef::from(socket).set_send_buffer_size(config.send_buffer)?;
    #[cfg(any(target_os = "android", target_os = "fuchsia", target_os = "linux"))]
    socket2::SockRef::from(socket).set_tcp_user_timeout(Some(config.tcp_user_timeout))?;
    Ok(())
}

/// Ready at SIGTERM or ctrl-c.
fn signal() -> io::Result<Pin<Box<dyn Future<Output = ()> + Send>>> {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let (mut term, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
        Ok(Box::pin(async move {
            tokio::select! {
                _ = term.recv() => {}
                _ = interrupt.recv() => {}
            }
        }))
    }
    #[cfg(not(unix))]
    Ok(Box::pin(async {
        let _ = tokio::signal::ctrl_c().await;
    }))
}
