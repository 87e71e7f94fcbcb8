//! The id of an entity: a UUID.
//!
//! Not the `uuid` crate's: every line of this crate is downloaded by every page, and all a page does with an id
//! is to compare it (`uuid::Uuid` in the same places: 1.6 kB of gzipped wasm more). `Id::from_u128(uuid.as_u128())` leads here, `Uuid::from_u128(id.as_u128())` back.

use std::{fmt, str::FromStr};

use protocol::Shape;
use serde::{Deserialize, Serialize, Serializer};

/// The id of an entity, a UUID; as text hyphenated and in lower case, read in either case.
///
/// # Example
/// ```
/// use tidings_bindings::Id;
///
/// let id: Id = "0192F8A0-7c3e-7000-8000-00000000002a".parse()?;
/// assert_eq!(id.to_string(), "0192f8a0-7c3e-7000-8000-00000000002a");
/// assert!("42".parse::<Id>().is_err());
/// # Ok::<(), tidings_bindings::InvalidId>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(try_from = "String")]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(type = "string"))]
pub struct Id(u128);

/// A text that is not a hyphenated UUID.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a uuid")]
pub struct InvalidId;

/// Where the hyphens of a UUID stand (RFC 9562, section 4).
const HYPHENS: [usize; 4] = [8, 13, 18, 23];

impl Id {
    /// What an id looks like in JSON.
    pub const SHAPE: Shape = Shape::Checked { expected: "a uuid", is_valid: is_uuid };

    /// The id with these 128 bits.
    pub const fn from_u128(bits: u128) -> Self {
        Self(bits)
    }

    /// The 128 bits of this id.
    pub const fn as_u128(self) -> u128 {
        self.0
    }
}

impl FromStr for Id {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        if !is_uuid(text) {
            return Err(InvalidId);
        }
        let digits = text.chars().filter_map(|digit| digit.to_digit(16));
        Ok(Self(digits.fold(0, |bits, digit| bits << 4 | u128::from(digit))))
    }
}

fn is_uuid(text: &str) -> bool {
    let fits = |(place, byte): (usize, u8)| {
        if HYPHENS.contains(&place) { byte == b'-' } else { byte.is_ascii_hexdigit() }
    };
    text.len() == 36 && text.bytes().enumerate().all(fits)
}

impl TryFrom<String> for Id {
    type Error = InvalidId;

    fn try_from(text: String) -> Result<Self, InvalidId> {
        text.parse()
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let part = |from: u32, digits: u32| self.0 >> (128 - 4 * (from + digits)) & ((1 << (4 * digits)) - 1);
        write!(
            f,
            "{:08x}-{:04x}-{:04x}-{:04x}-{:012x}",
            part(0, 8),
            part(8, 4),
            part(12, 4),
            part(16, 4),
            part(20, 12)
        )
    }
}

impl fmt::Debug for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for Id {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_and_bits_are_the_same_id() {
        let text = "01234567-89ab-cdef-0123-456789abcdef";
        let id: Id = text.parse().expect("a uuid");
        assert_eq!(id.as_u128(), 0x0123_4567_89ab_cdef_0123_4567_89ab_cdef);
        assert_eq!(id.to_string(), text);
        assert_eq!(Id::from_u128(u128::MAX).to_string(), "ffffffff-ffff-ffff-ffff-ffffffffffff");
    }

    #[test]
    fn what_is_no_uuid_is_refused() {
        for text in [
            "",
            "01234567-89ab-cdef-0123-456789abcde",
            "01234567-89ab-cdef-0123-456789abcdef0",
            "0123456789abcdef0123456789abcdef",
            "01234567-89ab-cdef-0123-456789abcdeg",
            "012345678-9ab-cdef-0123-456789abcdef",
            "01234567089ab-cdef-0123-456789abcdef",
            "{1234567-89ab-cdef-0123-456789abcde}",
            "01234567-89ab-cdef-0123-456789abcdé",
        ] {
            assert_eq!(text.parse::<Id>(), Err(InvalidId), "{text}");
        }
    }
}
