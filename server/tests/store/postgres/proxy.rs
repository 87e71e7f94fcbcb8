//! A network between an instance and its server, which can go silent without anybody hearing of it.

use std::path::Path;

use tempfile::TempDir;
use tidings_server::store::sqlx::postgres::PgConnectOptions;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _, ReadHalf, WriteHalf, split},
    net::{UnixListener, UnixStream},
    sync::watch,
    task::JoinHandle,
};

const SOCKET: &str = ".s.PGSQL.5432";

/// Connections through it stay open, cut or not.
pub(crate) struct Proxy {
    folder: TempDir,
    cut: watch::Sender<bool>,
    accepts: JoinHandle<()>,
}

impl Proxy {
    pub(crate) fn to(server: &Path) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let listener = UnixListener::bind(folder.path().join(SOCKET)).expect("a socket");
        let cut = watch::Sender::new(false);
        let (server, is_cut) = (server.join(SOCKET), cut.subscribe());
        let accepts = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let (server, is_cut) = (server.clone(), is_cut.clone());
                tokio::spawn(async move {
                    let Ok(server) = UnixStream::connect(server).await else { return };
                    let ((from_client, to_client), (from_server, to_server)) = (split(client), split(server));
                    tokio::join!(
                        carry(from_client, to_server, is_cut.clone()),
                        carry(from_server, to_client, is_cut)
                    );
                });
            }
        });
        Self { folder, cut, accepts }
    }

    pub(crate) fn options(&self, options: PgConnectOptions) -> PgConnectOptions {
        options.socket(self.folder.path())
    }

    /// Nothing goes through any more.
    pub(crate) fn cut(&self) {
        self.cut.send_replace(true);
    }

    /// Everything that was sent meanwhile goes through.
    pub(crate) fn heal(&self) {
        self.cut.send_replace(false);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.accepts.abort();
    }
}

async fn carry(
    mut from: ReadHalf<UnixStream>,
    mut to: WriteHalf<UnixStream>,
    mut is_cut: watch::Receiver<bool>,
) {
    let mut bytes = vec![0; 64 * 1024];
    while let Ok(count @ 1..) = from.read(&mut bytes).await {
        if is_cut.wait_for(|cut| !cut).await.is_err() || to.write_all(&bytes[..count]).await.is_err() {
            break;
        }
    }
    let _ = is_cut.wait_for(|cut| !cut).await;
    let _ = to.shutdown().await;
}
