//! The one timer of a provider.

use js_sys::Function;
use protocol::Time;
use wasm_bindgen::JsValue;

use crate::Clock;

/// The longest delay a browser's `setTimeout` takes: a later deadline is armed again when this has passed.
const DELAY_MAX: f64 = 2_147_483_647.0;

/// Calls back once per arming, through the page's clock.
#[derive(Debug)]
pub(crate) struct Timer {
    clock: Clock,
    callback: Function,
    armed: Option<(Time, JsValue)>,
}

impl Timer {
    pub(crate) const fn new(clock: Clock, callback: Function) -> Self {
        Self { clock, callback, armed: None }
    }

    /// Calls back at `due` instead of whenever it was armed for before.
    pub(crate) fn arm(&mut self, due: Option<Time>, now: Time) {
        if self.armed.as_ref().map(|(time, _)| *time) == due {
            return;
        }
        self.disarm();
        if let Some(due) = due {
            #[expect(clippy::cast_precision_loss, reason = "bounded by DELAY_MAX a line below")]
            let delay = (due.since(now).as_millis() as f64).min(DELAY_MAX);
            let handle = self.clock.set_timeout(&self.callback, delay);
            self.armed = Some((due, handle));
        }
    }

    /// The callback ran: what it was armed for is over.
    pub(crate) fn spend(&mut self) {
        self.armed = None;
    }

    fn disarm(&mut self) {
        if let Some((_, handle)) = self.armed.take() {
            self.clock.clear_timeout(&handle);
        }
    }
}

impl Drop for Timer {
    fn drop(&mut self) {
        self.disarm();
    }
}
