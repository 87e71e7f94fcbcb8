//! Points in time and days, as RFC 3339 text.
//!
//! Text, not a calendar library's type: `JSON.parse` hands a page text, nothing here counts days, and a page
//! that downloads this check should not download a calendar (`jiff` in the same places: 37 kB of gzipped wasm
//! more, where the whole client may cost 40). What is read is written back unchanged, so an
//! `updated_at` that comes back from a page equals the one it was sent.

use std::{fmt, str::FromStr};

use protocol::Shape;
use serde::{Deserialize, Serialize};

/// A point in time: an RFC 3339 `date-time` such as `2026-11-23T10:15:00Z`, kept as it was written.
///
/// Equal instants written differently are different values.
///
/// # Example
/// ```
/// use tidings_bindings::Timestamp;
///
/// assert_eq!(Timestamp::from_unix_millis(1_795_774_500_042).as_str(), "2026-11-27T10:15:00.042Z");
/// assert!("2026-11-23T10:15:00.5+01:00".parse::<Timestamp>().is_ok());
/// assert!("2026-11-23 10:15".parse::<Timestamp>().is_err());
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(type = "string"))]
pub struct Timestamp(String);

/// A day without a time: an RFC 3339 `full-date` such as `2026-11-23`.
///
/// # Example
/// ```
/// use tidings_bindings::CalendarDate;
///
/// assert!("2028-02-29".parse::<CalendarDate>().is_ok());
/// assert!("2026-02-29".parse::<CalendarDate>().is_err());
/// ```
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(type = "string"))]
pub struct CalendarDate(String);

/// A text that is not the date it should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an rfc 3339 date")]
pub struct InvalidDate;

