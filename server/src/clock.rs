//! The hub's clock: Unix time, and its text in `meta.at`.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use protocol::Time;
use tokio::time::Instant;

/// Unix milliseconds: the system's, but never behind the monotonic clock since the start, so that a system
/// clock that is set back stops no trimming, and tests can move it. Never behind the system's either, so
/// that credentials issued before a revocation are so by both clocks, after a suspend and a step of NTP too.
#[derive(Debug, Clone, Copy)]
pub struct Clock {
    origin: Instant,
    origin_unix: Duration,
}

impl Clock {
    /// A clock that starts at the system's time.
    pub fn start() -> Self {
        Self { origin: Instant::now(), origin_unix: system() }
    }

    /// Now, in Unix milliseconds.
    pub fn now(&self) -> Time {
        Time::from_millis(0) + system().max(self.origin_unix + self.origin.elapsed())
    }

    /// How long until `time`; nothing when it has passed.
    pub(crate) fn until(&self, time: SystemTime) -> Duration {
        unix_time(time).since(self.now())
    }
}

fn system() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

/// A system time as the core counts.
pub(crate) fn unix_time(time: SystemTime) -> Time {
    Time::from_millis(0) + time.duration_since(UNIX_EPOCH).unwrap_or_default()
}

/// RFC 3339 in UTC with milliseconds, in ASCII. The calendar is Howard Hinnant's `civil_from_days`.
pub(crate) fn rfc3339(time: Time) -> [u8; 24] {
    let millis = time.as_millis();
    let (days, in_day) = (millis / 86_400_000, millis % 86_400_000);
    let since_march_0000 = days + 719_468;
    let era = since_march_0000 / 146_097;
    let day_of_era = since_march_0000 % 146_097;
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    let year = year_of_era + era * 400 + u64::from(month <= 2);
    let (hours, minutes) = (in_day / 3_600_000, in_day / 60_000 % 60);
    let (seconds, millis) = (in_day / 1_000 % 60, in_day % 1_000);
    // By hand, since every send says when it was.
    let mut text = *b"0000-00-00T00:00:00.000Z";
    let ends = [(year, 4), (month, 7), (day, 10), (hours, 13), (minutes, 16), (seconds, 19), (millis, 23)];
    for (mut number, mut at) in ends {
        while number > 0 && at > 0 {
            at -= 1;
            text[at] = b'0' + u8::try_from(number % 10).unwrap_or_default();
            number /= 10;
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_as_rfc_3339() {
        for (millis, text) in [
            (0, "1970-01-01T00:00:00.000Z"),
            (951_782_400_000, "2000-02-29T00:00:00.000Z"),
            (1_795_392_123_456, "2026-11-23T00:02:03.456Z"),
            (4_107_542_399_999, "2100-02-28T23:59:59.999Z"),
        ] {
            assert_eq!(rfc3339(Time::from_millis(millis)), text.as_bytes());
        }
    }
}
