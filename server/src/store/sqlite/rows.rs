//! An entry as it lies in the file.

use bytes::Bytes;
use protocol::{Channel, ChannelSet, Delivery, EncodedEvent, Entry, EventId, Notice, Payload, Time};
use sqlx::SqliteConnection;

use super::retention::Held;
use crate::store::{Draft, Matter};

/// Rows that one statement writes: a round trip to the connection's thread costs as much as a few rows.
const ROWS_MAX: usize = 32;

/// What a body is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Durable,
    LiveOnly,
    Notice,
}

impl Kind {
    pub(super) const fn code(self) -> i64 {
        match self {
            Self::Durable => 0,
            Self::LiveOnly => 1,
            Self::Notice => 2,
        }
    }

    const fn of(code: i64) -> Option<Self> {
        match code {
            0 => Some(Self::Durable),
            1 => Some(Self::LiveOnly),
            2 => Some(Self::Notice),
            _ => None,
        }
    }
}

/// An entry of which the file has a row, or will have.
#[derive(Debug)]
pub(super) struct Row {
    sequence: u64,
    at: Time,
    kind: Kind,
    channels: String,
    /// What the row keeps: none of a live-only event.
    body: Option<Bytes>,
}

impl Row {
    /// Gives a draft its place.
    pub(super) fn place(draft: Draft, id: EventId, at: Time) -> (Self, Entry) {
        let (sequence, channels) = (id.sequence(), lines(&draft.channels));
        let (kind, body, payload) = match draft.matter {
            Matter::Event { encoded, delivery } => {
                let length = encoded.body().len();
                let block = encoded.place(&id, &draft.channels);
                let body =
                    (delivery == Delivery::Durable).then(|| block.whole().slice(block.len() - length..));
                (kind_of(delivery), body, Payload::Event { block, delivery })
            }
            Matter::Notice(notice) => (Kind::Notice, Some(json(&notice).into()), Payload::Notice(notice)),
        };
        let row = Self { sequence, at, kind, channels, body };
        (row, Entry { id, channels: draft.channels, at, payload })
    }

    pub(super) fn held(&self) -> Held {
        let bytes = self.channels.len() + self.body.as_ref().map_or(0, Bytes::len);
        let bytes = u32::try_from(bytes).unwrap_or(u32::MAX);
        Held { sequence: self.sequence, at: self.at, bytes, durable: self.kind == Kind::Durable }
    }

    /// Writes rows of one run, in the transaction that is open.
    pub(super) async fn insert(
        rows: &[Self],
        epoch: i64,
        connection: &mut SqliteConnection,
    ) -> Result<(), sqlx::Error> {
        let (many, single) = (insertion(ROWS_MAX), insertion(1));
        let mut chunks = rows.chunks_exact(ROWS_MAX);
        for chunk in &mut chunks {
            Self::insert_by(&many, chunk, epoch, connection).await?;
        }
        for row in chunks.remainder() {
            Self::insert_by(&single, std::slice::from_ref(row), epoch, connection).await?;
        }
        Ok(())
    }

    async fn insert_by(
        sql: &str,
        rows: &[Self],
        epoch: i64,
        connection: &mut SqliteConnection,
    ) -> Result<(), sqlx::Error> {
        let mut query = sqlx::query(sql);
        for row in rows {
            query = query
                .bind(signed(row.sequence))
                .bind(epoch)
                .bind(signed(row.at.as_millis()))
                .bind(row.kind.code())
                .bind(&row.channels)
                .bind(row.body.as_deref());
        }
        query.execute(connection).await?;
        Ok(())
    }
}

fn insertion(rows: usize) -> String {
    let places = vec!["(?, ?, ?, ?, ?, ?)"; rows].join(", ");
    format!("INSERT INTO tidings_entries (sequence, epoch, at, kind, channels, body) VALUES {places}")
}

/// What a row says, or in which way it says nothing.
pub(super) fn read(
    id: EventId,
    at: i64,
    kind: i64,
    channels: &str,
    body: Option<&[u8]>,
) -> Result<Entry, &'static str> {
    let channels = channel_set(channels)?;
    let payload = match (Kind::of(kind), body) {
        (Some(Kind::LiveOnly), _) => Payload::Past,
        (Some(Kind::Durable), Some(body)) => {
            let block = EncodedEvent::from_body(body).place(&id, &channels);
            Payload::Event { block, delivery: Delivery::Durable }
        }
        (Some(Kind::Notice), Some(body)) => Payload::Notice(notice(body)?),
        (Some(_), None) => return Err("has no body"),
        (None, _) => return Err("is of no known kind"),
    };
    Ok(Entry { id, channels, at: time(at), payload })
}

/// What a row of the outbox says.
pub(super) fn read_draft(kind: i64, channels: &str, body: &[u8]) -> Result<Draft, &'static str> {
    let event = |delivery| Matter::Event { encoded: EncodedEvent::from_body(body), delivery };
    let matter = match Kind::of(kind) {
        Some(Kind::Durable) => event(Delivery::Durable),
        Some(Kind::LiveOnly) => event(Delivery::LiveOnly),
        Some(Kind::Notice) => Matter::Notice(notice(body)?),
        None => return Err("is of no known kind"),
    };
    Ok(Draft { channels: channel_set(channels)?, matter })
}

pub(super) const fn kind_of(delivery: Delivery) -> Kind {
    match delivery {
        Delivery::Durable => Kind::Durable,
        Delivery::LiveOnly => Kind::LiveOnly,
    }
}

/// Channels one a line: a name holds no control character.
pub(super) fn lines(channels: &ChannelSet) -> String {
    channels.iter().map(Channel::as_str).collect::<Vec<_>>().join("\n")
}

fn channel_set(lines: &str) -> Result<ChannelSet, &'static str> {
    let channels: Result<Vec<_>, _> = lines.split('\n').map(Channel::parse).collect();
    ChannelSet::new(channels.map_err(|_| "has no valid channels")?).map_err(|_| "has no valid channels")
}

/// A struct of strings, which always serialises.
pub(super) fn json(notice: &Notice) -> String {
    serde_json::to_string(notice).unwrap_or_default()
}

fn notice(json: &[u8]) -> Result<Notice, &'static str> {
    serde_json::from_slice(json).map_err(|_| "is no notice")
}

/// SQLite's integers are signed. A sequence or a time that ends there ends in 292 million years.
pub(super) fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// The same back; below zero is nothing of ours.
pub(super) fn unsigned(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}

pub(super) fn time(millis: i64) -> Time {
    Time::from_millis(unsigned(millis))
}
