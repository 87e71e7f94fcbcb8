//! Sending, with the request that causes an event in its `meta`.

use protocol::{Contract, Envelope, Meta};
use sha2::{Digest, Sha256};

use crate::{
    Audience, Cause, Hub, SendError, Sent,
    store::{Appended, Key, Outbox},
};

/// The longest key of [`Hub::send_once`].
const KEY_BYTES_MAX: usize = 128;

/// A hub whose events carry what caused them.
#[derive(Debug)]
pub struct Caused<'a, C> {
    pub(crate) hub: &'a Hub<C>,
    pub(crate) cause: Cause,
}

impl<C: Contract> Caused<'_, C> {
    /// See [`Hub::send`].
    ///
    /// # Errors
    /// As there.
    pub async fn send(&self, audience: impl Into<Audience>, event: &C) -> Result<Sent, SendError> {
        let draft = self.hub.draft(audience.into(), event, &self.cause)?;
        self.hub.append_one(vec![draft], None).await
    }

    /// See [`Hub::send_all`].
    ///
    /// # Errors
    /// As there.
    pub async fn send_all(
        &self,
        batch: impl IntoIterator<Item = (Audience, C)>,
    ) -> Result<Vec<Sent>, SendError> {
        let drafts = batch.into_iter().map(|(audience, event)| self.hub.draft(audience, &event, &self.cause));
        let drafts = drafts.collect::<Result<Vec<_>, _>>()?;
        if drafts.is_empty() {
            return Ok(Vec::new());
        }
        let Appended { ids, duplicate } = self.hub.append(drafts, None).await?;
        Ok(ids.into_iter().map(|id| Sent { id, duplicate }).collect())
    }

    /// See [`Hub::send_once`].
    ///
    /// # Errors
    /// As there.
    pub async fn send_once(
        &self,
        key: &str,
        audience: impl Into<Audience>,
        event: &C,
    ) -> Result<Sent, SendError> {
        if !(1..=KEY_BYTES_MAX).contains(&key.len()) {
            return Err(SendError::Key);
        }
        let draft = self.hub.draft(audience.into(), event, &self.cause)?;
        // The payload without its meta, which tells every try from the other.
        let mut digest = Sha256::new();
        digest.update(Envelope::write(event, &Meta::default())?);
        for channel in &draft.channels {
            digest.update([0]);
            digest.update(channel.as_str());
        }
        let key = Key { name: key.to_owned(), digest: digest.finalize().into() };
        self.hub.append_one(vec![draft], Some(key)).await
    }

    /// Makes an event part of the app's own transaction: it is sent if and only if that commits. See
    /// [`Outbox::enqueue`].
    ///
    /// # Errors
    /// As [`Outbox::send_in`].
    pub async fn send_in<S: Outbox>(
        &self,
        store: &S,
        transaction: &mut S::Connection,
        audience: impl Into<Audience>,
        event: &C,
    ) -> Result<(), SendError> {
        let draft = self.hub.draft(audience.into(), event, &self.cause)?;
        Ok(store.enqueue(transaction, draft).await?)
    }

    /// See [`Hub::application_error`].
    ///
    /// # Errors
    /// As there.
    pub async fn application_error(
        &self,
        audience: impl Into<Audience>,
        error: C::ApplicationError,
    ) -> Result<Sent, SendError> {
        self.send(audience, &C::application_error(error)).await
    }
}
