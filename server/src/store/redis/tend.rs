//! What has had its time is removed, in steps that keep nobody waiting.

use std::time::Duration;

use super::{link, sender::Entrance};
use crate::store::{KEY_KEPT, StoreError};

const EVERY: Duration = Duration::from_secs(1);

/// Tends the log until the run ends. Every instance does: what one has done leaves nothing for the others.
pub(super) async fn run(entrance: Entrance, revocations_kept: Duration) {
    loop {
        match step(&entrance, revocations_kept).await {
            Ok(true) => {}
            Ok(false) => tokio::time::sleep(EVERY).await,
            Err(error) => {
                tracing::debug!(%error, "nothing could be removed from the log");
                tokio::time::sleep(EVERY).await;
            }
        }
    }
}

/// One step. Says whether there may be more.
pub(super) async fn step(entrance: &Entrance, revocations_kept: Duration) -> Result<bool, StoreError> {
    let link = &entrance.inner.link;
    let always = link.with(async |connection| Ok(link::always(connection).await)).await?;
    let mut call = link.call(|scripts| &scripts.tend);
    entrance.tell(&mut call)?;
    let millis = |duration: Duration| duration.as_millis() as u64;
    call.arg(always).arg(entrance.window.count).arg(entrance.window.bytes).arg(millis(entrance.window.age));
    call.arg(millis(KEY_KEPT)).arg(millis(revocations_kept));
    Ok(link.ask::<Option<bool>>(&call).await?.unwrap_or(false))
}
