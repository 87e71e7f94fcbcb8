//! `null` that must be said: a field that is always there, with or without a value.

use serde::{Deserialize, Deserializer};

/// Reads a field that may be `null` but not absent. (serde alone reads an absent `Option` as `None`, which the
/// TypeScript `field: T | null` does not allow.)
pub(crate) fn nullable<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    Option::deserialize(deserializer)
}
