//! Notifications, which only wake: what they are about is in the table.
//!
//! sqlx's listener keeps what arrives while another statement runs on its connection in a queue without a
//! bound. Nothing else runs on this one but a probe after a silence, and this task does nothing but take
//! notifications and count them as one: what is not taken yet lies in the socket, which is bounded.

use std::{sync::Arc, time::Duration};

use sqlx::{
    Executor as _,
    postgres::{PgListener, PgPoolOptions},
};
use tokio::{
    sync::Notify,
    time::{sleep, timeout},
};

use super::{Inner, failure::Failure, sequencer::VACANT};

/// Without a notification for this long, the connection is asked whether it lives.
const SILENCE: Duration = Duration::from_secs(10);

/// Between two tries while the database is away.
const AGAIN: Duration = Duration::from_millis(250);

/// Listens until the run ends.
pub(super) async fn run(inner: Arc<Inner>, vacant: Arc<Notify>) {
    loop {
        let failure = listen(&inner, &vacant).await;
        tracing::warn!(
            ?failure,
            "notifications are not heard; the log is looked at every second all the same"
        );
        sleep(AGAIN).await;
    }
}

/// Listens on one connection, until it is lost.
async fn listen(inner: &Inner, vacant: &Notify) -> Failure {
    let pool = PgPoolOptions::new()
        .max_connections(1)
        .acquire_timeout(inner.bound())
        .connect_lazy_with(inner.connect_as("listener"));
    let mut listener = match timeout(inner.bound(), PgListener::connect_with(&pool)).await {
        Ok(Ok(listener)) => listener,
        Ok(Err(error)) => return error.into(),
        Err(_) => return Failure::unreachable("no connection in time"),
    };
    listener.eager_reconnect(false);
    match timeout(inner.bound(), listener.listen(&inner.schema.channel())).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => return error.into(),
        Err(_) => return Failure::silence(),
    }
    // What was said before was said to nobody.
    inner.follower.notify_one();
    loop {
        match timeout(SILENCE, listener.try_recv()).await {
            Ok(Ok(Some(notification))) if notification.payload() == VACANT => vacant.notify_one(),
            Ok(Ok(Some(_))) => inner.follower.notify_one(),
            Ok(Ok(None)) => return Failure::unreachable("the connection was lost"),
            Ok(Err(error)) => return error.into(),
            Err(_) => match timeout(inner.bound(), listener.execute("SELECT 1")).await {
                Ok(Ok(_)) => {}
                Ok(Err(error)) => return error.into(),
                Err(_) => return Failure::silence(),
            },
        }
    }
}
