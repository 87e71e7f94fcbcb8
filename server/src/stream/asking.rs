//! What a stream may read, asked again while it is open: by the clock, by its client, and by the log, which lets it read
//! nothing until there is an answer.

use std::{future::Future, pin::Pin, time::Duration};

use protocol::{Covered, EventId, GapReason, GoodbyeReason};

use super::{Position, Stream};
use crate::{
    Refusal,
    log::Stale,
    rights::{Denied, Rights},
};

/// Asked again after this while an answer is wanted and none is to be had.
const ASK_AGAIN: Duration = Duration::from_secs(1);

/// How often an answer is asked for before the stream ends and the client is left to try again; with the
/// pauses between within the 5 s that a revocation may take.
const ASKS_MAX: u32 = 3;

/// A question about the rights of the stream.
pub(super) struct Asking {
    pub(super) answer: Answer,
    pub(super) question: Question,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Question {
    pub(super) asker: Asker,
    /// What cannot be given any more, and is said once the rights are known.
    jump: Option<GapReason>,
    /// How often it has been asked.
    asked: u32,
    /// Before it is asked.
    pause: Duration,
}

impl Question {
    pub(super) const fn of(asker: Asker, jump: Option<GapReason>) -> Self {
        Self { asker, jump, asked: 1, pause: Duration::ZERO }
    }
}

/// Where the question comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Asker {
    /// The interval: the rights so far hold until there is an answer.
    Clock,
    /// The client, who wants to read other groups: the rights so far hold until there is an answer.
    Client,
    /// The log: nothing may be read without an answer.
    Log,
}

pub(super) type Answer = Pin<Box<dyn Future<Output = Result<Rights, Denied>> + Send>>;

impl Stream {
    /// Asks `Authorize` again.
    pub(super) fn ask(&mut self, question: Question) {
        let (claim, shared) = (self.claim.clone(), self.shared.clone());
        let pause = question.pause;
        let answer = Box::pin(async move {
            tokio::time::sleep(pause).await;
            claim.ask(&shared).await
        });
        self.asking = Some(Asking { answer, question });
    }

    fn ask_again(&mut self, question: Question, pause: Duration) {
        if question.asked < ASKS_MAX {
            self.ask(Question { asked: question.asked + 1, pause, ..question });
        } else if question.asker != Asker::Clock {
            // The client tries again, and is told what is the matter.
            self.ended = true;
        }
    }

    pub(super) fn handle_answer(&mut self, answer: Result<Rights, Denied>) {
        let Some(Asking { question, .. }) = self.asking.take() else { return };
        match answer {
            Ok(rights) if rights.identity.user != self.rights.identity.user => {
                self.say_goodbye(GoodbyeReason::Expired);
            }
            Ok(mut rights) => match self.shared.log.jump(&mut rights) {
                Err(Stale) => self.ask_again(question, Duration::ZERO),
                Ok((head, generation)) => self.go_on(rights, question.jump, head, generation),
            },
            Err(Denied::Refused(Refusal::Unavailable)) if question.asker == Asker::Clock => {}
            Err(Denied::Refused(Refusal::Unavailable)) => self.ask_again(question, ASK_AGAIN),
            Err(Denied::Refused(Refusal::Unauthorized) | Denied::Expired) => {
                self.part(GoodbyeReason::Expired);
            }
            Err(Denied::Refused(Refusal::Forbidden) | Denied::Revoked | Denied::Misconfigured) => {
                self.part(GoodbyeReason::Revoked);
            }
        }
    }

    /// Ends a stream without rights: at once, or at the revocation that took them, before which its last event
    /// may stand.
    fn part(&mut self, reason: GoodbyeReason) {
        let Self { rights, membership, claim, .. } = self;
        let id = Some(&*membership.connection.id);
        let revoked_at = self.shared.standing.revoked_at(&rights.identity, id, claim.opened_at);
        if revoked_at.is_none_or(|at| at <= self.position.sequence) {
            return self.say_goodbye(reason);
        }
        let (own, groups): (Vec<_>, Vec<_>) = std::mem::take(&mut rights.covered)
            .into_iter()
            .partition(|covered| covered.channel.group_name().is_none());
        rights.covered = own;
        self.parting = Some(reason);
        membership.connection.wake();
        self.say_unfollowed(&names(groups.iter()));
    }

    /// Reads on with rights that hold at `head`.
    fn go_on(&mut self, rights: Rights, jump: Option<GapReason>, head: EventId, generation: u64) {
        // Read without a break: by the grant alone, what was missed in a time without it would be taken for read. A
        // jump has the client fetch everything.
        let unread = |covered: &&Covered| match jump {
            None => !self.rights.covered.contains(covered),
            Some(_) => !self.rights.covered.iter().any(|before| before.channel == covered.channel),
        };
        let gained = names(rights.covered.iter().filter(unread));
        let lost = names(
            self.rights
                .covered
                .iter()
                .filter(|before| !rights.covered.iter().any(|covered| covered.channel == before.channel)),
        );
        self.timers.expire_in(rights.identity.expires_at.map(|at| self.shared.clock.until(at)));
        self.arm_timers();
        self.shared.registry.move_to(&self.membership.connection, rights.channels());
        self.rights = rights;
        if let Some(reason) = jump {
            self.generation = generation;
            self.replay_until = head.sequence();
            self.position = Position { sequence: head.sequence(), own: None };
            self.note_stand();
            self.say_gap(reason);
        }
        if !gained.is_empty() {
            self.say_gained(&gained);
        }
        self.say_unfollowed(&lost);
    }
}

/// The groups among what is covered.
fn names<'a>(covered: impl Iterator<Item = &'a Covered>) -> Vec<String> {
    covered.filter_map(|covered| covered.channel.group_name()).map(str::to_owned).collect()
}
