//! The lock that tabs queue for, and the words on their way between them.

use std::time::Duration;

use protocol::tab::Lock;

use super::{Browser, Word};

impl Browser {
    pub(super) fn say(&mut self, view: usize, word: Word) {
        let by = Duration::from_millis(self.dice.roll(self.late + 1));
        let hearing = &mut self.views[view];
        let lost = self.faults && self.dice.one_in(40) || !hearing.listening;
        if lost && matches!(word, Word::Post(_)) {
            return;
        }
        // What one tab hears comes in the order in which it was said.
        let at = hearing.inbox.back().map_or(self.now, |(at, _)| *at).max(self.now + by);
        hearing.inbox.push_back((at, word));
    }

    pub(super) fn lock(&mut self, view: usize, lock: Lock) {
        match lock {
            Lock::Ask => {
                self.queue.push_back(view);
                self.grant();
            }
            Lock::Steal => {
                if let Some(holder) = self.holder.replace(view)
                    && holder != view
                {
                    self.say(holder, Word::Stolen);
                }
                self.queue.retain(|waiting| *waiting != view);
                self.say(view, Word::Granted);
            }
            Lock::Leave | Lock::Quit => {
                if lock == Lock::Quit {
                    self.views[view].inbox.retain(|(_, word)| !matches!(word, Word::Post(_)));
                }
                self.views[view].inbox.retain(|(_, word)| matches!(word, Word::Post(_)));
                self.free(view);
            }
        }
    }

    pub(super) fn free(&mut self, view: usize) {
        self.queue.retain(|waiting| *waiting != view);
        if self.holder == Some(view) {
            self.holder = None;
            self.grant();
        }
    }

    fn grant(&mut self) {
        if self.holder.is_none()
            && let Some(next) = self.queue.pop_front()
        {
            self.holder = Some(next);
            self.say(next, Word::Granted);
        }
    }
}
