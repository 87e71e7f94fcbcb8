//! Who is here as far as this instance knows, told to the store, which does not flap when a connection comes back.

use std::{
    collections::{BTreeSet, HashMap},
    sync::{Arc, Weak},
    time::Duration,
};

use indexmap::IndexSet;
use parking_lot::Mutex;
use protocol::{GoodbyeReason, Time};
use tokio::{
    sync::{Notify, broadcast},
    time::Instant,
};

use crate::{
    Config, Presence, PresenceChange, PresenceChanges,
    clock::Clock,
    registry::Registry,
    store::{Lease, Store, StoreError},
};

/// Changes that a receiver may be behind before it loses the oldest: at about 50 bytes each, 50 KB per hub.
const CHANGES_KEPT: usize = 1_024;

/// A user without a connection stays online for this: a reload takes no longer, nor does the return from a
/// stream that the server ended by itself.
const HUSH: Duration = Duration::from_secs(2);

/// Users of one question to the store, which is made in one go: whoever else has something to do waits for no more.
const STEP: usize = 500;

/// Between two tries to store a lease, and between two looks whose time has come who was another instance's.
const EVERY: Duration = Duration::from_secs(1);

/// How a connection ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Departure {
    /// It was lost, the page closed it, or the server ended it; the client may come back at once.
    #[default]
    Lost,
    /// The server goes, and has told the client to come back, to this one's successor or another.
    Drained,
    /// The user may not come back.
    Final,
}

impl Departure {
    pub(crate) const fn of(reason: GoodbyeReason) -> Self {
        match reason {
            GoodbyeReason::Revoked => Self::Final,
            GoodbyeReason::Draining => Self::Drained,
            GoodbyeReason::Lifetime
            | GoodbyeReason::Expired
            | GoodbyeReason::Replaced
            | GoodbyeReason::OverLimit => Self::Lost,
        }
    }
}

/// Everybody who is here, as far as this instance knows.
#[derive(Debug)]
pub(crate) struct Presences {
    inner: Mutex<Inner>,
    registry: Arc<Registry>,
    changed: Notify,
    changes: broadcast::Sender<PresenceChange>,
    /// Held while the store is told; set once all are handed over and it is told nothing more.
    over: tokio::sync::Mutex<bool>,
    clock: Clock,
    lease: Duration,
    leave_grace: Duration,
}

#[derive(Debug, Default)]
struct Inner {
    users: HashMap<String, Here>,
    /// What the store was told last; absent is offline.
    told: HashMap<String, Presence>,
    /// Users whose presence may differ from what it was told.
    pending: IndexSet<String>,
    /// Users whose leases are to be renewed.
    renewing: Vec<String>,
    /// Users to whom a drain has said goodbye, to be handed over.
    drained: Vec<String>,
    /// When to look at a user again: whoever leaves stands here once or twice until the grace is over, also after
    /// coming back. Looking at everybody who is away whenever somebody comes or goes would cost the square of them.
    later: BTreeSet<(Instant, String)>,
}

#[derive(Debug, Clone, Copy)]
enum Here {
    Connected,
    /// Without a connection.
    Away {
        /// Called reconnecting from here on.
        shown: Instant,
        /// Called offline from here on.
        end: Instant,
    },
}

impl Here {
    fn presence(self, now: Instant) -> Presence {
        match self {
            Self::Connected => Presence::Online,
            Self::Away { shown, .. } if now < shown => Presence::Online,
            Self::Away { end, .. } if now < end => Presence::Reconnecting,
            Self::Away { .. } => Presence::Offline,
        }
    }
}

impl Presences {
    pub(crate) fn new(registry: Arc<Registry>, config: &Config, clock: Clock) -> Self {
        Self {
            inner: Mutex::default(),
            registry,
            changed: Notify::new(),
            changes: broadcast::Sender::new(CHANGES_KEPT),
            over: tokio::sync::Mutex::default(),
            clock,
            lease: config.presence_lease,
            leave_grace: config.leave_grace,
        }
    }

    /// Users of the run before. Those who were here still are until a new lease of theirs ends: a restart is no
    /// news. Those whose lease had ended may have left without anybody being told.
    pub(crate) fn expect(&self, leases: Vec<Lease>) {
        let now = Instant::now();
        let mut inner = self.inner.lock();
        for Lease { user, presence, .. } in leases {
            let end = if presence == Presence::Offline { now } else { now + self.lease };
            let shown = now.max(end.checked_sub(self.leave_grace).unwrap_or(now));
            inner.told.insert(user.clone(), Presence::Online);
            inner.pending.insert(user.clone());
            inner.users.insert(user, Here::Away { shown, end });
        }
    }

    pub(crate) fn of(&self, user: &str) -> Presence {
        let now = Instant::now();
        self.inner.lock().users.get(user).map_or(Presence::Offline, |here| here.presence(now))
    }

