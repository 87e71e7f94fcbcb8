//! What the notices of the log add up to: who may read which group from where, and what is revoked.

use std::collections::{BTreeMap, HashMap, VecDeque};

use parking_lot::Mutex;
use protocol::{Notice, Revoked, Time};

use crate::{Identity, clock::unix_time, store::Grant};

/// Revocations kept at most, at about 300 bytes each; the oldest go first, with a warning.
const REVOCATIONS_MAX: usize = 100_000;

/// Fed by the one follower of the store, in order.
#[derive(Debug, Default)]
pub(crate) struct Standing {
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    users: HashMap<String, Granted>,
    revoked: HashMap<Revoked, Revocation>,
    /// In order of time.
    revoked_order: VecDeque<(Time, Revoked)>,
}

/// When something was revoked, and where in the log; 0 in one of before this run.
#[derive(Debug, Clone, Copy)]
struct Revocation {
    at: Time,
    sequence: u64,
}

/// The groups of one user.
#[derive(Debug, Default)]
struct Granted {
    /// Where each began.
    from: Vec<(String, u64)>,
    /// When the user was first seen to have no connection.
    away_since: Option<Time>,
}

impl Standing {
    /// The log begins, or is another one: grants of before lie nowhere in it. Revocations hold all the same.
    pub(crate) fn begin(&self) {
        self.inner.lock().users.clear();
    }

    /// What was known when the store opened.
    pub(crate) fn load(&self, grants: Vec<Grant>, revocations: Vec<(Revoked, Time)>) {
        let mut inner = self.inner.lock();
        for grant in grants {
            inner.users.entry(grant.user).or_default().begin(grant.group, grant.from);
        }
        for (revoked, at) in revocations {
            inner.revoke(revoked, Revocation { at, sequence: 0 });
        }
    }

    /// Something is revoked of which the log has not told yet. Says whether that is news.
    pub(crate) fn foresee(&self, revoked: &Revoked, at: Time, sequence: u64) -> bool {
        let mut inner = self.inner.lock();
        let is_news = inner.revoked.get(revoked).is_none_or(|known| known.at < at);
        if is_news {
            inner.revoke(revoked.clone(), Revocation { at, sequence });
        }
        is_news
    }

    /// The next notice of the log.
    pub(crate) fn follow(&self, notice: &Notice, sequence: u64, at: Time) {
        let mut inner = self.inner.lock();
        match notice {
            Notice::Revoke { revoked, .. } => inner.revoke(revoked.clone(), Revocation { at, sequence }),
            Notice::Reauthorize { .. } => {}
            Notice::Grant { user, group } => {
                // The first of two grants that crossed stands.
                let granted = inner.users.entry(user.clone()).or_default();
                granted.begin(group.clone(), sequence);
            }
            Notice::Withdraw { user, group } => {
                if let Some(granted) = inner.users.get_mut(user) {
                    granted.from.retain(|(name, _)| name != group);
                    if granted.from.is_empty() {
                        inner.users.remove(user);
                    }
                }
            }
        }
    }

    /// Where each granted group of `user` begins.
    pub(crate) fn grants(&self, user: &str) -> BTreeMap<String, u64> {
        let mut inner = self.inner.lock();
        inner.users.get_mut(user).map_or_else(BTreeMap::new, |granted| {
            granted.away_since = None;
            granted.from.iter().cloned().collect()
        })
    }

    /// Whether these credentials were revoked after they were issued. `opened_at` is the head at which an
    /// open stream began: credentials that do not say when they were issued were so before that.
    pub(crate) fn refuses(
        &self,
        identity: &Identity,
        connection: Option<&str>,
        opened_at: Option<u64>,
    ) -> bool {
        self.revoked_at(identity, connection, opened_at).is_some()
    }

    /// Where in the log they were last revoked; 0 in one of before this run.
    pub(crate) fn revoked_at(
        &self,
        identity: &Identity,
        connection: Option<&str>,
        opened_at: Option<u64>,
    ) -> Option<u64> {
        let inner = self.inner.lock();
        let of = |revoked: Revoked| inner.revoked.get(&revoked).copied();
        let login = identity.login.clone().and_then(|login| of(Revoked::Login(login)));
        let connection = connection.and_then(|id| of(Revoked::Connection(id.to_owned())));
        let user = of(Revoked::User(identity.user.clone())).filter(|revocation| {
            identity.issued_at.map_or_else(
                || opened_at.is_some_and(|opened_at| opened_at < revocation.sequence),
                |issued| unix_time(issued) <= revocation.at,
            )
        });
        [login, connection, user].into_iter().flatten().map(|revocation| revocation.sequence).max()
    }

