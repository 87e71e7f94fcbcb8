//! Lengths of time as people write them.

use std::time::Duration;

/// `250ms`, `10s`, `5m`, `1h`; a number alone is seconds.
pub(crate) fn parse(text: &str) -> Result<Duration, String> {
    let digits = text.find(|char: char| !char.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let number: u64 =
        number.parse().map_err(|_| format!("{text:?} is no length of time, as in 250ms, 10s, 5m"))?;
    let millis = match unit {
        "ms" => 1,
        "s" | "" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        _ => return Err(format!("{unit:?} is no unit of time: use ms, s, m or h")),
    };
    // A year is for ever here, and keeps every sum of times within bounds.
    let millis = number.checked_mul(millis).filter(|millis| *millis <= 366 * 24 * 3_600_000);
    millis.map(Duration::from_millis).ok_or_else(|| format!("{text} is longer than a year"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_of_time_are_read_with_their_unit() {
        for (text, millis) in
            [("250ms", 250), ("10s", 10_000), ("10", 10_000), ("5m", 300_000), ("1h", 3_600_000)]
        {
            assert_eq!(parse(text), Ok(Duration::from_millis(millis)), "{text}");
        }
        for text in ["", "s", "1d", "-1s", "1.5s", "99999999999999999999s", "9999999h"] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