    pub(crate) fn changes(&self) -> PresenceChanges {
        PresenceChanges { receiver: self.changes.subscribe() }
    }

    /// A connection of `user` was registered.
    pub(crate) fn arrived(&self, user: &str) {
        self.update(user, Departure::Lost);
    }

    /// A connection of `user` was unregistered.
    pub(crate) fn left(&self, user: &str, departure: Departure) {
        self.update(user, departure);
    }

    /// The far end of a connection of `user` was heard of, or was not for long.
    pub(crate) fn check(&self, user: &str) {
        self.update(user, Departure::Lost);
    }

    /// A connection that was last heard of before this is taken for lost, so that its user is offline when the
    /// lease ends.
    pub(crate) fn silent_since(&self) -> Time {
        self.clock.now() - self.lease.saturating_sub(self.leave_grace)
    }

    /// Whatever happened, the registry says what is: so it does not matter in which order two of these run.
    fn update(&self, user: &str, departure: Departure) {
        let now = Instant::now();
        let mut inner = self.inner.lock();
        let is_here = self.registry.is_present(user, self.silent_since());
        match (is_here, inner.users.get(user)) {
            (true, Some(Here::Connected)) | (false, None | Some(Here::Away { .. })) => return,
            (true, _) => {
                inner.users.insert(user.to_owned(), Here::Connected);
            }
            (false, Some(Here::Connected)) => {
                let (hush, grace) = match departure {
                    Departure::Lost => (HUSH.min(self.leave_grace / 2), self.leave_grace),
                    Departure::Drained => (self.lease.saturating_sub(self.leave_grace), self.lease),
                    Departure::Final => (Duration::ZERO, Duration::ZERO),
                };
                inner.users.insert(user.to_owned(), Here::Away { shown: now + hush, end: now + grace });
                if departure == Departure::Drained {
                    inner.drained.push(user.to_owned());
                }
            }
        }
        inner.pending.insert(user.to_owned());
        drop(inner);
        self.changed.notify_one();
    }

    /// What the store is to be told next, and when to look again: at once, while there is more.
    fn due(&self) -> (Vec<Lease>, Option<Instant>) {
        let now = Instant::now();
        let mut inner = self.inner.lock();
        let Inner { users, told, pending, later, renewing, .. } = &mut *inner;
        while later.first().is_some_and(|(at, _)| *at <= now) {
            pending.extend(later.pop_first().map(|(_, user)| user));
        }
        let mut due = Vec::new();
        for user in pending.drain(..STEP.min(pending.len())) {
            let here = users.get(&user).copied();
            let presence = here.map_or(Presence::Offline, |here| here.presence(now));
            if presence == Presence::Offline {
                users.remove(&user);
            } else if let Some(Here::Away { shown, end }) = here {
                later.insert((if now < shown { shown } else { end }, user.clone()));
            }
            if presence != told.get(&user).copied().unwrap_or(Presence::Offline) {
                due.push(self.word(user, presence, here, now));
            }
        }
        for user in renewing.drain(renewing.len().saturating_sub(STEP - due.len())..) {
            let here = users.get(&user).copied().filter(|here| here.presence(now) == Presence::Online);
            // Whoever is not online any more, or not told to be yet, is none of this.
            if here.is_some() && told.get(&user) == Some(&Presence::Online) {
                due.push(self.word(user, Presence::Online, here, now));
            }
        }
        let more = (!pending.is_empty() || !renewing.is_empty()).then_some(now);
        (due, more.or_else(|| later.first().map(|(at, _)| *at)))
    }

    /// All who are online have their leases renewed.
    fn renew(&self) {
        let now = Instant::now();
        let mut inner = self.inner.lock();
        let online = inner.users.iter().filter(|(_, here)| here.presence(now) == Presence::Online);
        let online = online.map(|(user, _)| user.clone()).collect();
        inner.renewing = online;
    }

    fn word(&self, user: String, presence: Presence, here: Option<Here>, now: Instant) -> Lease {
        let lasts = match (presence, here) {
            (Presence::Reconnecting, Some(Here::Away { end, .. })) => end.saturating_duration_since(now),
            (Presence::Offline, _) => Duration::ZERO,
            (Presence::Online | Presence::Reconnecting, _) => self.lease,
        };
        Lease { user, presence, until: self.clock.now() + lasts }
    }

    fn stored(&self, leases: Vec<Lease>, changes: Vec<PresenceChange>) {
        let mut inner = self.inner.lock();
        for Lease { user, presence, .. } in leases {
            if presence == Presence::Offline {
                inner.told.remove(&user);
            } else {
                inner.told.insert(user, presence);
            }
        }
        drop(inner);
        for change in changes {
            tracing::debug!(user = change.user, presence = ?change.presence, "presence");
            // Nobody listening is no error.
            let _ = self.changes.send(change);
        }
    }

