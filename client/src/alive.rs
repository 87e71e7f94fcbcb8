//! The sign of life that a server asks for when a proxy stands between.

use std::{sync::Arc, time::Duration};

use tokio::task::JoinHandle;

use crate::fetch::Endpoint;

/// The next sign is due twice as long after this one at the earliest.
const TIMEOUT: Duration = Duration::from_secs(10);

/// One `POST alive` under way; dropping it calls it off.
pub(crate) struct SignOfLife(JoinHandle<()>);

impl SignOfLife {
    /// Sends it. What becomes of it does not matter: another follows.
    pub(crate) fn give(endpoint: &Arc<Endpoint>, connection_id: &str) -> Self {
        let mut url = endpoint.url.clone();
        let path = [url.path().trim_end_matches('/'), "/alive"].concat();
        url.set_path(&path);
        url.query_pairs_mut().append_pair("connection", connection_id);
        let request =
            endpoint.http.post(url).headers(endpoint.headers.clone()).timeout(TIMEOUT).body(Vec::new());
        Self(tokio::spawn(async move {
            let _ = request.send().await;
        }))
    }
}

impl Drop for SignOfLife {
    fn drop(&mut self) {
        self.0.abort();
    }
}
