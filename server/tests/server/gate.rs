//! Rights that the test gives and takes.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicUsize, Ordering},
};

use axum::{Router, http::request::Parts};
use parking_lot::Mutex;
use tidings_server::{Config, Hub, Identity, Refusal, router};
use tokio::sync::Semaphore;

use crate::support::Server;

/// An `Authorize` that answers what the test says, when the test says so; `x-keeps-its-groups` is a log-in
/// whose groups do not change.
pub(crate) struct Gate {
    pub(crate) groups: Mutex<Vec<&'static str>>,
    pub(crate) refuse: AtomicBool,
    pub(crate) asked: AtomicUsize,
    pub(crate) open: Semaphore,
}

impl Gate {
    pub(crate) const OPEN: usize = 1_000;

    pub(crate) async fn server(config: Config) -> (Arc<Self>, Server) {
        let gate = Arc::new(Self {
            groups: Mutex::new(vec!["team"]),
            refuse: AtomicBool::new(false),
            asked: AtomicUsize::new(0),
            open: Semaphore::new(Self::OPEN),
        });
        let authorize = {
            let gate = gate.clone();
            move |request: Arc<Parts>| {
                let gate = gate.clone();
                async move {
                    gate.asked.fetch_add(1, Ordering::SeqCst);
                    gate.open.acquire().await.expect("never closed").forget();
                    if gate.refuse.load(Ordering::SeqCst) {
                        return Err(Refusal::Unauthorized);
                    }
                    let is_kept = request.headers.contains_key("x-keeps-its-groups");
                    let groups = if is_kept { vec!["team"] } else { gate.groups.lock().clone() };
                    Ok(Identity::user("coach").groups(groups))
                }
            }
        };
        let hub = Hub::in_memory(config).await.expect("a hub over memory starts");
        let app = Router::new().nest("/sse", router(&hub, authorize));
        let server = Server::serve(hub, app).await;
        (gate, server)
    }

    pub(crate) fn shut(&self) {
        self.open.forget_permits(Self::OPEN);
    }

    /// Until it has been asked more than `before` times.
    pub(crate) async fn is_asked(&self, server: &Server, before: usize) {
        server.until(|_| self.asked.load(Ordering::SeqCst) > before).await;
    }
}
