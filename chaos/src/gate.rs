//! The network between one instance and the store that it shares: whole, or cut without anybody hearing of it.

use std::net::SocketAddr;

use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    sync::watch,
    task::AbortHandle,
};

use crate::error::{Error, Result};

/// Dropping it ends everything that passes through it.
#[derive(Debug)]
pub(crate) struct Gate {
    address: SocketAddr,
    cut: watch::Sender<bool>,
    accepting: AbortHandle,
}

impl Gate {
    pub(crate) async fn to(store: SocketAddr) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await.map_err(Error::io("a port for a gate"))?;
        let address = listener.local_addr().map_err(Error::io("a gate's address"))?;
        let (cut, is_cut) = watch::channel(false);
        let accepting = tokio::spawn(async move {
            while let Ok((instance, _)) = listener.accept().await {
                tokio::spawn(carry(instance, store, is_cut.clone()));
            }
        });
        Ok(Self { address, cut, accepting: accepting.abort_handle() })
    }

    pub(crate) const fn address(&self) -> SocketAddr {
        self.address
    }

    /// What was sent meanwhile arrives once it is whole again.
    pub(crate) fn cut(&self, cut: bool) {
        self.cut.send_replace(cut);
    }
}

impl Drop for Gate {
    fn drop(&mut self) {
        self.accepting.abort();
        self.cut.send_replace(false);
    }
}

async fn carry(instance: TcpStream, store: SocketAddr, is_cut: watch::Receiver<bool>) {
    let Ok(store) = TcpStream::connect(store).await else { return };
    let _ = (instance.set_nodelay(true), store.set_nodelay(true));
    let (from_instance, to_instance) = instance.into_split();
    let (from_store, to_store) = store.into_split();
    tokio::select! {
        () = pass(from_instance, to_store, is_cut.clone()) => {}
        () = pass(from_store, to_instance, is_cut) => {}
    }
}

async fn pass(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    mut is_cut: watch::Receiver<bool>,
) {
    let mut bytes = vec![0; 64 * 1024];
    while let Ok(count @ 1..) = from.read(&mut bytes).await {
        if is_cut.wait_for(|cut| !cut).await.is_err() || to.write_all(&bytes[..count]).await.is_err() {
            return;
        }
    }
}
