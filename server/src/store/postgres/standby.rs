//! Until when a run lasts, and what a sequencer that is not one waits for.

use std::{sync::Arc, time::Duration};

use tokio::{
    sync::{Notify, watch},
    time::sleep,
};

/// The sequencer's view of its run.
#[derive(Debug)]
pub(super) struct Standby {
    /// `true` once the run ends.
    pub(super) over: watch::Receiver<bool>,
    /// Another instance has given the lock up.
    pub(super) vacant: Arc<Notify>,
}

impl Standby {
    pub(super) fn is_over(&self) -> bool {
        *self.over.borrow()
    }

    /// Waits for the next try. Says whether the run is over.
    pub(super) async fn wait(&mut self, pause: Duration) -> bool {
        tokio::select! {
            _ = self.over.wait_for(|over| *over) => {}
            () = self.vacant.notified() => {}
            () = sleep(pause) => {}
        }
        self.is_over()
    }
}
