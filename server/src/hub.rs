//! The server-side handle: send, presence, revoke, drain.

use std::{
    fmt,
    marker::PhantomData,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, Ordering},
    },
};

use protocol::{Contract, Epoch, EventId, Notice, Revoked, control::ContractVersion};

use crate::{
    Audience, Cause, Caused, Config, Connections, MetricsSnapshot, Presence, PresenceChanges, SendError,
    StartError, StoreError,
    clock::Clock,
    drain,
    foreign::ForeignCursors,
    limits::Addresses,
    log::Log,
    members::{Members, Teller},
    metrics::Metrics,
    presences::{self, Presences},
    random,
    registry::Registry,
    saving::{self, Saving},
    secret::Secret,
    shared::Shared,
    standing::Standing,
    store::{Appended, Draft, Elsewhere, EventLimits, Key, Matter, Member, Memory, Opening, Outbox, Store},
    sweep::Sweep,
    wheel::Wheel,
};

/// The header in which a page's data carries [`Hub::cursor`].
pub const CURSOR_HEADER: &str = "tidings-cursor";

/// A handle to send events of the contract `C` to whoever reads, cheap to clone.
///
/// # Example
/// ```
/// use tidings_server::{Audience, Hub, SendError, protocol::Contract};
/// async fn tell<C: Contract>(hub: &Hub<C>, event: &C) -> Result<(), SendError> {
///     let sent = hub.send(Audience::users(["coach", "coachee"]), event).await?;
///     println!("committed as {}", sent.id);
///     Ok(())
/// }
/// ```
pub struct Hub<C> {
    pub(crate) shared: Arc<Shared>,
    contract: PhantomData<fn() -> C>,
}

/// An event that is committed, at the level that the store states.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sent {
    /// Its place in the total order.
    pub id: EventId,
    /// It had been sent before under the same key: this is its id of then.
    pub duplicate: bool,
}

impl<C: Contract> Hub<C> {
    /// Opens the store, loads its window and begins a run.
    ///
    /// # Errors
    /// [`StartError`] when the store does not open.
    pub async fn start(config: Config, store: impl Store) -> Result<Self, StartError> {
        let clock = Clock::start();
        let offered = Secret::new(random::secret()?);
        let token = random::token()?;
        let epoch = Epoch::new(&token).map_err(|error| {
            StartError::Store(crate::StoreError::Corrupt(format!("a random token is no epoch: {error}")))
        })?;
        let registry = Arc::new(Registry::default());
        let standing = Arc::new(Standing::default());
        let metrics = Arc::new(Metrics::default());
        let log = Arc::new(Log::new(epoch.clone(), config.history, registry.clone(), standing.clone()));
        let store: Arc<dyn Store> = Arc::new(store);
        let opening = Opening {
            epoch,
            secret: offered.clone(),
            limits: config.history,
            clock,
            revocations_kept: config.revocations_kept,
            presence_lease: config.presence_lease,
            leave_grace: config.leave_grace.min(config.presence_lease / 3),
        };
        let opened = store.open(opening, log.clone()).await?;
        standing.load(opened.grants, opened.revocations);
        let presences = Arc::new(Presences::new(registry.clone(), &config, clock));
        presences.expect(opened.leases);
        let saving = Arc::new(Saving::new(&*store));
        saving.expect(opened.connections, clock.now() + config.presence_lease);
        let members = Arc::new(Members::new());
        let teller = Teller {
            members: Arc::downgrade(&members),
            store: store.clone(),
            log: log.clone(),
            registry: registry.clone(),
            name: config.instance.clone().unwrap_or(token),
        };
        let wheel = Arc::new(Wheel::new());
        let tasks = vec![
            tokio::spawn(wheel.clone().run()).abort_handle(),
            tokio::spawn(teller.run()).abort_handle(),
            tokio::spawn(presences::run(Arc::downgrade(&presences), store.clone())).abort_handle(),
            tokio::spawn(saving::run(saving.clone(), store.clone(), clock)).abort_handle(),
            tokio::spawn(
                Sweep {
                    log: log.clone(),
                    registry: registry.clone(),
                    standing: standing.clone(),
                    presences: presences.clone(),
                    saving: saving.clone(),
                    metrics: metrics.clone(),
                    config: config.clone(),
                    clock,
                }
                .run(),
            )
            .abort_handle(),
        ];
        let shared = Shared {
            config,
            clock,
            secret: opened.secret.unwrap_or(offered),
            contract: ContractVersion { revision: C::REVISION, hash: C::HASH.to_owned() },
            store,
            log,
            registry,
            standing,
            addresses: Addresses::default(),
            presences,
            saving,
            metrics,
            wheel,
            foreign: ForeignCursors::new(),
            members,
            draining: AtomicBool::new(false),
            drain_takes: OnceLock::new(),
            tasks,
        };
        Ok(Self { shared: Arc::new(shared), contract: PhantomData })
    }

