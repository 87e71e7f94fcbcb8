//! The stream of a client's items.

use std::{
    fmt,
    future::poll_fn,
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use futures_core::Stream;
use protocol::{Contract, EventId, State};
use tokio::{
    sync::{Notify, watch},
    task::AbortHandle,
};

use crate::{
    ClientBuilder, Error, Item,
    cursor::{Answer, Keep},
    queue::{Entry, Inbox},
};

/// A stream of one contract's events. Made by [`Client::builder`].
///
/// It reconnects for ever and ends when nothing more can come by itself: after [`State::Unauthorized`] or
/// [`State::Closed`]. Dropping it closes its socket and ends its task at once.
pub struct Client<C> {
    inbox: Inbox<C>,
    driver: AbortHandle,
    state: watch::Receiver<State>,
    reconnect: Arc<Notify>,
    cursors: Cursors,
}

/// Positions on their way from "given out" to "kept".
pub(crate) struct Cursors {
    /// Where the client stands once the item given out last is handled.
    given: Option<EventId>,
    /// Where it stands.
    handled: Option<EventId>,
    store: Option<Arc<dyn Keep>>,
    saving: Option<Answer<()>>,
}

impl<C: Contract> Client<C> {
    /// A client of the stream at `url`.
    pub fn builder(url: impl Into<String>) -> ClientBuilder<C> {
        ClientBuilder::new(url.into())
    }
}

impl<C> Client<C> {
    pub(crate) const fn new(
        inbox: Inbox<C>,
        driver: AbortHandle,
        state: watch::Receiver<State>,
        reconnect: Arc<Notify>,
        cursors: Cursors,
    ) -> Self {
        Self { inbox, driver, state, reconnect, cursors }
    }

    /// The next item; asking for it says that the one before is handled. `None` when the stream is over. Nothing is
    /// lost when the future is dropped.
    pub async fn next(&mut self) -> Option<Item<C>> {
        poll_fn(|context| self.poll_item(context)).await
    }

    /// The state now, which the items may not have come to yet.
    pub fn state(&self) -> State {
        self.state.borrow().clone()
    }

    /// The state as something to wait on, from any task.
    pub fn states(&self) -> watch::Receiver<State> {
        self.state.clone()
    }

    /// The position up to which every item has been handled.
    pub const fn last_event_id(&self) -> Option<&EventId> {
        self.cursors.handled.as_ref()
    }

    /// Drops the connection, if any, and tries now: the network is back, or the user has asked.
    pub fn reconnect(&self) {
        self.reconnect.notify_one();
    }

    /// Ends the client with the item given out last as handled.
    ///
    /// # Errors
    /// When the position could not be saved.
    pub async fn close(mut self) -> io::Result<()> {
        self.driver.abort();
        poll_fn(|context| {
            loop {
                ready!(self.cursors.poll_saved(context))?;
                if !self.cursors.advance() {
                    return Poll::Ready(Ok(()));
                }
            }
        })
        .await
    }

    fn poll_item(&mut self, context: &mut Context<'_>) -> Poll<Option<Item<C>>> {
        loop {
            if let Err(error) = ready!(self.cursors.poll_saved(context)) {
                return Poll::Ready(Some(Item::Error(Error::Cursor(Arc::new(error)))));
            }
            if self.cursors.advance() {
                continue;
            }
            let Some(entry) = ready!(self.inbox.entries.poll_recv(context)) else { return Poll::Ready(None) };
            self.inbox.note(&entry);
            let Entry { item, position } = entry;
            self.cursors.given = position;
            if let Some(item) = item {
                return Poll::Ready(Some(item));
            }
        }
    }
}

impl<C> Stream for Client<C> {
    type Item = Item<C>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Item<C>>> {
        self.get_mut().poll_item(context)
    }
}

impl<C> Drop for Client<C> {
    fn drop(&mut self) {
        self.driver.abort();
    }
}

impl<C> fmt::Debug for Client<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("state", &*self.state.borrow())
            .field("last_event_id", &self.cursors.handled)
            .finish_non_exhaustive()
    }
}

impl Cursors {
    pub(crate) const fn new(from: Option<EventId>, store: Option<Arc<dyn Keep>>) -> Self {
        Self { given: None, handled: from, store, saving: None }
    }

    fn poll_saved(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let Some(saving) = &mut self.saving else { return Poll::Ready(Ok(())) };
        let saved = ready!(saving.as_mut().poll(context));
        self.saving = None;
        Poll::Ready(saved)
    }

    /// What was given out last is handled; whether that is to be saved now.
    fn advance(&mut self) -> bool {
        let Some(position) = self.given.take() else { return false };
        if let Some(store) = &self.store {
            self.saving = Some(store.clone().save(position.clone()));
        }
        self.handled = Some(position);
        self.saving.is_some()
    }
}
