//! Why a value is not of the type it should be, in as little wasm as a reason can have.

use std::{cell::RefCell, fmt};

use serde::de::{Expected, Unexpected};

thread_local! {
    /// What the last [`Mismatch`] says.
    static REASON: RefCell<String> = const { RefCell::new(String::new()) };
}

/// Why a value is not of the type it should be.
///
/// It carries nothing: what is said lies beside it, since every type of a contract passes it on and the room for a
/// text in each of these places makes an eighth of the wasm.
#[derive(Debug)]
pub(crate) struct Mismatch(());

impl Mismatch {
    #[inline(never)]
    pub(crate) fn say(parts: &[&str]) -> Self {
        REASON.set(parts.concat());
        Self(())
    }

    pub(crate) fn expected(expected: &dyn Expected) -> Self {
        Self::say(&["expected ", &expected.to_string()])
    }

    /// The same, said of a field of what is being read.
    pub(crate) fn within(self, name: &str) -> Self {
        Self::say(&[name, ": ", &self.reason()])
    }

    /// The text; said once.
    pub(crate) fn reason(&self) -> String {
        REASON.take()
    }
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.reason())
    }
}

impl std::error::Error for Mismatch {}

/// What was met is left out of each: it may be private, and formatting it costs 10 kB of wasm.
impl serde::de::Error for Mismatch {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self::say(&[&message.to_string()])
    }

    fn invalid_type(_: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::expected(expected)
    }

    fn invalid_value(_: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::expected(expected)
    }

    fn invalid_length(_: usize, expected: &dyn Expected) -> Self {
        Self::expected(expected)
    }

    fn unknown_variant(_: &str, _: &'static [&'static str]) -> Self {
        Self::say(&["unknown variant"])
    }

    fn unknown_field(_: &str, _: &'static [&'static str]) -> Self {
        Self::say(&["unknown field"])
    }

    fn missing_field(name: &'static str) -> Self {
        Self::say(&["missing field ", name])
    }

    fn duplicate_field(name: &'static str) -> Self {
        Self::say(&["duplicate field ", name])
    }
}