    /// A hub over [`Memory`].
    ///
    /// # Errors
    /// [`StartError`] when the system gives no randomness.
    pub async fn in_memory(config: Config) -> Result<Self, StartError> {
        Self::start(config, Memory::new()).await
    }

    /// Sends an event; returns after its commit.
    ///
    /// # Errors
    /// [`SendError`]: nobody has received the event, or its commit is unknown.
    pub async fn send(&self, audience: impl Into<Audience>, event: &C) -> Result<Sent, SendError> {
        self.caused_by(Cause::default()).send(audience, event).await
    }

    /// Sends several events next to each other in the order: all of them, or none.
    ///
    /// # Errors
    /// As [`Hub::send`].
    pub async fn send_all(
        &self,
        batch: impl IntoIterator<Item = (Audience, C)>,
    ) -> Result<Vec<Sent>, SendError> {
        self.caused_by(Cause::default()).send_all(batch).await
    }

    /// Sends an event once per `key` and five minutes, whoever of several instances or tries comes first.
    ///
    /// # Errors
    /// [`SendError::KeyConflict`] when another event or audience was sent under the key, else as
    /// [`Hub::send`].
    pub async fn send_once(
        &self,
        key: &str,
        audience: impl Into<Audience>,
        event: &C,
    ) -> Result<Sent, SendError> {
        self.caused_by(Cause::default()).send_once(key, audience, event).await
    }

    /// Tells that something in the app failed.
    ///
    /// # Errors
    /// As [`Hub::send`].
    pub async fn application_error(
        &self,
        audience: impl Into<Audience>,
        error: C::ApplicationError,
    ) -> Result<Sent, SendError> {
        self.caused_by(Cause::default()).application_error(audience, error).await
    }

