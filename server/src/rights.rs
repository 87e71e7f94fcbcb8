//! What a stream may read, found out by asking `Authorize`, and the notices that asking writes to the log.

use std::{collections::BTreeSet, sync::Arc};

use axum::http::request::Parts;
use protocol::{Channel, ChannelSet, Covered, Notice};

use crate::{
    Identity, Refusal,
    authorize::Ask,
    connection::{Connection, Wish},
    shared::Shared,
    store::{Draft, Matter},
};

/// An answer of `Authorize`, and how far into the log it reaches.
#[derive(Debug, Clone)]
#[repr(C)]
pub(crate) struct Rights {
    pub(crate) covered: Vec<Covered>,
    /// Notices at or below are in the answer.
    pub(crate) rights_at: u64,
    pub(crate) identity: Identity,
    /// Which log that counts in: the one that was followed when the question was asked.
    pub(crate) generation: u64,
    /// Notices that asking itself has committed: they change nothing about the answer.
    pub(crate) own_notices: Vec<u64>,
}

/// A request that wants to read, and may be asked about again.
#[derive(Clone)]
pub(crate) struct Claim {
    pub(crate) authorize: Arc<dyn Ask>,
    pub(crate) parts: Arc<Parts>,
    /// The groups the client asked for; all that it may read when it named none.
    pub(crate) wanted: Wish,
    /// Those that the cursor it came with speaks for; all of them when it named none.
    pub(crate) known: Wish,
    /// The connection it will be, or is.
    pub(crate) connection_id: Arc<str>,
    /// The connection it says it was.
    pub(crate) predecessor: Option<String>,
    /// The head at which its stream began; absent until then.
    pub(crate) opened_at: Option<u64>,
}

/// A request that `Authorize` can be asked about.
#[derive(Clone)]
pub(crate) struct Credentials {
    authorize: Arc<dyn Ask>,
    parts: Arc<Parts>,
}

impl Credentials {
    /// Who it is, unless refused; when nobody answers, nobody knows.
    pub(crate) async fn identify(&self) -> Option<Identity> {
        self.authorize.ask(self.parts.clone()).await.ok()
    }
}

/// Why a claim gives no rights.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Denied {
    /// `Authorize` said so.
    Refused(Refusal),
    /// The credentials were revoked.
    Revoked,
    /// They ran out.
    Expired,
    /// `Authorize` answered something impossible, which was logged.
    Misconfigured,
}

impl Claim {
    /// Asks once. The answer holds from the position before the question; [`crate::log::Log::start`] and
    /// [`crate::log::Log::jump`] find out whether a notice lies in between.
    pub(crate) async fn ask(&self, shared: &Shared) -> Result<Rights, Denied> {
        let (before, generation) = shared.log.stand();
        let asked =
            tokio::time::timeout(shared.config.authorize_timeout, self.authorize.ask(self.parts.clone()));
        let mut identity = asked.await.unwrap_or(Err(Refusal::Unavailable)).map_err(Denied::Refused)?;
        identity.groups.sort_unstable();
        identity.groups.dedup();
        self.check(shared, &identity)?;
        let (grants, own_notices) = self.settle_groups(shared, &identity).await?;
        let covered = self.covered(&identity, grants)?;
        Ok(Rights { identity, covered, rights_at: before, generation, own_notices })
    }

    /// What `Authorize` is asked with, for others that want to know.
    pub(crate) fn credentials(&self) -> Credentials {
        Credentials { authorize: self.authorize.clone(), parts: self.parts.clone() }
    }

    fn check(&self, shared: &Shared, identity: &Identity) -> Result<(), Denied> {
        if identity.groups.len() > shared.config.groups_per_connection {
            tracing::error!(
                user = identity.user,
                groups = identity.groups.len(),
                "Authorize answered more groups than a connection may read"
            );
            return Err(Denied::Misconfigured);
        }
        if identity.expires_at.is_some_and(|at| shared.clock.until(at).is_zero()) {
            return Err(Denied::Expired);
        }
        let ids = [Some(&*self.connection_id), self.predecessor.as_deref()];
        if ids.into_iter().any(|id| shared.standing.refuses(identity, id, self.opened_at)) {
            return Err(Denied::Revoked);
        }
        Ok(())
    }

