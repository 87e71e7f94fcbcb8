//! The time of a change, each later than the one before.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::{SystemTime, UNIX_EPOCH},
};

use serde::Deserialize;
use tidings_bindings::{InvalidDate, Timestamp};
use time::{OffsetDateTime, UtcOffset, format_description::well_known::Rfc3339};

/// A clock that never tells the same millisecond twice: `updated_at` names a version, and two changes in one
/// millisecond are two versions.
#[derive(Debug, Default)]
pub(crate) struct Clock {
    /// What was told last.
    last_millis: AtomicU64,
}

impl Clock {
    /// Now, or a millisecond after what was told last.
    pub(crate) fn now(&self) -> Timestamp {
        let now = unix_millis();
        let last = self
            .last_millis
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |last| Some(now.max(last.saturating_add(1))));
        Timestamp::from_unix_millis(now.max(last.unwrap_or(0).saturating_add(1)))
    }
}

/// Milliseconds since 1970; 0 on a machine whose clock stands before that.
pub(crate) fn unix_millis() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |elapsed| u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX))
}

/// A time as a client writes it, in its own zone or as a day; kept in UTC, so that one instant is one text.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct When(pub(crate) Timestamp);

impl TryFrom<String> for When {
    type Error = InvalidDate;

    fn try_from(text: String) -> Result<Self, InvalidDate> {
        lenient(&text).map(Self).ok_or(InvalidDate)
    }
}

/// A day or a point in time, in UTC; without a zone it is taken as UTC.
fn lenient(text: &str) -> Option<Timestamp> {
    let full = match text.len() {
        10 => format!("{text}T00:00:00Z"),
        _ => text.to_owned(),
    };
    let instant = OffsetDateTime::parse(&full, &Rfc3339)
        .or_else(|_| OffsetDateTime::parse(&format!("{full}Z"), &Rfc3339))
        .ok()?;
    let utc = instant.checked_to_offset(UtcOffset::UTC)?;
    let (date, time) = (utc.date(), utc.time());
    // A year of another length than four digits is no timestamp; parsing says so.
    let (year, month, day) = (date.year(), u8::from(date.month()), date.day());
    let (hour, minute, second, millis) = time.as_hms_milli();
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{millis:03}Z").parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_times_are_equal_and_text_sorts_as_time() {
        let clock = Clock::default();
        let times: Vec<_> = (0..1_000).map(|_| clock.now().to_string()).collect();
        assert!(times.windows(2).all(|pair| pair[0] < pair[1]));
    }

    #[test]
    fn days_zones_and_naive_times_become_utc() {
        for (text, utc) in [
            ("2026-11-23", Some("2026-11-23T00:00:00.000Z")),
            ("2026-11-23T10:15:00", Some("2026-11-23T10:15:00.000Z")),
            ("2026-11-23T10:15:00.5+01:00", Some("2026-11-23T09:15:00.500Z")),
            ("0000-01-01", Some("0000-01-01T00:00:00.000Z")),
            ("0000-01-01T00:00:00+01:00", None),
            ("1969-12-31T23:59:59.9999Z", Some("1969-12-31T23:59:59.999Z")),
            ("9999-12-31T23:59:59-12:00", None),
            ("tomorrow", None),
            ("", None),
        ] {
            assert_eq!(lenient(text).as_ref().map(Timestamp::as_str), utc, "{text}");
        }
    }
}
