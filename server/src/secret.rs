//! The hub's secret: what says "the same user" or "the same groups" to a client without saying which.

use hmac::{Hmac, Mac};
use sha2::Sha256;

use crate::random::hex;

/// 256 bits made once and kept in the store, the same for all instances and runs of a hub.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret([u8; 32]);

impl Secret {
    /// A secret from its bits.
    pub const fn new(bits: [u8; 32]) -> Self {
        Self(bits)
    }

    /// The bits, for a store to keep.
    pub const fn bits(&self) -> &[u8; 32] {
        &self.0
    }

    /// A keyed hash of 128 bits of `parts`; `purpose` keeps hashes of different kinds apart.
    pub(crate) fn digest<'a>(&self, purpose: &str, parts: impl IntoIterator<Item = &'a str>) -> String {
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&self.0) else {
            unreachable!("HMAC takes keys of any length")
        };
        mac.update(purpose.as_bytes());
        for part in parts {
            mac.update(&(part.len() as u64).to_le_bytes());
            mac.update(part.as_bytes());
        }
        hex(&mac.finalize().into_bytes()[..16])
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(..)")
    }
}
