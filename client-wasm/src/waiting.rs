//! What goes on when a promise has come to something.
//!
//! Each wait has a number, which JavaScript gives back: a closure for every one would be made, kept and freed by code
//! that every page downloads.

use protocol::subscriber::{Attempt, HoldId};
use wasm_bindgen::JsValue;

use crate::fetch::Request;

/// What waits for a promise.
#[derive(Debug)]
pub(crate) enum Waiting {
    /// An attempt for the cursor that came with the page's data.
    Cursor(Attempt),
    /// A resync for its handlers.
    Resync(HoldId),
    /// A request for its response.
    Response(Request),
    /// A request for what comes next of the body.
    Read(Request, JsValue),
}

/// All that waits: a request or two, and a resync; one more for each whose handlers never settle.
#[derive(Debug, Default)]
pub(crate) struct Queue {
    /// How many there were: the number of the last.
    last: u64,
    waiting: Vec<(u64, Waiting)>,
}

impl Queue {
    /// Gives it a number, which is never 0.
    pub(crate) fn add(&mut self, waiting: Waiting) -> u64 {
        self.last += 1;
        self.waiting.push((self.last, waiting));
        self.last
    }

    /// What has that number; each promise settles once.
    pub(crate) fn remove(&mut self, number: u64) -> Option<Waiting> {
        let place = self.waiting.iter().position(|(waiting, _)| *waiting == number)?;
        Some(self.waiting.swap_remove(place).1)
    }
}