    /// Whether a stream that reads with `identity` outlives the revocation that it has met.
    pub(crate) fn outlives(&self, identity: &Identity, revoked: &Revoked) -> bool {
        let at = self.inner.lock().revoked.get(revoked).map(|revocation| revocation.at);
        match (revoked, at, identity.issued_at) {
            (Revoked::User(_), Some(at), Some(issued)) => unix_time(issued) > at,
            _ => false,
        }
    }

    /// Forgets the grants of users who have been away for a whole window, and revocations of credentials
    /// that have long expired.
    pub(crate) fn sweep(&self, now: Time, limits: &SweepLimits, is_here: impl Fn(&str) -> bool) {
        let mut inner = self.inner.lock();
        inner.users.retain(|user, granted| {
            if is_here(user) {
                granted.away_since = None;
                return true;
            }
            now.since(*granted.away_since.get_or_insert(now)) <= limits.window
        });
        while inner.revoked_order.front().is_some_and(|(at, _)| now.since(*at) > limits.revocations) {
            inner.forget_oldest_revocation();
        }
    }
}

/// How long [`Standing::sweep`] keeps what.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SweepLimits {
    pub(crate) window: std::time::Duration,
    pub(crate) revocations: std::time::Duration,
}

impl Granted {
    /// A group is granted from here on, unless it was before.
    fn begin(&mut self, group: String, from: u64) {
        if !self.from.iter().any(|(name, _)| *name == group) {
            self.from.reserve_exact(1);
            self.from.push((group, from));
        }
    }
}

impl Inner {
    fn revoke(&mut self, revoked: Revoked, revocation: Revocation) {
        if self.revoked_order.len() == REVOCATIONS_MAX {
            tracing::warn!("more than {REVOCATIONS_MAX} revocations: the oldest are forgotten");
            self.forget_oldest_revocation();
        }
        self.revoked.insert(revoked.clone(), revocation);
        self.revoked_order.push_back((revocation.at, revoked));
    }

    fn forget_oldest_revocation(&mut self) {
        if let Some((at, revoked)) = self.revoked_order.pop_front()
            && self.revoked.get(&revoked).is_some_and(|revocation| revocation.at == at)
        {
            self.revoked.remove(&revoked);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use super::*;

    const LIMITS: SweepLimits =
        SweepLimits { window: Duration::from_secs(600), revocations: Duration::from_secs(3_600) };

    fn at(seconds: u64) -> Time {
        Time::from_millis(seconds * 1_000)
    }

    fn grant(standing: &Standing, sequence: u64) {
        let notice = Notice::Grant { user: "coach".to_owned(), group: "team".to_owned() };
        standing.follow(&notice, sequence, at(0));
    }

    fn granted(standing: &Standing) -> Option<u64> {
        standing.grants("coach").get("team").copied()
    }

    #[test]
    fn of_grants_that_cross_the_first_stands_until_it_is_withdrawn() {
        let standing = Standing::default();
        grant(&standing, 3);
        grant(&standing, 4);
        assert_eq!(granted(&standing), Some(3));
        let notice = Notice::Withdraw { user: "coach".to_owned(), group: "team".to_owned() };
        standing.follow(&notice, 5, at(0));
        assert_eq!(granted(&standing), None);
        grant(&standing, 6);
        assert_eq!(granted(&standing), Some(6));
    }

    #[test]
    fn the_grants_of_who_was_away_for_a_whole_window_are_forgotten() {
        let standing = Standing::default();
        grant(&standing, 3);
        standing.sweep(at(0), &LIMITS, |_| false);
        standing.sweep(at(599), &LIMITS, |_| true);
        standing.sweep(at(700), &LIMITS, |_| false);
        standing.sweep(at(1_300), &LIMITS, |_| false);
        assert_eq!(granted(&standing), Some(3), "here in between, and not longer away than the window since");
        standing.sweep(at(1_300), &LIMITS, |_| false);
        standing.sweep(at(1_901), &LIMITS, |_| false);
        assert_eq!(granted(&standing), None);
    }

    #[test]
    fn a_revocation_refuses_what_was_issued_before_it_until_that_has_expired() {
        let standing = Standing::default();
        let issued = |seconds| UNIX_EPOCH + Duration::from_secs(seconds);
        let identity = |seconds| Identity::user("coach").issued_at(issued(seconds));
        let revoke = |seconds| {
            let revoked = Revoked::User("coach".to_owned());
            standing.follow(&Notice::Revoke { revoked, reason: String::new() }, seconds, at(seconds));
        };
        revoke(100);
        assert!(standing.refuses(&identity(100), None, None));
        assert!(!standing.refuses(&identity(101), None, None));
        revoke(200);
        assert!(standing.refuses(&identity(101), None, None), "the later one counts");
        standing.sweep(at(3_750), &LIMITS, |_| false);
        assert!(standing.refuses(&identity(101), None, None), "the first has gone, the second has not");
        standing.sweep(at(3_801), &LIMITS, |_| false);
        assert!(!standing.refuses(&identity(101), None, None));
    }
}