impl Timestamp {
    /// The time `millis` milliseconds after the Unix epoch, in UTC, with exactly three places after the point:
    /// values made here sort as text in the order of time, up to the year 9999, where they stay.
    pub fn from_unix_millis(millis: u64) -> Self {
        const END: u64 = 253_402_300_799_999;
        let millis = millis.min(END);
        let (days, rest) = (millis / 86_400_000, millis % 86_400_000);
        let (year, month, day) = civil(days);
        let (seconds, millis) = (rest / 1_000, rest % 1_000);
        let (hour, minute, second) = (seconds / 3_600, seconds / 60 % 60, seconds % 60);
        Self(format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{millis:03}Z"))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl CalendarDate {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Year, month and day of a day since 1970-01-01, after Howard Hinnant's `civil_from_days`.
const fn civil(days: u64) -> (u64, u64, u64) {
    let z = days + 719_468;
    let day_of_era = z % 146_097;
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    let year = year_of_era + z / 146_097 * 400 + if month <= 2 { 1 } else { 0 };
    (year, month, day)
}

/// The number that these digits are, if it lies within the bounds.
fn number(digits: &[u8], from: u32, to: u32) -> Option<u32> {
    let mut value = 0;
    for digit in digits {
        if !digit.is_ascii_digit() {
            return None;
        }
        value = value * 10 + u32::from(digit - b'0');
    }
    (from..=to).contains(&value).then_some(value)
}

fn is_full_date(text: &str) -> bool {
    is_day(text.as_bytes())
}

fn is_day(text: &[u8]) -> bool {
    fn read(text: &[u8]) -> Option<()> {
        let [y0, y1, y2, y3, b'-', m0, m1, b'-', d0, d1] = *text else { return None };
        let year = number(&[y0, y1, y2, y3], 0, 9999)?;
        let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
        let days = match number(&[m0, m1], 1, 12)? {
            2 if leap => 29,
            2 => 28,
            4 | 6 | 9 | 11 => 30,
            _ => 31,
        };
        number(&[d0, d1], 1, days).map(drop)
    }
    read(text).is_some()
}

/// Hours and minutes as `hh:mm`.
fn is_clock(text: &[u8]) -> bool {
    let [h0, h1, b':', m0, m1] = *text else { return false };
    number(&[h0, h1], 0, 23).is_some() && number(&[m0, m1], 0, 59).is_some()
}

/// RFC 3339, section 5.6; a leap second is allowed in every minute.
fn is_date_time(text: &str) -> bool {
    let Some((date, rest)) = text.as_bytes().split_at_checked(10) else { return false };
    let Some((b'T' | b't', rest)) = rest.split_first() else { return false };
    let Some((clock, rest)) = rest.split_at_checked(5) else { return false };
    let [b':', s0, s1, rest @ ..] = rest else { return false };
    let zone = match rest {
        [b'.', fraction @ ..] => {
            let digits = fraction.iter().take_while(|byte| byte.is_ascii_digit()).count();
            // Nine places are nanoseconds; no clock needs more, and the text stays bounded.
            if !(1..=9).contains(&digits) {
                return false;
            }
            &fraction[digits..]
        }
        _ => rest,
    };
    let zoned = match zone {
        [b'Z' | b'z'] => true,
        [b'+' | b'-', offset @ ..] => is_clock(offset),
        _ => false,
    };
    is_day(date) && is_clock(clock) && number(&[*s0, *s1], 0, 60).is_some() && zoned
}

macro_rules! checked_text {
    ($type:ident, $check:ident, $expected:literal) => {
        impl $type {
            /// What it looks like in JSON.
            pub const SHAPE: Shape = Shape::Checked { expected: $expected, is_valid: $check };
        }

        impl TryFrom<String> for $type {
            type Error = InvalidDate;

            fn try_from(text: String) -> Result<Self, InvalidDate> {
                if $check(&text) { Ok(Self(text)) } else { Err(InvalidDate) }
            }
        }

        impl FromStr for $type {
            type Err = InvalidDate;

            fn from_str(text: &str) -> Result<Self, InvalidDate> {
                Self::try_from(text.to_owned())
            }
        }

        impl From<$type> for String {
            fn from(value: $type) -> Self {
                value.0
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

checked_text!(Timestamp, is_date_time, "an rfc 3339 date-time");
checked_text!(CalendarDate, is_full_date, "an rfc 3339 full-date");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc_3339_is_read_and_kept_as_written() {
        for text in [
            "2026-11-23T10:15:00Z",
            "2026-11-23t10:15:00z",
            "2026-11-23T10:15:00.123456789+05:30",
            "2016-12-31T23:59:60Z",
            "2000-02-29T00:00:00-00:00",
        ] {
            assert_eq!(text.parse::<Timestamp>().map(String::from), Ok(text.to_owned()));
        }
    }

    #[test]
    fn what_rfc_3339_does_not_allow_is_refused() {
        for text in [
            "",
            "2026-11-23",
            "2026-11-23T10:15Z",
            "2026-11-23T10:15:00",
            "2026-11-23 10:15:00Z",
            "2026-11-23T24:00:00Z",
            "2026-11-23T10:60:00Z",
            "2026-11-23T10:15:61Z",
            "2026-13-01T10:15:00Z",
            "2100-02-29T10:15:00Z",
            "2026-11-31T10:15:00Z",
            "2026-11-00T10:15:00Z",
            "2026-11-23T10:15:00.Z",
            "2026-11-23T10:15:00.1234567890Z",
            "2026-11-23T10:15:00+1:00",
            "2026-11-23T10:15:00+24:00",
            "2026-11-23T10:15:00ZZ",
            "+026-11-23T10:15:00Z",
            "2026-11-2éT10:15:00Z",
        ] {
            assert_eq!(text.parse::<Timestamp>(), Err(InvalidDate), "{text}");
        }
        for text in ["", "2026-11-23T00:00:00Z", "2026-11-3", "2026-04-31", "20261123"] {
            assert_eq!(text.parse::<CalendarDate>(), Err(InvalidDate), "{text}");
        }
    }

    #[test]
    fn milliseconds_become_text_in_the_order_of_time() {
        for (millis, text) in [
            (0, "1970-01-01T00:00:00.000Z"),
            (951_782_400_000, "2000-02-29T00:00:00.000Z"),
            (951_868_799_999, "2000-02-29T23:59:59.999Z"),
            (951_868_800_000, "2000-03-01T00:00:00.000Z"),
            (4_102_444_799_001, "2099-12-31T23:59:59.001Z"),
            (u64::MAX, "9999-12-31T23:59:59.999Z"),
        ] {
            let timestamp = Timestamp::from_unix_millis(millis);
            assert_eq!(timestamp.as_str(), text);
            assert!(is_date_time(timestamp.as_str()));
        }
    }

    #[test]
    fn every_day_of_four_centuries_is_a_day_and_later_than_the_one_before() {
        let mut before = String::new();
        for day in 0..146_097 {
            let text = Timestamp::from_unix_millis(day * 86_400_000).0;
            assert!(is_date_time(&text) && before < text, "{before} {text}");
            before = text;
        }
        assert_eq!(before, "2369-12-31T00:00:00.000Z");
    }
}