    /// The same, with the request that causes it in the events' `meta`.
    pub fn caused_by(&self, cause: Cause) -> Caused<'_, C> {
        Caused { hub: self, cause }
    }

    /// Where a page stands whose data is read after this: hand it out with the data, in
    /// [`CURSOR_HEADER`] or the payload, and the page's stream goes on from there.
    pub fn cursor(&self) -> EventId {
        self.shared.log.head()
    }

    /// Takes credentials away: the streams they opened get `last_event`, if any, say goodbye and end; those
    /// issued before this stay refused. Returns after the commit.
    ///
    /// # Errors
    /// As [`Hub::send`].
    pub async fn revoke(
        &self,
        revoked: Revoked,
        reason: &str,
        last_event: Option<&C>,
    ) -> Result<Sent, SendError> {
        self.append_one(self.revocation(revoked, reason, last_event)?, None).await
    }

    /// Makes a revocation part of the app's own transaction, such as the one that deletes log-ins: it comes if
    /// and only if that commits. See [`Outbox::enqueue`].
    ///
    /// # Errors
    /// As [`Outbox::send_in`].
    pub async fn revoke_in<S: Outbox>(
        &self,
        store: &S,
        transaction: &mut S::Connection,
        revoked: Revoked,
        reason: &str,
        last_event: Option<&C>,
    ) -> Result<(), SendError> {
        for draft in self.revocation(revoked, reason, last_event)? {
            store.enqueue(transaction, draft).await?;
        }
        Ok(())
    }

    /// Has `Authorize` asked again about every stream of `user`, which writes nothing sent after this until
    /// the answer is there. Returns after the commit.
    ///
    /// # Errors
    /// As [`Hub::send`].
    pub async fn reauthorize(&self, user: &str) -> Result<Sent, SendError> {
        let notice = Notice::Reauthorize { user: user.to_owned() };
        let channels = notice.channel().map_err(crate::AudienceError::from)?.into();
        self.append_one(vec![Draft { channels, matter: Matter::Notice(notice) }], None).await
    }

    /// Whether `user` is here, over all connections to all instances. What was read after [`Hub::cursor`] is changed
    /// by events behind that cursor only, if the app sends one for each of [`Hub::presence_changes`].
    ///
    /// # Errors
    /// [`StoreError`] when the user is not at this instance and the store, which knows of the others, does not answer.
    pub async fn presence(&self, user: &str) -> Result<Presence, StoreError> {
        let here = self.shared.presences.of(user);
        if here == Presence::Online {
            return Ok(here);
        }
        let anywhere = self.shared.store.presence(user).await?;
        Ok(here.or(anywhere))
    }

    /// The changes of presence from now on that this instance has to announce: all, where it is the only one.
    pub fn presence_changes(&self) -> PresenceChanges {
        self.shared.presences.changes()
    }

    /// The open streams: by user and by id.
    pub fn connections(&self) -> Connections<'_> {
        Connections { registry: &self.shared.registry, saving: &self.shared.saving }
    }

    /// The streams that are open on the other instances of a shared log, each with the instance that has it: as of a
    /// second ago, and without those of an instance that has just begun. [`Hub::connections`] has this one's.
    ///
    /// # Errors
    /// [`StoreError`] when the store does not answer.
    pub async fn connections_elsewhere(&self) -> Result<Vec<Elsewhere>, StoreError> {
        self.shared.store.elsewhere().await
    }

    /// Refuses new streams and says goodbye to the open ones, evenly paced; returns when all have been told.
    pub async fn drain(&self) {
        drain::run(&self.shared).await;
    }

    /// Ends the run after a drain: what is known of the open streams is saved, so that the next run expects them
    /// back, and the store is let go of. Sends fail from here on. [`crate::serve`] does both.
    ///
    /// # Errors
    /// [`StoreError`] when the store could not finish.
    pub async fn close(&self) -> Result<(), StoreError> {
        self.shared.draining.store(true, Ordering::Release);
        self.shared.saving.flush(&*self.shared.store).await;
        if let Err(error) = self.shared.presences.hand_over(&*self.shared.store).await {
            tracing::warn!(%error, "the other instances were not told whom to expect");
        }
        self.shared.store.close().await
    }

    /// Whether what other instances commit reaches this one, as far as is known. `false` while the store cannot be
    /// reached: streams stay open, and are given nothing newer; send new clients elsewhere.
    pub fn reaches_store(&self) -> bool {
        self.shared.store.is_followed()
    }

    /// The instances that share the log, this one among them, as of two seconds ago at most; by their names.
    pub fn members(&self) -> Vec<Member> {
        self.shared.members.known()
    }

    /// What this hub has done so far.
    pub fn metrics(&self) -> MetricsSnapshot {
        self.shared.metrics.snapshot()
    }

    /// The last event, if any, then the revocation.
    fn revocation(
        &self,
        revoked: Revoked,
        reason: &str,
        last_event: Option<&C>,
    ) -> Result<Vec<Draft>, SendError> {
        let notice = Notice::Revoke { revoked, reason: reason.to_owned() };
        let channel = notice.channel().map_err(crate::AudienceError::from)?;
        let mut drafts = Vec::with_capacity(2);
        if let Some(event) = last_event {
            drafts.push(self.draft(Audience::channel(channel.clone()), event, &Cause::default())?);
        }
        drafts.push(Draft { channels: channel.into(), matter: Matter::Notice(notice) });
        Ok(drafts)
    }

    pub(crate) fn draft(&self, audience: Audience, event: &C, cause: &Cause) -> Result<Draft, SendError> {
        let limits =
            EventLimits { max_event_bytes: self.shared.config.max_event_bytes, now: self.shared.clock.now() };
        Draft::event(audience, event, cause, limits)
    }

    pub(crate) async fn append(&self, drafts: Vec<Draft>, key: Option<Key>) -> Result<Appended, SendError> {
        let events =
            drafts.iter().filter(|draft| matches!(draft.matter, Matter::Event { .. })).count() as u64;
        let appended = self.shared.store.append(drafts, key).await?;
        if !appended.duplicate {
            self.shared.metrics.events_sent.add(events);
        }
        Ok(appended)
    }

    /// Appends drafts of which the last is the one that was asked for.
    pub(crate) async fn append_one(&self, drafts: Vec<Draft>, key: Option<Key>) -> Result<Sent, SendError> {
        let Appended { mut ids, duplicate } = self.append(drafts, key).await?;
        let id = ids.pop().ok_or_else(|| {
            SendError::Store(crate::StoreError::Corrupt("the store gave an entry no id".to_owned()))
        })?;
        Ok(Sent { id, duplicate })
    }
}

impl<C> Clone for Hub<C> {
    fn clone(&self) -> Self {
        Self { shared: self.shared.clone(), contract: PhantomData }
    }
}

impl<C> fmt::Debug for Hub<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hub").field("head", &self.shared.log.head()).finish_non_exhaustive()
    }
}
