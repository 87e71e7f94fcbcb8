//! Drafts as rows of the outbox, and rows of the log as entries.

use protocol::{Channel, ChannelSet, Delivery, EncodedEvent, Entry, Epoch, Notice, Payload, Revoked, Time};
use sqlx::{Row as _, postgres::PgRow};

use crate::store::{Draft, Matter, StoreError};

const DURABLE: i16 = 0;
const LIVE_ONLY: i16 = 1;
const REVOKE: i16 = 2;
const REAUTHORIZE: i16 = 3;
const GRANT: i16 = 4;
const WITHDRAW: i16 = 5;

/// A draft as the columns of the outbox.
#[derive(Debug)]
pub(super) struct Columns {
    kind: i16,
    /// One per line: no channel has a control character in it.
    channels: String,
    body: Vec<u8>,
    subject: Option<String>,
    granted: Option<String>,
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

    /// What the tables of rights are made of. All of it could be a channel's name, so that PostgreSQL takes
    /// it as text.
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

/// Drafts as arrays, one per column of the outbox: one statement inserts them all.
#[derive(Debug, Default)]
pub(super) struct Arrays<'a> {
    kinds: Vec<i16>,
    channels: Vec<&'a str>,
    bodies: Vec<&'a [u8]>,
    subjects: Vec<Option<&'a str>>,
    granted: Vec<Option<&'a str>>,
}

/// Reads [`Arrays`] as rows with their positions, from the arguments `$1` to `$5`.
pub(super) const ROWS: &str = "unnest($1::smallint[], $2::text[], $3::bytea[], $4::text[], $5::text[])
    WITH ORDINALITY AS r (kind, channels, body, subject, granted, position)";

impl<'a> Arrays<'a> {
    pub(super) fn of(columns: impl Iterator<Item = &'a Columns>) -> Self {
        let mut arrays = Self::default();
        for row in columns {
            arrays.kinds.push(row.kind);
            arrays.channels.push(&row.channels);
            arrays.bodies.push(&row.body);
            arrays.subjects.push(row.subject.as_deref());
            arrays.granted.push(row.granted.as_deref());
        }
        arrays
    }

    /// A statement with these as its first five arguments.
    pub(super) fn bind(self, text: &'a str) -> super::session::Statement<'a> {
        sqlx::query(text)
            .bind(self.kinds)
            .bind(self.channels)
            .bind(self.bodies)
            .bind(self.subjects)
            .bind(self.granted)
    }
}

/// A row of the log.
#[derive(Debug)]
pub(super) struct Placed {
    pub(super) sequence: u64,
    pub(super) epoch: Epoch,
    /// What [`super::tickets::Tickets`] knows its sender by; none for what came by the app's transaction.
    pub(super) ticket: Option<i64>,
    row: PgRow,
}

impl Placed {
    pub(super) fn of(row: PgRow) -> Result<Self, StoreError> {
        let sequence: i64 = row.try_get("sequence").map_err(corrupt)?;
        Ok(Self {
            sequence: number(sequence)?,
            epoch: epoch(row.try_get("token").map_err(corrupt)?)?,
            ticket: row.try_get("ticket").map_err(corrupt)?,
            row,
        })
    }

    /// The entry. A `past` one is of before this instance began: its live-only payload is for nobody here.
    pub(super) fn entry(&self, past: bool) -> Result<Entry, StoreError> {
        let at: i64 = self.row.try_get("at").map_err(corrupt)?;
        let channels: &str = self.row.try_get("channels").map_err(corrupt)?;
        let channels = channels.split('\n').map(Channel::parse).collect::<Result<Vec<_>, _>>();
        let id = self.epoch.at(self.sequence);
        let body: &[u8] = self.row.try_get("body").map_err(corrupt)?;
        let kind: i16 = self.row.try_get("kind").map_err(corrupt)?;
        let event = |delivery| Payload::Event { frame: EncodedEvent::from_body(body).place(&id), delivery };
        let payload = match kind {
            DURABLE => event(Delivery::Durable),
            LIVE_ONLY if past => Payload::Past,
            LIVE_ONLY => event(Delivery::LiveOnly),
            REVOKE..=WITHDRAW => Payload::Notice(serde_json::from_slice(body).map_err(corrupt)?),
            _ => return Err(StoreError::Corrupt(format!("an entry of kind {kind}"))),
        };
        Ok(Entry {
            channels: ChannelSet::new(channels.map_err(corrupt)?).map_err(corrupt)?,
            at: Time::from_millis(number(at)?),
            payload,
            id,
        })
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

/// A sequence or a time, which the database keeps as a signed number.
pub(super) fn number(stored: i64) -> Result<u64, StoreError> {
    u64::try_from(stored).map_err(corrupt)
}

/// The same, to be stored; what no database of ours has ever counted to becomes its greatest.
pub(super) fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// An epoch from its token.
pub(super) fn epoch(token: &str) -> Result<Epoch, StoreError> {
    Epoch::new(token).map_err(corrupt)
}

/// What is stored cannot be read.
pub(super) fn corrupt(error: impl std::fmt::Display) -> StoreError {
    StoreError::Corrupt(error.to_string())
}