    /// Makes the log say which groups the user may read: grants before anything is written, and withdrawals
    /// of what is read no more, so that what is missed from here on is not taken for read. A group that this
    /// connection never read may be the right of another of the user's log-ins: then the connections that
    /// read it are asked about as well, since none of them may live until it would ask by itself.
    async fn settle_groups(
        &self,
        shared: &Shared,
        identity: &Identity,
    ) -> Result<(Vec<(String, u64)>, Vec<u64>), Denied> {
        let user = &identity.user;
        let mut own_notices = Vec::new();
        let granted = shared.standing.grants(user);
        let mut lost: Vec<_> = granted.keys().filter(|group| !identity.groups.contains(group)).collect();
        if !lost.is_empty() {
            let kept = self.kept_by_others(shared, user, &lost).await;
            lost.retain(|group| !kept.contains(*group));
        }
        let gained = identity.groups.iter().filter(|group| !granted.contains_key(*group));
        let grants = gained.map(|group| Notice::Grant { user: user.clone(), group: group.clone() });
        let withdrawals =
            lost.into_iter().map(|group| Notice::Withdraw { user: user.clone(), group: group.clone() });
        let notices: Vec<_> = grants.chain(withdrawals).collect();
        if !notices.is_empty() {
            let drafts = notices.into_iter().map(draft).collect::<Result<Vec<_>, _>>()?;
            let appended = shared.store.append(drafts, None).await.map_err(|error| {
                tracing::warn!(%error, "rights could not be committed");
                Denied::Refused(Refusal::Unavailable)
            })?;
            own_notices.extend(appended.ids.iter().map(protocol::EventId::sequence));
        }
        let granted = shared.standing.grants(user);
        let wanted = |group: &String| self.wanted.as_ref().is_none_or(|wanted| wanted.contains(group));
        let groups = identity.groups.iter().filter(|group| wanted(group));
        let head = shared.log.head().sequence();
        let from = groups.map(|group| (group.clone(), granted.get(group).copied().unwrap_or(head))).collect();
        Ok((from, own_notices))
    }

    /// Which of the groups that are not this connection's the user's others read, and may. Where one does not
    /// answer in time the group counts as lost: that is a gap at worst, and never a silence.
    async fn kept_by_others(&self, shared: &Shared, user: &str, lost: &[&String]) -> BTreeSet<String> {
        let of_user = shared.registry.of_user(user);
        let (own, others): (Vec<_>, Vec<_>) =
            of_user.iter().partition(|connection| connection.id == self.connection_id);
        let reads = |connection: &Arc<Connection>, group: &str| connection.reads_group(group);
        let mut open: Vec<_> =
            lost.iter().filter(|group| !own.iter().any(|connection| reads(connection, group))).collect();
        let mut kept = BTreeSet::new();
        let asking = async {
            for other in others {
                if !open.iter().any(|group| reads(other, group)) {
                    continue;
                }
                let Some(identity) = other.identify(shared).await.filter(|one| one.user == user) else {
                    continue;
                };
                open.retain(|group| {
                    let is_kept = identity.groups.contains(**group);
                    if is_kept {
                        kept.insert((**group).clone());
                    }
                    !is_kept
                });
            }
        };
        // Running out of time is an answer too.
        let _ = tokio::time::timeout(shared.config.authorize_timeout, asking).await;
        kept
    }

    fn covered(&self, identity: &Identity, groups: Vec<(String, u64)>) -> Result<Vec<Covered>, Denied> {
        let mut covered = vec![
            // First, since a reader looks for what an event is for in this order, and every stream reads it.
            Channel::all(),
            Channel::user(&identity.user).map_err(misconfigured)?,
            Channel::connection(&self.connection_id).map_err(misconfigured)?,
        ];
        if let Some(login) = &identity.login {
            covered.push(Channel::login(login).map_err(misconfigured)?);
        }
        let mut all = Vec::with_capacity(covered.len() + groups.len());
        all.extend(covered.into_iter().map(Covered::from_the_beginning));
        let mut covered = all;
        for (group, from) in groups {
            covered.push(Covered { channel: Channel::group(&group).map_err(misconfigured)?, from });
        }
        Ok(covered)
    }
}

impl Rights {
    /// The channels to be woken for.
    pub(crate) fn channels(&self) -> Vec<Channel> {
        self.covered.iter().map(|covered| covered.channel.clone()).collect()
    }

    /// The names of the groups that are read, sorted.
    pub(crate) fn groups(&self) -> Vec<&str> {
        let mut groups: Vec<_> =
            self.covered.iter().filter_map(|covered| covered.channel.group_name()).collect();
        groups.sort_unstable();
        groups
    }
}

/// The entry that carries a notice to the connections concerned.
pub(crate) fn draft(notice: Notice) -> Result<Draft, Denied> {
    let channels: ChannelSet = notice.channel().map_err(misconfigured)?.into();
    Ok(Draft { channels, matter: Matter::Notice(notice) })
}

fn misconfigured(error: protocol::ChannelError) -> Denied {
    tracing::error!(%error, "Authorize answered a user, login or group that cannot be one");
    Denied::Misconfigured
}
