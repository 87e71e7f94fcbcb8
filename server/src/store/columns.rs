//! How an entry lies in a store that instances share: drafts as columns, and columns as entries.

use protocol::{Channel, ChannelSet, Delivery, EncodedEvent, Entry, Epoch, Notice, Payload, Revoked, Time};

use super::{Draft, Matter, StoreError};

const DURABLE: i16 = 0;
const LIVE_ONLY: i16 = 1;
const REVOKE: i16 = 2;
const REAUTHORIZE: i16 = 3;
const GRANT: i16 = 4;
const WITHDRAW: i16 = 5;

/// A draft as the columns it is stored in.
#[derive(Debug)]
pub(super) struct Columns {
    pub(super) kind: i16,
    /// One per line: no channel has a control character in it.
    pub(super) channels: String,
    pub(super) body: Vec<u8>,
    pub(super) subject: Option<String>,
    pub(super) granted: Option<String>,
}

impl Columns {
    pub(super) fn of(draft: Draft) -> Result<Self, StoreError> {
        let channels: Vec<_> = draft.channels.iter().map(Channel::as_str).collect();
        let channels = channels.join("\n");
        match draft.matter {
            Matter::Event { encoded, delivery } => {
                let kind = if delivery == Delivery::LiveOnly { LIVE_ONLY } else { DURABLE };
                let body = encoded.body().to_vec();
                Ok(Self { kind, channels, body, subject: None, granted: None })
            }
            Matter::Notice(notice) => {
                let body = serde_json::to_vec(&notice)
                    .map_err(|error| StoreError::Corrupt(format!("a notice does not serialise: {error}")))?;
                let (kind, subject, granted) = Self::of_notice(notice)?;
                Ok(Self { kind, channels, body, subject: Some(subject), granted })
            }
        }
    }

    /// What the tables of rights are made of. All of it could be a channel's name, so that a
    /// database takes it as text.
    fn of_notice(notice: Notice) -> Result<(i16, String, Option<String>), StoreError> {
        let impossible = |error| StoreError::Corrupt(format!("a notice about what cannot be: {error}"));
        let channel = notice.channel().map_err(impossible)?;
        Ok(match notice {
            Notice::Revoke { .. } => (REVOKE, channel.as_str().to_owned(), None),
            Notice::Reauthorize { user } => (REAUTHORIZE, user, None),
            Notice::Grant { user, group } => {
                Channel::group(&group).map_err(impossible)?;
                (GRANT, user, Some(group))
            }
            Notice::Withdraw { user, group } => {
                Channel::group(&group).map_err(impossible)?;
                (WITHDRAW, user, Some(group))
            }
        })
    }

    /// Bytes it takes.
    pub(super) fn len(&self) -> usize {
        self.body.len() + self.channels.len()
    }
}

/// An entry that has its place, as it lies in the store.
#[derive(Debug)]
pub(super) struct Placed<'a> {
    pub(super) sequence: u64,
    pub(super) epoch: Epoch,
    /// What its sender knows it by, where the sender does not know its id.
    pub(super) ticket: Option<i64>,
    pub(super) at: Time,
    pub(super) kind: i16,
    pub(super) channels: &'a str,
    pub(super) body: &'a [u8],
}

impl Placed<'_> {
    /// The entry. A `past` one is of before this instance began: its live-only payload is for nobody here.
    pub(super) fn entry(&self, past: bool) -> Result<Entry, StoreError> {
        let channels = self.channels.split('\n').map(Channel::parse).collect::<Result<Vec<_>, _>>();
        let channels = ChannelSet::new(channels.map_err(corrupt)?).map_err(corrupt)?;
        let id = self.epoch.at(self.sequence);
        let event = |delivery| {
            let block = EncodedEvent::from_body(self.body).place(&id, &channels);
            Payload::Event { block, delivery }
        };
        let payload = match self.kind {
            DURABLE => event(Delivery::Durable),
            LIVE_ONLY if past => Payload::Past,
            LIVE_ONLY => event(Delivery::LiveOnly),
            REVOKE..=WITHDRAW => Payload::Notice(serde_json::from_slice(self.body).map_err(corrupt)?),
            kind => return Err(StoreError::Corrupt(format!("an entry of kind {kind}"))),
        };
        Ok(Entry { channels, at: self.at, payload, id })
    }
}

/// What was revoked, from the channel on which that was told.
pub(super) fn revoked(channel: &str) -> Result<Revoked, StoreError> {
    match channel.split_once(':') {
        Some(("user", user)) => Ok(Revoked::User(user.to_owned())),
        Some(("login", login)) => Ok(Revoked::Login(login.to_owned())),
        Some(("connection", connection)) => Ok(Revoked::Connection(connection.to_owned())),
        _ => Err(StoreError::Corrupt(format!("a revocation of {channel:?}"))),
    }
}

/// What is stored cannot be read.
pub(super) fn corrupt(error: impl std::fmt::Display) -> StoreError {
    StoreError::Corrupt(error.to_string())
}