    fn try_again(&self, leases: Vec<Lease>) {
        let mut inner = self.inner.lock();
        for Lease { user, presence, .. } in leases {
            if inner.told.get(&user) == Some(&presence) {
                inner.renewing.push(user);
            } else {
                inner.pending.insert(user);
            }
        }
    }

    /// The store may have lost what it was told.
    pub(crate) fn say_all_again(&self) {
        let mut inner = self.inner.lock();
        let Inner { users, told, pending, .. } = &mut *inner;
        told.clear();
        pending.extend(users.keys().cloned());
        drop(inner);
        self.changed.notify_one();
    }

    /// Those of `users` who are here, as they are handed over.
    fn words(&self, users: &[String]) -> Vec<Lease> {
        let now = Instant::now();
        let inner = self.inner.lock();
        let word = |user: &String| {
            let here = inner.users.get(user)?;
            let presence = here.presence(now);
            (presence != Presence::Offline).then(|| self.word(user.clone(), presence, Some(*here), now))
        };
        users.iter().filter_map(word).collect()
    }

    /// This run ends: whoever is here comes back, to whichever instance. Nothing is told of anybody after that.
    pub(crate) async fn hand_over(&self, store: &dyn Store) -> Result<(), StoreError> {
        let mut over = self.over.lock().await;
        *over = true;
        let users: Vec<_> = self.inner.lock().users.keys().cloned().collect();
        store.hand_over(self.words(&users)).await
    }

    /// Hands over whom a drain has said goodbye to: from then on they are none of this instance's. What fails is done at
    /// the end, with all the others; a store that nobody shares keeps them for the next run.
    async fn hand_over_drained(&self, store: &dyn Store) {
        let drained = std::mem::take(&mut self.inner.lock().drained);
        if drained.is_empty() || !store.is_shared() {
            return;
        }
        let words = self.words(&drained);
        if let Err(error) = store.hand_over(words.clone()).await {
            tracing::debug!(%error, "the other instances were not told whom to expect");
            return;
        }
        let mut inner = self.inner.lock();
        for Lease { user, .. } in words {
            // Who has come back meanwhile, before the listener closed, is said to be here next.
            inner.told.remove(&user);
            if matches!(inner.users.get(&user), Some(Here::Away { .. })) {
                inner.users.remove(&user);
            } else {
                inner.pending.insert(user);
            }
        }
    }
}

/// Stores leases, then announces: the one task of a hub that speaks of presence.
pub(crate) async fn run(presences: Weak<Presences>, store: Arc<dyn Store>) {
    let (mut renew_at, mut look_at) = (None, Instant::now());
    while let Some(presences) = presences.upgrade() {
        let over = presences.over.lock().await;
        if *over {
            return;
        }
        let now = Instant::now();
        let every = presences.lease / 3;
        if now >= *renew_at.get_or_insert(now + every) {
            presences.renew();
            renew_at = Some(now + every);
        }
        presences.hand_over_drained(&*store).await;
        let (leases, next) = presences.due();
        if look_at <= now || !leases.is_empty() {
            match store.lease(leases.clone()).await {
                Ok(changes) => {
                    // Behind some changes there may be more.
                    look_at = Instant::now() + if changes.is_empty() { EVERY } else { Duration::ZERO };
                    presences.stored(leases, changes);
                    drop(over);
                    tokio::task::yield_now().await;
                }
                Err(error) => {
                    tracing::warn!(%error, "who is here could not be stored");
                    presences.try_again(leases);
                    // Others may have said meanwhile that nothing is heard of this instance.
                    renew_at = Some(now);
                    drop(over);
                    tokio::time::sleep(EVERY).await;
                }
            }
            continue;
        }
        drop(over);
        let until = [next, renew_at, Some(look_at)].into_iter().flatten().min().unwrap_or(look_at);
        tokio::select! {
            () = presences.changed.notified() => {}
            () = tokio::time::sleep_until(until) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::PresenceError;

    #[tokio::test]
    async fn a_receiver_that_lags_is_told_and_goes_on() {
        let presences = Presences::new(Arc::default(), &Config::default(), Clock::start());
        let mut changes = presences.changes();
        for n in 0..=CHANGES_KEPT {
            let change = PresenceChange { user: n.to_string(), presence: Presence::Online };
            presences.stored(Vec::new(), vec![change]);
        }
        assert_eq!(changes.recv().await, Err(PresenceError::Lagged(1)));
        let next = PresenceChange { user: "1".to_owned(), presence: Presence::Online };
        assert_eq!(changes.recv().await, Ok(next));
        drop(presences);
        while changes.recv().await.is_ok() {}
        assert_eq!(changes.recv().await, Err(PresenceError::Closed));
    }
}
