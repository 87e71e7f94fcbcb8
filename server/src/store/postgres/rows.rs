//! Drafts as rows of the outbox, and rows of the log as entries.

use protocol::{Epoch, Time};
use sqlx::{Row as _, postgres::PgRow};

use crate::store::{
    StoreError,
    columns::{Columns, Placed},
    lineage::Lineage,
};

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

/// An entry from its row of the log.
pub(super) fn placed(row: &PgRow) -> Result<Placed<'_>, StoreError> {
    let sequence: i64 = row.try_get("sequence").map_err(corrupt)?;
    let at: i64 = row.try_get("at").map_err(corrupt)?;
    Ok(Placed {
        sequence: number(sequence)?,
        epoch: epoch(row.try_get("token").map_err(corrupt)?)?,
        ticket: row.try_get("ticket").map_err(corrupt)?,
        at: Time::from_millis(number(at)?),
        kind: row.try_get("kind").map_err(corrupt)?,
        channels: row.try_get("channels").map_err(corrupt)?,
        body: row.try_get("body").map_err(corrupt)?,
    })
}

/// What the database says about its epochs, from the rows of [`LINEAGE`]; nothing while the log has none yet.
pub(super) fn lineage(rows: &[PgRow]) -> Result<Option<Lineage>, StoreError> {
    let Some(first) = rows.first() else { return Ok(None) };
    let epochs = rows.iter().map(|row| {
        let ended: Option<i64> = row.try_get("ended").map_err(corrupt)?;
        Ok((epoch(row.try_get("token").map_err(corrupt)?)?, ended.map(number).transpose()?))
    });
    Ok(Some(Lineage {
        epochs: epochs.collect::<Result<_, StoreError>>()?,
        head: number(first.try_get("sequence").map_err(corrupt)?)?,
        removed: number(first.try_get("removed").map_err(corrupt)?)?,
        floor: number(first.try_get("floor").map_err(corrupt)?)?,
    }))
}

/// A row per epoch, each with the head.
pub(super) const LINEAGE: &str =
    "SELECT token, ended, sequence, removed, floor FROM {schema}.head, {schema}.epochs ORDER BY number";

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

pub(super) use crate::store::columns::corrupt;
